/*
 * engine/engine.c: the engine itself and the components it loads.
 *
 * One engine a host: its settings decide what compiled code looks like, so they
 * are part of the cache's key. Guests are driven as futures (drive.rs); epochs
 * make a computing guest yield.
 */
#include "engine/internal.h"

#include <stdlib.h>

#include "base/os/os.h"

#define WASM_STACK (1u << 20)
/* Room on a fiber beside what a guest may use: for the host's frames on top of it. */
#define FIBER_OURS (2u << 20)

const char *lp_engine_version(void)
{
    return "wasmtime " WASMTIME_VERSION;
}

loop_error *lp_engine_new(const lp_engine_options *o, lp_engine **ret)
{
    size_t stack = o->stack ? (size_t)o->stack : WASM_STACK;
    wasm_config_t *config = wasm_config_new();
    wasmtime_config_wasm_component_model_set(config, true);
    wasmtime_config_epoch_interruption_set(config, true);
    wasmtime_config_max_wasm_stack_set(config, stack);
    wasmtime_config_memory_may_move_set(config, false); /* abi/lower.c counts on it */
    wasmtime_config_async_stack_size_set(config, stack + FIBER_OURS);
    lpx_config_details(config);
    wasm_engine_t *wasm = wasm_engine_new_with_config(config);
    if (!wasm)
        return loop_error_new(LOOP_SYSTEM, "cannot start the engine");
    struct lp_ticker *ticker;
    loop_error *err = lp_ticker_new(wasm, &ticker);
    if (err) {
        wasm_engine_delete(wasm);
        return loop_error_wrap(err, "cannot start the engine");
    }
    lp_engine *e = lp_alloc(sizeof *e);
    e->wasm = wasm;
    e->ticker = ticker;
    e->stack = stack;
    e->options = *o;
    e->cache_dir = o->cache_dir ? lp_strdup(o->cache_dir) : NULL;
    *ret = e;
    return NULL;
}

uint64_t lp_engine_stack(const lp_engine *e)
{
    return e->stack;
}

void lp_engine_delete(lp_engine *e)
{
    if (!e)
        return;
    lp_ticker_delete(e->ticker);
    wasm_engine_delete(e->wasm);
    free(e->cache_dir);
    free(e);
}

/* ---- reading ---- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Whether the first thing that is neither space nor a `;;` comment is a parenthesis. */
static bool is_text(const uint8_t *b, size_t len)
{
    bool comment = false;
    for (size_t i = 0; i < len; i++) {
        if (comment || b[i] == ';')
            comment = b[i] != '\n';
        else if (!strchr(" \t\r\n", b[i]))
            return b[i] == '(';
    }
    return false;
}

/* What the first bytes say the file is; NULL for a component. */
static loop_error *check_magic(const char *path, const uint8_t *b, size_t len)
{
    static const uint8_t magic[4] = {0, 'a', 's', 'm'}, module[4] = {1, 0, 0, 0},
                         component[4] = {0x0d, 0, 1, 0};
    const char *name = base_name(path);
    if (len == 0)
        return loop_error_hint_set(loop_error_new(LOOP_INVALID, "'%s' is empty", name),
                                   "build it again; a full disk leaves empty files behind");
    if (len >= 8 && memcmp(b, magic, 4) == 0 && memcmp(b + 4, component, 4) == 0)
        return NULL;
    if (len >= 8 && memcmp(b, magic, 4) == 0 && memcmp(b + 4, module, 4) == 0)
        return loop_error_hint_set(
            loop_error_new(LOOP_INVALID, "'%s' is a core WebAssembly module, not a component",
                           name),
            "make it one: wasm-tools component new '%s' -o '%s.component.wasm' "
            "(a module built for wasip1 also needs --adapt wasi_snapshot_preview1=ADAPTER)",
            path, name);
    if (len < 8 && memcmp(b, magic, LP_MIN(len, 4)) == 0)
        return loop_error_hint_set(
            loop_error_new(LOOP_INVALID, "'%s' is cut off: only %zu bytes", name, len),
            "build or download it again");
    if (is_text(b, len))
        return loop_error_hint_set(
            loop_error_new(LOOP_INVALID, "'%s' is WebAssembly text, not a binary", name),
            "make it one: wasm-tools parse '%s' -o '%s.wasm'", path, name);
    return loop_error_hint_set(loop_error_new(LOOP_INVALID, "'%s' is not WebAssembly", name),
                               "a component starts with the bytes 00 61 73 6d 0d 00 01 00");
}

/* An unsigned LEB128 of 32 bits; false where there is none. */
static bool read_leb(const uint8_t *b, size_t len, size_t *at, uint32_t *ret)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 35 && *at < len; shift += 7) {
        uint8_t byte = b[(*at)++];
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *ret = (uint32_t)v;
            return v <= UINT32_MAX;
        }
    }
    return false;
}

/*
 * Every section must lie in the file: who reads one makes room for the length
 * that it claims, up to 4 GiB.
 */
