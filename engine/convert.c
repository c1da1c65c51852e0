/*
 * engine/convert.c: Wasmtime's value trees to loop's and back, led by the type.
 *
 * Slow by nature (Wasmtime's tree costs 46 ns a byte of a list); it stays for
 * reflection. Everything a provider returns is checked here against the type,
 * everything a guest sends against the limits of base/limits.h.
 */
#include "engine/internal.h"

static loop_error *budget(lp_convert *c, size_t items, size_t bytes)
{
    c->items += items;
    c->bytes += bytes;
    if (c->items > LP_MAX_VALUE_ITEMS)
        return loop_error_new(LOOP_LIMIT, "a value of more than %u parts", LP_MAX_VALUE_ITEMS);
    if (c->bytes > LP_MAX_VALUE_BYTES)
        return loop_error_new(LOOP_LIMIT, "a value of more than %u bytes", LP_MAX_VALUE_BYTES);
    return NULL;
}

/* ---- from the guest ---- */

static loop_error *text_in(lp_convert *c, const wasm_name_t *from, loop_value *to)
{
    LP_TRY(budget(c, 1, from->size));
    to->of.text.ptr = lp_arena_strndup(c->arena, from->data, from->size);
    to->of.text.len = from->size;
    return NULL;
}

static loop_error *bytes_in(lp_convert *c, const wasmtime_component_vallist_t *from, loop_value *to)
{
    LP_TRY(budget(c, 1, from->size));
    char *p = lp_arena_alloc(c->arena, from->size + 1);
    for (size_t i = 0; i < from->size; i++)
        p[i] = (char)from->data[i].of.u8;
    to->of.text.ptr = p;
    to->of.text.len = from->size;
    return NULL;
}

static loop_error *items_in(lp_convert *c, size_t n, loop_value *to)
{
    LP_TRY(budget(c, n, 0));
    to->of.items.at = lp_arena_alloc(c->arena, (n ? n : 1) * sizeof *to->of.items.at);
    to->of.items.count = n;
    return NULL;
}

/* A payload: the only item, where there is one. */
static loop_error *payload_in(lp_convert *c, const lp_type *t, const wasmtime_component_val_t *from,
                              loop_value *to, unsigned depth)
{
    if (!t || !from)
        return NULL;
    LP_TRY(items_in(c, 1, to));
    return lp_convert_in(c, t, from, to->of.items.at, depth + 1);
}

/* Turned into the host's form, a borrow has nothing left to give back to the store. */
static loop_error *resource_in(lp_convert *c, const wasmtime_component_val_t *from, loop_value *to)
{
    wasmtime_component_resource_host_t *host;
    wasmtime_error_t *err =
        wasmtime_component_resource_any_to_host(c->cx, from->of.resource, &host);
    if (err)
        return loop_error_wrap(lp_error_of(err), "a handle that is not the host's");
    to->of.handle = wasmtime_component_resource_host_rep(host);
    wasmtime_component_resource_host_delete(host);
    return NULL;
}

static loop_error *case_in(const lp_type *t, const wasm_name_t *name, loop_value *to)
{
    size_t i = lp_type_index(t, name->data, name->size);
    if (i == SIZE_MAX)
        return loop_error_new(LOOP_INVALID, "a case that its type does not have");
    to->index = (uint32_t)i;
    return NULL;
}

