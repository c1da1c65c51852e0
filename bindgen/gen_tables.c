/*
 * bindgen/gen_tables.c: for an interface that components import: the table that C
 * fills, the rows by which the host calls it, and next_*, which ask the provider
 * behind this one.
 */
#include <stdlib.h>

#include "bindgen/gen.h"

#define LONGEST_LITERAL 4095 /* of ISO C; a longer text is written as characters */

/* ---- shared with gen_calls.c ---- */

static bool is_in(const struct lp_wit_world *w, const struct lp_wit_scope *s)
{
    bool found = w->scope == s;
    for (size_t i = 0; i < w->import_count; i++)
        found = found || w->imports[i] == s;
    for (size_t i = 0; i < w->export_count; i++)
        found = found || w->exports[i] == s;
    return found;
}

loop_error *lp_gen_check_function(const struct lp_gen *g, const struct lp_wit_scope *s,
                                  const struct lp_wit_function *f)
{
    lp_buf where = {0};
    const char *what = f->is_async ? "async func" : f->result ? f->result->other : NULL;
    for (size_t i = 0; !what && i < f->count; i++)
        what = f->params[i].type->other;
    if (!what)
        return NULL;
    lp_wit_scope_name(s, &where);
    loop_error *e = loop_error_new(LOOP_INVALID, "%s%s%s: %s, which loop does not carry",
                                   where.len ? where.ptr : "", where.len ? "." : "", f->name, what);
    lp_buf_done(&where);
    for (size_t i = 0; i < g->wit->world_count; i++)
        if (g->wit->worlds[i].package == g->wit->main && !is_in(&g->wit->worlds[i], s))
            return loop_error_hint_set(e, "--world names a world without it");
    return loop_error_hint_set(e, "leave it out of the WIT");
}

void lp_gen_function_docs(struct lp_gen *g, const struct lp_wit_function *f, bool called,
                          size_t indent)
{
    const char *const to[] = {"you", "the component"};
    const char **names = lp_gen_params(g, f);
    lp_buf text = {0};
    size_t len = f->docs ? strlen(f->docs) : 0;
    while (len && (f->docs[len - 1] == '\n' || f->docs[len - 1] == ' '))
        len--;
    lp_buf_add(&text, f->docs ? f->docs : "", len);
    const char *between = len ? "\n\n" : "";
    for (size_t i = 0; i <= f->count; i++) {
        bool result = i == f->count;
        const struct lp_wit_type *t = result ? f->result : f->params[i].type;
        if (!t || !t->owns)
            continue;
        bool whole = lp_wit_real(t)->kind == LP_WIT_OWN;
        lp_buf_printf(&text, "%s%s`%s` is handed over to %s.", between, whole ? "" : "Each own in ",
                      result ? "*ret" : names[i], to[called != result]);
        between = "\n";
    }
    lp_gen_docs(&g->header, text.len ? text.ptr : NULL, indent);
    lp_buf_done(&text);
}

bool lp_gen_has_table(const struct lp_gen_unit *u)
{
    bool any = u->scope->functions.n > 0;
    for (size_t i = 0; i < u->scope->type_count; i++)
        any = any || u->scope->types[i]->kind == LP_WIT_RESOURCE;
    return u->table && any;
}

loop_error *lp_gen_structure(struct lp_gen *g, const struct lp_wit_function *f, const char *name,
                             const char **ret)
{
    lp_buf text = {0};
    loop_error *e = lp_wit_structure(f, &text);
    if (!e && text.len <= LONGEST_LITERAL) {
        *ret = lp_gen_text(g, "\"%s\"", text.ptr);
    } else if (!e) {
        lp_buf_printf(&g->source, "\nstatic const char %s[] = {", name);
        for (size_t i = 0; i <= text.len; i++) { /* names in WIT have no quotes: lp_wit_read */
            lp_buf_puts(&g->source, i % 16 ? " " : "\n    ");
            if (i < text.len)
                lp_buf_printf(&g->source, "'%c',", text.ptr[i]);
            else
                lp_buf_puts(&g->source, "0,");
        }
        lp_buf_puts(&g->source, "\n};\n");
        *ret = name;
    }
    lp_buf_done(&text);
    return e;
}

