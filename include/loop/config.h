/*
 * loop/config.h: what a workspace asks for, and where each value comes from.
 *
 * Order, the later wins: defaults, the profile's file, loop.yaml, the
 * environment (LOOP_*), flags. Grants add up instead; the environment never
 * adds one. loop.yaml is a subset of YAML (no anchors, aliases, tags, merge or
 * duplicate keys; 1 MiB, depth 32); an error names file, line and column, the
 * key that is not known, the nearest that is, and those allowed there.
 *
 * Ownership: everything handed out lives as long as the configuration.
 * Threads: read-only once loaded.
 */
#ifndef LOOP_CONFIG_H
#define LOOP_CONFIG_H

#include "loop/host.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct loop_config loop_config;

/* A value that a flag sets: {"log.level", "debug", "--log-level"}. */
typedef struct loop_setting {
    const char *key;
    const char *value;
    const char *source;
} loop_setting;

typedef struct loop_config_sources {
    const char *file; /* loop.yaml to read; NULL: the nearest one upwards from `directory` */
    const char *text; /* with `file`: what it would have; NULL: what it has */
    size_t text_len;
    const char *directory; /* where to start; NULL: the current one */
    const char *profile;   /* NULL: what the environment, then loop.yaml says, else "dev" */
    const char *data_dir;  /* where profiles/ and classes/ lie; NULL: the installed place */
    const loop_setting *flags;
    size_t flag_count;
    bool ignore_environment;
} loop_config_sources;

/* Loads everything. No loop.yaml at all is fine; one that is named must be there. */
LOOP_API loop_error *loop_config_load(const loop_config_sources *from,
                                      loop_config **ret) LOOP_MUST_USE;
LOOP_API void loop_config_delete(loop_config *c);

/*
 * The folder of the files that came with loop (profiles, classes, wit, templates): LOOP_DATA_DIR
 * if it is set, else the installation's, or the sources' for a library that lies where it was
 * built. For loop_free; NULL: there is none.
 */
LOOP_API char *loop_data_dir(void);

/* The directory of loop.yaml, or NULL without one; the path of the file itself. */
LOOP_API const char *loop_config_root(const loop_config *c);
LOOP_API const char *loop_config_file(const loop_config *c);

/*
 * One option by key ("log.level", "log.format", "profile", "production", "default",
 * "limits.memory", "limits.timeout", "limits.grace"), as text; "" when it has
 * neither value nor default. An unknown key is a defect of the caller: NULL.
 */
LOOP_API const char *loop_config_get(const loop_config *c, const char *key,
                                     loop_origin *ret_origin);

/* Every option there is, one row each: parsing, --help, docs and schema come from these. */
typedef struct loop_option {
    const char *key;         /* "log.level" */
    const char *type;        /* "enum", "size", "duration", "string", "bool" */
    const char *values;      /* enum: "error|warn|info|debug|trace"; else NULL */
    const char *fallback;    /* the default, as text; NULL: none */
    const char *environment; /* "LOOP_LOG_LEVEL", or NULL */
    const char *flag;        /* "--log-level", or NULL */
    const char *help;        /* one line */
} loop_option;
LOOP_API const loop_option *loop_option_at(size_t i);

/* `build:` of a component: a language, or a command. See loop/build.h. */
typedef struct loop_build_config {
    const char *lang;           /* "c", "rust", "js", "python"; NULL: a command */
    const char *source;         /* absolute; with a command NULL where it is not said */
    const char *wit;            /* absolute; with a command NULL where it is not said */
    const char *world;          /* of that WIT; with a command NULL where it is not said */
    const char *const *command; /* a program and its arguments, NULL-terminated; NULL: a language */
    loop_origin origin;
} loop_build_config;

/* One component of loop.yaml. */
typedef struct loop_component_config {
    const char *name;
    const char *path;            /* absolute; NULL: only `package` is set (loop_packages_path) */
    const char *package;         /* "acme:ui@^1.2"; NULL. With `path`, that is in its place */
    const char *const *args;     /* NULL-terminated: what comes before the command line's own */
    const char *const *optional; /* NULL-terminated: imports that may be missing */
    loop_limits limits;          /* value 0: the class's; loop_config_limits has both */
    uint64_t storage_quota;      /* bytes of private storage granted; 0: no storage */
    loop_class class_;           /* what it asks for; loop_config_grants says whether it is so */
    loop_origin class_origin;    /* of that, where it is set */
    loop_on_trap on_trap;
    const loop_build_config *build;  /* how it is built; NULL: it is there */
    const char *tests;               /* the folder with its tests, absolute; NULL: none */
    const char *const *test_command; /* its language's own tests, NULL-terminated; NULL: none */
    loop_origin origin;
} loop_component_config;
LOOP_API const loop_component_config *loop_config_component_at(const loop_config *c, size_t i);
LOOP_API const loop_component_config *loop_config_component(const loop_config *c, const char *name);

