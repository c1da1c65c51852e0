/*
 * control/client.c: asking a host: a request, then lines until the last one.
 *
 * Any thread, but not the one whose loop has to turn for the answer.
 */
#include <stdlib.h>

#include "base/os/os.h"
#include "control/internal.h"

struct loop_remote {
    char *name;
    uint64_t patience_ms;
    int fd;
    lp_buf in; /* what was read; the first `taken` bytes are done with */
    size_t taken;
    lp_answer last; /* of the status */
};

/* ---- lines ---- */

static loop_error *too_late(const loop_remote *r)
{
    return loop_error_hint_set(loop_error_new(LOOP_TIMEOUT,
                                              "the host '%s' did not answer within %g s", r->name,
                                              (double)r->patience_ms / 1000),
                               "it may be stopped, or busy with something long");
}

static uint64_t until(const loop_remote *r)
{
    return r->patience_ms ? lp_os_now_ns() + r->patience_ms * 1000000 : 0;
}

static loop_error *gone(const loop_remote *r, loop_error *cause)
{
    loop_error_delete(cause);
    return loop_error_new(LOOP_IO, "the host '%s' ended the connection", r->name);
}

static loop_error *send_line(loop_remote *r, const lp_buf *line)
{
    uint64_t end = until(r);
    for (size_t at = 0, n; at < line->len; at += n) {
        const lp_os_bytes part = {line->ptr + at, line->len - at};
        loop_error *e = lp_os_pipe_write(r->fd, &part, 1, &n);
        if (e)
            return gone(r, e);
        if (!n && !lp_os_pipe_wait(r->fd, true, end))
            return too_late(r);
    }
    return NULL;
}

/* The next line, without its end; it lives until the next call. */
static loop_error *read_line(loop_remote *r, const char **ret, size_t *ret_n)
{
    uint64_t end = until(r);
    memmove(r->in.ptr, r->in.ptr + r->taken, r->in.len - r->taken);
    r->in.len -= r->taken;
    r->taken = 0;
    for (size_t looked = 0;;) {
        char *newline =
            r->in.len > looked ? memchr(r->in.ptr + looked, '\n', r->in.len - looked) : NULL;
        if (newline) {
            *ret = r->in.ptr;
            *ret_n = (size_t)(newline - r->in.ptr);
            r->taken = *ret_n + 1;
            return NULL;
        }
        looked = r->in.len;
        if (r->in.len > LP_MAX_CONTROL_ANSWER)
            return loop_error_new(LOOP_LIMIT, "the host '%s' answers more than %u bytes", r->name,
                                  LP_MAX_CONTROL_ANSWER);
        char bytes[16384];
        size_t n;
        bool over = false;
        loop_error *e = lp_os_pipe_read(r->fd, bytes, sizeof bytes, &n, &over);
        if (e || over)
            return gone(r, e);
        if (n)
            lp_buf_add(&r->in, bytes, n);
        else if (!lp_os_pipe_wait(r->fd, false, end))
            return too_late(r);
    }
}

static loop_error *read_answer(loop_remote *r, lp_answer *ret)
{
    const char *line;
    size_t n;
    LP_TRY(read_line(r, &line, &n));
    return lp_answer_read(line, n, ret);
}

static loop_error *ask(loop_remote *r, const loop_wish *wish)
{
    lp_buf b = {0};
    lp_request_write(&b, wish);
    loop_error *e =
        b.len > LP_MAX_CONTROL_LINE + 1
            ? loop_error_new(LOOP_LIMIT, "a request has more than %u bytes", LP_MAX_CONTROL_LINE)
            : send_line(r, &b);
    lp_buf_done(&b);
    return e;
}

/* ---- the calls ---- */

loop_error *loop_remote_open(const char *name, uint64_t patience_ms, loop_remote **ret)
{
    int fd;
    LP_TRY(lp_control_connect(name, &fd));
    loop_remote *r = lp_alloc(sizeof *r);
    *r = (loop_remote){.name = lp_strdup(name), .patience_ms = patience_ms, .fd = fd};
    lp_buf_puts(&r->in, "");
    *ret = r;
    return NULL;
}

const char *loop_remote_name(const loop_remote *r)
{
    return r->name;
}

void loop_remote_close(loop_remote *r)
{
    if (!r)
        return;
    lp_os_local_close(r->fd);
    lp_answer_done(&r->last);
    lp_buf_done(&r->in);
    free(r->name);
    free(r);
}

static loop_error *unexpected(const loop_remote *r)
{
    return loop_error_new(LOOP_INVALID, "the host '%s' answers something else", r->name);
}

loop_error *loop_remote_status(loop_remote *r, const loop_status **ret)
{
    lp_answer_done(&r->last);
    LP_TRY(ask(r, NULL));
    LP_TRY(read_answer(r, &r->last));
    if (r->last.kind == LP_ANSWER_END && r->last.error)
        return lp_take(&r->last.error);
    if (r->last.kind != LP_ANSWER_STATUS)
        return unexpected(r);
    *ret = &r->last.status;
    return NULL;
}

loop_error *loop_remote_ask(loop_remote *r, const loop_wish *wish, loop_remote_step *step,
                            void *data)
{
    LP_TRY(lp_wish_check(wish));
    LP_TRY(ask(r, wish));
    for (;;) {
        lp_answer a;
        LP_TRY(read_answer(r, &a));
        lp_answer_kind kind = a.kind;
        loop_error *e = kind == LP_ANSWER_END ? lp_take(&a.error) : NULL;
        if (kind == LP_ANSWER_STEP && step)
            step(data, a.what, a.error, a.has_report ? &a.report : NULL);
        lp_answer_done(&a);
        if (kind == LP_ANSWER_STATUS)
            return unexpected(r);
        if (kind == LP_ANSWER_END)
            return e;
    }
}
