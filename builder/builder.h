/*
 * builder/builder.h: building components: what the room shows to api/.
 *
 *     build.c     the whole: who is built when, several at a time, and what is told of it
 *     plan.c      one component: what it is built from, whether that changed, its output's place
 *     stamp.c     what is noted of a build, so that the next one can tell
 *     digest.c    digests of files and folders
 *     tool.c      running a program of a toolchain below loop-guard
 *     find.c      finding toolchains, and saying how to get one
 *     lang_*.c    a language: from sources to a component
 *     check.c     whether the component fits its world
 *     pool.c      threads, and hearing of what they do
 *     compose.c   components made into one
 *     test.c      running the tests of components; cases.c reads them, match.c compares
 *
 * The room knows no host and runs no component. What it runs are programs of the user's, for
 * a person who asked for a build.
 */
#ifndef LP_BUILDER_H
#define LP_BUILDER_H

#include "base/base.h"
#include "loop/build.h"

/* Where loop's own things are. */
typedef struct lp_build_place {
    const char *root;     /* of the workspace, absolute */
    const char *guard;    /* the program loop-guard */
    const char *wit_tool; /* the program loop-wit */
    const char *cache;    /* the user's cache, where set-up unpacked toolchains; NULL: none */
} lp_build_place;

/* Builds `count` components, each of which has `build:`. Errors as loop_build. */
loop_error *lp_build(const lp_build_place *place, const loop_component_config *const *rows,
                     size_t count, const loop_build_options *options) LOOP_MUST_USE;

/* Runs the tests of `count` components; options->config and ->loop are set. As loop_test. */
loop_error *lp_test(const lp_build_place *place, const loop_component_config *const *rows,
                    size_t count, const loop_test_options *options,
                    loop_test_result *ret) LOOP_MUST_USE;

/* Composes; place->root is the folder that paths are relative to. As loop_compose. */
loop_error *lp_compose(const lp_build_place *place,
                       const loop_compose_options *options) LOOP_MUST_USE;

#endif