/*
 * The file that a component is, absolute: its `path`, or its package's, which loop.lock has and
 * whose bytes were compared with the digest just now (loop_packages_path). *ret is for loop_free.
 */
LOOP_API loop_error *loop_config_component_file(const loop_config *c,
                                                const loop_component_config *component,
                                                char **ret) LOOP_MUST_USE;

/* One row of `overrides:`: a local file in the place of a package, whatever its version. */
typedef struct loop_override {
    const char *package; /* "acme:ui" */
    const char *path;    /* absolute */
    loop_origin origin;
} loop_override;
/* NULL past the end. */
LOOP_API const loop_override *loop_config_override_at(const loop_config *c, size_t i);

/* One row of `config:` of a component, what wasi:config hands to it. */
LOOP_API bool loop_config_component_value(const loop_config *c, const char *component, size_t i,
                                          const char **ret_key, const char **ret_value);

/* One provider of a binding: one of the first four is set. */
typedef struct loop_binding_link {
    const char *provider;       /* by its name, "sqlite" */
    const char *component;      /* one of loop.yaml's, by its name, "weather" */
    const char *library;        /* a shared library, absolute */
    const char *const *sidecar; /* a program and its arguments, NULL-terminated */
    const char *const *options; /* name and value by turns, NULL-terminated */
    loop_origin origin;
} loop_binding_link;

/*
 * Which providers an interface is bound to, outermost first: row i of `bind:` in
 * loop.yaml, in its components and, where these do not say it, in the profile.
 * `interface` has no version ("loop:core/logging").
 */
typedef struct loop_binding {
    const char *component; /* NULL: for every component */
    const char *interface_name;
    const loop_binding_link *links;
    size_t count;
    loop_origin origin;
} loop_binding;
LOOP_API const loop_binding *loop_config_binding_at(const loop_config *c, size_t i);
/* Binds all of them at a host; an error names file, line and column. */
LOOP_API loop_error *loop_config_bind(const loop_config *c, loop_host *host) LOOP_MUST_USE;
/*
 * loop_host_component_add of a component of loop.yaml: with the grants, the limits and the name
 * that it has there, and an identity of its own. LOOP_NOT_FOUND.
 */
LOOP_API loop_error *loop_config_component_add(const loop_config *c, loop_host *host,
                                               const char *component,
                                               const char **ret_provider) LOOP_MUST_USE;
/*
 * Whether one of them may be bound now: its libraries and sidecars are trusted and lie where no
 * component can write. Asked again before what is bound is swapped. LOOP_DENIED, LOOP_NOT_FOUND;
 * with file, line and column.
 */
LOOP_API loop_error *loop_config_check_binding(const loop_config *c,
                                               const loop_binding *binding) LOOP_MUST_USE;

/* `package:` of loop.yaml: what `loop pack` makes (loop/package.h). */
typedef struct loop_config_package {
    const char *name, *version;                 /* checked */
    const char *component;                      /* one of loop.yaml; NULL: `default:` */
    const char *description, *license, *source; /* "" where nothing is said */
    const char *docs;                           /* a file, absolute; NULL */
    const char *const *required;                /* name and range by turns, NULL-terminated */
    loop_origin origin;
} loop_config_package;
/* NULL where there is none. */
LOOP_API const loop_config_package *loop_config_package_of(const loop_config *c);

/*
 * Where packages come from: `registries:` of loop.yaml, and the same keys in the user's own
 * registries.yaml, which alone may have users and passwords (knowledge/registries.md).
 */
typedef struct loop_registries loop_registries;

/* A registry that has a name. */
typedef struct loop_registry_config {
    const char *name;
    const char *kind;            /* "oci", "folder", "layout", "http", "provider" */
    const char *location;        /* host and port; a folder, absolute; a URL; "" for a provider */
    const char *prefix;          /* oci: what stands before the name; "" */
    bool plain_http;             /* oci: without TLS */
    bool own;                    /* the user's file says it, not the workspace's */
    const char *user, *password; /* NULL: none; never of a workspace */
    const loop_binding_link *provider; /* what serves loop:pkg/registry; NULL: none */
    loop_origin origin;
} loop_registry_config;

/*
 * Reads the user's file, beside what `c` (NULL: no workspace) has; `c` lives longer. LOOP_CONFIG
 * with file, line and column; LOOP_DENIED where it has a password and others may read it.
 */
LOOP_API loop_error *loop_registries_load(const loop_config *c,
                                          loop_registries **ret) LOOP_MUST_USE;
