/*
 * fx/serve/batch.c: the runtime's work as the records of WIT.
 *
 * Everything is copied: while the component runs, others may ask the runtime for more. Names are
 * put into the list once each; they are the runtime's own texts, so one address is one name.
 */
#include "fx/serve/internal.h"

struct counts {
    size_t cells, contexts, callbacks, values, bytes, names;
};

struct writer {
    lp_arena *arena;
    struct { /* by address */
        const char *text;
        uint32_t row;
    } *known;
    size_t cap;
    loop_string *names;
    loop_fx_fibers_cell *cells;
    loop_fx_fibers_context *contexts;
    loop_fx_types_callback *callbacks;
    loop_fx_types_typed_bytes *values;
    uint8_t *bytes;
    struct counts n;
};

static struct counts count(const lp_fx_work *work)
{
    struct counts c = {0};
    for (uint32_t i = 0; i < work->n; i++) {
        const lp_fx_job *j = &work->jobs[i];
        c.cells += j->n_cells;
        c.contexts += j->n_contexts;
        c.callbacks += j->n_callbacks;
        c.values += j->n_values;
        c.bytes += j->properties.len;
        for (uint32_t n = 0; n < j->n_cells; n++)
            c.bytes += j->cells[n].bytes.len;
        for (uint32_t n = 0; n < j->n_contexts; n++)
            c.bytes += j->contexts[n].value.len;
        for (uint32_t n = 0; n < j->n_values; n++)
            c.bytes += j->values[n].bytes.len;
    }
    c.names = work->n + c.cells + c.contexts + c.values; /* at most */
    return c;
}

static uint32_t name(struct writer *w, lp_str s)
{
    size_t at = ((uintptr_t)s.ptr * 0x9e3779b97f4a7c15u >> 20) & (w->cap - 1);
    while (w->known[at].text && w->known[at].text != s.ptr)
        at = (at + 1) & (w->cap - 1);
    if (!w->known[at].text) {
        w->known[at].text = s.ptr;
        w->known[at].row = (uint32_t)w->n.names;
        w->names[w->n.names++] = (loop_string){lp_arena_strndup(w->arena, s.ptr, s.len), s.len};
    }
    return w->known[at].row;
}

static loop_fx_types_span bytes(struct writer *w, lp_str s)
{
    loop_fx_types_span span = {(uint32_t)w->n.bytes, (uint32_t)s.len};
    if (s.len)
        memcpy(w->bytes + w->n.bytes, s.ptr, s.len);
    w->n.bytes += s.len;
    return span;
}

static loop_fx_types_typed_bytes typed(struct writer *w, const lp_fx_value *v)
{
    return (loop_fx_types_typed_bytes){name(w, v->type), v->version, bytes(w, v->bytes)};
}

static loop_fx_types_span cells(struct writer *w, const lp_fx_job *j)
{
    loop_fx_types_span span = {(uint32_t)w->n.cells, j->n_cells};
    for (uint32_t i = 0; i < j->n_cells; i++)
        w->cells[w->n.cells++] =
            (loop_fx_fibers_cell){typed(w, &j->cells[i]), j->cells[i].revision};
    return span;
}

static loop_fx_types_span contexts(struct writer *w, const lp_fx_job *j)
{
    loop_fx_types_span span = {(uint32_t)w->n.contexts, j->n_contexts};
    for (uint32_t i = 0; i < j->n_contexts; i++) {
        const lp_fx_context *c = &j->contexts[i];
        loop_fx_fibers_context *to = &w->contexts[w->n.contexts++];
        *to = (loop_fx_fibers_context){.name = name(w, c->name), .value.is_some = c->provided};
        if (c->provided)
            to->value.value = bytes(w, c->value);
    }
    return span;
}

static loop_fx_types_span callbacks(struct writer *w, const lp_fx_job *j)
{
    loop_fx_types_span span = {(uint32_t)w->n.callbacks, j->n_callbacks};
    for (uint32_t i = 0; i < j->n_callbacks; i++)
        w->callbacks[w->n.callbacks++] =
            (loop_fx_types_callback){j->callbacks[i].fiber, j->callbacks[i].slot};
    return span;
}

static loop_fx_types_span values(struct writer *w, const lp_fx_job *j)
{
    loop_fx_types_span span = {(uint32_t)w->n.values, j->n_values};
    for (uint32_t i = 0; i < j->n_values; i++)
        w->values[w->n.values++] = typed(w, &j->values[i]);
    return span;
}

