/*
 * providers/storage/swap_test.c: what a swap promises of stores (wit/storage/state.wit), for
 * every pair of them.
 *
 * Content is drawn; STORE_SEED begins elsewhere. What a store holds is read through its calls,
 * as a component would, and compared with the other store or with a plain array.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <signal.h>

#include "base/os/os.h"
#include "base/stream.h"
#include "providers/storage/fixture_test.h"
#include "providers/storage/front.h"

#define IDENTITIES 3
static const char *const identities[IDENTITIES] = {"a", "ab", "publisher/b\xc3\xa4r"};
static uint64_t seed = 11;

static uint32_t draw_from(uint64_t *s, uint32_t below)
{
    *s = *s * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*s >> 33) % below;
}

static uint32_t draw(uint32_t below)
{
    return draw_from(&seed, below);
}

typedef struct pair {
    fixture *old, *new;
    lp_arena arena;
} pair;

static lp_store_caller who_is(pair *p, const char *identity)
{
    return caller(identity, 256 << 20, &p->arena);
}

/* ---- what a store holds ---- */

static loop_list_string buckets_of(lp_store *s, const lp_store_caller *who)
{
    loop_list_string names = {0};
    assert_null(s->engine->buckets(s, who, &names));
    return names;
}

static lp_str str(loop_string s)
{
    return (lp_str){s.ptr, s.len};
}

/* All keys of a bucket are the same in both. Returns how many. */
static size_t same_bucket(lp_store *a, lp_store *b, const lp_store_caller *who, lp_str bucket)
{
    loop_storage_store_option_key cursor = {0};
    size_t n = 0;
    do {
        loop_storage_store_key_page x = {0}, y = {0};
        assert_null(lp_store_list(a, who, bucket, bytes_of(""), &cursor, 0, &x));
        assert_null(lp_store_list(b, who, bucket, bytes_of(""), &cursor, 0, &y));
        assert_int_equal(x.keys.len, y.keys.len);
        for (size_t i = 0; i < x.keys.len; i++, n++) {
            loop_storage_store_key k = x.keys.ptr[i];
            option_entry u = {0}, v = {0};
            assert_null(lp_store_get(a, who, bucket, k, &u));
            assert_null(lp_store_get(b, who, bucket, k, &v));
            assert_true(u.is_some && v.is_some);
            loop_list_u8 m = u.value.value, w = v.value.value;
            assert_int_equal(lp_store_compare(m.ptr, m.len, w.ptr, w.len), 0);
            assert_true(lp_str_eq(str(u.value.version), str(v.value.version)));
        }
        assert_int_equal(x.cursor.is_some, y.cursor.is_some);
        cursor = x.cursor;
    } while (cursor.is_some);
    return n;
}

static size_t same_stores(pair *p, lp_store *a, lp_store *b, const char *const *who, size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        lp_store_caller c = who_is(p, who[i]);
        loop_list_string x = buckets_of(a, &c), y = buckets_of(b, &c);
        loop_storage_store_usage u = {0}, v = {0};
        assert_int_equal(x.len, y.len);
        for (size_t k = 0; k < x.len; k++) {
            assert_true(lp_str_eq(str(x.ptr[k]), str(y.ptr[k])));
            n += same_bucket(a, b, &c, str(x.ptr[k]));
        }
        assert_null(lp_store_usage(a, &c, &u));
        assert_null(lp_store_usage(b, &c, &v));
        assert_int_equal(u.bytes_used, v.bytes_used);
    }
    lp_arena_reset(&p->arena, 1 << 20);
    return n;
}

static bool is_empty(pair *p, lp_store *s)
{
    for (size_t i = 0; i < IDENTITIES; i++) {
        lp_store_caller c = who_is(p, identities[i]);
        loop_storage_store_usage u = {0};
        assert_null(lp_store_usage(s, &c, &u));
        if (buckets_of(s, &c).len || u.bytes_used)
            return false;
    }
    return true;
}

static void write_key(pair *p, lp_store *s, const char *identity, const char *bucket,
                      loop_list_u8 key, loop_list_u8 value)
{
    lp_store_caller c = who_is(p, identity);
    loop_string version;
    assert_null(lp_store_set(s, &c, lp_str_of(bucket), key, value, &version));
}

/* A sync each takes its time: many keys a write. */
static void apply_all(pair *p, lp_store *s, const char *identity, const char *bucket, operation *o,
                      size_t n)
{
    lp_store_caller c = who_is(p, identity);
    loop_storage_store_batch_outcome r = {0};
    assert_null(
        lp_store_apply(s, &c, lp_str_of(bucket), (loop_storage_store_list_operation){o, n}, &r));
    assert_int_equal(r.tag, LOOP_STORAGE_STORE_BATCH_OUTCOME_APPLIED);
}

