/*
 * fx/core/inbox.c: roots, and what is asked for between two turns or within one and waits for the
 * next: writes, cancellations, replaced components, calls of callbacks.
 */
#include <stdlib.h>

#include "fx/core/internal.h"

static loop_error *mount_tree(lp_fx *fx, uint32_t root, const lp_fx_table *table)
{
    struct forest forest;
    lp_arena_reset(&fx->scratch, 1u << 16);
    const char *why = lp_fx_forest(fx, table, &forest);
    if (!why && table->n_elements)
        why = lp_fx_check_tree(fx, &forest, 0, root, false);
    if (!why) {
        lp_fx_at(fx, root)->flags &= (uint16_t)~FIBER_FAILED;
        lp_fx_reconcile(fx, root, &forest, table->n_elements > 0, 0);
    }
    lp_fx_forest_done(fx, &forest);
    return why ? loop_error_new(LOOP_INVALID, "%s", why) : NULL;
}

static loop_error *between(const lp_fx *fx)
{
    return fx->in_turn ? loop_error_new(LOOP_USAGE, "roots change between turns") : NULL;
}

loop_error *lp_fx_mount(lp_fx *fx, lp_str name, uint32_t component, const lp_fx_table *table,
                        lp_fx_id *ret_root)
{
    LP_TRY(between(fx));
    if (name.len > LP_MAX_FX_NAME)
        return loop_error_new(LOOP_LIMIT, "a root's name is longer than %d bytes", LP_MAX_FX_NAME);
    uint32_t taken = lp_fx_name_find(fx, SPACE_CONTEXT, name);
    if (taken && lp_fx_root_named(fx, taken))
        return loop_error_new(LOOP_USAGE, "there is a root of that name");
    uint32_t f = fx->live < fx->options.max_fibers ? lp_fx_row(fx) : 0;
    if (!f)
        return loop_error_new(LOOP_LIMIT, "there are too many fibers");
    struct fiber *p = lp_fx_at(fx, f);
    p->role = ROLE_ROOT;
    p->root = f;
    p->component = component;
    lp_fx_extra(fx, f)->name = lp_fx_name(fx, SPACE_CONTEXT, name);
    *lp_push(&fx->roots) = f;
    loop_error *e = mount_tree(fx, f, table);
    if (e)
        lp_fx_drop(fx, f);
    else
        *ret_root = lp_fx_id_of(fx, f);
    return e;
}

static loop_error *root_of(lp_fx *fx, lp_fx_id id, uint32_t *ret)
{
    uint32_t f = lp_fx_find(fx, id);
    if (!f || lp_fx_at(fx, f)->role != ROLE_ROOT)
        return loop_error_new(LOOP_NOT_FOUND, "there is no such root");
    *ret = f;
    return NULL;
}

loop_error *lp_fx_update(lp_fx *fx, lp_fx_id root, const lp_fx_table *table)
{
    uint32_t f;
    LP_TRY(between(fx));
    LP_TRY(root_of(fx, root, &f));
    return mount_tree(fx, f, table);
}

loop_error *lp_fx_unmount(lp_fx *fx, lp_fx_id root)
{
    uint32_t f;
    if (fx->closing)
        LP_TRY(between(fx));
    LP_TRY(root_of(fx, root, &f));
    lp_fx_drop(fx, f);
    return NULL;
}

/* ---- wishes ---- */

loop_error *lp_fx_room(const lp_fx *fx, size_t count, size_t bytes)
{
    if (count > LP_MAX_FX_WAITING - LP_MIN(fx->wishes.n + fx->messages.n, LP_MAX_FX_WAITING) ||
        bytes > LP_MAX_FX_WAITING_BYTES - fx->waiting_bytes)
        return loop_error_new(LOOP_LIMIT, "too much waits for the next turn");
    return NULL;
}

static loop_error *room(lp_fx *fx, size_t bytes)
{
    LP_TRY(lp_fx_room(fx, 1, bytes));
    fx->waiting_bytes += bytes;
    return NULL;
}

loop_error *lp_fx_write_check(const lp_fx *fx, lp_fx_id fiber, uint32_t cell,
                              const lp_fx_value *value)
{
    uint32_t f = lp_fx_find(fx, fiber), n = 0, bytes = 0;
    const struct held *cells = f ? lp_fx_cells(fx, f, &n, &bytes) : NULL;
    if (cell >= n)
        return loop_error_new(LOOP_NOT_FOUND, "there is no such fiber or cell");
    if (value->type.len > LP_MAX_FX_NAME || value->bytes.len > LP_MAX_FX_STATE ||
        bytes - cells[cell].len + value->bytes.len > LP_MAX_FX_STATE)
        return loop_error_new(LOOP_LIMIT, "the state of a fiber is too large");
    return NULL;
}

loop_error *lp_fx_write(lp_fx *fx, lp_fx_id fiber, uint32_t cell, const lp_fx_value *value)
{
    LP_TRY(lp_fx_write_check(fx, fiber, cell, value));
    LP_TRY(room(fx, value->bytes.len));
    struct wish *w = lp_push(&fx->wishes);
    *w = (struct wish){.what = WISH_WRITE, .fiber = fiber, .cell = cell};
    w->value.type = lp_fx_name(fx, SPACE_TYPE, value->type);
    w->value.version = value->version;
    w->value.len = (uint32_t)value->bytes.len;
    if (w->value.len > SMALL_VALUE)
        w->value.ptr = lp_fx_copy(fx, value->bytes.ptr, value->bytes.len);
    else if (w->value.len)
        memcpy(w->small, value->bytes.ptr, w->value.len);
    return NULL;
}

