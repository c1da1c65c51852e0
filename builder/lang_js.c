/*
 * builder/lang_js.c: JavaScript: componentize-qjs (QuickJS) on Node.
 *
 * The project's own, in node_modules; else the one that loop's set-up unpacked; else what
 * package.json names is installed, in the versions of its lock file; else PATH's.
 *
 * componentize-qjs runs the module once, to keep its state in the component, and links WASI of
 * its own for that run. Interfaces that hand out WASI's resources (loop:core/cancellation and
 * wasi:http give pollables) cannot be linked there. So it gets the WIT with WASI under a version
 * that nobody has: then it stubs all of it alike. Afterwards the version is put back, in place:
 * both are equally long. Modules import WASI and loop by name, without a version.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memmem */
#endif
#include <jansson.h>
#include <stdlib.h>

#include "base/path.h"
#include "builder/internal.h"

#define TOOL "componentize-qjs"

static const char install[] = "in the project: npm install --save-dev " TOOL
                              "; or in loop's sources: tools/setup/js-guest.sh";

typedef struct js_tools {
    const char *tool, *npm, *project; /* `npm` and `project`: to be installed first; else NULL */
} js_tools;

/* ---- finding ---- */

/* The nearest folder with a package.json, from the sources up to the workspace; NULL. */
static const char *find_project(lp_build_job *j)
{
    const char *at = j->build->source;
    if (!lp_os_is_dir(at))
        at = lp_build_keep(j, lp_path_parent(at));
    for (; lp_path_inside(at, j->root); at = lp_build_keep(j, lp_path_parent(at))) {
        if (lp_os_exists(lp_build_text(j, "%s/package.json", at)))
            return at;
        if (strcmp(at, j->root) == 0 || strcmp(at, "/") == 0)
            break;
    }
    return NULL;
}

/* A value of a package.json, two keys deep; the second may be NULL. In the arena, or NULL. */
static const char *package_value(lp_build_job *j, const char *folder, const char *a, const char *b)
{
    json_t *root = json_load_file(lp_build_text(j, "%s/package.json", folder), 0, NULL);
    json_t *value = json_object_get(root, a);
    const char *text = json_string_value(b ? json_object_get(value, b) : value);
    const char *kept = text && strlen(text) <= LP_MAX_PATH ? lp_build_text(j, "%s", text) : NULL;
    json_decref(root);
    return kept;
}

static bool is_named(lp_build_job *j, const char *project)
{
    return package_value(j, project, "devDependencies", TOOL) ||
           package_value(j, project, "dependencies", TOOL);
}

static loop_error *no_tool(const char *what)
{
    return loop_error_hint_set(loop_error_new(LOOP_UNAVAILABLE, "there is no %s", what), "%s",
                               strcmp(what, TOOL ", which makes components of JavaScript") == 0
                                   ? install
                                   : "on Debian: apt-get install nodejs npm; elsewhere Node's own "
                                     "installer");
}

static loop_error *find(lp_build_job *j, const char **ret_identity, void **ret_tools)
{
    js_tools *t = lp_arena_alloc(&j->arena, sizeof *t);
    const char *project = find_project(j), *package = NULL, *cache = j->run->place->cache;
    if (!lp_build_on_path(j, "node"))
        return no_tool("Node, which runs the tools for JavaScript");
    if (project && (t->tool = lp_build_in(j, project, "node_modules/.bin/" TOOL))) {
        package = lp_build_text(j, "%s/node_modules/" TOOL, project);
    } else if (cache && (t->tool = lp_build_in(j, cache, "js-guest/node_modules/.bin/" TOOL))) {
        package = lp_build_text(j, "%s/js-guest/node_modules/" TOOL, cache);
    } else if (project && is_named(j, project)) {
        t->tool = lp_build_text(j, "%s/node_modules/.bin/" TOOL, project);
        t->project = project;
        t->npm = lp_build_on_path(j, "npm");
        if (!t->npm)
            return no_tool("npm, which installs what package.json names");
    } else if (!(t->tool = lp_build_on_path(j, TOOL))) {
        return no_tool(TOOL ", which makes components of JavaScript");
    }
    const char *version = package ? package_value(j, package, "version", NULL) : NULL;
    if (!version && !t->project)
        LP_TRY(lp_build_version(j, t->tool, "--version", NULL, &version));
    *ret_identity = version ? version : "not installed yet";
    *ret_tools = t;
    return NULL;
}

