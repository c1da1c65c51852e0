/*
 * packages/tools/solve.c: which releases fit together, by libsolv; or the least that shows that
 * none do.
 *
 * libsolv is told of packages "p0", "p1", ... whose releases are versions by rank, so that its
 * own idea of names and versions is never asked: a release provides the sets that it is in and
 * requires those it needs. One that is kept has the best rank and a weak rule against every other
 * of its package: it gives way only where nothing fits otherwise.
 *
 * Where there is no solution, libsolv names rules that exclude each other, often more than it
 * takes. They are taken away one by one, as long as there is no solution without: what is left is
 * needed, each for itself.
 *
 * Solving is a hard problem in the worst case, and libsolv cannot be asked to end: who made a
 * registry for that purpose can make this last, for a person who ordered it and for a component
 * that was granted packages.
 */
#include <solv/pool.h>
#include <solv/repo.h>
#include <solv/solver.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"
#include "packages/tools/internal.h"

#define WISH SIZE_MAX

/* What one solver is asked; `edges`: of the problem's wishes and needs, only these. */
typedef struct question {
    const lp_solve_problem *problem;
    const lp_solve_blame *edges; /* NULL: all */
    size_t edges_count;
} question;

/* One solver, and whose is what in it. */
typedef struct run {
    Pool *pool;
    Solver *solver;
    Queue job;
    Id *release_ids; /* by place; 0: it does not take part */
    Id *set_ids;
    size_t *sets_of; /* places of the sets by id; of those that are none, WISH */
    size_t sets_of_count;
    bool *kept;   /* by place of the release */
    Queue *needs; /* by place of the release */
} run;

/* ---- telling libsolv ---- */

static Id named(Pool *pool, char kind, size_t i)
{
    char text[32];
    snprintf(text, sizeof text, "%c%zu", kind, i);
    return pool_str2id(pool, text, 1);
}

/* Which releases take part: all, or those that the edges lead to and come from. */
static void pick_releases(const question *q, const bool *kept, bool *ret)
{
    const lp_solve_problem *p = q->problem;
    for (size_t i = 0; !q->edges && i < p->releases_count; i++)
        ret[i] = !p->releases[i].only_if_kept || kept[i];
    for (size_t i = 0; i < q->edges_count; i++) {
        const lp_solve_set *set = &p->sets[q->edges[i].set];
        if (q->edges[i].by != WISH)
            ret[q->edges[i].by] = true;
        for (size_t k = 0; k < set->count; k++)
            ret[set->releases[k]] =
                !p->releases[set->releases[k]].only_if_kept || kept[set->releases[k]];
    }
}

static void collect_needs(run *r, const question *q)
{
    const lp_solve_problem *p = q->problem;
    for (size_t i = 0; i < q->edges_count; i++)
        if (q->edges[i].by != WISH)
            queue_push(&r->needs[q->edges[i].by], r->set_ids[q->edges[i].set]);
    for (size_t i = 0; !q->edges && i < p->releases_count; i++)
        for (size_t k = 0; k < p->releases[i].needs_count; k++)
            queue_push(&r->needs[i], r->set_ids[p->releases[i].needs[k]]);
}

/* The releases as solvables: the first of a package gets the best version, a kept one a better. */
static void add_releases(run *r, const question *q)
{
    const lp_solve_problem *p = q->problem;
    Repo *repo = repo_create(r->pool, "all");
    Queue *provides = lp_alloc(p->releases_count * sizeof *provides);
    bool *take_part = lp_alloc(p->releases_count);
    pick_releases(q, r->kept, take_part);
    for (size_t i = 0; i < p->sets_count; i++)
        for (size_t k = 0; k < p->sets[i].count; k++)
            queue_push(&provides[p->sets[i].releases[k]], r->set_ids[i]);
    for (size_t i = 0; i < p->releases_count; i++) {
        if (take_part[i]) {
            char rank[32];
            snprintf(rank, sizeof rank, "%zu",
                     r->kept[i] ? p->releases_count + 1 : p->releases_count - i);
            r->release_ids[i] = repo_add_solvable(repo);
            Solvable *s = pool_id2solvable(r->pool, r->release_ids[i]);
            s->name = named(r->pool, 'p', p->releases[i].package);
            s->evr = pool_str2id(r->pool, rank, 1);
            s->arch = ARCH_NOARCH;
            queue_push(&provides[i], s->name);
            solvable_set_deparray(s, SOLVABLE_PROVIDES, &provides[i], 0);
            solvable_set_deparray(s, SOLVABLE_REQUIRES, &r->needs[i], 0);
        }
        queue_free(&provides[i]);
    }
    free(provides);
    free(take_part);
    pool_createwhatprovides(r->pool);
}

