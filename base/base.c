/* base/base.c: implements base/base.h. No system calls here: those are in base/os/. */
#include "base/base.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

void lp_free_string(char **s)
{
    free(*s);
}

void lp_free_error(loop_error **e)
{
    loop_error_delete(*e);
}

static void *must(void *p)
{
    if (!p) {
        fputs("loop: out of memory\n", stderr);
        exit(LOOP_SYSTEM);
    }
    return p;
}

void *lp_alloc(size_t size)
{
    return must(calloc(1, size ? size : 1));
}

void *lp_realloc(void *p, size_t size)
{
    return must(realloc(p, size ? size : 1));
}

char *lp_strdup(const char *s)
{
    return lp_strndup(s, strlen(s));
}

char *lp_strndup(const char *s, size_t n)
{
    char *r = lp_alloc(n + 1);
    if (n)
        memcpy(r, s, n);
    return r;
}

char *lp_vformat(const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    size_t size = n < 0 ? 1 : (size_t)n + 1;
    char *s = lp_alloc(size);
    if (n >= 0)
        vsnprintf(s, size, fmt, again);
    va_end(again);
    return s;
}

char *lp_format(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *s = lp_vformat(fmt, ap);
    va_end(ap);
    return s;
}

lp_str lp_str_of(const char *s)
{
    return (lp_str){s, strlen(s)};
}

