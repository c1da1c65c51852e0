/*
 * host/tables.c: the tables of providers that a host has: added, found, made anew, gone.
 *
 * One that is linked in stays as long as its host. One of a library or a sidecar has a life
 * (hooks.h): a swap makes another of the same source while the old one is in use, and what
 * nothing uses any more is ended. So there are two lists: `tables`, which are found by name, in
 * the order that decides who serves what is not bound; and `retired`, which only their objects
 * and the swap that made them know.
 *
 * Both belong to `finding`. What runs foreign code (renew, end) runs without it. Who makes, drops
 * and publishes tables while instances run is one thread, that of host/swap.c.
 */
#include <stdlib.h>

#include "host/internal.h"

bool lp_is_interceptor(const loop_provider *p)
{
    return !p->interfaces || !p->interfaces[0].interface;
}

/* ---- adding and finding ---- */

static struct lp_table *table_new(const loop_provider *table, loop_tier tier,
                                  const lp_table_life *life)
{
    struct lp_table *t = lp_alloc(sizeof *t);
    *t = (struct lp_table){.table = table, .tier = tier};
    if (life)
        t->life = *life;
    return t;
}

static loop_error *taken(const char *name)
{
    return loop_error_new(LOOP_INVALID, "there is a provider '%s' already", name);
}

loop_error *lp_host_provider_add(loop_host *h, const loop_provider *table, loop_tier tier,
                                 const lp_table_life *life)
{
    LP_TRY(lp_table_check(table));
    lp_os_mutex_lock(h->finding); /* a provider on another thread may look for a peer */
    bool is_taken = lp_find_table(h, table->name) != NULL;
    if (!is_taken)
        *lp_push(&h->tables) = table_new(table, tier, life);
    lp_os_mutex_unlock(h->finding);
    return is_taken ? taken(table->name) : NULL;
}

struct lp_table *lp_table_add_hidden(loop_host *h, const loop_provider *table, loop_tier tier,
                                     const lp_table_life *life)
{
    struct lp_table *t = table_new(table, tier, life);
    t->retired = true;
    return *lp_push(&h->retired) = t;
}

void lp_table_hide(loop_host *h, struct lp_table *t)
{
    size_t kept = 0;
    for (size_t i = 0; i < h->tables.n; i++)
        if (h->tables.at[i] != t)
            h->tables.at[kept++] = h->tables.at[i];
    if (kept == h->tables.n)
        return;
    h->tables.n = kept;
    t->retired = true;
    *lp_push(&h->retired) = t;
}

loop_error *loop_host_provider_add(loop_host *h, const loop_provider *table)
{
    return lp_host_provider_add(h, table, LOOP_TIER_BUILTIN, NULL);
}

const loop_provider *loop_host_provider_at(const loop_host *h, size_t i)
{
    lp_os_mutex_lock(h->finding);
    const loop_provider *p = i < h->tables.n ? h->tables.at[i]->table : NULL;
    lp_os_mutex_unlock(h->finding);
    return p;
}

struct lp_table *lp_find_table(const loop_host *h, const char *name)
{
    for (size_t i = 0; i < h->tables.n; i++)
        if (strcmp(h->tables.at[i]->table->name, name) == 0)
            return h->tables.at[i];
    return NULL;
}

static const char *keep_name(loop_host *h, const char *name)
{
    for (size_t i = 0; i < h->names.n; i++)
        if (strcmp(h->names.at[i], name) == 0)
            return h->names.at[i];
    return *lp_push(&h->names) = lp_strdup(name);
}

const char *lp_host_name(loop_host *h, const char *name)
{
    lp_os_mutex_lock(h->finding);
    const char *kept = keep_name(h, name);
    lp_os_mutex_unlock(h->finding);
    return kept;
}

const char *lp_host_which(loop_host *h,
                          bool (*is)(const void *data, const loop_provider *p,
                                     const lp_table_life *life),
                          const void *data)
{
    const char *name = NULL;
    lp_os_mutex_lock(h->finding);
    for (size_t i = 0; i < h->tables.n && !name; i++) {
        const struct lp_table *t = h->tables.at[i];
        if (is(data, t->table, &t->life))
            name = keep_name(h, t->table->name);
    }
    lp_os_mutex_unlock(h->finding);
    return name;
}

/* ---- coming and going ---- */

static void end(const struct lp_table_life *life)
{
    if (life->end)
        life->end(life->data);
}

loop_error *lp_table_renew(loop_host *h, struct lp_table *t, struct lp_table **ret)
{
    lp_table_life life = t->life;
    const loop_provider *table = t->table;
    if (life.renew)
        LP_TRY(life.renew(t->life.data, &table, &life.data));
    if (table == t->table) {
        *ret = t;
        return NULL;
    }
    loop_error *err = lp_table_check(table);
    lp_os_mutex_lock(h->finding);
    const struct lp_table *named = err ? NULL : lp_find_table(h, table->name);
    if (named && named != t)
        err = taken(table->name);
    if (!err) {
        struct lp_table *new = table_new(table, t->tier, &life);
        new->retired = true;
        *lp_push(&h->retired) = new;
        *ret = new;
    }
    lp_os_mutex_unlock(h->finding);
    if (err)
        end(&life);
    return err;
}

static size_t place_of(struct lp_table *const *list, size_t n, const struct lp_table *t)
{
    size_t i = 0;
    while (i < n && list[i] != t)
        i++;
    return i;
}

void lp_table_publish(loop_host *h, struct lp_table *old, struct lp_table *new)
{
    size_t from = place_of(h->retired.at, h->retired.n, new);
    size_t to = place_of(h->tables.at, h->tables.n, old);
    if (from == h->retired.n || to == h->tables.n)
        return;
    h->retired.at[from] = old;
    h->tables.at[to] = new;
    old->retired = true;
    new->retired = false;
}

bool lp_table_drop(loop_host *h, struct lp_table *t)
{
    lp_os_mutex_lock(h->finding);
    size_t i = place_of(h->retired.at, h->retired.n, t);
    bool gone = i < h->retired.n && !t->users;
    if (gone)
        h->retired.at[i] = h->retired.at[--h->retired.n];
    lp_os_mutex_unlock(h->finding);
    if (!gone)
        return false;
    end(&t->life);
    free(t);
    return true;
}

/* The last one first. */
static void end_all(struct lp_table **list, size_t n)
{
    while (n-- > 0) {
        end(&list[n]->life);
        free(list[n]);
    }
    free(list);
}

void lp_tables_done(loop_host *h)
{
    end_all(h->retired.at, h->retired.n);
    end_all(h->tables.at, h->tables.n);
    for (size_t i = 0; i < h->names.n; i++)
        free(h->names.at[i]);
    free(h->names.at);
}
