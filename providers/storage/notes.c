/* providers/storage/notes.c: implements notes.h: a tree of buckets, each with a tree of keys. */
#include "providers/storage/notes.h"

#include <stdlib.h>
#include <uv/tree.h>

#include "providers/storage/store.h"

struct noted {
    RB_ENTRY(noted) node;
    lp_str key; /* behind this struct */
};
RB_HEAD(keys, noted);

struct place {
    RB_ENTRY(place) node;
    struct keys keys;
    lp_str identity, bucket; /* behind this struct */
};
RB_HEAD(places, place);

struct lp_store_notes {
    struct places places;
    size_t bytes;
    bool spoilt;
};

static int compare_noted(const struct noted *a, const struct noted *b)
{
    return lp_store_compare(a->key.ptr, a->key.len, b->key.ptr, b->key.len);
}

static int compare_places(const struct place *a, const struct place *b)
{
    int c = lp_store_compare(a->identity.ptr, a->identity.len, b->identity.ptr, b->identity.len);
    return c ? c : lp_store_compare(a->bucket.ptr, a->bucket.len, b->bucket.ptr, b->bucket.len);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
RB_GENERATE_STATIC(keys, noted, node, compare_noted)
RB_GENERATE_STATIC(places, place, node, compare_places)
#pragma GCC diagnostic pop

lp_store_notes *lp_store_notes_new(void)
{
    return lp_alloc(sizeof(lp_store_notes));
}

void lp_store_notes_delete(lp_store_notes *n)
{
    struct place *p;
    while (n && (p = RB_MIN(places, &n->places))) {
        struct noted *k;
        while ((k = RB_MIN(keys, &p->keys))) {
            RB_REMOVE(keys, &p->keys, k);
            free(k);
        }
        RB_REMOVE(places, &n->places, p);
        free(p);
    }
    free(n);
}

/* Freeing takes its time, and a lock is held: what was noted goes with `delete`. */
void lp_store_notes_spoil(lp_store_notes *n)
{
    n->spoilt = true;
}

bool lp_store_notes_spoilt(const lp_store_notes *n)
{
    return n->spoilt;
}

static lp_str copy(char **to, lp_str s)
{
    lp_str c = {memcpy(*to, s.ptr, s.len), s.len};
    *to += s.len;
    return c;
}

static struct place *place_of(lp_store_notes *n, lp_str identity, lp_str bucket)
{
    struct place like = {.identity = identity, .bucket = bucket};
    struct place *p = RB_FIND(places, &n->places, &like);
    if (p)
        return p;
    size_t size = sizeof *p + identity.len + bucket.len;
    p = lp_alloc(size);
    char *text = (char *)(p + 1);
    p->identity = copy(&text, identity);
    p->bucket = copy(&text, bucket);
    RB_INSERT(places, &n->places, p);
    n->bytes += size;
    return p;
}

void lp_store_note(lp_store_notes *n, lp_str identity, lp_str bucket, lp_str key)
{
    if (n->spoilt)
        return;
    struct place *p = place_of(n, identity, bucket);
    if (RB_FIND(keys, &p->keys, &(struct noted){.key = key}))
        return;
    struct noted *k = lp_alloc(sizeof *k + key.len);
    char *text = (char *)(k + 1);
    k->key = copy(&text, key);
    RB_INSERT(keys, &p->keys, k);
    n->bytes += sizeof *k + key.len;
    if (n->bytes > LP_MAX_STORE_NOTES)
        lp_store_notes_spoil(n);
}

loop_error *lp_store_notes_each(const lp_store_notes *n,
                                loop_error *(*f)(void *data, lp_str identity, lp_str bucket,
                                                 lp_str key),
                                void *data)
{
    struct places all = n->places;
    struct place *p;
    struct noted *k;
    RB_FOREACH(p, places, &all)
    RB_FOREACH(k, keys, &p->keys)
    LP_TRY(f(data, p->identity, p->bucket, k->key));
    return NULL;
}
