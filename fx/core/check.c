/*
 * fx/core/check.c: what a guest answered, before anything changes.
 *
 * Every row is looked at once: a table whose rows are named twice could stand for a tree of any
 * size, and is refused. Keys are interned on the way, for reconcile.c.
 */
#include <stdlib.h>

#include "fx/core/internal.h"

static bool within(lp_fx_span s, size_t n)
{
    return s.first <= n && s.count <= n - s.first;
}

const char *lp_fx_forest(lp_fx *fx, const lp_fx_table *t, struct forest *ret)
{
    *ret = (struct forest){.table = t};
    if (t->n_elements > LP_MAX_FX_ELEMENTS || t->n_children > LP_MAX_FX_ELEMENTS)
        return "the table has too many elements";
    ret->n = t->n_elements;
    ret->keys = lp_arena_alloc(&fx->scratch, ret->n * sizeof *ret->keys);
    ret->used = lp_arena_alloc(&fx->scratch, ret->n);
    return NULL;
}

void lp_fx_forest_done(lp_fx *fx, struct forest *t)
{
    for (uint32_t i = 0; i < t->n; i++)
        lp_fx_name_unref(fx, t->keys[i]);
}

static const char *check_role(lp_fx *fx, const lp_fx_element *e, bool owned)
{
    switch (e->role) {
    case LP_FX_CALL:
        if (e->children.count)
            return "a call has children";
        if (e->component >= SPACE_TYPE)
            return "a component has an impossible number";
        /* fall through */
    case LP_FX_PROVIDE: return e->function.len ? NULL : "a function or a context has no name";
    case LP_FX_QUOTE: {
        uint32_t name = lp_fx_name_find(fx, SPACE_CONTEXT, e->function);
        if (!owned)
            return "a root's own table quotes";
        return name && lp_fx_root_named(fx, name) ? NULL : "a quote names no root that is mounted";
    }
    case LP_FX_GATHER: return owned ? NULL : "a root's own table gathers";
    case LP_FX_BOUNDARY:
    case LP_FX_GROUP:
    case LP_FX_UNQUOTE:
    case LP_FX_DETACH:
    case LP_FX_OUTLET: return NULL;
    default: return "an element has no such role";
    }
}

static const char *check_row(lp_fx *fx, struct forest *t, uint32_t row, bool owned)
{
    const lp_fx_element *e = &t->table->elements[row];
    if (t->used[row])
        return "a row is named twice";
    t->used[row] = 1;
    if (e->function.len > LP_MAX_FX_NAME || e->key.len > LP_MAX_FX_KEY)
        return "a name or a key is too long";
    if (!within(e->properties, t->table->bytes.len) ||
        !within(e->callbacks, t->table->n_callbacks) || !within(e->children, t->table->n_children))
        return "a span leaves its list";
    if (e->properties.count > LP_MAX_FX_PROPERTIES || e->callbacks.count > LP_MAX_FX_CALLBACKS)
        return "an element has too long properties or too many callbacks";
    if (e->children.count > LP_MAX_FX_CHILDREN)
        return "an element has too many children";
    t->keys[row] = lp_fx_name(fx, SPACE_KEY, e->key);
    return check_role(fx, e, owned);
}

/* The rows that `row` names, all of them together. */
static const char *check_children(lp_fx *fx, struct forest *t, uint32_t row, bool owned)
{
    const lp_fx_element *e = &t->table->elements[row];
    bool fallback = false;
    uint32_t mark = ++fx->mark;
    for (uint32_t i = 0; i < e->children.count; i++) {
        uint32_t child = t->table->children[e->children.first + i];
        if (child <= row || child >= t->n)
            return "a child is no row that comes after its parent";
        const char *why = check_row(fx, t, child, owned);
        if (why)
            return why;
        uint32_t key = t->keys[child];
        if (key && fx->names[key].mark == mark)
            return "two children have one key";
        if (key)
            fx->names[key].mark = mark;
        fallback |= child == e->argument && t->table->elements[child].role == LP_FX_CALL;
    }
    return e->role == LP_FX_BOUNDARY && !fallback ? "a boundary's fallback is no call among its "
                                                    "children"
                                                  : NULL;
}

struct level {
    uint32_t row, depth;
};

