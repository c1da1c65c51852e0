/*
 * Tests of the solver (solve.c): what is chosen, what is kept, and what is blamed.
 *
 * Beside rows of promises, problems made at random are compared with all combinations tried one by
 * one: a solver that calls something impossible that is not, chooses what does not fit, or blames
 * what is not needed for it to be impossible, is caught there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/base.h"
#include "packages/tools/internal.h"

/* A problem that grows; small enough for fixed lists. */
#define MOST 20000
#define MOST_SETS 12000
typedef struct maker {
    const char *names[1200];
    lp_solve_release releases[MOST];
    lp_solve_set sets[MOST_SETS];
    size_t members[MOST * 12];
    size_t needs[MOST][8];
    size_t wishes[64], kept[1200];
    size_t names_n, releases_n, sets_n, members_n, wishes_n, kept_n;
} maker;

static size_t release(maker *m, size_t package, const char *version)
{
    m->names_n = LP_MAX(m->names_n, package + 1);
    m->releases[m->releases_n] = (lp_solve_release){.package = package, .version = version};
    return m->releases_n++;
}

static size_t set(maker *m, size_t package, const size_t *members, size_t n)
{
    m->sets[m->sets_n] = (lp_solve_set){package, m->members + m->members_n, n};
    for (size_t i = 0; i < n; i++)
        m->members[m->members_n++] = members[i];
    return m->sets_n++;
}

static void need(maker *m, size_t release_at, size_t set_at)
{
    lp_solve_release *r = &m->releases[release_at];
    m->needs[release_at][r->needs_count++] = set_at;
    r->needs = m->needs[release_at];
}

static lp_solve_answer solve(maker *m)
{
    lp_solve_answer answer = {0};
    const lp_solve_problem p = {m->names,  m->names_n, m->releases, m->releases_n, m->sets,
                                m->sets_n, m->wishes,  m->wishes_n, m->kept,       m->kept_n};
    loop_error *e = lp_solve(&p, &answer);
    assert_null(e);
    return answer;
}

static void done(lp_solve_answer *a)
{
    free(a->chosen);
    free(a->blames);
}

static bool has(const lp_solve_answer *a, size_t release_at)
{
    for (size_t i = 0; i < a->chosen_count; i++)
        if (a->chosen[i] == release_at)
            return true;
    return false;
}

static maker m;

/* Catches: a solver that is content with what fits, and one that installs what nobody needs. */
static void the_best_is_chosen_and_nothing_else(void **state)
{
    (void)state;
    memset(&m, 0, sizeof m);
    size_t a2 = release(&m, 0, "2"), a1 = release(&m, 0, "1");
    size_t b3 = release(&m, 1, "3"), b2 = release(&m, 1, "2");
    release(&m, 2, "1");
    need(&m, a2, set(&m, 1, (size_t[]){b3, b2}, 2));
    m.wishes[m.wishes_n++] = set(&m, 0, (size_t[]){a2, a1}, 2);
    lp_solve_answer answer = solve(&m);
    assert_int_equal(answer.chosen_count, 2);
    assert_true(has(&answer, a2) && has(&answer, b3));
    done(&answer);
}

/* Catches: what is kept being upgraded, or being in the way of a wish that it does not fit. */
static void what_is_kept_stays_until_it_is_in_the_way(void **state)
{
    (void)state;
    memset(&m, 0, sizeof m);
    size_t a2 = release(&m, 0, "2"), a1 = release(&m, 0, "1");
    size_t b3 = release(&m, 1, "3"), b2 = release(&m, 1, "2"), b1 = release(&m, 1, "1");
    need(&m, a2, set(&m, 1, (size_t[]){b3}, 1));
    need(&m, a1, set(&m, 1, (size_t[]){b3, b2, b1}, 3));
    size_t any = set(&m, 0, (size_t[]){a2, a1}, 2), new = set(&m, 0, (size_t[]){a2}, 1);
    m.kept[m.kept_n++] = a1;
    m.kept[m.kept_n++] = b1;
    m.wishes[m.wishes_n++] = any;
    lp_solve_answer answer = solve(&m);
    assert_true(has(&answer, a1) && has(&answer, b1));
    done(&answer);
    m.wishes[0] = new;
    answer = solve(&m);
    assert_true(has(&answer, a2) && has(&answer, b3));
    done(&answer);
}

