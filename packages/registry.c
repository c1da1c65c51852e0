/*
 * packages/registry.c: asking registries and fetching from them, whatever kind they are: what is
 * noted, what is asked, what happens when one does not answer.
 *
 * A kind answers and delivers (registry_<kind>.c) and is not believed: releases are checked here,
 * bytes by the cache against their digest. What a registry of the network said is noted with its
 * age; while it is fresh, and when there is no network, notes are the answer. Offline, no kind that
 * is not on this machine is even opened.
 */
#include "packages/registry.h"

#include <stdlib.h>

#include "base/os/os.h"
#include "packages/index.h"
#include "packages/web.h"

/* ---- having them ---- */

const char *lp_registry_name(const lp_registry *r)
{
    return r->options.name;
}

const char *lp_registry_key(const lp_registry *r)
{
    return r->options.key;
}

loop_error *lp_registry_named(loop_packages *p, const char *name, lp_registry **ret)
{
    for (size_t i = 0; i < p->registries.n; i++) {
        if (strcmp(p->registries.at[i]->options.name, name) == 0) {
            *ret = p->registries.at[i];
            return NULL;
        }
    }
    lp_registry *r = lp_arena_alloc(&p->arena, sizeof *r);
    LP_TRY(lp_registry_find(p, name, r));
    r->p = p;
    r->options.config = p->options.config;
    r->options.cancelled = p->options.cancelled;
    r->options.data = p->options.data;
    *lp_push(&p->registries) = r;
    *ret = r;
    return NULL;
}

void lp_registries_close(loop_packages *p)
{
    for (size_t i = 0; i < p->registries.n; i++) {
        lp_registry *r = p->registries.at[i];
        if (r->self)
            r->kind->close(r->self);
    }
    free(p->registries.at);
    memset(&p->registries, 0, sizeof p->registries);
    loop_registries_delete(lp_take(&p->known));
}

static bool is_offline(const lp_registry *r)
{
    return r->p->options.offline && !r->kind->local;
}

loop_error *lp_registry_open(lp_registry *r)
{
    if (is_offline(r))
        return loop_error_hint_set(loop_error_new(LOOP_UNAVAILABLE,
                                                  "the registry '%s' is not asked: offline",
                                                  r->options.name),
                                   "without --offline it is asked");
    if (r->self)
        return NULL;
    loop_error *e = r->kind->open(&r->options, &r->self);
    return e ? loop_error_wrap(e, "cannot open the registry '%s'", r->options.name) : NULL;
}

/* ---- looking up ---- */

/* What is noted of a package; false: nothing that can be read. */
static bool noted(lp_registry *r, const char *name, lp_arena *arena, lp_package_info *ret,
                  uint64_t *ret_age)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    if (r->kind->local)
        return false;
    loop_error *e = lp_cache_noted(r->p->cache, r->options.key, name, &bytes, &n, ret_age);
    if (!e && bytes)
        e = lp_notes_read(arena, bytes, n, ret);
    bool ok = !e && bytes;
    loop_error_delete(e);
    free(bytes);
    return ok;
}

static loop_error *note(lp_registry *r, const char *name, const lp_package_info *info)
{
    if (r->kind->local)
        return NULL;
    lp_buf b = {0};
    lp_notes_write(&b, info);
    loop_error *e = lp_cache_note(r->p->cache, r->options.key, name, b.ptr, b.len);
    lp_buf_done(&b);
    return e;
}

/* What a kind said, before anybody believes it. */
static loop_error *check_info(const lp_registry *r, const char *name, const lp_package_info *info)
{
    if (info->count > LP_MAX_PACKAGE_VERSIONS)
        return loop_error_new(LOOP_LIMIT, "the registry '%s' has more than %d versions of '%s'",
                              r->options.name, LP_MAX_PACKAGE_VERSIONS, name);
    for (size_t i = 0; i < info->count; i++) {
        lp_auto(lp_free_string) char *wrong = lp_release_wrong(&info->releases[i]);
        if (wrong)
            return loop_error_new(LOOP_INVALID, "the registry '%s' says of '%s' %.64s: %s",
                                  r->options.name, name, info->releases[i].version, wrong);
    }
    if (info->tag && strlen(info->tag) > LP_MAX_REGISTRY_TAG)
        return loop_error_new(LOOP_LIMIT, "the registry '%s' has a tag that is too long",
                              r->options.name);
    return NULL;
}

/* One lookup of several packages. */
struct lookup {
    lp_registry *r;
    const char *const *names;
    size_t n;
    lp_arena *arena;
    lp_package_info *ret, *old; /* `old`: what was noted */
    bool *has_old;
    size_t *asked, asked_n; /* places of those that the registry is asked of */
};

/* One that is down is not waited for with each question; a host that runs for days asks again. */
static bool is_silent(const lp_registry *r)
{
    return r->silent_ns && lp_os_now_ns() - r->silent_ns < LP_REGISTRY_SILENT_S * 1000000000ull;
}

static void warn_silent(lp_registry *r, const loop_error *e)
{
    if (is_silent(r) || !r->p->options.warn)
        return;
    const loop_error *last = e;
    while (loop_error_cause(last))
        last = loop_error_cause(last);
    lp_auto(lp_free_string) char *text =
        lp_format("the registry '%s' does not answer (%s): what it said before counts",
                  r->options.name, loop_error_message(last));
    r->p->options.warn(r->p->options.data, text);
}

