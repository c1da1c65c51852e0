/*
 * Tests of choosing (resolve.c, explain.c): which questions are asked, what is chosen, and what is
 * said when nothing can be.
 *
 * The registry is of this file: it answers from a table and counts questions. What is behind a
 * question is another room's; which ones are asked is this one's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "packages/packages.h"

/* ---- a registry that counts ---- */

typedef struct row {
    const char *name, *version;
    const char *needs[10]; /* name and range by turns */
    const char *yanked, *digest;
} row;

struct lp_registry {
    const char *name;
};
static struct lp_registry near = {"near"}, far = {"far"};
static const row *table;
static size_t table_n;
static size_t lookups, questions; /* calls, and packages asked for in them */
static bool far_is_gone;
static char asked_twice[256];
static struct {
    const char *at[4000];
    size_t n;
} asked;

loop_error *lp_registry_for(loop_packages *p, const char *package, lp_registry **ret)
{
    (void)p;
    *ret = strncmp(package, "far:", 4) == 0 ? &far : &near;
    return NULL;
}

const char *lp_registry_name(const lp_registry *r)
{
    return r->name;
}

static void answer(const char *name, lp_arena *into, lp_package_info *ret)
{
    size_t n = 0, first = 0;
    while (first < table_n && strcmp(table[first].name, name) != 0)
        first++;
    size_t last = first;
    while (last < table_n && strcmp(table[last].name, name) == 0)
        last++;
    lp_release *releases = lp_arena_alloc(into, (last - first + 1) * sizeof *releases);
    for (size_t i = first; i < last; i++) {
        lp_requirement *needs = lp_arena_alloc(into, 5 * sizeof *needs);
        size_t k = 0;
        for (; k < 5 && table[i].needs[2 * k]; k++)
            needs[k] = (lp_requirement){table[i].needs[2 * k], table[i].needs[2 * k + 1]};
        releases[n++] = (lp_release){.version = table[i].version,
                                     .digest = table[i].digest ? table[i].digest : "",
                                     .content = "",
                                     .requires = needs,
                                     .requires_count = k,
                                     .yanked = table[i].yanked};
    }
    *ret = (lp_package_info){.releases = releases, .count = n};
}

loop_error *lp_registry_lookup(lp_registry *r, const char *const *list, size_t n, bool refresh,
                               lp_arena *into, lp_package_info *ret)
{
    (void)refresh;
    lookups++;
    if (r == &far && far_is_gone)
        return loop_error_new(LOOP_UNAVAILABLE, "the registry 'far' does not answer");
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < asked.n; k++)
            if (strcmp(asked.at[k], list[i]) == 0)
                snprintf(asked_twice, sizeof asked_twice, "%s", list[i]);
        asked.at[asked.n++] = list[i];
        questions++;
        answer(list[i], into, &ret[i]);
    }
    return NULL;
}

/* ---- resolving ---- */

static const lp_chosen *chosen;
static size_t chosen_n;
static lp_arena arena;

static loop_error *resolve(const row *rows, size_t n, const lp_requirement *wishes, size_t wishes_n,
                           const lp_locked *locked, size_t locked_n,
                           const lp_resolve_options *options)
{
    lp_arena_done(&arena);
    arena = (lp_arena){0};
    table = rows;
    table_n = n;
    lookups = questions = asked.n = chosen_n = 0;
    *asked_twice = 0;
    return lp_resolve(NULL, wishes, wishes_n, locked, locked_n, options, &arena, &chosen,
                      &chosen_n);
}

/* "acme:ui 1.0.0, acme:app 2.0.0": what was chosen, in its order; malloced. */
static char *chosen_text(void)
{
    lp_buf b = {0};
    for (size_t i = 0; i < chosen_n; i++)
        lp_buf_printf(&b, "%s%s %s", i ? ", " : "", chosen[i].name, chosen[i].release->version);
    return b.ptr ? lp_buf_take(&b) : lp_strdup("");
}

static void expect(loop_error *e, const char *text)
{
    if (e) {
        lp_auto(lp_free_string) char *why = loop_error_format(e);
        printf("%s", why);
    }
    assert_null(e);
    lp_auto(lp_free_string) char *is = chosen_text();
    assert_string_equal(is, text);
    assert_string_equal(asked_twice, "");
}

