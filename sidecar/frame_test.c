/*
 * sidecar/frame_test.c: frames as they come in pieces of any size, messages that were cut, what is
 * against the protocol, writing into a pipe that is full, credit, room in shared memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/os/os.h"
#include "sidecar/frame.h"
#include "tests/sidecar/protocol_page.h"

/* ---- helpers ---- */

static void came(lp_side_reader *r, const void *bytes, size_t len)
{
    while (len) {
        size_t room;
        uint8_t *to = lp_side_reader_room(r, &room);
        size_t n = LP_MIN(room, len);
        assert_true(n > 0);
        memcpy(to, bytes, n);
        lp_side_reader_came(r, n);
        bytes = (const uint8_t *)bytes + n;
        len -= n;
    }
}

static void add_frame(lp_buf *b, uint8_t type, uint8_t flags, uint32_t id, const void *payload,
                      size_t len)
{
    uint8_t header[LP_SIDE_HEADER];
    lp_side_header(header, type, flags, id, len);
    lp_buf_add(b, header, sizeof header);
    if (len)
        lp_buf_add(b, payload, len);
}

/* What is wrong is LOOP_UNAVAILABLE and says `what`. */
static void is_wrong(loop_error *e, const char *what)
{
    if (!e)
        fail_msg("no error, but: %s", what);
    assert_int_equal(loop_error_code(e), LOOP_UNAVAILABLE);
    if (!strstr(loop_error_message(e), what))
        fail_msg("'%s', not: %s", loop_error_message(e), what);
    loop_error_delete(e);
}

/* ---- frames ---- */

/* Each frame of the page, whole and torn at each place. */
static void page_frames(void **state)
{
    static const char *const blocks[] = {"messages", "messages cut"};
    for (size_t k = 0; k < 2; k++) {
        page_block b = page_read(blocks[k]);
        assert_true(b.n >= 2);
        for (size_t i = 0; i < b.n; i++) {
            const page_line *l = &b.at[i];
            const char *name = l->parts[0];
            for (size_t torn = 0; torn <= l->len; torn++) {
                lp_side_reader r = {0};
                lp_side_frame f;
                bool got;
                came(&r, l->bytes, torn);
                assert_null(lp_side_reader_next(&r, &f, &got));
                assert_int_equal(got, torn == l->len);
                if (torn && !got)
                    is_wrong(lp_side_reader_end(&r), "the stream ended in");
                came(&r, l->bytes + torn, l->len - torn);
                if (!got)
                    assert_null(lp_side_reader_next(&r, &f, &got));
                assert_true(got);
                size_t word = strcspn(name, " ");
                assert_int_equal(strncmp(lp_side_type_name(f.type), name, word), 0);
                assert_int_equal(f.id, (uint32_t)atoi(name + word));
                assert_int_equal(f.flags, strstr(name, " MORE") ? LP_SIDE_MORE : 0);
                assert_int_equal(f.len, l->len - LP_SIDE_HEADER);
                assert_memory_equal(f.payload, l->bytes + LP_SIDE_HEADER, f.len);
                assert_null(lp_side_reader_end(&r));
                assert_null(lp_side_reader_rest(&r));
                lp_side_reader_done(&r);
            }
        }
        page_done(&b);
    }
}

