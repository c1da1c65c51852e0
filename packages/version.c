/*
 * packages/version.c: Semantic Versioning 2.0.0 (semver.org), and ranges as Cargo writes them.
 *
 * Why Cargo's: wkg and its registries write the same (the Rust crate `semver`), so that a
 * requirement means one thing wherever it is read; tests/packages/ranges.txt has what that crate
 * answers. A range is comparisons that must all hold:
 *
 *     ^1.2.3  1.2.3      up to the next number that may break: the first that is not zero
 *     ~1.2.3             patches alone        1.2.*  *        what stands there
 *     =1.2.3  >1.2  >=1.2  <2  <=2.1          with what is left out: any
 *
 * A pre-release is asked for by name alone: it satisfies a range only where one of the comparisons
 * has a pre-release of the same major, minor and patch. Not of Cargo: spaces between comparisons
 * in place of commas, "||", ranges with " - ".
 */
#include <stdlib.h>

#include "packages/packages.h"

#define DIGITS "0123456789"
#define IDENTIFIER DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-"

/* What is read, and where. */
struct reader {
    const char *text, *at;
    const char *what; /* "version", "range" */
};

static loop_error *wrong(const struct reader *r, const char *why)
{
    return loop_error_new(LOOP_INVALID, "'%.*s' is no %s: %s at character %zu", LP_MAX_RANGE_TEXT,
                          r->text, r->what, why, (size_t)(r->at - r->text) + 1);
}

static loop_error *read_number(struct reader *r, uint64_t *ret)
{
    size_t n = strspn(r->at, DIGITS);
    if (n == 0)
        return wrong(r, *r->at ? "a number is expected" : "it ends too early");
    if (n > 1 && *r->at == '0')
        return wrong(r, "a number begins with a zero");
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t digit = (uint64_t)(r->at[i] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return wrong(r, "a number is too large");
        value = value * 10 + digit;
    }
    r->at += n;
    *ret = value;
    return NULL;
}

static bool is_number(const char *s, size_t n)
{
    return n && strspn(s, DIGITS) >= n;
}

/* Identifiers joined by dots, behind `mark` where that is next; "" where it is not. */
static loop_error *read_identifiers(lp_arena *arena, struct reader *r, char mark, const char **ret)
{
    *ret = "";
    if (*r->at != mark)
        return NULL;
    const char *start = ++r->at;
    for (;; r->at++) {
        size_t n = strspn(r->at, IDENTIFIER);
        if (n == 0)
            return wrong(r, "letters, digits or dashes are expected");
        if (mark == '-' && n > 1 && *r->at == '0' && is_number(r->at, n))
            return wrong(r, "a number begins with a zero");
        r->at += n;
        if (*r->at != '.')
            break;
    }
    *ret = lp_arena_strndup(arena, start, (size_t)(r->at - start));
    return NULL;
}

static loop_error *expect(struct reader *r, char c)
{
    if (*r->at != c)
        return wrong(r, *r->at ? "a dot is expected" : "three numbers are expected, but it ends");
    r->at++;
    return NULL;
}

loop_error *lp_version_parse(lp_arena *arena, const char *text, lp_version *ret)
{
    struct reader r = {text, text, "version"};
    if (strnlen(text, LP_MAX_VERSION_TEXT + 1) > LP_MAX_VERSION_TEXT)
        return loop_error_new(LOOP_LIMIT, "a version has more than %d characters",
                              LP_MAX_VERSION_TEXT);
    lp_version v;
    LP_TRY(read_number(&r, &v.major));
    LP_TRY(expect(&r, '.'));
    LP_TRY(read_number(&r, &v.minor));
    LP_TRY(expect(&r, '.'));
    LP_TRY(read_number(&r, &v.patch));
    LP_TRY(read_identifiers(arena, &r, '-', &v.pre));
    LP_TRY(read_identifiers(arena, &r, '+', &v.build));
    if (*r.at)
        return wrong(&r, "nothing more is expected");
    *ret = v;
    return NULL;
}

/* ---- precedence ---- */

