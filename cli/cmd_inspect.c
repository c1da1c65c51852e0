/*
 * cli/cmd_inspect.c: `loop inspect`: what a component is, what it offers, what it
 * asks for function by function, and who on this host would serve that. Nothing
 * is compiled or run.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/target.h"

struct inspect {
    loop_component *component;
    const char *path;
    const loop_component_config *row;
    const cli_args *args;
    bool exports, imports, json;
    size_t interfaces, functions; /* imported */
    size_t required, optional;    /* of those, without anybody */
};

/* ---- what is optional ---- */

/* A host without these answers `unavailable` itself, as host/link.c does. */
static const char *const stubbed[] = {"loop:ui/", "loop:window/"};

static bool is_named(const char *wanted, const char *full)
{
    size_t n = strcspn(full, "@");
    return strcmp(wanted, full) == 0 || (strlen(wanted) == n && strncmp(wanted, full, n) == 0);
}

static bool is_optional(const struct inspect *x, const char *full)
{
    const char *wanted;
    for (size_t i = 0; i < sizeof stubbed / sizeof *stubbed; i++)
        if (strncmp(full, stubbed[i], strlen(stubbed[i])) == 0)
            return true;
    for (size_t i = 0; x->row && x->row->optional[i]; i++)
        if (is_named(x->row->optional[i], full))
            return true;
    for (size_t i = 0; (wanted = cli_value_at(x->args, "--optional", i)); i++)
        if (is_named(wanted, full))
            return true;
    return false;
}

/* Whether the interface of row `i` is served as a whole; its own row says so. */
static bool interface_served(const struct inspect *x, const char *full)
{
    const loop_item *item;
    for (size_t i = 0; (item = loop_component_item_at(x->component, i)); i++)
        if (!item->is_export && item->kind == LOOP_ITEM_INTERFACE &&
            strcmp(item->interface_name, full) == 0)
            return item->served;
    return false;
}

/* ---- counting ---- */

/*
 * An interface that nobody serves counts once, not once a function. One that
 * somebody serves without a function of it is missing even if it is optional:
 * there is no stub for a part.
 */
static void count(struct inspect *x)
{
    const loop_item *item;
    for (size_t i = 0; (item = loop_component_item_at(x->component, i)); i++) {
        if (item->is_export)
            continue;
        bool whole = item->kind == LOOP_ITEM_INTERFACE;
        x->interfaces += whole;
        x->functions += item->kind == LOOP_ITEM_FUNCTION;
        if (item->served || item->kind == LOOP_ITEM_RESOURCE)
            continue;
        if (whole && is_optional(x, item->interface_name))
            x->optional++;
        else if (whole || !*item->interface_name || interface_served(x, item->interface_name))
            x->required++;
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

static void put_server(const struct inspect *x, const loop_item *item)
{
    if (item->is_export)
        return;
    if (item->served) {
        fputs("  <- ", stdout);
        cli_put(stdout, item->provider);
        return;
    }
    fputs(is_optional(x, item->interface_name) ? "  <- a stub that answers `unavailable`: "
                                               : "  <- NOBODY: ",
          stdout);
    cli_put(stdout, item->reason);
}

static void put_row(const struct inspect *x, const loop_item *item)
{
    bool top = item->kind == LOOP_ITEM_INTERFACE || !*item->interface_name;
    fputs(top ? "  " : "    ", stdout);
    cli_put(stdout, item->kind == LOOP_ITEM_INTERFACE ? item->interface_name : item->function);
    if (item->kind == LOOP_ITEM_RESOURCE)
        fputs(": resource", stdout);
    else if (*item->signature) {
        fputs(": ", stdout);
        cli_put(stdout, item->signature);
    }
    /* Of a function only what its interface's row does not say already. */
    if (top || (!item->served && item->kind == LOOP_ITEM_FUNCTION &&
                interface_served(x, item->interface_name)))
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

static void put_summary(const struct inspect *x)
{
    if (!x->imports)
        return;
    printf("\nimports %zu interface%s with %zu function%s: ", x->interfaces,
           x->interfaces == 1 ? "" : "s", x->functions, x->functions == 1 ? "" : "s");
    if (x->required)
        printf("%zu served by nobody, so it does not start", x->required);
    else
        fputs(x->interfaces + x->functions ? "everything it needs is served" : "it needs nobody",
              stdout);
    if (x->optional)
        printf("; %zu can be missing", x->optional);
    putchar('\n');
}

static void put_text(const struct inspect *x)
{
    cli_put(stdout, x->path);
    printf("\n  %s\n", what_it_is(x->component));
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
        printf(",\"served\":%s,\"optional\":%s", item->served ? "true" : "false",
               is_optional(x, item->interface_name) ? "true" : "false");
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
    printf(",\n\"missing\":%zu}\n", x->required);
}

/* ---- the command ---- */

static loop_error *inspect(struct inspect *x, const loop_config *config, int *ret_status)
{
    loop_host_options options = cli_host_options(config);
    loop_host *host;
    loop_error *e = cli_component_find(config, x->args->operands[0], &x->path, &x->row);
    if (!e)
        e = loop_host_new(&options, &host);
    if (e)
        return e;
    e = cli_target_bind(x->args, config, host);
    if (!e)
        e = loop_component_describe(host, x->path, &x->component);
    if (!e) {
        count(x);
        if (x->json)
            put_json(x);
        else
            put_text(x);
        *ret_status = x->required ? LOOP_MISSING : 0;
        loop_component_delete(x->component);
    }
    loop_host_delete(host);
    return e;
}

static loop_error *run(const cli_args *args, int *ret_status)
{
    bool exports = cli_has(args, "--exports"), imports = cli_has(args, "--imports");
    struct inspect x = {
        .args = args,
        .exports = exports || !imports,
        .imports = imports || !exports,
        .json = cli_has(args, "--json"),
    };
    if (!args->operands[0])
        return loop_error_hint_set(loop_error_new(LOOP_USAGE, "which component? none is named"),
                                   "usage: loop inspect %s", cli_inspect.synopsis);
    loop_config *config;
    loop_error *e = cli_config_load(args, &config);
    if (e)
        return e;
    e = inspect(&x, config, ret_status);
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
        "Reads a component, without compiling or running it, and shows what it is, what it exports, "
        "and each function that it imports with the provider that would serve it here; or why nobody "
        "does, and the nearest thing there is.\n\n"
        "The exit status is 0, or 67 when something that it requires has nobody: then `loop run` "
        "would not start it.",
    .example = "loop inspect hello.wasm",
    .shows = "lists exports and imports, with `<- engine` or `<- logging` behind each",
    .not_yet = "packages, and types in full: a signature names them",
    .operands = "<component>",
    .groups = (const cli_group *const[]){&group_inspect, &cli_group_imports, &cli_group_config, NULL},
    .max_operands = 1,
    .run = run,
};
