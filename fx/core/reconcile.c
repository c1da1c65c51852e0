/*
 * fx/core/reconcile.c: elements onto the fibers that are there.
 *
 * An element is matched with the child of the same parent, role, component, function and key;
 * without a key, with the one at the same place. What has no match is mounted, what is left over
 * is cancelled, and what has equal properties is left alone. It takes as long as the parent has
 * children, and children that stand as before are compared one by one without looking for them.
 */
#include <stdlib.h>

#include "fx/core/internal.h"

struct step { /* a parent whose children are due */
    uint32_t fiber, row;
};

struct matching {
    lp_fx *fx;
    const struct forest *forest;
    uint32_t component, owner; /* of whoever returned the table */
    LIST(struct step) todo;
};

static const lp_fx_element *element(const struct matching *m, uint32_t row)
{
    return &m->forest->table->elements[row];
}

static uint32_t component_of(const struct matching *m, const lp_fx_element *e)
{
    return e->role != LP_FX_CALL ? 0 : e->component ? e->component : m->component;
}

static bool is_same(const struct matching *m, uint32_t f, uint32_t row, uint32_t order,
                    bool dormant)
{
    const struct fiber *p = lp_fx_at(m->fx, f);
    const lp_fx_element *e = element(m, row);
    if (p->role != e->role || p->key != m->forest->keys[row] || (!p->key && p->order != order) ||
        p->component != component_of(m, e) || !(p->flags & FIBER_DORMANT) == dormant)
        return false;
    bool named = e->role == LP_FX_CALL || e->role == LP_FX_PROVIDE || e->role == LP_FX_QUOTE;
    return !named || lp_str_eq(lp_fx_name_text(m->fx, p->function), e->function);
}

static bool same_props(const struct matching *m, const struct props *p, const lp_fx_element *e)
{
    if (!p)
        return !e->properties.count && !e->callbacks.count;
    if (p->len != e->properties.count || p->n != e->callbacks.count)
        return false;
    if (p->n && memcmp(p->callbacks, m->forest->table->callbacks + e->callbacks.first,
                       p->n * sizeof *p->callbacks) != 0)
        return false;
    return !p->len || memcmp((const char *)(p->callbacks + p->n),
                             m->forest->table->bytes.ptr + e->properties.first, p->len) == 0;
}

static void set_props(struct matching *m, struct fiber *p, const lp_fx_element *e)
{
    if (p->props)
        lp_fx_free(m->fx, p->props,
                   sizeof *p->props + p->props->n * sizeof *p->props->callbacks + p->props->len);
    p->props = NULL;
    if (!e->properties.count && !e->callbacks.count)
        return;
    size_t callbacks = e->callbacks.count * sizeof *p->props->callbacks;
    p->props = lp_fx_alloc(m->fx, sizeof *p->props + callbacks + e->properties.count);
    p->props->len = e->properties.count;
    p->props->n = e->callbacks.count;
    if (callbacks)
        memcpy(p->props->callbacks, m->forest->table->callbacks + e->callbacks.first, callbacks);
    if (p->props->len)
        memcpy((char *)p->props->callbacks + callbacks,
               m->forest->table->bytes.ptr + e->properties.first, p->props->len);
}

static uint32_t depth_below(lp_fx *fx, uint32_t parent)
{
    const struct fiber *p = lp_fx_at(fx, parent);
    uint32_t depth = p->depth;
    if (p->role == LP_FX_QUOTE && p->extra->place)
        depth = LP_MAX(depth, lp_fx_at(fx, p->extra->place)->depth);
    return LP_MIN(depth + 1u, LP_MAX_FX_DEPTH - 1u);
}

static void mount_then(struct matching *m, uint32_t gather)
{
    lp_fx *fx = m->fx;
    uint32_t f = lp_fx_row(fx);
    struct fiber *p = lp_fx_at(fx, f), *g = lp_fx_at(fx, gather), *owner = lp_fx_at(fx, m->owner);
    p->role = ROLE_THEN;
    p->parent = gather;
    p->root = g->root;
    p->depth = (uint16_t)depth_below(fx, gather);
    p->component = owner->component;
    p->function = owner->function;
    p->order = UINT32_MAX;
    lp_fx_name_ref(fx, p->function);
    ++*lp_fx_mounted(fx, p->component);
    g->first = f; /* it has no children yet; this one stays the last */
    struct extra *x = lp_fx_extra(fx, gather);
    x->then = f;
    lp_fx_extra(fx, f)->owner = x->owner = m->owner;
    fx->stats.mounts++;
    lp_fx_did(fx, LP_FX_DID_MOUNT, f, lp_fx_id_of(fx, gather));
    lp_fx_gather_dirty(fx, gather, LP_FX_MOUNTED);
}