static int compare_numbers(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* Two identifiers: numbers by value and below words, words by their bytes. */
static int compare_identifiers(const char *a, size_t a_len, const char *b, size_t b_len)
{
    bool a_number = is_number(a, a_len), b_number = is_number(b, b_len);
    if (a_number != b_number)
        return a_number ? -1 : 1;
    if (a_number && a_len != b_len) /* no zeros in front: the longer one is larger */
        return a_len < b_len ? -1 : 1;
    int c = memcmp(a, b, LP_MIN(a_len, b_len));
    return c ? c : compare_numbers(a_len, b_len);
}

static int compare_pre(const char *a, const char *b)
{
    if (!*a || !*b)
        return (*a == 0) - (*b == 0); /* none is above any */
    for (;;) {
        size_t a_len = strcspn(a, "."), b_len = strcspn(b, ".");
        int c = compare_identifiers(a, a_len, b, b_len);
        if (c)
            return c;
        a += a_len;
        b += b_len;
        if (!*a || !*b)
            return (*a != 0) - (*b != 0); /* more of them are above fewer */
        a++;
        b++;
    }
}

int lp_version_compare(const lp_version *a, const lp_version *b)
{
    int c = compare_numbers(a->major, b->major);
    if (!c)
        c = compare_numbers(a->minor, b->minor);
    if (!c)
        c = compare_numbers(a->patch, b->patch);
    if (!c)
        c = compare_pre(a->pre, b->pre);
    return (c > 0) - (c < 0);
}

/* ---- ranges ---- */

enum op { EXACT, GREATER, GREATER_OR, LESS, LESS_OR, TILDE, CARET };

struct comparison {
    enum op op;
    uint64_t number[3]; /* major, minor, patch */
    unsigned count;     /* of them that are there; 0 to 3 */
    const char *pre;
};

struct lp_range {
    struct comparison *all;
    size_t n;
};

static void skip_spaces(struct reader *r)
{
    r->at += strspn(r->at, " ");
}

static bool is_wildcard(char c)
{
    return c == '*' || c == 'x' || c == 'X';
}

/* *ret_none: nothing stood there. */
static enum op read_op(struct reader *r, bool *ret_none)
{
    static const struct {
        const char *text;
        enum op op;
    } ops[] = {{">=", GREATER_OR}, {">", GREATER}, {"<=", LESS_OR}, {"<", LESS},
               {"=", EXACT},       {"~", TILDE},   {"^", CARET}};
    *ret_none = false;
    for (size_t i = 0; i < LP_COUNT(ops); i++)
        if (lp_starts_with(r->at, ops[i].text)) {
            r->at += strlen(ops[i].text);
            return ops[i].op;
        }
    *ret_none = true;
    return CARET;
}

static loop_error *read_comparison(lp_arena *arena, struct reader *r, struct comparison *ret)
{
    bool none, wild = false;
    *ret = (struct comparison){.op = read_op(r, &none), .pre = ""};
    skip_spaces(r);
    for (unsigned i = 0; i < 3; i++) {
        if (i > 0 && *r->at != '.')
            break;
        r->at += i > 0;
        if (i > 0 && is_wildcard(*r->at)) {
            wild = true;
            r->at++;
        } else if (wild) {
            return wrong(r, "a number stands behind a '*'");
        } else {
            LP_TRY(read_number(r, &ret->number[i]));
            ret->count = i + 1;
        }
    }
    if (wild && none)
        ret->op = EXACT;
    if (ret->count == 3) {
        const char *build; /* does not count */
        LP_TRY(read_identifiers(arena, r, '-', &ret->pre));
        LP_TRY(read_identifiers(arena, r, '+', &build));
    }
    skip_spaces(r);
    return NULL;
}

static loop_error *read_all(lp_arena *arena, struct reader *r, lp_range *range)
{
    skip_spaces(r);
    if (is_wildcard(*r->at)) {
        r->at++;
        skip_spaces(r);
        return *r->at ? wrong(r, "nothing more is expected behind '*'") : NULL;
    }
    for (;;) {
        if (range->n == LP_MAX_RANGE_PARTS)
            return loop_error_new(LOOP_LIMIT, "a range has more than %d comparisons",
                                  LP_MAX_RANGE_PARTS);
        LP_TRY(read_comparison(arena, r, &range->all[range->n++]));
        if (!*r->at)
            return NULL;
        if (*r->at != ',')
            return wrong(r, "a comma is expected between comparisons");
        r->at++;
        skip_spaces(r);
    }
}

loop_error *lp_range_parse(lp_arena *arena, const char *text, const lp_range **ret)
{
    struct reader r = {text, text, "range of versions"};
    if (strnlen(text, LP_MAX_RANGE_TEXT + 1) > LP_MAX_RANGE_TEXT)
        return loop_error_new(LOOP_LIMIT, "a range has more than %d characters", LP_MAX_RANGE_TEXT);
    struct comparison
        all[LP_MAX_RANGE_PARTS]; /* kept as many as there are: an index has a million */
    lp_range range = {all, 0};
    loop_error *e = read_all(arena, &r, &range);
    if (e)
        return loop_error_hint_set(e, "like '1.2', '^1.2.3', '~1.2', '=1.2.3', '1.*' or "
                                      "'>=1.2, <1.5'");
    lp_range *own = lp_arena_alloc(arena, sizeof *own);
    own->n = range.n;
    own->all = lp_arena_alloc(arena, (range.n + 1) * sizeof *own->all);
    memcpy(own->all, all, range.n * sizeof *all);
    *ret = own;
    return NULL;
}

/* The numbers that the comparison has, against the version's: below, alike, above. */
static int against(const struct comparison *c, const lp_version *v)
{
    const uint64_t has[3] = {v->major, v->minor, v->patch};
    for (unsigned i = 0; i < c->count; i++)
        if (has[i] != c->number[i])
            return has[i] < c->number[i] ? -1 : 1;
    return 0;
}

static bool is_exact(const struct comparison *c, const lp_version *v)
{
    return against(c, v) == 0 && strcmp(c->pre, v->pre) == 0;
}

/* With some numbers left out, what begins alike is neither above nor below. */
static bool is_above(const struct comparison *c, const lp_version *v)
{
    int numbers = against(c, v);
    return numbers > 0 || (numbers == 0 && c->count == 3 && compare_pre(v->pre, c->pre) > 0);
}

static bool is_below(const struct comparison *c, const lp_version *v)
{
    int numbers = against(c, v);
    return numbers < 0 || (numbers == 0 && c->count == 3 && compare_pre(v->pre, c->pre) < 0);
}

/* Whether the first `n` numbers that the comparison has are the version's, and it is not below. */
static bool is_compatible(const struct comparison *c, const lp_version *v, unsigned n)
{
    struct comparison start = *c;
    start.count = LP_MIN(c->count, n);
    int numbers = against(c, v);
    bool any_pre = c->op == CARET && c->count < 3; /* as Cargo has it */
    return against(&start, v) == 0 &&
           (numbers > 0 || (numbers == 0 && (any_pre || compare_pre(v->pre, c->pre) >= 0)));
}

/* How many numbers may not change: up to the first that is not zero. */
static unsigned caret_fixed(const struct comparison *c)
{
    for (unsigned i = 0; i < c->count; i++)
        if (c->number[i] > 0)
            return i + 1;
    return c->count;
}

static bool holds(const struct comparison *c, const lp_version *v)
{
    switch (c->op) {
    case EXACT: return is_exact(c, v);
    case GREATER: return is_above(c, v);
    case GREATER_OR: return is_exact(c, v) || is_above(c, v);
    case LESS: return is_below(c, v);
    case LESS_OR: return is_exact(c, v) || is_below(c, v);
    case TILDE: return is_compatible(c, v, 2);
    case CARET: return is_compatible(c, v, caret_fixed(c));
    }
    return false;
}

bool lp_range_has(const lp_range *range, const lp_version *version)
{
    bool named = !*version->pre;
    for (size_t i = 0; i < range->n; i++) {
        const struct comparison *c = &range->all[i];
        if (!holds(c, version))
            return false;
        named = named || (*c->pre && against(c, version) == 0);
    }
    return named;
}
