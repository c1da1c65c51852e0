/*
 * cli/cmd_explain.c: `loop explain`: what a component may do if it ran now, line
 * by line with who said so, and what it asks for that nothing grants. Takes the
 * options of `loop run` that grant and limit, and runs nothing.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/capabilities.h"
#include "cli/imports.h"
#include "cli/target.h"

#define COLUMN 44 /* where origins start */

/* ---- lines ---- */

static void put_origin(const loop_origin *o)
{
    cli_put(stdout, o->source ? o->source : "default");
    if (o->line)
        printf(":%u:%u", o->line, o->column);
}

void cli_put_origin_line(const char *text, const loop_origin *origin)
{
    fputs("  ", stdout);
    cli_put(stdout, text);
    if (origin) {
        size_t n = cli_width(text) + 2;
        printf("%*s", n < COLUMN ? (int)(COLUMN - n) : 2, "");
        put_origin(origin);
    }
    putchar('\n');
}

/* ---- grants ---- */

/*
 * Why a grant changes nothing, or NULL. Hosts are not asked about: a denial by
 * address could make it wait for DNS.
 */
static const char *without_effect(const loop_policy *p, const loop_grant *g, loop_decision *d)
{
    if (g->kind == LOOP_GRANT_ENV && !g->guest && !getenv(g->host))
        return "is not set here";
    if (g->kind == LOOP_GRANT_PROCESS && loop_policy_class_of(p, NULL) != LOOP_CLASS_TRUSTED)
        return "it takes the class 'trusted'";
    if (g->kind != LOOP_GRANT_DIR && g->kind != LOOP_GRANT_ENV)
        return NULL;
    bool dir = g->kind == LOOP_GRANT_DIR;
    loop_request want = {
        .kind = g->kind, .name = dir ? g->guest : g->host, .write = dir && !g->read_only};
    loop_policy_decide(p, &want, d);
    return d->allowed ? NULL : d->reason;
}

static void put_grants(const loop_policy *p, const char *title, bool deny)
{
    const loop_grant *g;
    loop_decision d;
    bool any = false;
    for (size_t i = 0; p && (g = loop_policy_at(p, i)); i++) {
        if (g->deny != deny)
            continue;
        if (!any)
            printf("\n%s\n", title);
        any = true;
        cli_put_origin_line(g->text, &g->origin);
        const char *idle = deny ? NULL : without_effect(p, g, &d);
        if (!idle)
            continue;
        fputs("    without effect: ", stdout);
        cli_put(stdout, idle);
        putchar('\n');
    }
    if (!any && !deny)
        printf("\n%s\n  nothing beyond that\n", title);
}

/* ---- limits ---- */

static void put_time(const char *name, uint64_t ms, const loop_origin *origin)
{
    char *text =
        ms ? cli_format("%-11s%g s", name, (double)ms / 1000) : cli_format("%-11snone", name);
    cli_put_origin_line(text, origin);
    free(text);
}

static void put_limit(const loop_limits *l, loop_limit_id id)
{
    char *value = loop_limit_text(id, l->of[id].value);
    char *text = cli_format("%-11s%s", loop_limit_row_of(id)->name, value);
    cli_put_origin_line(text, &l->of[id].origin);
    free(text);
    loop_free(value);
}

static void put_limits(const cli_target *t)
{
    static const char *const traps[] = {"stop", "stop", "restart", "quarantine"};
    loop_origin timeout, grace;
    loop_config_get(t->config, "limits.timeout", &timeout);
    loop_config_get(t->config, "limits.grace", &grace);
    puts("\nlimits");
    for (int i = 0; i < LOOP_MAX_COUNT; i++)
        put_limit(&t->limits, (loop_limit_id)i);
    put_time("timeout", t->timeout_ms, &timeout);
    put_time("grace", t->grace_ms, &grace);
    printf("  on-trap    %s\n", traps[t->on_trap]);
}

/* ---- imports ---- */

/* Where a binding stands that chose the provider; without one the order of the providers did. */
static void find_binding(const cli_args *args, const loop_config *config, const char *component,
                         const char *full, loop_origin *ret)
{
    size_t n = strcspn(full, "@");
    const loop_binding *b;
    const char *flag;
    for (size_t i = 0; (b = loop_config_binding_at(config, i)); i++)
        if (strlen(b->interface_name) == n && strncmp(b->interface_name, full, n) == 0 &&
            !b->component)
            *ret = b->origin;
    for (size_t i = 0; (flag = cli_value_at(args, "--bind", i)); i++)
        if (strncmp(flag, full, n) == 0 && flag[n] == '=')
            *ret = (loop_origin){"--bind", 0, 0};
    for (size_t i = 0; component && (b = loop_config_binding_at(config, i)); i++)
        if (strlen(b->interface_name) == n && strncmp(b->interface_name, full, n) == 0 &&
            b->component && strcmp(b->component, component) == 0)
            *ret = b->origin;
}

