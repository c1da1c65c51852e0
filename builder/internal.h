/*
 * builder/internal.h: what the files of builder/ share.
 *
 * A *job* is one component being built, or tested, by one thread. Its strings live in its arena.
 */
#ifndef LP_BUILDER_INTERNAL_H
#define LP_BUILDER_INTERNAL_H

#include "base/base.h"
#include "base/os/os.h"
#include "builder/builder.h"
#include "builder/pool.h"

/* ---- digests (digest.c) ---- */

#define LP_BUILD_DIGEST 65 /* bytes of a digest as text, with its zero */

typedef struct lp_build_sum {
    char text[LP_BUILD_DIGEST];
} lp_build_sum;
lp_build_sum lp_build_sum_of(const void *bytes, size_t len);
/* Of a file's bytes. LOOP_NOT_FOUND, LOOP_IO, LOOP_LIMIT. */
loop_error *lp_build_sum_file(const char *path, lp_build_sum *ret) LOOP_MUST_USE;

/* A file that something is built from: `path` from the workspace's root on where it is below. */
typedef struct lp_build_input {
    char *path;
    lp_build_sum sum;
    bool found; /* by a tool on the way (a header elsewhere), not by looking at folders */
} lp_build_input;
typedef struct lp_build_inputs {
    lp_build_input *at;
    size_t n, cap;
} lp_build_inputs;

/*
 * Adds each file of a folder and of those below it, or one file. Left out: what is hidden, the
 * files and folders `skip` (absolute; ends with NULL), and those that tools fill: node_modules,
 * target,
 * __pycache__. With `ends`, only files whose names end so. Links to files are followed, to
 * folders not.
 */
loop_error *lp_build_inputs_add(lp_build_inputs *l, const char *root, const char *path,
                                const char *const *skip, const char *const *ends) LOOP_MUST_USE;
/* Whether a name ends as one of `ends` (ends with NULL) says; NULL: any does. */
bool lp_build_ends(const char *name, const char *const *ends);
/* One more file, of which a tool said that it read it; nothing where it is there already. */
loop_error *lp_build_inputs_found(lp_build_inputs *l, const char *root,
                                  const char *path) LOOP_MUST_USE;
/* By path, each once. */
void lp_build_inputs_sort(lp_build_inputs *l);
void lp_build_inputs_done(lp_build_inputs *l);

/*
 * Calls `f` for the files that a rule of make (a .d file, as compilers write them) names
 * behind its colon.
 */
loop_error *lp_build_rule_read(const char *text, loop_error *(*f)(void *data, const char *path),
                               void *data) LOOP_MUST_USE;

/* ---- stamps (stamp.c) ---- */

/* What is noted of a build: by what, from what, and what came out. */
typedef struct lp_build_stamp {
    lp_build_sum tool;   /* the toolchain and how it was called */
    lp_build_sum output; /* the file that came out */
    lp_build_inputs inputs;
} lp_build_stamp;
/* NULL text inside: `*ret_why` is why what is noted does not hold: "src/a.c changed"; malloced. */
void lp_build_stamp_compare(const char *file, const char *root, const lp_build_stamp *now,
                            const char *output, char **ret_why);
loop_error *lp_build_stamp_write(const char *file, const lp_build_stamp *s) LOOP_MUST_USE;

/* ---- a job ---- */

typedef struct lp_build_job lp_build_job;

/* What the jobs of one call share. */
typedef struct lp_build_run {
    const lp_build_place *place;
    const loop_build_options *options;
    lp_pool *pool; /* NULL: nobody listens */
} lp_build_run;

struct lp_build_job {
    lp_build_run *run;
    const loop_component_config *row;
    const loop_build_config *build;
    lp_arena arena;
    const char *root;   /* of the workspace */
    const char *output; /* where the component goes */
    const char *work;   /* a folder of its own: .loop/NAME beside the output */
    const char *gen;    /* for bindings: gen beside the WIT; NULL without one */
    const char *sdk;    /* loop-sdk beside the WIT; NULL where there is none */
    const char *made;   /* what the language made, in `work` */
    bool dry;           /* commands are noted and not run */
    bool installed;     /* the build itself brought its toolchain */
    lp_buf commands;    /* what was run, or would be, a line each */
    lp_buf said;        /* what tools said on stderr */
    lp_build_inputs found;
};

/* Whether it is to end: its tools are ended, nothing new is begun. */
bool lp_build_stopped(const lp_build_job *j);
void lp_build_job_done(lp_build_job *j);
/* Text in the job's arena. */
const char *lp_build_text(lp_build_job *j, const char *fmt, ...) LOOP_PRINTF(2, 3);
/* The same of what was malloced, which is freed; NULL of NULL. */
const char *lp_build_keep(lp_build_job *j, char *taken);
/* `path` as people call it: from the workspace's root on. */
const char *lp_build_shown(const lp_build_job *j, const char *path);