loop_error *lp_gen_args(struct lp_gen *g, const struct lp_gen_block *b,
                        const struct lp_wit_function *f, const char *tag)
{
    uint64_t size, align;
    LP_TRY(lp_wit_struct_size(f->params, f->count, &size, &align));
    if (!f->count)
        return NULL;
    const char **names = lp_gen_params(g, f);
    lp_buf_printf(&g->source, "\nstruct %s {\n", tag);
    for (size_t i = 0; i < f->count; i++)
        lp_buf_printf(&g->source, "    %s;\n",
                      lp_gen_declare(g, lp_gen_type(g, b, f->params[i].type), names[i]));
    lp_buf_puts(&g->source, "};\n");
    struct lp_gen_items items = {0};
    lp_gen_item(&items, lp_gen_text(g, "sizeof(struct %s) == %llu", tag, (unsigned long long)size));
    lp_gen_item(&items, lp_gen_text(g, "\"%s\"", tag));
    lp_gen_list(&g->source, "static_assert", &items, ";\n");
    return NULL;
}

void lp_gen_pack(struct lp_gen *g, const struct lp_wit_function *f, const char *tag)
{
    if (!f->count)
        return;
    const char **names = lp_gen_params(g, f);
    lp_buf_printf(&g->source, "    struct %s packed = {\n", tag);
    for (size_t i = 0; i < f->count; i++)
        lp_buf_printf(&g->source, "        .%s = %s%s,\n", names[i],
                      lp_wit_by_value(f->params[i].type) ? "" : "*", names[i]);
    lp_buf_puts(&g->source, "    };\n");
}

/* ---- one table ---- */

/* A function of the interface: its names. */
struct member {
    const struct lp_wit_function *function;
    const char *name;                       /* in the table */
    const char *next, *tag, *thunk, *large; /* at file scope */
};

struct table {
    struct lp_gen *g;
    struct lp_gen_block block;
    const struct lp_wit_scope *scope;
    const char *prefix, *functions; /* X, X_functions */
    struct member *members;
    struct {
        const struct lp_wit_type *type;
        const char *name, *thunk; /* "bucket_drop" */
    } *drops;
    size_t drop_count;
};

static void name_members(struct table *t)
{
    struct lp_gen *g = t->g;
    const struct lp_wit_scope *s = t->scope;
    const char *scope = lp_gen_text(g, "members|%s", t->prefix);
    t->members = lp_arena_alloc(&g->arena, (s->functions.n + 1) * sizeof *t->members);
    t->drops = lp_arena_alloc(&g->arena, (s->type_count + 1) * sizeof *t->drops);
    for (size_t i = 0; i < s->functions.n; i++) {
        struct member *m = &t->members[i];
        m->function = &s->functions.at[i];
        const char *plain = lp_gen_function(g, m->function);
        m->name = lp_gen_claim(g, scope, plain);
        m->next = lp_gen_claim(g, "", lp_gen_text(g, "%s_next_%s", t->prefix, plain));
        m->tag = lp_gen_claim(g, "", lp_gen_text(g, "%s_%s_args", t->prefix, plain));
        m->thunk = lp_gen_claim(g, "", lp_gen_text(g, "%s_%s_thunk", t->prefix, plain));
        m->large = lp_gen_claim(g, "", lp_gen_text(g, "%s_%s_type", t->prefix, plain));
    }
    for (size_t i = 0; i < s->type_count; i++) {
        if (s->types[i]->kind != LP_WIT_RESOURCE)
            continue;
        const char *plain = lp_gen_text(g, "%s_drop", lp_gen_snake(g, s->types[i]->name));
        t->drops[t->drop_count].type = s->types[i];
        t->drops[t->drop_count].name = lp_gen_claim(g, scope, plain);
        t->drops[t->drop_count++].thunk =
            lp_gen_claim(g, "", lp_gen_text(g, "%s_%s_thunk", t->prefix, plain));
    }
}

/* The parameters of WIT, and `ret`. */
static void put_params(struct table *t, const struct lp_wit_function *f, struct lp_gen_items *items)
{
    const char **names = lp_gen_params(t->g, f);
    for (size_t i = 0; i < f->count; i++)
        lp_gen_item(items, lp_gen_param(t->g, &t->block, f->params[i].type, names[i]));
    if (f->result)
        lp_gen_item(items, lp_gen_ret(t->g, &t->block, f->result));
}

