/*
 * control/server.c: a host's side: a socket and its connections on the host's event loop.
 *
 * A connection has one request at a time: while one is carried out, or its answer is not read,
 * nothing more is read of it, so that what a client sends ahead waits on its own side. Nobody is
 * waited for: a client that does not read is dropped, and what it asked for goes on.
 *
 * Handles are not counted by the loop: control alone keeps no host alive. Memory goes with the last
 * handle's close, which may be after loop_control_close.
 */
#include <stdlib.h>
#include <uv.h>

#include "base/os/os.h"
#include "control/internal.h"
#include "host/hooks.h"

#define AGAIN_MS 100 /* until one that could not be let in is let in */

struct client {
    uv_poll_t poll;
    int fd;
    struct client *next;
    loop_control *control;
    lp_wish_run *run; /* under way; NULL: none */
    lp_buf out;       /* answers that it has not read, from `sent` on */
    size_t sent;
    bool ending; /* no more requests: closed when it has read its answers */
    bool closed;
    uint64_t last_ms; /* when it was heard of */
    size_t used;
    char *line; /* LP_MAX_CONTROL_LINE and its end */
};

struct loop_control {
    loop_host *host;
    char *name, *path; /* of the socket; NULL until it is there */
    uv_timer_t timer;
    uv_poll_t poll;
    int fd; /* -1: none yet */
    bool closed;
    size_t handles; /* that are not closed yet */
    struct client *clients;
    size_t count;
    const loop_config *config; /* NULL: none */
};

/* ---- the end of things ---- */

static void release(loop_control *c)
{
    if (--c->handles || !c->closed)
        return;
    free(c->name);
    free(c->path);
    free(c);
}

static void on_closed(uv_handle_t *handle)
{
    release(handle->data);
}

static void on_client_closed(uv_handle_t *handle)
{
    struct client *k = handle->data;
    release(k->control);
    lp_buf_done(&k->out);
    free(k->line);
    free(k);
}

static void close_client(struct client *k)
{
    if (k->closed)
        return;
    k->closed = true;
    lp_wish_forget(lp_take(&k->run));
    struct client **at = &k->control->clients;
    while (*at != k)
        at = &(*at)->next;
    *at = k->next;
    k->control->count--;
    uv_close((uv_handle_t *)&k->poll, on_client_closed);
    lp_os_local_close(k->fd);
}

/* ---- answers ---- */

static void on_event(uv_poll_t *poll, int failed, int events);

/* What is waited for next: that it reads, that it sends, or (during a request) neither. */
static void wait_for_more(struct client *k)
{
    int events = k->out.len > k->sent ? UV_WRITABLE : k->run ? UV_DISCONNECT : UV_READABLE;
    if (!k->closed && uv_poll_start(&k->poll, events, on_event) != 0)
        close_client(k);
}

/* Sends what goes now. */
static void flush(struct client *k)
{
    while (!k->closed && k->out.len > k->sent) {
        const lp_os_bytes part = {k->out.ptr + k->sent, k->out.len - k->sent};
        size_t n = 0;
        loop_error *e = lp_os_pipe_write(k->fd, &part, 1, &n);
        k->sent += n;
        if (e)
            close_client(k);
        loop_error_delete(e);
        if (!n)
            return;
    }
    lp_buf_done(&k->out);
    k->out = (lp_buf){0};
    k->sent = 0;
}

/* Takes `text`. One answer may be of any size; more only while few bytes wait. */
static void answer(struct client *k, lp_buf *text)
{
    size_t waiting = k->out.len - k->sent;
    if (waiting && waiting + text->len > LP_MAX_CONTROL_WAITING)
        close_client(k);
    else if (!k->closed)
        lp_buf_add(&k->out, text->ptr, text->len);
    lp_buf_done(text);
    flush(k);
    wait_for_more(k);
}

static void answer_end(struct client *k, loop_error *error)
{
    lp_buf b = {0};
    lp_answer_end(&b, error);
    loop_error_delete(error);
    answer(k, &b);
}

static void on_step(void *data, const char *what, const loop_error *error,
                    const loop_swap_report *report)
{
    lp_buf b = {0};
    lp_answer_step(&b, what, error, report);
    answer(data, &b);
}

