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

/* The component that was granted a directory with `real` in it; NULL. */
static const char *granted_to(const loop_config *c, const char *real, bool readers)
{
    for (size_t i = 0; i < c->components.n; i++) {
        const lp_config_component *component = c->components.at[i];
        for (size_t k = 0; k < component->grants.n; k++) {
            const lp_config_grant *g = &component->grants.at[k];
            if (g->kind != LOOP_GRANT_DIR || g->deny || (g->read_only && !readers))
                continue;
            lp_auto(lp_free_string) char *whole = lp_path_join(c->root, g->text);
            lp_auto(lp_free_string) char *dir = lp_os_realpath(whole);
            if (dir && lp_path_inside(real, dir))
                return component->row.name;
        }
    }
    return NULL;
}

const char *lp_config_granted_to(const loop_config *c, const char *path)
{
    lp_auto(lp_free_string) char *whole = lp_path_join(c->root, path);
    lp_auto(lp_free_string) char *normal = lp_path_normal(whole);
    lp_auto(lp_free_string) char *real = normal ? lp_path_real(normal) : NULL;
    return real ? granted_to(c, real, true) : NULL;
}

/* A component that may write to a folder could put native code of its own there. */
static loop_error *check_writers(const loop_config *c, const char *what, const char *real)
{
    const char *name = granted_to(c, real, false);
    if (!name)
        return NULL;
    return loop_error_hint_set(
        loop_error_new(LOOP_DENIED, "the component '%s' may write to the %s '%s'", name, what,
                       real),
        "it could put native code of its own there: grant it another folder, or this one to read");
}

/* Takes `why`, which may be NULL. */
static loop_error *unsafe(const char *what, char *why)
{
    loop_error *e = why ? loop_error_new(LOOP_DENIED, "%s", why) : NULL;
    free(why);
    if (!e)
        return NULL;
    return loop_error_hint_set(e,
                               "what is %s belongs to you or to root, with every folder above it, "
                               "and nobody else can write there",
                               strcmp(what, "sidecar") == 0 ? "started" : "loaded");
}

/* Who may change the link `at`, which lies in `folder`, decides what is loaded. */
static loop_error *check_link(const loop_config *c, const char *what, const char *folder,
                              const char *at)
{
    LP_TRY(check_writers(c, what, at));
    return lp_path_inside(at, c->root) ? unsafe(what, lp_os_why_unsafe(folder)) : NULL;
}

/* Who looks at a link `at`, which lies in `folder`. */
typedef loop_error *link_check(const loop_config *c, const char *what, const char *folder,
                               const char *at);

/*
 * Each link on the way to `path` (absolute); the way as the system goes it, so that a link to a
 * link is seen, too. What is not there is looked at where it would be. Sets where it ends.
 */
static loop_error *check_links(const loop_config *c, const char *what, const char *path,
                               link_check *check, char **ret_end)
{
    lp_auto(lp_free_string) char *at = lp_strdup("/");
    lp_auto(lp_free_string) char *rest = lp_strdup(path);
    for (size_t links = 0; links <= LP_MAX_LINKS;) {
        const char *part = rest + strspn(rest, "/");
        size_t n = strcspn(part, "/");
        if (!n) {
            *ret_end = lp_take(&at);
            return NULL;
        }
        lp_auto(lp_free_string) char *name = lp_strndup(part, n);
        bool up = strcmp(name, "..") == 0;
        lp_auto(lp_free_string) char *next = up                       ? lp_path_parent(at)
                                             : strcmp(name, ".") == 0 ? lp_strdup(at)
                                                                      : lp_path_join(at, name);
        lp_auto(lp_free_string) char *to = lp_os_link(next);
        if (to) {
            links++;
            LP_TRY(check(c, what, at, next));
        }
        char *left = lp_format("%s%s", to ? to : "", part + n);
        free(rest);
        rest = left;
        if (!to || to[0] == '/') {
            free(at);
            at = to ? lp_strdup("/") : lp_take(&next);
        }
    }
    return loop_error_new(LOOP_DENIED, "more than %d links on the way to the %s '%s'", LP_MAX_LINKS,
                          what, path);
}

/* Each link on the way, and what is at its end. */
static loop_error *check_way(const loop_config *c, const char *what, const char *path)
{
    lp_auto(lp_free_string) char *end = NULL;
    LP_TRY(check_links(c, what, path, check_link, &end));
    return check_writers(c, what, end);
}

/* The user's own directory may lie wherever; a link to it that a component may have made does not
   say what the user meant. */
static loop_error *check_planted(const loop_config *c, const char *what, const char *folder,
                                 const char *at)
{
    const char *name = granted_to(c, at, false);
    (void)folder;
    if (!name)
        return NULL;
    lp_auto(lp_free_string) char *to = lp_os_realpath(at);
    return loop_error_hint_set(
        loop_error_new(LOOP_DENIED,
                       "'%s', on the way to the %s, is a link that the component '%s' may have "
                       "made",
                       at, what, name),
        "it leads to '%s': name that, if it is what you mean", to ? to : "nothing");
}

loop_error *loop_config_dir_check(const loop_config *c, const char *path)
{
    lp_auto(lp_free_string) char *cwd = lp_os_cwd(), *end = NULL;
    lp_auto(lp_free_string) char *whole = cwd ? lp_path_join(cwd, path) : lp_strdup(path);
    return check_links(c, "directory", whole, check_planted, &end);
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
    return check_way(c, "library", path);
}

loop_error *lp_config_sidecar_check(const loop_config *c, const char *const *command)
{
    /* `./weather`, `node weather.js`, `python3 -u weather.py`: up to the first file of the
       workspace, which is what runs. */
    for (size_t i = 0; command[i]; i++) {
        bool by_path = i == 0 && !strchr(command[i], '/'), option = i && command[i][0] == '-';
        lp_auto(lp_free_string) char *whole = lp_path_join(c->root, command[i]);
        lp_auto(lp_free_string) char *real = lp_os_realpath(whole);
        if (by_path || option || (real ? lp_os_is_dir(real) : !strchr(command[i], '/')))
            continue;
        LP_TRY(check_way(c, "sidecar", whole));
        if (real && lp_path_inside(real, c->root))
            return unsafe("sidecar", lp_os_why_unsafe(real));
    }
    return NULL;
}
