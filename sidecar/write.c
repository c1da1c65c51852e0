/* sidecar/write.c: frames out, credit, and room in the shared memory; see frame.h. */
#include <stdlib.h>

#include "base/os/os.h"
#include "sidecar/frame.h"

#define LEAST_PIECE 4096u    /* a shorter piece of a message waits for credit */
#define ROOM_ALIGN 64u       /* of blocks in the shared memory */
#define KEEP_LEFT (1u << 20) /* of the memory for what the pipe did not take */

/* ---- writing ---- */

void lp_side_header(uint8_t to[LP_SIDE_HEADER], uint8_t type, uint8_t flags, uint32_t id,
                    size_t len)
{
    for (int i = 0; i < 4; i++) {
        to[i] = (uint8_t)(len >> 8 * i);
        to[8 + i] = (uint8_t)(id >> 8 * i);
    }
    to[4] = type;
    to[5] = flags;
    to[6] = LP_SIDE_MAGIC & 0xff;
    to[7] = LP_SIDE_MAGIC >> 8;
}

void lp_side_writer_done(lp_side_writer *w)
{
    lp_buf_done(&w->left);
    w->sent = 0;
}

static void all_sent(lp_side_writer *w)
{
    w->sent = w->left.len = 0;
    if (w->left.cap > KEEP_LEFT) {
        lp_buf_done(&w->left);
        w->left = (lp_buf){0};
    }
}

loop_error *lp_side_writer_put(lp_side_writer *w, const lp_side_frame *f)
{
    uint8_t header[LP_SIDE_HEADER], small[256]; /* which one part is cheaper for */
    size_t n = 0;
    if (f->len > LP_MAX_SIDE_FRAME)
        return loop_error_new(LOOP_INTERNAL, "a frame of %zu bytes", f->len);
    lp_side_header(header, f->type, f->flags, f->id, f->len);
    if (!lp_side_writer_left(w) && f->len <= sizeof small - sizeof header) {
        memcpy(small, header, sizeof header);
        if (f->len)
            memcpy(small + sizeof header, f->payload, f->len);
        const lp_os_bytes whole = {small, sizeof header + f->len};
        LP_TRY(lp_os_pipe_write(w->fd, &whole, 1, &n));
    } else if (!lp_side_writer_left(w)) {
        const lp_os_bytes parts[] = {{header, sizeof header}, {f->payload, f->len}};
        LP_TRY(lp_os_pipe_write(w->fd, parts, 2, &n));
    }
    if (n < sizeof header)
        lp_buf_add(&w->left, header + n, sizeof header - n);
    size_t of_payload = n < sizeof header ? 0 : n - sizeof header;
    if (of_payload < f->len)
        lp_buf_add(&w->left, f->payload + of_payload, f->len - of_payload);
    return NULL;
}

loop_error *lp_side_writer_flush(lp_side_writer *w)
{
    while (lp_side_writer_left(w)) {
        size_t n;
        const lp_os_bytes part = {w->left.ptr + w->sent, lp_side_writer_left(w)};
        LP_TRY(lp_os_pipe_write(w->fd, &part, 1, &n));
        if (n == 0)
            return NULL;
        w->sent += n;
    }
    all_sent(w);
    return NULL;
}

/* ---- credit ---- */

void lp_side_credit_init(lp_side_credit *c, uint32_t to_spend, uint32_t window)
{
    *c = (lp_side_credit){.to_spend = to_spend, .window = window};
}

bool lp_side_counts(uint8_t type)
{
    return type > LP_SIDE_FAIL && type != LP_SIDE_CREDIT;
}

size_t lp_side_credit_piece(const lp_side_credit *c, size_t want)
{
    if (want <= LP_MAX_SIDE_FRAME && want <= c->to_spend)
        return want;
    size_t piece = LP_MIN(LP_MIN(want, (size_t)LP_SIDE_PIECE), (size_t)c->to_spend);
    return piece < LP_MIN(want, (size_t)LEAST_PIECE) ? 0 : piece;
}

size_t lp_side_credit_state(const lp_side_credit *c, size_t want)
{
    size_t half = (c->to_spend + c->spent) / 2, most = c->to_spend > half ? c->to_spend - half : 0;
    /* However short: who has read less than half gives nothing back. */
    return LP_MIN(LP_MIN(want, (size_t)LP_SIDE_PIECE), most);
}

void lp_side_credit_sent(lp_side_credit *c, size_t n)
{
    c->to_spend -= (uint32_t)n;
    c->spent += (uint32_t)n;
}

loop_error *lp_side_credit_back(lp_side_credit *c, uint64_t n)
{
    if (n > c->spent)
        return loop_error_new(LOOP_UNAVAILABLE,
                              "it gave back credit for %llu bytes, of %u in flight",
                              (unsigned long long)n, c->spent);
    c->spent -= (uint32_t)n;
    c->to_spend += (uint32_t)n;
    return NULL;
}

loop_error *lp_side_credit_came(lp_side_credit *c, const lp_side_frame *f)
{
    if (!lp_side_counts(f->type))
        return NULL;
    if (f->len > c->window - c->in_flight)
        return loop_error_new(LOOP_UNAVAILABLE, "it sent %zu bytes with credit for %u", f->len,
                              c->window - c->in_flight);
    c->in_flight += (uint32_t)f->len;
    return NULL;
}

uint32_t lp_side_credit_read(lp_side_credit *c, size_t n)
{
    c->read += (uint32_t)n;
    uint32_t held = c->in_flight - c->read; /* STATE, NEXT: of what is left to others, half */
    if (c->read < (c->window - held) / 2)
        return 0;
    uint32_t back = c->read;
    c->read = 0;
    c->in_flight -= back;
    return back;
}

/* ---- room in the shared memory ---- */

void lp_side_room_done(lp_side_room *r)
{
    free(r->at);
    *r = (lp_side_room){0};
}

bool lp_side_room_take(lp_side_room *r, uint32_t id, size_t size, uint32_t *ret_offset)
{
    if (size > r->end - r->start)
        return false;
    uint32_t want = (uint32_t)((size + ROOM_ALIGN - 1) & ~(size_t)(ROOM_ALIGN - 1));
    uint32_t at = r->start;
    size_t i = 0;
    for (; i < r->n && r->at[i].offset - at < want; i++)
        at = r->at[i].offset + r->at[i].size;
    if (want > r->end - at)
        return false;
    lp_push(r);
    memmove(&r->at[i + 1], &r->at[i], (r->n - 1 - i) * sizeof *r->at);
    r->at[i] = (struct lp_side_block){.offset = at, .size = want, .id = id};
    *ret_offset = at;
    return true;
}

void lp_side_room_free(lp_side_room *r, uint32_t id)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->n; i++)
        if (r->at[i].id != id)
            r->at[kept++] = r->at[i];
    r->n = kept;
}
