/* abi/plan.c: implements plan.h. */
#include "abi/plan.h"

struct compiling {
    lp_arena *arena;
    uint32_t handles;
};

static uint32_t align_to(uint32_t n, uint32_t align)
{
    return (n + align - 1) & ~(align - 1);
}

static void scalar(lp_node *n, uint32_t size, bool plain)
{
    n->guest_size = n->guest_align = n->size = n->align = size;
    n->flat = 1;
    n->plain = n->packed = plain;
}

static loop_error *compile(struct compiling *c, lp_node *n, const lp_type *t);

static loop_error *part(struct compiling *c, const lp_type *t, const lp_node **ret)
{
    if (!t)
        return NULL;
    lp_node *n = lp_arena_alloc(c->arena, sizeof *n);
    *ret = n;
    return compile(c, n, t);
}

static loop_error *check_size(const lp_node *n)
{
    if (n->size <= LP_MAX_VALUE_SIZE && n->guest_size <= LP_MAX_VALUE_SIZE)
        return NULL;
    return loop_error_new(LOOP_LIMIT, "a value of more than %u bytes without its lists",
                          LP_MAX_VALUE_SIZE);
}

/* Puts packed neighbours together, but over no gap: what lies in it stays where it is. */
static void make_steps(lp_node *n)
{
    lp_step *last = NULL;
    for (size_t i = 0; i < n->count; i++) {
        const lp_step *f = &n->fields[i];
        bool packed = f->node->packed;
        if (packed && last && !last->node && f->guest_offset == last->guest_offset + last->size &&
            f->offset == last->offset + last->size) {
            last->size += f->size;
            continue;
        }
        last = &n->steps[n->step_count++];
        *last = *f;
        if (packed)
            last->node = NULL;
    }
}

/* The fields of a record or tuple; `types` has n->count of them. */
static loop_error *fields(struct compiling *c, lp_node *n, const lp_type **types)
{
    n->parts = lp_arena_alloc(c->arena, (n->count + 1) * sizeof *n->parts);
    n->fields = lp_arena_alloc(c->arena, (n->count + 1) * sizeof *n->fields);
    n->steps = lp_arena_alloc(c->arena, (n->count + 1) * sizeof *n->steps);
    n->guest_align = n->align = 1;
    n->plain = n->packed = true;
    for (size_t i = 0; i < n->count; i++) {
        LP_TRY(part(c, types[i], &n->parts[i]));
        const lp_node *p = n->parts[i];
        uint32_t guest = align_to(n->guest_size, p->guest_align);
        uint32_t native = align_to(n->size, p->align);
        n->fields[i] = (lp_step){p, guest, native, p->size};
        n->plain = n->plain && p->plain && guest == native;
        n->packed = n->packed && p->packed && guest == n->guest_size && native == n->size;
        n->guest_size = guest + p->guest_size;
        n->size = native + p->size;
        n->guest_align = LP_MAX(n->guest_align, p->guest_align);
        n->align = LP_MAX(n->align, p->align);
        n->flat = LP_MIN(n->flat + p->flat, LP_FLAT_PARAMS + 1u);
        LP_TRY(check_size(n));
    }
    uint32_t end = n->size;
    n->guest_size = align_to(n->guest_size, n->guest_align);
    n->size = align_to(n->size, n->align);
    n->packed = n->packed && n->plain && end == n->size;
    make_steps(n);
    return NULL;
}

/* Variants, options, results: a tag, then the largest payload. */
static loop_error *cases(struct compiling *c, lp_node *n, const lp_type **types)
{
    n->parts = lp_arena_alloc(c->arena, n->count * sizeof *n->parts);
    uint32_t guest_size = 0, size = 0, flat = 0;
    n->guest_align = n->align = n->tag;
    for (size_t i = 0; i < n->count; i++) {
        LP_TRY(part(c, types[i], &n->parts[i]));
        const lp_node *p = n->parts[i];
        if (!p)
            continue;
        guest_size = LP_MAX(guest_size, p->guest_size);
        size = LP_MAX(size, p->size);
        flat = LP_MAX(flat, p->flat);
        n->guest_align = LP_MAX(n->guest_align, p->guest_align);
        n->align = LP_MAX(n->align, p->align);
    }
    n->guest_payload = align_to(n->tag, n->guest_align);
    n->payload = align_to(n->tag, n->align);
    n->guest_size = align_to(n->guest_payload + guest_size, n->guest_align);
    n->size = align_to(n->payload + size, n->align);
    n->flat = LP_MIN(1 + flat, LP_FLAT_PARAMS + 1u);
    return check_size(n);
}

static uint8_t tag_size(size_t count)
{
    return count <= 0x100 ? 1 : count <= 0x10000 ? 2 : 4;
}

