/* tests/sidecar/protocol_page.c: implements protocol_page.h. */
#include "tests/sidecar/protocol_page.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/os/os.h"

/* ---- the page ---- */

static FILE *open_page(void)
{
    const char *from = lp_os_getenv("LOOP_SOURCE_DIR"); /* the tests run anywhere with it */
    char *path = lp_format("%s/sidecar/PROTOCOL.md", from ? from : ".");
    FILE *f = fopen(path, "r");
    free(path);
    return f;
}

/* "ac 02" */
static void read_bytes(page_line *l, const char *hex)
{
    l->bytes = lp_alloc(strlen(hex) / 2 + 1);
    unsigned byte;
    int used;
    while (sscanf(hex, " %2x%n", &byte, &used) == 1) {
        l->bytes[l->len++] = (uint8_t)byte;
        hex += used;
    }
}

static void read_line(page_line *l, const char *text, size_t len)
{
    l->text = lp_strndup(text, len);
    for (char *at = l->text; at;) {
        l->parts[l->count++] = at;
        bool empty = strncmp(at, "| ", 2) == 0; /* "READY 0 | | 00" */
        char *next = l->count < LP_COUNT(l->parts) ? strstr(at, " | ") : NULL;
        if (empty)
            next = at - 1;
        at = next ? next + 3 : NULL;
        if (next)
            next[empty] = 0;
    }
    read_bytes(l, l->parts[l->count - 1]);
}

page_block page_read(const char *name)
{
    page_block b = {0};
    char *line = NULL, *start = lp_format("```%s\n", name);
    size_t room = 0;
    bool inside = false;
    FILE *f = open_page();
    for (ssize_t n; f && (n = getline(&line, &room, f)) > 0;) {
        if (inside && strcmp(line, "```\n") == 0)
            break;
        if (inside)
            read_line(lp_push(&b), line, (size_t)n - 1);
        inside |= strcmp(line, start) == 0;
    }
    if (f)
        fclose(f);
    free(line);
    free(start);
    return b;
}

void page_done(page_block *b)
{
    for (size_t i = 0; i < b->n; i++) {
        free(b->at[i].text);
        free(b->at[i].bytes);
    }
    free(b->at);
}

json_t *page_json(const char *text)
{
    lp_buf b = {0};
    bool quoted = false;
    while (*text) {
        size_t digits = 1 + strspn(text + 1, "0123456789");
        quoted ^= *text == '"';
        bool large = !quoted && digits > 18 && (*text == '-' || isdigit((unsigned char)*text));
        lp_buf_printf(&b, large ? "\"%.*s\"" : "%.*s", (int)(large ? digits : 1), text);
        text += large ? digits : 1;
    }
    json_t *j = json_loads(b.ptr, JSON_DECODE_ANY, NULL);
    lp_buf_done(&b);
    return j;
}

const lp_node *page_type(lp_arena *a, const char *text)
{
    lp_resources known = {0};
    lp_signature s = {0};
    const lp_plan *p = NULL;
    loop_error *e = lp_type_parse(a, &known, lp_str_of(text), &s.result);
    if (!e)
        e = lp_plan_new(a, &s, &p);
    free(known.at);
    if (e)
        fprintf(stderr, "%s: %s\n", text, loop_error_message(e));
    loop_error_delete(e);
    return p ? p->result : NULL;
}

/* ---- values ---- */

static bool number(const lp_node *n, const json_t *j, void *to)
{
    const char *s = json_string_value(j);
    if (!s && !json_is_integer(j))
        return false;
    uint64_t bits = !s          ? (uint64_t)json_integer_value(j)
                    : *s == '-' ? (uint64_t)strtoll(s, NULL, 10)
                                : strtoull(s, NULL, 10);
    memcpy(to, &bits, n->size); /* little-endian */
    return true;
}