loop_error *lp_check_sections(const char *path, const uint8_t *b, size_t len)
{
    for (size_t at = 8; at < len;) {
        size_t start = at++;
        uint32_t size;
        if (read_leb(b, len, &at, &size) && size <= len - at) {
            at += size;
            continue;
        }
        loop_error *e = loop_error_new(
            LOOP_INVALID, "the section at byte %zu goes on after the end at %zu", start, len);
        e = loop_error_wrap(e, "'%s' is cut off or damaged", base_name(path));
        return loop_error_hint_set(e, "build or download it again");
    }
    return NULL;
}

loop_error *lp_component_open(lp_engine *e, const char *path, lp_component **ret)
{
    uint8_t *bytes;
    size_t len;
    if (lp_os_is_dir(path))
        return loop_error_hint_set(
            loop_error_new(LOOP_INVALID, "'%s' is a folder, not a component", path),
            "name the component's file in it");
    loop_error *err = lp_os_read_file(path, LP_MAX_COMPONENT_BYTES, &bytes, &len);
    if (err && loop_error_code(err) == LOOP_NOT_FOUND)
        return loop_error_hint_set(
            err, "check the path; `loop run` takes a file, or a name of loop.yaml");
    if (err && loop_error_code(err) == LOOP_LIMIT)
        return loop_error_hint_set(err,
                                   "a component has at most %u MiB; strip its debug information",
                                   LP_MAX_COMPONENT_BYTES >> 20);
    if (err)
        return loop_error_hint_set(err, "a component is a regular file that you can read");
    err = check_magic(path, bytes, len);
    if (!err)
        err = lp_check_sections(path, bytes, len);
    if (err) {
        free(bytes);
        return err;
    }
    lp_component *c = lp_alloc(sizeof *c);
    c->engine = e;
    c->path = lp_strdup(path);
    c->bytes = bytes;
    c->len = len;
    *ret = c;
    return NULL;
}

uint64_t lp_component_stack(const lp_component *c)
{
    return c->engine->stack;
}

lp_component *lp_component_again(const lp_component *c, lp_engine *e)
{
    lp_component *again = lp_alloc(sizeof *again);
    again->engine = e;
    again->path = lp_strdup(c->path);
    again->bytes = lp_alloc(c->len);
    memcpy(again->bytes, c->bytes, c->len);
    again->len = c->len;
    return again;
}

void lp_component_delete(lp_component *c)
{
    if (!c)
        return;
    if (c->wasm)
        wasmtime_component_delete(c->wasm);
    lp_arena_done(&c->arena);
    free(c->rows.at);
    free(c->imports.at);
    free(c->exports.at);
    free(c->exported.at);
    free(c->bytes);
    free(c->path);
    free(c);
}

/* ---- describing ---- */

static const char *keep(lp_component *c, lpx_text t)
{
    return lp_arena_strndup(&c->arena, t.ptr, t.len);
}

static void on_row(void *data, const lpx_row *row)
{
    lp_component *c = data;
    if (c->rows.n >= LP_MAX_IMPORTS * 2)
        return;
    *lp_push(&c->rows) = (lp_row){
        .is_export = row->is_export,
        .kind = (lp_row_kind)row->kind,
        .interface_name = keep(c, row->interface_name),
        .function = keep(c, row->function),
        .signature = keep(c, row->signature),
        .structure = keep(c, row->structure),
    };
}

static loop_error *bad_component(lp_component *c, wasmtime_error_t *cause)
{
    lp_auto(lp_free_string) char *text = lp_error_text(cause);
    loop_error *e = loop_error_new(LOOP_INVALID, "%s", text);
    e = loop_error_wrap(e, "'%s' is damaged or uses features that loop does not have",
                        base_name(c->path));
    return loop_error_hint_set(
        e, "build or download it again; `wasm-tools validate '%s'` says more", c->path);
}

loop_error *lp_component_rows(lp_component *c, const lp_row **ret, size_t *ret_count)
{
    if (!c->described) {
        wasmtime_error_t *err = lpx_describe(c->bytes, c->len, on_row, c);
        if (err)
            return bad_component(c, err);
        c->described = true;
    }
    *ret = c->rows.at;
    *ret_count = c->rows.n;
    return NULL;
}

/* ---- compiling ---- */

/* A function or a resource of an interface, or of the world itself (""). */
static loop_error *add_item(lp_component *c, struct lp_types *x, bool is_export,
                            const char *interface_name, const char *name, size_t len,
                            const wasmtime_component_item_t *item)
{
    if (item->kind != WASMTIME_COMPONENT_ITEM_COMPONENT_FUNC &&
        item->kind != WASMTIME_COMPONENT_ITEM_RESOURCE)
        return NULL; /* types need nobody to serve them */
    if (c->imports.n + c->exported.n >= LP_MAX_IMPORTS)
        return loop_error_new(LOOP_LIMIT, "more than %d imports and exports", LP_MAX_IMPORTS);
    lp_import *i = is_export ? lp_push(&c->exported) : lp_push(&c->imports);
    i->interface_name = interface_name;
    i->name = lp_arena_strndup(&c->arena, name, len);
    if (item->kind == WASMTIME_COMPONENT_ITEM_RESOURCE) {
        i->resource = lp_resource_add(x, item->of.resource, interface_name, i->name, is_export);
        return NULL;
    }
    loop_error *err = lp_signature_of(x, item->of.component_func, &i->signature);
    if (!err || lp_starts_with(interface_name, "wasi:") || is_export)
        loop_error_delete(err); /* the engine serves WASI; an export may stay uncalled */
    else
        return loop_error_wrap(err, "while reading the import '%s' of '%s'", i->name,
                               interface_name);
    return NULL;
}

