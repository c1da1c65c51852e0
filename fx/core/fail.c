/*
 * fx/core/fail.c: a fiber failed; the nearest boundary above, by who returned what, contains it.
 *
 * What is below the boundary goes, with its clean-ups, but for detached scopes; the fallback,
 * which has been mounted without running, runs and can read why as a context. A detach contains
 * with nothing in its place. Both try again when the function that returned them runs again. What
 * nobody contains ends its root's tree.
 */
#include "fx/core/internal.h"

static void keep_why(lp_fx *fx, uint32_t f, lp_str why)
{
    struct extra *x = lp_fx_extra(fx, f);
    size_t n = LP_MIN(why.len, (size_t)LP_MAX_FX_WHY);
    lp_fx_free(fx, x->why, x->why ? strlen(x->why) + 1 : 0);
    x->why = lp_fx_alloc(fx, n + 1);
    for (size_t i = 0; i < n; i++) /* a text, whatever it was */
        x->why[i] = why.ptr[i] ? why.ptr[i] : ' ';
}

static uint32_t boundary_of(const lp_fx *fx, uint32_t f)
{
    uint32_t at = lp_fx_at(fx, f)->parent;
    for (; at; at = lp_fx_at(fx, at)->parent) {
        const struct fiber *p = lp_fx_at(fx, at);
        if (p->role == ROLE_ROOT ||
            ((p->role == LP_FX_BOUNDARY || p->role == LP_FX_DETACH) && !(p->flags & FIBER_FAILED)))
            return at;
    }
    return 0;
}

static void clear(lp_fx *fx, uint32_t boundary)
{
    bool holds = lp_fx_at(fx, boundary)->role == LP_FX_BOUNDARY;
    for (uint32_t c = lp_fx_at(fx, boundary)->first, next; c; c = next) {
        struct fiber *p = lp_fx_at(fx, c);
        next = p->next;
        if (p->flags & FIBER_DORMANT) {
            p->flags &= (uint16_t)~FIBER_DORMANT;
            lp_fx_due(fx, c, LP_FX_MOUNTED);
        } else if (!holds || p->role != LP_FX_DETACH) {
            lp_fx_drop(fx, c);
        }
    }
}

void lp_fx_failed(lp_fx *fx, uint32_t f, lp_str why)
{
    uint32_t boundary = boundary_of(fx, f);
    bool is_root = lp_fx_at(fx, boundary)->role == ROLE_ROOT;
    lp_fx_did(fx, LP_FX_DID_FAIL, f, is_root ? 0 : lp_fx_id_of(fx, boundary));
    keep_why(fx, boundary, why);
    lp_fx_at(fx, boundary)->flags |= FIBER_FAILED;
    clear(fx, boundary);
}