static loop_fx_fibers_job job(struct writer *w, const lp_fx_job *j)
{
    loop_fx_fibers_job to = {
        .fiber = j->fiber,
        .reason = (loop_fx_fibers_reason)j->reason, /* the same bits: checked in serve_test */
        .function = name(w, j->function),
        .properties = bytes(w, j->properties),
        .callbacks = callbacks(w, j),
        .cells = cells(w, j),
        .contexts = contexts(w, j),
        .gathered.is_some = j->gathered,
    };
    if (j->gathered)
        to.gathered.value = (loop_fx_fibers_continuation){j->slot, j->owner, values(w, j)};
    return to;
}

/* A writer with room for so much; false: it is too much for one call. */
static bool make_room(struct writer *w, lp_arena *arena, const struct counts *c)
{
    *w = (struct writer){.arena = arena, .cap = 8};
    if (c->bytes > LP_MAX_FX_BATCH_BYTES || c->names > LP_MAX_FX_BATCH_ROWS ||
        c->callbacks > LP_MAX_FX_BATCH_ROWS)
        return false;
    while (w->cap < 2 * c->names)
        w->cap *= 2;
    w->known = lp_arena_alloc(arena, w->cap * sizeof *w->known);
    w->names = lp_arena_take(arena, c->names * sizeof *w->names);
    w->cells = lp_arena_take(arena, c->cells * sizeof *w->cells);
    w->contexts = lp_arena_take(arena, c->contexts * sizeof *w->contexts);
    w->callbacks = lp_arena_take(arena, c->callbacks * sizeof *w->callbacks);
    w->values = lp_arena_take(arena, c->values * sizeof *w->values);
    w->bytes = lp_arena_take(arena, c->bytes + 1);
    return true;
}

bool lp_fx_batch(lp_arena *arena, const lp_fx_work *work, loop_fx_fibers_batch *ret)
{
    const struct counts c = count(work);
    struct writer w;
    if (!make_room(&w, arena, &c))
        return false;
    loop_fx_fibers_job *jobs = lp_arena_take(arena, work->n * sizeof *jobs);
    for (uint32_t i = 0; i < work->n; i++)
        jobs[i] = job(&w, &work->jobs[i]);
    *ret = (loop_fx_fibers_batch){
        .jobs = {jobs, work->n},
        .names = {w.names, w.n.names},
        .cells = {w.cells, w.n.cells},
        .contexts = {w.contexts, w.n.contexts},
        .callbacks = {w.callbacks, w.n.callbacks},
        .values = {w.values, w.n.values},
        .bytes = {w.bytes, w.n.bytes},
    };
    return true;
}

bool lp_fx_effect_calls(lp_arena *arena, const lp_fx_work *work, loop_list_string *ret_names,
                        loop_fx_fibers_list_effect_call *ret)
{
    const struct counts c = {.names = work->n};
    struct writer w;
    if (!make_room(&w, arena, &c))
        return false;
    loop_fx_fibers_effect_call *calls = lp_arena_take(arena, work->n * sizeof *calls);
    for (uint32_t i = 0; i < work->n; i++) {
        const lp_fx_effect_call *e = &work->effects[i];
        calls[i] = (loop_fx_fibers_effect_call){e->fiber, name(&w, e->function), e->slot, e->start};
    }
    *ret = (loop_fx_fibers_list_effect_call){calls, work->n};
    *ret_names = (loop_list_string){w.names, w.n.names};
    return true;
}

bool lp_fx_callback_calls(lp_arena *arena, const lp_fx_work *work,
                          loop_fx_fibers_callback_batch *ret)
{
    struct counts c = {.names = work->n};
    for (uint32_t i = 0; i < work->n; i++) {
        const lp_fx_message *m = &work->calls[i];
        c.cells += m->n_cells;
        c.bytes += m->bytes.len;
        for (uint32_t k = 0; k < m->n_cells; k++)
            c.bytes += m->cells[k].bytes.len;
    }
    c.names += c.cells;
    struct writer w;
    if (!make_room(&w, arena, &c))
        return false;
    loop_fx_fibers_callback_call *calls = lp_arena_take(arena, work->n * sizeof *calls);
    for (uint32_t i = 0; i < work->n; i++) {
        const lp_fx_message *m = &work->calls[i];
        const lp_fx_job as_job = {.cells = m->cells, .n_cells = m->n_cells};
        calls[i] = (loop_fx_fibers_callback_call){
            .to = {m->to.fiber, m->to.slot},
            .function = name(&w, m->function),
            .cells = cells(&w, &as_job),
            .bytes = bytes(&w, m->bytes),
        };
    }
    *ret = (loop_fx_fibers_callback_batch){
        {calls, work->n}, {w.names, w.n.names}, {w.cells, w.n.cells}, {w.bytes, w.n.bytes}};
    return true;
}
