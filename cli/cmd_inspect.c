/*
 * cli/cmd_inspect.c: `loop inspect`: what a component is, what it offers, what it
 * asks for function by function, and who on this host would serve that. Nothing
 * is compiled or run.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/imports.h"
#include "cli/target.h"

struct inspect {
    loop_component *component;
    char *path;
    loop_signer signer;    /* of a package; its `key` "": nobody known */
    const char *name;      /* in loop.yaml; NULL: not there */
    const char **optional; /* ends with NULL; NULL: none */
    bool exports, imports;
    size_t interfaces, functions; /* imported */
    size_t missing, stubs;        /* of those, without anybody */
};

/* ---- counting ---- */

static cli_need need(const struct inspect *x, const loop_item *item)
{
    return cli_import_need(x->component, item, x->optional);
}

static void count(struct inspect *x)
{
    const loop_item *item;
    for (size_t i = 0; (item = loop_component_item_at(x->component, i)); i++) {
        if (item->is_export)
            continue;
        cli_need n = need(x, item);
        x->interfaces += item->kind == LOOP_ITEM_INTERFACE;
        x->functions += item->kind == LOOP_ITEM_FUNCTION;
        x->missing += n == CLI_NEED_MISSING;
        x->stubs += n == CLI_NEED_STUB;
    }
}

/* ---- text ---- */

static const char *what_it_is(const loop_component *c)
{
    switch (loop_component_kind_of(c)) {
    case LOOP_COMPONENT_COMMAND: return "a command (wasi:cli/run): `loop run` runs it";
    case LOOP_COMPONENT_APP: return "an application (loop:core/app): `loop run` runs it";
    case LOOP_COMPONENT_HTTP: return "an HTTP server (wasi:http): loop does not serve HTTP yet";
    case LOOP_COMPONENT_LIBRARY: break;
    }
    return "a library: `loop run --invoke` calls its functions";
}

static const char *tier_name(loop_tier tier)
{
    switch (tier) {
    case LOOP_TIER_ENGINE: return "engine";
    case LOOP_TIER_BUILTIN: return "builtin";
    case LOOP_TIER_LIBRARY: return "library";
    case LOOP_TIER_SIDECAR: return "sidecar";
    case LOOP_TIER_COMPONENT: return "component";
    case LOOP_TIER_STUB: break;
    }
    return "stub";
}

/* "<- logging": who serves a row; of a function only what its interface's row does not say. */
static void put_server(const struct inspect *x, const loop_item *item)
{
    switch (need(x, item)) {
    case CLI_NEED_NOBODY:
        if (!item->is_export && item->kind == LOOP_ITEM_INTERFACE)
            fputs("  <- types alone: it needs nobody", stdout);
        return;
    case CLI_NEED_SERVED: fputs("  <- ", stdout); break;
    case CLI_NEED_STUB: fputs("  <- a stub that answers `unavailable`: ", stdout); break;
    case CLI_NEED_MISSING: fputs("  <- NOBODY: ", stdout); break;
    }
    cli_put(stdout, item->served ? item->provider : item->reason);
}

static void put_row(const struct inspect *x, const loop_item *item)
{
    bool top = item->kind == LOOP_ITEM_INTERFACE || !*item->interface_name;
    fputs(top ? "  " : "    ", stdout);
    cli_put(stdout, item->kind == LOOP_ITEM_INTERFACE ? item->interface_name : item->function);
    if (item->kind == LOOP_ITEM_RESOURCE) {
        fputs(": resource", stdout);
    } else if (*item->signature) {
        fputs(": ", stdout);
        cli_put(stdout, item->signature);
    }
    put_server(x, item);
    putchar('\n');
}

static void put_rows(const struct inspect *x, const char *title, bool exports)
{
    const loop_item *item;
    bool any = false;
    printf("\n%s\n", title);
    for (size_t i = 0; (item = loop_component_item_at(x->component, i)); i++) {
        if (item->is_export != exports)
            continue;
        put_row(x, item);
        any = true;
    }
    if (!any)
        puts("  nothing");
}

/* What is missing once more, where it is seen: the lists above are long. */
static void put_missing(const struct inspect *x)
{
    const loop_item *item;
    for (size_t i = 0; (item = loop_component_item_at(x->component, i)); i++) {
        if (need(x, item) != CLI_NEED_MISSING)
            continue;
        fputs("  ", stdout);
        cli_put(stdout, item->interface_name);
        fputs(*item->interface_name && *item->function ? " " : "", stdout);
        cli_put(stdout, item->function);
        fputs(": ", stdout);
        cli_put(stdout, item->reason);
        putchar('\n');
    }
}

static void put_summary(const struct inspect *x)
{
    if (!x->imports)
        return;
    printf("\nimports %zu interface%s with %zu function%s: ", x->interfaces,
           x->interfaces == 1 ? "" : "s", x->functions, x->functions == 1 ? "" : "s");
    if (!x->interfaces && !x->functions)
        fputs("it needs nobody", stdout);
    else if (!x->missing)
        fputs("everything it needs is served", stdout);
    if (x->missing)
        printf("nobody serves %zu of them, so it does not start", x->missing);
    if (x->stubs)
        printf("; %zu can be missing", x->stubs);
    putchar('\n');
    put_missing(x);
}

static void put_text(const struct inspect *x)
{
    cli_put(stdout, x->path);
    printf("\n  %s\n", what_it_is(x->component));
    cli_put_signer(&x->signer);
    if (x->exports)
        put_rows(x, "exports", true);
    if (x->imports)
        put_rows(x, "imports", false);
    put_summary(x);
}

/* ---- JSON ---- */

