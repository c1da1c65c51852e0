/* cli/packages.c: implements cli/packages.h. */
#include "cli/packages.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const cli_group cli_group_packages = {
    "Packages",
    (const cli_option[]){
        {"--offline", NULL, "only what the cache and folders of this machine have", NULL, NULL},
        {"--quiet", NULL, "no progress", NULL, NULL},
        {0},
    },
};

/* ---- progress and Ctrl-C ---- */

/* What is told while packages are open. */
struct telling {
    bool terminal, quiet;
    bool shown; /* a line of progress is on the terminal */
    char *last; /* what was told of last, where there is none */
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

static bool is_cancelled(void *data)
{
    (void)data;
    return interrupted != 0;
}

static char *amount(uint64_t bytes)
{
    return bytes < 1024       ? cli_format("%u B", (unsigned)bytes)
           : bytes < 1u << 20 ? cli_format("%.1f KiB", (double)bytes / 1024)
                              : cli_format("%.1f MiB", (double)bytes / (1u << 20));
}

static void show_line(struct telling *x, const loop_package_progress *p)
{
    char *done = amount(p->done), *total = p->total ? amount(p->total) : NULL;
    fputs("\r\033[K", stderr);
    cli_put(stderr, p->what);
    fputs(p->publishing ? " at '" : " from '", stderr);
    cli_put(stderr, p->from);
    fprintf(stderr, "': %s%s%s", done, total ? " of " : "", total ? total : "");
    x->shown = true;
    free(done);
    free(total);
}

static void on_progress(void *data, const loop_package_progress *p)
{
    struct telling *x = data;
    if (x->quiet)
        return;
    if (x->terminal) {
        show_line(x, p);
        return;
    }
    if (x->last && strcmp(x->last, p->what) == 0)
        return;
    free(x->last);
    x->last = cli_format("%s", p->what);
    fputs(p->publishing ? "publishing " : "fetching ", stderr);
    cli_put(stderr, p->what);
    fputs(p->publishing ? " at '" : " from '", stderr);
    cli_put(stderr, p->from);
    fputs("'\n", stderr);
}

/* Takes what is on the terminal away, before something else is written. */
static void clear(struct telling *x)
{
    if (x->shown)
        fputs("\r\033[K", stderr);
    x->shown = false;
}

static void on_warning(void *data, const char *message)
{
    clear(data);
    fputs("warning: ", stderr);
    cli_put(stderr, message);
    putc('\n', stderr);
}

static void listen_for_interrupt(void)
{
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
}

loop_error *cli_packages_run(const cli_args *args, cli_packages_act *act, loop_package_list **ret)
{
    loop_config *config;
    loop_packages *packages = NULL;
    *ret = NULL;
    loop_error *e = cli_config_load(args, &config);
    if (e)
        return e;
    struct telling x = {.quiet = cli_has(args, "--quiet"), .terminal = isatty(STDERR_FILENO)};
    const loop_packages_options options = {.config = config,
                                           .offline = cli_has(args, "--offline"),
                                           .progress = on_progress,
                                           .cancelled = is_cancelled,
                                           .warn = on_warning,
                                           .data = &x};
    listen_for_interrupt();
    e = loop_packages_open(&options, &packages);
    if (!e)
        e = act(args, config, packages, ret);
    clear(&x);
    loop_packages_delete(packages);
    loop_config_delete(config);
    free(x.last);
    return e;
}

loop_error *cli_package_path(const loop_config *config, const char *wish, char **ret,
                             loop_signer *ret_signer)
{
    loop_packages *packages;
    loop_package_list *list;
    loop_error *e =
        loop_packages_open(&(loop_packages_options){.config = config, .offline = true}, &packages);
    if (e)
        return e;
    e = loop_packages_find(packages, wish, &list);
    if (!e) {
        *ret = cli_format("%s", loop_package_list_at(list, 0)->path);
        *ret_signer = loop_package_list_at(list, 0)->signer;
        loop_package_list_delete(list);
    }
    loop_packages_delete(packages);
    return e;
}

/* ---- lines ---- */

static void pad(size_t width, size_t most)
{
    printf("%*s", width < most ? (int)(most - width) : 0, "");
}

static void put_row(const loop_package *p, size_t names, size_t versions)
{
    cli_put(stdout, p->name);
    pad(cli_width(p->name), names);
    if (versions) {
        putchar(' ');
        cli_put(stdout, p->version);
        pad(cli_width(p->version), versions);
    }
    if (p->overridden) {
        fputs(" the file ", stdout);
        cli_put(stdout, p->path);
    } else if (*p->registry) {
        fputs(" from '", stdout);
        cli_put(stdout, p->registry);
        putchar('\'');
    }
    if (*p->newest && strcmp(p->newest, p->version) != 0) {
        fputs(", there is ", stdout);
        cli_put(stdout, p->newest);
    }
    if (*p->signer.key) {
        fputs(", signed by '", stdout);
        cli_put(stdout, p->signer.name);
        putchar('\'');
    }
    if (!*p->path)
        fputs(", not in the cache", stdout);
    if (p->yanked) {
        fputs(", taken back: ", stdout);
        cli_put(stdout, p->yanked);
    }
    putchar('\n');
}

static void put_lines(const loop_package_list *list)
{
    const loop_package *p;
    size_t names = 0, versions = 0;
    for (size_t i = 0; (p = loop_package_list_at(list, i)); i++) {
        size_t name = cli_width(p->name), version = cli_width(p->version);
        names = name > names ? name : names;
        versions = version > versions ? version : versions;
    }
    for (size_t i = 0; (p = loop_package_list_at(list, i)); i++)
        put_row(p, names, versions);
}

static void json_field(const char *before, const char *text)
{
    printf(",\"%s\":", before);
    cli_put_json(stdout, text && *text ? text : NULL);
}

static void put_json(const loop_package_list *list)
{
    const loop_package *p;
    putchar('[');
    for (size_t i = 0; (p = loop_package_list_at(list, i)); i++) {
        fputs(i ? ",\n  {\"name\":" : "\n  {\"name\":", stdout);
        cli_put_json(stdout, p->name);
        json_field("version", p->version);
        json_field("wanted", p->wanted);
        json_field("newest", p->newest);
        json_field("registry", p->registry);
        json_field("digest", p->content);
        json_field("manifest", p->digest);
        json_field("path", p->path);
        json_field("yanked", p->yanked);
        json_field("key", p->signer.key);
        printf(",\"overridden\":%s,\"size\":%" PRIu64 ",\"requires\":{",
               p->overridden ? "true" : "false", p->size);
        for (size_t k = 0; p->required && p->required[k]; k += 2) {
            fputs(k ? "," : "", stdout);
            cli_put_json(stdout, p->required[k]);
            putchar(':');
            cli_put_json(stdout, p->required[k + 1]);
        }
        fputs("}}", stdout);
    }
    puts(loop_package_list_at(list, 0) ? "\n]" : "]");
}

loop_error *cli_packages_show(const cli_args *args, cli_packages_act *act, const char *none)
{
    loop_package_list *list;
    loop_error *e = cli_packages_run(args, act, &list);
    if (!e && cli_has(args, "--json"))
        put_json(list);
    else if (!e && !loop_package_list_at(list, 0))
        puts(none);
    else if (!e)
        put_lines(list);
    loop_package_list_delete(list);
    return e;
}