static bool real(const lp_node *n, const json_t *j, void *to)
{
    double d = json_is_string(j) ? strtod(json_string_value(j), NULL) : json_number_value(j);
    float f = (float)d;
    static const uint32_t nan32 = 0x7fc00000;
    static const uint64_t nan64 = 0x7ff8000000000000;
    if (n->kind == LP_F32)
        memcpy(to, isnan(d) ? (const void *)&nan32 : &f, 4);
    else
        memcpy(to, isnan(d) ? (const void *)&nan64 : &d, 8);
    return json_is_string(j) || json_is_number(j);
}

static bool text(lp_arena *a, const json_t *j, loop_string *to)
{
    size_t len = json_string_length(j);
    *to =
        (loop_string){lp_arena_strndup(a, json_is_string(j) ? json_string_value(j) : "", len), len};
    return json_is_string(j);
}

static bool character(lp_arena *a, const json_t *j, uint32_t *to)
{
    loop_string s;
    if (!text(a, j, &s) || lp_utf8_sequence(s.ptr, s.len) != s.len)
        return false;
    static const uint8_t masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    *to = (uint8_t)s.ptr[0] & masks[s.len];
    for (size_t i = 1; i < s.len; i++)
        *to = *to << 6 | ((uint8_t)s.ptr[i] & 0x3f);
    return true;
}

static bool list(lp_arena *a, const lp_node *n, const json_t *j, loop_list_u8 *to)
{
    const lp_node *e = n->parts[0];
    to->len = json_array_size(j);
    uint8_t *at = lp_arena_alloc(a, to->len * e->size + 1);
    to->ptr = at;
    for (size_t i = 0; i < to->len; i++)
        if (!value_of_json(a, e, json_array_get(j, i), at + i * e->size))
            return false;
    return json_is_array(j);
}

static bool fields(lp_arena *a, const lp_node *n, const json_t *j, uint8_t *to)
{
    for (size_t i = 0; i < n->count; i++) {
        const json_t *f =
            n->kind == LP_TUPLE ? json_array_get(j, i) : json_object_get(j, n->type->names[i]);
        if (!f || !value_of_json(a, n->parts[i], f, to + n->fields[i].offset))
            return false;
    }
    return n->count == (n->kind == LP_TUPLE ? json_array_size(j) : json_object_size(j));
}

static bool flags(const lp_node *n, const json_t *j, void *to)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < json_array_size(j); i++) {
        size_t k = lp_type_index(n->type, json_string_value(json_array_get(j, i)));
        if (k == SIZE_MAX)
            return false;
        bits |= UINT32_C(1) << k;
    }
    memcpy(to, &bits, n->size);
    return json_is_array(j);
}

/* "case", {"case": payload}; of options and results, what stands for their two. */
static bool one_of(lp_arena *a, const lp_node *n, json_t *j, uint8_t *to)
{
    const char *name =
        json_is_object(j) ? json_object_iter_key(json_object_iter(j)) : json_string_value(j);
    size_t tag = n->kind == LP_OPTION   ? json_is_object(j)
                 : n->kind == LP_RESULT ? strcmp(name, "error") == 0
                                        : lp_type_index(n->type, name);
    if (tag == SIZE_MAX)
        return false;
    memcpy(to, &tag, n->tag);
    if (!n->parts || !n->parts[tag])
        return true;
    return json_is_object(j) &&
           value_of_json(a, n->parts[tag], json_object_iter_value(json_object_iter(j)),
                         to + n->payload);
}

bool value_of_json(lp_arena *a, const lp_node *n, const json_t *j, void *to)
{
    switch (n->kind) {
    case LP_BOOL: *(bool *)to = json_is_true(j); return json_is_boolean(j);
    case LP_F32:
    case LP_F64: return real(n, j, to);
    case LP_CHAR: return character(a, j, to);
    case LP_STRING: return text(a, j, to);
    case LP_LIST: return list(a, n, j, to);
    case LP_RECORD:
    case LP_TUPLE: return fields(a, n, j, to);
    case LP_FLAGS: return flags(n, j, to);
    case LP_VARIANT:
    case LP_ENUM:
    case LP_OPTION:
    case LP_RESULT: return one_of(a, n, (json_t *)(uintptr_t)j, to);
    default: return number(n, j, to); /* handles too: 8 bytes */
    }
}