/* A weak rule against every other release of a package of which one is kept. */
static void add_kept(run *r, const lp_solve_problem *p)
{
    size_t *first = lp_alloc((p->names_count + 1) * sizeof *first); /* and one; 0: none */
    size_t *next = lp_alloc((p->releases_count + 1) * sizeof *next);
    for (size_t i = 0; i < p->releases_count; i++) {
        next[i] = first[p->releases[i].package];
        first[p->releases[i].package] = i + 1;
    }
    for (size_t i = 0; i < p->kept_count; i++) {
        Queue others;
        queue_init(&others);
        for (size_t k = first[p->releases[p->kept[i]].package]; k; k = next[k - 1])
            if (k - 1 != p->kept[i] && r->release_ids[k - 1])
                queue_push(&others, r->release_ids[k - 1]);
        if (others.count)
            queue_push2(&r->job, SOLVER_ERASE | SOLVER_WEAK | SOLVER_SOLVABLE_ONE_OF,
                        pool_queuetowhatprovides(r->pool, &others));
        queue_free(&others);
    }
    free(first);
    free(next);
}

static void run_start(run *r, const question *q)
{
    const lp_solve_problem *p = q->problem;
    *r = (run){.pool = pool_create()};
    r->release_ids = lp_alloc(p->releases_count * sizeof *r->release_ids);
    r->set_ids = lp_alloc(p->sets_count * sizeof *r->set_ids);
    r->kept = lp_alloc(p->releases_count * sizeof *r->kept);
    r->needs = lp_alloc(p->releases_count * sizeof *r->needs);
    queue_init(&r->job);
    for (size_t i = 0; i < p->kept_count; i++)
        r->kept[p->kept[i]] = true;
    for (size_t i = 0; i < p->sets_count; i++)
        r->set_ids[i] = named(r->pool, 's', i);
    r->sets_of_count = p->sets_count ? (size_t)r->set_ids[p->sets_count - 1] + 1 : 0;
    r->sets_of = lp_alloc(r->sets_of_count * sizeof *r->sets_of);
    for (size_t i = 0; i < r->sets_of_count; i++)
        r->sets_of[i] = WISH;
    for (size_t i = 0; i < p->sets_count; i++)
        r->sets_of[r->set_ids[i]] = i;
    collect_needs(r, q);
    add_releases(r, q);
    for (size_t i = 0; !q->edges && i < p->wishes_count; i++)
        queue_push2(&r->job, SOLVER_INSTALL | SOLVER_SOLVABLE_PROVIDES, r->set_ids[p->wishes[i]]);
    for (size_t i = 0; i < q->edges_count; i++)
        if (q->edges[i].by == WISH)
            queue_push2(&r->job, SOLVER_INSTALL | SOLVER_SOLVABLE_PROVIDES,
                        r->set_ids[q->edges[i].set]);
    if (!q->edges)
        add_kept(r, p);
    r->solver = solver_create(r->pool);
}

static void run_done(run *r, const lp_solve_problem *p)
{
    for (size_t i = 0; i < p->releases_count; i++)
        queue_free(&r->needs[i]);
    solver_free(r->solver);
    queue_free(&r->job);
    pool_free(r->pool);
    free(r->release_ids);
    free(r->set_ids);
    free(r->sets_of);
    free(r->kept);
    free(r->needs);
}

/* ---- what it answers ---- */

static void take_chosen(const run *r, const lp_solve_problem *p, lp_solve_answer *ret)
{
    ret->chosen = lp_alloc((p->releases_count + 1) * sizeof *ret->chosen);
    for (size_t i = 0; i < p->releases_count; i++)
        if (r->release_ids[i] && solver_get_decisionlevel(r->solver, r->release_ids[i]) > 0)
            ret->chosen[ret->chosen_count++] = i;
}