/* NULL is fine. */
LOOP_API void loop_registries_delete(loop_registries *r);
/* The user's, then the workspace's, but for names that the user's has; NULL past the end. */
LOOP_API const loop_registry_config *loop_registries_at(const loop_registries *r, size_t i);
/*
 * Binds loop:pkg/registry, at a host that has no instance yet, to the provider that serves the
 * registry `name`. Of a workspace: only a trusted one's (LOOP_DENIED).
 */
LOOP_API loop_error *loop_registries_bind(const loop_registries *r, const char *name,
                                          loop_host *host) LOOP_MUST_USE;
/*
 * The name of the registry of a package ("acme:ui"): what `packages:` says, then `namespaces:`,
 * then `default:`, of the workspace before the user. NULL: nobody says.
 */
LOOP_API const char *loop_registries_for(const loop_registries *r, const char *package,
                                         loop_origin *ret_origin);

/*
 * What loop.yaml asks for that it gets only when the user has trusted it: as it is written there,
 * in the order of the file.
 */
typedef enum loop_ask_kind {
    LOOP_ASK_LIBRARY, /* a shared library: `library` of a binding or a registry */
    LOOP_ASK_SIDECAR, /* a process beside loop: `sidecar` of one */
    LOOP_ASK_DIR,     /* a directory outside of the workspace */
    LOOP_ASK_CLASS,   /* the class `trusted` for a component */
    LOOP_ASK_PROCESS, /* a program, with arguments of one form */
    LOOP_ASK_LISTEN,  /* an address that others than this machine can reach */
    LOOP_ASK_ENV,     /* a variable of the user's own environment: a name without a value */
    LOOP_ASK_INWARD,  /* an HTTP server or a socket of this machine or a private network */
} loop_ask_kind;
typedef struct loop_ask {
    loop_ask_kind kind;
    const char *text; /* "build/dice.so", "node weather.js", "../shared as /data, read-only",
                         "git status --short *" */
    const char *what; /* which interface or component it is for */
    loop_origin origin;
} loop_ask;
/* NULL past the end. */
LOOP_API const loop_ask *loop_config_ask_at(const loop_config *c, size_t i);

/*
 * NULL where the user has trusted loop.yaml with the very bytes that were read here, or there is
 * none. Else LOOP_DENIED: why not, and what to do (loop/trust.h). Asked each time it matters:
 * before a library is opened, a sidecar started, a directory outside granted.
 */
LOOP_API loop_error *loop_config_trust(const loop_config *c) LOOP_MUST_USE;
/* Records that it is trusted, as it was read here: somebody has seen what it asks for. */
LOOP_API loop_error *loop_config_trust_give(const loop_config *c) LOOP_MUST_USE;

/* The limits of a trust class where a component sets none: classes/NAME.yaml. */
typedef struct loop_class_config {
    const char *name; /* "untrusted", "trusted" */
    loop_limits limits;
    loop_origin origin;
} loop_class_config;
/* NULL for a class that does not exist. */
LOOP_API const loop_class_config *loop_config_class(const loop_config *c, const char *name);
/*
 * The limits that hold for a component of loop.yaml (NULL: for one that is not there): those of the
 * class, its own rows in their place, and of memory no more than `limits.memory` for all.
 */
LOOP_API void loop_config_limits(const loop_config *c, const char *component,
                                 const char *class_name, loop_limits *ret);

/*
 * Adds the grants and denials of loop.yaml for `component`, and sets its class. LOOP_NOT_FOUND for
 * a component that loop.yaml does not have and for a directory or a program that is not there.
 * LOOP_DENIED for what takes trust (loop_ask_kind) when the workspace is not trusted; and for a
 * directory that is written as inside of the workspace and leads out by a link, always: nobody who
 * read the file saw that.
 */
LOOP_API loop_error *loop_config_grants(const loop_config *c, const char *component,
                                        loop_policy *into) LOOP_MUST_USE;

/*
 * LOOP_DENIED where a link on the way to `path`, which the user named (from the current folder),
 * lies in a directory that loop.yaml grants a component to write: the component may have made it.
 * For who grants a directory by another way than loop_config_grants, before it does.
 */
LOOP_API loop_error *loop_config_dir_check(const loop_config *c, const char *path) LOOP_MUST_USE;

/* loop.schema.json, made from the same rows; the caller's, for loop_free. */
LOOP_API char *loop_config_schema(void);

/* The whole effective configuration with the origin of each value, as text or JSON. */
LOOP_API char *loop_config_format(const loop_config *c, bool json);

/*
 * What the profile of one configuration of a workspace says other than that of
 * another: options and bindings, with their origins. The caller's, for loop_free.
 */
LOOP_API char *loop_config_diff(const loop_config *a, const loop_config *b, bool json);

#ifdef __cplusplus
}
#endif
#endif
