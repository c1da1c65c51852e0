/* cli/cmd_cache.c: `loop cache`: the packages that are on this machine. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "loop/package.h"

#define DAYS "30" /* that a package stays, unused */

/* "1.5 MiB" */
static void put_size(uint64_t bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB"};
    double size = (double)bytes;
    size_t unit = 0;
    for (; size >= 1024 && unit + 1 < sizeof units / sizeof *units; unit++)
        size /= 1024;
    printf(unit ? "%.1f %s" : "%.0f %s", size, units[unit]);
}

static loop_error *info(const cli_args *args, loop_packages *packages)
{
    loop_cache_info i;
    loop_error *e = loop_packages_cache_info(packages, &i);
    if (e)
        return e;
    if (cli_has(args, "--json")) {
        fputs("{\"directory\":", stdout);
        cli_put_json(stdout, i.directory);
        printf(",\"packages\":%llu,\"blobs\":%llu,\"partial\":%llu,\"bytes\":%llu}\n",
               (unsigned long long)i.packages, (unsigned long long)i.blobs,
               (unsigned long long)i.partial, (unsigned long long)i.bytes);
        return NULL;
    }
    fputs("directory  ", stdout);
    cli_put(stdout, i.directory);
    printf("\npackages   %llu\nblobs      %llu\npartial    %llu\nsize       ",
           (unsigned long long)i.packages, (unsigned long long)i.blobs,
           (unsigned long long)i.partial);
    put_size(i.bytes);
    putchar('\n');
    return NULL;
}

static void put_damaged(const loop_package *row)
{
    fputs("damaged    ", stdout);
    cli_put(stdout, row->content);
    fputs("\n           ", stdout);
    cli_put(stdout, row->path);
    putchar('\n');
}

static loop_error *verify(const cli_args *args, loop_packages *packages)
{
    bool repair = cli_has(args, "--repair");
    loop_package_list *list;
    loop_error *e = loop_packages_cache_verify(packages, repair, &list);
    if (e)
        return e;
    const loop_package *row;
    size_t n = 0;
    for (; (row = loop_package_list_at(list, n)); n++)
        put_damaged(row);
    loop_package_list_delete(list);
    if (!n)
        puts("everything in the cache is as it came");
    else if (!repair)
        return loop_error_hint_set(
            loop_error_new(LOOP_INVALID, "%zu damaged in the cache", n),
            "`loop cache verify --repair` takes it out; `loop install` fetches it again");
    else
        printf("%zu taken out of the cache; `loop install` fetches it again\n", n);
    return NULL;
}

static loop_error *clean(const cli_args *args, loop_packages *packages)
{
    const char *text = cli_has(args, "--unused") ? cli_value(args, "--unused") : DAYS;
    bool all = cli_has(args, "--all");
    size_t n = strspn(text, "0123456789");
    unsigned long days = strtoul(text, NULL, 10);
    uint64_t bytes;
    if (!n || text[n] || n > 6 || !days)
        return loop_error_hint_set(
            loop_error_new(LOOP_USAGE, "'--unused' takes days, found '%s'", text),
            "such as --unused 30; --all removes everything");
    if (all && cli_has(args, "--unused"))
        return loop_error_new(LOOP_USAGE, "'--all' and '--unused' exclude each other");
    loop_error *e = loop_packages_cache_clean(packages, all ? 0 : (unsigned)days, &bytes);
    if (e)
        return e;
    fputs("removed ", stdout);
    put_size(bytes);
    putchar('\n');
    return NULL;
}

static const struct {
    const char *name;
    loop_error *(*run)(const cli_args *args, loop_packages *packages);
    const char *options; /* that it takes */
} actions[] = {
    {"info", info, "--json"}, {"verify", verify, "--repair"}, {"clean", clean, "--unused --all"}};

static loop_error *run(const cli_args *args, int *ret_status)
{
    (void)ret_status;
    const char *what = args->operands[0] ? args->operands[0] : "info";
    size_t i = 0, count = sizeof actions / sizeof *actions;
    while (i < count && strcmp(actions[i].name, what) != 0)
        i++;
    if (i == count)
        return loop_error_hint_set(loop_error_new(LOOP_USAGE, "'loop cache' cannot '%s'", what),
                                   "it can info, verify or clean");
    for (size_t k = 0; k < args->given_count; k++)
        if (!strstr(actions[i].options, args->given[k].option->flag))
            return loop_error_new(LOOP_USAGE, "'loop cache %s' does not take '%s'", what,
                                  args->given[k].option->flag);
    loop_packages *packages;
    loop_error *e = loop_packages_open(&(loop_packages_options){0}, &packages);
    if (e)
        return e;
    e = actions[i].run(args, packages);
    loop_packages_delete(packages);
    return e;
}

static const cli_group group_cache = {
    "Cache",
    (const cli_option[]){
        {"--json", NULL, "info: print one JSON object", NULL, NULL},
        {"--repair", NULL, "verify: take what is damaged out of the cache", NULL, NULL},
        {"--unused", "DAYS", "clean: remove what was not used for so long (" DAYS ")", NULL, NULL},
        {"--all", NULL, "clean: remove everything", NULL, NULL},
        {0}},
};

const cli_command cli_cache = {
    .name = "cache",
    .synopsis = "[options] [info|verify|clean]",
    .summary = "look after the packages on this machine",
    .about =
        "Packages that were fetched are kept, each under its digest, so that everything that was "
        "installed once works without a network. They lie in the folder `packages` of "
        "LOOP_CACHE_DIR, XDG_CACHE_HOME/loop or ~/.cache/loop.\n\n"
        "info: how much there is. This is what runs without a word.\n"
        "verify: reads all of it and compares every digest; the status is 65 where something is "
        "damaged. A package is checked at each use, too.\n"
        "clean: removes what was not used for long. What is needed again is fetched again, by the "
        "digests in loop.lock.",
    .example = "loop cache clean --unused 7",
    .shows = "removes what was not used for a week",
    .operands = "info|verify|clean",
    .groups = (const cli_group *const[]){&group_cache, NULL},
    .max_operands = 1,
    .run = run,
};
