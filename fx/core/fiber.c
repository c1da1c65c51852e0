/*
 * fx/core/fiber.c: the slab of fibers, their links, and how they go.
 *
 * An id is the row and how often the row was used before; a row whose count is used up is never
 * used again, so that no id ever names two fibers. A fiber that goes is out of the tree at once.
 * Its row stays, FIBER_DEAD, until its clean-ups were done (effects.c).
 */
#include <stdlib.h>

#include "fx/core/internal.h"

void *lp_fx_alloc(lp_fx *fx, size_t size)
{
    fx->bytes += size;
    return lp_alloc(size);
}

void lp_fx_free(lp_fx *fx, void *p, size_t size)
{
    if (p)
        fx->bytes -= size;
    free(p);
}

char *lp_fx_copy(lp_fx *fx, const char *p, size_t n)
{
    if (!n)
        return NULL;
    char *copy = lp_fx_alloc(fx, n);
    memcpy(copy, p, n);
    return copy;
}

struct held lp_fx_held(lp_fx *fx, const lp_fx_value *v)
{
    return (struct held){.type = lp_fx_name(fx, SPACE_TYPE, v->type),
                         .version = v->version,
                         .len = (uint32_t)v->bytes.len,
                         .ptr = lp_fx_copy(fx, v->bytes.ptr, v->bytes.len)};
}

void lp_fx_held_done(lp_fx *fx, struct held *h)
{
    lp_fx_name_unref(fx, h->type);
    lp_fx_free(fx, h->ptr, h->len);
}

uint32_t lp_fx_find(const lp_fx *fx, lp_fx_id id)
{
    uint32_t f = id & ID_MASK;
    if (!f || f >= fx->n_rows || lp_fx_id_of(fx, f) != id)
        return 0;
    const struct fiber *p = lp_fx_at(fx, f);
    return p->root && !(p->flags & FIBER_DEAD) ? f : 0;
}

static void add_chunk(lp_fx *fx)
{
    size_t size = CHUNK * sizeof(struct fiber) + LINE;
    char *block = lp_fx_alloc(fx, size);
    *lp_push(&fx->blocks) = block;
    block += LINE - (uintptr_t)block % LINE;
    fx->chunks = lp_realloc(fx->chunks, (fx->n_chunks + 1) * sizeof *fx->chunks);
    fx->chunks[fx->n_chunks++] = (struct fiber *)(void *)block;
    fx->bytes += sizeof *fx->chunks + sizeof *fx->blocks.at;
}

uint32_t lp_fx_row(lp_fx *fx)
{
    uint32_t f = fx->free;
    if (f) {
        fx->free = lp_fx_at(fx, f)->next;
        lp_fx_at(fx, f)->next = 0;
    } else if (fx->n_rows > LP_MAX_FX_FIBERS) {
        return 0;
    } else {
        if (fx->n_rows % CHUNK == 0) {
            fx->chunks = lp_realloc(fx->chunks, (fx->n_chunks + 1) * sizeof *fx->chunks);
            add_chunk(fx);
        }
        f = fx->n_rows++;
        if (f == 0)
            f = fx->n_rows++; /* 0 is none */
    }
    fx->live++;
    return f;
}

static void extra_free(lp_fx *fx, struct extra *x)
{
    if (!x)
        return;
    for (uint32_t i = 0; i < x->n_effects; i++)
        lp_fx_free(fx, x->effects[i].depends_on, x->effects[i].len);
    lp_fx_free(fx, x->effects, x->n_effects * sizeof *x->effects);
    lp_fx_free(fx, x->why, x->why ? strlen(x->why) + 1 : 0);
    lp_fx_name_unref(fx, x->name);
    lp_fx_free(fx, x, sizeof *x);
}