static void go_on(struct client *k);

static void on_end(void *data, loop_error *error)
{
    struct client *k = data;
    k->run = NULL;
    answer_end(k, error);
    go_on(k);
}

/* ---- requests ---- */

static void handle(struct client *k, const char *line, size_t n)
{
    lp_request q;
    loop_error *e = lp_request_read(line, n, &q);
    if (e) {
        answer_end(k, e);
        return;
    }
    if (q.status) {
        lp_buf b = {0};
        loop_status *status = loop_host_status(k->control->host);
        lp_answer_status(&b, status);
        loop_status_delete(status);
        answer(k, &b);
    } else if ((e = lp_wish_resolve(k->control->host, k->control->config, &q.arena, &q.wish))) {
        answer_end(k, e);
    } else {
        k->run = lp_wish_start(k->control->host, &q.wish, &(lp_wish_events){on_step, on_end, k});
    }
    lp_request_done(&q);
}

/* The first line of what was read; false: there is no whole one. */
static bool take_line(struct client *k)
{
    char *end = k->used ? memchr(k->line, '\n', k->used) : NULL;
    if (!end)
        return false;
    size_t n = (size_t)(end - k->line);
    k->last_ms = uv_now(k->poll.loop);
    handle(k, k->line, n);
    k->used -= n + 1;
    memmove(k->line, end + 1, k->used);
    return true;
}

/* The next request, where the last one is over and its answer was read. */
static void go_on(struct client *k)
{
    while (!k->closed && !k->run && !k->out.len && !k->ending && take_line(k))
        ;
    if (!k->closed && !k->run && !k->out.len && k->ending)
        close_client(k);
    if (!k->closed && !k->run && k->used > LP_MAX_CONTROL_LINE && !k->ending) {
        k->ending = true;
        answer_end(
            k, loop_error_new(LOOP_LIMIT, "a request has more than %u bytes", LP_MAX_CONTROL_LINE));
    }
    wait_for_more(k);
}

static void read_more(struct client *k)
{
    size_t n = 0;
    bool end = false;
    if (!k->line)
        k->line = lp_alloc(LP_MAX_CONTROL_LINE + 1);
    size_t room = LP_MAX_CONTROL_LINE + 1 - k->used;
    loop_error *e = room ? lp_os_pipe_read(k->fd, k->line + k->used, room, &n, &end) : NULL;
    k->used += n;
    if (e || end)
        close_client(k);
    loop_error_delete(e);
}

static void on_event(uv_poll_t *poll, int failed, int events)
{
    struct client *k = poll->data;
    if (failed || (events & UV_DISCONNECT)) {
        close_client(k);
        return;
    }
    if (events & UV_WRITABLE)
        flush(k);
    else if (k->ending)
        close_client(k); /* it has said enough */
    else
        read_more(k);
    if (!k->closed)
        go_on(k);
}

/* ---- connections ---- */

/* The one that was silent for longest and wants nothing now. */
static struct client *find_idle(loop_control *c)
{
    struct client *found = NULL;
    for (struct client *k = c->clients; k; k = k->next)
        if (!k->run && !k->out.len && (!found || k->last_ms <= found->last_ms))
            found = k;
    return found;
}

/* False: all that are there are at work. */
static bool make_room(loop_control *c)
{
    struct client *idle = c->count < LP_MAX_CONTROL_CLIENTS ? NULL : find_idle(c);
    if (idle)
        close_client(idle);
    return c->count < LP_MAX_CONTROL_CLIENTS;
}

static void refuse(int fd)
{
    lp_buf b = {0};
    size_t unused;
    loop_error *e = loop_error_hint_set(
        loop_error_new(LOOP_LIMIT, "%d others ask this host something", LP_MAX_CONTROL_CLIENTS),
        "try again in a moment");
    lp_answer_end(&b, e);
    loop_error_delete(e);
    loop_error_delete(lp_os_pipe_write(fd, &(lp_os_bytes){b.ptr, b.len}, 1, &unused));
    lp_buf_done(&b);
    lp_os_local_close(fd);
}