static void put_struct(struct table *t)
{
    struct lp_gen *g = t->g;
    lp_buf *h = &g->header;
    lp_buf_puts(h, "\n");
    lp_gen_docs(h, t->scope->docs, 0);
    lp_buf_printf(h, "typedef struct %s {\n", t->functions);
    for (size_t i = 0; i < t->scope->functions.n; i++) {
        struct lp_gen_items items = {0};
        lp_gen_function_docs(g, t->members[i].function, false, 4);
        lp_gen_item(&items, "void *self");
        lp_gen_item(&items, "loop_call *call");
        put_params(t, t->members[i].function, &items);
        lp_gen_list(h, lp_gen_text(g, "    loop_error *(*%s)", t->members[i].name), &items, ";\n");
    }
    for (size_t i = 0; i < t->drop_count; i++) {
        struct lp_gen_items items = {0};
        const char *type = lp_gen_named(g, &t->block, t->drops[i].type);
        lp_gen_item(&items, "void *self");
        lp_gen_item(&items, lp_gen_text(g, "%s *%s", type,
                                        lp_gen_claim(g, lp_gen_text(g, "drop|%s|%zu", t->prefix, i),
                                                     lp_gen_snake(g, t->drops[i].type->name))));
        lp_buf_printf(h, "    /* The component dropped its %s, or ended. */\n",
                      t->drops[i].type->name);
        lp_gen_list(h, lp_gen_text(g, "    void (*%s)", t->drops[i].name), &items, ";\n");
    }
    lp_buf_printf(h, "} %s;\n", t->functions);
}

static const char *declared(const struct lp_gen *g)
{
    return g->options->declare ? g->options->declare : "";
}

/* "loop_error *X_next_roll(loop_call *call, ...)" in the header or the source. */
static void put_next_head(struct table *t, const struct member *m, lp_buf *into, bool header)
{
    struct lp_gen *g = t->g;
    struct lp_gen_items items = {0};
    lp_gen_item(&items, "loop_call *call");
    put_params(t, m->function, &items);
    lp_gen_list(into,
                lp_gen_text(g, "%s%sloop_error *%s", header ? declared(g) : "",
                            header && *declared(g) ? " " : "", m->next),
                &items, header ? " LOOP_MUST_USE;\n" : "\n");
}

static void put_declarations(struct table *t)
{
    struct lp_gen *g = t->g;
    lp_buf *h = &g->header;
    lp_buf_printf(h, "\n%s%sextern const loop_interface %s_interface;\n", declared(g),
                  *declared(g) ? " " : "", t->prefix);
    if (!t->scope->functions.n)
        return;
    lp_buf_puts(h, "\n/* What the next provider of the chain answers; LOOP_UNAVAILABLE at its end. "
                   "*/\n");
    for (size_t i = 0; i < t->scope->functions.n; i++)
        put_next_head(t, &t->members[i], h, true);
}

static void put_thunk(struct table *t, const struct member *m)
{
    struct lp_gen *g = t->g;
    lp_buf *c = &g->source;
    struct lp_gen_items items = {0};
    const char *const params[] = {"const void *functions", "void *self", "loop_call *call",
                                  "const void *args", "void *ret"};
    for (size_t i = 0; i < LP_COUNT(params); i++)
        lp_gen_item(&items, params[i]);
    lp_buf_puts(c, "\n");
    lp_gen_list(c, lp_gen_text(g, "static loop_error *%s", m->thunk), &items, "\n");
    lp_buf_printf(c, "{\n    const %s *f = functions;\n", t->functions);
    if (m->function->count)
        lp_buf_printf(c, "    const struct %s *a = args;\n", m->tag);
    else
        lp_buf_puts(c, "    (void)args;\n");
    if (!m->function->result)
        lp_buf_puts(c, "    (void)ret;\n");
    lp_gen_item(&items, "self");
    lp_gen_item(&items, "call");
    const char **names = lp_gen_params(g, m->function);
    for (size_t i = 0; i < m->function->count; i++)
        lp_gen_item(&items,
                    lp_gen_text(g, "%sa->%s",
                                lp_wit_by_value(m->function->params[i].type) ? "" : "&", names[i]));
    if (m->function->result)
        lp_gen_item(&items, lp_gen_ret_typed(g, &t->block, m->function->result));
    lp_gen_list(c, lp_gen_text(g, "    return f->%s", m->name), &items, ";\n}\n");
}

static void put_drop_thunk(struct table *t, size_t i)
{
    lp_buf *c = &t->g->source;
    struct lp_gen_items items = {0};
    lp_gen_item(&items, "const void *functions");
    lp_gen_item(&items, "void *self");
    lp_gen_item(&items, "void *object");
    lp_buf_puts(c, "\n");
    lp_gen_list(c, lp_gen_text(t->g, "static void %s", t->drops[i].thunk), &items, "\n");
    lp_buf_printf(c, "{\n    const %s *f = functions;\n    f->%s(self, object);\n}\n", t->functions,
                  t->drops[i].name);
}

