/*
 * fx/serve/answer.c: what a component says, as the runtime takes it.
 *
 * Here are checked: rows of names, spans of keys and values, components and callbacks. The
 * runtime checks all else (fx/core/check.c). What is wrong here fails the whole of it.
 */
#include "fx/serve/internal.h"

struct reader {
    struct party *party;
    lp_arena *arena;
    const lp_str *names;
    size_t n_names;
    lp_str bytes;
    uint32_t *components; /* of names, once looked up; 0: not yet */
    const char *why;
};

static const uint8_t nothing[1];

static lp_str name(struct reader *r, uint32_t row)
{
    if (row < r->n_names)
        return r->names[row];
    r->why = "a row names a text that is not in `names`";
    return (lp_str){"", 0};
}

static lp_str bytes(struct reader *r, loop_fx_types_span span)
{
    if (span.first <= r->bytes.len && span.count <= r->bytes.len - span.first)
        return (lp_str){r->bytes.ptr + span.first, span.count};
    r->why = "a span leads out of `bytes`";
    return (lp_str){"", 0};
}

static uint32_t component(struct reader *r, loop_fx_types_option_index row)
{
    if (!row.is_some)
        return 0;
    lp_str text = name(r, row.value);
    if (r->why)
        return 0;
    if (!r->components[row.value]) {
        const struct party *p = lp_fx_mountable(r->party, text, &r->why);
        if (!p)
            return 0;
        r->components[row.value] = p->number;
        r->why = NULL;
    }
    return r->components[row.value];
}

static lp_fx_element element(struct reader *r, const loop_fx_types_element *e)
{
    static const uint8_t role_of[] = {
        [LOOP_FX_TYPES_ROLE_CALL] = LP_FX_CALL,
        [LOOP_FX_TYPES_ROLE_GROUP] = LP_FX_GROUP,
        [LOOP_FX_TYPES_ROLE_PROVIDE] = LP_FX_PROVIDE,
        [LOOP_FX_TYPES_ROLE_QUOTE] = LP_FX_QUOTE,
        [LOOP_FX_TYPES_ROLE_UNQUOTE] = LP_FX_UNQUOTE,
        [LOOP_FX_TYPES_ROLE_BOUNDARY] = LP_FX_BOUNDARY,
        [LOOP_FX_TYPES_ROLE_GATHER] = LP_FX_GATHER,
        [LOOP_FX_TYPES_ROLE_DETACH] = LP_FX_DETACH,
        [LOOP_FX_TYPES_ROLE_OUTLET] = LP_FX_OUTLET,
    };
    lp_fx_element to = {
        .role = e->role.tag < LP_COUNT(role_of) ? role_of[e->role.tag] : LP_FX_ROLES,
        .component = component(r, e->component),
        .key = bytes(r, e->key),
        .properties = {e->properties.first, e->properties.count},
        .callbacks = {e->callbacks.first, e->callbacks.count},
        .children = {e->children.first, e->children.count},
    };
    if (to.role == LP_FX_BOUNDARY)
        to.argument = e->role.of.boundary;
    if (to.role == LP_FX_GATHER)
        to.argument = e->role.of.gather;
    if (to.role == LP_FX_CALL || to.role == LP_FX_PROVIDE || to.role == LP_FX_QUOTE)
        to.function = name(r, e->function);
    return to;
}

/* Rows, in the arena; NULL: they are too many, or there is none. */
static void *rows(struct reader *r, size_t n, size_t size, size_t most)
{
    if (n > most)
        r->why = "a list is too long";
    return n <= most ? lp_arena_take(r->arena, n * size + 1) : NULL;
}

static void read_names(struct reader *r, loop_list_string from, bool keep)
{
    lp_str *names = rows(r, from.len, sizeof *names, LP_MAX_FX_ELEMENTS);
    for (size_t i = 0; names && i < from.len; i++) {
        if (from.ptr[i].len > LP_MAX_FX_NAME) {
            r->why = "a name is longer than 256 bytes";
            return;
        }
        const char *at = from.ptr[i].len ? from.ptr[i].ptr : "";
        names[i] =
            (lp_str){keep ? lp_arena_strndup(r->arena, at, from.ptr[i].len) : at, from.ptr[i].len};
    }
    r->names = names;
    r->n_names = names ? from.len : 0;
    r->components = lp_arena_alloc(r->arena, from.len * sizeof *r->components + 1);
}

static void *copy(struct reader *r, const void *from, size_t n, size_t size, bool keep)
{
    if (!n)
        return (void *)(uintptr_t)nothing;
    if (!keep)
        return (void *)(uintptr_t)from;
    void *to = lp_arena_take(r->arena, n * size);
    if (!to)
        r->why = "a list is too long";
    else
        memcpy(to, from, n * size);
    return to;
}

static void read_callbacks(struct reader *r, const loop_fx_types_table *from, lp_fx_table *ret)
{
    lp_fx_callback *to = rows(r, from->callbacks.len, sizeof *to, LP_MAX_FX_ELEMENTS);
    for (size_t i = 0; to && i < from->callbacks.len; i++) {
        to[i] = (lp_fx_callback){from->callbacks.ptr[i].fiber, from->callbacks.ptr[i].slot};
        if (!lp_fx_knows(r->party, to[i]))
            r->why = "a callback is one that the component was not handed";
    }
    ret->callbacks = to;
    ret->n_callbacks = to ? (uint32_t)from->callbacks.len : 0;
}

