/*
 * api/config.h: what the files of the configuration share.
 *
 *   config.c          loading: which file, in which order, where values come from
 *   config_rows.c     the tables: every option, every key of loop.yaml
 *   config_values.c   keys and values of the files, options, classes
 *   config_read.c     loop.yaml into components
 *   config_grants.c   a component's grants and denials
 *   config_build.c    how components are built and tested
 *   config_packages.c where a component is from; local files in the place of packages
 *   config_bind.c     which providers serve an interface
 *   config_registries.c  where packages come from
 *   config_package.c  what `loop pack` makes a package of
 *   config_trust.c    what only a trusted workspace gets
 *   config_schema.c   loop.schema.json from the tables
 *   config_format.c   what `loop config` shows
 *
 * To add an option: a row in config_rows.c, nothing else. To add a key of a
 * component: a row there and its reading in config_read.c.
 */
#ifndef LP_CONFIG_H
#define LP_CONFIG_H

#include "base/base.h"
#include "base/limit.h"
#include "base/yaml.h"
#include "loop/config.h"
#include "loop/trust.h"

/* One key of loop.yaml. Parts are joined by '.'; '*' is any name, '[]' an item of a list. */
typedef struct lp_config_key {
    const char *path;
    const char *type; /* NULL: the option of this name says it */
    const char *help;
    bool required;
} lp_config_key;
const lp_config_key *lp_config_key_at(size_t i);

/* The row of an option, NULL where there is none; its place in the table. */
const loop_option *lp_option_find(const char *key, size_t *ret_index);
size_t lp_option_count(void);
/* NULL, or what `row` expects instead of `text`; malloced. */
char *lp_option_check(const loop_option *row, const char *text);
/* `values` with ", " between: "error, warn, info"; malloced. */
char *lp_option_values(const loop_option *row);

#define LP_MAX_OPTIONS 32

typedef struct lp_config_value {
    const char *text;
    loop_origin origin;
} lp_config_value;

typedef struct lp_config_grant {
    loop_grant_kind kind;
    bool deny;
    const char *text; /* ENV, HTTP, NET: as written; DIR: the host's directory */
    const char *guest;
    bool read_only;
    loop_origin origin;
} lp_config_grant;

typedef struct lp_config_pair {
    const char *key, *value;
} lp_config_pair;

typedef struct lp_config_component {
    loop_component_config row; /* first: handed out */
    struct {
        lp_config_grant *at;
        size_t n, cap;
    } grants;
    struct {
        lp_config_pair *at;
        size_t n, cap;
    } pairs;
} lp_config_component;

struct loop_config {
    lp_arena arena;
    const char *root, *file;                /* NULL without a loop.yaml */
    char digest[LOOP_DIGEST_TEXT];          /* of the bytes of `file` that were parsed */
    lp_config_value values[LP_MAX_OPTIONS]; /* by place in the table of options */
    struct {
        lp_config_component **at;
        size_t n, cap;
    } components;
    struct {
        loop_binding **at;
        size_t n, cap;
    } bindings;
    struct {
        loop_override *at;
        size_t n, cap;
    } overrides;
    struct {
        loop_ask *at;
        size_t n, cap;
    } asks;
    struct {
        loop_registry_config **at;
        size_t n, cap;
    } registries; /* of this file alone */
    struct {
        struct lp_config_route {
            char kind; /* 'p' a package, 'n' a namespace, 'd' the default */
            const char *what, *registry;
            loop_origin origin;
        } *at;
        size_t n, cap;
    } routes;
    loop_config_package *package; /* NULL: no `package:` */
    loop_class_config classes[2];
};

/* One that has every default and nothing else. */
loop_config *lp_config_new(void);
char *lp_config_keep(loop_config *c, const char *s);
/* Sets an option; the value has been checked. */
void lp_config_set(loop_config *c, size_t option, const char *text, loop_origin origin);

/* Notes what only a trusted workspace gets; texts are copied. */
void lp_config_ask(loop_config *c, loop_ask_kind kind, const char *what, const char *text,
                   loop_origin origin);
/* Whether a path of loop.yaml, as it is written, leads out of the workspace. */
bool lp_config_leads_out(const loop_config *c, const char *path);

/*
 * Whether a library, absolute and normal, may be loaded for a trusted workspace: it is where the
 * file says, and no component may write to it. LOOP_NOT_FOUND, LOOP_DENIED.
 */
loop_error *lp_config_library_check(const loop_config *c, const char *path) LOOP_MUST_USE;
/*
 * The same for the program that a sidecar is, and its arguments up to the first file of the
 * workspace: no component may write to them or to a link on the way, nobody else to that file.
 * What is found by PATH is for whoever starts it. LOOP_DENIED.
 */
loop_error *lp_config_sidecar_check(const loop_config *c, const char *const *command) LOOP_MUST_USE;

/* The component that was granted a directory which `path`, from the workspace, leads into; NULL. */
const char *lp_config_granted_to(const loop_config *c, const char *path);

/* Which of the keys a file may have. */
typedef enum lp_config_file_kind { LP_CONFIG_WORKSPACE, LP_CONFIG_PROFILE } lp_config_file_kind;