static void add_client(loop_control *c, int fd)
{
    struct client *k = lp_alloc(sizeof *k);
    if (uv_poll_init(lp_host_loop(c->host), &k->poll, fd) != 0) {
        lp_os_local_close(fd);
        free(k);
        return;
    }
    k->poll.data = k;
    k->control = c;
    k->fd = fd;
    k->last_ms = uv_now(k->poll.loop);
    k->next = c->clients;
    c->clients = k;
    c->count++;
    c->handles++;
    uv_unref((uv_handle_t *)&k->poll);
    wait_for_more(k);
}

static void on_connection(uv_poll_t *poll, int failed, int events);

static void listen_again(uv_timer_t *timer)
{
    loop_control *c = timer->data;
    uv_poll_start(&c->poll, UV_READABLE, on_connection);
}

/* Who comes one by one, and not more in one turn than there may be. */
static void on_connection(uv_poll_t *poll, int failed, int events)
{
    (void)events;
    loop_control *c = poll->data;
    int n = 0, fd;
    while (!failed && n < LP_MAX_CONTROL_CLIENTS && (fd = lp_os_local_accept(c->fd)) >= 0) {
        n++;
        if (!lp_os_local_is_own(fd))
            lp_os_local_close(fd);
        else if (make_room(c))
            add_client(c, fd);
        else
            refuse(fd);
    }
    if (n)
        return;
    uv_poll_stop(poll); /* no descriptor is left: it would be told of again at once, for ever */
    uv_timer_start(&c->timer, listen_again, AGAIN_MS, 0);
}

/* ---- opening ---- */

static loop_error *listen_now(loop_control *c)
{
    int fd;
    LP_TRY(lp_control_listen(&c->name, &c->path, &fd));
    int failed = uv_poll_init(lp_host_loop(c->host), &c->poll, fd);
    if (failed) {
        lp_os_local_close(fd);
        lp_os_remove(c->path);
        return loop_error_new(LOOP_SYSTEM, "cannot listen at '%s': %s", c->path,
                              uv_strerror(failed));
    }
    c->fd = fd;
    c->poll.data = c;
    c->handles++;
    uv_unref((uv_handle_t *)&c->poll);
    uv_poll_start(&c->poll, UV_READABLE, on_connection);
    return NULL;
}

/* That there is no place for it is how some machines are; that it is not ours alone is not. */
static void log_failure(loop_host *h, loop_error *e)
{
    const loop_error *why = loop_error_cause(e) ? loop_error_cause(e) : e;
    loop_host_log(h, loop_error_code(e) == LOOP_DENIED ? LOOP_LOG_WARN : LOOP_LOG_DEBUG,
                  "`loop ps` will not show this host: %s", loop_error_message(why));
    loop_error_delete(e);
}

static void on_due(uv_timer_t *timer)
{
    loop_control *c = timer->data;
    loop_error *e = listen_now(c);
    if (e)
        log_failure(c->host, e);
}

loop_error *loop_control_open(loop_host *host, const loop_control_options *options,
                              loop_control **ret)
{
    loop_control *c = lp_alloc(sizeof *c);
    c->host = host;
    c->fd = -1;
    c->handles = 1;
    uv_timer_init(lp_host_loop(host), &c->timer);
    c->timer.data = c;
    uv_unref((uv_handle_t *)&c->timer);
    uint64_t after = options ? options->after_ms : 0;
    c->config = options ? options->config : NULL;
    loop_error *e = after ? NULL : listen_now(c);
    if (e) {
        loop_control_close(c);
        return e;
    }
    if (after) {
        uv_update_time(lp_host_loop(host));
        uv_timer_start(&c->timer, on_due, after, 0);
    }
    *ret = c;
    return NULL;
}

const char *loop_control_name(const loop_control *c)
{
    return c->name ? c->name : "";
}

void loop_control_close(loop_control *c)
{
    if (!c)
        return;
    c->closed = true;
    if (c->fd >= 0)
        lp_os_remove(c->path);
    while (c->clients)
        close_client(c->clients);
    if (c->fd >= 0) {
        uv_close((uv_handle_t *)&c->poll, on_closed);
        lp_os_local_close(c->fd);
    }
    uv_close((uv_handle_t *)&c->timer, on_closed);
}