/* A key and a value of any bytes and size; the key begins with `number`. */
static operation random_set(pair *p, uint8_t number)
{
    size_t key_len = 1 + draw(draw(20) ? 12 : 1024), len = draw(draw(30) ? 300 : 100000);
    uint8_t *key = lp_arena_alloc(&p->arena, key_len), *value = lp_arena_alloc(&p->arena, len + 1);
    for (size_t k = 0; k < key_len; k++)
        key[k] = (uint8_t)draw(256);
    key[0] = number;
    memset(value, (int)draw(256), len);
    operation o = {.key = {key, key_len}, .change.tag = LOOP_STORAGE_STORE_CHANGE_SET};
    o.change.of.set = (loop_list_u8){value, len};
    return o;
}

static void fill_store(pair *p, lp_store *s, unsigned keys)
{
    static const char *const buckets[] = {"b", "-", "a.b", "zz"};
    for (unsigned done = 0; done < keys;) {
        operation o[40];
        unsigned n = LP_MIN(1 + draw(40), keys - done), from = draw(256);
        for (unsigned i = 0; i < n; i++)
            o[i] = random_set(p, (uint8_t)(from + i));
        apply_all(p, s, identities[draw(IDENTITIES)], buckets[draw(4)], o, n);
        lp_arena_reset(&p->arena, 1 << 20);
        done += n;
    }
}

static void check_code(loop_error *e, loop_code code)
{
    if (loop_error_code(e) != code)
        fail_msg("%s", e ? loop_error_message(e) : "no error");
    loop_error_delete(e);
}

/* ---- whole ---- */

static void all_of_it_is_there_afterwards(void **state)
{
    pair *p = *state;
    fill_store(p, p->old->store, 400);
    write_key(p, p->old->store, "a", "big", bytes_of("k"), fill(p->old, 16 << 20, 'v'));
    assert_null(lp_store_quiesce(p->old->store));
    assert_null(hand_over(p->old->store, p->new->store, LOOP_PASS_WHOLE));
    assert_true(same_stores(p, p->old->store, p->new->store, identities, IDENTITIES) > 300);
    fixture_reopen(p->new); /* it lasts */
    same_stores(p, p->old->store, p->new->store, identities, IDENTITIES);
}

static void nothing_can_be_handed_over_too(void **state)
{
    pair *p = *state;
    assert_null(hand_over(p->old->store, p->new->store, LOOP_PASS_WHOLE));
    assert_true(is_empty(p, p->new->store));
    assert_null(hand_over(p->old->store, p->new->store, LOOP_PASS_COPY));
    write_key(p, p->old->store, "a", "b", bytes_of("k"), bytes_of("v"));
    assert_null(hand_over(p->old->store, p->new->store, LOOP_PASS_REST));
    same_stores(p, p->old->store, p->new->store, identities, IDENTITIES);
}

/* A quota is for writes: what was stored is carried, and may be tidied up. */
static void what_is_over_a_quota_is_carried(void **state)
{
    pair *p = *state;
    write_key(p, p->old->store, "a", "b", bytes_of("k"), bytes_of("more than 10 bytes"));
    assert_null(hand_over(p->old->store, p->new->store, LOOP_PASS_WHOLE));
    lp_store_caller small = caller("a", 10, &p->arena);
    loop_string version;
    bool was;
    check_code(lp_store_set(p->new->store, &small, BUCKET, bytes_of("l"), bytes_of(""), &version),
               LOOP_LIMIT);
    assert_null(lp_store_delete(p->new->store, &small, BUCKET, bytes_of("k"), &was));
    assert_true(was);
}

/* Keys from `from`, without values; `what` is done with them. */
static void change_keys(pair *p, lp_store *s, uint32_t from, uint32_t to, uint8_t what)
{
    static uint32_t numbers[2000];
    operation o[600] = {0};
    for (uint32_t i = from; i < to; i++) {
        numbers[i] = i;
        o[i - from].key = (loop_list_u8){(uint8_t *)&numbers[i], 4};
        o[i - from].change.tag = what;
    }
    apply_all(p, s, "a", "b", o, to - from);
}

/* By the limit on keys without values: 1,024 and one for each 64 bytes of the quota. */
static void keys_are_counted_on(void **state)
{
    pair *p = *state;
    enum { QUOTA = 8192, ALLOWED = 1024 + QUOTA / 64, THERE = 900 };
    lp_store_caller c = caller("a", QUOTA, &p->arena);
    loop_string version;
    change_keys(p, p->old->store, 0, 550, LOOP_STORAGE_STORE_CHANGE_SET);
    change_keys(p, p->old->store, 550, 1100, LOOP_STORAGE_STORE_CHANGE_SET);
    assert_null(hand_over(p->old->store, p->new->store, LOOP_PASS_COPY));
    change_keys(p, p->old->store, THERE, 1100, LOOP_STORAGE_STORE_CHANGE_DELETE);
    change_keys(p, p->old->store, 0, 50, LOOP_STORAGE_STORE_CHANGE_SET);
    assert_null(hand_over(p->old->store, p->new->store, LOOP_PASS_REST));
    change_keys(p, p->new->store, THERE, ALLOWED - 1, LOOP_STORAGE_STORE_CHANGE_SET);
    assert_null(lp_store_set(p->new->store, &c, BUCKET, bytes_of("x"), bytes_of(""), &version));
    check_code(lp_store_set(p->new->store, &c, BUCKET, bytes_of("y"), bytes_of(""), &version),
               LOOP_LIMIT);
}