/* Every option of a file; `prefix` of a nested map is "log" or "limits". */
loop_error *lp_config_read_options(loop_config *c, const lp_yaml *root,
                                   lp_config_file_kind kind) LOOP_MUST_USE;
/* Version, components and bindings of loop.yaml; c->root is set. */
loop_error *lp_config_read_workspace(loop_config *c, const lp_yaml *root) LOOP_MUST_USE;
/* `bind:`, of one component or (NULL) of all; a profile does not override the workspace. */
loop_error *lp_config_read_bindings(loop_config *c, const lp_yaml *map, const char *component,
                                    lp_config_file_kind kind) LOOP_MUST_USE;
/* One provider of a binding. */
loop_error *lp_config_read_link(loop_config *c, const lp_yaml *at, const char *interface_name,
                                lp_config_file_kind kind, loop_binding_link *link) LOOP_MUST_USE;
/* Tells a host of one row of `bind:`; an error names its place. */
loop_error *lp_config_bind_one(const loop_config *c, loop_host *h,
                               const loop_binding *b) LOOP_MUST_USE;
/* `registries:` of loop.yaml, or (`own`) the user's file. */
loop_error *lp_config_read_registries(loop_config *c, const lp_yaml *map, bool own) LOOP_MUST_USE;
/* `package:`, when the components are there. */
loop_error *lp_config_read_package(loop_config *c, const lp_yaml *map) LOOP_MUST_USE;
/* A component's file, what its storage belongs to, and what it shares; all malloced. */
typedef struct lp_config_found {
    char *file, *identity, *owner;
} lp_config_found;
loop_error *lp_config_component_find(const loop_config *c, const loop_component_config *component,
                                     lp_config_found *ret) LOOP_MUST_USE;
void lp_config_found_done(lp_config_found *found);
/* `path` and `package` of a component, one or both. */
loop_error *lp_config_read_source(loop_config *c, lp_config_component *component,
                                  const lp_yaml *map) LOOP_MUST_USE;
/* `overrides:` */
loop_error *lp_config_read_overrides(loop_config *c, const lp_yaml *map) LOOP_MUST_USE;
/* `limits:` of a component or a class. */
loop_error *lp_config_read_limits(loop_config *c, const lp_yaml *map, const char *where,
                                  loop_limits *into) LOOP_MUST_USE;
/* The keys of a class file. */
loop_error *lp_config_read_class(loop_config *c, const lp_yaml *root,
                                 loop_class_config *into) LOOP_MUST_USE;

/* The name nearest to `name`, NULL when none is near. */
const char *lp_config_nearest(const char *name, const char *const *names, size_t n);
/* Adds "did you mean 'x'? allowed: a, b" to `e`. */
loop_error *lp_config_suggest(loop_error *e, const char *name, const char *const *names,
                              size_t n) LOOP_MUST_USE;

/* ---- reading values; `name` and `where` are for messages ---- */

loop_origin lp_config_origin(loop_config *c, const lp_yaml *at);
/* A map at `prefix` of the rows, with keys that the rows have; nothing is an empty map. */
loop_error *lp_config_check_map(const lp_yaml *map, const char *prefix, lp_config_file_kind kind,
                                const char *where) LOOP_MUST_USE;
/* The name of a component or a provider ("a provider"). */
loop_error *lp_config_check_name(const lp_yaml *key, const char *what) LOOP_MUST_USE;
/* "expected WHAT for 'NAME', found a list" */
loop_error *lp_config_expected(const lp_yaml *at, const char *what, const char *name) LOOP_MUST_USE;
loop_error *lp_config_read_text(loop_config *c, const lp_yaml *at, const char *name,
                                const char **ret) LOOP_MUST_USE;
loop_error *lp_config_read_path(loop_config *c, const lp_yaml *at, const char *name,
                                const char **ret) LOOP_MUST_USE;
/* Neither takes 0. */
loop_error *lp_config_read_size(const lp_yaml *at, const char *name, uint64_t *ret) LOOP_MUST_USE;
loop_error *lp_config_read_duration(const lp_yaml *at, const char *name,
                                    uint64_t *ret) LOOP_MUST_USE;
/* A list of text, NULL-terminated; with `lone`, one text is a list of one. */
loop_error *lp_config_read_texts(loop_config *c, const lp_yaml *at, const char *name, bool lone,
                                 const char *const **ret) LOOP_MUST_USE;
/* `grants:` or, with `deny`, `deny:` of a component. */
loop_error *lp_config_read_grants(loop_config *c, lp_config_component *component,
                                  const lp_yaml *map, bool deny) LOOP_MUST_USE;
/* `build:`, `tests:` and `test:` of a component; `map` is the whole component. */
loop_error *lp_config_read_build(loop_config *c, lp_config_component *component,
                                 const lp_yaml *map) LOOP_MUST_USE;
/* "no component 'x'" with the nearest name; for `at` NULL, LOOP_NOT_FOUND without a position. */
loop_error *lp_config_no_component(const loop_config *c, const char *name,
                                   const lp_yaml *at) LOOP_MUST_USE;

#endif
