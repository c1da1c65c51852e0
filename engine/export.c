/* engine/export.c: calls of a guest's exports with raw values; see engine.h. */
#include <stdlib.h>

#include "engine/internal.h"

struct lp_export {
    lp_guest *guest;
    lpx_export *raw;
    char *name; /* in errors */
};

loop_error *lp_export_new(lp_guest *g, const char *interface_name, const char *function,
                          lp_shape *ret_shape, lp_export **ret)
{
    wasmtime_component_func_t f;
    LP_TRY(lp_guest_find(g, interface_name, function, &f));
    lpx_shape s;
    lpx_export *raw;
    wasmtime_error_t *e = lpx_export_new(g->cx, &f, &s, &raw);
    if (e)
        return lp_error_of(e);
    *ret_shape = (lp_shape){s.flat_params,  s.params_size,  s.params_align,
                            s.flat_results, s.results_size, s.results_align};
    lp_export *x = lp_alloc(sizeof *x);
    *x = (lp_export){g, raw, lp_strdup(function)};
    *ret = x;
    return NULL;
}

void lp_export_delete(lp_export *x)
{
    if (!x)
        return;
    lpx_export_delete(x->raw);
    free(x->name);
    free(x);
}

static wasmtime_error_t *on_call_failed(void *guest, loop_error *err)
{
    return lp_guest_stash(guest, err);
}

/*
 * Whether the guest can run on this stack: a thread may have less than a guest may
 * use, and a call from inside of another guest's is on that one's fiber.
 */
static bool fits_here(const lp_guest *g)
{
    uintptr_t at = (uintptr_t)__builtin_frame_address(0);
    return g->alone && at < g->stack_high && at - g->stack_low > LP_STACK_NEEDED &&
           at > g->stack_low;
}

loop_error *lp_export_call(lp_export *x, lp_calling *c, uint64_t timeout_ms, bool *exited,
                           int *ret_status)
{
    lp_guest *g = x->guest;
    LP_TRY(lp_guest_enter(g, x->name));
    lpx_calling raw = {c->flat, c->count, c->put, c->take, c->data, on_call_failed, g, 0};
    wasmtime_error_t *e = NULL;
    lpx_outcome o = lpx_export_call(g->driver, g->cx, x->raw, &raw, fits_here(g), timeout_ms, &e);
    lp_guest_leave(g);
    if (o == LPX_DONE) {
        c->result = raw.result;
        *exited = false;
        return NULL;
    }
    return lp_guest_outcome(g, o, e, exited, ret_status);
}

loop_error *lp_guest_drop(lp_guest *g, uint32_t held, uint64_t timeout_ms)
{
    LP_TRY(lp_guest_enter(g, "a destructor"));
    wasmtime_error_t *e = NULL;
    lpx_outcome o = lpx_held_drop(g->driver, g->cx, held, fits_here(g), timeout_ms, &e);
    lp_guest_leave(g);
    bool exited;
    int status;
    LP_TRY(lp_guest_outcome(g, o, e, &exited, &status));
    return exited
               ? loop_error_new(LOOP_CANCELLED, "the component ended itself with status %d", status)
               : NULL;
}
