/* tests/conformance/wave_read.c: reads WAVE; see wave.h. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "loop/abi.h"
#include "tests/conformance/wave.h"

static bool problem(wave *w, const char *what)
{
    if (!w->error->len)
        lp_buf_printf(w->error, "WAVE: %s at character %zu: %.60s", what,
                      (size_t)(w->at - w->start), w->at);
    return false;
}

static void skip(wave *w)
{
    w->at += strspn(w->at, " \t");
}

static bool accept(wave *w, const char *token)
{
    skip(w);
    if (!lp_starts_with(w->at, token))
        return false;
    w->at += strlen(token);
    return true;
}

static bool expect(wave *w, const char *token)
{
    lp_auto(lp_free_string) char *what = lp_format("'%s' is missing", token);
    return accept(w, token) || problem(w, what);
}

/* ---- numbers ---- */

static bool read_integer(wave *w, const lp_node *n, void *to)
{
    bool is_signed = n->kind <= LP_S64;
    unsigned bits = n->size * 8;
    char *end;
    errno = 0;
    long long s = is_signed ? strtoll(w->at, &end, 10) : 0;
    unsigned long long u = is_signed ? (unsigned long long)s : strtoull(w->at, &end, 10);
    bool digits = end > w->at && isdigit((unsigned char)end[-1]) && (is_signed || *w->at != '-');
    if (!digits || errno == ERANGE)
        return problem(w, "no integer of this type");
    bool fits =
        bits == 64 || (is_signed ? s >> (bits - 1) == 0 || s >> (bits - 1) == -1 : u >> bits == 0);
    if (!fits)
        return problem(w, "an integer out of range");
    w->at = end;
    memcpy(to, &u, n->size); /* little-endian */
    return true;
}

static bool read_float(wave *w, const lp_node *n, void *to)
{
    char *end;
    if (n->kind == LP_F32)
        *(float *)to = strtof(w->at, &end);
    else
        *(double *)to = strtod(w->at, &end);
    if (end == w->at)
        return problem(w, "no number");
    w->at = end;
    return true;
}

/* ---- text ---- */

static size_t put_utf8(uint32_t c, char *to)
{
    size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len; i-- > 1; c >>= 6)
        to[i] = (char)(0x80 | (c & 0x3f));
    to[0] = (char)(first[len] | c);
    return len;
}

static bool read_escape(wave *w, uint32_t *ret)
{
    static const char names[] = "nrt\\'\"", values[] = "\n\r\t\\'\"";
    const char *found = *w->at ? strchr(names, *w->at) : NULL;
    if (found) {
        w->at++;
        *ret = (uint8_t)values[found - names];
        return true;
    }
    char *end = NULL;
    if (lp_starts_with(w->at, "u{"))
        *ret = (uint32_t)strtoul(w->at + 2, &end, 16);
    if (!end || *end != '}')
        return problem(w, "no escape");
    w->at = end + 1;
    return true;
}

static uint32_t decode(const char *s, size_t len)
{
    uint32_t c = (uint8_t)s[0];
    if (len > 1)
        c &= 0x7fu >> len;
    for (size_t i = 1; i < len; i++)
        c = c << 6 | ((uint8_t)s[i] & 0x3f);
    return c;
}

/* One character of quoted text. */
static bool read_point(wave *w, uint32_t *ret)
{
    if (*w->at == '\\') {
        w->at++;
        return read_escape(w, ret);
    }
    size_t len = lp_utf8_sequence(w->at, strnlen(w->at, 4));
    if (!len)
        return problem(w, "the text does not end, or is not UTF-8");
    *ret = decode(w->at, len);
    w->at += len;
    return true;
}

static bool read_char(wave *w, uint32_t *to)
{
    return expect(w, "'") && read_point(w, to) && expect(w, "'");
}

static bool read_string(wave *w, loop_string *to)
{
    if (!expect(w, "\""))
        return false;
    lp_buf text = {0};
    while (*w->at != '"') {
        uint32_t c;
        char utf8[4];
        if (!read_point(w, &c)) {
            lp_buf_done(&text);
            return false;
        }
        lp_buf_add(&text, utf8, put_utf8(c, utf8));
    }
    w->at++;
    *to = (loop_string){lp_arena_strndup(w->arena, text.len ? text.ptr : "", text.len), text.len};
    lp_buf_done(&text);
    return true;
}

/* ---- names ---- */

static lp_str peek_name(wave *w)
{
    skip(w);
    const char *at = w->at + (*w->at == '%');
    size_t n = 0;
    while (isalnum((unsigned char)at[n]) || at[n] == '-')
        n++;
    return (lp_str){at, n};
}

static bool accept_name(wave *w, const char *name)
{
    lp_str found = peek_name(w);
    if (!lp_str_is(found, name))
        return false;
    w->at = found.ptr + found.len;
    return true;
}

/* One of the type's names. */
static bool read_name(wave *w, const lp_node *n, size_t *ret)
{
    lp_str name = peek_name(w);
    for (size_t i = 0; i < n->count; i++) {
        if (lp_str_is(name, n->type->names[i])) {
            w->at = name.ptr + name.len;
            *ret = i;
            return true;
        }
    }
    return problem(w, "no name of this type");
}

