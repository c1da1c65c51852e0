/*
 * fx/core/cells.c: the state of fibers.
 *
 * Most fibers that have state have one small value. It lies in the fiber's row, so that a write
 * and the run that follows touch one place in memory; several cells are a list of `extra`.
 */
#include <stdlib.h>

#include "fx/core/internal.h"

struct held *lp_fx_cells(const lp_fx *fx, uint32_t f, uint32_t *ret_n, uint32_t *ret_bytes)
{
    struct fiber *p = lp_fx_at(fx, f);
    if (p->flags & FIBER_CELL) {
        *ret_n = 1;
        *ret_bytes = p->cell.len;
        return &p->cell;
    }
    *ret_n = p->extra ? p->extra->n_cells : 0;
    *ret_bytes = p->extra ? p->extra->cell_bytes : 0;
    return p->extra ? p->extra->cells : NULL;
}

/* The bytes of a cell that is in the row. */
static void put(lp_fx *fx, struct fiber *p, const char *bytes, uint32_t len)
{
    p->cell.len = len;
    p->cell.ptr = len <= SMALL_VALUE ? p->small : lp_fx_alloc(fx, len);
    if (len)
        memcpy(p->cell.ptr, bytes, len);
}

static void let_go(lp_fx *fx, struct fiber *p)
{
    if (p->cell.ptr != p->small)
        lp_fx_free(fx, p->cell.ptr, p->cell.len);
}

/* The cell of the row becomes the first of a list. */
static void move_out(lp_fx *fx, uint32_t f)
{
    struct fiber *p = lp_fx_at(fx, f);
    struct extra *x = lp_fx_extra(fx, f);
    x->cells = lp_fx_alloc(fx, sizeof *x->cells);
    x->cells[0] = p->cell;
    if (p->cell.ptr == p->small)
        x->cells[0].ptr = lp_fx_copy(fx, p->small, p->cell.len);
    x->n_cells = 1;
    x->cell_bytes = p->cell.len;
    p->flags &= (uint16_t)~FIBER_CELL;
}

void lp_fx_cells_add(lp_fx *fx, uint32_t f, const lp_fx_value *values, uint32_t n)
{
    struct fiber *p = lp_fx_at(fx, f);
    if (!n)
        return;
    if (n == 1 && !(p->flags & FIBER_CELL) && !(p->extra && p->extra->n_cells)) {
        p->cell = (struct held){.type = lp_fx_name(fx, SPACE_TYPE, values->type),
                                .version = values->version};
        put(fx, p, values->bytes.ptr, (uint32_t)values->bytes.len);
        p->flags |= FIBER_CELL;
        return;
    }
    if (p->flags & FIBER_CELL)
        move_out(fx, f);
    struct extra *x = lp_fx_extra(fx, f);
    struct held *cells = lp_fx_alloc(fx, (x->n_cells + n) * sizeof *cells);
    if (x->n_cells)
        memcpy(cells, x->cells, x->n_cells * sizeof *cells);
    lp_fx_free(fx, x->cells, x->n_cells * sizeof *cells);
    x->cells = cells;
    for (uint32_t i = 0; i < n; i++) {
        cells[x->n_cells++] = lp_fx_held(fx, &values[i]);
        x->cell_bytes += (uint32_t)values[i].bytes.len;
    }
}

void lp_fx_cell_write(lp_fx *fx, uint32_t f, struct wish *w)
{
    struct fiber *p = lp_fx_at(fx, f);
    uint32_t n, bytes;
    struct held *cells = lp_fx_cells(fx, f, &n, &bytes);
    if (w->cell >= n)
        return;
    struct held *cell = &cells[w->cell];
    const char *text = w->value.ptr ? w->value.ptr : w->small;
    bool same = cell->type == w->value.type && cell->version == w->value.version &&
                lp_str_eq((lp_str){cell->ptr, cell->len}, (lp_str){text, w->value.len});
    if (same || bytes - cell->len + w->value.len > LP_MAX_FX_STATE)
        return;
    uint32_t type = cell->type;
    cell->type = w->value.type;
    w->value.type = type; /* whose reference goes with the wish */
    cell->version = w->value.version;
    cell->revision++;
    if (cell == &p->cell) {
        let_go(fx, p);
        put(fx, p, text, w->value.len);
    } else {
        p->extra->cell_bytes = bytes - cell->len + w->value.len;
        lp_fx_free(fx, cell->ptr, cell->len);
        cell->ptr = lp_fx_copy(fx, text, w->value.len);
        cell->len = w->value.len;
    }
    lp_fx_due(fx, f, LP_FX_STATE);
}

void lp_fx_cells_done(lp_fx *fx, uint32_t f)
{
    struct fiber *p = lp_fx_at(fx, f);
    struct extra *x = p->extra;
    if (p->flags & FIBER_CELL) {
        let_go(fx, p);
        lp_fx_name_unref(fx, p->cell.type);
        p->flags &= (uint16_t)~FIBER_CELL;
    }
    for (uint32_t i = 0; x && i < x->n_cells; i++)
        lp_fx_held_done(fx, &x->cells[i]);
    if (!x)
        return;
    lp_fx_free(fx, x->cells, x->n_cells * sizeof *x->cells);
    x->cells = NULL;
    x->n_cells = x->cell_bytes = 0;
}
