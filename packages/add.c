/*
 * packages/add.c: loop_packages_add and _remove: loop.yaml changed in place, and loop.lock with it.
 *
 * All is found out before anything is written: the new loop.yaml is made in memory, read as a
 * configuration, and what it asks for is chosen and fetched. Then loop.lock is written, which may
 * have more than loop.yaml asks for without harm, and loop.yaml last.
 *
 * Trust. A loop.yaml that was trusted is known by its digest, which an edit changes. The edit keeps
 * it trusted when the bytes before it were trusted, the bytes after it are exactly those that were
 * made here, and both ask for the same of what takes trust (libraries, sidecars, folders outside),
 * text by text: the person has seen all of that, and has just ordered the rest, a component in a
 * sandbox. It is never given to what had none, and nothing else in the file can have changed, since
 * the edit was compared with the tree before (edit.c).
 */
#include <stdlib.h>

#include "base/path.h"
#include "base/yaml.h"
#include "loop/trust.h"
#include "packages/install.h"

/* An edit of loop.yaml: before, and after. */
typedef struct change {
    const char *file; /* as it was found */
    char *shown;
    char *target; /* what is written: where a link leads */
    uint8_t *before;
    size_t before_len;
    char *after;
    loop_config *was, *will; /* as they would be read */
} change;

static loop_error *read_as(const char *file, const char *text, size_t len, loop_config **ret)
{
    return loop_config_load(&(loop_config_sources){.file = file, .text = text, .text_len = len},
                            ret);
}

static loop_error *open_change(change *c, loop_packages *p, const char *command)
{
    const char *file = p->options.config ? loop_config_file(p->options.config) : NULL;
    *c = (change){.file = file};
    if (!file)
        return loop_error_hint_set(
            loop_error_new(LOOP_USAGE, "there is no loop.yaml here"),
            "make one with the line 'loop: 1', or run a package without one: `loop %s`", command);
    c->shown = lp_plan_shown(file);
    c->target = lp_os_realpath(file);
    if (!c->target)
        return loop_error_new(LOOP_NOT_FOUND, "cannot read '%s'", c->shown);
    LP_TRY(lp_yaml_bytes(file, c->shown, &c->before, &c->before_len));
    return read_as(file, (const char *)c->before, c->before_len, &c->was);
}

static void close_change(change *c)
{
    free(c->shown);
    free(c->target);
    free(c->before);
    free(c->after);
    loop_config_delete(c->was);
    loop_config_delete(c->will);
}

/* Whether both ask for the same of what only a trusted workspace gets. */
static bool same_asks(const loop_config *a, const loop_config *b)
{
    for (size_t i = 0;; i++) {
        const loop_ask *x = loop_config_ask_at(a, i), *y = loop_config_ask_at(b, i);
        if (!x || !y)
            return !x && !y;
        if (x->kind != y->kind || strcmp(x->text, y->text) != 0 || strcmp(x->what, y->what) != 0)
            return false;
    }
}

/* What came meanwhile may have taken long: what a person has saved since then is not written over.
 */
static loop_error *check_same(const change *c)
{
    uint8_t *now;
    size_t n;
    LP_TRY(lp_yaml_bytes(c->file, c->shown, &now, &n));
    bool same = n == c->before_len && (!n || memcmp(now, c->before, n) == 0);
    free(now);
    if (same)
        return NULL;
    return loop_error_hint_set(
        loop_error_new(LOOP_CONFIG, "'%s' was changed meanwhile, and stays as it is", c->shown),
        "run the same command again");
}

static loop_error *write_change(const change *c)
{
    LP_TRY(check_same(c));
    char before[LOOP_DIGEST_TEXT], after[LOOP_DIGEST_TEXT];
    loop_trust_digest(c->before, c->before_len, before);
    loop_trust_digest(c->after, strlen(c->after), after);
    loop_error *no = loop_trust_check(c->file, before);
    bool trusted = !no && same_asks(c->was, c->will);
    loop_error_delete(no);
    loop_error *e =
        lp_os_write_atomic(c->target, c->after, strlen(c->after), lp_os_mode(c->target, 0644));
    if (e)
        return loop_error_wrap(e, "cannot write '%s'", c->shown);
    if (trusted) /* where it cannot be recorded, `loop trust` is asked for again */
        loop_error_delete(loop_trust_give(c->file, after));
    return NULL;
}

/* ---- adding ---- */

typedef struct adding {
    loop_packages *p;
    const char *name, *range;
    bool any; /* no range was named */
    const char *component;
    lp_arena arena;
    change change;
} adding;

/* "acme:ui@^1.2.0" for the newest that is to be had; the workspace's own choice where it has one.
 */
