/*
 * packages/resolve.h: what choosing is made of: resolve.c asks and chooses, explain.c says why
 * there is nothing to choose.
 */
#ifndef LP_PACKAGES_RESOLVE_H
#define LP_PACKAGES_RESOLVE_H

#include <uv/tree.h>

#include "packages/packages.h"
#include "packages/tools/tools.h"

/* A version of a package, in the order of lp_asked.versions: the best first. */
typedef struct lp_candidate {
    const lp_release *release;
    lp_version version;
    const size_t *needs; /* places in lp_resolving.ranges */
    size_t needs_count;
    size_t place; /* among the solver's releases */
    bool reached; /* somebody would take it */
    bool broken;  /* what it says it needs is no package */
    bool kept;    /* the lock has it */
} lp_candidate;

/* A package that somebody asks for. */
typedef struct lp_asked {
    RB_ENTRY(lp_asked) node;
    const char *name;
    const char *registry;    /* its name; "": none was asked */
    const lp_locked *locked; /* the version to keep; NULL */
    bool answered;
    lp_candidate *versions;
    size_t count;
} lp_asked;

/* A range of a package, once for all who ask for it. */
typedef struct lp_asked_range {
    RB_ENTRY(lp_asked_range) node;
    size_t package; /* place in lp_resolving.packages */
    const char *text;
    const lp_range *range;
} lp_asked_range;

RB_HEAD(lp_asked_tree, lp_asked);
RB_HEAD(lp_range_tree, lp_asked_range);

typedef struct lp_resolving {
    loop_packages *p;
    const lp_resolve_options *options;
    const lp_requirement *wishes;
    size_t wishes_count;
    lp_arena *arena; /* as long as what is chosen */
    struct {
        lp_asked **at;
        size_t n, cap;
    } packages;
    struct {
        lp_asked_range **at;
        size_t n, cap;
    } ranges;
    struct {
        size_t *at; /* of each wish that has a package: place in `ranges` */
        size_t n, cap;
    } wished;
    struct lp_asked_tree by_name;
    struct lp_range_tree by_range;
    size_t releases, needs; /* counted, for the limits */
    lp_candidate **placed;  /* by place among the solver's releases */
    const lp_asked **owners;
} lp_resolving;

/* Why there is no choice, of what the solver blames. */
loop_error *lp_resolve_explain(const lp_resolving *r, const lp_solve_problem *problem,
                               const lp_solve_blame *blames, size_t n) LOOP_MUST_USE;

#endif
