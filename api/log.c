/*
 * api/log.c: implements log.h.
 *
 *     text  12:34:56.789 info  hello/start: ready count=3
 *     json  {"time":"2026-11-23T12:34:56.789Z","level":"info","component":"hello",...}
 *
 * One write a line, so that lines of several threads do not mix. Text from a
 * component never reaches a terminal raw: control characters are escaped.
 */
#include "api/log.h"

#include <stdio.h>
#include <time.h>

#include "base/os/os.h"
#include "base/text.h"
#include "host/hooks.h"

static const char *const level_names[] = {"trace", "debug", "info", "warn", "error"};
static const char *const level_colors[] = {"\033[2m", "\033[2m", "\033[32m", "\033[33m",
                                           "\033[31m"};

static const char *level_name(loop_log_level level)
{
    return level_names[LP_MIN((unsigned)level, 4u)];
}

/* Text as it may stand on a terminal: what is not safe as \xNN, byte by byte; `also` with a \. */
static void add_escaped_also(lp_buf *b, const char *s, const char *also)
{
    bool safe;
    for (size_t n = strlen(s), len; n; s += len, n -= len) {
        len = lp_text_next(s, n, &safe);
        if (safe || *s == '\t') {
            lp_buf_puts(b, strchr(also, *s) ? "\\" : "");
            lp_buf_add(b, s, len);
        } else if (*s == '\n') {
            lp_buf_puts(b, "\\n");
        } else {
            for (size_t i = 0; i < len; i++)
                lp_buf_printf(b, "\\x%02x", (unsigned char)s[i]);
        }
    }
}

static void add_escaped(lp_buf *b, const char *s)
{
    add_escaped_also(b, s, "");
}

/* A part of a field: in quotes where it would look like more than one otherwise. */
static void add_part(lp_buf *b, const char *s)
{
    bool quote = !*s || strpbrk(s, " =\"");
    lp_buf_puts(b, quote ? "\"" : "");
    add_escaped_also(b, s, quote ? "\"\\" : "");
    lp_buf_puts(b, quote ? "\"" : "");
}

static void add_field_text(lp_buf *b, const loop_log_field *f)
{
    lp_buf_puts(b, " ");
    add_part(b, f->name);
    lp_buf_puts(b, "=");
    switch (f->kind) {
    case LOOP_LOG_INTEGER: lp_buf_printf(b, "%lld", (long long)f->of.integer); break;
    case LOOP_LOG_FLOAT: lp_buf_printf(b, "%.17g", f->of.number); break;
    case LOOP_LOG_BOOLEAN: lp_buf_puts(b, f->of.boolean ? "true" : "false"); break;
    default: {
        lp_auto(lp_free_string) char *s = lp_strndup(f->of.text.ptr, f->of.text.len);
        add_part(b, s);
    }
    }
}

static void format_text(const loop_log_entry *e, const struct tm *tm, unsigned ms, bool color,
                        lp_buf *b)
{
    lp_buf_printf(b, "%02d:%02d:%02d.%03u %s%-5s%s ", tm->tm_hour, tm->tm_min, tm->tm_sec, ms,
                  color ? level_colors[LP_MIN((unsigned)e->level, 4u)] : "", level_name(e->level),
                  color ? "\033[0m" : "");
    add_escaped(b, e->component ? e->component : "loop");
    if (e->target && *e->target) {
        lp_buf_puts(b, "/");
        add_escaped(b, e->target);
    }
    lp_buf_puts(b, ": ");
    add_escaped(b, e->message);
    for (size_t i = 0; i < e->field_count; i++)
        add_field_text(b, &e->fields[i]);
    lp_buf_puts(b, "\n");
}

static void add_field_json(lp_buf *b, const loop_log_field *f)
{
    lp_buf_json(b, f->name, strlen(f->name));
    lp_buf_puts(b, ":");
    switch (f->kind) {
    case LOOP_LOG_INTEGER: lp_buf_printf(b, "%lld", (long long)f->of.integer); break;
    case LOOP_LOG_FLOAT: /* JSON has no infinity and no NaN */
        if (f->of.number - f->of.number == 0)
            lp_buf_printf(b, "%.17g", f->of.number);
        else
            lp_buf_puts(b, "null");
        break;
    case LOOP_LOG_BOOLEAN: lp_buf_puts(b, f->of.boolean ? "true" : "false"); break;
    default: lp_buf_json(b, f->of.text.ptr, f->of.text.len);
    }
}

static void format_json(const loop_log_entry *e, const struct tm *tm, unsigned ms, lp_buf *b)
{
    lp_buf_printf(
        b, "{\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03uZ\",\"level\":\"%s\",\"component\":",
        tm->tm_year + 1900, tm->tm_mon + 1, tm->tm_mday, tm->tm_hour, tm->tm_min, tm->tm_sec, ms,
        level_name(e->level));
    const char *component = e->component ? e->component : "loop";
    lp_buf_json(b, component, strlen(component));
    if (e->target && *e->target) {
        lp_buf_puts(b, ",\"target\":");
        lp_buf_json(b, e->target, strlen(e->target));
    }
    lp_buf_puts(b, ",\"message\":");
    lp_buf_json(b, e->message, strlen(e->message));
    if (e->field_count) {
        lp_buf_puts(b, ",\"fields\":{");
        for (size_t i = 0; i < e->field_count; i++) {
            lp_buf_puts(b, i ? "," : "");
            add_field_json(b, &e->fields[i]);
        }
        lp_buf_puts(b, "}");
    }
    lp_buf_puts(b, "}\n");
}

void lp_log_format(const loop_log_entry *e, bool json, bool color, lp_buf *into)
{
    uint64_t wall = e->wall_ms ? e->wall_ms : lp_os_wall_ms();
    time_t seconds = (time_t)(wall / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    if (json)
        format_json(e, &tm, (unsigned)(wall % 1000), into);
    else
        format_text(e, &tm, (unsigned)(wall % 1000), color, into);
}

void lp_log_write(loop_host *h, const loop_log_entry *entry)
{
    const loop_host_options *o = lp_host_options(h);
    if (o->log) {
        o->log(o->data, entry);
        return;
    }
    lp_buf line = {0};
    bool color = !o->log_json && lp_os_isatty(2) && !lp_os_getenv("NO_COLOR");
    lp_log_format(entry, o->log_json, color, &line);
    fwrite(line.ptr, 1, line.len, stderr);
    fflush(stderr);
    lp_buf_done(&line);
}
