/*
 * bindgen/gen_calls.c: for an interface that components export: a struct that
 * knows where its functions are, found and checked once, and a typed function for
 * each.
 */
#include <stdlib.h>

#include "bindgen/gen.h"

struct calls {
    struct lp_gen *g;
    struct lp_gen_block block;
    const struct lp_wit_scope *scope;
    const struct lp_wit_functions *functions;
    const char *prefix, *declare;
};

static const struct lp_wit_functions *called(const struct lp_wit_scope *s)
{
    return s->is_world ? &s->exports : &s->functions;
}

/* The i-th resource that the interface defines, or NULL. */
static const struct lp_wit_type *resource_at(const struct calls *c, size_t i)
{
    for (size_t k = 0; !c->scope->is_world && k < c->scope->type_count; k++)
        if (c->scope->types[k]->kind == LP_WIT_RESOURCE && i-- == 0)
            return c->scope->types[k];
    return NULL;
}

bool lp_gen_has_calls(const struct lp_gen_unit *u)
{
    return u->calls && called(u->scope)->n > 0;
}

/* ---- heads, for the header and the source ---- */

static void put_head(struct calls *c, lp_buf *into, bool header, const char *name,
                     struct lp_gen_items *items)
{
    lp_gen_list(into,
                lp_gen_text(c->g, "%s%sloop_error *%s", header ? c->declare : "",
                            header && *c->declare ? " " : "", name),
                items, header ? " LOOP_MUST_USE;\n" : "\n");
}

static void put_bind_head(struct calls *c, lp_buf *into, bool header)
{
    struct lp_gen_items items = {0};
    lp_gen_item(&items, "loop_instance *instance");
    lp_gen_item(&items, lp_gen_text(c->g, "%s_exports *ret", c->prefix));
    put_head(c, into, header, lp_gen_text(c->g, "%s_bind", c->prefix), &items);
}

static void put_call_head(struct calls *c, lp_buf *into, bool header, const char *name,
                          const struct lp_wit_function *f)
{
    struct lp_gen *g = c->g;
    struct lp_gen_items items = {0};
    const char **names = lp_gen_params(g, f);
    lp_gen_item(&items, lp_gen_text(g, "const %s_exports *exports", c->prefix));
    for (size_t i = 0; i < f->count; i++)
        lp_gen_item(&items, lp_gen_param(g, &c->block, f->params[i].type, names[i]));
    if (f->result)
        lp_gen_item(&items, lp_gen_ret(g, &c->block, f->result));
    put_head(c, into, header, name, &items);
}

static void put_drop_head(struct calls *c, lp_buf *into, bool header, const char *name,
                          const struct lp_wit_type *resource, const char *param)
{
    struct lp_gen_items items = {0};
    lp_gen_item(&items, lp_gen_text(c->g, "const %s_exports *exports", c->prefix));
    lp_gen_item(&items, lp_gen_text(c->g, "%s %s", lp_gen_named(c->g, &c->block, resource), param));
    put_head(c, into, header, name, &items);
}

/* ---- bodies ---- */

static loop_error *put_bind(struct calls *c)
{
    struct lp_gen *g = c->g;
    lp_buf rows = {0}, name = {0};
    loop_error *e = NULL;
    for (size_t i = 0; !e && i < c->functions->n; i++) {
        const struct lp_wit_function *f = &c->functions->at[i];
        const char *type = NULL,
                   *large = lp_gen_text(g, "%s_call_%s_type", c->prefix, lp_gen_function(g, f));
        e = lp_gen_structure(g, f, lp_gen_claim(g, "", large), &type);
        lp_buf_printf(&rows, "        {\n            \"%s\",\n            %s,\n        },\n",
                      f->name, type ? type : "");
    }
    lp_wit_scope_name(c->scope, &name);
    lp_buf_puts(&g->source, "\n");
    put_bind_head(c, &g->source, false);
    lp_buf_printf(&g->source,
                  "{\n"
                  "    static const char *const rows[][2] = {\n%s    };\n"
                  "    %s_exports found = {.instance = instance};\n"
                  "    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {\n"
                  "        loop_error *e = loop_instance_export(instance, \"%s\", \"%s\", "
                  "rows[i][0],\n"
                  "                                             rows[i][1], "
                  "&found.functions[i]);\n"
                  "        if (e)\n            return e;\n    }\n"
                  "    *ret = found;\n    return NULL;\n}\n",
                  rows.len ? rows.ptr : "", c->prefix, name.len ? name.ptr : "",
                  c->scope->world ? "" : c->scope->package->version);
    lp_buf_done(&rows);
    lp_buf_done(&name);
    return e;
}

