/*
 * builder/find.c: finding the programs of a toolchain.
 *
 * What a project brings comes first, then what loop's own set-up unpacked into the user's
 * cache, then PATH. Each language says what it takes and how to get it (lang_*.c).
 */
#include <stdlib.h>

#include "base/os/process.h"
#include "base/path.h"
#include "builder/internal.h"

const char *lp_build_text(lp_build_job *j, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text = lp_vformat(fmt, ap);
    va_end(ap);
    return lp_build_keep(j, text);
}

const char *lp_build_keep(lp_build_job *j, char *taken)
{
    const char *kept = taken ? lp_arena_strndup(&j->arena, taken, strlen(taken)) : NULL;
    free(taken);
    return kept;
}

const char *lp_build_shown(const lp_build_job *j, const char *path)
{
    if (path[0] != '/' || !lp_path_inside(path, j->root))
        return path;
    const char *below = lp_path_below(path, j->root);
    return *below ? below : ".";
}

const char *lp_build_snake(lp_build_job *j, const char *name)
{
    char *snake = lp_arena_strndup(&j->arena, name, strlen(name));
    for (char *p = snake; *p; p++)
        if (*p == '-')
            *p = '_';
    return snake;
}

const char *lp_build_on_path(lp_build_job *j, const char *name)
{
    return lp_build_keep(j, lp_os_find_program(name, j->root));
}

const char *lp_build_in(lp_build_job *j, const char *folder, const char *name)
{
    return folder ? lp_build_keep(j, lp_os_find_program(lp_build_text(j, "./%s", name), folder))
                  : NULL;
}

loop_error *lp_build_version(lp_build_job *j, const char *program, const char *flag,
                             const char *const *env, const char **ret)
{
    char *out;
    const char *argv[] = {program, flag, NULL};
    const lp_build_command c = {.argv = argv, .env = env, .ask = true, .ret_out = &out};
    loop_error *e = lp_build_tool(j, &c);
    if (e)
        return loop_error_wrap(e, "'%s %s' does not say which it is", program, flag);
    j->said.len = 0; /* what it said beside is of no interest */
    out[strcspn(out, "\n")] = 0;
    *ret = lp_build_keep(j, out);
    return NULL;
}

const char *lp_build_setting(lp_build_job *j, const char *file, const char *name)
{
    uint8_t *bytes;
    size_t len;
    loop_error *e = lp_os_read_file(file, LP_MAX_CONFIG_BYTES, &bytes, &len);
    if (e) {
        loop_error_delete(e);
        return NULL;
    }
    lp_auto(lp_free_string) char *text = (char *)bytes;
    lp_auto(lp_free_string) char *head = lp_format("%s='", name);
    for (char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        if (!lp_starts_with(line, head))
            continue;
        const char *value = line + strlen(head);
        return lp_build_text(j, "%.*s", (int)strcspn(value, "'\n"), value);
    }
    return NULL;
}

loop_error *lp_build_bindings(lp_build_job *j, const char *language)
{
    const char *snake = lp_build_snake(j, j->build->world);
    const char *words[] = {
        "bindgen", language,      lp_build_text(j, "%s=%s", j->build->world, snake),
        j->gen,    j->build->wit, NULL};
    return lp_build_wit(j, "writing bindings", words, NULL);
}