static loop_error *compound_in(lp_convert *c, const lp_type *t,
                               const wasmtime_component_val_t *from, loop_value *to, unsigned depth)
{
    switch (t->kind) {
    case LOOP_LIST:
        LP_TRY(items_in(c, from->of.list.size, to));
        for (size_t i = 0; i < from->of.list.size; i++)
            LP_TRY(lp_convert_in(c, t->elements[0], &from->of.list.data[i], &to->of.items.at[i],
                                 depth + 1));
        return NULL;
    case LOOP_RECORD:
        LP_TRY(items_in(c, t->count, to));
        for (size_t i = 0; i < t->count && i < from->of.record.size; i++)
            LP_TRY(lp_convert_in(c, t->elements[i], &from->of.record.data[i].val,
                                 &to->of.items.at[i], depth + 1));
        return NULL;
    case LOOP_TUPLE:
        LP_TRY(items_in(c, t->count, to));
        for (size_t i = 0; i < t->count && i < from->of.tuple.size; i++)
            LP_TRY(lp_convert_in(c, t->elements[i], &from->of.tuple.data[i], &to->of.items.at[i],
                                 depth + 1));
        return NULL;
    case LOOP_VARIANT: {
        const wasm_name_t *name = &from->of.variant.discriminant;
        LP_TRY(case_in(t, name, to));
        return payload_in(c, t->elements[to->index], from->of.variant.val, to, depth);
    }
    case LOOP_ENUM: return case_in(t, &from->of.enumeration, to);
    case LOOP_OPTION:
        to->index = from->of.option != NULL;
        return payload_in(c, t->elements[0], from->of.option, to, depth);
    case LOOP_RESULT:
        to->index = !from->of.result.is_ok;
        return payload_in(c, t->elements[to->index], from->of.result.val, to, depth);
    default: /* LOOP_FLAGS */
        for (size_t i = 0; i < from->of.flags.size; i++) {
            const wasm_name_t *name = &from->of.flags.data[i];
            size_t bit = lp_type_index(t, name->data, name->size);
            if (bit < 64)
                to->of.u |= (uint64_t)1 << bit;
        }
        return NULL;
    }
}

loop_error *lp_convert_in(lp_convert *c, const lp_type *t, const wasmtime_component_val_t *from,
                          loop_value *to, unsigned depth)
{
    LP_TRY(budget(c, 1, 0));
    *to = (loop_value){.kind = t->kind};
    switch (t->kind) {
    case LOOP_BOOL: to->of.boolean = from->of.boolean; return NULL;
    case LOOP_U8: to->of.u = from->of.u8; return NULL;
    case LOOP_U16: to->of.u = from->of.u16; return NULL;
    case LOOP_U32: to->of.u = from->of.u32; return NULL;
    case LOOP_U64: to->of.u = from->of.u64; return NULL;
    case LOOP_S8: to->of.s = from->of.s8; return NULL;
    case LOOP_S16: to->of.s = from->of.s16; return NULL;
    case LOOP_S32: to->of.s = from->of.s32; return NULL;
    case LOOP_S64: to->of.s = from->of.s64; return NULL;
    case LOOP_F32: to->of.f = (double)from->of.f32; return NULL;
    case LOOP_F64: to->of.f = from->of.f64; return NULL;
    case LOOP_CHAR: to->of.character = from->of.character; return NULL;
    case LOOP_STRING: return text_in(c, &from->of.string, to);
    case LOOP_BYTES: return bytes_in(c, &from->of.list, to);
    case LOOP_OWN:
    case LOOP_BORROW: return resource_in(c, from, to);
    default: return compound_in(c, t, from, to, depth);
    }
}

/* ---- to the guest ---- */

static loop_error *misfit(const char *what)
{
    return loop_error_new(LOOP_INTERNAL, "the provider returned %s that does not fit its type",
                          what);
}

static loop_error *text_out(lp_convert *c, const loop_value *from, wasm_name_t *to)
{
    LP_TRY(budget(c, 1, from->of.text.len));
    if (!lp_utf8_valid(from->of.text.ptr, from->of.text.len))
        return misfit("a string (not UTF-8)");
    wasm_byte_vec_new(to, from->of.text.len, from->of.text.ptr);
    return NULL;
}

static void name_out(const char *name, wasm_name_t *to)
{
    wasm_byte_vec_new(to, strlen(name), name);
}

/* A list of `n` values; a failure leaves valid values behind, for _delete. */
static loop_error *values_out(lp_convert *c, const lp_type *const *types, bool same,
                              const loop_value *from, wasmtime_component_val_t *to, unsigned depth)
{
    for (size_t i = 0; i < from->of.items.count; i++)
        to[i] = (wasmtime_component_val_t){.kind = WASMTIME_COMPONENT_BOOL};
    for (size_t i = 0; i < from->of.items.count; i++)
        LP_TRY(lp_convert_out(c, types[same ? 0 : i], &from->of.items.at[i], &to[i], depth + 1));
    return NULL;
}

