/*
 * cli/target.c: implements cli/target.h.
 *
 * Limits: a flag beats everything. Else loop_config_limits: the component's own row, its class, and
 * of memory no more than limits.memory. The class is `untrusted`, unless a trusted workspace or
 * --class says otherwise, or the key that signed the package may sign for `trusted`.
 *
 * What its storage belongs to: a package that somebody known has signed to that publisher and its
 * name, in whichever workspace and version; any other component of loop.yaml to the workspace and
 * its name there; anything else to its file. The name of a package alone is nobody's: anybody can
 * publish under it.
 */
#include "cli/target.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/links.h"
#include "cli/packages.h"

const cli_group cli_group_grants = {
    "What the component may use",
    (const cli_option[]){
        {"--dir", "HOST[::GUEST][:ro]", "a directory, under the path GUEST; ':ro': to read only",
         NULL, "<dir>"},
        {"--env", "NAME[=VALUE]", "an environment variable: loop's own, or this value", NULL,
         "<env>"},
        {"--allow-http", "HOST[:PORT]", "HTTP requests to a host; without PORT: 80 and 443", NULL,
         NULL},
        {"--allow-net", "HOST:PORT", "TCP and UDP to a host's port", NULL, NULL},
        {"--storage", "SIZE[,share=NAME]",
         "storage up to this, such as 16MiB, or one that is shared", NULL, NULL},
        {"--packages", "NAMESPACE[:NAME]", "finding, fetching and loading its packages", NULL,
         NULL},
        {"--allow-listen", "ADDRESS:PORT", "TCP and UDP at an address of this machine", NULL, NULL},
        {"--log-rate", "NUMBER", "entries of the log a second", NULL, NULL},
        {"--allow-process", "'PROGRAM ARG...'",
         "running a program with these arguments; '*' is one, '...' any more, none with '-' first",
         NULL, NULL},
        {"--need", "PROVIDER.NAME", "what a provider asks for in its own words", NULL, NULL},
        {"--class", "CLASS", "what it may be granted at all, and its limits (untrusted)", NULL,
         "untrusted|trusted"},
        {0},
    },
};

const cli_group cli_group_limits = {
    "Limits",
    (const cli_option[]){
        {"--timeout", "DURATION", "stop it after this time, such as 5s or 250ms", "limits.timeout",
         NULL},
        {"--max-memory", "SIZE", "over all its memories, such as 64MiB", "limits.memory", NULL},
        {"--limit", "NAME=VALUE",
         "any limit of `limits:` in loop.yaml, such as files=32 (tables, instances, memories, "
         "call, "
         "total, handles, files, host-bytes, log, storage, calls, stack, memory)",
         NULL, NULL},
        {"--on-trap", "stop|restart|quarantine",
         "what happens when it traps or reaches a limit (stop)", NULL, "stop|restart|quarantine"},
        {"--grace", "DURATION", "between asking it to end and stopping it (2s)", "limits.grace",
         NULL},
        {0},
    },
};

const cli_group cli_group_imports = {
    "Who serves its imports",
    (const cli_option[]){
        {"--optional", "INTERFACE", "start even if nobody serves this import", NULL, NULL},
        {"--bind", "INTERFACE=PROVIDER[,...]",
         "which provider serves an interface: a name, component:NAME, library:PATH or "
         "sidecar:COMMAND, then its options (file=x.db); of several, each may ask the next",
         NULL, NULL},
        {0},
    },
};

const cli_group cli_group_config = {
    "Configuration",
    (const cli_option[]){
        {"--config", "FILE", "read this loop.yaml, not the nearest one", NULL, "<file>"},
        {"--profile", "NAME", "the profile that sets the defaults (dev)", NULL, "dev|prod"},
        {"--log-level", "LEVEL", "the least important messages that are shown (info)", "log.level",
         "error|warn|info|debug|trace"},
        {"--log-format", "FORMAT", "lines for people, or one JSON object a line (text)",
         "log.format", "text|json"},
        {0},
    },
};

/* ---- configuration ---- */

loop_error *cli_config_load(const cli_args *args, loop_config **ret)
{
    return cli_config_load_profile(args, cli_value(args, "--profile"), ret);
}