static void expect_error(loop_error *e, loop_code code, const char *text)
{
    assert_non_null(e);
    lp_auto(lp_free_string) char *is = loop_error_format(e);
    assert_string_equal(is, text);
    assert_int_equal(loop_error_code(e), code);
    loop_error_delete(e);
}

static const row shop[] = {
    {"acme:app", "2.0.0", {"acme:ui", "^2", "acme:base", "*"}, NULL, NULL},
    {"acme:app", "1.0.0", {"acme:ui", "^1"}, NULL, NULL},
    {"acme:base", "0.3.1", {0}, NULL, NULL},
    {"acme:base", "0.3.0", {0}, NULL, NULL},
    {"acme:base", "0.4.0-rc.1", {0}, NULL, NULL},
    {"acme:theme", "1.1.0", {"acme:ui", "^1"}, NULL, NULL},
    {"acme:theme", "1.0.0", {"acme:ui", ">=1.0, <1.1"}, NULL, NULL},
    {"acme:ui", "2.1.0", {"acme:base", "^0.3"}, "it loses data", NULL},
    {"acme:ui", "2.0.0", {"acme:base", "^0.3"}, NULL, NULL},
    {"acme:ui", "1.1.0", {"acme:base", "^0.3"}, NULL, NULL},
    {"acme:ui", "1.0.0", {0}, NULL, NULL},
    {"acme:draft", "1.0.0-rc.1", {0}, NULL, NULL},
    {"acme:bad", "1.1.0", {"../x", "*"}, NULL, NULL},
    {"acme:bad", "1.0.0", {0}, NULL, NULL},
    {"acme:worse", "1.0.0", {"acme:x", "nonsense"}, NULL, NULL},
    {"far:one", "1.2.0", {"acme:base", "*"}, NULL, NULL},
    {"far:one", "1.0.0", {0}, NULL, NULL},
};
#define SHOP shop, LP_COUNT(shop)

/* Catches: an order in which somebody comes before what it needs; a yanked one chosen. */
static void the_newest_that_fit(void **state)
{
    (void)state;
    const lp_requirement app[] = {{"acme:app", "*"}};
    expect(resolve(SHOP, app, 1, NULL, 0, NULL), "acme:base 0.3.1, acme:ui 2.0.0, acme:app 2.0.0");
    assert_string_equal(chosen[0].wanted, "*");
    assert_string_equal(chosen[1].wanted, "^2");
    const lp_requirement both[] = {{"acme:app", "*"}, {"acme:theme", "*"}};
    expect(resolve(SHOP, both, 2, NULL, 0, NULL),
           "acme:base 0.3.1, acme:ui 1.1.0, acme:app 1.0.0, acme:theme 1.1.0");
    expect(resolve(SHOP, app, 1, NULL, 0, &(lp_resolve_options){.lowest = true}),
           "acme:ui 1.0.0, acme:app 1.0.0");
    const lp_requirement bad[] = {{"acme:bad", "*"}};
    expect(resolve(SHOP, bad, 1, NULL, 0, NULL), "acme:bad 1.0.0");
    expect(resolve(SHOP, NULL, 0, NULL, 0, NULL), "");
}

/* Catches: a question a package, or a level's questions one after the other. */
static void each_level_is_asked_at_once(void **state)
{
    (void)state;
    const lp_requirement wishes[] = {{"acme:app", "*"}, {"acme:theme", "*"}, {"far:one", "^1.1"}};
    expect(resolve(SHOP, wishes, 3, NULL, 0, NULL),
           "acme:base 0.3.1, acme:ui 1.1.0, acme:app 1.0.0, acme:theme 1.1.0, far:one 1.2.0");
    assert_int_equal(questions, 5);
    assert_int_equal(lookups, 3); /* near and far, then near: ui and base together */
    /* far:one 1.2.0 is no candidate: what it needs is no question */
    const lp_requirement old[] = {{"far:one", "=1.0.0"}};
    expect(resolve(SHOP, old, 1, NULL, 0, NULL), "far:one 1.0.0");
    assert_int_equal(questions, 1);
}

static const lp_requirement needs_base[] = {{"acme:base", "^0.3"}};
static const lp_locked locks[] = {
    {.name = "acme:ui",
     .version = "2.1.0",
     .digest = "",
     .content = "",
     .wanted = "^2",
     .requires = needs_base,
     .requires_count = 1,
     .known = true},
    {.name = "acme:base",
     .version = "0.3.0",
     .digest = "",
     .content = "",
     .wanted = "^0.3",
     .known = true},
};