static loop_error *compile_cases(struct compiling *c, lp_node *n, const lp_type *t)
{
    const lp_type *option[] = {NULL, NULL};
    const lp_type **types = t->elements;
    n->count = t->count;
    if (t->kind == LP_OPTION) {
        n->count = 2;
        option[1] = t->elements[0];
        types = option;
    }
    n->tag = tag_size(n->count);
    return cases(c, n, types);
}

static loop_error *compile(struct compiling *c, lp_node *n, const lp_type *t)
{
    n->kind = t->kind;
    n->type = t;
    n->count = t->count;
    n->first_handle = c->handles;
    loop_error *err = NULL;
    switch (t->kind) {
    case LP_BOOL: scalar(n, 1, false); break;
    case LP_S8:
    case LP_U8: scalar(n, 1, true); break;
    case LP_S16:
    case LP_U16: scalar(n, 2, true); break;
    case LP_S32:
    case LP_U32:
    case LP_F32: scalar(n, 4, true); break;
    case LP_S64:
    case LP_U64:
    case LP_F64: scalar(n, 8, true); break;
    case LP_CHAR: scalar(n, 4, false); break;
    case LP_LIST:
        n->parts = lp_arena_alloc(c->arena, sizeof *n->parts);
        err = part(c, t->elements[0], &n->parts[0]);
        /* fallthrough */
    case LP_STRING:
        n->guest_size = 8;
        n->guest_align = 4;
        n->size = 16;
        n->align = 8;
        n->flat = 2;
        break;
    case LP_RECORD:
    case LP_TUPLE: err = fields(c, n, t->elements); break;
    case LP_VARIANT:
    case LP_OPTION:
    case LP_RESULT: err = compile_cases(c, n, t); break;
    case LP_ENUM:
        n->tag = tag_size(t->count);
        scalar(n, n->tag, false);
        break;
    case LP_FLAGS: scalar(n, t->count <= 8 ? 1 : t->count <= 16 ? 2 : 4, false); break;
    case LP_OWN:
    case LP_BORROW:
        c->handles++;
        n->guest_size = n->guest_align = 4;
        n->size = n->align = 8;
        n->flat = 1;
        break;
    }
    n->handles = c->handles - n->first_handle;
    return err;
}

static bool is_number(const lp_node *n)
{
    return n->kind <= LP_F64;
}

static bool is_packed_list(const lp_node *n)
{
    return n->kind == LP_LIST && n->parts[0]->packed;
}

loop_error *lp_plan_new(lp_arena *a, const lp_signature *s, const lp_plan **ret)
{
    lp_plan *p = lp_arena_alloc(a, sizeof *p);
    struct compiling c = {.arena = a};
    p->params.kind = LP_TUPLE;
    p->params.count = s->nparams;
    LP_TRY(fields(&c, &p->params, s->params));
    p->params.handles = c.handles;
    c.handles = 0;
    LP_TRY(part(&c, s->result, &p->result));
    p->numbers_in = p->params.flat <= LP_FLAT_PARAMS;
    p->direct_in = p->numbers_in;
    for (size_t i = 0; i < s->nparams; i++) {
        const lp_node *n = p->params.parts[i];
        p->numbers_in = p->numbers_in && is_number(n);
        p->direct_in = p->direct_in && (is_number(n) || n->kind == LP_STRING || is_packed_list(n));
    }
    p->number_out = !p->result || is_number(p->result);
    *ret = p;
    return NULL;
}

static bool result_is_flat(const lp_plan *p)
{
    return p->result && p->result->flat <= LP_FLAT_RESULTS;
}

/* Whether flat values of this type may point into memory. */
static bool points(const lp_node *n)
{
    if (n->kind == LP_STRING || n->kind == LP_LIST)
        return true;
    for (size_t i = 0; n->parts && i < n->count; i++)
        if (n->parts[i] && points(n->parts[i]))
            return true;
    return false;
}

void lp_plan_function(const lp_plan *p, lp_function *f)
{
    f->flat_params = p->params.flat > LP_FLAT_PARAMS ? 0 : p->params.flat;
    f->memory = f->flat_params != p->params.flat || points(&p->params);
    f->handles = p->params.handles > 0;
    f->result = !p->result           ? LP_RESULT_NONE
                : !result_is_flat(p) ? LP_RESULT_MEMORY
                : p->result->handles ? LP_RESULT_PUT_FLAT
                                     : LP_RESULT_FLAT;
}

loop_error *lp_plan_check(const lp_plan *p, const lp_shape *s)
{
    const lp_node *r = p->result;
    uint32_t flat = p->params.flat > LP_FLAT_PARAMS ? UINT32_MAX : p->params.flat;
    uint32_t results = !r ? 0 : result_is_flat(p) ? r->flat : UINT32_MAX;
    if (flat == s->flat_params && p->params.guest_size == s->params_size &&
        p->params.guest_align == s->params_align && results == s->flat_results &&
        (r ? r->guest_size : 0) == s->results_size && (r ? r->guest_align : 1) == s->results_align)
        return NULL;
    return loop_error_new(LOOP_INTERNAL, "the engine lays a function's values out otherwise");
}