static void put_provider(const cli_args *args, const cli_target *t, const loop_item *item,
                         cli_need need)
{
    loop_origin origin = {"default", 0, 0};
    find_binding(args, t->config, t->name, item->interface_name, &origin);
    char *text = cli_format("%s: %s%s", item->interface_name,
                            need == CLI_NEED_MISSING ? "NOBODY: "
                            : need == CLI_NEED_STUB  ? "a stub: "
                                                     : "",
                            item->served ? item->provider : item->reason);
    cli_put_origin_line(text, item->served ? &origin : NULL);
    free(text);
}

static void put_providers(const cli_args *args, const cli_target *t, loop_component *c)
{
    const loop_item *item;
    bool any = false, wasi = false;
    puts("\nserved by");
    for (size_t i = 0; (item = loop_component_item_at(c, i)); i++) {
        cli_need need = cli_import_need(c, item, t->optional);
        bool engine = item->served && item->tier == LOOP_TIER_ENGINE;
        if (need == CLI_NEED_NOBODY)
            continue;
        any = true;
        wasi = wasi || engine;
        if (!engine)
            put_provider(args, t, item, need);
    }
    if (wasi)
        puts("  WASI 0.2: the engine");
    if (!any)
        puts("  nobody is needed");
}

/* ---- the command ---- */

static void put_all(const cli_args *args, const cli_target *t, loop_component *c)
{
    if (t->row) {
        cli_put(stdout, t->row->name);
        fputs(" of ", stdout);
        put_origin(&t->row->origin);
        fputs(": ", stdout);
    }
    cli_put(stdout, t->path);
    loop_origin origin;
    char *class = cli_format("class %s", loop_class_name(loop_policy_class_of(t->policy, &origin)));
    putchar('\n');
    cli_put_origin_line(class, &origin);
    free(class);
    cli_put_signer(&t->signer);
    puts("\nalways\n  standard streams, arguments, clocks, random numbers, loop:core");
    put_grants(t->policy, "granted", false);
    put_grants(t->policy, "denied", true);
    put_limits(t);
    put_providers(args, t, c);
    cli_put_capabilities(t, c);
}

static loop_error *run(const cli_args *args, int *ret_status)
{
    cli_target t;
    loop_error *e = cli_target_open(args, &t);
    if (e)
        return e;
    if (cli_has(args, "--may")) {
        bool denied = false;
        e = cli_put_answers(args, t.policy, &denied);
        *ret_status = denied ? LOOP_DENIED : 0;
        cli_target_done(&t);
        return e;
    }
    loop_host_options options = cli_host_options(t.config);
    loop_host *host = NULL;
    loop_component *component = NULL;
    e = loop_host_new(&options, &host);
    if (!e)
        e = cli_target_bind(args, t.config, host);
    if (!e)
        e = loop_component_describe(host, t.path, t.name, &component);
    if (!e)
        put_all(args, &t, component);
    loop_component_delete(component);
    loop_host_delete(host);
    cli_target_done(&t);
    return e;
}

static const cli_group group_explain = {
    "What to answer",
    (const cli_option[]){
        {"--may", "'KIND WHAT'", "whether this one request would be allowed, and why", NULL, NULL},
        {0},
    },
};

const cli_command cli_explain = {
    .name = "explain",
    .synopsis = "[options] [COMPONENT]",
    .summary = "show what a component may do, and who said so",
    .about =
        "Shows what a component might do if it ran now: what every component has, each grant and "
        "denial as one line with the file and line or the option that it came from, its limits, "
        "who "
        "serves its imports, and what it asks for that nothing grants.\n\n"
        "It takes the options of `loop run` and runs nothing, so a run can be tried out before it "
        "happens. COMPONENT is a file or a name in loop.yaml; without one, the workspace's "
        "default.\n\n"
        "With --may it answers that one question, with the line that decides and what would change "
        "the answer, and nothing else; the exit status is 77 where something is denied. A request "
        "is a kind and what it is about: 'http api.example.com:443', 'dir /data/x:rw', 'net "
        "db:5432', "
        "'env LANG', 'listen 127.0.0.1:80', 'packages acme:ui', 'process git status', "
        "'need camera.record', 'storage'.",
    .example = "loop explain --dir ./data::/data:ro notes.wasm",
    .shows = "shows that notes.wasm could read ./data and nothing else",
    .operands = "<component>",
    .groups = (const cli_group *const[]){&group_explain, &cli_group_grants, &cli_group_limits,
                                         &cli_group_imports, &cli_group_config, NULL},
    .max_operands = 1,
    .run = run,
};