/* Catches: an upgrade that nobody asked for, and a yanked version taken away from who has it. */
static void what_is_locked_stays(void **state)
{
    (void)state;
    const lp_requirement ui[] = {{"acme:ui", "^2"}};
    expect(resolve(SHOP, ui, 1, locks, 2, NULL), "acme:base 0.3.0, acme:ui 2.1.0");
    const char *const base[] = {"acme:base", NULL};
    expect(resolve(SHOP, ui, 1, locks, 2, &(lp_resolve_options){.upgrade = true, .fresh = base}),
           "acme:base 0.3.1, acme:ui 2.1.0");
    expect(resolve(SHOP, ui, 1, locks, 2, &(lp_resolve_options){.upgrade = true}),
           "acme:base 0.3.1, acme:ui 2.0.0");
}

/* Catches: a lock that is worth nothing when the registry has lost a version, or is gone itself. */
static void what_is_locked_needs_no_registry(void **state)
{
    (void)state;
    const lp_locked gone = {.name = "far:one",
                            .version = "1.1.0",
                            .digest = "",
                            .content = "",
                            .wanted = "^1.1",
                            .requires = needs_base,
                            .requires_count = 1,
                            .known = true};
    const lp_requirement wishes[] = {{"far:one", "^1.1"}};
    expect(resolve(SHOP, wishes, 1, &gone, 1, NULL), "acme:base 0.3.1, far:one 1.1.0");
    far_is_gone = true;
    expect(resolve(SHOP, wishes, 1, &gone, 1, NULL), "acme:base 0.3.1, far:one 1.1.0");
    expect_error(resolve(SHOP, wishes, 1, NULL, 0, NULL), LOOP_UNAVAILABLE,
                 "error: the registry 'far' does not answer\n");
    expect_error(resolve(SHOP, wishes, 1, &gone, 1, &(lp_resolve_options){.upgrade = true}),
                 LOOP_UNAVAILABLE, "error: the registry 'far' does not answer\n");
    far_is_gone = false;
}

/* Catches: a version that was replaced where it was published, and is taken for the same. */
static void a_version_is_its_bytes(void **state)
{
    (void)state;
    static const row rows[] = {{"acme:ui", "1.0.0", {0}, NULL, "sha256:new"}};
    const lp_locked old = {.name = "acme:ui",
                           .version = "1.0.0",
                           .digest = "sha256:old",
                           .content = "sha256:c",
                           .wanted = "*",
                           .known = true};
    const lp_requirement wishes[] = {{"acme:ui", "*"}};
    expect(resolve(rows, 1, wishes, 1, &old, 1, NULL), "acme:ui 1.0.0");
    assert_string_equal(chosen[0].release->digest, "sha256:old");
    expect_error(resolve(rows, 1, wishes, 1, &old, 1, &(lp_resolve_options){.upgrade = true}),
                 LOOP_INVALID,
                 "error: 'near' has other bytes for acme:ui 1.0.0 than loop.lock has for it\n"
                 "hint: a version does not change: ask who publishes it; to take what is there "
                 "now, take 'acme:ui' out of loop.lock\n");
}

/* Catches: a package with a local file that is asked for all the same. */
static void what_is_overridden_is_not_asked_for(void **state)
{
    (void)state;
    const lp_requirement app[] = {{"acme:app", "^2"}, {"acme:base", "^9"}};
    const char *const files[] = {"acme:ui", "acme:base", NULL};
    expect(resolve(SHOP, app, 2, NULL, 0, &(lp_resolve_options){.without = files}),
           "acme:app 2.0.0");
    assert_int_equal(questions, 1);
}