const char *lp_fx_check_tree(lp_fx *fx, struct forest *t, uint32_t row, uint32_t f, bool owned)
{
    if (row >= t->n)
        return "the root is no row of the table";
    const char *why = check_row(fx, t, row, owned);
    LIST(struct level) todo = {0};
    uint32_t count = 1, depth = lp_fx_at(fx, f)->depth + 1u;
    *lp_push(&todo) = (struct level){row, depth};
    while (!why && todo.n) {
        struct level at = todo.at[--todo.n];
        const lp_fx_element *e = &t->table->elements[at.row];
        if (at.depth + 2 >= LP_MAX_FX_DEPTH)
            why = "the tree is too deep";
        else
            why = check_children(fx, t, at.row, owned);
        if (why)
            break;
        count += e->children.count + (e->role == LP_FX_GATHER);
        for (uint32_t i = 0; i < e->children.count; i++) {
            uint32_t child = t->table->children[e->children.first + i];
            if (t->table->elements[child].role != LP_FX_CALL)
                *lp_push(&todo) = (struct level){child, at.depth + 1};
            else if (at.depth + 3 >= LP_MAX_FX_DEPTH)
                why = "the tree is too deep";
        }
    }
    free(todo.at);
    uint32_t most = fx->options.max_fibers, own = fx->options.max_mounted;
    uint32_t mounted = *lp_fx_mounted(fx, lp_fx_at(fx, f)->component);
    if (!why && count > most - LP_MIN(most, fx->live))
        why = "there are too many fibers";
    if (!why && count > own - LP_MIN(own, mounted))
        why = "the component has mounted too many fibers";
    return why;
}

static const char *check_cells(const lp_fx *fx, const lp_fx_answer *a, lp_fx_span s, uint32_t f)
{
    uint32_t has, kept;
    lp_fx_cells(fx, f, &has, &kept);
    uint64_t n = has + (uint64_t)s.count, bytes = kept;
    if (n > LP_MAX_FX_CELLS)
        return "a fiber has too many cells";
    for (uint32_t i = 0; i < s.count; i++) {
        const lp_fx_value *v = &a->new_cells[s.first + i];
        bytes += v->bytes.len;
        if (v->type.len > LP_MAX_FX_NAME || bytes > LP_MAX_FX_STATE)
            return "the state of a fiber is too large";
    }
    return NULL;
}

static const char *check_effects(lp_fx *fx, const lp_fx_answer *a, lp_fx_span s)
{
    if (s.count > LP_MAX_FX_EFFECTS)
        return "a fiber has too many effects";
    for (uint32_t i = 0; i < s.count; i++) {
        if (a->effects[s.first + i].depends_on.len > LP_MAX_FX_PROPERTIES)
            return "what an effect depends on is too long";
        for (uint32_t j = 0; j < i; j++)
            if (a->effects[s.first + i].slot == a->effects[s.first + j].slot)
                return "two effects have one slot";
    }
    return NULL;
}

static const char *check_yields(const lp_fx_answer *a, lp_fx_span s)
{
    uint64_t bytes = 0;
    if (s.count > LP_MAX_FX_YIELDS)
        return "a fiber yields too many values";
    for (uint32_t i = 0; i < s.count; i++) {
        const lp_fx_value *v = &a->yields[s.first + i];
        bytes += v->bytes.len;
        if (v->type.len > LP_MAX_FX_NAME || bytes > LP_MAX_FX_YIELDED)
            return "a fiber yields too much";
    }
    return NULL;
}

const char *lp_fx_check_output(lp_fx *fx, const lp_fx_answer *a, struct forest *t,
                               const lp_fx_output *o, uint32_t f)
{
    if (!within(o->new_cells, a->n_new_cells) || !within(o->reads, a->n_reads) ||
        !within(o->effects, a->n_effects) || !within(o->yields, a->n_yields))
        return "a span leaves its list";
    if (o->reads.count > LP_MAX_FX_READS)
        return "a function reads too many contexts";
    for (uint32_t i = 0; i < o->reads.count; i++)
        if (a->reads[o->reads.first + i].len > LP_MAX_FX_NAME)
            return "a context's name is too long";
    const char *why = check_cells(fx, a, o->new_cells, f);
    if (!why)
        why = check_effects(fx, a, o->effects);
    if (!why)
        why = check_yields(a, o->yields);
    if (!why && o->has_root)
        why = lp_fx_check_tree(fx, t, o->root, f, true);
    return why;
}
