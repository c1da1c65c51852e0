/*
 * bindgen/wit.c: reads the JSON form of a resolved WIT package (wit-parser's),
 * as the engine gives it, into wit.h's structures.
 *
 * The JSON is the engine's own, so a shape that is not known is a defect of loop
 * (LOOP_INTERNAL); but names, counts and depths in it are those of a stranger's
 * file and have limits.
 */
#include "bindgen/wit.h"

#include <ctype.h>
#include <jansson.h>

struct reader {
    struct lp_wit *w;
    json_t *interfaces, *worlds, *types, *packages;
};

static loop_error *odd(const char *what)
{
    return loop_error_hint_set(
        loop_error_new(LOOP_INTERNAL, "the engine describes WIT in a way that is not known: %s",
                       what),
        "this is a defect of loop; please report it with the WIT");
}

/* ---- small things ---- */

/* A name as WIT has them; it will be a part of names in C. */
static loop_error *read_name(struct reader *r, json_t *v, const char **ret)
{
    if (!json_is_string(v))
        return odd("a name");
    size_t n = json_string_length(v);
    const char *s = json_string_value(v);
    if (n == 0 || n > LP_MAX_NAME)
        return loop_error_new(LOOP_LIMIT, "a name of %zu bytes; the limit is %d", n, LP_MAX_NAME);
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)s[i]) && !strchr("-_.:/@[]+", s[i]))
            return loop_error_new(LOOP_INVALID, "'%s' is no name that can be one in C", s);
    *ret = lp_arena_strndup(&r->w->arena, s, n);
    return NULL;
}

static const char *read_docs(struct reader *r, json_t *of)
{
    json_t *text = json_object_get(json_object_get(of, "docs"), "contents");
    if (!json_is_string(text) || json_string_length(text) == 0)
        return NULL;
    return lp_arena_strndup(&r->w->arena, json_string_value(text), json_string_length(text));
}

static loop_error *read_index(json_t *v, size_t count, size_t *ret)
{
    if (!json_is_integer(v) || json_integer_value(v) < 0 ||
        (json_int_t)count <= json_integer_value(v))
        return odd("an index");
    *ret = (size_t)json_integer_value(v);
    return NULL;
}

/* An array for `n` elements; the total is bounded by the size of the JSON. */
static void *array(struct reader *r, size_t n, size_t size)
{
    return lp_arena_alloc(&r->w->arena, (n + 1) * size);
}

/* ---- types ---- */

static const struct lp_wit_type plain[] = {
    [LP_WIT_BOOL] = {.kind = LP_WIT_BOOL, .size = 1, .align = 1, .depth = 1},
    [LP_WIT_U8] = {.kind = LP_WIT_U8, .size = 1, .align = 1, .depth = 1},
    [LP_WIT_S8] = {.kind = LP_WIT_S8, .size = 1, .align = 1, .depth = 1},
    [LP_WIT_U16] = {.kind = LP_WIT_U16, .size = 2, .align = 2, .depth = 1},
    [LP_WIT_S16] = {.kind = LP_WIT_S16, .size = 2, .align = 2, .depth = 1},
    [LP_WIT_U32] = {.kind = LP_WIT_U32, .size = 4, .align = 4, .depth = 1},
    [LP_WIT_S32] = {.kind = LP_WIT_S32, .size = 4, .align = 4, .depth = 1},
    [LP_WIT_U64] = {.kind = LP_WIT_U64, .size = 8, .align = 8, .depth = 1},
    [LP_WIT_S64] = {.kind = LP_WIT_S64, .size = 8, .align = 8, .depth = 1},
    [LP_WIT_F32] = {.kind = LP_WIT_F32, .size = 4, .align = 4, .depth = 1},
    [LP_WIT_F64] = {.kind = LP_WIT_F64, .size = 8, .align = 8, .depth = 1},
    [LP_WIT_CHAR] = {.kind = LP_WIT_CHAR, .size = 4, .align = 4, .depth = 1},
    [LP_WIT_STRING] = {.kind = LP_WIT_STRING, .size = 16, .align = 8, .depth = 1},
};
static const struct lp_wit_type error_context = {
    .kind = LP_WIT_OTHER, .other = "error-context", .size = 1, .align = 1, .depth = 1};