/* ---- WASI's version ---- */

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '/';
}

/* In "wasi:io/poll@0.2.0" and the like, the first digit of "@A.2." becomes `to`. */
static void turn(char *bytes, size_t len, char from, char to)
{
    static const char head[] = "wasi:";
    for (char *p = bytes, *end = bytes + len;
         (p = memmem(p, (size_t)(end - p), head, strlen(head)));) {
        p += strlen(head);
        while (p < end && is_name(*p))
            p++;
        if (end - p >= 5 && p[0] == '@' && p[1] == from && memcmp(p + 2, ".2.", 3) == 0)
            p[1] = to;
    }
}

static loop_error *turn_file(const char *path, const char *into, size_t max, char from, char to)
{
    uint8_t *bytes;
    size_t len;
    LP_TRY(lp_os_read_file(path, max, &bytes, &len));
    turn((char *)bytes, len, from, to);
    loop_error *e = lp_os_write_atomic(into, bytes, len, 0644);
    free(bytes);
    return e;
}

/* The project's WIT with WASI renamed, in `to`. */
static loop_error *copy_wit(lp_build_job *j, const char *to)
{
    static const char *const none[] = {NULL}, *const wit_ends[] = {".wit", NULL};
    lp_build_inputs l = {0};
    loop_error *e = lp_build_inputs_add(&l, j->build->wit, j->build->wit, none, wit_ends);
    lp_os_remove_tree(to);
    for (size_t i = 0; !e && i < l.n; i++) {
        const char *name = l.at[i].path;
        const char *from = lp_build_text(j, "%s/%s", j->build->wit, name);
        const char *into = lp_build_text(j, "%s/%s", to, name);
        e = lp_os_make_dirs(lp_build_keep(j, lp_path_parent(into)));
        if (!e)
            e = turn_file(from, into, LP_MAX_WIT_BYTES, '0', '9');
    }
    lp_build_inputs_done(&l);
    return e;
}

/* ---- building ---- */

/* Not `npm ci`: that one insists on optional packages for systems that were never published. */
static loop_error *install_project(lp_build_job *j, const js_tools *t)
{
    const char *argv[] = {t->npm, "install", "--no-audit", "--no-fund", NULL};
    const lp_build_command c = {.argv = argv, .directory = t->project, .what = "npm install"};
    loop_error *e = lp_build_tool(j, &c);
    j->installed = true;
    return loop_error_code(e) == LOOP_INVALID
               ? loop_error_wrap(e, "cannot install what package.json names")
               : e;
}

static const char *entry(lp_build_job *j)
{
    const char *source = j->build->source;
    if (!lp_os_is_dir(source))
        return source;
    const char *main = package_value(j, source, "main", NULL);
    return lp_build_keep(j, lp_path_join(source, main ? main : "app.js"));
}

static loop_error *build(lp_build_job *j, void *tools)
{
    const js_tools *t = tools;
    const char *source = entry(j);
    if (!lp_os_exists(source))
        return loop_error_hint_set(
            loop_error_new(LOOP_NOT_FOUND, "there is no '%s'", lp_build_shown(j, source)),
            "'source' in loop.yaml names the main module, or package.json's \"main\" does");
    const char *wit = lp_build_text(j, "%s/wit", j->work);
    j->made = lp_build_text(j, "%s/new.wasm", j->work);
    if (t->npm)
        LP_TRY(install_project(j, t));
    if (!j->dry)
        LP_TRY(copy_wit(j, wit));
    char *out = NULL;
    const char *argv[] = {t->tool, "--wit",         wit,     "--world", j->build->world, "--js",
                          source,  "--module-root", j->root, "--sync",  "--output",      j->made,
                          NULL};
    const lp_build_command c = {.argv = argv, .what = TOOL, .ret_out = &out};
    loop_error *e = lp_build_tool(j, &c);
    free(out);
    if (e || j->dry)
        return e;
    return turn_file(j->made, j->made, LP_MAX_COMPONENT_BYTES, '9', '0');
}

static const char *const ends[] = {".js", ".mjs", ".json", NULL};
const lp_build_language lp_build_js = {"js", ends, find, build};
