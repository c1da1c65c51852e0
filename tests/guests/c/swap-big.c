/*
 * swap-big BYTES [check]: writes values of up to BYTES under a few keys, and reads each back.
 * Reports how many it wrote, and a digest of what it wrote last; with `check`, of what is there.
 */
#include "swap.h"

enum { KEYS = 6 };

static bucket_t bucket;

static S(key_t) key_of(unsigned k)
{
    static char text[8];
    snprintf(text, sizeof text, "big%u", k);
    return TEXT(S(key_t), text);
}

/* Digest of a key's value; 0: not there. */
static uint64_t read(unsigned k)
{
    S(key_t) key = key_of(k);
    S(option_entry_t) e;
    if (!METHOD(get)(bucket, &key, &e, &store_error))
        store_failed("get");
    if (!e.is_some)
        return 0;
    uint64_t digest = mix(MIX_START, e.val.value.ptr, e.val.value.len);
    S(entry_free)(&e.val);
    return digest;
}

static uint64_t write(unsigned k, uint8_t *bytes, size_t most)
{
    S(key_t) key = key_of(k);
    S(value_t) value = {bytes, draw() % most + 1};
    S(version_t) version;
    uint32_t seed = draw();
    for (size_t i = 0; i < value.len; i++)
        bytes[i] = (uint8_t)(seed + i * 31 + (i >> 8));
    if (!METHOD(set)(bucket, &key, &value, &version, &store_error))
        store_failed("set");
    S(version_free)(&version);
    return mix(MIX_START, bytes, value.len);
}

int main(int argc, char **argv)
{
    static uint64_t digests[KEYS];
    size_t most = strtoul(argument(argc, argv, 1, "65536"), NULL, 10);
    uint8_t *bytes = malloc(most);
    uint64_t steps = 0, digest = MIX_START;
    S(own_bucket_t) own = open_bucket("big");
    bucket = S(borrow_bucket)(own);
    for (; argc < 3 && !control_stopped(); steps++) {
        unsigned k = (unsigned)(steps % KEYS);
        if (read(k) != digests[k])
            wrong("big%u is not what was written, step %llu", k, (unsigned long long)steps);
        digests[k] = write(k, bytes, most);
    }
    for (unsigned k = 0; k < KEYS; k++) {
        if (argc > 2)
            digests[k] = read(k);
        digest = mix(digest, &digests[k], sizeof digests[k]);
    }
    S(bucket_drop_own)(own);
    report("steps", steps);
    report("digest", digest);
    return 0;
}