loop_error *cli_config_load_profile(const cli_args *args, const char *profile, loop_config **ret)
{
    loop_setting *flags = cli_alloc(args->given_count * sizeof *flags);
    loop_config_sources from = {
        .file = cli_value(args, "--config"),
        .profile = profile,
        .flags = flags,
    };
    for (size_t i = 0; i < args->given_count; i++) {
        const cli_given *g = &args->given[i];
        if (g->option->key)
            flags[from.flag_count++] = (loop_setting){g->option->key, g->value, g->option->flag};
    }
    loop_error *e = loop_config_load(&from, ret);
    free(flags);
    return e;
}

loop_host_options cli_host_options(const loop_config *config)
{
    static const struct {
        const char *name;
        loop_log_level level;
    } levels[] = {
        {"trace", LOOP_LOG_TRACE}, {"debug", LOOP_LOG_DEBUG}, {"info", LOOP_LOG_INFO},
        {"warn", LOOP_LOG_WARN},   {"error", LOOP_LOG_ERROR},
    };
    const char *level = loop_config_get(config, "log.level", NULL);
    loop_host_options o = {
        .log_level = LOOP_LOG_INFO,
        .log_json = strcmp(loop_config_get(config, "log.format", NULL), "json") == 0,
        .production = strcmp(loop_config_get(config, "production", NULL), "true") == 0,
        .directory = loop_config_root(config),
        .workspace = loop_config_file(config),
        .confine = loop_config_root(config) != NULL,
    };
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (strcmp(level, levels[i].name) == 0)
            o.log_level = levels[i].level;
    return o;
}

/* ---- which component ---- */

static bool is_path(const char *operand)
{
    size_t n = strlen(operand);
    struct stat st;
    return strchr(operand, '/') || (n > 5 && strcmp(operand + n - 5, ".wasm") == 0) ||
           (stat(operand, &st) == 0 && !S_ISDIR(st.st_mode));
}

static loop_error *no_component(const loop_config *config, const char *name)
{
    struct stat st;
    loop_policy *unused = loop_policy_new();
    loop_error *e = loop_config_grants(config, name, unused); /* its error names the nearest */
    loop_policy_delete(unused);
    if (!loop_config_file(config)) {
        loop_error_delete(e);
        e = loop_error_new(LOOP_NOT_FOUND,
                           "there is no file '%s', and no loop.yaml that could have a component of "
                           "that name",
                           name);
    }
    if (stat(name, &st) == 0)
        return loop_error_hint_set(e, "'%s' is a folder; name the component's file in it", name);
    if (!loop_error_hint(e))
        return loop_error_hint_set(e, "give the path of a component: ./%s.wasm", name);
    return e;
}

static loop_error *file_of(const loop_config *config, const loop_component_config *row,
                           char **ret_path, loop_signer *ret_signer)
{
    return row->path ? loop_config_component_file(config, row, ret_path)
                     : cli_package_path(config, row->package, ret_path, ret_signer);
}

loop_error *cli_component_signed(const loop_config *config, const char *operand, char **ret_path,
                                 const loop_component_config **ret_row, loop_signer *ret_signer)
{
    bool path = is_path(operand);
    *ret_signer = (loop_signer){0};
    const loop_component_config *row = path ? NULL : loop_config_component(config, operand);
    *ret_row = row;
    if (row)
        return file_of(config, row, ret_path, ret_signer);
    if (!path && loop_package_is_wish(operand))
        return cli_package_path(config, operand, ret_path, ret_signer);
    if (!path)
        return no_component(config, operand);
    *ret_path = cli_format("%s", operand);
    return NULL;
}

loop_error *cli_component_find(const loop_config *config, const char *operand, char **ret_path,
                               const loop_component_config **ret_row)
{
    loop_signer unused;
    return cli_component_signed(config, operand, ret_path, ret_row, &unused);
}

void cli_put_signer(const loop_signer *s)
{
    if (!*s->key)
        return;
    fputs("  signed by ", stdout);
    cli_put(stdout, s->name);
    printf(", %s\n", s->key);
}

