/*
 * api/config_format.c: loop_config_format: the whole configuration with the
 * origin of each value, for `loop config`.
 *
 * Values of variables and of `config:` may be secrets: variables are shown by
 * name, and `config:` by key.
 */
#include <stdlib.h>

#include "api/config.h"
#include "base/text.h"

static const char *const traps[] = {"default", "stop", "restart", "quarantine"};

/* "deny dir ./data as /data, read-only"; malloced. */
static char *grant_line(const lp_config_grant *g)
{
    size_t n = g->kind == LOOP_GRANT_ENV ? strcspn(g->text, "=") : strlen(g->text);
    return lp_format("%s%s %.*s%s%s%s", g->deny ? "deny " : "", loop_grant_kind_name(g->kind),
                     (int)n, g->text, g->guest ? " as " : "", g->guest ? g->guest : "",
                     g->read_only ? ", read-only" : "");
}

/* ---- text ---- */

/* One line: a name, a value, and where it is from. */
LOOP_PRINTF(4, 5)
static void line(lp_buf *b, const char *name, const loop_origin *o, const char *fmt, ...)
{
    char shown[LP_MAX_PATH];
    va_list ap;
    va_start(ap, fmt);
    lp_auto(lp_free_string) char *value = lp_vformat(fmt, ap);
    va_end(ap);
    lp_buf_printf(b, "%-18s %-28s", name, lp_text_shown(value, shown, sizeof shown));
    if (o)
        lp_buf_printf(b, " %s", lp_text_shown(o->source, shown, sizeof shown));
    if (o && o->line)
        lp_buf_printf(b, ":%u:%u", o->line, o->column);
    while (b->len && b->ptr[b->len - 1] == ' ')
        b->ptr[--b->len] = 0;
    lp_buf_puts(b, "\n");
}

/* Words as a line. */
static void words_text(lp_buf *b, const char *name, const loop_origin *o, const char *const *words)
{
    lp_buf all = {0};
    for (size_t i = 0; words[i]; i++)
        lp_buf_printf(&all, "%s%s", i ? " " : "", words[i]);
    line(b, name, o, "%s", all.ptr ? all.ptr : "");
    lp_buf_done(&all);
}

static void build_text(lp_buf *b, const loop_component_config *row)
{
    const loop_build_config *build = row->build;
    if (build && build->command)
        words_text(b, "  built by", &build->origin, build->command);
    else if (build)
        line(b, "  built from", &build->origin, "%s, for '%s' of %s, in %s", build->source,
             build->world, build->wit, build->lang);
    if (row->tests)
        line(b, "  tests", NULL, "%s", row->tests);
    if (row->test_command)
        words_text(b, "  tested by", NULL, row->test_command);
}

/* Those that are said. */
static void limits_text(lp_buf *b, const loop_limits *l)
{
    for (size_t i = 0; i < LOOP_MAX_COUNT; i++) {
        if (!l->of[i].value)
            continue;
        lp_auto(lp_free_string) char *name =
            lp_format("  %s", loop_limit_row_of((loop_limit_id)i)->name);
        lp_auto(lp_free_string) char *value = loop_limit_text((loop_limit_id)i, l->of[i].value);
        line(b, name, l->of[i].origin.source ? &l->of[i].origin : NULL, "%s", value);
    }
}

static void component_text(lp_buf *b, const lp_config_component *component)
{
    const loop_component_config *row = &component->row;
    lp_buf_puts(b, "\n");
    line(b, "component", &row->origin, "%s", row->name);
    if (row->path)
        line(b, "  path", NULL, "%s", row->path);
    if (row->package)
        line(b, "  package", NULL, "%s", row->package);
    if (row->class_origin.source)
        line(b, "  class", &row->class_origin, "%s", loop_class_name(row->class_));
    for (size_t i = 0; row->args[i]; i++)
        line(b, "  argument", NULL, "%s", row->args[i]);
    for (size_t i = 0; row->optional[i]; i++)
        line(b, "  optional", NULL, "%s", row->optional[i]);
    for (size_t i = 0; i < component->grants.n; i++) {
        const lp_config_grant *g = &component->grants.at[i];
        lp_auto(lp_free_string) char *text = grant_line(g);
        line(b, g->deny ? "  denied" : "  granted", &g->origin, "%s",
             g->deny ? text + strlen("deny ") : text);
    }
    limits_text(b, &row->limits);
    line(b, "  on-trap", NULL, "%s", traps[row->on_trap]);
    build_text(b, row);
    for (size_t i = 0; i < component->pairs.n; i++)
        line(b, "  config", NULL, "%s", component->pairs.at[i].key);
}

