/*
 * tests/fuzz/fuzz_frame.c: what comes from a hostile sidecar, from bytes to messages.
 *
 * The first byte of the input says how the bytes are cut on their way, the rest is the stream.
 * (With 0x80 in it, "~" stands for a zero byte: so seeds can be C strings.) What must hold:
 * nothing is read outside of what came and nothing leaks; however the stream is cut, the same
 * messages and the same error come out; a WELCOME that is taken has plans for its functions.
 */
#include <stdint.h>
#include <stdlib.h>

#include "sidecar/handshake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEADER(len, type, more) len "~~~" type more "lp"
const char *const fuzz_seeds[] = {
    "\x81" HEADER("\x01", "\x14", "~") "\x02~~~\x04",
    "\x82" HEADER("\x02", "\x14", "\x01") "\x02~~~ab" HEADER("\x02", "\x14", "~") "\x02~~~cd",
    "\x83" HEADER("\x0f", "\x01", "~") "~~~~\x0cloop-sidecar\x01\x01",
    "\x84" HEADER("\x18", "\x15", "~") "\x04~~~\x08internal\x01\x0clost the die~",
    "\x85" HEADER("\x14", "\x80", "~") "\x02~~~\x03~\x04"
                                       "dice\x04worn\x01\x04"
                                       "edge\x01\x03",
    "\x80" HEADER("\x04", "\x13", "~") "\x01~~~\x02~~\x06" HEADER("\x03", "\x17", "~") "~~~~~~\x03",
    "\x87" HEADER("\x01", "\x34", "\x01") "\x0a~~~a" HEADER("~", "\x34", "~") "\x0a~~~",
    "\x88" HEADER("\x03", "\x35", "~") "\x0e~~~~\x01\x07" HEADER("\x02", "\x36",
                                                                 "~") "\x10~~~~\x01",
    "\x89" HEADER("\x08", "\x14", "~") "\x10~~~\xff\xff\xff\xff\xff\xff\xff\x0f",
    "\x80Hello, world!\n",
    NULL,
};

/* What came out, to compare. */
struct heard {
    uint64_t sum;
    size_t messages;
    loop_code error;
};

static void add(struct heard *h, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    for (size_t i = 0; i < len; i++)
        h->sum = (h->sum ^ p[i]) * 1099511628211u;
}

static void read_welcome(const lp_side_message *m)
{
    lp_arena arena = {0};
    lp_side_welcome w;
    loop_error *err = lp_side_welcome_read(&arena, m->data, m->len, &w);
    if (!err) {
        for (size_t i = 0; i < w.interface_count; i++)
            for (size_t k = 0; k < w.interfaces[i].function_count; k++)
                if (!w.interfaces[i].functions[k].plan || !w.interfaces[i].rows->functions[k].type)
                    abort();
        lp_side_welcome_done(&w);
    }
    loop_error_delete(err);
    lp_arena_done(&arena);
}

static void read_message(const lp_side_message *m)
{
    loop_error *err = NULL, *got = NULL;
    lp_arena arena = {0};
    loop_log_entry log;
    lp_side_next next;
    lp_side_drop drop;
    uint64_t handle;
    lp_wire_in in = {.at = m->data, .end = m->data + m->len};
    switch (m->type) {
    case LP_SIDE_WELCOME: read_welcome(m); break;
    case LP_SIDE_FAIL:
    case LP_SIDE_FAULT:
        err = lp_side_error_read(m->data, m->len, &got);
        if (!err == !got)
            abort();
        break;
    case LP_SIDE_LOG: err = lp_side_log_read(&arena, m->data, m->len, &log); break;
    case LP_SIDE_NEXT: err = lp_side_next_read(&in, &next); break;
    case LP_SIDE_RESULT: /* as if it were that of RESTORE-OBJECT */
        err = lp_side_handle_read(m->data, m->len, &handle);
        if (!err && (handle % 2 == 0 || handle >> 53))
            abort();
        break;
    case LP_SIDE_DROP: err = lp_side_drop_read(m->data, m->len, &drop); break;
    default: break;
    }
    loop_error_delete(err);
    loop_error_delete(got);
    lp_arena_done(&arena);
}

/* All frames that are there. */
static loop_error *take_frames(lp_side_reader *r, lp_side_inbox *b, struct heard *h)
{
    for (;;) {
        lp_side_frame f;
        lp_side_message m;
        bool got, whole;
        LP_TRY(lp_side_reader_next(r, &f, &got));
        if (!got)
            return NULL;
        LP_TRY(lp_side_inbox_add(b, &f, &m, &whole));
        if (!whole)
            continue;
        read_message(&m);
        add(h, &m.type, 1);
        add(h, &m.id, sizeof m.id);
        add(h, m.data, m.len);
        h->messages++;
        if (m.id % 7 == 3)
            lp_side_inbox_forget(b, m.id + 1);
        lp_side_message_done(&m);
    }
}

static struct heard listen(const uint8_t *at, size_t len, size_t piece)
{
    struct heard h = {0};
    lp_side_reader r = {0};
    lp_side_inbox b = {0};
    loop_error *err = NULL;
    while (len && !err) {
        size_t room;
        uint8_t *to = lp_side_reader_room(&r, &room);
        size_t n = LP_MIN(LP_MIN(len, piece), room);
        memcpy(to, at, n);
        lp_side_reader_came(&r, n);
        at += n;
        len -= n;
        err = take_frames(&r, &b, &h);
    }
    if (!err)
        err = lp_side_reader_end(&r);
    free(lp_side_reader_rest(&r));
    h.error = err ? loop_error_code(err) : LOOP_OK;
    if (err && h.error != LOOP_UNAVAILABLE)
        abort();
    loop_error_delete(err);
    lp_side_inbox_done(&b);
    lp_side_reader_done(&r);
    return h;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t pieces[] = {1, 2, 3, 7, 12, 13, 100, 1u << 20};
    if (!size)
        return 0;
    uint8_t *stream = lp_alloc(size);
    for (size_t i = 1; i < size; i++)
        stream[i - 1] = data[0] & 0x80 && data[i] == '~' ? 0 : data[i];
    struct heard a = listen(stream, size - 1, 1u << 20);
    struct heard b = listen(stream, size - 1, pieces[data[0] % LP_COUNT(pieces)]);
    if (a.sum != b.sum || a.messages != b.messages || a.error != b.error)
        abort();
    free(stream);
    return 0;
}