/* A type where one stands: its index, a plain type's name, or null. */
static loop_error *read_type_ref(struct reader *r, json_t *v, const struct lp_wit_type **ret)
{
    *ret = NULL;
    if (!v || json_is_null(v))
        return NULL;
    if (json_is_integer(v)) {
        size_t i;
        LP_TRY(read_index(v, r->w->type_count, &i));
        *ret = &r->w->types[i];
        return NULL;
    }
    const char *name = json_string_value(v);
    for (size_t k = 0; name && k < LP_COUNT(plain); k++)
        if (strcmp(name, lp_wit_kind_name((enum lp_wit_kind)k)) == 0)
            *ret = &plain[k];
    if (name && strcmp(name, "error-context") == 0)
        *ret = &error_context;
    return *ret ? NULL : odd("a type");
}

/* An array of {name, type, docs}, or of types alone. */
static loop_error *read_fields(struct reader *r, json_t *list, bool named,
                               struct lp_wit_field **ret, size_t *ret_count)
{
    if (!json_is_array(list))
        return odd("a list");
    size_t n = json_array_size(list), i;
    struct lp_wit_field *f = array(r, n, sizeof *f);
    json_t *v;
    json_array_foreach(list, i, v)
    {
        if (named) {
            LP_TRY(read_name(r, json_object_get(v, "name"), &f[i].name));
            f[i].docs = read_docs(r, v);
        }
        LP_TRY(read_type_ref(r, named ? json_object_get(v, "type") : v, &f[i].type));
    }
    *ret = f;
    *ret_count = n;
    return NULL;
}

static loop_error *read_one(struct reader *r, struct lp_wit_type *t, json_t *v)
{
    t->fields = array(r, 2, sizeof *t->fields);
    t->count = 1;
    LP_TRY(read_type_ref(r, v, &t->fields[0].type));
    return t->fields[0].type ? NULL : odd("a type without its element");
}

static loop_error *read_result(struct reader *r, struct lp_wit_type *t, json_t *v)
{
    t->fields = array(r, 2, sizeof *t->fields);
    t->count = 2;
    t->fields[0].name = "ok";
    t->fields[1].name = "error";
    LP_TRY(read_type_ref(r, json_object_get(v, "ok"), &t->fields[0].type));
    return read_type_ref(r, json_object_get(v, "err"), &t->fields[1].type);
}

static loop_error *read_handle(struct reader *r, struct lp_wit_type *t, json_t *v)
{
    json_t *own = json_object_get(v, "own");
    t->kind = own ? LP_WIT_OWN : LP_WIT_BORROW;
    return read_one(r, t, own ? own : json_object_get(v, "borrow")); /* measure_types checks it */
}

/* The kind of a type: a word, or an object with one key. */
static loop_error *read_kind(struct reader *r, struct lp_wit_type *t, json_t *kind)
{
    static const struct {
        const char *key, *list; /* NULL: one element */
        enum lp_wit_kind kind;
        bool named;
    } rows[] = {
        {"record", "fields", LP_WIT_RECORD, true}, {"variant", "cases", LP_WIT_VARIANT, true},
        {"enum", "cases", LP_WIT_ENUM, true},      {"flags", "flags", LP_WIT_FLAGS, true},
        {"tuple", "types", LP_WIT_TUPLE, false},   {"list", NULL, LP_WIT_LIST, false},
        {"option", NULL, LP_WIT_OPTION, false},    {"type", NULL, LP_WIT_ALIAS, false},
    };
    const char *word = json_string_value(kind);
    const char *key = word ? word : json_object_iter_key(json_object_iter(kind));
    json_t *v = word ? NULL : json_object_iter_value(json_object_iter(kind));
    if (!key)
        return odd("a kind of type");
    if (word && strcmp(word, "resource") == 0) {
        t->kind = LP_WIT_RESOURCE;
        return t->name && t->owner ? NULL : odd("a resource without a name");
    }
    for (size_t i = 0; v && i < LP_COUNT(rows); i++) {
        if (strcmp(key, rows[i].key) != 0)
            continue;
        t->kind = rows[i].kind;
        if (!rows[i].list)
            return read_one(r, t, v);
        return read_fields(r, json_object_get(v, rows[i].list), rows[i].named, &t->fields,
                           &t->count);
    }
    if (v && strcmp(key, "result") == 0) {
        t->kind = LP_WIT_RESULT;
        return read_result(r, t, v);
    }
    if (v && strcmp(key, "handle") == 0)
        return read_handle(r, t, v);
    t->kind = LP_WIT_OTHER;
    t->other = lp_arena_strndup(&r->w->arena, key, LP_MIN(strlen(key), (size_t)LP_MAX_NAME));
    return NULL;
}

