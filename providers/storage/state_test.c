/*
 * providers/storage/state_test.c: the stream of wit/storage/state.wit, against the codec that
 * sidecars' values go through, and streams that are none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "abi/wire.h"
#include "base/os/os.h"
#include "base/stream.h"
#include "engine/type_parse.h"
#include "providers/storage/state.h"
#include "providers/storage/store.h"

static uint64_t seed = 7;

static uint32_t draw(uint32_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % below;
}

#define HEADER LOOP_STORAGE_STATE_ITEM_HEADER
#define BUCKET LOOP_STORAGE_STATE_ITEM_BUCKET
#define STORED LOOP_STORAGE_STATE_ITEM_STORED
#define REMOVED LOOP_STORAGE_STATE_ITEM_REMOVED
#define END LOOP_STORAGE_STATE_ITEM_END

/* ---- writing and reading whole streams ---- */

static lp_str str(loop_string s)
{
    return (lp_str){s.ptr, s.len};
}

static lp_str bytes(loop_list_u8 l)
{
    return (lp_str){(const char *)l.ptr, l.len};
}

/* As the hand-written codec writes them; the end is added. */
static lp_buf write_items(const lp_state_item *items, size_t n)
{
    loop_stream *box = lp_stream_box(64 << 20);
    lp_state_out o = {.to = box};
    for (size_t i = 0; i < n; i++) {
        const lp_state_item *it = &items[i];
        lp_auto(lp_free_string) char *writer = NULL, *home = NULL;
        switch (it->tag) {
        case HEADER:
            writer = lp_strndup(it->of.header.writer.ptr, it->of.header.writer.len);
            if (it->of.header.home.is_some)
                home = lp_strndup(it->of.header.home.value.ptr, it->of.header.home.value.len);
            lp_state_header(&o, writer, it->of.header.pass, home);
            break;
        case BUCKET:
            lp_state_bucket(&o, str(it->of.bucket.identity), str(it->of.bucket.name));
            break;
        case STORED:
            lp_state_stored(&o, bytes(it->of.stored.key), bytes(it->of.stored.value),
                            str(it->of.stored.version));
            break;
        default: lp_state_removed(&o, bytes(it->of.removed)); break;
        }
        if (draw(3) == 0)
            assert_null(lp_state_flush(&o));
    }
    assert_null(lp_state_end(&o));
    lp_state_out_done(&o);
    lp_buf all = {0};
    char piece[4096];
    for (size_t came = 1; came;) {
        assert_null(loop_stream_read(box, piece, sizeof piece, &came));
        lp_buf_add(&all, piece, came);
    }
    lp_stream_delete(box);
    return all;
}

/* A copy, since views end with the next item. */
static lp_state_item kept(lp_arena *a, lp_state_item it)
{
#define KEEP(field)                                                                                \
    (field).ptr = memcpy(lp_arena_take(a, (field).len + 1), (field).ptr, (field).len)
    switch (it.tag) {
    case HEADER:
        KEEP(it.of.header.writer);
        if (it.of.header.home.is_some)
            KEEP(it.of.header.home.value);
        break;
    case BUCKET:
        KEEP(it.of.bucket.identity);
        KEEP(it.of.bucket.name);
        break;
    case STORED:
        KEEP(it.of.stored.key);
        KEEP(it.of.stored.value);
        KEEP(it.of.stored.version);
        break;
    case REMOVED: KEEP(it.of.removed); break;
    default: break;
    }
    return it;
}

typedef struct items {
    lp_state_item *at;
    size_t n, cap;
} items;

static loop_error *read_items(lp_arena *a, const void *from, size_t n, items *ret)
{
    loop_stream *box = lp_stream_box(n + 1);
    assert_null(loop_stream_write(box, from, n));
    lp_stream_end(box);
    lp_state_in in = {.from = box};
    loop_error *e = NULL;
    for (bool over = false; !over && !e;) {
        lp_state_item it = {0};
        e = lp_state_next(&in, &it);
        if (!e)
            *lp_push(ret) = kept(a, it);
        over = it.tag == END;
    }
    lp_state_in_done(&in);
    lp_stream_delete(box);
    return e;
}

