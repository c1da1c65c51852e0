/*
 * host/component.c: what a component is, and who would serve its imports.
 *
 * Inspection reads the component's own types and compares function by function
 * with what providers and the engine have: nothing is compiled or run.
 */
#include <stdlib.h>

#include "host/internal.h"

static loop_error *open_component(loop_host *h, const char *path, bool compile,
                                  loop_component **ret)
{
    lp_component *engine;
    loop_error *err = lp_component_open(h->engine, path, &engine);
    if (err)
        return err;
    err = compile ? lp_component_compile(engine) : NULL;
    if (err) {
        lp_component_delete(engine);
        return err;
    }
    loop_component *c = lp_alloc(sizeof *c);
    c->host = h;
    c->engine = engine;
    c->path = lp_strdup(path);
    *ret = c;
    return NULL;
}

loop_error *lp_component_read(loop_host *h, const char *path, loop_component **ret)
{
    LP_TRY(open_component(h, path, false, ret));
    (*ret)->kind = LOOP_COMPONENT_LIBRARY;
    return NULL;
}

void loop_component_delete(loop_component *c)
{
    if (!c || c->users-- > 0)
        return;
    loop_component_delete(c->other);
    lp_component_delete(c->engine);
    lp_arena_done(&c->arena);
    free(c->items.at);
    free(c->path);
    free(c);
}

const char *loop_component_path(const loop_component *c)
{
    return c->path;
}

/* ---- what it is ---- */

static loop_component_kind kind_of(const char *exported)
{
    char name[LP_MAX_NAME];
    lp_split_version(exported, name, sizeof name);
    if (strcmp(name, "wasi:cli/run") == 0)
        return LOOP_COMPONENT_COMMAND;
    if (strcmp(name, "loop:core/app") == 0)
        return LOOP_COMPONENT_APP;
    if (strcmp(name, "wasi:http/incoming-handler") == 0 || strcmp(name, "wasi:http/handler") == 0)
        return LOOP_COMPONENT_HTTP;
    return LOOP_COMPONENT_LIBRARY;
}

loop_component_kind loop_component_kind_of(const loop_component *c)
{
    return c->kind;
}

/* An app first, then a command: what loop can run wins. */
static void note_export(loop_component *c, const char *exported)
{
    loop_component_kind k = kind_of(exported);
    if (k == LOOP_COMPONENT_APP || (k == LOOP_COMPONENT_COMMAND && c->kind != LOOP_COMPONENT_APP) ||
        (k == LOOP_COMPONENT_HTTP && c->kind == LOOP_COMPONENT_LIBRARY))
        c->kind = k;
}

loop_error *lp_component_prepare(loop_component *c)
{
    const char *name;
    if (lp_component_is_compiled(c->engine))
        return NULL;
    LP_TRY(lp_component_compile(c->engine));
    for (size_t i = 0; (name = lp_component_export_at(c->engine, i)); i++)
        note_export(c, name);
    return NULL;
}

loop_error *loop_component_open(loop_host *h, const char *path, loop_component **ret)
{
    loop_component *c;
    LP_TRY(open_component(h, path, true, &c));
    c->kind = LOOP_COMPONENT_LIBRARY;
    const char *name;
    for (size_t i = 0; (name = lp_component_export_at(c->engine, i)); i++)
        note_export(c, name);
    *ret = c;
    return NULL;
}

/* ---- its stack ---- */

static uint64_t stack_of(const loop_component *c)
{
    return lp_component_stack(c->engine);
}

loop_error *lp_component_with_stack(loop_component *c, uint64_t stack, loop_component **ret)
{
    loop_component *last = c;
    for (loop_component *at = c; at; at = at->other) {
        last = at;
        if (stack_of(at) == stack) {
            *ret = at;
            return NULL;
        }
    }
    lp_engine *e;
    LP_TRY(lp_host_engine(c->host, stack, &e));
    lp_component *again = lp_component_again(c->engine, e);
    loop_error *err = lp_component_compile(again);
    if (err) {
        lp_component_delete(again);
        return err;
    }
    loop_component *other = lp_alloc(sizeof *other);
    other->host = c->host;
    other->engine = again;
    other->path = lp_strdup(c->path);
    other->kind = c->kind;
    last->other = *ret = other;
    return NULL;
}

/* ---- who serves it ---- */