static void no_frames(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *what;
    } rows[] = {
        {"Hello, world!\n", 14, "\"Hello, world!\\n\""},
        {"node:internal/modules\n", 22, "no frame"},
        {"hey!", 4, "hey!"}, /* 0x21796568 bytes: seen before the header is whole */
        {"\x01\0\x10\0", 4, "no frame"},
        {"\0\0\0\0\x12\0pl\0\0\0\0", 12, "no frame"},
        {"\0\0\0\0\x12\0lq", 8, "no frame"},
        {"\0\0\0\0\x12\x02lp\0\0\0\0", 12, "flags 0x02"},
        {"\0\0\0\0\x12\x81lp\0\0\0\0", 12, "flags 0x81"},
        {"\0\0\0\0\x05\0lp\0\0\0\0", 12, "type 0x05"},
        {"\0\0\0\0\0\0lp\0\0\0\0", 12, "type 0x00"},
        {"\0\0\0\0\x7f\0lp\0\0\0\0", 12, "type 0x7f"},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        lp_side_reader r = {0};
        lp_side_frame f;
        bool got;
        loop_error *e = NULL;
        came(&r, rows[i].bytes, rows[i].len);
        e = lp_side_reader_next(&r, &f, &got);
        if (e && !strstr(loop_error_message(e), rows[i].what) &&
            strcmp(rows[i].what, "no frame") == 0)
            is_wrong(e, "does not speak loop's protocol");
        else
            is_wrong(e, rows[i].what);
        lp_side_reader_done(&r);
    }
}

/* After a good frame the same bytes are noise on stdout; the hint says what to do. */
static void noise_between_frames(void **state)
{
    lp_buf b = {0};
    lp_side_reader r = {0};
    lp_side_frame f;
    bool got;
    add_frame(&b, LP_SIDE_PONG, 0, 7, NULL, 0);
    lp_buf_puts(&b, "debug: here");
    came(&r, b.ptr, b.len);
    assert_null(lp_side_reader_next(&r, &f, &got));
    assert_true(got);
    loop_error *e = lp_side_reader_next(&r, &f, &got);
    assert_non_null(strstr(loop_error_hint(e), "stderr"));
    is_wrong(e, "between frames: \"debug: here\"");
    char *rest = lp_side_reader_rest(&r);
    assert_string_equal(rest, "debug: here");
    free(rest);
    lp_side_reader_done(&r);
    lp_buf_done(&b);
}

/* A thousand frames of all sizes, in pieces of all sizes. */
static void in_any_pieces(void **state)
{
    uint32_t seed = 1;
    lp_buf b = {0};
    uint8_t *payload = lp_alloc(LP_MAX_SIDE_FRAME);
    for (size_t i = 0; i < LP_MAX_SIDE_FRAME; i++)
        payload[i] = (uint8_t)(i * 31);
    size_t sizes[1000];
    for (size_t i = 0; i < LP_COUNT(sizes); i++) {
        seed = seed * 1664525 + 1013904223;
        sizes[i] = i % 250 == 249 ? LP_MAX_SIDE_FRAME : (seed >> 8) % 3000;
        add_frame(&b, LP_SIDE_CALL, 0, (uint32_t)i, payload, sizes[i]);
    }
    lp_side_reader r = {0};
    size_t at = 0, frame = 0;
    while (at < b.len) {
        seed = seed * 1664525 + 1013904223;
        size_t n = LP_MIN(b.len - at, (seed >> 8) % (seed & 1 ? 50 : 100000) + 1), room;
        uint8_t *to = lp_side_reader_room(&r, &room);
        n = LP_MIN(n, room);
        memcpy(to, b.ptr + at, n);
        lp_side_reader_came(&r, n);
        at += n;
        lp_side_frame f;
        bool got = true;
        while (got) {
            assert_null(lp_side_reader_next(&r, &f, &got));
            if (!got)
                break;
            assert_int_equal(f.id, frame);
            assert_int_equal(f.len, sizes[frame]);
            assert_memory_equal(f.payload, payload, f.len);
            frame++;
        }
    }
    assert_int_equal(frame, LP_COUNT(sizes));
    assert_true(r.cap <= 2 * LP_MAX_SIDE_FRAME); /* not what came together */
    lp_side_reader_done(&r);
    lp_buf_done(&b);
    free(payload);
}

/* ---- messages ---- */

static loop_error *add(lp_side_inbox *b, uint8_t type, uint8_t flags, uint32_t id,
                       const char *payload, lp_side_message *m, bool *whole)
{
    const lp_side_frame f = {type, flags, id, (const uint8_t *)payload, strlen(payload)};
    return lp_side_inbox_add(b, &f, m, whole);
}

