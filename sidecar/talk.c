/*
 * sidecar/talk.c: what a sidecar says, in the host's log: lines of its stderr, and LOG.
 *
 * Both under the sidecar's name, at most LP_MAX_SIDE_LOG_RATE a second; the rest is counted
 * and the count is logged. A line is cut at LP_MAX_SIDE_LINE, and what is no UTF-8 or no
 * printable character in it is replaced, so that it cannot pass for somebody else's line. Only the
 * supervisor's thread writes: a log that nobody reads holds up no call.
 */
#include <stdlib.h>

#include "sidecar/internal.h"

#define READ_AT_ONCE 16384u
#define MOST_LOGS 1024u           /* that wait to be written */
#define MOST_LOG_BYTES (4u << 20) /* of them */

static void write_entry(struct lp_sidecar *s, const loop_log_entry *e)
{
    if (s->services)
        s->services->log(s->services->host, e);
    else
        s->log(s->log_data, e);
}

static void write_text(struct lp_sidecar *s, loop_log_level level, const char *target,
                       const char *text)
{
    write_entry(s, &(loop_log_entry){.level = level,
                                     .component = s->table->provider.name,
                                     .target = target,
                                     .message = text});
}

void lp_side_say(struct lp_sidecar *s, loop_log_level level, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    lp_auto(lp_free_string) char *text = lp_vformat(fmt, ap);
    va_end(ap);
    write_text(s, level, "sidecar", text);
}

/* ---- how much ---- */

static void tell_unsaid(struct lp_sidecar *s)
{
    if (s->unsaid)
        lp_side_say(s, LOOP_LOG_WARN, "%zu lines of its log were left out: at most %d a second",
                    s->unsaid, LP_MAX_SIDE_LOG_RATE);
    s->unsaid = 0;
}

/* Whether another line may be written in this second. */
static bool may_say(struct lp_sidecar *s)
{
    uint64_t now = lp_os_now_ns();
    if (now - s->second_ns >= 1000 * LP_SIDE_MS) {
        s->second_ns = now;
        s->said = 0;
        tell_unsaid(s);
    }
    if (s->said++ < LP_MAX_SIDE_LOG_RATE)
        return true;
    s->unsaid++;
    return false;
}

/* ---- stderr ---- */

/* What is no text, or would move a terminal's cursor, becomes '?'. */
static void make_plain(char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t n = lp_utf8_sequence(text + i, len - i);
        if (n == 0 || (uint8_t)text[i] < 0x20 || text[i] == 0x7f)
            text[i] = text[i] == '\t' ? ' ' : '?';
        i += n ? n : 1;
    }
}

static void end_line(struct lp_sidecar *s)
{
    if (s->line.len && s->line.ptr[s->line.len - 1] == '\r')
        s->line.ptr[--s->line.len] = 0;
    if (s->line.len) {
        make_plain(s->line.ptr, s->line.len);
        if (may_say(s))
            write_text(s, LOOP_LOG_INFO, "stderr", s->line.ptr);
        free(s->last_line);
        s->last_line = lp_strdup(s->line.ptr);
        s->line_generation = s->generation;
    }
    s->line.len = 0;
    s->cut = false;
}

static void add_line(struct lp_sidecar *s, const char *text, size_t len)
{
    size_t room = LP_MAX_SIDE_LINE - s->line.len;
    if (!s->cut && len > room) {
        lp_buf_add(&s->line, text, room);
        lp_buf_puts(&s->line, "...");
        s->cut = true;
    } else if (!s->cut) {
        lp_buf_add(&s->line, text, len);
    }
}

bool lp_side_listen(struct lp_sidecar *s)
{
    char text[READ_AT_ONCE];
    size_t n;
    bool end = false;
    loop_error *err = lp_os_pipe_read(s->g.err, text, sizeof text, &n, &end);
    if (err) {
        loop_error_delete(err);
        return false;
    }
    for (size_t i = 0; i < n;) {
        const char *stop = memchr(text + i, '\n', n - i);
        size_t len = stop ? (size_t)(stop - text) - i : n - i;
        add_line(s, text + i, len);
        if (stop)
            end_line(s);
        i += len + (stop != NULL);
    }
    return n > 0 || !end;
}

void lp_side_listen_end(struct lp_sidecar *s)
{
    end_line(s);
    tell_unsaid(s);
}

/* ---- LOG ---- */

void lp_side_hear(struct lp_sidecar *s, lp_side_message *m)
{
    if (s->logs.n == MOST_LOGS || m->len > MOST_LOG_BYTES - s->log_bytes) {
        s->missed++;
        lp_side_message_done(m);
        return;
    }
    lp_side_message_keep(m);
    *lp_push(&s->logs) = *m;
    s->log_bytes += m->len;
    if (s->logs.n == 1)
        lp_os_waker_wake(&s->waker);
}

static loop_error *write_log(struct lp_sidecar *s, const lp_side_message *m)
{
    lp_arena a = {0};
    loop_log_entry e = {0};
    loop_error *err = lp_side_log_read(&a, m->data, m->len, &e);
    bool wanted = !err && (!s->services || s->services->log_enabled(s->services->host, e.level));
    if (wanted && may_say(s)) {
        e.component = s->table->provider.name;
        write_entry(s, &e);
    }
    lp_arena_done(&a);
    return err ? loop_error_wrap(err, "a LOG that is none") : NULL;
}

void lp_side_write_logs(struct lp_sidecar *s)
{
    loop_error *err = NULL;
    lp_os_mutex_lock(s->lock);
    __typeof__(s->logs) logs = s->logs;
    s->unsaid += s->missed;
    s->missed = s->log_bytes = 0;
    memset(&s->logs, 0, sizeof s->logs);
    lp_os_mutex_unlock(s->lock);
    for (size_t i = 0; i < logs.n; i++) {
        if (!err)
            err = write_log(s, &logs.at[i]);
        lp_side_message_done(&logs.at[i]);
    }
    free(logs.at);
    if (!err)
        return;
    lp_os_mutex_lock(s->lock);
    lp_side_break(s, err);
    lp_os_mutex_unlock(s->lock);
}