static uint32_t function_of(struct matching *m, const lp_fx_element *e, uint32_t component,
                            uint32_t before)
{
    uint32_t space = e->role == LP_FX_CALL ? component : SPACE_CONTEXT;
    if (e->role != LP_FX_CALL && e->role != LP_FX_PROVIDE && e->role != LP_FX_QUOTE)
        return 0;
    const struct fiber *b = before ? lp_fx_at(m->fx, before) : NULL;
    if (b && b->role == e->role && b->component == component &&
        lp_str_eq(lp_fx_name_text(m->fx, b->function), e->function)) {
        lp_fx_name_ref(m->fx, b->function);
        return b->function;
    }
    return lp_fx_name(m->fx, space, e->function);
}

static uint32_t mount(struct matching *m, uint32_t parent, uint32_t row, uint32_t before,
                      bool dormant)
{
    lp_fx *fx = m->fx;
    const lp_fx_element *e = element(m, row);
    uint32_t f = lp_fx_row(fx); /* check.c has counted */
    struct fiber *p = lp_fx_at(fx, f);
    p->role = (uint8_t)e->role;
    p->parent = parent;
    p->root = lp_fx_at(fx, parent)->root;
    p->depth = (uint16_t)depth_below(fx, parent);
    p->argument = e->argument;
    p->component = component_of(m, e);
    ++*lp_fx_mounted(fx, m->component);
    p->function = function_of(m, e, p->component, before);
    p->key = m->forest->keys[row];
    p->flags = dormant ? FIBER_DORMANT : 0;
    lp_fx_name_ref(fx, p->key);
    set_props(m, p, e);
    fx->stats.mounts++;
    lp_fx_did(fx, LP_FX_DID_MOUNT, f, lp_fx_id_of(fx, parent));
    lp_fx_placed(fx, f);
    if (p->role == LP_FX_CALL)
        lp_fx_due(fx, f, LP_FX_MOUNTED);
    if (p->role == LP_FX_GATHER)
        mount_then(m, f);
    return f;
}

static void update(struct matching *m, uint32_t f, uint32_t row)
{
    lp_fx *fx = m->fx;
    struct fiber *p = lp_fx_at(fx, f);
    const lp_fx_element *e = element(m, row);
    p->argument = e->argument;
    if (p->flags & FIBER_FAILED) { /* whoever returned it tries again */
        lp_fx_drop_children(fx, f);
        p->flags &= (uint16_t)~FIBER_FAILED;
    }
    if (p->role == LP_FX_QUOTE)
        lp_fx_placed(fx, f);
    if (p->role == LP_FX_GATHER)
        lp_fx_gather_dirty(fx, f, LP_FX_PROPERTIES);
    if (same_props(m, p->props, e))
        return;
    set_props(m, p, e);
    lp_fx_did(fx, LP_FX_DID_UPDATE, f, 0);
    if (p->role == LP_FX_CALL)
        lp_fx_due(fx, f, LP_FX_PROPERTIES);
    if (p->role == LP_FX_PROVIDE)
        lp_fx_provided(fx, f);
}

/* The end of those children that elements stand for. */
static bool is_end(const lp_fx *fx, uint32_t f)
{
    return !f || lp_fx_at(fx, f)->role == ROLE_THEN;
}

/* Which of the old ones, from `first` on, each row is; 0 where it is new. What is left is dropped.
 */
static void look_up(struct matching *m, uint32_t first, uint32_t skip, const uint32_t *rows,
                    uint32_t n, uint32_t fallback, uint32_t *ret)
{
    lp_fx *fx = m->fx;
    uint32_t count = 0, last = 0, mark = ++fx->mark;
    for (uint32_t f = first; !is_end(fx, f); f = lp_fx_at(fx, f)->next)
        last = lp_fx_at(fx, f)->order, count++;
    uint32_t places = count ? last + 1 : 0;
    uint32_t *at = lp_arena_alloc(&fx->scratch, places * sizeof *at);
    uint32_t *all = lp_arena_alloc(&fx->scratch, count * sizeof *all);
    count = 0;
    for (uint32_t f = first; !is_end(fx, f); f = lp_fx_at(fx, f)->next) {
        const struct fiber *p = lp_fx_at(fx, f);
        all[count++] = f;
        if (p->key)
            fx->names[p->key].mark = mark, fx->names[p->key].at = f;
        else
            at[p->order] = f;
    }
    for (uint32_t i = skip; i < n; i++) {
        uint32_t key = m->forest->keys[rows[i]];
        uint32_t f = key          ? (fx->names[key].mark == mark ? fx->names[key].at : 0)
                     : i < places ? at[i]
                                  : 0;
        ret[i] = f && is_same(m, f, rows[i], i, rows[i] == fallback) ? f : 0;
        if (ret[i])
            lp_fx_at(fx, f)->flags |= FIBER_TAKEN;
    }
    for (uint32_t i = 0; i < count; i++)
        if (lp_fx_at(fx, all[i])->flags & FIBER_TAKEN)
            lp_fx_at(fx, all[i])->flags &= (uint16_t)~FIBER_TAKEN;
        else
            lp_fx_drop(fx, all[i]);
}