static void pieces_are_put_together(void **state)
{
    lp_side_inbox b = {0};
    lp_side_message m;
    bool whole;
    assert_null(add(&b, LP_SIDE_RESULT, LP_SIDE_MORE, 2, "ab", &m, &whole));
    assert_false(whole);
    assert_null(add(&b, LP_SIDE_NEXT, LP_SIDE_MORE, 1, "12", &m, &whole));
    assert_false(whole);
    /* Others in between, whole. */
    assert_null(add(&b, LP_SIDE_CANCEL, 0, 2, "x", &m, &whole));
    assert_true(whole && m.type == LP_SIDE_CANCEL && !m.own);
    assert_null(add(&b, LP_SIDE_RESULT, 0, 4, "z", &m, &whole));
    assert_true(whole && m.id == 4 && m.len == 1);
    assert_null(add(&b, LP_SIDE_RESULT, LP_SIDE_MORE, 2, "", &m, &whole));
    assert_null(add(&b, LP_SIDE_RESULT, 0, 2, "c", &m, &whole));
    assert_true(whole && m.id == 2 && m.len == 3 && memcmp(m.data, "abc", 3) == 0);
    lp_side_message_done(&m);
    assert_null(add(&b, LP_SIDE_NEXT, 0, 1, "", &m, &whole));
    assert_true(whole && m.id == 1 && m.len == 2 && memcmp(m.data, "12", 2) == 0);
    lp_side_message_done(&m);
    assert_int_equal(b.n, 0);
    assert_int_equal(b.bytes, 0);
    /* State is not put together. */
    assert_null(add(&b, LP_SIDE_STATE, LP_SIDE_MORE, 6, "s", &m, &whole));
    assert_true(whole && m.more && m.len == 1);
    /* A view that is kept outlives the frame. */
    char text[] = "view";
    assert_null(add(&b, LP_SIDE_RESULT, 0, 8, text, &m, &whole));
    lp_side_message_keep(&m);
    text[0] = 'x';
    assert_memory_equal(m.data, "view", 4);
    lp_side_message_done(&m);
    /* What may be ignored is. */
    assert_null(add(&b, 0x90, LP_SIDE_MORE, 8, "?", &m, &whole));
    assert_false(whole);
    lp_side_inbox_done(&b);
}

static void no_messages(void **state)
{
    lp_side_inbox b = {0};
    lp_side_message m;
    bool whole;
    is_wrong(add(&b, LP_SIDE_CREDIT, LP_SIDE_MORE, 0, "x", &m, &whole), "CREDIT in pieces");
    is_wrong(add(&b, LP_SIDE_LOG, LP_SIDE_MORE, 0, "x", &m, &whole), "LOG in pieces");
    assert_null(add(&b, LP_SIDE_RESULT, LP_SIDE_MORE, 2, "x", &m, &whole));
    is_wrong(add(&b, LP_SIDE_FAULT, 0, 2, "x", &m, &whole), "FAULT between the pieces");
    for (uint32_t i = 1; i < LP_MAX_SIDE_PARTIAL; i++)
        assert_null(add(&b, LP_SIDE_RESULT, LP_SIDE_MORE, 2 + 2 * i, "x", &m, &whole));
    is_wrong(add(&b, LP_SIDE_RESULT, LP_SIDE_MORE, 1u << 30, "x", &m, &whole),
             "in pieces at a time");
    lp_side_inbox_done(&b);
}