/* Catches: another version of a kept package where one of a package that is not kept would do. */
static void a_new_package_gives_way_to_what_is_kept(void **state)
{
    (void)state;
    memset(&m, 0, sizeof m);
    size_t a2 = release(&m, 0, "2"), a1 = release(&m, 0, "1");
    size_t b2 = release(&m, 1, "2"), b1 = release(&m, 1, "1");
    need(&m, b2, set(&m, 0, (size_t[]){a2}, 1)); /* the best of b would raise a */
    need(&m, b1, set(&m, 0, (size_t[]){a2, a1}, 2));
    m.kept[m.kept_n++] = a1;
    m.wishes[m.wishes_n++] = set(&m, 1, (size_t[]){b2, b1}, 2);
    m.wishes[m.wishes_n++] = set(&m, 0, (size_t[]){a2, a1}, 2);
    lp_solve_answer answer = solve(&m);
    assert_true(has(&answer, a1) && has(&answer, b1));
    done(&answer);
}

/* Catches: a yanked release that is chosen, and one that is taken away from who has it. */
static void yanked_is_chosen_where_it_is_kept(void **state)
{
    (void)state;
    memset(&m, 0, sizeof m);
    size_t a2 = release(&m, 0, "2"), a1 = release(&m, 0, "1");
    m.releases[a2].only_if_kept = true;
    m.wishes[m.wishes_n++] = set(&m, 0, (size_t[]){a2, a1}, 2);
    lp_solve_answer answer = solve(&m);
    assert_true(has(&answer, a1));
    done(&answer);
    m.kept[m.kept_n++] = a2;
    answer = solve(&m);
    assert_true(has(&answer, a2));
    done(&answer);
    m.kept_n = 0;
    m.releases[a1].only_if_kept = true;
    answer = solve(&m);
    assert_null(answer.chosen);
    assert_int_equal(answer.blames_count, 1);
    assert_true(answer.blames[0].by == SIZE_MAX && answer.blames[0].set == m.wishes[0]);
    done(&answer);
}

/* Catches: a conflict that is told with what has nothing to do with it. */
static void the_least_is_blamed(void **state)
{
    (void)state;
    memset(&m, 0, sizeof m);
    size_t app = release(&m, 0, "1"), theme = release(&m, 1, "1");
    size_t ui2 = release(&m, 2, "2"), ui1 = release(&m, 2, "1"), other = release(&m, 3, "1");
    size_t new_ui = set(&m, 2, (size_t[]){ui2}, 1), old_ui = set(&m, 2, (size_t[]){ui1}, 1);
    size_t any_ui = set(&m, 2, (size_t[]){ui2, ui1}, 2);
    need(&m, app, new_ui);
    need(&m, app, set(&m, 3, (size_t[]){other}, 1));
    need(&m, theme, old_ui);
    need(&m, other, any_ui);
    m.wishes[m.wishes_n++] = set(&m, 0, (size_t[]){app}, 1);
    m.wishes[m.wishes_n++] = set(&m, 1, (size_t[]){theme}, 1);
    m.wishes[m.wishes_n++] = any_ui;
    lp_solve_answer answer = solve(&m);
    assert_null(answer.chosen);
    assert_int_equal(answer.blames_count, 4);
    for (size_t i = 0; i < answer.blames_count; i++)
        assert_true(answer.blames[i].set != any_ui && answer.blames[i].by != other);
    done(&answer);
}

/* ---- against all combinations ---- */

static bool covered(const lp_solve_set *s, const size_t *choice)
{
    for (size_t i = 0; i < s->count; i++)
        if (choice[s->package] == s->releases[i])
            return true;
    return false;
}

/* Whether a choice of one release (or none, SIZE_MAX) a package holds for these edges. */
static bool holds(const lp_solve_blame *edges, size_t n, const size_t *choice)
{
    for (size_t i = 0; i < n; i++) {
        size_t by = edges[i].by;
        if ((by == SIZE_MAX || choice[m.releases[by].package] == by) &&
            !covered(&m.sets[edges[i].set], choice))
            return false;
    }
    return true;
}

