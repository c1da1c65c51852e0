/* engine/export.c: calls of a guest's exports, with raw values and with text; see engine.h. */
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

static wasmtime_error_t *on_refused(lp_calling *c, wasmtime_error_t *e, uint32_t size)
{
    c->refused = true;
    return lp_guest_stash(c->guest, lp_error_of_alloc(e, size));
}

static const struct lp_calling_hooks hooks = {on_call_failed, on_refused};

loop_error *lp_export_call(lp_export *x, lp_calling *c)
{
    lp_guest *g = x->guest;
    bool alone = lp_guest_fits_here(g);
    if (!alone || g->ticking.inside)
        LP_TRY(lp_guest_check_free(g, x->name));
    c->entered = true;
    c->hooks = &hooks;
    c->guest = g;
    c->error = NULL;
    c->timeout_ms = lp_guest_time(g, c->timeout_ms);
    lp_guest_enter(g, alone);
    lpx_outcome o = lpx_export_call(g->driver, g->cx, x->raw, c, alone);
    lp_guest_leave(g);
    return o == LPX_DONE ? NULL : lp_guest_outcome(g, o, c->error, &c->exited, &c->status);
}

loop_error *lp_guest_drop(lp_guest *g, uint32_t held, uint64_t timeout_ms)
{
    bool alone = lp_guest_fits_here(g);
    lp_guest_enter(g, alone);
    wasmtime_error_t *e = NULL;
    lpx_outcome o = lpx_held_drop(g->driver, g->cx, held, alone, lp_guest_time(g, timeout_ms), &e);
    lp_guest_leave(g);
    bool exited;
    int status;
    LP_TRY(lp_guest_outcome(g, o, e, &exited, &status));
    return exited
               ? loop_error_new(LOOP_CANCELLED, "the component ended itself with status %d", status)
               : NULL;
}

loop_error *lp_guest_call_wave(lp_guest *g, const char *interface_name, const char *function,
                               const char *args, uint64_t timeout_ms, char **ret, bool *exited,
                               int *ret_status)
{
    wasmtime_component_func_t f;
    LP_TRY(lp_guest_find(g, interface_name, function, &f));
    wasm_byte_vec_t out = {0};
    wasmtime_error_t *e = NULL;
    bool bad_text;
    LP_TRY(lp_guest_check_free(g, function));
    lp_guest_enter(g, false);
    lpx_outcome o = lpx_call_wave(g->driver, g->cx, &f, args, strlen(args),
                                  lp_guest_time(g, timeout_ms), &out, &bad_text, &e);
    lp_guest_leave(g);
    if (bad_text) {
        lp_auto(lp_free_string) char *text = lp_error_text(e);
        loop_error *err = loop_error_new(LOOP_USAGE, "%s", text);
        err = loop_error_wrap(err, "the arguments of '%s' do not fit", function);
        return loop_error_hint_set(
            err, "write them in WAVE: 1, \"text\", [1, 2], {name: \"x\"}, some(3)");
    }
    LP_TRY(lp_guest_outcome(g, o, e, exited, ret_status));
    *ret = lp_strndup(out.data, out.size);
    if (!*exited)
        wasm_byte_vec_delete(&out);
    return NULL;
}