static void a_message_is_bounded(void **state)
{
    lp_side_inbox b = {0};
    lp_side_message m;
    bool whole;
    uint8_t *payload = lp_alloc(LP_MAX_SIDE_FRAME);
    lp_side_frame f = {LP_SIDE_RESULT, LP_SIDE_MORE, 2, payload, LP_MAX_SIDE_FRAME};
    for (size_t n = 0; n < LP_MAX_SIDE_MESSAGE; n += f.len)
        assert_null(lp_side_inbox_add(&b, &f, &m, &whole));
    f.len = 1;
    is_wrong(lp_side_inbox_add(&b, &f, &m, &whole), "more than 64 MiB");
    /* Given up: its memory goes at once, what follows of it is passed over. */
    lp_side_inbox_forget(&b, 2);
    assert_int_equal(b.bytes, 0);
    for (int i = 0; i < 100; i++)
        assert_null(lp_side_inbox_add(&b, &f, &m, &whole));
    f.flags = 0;
    assert_null(lp_side_inbox_add(&b, &f, &m, &whole));
    assert_false(whole);
    assert_int_equal(b.n, 0);
    assert_null(lp_side_inbox_add(&b, &f, &m, &whole)); /* the id is free again */
    assert_true(whole);
    lp_side_inbox_done(&b);
    free(payload);
}

/* ---- writing ---- */

/* Into a pipe that is read in small pieces: every frame arrives whole and in order. */
static void a_full_pipe(void **state)
{
    int fd[2];
    assert_int_equal(pipe(fd), 0);
    assert_null(lp_os_pipe_unblock(fd[0]));
    assert_null(lp_os_pipe_unblock(fd[1]));
    lp_side_writer w = {.fd = fd[1]};
    lp_side_reader r = {0};
    uint8_t *payload = lp_alloc(200000);
    for (size_t i = 0; i < 200000; i++)
        payload[i] = (uint8_t)(i * 7);
    uint32_t wrote = 0, read = 0;
    bool waited = false, got;
    while (read < 200) {
        if (wrote < 200) {
            lp_side_frame f = {LP_SIDE_CALL, 0, wrote, payload, wrote * 1000};
            assert_null(lp_side_writer_put(&w, &f));
            wrote++;
        }
        waited |= lp_side_writer_left(&w) > 0;
        assert_null(lp_side_writer_flush(&w));
        assert_null(lp_side_reader_fill(&r, fd[0], &got));
        lp_side_frame f;
        for (got = true; got;) {
            assert_null(lp_side_reader_next(&r, &f, &got));
            if (!got)
                break;
            assert_int_equal(f.id, read);
            assert_int_equal(f.len, read * 1000);
            assert_memory_equal(f.payload, payload, f.len);
            read++;
        }
    }
    assert_true(waited);
    assert_int_equal(lp_side_writer_left(&w), 0);
    /* Nobody reads: an error, no signal. */
    close(fd[0]);
    lp_side_frame f = {LP_SIDE_PING, 0, 1, NULL, 0};
    loop_error *e = lp_side_writer_put(&w, &f);
    assert_int_equal(loop_error_code(e), LOOP_IO);
    loop_error_delete(e);
    close(fd[1]);
    lp_side_writer_done(&w);
    lp_side_reader_done(&r);
    free(payload);
}

/* The other side has gone: the end of the stream. */
static void the_end_is_seen(void **state)
{
    int fd[2];
    bool got;
    lp_side_reader r = {0};
    assert_int_equal(pipe(fd), 0);
    assert_null(lp_os_pipe_unblock(fd[0]));
    assert_null(lp_side_reader_fill(&r, fd[0], &got));
    assert_false(got || r.ended);
    assert_int_equal(write(fd[1], "\x04\0\0\0\x14\0lp\x02\0\0\0ab", 14), 14);
    close(fd[1]);
    assert_null(lp_side_reader_fill(&r, fd[0], &got));
    assert_null(lp_side_reader_fill(&r, fd[0], &got));
    assert_true(got && r.ended);
    is_wrong(lp_side_reader_end(&r), "in a frame RESULT, after 2 of its 4 bytes");
    close(fd[0]);
    lp_side_reader_done(&r);
}

/* ---- credit ---- */