loop_error *lp_fx_cancel(lp_fx *fx, lp_fx_id fiber)
{
    uint32_t f = lp_fx_find(fx, fiber);
    if (!f || lp_fx_at(fx, f)->role != LP_FX_CALL)
        return loop_error_new(LOOP_NOT_FOUND, "there is no such fiber");
    LP_TRY(room(fx, 0));
    *lp_push(&fx->wishes) = (struct wish){.what = WISH_CANCEL, .fiber = fiber};
    return NULL;
}

loop_error *lp_fx_replaced(lp_fx *fx, uint32_t component, bool remount)
{
    LP_TRY(room(fx, 0));
    *lp_push(&fx->wishes) =
        (struct wish){.what = remount ? WISH_REMOUNT : WISH_SWAP, .cell = component};
    lp_fx_graph_replaced(fx, component, remount);
    return NULL;
}

/* All fibers of a component: the one thing that looks at every fiber. */
static void replaced(lp_fx *fx, uint32_t component, bool remount)
{
    for (uint32_t f = 1; f < fx->n_rows; f++) {
        const struct fiber *p = lp_fx_at(fx, f);
        if (!p->root || p->flags & FIBER_DEAD || p->component != component ||
            (p->role != LP_FX_CALL && p->role != ROLE_THEN))
            continue;
        if (remount)
            lp_fx_reset(fx, f);
        else
            lp_fx_effects_again(fx, f);
        lp_fx_due(fx, f, remount ? LP_FX_MOUNTED : LP_FX_SWAPPED);
    }
}

void lp_fx_wishes_act(lp_fx *fx)
{
    for (size_t i = 0; i < fx->wishes.n; i++) {
        struct wish *w = &fx->wishes.at[i];
        uint32_t f = lp_fx_find(fx, w->fiber);
        fx->waiting_bytes -= w->value.len;
        if (w->what == WISH_WRITE && f)
            lp_fx_cell_write(fx, f, w);
        else if (w->what == WISH_CANCEL && f)
            lp_fx_drop(fx, f);
        else if (w->what == WISH_SWAP || w->what == WISH_REMOUNT)
            replaced(fx, w->cell, w->what == WISH_REMOUNT);
        lp_fx_held_done(fx, &w->value);
    }
    fx->wishes.n = 0;
}

void lp_fx_wishes_done(lp_fx *fx)
{
    for (size_t i = 0; i < fx->wishes.n; i++)
        lp_fx_held_done(fx, &fx->wishes.at[i].value);
    for (size_t i = 0; i < fx->messages.n; i++)
        free(fx->messages.at[i].ptr);
}

/* ---- callbacks ---- */

loop_error *lp_fx_send(lp_fx *fx, lp_fx_callback to, lp_str bytes)
{
    uint32_t f = lp_fx_find(fx, to.fiber);
    if (!f)
        return loop_error_new(LOOP_NOT_FOUND, "there is no such fiber");
    if (bytes.len > LP_MAX_FX_PROPERTIES)
        return loop_error_new(LOOP_LIMIT, "a call has too many bytes");
    LP_TRY(room(fx, bytes.len));
    *lp_push(&fx->messages) = (struct message){.to = to,
                                               .component = lp_fx_at(fx, f)->component,
                                               .len = (uint32_t)bytes.len,
                                               .ptr = lp_fx_copy(fx, bytes.ptr, bytes.len)};
    return NULL;
}

bool lp_fx_messages_next(lp_fx *fx, lp_fx_work *ret)
{
    if (!fx->messages.n)
        return false;
    const struct message *at = fx->messages.at;
    size_t n = 0, most = LP_MIN(fx->messages.n, (size_t)LP_MAX_FX_BATCH);
    lp_fx_message *calls = lp_arena_take(&fx->work, most * sizeof *calls);
    uint32_t listed = 0;
    for (; n < most && at[n].component == at->component; n++) {
        uint32_t f = lp_fx_find(fx, at[n].to.fiber);
        if (!f) /* called later it answers nothing */
            continue;
        lp_fx_message *m = &calls[listed++];
        *m = (lp_fx_message){.to = at[n].to, .bytes = {at[n].len ? at[n].ptr : "", at[n].len}};
        m->function = lp_fx_name_text(fx, lp_fx_at(fx, f)->function);
        m->cells = lp_fx_cell_values(fx, f, &m->n_cells);
    }
    fx->messages_out = n;
    *ret = (lp_fx_work){.component = at->component, .calls = calls, .n = listed};
    return true;
}

void lp_fx_messages_done(lp_fx *fx)
{
    for (size_t i = 0; i < fx->messages_out; i++) {
        fx->waiting_bytes -= fx->messages.at[i].len;
        lp_fx_free(fx, fx->messages.at[i].ptr, fx->messages.at[i].len);
    }
    fx->messages.n -= fx->messages_out;
    memmove(fx->messages.at, fx->messages.at + fx->messages_out,
            fx->messages.n * sizeof *fx->messages.at);
    fx->messages_out = 0;
}
