/* fx/core/trace.c: what happened, for whoever looks. */
#include "fx/core/internal.h"

void lp_fx_trace(lp_fx *fx, bool on)
{
    fx->tracing = on;
}

void lp_fx_event_add(lp_fx *fx, uint32_t what, lp_fx_id id, uint32_t detail)
{
    if (fx->events.n >= LP_MAX_FX_TRACE)
        fx->lost++;
    else
        *lp_push(&fx->events) = (lp_fx_event){.what = what, .fiber = id, .detail = detail};
}

const lp_fx_event *lp_fx_trace_take(lp_fx *fx, size_t *ret_n, uint64_t *ret_lost)
{
    __typeof__(fx->events) now = fx->events;
    fx->events.at = fx->taken.at, fx->events.cap = fx->taken.cap, fx->events.n = 0;
    fx->taken.at = now.at, fx->taken.n = now.n, fx->taken.cap = now.cap;
    *ret_n = now.n;
    *ret_lost = fx->lost;
    fx->lost = 0;
    return now.at;
}
