/* fx/core/work.c: a fiber as a job that is handed out: views of what is kept, in the work arena. */
#include "fx/core/internal.h"

static lp_fx_value view(const lp_fx *fx, const struct held *h)
{
    return (lp_fx_value){.type = lp_fx_name_text(fx, h->type),
                         .version = h->version,
                         .revision = h->revision,
                         .bytes = {h->len ? h->ptr : "", h->len}};
}

static void set_contexts(lp_fx *fx, uint32_t f, lp_fx_job *job)
{
    const struct fiber *p = lp_fx_at(fx, f);
    const struct name *function = &fx->names[p->function];
    if (!function->n_reads)
        return;
    lp_fx_context *at = lp_arena_alloc(&fx->work, function->n_reads * sizeof *at);
    for (uint32_t i = 0; i < function->n_reads; i++) {
        uint32_t provider = lp_fx_provider(fx, f, function->reads[i]);
        at[i].name = lp_fx_name_text(fx, function->reads[i]);
        at[i].provided = provider != 0;
        at[i].value = provider ? lp_fx_context_value(fx, provider) : LP_STR("");
    }
    job->contexts = at;
    job->n_contexts = function->n_reads;
}

const lp_fx_value *lp_fx_cell_values(lp_fx *fx, uint32_t f, uint32_t *ret_n)
{
    uint32_t bytes;
    const struct held *held = lp_fx_cells(fx, f, ret_n, &bytes);
    lp_fx_value *cells = *ret_n ? lp_arena_take(&fx->work, *ret_n * sizeof *cells) : NULL;
    for (uint32_t i = 0; i < *ret_n; i++)
        cells[i] = view(fx, &held[i]);
    return cells;
}

void lp_fx_job_of(lp_fx *fx, uint32_t f, lp_fx_job *ret)
{
    const struct fiber *p = lp_fx_at(fx, f);
    const struct extra *x = p->extra;
    uint32_t owner = f;
    while (lp_fx_at(fx, owner)->role == ROLE_THEN)
        owner = lp_fx_at(fx, owner)->extra->owner;
    const struct props *props = lp_fx_at(fx, owner)->props;
    *ret = (lp_fx_job){.fiber = lp_fx_id_of(fx, f),
                       .reason = p->last_reason,
                       .function = lp_fx_name_text(fx, p->function),
                       .properties = LP_STR("")};
    if (props) {
        ret->properties = (lp_str){(const char *)(props->callbacks + props->n), props->len};
        ret->callbacks = props->callbacks;
        ret->n_callbacks = props->n;
    }
    ret->cells = lp_fx_cell_values(fx, f, &ret->n_cells);
    set_contexts(fx, f, ret);
    if (p->role == ROLE_THEN) {
        ret->gathered = true;
        ret->owner = lp_fx_id_of(fx, x->owner);
        ret->slot = lp_fx_at(fx, p->parent)->argument;
        ret->values = lp_fx_gathered(fx, p->parent, &ret->n_values);
    }
}
