/* providers/storage/fixture_test.c: implements fixture_test.h. */
#include "providers/storage/fixture_test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/os/os.h"
#include "base/stream.h"
#include "providers/memory/store.h"
#include "providers/sqlite/store.h"

static void *take(void *ctx, size_t size)
{
    return lp_arena_alloc(ctx, size);
}

static bool never(void *ctx)
{
    (void)ctx;
    return false;
}

lp_store_caller caller(const char *identity, uint64_t granted, lp_arena *arena)
{
    return (lp_store_caller){identity, granted, take, never, arena, NULL};
}

void fixture_open_again(fixture *f)
{
    if (strcmp(f->kind, "memory") == 0) {
        f->store = lp_memory_store_new();
        return;
    }
    lp_auto(lp_free_string) char *file = lp_format("%s/new/store.db", f->folder);
    lp_sqlite_options o = {.file = file, .relaxed = strcmp(f->kind, "relaxed") == 0};
    assert_null(lp_sqlite_open(&o, &f->store));
}

fixture *fixture_open(const char *kind)
{
    fixture *f = lp_alloc(sizeof *f);
    f->kind = kind;
    const char *base = lp_os_getenv("TMPDIR");
    f->folder = lp_format("%s/loop-store-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(f->folder));
    fixture_open_again(f);
    f->who = caller("a", 64 << 20, &f->arena);
    return f;
}

/* ---- a swap ---- */

typedef struct saving {
    lp_store *store;
    loop_pass pass;
    loop_stream *to;
    loop_error *error;
} saving;

static void save(void *arg)
{
    saving *s = arg;
    s->error = lp_store_save(s->store, s->pass, s->to);
    if (s->error)
        lp_stream_break(s->to);
    else
        lp_stream_end(s->to);
}

loop_error *hand_over(lp_store *from, lp_store *to, loop_pass pass)
{
    saving s = {from, pass, lp_stream_pipe(lp_os_now_ns() + 60000000000u), NULL};
    lp_os_thread *t;
    assert_null(lp_os_thread_start(save, &s, 0, &t));
    loop_error *e = lp_store_restore(to, pass, s.to);
    if (e)
        lp_stream_break(s.to);
    lp_os_thread_join(t);
    lp_stream_delete(s.to);
    if (!e)
        return s.error;
    loop_error_delete(s.error);
    return e;
}

fixture *fixture_open_taken(const char *kind)
{
    fixture *f = fixture_open(kind);
    lp_store *old = lp_memory_store_new();
    lp_store_caller z = caller("z", 1 << 20, &f->arena);
    loop_string version;
    assert_null(lp_store_set(old, &z, BUCKET, bytes_of("k"), bytes_of("v"), &version));
    assert_null(lp_store_set(old, &z, BUCKET, bytes_of("gone"), bytes_of("v"), &version));
    assert_null(hand_over(old, f->store, LOOP_PASS_COPY));
    bool was;
    assert_null(lp_store_delete(old, &z, BUCKET, bytes_of("gone"), &was));
    assert_null(lp_store_set(old, &z, LP_STR("other"), bytes_of("k"), bytes_of("v"), &version));
    assert_null(hand_over(old, f->store, LOOP_PASS_REST));
    old->engine->close(old);
    return f;
}

void fixture_close(fixture *f)
{
    f->store->engine->close(f->store);
    lp_auto(lp_free_string) char *command = lp_format("rm -rf '%s'", f->folder);
    assert_int_equal(system(command), 0);
    lp_arena_done(&f->arena);
    free(f->folder);
    free(f);
}

void fixture_reopen(fixture *f)
{
    if (strcmp(f->kind, "memory") == 0)
        return;
    f->store->engine->close(f->store);
    fixture_open_again(f);
}

loop_list_u8 bytes_of(const char *text)
{
    return (loop_list_u8){(const uint8_t *)text, strlen(text)};
}

loop_list_u8 fill(fixture *f, size_t n, uint8_t with)
{
    uint8_t *p = lp_arena_alloc(&f->arena, n + 1);
    memset(p, with, n);
    return (loop_list_u8){p, n};
}

void assert_code(loop_error *e, loop_code code)
{
    assert_int_equal(loop_error_code(e), code);
    loop_error_delete(e);
}

static const char *text_of(fixture *f, const void *p, size_t n)
{
    return lp_arena_strndup(&f->arena, p, n);
}

const char *set(fixture *f, const char *key, const char *value)
{
    loop_string version = {0};
    assert_null(lp_store_set(f->store, &f->who, BUCKET, bytes_of(key), bytes_of(value), &version));
    return text_of(f, version.ptr, version.len);
}

static option_entry get(fixture *f, const char *key)
{
    option_entry e = {0};
    assert_null(lp_store_get(f->store, &f->who, BUCKET, bytes_of(key), &e));
    return e;
}

const char *version_of(fixture *f, const char *key)
{
    option_entry e = get(f, key);
    return e.is_some ? text_of(f, e.value.version.ptr, e.value.version.len) : NULL;
}

const char *value_of(fixture *f, const char *key)
{
    option_entry e = get(f, key);
    return e.is_some ? text_of(f, e.value.value.ptr, e.value.value.len) : NULL;
}

uint64_t used(fixture *f)
{
    loop_storage_store_usage u = {0};
    assert_null(lp_store_usage(f->store, &f->who, &u));
    assert_true(u.bytes_granted.is_some);
    assert_int_equal(u.bytes_granted.value, f->who.granted);
    return u.bytes_used;
}

operation op(const char *key, uint8_t condition, const char *version, uint8_t change,
             const char *value)
{
    operation o = {.key = bytes_of(key), .condition.tag = condition, .change.tag = change};
    if (version)
        o.condition.of.unchanged = loop_string_of(version);
    if (value)
        o.change.of.set = bytes_of(value);
    return o;
}

const char *page(fixture *f, const char *prefix, const char *cursor, uint32_t limit)
{
    loop_storage_store_option_key at = {cursor != NULL, bytes_of(cursor ? cursor : "")};
    loop_storage_store_key_page p = {0};
    assert_null(lp_store_list(f->store, &f->who, BUCKET, bytes_of(prefix), &at, limit, &p));
    lp_buf b = {0};
    for (size_t i = 0; i < p.keys.len; i++)
        lp_buf_printf(&b, "%s%.*s", i ? " " : "", (int)p.keys.ptr[i].len,
                      (const char *)p.keys.ptr[i].ptr);
    if (p.cursor.is_some) {
        const loop_list_u8 *last = &p.keys.ptr[p.keys.len - 1];
        assert_int_equal(
            lp_store_compare(last->ptr, last->len, p.cursor.value.ptr, p.cursor.value.len), 0);
        lp_buf_puts(&b, "+");
    }
    const char *text = text_of(f, b.ptr ? b.ptr : "", b.len);
    lp_buf_done(&b);
    return text;
}
