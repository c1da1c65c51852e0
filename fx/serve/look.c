/*
 * fx/serve/look.c: trees for people, and for the components that mounted them.
 */
#include <stdlib.h>

#include "fx/serve/internal.h"

#define MOST_ROWS (1u << 16)

static const char *role_text(uint32_t role)
{
    static const char *const texts[] = {
        [LP_FX_CALL] = "call",     [LP_FX_GROUP] = "group",     [LP_FX_PROVIDE] = "provide",
        [LP_FX_QUOTE] = "quote",   [LP_FX_UNQUOTE] = "unquote", [LP_FX_BOUNDARY] = "boundary",
        [LP_FX_GATHER] = "gather", [LP_FX_DETACH] = "detach",   [LP_FX_OUTLET] = "outlet",
    };
    /* Beside the elements' there are a root, and the second half of what gathers. */
    return role < LP_COUNT(texts) ? texts[role] : role == LP_FX_ROLES ? "root" : "then";
}

static void reason_text(uint32_t reason, lp_buf *ret)
{
    static const char *const texts[] = {"mounted", "properties", "state",
                                        "context", "gathered",   "swapped"};
    for (size_t i = 0; i < LP_COUNT(texts); i++)
        if (reason & 1u << i)
            lp_buf_printf(ret, "%s%s", ret->len ? ", " : "", texts[i]);
}

static loop_string copy(loop_call *call, lp_str s)
{
    return loop_call_string(call, s.ptr ? s.ptr : "", s.len);
}

static void row(const struct fx_serve *s, loop_call *call, const lp_fx_info *from,
                loop_fx_runtime_fiber_info *to)
{
    lp_buf because = {0};
    reason_text(from->reason, &because);
    const char *name = from->component ? s->parties.at[from->component - 1]->name : "";
    *to = (loop_fx_runtime_fiber_info){
        .fiber = from->fiber,
        .parent = {from->parent >= 0, from->parent >= 0 ? (uint32_t)from->parent : 0},
        .role = loop_string_of(role_text(from->role)),
        .component = copy(call, lp_str_of(name)),
        .function = copy(call, from->function),
        .key = copy(call, from->key),
        .runs = from->runs,
        .last_microseconds = from->microseconds,
        .because = copy(call, (lp_str){because.ptr, because.len}),
    };
    lp_buf_done(&because);
}

loop_error *lp_fx_root_inspect(void *self, loop_call *call, loop_fx_runtime_root *root,
                               uint32_t limit, loop_fx_runtime_result_list_fiber_info_error *ret)
{
    struct fx_serve *s = self;
    lp_os_mutex_lock(s->lock);
    lp_fx_stats stats = lp_fx_stats_of(s->fx);
    size_t most = LP_MIN((size_t)LP_MIN(limit, MOST_ROWS), (size_t)stats.fibers + 1);
    lp_fx_info *rows = lp_alloc((most + 1) * sizeof *rows);
    size_t n = root->fiber ? lp_fx_inspect(s->fx, root->fiber, rows, most) : 0;
    loop_fx_runtime_fiber_info *to = loop_call_alloc(call, (n + 1) * sizeof *to);
    for (size_t i = 0; to && i < n; i++)
        row(s, call, &rows[i], &to[i]);
    lp_os_mutex_unlock(s->lock);
    free(rows);
    ret->of.ok = (loop_fx_runtime_list_fiber_info){to, to ? n : 0};
    return NULL;
}
