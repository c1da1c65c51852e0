/*
 * base/yaml.c: implements base/yaml.h over libfyaml's events.
 *
 * libfyaml scans; this file decides. It takes events, not libfyaml's documents,
 * so that whatever is outside the subset is refused at the event that brings
 * it, before anything is resolved, merged or expanded. No other file includes
 * <libfyaml.h>.
 *
 * All nodes and strings are in the document's arena; deleting it is one step.
 */
#include "base/yaml.h"

#include <libfyaml.h>
#include <stdlib.h>

#include "base/os/os.h"
#include "base/text.h"

#define MAX_MESSAGE 512 /* bytes of one message */

struct lp_yaml_doc {
    lp_arena arena;
    const char *file;
    const lp_yaml *root;
};

/* One run over the events. */
typedef struct reader {
    struct fy_parser *parser;
    struct fy_diag *diag;
    lp_yaml_doc *doc;
    const char *bytes;
    size_t len;
    size_t nodes;
} reader;

static loop_error *verror_at(const char *file, unsigned line, unsigned column, const char *fmt,
                             va_list ap)
{
    lp_auto(lp_free_string) char *what = lp_vformat(fmt, ap);
    char shown[MAX_MESSAGE]; /* escapes in double quotes can write any character */
    return loop_error_new(LOOP_CONFIG, "%s:%u:%u: %s", file, line, column,
                          lp_text_shown(what, shown, sizeof shown));
}

LOOP_PRINTF(4, 5)
static loop_error *error_at(const char *file, unsigned line, unsigned column, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    loop_error *e = verror_at(file, line, column, fmt, ap);
    va_end(ap);
    return e;
}

loop_error *lp_yaml_error(const lp_yaml *at, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    loop_error *e = verror_at(at->file, at->line, at->column, fmt, ap);
    va_end(ap);
    return e;
}

/* ---- before libfyaml sees it ---- */

/* Characters that no configuration needs and that could hide something in one. */
static loop_error *check_bytes(const char *file, const char *s, size_t n)
{
    if (n > LP_MAX_CONFIG_BYTES)
        return loop_error_new(LOOP_CONFIG, "%s: it has more than %u bytes", file,
                              LP_MAX_CONFIG_BYTES);
    unsigned line = 1, column = 1;
    for (size_t i = 0; i < n;) {
        unsigned char c = (unsigned char)s[i];
        size_t step = 1;
        if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f)
            return error_at(file, line, column, "a control character (byte 0x%02x)", c);
        if (c >= 0x80) {
            step = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
            if (step > n - i || !lp_utf8_valid(s + i, step))
                return error_at(file, line, column, "bytes that are not UTF-8");
        }
        i += step;
        column = c == '\n' ? 1 : column + 1;
        line += c == '\n';
    }
    return NULL;
}

/* ---- events into nodes ---- */

/* The scanner's own complaint, or ours when it gave none. */
static loop_error *scan_error(reader *r)
{
    void *iterator = NULL;
    struct fy_diag_error *first = fy_diag_errors_iterate(r->diag, &iterator);
    if (!first || !first->msg)
        return error_at(r->doc->file, 1, 1, "this is not YAML");
    unsigned line = first->line > 0 ? (unsigned)first->line : 1;
    unsigned column = first->column > 0 ? (unsigned)first->column : 1;
    return error_at(r->doc->file, line, column, "%s", first->msg);
}

static void position(struct fy_event *event, unsigned *ret_line, unsigned *ret_column)
{
    const struct fy_mark *m = fy_event_start_mark(event);
    *ret_line = m ? (unsigned)m->line + 1 : 1;
    *ret_column = m ? (unsigned)m->column + 1 : 1;
    if (event->type != FYET_SCALAR)
        return;
    enum fy_scalar_style style = fy_token_scalar_style(event->scalar.value);
    bool quotes = style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED;
    if (quotes && *ret_column > 1)
        --*ret_column; /* the opening quote, not what is behind it */
}

LOOP_PRINTF(3, 4)
static loop_error *event_error(reader *r, struct fy_event *event, const char *fmt, ...)
{
    unsigned line = 1, column = 1;
    if (event)
        position(event, &line, &column);
    va_list ap;
    va_start(ap, fmt);
    loop_error *e = verror_at(r->doc->file, line, column, fmt, ap);
    va_end(ap);
    return e;
}

