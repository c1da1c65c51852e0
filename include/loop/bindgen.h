/*
 * loop/bindgen.h: writes C for a WIT package: types, tables to implement for what
 * components import, functions to call for what they export.
 *
 * `loop bindgen c-host` is this with files. The same input gives the same text,
 * whatever the machine; nothing is written anywhere. knowledge/bindings.md says
 * what comes out.
 */
#ifndef LOOP_BINDGEN_H
#define LOOP_BINDGEN_H

#include "loop/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct loop_bindgen_options {
    const char *wit;         /* a .wit file, a folder with a package, or a component */
    const char *const *deps; /* folders with packages that it needs; ends with NULL; NULL: none */
    const char *world;   /* "app", "acme:shop/app@1.0.0"; NULL: everything that the package has */
    const char *name;    /* of the output: NAME.h, NAME.c; NULL: loop_bindgen_name */
    const char *prefix;  /* before the names of interfaces that do not begin so; NULL: none */
    const char *declare; /* a macro before each declaration, such as LOOP_API; NULL: none */
    const char *include; /* how the source includes the header; NULL: NAME.h */
} loop_bindgen_options;

/*
 * The texts of the header and of the source, to free with loop_free.
 *
 * LOOP_NOT_FOUND: no such file or world. LOOP_INVALID: not WIT, or it has types that
 * loop does not carry. LOOP_USAGE: an option that is no name. LOOP_LIMIT.
 */
LOOP_API loop_error *loop_bindgen_c_host(const loop_bindgen_options *o, char **ret_header,
                                         char **ret_source) LOOP_MUST_USE;

/*
 * The types of what a provider of these interfaces implements, as a sidecar states them: for
 * each interface "acme:weather/api@0.1.0", then its resources and functions, indented, a line each:
 * "resource diary", "now (string)->result<f32,string>". Free it with loop_free. Errors as above.
 */
LOOP_API loop_error *loop_bindgen_types(const loop_bindgen_options *o, char **ret) LOOP_MUST_USE;

/* The name of the output where none is given: of "wit/core" and "core.wit", "core"; loop_free. */
LOOP_API char *loop_bindgen_name(const char *wit);

#ifdef __cplusplus
}
#endif
#endif