/* Tells of as few moves as there can be: of all but a longest run that keeps its order. */
static void tell_moves(struct matching *m, const uint32_t *fibers, uint32_t skip, uint32_t n)
{
    lp_fx *fx = m->fx;
    uint32_t *tails = lp_arena_alloc(&fx->scratch, (n + 1) * sizeof *tails), length = 0;
    uint32_t *back = lp_arena_alloc(&fx->scratch, (n + 1) * sizeof *back);
    uint8_t *stays = lp_arena_alloc(&fx->scratch, n + 1);
    for (uint32_t i = skip; i < n; i++) {
        if (!fibers[i])
            continue;
        uint32_t order = lp_fx_at(fx, fibers[i])->order, low = 0, high = length;
        while (low < high) {
            uint32_t middle = (low + high) / 2;
            if (lp_fx_at(fx, fibers[tails[middle]])->order < order)
                low = middle + 1;
            else
                high = middle;
        }
        back[i] = low ? tails[low - 1] + 1 : 0;
        tails[low] = i;
        length = LP_MAX(length, low + 1);
    }
    for (uint32_t i = length ? tails[length - 1] + 1 : 0; i; i = back[i - 1])
        stays[i - 1] = 1;
    for (uint32_t i = skip; i < n; i++)
        if (fibers[i] && !stays[i])
            lp_fx_did(fx, LP_FX_DID_MOVE, fibers[i], i);
}

/* Puts the children of `parent` from place `skip` on into the order of `fibers`. */
static void relink(lp_fx *fx, uint32_t parent, uint32_t before, uint32_t then,
                   const uint32_t *fibers, uint32_t skip, uint32_t n)
{
    for (uint32_t i = skip; i <= n; i++) {
        uint32_t f = i < n ? fibers[i] : then;
        if (before)
            lp_fx_at(fx, before)->next = f;
        else
            lp_fx_at(fx, parent)->first = f;
        if (!f)
            return;
        lp_fx_at(fx, f)->prev = before;
        if (i < n)
            lp_fx_at(fx, f)->order = i;
        before = f;
    }
}

static void children(struct matching *m, uint32_t parent, const uint32_t *rows, uint32_t n,
                     uint32_t fallback)
{
    lp_fx *fx = m->fx;
    uint32_t f = lp_fx_at(fx, parent)->first, before = 0, i = 0;
    for (; i < n && !is_end(fx, f) && is_same(m, f, rows[i], i, rows[i] == fallback); i++) {
        lp_fx_at(fx, f)->order = i;
        update(m, f, rows[i]);
        if (element(m, rows[i])->role != LP_FX_CALL)
            *lp_push(&m->todo) = (struct step){f, rows[i]};
        before = f;
        f = lp_fx_at(fx, f)->next;
    }
    if (i == n && is_end(fx, f))
        return;
    uint32_t skip = i, *fibers = lp_arena_alloc(&fx->scratch, (n + 1) * sizeof *fibers);
    bool had = !is_end(fx, f);
    if (had)
        look_up(m, f, skip, rows, n, fallback, fibers);
    if (had && fx->tracing)
        tell_moves(m, fibers, skip, n);
    struct extra *x = lp_fx_at(fx, parent)->extra;
    uint32_t then = x && lp_fx_at(fx, parent)->role == LP_FX_GATHER ? x->then : 0;
    for (i = skip; i < n; i++) {
        if (fibers[i])
            update(m, fibers[i], rows[i]);
        else
            fibers[i] = mount(m, parent, rows[i], i ? (i > skip ? fibers[i - 1] : before) : 0,
                              rows[i] == fallback);
        if (element(m, rows[i])->role != LP_FX_CALL)
            *lp_push(&m->todo) = (struct step){fibers[i], rows[i]};
    }
    relink(fx, parent, before, then, fibers, skip, n);
    if (had && n > skip)
        lp_fx_reordered(fx, fibers[skip]);
}

void lp_fx_reconcile(lp_fx *fx, uint32_t f, const struct forest *t, bool has, uint32_t row)
{
    struct matching m = {
        .fx = fx, .forest = t, .component = lp_fx_at(fx, f)->component, .owner = f};
    children(&m, f, &row, has ? 1 : 0, UINT32_MAX);
    while (m.todo.n) {
        struct step at = m.todo.at[--m.todo.n];
        const lp_fx_element *e = element(&m, at.row);
        children(&m, at.fiber, t->table->children + e->children.first, e->children.count,
                 e->role == LP_FX_BOUNDARY ? e->argument : UINT32_MAX);
    }
    free(m.todo.at);
}