static void a_store_that_holds_something_refuses(void **state)
{
    pair *p = *state;
    static const loop_pass passes[] = {LOOP_PASS_WHOLE, LOOP_PASS_COPY};
    write_key(p, p->old->store, "a", "b", bytes_of("k"), bytes_of("old"));
    write_key(p, p->new->store, "ab", "b", bytes_of("k"), bytes_of("new"));
    for (size_t i = 0; i < 2; i++) {
        loop_error *e = hand_over(p->old->store, p->new->store, passes[i]);
        assert_int_equal(loop_error_code(e), LOOP_DENIED);
        assert_non_null(strstr(loop_error_hint(e), "carry: none"));
        loop_error_delete(e);
        lp_store_resume(p->old->store);
        lp_store_caller a = who_is(p, "a"), ab = who_is(p, "ab");
        assert_int_equal(buckets_of(p->new->store, &a).len, 0);
        assert_int_equal(buckets_of(p->new->store, &ab).len, 1);
    }
    /* Once it is empty, it takes over; that it was not leaves no trace. */
    lp_store_caller ab = who_is(p, "ab");
    bool was;
    assert_null(lp_store_delete(p->new->store, &ab, BUCKET, bytes_of("k"), &was));
    assert_null(hand_over(p->old->store, p->new->store, LOOP_PASS_WHOLE));
    same_stores(p, p->old->store, p->new->store, identities, IDENTITIES);
}

/* ---- a copy beside calls ---- */

#define WRITERS 3
#define KEYS 240

typedef struct cell {
    bool there;
    uint32_t id; /* of the write: its value follows from it */
    char version[LP_MAX_STORE_VERSION + 1];
} cell;

typedef struct writer {
    lp_store *store;
    unsigned number;
    uint64_t seed;
    uint32_t writes;
    cell cells[KEYS];
    lp_arena arena;
    lp_store_caller who;
    _Atomic bool stop;
} writer;

/* The first two writers share an identity and its buckets, not their keys. */
static const char *const writers[WRITERS - 1] = {"one", "two"};

static loop_list_u8 writer_key(writer *w, unsigned k)
{
    char *text = lp_arena_alloc(&w->arena, 16);
    snprintf(text, 16, "%03u-%u", k, w->number);
    return bytes_of(text);
}

static loop_list_u8 writer_value(writer *w, uint32_t id)
{
    size_t n = 4 + id * 2654435761u % 1500;
    uint8_t *value = lp_arena_alloc(&w->arena, n);
    for (size_t i = 0; i < n; i++)
        value[i] = (uint8_t)(id >> i % 4 * 8);
    return (loop_list_u8){value, n};
}

/* Up to four keys of a bucket, as one step; a bucket holds every fourth key. */
static void write_some(writer *w)
{
    unsigned n = 1 + draw_from(&w->seed, 4), bucket = draw_from(&w->seed, 4), which[4];
    unsigned first = draw_from(&w->seed, KEYS / 4);
    operation o[4];
    uint32_t ids[4];
    char name[8];
    snprintf(name, sizeof name, "b%u", bucket);
    for (unsigned i = 0; i < n; i++) {
        which[i] = (first + i) % (KEYS / 4) * 4 + bucket;
        bool deletes = draw_from(&w->seed, 4) == 0;
        o[i] = (operation){.key = writer_key(w, which[i])};
        o[i].change.tag =
            deletes ? LOOP_STORAGE_STORE_CHANGE_DELETE : LOOP_STORAGE_STORE_CHANGE_SET;
        ids[i] = deletes ? 0 : ++w->writes;
        if (!deletes)
            o[i].change.of.set = writer_value(w, ids[i]);
    }
    loop_storage_store_batch_outcome r = {0};
    assert_null(lp_store_apply(w->store, &w->who, lp_str_of(name),
                               (loop_storage_store_list_operation){o, n}, &r));
    for (unsigned i = 0; i < n; i++) {
        cell *c = &w->cells[which[i]];
        c->there = ids[i] != 0;
        c->id = ids[i];
        if (c->there)
            snprintf(c->version, sizeof c->version, "%.*s", (int)r.of.applied.ptr[i].value.len,
                     r.of.applied.ptr[i].value.ptr);
    }
    lp_arena_reset(&w->arena, 1 << 16);
}

