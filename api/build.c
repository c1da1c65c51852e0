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

static void add_row(rows *l, const loop_component_config *row)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->at[i] == row)
            return;
    *lp_push(l) = row;
}

static loop_error *need_workspace(const loop_config *c)
{
    if (loop_config_root(c))
        return NULL;
    return loop_error_hint_set(
        loop_error_new(LOOP_NOT_FOUND, "there is no loop.yaml in this folder or above it"),
        "it says what is built, and how; --config names one elsewhere");
}

static loop_error *pick_named(const loop_config *c, const char *name, rows *ret)
{
    const loop_component_config *row = loop_config_component(c, name);
    if (!row)
        return lp_config_no_component(c, name, NULL);
    if (!row->build)
        return loop_error_hint_set(
            loop_error_new(LOOP_CONFIG, "the component '%s' has no 'build' in loop.yaml", name),
            "such as `build: { lang: c, source: src, wit: wit, world: %s }`", name);
    add_row(ret, row);
    return NULL;
}

static loop_error *pick(const loop_config *c, const char *const *names, rows *ret)
{
    LP_TRY(need_workspace(c));
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

/* ---- tests ---- */

static loop_error *pick_tested(const loop_config *c, const char *const *names, rows *ret)
{
    LP_TRY(need_workspace(c));
    for (size_t i = 0; names && names[i]; i++) {
        const loop_component_config *row = loop_config_component(c, names[i]);
        if (!row)
            return lp_config_no_component(c, names[i], NULL);
        if (!row->tests && !row->test_command)
            return loop_error_hint_set(
                loop_error_new(LOOP_CONFIG, "the component '%s' has no 'tests' in loop.yaml",
                               names[i]),
                "`tests: tests` names the folder with them");
        add_row(ret, row);
    }
    const loop_component_config *row;
    for (size_t i = 0; !(names && names[0]) && (row = loop_config_component_at(c, i)); i++)
        if (row->tests || row->test_command)
            add_row(ret, row);
    if (ret->n)
        return NULL;
    return loop_error_hint_set(
        loop_error_new(LOOP_CONFIG, "no component of '%s' has 'tests'", loop_config_file(c)),
        "`tests: tests` of a component names the folder with them");
}

/*
 * Compiles what will be run, once, into the cache that the processes of the tests share. What is
 * wrong with a component is for its tests to say.
 */
static void warm(const rows *l)
{
    loop_host *host;
    loop_error *e = loop_host_new(&(loop_host_options){.log_level = LOOP_LOG_ERROR}, &host);
    for (size_t i = 0; !e && i < l->n; i++) {
        loop_component *component = NULL;
        loop_error_delete(l->at[i]->tests && l->at[i]->path
                              ? loop_component_open(host, l->at[i]->path, &component)
                              : NULL);
        loop_component_delete(component);
    }
    if (!e)
        loop_host_delete(host);
    loop_error_delete(e);
}

loop_error *loop_test(const loop_config *c, const loop_test_options *options, loop_test_result *ret)
{
    loop_test_options o = options ? *options : (loop_test_options){0};
    rows list = {0};
    lp_auto(lp_free_string) char *guard = NULL;
    lp_auto(lp_free_string) char *loop = NULL;
    loop_error *e = pick_tested(c, o.names, &list);
    if (!e)
        e = own_program("loop-guard", &guard);
    if (!e && !o.loop) {
        loop = lp_place_command();
        o.loop = loop;
        if (!loop)
            e = loop_error_new(LOOP_UNAVAILABLE, "the command 'loop' is not beside the library");
    }
    if (!o.config)
        o.config = loop_config_file(c);
    if (!e)
        warm(&list);
    const lp_build_place place = {loop_config_root(c), guard, NULL, NULL};
    if (!e)
        e = lp_test(&place, list.at, list.n, &o, ret);
    free(list.at);
    return e;
}

/* ---- composing ---- */

loop_error *loop_compose(const loop_compose_options *options)
{
    if (!options->socket == !options->wac || !options->output)
        return loop_error_new(LOOP_USAGE, "either a component or a .wac file is composed");
    lp_auto(lp_free_string) char *guard = NULL;
    lp_auto(lp_free_string) char *wit = NULL;
    lp_auto(lp_free_string) char *directory =
        lp_os_realpath(options->directory ? options->directory : ".");
    LP_TRY(own_program("loop-guard", &guard));
    LP_TRY(own_program("loop-wit", &wit));
    if (!directory)
        return loop_error_new(LOOP_NOT_FOUND, "there is no folder '%s'", options->directory);
    const lp_build_place place = {directory, guard, wit, NULL};
    return lp_compose(&place, options);
}