/* A mark before a value: libfyaml's position is that of its name, ours of its sign. */
static loop_error *refuse_mark(reader *r, struct fy_token *token, unsigned sign, const char *what)
{
    const struct fy_mark *m = fy_token_start_mark(token);
    unsigned line = m ? (unsigned)m->line + 1 : 1, column = m ? (unsigned)m->column + 1 : 1;
    return error_at(r->doc->file, line, column > sign ? column - sign : 1,
                    "%s are not part of loop's YAML", what);
}

/* What the subset leaves out, whatever node it stands on. */
static loop_error *check_event(reader *r, struct fy_event *event)
{
    struct fy_token *alias = event->type == FYET_ALIAS ? event->alias.anchor : NULL;
    struct fy_token *anchor = alias ? NULL : fy_event_get_anchor_token(event);
    struct fy_token *tag = alias ? NULL : fy_event_get_tag_token(event);
    if (alias)
        return refuse_mark(r, alias, 1, "aliases ('*name')");
    if (anchor)
        return refuse_mark(r, anchor, 1, "anchors ('&name')");
    if (tag)
        return refuse_mark(r, tag, 0, "tags ('!name')");
    if (++r->nodes > LP_MAX_CONFIG_NODES)
        return event_error(r, event, "more than %u values in one file", LP_MAX_CONFIG_NODES);
    return NULL;
}

static lp_yaml *new_node(reader *r, struct fy_event *event, lp_yaml_kind kind)
{
    lp_yaml *node = lp_arena_alloc(&r->doc->arena, sizeof *node);
    *node = (lp_yaml){.kind = kind, .file = r->doc->file, .text = ""};
    position(event, &node->line, &node->column);
    return node;
}

static bool is_null_word(const char *s)
{
    return !*s || strcmp(s, "~") == 0 || strcmp(s, "null") == 0;
}

/* What stands between single quotes, where '' is a quote. */
static void unquote_single(const char *s, const char *end, lp_buf *into)
{
    while (s < end) {
        lp_buf_add(into, s, 1);
        s += s[0] == '\'' && s + 1 < end && s[1] == '\'' ? 2 : 1;
    }
}

/*
 * The characters of a scalar, escapes done. Folding (lines that become one) is
 * left out of the subset: it surprises people, and libfyaml 0.7.12 loses text in
 * it. It also loses text, and leaks, where single-quoted text has '''' in it, so
 * that style is read from the file's own bytes; libfyaml says where they are.
 */
static loop_error *collect_text(reader *r, struct fy_event *event, lp_buf *into)
{
    struct fy_token *token = event->scalar.value;
    enum fy_scalar_style style = fy_token_scalar_style(token);
    const struct fy_mark *from = fy_token_start_mark(token), *to = fy_token_end_mark(token);
    lp_buf_puts(into, "");
    if (style == FYSS_FOLDED)
        return event_error(r, event, "folded text ('>') is not part of loop's YAML, use '|'");
    if (style != FYSS_LITERAL && from && to && from->line != to->line)
        return event_error(r, event, "text over more than one line is written with '|'");
    if (style == FYSS_SINGLE_QUOTED) {
        if (!from || !to || from->input_pos > to->input_pos || to->input_pos >= r->len ||
            r->bytes[to->input_pos] != '\'')
            return event_error(r, event, "this quoted text cannot be read");
        unquote_single(r->bytes + from->input_pos, r->bytes + to->input_pos, into);
        return NULL;
    }
    size_t len = 0;
    const char *text = fy_token_get_text(token, &len);
    if (text)
        lp_buf_add(into, text, len);
    return NULL;
}

static loop_error *read_text(reader *r, struct fy_event *event, lp_yaml **ret)
{
    lp_auto(lp_buf_done) lp_buf text = {0};
    LP_TRY(collect_text(r, event, &text));
    /* "\0" in double quotes: what the file's own bytes did not show */
    if (memchr(text.ptr, 0, text.len))
        return event_error(r, event, "a zero byte inside text");
    if (!lp_utf8_valid(text.ptr, text.len))
        return event_error(r, event, "text that is not UTF-8");
    lp_yaml *node = new_node(r, event, LP_YAML_TEXT);
    node->text = lp_arena_strndup(&r->doc->arena, text.ptr, text.len);
    node->quoted = fy_token_scalar_style(event->scalar.value) != FYSS_PLAIN;
    if (!node->quoted && is_null_word(node->text))
        node->kind = LP_YAML_NULL;
    *ret = node;
    return NULL;
}

static loop_error *read_node(reader *r, struct fy_event *event, unsigned depth, lp_yaml **ret);