static void keep_writing(void *arg)
{
    writer *w = arg;
    while (!w->stop)
        write_some(w);
}

/* Every key of the writer is as its array says; *ret_keys, *ret_bytes: what it has. */
static void check_writer(writer *w, lp_store *s, size_t *ret_keys, uint64_t *ret_bytes)
{
    for (unsigned k = 0; k < KEYS; k++) {
        const cell *c = &w->cells[k];
        char name[8];
        snprintf(name, sizeof name, "b%u", k % 4);
        option_entry e = {0};
        loop_list_u8 key = writer_key(w, k);
        assert_null(lp_store_get(s, &w->who, lp_str_of(name), key, &e));
        assert_int_equal(e.is_some, c->there);
        if (c->there) {
            loop_list_u8 good = writer_value(w, c->id), is = e.value.value;
            assert_int_equal(lp_store_compare(good.ptr, good.len, is.ptr, is.len), 0);
            assert_true(loop_string_is(e.value.version, c->version));
            ++*ret_keys;
            *ret_bytes += key.len + good.len;
        }
        lp_arena_reset(&w->arena, 1 << 16);
    }
}

static void check_writers(pair *p, writer *w, lp_store *s)
{
    for (unsigned i = 0; i < WRITERS - 1; i++) {
        size_t keys = 0, n = 0;
        uint64_t bytes = 0;
        for (unsigned k = 0; k < WRITERS; k++)
            if (w[k].who.identity == writers[i])
                check_writer(&w[k], s, &keys, &bytes);
        lp_store_caller c = who_is(p, writers[i]);
        loop_list_string names = buckets_of(s, &c);
        for (size_t b = 0; b < names.len; b++) {
            loop_storage_store_option_key none = {0};
            loop_storage_store_key_page page_of = {0};
            assert_null(lp_store_list(s, &c, str(names.ptr[b]), bytes_of(""), &none, 0, &page_of));
            assert_true(page_of.keys.len > 0);
            n += page_of.keys.len;
        }
        loop_storage_store_usage u = {0};
        assert_null(lp_store_usage(s, &c, &u));
        assert_int_equal(u.bytes_used, bytes);
        assert_int_equal(n, keys); /* and there is no other */
    }
    lp_arena_reset(&p->arena, 1 << 20);
}

static void start_writers(pair *p, writer *w, lp_os_thread **t)
{
    for (unsigned i = 0; i < WRITERS; i++) {
        w[i] = (writer){.store = p->old->store, .number = i, .seed = seed + i};
        w[i].who = caller(writers[i / 2], 64 << 20, &w[i].arena);
        for (unsigned k = 0; k < 20; k++)
            write_some(&w[i]);
    }
    for (unsigned i = 0; i < WRITERS; i++)
        assert_null(lp_os_thread_start(keep_writing, &w[i], 0, &t[i]));
}

static uint32_t stop_writers(writer *w, lp_os_thread **t)
{
    uint32_t writes = 0;
    for (unsigned i = 0; i < WRITERS; i++)
        w[i].stop = true;
    for (unsigned i = 0; i < WRITERS; i++) {
        lp_os_thread_join(t[i]);
        writes += w[i].writes;
    }
    return writes;
}

static void a_copy_beside_writers_and_the_rest_are_all(void **state)
{
    pair *p = *state;
    writer *w = lp_alloc(WRITERS * sizeof *w);
    lp_os_thread *t[WRITERS];
    fill_store(p, p->old->store, 100);
    start_writers(p, w, t);
    for (unsigned i = draw(3); i; i--) { /* copies that lead to nothing */
        assert_null(hand_over(p->old->store, p->new->store, LOOP_PASS_COPY));
        if (i == 1)
            lp_store_resume(p->old->store);
    }
    assert_null(hand_over(p->old->store, p->new->store, LOOP_PASS_COPY));
    lp_os_sleep_ms(draw(30));
    assert_true(stop_writers(w, t) > 0);
    assert_true(p->old->store->notes && !lp_store_notes_spoilt(p->old->store->notes));
    assert_null(lp_store_quiesce(p->old->store));
    assert_null(hand_over(p->old->store, p->new->store, LOOP_PASS_REST));
    assert_null(p->old->store->notes);
    check_writers(p, w, p->new->store);
    same_stores(p, p->old->store, p->new->store, identities, IDENTITIES);
    fixture_reopen(p->new);
    check_writers(p, w, p->new->store);
    for (unsigned i = 0; i < WRITERS; i++) { /* who go on with the new one */
        w[i].store = p->new->store;
        for (unsigned k = 0; k < 10; k++)
            write_some(&w[i]);
    }
    check_writers(p, w, p->new->store);
    for (unsigned i = 0; i < WRITERS; i++)
        lp_arena_done(&w[i].arena);
    free(w);
}