static loop_error *payload_out(lp_convert *c, const lp_type *t, const loop_value *from,
                               wasmtime_component_val_t **to, unsigned depth)
{
    *to = NULL;
    if (!t && from->of.items.count == 0)
        return NULL;
    if (!t || from->of.items.count != 1)
        return misfit("a payload");
    wasmtime_component_val_t v = {.kind = WASMTIME_COMPONENT_BOOL};
    loop_error *err = lp_convert_out(c, t, from->of.items.at, &v, depth + 1);
    if (err)
        wasmtime_component_val_delete(&v);
    else
        *to = wasmtime_component_val_new(&v);
    return err;
}

static loop_error *resource_out(lp_convert *c, const loop_value *from, wasmtime_component_val_t *to)
{
    uint32_t type = c->resource_type ? c->resource_type(c->data, from->of.handle) : UINT32_MAX;
    if (type == UINT32_MAX)
        return misfit("a handle (nothing is held under it)");
    wasmtime_component_resource_host_t *host =
        wasmtime_component_resource_host_new(true, from->of.handle, type);
    wasmtime_component_resource_any_t *any;
    wasmtime_error_t *err = wasmtime_component_resource_host_to_any(c->cx, host, &any);
    wasmtime_component_resource_host_delete(host);
    if (err)
        return lp_error_of(err);
    to->kind = WASMTIME_COMPONENT_RESOURCE;
    to->of.resource = any;
    return NULL;
}

static loop_error *record_out(lp_convert *c, const lp_type *t, const loop_value *from,
                              wasmtime_component_val_t *to, unsigned depth)
{
    if (from->of.items.count != t->count)
        return misfit("a record");
    to->kind = WASMTIME_COMPONENT_RECORD;
    wasmtime_component_valrecord_new_uninit(&to->of.record, t->count);
    for (size_t i = 0; i < t->count; i++) {
        name_out(t->names[i], &to->of.record.data[i].name);
        to->of.record.data[i].val = (wasmtime_component_val_t){.kind = WASMTIME_COMPONENT_BOOL};
    }
    for (size_t i = 0; i < t->count; i++)
        LP_TRY(lp_convert_out(c, t->elements[i], &from->of.items.at[i], &to->of.record.data[i].val,
                              depth + 1));
    return NULL;
}

static loop_error *bytes_out(lp_convert *c, const loop_value *from, wasmtime_component_val_t *to)
{
    LP_TRY(budget(c, 1, from->of.text.len));
    to->kind = WASMTIME_COMPONENT_LIST;
    wasmtime_component_vallist_new_uninit(&to->of.list, from->of.text.len);
    for (size_t i = 0; i < from->of.text.len; i++)
        to->of.list.data[i] = (wasmtime_component_val_t){.kind = WASMTIME_COMPONENT_U8,
                                                         .of.u8 = (uint8_t)from->of.text.ptr[i]};
    return NULL;
}

static void flags_out(const lp_type *t, const loop_value *from, wasmtime_component_val_t *to)
{
    size_t n = 0;
    for (size_t i = 0; i < t->count; i++)
        n += (from->of.u >> i) & 1;
    to->kind = WASMTIME_COMPONENT_FLAGS;
    wasmtime_component_valflags_new_uninit(&to->of.flags, n);
    for (size_t i = 0, at = 0; i < t->count; i++)
        if ((from->of.u >> i) & 1)
            name_out(t->names[i], &to->of.flags.data[at++]);
}