static loop_error *add_instance(lp_component *c, struct lp_types *x, bool is_export,
                                const char *name, const wasmtime_component_instance_type_t *t)
{
    wasm_engine_t *wasm = c->engine->wasm;
    size_t n = wasmtime_component_instance_type_export_count(t, wasm);
    const char *member;
    size_t len;
    wasmtime_component_item_t item;
    /* Resources first: functions speak of them. */
    for (int functions = 0; functions < 2; functions++) {
        for (size_t j = 0; j < n; j++) {
            if (!wasmtime_component_instance_type_export_nth(t, wasm, j, &member, &len, &item))
                continue;
            loop_error *err = NULL;
            if ((item.kind == WASMTIME_COMPONENT_ITEM_COMPONENT_FUNC) == functions)
                err = add_item(c, x, is_export, name, member, len, &item);
            wasmtime_component_item_delete(&item);
            LP_TRY(err);
        }
    }
    return NULL;
}

/* One import or export of the world. */
static loop_error *add_named(lp_component *c, struct lp_types *x, bool is_export, const char *name,
                             size_t len, wasmtime_component_item_t *item)
{
    const char *kept = lp_arena_strndup(&c->arena, name, len);
    if (is_export)
        *lp_push(&c->exports) = kept;
    loop_error *err = item->kind == WASMTIME_COMPONENT_ITEM_COMPONENT_INSTANCE
                          ? add_instance(c, x, is_export, kept, item->of.component_instance)
                          : add_item(c, x, is_export, "", name, len, item);
    wasmtime_component_item_delete(item);
    return err;
}

/* Imports and exports as the compiled component declares them. */
static loop_error *reflect(lp_component *c)
{
    wasm_engine_t *wasm = c->engine->wasm;
    wasmtime_component_type_t *t = wasmtime_component_type(c->wasm);
    struct lp_types x = {.arena = &c->arena};
    loop_error *err = NULL;
    const char *name;
    size_t len;
    wasmtime_component_item_t item;
    for (size_t i = 0; !err && wasmtime_component_type_import_nth(t, wasm, i, &name, &len, &item);
         i++)
        err = add_named(c, &x, false, name, len, &item);
    for (size_t i = 0; !err && wasmtime_component_type_export_nth(t, wasm, i, &name, &len, &item);
         i++)
        err = add_named(c, &x, true, name, len, &item);
    lp_types_done(&x);
    wasmtime_component_type_delete(t);
    return err;
}

loop_error *lp_component_compile(lp_component *c)
{
    if (c->wasm)
        return NULL;
    lp_engine *e = c->engine;
    c->wasm = lp_cache_load(e, c->bytes, c->len);
    if (!c->wasm) {
        if (e->options.progress) {
            lp_auto(lp_free_string) char *what =
                lp_format("compiling '%s' (%.1f MB)", base_name(c->path), (double)c->len / 1e6);
            e->options.progress(e->options.data, what);
        }
        wasmtime_error_t *err = wasmtime_component_new(e->wasm, c->bytes, c->len, &c->wasm);
        if (err) {
            c->wasm = NULL;
            return bad_component(c, err);
        }
        lp_cache_store(e, c->bytes, c->len, c->wasm);
    }
    return reflect(c);
}

bool lp_component_is_compiled(const lp_component *c)
{
    return c->wasm != NULL;
}

const lp_import *lp_component_import_at(const lp_component *c, size_t i)
{
    return i < c->imports.n ? &c->imports.at[i] : NULL;
}

const lp_import *lp_component_exported_at(const lp_component *c, size_t i)
{
    return i < c->exported.n ? &c->exported.at[i] : NULL;
}

const char *lp_component_export_at(const lp_component *c, size_t i)
{
    return i < c->exports.n ? c->exports.at[i] : NULL;
}

/* ---- WIT ---- */

loop_error *lp_wit_json(const char *path, const char *const *deps, char **ret)
{
    size_t n = 0;
    while (deps && deps[n])
        n++;
    lpx_text *texts = lp_alloc((n + 1) * sizeof *texts);
    for (size_t i = 0; i < n; i++)
        texts[i] = (lpx_text){deps[i], strlen(deps[i])};
    wasm_byte_vec_t out = {0};
    wasmtime_error_t *e = lpx_wit_json((lpx_text){path, strlen(path)}, texts, n, &out);
    free(texts);
    if (e) {
        lp_auto(lp_free_string) char *text = lp_error_text(e);
        return loop_error_wrap(loop_error_new(LOOP_INVALID, "%s", text),
                               "cannot read WIT from '%s'", path);
    }
    *ret = lp_strndup(out.data, out.size);
    wasm_byte_vec_delete(&out);
    return NULL;
}