/* ---- versions ---- */

static void no_version_comes_twice_over_swaps(void **state)
{
    pair *p = *state;
    static const char *const kinds[] = {"memory", "sqlite", "relaxed"};
    enum { SWAPS = 12, WRITES = 8 };
    char seen[2 * SWAPS * WRITES][LP_MAX_STORE_VERSION + 1];
    size_t n = 0;
    fixture *f = fixture_open(p->old->kind);
    for (unsigned s = 0; s < SWAPS; s++) {
        for (unsigned i = 0; i < WRITES; i++, n++) {
            bool was;
            snprintf(seen[n], sizeof seen[n], "%s", set(f, "k", "v"));
            for (size_t k = 0; k < n; k++)
                assert_string_not_equal(seen[n], seen[k]);
            if (i % 3 == 0)
                assert_null(lp_store_delete(f->store, &f->who, BUCKET, bytes_of("k"), &was));
        }
        fixture *next = fixture_open(s ? kinds[draw(3)] : p->new->kind);
        if (s % 2) {
            assert_null(hand_over(f->store, next->store, LOOP_PASS_COPY));
            snprintf(seen[n++], sizeof seen[0], "%s", set(f, "k", "meanwhile"));
        }
        assert_null(hand_over(f->store, next->store, s % 2 ? LOOP_PASS_REST : LOOP_PASS_WHOLE));
        assert_string_equal(version_of(next, "k"), seen[n - 1]);
        fixture_close(f);
        f = next;
    }
    fixture_close(f);
}

/* ---- what fails ---- */

static lp_buf saved(lp_store *s, loop_pass pass)
{
    loop_stream *box = lp_stream_box(64 << 20);
    assert_null(lp_store_save(s, pass, box));
    lp_buf all = {0};
    char piece[4096];
    for (size_t came = 1; came;) {
        assert_null(loop_stream_read(box, piece, sizeof piece, &came));
        lp_buf_add(&all, piece, came);
    }
    lp_stream_delete(box);
    return all;
}

static loop_error *restore(lp_store *s, loop_pass pass, const char *bytes, size_t n)
{
    loop_stream *box = lp_stream_box(n + 1);
    assert_null(loop_stream_write(box, bytes, n));
    lp_stream_end(box);
    loop_error *e = lp_store_restore(s, pass, box);
    lp_stream_delete(box);
    return e;
}

static void a_broken_stream_changes_nothing(void **state)
{
    pair *p = *state;
    fill_store(p, p->old->store, 60);
    lp_buf copy = saved(p->old->store, LOOP_PASS_COPY);
    write_key(p, p->old->store, "a", "b", bytes_of("new"), bytes_of("v"));
    lp_buf rest = saved(p->old->store, LOOP_PASS_REST);
    for (unsigned i = 0; i < 30; i++) {
        bool later = i % 2;
        if (later)
            assert_null(restore(p->new->store, LOOP_PASS_COPY, copy.ptr, copy.len));
        lp_buf *b = later ? &rest : &copy;
        size_t cut = draw((uint32_t)b->len);
        check_code(restore(p->new->store, later ? LOOP_PASS_REST : LOOP_PASS_COPY, b->ptr, cut),
                   LOOP_INVALID);
        assert_true(is_empty(p, p->new->store));
        /* What came before it counts no more. */
        check_code(restore(p->new->store, LOOP_PASS_REST, rest.ptr, rest.len), LOOP_INVALID);
        if (i % 10 == 9)
            fixture_reopen(p->new);
        assert_true(is_empty(p, p->new->store));
    }
    check_code(restore(p->new->store, LOOP_PASS_WHOLE, copy.ptr, copy.len), LOOP_INVALID);
    check_code(restore(p->new->store, LOOP_PASS_COPY, rest.ptr, rest.len), LOOP_INVALID);
    assert_null(restore(p->new->store, LOOP_PASS_COPY, copy.ptr, copy.len));
    assert_null(restore(p->new->store, LOOP_PASS_REST, rest.ptr, rest.len));
    same_stores(p, p->old->store, p->new->store, identities, IDENTITIES);
    lp_buf_done(&copy);
    lp_buf_done(&rest);
}