static loop_error *choose_range(adding *a, char **ret)
{
    lp_plan plan;
    LP_TRY(lp_plan_open(&plan, a->p, a->change.was, false));
    bool local = lp_plan_override(a->change.was, a->name) != NULL;
    *lp_push(&plan.wishes) = (lp_requirement){a->name, a->range};
    loop_error *e = local ? NULL : lp_plan_choose(&plan, LOOP_INSTALL_LOCKED);
    const char *version = NULL;
    for (size_t i = 0; !e && i < plan.chosen_n; i++)
        if (strcmp(plan.chosen[i].name, a->name) == 0)
            version = plan.chosen[i].release->version;
    if (!e)
        *ret = version ? lp_format("%s@^%.*s", a->name, (int)strcspn(version, "+"), version)
                       : lp_strdup(a->name);
    lp_plan_close(&plan);
    return e;
}

/* What is after the colon, unless somebody has chosen. */
static const char *component_name(const adding *a)
{
    return a->component ? a->component : strchr(a->name, ':') + 1;
}

static loop_error *add(adding *a, const char *wish, loop_package_list *list)
{
    lp_auto(lp_free_string) char *whole = NULL;
    LP_TRY(open_change(&a->change, a->p, "run acme:notes"));
    LP_TRY(lp_package_wish_parse(&a->arena, wish, &a->name, &a->range));
    if (strchr(wish, '@'))
        whole = lp_strdup(wish);
    else
        LP_TRY(choose_range(a, &whole));
    change *c = &a->change;
    LP_TRY(lp_edit_add(c->shown, (const char *)c->before, c->before_len, component_name(a), whole,
                       &c->after));
    LP_TRY(read_as(c->file, c->after, strlen(c->after), &c->will));
    lp_plan plan;
    LP_TRY(lp_plan_open(&plan, a->p, c->will, false));
    loop_error *e = lp_plan_choose(&plan, LOOP_INSTALL_LOCKED);
    if (!e)
        e = lp_plan_bring(&plan, list);
    lp_plan_add_overridden(&plan, list);
    if (!e)
        e = lp_plan_write(&plan);
    if (!e)
        e = write_change(c);
    lp_plan_close(&plan);
    return e;
}

/* `plan` only holds the workspace: what it read may be old by the time it does. */
static loop_error *hold(loop_packages *p, lp_plan *plan)
{
    return lp_plan_open(plan, p, p->options.config, true);
}

loop_error *loop_packages_add(loop_packages *p, const char *wish, const char *component,
                              loop_package_list **ret)
{
    adding a = {.p = p, .component = component};
    lp_plan held;
    if (!loop_package_is_wish(wish))
        return loop_error_hint_set(
            loop_error_new(LOOP_USAGE, "'%.80s' is no name of a package", wish),
            "write 'acme:ui' or 'acme:ui@^1.2'; a file is named in loop.yaml, with 'path'");
    LP_TRY(hold(p, &held));
    loop_package_list *list = lp_package_list_new();
    loop_error *e = add(&a, wish, list);
    close_change(&a.change);
    lp_arena_done(&a.arena);
    lp_plan_close(&held);
    if (e)
        loop_package_list_delete(list);
    else
        *ret = list;
    return e;
}

/* ---- removing ---- */

/* loop.lock without what nobody asks for any more; as it is where that cannot be told offline. */
static loop_error *prune(loop_packages *p, const loop_config *config)
{
    lp_plan plan;
    bool offline = p->options.offline;
    LP_TRY(lp_plan_open(&plan, p, config, false));
    p->options.offline = true;
    loop_error *e = lp_plan_choose(&plan, LOOP_INSTALL_FROZEN);
    p->options.offline = offline;
    bool known = !e;
    loop_error_delete(e);
    e = known ? lp_plan_write(&plan) : NULL;
    lp_plan_close(&plan);
    return e;
}

static loop_error *take_out(loop_packages *p, change *c, const char *component)
{
    LP_TRY(open_change(c, p, "run"));
    const loop_component_config *row = loop_config_component(c->was, component);
    if (row && !row->package)
        return loop_error_hint_set(
            loop_error_new(LOOP_USAGE, "the component '%s' is not from a package", component),
            "it is yours: take it out of '%s' yourself", c->shown);
    LP_TRY(lp_edit_remove(c->shown, (const char *)c->before, c->before_len, component, &c->after));
    loop_error *e = read_as(c->file, c->after, strlen(c->after), &c->will);
    if (e)
        return loop_error_hint_set(
            loop_error_wrap(e, "without '%s', '%s' would be wrong", component, c->shown),
            "something else in the file names it: change that first");
    LP_TRY(write_change(c));
    return prune(p, c->will);
}

loop_error *loop_packages_remove(loop_packages *p, const char *component)
{
    change c;
    lp_plan held;
    LP_TRY(hold(p, &held));
    loop_error *e = take_out(p, &c, component);
    close_change(&c);
    lp_plan_close(&held);
    return e;
}