/* ---- compound values ---- */

static bool read_list(wave *w, const lp_node *n, loop_list_u8 *to)
{
    const lp_node *e = n->parts[0];
    size_t cap = 0;
    uint8_t *items = NULL;
    *to = (loop_list_u8){0};
    bool good = expect(w, "[");
    while (good && !accept(w, "]")) {
        if (to->len == cap) {
            cap = cap ? cap * 2 : 8;
            uint8_t *more = lp_arena_alloc(w->arena, cap * e->size);
            if (to->len)
                memcpy(more, items, to->len * e->size);
            items = more;
        }
        good = wave_read(w, e, items + to->len * e->size);
        to->len += good;
        skip(w);
        if (good && *w->at != ']')
            good = expect(w, ",");
    }
    to->ptr = items;
    return good;
}

static bool read_tuple(wave *w, const lp_node *n, uint8_t *to)
{
    if (!expect(w, "("))
        return false;
    for (size_t i = 0; i < n->count; i++)
        if ((i && !expect(w, ",")) || !wave_read(w, n->parts[i], to + n->fields[i].offset))
            return false;
    return expect(w, ")");
}

/* Fields that are not written must be options: none, as all is zero before. */
static bool read_record(wave *w, const lp_node *n, uint8_t *to)
{
    if (!expect(w, "{"))
        return false;
    uint64_t seen = 0;
    accept(w, ":"); /* {:} is how a record without a field is written */
    while (!accept(w, "}")) {
        size_t i;
        if ((seen && !expect(w, ",")) || !read_name(w, n, &i) || !expect(w, ":") ||
            !wave_read(w, n->parts[i], to + n->fields[i].offset))
            return false;
        seen |= (uint64_t)1 << i % 64;
    }
    for (size_t i = 0; i < n->count && i < 64; i++)
        if (!(seen >> i & 1) && n->parts[i]->kind != LP_OPTION)
            return problem(w, "a field is missing before");
    return true;
}

static bool read_flags(wave *w, const lp_node *n, void *to)
{
    uint32_t bits = 0;
    if (!expect(w, "{"))
        return false;
    while (!accept(w, "}")) {
        size_t i;
        if ((bits && !expect(w, ",")) || !read_name(w, n, &i))
            return false;
        bits |= 1u << i;
    }
    memcpy(to, &bits, n->size);
    return true;
}

static bool read_payload(wave *w, const lp_node *n, size_t tag, uint8_t *to)
{
    memcpy(to, &tag, n->tag); /* little-endian */
    const lp_node *part = n->parts ? n->parts[tag] : NULL;
    return !part || (expect(w, "(") && wave_read(w, part, to + n->payload) && expect(w, ")"));
}

static bool read_case(wave *w, const lp_node *n, uint8_t *to)
{
    static const char *const of_option[] = {"none", "some"}, *const of_result[] = {"ok", "err"};
    size_t tag = 0;
    if (n->kind == LP_VARIANT || n->kind == LP_ENUM)
        return read_name(w, n, &tag) && read_payload(w, n, tag, to);
    const char *const *names = n->kind == LP_OPTION ? of_option : of_result;
    while (tag < 2 && !accept_name(w, names[tag]))
        tag++;
    return tag < 2 ? read_payload(w, n, tag, to) : problem(w, "no case of this type");
}

static bool read_handle(wave *w, const lp_node *n, uint64_t *to)
{
    if (!expect(w, "$"))
        return false;
    lp_str name = peek_name(w);
    if (!w->handle || !w->handle(w->data, n, name, to))
        return problem(w, "no such handle");
    w->at = name.ptr + name.len;
    return true;
}

static bool read_bool(wave *w, bool *to)
{
    *to = accept_name(w, "true");
    return *to || accept_name(w, "false") || problem(w, "no bool");
}

bool wave_read(wave *w, const lp_node *n, void *to)
{
    skip(w);
    switch (n->kind) {
    case LP_BOOL: return read_bool(w, to);
    case LP_F32:
    case LP_F64: return read_float(w, n, to);
    case LP_CHAR: return read_char(w, to);
    case LP_STRING: return read_string(w, to);
    case LP_LIST: return read_list(w, n, to);
    case LP_RECORD: return read_record(w, n, to);
    case LP_TUPLE: return read_tuple(w, n, to);
    case LP_FLAGS: return read_flags(w, n, to);
    case LP_VARIANT:
    case LP_ENUM:
    case LP_OPTION:
    case LP_RESULT: return read_case(w, n, to);
    case LP_OWN:
    case LP_BORROW: return read_handle(w, n, to);
    default: return read_integer(w, n, to);
    }
}

bool wave_read_params(wave *w, const lp_node *params, void *to)
{
    return read_tuple(w, params, to);
}

bool wave_end(wave *w)
{
    skip(w);
    return !*w->at || problem(w, "more than a value");
}
