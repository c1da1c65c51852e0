/*
 * host/nobody.c: an optional import that nobody serves, of a component that may load somebody who
 * does (loop:pkg/loader): a provider that is made from the import's own types and answers
 * `unavailable`, as a stub does, so that another one can be swapped in as for any import.
 *
 * One that has the same functions is used again. Interfaces whose functions take handles of other
 * interfaces have none: they stay what they are.
 */
#include <stdlib.h>

#include "engine/type_parse.h"
#include "host/internal.h"

struct nobody {
    loop_provider provider; /* first */
    lp_arena arena;
    loop_interface interface;
    const lp_plan **plans; /* one a function */
    loop_provider_interface sides[2];
    const char *why;
};

static loop_error *call_nobody(void *self, loop_call *call, const loop_interface *interface,
                               size_t row, const void *args, void *ret)
{
    (void)self, (void)call, (void)args;
    const struct nobody *n =
        (const struct nobody *)((const char *)interface - offsetof(struct nobody, interface));
    if (lp_unavailable(n->plans[row]->result, n->why, ret))
        return NULL;
    loop_error *err = loop_error_new(LOOP_UNAVAILABLE, "%s", n->why);
    return loop_error_hint_set(err, "ask loop:core/capabilities before calling an optional import");
}

static void drop_nothing(void *self, const loop_interface *interface, size_t resource, void *object)
{
    (void)self, (void)interface, (void)resource, (void)object;
}

static void end_nobody(void *data)
{
    struct nobody *n = data;
    lp_arena_done(&n->arena);
    free(n);
}

bool lp_is_nobody(const loop_provider *p)
{
    return p->call == call_nobody;
}

/* ---- making one ---- */

static bool is_own(const lp_node *n, const char *interface_name)
{
    if (!n || !n->handles)
        return true;
    if (n->kind == LP_OWN || n->kind == LP_BORROW)
        return strcmp(n->type->resource->interface_name, interface_name) == 0;
    size_t parts = n->kind == LP_LIST ? 1 : n->count;
    for (size_t p = 0; p < parts; p++)
        if (!is_own(n->parts[p], interface_name))
            return false;
    return true;
}

/* By the import's types as text, which the component may be gone before; false: not of such. */
static bool add_function(struct nobody *n, lp_resources *known, const lp_import *import,
                         loop_function *to, const lp_plan **ret_plan)
{
    lp_buf text = {0};
    char name[LP_MAX_NAME];
    const lp_signature *signature;
    if (!import->signature)
        return false;
    lp_split_version(import->interface_name, name, sizeof name);
    lp_signature_text(import->signature, &text);
    *to = (loop_function){.name = lp_arena_strndup(&n->arena, import->name, strlen(import->name)),
                          .type = lp_arena_strndup(&n->arena, text.ptr, text.len)};
    lp_buf_done(&text);
    loop_error *err = lp_signature_parse(&n->arena, known, lp_str_of(to->type), &signature);
    if (!err)
        err = lp_plan_new(&n->arena, signature, ret_plan);
    bool good = !err && is_own(&(*ret_plan)->params, name) && is_own((*ret_plan)->result, name);
    loop_error_delete(err);
    return good;
}

static bool fill(struct nobody *n, const loop_component *c, const char *full)
{
    const lp_import *import;
    size_t count = 0, nf = 0, nr = 0;
    while (lp_component_import_at(c->engine, count))
        count++;
    loop_function *functions = lp_arena_alloc(&n->arena, (count + 1) * sizeof *functions);
    loop_resource *resources = lp_arena_alloc(&n->arena, (count + 1) * sizeof *resources);
    n->plans = lp_arena_alloc(&n->arena, (count + 1) * sizeof(lp_plan *));
    lp_resources known = {0};
    bool good = true;
    for (size_t i = 0; good && (import = lp_component_import_at(c->engine, i)); i++) {
        if (strcmp(import->interface_name, full) != 0)
            continue;
        if (import->resource) {
            resources[nr++].name = lp_arena_strndup(&n->arena, import->name, strlen(import->name));
        } else {
            good = add_function(n, &known, import, &functions[nf], &n->plans[nf]);
            nf++;
        }
    }
    free(known.at);
    if (!good)
        return false;
    char name[LP_MAX_NAME];
    const char *version = lp_split_version(full, name, sizeof name);
    n->interface =
        (loop_interface){.abi = LOOP_ABI,
                         .name = lp_arena_strndup(&n->arena, name, strlen(name)),
                         .version = lp_arena_strndup(&n->arena, version, strlen(version)),
                         .functions = functions,
                         .resources = resources};
    return true;
}

static struct nobody *nobody_new(const loop_component *c, const char *full, const char *why)
{
    struct nobody *n = lp_alloc(sizeof *n);
    n->why = lp_arena_strndup(&n->arena, why, strlen(why));
    if (!fill(n, c, full)) {
        end_nobody(n);
        return NULL;
    }
    n->sides[0].interface = &n->interface;
    n->provider = (loop_provider){.abi = LOOP_PROVIDER_ABI,
                                  .name = "nobody",
                                  .summary = "answers that nobody is there",
                                  .interfaces = n->sides,
                                  .threads = LOOP_THREADS_ANY,
                                  .call = call_nobody,
                                  .drop = drop_nothing};
    return n;
}

/* ---- finding one ---- */

static bool same_texts(const char *a, const char *b)
{
    return (!a && !b) || (a && b && strcmp(a, b) == 0);
}

static bool same_interface(const loop_interface *a, const loop_interface *b)
{
    size_t f = 0, r = 0;
    while (a->functions[f].name && same_texts(a->functions[f].name, b->functions[f].name) &&
           same_texts(a->functions[f].type, b->functions[f].type))
        f++;
    while (a->resources[r].name && same_texts(a->resources[r].name, b->resources[r].name))
        r++;
    return !a->functions[f].name && !b->functions[f].name && !a->resources[r].name &&
           !b->resources[r].name && strcmp(a->name, b->name) == 0 &&
           strcmp(a->version, b->version) == 0;
}

/* The same as `n`, which serves; NULL. `finding` is held. */
static struct lp_provider *find_same(loop_host *h, const struct nobody *n)
{
    for (size_t i = 0; i < h->providers.n; i++) {
        struct lp_provider *p = h->providers.at[i];
        const struct nobody *there = (const struct nobody *)p->table;
        if (lp_is_nobody(p->table) && p->standing == LP_SERVES &&
            same_interface(&there->interface, &n->interface) && strcmp(there->why, n->why) == 0)
            return p;
    }
    return NULL;
}

bool lp_nobody_find(loop_host *h, const loop_component *c, const char *interface_name,
                    const char *why, struct lp_chain *ret)
{
    struct nobody *n = nobody_new(c, interface_name, why);
    struct lp_provider *p = NULL;
    if (!n)
        return false;
    lp_os_mutex_lock(h->finding);
    p = find_same(h, n);
    if (!p) {
        const lp_table_life life = {.end = end_nobody, .data = n};
        struct lp_table *t = lp_table_add_hidden(h, &n->provider, LOOP_TIER_STUB, &life);
        loop_error *err = lp_object_new(h, t, NULL, &p);
        loop_error_delete(err); /* it has no options that could be wrong */
        n = NULL;
    }
    loop_error *none = p ? lp_provider_open(p) : NULL;
    loop_error_delete(none);
    lp_os_mutex_unlock(h->finding);
    if (n)
        end_nobody(n);
    const struct nobody *found = (const struct nobody *)p->table;
    *ret = (struct lp_chain){
        .interface_name = found->interface.name, .links = {{p, found->sides}}, .n = 1};
    return true;
}