static loop_error *put_rows(struct table *t)
{
    struct lp_gen *g = t->g;
    size_t n = t->scope->functions.n;
    lp_buf rows = {0};
    loop_error *e = NULL;
    for (size_t i = 0; !e && i < n; i++) {
        const struct member *m = &t->members[i];
        const char *type = NULL;
        e = lp_gen_structure(g, m->function, m->large, &type);
        lp_buf_printf(&rows, "    {\n        \"%s\",\n        %s,\n", m->function->name,
                      type ? type : "");
        lp_buf_printf(&rows, "        offsetof(%s, %s),\n        %s,\n    },\n", t->functions,
                      m->name, m->thunk);
    }
    lp_buf_printf(&g->source,
                  "\nstatic const loop_function %s_rows[] = {\n%s    {NULL, NULL, 0, NULL},\n};\n",
                  t->prefix, rows.len ? rows.ptr : "");
    lp_buf_done(&rows);
    return e;
}

static void put_resource_rows(struct table *t)
{
    lp_buf *c = &t->g->source;
    lp_buf_printf(c, "\nstatic const loop_resource %s_resources[] = {\n", t->prefix);
    for (size_t i = 0; i < t->drop_count; i++)
        lp_buf_printf(c, "    {\n        \"%s\",\n        offsetof(%s, %s),\n        %s,\n    },\n",
                      t->drops[i].type->name, t->functions, t->drops[i].name, t->drops[i].thunk);
    lp_buf_puts(c, "    {NULL, 0, NULL},\n};\n");
}

static void put_interface(struct table *t)
{
    lp_buf *c = &t->g->source;
    lp_buf name = {0};
    lp_wit_scope_name(t->scope, &name);
    lp_buf_printf(c, "\nconst loop_interface %s_interface = {\n    .abi = LOOP_ABI,\n", t->prefix);
    lp_buf_printf(c, "    .name = \"%s\",\n    .version = \"%s\",\n", name.len ? name.ptr : "",
                  t->scope->world ? "" : t->scope->package->version);
    lp_buf_printf(c, "    .functions = %s_rows,\n    .resources = %s_resources,\n};\n", t->prefix,
                  t->prefix);
    lp_buf_done(&name);
}

static void put_next(struct table *t, size_t row)
{
    struct lp_gen *g = t->g;
    const struct member *m = &t->members[row];
    lp_buf_puts(&g->source, "\n");
    put_next_head(t, m, &g->source, false);
    lp_buf_puts(&g->source, "{\n");
    lp_gen_pack(g, m->function, m->tag);
    struct lp_gen_items items = {0};
    const char *ret = lp_gen_ret_untyped(g, &t->block, m->function->result);
    if (m->function->result)
        lp_buf_printf(&g->source, "    memset(%s, 0, sizeof *ret);\n", ret);
    lp_gen_item(&items, "call");
    lp_gen_item(&items, lp_gen_text(g, "&%s_interface", t->prefix));
    lp_gen_item(&items, lp_gen_text(g, "%zu", row));
    lp_gen_item(&items, m->function->count ? "&packed" : "NULL");
    lp_gen_item(&items, ret);
    lp_gen_list(&g->source, "    return loop_call_next", &items, ";\n}\n");
}

loop_error *lp_gen_table(struct lp_gen *g, const struct lp_gen_unit *u)
{
    if (!lp_gen_has_table(u))
        return NULL;
    struct table t = {
        .g = g,
        .block = lp_gen_block_of(g, (struct lp_gen_unit *)u, false),
        .scope = u->scope,
        .prefix = u->prefix,
        .functions = lp_gen_text(g, "%s_functions", u->prefix),
    };
    for (size_t i = 0; i < u->scope->functions.n; i++)
        LP_TRY(lp_gen_check_function(g, u->scope, &u->scope->functions.at[i]));
    name_members(&t);
    put_struct(&t);
    put_declarations(&t);
    lp_buf_printf(&g->source, "\n/* ---- %s, for components to import ---- */\n", u->prefix);
    for (size_t i = 0; i < u->scope->functions.n; i++) {
        LP_TRY(lp_gen_args(g, &t.block, t.members[i].function, t.members[i].tag));
        put_thunk(&t, &t.members[i]);
    }
    for (size_t i = 0; i < t.drop_count; i++)
        put_drop_thunk(&t, i);
    LP_TRY(put_rows(&t));
    put_resource_rows(&t);
    put_interface(&t);
    for (size_t i = 0; i < u->scope->functions.n; i++)
        put_next(&t, i);
    return NULL;
}