static void json_field(const char *before, const char *text)
{
    fputs(before, stdout);
    cli_put_json(stdout, text);
}

static void json_row(const struct inspect *x, const loop_item *item)
{
    static const char *const kinds[] = {
        [LOOP_ITEM_FUNCTION] = "function",
        [LOOP_ITEM_INTERFACE] = "interface",
        [LOOP_ITEM_RESOURCE] = "resource",
    };
    printf("{\"kind\":\"%s\"", kinds[item->kind]);
    json_field(",\"interface\":", item->interface_name);
    if (item->kind != LOOP_ITEM_INTERFACE)
        json_field(",\"name\":", item->function);
    if (*item->signature)
        json_field(",\"signature\":", item->signature);
    if (!item->is_export) {
        static const char *const needs[] = {
            [CLI_NEED_NOBODY] = "nobody",
            [CLI_NEED_SERVED] = "served",
            [CLI_NEED_STUB] = "stub",
            [CLI_NEED_MISSING] = "missing",
        };
        cli_need n = need(x, item);
        printf(",\"served\":%s", item->served ? "true" : "false");
        if (item->kind == LOOP_ITEM_INTERFACE || n == CLI_NEED_MISSING)
            printf(",\"need\":\"%s\"", needs[n]);
        if (item->served) {
            json_field(",\"provider\":", item->provider);
            json_field(",\"tier\":", tier_name(item->tier));
        } else {
            json_field(",\"reason\":", item->reason);
        }
    }
    putchar('}');
}

static void json_rows(const struct inspect *x, const char *before, bool exports)
{
    const loop_item *item;
    bool any = false;
    fputs(before, stdout);
    for (size_t i = 0; (item = loop_component_item_at(x->component, i)); i++) {
        if (item->is_export != exports)
            continue;
        fputs(any ? ",\n  " : "\n  ", stdout);
        json_row(x, item);
        any = true;
    }
    fputs(any ? "\n]" : "]", stdout);
}

static void put_json(const struct inspect *x)
{
    static const char *const kinds[] = {
        [LOOP_COMPONENT_COMMAND] = "command",
        [LOOP_COMPONENT_APP] = "app",
        [LOOP_COMPONENT_HTTP] = "http",
        [LOOP_COMPONENT_LIBRARY] = "library",
    };
    json_field("{\"path\":", x->path);
    printf(",\"kind\":\"%s\"", kinds[loop_component_kind_of(x->component)]);
    if (x->exports)
        json_rows(x, ",\n\"exports\":[", true);
    if (x->imports)
        json_rows(x, ",\n\"imports\":[", false);
    printf(",\n\"missing\":%zu}\n", x->missing);
}

/* ---- the command ---- */

static loop_error *describe(const cli_args *args, const loop_config *config, loop_host *host,
                            struct inspect *x)
{
    loop_error *e = cli_target_bind(args, config, host);
    if (!e)
        e = loop_component_describe(host, x->path, x->name, &x->component);
    if (e)
        return e;
    count(x);
    if (cli_has(args, "--json"))
        put_json(x);
    else
        put_text(x);
    loop_component_delete(x->component);
    return NULL;
}

static loop_error *inspect(const cli_args *args, const loop_config *config, struct inspect *x)
{
    const loop_component_config *row;
    loop_host_options options = cli_host_options(config);
    loop_host *host;
    loop_error *e = cli_component_signed(config, args->operands[0], &x->path, &row, &x->signer);
    if (!e)
        e = loop_host_new(&options, &host);
    if (e) {
        loop_free(x->path);
        return e;
    }
    x->name = row ? row->name : NULL;
    x->optional = cli_optional(args, row);
    e = describe(args, config, host, x);
    free(x->optional);
    loop_free(x->path);
    loop_host_delete(host);
    return e;
}

static loop_error *run(const cli_args *args, int *ret_status)
{
    bool exports = cli_has(args, "--exports"), imports = cli_has(args, "--imports");
    struct inspect x = {.exports = exports || !imports, .imports = imports || !exports};
    if (!args->operands[0])
        return loop_error_hint_set(loop_error_new(LOOP_USAGE, "which component? none is named"),
                                   "usage: loop inspect %s", cli_inspect.synopsis);
    loop_config *config;
    loop_error *e = cli_config_load(args, &config);
    if (e)
        return e;
    e = inspect(args, config, &x);
    *ret_status = x.missing ? LOOP_MISSING : 0;
    loop_config_delete(config);
    return e;
}

static const cli_group group_inspect = {
    "Output",
    (const cli_option[]){
        {"--imports", NULL, "only what it asks for", NULL, NULL},
        {"--exports", NULL, "only what it offers", NULL, NULL},
        {"--json", NULL, "as one JSON object", NULL, NULL},
        {0},
    },
};

const cli_command cli_inspect = {
    .name = "inspect",
    .synopsis = "[options] COMPONENT",
    .summary = "show what a component offers, asks for, and who would serve it",
    .about =
        "Reads a component, without compiling or running it, and shows what it is, what it "
        "exports, "
        "and each function that it imports with the provider that would serve it here; or why "
        "nobody "
        "does, and the nearest thing there is.\n\n"
        "The exit status is 0, or 67 when something that it requires has nobody: then `loop run` "
        "would not start it.",
    .example = "loop inspect hello.wasm",
    .shows = "lists exports and imports, with `<- engine` or `<- logging` behind each",
    .not_yet = "types in full: a signature names them",
    .operands = "<component>",
    .groups =
        (const cli_group *const[]){&group_inspect, &cli_group_imports, &cli_group_config, NULL},
    .max_operands = 1,
    .run = run,
};