typedef struct edges {
    lp_solve_blame *at;
    size_t n, cap;
} edges;

static void add_edge(edges *to, size_t by, size_t set)
{
    for (size_t i = 0; i < to->n; i++)
        if (to->at[i].by == by && to->at[i].set == set)
            return;
    *lp_push(to) = (lp_solve_blame){by, set};
}

/* The wishes and needs among the rules that exclude each other. */
static void collect_blames(run *r, const lp_solve_problem *p, edges *to)
{
    Queue rules;
    queue_init(&rules);
    solver_findallproblemrules(r->solver, solver_next_problem(r->solver, 0), &rules);
    size_t *releases = lp_alloc((size_t)r->pool->nsolvables * sizeof *releases);
    for (size_t i = 0; i < p->releases_count; i++)
        if (r->release_ids[i])
            releases[r->release_ids[i]] = i;
    for (int i = 0; i < rules.count; i++) {
        Id from = 0, to_id = 0, dep = 0;
        SolverRuleinfo kind = solver_ruleinfo(r->solver, rules.elements[i], &from, &to_id, &dep);
        bool wish = (kind & SOLVER_RULE_TYPEMASK) == SOLVER_RULE_JOB &&
                    (to_id & SOLVER_JOBMASK) == SOLVER_INSTALL;
        bool need =
            kind == SOLVER_RULE_PKG_REQUIRES || kind == SOLVER_RULE_PKG_NOTHING_PROVIDES_DEP;
        if ((!wish && !need) || (size_t)dep >= r->sets_of_count || r->sets_of[dep] == WISH)
            continue; /* one version of a package: that holds always */
        add_edge(to, wish ? WISH : releases[from], r->sets_of[dep]);
    }
    free(releases);
    queue_free(&rules);
}

static bool solvable(const lp_solve_problem *p, const lp_solve_blame *at, size_t n)
{
    run r;
    run_start(&r, &(question){p, at, n});
    bool ok = solver_solve(r.solver, &r.job) == 0;
    run_done(&r, p);
    return ok;
}

/* How many edges lead to each edge from the wishes on, in `depths`. */
static void measure(const lp_solve_problem *p, const edges *of, size_t *depths)
{
    size_t *reached = lp_alloc((p->releases_count + 1) * sizeof *reached);
    for (size_t i = 0; i < p->releases_count; i++)
        reached[i] = SIZE_MAX;
    for (size_t i = 0; i < of->n; i++)
        depths[i] = SIZE_MAX;
    for (size_t depth = 0, found = 1; found; depth++) {
        found = 0;
        for (size_t i = 0; i < of->n; i++) {
            bool here = of->at[i].by == WISH ? depth == 0 : reached[of->at[i].by] < depth;
            if (!here || depths[i] != SIZE_MAX)
                continue;
            depths[i] = depth;
            found++;
            const lp_solve_set *set = &p->sets[of->at[i].set];
            for (size_t k = 0; k < set->count; k++)
                reached[set->releases[k]] = LP_MIN(reached[set->releases[k]], depth);
        }
    }
    free(reached);
}

/* Those that are far from the wishes last: they are the first that are tried to do without. */
static void sort_by_depth(const lp_solve_problem *p, edges *of)
{
    size_t *depths = lp_alloc((of->n + 1) * sizeof *depths);
    measure(p, of, depths);
    for (size_t i = 1; i < of->n; i++) {
        for (size_t k = i; k > 0 && depths[k] < depths[k - 1]; k--) {
            lp_solve_blame edge = of->at[k];
            size_t depth = depths[k];
            of->at[k] = of->at[k - 1];
            depths[k] = depths[k - 1];
            of->at[k - 1] = edge;
            depths[k - 1] = depth;
        }
    }
    free(depths);
}

/* A problem of its own, of the edges alone: the whole one is too large to be asked often. */
typedef struct small {
    lp_solve_problem problem;
    lp_solve_release *releases;
    lp_solve_set *sets;
    size_t *places; /* in it, of the releases of the large one; SIZE_MAX: not there */
    size_t *members, *kept;
    edges edges; /* in its places; the set of the i-th is the i-th */
} small;

