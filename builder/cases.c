/* builder/cases.c: reads test cases (builder/cases.h). */
#include "builder/cases.h"

#include <regex.h>
#include <stdlib.h>

#include "base/yaml.h"

#define DEADLINE_MS 10000

static const char *const keys[] = {"run",    "invoke", "stdin",  "status",
                                   "stdout", "stderr", "result", "deadline"};

static loop_error *check_keys(const lp_yaml *map)
{
    for (const lp_yaml *i = map->first; i; i = i->next) {
        size_t k = 0;
        while (k < LP_COUNT(keys) && strcmp(keys[k], i->key->text) != 0)
            k++;
        if (k == LP_COUNT(keys))
            return loop_error_hint_set(
                lp_yaml_error(i->key, "unknown key '%s' of a test", i->key->text),
                "allowed: run, invoke, stdin, status, stdout, stderr, result, deadline");
    }
    return NULL;
}

static const char *keep(lp_case *c, const char *text)
{
    return lp_arena_strndup(&c->arena, text, strlen(text));
}

static loop_error *read_text(lp_case *c, const lp_yaml *map, const char *key, const char **ret)
{
    const lp_yaml *at = lp_yaml_get(map, key);
    if (!at)
        return NULL;
    if (at->kind != LP_YAML_TEXT)
        return lp_yaml_error(at, "expected text for '%s', found %s", key, lp_yaml_kind_name(at));
    *ret = keep(c, at->text);
    return NULL;
}

/* A list of text, or one text; ends with NULL. */
static loop_error *read_texts(lp_case *c, const lp_yaml *at, const char *key,
                              const char *const **ret)
{
    if (at->kind == LP_YAML_MAP)
        return lp_yaml_error(at, "expected text or a list of text for '%s', found a map", key);
    bool one = at->kind == LP_YAML_TEXT;
    const char **texts = lp_arena_alloc(&c->arena, ((one ? 1 : at->count) + 1) * sizeof *texts);
    size_t n = 0;
    if (one)
        texts[n++] = keep(c, at->text);
    for (const lp_yaml *i = at->first; i; i = i->next) {
        if (i->kind != LP_YAML_TEXT)
            return lp_yaml_error(i, "expected text for '%s', found %s", key, lp_yaml_kind_name(i));
        texts[n++] = keep(c, i->text);
    }
    *ret = texts;
    return NULL;
}

/* ---- what is expected ---- */

static bool is_pattern(const char *text)
{
    size_t n = strlen(text);
    return n > 2 && text[0] == '/' && text[n - 1] == '/';
}

/* Patterns are compiled once here, so that a wrong one is told with its place. */
static loop_error *check_line(const lp_yaml *at)
{
    if (strchr(at->text, '\n'))
        return lp_yaml_error(at, "a line has no end of a line in it");
    if (!is_pattern(at->text))
        return NULL;
    lp_auto(lp_free_string) char *inner = lp_strndup(at->text + 1, strlen(at->text) - 2);
    regex_t compiled;
    int failed = regcomp(&compiled, inner, REG_EXTENDED | REG_NOSUB);
    char why[256] = "";
    if (!failed) {
        regfree(&compiled);
        return NULL;
    }
    regerror(failed, &compiled, why, sizeof why);
    return lp_yaml_error(at, "'%s' is no extended regular expression: %s", at->text, why);
}

static loop_error *read_expect(lp_case *c, const lp_yaml *map, const char *key, lp_expect *ret)
{
    const lp_yaml *at = lp_yaml_get(map, key);
    if (!at)
        return NULL;
    if (at->kind == LP_YAML_MAP) {
        const lp_yaml *contains = lp_yaml_get(at, "contains");
        if (!contains || at->count != 1)
            return lp_yaml_error(at, "expected { contains: [...] } for '%s'", key);
        ret->kind = LP_EXPECT_CONTAINS;
        return read_texts(c, contains, "contains", &ret->texts);
    }
    ret->kind = at->kind == LP_YAML_LIST ? LP_EXPECT_LINES : LP_EXPECT_TEXT;
    if (at->kind == LP_YAML_NULL) { /* `stdout:` and nothing: it stays empty */
        ret->texts = lp_arena_alloc(&c->arena, 2 * sizeof(char *));
        ((const char **)ret->texts)[0] = "";
        return NULL;
    }
    LP_TRY(read_texts(c, at, key, &ret->texts));
    for (const lp_yaml *i = at->first; i; i = i->next)
        LP_TRY(check_line(i));
    return NULL;
}

