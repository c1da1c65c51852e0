/*
 * loop/build.h: building the components of a workspace, and testing and composing them.
 *
 * `build:` of a component in loop.yaml says in which language it is written and which world
 * of which WIT it is for, or which command builds it. loop_build runs the toolchain of that
 * language, several components at a time, checks that what came out fits the world, and puts
 * it at the component's `path` in one step. What did not change is not built again.
 *
 * What runs here is native code that the workspace names: makefiles, build scripts, macros,
 * packages' install scripts. So an application calls it where a person asked for a build, and
 * never because a component is to be run (knowledge/trust.md).
 *
 * Threads: a call belongs to one thread and returns when all is over; its functions `event`
 * and `stop` are called on that thread. Texts handed to them live until they return.
 */
#ifndef LOOP_BUILD_H
#define LOOP_BUILD_H

#include "loop/config.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum loop_build_kind {
    LOOP_BUILD_STARTED, /* `text`: why it is built: "src/notes.c changed" */
    LOOP_BUILD_STEP,    /* `text`: what is done now: "compiling src/notes.c" */
    LOOP_BUILD_DETAIL,  /* `text`: of interest to who looks closely */
    LOOP_BUILD_NOTE,    /* `text`: worth knowing; `output`: what a tool said, or NULL */
    LOOP_BUILD_FRESH,   /* nothing to do */
    LOOP_BUILD_PLANNED, /* with dry_run: `text`: why, `output`: what would be run, a line each */
    LOOP_BUILD_DONE,    /* it is at its path; `bytes`, `ms` */
    LOOP_BUILD_FAILED,  /* `error`; `output`: what the tool said, or NULL */
} loop_build_kind;

typedef struct loop_build_event {
    loop_build_kind kind;
    const char *component;
    const char *text;
    const char *output;
    const loop_error *error;
    uint64_t bytes, ms;
    size_t done, total; /* components: over and in all */
} loop_build_event;

typedef struct loop_build_options {
    const char *const *names; /* components; ends with NULL. NULL: all that have `build:` */
    unsigned jobs;            /* components at a time; 0: as many as there are processors */
    bool force;               /* build what did not change, too */
    bool dry_run;             /* say what would be run and why; nothing is built or written */
    bool debug;               /* unoptimised, where the language knows that */
    void (*event)(void *data, const loop_build_event *event); /* NULL: nobody is told */
    bool (*stop)(void *data); /* asked some ten times a second: true ends it. NULL: never */
    void *data;               /* for both */
} loop_build_options;

/*
 * Builds. LOOP_NOT_FOUND for a name that loop.yaml does not have, LOOP_CONFIG for one without
 * `build:`, LOOP_CANCELLED when `stop` said so. When components fail, the others are built all
 * the same; then the error is the first one's, each was an event, and what was at their paths
 * is there as before.
 */
LOOP_API loop_error *loop_build(const loop_config *c,
                                const loop_build_options *options) LOOP_MUST_USE;

/* ---- tests ---- */

typedef struct loop_test_event {
    const char *component;
    const char *name; /* of the test: its file without .yaml, or its command's program */
    bool passed;
    const char *report; /* what differs, lines that begin with '-' and '+'; NULL: it passed */
    uint64_t ms;
    size_t done, total; /* tests: over and in all */
} loop_test_event;

typedef struct loop_test_options {
    const char *const *names; /* components; ends with NULL. NULL: all that have tests */
    unsigned jobs;            /* tests at a time; 0: as many as there are processors */
    const char *loop;         /* the command `loop`; NULL: the one that belongs to the library */
    const char *config;       /* the loop.yaml that holds; NULL: the configuration's own */
    void (*event)(void *data, const loop_test_event *event); /* NULL: nobody is told */
    bool (*stop)(void *data);                                /* as of loop_build */
    void *data;
} loop_test_options;

typedef struct loop_test_result {
    size_t passed, failed;
} loop_test_result;

/*
 * Runs the tests of components: the cases in the folder `tests` of each, every one as `loop run`
 * would run it, in a process of its own, and `test: { command: ... }`. Builds nothing. Tests that
 * fail are no error. LOOP_NOT_FOUND where there is none.
 */
LOOP_API loop_error *loop_test(const loop_config *c, const loop_test_options *options,
                               loop_test_result *ret) LOOP_MUST_USE;

/* ---- composing ---- */

typedef enum loop_compose_kind {
    LOOP_COMPOSE_PLUGGED, /* `import` of the component `socket` is `export_name` of `plug` */
    LOOP_COMPOSE_IMPORT,  /* the result imports `import` */
    LOOP_COMPOSE_EXPORT,  /* the result exports `export_name` */
} loop_compose_kind;

typedef struct loop_compose_row {
    loop_compose_kind kind;
    const char *socket, *import, *plug, *export_name; /* files as they were given; names of WIT */
} loop_compose_row;

typedef struct loop_compose_options {
    const char *socket;       /* the component whose imports are served; NULL with `wac` */
    const char *wac;          /* a .wac file that says who imports what from whom; NULL: `socket` */
    const char *const *parts; /* the plugs; with `wac` "package=file"; ends with NULL */
    const char *output;       /* the file to write */
    const char *directory;    /* where relative paths start; NULL: the current one */
    void (*row)(void *data, const loop_compose_row *row); /* NULL: nobody is told */
    void *data;
} loop_compose_options;

/*
 * Makes one component of several: exports of plugs are put into the imports of the socket and of
 * each other, or as a .wac file says. The result is validated and gets its place in one step; it
 * exports what the socket does and imports what is left. LOOP_INVALID for a plug that fits
 * nothing, and what else is wrong with the components or the file.
 */
LOOP_API loop_error *loop_compose(const loop_compose_options *options) LOOP_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