static void link_text(lp_buf *b, const loop_binding_link *link)
{
    lp_buf sidecar = {0};
    for (size_t i = 0; link->sidecar && link->sidecar[i]; i++)
        lp_buf_printf(&sidecar, "%s%s", i ? " " : "", link->sidecar[i]);
    if (link->provider)
        line(b, "  provider", NULL, "%s", link->provider);
    else if (link->library)
        line(b, "  library", NULL, "%s", link->library);
    else if (link->component)
        line(b, "  component", NULL, "%s", link->component);
    else
        line(b, "  sidecar", NULL, "%s", sidecar.ptr);
    lp_buf_done(&sidecar);
    for (size_t i = 0; link->options[i]; i += 2)
        line(b, "    option", NULL, "%s: %s", link->options[i], link->options[i + 1]);
}

static void format_text(lp_buf *b, const loop_config *c)
{
    line(b, "file", NULL, "%s", c->file ? c->file : "none");
    for (size_t i = 0; i < lp_option_count(); i++)
        line(b, loop_option_at(i)->key, &c->values[i].origin, "%s",
             *c->values[i].text ? c->values[i].text : "-");
    for (size_t i = 0; i < LP_COUNT(c->classes); i++) {
        const loop_class_config *k = &c->classes[i];
        lp_buf_puts(b, "\n");
        line(b, "class", &k->origin, "%s", k->name);
        limits_text(b, &k->limits);
    }
    for (size_t i = 0; i < c->components.n; i++)
        component_text(b, c->components.at[i]);
    for (size_t i = 0; i < c->overrides.n; i++) {
        const loop_override *row = &c->overrides.at[i];
        lp_buf_puts(b, i ? "" : "\n");
        line(b, "override", &row->origin, "%s: %s", row->package, row->path);
    }
    for (size_t i = 0; i < c->bindings.n; i++) {
        const loop_binding *row = c->bindings.at[i];
        lp_buf_puts(b, "\n");
        line(b, "bind", &row->origin, "%s%s%s", row->interface_name, row->component ? " for " : "",
             row->component ? row->component : "");
        for (size_t k = 0; k < row->count; k++)
            link_text(b, &row->links[k]);
    }
}

/* ---- JSON ---- */

static void json_text(lp_buf *b, const char *before, const char *s)
{
    lp_buf_puts(b, before);
    if (s)
        lp_buf_json(b, s, strlen(s));
    else
        lp_buf_puts(b, "null");
}

static void json_origin(lp_buf *b, const loop_origin *o)
{
    json_text(b, ",\"source\":", o->source);
    if (o->line)
        lp_buf_printf(b, ",\"line\":%u,\"column\":%u", o->line, o->column);
}

static void json_texts(lp_buf *b, const char *before, const char *const *texts)
{
    lp_buf_puts(b, before);
    lp_buf_puts(b, "[");
    for (size_t i = 0; texts[i]; i++)
        json_text(b, i ? "," : "", texts[i]);
    lp_buf_puts(b, "]");
}

static void build_json(lp_buf *b, const loop_component_config *row)
{
    const loop_build_config *build = row->build;
    if (build) {
        json_text(b, ",\"build\":{\"lang\":", build->lang);
        json_text(b, ",\"source\":", build->source);
        json_text(b, ",\"wit\":", build->wit);
        json_text(b, ",\"world\":", build->world);
        if (build->command)
            json_texts(b, ",\"command\":", build->command);
        json_origin(b, &build->origin);
        lp_buf_puts(b, "}");
    }
    if (row->tests)
        json_text(b, ",\"tests\":", row->tests);
    if (row->test_command)
        json_texts(b, ",\"test\":", row->test_command);
}

/* Bytes, milliseconds, numbers; null: none. */
static void limits_json(lp_buf *b, const loop_limits *l)
{
    lp_buf_puts(b, ",\"limits\":{");
    const char *between = "";
    for (size_t i = 0; i < LOOP_MAX_COUNT; i++) {
        const loop_limit *limit = &l->of[i];
        if (!limit->value)
            continue;
        lp_buf_printf(b, "%s\"%s\":", between, loop_limit_row_of((loop_limit_id)i)->name);
        if (limit->value == LOOP_UNLIMITED)
            lp_buf_puts(b, "{\"value\":null");
        else
            lp_buf_printf(b, "{\"value\":%llu", (unsigned long long)limit->value);
        if (limit->origin.source)
            json_origin(b, &limit->origin);
        lp_buf_puts(b, "}");
        between = ",";
    }
    lp_buf_puts(b, "}");
}