static loop_error *no_default(const cli_args *args, const loop_config *config)
{
    const char *file = loop_config_file(config);
    if (!file)
        return loop_error_hint_set(
            loop_error_new(LOOP_USAGE, "no component is named, and there is no loop.yaml here"),
            "loop %s FILE.wasm", args->command->name);
    loop_error *e =
        loop_error_new(LOOP_USAGE, "no component is named, and '%s' has no default", file);
    const loop_component_config *first = loop_config_component_at(config, 0);
    if (!first)
        return loop_error_hint_set(e, "loop %s FILE.wasm", args->command->name);
    return loop_error_hint_set(e, "loop %s %s, or set 'default: %s' in it", args->command->name,
                               first->name, first->name);
}

static loop_error *find(const cli_args *args, cli_target *t)
{
    const char *operand = args->before_dashes ? args->operands[0] : NULL;
    const char *fallback = loop_config_get(t->config, "default", NULL);
    if (operand) {
        loop_error *e = cli_component_signed(t->config, operand, &t->path, &t->row, &t->signer);
        if (!e && !t->row && !is_path(operand))
            t->package = cli_format("%.*s", (int)strcspn(operand, "@"), operand);
        return e;
    }
    if (!*fallback)
        return no_default(args, t->config);
    t->row = loop_config_component(t->config, fallback);
    if (!t->row)
        return no_component(t->config, fallback);
    return file_of(t->config, t->row, &t->path, &t->signer);
}

/* ---- what it may do ---- */

/* Of HOST[::GUEST][:ro], whether HOST leads where its user can know. */
static loop_error *check_dir(const loop_config *config, const char *text)
{
    const char *parting = strstr(text, "::");
    size_t n = parting ? (size_t)(parting - text) : strlen(text);
    if (!parting && n > 3 && (!strcmp(text + n - 3, ":ro") || !strcmp(text + n - 3, ":rw")))
        n -= 3;
    char *host = cli_format("%.*s", (int)n, text);
    loop_error *e = loop_config_dir_check(config, host);
    free(host);
    return e ? loop_error_wrap(e, "--dir '%s'", text) : NULL;
}

static loop_error *add_flag_grants(const cli_args *args, cli_target *t)
{
    static const struct {
        const char *flag;
        loop_grant_kind kind;
    } kinds[] = {
        {"--dir", LOOP_GRANT_DIR},
        {"--env", LOOP_GRANT_ENV},
        {"--allow-http", LOOP_GRANT_HTTP},
        {"--allow-net", LOOP_GRANT_NET},
        {"--storage", LOOP_GRANT_STORAGE},
        {"--packages", LOOP_GRANT_PACKAGES},
        {"--allow-listen", LOOP_GRANT_LISTEN},
        {"--log-rate", LOOP_GRANT_LOG},
        {"--allow-process", LOOP_GRANT_PROCESS},
        {"--need", LOOP_GRANT_NEED},
    };
    for (size_t i = 0; i < args->given_count; i++) {
        const cli_given *g = &args->given[i];
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
            if (strcmp(g->option->flag, kinds[k].flag) != 0)
                continue;
            if (!t->policy)
                t->policy = loop_policy_new();
            loop_error *e = loop_policy_add(t->policy, kinds[k].kind, g->value, false, NULL, false,
                                            (loop_origin){g->option->flag, 0, 0});
            if (!e && kinds[k].kind == LOOP_GRANT_DIR)
                e = check_dir(t->config, g->value);
            if (e)
                return e;
        }
    }
    return NULL;
}

/* What its publisher's signature and the user's key for it say, unless its row says something. */
static void settle_signed_class(cli_target *t)
{
    if (!t->signer.trusted || (t->row && t->row->class_origin.source))
        return;
    if (!t->policy)
        t->policy = loop_policy_new();
    char *source = cli_format("the key '%s'", t->signer.name);
    loop_policy_class_set(t->policy, LOOP_CLASS_TRUSTED, (loop_origin){source, 0, 0});
    free(source);
}

/* The user's own word beats what the file asks for. */
static loop_error *settle_class(const cli_args *args, cli_target *t)
{
    const char *flag = cli_value(args, "--class");
    loop_class class;
    settle_signed_class(t);
    if (!flag)
        return NULL;
    if (!loop_class_find(flag, &class))
        return loop_error_hint_set(
            loop_error_new(LOOP_USAGE, "--class '%s': there is no such class", flag),
            "there are untrusted and trusted");
    if (!t->policy)
        t->policy = loop_policy_new();
    loop_policy_class_set(t->policy, class, (loop_origin){"--class", 0, 0});
    return NULL;
}