static void conflicts_are_explained(void **state)
{
    (void)state;
    const lp_requirement both[] = {{"acme:app", "^2"}, {"acme:theme", "=1.1.0"}};
    expect_error(resolve(SHOP, both, 2, NULL, 0, NULL), LOOP_INVALID,
                 "error: acme:app 2.0.0 needs acme:ui ^2, but acme:theme 1.1.0 needs acme:ui ^1\n"
                 "  because acme:app ^2 is asked for\n"
                 "  because acme:theme =1.1.0 is asked for\n"
                 "hint: one version of 'acme:ui' serves all: ask for other versions of what needs "
                 "it, or name a file for it under 'overrides' in loop.yaml\n");
    const lp_requirement any[] = {{"acme:app", "^2"}, {"acme:theme", "*"}};
    expect_error(resolve(SHOP, any, 2, NULL, 0, NULL), LOOP_INVALID,
                 "error: acme:app 2.0.0 needs acme:ui ^2, but acme:theme 1.1.0 needs acme:ui ^1 "
                 "(and 1 other version of it does not fit)\n"
                 "  because acme:app ^2 is asked for\n"
                 "  because acme:theme is asked for\n"
                 "hint: one version of 'acme:ui' serves all: ask for other versions of what needs "
                 "it, or name a file for it under 'overrides' in loop.yaml\n");
    const lp_requirement direct[] = {{"acme:ui", "^1"}, {"acme:app", "^2"}};
    expect_error(resolve(SHOP, direct, 2, NULL, 0, NULL), LOOP_INVALID,
                 "error: acme:ui ^1 is asked for, but acme:app 2.0.0 needs acme:ui ^2\n"
                 "  because acme:app ^2 is asked for\n"
                 "hint: one version of 'acme:ui' serves all: ask for other versions of what needs "
                 "it, or name a file for it under 'overrides' in loop.yaml\n");
}

static void what_there_is_not_is_named(void **state)
{
    (void)state;
    static const struct {
        lp_requirement wish;
        const char *text;
    } rows[] = {
        {{"acme:none", "*"},
         "error: there is no package 'acme:none' at 'near'\n"
         "hint: is the name right, and does 'registries' in loop.yaml say where 'acme:none' is "
         "from?\n"},
        {{"acme:ui", "^3"},
         "error: no version of 'acme:ui' at 'near' is ^3: there is 2.1.0 (yanked), 2.0.0, 1.1.0, "
         "1.0.0\n"
         "hint: ask for one of those, or for any: 'acme:ui'\n"},
        {{"acme:ui", "=2.1.0"},
         "error: no version of 'acme:ui' at 'near' is =2.1.0: there is 2.1.0 (yanked), 2.0.0, "
         "1.1.0, 1.0.0\n"
         "hint: acme:ui 2.1.0 was taken back (it loses data); only who has it in loop.lock keeps "
         "it\n"},
        {{"acme:draft", "*"},
         "error: no version of 'acme:draft' at 'near' is one to choose: there is 1.0.0-rc.1\n"
         "hint: a pre-release is asked for by name: 'acme:draft@1.0.0-rc.1'\n"},
        {{"acme:bad", "^1.1"},
         "error: no version of 'acme:bad' at 'near' is ^1.1: there is 1.1.0, 1.0.0\n"
         "hint: acme:bad 1.1.0 needs something that is no package: tell who publishes it\n"},
        {{"acme:worse", "*"},
         "error: no version of 'acme:worse' at 'near' is one to choose: there is 1.0.0\n"
         "hint: acme:worse 1.0.0 needs something that is no package: tell who publishes it\n"},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++)
        expect_error(resolve(SHOP, &rows[i].wish, 1, NULL, 0, NULL), LOOP_NOT_FOUND, rows[i].text);
    static const row deep[] = {
        {"acme:a", "1.0.0", {"acme:b", "^1"}, NULL, NULL},
        {"acme:b", "1.0.0", {"acme:none", "^1"}, NULL, NULL},
    };
    const lp_requirement a[] = {{"acme:a", "*"}};
    expect_error(resolve(deep, 2, a, 1, NULL, 0, NULL), LOOP_NOT_FOUND,
                 "error: there is no package 'acme:none' at 'near'\n"
                 "  because acme:b 1.0.0 needs acme:none ^1\n"
                 "  because acme:a 1.0.0 needs acme:b ^1\n"
                 "  because acme:a is asked for\n"
                 "hint: is the name right, and does 'registries' in loop.yaml say where "
                 "'acme:none' is from?\n");
}

/* Catches: a circle that is walked for ever. */
static void a_circle_is_fine(void **state)
{
    (void)state;
    static const row rows[] = {
        {"acme:a", "1.0.0", {"acme:b", "^1"}, NULL, NULL},
        {"acme:b", "1.0.0", {"acme:c", "^1"}, NULL, NULL},
        {"acme:c", "1.0.0", {"acme:a", "^1"}, NULL, NULL},
    };
    const lp_requirement a[] = {{"acme:a", "*"}};
    expect(resolve(rows, 3, a, 1, NULL, 0, NULL), "acme:c 1.0.0, acme:b 1.0.0, acme:a 1.0.0");
}