static loop_error *compound_out(lp_convert *c, const lp_type *t, const loop_value *from,
                                wasmtime_component_val_t *to, unsigned depth)
{
    wasmtime_component_val_t *payload;
    switch (t->kind) {
    case LOOP_LIST:
        LP_TRY(budget(c, from->of.items.count, 0));
        to->kind = WASMTIME_COMPONENT_LIST;
        wasmtime_component_vallist_new_uninit(&to->of.list, from->of.items.count);
        return values_out(c, t->elements, true, from, to->of.list.data, depth);
    case LOOP_RECORD: return record_out(c, t, from, to, depth);
    case LOOP_TUPLE:
        if (from->of.items.count != t->count)
            return misfit("a tuple");
        to->kind = WASMTIME_COMPONENT_TUPLE;
        wasmtime_component_valtuple_new_uninit(&to->of.tuple, t->count);
        return values_out(c, t->elements, false, from, to->of.tuple.data, depth);
    case LOOP_VARIANT:
        if (from->index >= t->count)
            return misfit("a variant");
        LP_TRY(payload_out(c, t->elements[from->index], from, &payload, depth));
        to->kind = WASMTIME_COMPONENT_VARIANT;
        name_out(t->names[from->index], &to->of.variant.discriminant);
        to->of.variant.val = payload;
        return NULL;
    case LOOP_ENUM:
        if (from->index >= t->count)
            return misfit("an enum");
        to->kind = WASMTIME_COMPONENT_ENUM;
        name_out(t->names[from->index], &to->of.enumeration);
        return NULL;
    case LOOP_OPTION:
        LP_TRY(payload_out(c, from->index ? t->elements[0] : NULL, from, &payload, depth));
        to->kind = WASMTIME_COMPONENT_OPTION;
        to->of.option = payload;
        return NULL;
    case LOOP_RESULT:
        if (from->index > 1)
            return misfit("a result");
        LP_TRY(payload_out(c, t->elements[from->index], from, &payload, depth));
        to->kind = WASMTIME_COMPONENT_RESULT;
        to->of.result.is_ok = from->index == 0;
        to->of.result.val = payload;
        return NULL;
    default: flags_out(t, from, to); return NULL;
    }
}

static bool is_scalar_value(uint32_t c)
{
    return c < 0xd800 || (c > 0xdfff && c <= 0x10ffff);
}

loop_error *lp_convert_out(lp_convert *c, const lp_type *t, const loop_value *from,
                           wasmtime_component_val_t *to, unsigned depth)
{
    LP_TRY(budget(c, 1, 0));
    if (from->kind != t->kind)
        return misfit("a value");
    if (depth > LP_MAX_VALUE_DEPTH)
        return loop_error_new(LOOP_LIMIT, "a value nested more than %d deep", LP_MAX_VALUE_DEPTH);
#define PLAIN(lower, upper, type, source)                                                          \
    case LOOP_##upper:                                                                             \
        to->of.lower = (type)from->of.source;                                                      \
        to->kind = WASMTIME_COMPONENT_##upper;                                                     \
        return NULL;
    switch (t->kind) {
        PLAIN(u8, U8, uint8_t, u)
        PLAIN(u16, U16, uint16_t, u)
        PLAIN(u32, U32, uint32_t, u)
        PLAIN(u64, U64, uint64_t, u)
        PLAIN(s8, S8, int8_t, s)
        PLAIN(s16, S16, int16_t, s)
        PLAIN(s32, S32, int32_t, s)
        PLAIN(s64, S64, int64_t, s)
        PLAIN(f32, F32, float, f)
        PLAIN(f64, F64, double, f)
    case LOOP_BOOL: {
        uint8_t raw; /* as a byte: a provider's bool may hold anything */
        memcpy(&raw, &from->of.boolean, 1);
        to->kind = WASMTIME_COMPONENT_BOOL;
        to->of.boolean = raw != 0;
        return NULL;
    }
    case LOOP_CHAR:
        if (!is_scalar_value(from->of.character))
            return misfit("a char");
        to->kind = WASMTIME_COMPONENT_CHAR;
        to->of.character = from->of.character;
        return NULL;
    case LOOP_STRING: {
        wasm_name_t text;
        LP_TRY(text_out(c, from, &text));
        to->kind = WASMTIME_COMPONENT_STRING;
        to->of.string = text;
        return NULL;
    }
    case LOOP_BYTES: return bytes_out(c, from, to);
    case LOOP_OWN: return resource_out(c, from, to);
    case LOOP_BORROW: return misfit("a borrowed handle");
    default: return compound_out(c, t, from, to, depth);
    }
#undef PLAIN
}
