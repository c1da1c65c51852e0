/*
 * builder/lang_python.c: Python: componentize-py, which makes bindings and component in one.
 *
 * The project's own (.venv), else the one that loop's set-up installed, else PATH's. The module
 * is `source`, a file, or app.py in it; beside its folder, loop-sdk is where it looks for others.
 */
#include <stdlib.h>

#include "base/path.h"
#include "builder/internal.h"

#define TOOL "componentize-py"

static loop_error *find(lp_build_job *j, const char **ret_identity, void **ret_tools)
{
    const char *cache = j->run->place->cache;
    const char *tool = lp_build_in(j, j->root, ".venv/bin/" TOOL);
    if (!tool && cache)
        tool = lp_build_in(j, cache, "venv/bin/" TOOL);
    if (!tool)
        tool = lp_build_on_path(j, TOOL);
    if (!tool)
        return loop_error_hint_set(
            loop_error_new(LOOP_UNAVAILABLE,
                           "there is no " TOOL ", which makes components of Python"),
            "in the project: python3 -m venv .venv && .venv/bin/pip install " TOOL
            "; or in loop's sources: tools/setup/more-sdks.sh");
    *ret_tools = (void *)tool;
    return lp_build_version(j, tool, "--version", NULL, ret_identity);
}

static loop_error *build(lp_build_job *j, void *tools)
{
    const char *source = j->build->source;
    if (lp_os_is_dir(source))
        source = lp_build_keep(j, lp_path_join(source, "app.py"));
    const char *name = strrchr(source, '/') + 1;
    size_t n = strlen(name);
    if (!lp_os_exists(source) || n < 4 || strcmp(name + n - 3, ".py") != 0)
        return loop_error_hint_set(
            loop_error_new(LOOP_NOT_FOUND, "there is no module '%s'", lp_build_shown(j, source)),
            "'source' in loop.yaml names the main module, or a folder with app.py");
    const char *module = lp_build_text(j, "%.*s", (int)n - 3, name);
    j->made = lp_build_text(j, "%s/new.wasm", j->work);
    char *out = NULL;
    lp_build_words w = {0};
    const char *words[] = {tools,
                           "-d",
                           j->build->wit,
                           "-w",
                           j->build->world,
                           "componentize",
                           module,
                           "-p",
                           lp_build_keep(j, lp_path_parent(source))};
    for (size_t i = 0; i < LP_COUNT(words); i++)
        lp_build_word(&w, words[i]);
    if (j->sdk) {
        lp_build_word(&w, "-p");
        lp_build_word(&w, j->sdk);
    }
    lp_build_word(&w, "-o");
    lp_build_word(&w, j->made);
    const lp_build_command c = {.argv = w.at, .what = TOOL, .ret_out = &out};
    loop_error *e = lp_build_tool(j, &c);
    lp_build_words_free(&w);
    free(out);
    return e;
}

static const char *const ends[] = {".py", NULL};
const lp_build_language lp_build_python = {"python", ends, find, build};
