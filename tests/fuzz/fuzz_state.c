/*
 * tests/fuzz/fuzz_state.c: the state of a store, as a hostile provider hands it over.
 *
 * The first byte of the input says how much room the reader begins with, the rest is the stream.
 * (With 0x80 in it, "~" stands for a zero byte: so seeds can be C strings.) What must hold:
 * nothing is read outside of what came and nothing leaks; whatever the room, the same items
 * and the same error come out; what is taken is in order and within the limits of
 * wit/storage/store.wit, and written again it is read as the same.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/stream.h"
#include "providers/storage/state.h"
#include "providers/storage/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEADER(pass) "~\x01\x06memory" pass
#define BUCKET(identity, name) "\x01\x01" identity "\x01" name
#define KEY(key, value)                                                                            \
    "\x02\x01" key "\x01" value "\x03"                                                             \
    "1-a"
const char *const fuzz_seeds[] = {
    "\x80" HEADER("~~") "\x04~",
    "\x81" HEADER("~~") BUCKET("i", "b") KEY("a", "1") KEY("b", "~") "\x04\x02",
    "\x82" HEADER("\x01\x01\x08sqlite:1") BUCKET("i", "b") KEY("a", "1") BUCKET("j", "a")
        KEY("a", "1") "\x04\x02",
    "\x83" HEADER("\x02~") BUCKET("i", "b") "\x03\x01"
                                            "a" KEY("b", "2") "\x04\x02",
    "\x84" HEADER("\x02~") BUCKET("i", "b") KEY("b", "2") "\x03\x01"
                                                          "a"
                                                          "\x04\x02",
    "\x85" HEADER("~~") BUCKET("i", "b") "\x02\x01"
                                         "a\x80\x80\x80\x08too short",
    "\x86" HEADER("~~") BUCKET("i", "b") "\x02\x01"
                                         "a\xff\xff\xff\xff\x0f",
    "\x80Hello, world!\n",
    NULL,
};

struct heard {
    uint64_t sum, items;
    loop_code error;
    lp_buf again; /* what was read, written */
};

static void add(struct heard *h, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    h->sum = (h->sum ^ len) * 1099511628211u;
    for (size_t i = 0; i < len; i++)
        h->sum = (h->sum ^ p[i]) * 1099511628211u;
}

static void must(bool good)
{
    if (!good)
        abort();
}

static lp_str text(loop_string s)
{
    return (lp_str){s.ptr, s.len};
}

static lp_str bytes(loop_list_u8 l)
{
    return (lp_str){(const char *)l.ptr, l.len};
}

static void hear_header(struct heard *h, lp_state_out *o, const loop_storage_state_header *i)
{
    lp_auto(lp_free_string) char *writer = lp_strndup(i->writer.ptr, i->writer.len), *home = NULL;
    if (i->home.is_some)
        home = lp_strndup(i->home.value.ptr, i->home.value.len);
    lp_state_header(o, writer, i->pass, home);
    add(h, writer, strlen(writer)); /* as it is written again: to a zero byte */
}

static void hear(struct heard *h, lp_state_out *o, const lp_state_item *i)
{
    add(h, &i->tag, 1);
    switch (i->tag) {
    case LOOP_STORAGE_STATE_ITEM_HEADER: hear_header(h, o, &i->of.header); break;
    case LOOP_STORAGE_STATE_ITEM_BUCKET: {
        loop_error *bad = lp_store_name_check(i->of.bucket.name);
        must(!bad && i->of.bucket.identity.len && i->of.bucket.identity.len <= LP_MAX_IDENTITY);
        lp_state_bucket(o, text(i->of.bucket.identity), text(i->of.bucket.name));
        add(h, i->of.bucket.name.ptr, i->of.bucket.name.len);
        break;
    }
    case LOOP_STORAGE_STATE_ITEM_STORED: {
        const loop_storage_state_stored *s = &i->of.stored;
        must(s->key.len && s->key.len <= LP_MAX_STORE_KEY && s->value.len <= LP_MAX_STORE_VALUE &&
             s->version.len && s->version.len <= LP_MAX_STORE_VERSION);
        lp_state_stored(o, bytes(s->key), bytes(s->value), text(s->version));
        add(h, s->key.ptr, s->key.len);
        add(h, s->value.ptr, s->value.len);
        break;
    }
    case LOOP_STORAGE_STATE_ITEM_REMOVED:
        lp_state_removed(o, bytes(i->of.removed));
        add(h, i->of.removed.ptr, i->of.removed.len);
        break;
    default: break;
    }
}

/* Read with room for so many bytes at first, so that items move and the room grows. */
static struct heard listen(const uint8_t *at, size_t len, size_t room)
{
    struct heard h = {0};
    loop_stream *box = lp_stream_box(len + 1);
    loop_error *e = loop_stream_write(box, at, len);
    must(!e);
    lp_stream_end(box);
    lp_state_in in = {.from = box, .ptr = lp_alloc(room), .cap = room};
    lp_state_out o = {0};
    for (bool over = false; !over && !e; h.items += !e) {
        lp_state_item i = {0};
        e = lp_state_next(&in, &i);
        if (!e)
            hear(&h, &o, &i);
        over = i.tag == LOOP_STORAGE_STATE_ITEM_END;
    }
    h.error = e ? loop_error_code(e) : LOOP_OK;
    must(!e || h.error == LOOP_INVALID);
    if (!e) {
        loop_stream *to = lp_stream_box(o.len + 16);
        o.to = to;
        e = lp_state_end(&o);
        must(!e);
        char piece[4096];
        for (size_t came = 1; came;) {
            e = loop_stream_read(to, piece, sizeof piece, &came);
            must(!e);
            lp_buf_add(&h.again, piece, came);
        }
        lp_stream_delete(to);
    }
    loop_error_delete(e);
    lp_state_in_done(&in);
    lp_state_out_done(&o);
    lp_stream_delete(box);
    return h;
}

static void listen_to_objects(const uint8_t *at, size_t len)
{
    char name[LP_MAX_STORE_NAME];
    size_t n = 0;
    loop_stream *box = lp_stream_box(len + 1);
    loop_error *e = loop_stream_write(box, at, len);
    must(!e);
    lp_stream_end(box);
    e = lp_state_object_read(box, name, &n);
    if (!e)
        must(n && n < len && memcmp(name, at + len - n, n) == 0);
    loop_error_delete(e);
    lp_stream_delete(box);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    uint8_t *stream = lp_alloc(size);
    for (size_t i = 1; i < size; i++)
        stream[i - 1] = data[0] & 0x80 && data[i] == '~' ? 0 : data[i];
    struct heard a = listen(stream, size - 1, 1 + data[0] % 32), b;
    b = listen(stream, size - 1, LP_STATE_PIECE);
    must(a.error == b.error && a.sum == b.sum && a.items == b.items);
    lp_buf_done(&b.again);
    if (a.error == LOOP_OK) {
        b = listen((const uint8_t *)a.again.ptr, a.again.len, 1 + data[0] % 7);
        must(b.error == LOOP_OK && a.sum == b.sum && a.items == b.items);
        lp_buf_done(&b.again);
    }
    listen_to_objects(stream, size - 1);
    lp_buf_done(&a.again);
    free(stream);
    return 0;
}