/* ---- a thousand packages ---- */

#define MANY 1000
#define VERSIONS 10
static row many[MANY * VERSIONS];
static char names[MANY][24], versions[VERSIONS][16], ranges[VERSIONS + 1][16];

/*
 * A package a place, ten versions each; version v of i needs others in version v, so that the
 * newest of all would fit. `shape`: 0 deep (a chain), 1 wide (the first needs all, through some),
 * 2 with conflicts: every tenth package has no release for the newest version of who needs it, so
 * that choices must be taken back on the way.
 */
static void make_many(int shape)
{
    memset(many, 0, sizeof many);
    for (int v = 0; v < VERSIONS; v++) {
        snprintf(versions[v], sizeof versions[v], "1.%d.0", VERSIONS - 1 - v);
        snprintf(ranges[v], sizeof ranges[v], ">=1.%d", v);
    }
    for (int i = 0; i < MANY; i++)
        snprintf(names[i], sizeof names[i], "acme:p%d", i);
    for (int i = 0; i < MANY; i++) {
        for (int v = 0; v < VERSIONS; v++) {
            row *x = &many[i * VERSIONS + v];
            x->name = names[i];
            x->version = versions[v];
            for (int k = 0; k < 4; k++) {
                int to = shape == 1 ? i * 4 + k + 1 : i + 1 + k * 7;
                int newer = shape == 2 && i % 10 == 3 && v < 5;
                if (to >= MANY)
                    break;
                x->needs[2 * k] = names[to];
                /* v counts from the newest, which has the number 9 - v */
                x->needs[2 * k + 1] = newer ? ">=1.10" : ranges[shape == 2 ? (9 - v) / 2 : 0];
            }
        }
    }
}

/*
 * Catches: a question more than once, a level's questions one by one, and a search that takes back
 * choices one after the other in time that grows beyond use. The time is printed, not judged; the
 * runner ends a test that hangs.
 */
static void a_thousand_packages(void **state)
{
    (void)state;
    static const char *const shapes[] = {"deep", "wide", "conflicts"};
    for (int shape = 0; shape < 3; shape++) {
        make_many(shape);
        const lp_requirement wish[] = {{"acme:p0", "*"}};
        struct timespec before, after;
        clock_gettime(CLOCK_MONOTONIC, &before);
        loop_error *e = resolve(many, MANY * VERSIONS, wish, 1, NULL, 0, NULL);
        clock_gettime(CLOCK_MONOTONIC, &after);
        if (e) {
            lp_auto(lp_free_string) char *why = loop_error_format(e);
            printf("%s", why);
        }
        assert_null(e);
        printf("# %s: %zu packages in %.1f ms, %zu questions in %zu calls\n", shapes[shape],
               chosen_n,
               (double)(after.tv_sec - before.tv_sec) * 1e3 +
                   (double)(after.tv_nsec - before.tv_nsec) / 1e6,
               questions, lookups);
        assert_int_equal(chosen_n, MANY);
        assert_int_equal(questions, MANY);
        assert_string_equal(asked_twice, "");
        /* shape 1 is a tree of four branches: six levels; the others are as deep as their chain */
        assert_true(lookups <= (shape == 1 ? 6 : MANY / 22 + 10));
        for (size_t i = 0; i < chosen_n; i++) {
            bool old = shape == 2 && (atoi(chosen[i].name + 6) % 10) == 3;
            if (!old && shape != 2)
                assert_string_equal(chosen[i].release->version, "1.9.0");
            if (old)
                assert_string_not_equal(chosen[i].release->version, "1.9.0");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_that_fit),
        cmocka_unit_test(each_level_is_asked_at_once),
        cmocka_unit_test(what_is_locked_stays),
        cmocka_unit_test(what_is_locked_needs_no_registry),
        cmocka_unit_test(a_version_is_its_bytes),
        cmocka_unit_test(what_is_overridden_is_not_asked_for),
        cmocka_unit_test(conflicts_are_explained),
        cmocka_unit_test(what_there_is_not_is_named),
        cmocka_unit_test(a_circle_is_fine),
        cmocka_unit_test(a_thousand_packages),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    lp_arena_done(&arena);
    return failed;
}
