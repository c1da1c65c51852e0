/*
 * engine/cache.c: compiled components in the user's cache folder.
 *
 * A file's name is the BLAKE2b digest of the engine's settings and the
 * component's bytes, so that two components never share one: a digest that can
 * be forged would let one component's code run with another's grants. A file is
 * Wasmtime's serialized form with a trailer:
 *
 *     | serialized component ...            | length u64 | XXH3-128 | "loopcwa1" |
 *
 * The trailer catches corruption (the folder is the user's own, so a checksum
 * is enough); loading code from a folder that others can write to is refused.
 * Files are written beside and renamed, so concurrent writers and a full disk
 * leave nothing half-made. Whatever fails here, the component is compiled again.
 */
#include <sodium.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/os/os.h"
#include "engine/internal.h"

/* Part of the key: change it with any setting of engine.c that changes code. */
#define SETTINGS "loop cache 1, wasmtime " WASMTIME_VERSION ", epochs, addresses"
#define FOLDER "compiled"
#define PIECE (64 << 10)

static const char magic[8] = {'l', 'o', 'o', 'p', 'c', 'w', 'a', '1'};

struct trailer {
    uint64_t length;
    uint64_t low, high; /* XXH3-128 of the serialized component */
    char magic[8];
};
_Static_assert(sizeof(struct trailer) == 32, "the trailer has no padding");

static char *path_of(const lp_engine *e, const uint8_t *wasm, size_t len)
{
    unsigned char digest[32];
    char hex[sizeof digest * 2 + 1];
    crypto_generichash_state s;
    crypto_generichash_init(&s, NULL, 0, sizeof digest);
    crypto_generichash_update(&s, (const unsigned char *)SETTINGS, sizeof SETTINGS);
    crypto_generichash_update(&s, wasm, len);
    crypto_generichash_final(&s, digest, sizeof digest);
    sodium_bin2hex(hex, sizeof hex, digest, sizeof digest);
    return lp_format("%s/" FOLDER "/%s.cwasm", e->cache_dir, hex);
}

/* Whether the file is whole, read in pieces so that it need not fit in memory twice. */
static bool intact(const char *path)
{
    lp_os_reader *r = lp_os_reader_open(path);
    if (!r)
        return false;
    struct trailer t;
    uint64_t size = lp_os_reader_size(r);
    bool ok = size > sizeof t && lp_os_reader_at(r, size - sizeof t, &t, sizeof t) &&
              memcmp(t.magic, magic, sizeof magic) == 0 && t.length == size - sizeof t;
    XXH3_state_t *state = XXH3_createState();
    XXH3_128bits_reset(state);
    char *piece = lp_alloc(PIECE);
    for (uint64_t at = 0; ok && at < t.length;) {
        size_t n = (size_t)LP_MIN(t.length - at, (uint64_t)PIECE);
        ok = lp_os_reader_at(r, at, piece, n);
        XXH3_128bits_update(state, piece, n);
        at += n;
    }
    XXH128_hash_t h = XXH3_128bits_digest(state);
    XXH3_freeState(state);
    free(piece);
    lp_os_reader_close(r);
    return ok && h.low64 == t.low && h.high64 == t.high;
}

LOOP_PRINTF(2, 3) static void note(const lp_engine *e, const char *fmt, ...)
{
    if (!e->options.note)
        return;
    va_list ap;
    va_start(ap, fmt);
    lp_auto(lp_free_string) char *text = lp_vformat(fmt, ap);
    va_end(ap);
    e->options.note(e->options.data, text);
}

wasmtime_component_t *lp_cache_load(lp_engine *e, const uint8_t *wasm, size_t len)
{
    if (!e->cache_dir)
        return NULL;
    lp_auto(lp_free_string) char *folder = lp_format("%s/" FOLDER, e->cache_dir);
    if (!lp_os_is_private(folder))
        return NULL; /* not there yet, or not ours to trust: storing says why */
    lp_auto(lp_free_string) char *path = path_of(e, wasm, len);
    if (!intact(path))
        return NULL;
    wasmtime_component_t *c;
    wasmtime_error_t *err = wasmtime_component_deserialize_file(e->wasm, path, &c);
    if (!err)
        return c;
    wasmtime_error_delete(err); /* another processor, or settings: compile again */
    return NULL;
}

/* ---- keeping it small ---- */

struct kept {
    struct {
        struct file {
            char *name;
            uint64_t size, mtime_ns;
        } *at;
        size_t n, cap;
    } files;
    uint64_t total;
};

static void on_file(void *data, const char *name, uint64_t size, uint64_t mtime_ns)
{
    struct kept *k = data;
    *lp_push(&k->files) = (struct file){lp_strdup(name), size, mtime_ns};
    k->total += size;
}

static int by_age(const void *a, const void *b)
{
    const struct file *x = a, *y = b;
    return (x->mtime_ns > y->mtime_ns) - (x->mtime_ns < y->mtime_ns);
}

/* Removes the oldest files until the rest fits. Another process may do the same: fine. */
static void prune(const char *folder)
{
    struct kept k = {0};
    lp_os_each_file(folder, on_file, &k);
    if (k.total > LP_MAX_CACHE_BYTES)
        qsort(k.files.at, k.files.n, sizeof *k.files.at, by_age);
    for (size_t i = 0; i < k.files.n; i++) {
        if (k.total > LP_MAX_CACHE_BYTES) {
            lp_auto(lp_free_string) char *path = lp_format("%s/%s", folder, k.files.at[i].name);
            lp_os_remove(path);
            k.total -= k.files.at[i].size;
        }
        free(k.files.at[i].name);
    }
    free(k.files.at);
}

/* ---- storing ---- */

static loop_error *write_file(lp_engine *e, const char *folder, const uint8_t *wasm, size_t len,
                              wasmtime_component_t *c)
{
    LP_TRY(lp_os_mkdirs(folder));
    if (!lp_os_is_private(folder))
        return loop_error_new(LOOP_IO, "others can write to '%s', or it is not yours; chmod 700 it",
                              folder);
    wasm_byte_vec_t v = {0};
    wasmtime_error_t *failed = wasmtime_component_serialize(c, &v);
    if (failed)
        return lp_error_of(failed);
    XXH128_hash_t h = XXH3_128bits(v.data, v.size);
    struct trailer t = {.length = v.size, .low = h.low64, .high = h.high64};
    memcpy(t.magic, magic, sizeof magic);
    lp_buf file = {0};
    lp_buf_add(&file, v.data, v.size);
    lp_buf_add(&file, &t, sizeof t);
    wasm_byte_vec_delete(&v);
    lp_auto(lp_free_string) char *path = path_of(e, wasm, len);
    loop_error *err = lp_os_write_atomic(path, file.ptr, file.len, 0600);
    lp_buf_done(&file);
    prune(folder);
    return err;
}

void lp_cache_store(lp_engine *e, const uint8_t *wasm, size_t len, wasmtime_component_t *c)
{
    if (!e->cache_dir)
        return;
    lp_auto(lp_free_string) char *folder = lp_format("%s/" FOLDER, e->cache_dir);
    lp_auto(lp_free_error) loop_error *err = write_file(e, folder, wasm, len, c);
    if (!err)
        return;
    const loop_error *cause = loop_error_cause(err);
    note(e,
         "the compiled component is not kept: %s%s%s; every start compiles again until "
         "LOOP_CACHE_DIR names a folder that can be written",
         loop_error_message(err), cause ? ": " : "", cause ? loop_error_message(cause) : "");
}