static loop_error *read_owner(struct reader *r, json_t *v, const struct lp_wit_scope **ret)
{
    json_t *of_interface = json_object_get(v, "interface"), *of_world = json_object_get(v, "world");
    size_t i;
    *ret = NULL;
    if (of_interface) {
        LP_TRY(read_index(of_interface, r->w->interface_count, &i));
        *ret = &r->w->scopes[i];
    } else if (of_world) {
        LP_TRY(read_index(of_world, r->w->world_count, &i));
        *ret = r->w->worlds[i].scope;
    }
    return NULL;
}

static loop_error *read_types(struct reader *r)
{
    size_t i;
    json_t *v;
    /* Names, owners and kinds first: a handle may come before its resource. */
    json_array_foreach(r->types, i, v)
    {
        struct lp_wit_type *t = &r->w->types[i];
        t->id = i;
        t->kind = LP_WIT_ALIAS;
        if (json_is_string(json_object_get(v, "name")))
            LP_TRY(read_name(r, json_object_get(v, "name"), &t->name));
        LP_TRY(read_owner(r, json_object_get(v, "owner"), &t->owner));
        if (!t->name != !t->owner)
            return odd("a type with a name and no owner");
        t->docs = read_docs(r, v);
    }
    json_array_foreach(r->types, i, v)
        LP_TRY(read_kind(r, &r->w->types[i], json_object_get(v, "kind")));
    return NULL;
}

/* One type's layout; an error says whose. */
static loop_error *measure(struct lp_wit_type *t)
{
    loop_error *e = lp_wit_layout(t, 0);
    if (!e || !t->name)
        return e;
    lp_buf scope = {0};
    if (t->owner)
        lp_wit_scope_name(t->owner, &scope);
    e = loop_error_wrap(e, "cannot lay out %s%s%s in C", scope.len ? scope.ptr : "",
                        scope.len ? "." : "", t->name);
    lp_buf_done(&scope);
    return e;
}

/* Last of all, when every type and owner is known: those with names first, for their errors. */
static loop_error *measure_types(struct reader *r)
{
    for (int named = 1; named >= 0; named--)
        for (size_t i = 0; i < r->w->type_count; i++)
            if (!r->w->types[i].name == !named)
                LP_TRY(measure(&r->w->types[i]));
    for (size_t i = 0; i < r->w->type_count; i++) {
        const struct lp_wit_type *t = &r->w->types[i];
        if ((t->kind == LP_WIT_OWN || t->kind == LP_WIT_BORROW) &&
            lp_wit_real(t->fields[0].type)->kind != LP_WIT_RESOURCE)
            return odd("a handle of what is no resource");
    }
    return NULL;
}

/* ---- functions ---- */

static loop_error *read_function_kind(struct reader *r, struct lp_wit_function *f, json_t *kind)
{
    static const char *const names[] = {"freestanding", "method", "static", "constructor"};
    const char *word = json_string_value(kind);
    const char *key = word ? word : json_object_iter_key(json_object_iter(kind));
    if (!key)
        return odd("a kind of function");
    f->is_async = lp_starts_with(key, "async-");
    key += f->is_async ? 6 : 0;
    for (size_t i = 0; i < LP_COUNT(names); i++) {
        if (strcmp(key, names[i]) != 0 || (i == LP_WIT_FREE) != (word != NULL))
            continue;
        f->kind = (enum lp_wit_function_kind)i;
        if (word)
            return NULL;
        LP_TRY(read_type_ref(r, json_object_iter_value(json_object_iter(kind)), &f->resource));
        if (!f->resource || !f->resource->name)
            return odd("a method of nothing");
        return f->kind != LP_WIT_METHOD || f->count ? NULL : odd("a method without self");
    }
    return odd("a kind of function");
}

