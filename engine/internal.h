/* engine/internal.h: shared by the files of engine/ alone. */
#ifndef LP_ENGINE_INTERNAL_H
#define LP_ENGINE_INTERNAL_H

#include "engine/engine.h"
#include "engine/ext.h"

/* The epoch moves this often while guests run: a spinning guest looks up that often. */
#define LP_TICK_NS 5000000u

struct lp_engine {
    wasm_engine_t *wasm;
    lp_engine_options options;
    char *cache_dir;
    struct lp_ticker *ticker;
};

/* ticker.c: one thread an engine, awake only while a guest runs. */
loop_error *lp_ticker_new(wasm_engine_t *wasm, struct lp_ticker **ret) LOOP_MUST_USE;
void lp_ticker_delete(struct lp_ticker *t);
void lp_ticker_enter(struct lp_ticker *t);
void lp_ticker_leave(struct lp_ticker *t);

/* cache.c: NULL where there is nothing usable; storing never fails loudly. */
wasmtime_component_t *lp_cache_load(lp_engine *e, const uint8_t *wasm, size_t len);
void lp_cache_store(lp_engine *e, const uint8_t *wasm, size_t len, wasmtime_component_t *c);

/* type.c: into the arena. Errors: LOOP_INVALID for types that loop does not carry, LOOP_LIMIT. */
loop_error *lp_type_of(lp_arena *a, const wasmtime_component_valtype_t *t, unsigned depth,
                       const lp_type **ret) LOOP_MUST_USE;
loop_error *lp_signature_of(lp_arena *a, const wasmtime_component_func_type_t *f,
                            const lp_signature **ret) LOOP_MUST_USE;

/*
 * convert.c: value trees and Wasmtime's. `resource_type` gives the type number of a
 * handle that goes to the guest. A budget over the whole tree is kept.
 */
typedef struct lp_convert {
    wasmtime_context_t *cx;
    lp_arena *arena;
    size_t items, bytes;                                    /* used so far */
    uint32_t (*resource_type)(void *data, uint32_t handle); /* UINT32_MAX: no such handle */
    void *data;
} lp_convert;
loop_error *lp_convert_in(lp_convert *c, const lp_type *t, const wasmtime_component_val_t *from,
                          loop_value *to, unsigned depth) LOOP_MUST_USE;
loop_error *lp_convert_out(lp_convert *c, const lp_type *t, const loop_value *from,
                           wasmtime_component_val_t *to, unsigned depth) LOOP_MUST_USE;

/* errors.c: takes `e`. A trap of the guest `name` with its frames, or what went wrong. */
loop_error *lp_error_of(wasmtime_error_t *e) LOOP_MUST_USE;
loop_error *lp_error_of_guest(const char *name, wasmtime_error_t *e) LOOP_MUST_USE;
/* The message alone; takes `e`; malloced. */
char *lp_error_text(wasmtime_error_t *e);

/* engine.c: LOOP_INVALID for a section that does not lie in the file. */
loop_error *lp_check_sections(const char *path, const uint8_t *b, size_t len) LOOP_MUST_USE;

struct lp_component {
    lp_engine *engine;
    char *path;
    uint8_t *bytes;
    size_t len;
    wasmtime_component_t *wasm; /* NULL until compiled */
    lp_arena arena;
    struct {
        lp_row *at;
        size_t n, cap;
    } rows;
    bool described;
    struct {
        lp_import *at;
        size_t n, cap;
    } imports;
    struct {
        const char **at;
        size_t n, cap;
    } exports;
};

#endif