static loop_code read_code(const void *from, size_t n)
{
    lp_arena a = {0};
    items all = {0};
    loop_error *e = read_items(&a, from, n, &all);
    loop_code code = e ? loop_error_code(e) : LOOP_OK;
    loop_error_delete(e);
    free(all.at);
    lp_arena_done(&a);
    return code;
}

/* ---- against the other codec ---- */

#define ITEM                                                                                       \
    "(variant{header(record{format:u32,writer:string,pass:enum{whole,copy,rest},"                  \
    "home:option<string>}),bucket(record{identity:string,name:string}),"                           \
    "stored(record{key:list<u8>,value:list<u8>,version:string}),removed(list<u8>),end(u32)})"

static loop_string random_text(lp_arena *a, size_t min, size_t max, const char *of)
{
    size_t n = min + draw((uint32_t)(max - min + 1)), count = strlen(of);
    char *p = lp_arena_alloc(a, n + 1);
    for (size_t i = 0; i < n; i++)
        p[i] = of[draw((uint32_t)count)];
    return (loop_string){p, n};
}

static loop_list_u8 random_bytes(lp_arena *a, size_t min, size_t max)
{
    size_t n = min + draw((uint32_t)(max - min + 1));
    uint8_t *p = lp_arena_alloc(a, n + 1);
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)draw(256);
    return (loop_list_u8){p, n};
}

/* A stream with everything that one may have: ascending by a number in front. */
static void random_stream(lp_arena *a, items *to)
{
    *lp_push(to) =
        (lp_state_item){.tag = HEADER,
                        .of.header = {.format = 1,
                                      .writer = random_text(a, 0, 256, "memory"),
                                      .pass = LOOP_STORAGE_STATE_PASS_REST,
                                      .home = {draw(2), random_text(a, 0, 4096, "ab/")}}};
    for (unsigned b = 0, buckets = draw(5); b < buckets; b++) {
        char *name = lp_arena_alloc(a, 16);
        snprintf(name, 16, "b%02u", b);
        *lp_push(to) = (lp_state_item){
            .tag = BUCKET, .of.bucket = {random_text(a, 1, 1, "x"), loop_string_of(name)}};
        for (unsigned k = 0, keys = draw(30); k < keys; k++) {
            loop_list_u8 key = random_bytes(a, 2, draw(4) ? 20 : 1024);
            ((uint8_t *)(uintptr_t)key.ptr)[0] = (uint8_t)k;
            *lp_push(to) =
                draw(4)
                    ? (lp_state_item){.tag = STORED,
                                      .of.stored = {key, random_bytes(a, 0, draw(9) ? 200 : 70000),
                                                    random_text(a, 1, 64, "0-9!~")}}
                    : (lp_state_item){.tag = REMOVED, .of.removed = key};
        }
    }
}

static void same_items(const items *a, const items *b)
{
#define SAME(x, y)                                                                                 \
    assert_true((x).len == (y).len && (!(x).len || !memcmp((x).ptr, (y).ptr, (x).len)))
    assert_int_equal(a->n + 1, b->n); /* the end */
    for (size_t i = 0; i < a->n; i++) {
        const lp_state_item *x = &a->at[i], *y = &b->at[i];
        assert_int_equal(x->tag, y->tag);
        switch (x->tag) {
        case HEADER:
            assert_int_equal(x->of.header.pass, y->of.header.pass);
            SAME(x->of.header.writer, y->of.header.writer);
            assert_int_equal(x->of.header.home.is_some, y->of.header.home.is_some);
            if (x->of.header.home.is_some)
                SAME(x->of.header.home.value, y->of.header.home.value);
            break;
        case BUCKET:
            SAME(x->of.bucket.identity, y->of.bucket.identity);
            SAME(x->of.bucket.name, y->of.bucket.name);
            break;
        case STORED:
            SAME(x->of.stored.key, y->of.stored.key);
            SAME(x->of.stored.value, y->of.stored.value);
            SAME(x->of.stored.version, y->of.stored.version);
            break;
        default: SAME(x->of.removed, y->of.removed); break;
        }
    }
}