static loop_error *read_function(struct reader *r, const char *name, json_t *v,
                                 struct lp_wit_function *f)
{
    f->name = name;
    f->docs = read_docs(r, v);
    LP_TRY(read_fields(r, json_object_get(v, "params"), true, &f->params, &f->count));
    for (size_t i = 0; i < f->count; i++)
        if (!f->params[i].type)
            return odd("a parameter without a type");
    LP_TRY(read_type_ref(r, json_object_get(v, "result"), &f->result));
    return read_function_kind(r, f, json_object_get(v, "kind"));
}

/* ---- interfaces, worlds, packages ---- */

static loop_error *read_package_ref(struct reader *r, json_t *of, const struct lp_wit_package **ret)
{
    size_t i;
    LP_TRY(read_index(json_object_get(of, "package"), r->w->package_count, &i));
    *ret = &r->w->packages[i];
    return NULL;
}

static loop_error *read_interface(struct reader *r, json_t *v, struct lp_wit_scope *s)
{
    json_t *types = json_object_get(v, "types"), *functions = json_object_get(v, "functions"), *at;
    const char *key;
    size_t n = 0;
    if (json_is_string(json_object_get(v, "name")))
        LP_TRY(read_name(r, json_object_get(v, "name"), &s->name));
    s->docs = read_docs(r, v);
    LP_TRY(read_package_ref(r, v, &s->package));
    s->types = array(r, json_object_size(types), sizeof *s->types);
    json_object_foreach(types, key, at)
    {
        LP_TRY(read_type_ref(r, at, &s->types[n]));
        if (!s->types[n] || s->types[n]->owner != s || !s->types[n]->name)
            return odd("a type of an interface");
        s->type_count = ++n;
    }
    struct lp_wit_function *f = array(r, json_object_size(functions), sizeof *f);
    s->functions.at = f;
    json_object_foreach(functions, key, at)
    {
        const char *name;
        LP_TRY(read_name(r, json_object_get(at, "name"), &name));
        LP_TRY(read_function(r, name, at, &f[s->functions.n++]));
    }
    return NULL;
}

/* One import or export of a world: an interface, a function or a type. */
static loop_error *read_item(struct reader *r, struct lp_wit_world *world, const char *key,
                             json_t *item, bool export)
{
    json_t *interface = json_object_get(item, "interface"), *v;
    struct lp_wit_scope *own = world->scope;
    if (interface) {
        size_t i;
        LP_TRY(read_index(json_object_get(interface, "id"), r->w->interface_count, &i));
        struct lp_wit_scope *s = &r->w->scopes[i];
        if (!s->name) { /* it stands in this world, under this name */
            s->name = key;
            s->world = world;
        }
        if (export)
            world->exports[world->export_count++] = s;
        else
            world->imports[world->import_count++] = s;
    } else if ((v = json_object_get(item, "function"))) {
        struct lp_wit_functions *list = export ? &own->exports : &own->functions;
        struct lp_wit_function *f = (struct lp_wit_function *)list->at;
        LP_TRY(read_function(r, key, v, &f[list->n++]));
    } else if ((v = json_object_get(item, "type"))) {
        const struct lp_wit_type *t;
        LP_TRY(read_type_ref(r, v, &t));
        if (!t || !t->name)
            return odd("a type of a world");
        if (t->owner == own)
            own->types[own->type_count++] = t;
    } else {
        return odd("an item of a world");
    }
    return NULL;
}