static const char *keep_take(loop_component *c, char *text)
{
    const char *kept = lp_arena_strndup(&c->arena, text, strlen(text));
    free(text);
    return kept;
}

static void serve_by_engine(loop_component *c, loop_item *item)
{
    item->tier = LOOP_TIER_ENGINE;
    item->provider = "engine";
    item->served =
        item->kind != LOOP_ITEM_FUNCTION || lp_wasi_function(item->interface_name, item->function);
    if (!item->served)
        item->reason = keep_take(c, lp_format("the engine has no '%s'", item->function));
}

/* What every link says that has the function, but those that need nothing. */
static void add_needs(loop_component *c, const struct lp_chain *chain, size_t from, loop_item *item)
{
    loop_item_need *needs = lp_arena_alloc(&c->arena, chain->n * sizeof *needs);
    for (size_t n = from; n < chain->n; n++) {
        const struct lp_link *l = &chain->links[n];
        struct lp_served served = lp_find_function(chain, n, item->function);
        const loop_provider_need *need =
            l->side && served.function
                ? lp_need_of(l->provider->table, served.interface->name, item->function)
                : NULL;
        if (!need || need->need == LOOP_NEED_NOTHING)
            continue;
        char *name =
            need->name ? lp_format("%s.%s", l->provider->table->name, need->name) : lp_strdup("");
        needs[item->need_count++] =
            (loop_item_need){need->need, keep_take(c, name),
                             lp_arena_strndup(&c->arena, need->help, strlen(need->help))};
    }
    item->needs = needs;
}

static void serve_by_provider(loop_component *c, const lp_row *row, loop_item *item)
{
    struct lp_chain chain;
    const char *version;
    char *why = NULL;
    size_t link;
    if (lp_host_find(c->host, c->name, item->interface_name, &chain, &version, &why)) {
        item->tier = lp_chain_tier(&chain);
        item->provider = keep_take(c, lp_chain_text(&chain));
        why = row->kind == LP_ROW_FUNCTION
                  ? lp_why_not(&chain, row->interface_name, row->function, row->structure, &link)
                  : NULL;
        item->served = !why;
        if (why)
            item->reason = keep_take(c, why);
        else if (row->kind == LP_ROW_FUNCTION && link != SIZE_MAX)
            add_needs(c, &chain, link, item);
        return;
    }
    lp_auto(lp_free_string) char *near = lp_nearest_interface(c->host, item->interface_name);
    item->tier = LOOP_TIER_STUB;
    item->stubbed = lp_is_stubbed(item->interface_name);
    item->reason =
        keep_take(c, near ? lp_format("%s; the nearest is '%s'", why, near) : lp_strdup(why));
    free(why);
}

static void add_item(loop_component *c, const lp_row *row)
{
    loop_item *item = lp_push(&c->items);
    *item = (loop_item){
        .is_export = row->is_export,
        .kind = (loop_item_kind)row->kind,
        .interface_name = row->interface_name,
        .function = row->function,
        .signature = row->signature,
        .provider = "",
        .reason = "",
    };
    if (row->is_export) {
        note_export(c, *row->interface_name ? row->interface_name : row->function);
        return;
    }
    if (lp_wasi_interface(row->interface_name))
        serve_by_engine(c, item);
    else
        serve_by_provider(c, row, item);
}

static loop_error *make_items(loop_component *c)
{
    const lp_row *rows;
    size_t n;
    LP_TRY(lp_component_rows(c->engine, &rows, &n));
    for (size_t i = 0; i < n; i++)
        add_item(c, &rows[i]);
    c->items_made = true;
    return NULL;
}

loop_error *loop_component_describe(loop_host *h, const char *path, const char *name,
                                    loop_component **ret)
{
    loop_component *c;
    LP_TRY(open_component(h, path, false, &c));
    c->kind = LOOP_COMPONENT_LIBRARY;
    c->name = name ? lp_arena_strndup(&c->arena, name, strlen(name)) : NULL;
    loop_error *err = make_items(c);
    if (err) {
        loop_component_delete(c);
        return err;
    }
    *ret = c;
    return NULL;
}

const loop_item *loop_component_item_at(loop_component *c, size_t i)
{
    if (!c->items_made)
        loop_error_delete(make_items(c));
    return i < c->items.n ? &c->items.at[i] : NULL;
}
