/* fx/core/inspect.c: the live tree and figures. */
#include <stdlib.h>

#include "fx/core/internal.h"

static lp_fx_info info_of(const lp_fx *fx, uint32_t f, int64_t parent)
{
    const struct fiber *p = lp_fx_at(fx, f);
    const struct props *props = p->props;
    uint32_t n_cells, bytes;
    lp_fx_cells(fx, f, &n_cells, &bytes);
    return (lp_fx_info){
        .fiber = lp_fx_id_of(fx, f),
        .parent = parent,
        .role = p->role,
        .component = p->component,
        .depth = p->depth,
        .runs = p->runs,
        .microseconds = p->microseconds,
        .reason = p->last_reason,
        .due = p->flags & (FIBER_DUE | FIBER_LATER),
        .failed = p->flags & FIBER_FAILED,
        .dormant = p->flags & FIBER_DORMANT,
        .function = lp_fx_name_text(fx, p->function),
        .key = lp_fx_name_text(fx, p->key),
        .properties =
            props ? (lp_str){(const char *)(props->callbacks + props->n), props->len} : LP_STR(""),
        .n_cells = n_cells,
        .n_effects = p->extra ? p->extra->n_effects : 0,
    };
}

size_t lp_fx_inspect(const lp_fx *fx, lp_fx_id root, lp_fx_info *rows, size_t max)
{
    uint32_t top = lp_fx_find(fx, root), f = top;
    size_t n = 0;
    int64_t parent = -1;
    while (f && n < max) {
        rows[n] = info_of(fx, f, parent);
        const struct fiber *p = lp_fx_at(fx, f);
        if (p->first) {
            parent = (int64_t)n;
            f = p->first;
        } else {
            while (f != top && !lp_fx_at(fx, f)->next) {
                f = lp_fx_at(fx, f)->parent;
                parent = rows[parent].parent;
            }
            f = f == top ? 0 : lp_fx_at(fx, f)->next;
        }
        n++;
    }
    return n;
}

bool lp_fx_component_of(const lp_fx *fx, lp_fx_id fiber, uint32_t *ret_component)
{
    uint32_t f = lp_fx_find(fx, fiber);
    if (f)
        *ret_component = lp_fx_at(fx, f)->component;
    return f != 0;
}

const char *lp_fx_failure(const lp_fx *fx, lp_fx_id root)
{
    uint32_t f = lp_fx_find(fx, root);
    return f && lp_fx_at(fx, f)->flags & FIBER_FAILED ? lp_fx_at(fx, f)->extra->why : NULL;
}

lp_fx_stats lp_fx_stats_of(const lp_fx *fx)
{
    lp_fx_stats stats = fx->stats;
    stats.fibers = fx->live;
    stats.due = fx->due.n + fx->thens.n + (uint32_t)fx->later.n;
    lp_fx_graphs_stats(fx, &stats);
    stats.bytes = fx->bytes + fx->work.used + fx->scratch.used;
    return stats;
}