static loop_error *read_world(struct reader *r, json_t *v, struct lp_wit_world *world)
{
    json_t *lists[] = {json_object_get(v, "imports"), json_object_get(v, "exports")}, *item;
    size_t n = json_object_size(lists[0]) + json_object_size(lists[1]);
    struct lp_wit_scope *own = world->scope;
    LP_TRY(read_name(r, json_object_get(v, "name"), &world->name));
    LP_TRY(read_package_ref(r, v, &world->package));
    world->docs = own->docs = read_docs(r, v);
    world->imports = array(r, n, sizeof *world->imports);
    world->exports = array(r, n, sizeof *world->exports);
    own->name = world->name;
    own->package = world->package;
    own->world = world;
    own->is_world = true;
    own->types = array(r, n, sizeof *own->types);
    own->functions.at = array(r, n, sizeof *own->functions.at);
    own->exports.at = array(r, n, sizeof *own->exports.at);
    for (int i = 0; i < 2; i++) {
        const char *key;
        json_object_foreach(lists[i], key, item)
        {
            json_t *text = json_string(key);
            const char *name = NULL;
            loop_error *e = read_name(r, text, &name);
            json_decref(text);
            LP_TRY(e);
            LP_TRY(read_item(r, world, name, item, i == 1));
        }
    }
    return NULL;
}

static loop_error *read_package(struct reader *r, json_t *v, struct lp_wit_package *p)
{
    LP_TRY(read_name(r, json_object_get(v, "name"), &p->name));
    size_t n = strcspn(p->name, "@");
    p->version = p->name[n] ? p->name + n + 1 : "";
    p->name = lp_arena_strndup(&r->w->arena, p->name, n);
    return strchr(p->name, ':') ? NULL : odd("a package's name");
}

static loop_error *read_all(struct reader *r, json_t *root)
{
    struct lp_wit *w = r->w;
    w->package_count = json_array_size(r->packages);
    w->world_count = json_array_size(r->worlds);
    w->interface_count = json_array_size(r->interfaces);
    w->type_count = json_array_size(r->types);
    if (!w->package_count)
        return odd("no package");
    if (w->type_count > LP_MAX_WIT_TYPES)
        return loop_error_new(LOOP_LIMIT, "more than %d types", LP_MAX_WIT_TYPES);
    if (w->interface_count + w->world_count + w->package_count > LP_MAX_WIT_INTERFACES)
        return loop_error_new(LOOP_LIMIT, "more than %d interfaces, worlds and packages",
                              LP_MAX_WIT_INTERFACES);
    w->packages = array(r, w->package_count, sizeof *w->packages);
    w->worlds = array(r, w->world_count, sizeof *w->worlds);
    w->scopes = array(r, w->interface_count + w->world_count, sizeof *w->scopes);
    w->types = array(r, w->type_count, sizeof *w->types);
    for (size_t i = 0; i < w->interface_count + w->world_count; i++)
        w->scopes[i].id = i;
    for (size_t i = 0; i < w->world_count; i++)
        w->worlds[i].scope = &w->scopes[w->interface_count + i];
    for (size_t i = 0; i < w->package_count; i++)
        LP_TRY(read_package(r, json_array_get(r->packages, i), &w->packages[i]));
    LP_TRY(read_types(r));
    for (size_t i = 0; i < w->interface_count; i++)
        LP_TRY(read_interface(r, json_array_get(r->interfaces, i), &w->scopes[i]));
    for (size_t i = 0; i < w->world_count; i++)
        LP_TRY(read_world(r, json_array_get(r->worlds, i), &w->worlds[i]));
    for (size_t i = 0; i < w->interface_count; i++)
        if (!w->scopes[i].name)
            return odd("an interface without a name");
    LP_TRY(measure_types(r));
    size_t main;
    LP_TRY(read_index(json_object_get(root, "main"), w->package_count, &main));
    w->main = &w->packages[main];
    return NULL;
}

loop_error *lp_wit_read(struct lp_wit *w, const char *json, size_t len)
{
    if (len > LP_MAX_WIT_BYTES)
        return loop_error_new(LOOP_LIMIT, "the WIT is larger than %u MiB", LP_MAX_WIT_BYTES >> 20);
    json_error_t at;
    json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &at);
    if (!root)
        return odd(at.text);
    json_t *resolve = json_object_get(root, "resolve");
    struct reader r = {
        .w = w,
        .interfaces = json_object_get(resolve, "interfaces"),
        .worlds = json_object_get(resolve, "worlds"),
        .types = json_object_get(resolve, "types"),
        .packages = json_object_get(resolve, "packages"),
    };
    loop_error *e = read_all(&r, root);
    json_decref(root);
    return e;
}

void lp_wit_done(struct lp_wit *w)
{
    lp_arena_done(&w->arena);
    *w = (struct lp_wit){0};
}