static void credit(void **state)
{
    lp_side_credit c;
    lp_side_credit_init(&c, 2u << 20, 2u << 20);
    /* What fits goes in one frame, else in pieces that let others in between. */
    assert_int_equal(lp_side_credit_piece(&c, 1000), 1000);
    assert_int_equal(lp_side_credit_piece(&c, LP_MAX_SIDE_FRAME), LP_MAX_SIDE_FRAME);
    assert_int_equal(lp_side_credit_piece(&c, LP_MAX_SIDE_FRAME + 1), LP_SIDE_PIECE);
    lp_side_credit_sent(&c, (2u << 20) - 5000);
    assert_int_equal(lp_side_credit_piece(&c, 6000), 5000);
    lp_side_credit_sent(&c, 1000);
    assert_int_equal(lp_side_credit_piece(&c, 6000), 0); /* not worth a frame */
    assert_int_equal(lp_side_credit_piece(&c, 4000), 4000);
    is_wrong(lp_side_credit_back(&c, (2u << 20) - 3999), "it gave back credit");
    assert_null(lp_side_credit_back(&c, (2u << 20) - 4000));
    assert_int_equal(lp_side_credit_piece(&c, LP_MAX_SIDE_FRAME), LP_MAX_SIDE_FRAME);
    is_wrong(lp_side_credit_back(&c, 1), "it gave back credit");

    /* A state leaves half of it, however short the last piece gets. */
    lp_side_credit_init(&c, (2u << 20) + 1, 2u << 20);
    assert_int_equal(lp_side_credit_state(&c, 10), 10);
    assert_int_equal(lp_side_credit_state(&c, 2u << 20), LP_SIDE_PIECE);
    lp_side_credit_sent(&c, (1u << 20) - 1);
    assert_int_equal(lp_side_credit_state(&c, LP_SIDE_PIECE), 2);
    lp_side_credit_sent(&c, 2);
    assert_int_equal(lp_side_credit_state(&c, LP_SIDE_PIECE), 0);
    assert_int_equal(lp_side_credit_piece(&c, 4000), 4000);
    lp_side_credit_init(&c, 2u << 20, 2u << 20);

    /* The other side: over its window is refused; half of it is given back at once. */
    lp_side_frame f = {LP_SIDE_RESULT, 0, 2, NULL, LP_MAX_SIDE_FRAME};
    assert_null(lp_side_credit_came(&c, &f));
    assert_null(lp_side_credit_came(&c, &f));
    f.len = 1;
    is_wrong(lp_side_credit_came(&c, &f), "with credit for 0");
    f.type = LP_SIDE_CREDIT;
    assert_null(lp_side_credit_came(&c, &f));
    assert_int_equal(lp_side_credit_read(&c, LP_MAX_SIDE_FRAME), LP_MAX_SIDE_FRAME);
    assert_int_equal(lp_side_credit_read(&c, LP_MAX_SIDE_FRAME), LP_MAX_SIDE_FRAME);
    f = (lp_side_frame){LP_SIDE_RESULT, 0, 2, NULL, LP_MAX_SIDE_FRAME - 1};
    assert_null(lp_side_credit_came(&c, &f));
    assert_int_equal(lp_side_credit_read(&c, LP_MAX_SIDE_FRAME - 1), 0);
    f.len = 1;
    assert_null(lp_side_credit_came(&c, &f));
    assert_int_equal(lp_side_credit_read(&c, 1), LP_MAX_SIDE_FRAME);
    f = (lp_side_frame){LP_SIDE_LOG, 0, 0, NULL, LP_MAX_SIDE_FRAME};
    assert_null(lp_side_credit_came(&c, &f));
    assert_int_equal(lp_side_credit_read(&c, LP_MAX_SIDE_FRAME), LP_MAX_SIDE_FRAME);

    /* Of what is held back nothing is: of the rest, half. */
    lp_side_credit_init(&c, 2u << 20, 2u << 20);
    f = (lp_side_frame){LP_SIDE_STATE, 0, 2, NULL, LP_MAX_SIDE_FRAME};
    assert_null(lp_side_credit_came(&c, &f));
    f = (lp_side_frame){LP_SIDE_RESULT, 0, 4, NULL, LP_MAX_SIDE_FRAME / 2};
    assert_null(lp_side_credit_came(&c, &f));
    assert_int_equal(lp_side_credit_read(&c, LP_MAX_SIDE_FRAME / 2), LP_MAX_SIDE_FRAME / 2);
    f.len = LP_MAX_SIDE_FRAME / 2 - 1;
    assert_null(lp_side_credit_came(&c, &f));
    assert_int_equal(lp_side_credit_read(&c, f.len), 0);
    assert_int_equal(lp_side_credit_read(&c, LP_MAX_SIDE_FRAME), LP_MAX_SIDE_FRAME + f.len);
    assert_true(lp_side_counts(0x90) && !lp_side_counts(LP_SIDE_WELCOME));
}

