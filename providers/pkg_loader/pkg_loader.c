/*
 * pkg-loader: components that load components.
 *
 * Implements loop:pkg/loader with what the host offers to any provider (loop_call_load and what
 * follows it in loop/provider.h): this file turns WIT's values into the host's and its errors into
 * WIT's. Where a package is, the host's owner says (loop_host_packages).
 */
#include "providers/pkg_loader/pkg_loader.h"

#include <stdlib.h>

#include "base/base.h"
#include "loop/wit/pkg.h"

#define MOST_GRANTS 16 /* more than there are kinds */

/* ---- errors ---- */

/* The whole of it, in memory of the call; takes it. */
static loop_string text_of(loop_call *call, loop_error *err)
{
    lp_buf text = {0};
    for (const loop_error *e = err; e; e = loop_error_cause(e))
        lp_buf_printf(&text, "%s%s", text.len ? ": " : "", loop_error_message(e));
    if (loop_error_hint(err))
        lp_buf_printf(&text, "; %s", loop_error_hint(err));
    loop_string kept = loop_call_string(call, text.ptr, text.len);
    lp_buf_done(&text);
    loop_error_delete(err);
    return kept;
}

static loop_pkg_loader_error error_of(loop_call *call, loop_error *err)
{
    loop_pkg_loader_error e = {.tag = LOOP_CORE_TYPES_ERROR_FAILED};
    switch (loop_error_code(err)) {
    case LOOP_UNAVAILABLE:
    case LOOP_MISSING:
    case LOOP_NOT_FOUND: e.tag = LOOP_CORE_TYPES_ERROR_UNAVAILABLE; break;
    case LOOP_DENIED: e.tag = LOOP_CORE_TYPES_ERROR_DENIED; break;
    case LOOP_USAGE:
    case LOOP_INVALID: e.tag = LOOP_CORE_TYPES_ERROR_INVALID; break;
    case LOOP_LIMIT: e.tag = LOOP_CORE_TYPES_ERROR_LIMIT; break;
    case LOOP_CANCELLED:
    case LOOP_TIMEOUT:
        loop_error_delete(err);
        e.tag = LOOP_CORE_TYPES_ERROR_CANCELLED;
        return e;
    default: break;
    }
    e.of.failed = text_of(call, err); /* all have the text in the same place */
    return e;
}

/* ---- texts ---- */

/* Terminated, in memory of the call. */
static const char *terminated(loop_call *call, loop_string s)
{
    return s.len <= LP_MAX_PATH && !memchr(s.ptr ? s.ptr : "", 0, s.len)
               ? loop_call_string(call, s.ptr, s.len).ptr
               : NULL;
}

/* NULL: one is too long, or has a NUL. */
static const char *const *list(loop_call *call, loop_list_string from)
{
    const char **to =
        from.len <= MOST_GRANTS ? loop_call_alloc(call, (from.len + 1) * sizeof *to) : NULL;
    for (size_t i = 0; to && i < from.len; i++)
        if (!(to[i] = terminated(call, from.ptr[i])))
            return NULL;
    return to;
}

/* ---- the interface ---- */

static loop_error *read_wish(loop_call *call, const loop_pkg_loader_wish *w, loop_child_wish *ret)
{
    *ret = (loop_child_wish){
        .package = terminated(call, w->selected.name),
        .version = terminated(call, w->selected.version),
        .digest = terminated(call, w->selected.digest),
        .content = terminated(call, w->selected.content),
        .registry = terminated(call, w->selected.registry),
        .name = terminated(call, w->name),
        .grants = list(call, w->grants),
    };
    if (ret->package && ret->version && ret->digest && ret->content && ret->registry && ret->name &&
        ret->grants)
        return NULL;
    return loop_error_new(LOOP_USAGE,
                          "a text of the wish is too long or has a NUL in it, or there are more "
                          "than %d grants",
                          MOST_GRANTS);
}