static void a_stream_is_what_the_codec_of_values_writes(void **state)
{
    (void)state;
    lp_arena a = {0};
    lp_resources known = {0};
    const lp_signature *s;
    const lp_plan *plan = NULL;
    assert_null(lp_signature_parse(&a, &known, lp_str_of(ITEM), &s));
    assert_null(lp_plan_new(&a, s, &plan));
    for (unsigned round = 0; round < 200; round++) {
        lp_arena values = {0};
        items all = {0}, back = {0};
        random_stream(&values, &all);
        lp_buf hand = write_items(all.at, all.n);
        lp_wire_out o = {0};
        uint32_t keys = 0;
        for (size_t i = 0; i < all.n; i++) {
            assert_null(lp_wire_write(&o, &plan->params, &all.at[i]));
            keys += all.at[i].tag == STORED || all.at[i].tag == REMOVED;
        }
        lp_state_item end = {.tag = END, .of.end = keys};
        assert_null(lp_wire_write(&o, &plan->params, &end));
        assert_int_equal(hand.len, o.len);
        assert_memory_equal(hand.ptr, o.ptr, o.len);
        assert_null(read_items(&values, hand.ptr, hand.len, &back));
        same_items(&all, &back);
        lp_buf_done(&hand);
        free(o.ptr);
        free(all.at);
        free(back.at);
        lp_arena_done(&values);
    }
    free(known.at);
    lp_arena_done(&a);
}

static void no_beginning_of_a_stream_is_one(void **state)
{
    (void)state;
    lp_arena a = {0};
    items all = {0};
    random_stream(&a, &all);
    all.n = LP_MIN(all.n, 20);
    lp_buf b = write_items(all.at, all.n);
    assert_int_equal(read_code(b.ptr, b.len), LOOP_OK);
    for (size_t n = 0; n < b.len; n += n < 2000 ? 1 : 97)
        assert_int_equal(read_code(b.ptr, n), LOOP_INVALID);
    lp_buf_add(&b, "", 1);
    assert_int_equal(read_code(b.ptr, b.len), LOOP_INVALID);
    lp_buf_done(&b);
    free(all.at);
    lp_arena_done(&a);
}

/* ---- streams that are none ---- */

#define H "\x00\x01\x01m\x00\x00" /* format 1, "m", whole, no home */
#define R "\x00\x01\x01m\x02\x00" /* a rest */
#define B                                                                                          \
    "\x01\x01i\x01"                                                                                \
    "b" /* bucket "b" of "i" */
#define K(k)                                                                                       \
    "\x02\x01" k "\x00\x01"                                                                        \
    "v" /* key k, no value, version "v" */
#define E(n) "\x04" n

