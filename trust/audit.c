/*
 * trust/audit.c: what was decided, each kind of decision once, with a count.
 *
 * A component that is denied the same thing a thousand times a second is one line, and one more
 * when its instance ends. A line is written with one write at the file's end, so that several hosts
 * may write to one file. Writing that fails is told at the end: nothing is denied or allowed by it.
 */
#include "trust/audit.h"

#include <stdlib.h>
#include <time.h>

#include "base/text.h"
#include "trust/policy.h"

loop_audit *lp_audit_new(void)
{
    loop_audit *a = lp_alloc(sizeof *a);
    a->lock = lp_os_mutex_new();
    return a;
}

loop_error *loop_audit_open(const char *path, loop_audit **ret)
{
    lp_os_writer *file = NULL;
    if (path)
        LP_TRY(lp_os_writer_open(path, true, &file));
    *ret = lp_audit_new();
    (*ret)->file = file;
    return NULL;
}

const loop_audit_entry *loop_audit_at(const loop_audit *a, size_t i)
{
    return i < a->rows.n ? &a->rows.at[i]->row : NULL;
}

uint64_t loop_audit_lost(const loop_audit *a)
{
    return a->lost;
}

/* ---- rows ---- */

/* How much of a text is kept: the end of one that is too long is cut, behind a whole character. */
static size_t kept_length(const char *text)
{
    size_t n = strnlen(text, LP_MAX_AUDIT_TEXT);
    while (n && n > LP_MAX_AUDIT_TEXT - 4 && !lp_utf8_valid(text, n))
        n--;
    return n;
}

static bool same_text(const char *kept, const char *text)
{
    size_t n = kept_length(text);
    return strncmp(kept, text, n) == 0 && !kept[n];
}

/* What a person would call the same as the row `a`: all but the count. */
static bool same(const loop_audit_entry *a, const loop_audit_entry *b)
{
    return a->instance == b->instance && a->kind == b->kind && a->port == b->port &&
           a->write == b->write && a->allowed == b->allowed && a->observed == b->observed &&
           same_text(a->name, b->name) && same_text(a->address, b->address) &&
           same_text(a->by, b->by) && same_text(a->component, b->component) &&
           same_text(a->reason, b->reason);
}

static const char *keep(struct lp_audited *r, const char *text)
{
    return lp_arena_strndup(&r->texts, text, kept_length(text));
}

static void row_delete(struct lp_audited *r)
{
    lp_arena_done(&r->texts);
    free(r);
}

/* Rows of instances that have ended, which the file has. */
static void forget_ended(loop_audit *a)
{
    size_t kept = 0;
    for (size_t i = 0; i < a->rows.n; i++) {
        if (a->file && a->rows.at[i]->ended)
            row_delete(a->rows.at[i]);
        else
            a->rows.at[kept++] = a->rows.at[i];
    }
    a->rows.n = kept;
}

struct lp_audited *lp_audit_add(loop_audit *a, const loop_audit_entry *e)
{
    size_t of_one = 0;
    for (size_t i = a->rows.n; i-- > 0;) {
        struct lp_audited *r = a->rows.at[i];
        of_one += r->row.instance == e->instance;
        if (same(&r->row, e)) {
            r->row.count += e->count;
            return r;
        }
    }
    if (a->rows.n >= LP_MAX_AUDIT_ROWS)
        forget_ended(a);
    /* One that asks for a thousand things must not hide what the others do. */
    if (of_one >= LP_MAX_AUDIT_OF_ONE || a->rows.n >= LP_MAX_AUDIT_ROWS) {
        a->lost += e->count;
        return NULL;
    }
    struct lp_audited *r = lp_alloc(sizeof *r);
    r->row = *e;
    r->row.component = keep(r, e->component);
    r->row.name = keep(r, e->name);
    r->row.address = keep(r, e->address);
    r->row.by = keep(r, e->by);
    r->row.host = keep(r, e->host);
    r->row.reason = keep(r, e->reason);
    r->row.hint = keep(r, e->hint);
    r->row.origin.source = e->origin.source ? keep(r, e->origin.source) : NULL;
    *lp_push(&a->rows) = r;
    return r;
}

/* ---- lines ---- */

static void put_text(lp_buf *b, const char *key, const char *text)
{
    lp_buf_printf(b, ",\"%s\":", key);
    lp_buf_json(b, text, strlen(text));
}

static void put_time(lp_buf *b, uint64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    lp_buf_printf(b, "{\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03uZ\"", tm.tm_year + 1900,
                  tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                  (unsigned)(ms % 1000));
}

static void put_by(lp_buf *b, const loop_audit_entry *e)
{
    if (!*e->by) {
        lp_buf_puts(b, ",\"by\":null");
        return;
    }
    lp_buf_puts(b, ",\"by\":{\"text\":");
    lp_buf_json(b, e->by, strlen(e->by));
    put_text(b, "source", e->origin.source ? e->origin.source : "the host");
    if (e->origin.line)
        lp_buf_printf(b, ",\"line\":%u,\"column\":%u", e->origin.line, e->origin.column);
    if (*e->host)
        put_text(b, "host", e->host);
    if (e->bytes)
        lp_buf_printf(b, ",\"bytes\":%llu", (unsigned long long)e->bytes);
    lp_buf_puts(b, "}");
}