bool lp_str_eq(lp_str a, lp_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool lp_str_is(lp_str a, const char *b)
{
    return lp_str_eq(a, lp_str_of(b));
}

bool lp_starts_with(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* ---- growing text ---- */

static void reserve(lp_buf *b, size_t more)
{
    if (more < b->cap - b->len)
        return;
    size_t cap = LP_MAX(b->cap * 2, b->len + more + 1);
    b->ptr = lp_realloc(b->ptr, cap);
    b->cap = cap;
}

void lp_buf_add(lp_buf *b, const void *p, size_t n)
{
    reserve(b, n + 1);
    if (n)
        memcpy(b->ptr + b->len, p, n);
    b->len += n;
    b->ptr[b->len] = 0;
}

void lp_buf_puts(lp_buf *b, const char *s)
{
    lp_buf_add(b, s, strlen(s));
}

void lp_buf_printf(lp_buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *s = lp_vformat(fmt, ap);
    va_end(ap);
    lp_buf_puts(b, s);
    free(s);
}

size_t lp_utf8_sequence(const char *text, size_t n)
{
    const unsigned char *s = (const unsigned char *)text;
    if (n == 0)
        return 0;
    if (s[0] < 0x80)
        return 1;
    size_t len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || len > n)
        return 0;
    unsigned char lo = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char hi = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;
    if (s[1] < lo || s[1] > hi)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

bool lp_utf8_valid(const char *s, size_t n)
{
    for (size_t i = 0, len; i < n; i += len)
        if (!(len = lp_utf8_sequence(s + i, n - i)))
            return false;
    return true;
}

/* A character that would turn or hide what stands around it, where somebody looks at the text. */
static void json_escape(lp_buf *b, const char *s, size_t len)
{
    uint32_t c = lp_text_character(s, len);
    if (c == '\n')
        lp_buf_puts(b, "\\n");
    else if (c < 0x10000)
        lp_buf_printf(b, "\\u%04x", (unsigned)c);
    else
        lp_buf_printf(b, "\\u%04x\\u%04x", (unsigned)(0xd7c0 + (c >> 10)),
                      (unsigned)(0xdc00 + (c & 0x3ff)));
}

void lp_buf_json(lp_buf *b, const char *s, size_t n)
{
    lp_buf_add(b, "\"", 1);
    for (size_t i = 0; i < n;) {
        bool safe;
        size_t len = lp_utf8_sequence(s + i, n - i);
        if (!len) {
            lp_buf_puts(b, "\\ufffd");
            i++;
            continue;
        }
        lp_text_next(s + i, n - i, &safe);
        if (!safe)
            json_escape(b, s + i, len);
        else if (s[i] == '"' || s[i] == '\\')
            lp_buf_printf(b, "\\%c", s[i]);
        else
            lp_buf_add(b, s + i, len);
        i += len;
    }
    lp_buf_add(b, "\"", 1);
}

char *lp_buf_take(lp_buf *b)
{
    char *s = b->ptr ? b->ptr : lp_strdup("");
    *b = (lp_buf){0};
    return s;
}

void lp_buf_done(lp_buf *b)
{
    free(b->ptr);
    *b = (lp_buf){0};
}

void *lp_grow(void **at, size_t *n, size_t *cap, size_t size)
{
    if (*n == *cap) {
        size_t want = *cap ? *cap * 2 : 8;
        if (want > SIZE_MAX / size)
            must(NULL);
        *at = lp_realloc(*at, want * size);
        *cap = want;
    }
    char *slot = (char *)*at + *n * size;
    memset(slot, 0, size);
    (*n)++;
    return slot;
}

/* ---- arenas ---- */

struct lp_block {
    struct lp_block *next;
    size_t used, cap;
    _Alignas(16) char bytes[];
};

void *lp_arena_take(lp_arena *a, size_t size)
{
    if (size > LP_MAX_ARENA_BLOCK)
        return NULL;
    size = (size + 15) & ~(size_t)15;
    if (!a->head || a->head->cap - a->head->used < size) {
        size_t cap = LP_MAX(size, (size_t)(a->more ? 256 : 4096));
        struct lp_block *b =
            a->more ? a->more(a->data, sizeof *b + cap) : lp_realloc(NULL, sizeof *b + cap);
        b->cap = cap;
        b->used = 0;
        b->next = a->head;
        a->head = b;
    }
    void *p = a->head->bytes + a->head->used;
    a->head->used += size;
    a->used += size;
    return p;
}

void *lp_arena_alloc(lp_arena *a, size_t size)
{
    void *p = lp_arena_take(a, size);
    if (p && size)
        memset(p, 0, size);
    return p;
}

char *lp_arena_strndup(lp_arena *a, const char *s, size_t n)
{
    char *r = lp_arena_alloc(a, n + 1);
    if (r && n)
        memcpy(r, s, n);
    return r;
}

const char *const *lp_arena_list(lp_arena *a, const char *const *list)
{
    if (!list)
        return NULL;
    size_t n = 0;
    while (list[n])
        n++;
    const char **copy = lp_arena_alloc(a, (n + 1) * sizeof *copy);
    for (size_t i = 0; i < n; i++)
        copy[i] = lp_arena_strndup(a, list[i], strlen(list[i]));
    return copy;
}

void lp_arena_done(lp_arena *a)
{
    lp_arena_reset(a, 0);
}

void lp_arena_reset(lp_arena *a, size_t keep)
{
    struct lp_block *kept = NULL;
    for (struct lp_block *b = a->head, *next; b; b = next) {
        next = b->next;
        if (!kept && b->cap <= keep)
            kept = b;
        else
            free(b);
    }
    if (kept) {
        kept->used = 0;
        kept->next = NULL;
    }
    *a = (lp_arena){.head = kept};
}

/* ---- text as people write it ---- */

unsigned lp_edit_distance(const char *a, const char *b)
{
    size_t na = strnlen(a, LP_MAX_NAME), nb = strnlen(b, LP_MAX_NAME);
    unsigned row[LP_MAX_NAME + 1];
    for (size_t j = 0; j <= nb; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= na; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= nb; j++) {
            unsigned up = row[j];
            unsigned best = LP_MIN(LP_MIN(up, row[j - 1]) + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = up;
            row[j] = best;
        }
    }
    return row[nb];
}

/* Digits and a unit: value × the unit's factor. */
static bool parse_unit(const char *s, const char *const *units, const uint64_t *factors, size_t n,
                       uint64_t *ret)
{
    if (*s < '0' || *s > '9')
        return false;
    char *end;
    errno = 0;
    unsigned long long v = strtoull(s, &end, 10);
    if (errno)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(end, units[i]) == 0) {
            if (v > UINT64_MAX / factors[i])
                return false;
            *ret = v * factors[i];
            return true;
        }
    }
    return false;
}

bool lp_parse_size(const char *s, uint64_t *ret_bytes)
{
    static const char *const units[] = {"", "B", "KiB", "MiB", "GiB", "kB", "MB", "GB"};
    static const uint64_t factors[] = {1, 1, 1 << 10, 1 << 20, 1 << 30, 1000, 1000000, 1000000000};
    return parse_unit(s, units, factors, LP_COUNT(units), ret_bytes);
}

char *lp_size_text(uint64_t bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB"};
    double v = (double)bytes;
    size_t u = 0;
    for (; v >= 1024 && u + 1 < LP_COUNT(units); u++)
        v /= 1024;
    return lp_format("%.4g %s", v, units[u]);
}

bool lp_parse_duration(const char *s, uint64_t *ret_ms)
{
    static const char *const units[] = {"ms", "s", "m", "h"};
    static const uint64_t factors[] = {1, 1000, 60000, 3600000};
    return parse_unit(s, units, factors, LP_COUNT(units), ret_ms);
}