static void a_stream_that_is_none_is_refused(void **state)
{
    (void)state;
#define ROW(good, text, says) {good, text, sizeof(text) - 1, says}
    static const struct {
        bool good;
        const char *text;
        size_t len;
        const char *says;
    } rows[] = {
        ROW(true, H E("\x00"), ""),
        ROW(true, H B E("\x00"), ""),
        ROW(true,
            H B K("a") K("b") "\x01\x01i\x01"
                              "c" K("a") "\x01\x01j\x01"
                                         "a" K("a") E("\x04"),
            ""),
        ROW(true,
            R B "\x03\x01"
                "a" K("b") E("\x02"),
            ""),
        ROW(true, "\x80\x00\x81\x80\x00\x01m\x00\x00" E("\x80\x80\x80\x80\x00"), ""),
        ROW(true, "\x00\x01\x00\x01\x01\x02\xc3\xa4" E("\x00"), ""),
        ROW(false, "", "cut off"),
        ROW(false, "GET / HTTP/1.1", "no header"),
        ROW(false, B E("\x00"), "no header"),
        ROW(false, H H E("\x00"), "another header"),
        ROW(false, "\x00\x02\x01m\x00\x00" E("\x00"), "format 2"),
        ROW(false, "\x00\x01\x02m\xff\x00\x00" E("\x00"), "UTF-8"),
        ROW(false, "\x00\x01\x01m\x03\x00" E("\x00"), "pass"),
        ROW(false, "\x00\x01\x01m\x00\x02" E("\x00"), "case"),
        ROW(false, "\x00\x01\x01m\x00\x01\x01\xff" E("\x00"), "UTF-8"),
        ROW(false, "\x00\x01\x81\x02", "a writer of 257"),
        ROW(false, "\x00\x01\x00\x00\x01\x81\x20", "a home of 4097"),
        ROW(false, H K("a") E("\x01"), "outside of a bucket"),
        ROW(false,
            H "\x01\x00\x01"
              "b" E("\x00"),
            "an identity of 0"),
        ROW(false,
            H "\x01\x01\x00\x01"
              "b" E("\x00"),
            "zero byte"),
        ROW(false,
            H "\x01\x01\xff\x01"
              "b" E("\x00"),
            "UTF-8"),
        ROW(false, H "\x01\x81\x40", "an identity of 8193"),
        ROW(false, H "\x01\x01i\x00" E("\x00"), "name of 0"),
        ROW(false,
            H "\x01\x01i\x01"
              "B" E("\x00"),
            "a-z"),
        ROW(false, H "\x01\x01i\x41", "name of 65"),
        ROW(false, H B K("a") B K("b") E("\x02"), "a bucket out of order"),
        ROW(false,
            H B "\x01\x01i\x01"
                "a" E("\x00"),
            "a bucket out of order"),
        ROW(false,
            H B "\x01\x01h\x01"
                "c" E("\x00"),
            "a bucket out of order"),
        ROW(false, H B K("b") K("a") E("\x02"), "a key out of order"),
        ROW(false, H B K("a") K("a") E("\x02"), "a key out of order"),
        ROW(false,
            R B K("a") "\x03\x01"
                       "a" E("\x02"),
            "a key out of order"),
        ROW(false,
            H B "\x02\x00\x00\x01"
                "v" E("\x01"),
            "a key of 0"),
        ROW(false, H B "\x02\x81\x08", "a key of 1025"),
        ROW(false,
            H B "\x02\x01"
                "a\x81\x80\x80\x08",
            "a value of 16777217"),
        ROW(false,
            H B "\x02\x01"
                "a\xff\xff\xff\xff\x0f",
            "a value of 4294967295"),
        ROW(false,
            H B "\x02\x01"
                "a\x80\x80\x80\x80\x10",
            "32 bits"),
        ROW(false,
            H B "\x02\x01"
                "a\x80\x80\x80\x80\x80\x00",
            "32 bits"),
        ROW(false,
            H B "\x02\x01"
                "a\x80\x80\x80\x08"
                "few",
            "cut off"),
        ROW(false,
            H B "\x02\x01"
                "a\x00\x00" E("\x01"),
            "a version of 0"),
        ROW(false,
            H B "\x02\x01"
                "a\x00\x41",
            "a version of 65"),
        ROW(false,
            H B "\x02\x01"
                "a\x00\x01 " E("\x01"),
            "not ASCII"),
        ROW(false,
            H B "\x02\x01"
                "a\x00\x01\x7f" E("\x01"),
            "not ASCII"),
        ROW(false,
            H B "\x02\x01"
                "a\x00\x01\xe4" E("\x01"),
            "not ASCII"),
        ROW(false,
            H B "\x03\x01"
                "a" E("\x01"),
            "no rest"),
        ROW(false, H B K("a") "\x05", "no such item"),
        ROW(false, H B K("a") E("\x00"), "1 came"),
        ROW(false, H B K("a") E("\x02"), "1 came"),
        ROW(false, H B K("a") E("\x01") "x", "behind its end"),
        ROW(false, H B K("a"), "cut off"),
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        lp_arena a = {0};
        items all = {0};
        loop_error *e = read_items(&a, rows[i].text, rows[i].len, &all);
        if (rows[i].good != !e)
            fail_msg("row %zu: %s", i, e ? loop_error_message(e) : "it is taken");
        if (e) {
            assert_int_equal(loop_error_code(e), LOOP_INVALID);
            if (!strstr(loop_error_message(e), rows[i].says))
                fail_msg("row %zu: %s", i, loop_error_message(e));
        }
        loop_error_delete(e);
        free(all.at);
        lp_arena_done(&a);
    }
}