/* `result: X` is `stdout: "X\n"`. */
static loop_error *read_result(lp_case *c, const lp_yaml *map)
{
    const lp_yaml *at = lp_yaml_get(map, "result");
    const char *text = NULL;
    if (!at)
        return NULL;
    if (!c->invoke || c->out.kind != LP_EXPECT_ANYTHING)
        return lp_yaml_error(at->key, "'result' is of a test with 'invoke' and without 'stdout'");
    LP_TRY(read_text(c, map, "result", &text));
    lp_auto(lp_free_string) char *line = lp_format("%s\n", text);
    const char **texts = lp_arena_alloc(&c->arena, 2 * sizeof *texts);
    texts[0] = keep(c, line);
    c->out = (lp_expect){LP_EXPECT_TEXT, texts};
    return NULL;
}

/* ---- the case ---- */

static loop_error *read_number(lp_case *c, const lp_yaml *map)
{
    const char *text = NULL;
    LP_TRY(read_text(c, map, "status", &text));
    if (!text)
        return NULL;
    size_t n = strlen(text);
    if (!n || n > 3 || strspn(text, "0123456789") != n || atoi(text) > 255)
        return lp_yaml_error(lp_yaml_get(map, "status"),
                             "expected a number from 0 to 255 for 'status', found '%s'", text);
    c->status = atoi(text);
    return NULL;
}

static loop_error *read_deadline(lp_case *c, const lp_yaml *map)
{
    const char *text = NULL;
    LP_TRY(read_text(c, map, "deadline", &text));
    c->deadline_ms = DEADLINE_MS;
    if (text && (!lp_parse_duration(text, &c->deadline_ms) || !c->deadline_ms))
        return lp_yaml_error(lp_yaml_get(map, "deadline"),
                             "expected a duration such as 5s for 'deadline', found '%s'", text);
    return NULL;
}

static loop_error *read_case(lp_case *c, const lp_yaml *map)
{
    if (map->kind != LP_YAML_MAP)
        return lp_yaml_error(map, "expected a map: `run:` or `invoke:`, and what is expected");
    LP_TRY(check_keys(map));
    const lp_yaml *run = lp_yaml_get(map, "run"), *invoke = lp_yaml_get(map, "invoke");
    if (!run == !invoke)
        return loop_error_hint_set(lp_yaml_error(map, "a test has either 'run' or 'invoke'"),
                                   "such as `run: [Ada]`, or `invoke: 'api.greet(\"Ada\")'`");
    static const char *const no_args[] = {NULL};
    c->args = no_args;
    c->input = "";
    if (run)
        LP_TRY(read_texts(c, run, "run", &c->args));
    LP_TRY(read_text(c, map, "invoke", &c->invoke));
    LP_TRY(read_text(c, map, "stdin", &c->input));
    LP_TRY(read_number(c, map));
    LP_TRY(read_deadline(c, map));
    LP_TRY(read_expect(c, map, "stdout", &c->out));
    LP_TRY(read_expect(c, map, "stderr", &c->err));
    return read_result(c, map);
}

loop_error *lp_case_parse(const char *file, const char *bytes, size_t len, lp_case **ret)
{
    lp_auto(lp_yaml_free) lp_yaml_doc *doc = NULL;
    LP_TRY(lp_yaml_parse(file, bytes, len, &doc));
    lp_case *c = lp_alloc(sizeof *c);
    loop_error *e = read_case(c, lp_yaml_root(doc));
    if (e) {
        lp_case_delete(c);
        return e;
    }
    *ret = c;
    return NULL;
}

void lp_case_delete(lp_case *c)
{
    if (!c)
        return;
    lp_arena_done(&c->arena);
    free(c);
}