/* ---- room ---- */

static void room(void **state)
{
    lp_side_room r = {.start = 0, .end = 1024};
    uint32_t at;
    assert_true(lp_side_room_take(&r, 2, 100, &at));
    assert_int_equal(at, 0);
    assert_true(lp_side_room_take(&r, 4, 100, &at));
    assert_int_equal(at, 128);
    assert_true(lp_side_room_take(&r, 2, 500, &at));
    assert_int_equal(at, 256);
    assert_false(lp_side_room_take(&r, 6, 300, &at));
    assert_true(lp_side_room_take(&r, 6, 200, &at));
    assert_int_equal(at, 768);
    assert_false(lp_side_room_take(&r, 6, SIZE_MAX, &at));
    lp_side_room_free(&r, 2);
    assert_true(lp_side_room_take(&r, 8, 128, &at)); /* the lowest place */
    assert_int_equal(at, 0);
    assert_true(lp_side_room_take(&r, 8, 512, &at));
    assert_int_equal(at, 256);
    for (uint32_t id = 2; id <= 8; id += 2)
        lp_side_room_free(&r, id);
    assert_int_equal(r.n, 0);
    assert_true(lp_side_room_take(&r, 2, 960, &at));
    lp_side_room_done(&r);
}

/* No two that are given out overlap, and all stay inside. */
static void room_at_random(void **state)
{
    lp_side_room r = {.start = 4096, .end = 4096 + 100000};
    uint8_t *owner = lp_alloc(200000);
    struct {
        uint32_t at, size;
    } taken[64] = {{0}};
    uint32_t seed = 7, at;
    for (int i = 0; i < 20000; i++) {
        seed = seed * 1664525 + 1013904223;
        uint32_t k = (seed >> 8) % 64, size = (seed >> 14) % 5000 + 1;
        if (taken[k].size) {
            for (uint32_t b = 0; b < taken[k].size; b++)
                assert_int_equal(owner[taken[k].at + b], k + 1);
            memset(owner + taken[k].at, 0, taken[k].size);
            lp_side_room_free(&r, k);
            taken[k].size = 0;
        } else if (lp_side_room_take(&r, k, size, &at)) {
            assert_true(at >= r.start && size <= r.end - at);
            for (uint32_t b = 0; b < size; b++)
                assert_int_equal(owner[at + b], 0);
            memset(owner + at, (int)k + 1, size);
            taken[k].at = at;
            taken[k].size = size;
        }
    }
    lp_side_room_done(&r);
    free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_frames),
        cmocka_unit_test(no_frames),
        cmocka_unit_test(noise_between_frames),
        cmocka_unit_test(in_any_pieces),
        cmocka_unit_test(pieces_are_put_together),
        cmocka_unit_test(no_messages),
        cmocka_unit_test(a_message_is_bounded),
        cmocka_unit_test(a_full_pipe),
        cmocka_unit_test(the_end_is_seen),
        cmocka_unit_test(credit),
        cmocka_unit_test(room),
        cmocka_unit_test(room_at_random),
    };
    return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
