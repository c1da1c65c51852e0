/*
 * swap-reads KEYS: reads and lists what swap-counts writes meanwhile, for the same identity: the
 * count of a key never goes back, two keys that are written by one batch are never behind
 * what was seen, and a walk through all keys sees each that lasts once.
 */
#include "swap.h"

static uint32_t key_count, *last;
static uint64_t steps, walks, moved;

static S(key_t) key_of(uint32_t k)
{
    static char text[64][16];
    static unsigned turn;
    char *at = text[turn++ % 64];
    snprintf(at, sizeof text[0], "k%06u", (unsigned)k);
    return TEXT(S(key_t), at);
}

static void read_some(bucket_t h)
{
    enum { SOME = 32 };
    S(key_t) keys[SOME];
    uint32_t places[SOME];
    for (int i = 0; i < SOME; i++) {
        places[i] = draw() % key_count;
        keys[i] = key_of(places[i]);
    }
    S(list_key_t) list = {keys, SOME};
    S(list_option_entry_t) all;
    if (!METHOD(get_many)(h, &list, &all, &store_error))
        store_failed("get-many");
    for (int i = 0; i < SOME; i++) {
        char text[16];
        if (!all.ptr[i].is_some)
            wrong("k%06u is not there", (unsigned)places[i]);
        snprintf(text, sizeof text, "%.*s", (int)all.ptr[i].val.value.len,
                 (char *)all.ptr[i].val.value.ptr);
        uint32_t n = (uint32_t)strtoul(text, NULL, 10);
        if (n < last[places[i]])
            wrong("k%06u went back from %u to %u", (unsigned)places[i], (unsigned)last[places[i]],
                  (unsigned)n);
        moved += n - last[places[i]];
        last[places[i]] = n;
    }
    S(list_option_entry_free)(&all);
}

/* All of them, some pages of any size. */
static void walk(bucket_t h)
{
    storage_list_u8_t prefix = TEXT(storage_list_u8_t, "k");
    S(key_t) cursor = {0};
    uint32_t due = 0;
    do {
        S(key_page_t) page;
        if (!METHOD(list_keys)(h, &prefix, cursor.ptr ? &cursor : NULL, draw() % 1024, &page,
                               &store_error))
            store_failed("list-keys");
        for (size_t i = 0; i < page.keys.len; i++)
            if (page.keys.ptr[i].len == 7) { /* the one that comes and goes has 8 */
                if (memcmp(page.keys.ptr[i].ptr, key_of(due).ptr, 7) != 0)
                    wrong("a walk came to %.7s, and %u was due", (char *)page.keys.ptr[i].ptr,
                          (unsigned)due);
                due++;
            }
        free(cursor.ptr);
        cursor = page.cursor.is_some ? page.cursor.val : (S(key_t)){0};
        S(list_key_free)(&page.keys);
    } while (cursor.ptr && !control_stopped());
    if (!cursor.ptr && due != key_count)
        wrong("a walk ended at %u", (unsigned)due);
    walks += !cursor.ptr;
    free(cursor.ptr);
}

int main(int argc, char **argv)
{
    key_count = (uint32_t)strtoul(argument(argc, argv, 1, "1000"), NULL, 10);
    last = calloc(key_count, sizeof *last);
    S(own_bucket_t) own = open_bucket("keys");
    for (; !control_stopped(); steps++) {
        if (steps % 64 == 63)
            walk(S(borrow_bucket)(own));
        else
            read_some(S(borrow_bucket)(own));
    }
    S(bucket_drop_own)(own);
    report("steps", steps);
    report("walks", walks);
    report("moved", moved);
    return 0;
}