/* The greatest of everything is taken; the table above has one more of each. */
static void the_limits_are_those_of_the_page(void **state)
{
    (void)state;
    lp_arena a = {0};
    items all = {0}, back = {0};
    *lp_push(&all) = (lp_state_item){
        .tag = HEADER,
        .of.header = {
            1, random_text(&a, 256, 256, "w"), 0, {true, random_text(&a, 4096, 4096, "h")}}};
    *lp_push(&all) = (lp_state_item){
        .tag = BUCKET,
        .of.bucket = {random_text(&a, 8192, 8192, "i"), random_text(&a, 64, 64, "n")}};
    *lp_push(&all) = (lp_state_item){.tag = STORED,
                                     .of.stored = {random_bytes(&a, 1024, 1024),
                                                   random_bytes(&a, 16 << 20, 16 << 20),
                                                   random_text(&a, 64, 64, "!~")}};
    lp_buf b = write_items(all.at, all.n);
    assert_null(read_items(&a, b.ptr, b.len, &back));
    same_items(&all, &back);
    lp_buf_done(&b);
    free(all.at);
    free(back.at);
    lp_arena_done(&a);
}

/* ---- handles ---- */

static loop_error *read_object(const char *bytes_of, size_t n, char *ret, size_t *ret_len)
{
    loop_stream *box = lp_stream_box(n + 1);
    assert_null(loop_stream_write(box, bytes_of, n));
    lp_stream_end(box);
    loop_error *e = lp_state_object_read(box, ret, ret_len);
    lp_stream_delete(box);
    return e;
}

static void a_handle_is_its_name(void **state)
{
    (void)state;
    char name[64], back[64], wire[80];
    memset(name, 'n', sizeof name);
    for (size_t n = 1; n <= sizeof name; n++) {
        loop_stream *box = lp_stream_box(80);
        size_t came = 0, len = 0;
        assert_null(lp_state_object_write(box, (lp_str){name, n}));
        assert_null(loop_stream_read(box, wire, sizeof wire, &came));
        lp_stream_delete(box);
        assert_int_equal(came, n + 1);
        assert_null(read_object(wire, came, back, &len));
        assert_true(lp_str_eq((lp_str){back, len}, (lp_str){name, n}));
    }
    static const char *const bad[] = {"", "\x00", "\x02n", "\x01N", "\x01nn", "\x41"};
    static const size_t lens[] = {0, 1, 2, 2, 3, 1};
    for (size_t i = 0; i < LP_COUNT(bad); i++) {
        size_t len;
        loop_error *e = read_object(bad[i], lens[i], back, &len);
        assert_int_equal(loop_error_code(e), LOOP_INVALID);
        loop_error_delete(e);
    }
}

int main(void)
{
    const char *from = lp_os_getenv("STORE_SEED");
    if (from)
        seed = strtoull(from, NULL, 10);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_is_what_the_codec_of_values_writes),
        cmocka_unit_test(no_beginning_of_a_stream_is_one),
        cmocka_unit_test(a_stream_that_is_none_is_refused),
        cmocka_unit_test(the_limits_are_those_of_the_page),
        cmocka_unit_test(a_handle_is_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