static void a_sender_that_gives_up_leaves_nothing(void **state)
{
    pair *p = *state;
    fill_store(p, p->old->store, 60);
    loop_stream *pipe = lp_stream_pipe(lp_os_now_ns() + 50000000);
    lp_buf all = saved(p->old->store, LOOP_PASS_WHOLE);
    assert_null(loop_stream_write(pipe, all.ptr, LP_MIN(all.len / 2, 100000u)));
    check_code(lp_store_restore(p->new->store, LOOP_PASS_WHOLE, pipe), LOOP_TIMEOUT);
    lp_stream_delete(pipe);
    lp_buf_done(&all);
    assert_true(is_empty(p, p->new->store));
    /* Nobody reads: the old one goes on, and notes no more. */
    pipe = lp_stream_pipe(lp_os_now_ns() + 50000000);
    lp_stream_break(pipe);
    check_code(lp_store_save(p->old->store, LOOP_PASS_COPY, pipe), LOOP_CANCELLED);
    lp_stream_delete(pipe);
    assert_null(p->old->store->notes);
    write_key(p, p->old->store, "a", "b", bytes_of("k"), bytes_of("v"));
}

static void what_a_copy_brought_goes_with_close(void **state)
{
    pair *p = *state;
    fill_store(p, p->old->store, 60);
    assert_null(hand_over(p->old->store, p->new->store, LOOP_PASS_COPY));
    if (strcmp(p->new->kind, "memory") == 0)
        return; /* which fixture_reopen leaves alone; the sanitizers see what stays */
    fixture_reopen(p->new);
    assert_true(is_empty(p, p->new->store));
    set(p->new, "k", "v"); /* no lock stayed */
}

static void after_a_failure_the_old_one_notes_no_more(void **state)
{
    pair *p = *state;
    fill_store(p, p->old->store, 60);
    assert_null(hand_over(p->old->store, p->new->store, LOOP_PASS_COPY));
    assert_non_null(p->old->store->notes);
    lp_store_resume(p->old->store);
    assert_null(p->old->store->notes);
    write_key(p, p->old->store, "a", "b", bytes_of("unnoted"), bytes_of("v"));
    /* A rest without notes is everything again: right in any case. */
    assert_null(hand_over(p->old->store, p->new->store, LOOP_PASS_REST));
    same_stores(p, p->old->store, p->new->store, identities, IDENTITIES);
}

static void more_notes_than_there_is_room_for_send_all_again(void **state)
{
    pair *p = *state;
    if (strcmp(p->old->kind, "memory") != 0)
        return; /* the notes are the same for all, and this is many writes */
    fill_store(p, p->old->store, 60);
    assert_null(hand_over(p->old->store, p->new->store, LOOP_PASS_COPY));
    write_key(p, p->old->store, "a", "b", bytes_of("gone soon"), bytes_of("v"));
    lp_store_caller c = caller("noise", 256 << 20, &p->arena);
    uint8_t key[1024] = {1};
    for (uint32_t i = 0; i < LP_MAX_STORE_NOTES / 1024; i++) {
        loop_string version;
        bool was;
        memcpy(key, &i, sizeof i);
        loop_list_u8 k = {key, sizeof key};
        assert_null(lp_store_set(p->old->store, &c, BUCKET, k, bytes_of(""), &version));
        assert_null(lp_store_delete(p->old->store, &c, BUCKET, k, &was));
        lp_arena_reset(&p->arena, 1 << 20);
    }
    assert_true(lp_store_notes_spoilt(p->old->store->notes));
    lp_store_caller a = caller("a", 64 << 20, &p->arena);
    bool was;
    assert_null(lp_store_delete(p->old->store, &a, BUCKET, bytes_of("gone soon"), &was));
    assert_null(hand_over(p->old->store, p->new->store, LOOP_PASS_REST));
    same_stores(p, p->old->store, p->new->store, identities, IDENTITIES);
}

/* ---- files ---- */

/* Ends the process right after it has taken over, as a crash of the host would. */
static void be_host(pair *p, const char *copy, size_t copy_len, const char *rest, size_t rest_len)
{
    loop_error *e = restore(p->new->store, LOOP_PASS_COPY, copy, copy_len);
    if (!e)
        e = restore(p->new->store, LOOP_PASS_REST, rest, rest_len);
    if (e)
        _exit(1);
    kill(getpid(), SIGKILL);
}