static void component_json(lp_buf *b, const lp_config_component *component)
{
    const loop_component_config *row = &component->row;
    json_text(b, "{\"name\":", row->name);
    json_text(b, ",\"path\":", row->path);
    json_text(b, ",\"package\":", row->package);
    if (row->class_origin.source)
        json_text(b, ",\"class\":", loop_class_name(row->class_));
    json_texts(b, ",\"args\":", row->args);
    json_texts(b, ",\"optional\":", row->optional);
    lp_buf_puts(b, ",\"grants\":[");
    for (size_t i = 0; i < component->grants.n; i++) {
        lp_auto(lp_free_string) char *text = grant_line(&component->grants.at[i]);
        json_text(b, i ? ",{\"text\":" : "{\"text\":", text);
        json_origin(b, &component->grants.at[i].origin);
        lp_buf_puts(b, "}");
    }
    lp_buf_printf(b, "],\"storage\":%llu", (unsigned long long)row->storage_quota);
    limits_json(b, &row->limits);
    json_text(b, ",\"on-trap\":", traps[row->on_trap]);
    build_json(b, row);
    lp_buf_puts(b, ",\"config\":[");
    for (size_t i = 0; i < component->pairs.n; i++)
        json_text(b, i ? "," : "", component->pairs.at[i].key);
    lp_buf_puts(b, "]");
    json_origin(b, &row->origin);
    lp_buf_puts(b, "}");
}

static void link_json(lp_buf *b, const loop_binding_link *link)
{
    if (link->sidecar)
        json_texts(b, "{\"sidecar\":", link->sidecar);
    else if (link->component)
        json_text(b, "{\"component\":", link->component);
    else
        json_text(b, link->provider ? "{\"use\":" : "{\"library\":",
                  link->provider ? link->provider : link->library);
    lp_buf_puts(b, ",\"options\":{");
    for (size_t i = 0; link->options[i]; i += 2) {
        json_text(b, i ? "," : "", link->options[i]);
        json_text(b, ":", link->options[i + 1]);
    }
    lp_buf_puts(b, "}}");
}

static void binding_json(lp_buf *b, const loop_binding *row)
{
    json_text(b, "{\"interface\":", row->interface_name);
    json_text(b, ",\"component\":", row->component);
    lp_buf_puts(b, ",\"providers\":[");
    for (size_t k = 0; k < row->count; k++) {
        lp_buf_puts(b, k ? "," : "");
        link_json(b, &row->links[k]);
    }
    lp_buf_puts(b, "]");
    json_origin(b, &row->origin);
    lp_buf_puts(b, "}");
}

static void format_json(lp_buf *b, const loop_config *c)
{
    json_text(b, "{\"file\":", c->file);
    lp_buf_puts(b, ",\"options\":{");
    for (size_t i = 0; i < lp_option_count(); i++) {
        json_text(b, i ? "," : "", loop_option_at(i)->key);
        json_text(b, ":{\"value\":", c->values[i].text);
        json_origin(b, &c->values[i].origin);
        lp_buf_puts(b, "}");
    }
    lp_buf_puts(b, "},\"classes\":[");
    for (size_t i = 0; i < LP_COUNT(c->classes); i++) {
        const loop_class_config *k = &c->classes[i];
        json_text(b, i ? ",{\"name\":" : "{\"name\":", k->name);
        limits_json(b, &k->limits);
        json_origin(b, &k->origin);
        lp_buf_puts(b, "}");
    }
    lp_buf_puts(b, "],\"components\":[");
    for (size_t i = 0; i < c->components.n; i++) {
        lp_buf_puts(b, i ? "," : "");
        component_json(b, c->components.at[i]);
    }
    lp_buf_puts(b, "],\"overrides\":[");
    for (size_t i = 0; i < c->overrides.n; i++) {
        json_text(b, i ? ",{\"package\":" : "{\"package\":", c->overrides.at[i].package);
        json_text(b, ",\"path\":", c->overrides.at[i].path);
        json_origin(b, &c->overrides.at[i].origin);
        lp_buf_puts(b, "}");
    }
    lp_buf_puts(b, "],\"bind\":[");
    for (size_t i = 0; i < c->bindings.n; i++) {
        lp_buf_puts(b, i ? "," : "");
        binding_json(b, c->bindings.at[i]);
    }
    lp_buf_puts(b, "]}\n");
}

char *loop_config_format(const loop_config *c, bool json)
{
    lp_buf b = {0};
    if (json)
        format_json(&b, c);
    else
        format_text(&b, c);
    return lp_buf_take(&b);
}