/* It does not answer: the notes count, where there are some of every package. Takes `e`. */
static loop_error *fall_back(struct lookup *l, loop_error *e)
{
    loop_code code = loop_error_code(e);
    bool down = code == LOOP_UNAVAILABLE || code == LOOP_TIMEOUT;
    for (size_t i = 0; down && i < l->asked_n; i++)
        down = l->has_old[l->asked[i]];
    if (!down)
        return loop_error_wrap(e, "cannot look into the registry '%s'", l->r->options.name);
    warn_silent(l->r, e);
    if (!is_silent(l->r))
        l->r->silent_ns = lp_os_now_ns();
    loop_error_delete(e);
    for (size_t i = 0; i < l->asked_n; i++)
        l->ret[l->asked[i]] = l->old[l->asked[i]];
    return NULL;
}

static loop_error *take_answer(struct lookup *l, size_t place, lp_package_info *info)
{
    const char *name = l->names[place];
    info->fresh_for_s = LP_MIN(info->fresh_for_s, LP_MAX_REGISTRY_FRESH_S);
    if (info->same && !l->has_old[place])
        return loop_error_new(LOOP_INVALID,
                              "the registry '%s' says that nothing is new of '%s', "
                              "which it was not asked",
                              l->r->options.name, name);
    if (info->same) {
        uint32_t fresh = info->fresh_for_s;
        *info = l->old[place];
        info->fresh_for_s = fresh;
    } else {
        LP_TRY(check_info(l->r, name, info));
    }
    l->ret[place] = *info;
    return note(l->r, name, info);
}

static loop_error *ask(struct lookup *l)
{
    lp_question *questions = lp_alloc((l->asked_n + 1) * sizeof *questions);
    lp_package_info *answers = lp_alloc((l->asked_n + 1) * sizeof *answers);
    for (size_t i = 0; i < l->asked_n; i++) {
        size_t place = l->asked[i];
        questions[i].name = l->names[place];
        if (l->has_old[place]) {
            questions[i].tag = l->old[place].tag;
            questions[i].known = l->old[place].releases;
            questions[i].known_count = l->old[place].count;
        }
    }
    loop_error *e = is_silent(l->r) ? loop_error_new(LOOP_UNAVAILABLE, "it did not answer before")
                                    : lp_registry_open(l->r);
    if (!e)
        e = l->r->kind->lookup(l->r->self, questions, l->asked_n, l->arena, answers);
    if (e)
        e = fall_back(l, e);
    else
        for (size_t i = 0; !e && i < l->asked_n; i++)
            e = take_answer(l, l->asked[i], &answers[i]);
    free(questions);
    free(answers);
    return e;
}

static loop_error *look_up(struct lookup *l, bool refresh)
{
    for (size_t i = 0; i < l->n; i++) {
        uint64_t age = 0;
        LP_TRY(lp_package_name_check(l->names[i]));
        l->has_old[i] = noted(l->r, l->names[i], l->arena, &l->old[i], &age);
        bool fresh = l->has_old[i] && !refresh && age < l->old[i].fresh_for_s;
        if (l->has_old[i] && (fresh || is_offline(l->r)))
            l->ret[i] = l->old[i];
        else if (is_offline(l->r))
            return loop_error_hint_set(
                loop_error_new(LOOP_UNAVAILABLE,
                               "nothing is known of '%s' without asking the registry '%s'",
                               l->names[i], l->r->options.name),
                "without --offline it is asked");
        else
            l->asked[l->asked_n++] = i;
    }
    return l->asked_n ? ask(l) : NULL;
}

loop_error *lp_registry_lookup(lp_registry *r, const char *const *names, size_t n, bool refresh,
                               lp_arena *arena, lp_package_info *ret)
{
    struct lookup l = {.r = r, .names = names, .n = n, .arena = arena, .ret = ret};
    l.old = lp_alloc((n + 1) * sizeof *l.old);
    l.has_old = lp_alloc((n + 1) * sizeof *l.has_old);
    l.asked = lp_alloc((n + 1) * sizeof *l.asked);
    loop_error *e = look_up(&l, refresh);
    free(l.old);
    free(l.has_old);
    free(l.asked);
    return e;
}

/* ---- publishing ---- */

loop_error *lp_registry_other_bytes(const char *name, const char *version, const char *digest)
{
    return loop_error_hint_set(loop_error_new(LOOP_DENIED,
                                              "%s %s is published with other bytes (%.80s)", name,
                                              version, digest ? digest : "no digest"),
                               "a version never changes: publish a new one");
}

struct pushing {
    lp_registry *r;
    const char *what;
    uint64_t done, total;
};

static void went(void *data, uint64_t n)
{
    struct pushing *x = data;
    x->done += n;
    const loop_packages_options *o = &x->r->p->options;
    if (o->progress)
        o->progress(o->data, &(loop_package_progress){x->what, x->r->options.name,
                                                      LP_MIN(x->done, x->total), x->total, true});
}

loop_error *lp_registry_push(lp_registry *r, lp_packed *package)
{
    const lp_manifest *m = lp_packed_manifest(package);
    if (!*m->name || !*m->version)
        return loop_error_new(LOOP_INVALID, "the package does not say its name and version");
    if (!r->kind->push)
        return loop_error_new(LOOP_UNAVAILABLE, "nothing can be published at the registry '%s'",
                              r->options.name);
    LP_TRY(lp_registry_open(r));
    lp_auto(lp_free_string) char *what = lp_format("%s %s", m->name, m->version);
    struct pushing x = {r, what, 0, m->size + m->config_size + m->len};
    loop_error *e =
        r->kind->push(r->self, m->name, m->version, package, &(lp_push_progress){went, &x});
    return e ? loop_error_wrap(e, "cannot publish %s at the registry '%s'", what, r->options.name)
             : NULL;
}