static loop_error *put_call(struct calls *c, size_t row)
{
    struct lp_gen *g = c->g;
    const struct lp_wit_function *f = &c->functions->at[row];
    const char *plain = lp_gen_function(g, f);
    const char *name = lp_gen_claim(g, "", lp_gen_text(g, "%s_call_%s", c->prefix, plain));
    const char *tag = lp_gen_claim(g, "", lp_gen_text(g, "%s_call_%s_args", c->prefix, plain));
    lp_buf_puts(&g->header, "\n");
    lp_gen_function_docs(g, f, true, 0);
    put_call_head(c, &g->header, true, name, f);
    LP_TRY(lp_gen_args(g, &c->block, f, tag));
    lp_buf_puts(&g->source, "\n");
    put_call_head(c, &g->source, false, name, f);
    lp_buf_puts(&g->source, "{\n");
    lp_gen_pack(g, f, tag);
    struct lp_gen_items items = {0};
    lp_gen_item(&items, lp_gen_text(g, "exports->functions[%zu]", row));
    lp_gen_item(&items, f->count ? "&packed" : "NULL");
    lp_gen_item(&items, lp_gen_ret_untyped(g, &c->block, f->result));
    lp_gen_list(&g->source, "    return loop_export_call", &items, ";\n}\n");
    return NULL;
}

static void put_drop(struct calls *c, const struct lp_wit_type *resource)
{
    struct lp_gen *g = c->g;
    const char *plain = lp_gen_snake(g, resource->name);
    const char *name = lp_gen_claim(g, "", lp_gen_text(g, "%s_drop_%s", c->prefix, plain));
    const char *scope = lp_gen_text(g, "params|%s", name);
    lp_gen_claim(g, scope, "exports");
    const char *param = lp_gen_claim(g, scope, plain);
    lp_buf_puts(&g->header, "\n");
    put_drop_head(c, &g->header, true, name, resource, param);
    lp_buf_puts(&g->source, "\n");
    put_drop_head(c, &g->source, false, name, resource, param);
    lp_buf_printf(&g->source, "{\n    return loop_handle_drop(exports->instance, %s.handle);\n}\n",
                  param);
}

loop_error *lp_gen_calls(struct lp_gen *g, const struct lp_gen_unit *u)
{
    if (!lp_gen_has_calls(u))
        return NULL;
    struct calls c = {
        .g = g,
        .block = lp_gen_block_of(g, (struct lp_gen_unit *)u, u->guest),
        .scope = u->scope,
        .functions = called(u->scope),
        .prefix = u->prefix,
        .declare = g->options->declare ? g->options->declare : "",
    };
    for (size_t i = 0; i < c.functions->n; i++)
        LP_TRY(lp_gen_check_function(g, u->scope, &c.functions->at[i]));
    lp_buf_puts(&g->header, "\n");
    lp_gen_docs(&g->header, u->scope->docs, 0);
    lp_buf_printf(
        &g->header,
        "typedef struct %s_exports {\n    loop_instance *instance;\n"
        "    const loop_export *functions[%zu]; /* in the order below */\n} %s_exports;\n",
        u->prefix, c.functions->n, u->prefix);
    lp_buf_puts(&g->header, "\n/* Looks the functions up and checks their types, once. "
                            "LOOP_NOT_FOUND, LOOP_INVALID. */\n");
    put_bind_head(&c, &g->header, true);
    lp_buf_printf(&g->source, "\n/* ---- %s, of components that export it ---- */\n", u->prefix);
    LP_TRY(put_bind(&c));
    for (size_t i = 0; i < c.functions->n; i++)
        LP_TRY(put_call(&c, i));
    const struct lp_wit_type *resource;
    for (size_t i = 0; (resource = resource_at(&c, i)); i++)
        put_drop(&c, resource);
    return NULL;
}