/* Tells of it, from any thread (build.c). `output` may be NULL. */
void lp_build_tell(lp_build_job *j, loop_build_kind kind, const char *text, const char *output);

/* ---- tools (tool.c) ---- */

typedef struct lp_build_command {
    const char *const *argv; /* a program by its path or name, its arguments; ends with NULL */
    const char *directory;   /* NULL: the workspace's root */
    const char *const *env;  /* "NAME=value" beside the user's, in place of his; NULL: none */
    const char *what;        /* "compiling src/a.c": told as a step; NULL: nothing is told */
    bool ask;                /* it changes nothing: run in a dry run, too, and with a deadline */
    const char *input;       /* its stdin; NULL: empty */
    uint64_t deadline_ms;    /* 0: none, but LP_BUILD_ASK_MS with `ask` */
    int *ret_status;         /* how it ended; NULL: anything but 0 is an error */
    char **ret_out;          /* its stdout, malloced; NULL: it goes with stderr */
    char **ret_err;          /* its stderr, malloced; NULL: it goes to `said` */
} lp_build_command;
/*
 * Runs a program to its end. LOOP_INVALID where it fails, with what it said in `said` of the job;
 * LOOP_NOT_FOUND where there is none; LOOP_CANCELLED, LOOP_TIMEOUT, LOOP_LIMIT.
 */
loop_error *lp_build_tool(lp_build_job *j, const lp_build_command *c) LOOP_MUST_USE;

/* A list of words that grows; ends with NULL. */
typedef struct lp_build_words {
    const char **at;
    size_t n, cap;
} lp_build_words;
void lp_build_word(lp_build_words *w, const char *word);
void lp_build_words_free(lp_build_words *w);

/* What a tool said since `before`, one line, as the reason; else `e`, which says how it ended. */
loop_error *lp_build_reason(lp_build_job *j, size_t before, loop_error *e) LOOP_MUST_USE;
/* Runs loop-wit with these words (without its name). */
loop_error *lp_build_wit(lp_build_job *j, const char *what, const char *const *words,
                         char **ret_out) LOOP_MUST_USE;

/* ---- toolchains (find.c) ---- */

/* A program on PATH, as a path in the job's arena; NULL. */
const char *lp_build_on_path(lp_build_job *j, const char *name);
/* The same below a folder that is there. */
const char *lp_build_in(lp_build_job *j, const char *folder, const char *name);
/* What a program says when it is asked for its version, a line; in the arena. */
loop_error *lp_build_version(lp_build_job *j, const char *program, const char *flag,
                             const char *const *env, const char **ret) LOOP_MUST_USE;
/* A value of a file of NAME='value' lines, as set-up writes them; NULL. */
const char *lp_build_setting(lp_build_job *j, const char *file, const char *name);

/* ---- languages ---- */

typedef struct lp_build_language {
    const char *name;
    const char *const *ends; /* how the names of its sources end; ends with NULL */
    /*
     * Finds the toolchain: *ret is what says which, a text that changes when it does; in the
     * arena. LOOP_UNAVAILABLE, with the command that installs what is missing.
     */
    loop_error *(*find)(lp_build_job *j, const char **ret_identity, void **ret_tools);
    /* Makes the component in j->work and sets j->made. */
    loop_error *(*build)(lp_build_job *j, void *tools);
} lp_build_language;
extern const lp_build_language lp_build_c, lp_build_rust, lp_build_js, lp_build_python;

/* "weather_station" of "weather-station": how generated files are called. */
const char *lp_build_snake(lp_build_job *j, const char *name);
/* Writes bindings of the world for a language of loop-wit into j->gen. */
loop_error *lp_build_bindings(lp_build_job *j, const char *language) LOOP_MUST_USE;

/* LOOP_INVALID where j->made does not fit the world of the job (check.c). */
loop_error *lp_build_check(lp_build_job *j) LOOP_MUST_USE;
/*
 * What loop-wit said, as an error or NULL. Then `*ret_library`: WASI that the language's library
 * imports; `*ret_exports`: what is exported beyond the world. NULL where there is none; malloced.
 */
loop_error *lp_build_check_read(const char *lines, const char *world, char **ret_library,
                                char **ret_exports) LOOP_MUST_USE;

/* One component from beginning to end (plan.c). */
loop_error *lp_build_one(lp_build_job *j) LOOP_MUST_USE;

#endif