/* A key of `map`, which has none of that name yet. */
static loop_error *read_key(reader *r, struct fy_event *event, const lp_yaml *map, lp_yaml **ret)
{
    LP_TRY(check_event(r, event));
    if (event->type != FYET_SCALAR)
        return event_error(r, event, "a key must be text");
    lp_yaml *key;
    LP_TRY(read_text(r, event, &key));
    if (!key->quoted && strcmp(key->text, "<<") == 0)
        return event_error(r, event, "merge keys ('<<') are not part of loop's YAML");
    if (key->kind == LP_YAML_NULL || !*key->text)
        return event_error(r, event, "a key is missing before ':'");
    if (map->count == LP_MAX_CONFIG_KEYS)
        return event_error(r, event, "more than %u keys in one map", LP_MAX_CONFIG_KEYS);
    for (const lp_yaml *i = map->first; i; i = i->next)
        if (strcmp(i->key->text, key->text) == 0)
            return event_error(r, event, "the key '%s' is given twice (first at line %u)",
                               key->text, i->key->line);
    *ret = key;
    return NULL;
}

/* One thing below `parent`: an item, or a key and its value. False in `ret_more`: its end. */
static loop_error *read_below(reader *r, struct fy_event **event, const lp_yaml *parent,
                              unsigned depth, lp_yaml **ret, bool *ret_more)
{
    enum fy_event_type end = parent->kind == LP_YAML_MAP ? FYET_MAPPING_END : FYET_SEQUENCE_END;
    *event = fy_parser_parse(r->parser);
    if (!*event)
        return scan_error(r);
    *ret_more = (*event)->type != end;
    if (!*ret_more)
        return NULL;
    lp_yaml *key = NULL;
    if (parent->kind == LP_YAML_MAP) {
        LP_TRY(read_key(r, *event, parent, &key));
        fy_parser_event_free(r->parser, *event);
        *event = fy_parser_parse(r->parser);
        if (!*event)
            return scan_error(r);
    }
    LP_TRY(read_node(r, *event, depth, ret));
    (*ret)->key = key;
    if (key && (*ret)->kind == LP_YAML_NULL && !*(*ret)->text) {
        (*ret)->line = key->line; /* nothing has no place of its own */
        (*ret)->column = key->column;
    }
    return NULL;
}

static loop_error *read_inside(reader *r, lp_yaml *parent, unsigned depth)
{
    const lp_yaml **tail = &parent->first;
    for (bool more = true; more;) {
        struct fy_event *event = NULL;
        lp_yaml *node = NULL;
        loop_error *e = read_below(r, &event, parent, depth, &node, &more);
        fy_parser_event_free(r->parser, event);
        if (e)
            return e;
        if (more) {
            *tail = node;
            tail = &node->next;
            parent->count++;
        }
    }
    return NULL;
}

static loop_error *read_node(reader *r, struct fy_event *event, unsigned depth, lp_yaml **ret)
{
    LP_TRY(check_event(r, event));
    if (event->type == FYET_SCALAR)
        return read_text(r, event, ret);
    if (event->type != FYET_MAPPING_START && event->type != FYET_SEQUENCE_START)
        return event_error(r, event, "a value is missing");
    if (depth == LP_MAX_CONFIG_DEPTH)
        return event_error(r, event, "nested more than %u deep", LP_MAX_CONFIG_DEPTH);
    bool map = event->type == FYET_MAPPING_START;
    lp_yaml *node = new_node(r, event, map ? LP_YAML_MAP : LP_YAML_LIST);
    LP_TRY(read_inside(r, node, depth + 1));
    *ret = node;
    return NULL;
}

/* ---- the file ---- */

static loop_error *check_document(reader *r, struct fy_event *event, bool second)
{
    if (second && event->document_start.implicit) { /* it has no '---' to point at */
        struct fy_event *inside = fy_parser_parse(r->parser);
        loop_error *e = event_error(r, inside, "more than one document in a file");
        fy_parser_event_free(r->parser, inside);
        return e;
    }
    if (second)
        return event_error(r, event, "more than one document in a file");
    struct fy_document_state *state = event->document_start.document_state;
    if (state &&
        (fy_document_state_version_explicit(state) || fy_document_state_tags_explicit(state)))
        return event_error(r, event, "directives ('%%YAML', '%%TAG') are not part of loop's YAML");
    return NULL;
}

