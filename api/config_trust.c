/*
 * api/config_trust.c: what loop.yaml asks for that only a trusted workspace gets.
 *
 * What it asks for is told from its text alone, so that `loop trust` shows what a reader of the
 * file would see; where a path really leads is looked at when it is used.
 */
#include <stdlib.h>

#include "api/config.h"
#include "base/os/os.h"
#include "base/path.h"

void lp_config_ask(loop_config *c, loop_ask_kind kind, const char *what, const char *text,
                   loop_origin origin)
{
    loop_ask *ask = lp_push(&c->asks);
    *ask = (loop_ask){kind, lp_config_keep(c, text), lp_config_keep(c, what), origin};
}

const loop_ask *loop_config_ask_at(const loop_config *c, size_t i)
{
    return i < c->asks.n ? &c->asks.at[i] : NULL;
}

bool lp_config_leads_out(const loop_config *c, const char *path)
{
    lp_auto(lp_free_string) char *whole = lp_path_join(c->root, path);
    lp_auto(lp_free_string) char *normal = lp_path_normal(whole);
    return !normal || !lp_path_inside(normal, c->root);
}

loop_error *loop_config_trust(const loop_config *c)
{
    return c->file ? loop_trust_check(c->file, c->digest) : NULL;
}

loop_error *loop_config_trust_give(const loop_config *c)
{
    if (!c->file)
        return loop_error_new(LOOP_NOT_FOUND, "there is no loop.yaml to trust");
    return loop_trust_give(c->file, c->digest);
}

/* ---- where native code may lie ---- */

/* A component that may write to a folder could put native code of its own there. */
static loop_error *check_writers(const loop_config *c, const char *what, const char *real)
{
    for (size_t i = 0; i < c->components.n; i++) {
        const lp_config_component *component = c->components.at[i];
        for (size_t k = 0; k < component->grants.n; k++) {
            const lp_config_grant *g = &component->grants.at[k];
            if (g->kind != LOOP_GRANT_DIR || g->deny || g->read_only)
                continue;
            lp_auto(lp_free_string) char *whole = lp_path_join(c->root, g->text);
            lp_auto(lp_free_string) char *dir = lp_os_realpath(whole);
            if (dir && lp_path_inside(real, dir))
                return loop_error_hint_set(
                    loop_error_new(LOOP_DENIED, "the component '%s' may write to the %s '%s'",
                                   component->row.name, what, real),
                    "it could put native code of its own there: grant it another folder, or this "
                    "one to read");
        }
    }
    return NULL;
}

loop_error *lp_config_library_check(const loop_config *c, const char *path)
{
    lp_auto(lp_free_string) char *real = lp_os_realpath(path);
    if (!real)
        return loop_error_hint_set(loop_error_new(LOOP_NOT_FOUND, "there is no library '%s'", path),
                                   "build it; its path starts from the folder of loop.yaml");
    bool inside = lp_path_inside(path, c->root);
    if (inside ? !lp_path_inside(real, c->root) : strcmp(real, path) != 0)
        return loop_error_hint_set(
            loop_error_new(LOOP_DENIED, "the library '%s' is a link to '%s'", path, real),
            "name the library itself: what was trusted is what loop.yaml says");
    return check_writers(c, "library", real);
}

loop_error *lp_config_sidecar_check(const loop_config *c, const char *const *command)
{
    /* `./weather`, or `node weather.js`: the first of the two that lies in the workspace. */
    for (size_t i = 0; i < 2 && command[i]; i++) {
        if (i == 0 && !strchr(command[i], '/'))
            continue; /* found by PATH */
        lp_auto(lp_free_string) char *whole = lp_path_join(c->root, command[i]);
        lp_auto(lp_free_string) char *real = lp_os_realpath(whole);
        if (!real || lp_os_is_dir(real) || !lp_path_inside(real, c->root))
            continue;
        lp_auto(lp_free_string) char *why = lp_os_why_unsafe(real);
        if (why)
            return loop_error_hint_set(
                loop_error_new(LOOP_DENIED, "%s", why),
                "what is started belongs to you or to root, with every folder above it, and "
                "nobody else can write there");
        return check_writers(c, "sidecar", real);
    }
    return NULL;
}