static loop_error *settle_grants(const cli_args *args, cli_target *t)
{
    if (t->row) {
        t->policy = loop_policy_new();
        loop_error *e = loop_config_grants(t->config, t->row->name, t->policy);
        if (e)
            return e;
    }
    loop_error *e = add_flag_grants(args, t);
    return e ? e : settle_class(args, t);
}

/* "files=32" of --limit. */
static loop_error *set_limit(cli_target *t, const char *text)
{
    const char *equals = strchr(text, '=');
    char *name = cli_format("%.*s", (int)strcspn(text, "="), text);
    loop_limit_id id = loop_limit_named(name);
    free(name);
    loop_limit limit = {.own = true, .origin = {"--limit", 0, 0}};
    loop_error *e =
        !equals || id == LOOP_MAX_COUNT
            ? loop_error_hint_set(loop_error_new(LOOP_USAGE, "'--limit %s' names no limit", text),
                                  "write it as --limit files=32; `loop explain` shows them all")
            : loop_limit_parse(id, equals + 1, &limit.value);
    if (!e)
        t->limits.of[id] = limit;
    return e;
}

static loop_error *settle_on_trap(const cli_args *args, cli_target *t)
{
    static const char *const names[] = {"stop", "restart", "quarantine"};
    const char *flag = cli_value(args, "--on-trap");
    t->on_trap = t->row ? t->row->on_trap : LOOP_ON_TRAP_DEFAULT;
    if (!flag)
        return NULL;
    for (int i = 0; i < 3; i++) {
        if (strcmp(flag, names[i]) == 0) {
            t->on_trap = (loop_on_trap)(LOOP_ON_TRAP_STOP + i);
            return NULL;
        }
    }
    return loop_error_new(
        LOOP_USAGE, "expected one of stop, restart, quarantine for --on-trap, found '%s'", flag);
}

static loop_error *settle_limits(const cli_args *args, cli_target *t)
{
    loop_config_limits(t->config, t->row ? t->row->name : NULL,
                       loop_class_name(loop_policy_class_of(t->policy, NULL)), &t->limits);
    if (cli_has(args, "--max-memory")) {
        loop_limit *memory = &t->limits.of[LOOP_MAX_MEMORY];
        memory->own = true;
        memory->value = cli_size(loop_config_get(t->config, "limits.memory", &memory->origin));
    }
    const char *text;
    loop_error *e = settle_on_trap(args, t);
    for (size_t i = 0; !e && (text = cli_value_at(args, "--limit", i)); i++)
        e = set_limit(t, text);
    t->timeout_ms = cli_duration_ms(loop_config_get(t->config, "limits.timeout", NULL));
    t->grace_ms = cli_duration_ms(loop_config_get(t->config, "limits.grace", NULL));
    return e;
}

/* ---- lists ---- */

static size_t count(const char *const *list)
{
    size_t n = 0;
    while (list && list[n])
        n++;
    return n;
}

/* Where the component is from, and which one it is there: what its storage belongs to. */
static char *identity_of(const cli_target *t)
{
    const char *root = loop_config_root(t->config);
    const char *package = t->row ? t->row->package : t->package;
    if (*t->signer.key)
        return cli_format("key:%s/%.*s", t->signer.publisher, (int)strcspn(package, "@"), package);
    char *real = realpath(t->path, NULL);
    char *text =
        t->row ? cli_format("%s#%s", root, t->row->name) : cli_format("%s", real ? real : t->path);
    free(real);
    return text;
}

/*
 * Whose share a share is: the publisher's, of what somebody known has signed; else the workspace's;
 * without a place in one, that of the file's folder.
 */
static char *owner_of(const cli_target *t)
{
    if (*t->signer.key)
        return cli_format("key:%s", t->signer.publisher);
    const char *root = loop_config_root(t->config);
    char *real = t->row ? NULL : realpath(t->path, NULL), *slash = real ? strrchr(real, '/') : NULL;
    if (slash)
        *slash = 0;
    char *text = cli_format("%s", t->row ? root : real ? real : t->path);
    free(real);
    return text;
}

/* What messages and the component's own first argument call it; a package's file in the cache has
 * a name for nobody. */