void lp_audit_line(const struct lp_audited *r, lp_buf *b)
{
    const loop_audit_entry *e = &r->row;
    put_time(b, r->wall_ms);
    put_text(b, "component", e->component);
    lp_buf_printf(b, ",\"instance\":%llu", (unsigned long long)e->instance);
    put_text(b, "kind", loop_grant_kind_name(e->kind));
    if (*e->name)
        put_text(b, "name", e->name);
    if (e->port)
        lp_buf_printf(b, ",\"port\":%u", e->port);
    if (*e->address)
        put_text(b, "address", e->address);
    if (e->kind == LOOP_GRANT_DIR)
        lp_buf_printf(b, ",\"write\":%s", e->write ? "true" : "false");
    lp_buf_printf(b, ",\"allowed\":%s", e->allowed ? "true" : "false");
    if (e->observed)
        lp_buf_puts(b, ",\"observed\":true");
    put_by(b, e);
    put_text(b, "reason", e->reason);
    if (*e->hint)
        put_text(b, "hint", e->hint);
    lp_buf_printf(b, ",\"count\":%llu}\n", (unsigned long long)e->count);
}

/* The lock is held. */
static void write_row(loop_audit *a, struct lp_audited *r)
{
    if (!a->file || r->written == r->row.count)
        return;
    lp_buf b = {0};
    lp_audit_line(r, &b);
    loop_error *e = lp_os_writer_add(a->file, b.ptr, b.len);
    lp_buf_done(&b);
    r->written = r->row.count;
    if (a->failed)
        loop_error_delete(e);
    else
        a->failed = e;
}

/* ---- noting ---- */

/* Words that no line can say, as a shell reads them: what was run is told all the same. */
static char *quoted(const loop_request *want)
{
    lp_buf b = {0};
    for (size_t i = 0; i < want->word_count; i++) {
        lp_buf_puts(&b, i ? " '" : "'");
        for (const char *c = want->words[i]; *c; c++) {
            if (*c == '\'')
                lp_buf_puts(&b, "'\\''");
            else
                lp_buf_add(&b, c, 1);
        }
        lp_buf_puts(&b, "'");
    }
    return lp_buf_take(&b);
}

/* What was asked for, of a PROCESS; malloced. */
static char *words_of(const loop_request *want)
{
    char *text = lp_process_text(want->words, want->word_count);
    return text ? text : quoted(want);
}

static void note(loop_audit *a, const loop_decided *d)
{
    const loop_request *want = d->request;
    const loop_decision *is = d->decision;
    const loop_grant *by = is->by;
    lp_auto(lp_free_string) char *words = want->kind == LOOP_GRANT_PROCESS ? words_of(want) : NULL;
    const char *name = words ? words : want->name;
    loop_audit_entry e = {
        .component = d->component,
        .instance = d->instance,
        .kind = want->kind,
        .name = name ? name : "",
        .port = want->port,
        .write = want->write,
        .address = want->address ? want->address : "",
        .allowed = is->allowed,
        .observed = is->observed,
        .by = by ? by->text : "",
        .host = by && by->kind == LOOP_GRANT_DIR && by->host ? by->host : "",
        .origin = by ? by->origin : (loop_origin){0},
        .bytes = by ? by->bytes : 0,
        .reason = is->reason,
        .hint = is->hint,
        .count = 1,
    };
    struct lp_audited *r = lp_audit_add(a, &e);
    if (!r || r->row.count > 1)
        return;
    r->wall_ms = lp_os_wall_ms();
    write_row(a, r);
}

void loop_audit_note(loop_audit *a, const loop_decided *d)
{
    lp_os_mutex_lock(a->lock);
    if (d->request && !a->finished)
        note(a, d);
    for (size_t i = 0; !d->request && !a->finished && i < a->rows.n; i++) {
        if (a->rows.at[i]->row.instance != d->instance)
            continue;
        write_row(a, a->rows.at[i]);
        a->rows.at[i]->ended = true;
    }
    lp_os_mutex_unlock(a->lock);
}

loop_error *loop_audit_finish(loop_audit *a)
{
    lp_os_mutex_lock(a->lock);
    for (size_t i = 0; !a->finished && i < a->rows.n; i++)
        write_row(a, a->rows.at[i]);
    a->finished = true;
    loop_error *e = a->failed;
    a->failed = NULL;
    lp_os_mutex_unlock(a->lock);
    if (!e && a->file && a->lost)
        e = loop_error_new(LOOP_LIMIT,
                           "more than %d kinds of decisions of one component; %llu were left out",
                           LP_MAX_AUDIT_OF_ONE, (unsigned long long)a->lost);
    return e ? loop_error_wrap(e, "the audit log is not whole") : NULL;
}

loop_error *loop_audit_close(loop_audit *a)
{
    if (!a)
        return NULL;
    loop_error *e = a->finished ? NULL : loop_audit_finish(a);
    lp_os_writer_close(a->file);
    lp_os_mutex_delete(a->lock);
    for (size_t i = 0; i < a->rows.n; i++)
        row_delete(a->rows.at[i]);
    free(a->rows.at);
    free(a);
    return e;
}
