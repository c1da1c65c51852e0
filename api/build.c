/*
 * api/build.c: implements loop/build.h: finds what belongs to loop, picks the components of a
 * configuration, and hands both to builder/.
 */
#include <stdlib.h>

#include "api/config.h"
#include "api/place.h"
#include "base/os/os.h"
#include "builder/builder.h"

static loop_error *own_program(const char *name, char **ret)
{
    char *path = lp_place_program(name);
    if (!path)
        return loop_error_hint_set(
            loop_error_new(LOOP_UNAVAILABLE, "loop's own program '%s' is missing", name),
            "install loop as a whole; in its sources: make");
    *ret = path;
    return NULL;
}

typedef struct rows {
    const loop_component_config **at;
    size_t n, cap;
} rows;

static loop_error *pick_named(const loop_config *c, const char *name, rows *ret)
{
    const loop_component_config *row = loop_config_component(c, name);
    if (!row)
        return lp_config_no_component(c, name, NULL);
    if (!row->build)
        return loop_error_hint_set(
            loop_error_new(LOOP_CONFIG, "the component '%s' has no 'build' in loop.yaml", name),
            "such as `build: { lang: c, source: src, wit: wit, world: %s }`", name);
    for (size_t i = 0; i < ret->n; i++)
        if (ret->at[i] == row)
            return NULL;
    *lp_push(ret) = row;
    return NULL;
}

static loop_error *pick(const loop_config *c, const char *const *names, rows *ret)
{
    if (!loop_config_root(c))
        return loop_error_hint_set(
            loop_error_new(LOOP_NOT_FOUND, "there is no loop.yaml in this folder or above it"),
            "it says what is built, and how; --config names one elsewhere");
    for (size_t i = 0; names && names[i]; i++)
        LP_TRY(pick_named(c, names[i], ret));
    const loop_component_config *row;
    for (size_t i = 0; !(names && names[0]) && (row = loop_config_component_at(c, i)); i++)
        if (row->build)
            *lp_push(ret) = row;
    if (ret->n)
        return NULL;
    return loop_error_hint_set(
        loop_error_new(LOOP_CONFIG, "no component of '%s' has a 'build'", loop_config_file(c)),
        "such as `build: { lang: c, source: src, wit: wit, world: notes }`");
}

loop_error *loop_build(const loop_config *c, const loop_build_options *options)
{
    const loop_build_options none = {0};
    options = options ? options : &none;
    rows list = {0};
    lp_auto(lp_free_string) char *guard = NULL;
    lp_auto(lp_free_string) char *wit = NULL;
    lp_auto(lp_free_string) char *cache = lp_os_cache_dir();
    loop_error *e = pick(c, options->names, &list);
    if (!e)
        e = own_program("loop-guard", &guard);
    if (!e)
        e = own_program("loop-wit", &wit);
    const lp_build_place place = {loop_config_root(c), guard, wit, cache};
    if (!e)
        e = lp_build(&place, list.at, list.n, options);
    free(list.at);
    return e;
}