static loop_error *load(void *self, loop_call *call, const loop_pkg_loader_wish *wish,
                        loop_pkg_loader_result_own_loaded_error *ret)
{
    (void)self;
    loop_child_wish w;
    loop_child *child = NULL;
    loop_string why;
    if (!loop_call_package(call, wish->selected.name, &why)) {
        ret->is_err = true;
        ret->of.error.tag = LOOP_CORE_TYPES_ERROR_DENIED;
        ret->of.error.of.denied = why;
        return NULL;
    }
    loop_error *err = read_wish(call, wish, &w);
    if (!err)
        err = loop_call_load(call, &w, &child);
    ret->is_err = err != NULL;
    if (err)
        ret->of.error = error_of(call, err);
    else
        ret->of.ok = (loop_pkg_loader_loaded *)child;
    return NULL;
}

static loop_child *child_of(loop_pkg_loader_loaded *loaded)
{
    return (loop_child *)loaded;
}

static loop_error *exports(void *self, loop_call *call, loop_pkg_loader_loaded *loaded,
                           loop_pkg_loader_result_list_string_error *ret)
{
    (void)self;
    const loop_child *child = child_of(loaded);
    size_t n = 0;
    while (loop_child_export_at(child, n))
        n++;
    loop_string *names = loop_call_alloc(call, (n + 1) * sizeof *names);
    for (size_t i = 0; names && i < n; i++) {
        const char *name = loop_child_export_at(child, i);
        names[i] = loop_call_string(call, name, strlen(name));
    }
    ret->of.ok = (loop_list_string){names, names ? n : 0};
    return NULL;
}

static loop_error *serve(void *self, loop_call *call, loop_pkg_loader_loaded *loaded,
                         loop_string imported, loop_pkg_loader_result_void_error *ret)
{
    (void)self;
    const char *name = terminated(call, imported);
    loop_error *err = name && *name && strlen(name) < LP_MAX_NAME
                          ? loop_child_serve(child_of(loaded), call, name)
                          : loop_error_new(LOOP_USAGE, "that is no name of an interface");
    ret->is_err = err != NULL;
    if (err)
        ret->of.error = error_of(call, err);
    return NULL;
}

static loop_error *condition(void *self, loop_call *call, loop_pkg_loader_loaded *loaded,
                             loop_pkg_loader_result_condition_error *ret)
{
    (void)self;
    int status = 0;
    loop_string why;
    loop_pkg_loader_condition *is = &ret->of.ok;
    switch (loop_child_look(child_of(loaded), call, &status, &why)) {
    case LOOP_CHILD_RUNNING: is->tag = LOOP_PKG_LOADER_CONDITION_RUNNING; break;
    case LOOP_CHILD_EXITED:
        is->tag = LOOP_PKG_LOADER_CONDITION_EXITED;
        is->of.exited = (uint8_t)status;
        break;
    case LOOP_CHILD_FAILED:
        is->tag = LOOP_PKG_LOADER_CONDITION_FAILED;
        is->of.failed = why;
        break;
    }
    return NULL;
}

static void drop(void *self, loop_pkg_loader_loaded *loaded)
{
    (void)self;
    loop_child_drop(child_of(loaded));
}

static const loop_pkg_loader_functions functions = {
    .loaded_exports = exports,
    .loaded_serve = serve,
    .loaded_condition = condition,
    .load = load,
    .loaded_drop = drop,
};
static const loop_provider_interface interfaces[] = {{&loop_pkg_loader_interface, &functions},
                                                     {NULL, NULL}};

const loop_provider lp_provider_pkg_loader = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "pkg-loader",
    .summary = "components that a component loads while it runs, with a part of its grants",
    .interfaces = interfaces,
    .threads = LOOP_THREADS_ANY,
    .needs =
        (const loop_provider_need[]){
            {"loop:pkg/loader", "load", LOOP_NEED_PACKAGE, NULL,
             "a component may load packages that it was granted, with grants of its own"},
            {"loop:pkg/loader", "*", LOOP_NEED_OBJECT, NULL, "what it loaded"},
            {0},
        },
};