static void small_releases(small *s, const lp_solve_problem *p, const edges *of)
{
    for (size_t i = 0; i < p->releases_count; i++)
        s->places[i] = SIZE_MAX;
    for (size_t i = 0; i < of->n; i++) {
        const lp_solve_set *set = &p->sets[of->at[i].set];
        if (of->at[i].by != WISH)
            s->places[of->at[i].by] = 0;
        for (size_t k = 0; k < set->count; k++)
            s->places[set->releases[k]] = 0;
    }
    size_t n = 0;
    for (size_t i = 0; i < p->releases_count; i++)
        n += s->places[i] == 0;
    s->releases = lp_alloc((n + 1) * sizeof *s->releases);
    n = 0;
    for (size_t i = 0; i < p->releases_count; i++) {
        if (s->places[i] == SIZE_MAX)
            continue;
        s->releases[n] = p->releases[i];
        s->places[i] = n++;
    }
    s->problem = (lp_solve_problem){
        .names_count = p->names_count, .releases = s->releases, .releases_count = n};
}

static void small_new(small *s, const lp_solve_problem *p, const edges *of)
{
    size_t members = 0;
    *s = (small){.places = lp_alloc((p->releases_count + 1) * sizeof *s->places)};
    small_releases(s, p, of);
    for (size_t i = 0; i < of->n; i++)
        members += p->sets[of->at[i].set].count;
    s->members = lp_alloc((members + 1) * sizeof *s->members);
    s->sets = lp_alloc((of->n + 1) * sizeof *s->sets);
    s->kept = lp_alloc((p->kept_count + 1) * sizeof *s->kept);
    members = 0;
    for (size_t i = 0; i < of->n; i++) {
        const lp_solve_set *set = &p->sets[of->at[i].set];
        s->sets[i] = (lp_solve_set){set->package, s->members + members, set->count};
        for (size_t k = 0; k < set->count; k++)
            s->members[members++] = s->places[set->releases[k]];
        *lp_push(&s->edges) =
            (lp_solve_blame){of->at[i].by == WISH ? WISH : s->places[of->at[i].by], i};
    }
    for (size_t i = 0; i < p->kept_count; i++)
        if (s->places[p->kept[i]] != SIZE_MAX)
            s->kept[s->problem.kept_count++] = s->places[p->kept[i]];
    s->problem.kept = s->kept;
    s->problem.sets = s->sets;
    s->problem.sets_count = of->n;
}

static void small_done(small *s)
{
    free(s->places);
    free(s->members);
    free(s->sets);
    free(s->releases);
    free(s->kept);
    free(s->edges.at);
}

/* Takes away what is not needed for there to be no solution: the last first, wishes last. */
static void minimise(const lp_solve_problem *p, edges *of)
{
    small s;
    sort_by_depth(p, of);
    small_new(&s, p, of);
    if (!solvable(&s.problem, s.edges.at, s.edges.n)) {
        for (size_t i = s.edges.n; i-- > 0;) {
            lp_solve_blame left = s.edges.at[i];
            memmove(s.edges.at + i, s.edges.at + i + 1, (--s.edges.n - i) * sizeof *s.edges.at);
            if (!solvable(&s.problem, s.edges.at, s.edges.n))
                continue;
            memmove(s.edges.at + i + 1, s.edges.at + i, (s.edges.n++ - i) * sizeof *s.edges.at);
            s.edges.at[i] = left;
        }
        for (size_t i = 0; i < s.edges.n; i++)
            s.edges.at[i] = of->at[s.edges.at[i].set];
        memcpy(of->at, s.edges.at, s.edges.n * sizeof *of->at);
        of->n = s.edges.n;
    }
    small_done(&s);
}

loop_error *lp_solve(const lp_solve_problem *p, lp_solve_answer *ret)
{
    run r;
    run_start(&r, &(question){p, NULL, 0});
    lp_solve_answer answer = {0};
    edges blames = {0};
    if (solver_solve(r.solver, &r.job) == 0)
        take_chosen(&r, p, &answer);
    else
        collect_blames(&r, p, &blames);
    run_done(&r, p);
    if (!answer.chosen && !blames.n)
        return loop_error_new(LOOP_INTERNAL, "libsolv says that there is no solution, and not why");
    if (blames.n && blames.n <= LP_MAX_BLAMES)
        minimise(p, &blames);
    answer.blames = blames.at;
    answer.blames_count = blames.n;
    *ret = answer;
    return NULL;
}