static void read_elements(struct reader *r, const loop_fx_types_table *from, lp_fx_table *ret)
{
    lp_fx_element *to = rows(r, from->elements.len, sizeof *to, LP_MAX_FX_ELEMENTS);
    for (size_t i = 0; to && i < from->elements.len && !r->why; i++)
        to[i] = element(r, &from->elements.ptr[i]);
    ret->elements = to;
    ret->n_elements = to ? (uint32_t)from->elements.len : 0;
}

static void read_table(struct reader *r, const loop_fx_types_table *from, bool keep,
                       lp_fx_table *ret)
{
    *ret = (lp_fx_table){0};
    read_names(r, from->names, keep);
    if (from->children.len > LP_MAX_FX_ELEMENTS || from->bytes.len > LP_MAX_ARENA_BLOCK)
        r->why = "a list is too long";
    if (r->why)
        return;
    ret->children = copy(r, from->children.ptr, from->children.len, sizeof *ret->children, keep);
    ret->n_children = (uint32_t)from->children.len;
    r->bytes = (lp_str){copy(r, from->bytes.ptr, from->bytes.len, 1, keep), from->bytes.len};
    ret->bytes = r->bytes;
    if (!r->why)
        read_callbacks(r, from, ret);
    if (!r->why)
        read_elements(r, from, ret);
}

const char *lp_fx_table_of(struct party *p, const loop_fx_types_table *from, bool keep,
                           lp_arena *arena, lp_fx_table *ret)
{
    struct reader r = {.party = p, .arena = arena};
    read_table(&r, from, keep, ret);
    return r.why;
}

/* ---- answers ---- */

static const lp_fx_value *values(struct reader *r, const loop_fx_types_typed_bytes *from, size_t n)
{
    lp_fx_value *to = rows(r, n, sizeof *to, LP_MAX_FX_ELEMENTS);
    for (size_t i = 0; to && i < n && !r->why; i++)
        to[i] = (lp_fx_value){.type = name(r, from[i].type_name),
                              .version = from[i].type_version,
                              .bytes = bytes(r, from[i].bytes)};
    return to;
}

static lp_fx_span span(loop_fx_types_span s)
{
    return (lp_fx_span){s.first, s.count};
}

static lp_fx_output output(const loop_fx_fibers_outcome *o)
{
    const loop_fx_fibers_output *of = &o->of.done;
    switch (o->tag) {
    case LOOP_FX_FIBERS_OUTCOME_DONE:
        return (lp_fx_output){.result = LP_FX_OK,
                              .has_root = of->root.is_some,
                              .root = of->root.value,
                              .new_cells = span(of->new_cells),
                              .reads = span(of->reads),
                              .effects = span(of->effects),
                              .yields = span(of->yields)};
    case LOOP_FX_FIBERS_OUTCOME_FAILED:
        return (lp_fx_output){.result = LP_FX_FAILED, .why = {o->of.failed.ptr, o->of.failed.len}};
    default: return (lp_fx_output){.result = LP_FX_REFUSED};
    }
}

static void read_lists(struct reader *r, const loop_fx_fibers_answer *from, lp_fx_answer *ret)
{
    lp_str *reads = rows(r, from->reads.len, sizeof *reads, LP_MAX_FX_ELEMENTS);
    lp_fx_effect *effects = rows(r, from->effects.len, sizeof *effects, LP_MAX_FX_ELEMENTS);
    for (size_t i = 0; reads && i < from->reads.len; i++)
        reads[i] = name(r, from->reads.ptr[i]);
    for (size_t i = 0; effects && i < from->effects.len; i++)
        effects[i] =
            (lp_fx_effect){from->effects.ptr[i].slot, bytes(r, from->effects.ptr[i].depends_on)};
    ret->reads = reads;
    ret->n_reads = (uint32_t)from->reads.len;
    ret->effects = effects;
    ret->n_effects = (uint32_t)from->effects.len;
    ret->new_cells = values(r, from->new_cells.ptr, from->new_cells.len);
    ret->n_new_cells = (uint32_t)from->new_cells.len;
    ret->yields = values(r, from->yields.ptr, from->yields.len);
    ret->n_yields = (uint32_t)from->yields.len;
}

const char *lp_fx_answer_of(struct party *p, const loop_fx_fibers_answer *from,
                            uint32_t microseconds, lp_arena *arena, lp_fx_answer *ret)
{
    struct reader r = {.party = p, .arena = arena};
    *ret = (lp_fx_answer){0};
    read_table(&r, &from->tree, false, &ret->table);
    lp_fx_output *outputs = rows(&r, from->outcomes.len, sizeof *outputs, LP_MAX_FX_ELEMENTS);
    if (r.why)
        return r.why;
    for (size_t i = 0; i < from->outcomes.len; i++) {
        outputs[i] = output(&from->outcomes.ptr[i]);
        outputs[i].microseconds = microseconds;
    }
    ret->outputs = outputs;
    ret->n_outputs = (uint32_t)from->outcomes.len;
    read_lists(&r, from, ret);
    return r.why;
}