static loop_error *read_stream(reader *r)
{
    bool second = false;
    for (bool more = true; more;) {
        struct fy_event *event = fy_parser_parse(r->parser);
        if (!event)
            return fy_parser_get_stream_error(r->parser) ? scan_error(r) : NULL;
        loop_error *e = NULL;
        lp_yaml *root = NULL;
        if (event->type == FYET_DOCUMENT_START) {
            e = check_document(r, event, second);
            second = true;
        } else if (event->type == FYET_STREAM_END) {
            more = false;
        } else if (event->type != FYET_STREAM_START && event->type != FYET_DOCUMENT_END) {
            e = read_node(r, event, 0, &root);
        }
        fy_parser_event_free(r->parser, event);
        if (e)
            return e;
        if (root)
            r->doc->root = root;
    }
    return NULL;
}

static loop_error *scan(lp_yaml_doc *doc, const char *bytes, size_t len)
{
    struct fy_diag_cfg silent = {.level = FYET_ERROR, .module_mask = ~0u};
    reader r = {.diag = fy_diag_create(&silent), .doc = doc, .bytes = bytes, .len = len};
    if (!r.diag)
        return loop_error_new(LOOP_SYSTEM, "cannot start the YAML reader");
    fy_diag_set_collect_errors(r.diag, true);
    struct fy_parse_cfg cfg = {.search_path = "",
                               .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG |
                                        FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE,
                               .diag = r.diag};
    loop_error *e;
    r.parser = fy_parser_create(&cfg);
    if (!r.parser || fy_parser_set_string(r.parser, bytes, len) != 0)
        e = loop_error_new(LOOP_SYSTEM, "cannot start the YAML reader");
    else
        e = read_stream(&r);
    fy_parser_destroy(r.parser);
    fy_diag_destroy(r.diag);
    return e;
}

loop_error *lp_yaml_parse(const char *file, const char *bytes, size_t len, lp_yaml_doc **ret)
{
    if (len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
        bytes += 3, len -= 3; /* the mark that some editors put first */
    LP_TRY(check_bytes(file, bytes, len));
    lp_auto(lp_yaml_free) lp_yaml_doc *doc = lp_alloc(sizeof *doc);
    doc->file = lp_arena_strndup(&doc->arena, file, strlen(file));
    lp_yaml *nothing = lp_arena_alloc(&doc->arena, sizeof *nothing);
    *nothing = (lp_yaml){LP_YAML_NULL, .line = 1, .column = 1, .file = doc->file, .text = ""};
    doc->root = nothing;
    if (len)
        LP_TRY(scan(doc, bytes, len));
    *ret = lp_take(&doc);
    return NULL;
}

loop_error *lp_yaml_bytes(const char *path, const char *shown, uint8_t **ret_bytes, size_t *ret_len)
{
    loop_error *e = lp_os_read_file(path, LP_MAX_CONFIG_BYTES, ret_bytes, ret_len);
    if (loop_error_code(e) != LOOP_LIMIT)
        return e;
    loop_error_delete(e);
    return loop_error_new(LOOP_CONFIG, "%s: it has more than %u bytes", shown, LP_MAX_CONFIG_BYTES);
}

loop_error *lp_yaml_read(const char *path, const char *shown, lp_yaml_doc **ret)
{
    uint8_t *bytes;
    size_t len;
    LP_TRY(lp_yaml_bytes(path, shown, &bytes, &len));
    loop_error *e = lp_yaml_parse(shown, (const char *)bytes, len, ret);
    free(bytes);
    return e;
}

void lp_yaml_delete(lp_yaml_doc *doc)
{
    if (!doc)
        return;
    lp_arena arena = doc->arena;
    free(doc);
    lp_arena_done(&arena);
}

void lp_yaml_free(lp_yaml_doc **doc)
{
    lp_yaml_delete(*doc);
}

/* ---- looking at it ---- */

const lp_yaml *lp_yaml_root(const lp_yaml_doc *doc)
{
    return doc->root;
}

const lp_yaml *lp_yaml_get(const lp_yaml *map, const char *key)
{
    if (!map || map->kind != LP_YAML_MAP)
        return NULL;
    for (const lp_yaml *i = map->first; i; i = i->next)
        if (strcmp(i->key->text, key) == 0)
            return i;
    return NULL;
}

const char *lp_yaml_kind_name(const lp_yaml *node)
{
    switch (node->kind) {
    case LP_YAML_NULL: return "nothing";
    case LP_YAML_TEXT: return "text";
    case LP_YAML_LIST: return "a list";
    case LP_YAML_MAP: return "a map";
    }
    return "nothing";
}
