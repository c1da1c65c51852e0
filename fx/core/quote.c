/*
 * fx/core/quote.c: places. A fiber has a parent, whose it is, and a place, where it counts.
 *
 * They differ for the children of a quote, which are placed at the outlet of another root, and of
 * an unquote, which are placed where the quote stands. Life and failures follow the parent;
 * contexts, gathers and depth follow the place. The outlet of a root is the element of that role
 * in its own tree, not in what is quoted into it, and the root itself where there is none. When
 * the outlet changes, what was there is cancelled, and whoever quoted it runs again.
 */
#include "fx/core/internal.h"

uint32_t lp_fx_up(const lp_fx *fx, uint32_t f)
{
    uint32_t parent = lp_fx_at(fx, f)->parent;
    if (!parent)
        return 0;
    const struct fiber *p = lp_fx_at(fx, parent);
    if ((p->role == LP_FX_QUOTE || p->role == LP_FX_UNQUOTE) && p->extra && p->extra->place)
        return p->extra->place;
    return parent;
}

uint32_t lp_fx_root_named(lp_fx *fx, uint32_t name)
{
    for (size_t i = 0; i < fx->roots.n; i++)
        if (lp_fx_at(fx, fx->roots.at[i])->extra->name == name)
            return fx->roots.at[i];
    return 0;
}

static uint32_t outlet_of(lp_fx *fx, uint32_t name)
{
    uint32_t root = lp_fx_root_named(fx, name);
    uint32_t outlet = root ? lp_fx_at(fx, root)->extra->outlet : 0;
    return outlet ? outlet : root;
}

static void enter(lp_fx *fx, uint32_t quote, uint32_t place)
{
    struct extra *x = lp_fx_extra(fx, quote);
    x->place = place;
    x->serial = ++fx->serial;
    if (!place)
        return;
    struct extra *p = lp_fx_extra(fx, place);
    x->p_prev = 0;
    x->p_next = p->p_first;
    if (p->p_first)
        lp_fx_at(fx, p->p_first)->extra->p_prev = quote;
    p->p_first = quote;
}

static void leave(lp_fx *fx, uint32_t quote)
{
    struct extra *x = lp_fx_at(fx, quote)->extra;
    if (!x->place)
        return;
    if (x->p_prev)
        lp_fx_at(fx, x->p_prev)->extra->p_next = x->p_next;
    else
        lp_fx_at(fx, x->place)->extra->p_first = x->p_next;
    if (x->p_next)
        lp_fx_at(fx, x->p_next)->extra->p_prev = x->p_prev;
    x->place = x->p_next = x->p_prev = 0;
}

/* What is placed here goes; those who quoted it run again. */
static void evict(lp_fx *fx, uint32_t place)
{
    struct extra *x = lp_fx_at(fx, place)->extra;
    while (x && x->p_first) {
        uint32_t quote = x->p_first;
        lp_fx_drop_children(fx, quote);
        leave(fx, quote);
        uint32_t owner = lp_fx_at(fx, quote)->parent;
        while (owner && lp_fx_at(fx, owner)->role != LP_FX_CALL &&
               lp_fx_at(fx, owner)->role != ROLE_THEN)
            owner = lp_fx_at(fx, owner)->parent;
        if (owner)
            lp_fx_due(fx, owner, LP_FX_PROPERTIES);
    }
}

/* The quote that an unquote undoes; 0 where there is none. */
static uint32_t quote_of(const lp_fx *fx, uint32_t f)
{
    uint32_t deep = 1;
    for (f = lp_fx_at(fx, f)->parent; f; f = lp_fx_at(fx, f)->parent) {
        uint8_t role = lp_fx_at(fx, f)->role;
        if (role == LP_FX_UNQUOTE)
            deep++;
        else if (role == LP_FX_QUOTE && --deep == 0)
            return f;
    }
    return 0;
}

static void outlet_placed(lp_fx *fx, uint32_t f)
{
    for (uint32_t up = lp_fx_at(fx, f)->parent; up; up = lp_fx_at(fx, up)->parent)
        if (lp_fx_at(fx, up)->role == LP_FX_QUOTE)
            return;
    struct extra *root = lp_fx_at(fx, lp_fx_at(fx, f)->root)->extra;
    if (root->outlet)
        return; /* the first one counts */
    root->outlet = f;
    lp_fx_extra(fx, f); /* it has a part to play: when it goes, lp_fx_unplaced is told */
    evict(fx, lp_fx_at(fx, f)->root);
}

void lp_fx_placed(lp_fx *fx, uint32_t f)
{
    struct fiber *p = lp_fx_at(fx, f);
    if (p->role == LP_FX_OUTLET)
        outlet_placed(fx, f);
    if (p->role == LP_FX_UNQUOTE) {
        struct extra *x = lp_fx_extra(fx, f);
        x->place = quote_of(fx, f);
        x->serial = ++fx->serial;
    }
    if (p->role != LP_FX_QUOTE)
        return;
    uint32_t place = outlet_of(fx, p->function);
    if (p->extra && p->extra->place == place)
        return;
    if (p->extra) {
        lp_fx_drop_children(fx, f);
        leave(fx, f);
    }
    enter(fx, f, place);
}

void lp_fx_unplaced(lp_fx *fx, uint32_t f)
{
    struct fiber *p = lp_fx_at(fx, f);
    if (p->role == LP_FX_QUOTE)
        leave(fx, f);
    if (p->role == LP_FX_OUTLET && lp_fx_at(fx, p->root)->extra->outlet == f)
        lp_fx_at(fx, p->root)->extra->outlet = 0;
    if (p->role == LP_FX_OUTLET || p->role == ROLE_ROOT)
        evict(fx, f);
    if (p->role == ROLE_ROOT)
        for (size_t i = 0; i < fx->roots.n; i++)
            if (fx->roots.at[i] == f) {
                memmove(&fx->roots.at[i], &fx->roots.at[i + 1],
                        (--fx->roots.n - i) * sizeof *fx->roots.at);
                break;
            }
}
