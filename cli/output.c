/*
 * cli/output.c: what reaches the terminal.
 *
 * Text from outside is made harmless here and nowhere else: a path, a name or a
 * message of a component may hold escape sequences, or characters that turn or
 * hide the text around them.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

#define COLUMNS 80

void *cli_alloc(size_t size)
{
    void *p = calloc(1, size ? size : 1);
    if (!p) {
        cli_print_error(loop_error_new(LOOP_SYSTEM, "out of memory"));
        _exit(LOOP_SYSTEM);
    }
    return p;
}

char *cli_format(const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    char *s = cli_alloc(n < 0 ? 1 : (size_t)n + 1);
    if (n >= 0)
        vsnprintf(s, (size_t)n + 1, fmt, again);
    va_end(again);
    va_end(ap);
    return s;
}

/* ---- somebody else's text ---- */

/* Reads one character of UTF-8; 0 where the bytes are none. */
static size_t decode(const unsigned char *s, uint32_t *ret)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = s[0] < 0x80   ? 1
               : s[0] < 0xc2 ? 0
               : s[0] < 0xe0 ? 2
               : s[0] < 0xf0 ? 3
               : s[0] < 0xf5 ? 4
                             : 0;
    if (n == 0)
        return 0;
    uint32_t c = n == 1 ? s[0] : s[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) /* the end of the text is no such byte either */
            return 0;
        c = c << 6 | (s[i] & 0x3f);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return 0;
    *ret = c;
    return n;
}

/* Control characters, and those that turn, hide or break the text around them. */
static bool is_unsafe(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c ||
           (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
           (c >= 0xe0000 && c <= 0xe007f);
}

/* Writes `text` escaped; characters of `keep` pass as they are. */
static void put_escaped(FILE *to, const char *text, const char *keep)
{
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        uint32_t c;
        size_t n = decode(s, &c);
        bool kept = n == 1 && strchr(keep, *s);
        if (n == 0)
            fprintf(to, "\\x%02x", *s);
        else if (kept || !is_unsafe(c))
            fwrite(s, 1, n, to);
        else if (c < 0x80)
            fprintf(to, "\\x%02x", (unsigned)c);
        else
            fprintf(to, "\\u{%x}", (unsigned)c);
        s += n ? n : 1;
    }
}

void cli_put(FILE *to, const char *text)
{
    put_escaped(to, text, "");
}

void cli_put_lines(FILE *to, const char *indent, const char *text)
{
    while (*text) {
        size_t n = strcspn(text, "\n");
        char *line = cli_format("%.*s", (int)n, text);
        fputs(indent, to);
        cli_put(to, line);
        putc('\n', to);
        free(line);
        text += n + (text[n] == '\n');
    }
}

static char *escaped(const char *text, const char *keep)
{
    char *s = NULL;
    size_t size;
    FILE *f = open_memstream(&s, &size);
    if (f) {
        put_escaped(f, text, keep);
        fclose(f);
    }
    return s ? s : cli_alloc(1);
}

char *cli_shown(const char *text)
{
    return escaped(text, "");
}

size_t cli_width(const char *text)
{
    char *shown = cli_shown(text);
    size_t n = 0;
    for (const char *s = shown; *s; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    free(shown);
    return n;
}

void cli_put_json(FILE *to, const char *text)
{
    if (!text) {
        fputs("null", to);
        return;
    }
    fputc('"', to);
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        uint32_t c;
        size_t n = decode(s, &c);
        if (n == 0)
            fputs("\\ufffd", to);
        else if (c == '"' || c == '\\')
            fprintf(to, "\\%c", (char)c);
        else if (is_unsafe(c) && c < 0x10000)
            fprintf(to, "\\u%04x", (unsigned)c);
        else if (is_unsafe(c))
            fprintf(to, "\\u%04x\\u%04x", (unsigned)(0xd7c0 + (c >> 10)),
                    (unsigned)(0xdc00 + (c & 0x3ff)));
        else
            fwrite(s, 1, n, to);
        s += n ? n : 1;
    }
    fputc('"', to);
}

/* ---- loop's own text ---- */

void cli_put_wrapped(FILE *to, const char *text, size_t indent, size_t at)
{
    size_t column = at;
    bool start = true; /* of a line: the next word has no space before it */
    for (const char *s = text; *s;) {
        size_t n = strcspn(s, " \n");
        if (!start && column + 1 + n > COLUMNS) {
            fputc('\n', to);
            column = 0;
            start = true;
        }
        int space = !start ? 1 : column < indent ? (int)(indent - column) : 0;
        fprintf(to, "%*s%.*s", n ? space : 0, "", (int)n, s);
        column += n ? (size_t)space + n : 0;
        start = start && n == 0;
        s += n;
        for (; *s == ' ' || *s == '\n'; s++) {
            if (*s == ' ')
                continue;
            fputc('\n', to);
            column = 0;
            start = true;
        }
    }
    fputc('\n', to);
}

/* ---- errors and the end ---- */

static bool coloured(void)
{
    const char *term = getenv("TERM"), *no = getenv("NO_COLOR");
    return isatty(STDERR_FILENO) && !(no && *no) && !(term && strcmp(term, "dumb") == 0);
}

/* `name` at the start of a line in colour: "error:", "hint:". */
static const char *put_prefix(const char *line, const char *name, const char *colour)
{
    size_t n = strlen(name);
    if (strncmp(line, name, n) != 0)
        return line;
    fprintf(stderr, "\033[%sm%s\033[0m", colour, name);
    return line + n;
}

void cli_print_error(loop_error *e)
{
    char *raw = loop_error_format(e);
    char *text = escaped(raw, "\n\t");
    if (coloured()) {
        for (const char *line = text; *line;) {
            line = put_prefix(line, "error:", "1;31");
            line = put_prefix(line, "hint:", "1;36");
            size_t n = strcspn(line, "\n");
            n += line[n] == '\n';
            fwrite(line, 1, n, stderr);
            line += n;
        }
    } else {
        fputs(text, stderr);
    }
    free(text);
    loop_free(raw);
    loop_error_delete(e);
}

bool cli_says_yes(void)
{
    char line[16];
    if (!fgets(line, sizeof line, stdin))
        return false;
    for (char *c = line; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return strcmp(line, "y\n") == 0 || strcmp(line, "yes\n") == 0;
}

loop_error *cli_flush(void)
{
    errno = 0;
    bool failed = ferror(stdout);
    failed = fflush(stdout) != 0 || failed;
    if (!failed)
        return NULL;
    loop_error *e = loop_error_new(LOOP_IO, "%s", errno ? strerror(errno) : "a write failed");
    e = loop_error_wrap(e, "cannot write to stdout");
    return loop_error_hint_set(e, "whoever reads it has gone, or the disk is full; "
                                  ">/dev/null throws it away");
}

_Noreturn void cli_exit_now(loop_error *e, int status)
{
    if (e) {
        status = (int)loop_error_code(e);
        cli_print_error(e);
    }
    loop_error *flush = cli_flush();
    if (flush) {
        status = status ? status : LOOP_IO;
        cli_print_error(flush);
    }
    _exit(status);
}