void lp_fx_row_free(lp_fx *fx, uint32_t f)
{
    struct fiber *p = lp_fx_at(fx, f);
    lp_fx_cells_done(fx, f);
    extra_free(fx, p->extra);
    if (p->props)
        lp_fx_free(fx, p->props,
                   sizeof *p->props + p->props->n * sizeof *p->props->callbacks + p->props->len);
    lp_fx_name_unref(fx, p->function);
    lp_fx_name_unref(fx, p->key);
    uint16_t generation = (uint16_t)(p->generation + 1);
    *p = (struct fiber){.generation = generation};
    fx->live--;
    if (generation < GENERATIONS) {
        p->next = fx->free;
        fx->free = f;
    }
}

struct extra *lp_fx_extra(lp_fx *fx, uint32_t f)
{
    struct fiber *p = lp_fx_at(fx, f);
    if (!p->extra)
        p->extra = lp_fx_alloc(fx, sizeof *p->extra);
    return p->extra;
}

void lp_fx_unlink(lp_fx *fx, uint32_t f)
{
    struct fiber *p = lp_fx_at(fx, f);
    if (p->prev)
        lp_fx_at(fx, p->prev)->next = p->next;
    else if (p->parent)
        lp_fx_at(fx, p->parent)->first = p->next;
    if (p->next)
        lp_fx_at(fx, p->next)->prev = p->prev;
    p->next = p->prev = 0;
}

uint32_t *lp_fx_mounted(lp_fx *fx, uint32_t component)
{
    while (fx->mounted.n <= component)
        (void)lp_push(&fx->mounted);
    return &fx->mounted.at[component];
}

/* Whose function returned it. */
static uint32_t returned_by(const lp_fx *fx, uint32_t f)
{
    const struct fiber *p;
    do
        p = lp_fx_at(fx, f = lp_fx_at(fx, f)->parent);
    while (p->role != LP_FX_CALL && p->role != ROLE_THEN && p->role != ROLE_ROOT);
    return p->component;
}

/* One fiber goes; its children have gone before. */
static void go(lp_fx *fx, uint32_t f)
{
    struct fiber *p = lp_fx_at(fx, f);
    lp_fx_not_due(fx, f);
    lp_fx_did(fx, LP_FX_DID_CANCEL, f, 0);
    fx->stats.cancels++;
    if (p->role != ROLE_ROOT)
        --*lp_fx_mounted(fx, returned_by(fx, f));
    bool waits = false;
    if (p->extra) {
        lp_fx_yields_done(fx, f);
        lp_fx_reads_done(fx, f);
        lp_fx_provider_done(fx, f);
        lp_fx_unplaced(fx, f);
        waits = lp_fx_effects_drop(fx, f);
    }
    if (!waits)
        lp_fx_row_free(fx, f);
    else
        p->flags |= FIBER_DEAD;
}

void lp_fx_drop(lp_fx *fx, uint32_t f)
{
    lp_fx_unlink(fx, f);
    uint32_t at = f;
    for (;;) {
        while (lp_fx_at(fx, at)->first)
            at = lp_fx_at(fx, at)->first;
        uint32_t next = lp_fx_at(fx, at)->next, up = lp_fx_at(fx, at)->parent;
        if (at == f) {
            go(fx, f);
            return;
        }
        lp_fx_at(fx, up)->first = next; /* it was the first one: the others have gone */
        if (next)
            lp_fx_at(fx, next)->prev = 0;
        go(fx, at);
        at = next ? next : up;
    }
}

void lp_fx_drop_children(lp_fx *fx, uint32_t f)
{
    for (uint32_t c; (c = lp_fx_at(fx, f)->first);)
        lp_fx_drop(fx, c);
}

void lp_fx_reset(lp_fx *fx, uint32_t f)
{
    lp_fx_drop_children(fx, f);
    struct extra *x = lp_fx_at(fx, f)->extra;
    lp_fx_cells_done(fx, f);
    if (!x)
        return;
    lp_fx_yields(fx, f, NULL, 0);
    lp_fx_effects(fx, f, NULL, 0);
    lp_fx_reads_done(fx, f);
}