static void what_was_taken_over_outlives_kill_9(void **state)
{
    pair *p = *state;
    if (strcmp(p->new->kind, "memory") == 0)
        return;
    fill_store(p, p->old->store, 300);
    lp_buf copy = saved(p->old->store, LOOP_PASS_COPY);
    fill_store(p, p->old->store, 30);
    lp_buf rest = saved(p->old->store, LOOP_PASS_REST);
    p->new->store->engine->close(p->new->store);
    pid_t pid = fork();
    assert_true(pid >= 0);
    int status;
    if (!pid) {
        fixture_open_again(p->new);
        be_host(p, copy.ptr, copy.len, rest.ptr, rest.len);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    fixture_open_again(p->new);
    assert_true(same_stores(p, p->old->store, p->new->store, identities, IDENTITIES) > 200);
    lp_buf_done(&copy);
    lp_buf_done(&rest);
}

/* Two stores over one file: the new one has everything, and nobody's writes wait for it. */
static void a_store_that_lies_where_the_old_one_does_takes_nothing(void **state)
{
    pair *p = *state;
    if (strcmp(p->old->kind, "memory") == 0)
        return;
    fill_store(p, p->old->store, 60);
    fixture twin = {.kind = p->new->kind, .folder = p->old->folder};
    if (strcmp(twin.kind, "memory") == 0)
        twin.kind = "sqlite";
    twin.who = caller("a", 64 << 20, &twin.arena);
    fixture_open_again(&twin);
    assert_null(hand_over(p->old->store, twin.store, LOOP_PASS_COPY));
    set(p->old, "k", "between");
    assert_null(hand_over(p->old->store, twin.store, LOOP_PASS_REST));
    same_stores(p, p->old->store, twin.store, identities, IDENTITIES);
    assert_string_equal(value_of(&twin, "k"), "between");
    set(&twin, "k", "after");
    assert_null(hand_over(p->old->store, twin.store, LOOP_PASS_WHOLE));
    twin.store->engine->close(twin.store);
    lp_arena_done(&twin.arena);
    assert_string_equal(value_of(p->old, "k"), "after");
}

/* Another host's writes are in no notes. */
static void what_others_write_to_the_file_is_handed_over(void **state)
{
    pair *p = *state;
    if (strcmp(p->old->kind, "memory") == 0)
        return;
    fixture other = {.kind = p->old->kind, .folder = p->old->folder};
    other.who = caller("a", 64 << 20, &other.arena);
    fixture_open_again(&other);
    for (unsigned round = 0; round < 3; round++) {
        fixture *to = fixture_open(p->new->kind);
        fill_store(p, p->old->store, 20);
        assert_null(hand_over(p->old->store, to->store, LOOP_PASS_COPY));
        set(p->old, "k", "ours");
        if (round)
            set(&other, round == 1 ? "k" : "their own", "theirs");
        if (round == 2)
            set(p->old, "k", "ours again");
        lp_buf rest = saved(p->old->store, LOOP_PASS_REST);
        /* format, length of the writer, "sqlite", pass */
        assert_int_equal(rest.ptr[9],
                         round ? LOOP_STORAGE_STATE_PASS_WHOLE : LOOP_STORAGE_STATE_PASS_REST);
        assert_null(restore(to->store, LOOP_PASS_REST, rest.ptr, rest.len));
        same_stores(p, p->old->store, to->store, identities, IDENTITIES);
        lp_buf_done(&rest);
        fixture_close(to);
    }
    other.store->engine->close(other.store);
    lp_arena_done(&other.arena);
}

/* ---- handles ---- */

static void a_handle_is_good_at_the_new_one(void **state)
{
    pair *p = *state;
    const loop_provider_swap *s = &lp_storage_swap;
    const loop_interface *i = &loop_storage_store_interface;
    loop_stream *box = lp_stream_box(64 << 10), *again = lp_stream_box(64 << 10);
    void *bucket = NULL;
    assert_null(loop_stream_write(box,
                                  "\x05"
                                  "notes",
                                  6));
    lp_stream_end(box);
    assert_null(s->restore_object(p->old->store, i, 0, box, &bucket));
    assert_null(s->save_object(p->old->store, i, 0, bucket, again));
    lp_stream_end(again);
    char bytes[16];
    size_t n;
    void *moved = NULL;
    assert_null(s->restore_object(p->new->store, i, 0, again, &moved));
    loop_stream *last = lp_stream_box(64 << 10);
    assert_null(s->save_object(p->new->store, i, 0, moved, last));
    assert_null(loop_stream_read(last, bytes, sizeof bytes, &n));
    assert_int_equal(n, 6);
    assert_memory_equal(bytes,
                        "\x05"
                        "notes",
                        6);
    lp_storage_functions.bucket_drop(p->old->store, bucket);
    lp_storage_functions.bucket_drop(p->new->store, moved);
    lp_stream_delete(box);
    lp_stream_delete(again);
    lp_stream_delete(last);
}

/* ---- figures ---- */

typedef struct times {
    double whole, copy, rest;
} times;

static void best(double *of, uint64_t since)
{
    double us = (double)(lp_os_now_ns() - since) / 1000;
    *of = *of > 0 ? LP_MIN(*of, us) : us;
}

static void fill_for_times(fixture *f, unsigned keys, size_t bytes)
{
    uint8_t *value = lp_alloc(bytes + 1);
    operation o[500];
    char text[500][16];
    f->who.granted = 1u << 30;
    for (unsigned i = 0; i < keys; i += 500) {
        for (unsigned k = 0; k < 500; k++) {
            snprintf(text[k], sizeof text[k], "key-%08u", i + k);
            o[k] = op(text[k], 0, NULL, LOOP_STORAGE_STORE_CHANGE_SET, NULL);
            o[k].change.of.set = (loop_list_u8){value, bytes};
        }
        loop_storage_store_batch_outcome r;
        loop_storage_store_list_operation l = {o, LP_MIN(500, keys - i)};
        assert_null(lp_store_apply(f->store, &f->who, BUCKET, l, &r));
        lp_arena_reset(&f->arena, 1 << 20);
    }
    free(value);
}

static void time_once(pair *p, fixture *old, times *t)
{
    fixture *new = fixture_open(p->new->kind);
    uint64_t at = lp_os_now_ns();
    assert_null(hand_over(old->store, new->store, LOOP_PASS_WHOLE));
    best(&t->whole, at);
    fixture_close(new);
    new = fixture_open(p->new->kind);
    at = lp_os_now_ns();
    assert_null(hand_over(old->store, new->store, LOOP_PASS_COPY));
    best(&t->copy, at);
    for (unsigned i = 0; i < 100; i++) {
        char key[16];
        snprintf(key, sizeof key, "key-%08u", i * 7);
        set(old, key, "new");
    }
    at = lp_os_now_ns();
    assert_null(hand_over(old->store, new->store, LOOP_PASS_REST));
    best(&t->rest, at);
    fixture_close(new);
}

static void time_size(pair *p, unsigned keys, size_t bytes, const char *what)
{
    times t = {0};
    fixture *old = fixture_open(p->old->kind);
    fill_for_times(old, keys, bytes);
    for (unsigned i = 0; i < 7; i++)
        time_once(p, old, &t);
    print_message("%s -> %s, %s: whole %.0f us; copy %.0f us, rest (100 keys) %.0f us\n",
                  p->old->kind, p->new->kind, what, t.whole, t.copy, t.rest);
    fixture_close(old);
}

/* The best of seven; for people, STORE_TIMES=1. */
static void how_long_it_takes(void **state)
{
    if (!lp_os_getenv("STORE_TIMES"))
        return;
    time_size(*state, 1, 0, "1 key");
    time_size(*state, 1000, 1024, "1 MiB in 1,000 keys");
    time_size(*state, 100000, 16, "100,000 keys of 16 bytes");
}

/* ---- the table ---- */

#define PROMISE(p) {#p, p}
static const struct {
    const char *name;
    CMUnitTestFunction run;
} promises[] = {
    PROMISE(all_of_it_is_there_afterwards),
    PROMISE(nothing_can_be_handed_over_too),
    PROMISE(what_is_over_a_quota_is_carried),
    PROMISE(keys_are_counted_on),
    PROMISE(a_store_that_holds_something_refuses),
    PROMISE(a_copy_beside_writers_and_the_rest_are_all),
    PROMISE(no_version_comes_twice_over_swaps),
    PROMISE(a_broken_stream_changes_nothing),
    PROMISE(a_sender_that_gives_up_leaves_nothing),
    PROMISE(what_a_copy_brought_goes_with_close),
    PROMISE(after_a_failure_the_old_one_notes_no_more),
    PROMISE(more_notes_than_there_is_room_for_send_all_again),
    PROMISE(what_was_taken_over_outlives_kill_9),
    PROMISE(a_store_that_lies_where_the_old_one_does_takes_nothing),
    PROMISE(what_others_write_to_the_file_is_handed_over),
    PROMISE(a_handle_is_good_at_the_new_one),
    PROMISE(how_long_it_takes),
};

#define KINDS 3
static const char *const kinds[KINDS] = {"memory", "sqlite", "relaxed"};
static size_t numbers[KINDS * KINDS];

static int setup(void **state)
{
    size_t n = *(size_t *)*state;
    pair *p = lp_alloc(sizeof *p);
    p->old = fixture_open(kinds[n / KINDS]);
    p->new = fixture_open(kinds[n % KINDS]);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    pair *p = *state;
    fixture_close(p->old);
    fixture_close(p->new);
    lp_arena_done(&p->arena);
    free(p);
    return 0;
}

int main(void)
{
    enum { ALL = KINDS * KINDS * LP_COUNT(promises) };
    static struct CMUnitTest tests[ALL];
    const char *from = lp_os_getenv("STORE_SEED");
    if (from)
        seed = strtoull(from, NULL, 10);
    for (size_t i = 0; i < ALL; i++) {
        size_t n = i / LP_COUNT(promises), k = i % LP_COUNT(promises);
        numbers[n] = n;
        tests[i] = (struct CMUnitTest){
            lp_format("%s -> %s: %s", kinds[n / KINDS], kinds[n % KINDS], promises[k].name),
            promises[k].run, setup, teardown, &numbers[n]};
    }
    int failed = _cmocka_run_group_tests("swap of stores", tests, ALL, NULL, NULL);
    for (size_t i = 0; i < ALL; i++)
        free((void *)(uintptr_t)tests[i].name);
    return failed;
}