static bool any_holds(const lp_solve_blame *edges, size_t n, size_t package, size_t *choice)
{
    if (package == m.names_n)
        return holds(edges, n, choice);
    choice[package] = SIZE_MAX;
    if (any_holds(edges, n, package + 1, choice))
        return true;
    for (size_t i = 0; i < m.releases_n; i++) {
        if (m.releases[i].package != package || m.releases[i].only_if_kept)
            continue;
        choice[package] = i;
        if (any_holds(edges, n, package + 1, choice))
            return true;
    }
    return false;
}

static size_t all_edges(lp_solve_blame *ret)
{
    size_t n = 0;
    for (size_t i = 0; i < m.wishes_n; i++)
        ret[n++] = (lp_solve_blame){SIZE_MAX, m.wishes[i]};
    for (size_t i = 0; i < m.releases_n; i++)
        for (size_t k = 0; k < m.releases[i].needs_count; k++)
            ret[n++] = (lp_solve_blame){i, m.releases[i].needs[k]};
    return n;
}

static size_t random_set(size_t package)
{
    size_t members[8], n = 0;
    for (size_t i = 0; i < m.releases_n; i++)
        if (m.releases[i].package == package && rand() % 2)
            members[n++] = i;
    return set(&m, package, members, n);
}

static void make_random(void)
{
    memset(&m, 0, sizeof m);
    for (size_t package = 0; package < 5; package++)
        for (int i = 0; i < 3; i++)
            m.releases[release(&m, package, "x")].only_if_kept = rand() % 8 == 0;
    for (size_t i = 0; i < m.releases_n; i++)
        for (int k = rand() % 3; k > 0; k--)
            need(&m, i, random_set((m.releases[i].package + 1 + (size_t)rand() % 4) % 5));
    for (int i = 1 + rand() % 3; i > 0; i--)
        m.wishes[m.wishes_n++] = random_set((size_t)rand() % 5);
}

static void random_problems_are_answered_as_by_trying_all(void **state)
{
    (void)state;
    unsigned seed = (unsigned)time(NULL);
    const char *given = getenv("SEED");
    seed = given ? (unsigned)atoi(given) : seed;
    printf("# SEED=%u\n", seed);
    srand(seed);
    size_t solved = 0, blamed = 0;
    for (int round = 0; round < 600; round++) {
        make_random();
        lp_solve_blame edges[128];
        size_t n = all_edges(edges), choice[8];
        lp_solve_answer answer = solve(&m);
        assert_int_equal(any_holds(edges, n, 0, choice), answer.chosen != NULL);
        if (answer.chosen) {
            for (size_t i = 0; i < 8; i++)
                choice[i] = SIZE_MAX;
            for (size_t i = 0; i < answer.chosen_count; i++) {
                const lp_solve_release *r = &m.releases[answer.chosen[i]];
                assert_true(choice[r->package] == SIZE_MAX && !r->only_if_kept);
                choice[r->package] = answer.chosen[i];
            }
            assert_true(holds(edges, n, choice));
            solved++;
        } else {
            assert_false(any_holds(answer.blames, answer.blames_count, 0, choice));
            for (size_t i = 0; i < answer.blames_count; i++) { /* each is needed */
                memcpy(edges, answer.blames, answer.blames_count * sizeof *edges);
                edges[i] = edges[answer.blames_count - 1];
                assert_true(any_holds(edges, answer.blames_count - 1, 0, choice));
            }
            blamed++;
        }
        done(&answer);
    }
    assert_true(solved > 50 && blamed > 50); /* else the problems are no test */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_is_chosen_and_nothing_else),
        cmocka_unit_test(what_is_kept_stays_until_it_is_in_the_way),
        cmocka_unit_test(a_new_package_gives_way_to_what_is_kept),
        cmocka_unit_test(yanked_is_chosen_where_it_is_kept),
        cmocka_unit_test(the_least_is_blamed),
        cmocka_unit_test(random_problems_are_answered_as_by_trying_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