static const char *name_of(const cli_target *t)
{
    const char *slash = strrchr(t->path, '/');
    return t->row ? t->row->name : t->package ? t->package : slash ? slash + 1 : t->path;
}

static void settle_args(const cli_args *args, cli_target *t)
{
    const char *const *before = t->row ? t->row->args : NULL;
    const char *const *after = args->operands + (args->before_dashes > 0);
    size_t n = 0;
    t->name = t->row ? t->row->name : t->package;
    t->identity = identity_of(t);
    t->owner = owner_of(t);
    t->args = cli_alloc((count(before) + count(after) + 2) * sizeof *t->args);
    t->args[n++] = name_of(t);
    for (size_t i = 0; before && before[i]; i++)
        t->args[n++] = before[i];
    for (size_t i = 0; after[i]; i++)
        t->args[n++] = after[i];
}

const char **cli_optional(const cli_args *args, const loop_component_config *row)
{
    size_t rows = count(row ? row->optional : NULL), n = rows;
    while (cli_value_at(args, "--optional", n - rows))
        n++;
    const char **list = n ? cli_alloc((n + 1) * sizeof *list) : NULL;
    for (size_t i = 0; i < n; i++)
        list[i] = i < rows ? row->optional[i] : cli_value_at(args, "--optional", i - rows);
    return list;
}

static void settle_pairs(cli_target *t)
{
    const char *key, *value;
    size_t n = 0;
    if (!t->row)
        return;
    while (loop_config_component_value(t->config, t->row->name, n, &key, &value))
        n++;
    if (n == 0)
        return;
    t->pairs = cli_alloc((2 * n + 1) * sizeof *t->pairs);
    for (size_t i = 0; i < n; i++)
        loop_config_component_value(t->config, t->row->name, i, &t->pairs[2 * i],
                                    &t->pairs[2 * i + 1]);
}

loop_error *cli_target_open(const cli_args *args, cli_target *ret)
{
    cli_target t = {0};
    loop_error *e = cli_config_load(args, &t.config);
    if (!e)
        e = find(args, &t);
    if (!e)
        e = settle_grants(args, &t);
    if (!e)
        e = settle_limits(args, &t);
    if (e) {
        cli_target_done(&t);
        return e;
    }
    settle_args(args, &t);
    t.optional = cli_optional(args, t.row);
    settle_pairs(&t);
    *ret = t;
    return NULL;
}

void cli_target_done(cli_target *t)
{
    free(t->args);
    free(t->optional);
    free(t->pairs);
    free(t->identity);
    free(t->owner);
    free(t->package);
    loop_free(t->path);
    loop_policy_delete(t->policy);
    loop_config_delete(t->config);
    *t = (cli_target){0};
}

/* ---- providers ---- */

/* What is written by hand is this user's own wish, and asks for no trust. */
static loop_error *resolve(loop_host *host, const loop_config *config, const char *directory,
                           const loop_binding_link *from, loop_link *ret)
{
    *ret = (loop_link){from->provider, from->options};
    if (from->component)
        return loop_config_component_add(config, host, from->component, &ret->provider);
    if (from->library)
        return loop_host_library_add(host, from->library, &ret->provider);
    if (from->sidecar)
        return loop_host_sidecar_add(host, &(loop_sidecar_options){from->sidecar, directory},
                                     &ret->provider);
    return NULL;
}

static loop_error *bind_flag(loop_host *host, const loop_config *config, const char *text)
{
    cli_links l;
    loop_error *e = cli_links_parse(text, &l);
    if (e)
        return loop_error_wrap(e, "cannot bind as --bind says");
    loop_link *links = cli_alloc(l.count * sizeof *links);
    for (size_t i = 0; !e && i < l.count; i++)
        e = resolve(host, config, l.directory, &l.links[i], &links[i]);
    if (!e)
        e = loop_host_bind_chain(host, NULL, l.interface_name, links, l.count);
    free(links);
    cli_links_done(&l);
    return e ? loop_error_wrap(e, "cannot bind as --bind '%s' says", text) : NULL;
}

loop_error *cli_target_bind(const cli_args *args, const loop_config *config, loop_host *host)
{
    const char *text;
    loop_error *e = loop_config_bind(config, host);
    for (size_t i = 0; !e && (text = cli_value_at(args, "--bind", i)); i++)
        e = bind_flag(host, config, text);
    return e;
}
