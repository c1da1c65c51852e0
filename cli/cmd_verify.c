/* cli/cmd_verify.c: `loop verify`: who signed a package. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/keys.h"
#include "cli/packages.h"

static void put_row(const char *key, const char *text)
{
    printf("  %-10s ", key);
    cli_put(stdout, text);
    putchar('\n');
}

/* "2026-11-23 14:35:13 UTC"; for free(). */
static char *time_text(uint64_t seconds)
{
    time_t t = (time_t)seconds;
    struct tm tm;
    char text[32];
    return gmtime_r(&t, &tm) && strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &tm)
               ? cli_format("%s", text)
               : cli_format("%llu", (unsigned long long)seconds);
}

static void put_verified(const loop_package *p)
{
    const loop_signer *s = &p->signer;
    char *when = time_text(s->time_s);
    char *who = *s->name ? cli_format("%s, %s", s->name, s->key) : cli_format("%s", s->key);
    fputs("verified ", stdout);
    cli_put(stdout, p->name);
    putchar(' ');
    cli_put(stdout, p->version);
    putchar('\n');
    put_row("signed by", who);
    if (strcmp(s->publisher, s->key) != 0)
        put_row("after", s->publisher);
    put_row("class", s->trusted ? "trusted" : "untrusted");
    put_row("on", when);
    put_row("digest", p->digest);
    free(when);
    free(who);
}

static void put_json(const loop_package *p)
{
    const loop_signer *s = &p->signer;
    const struct {
        const char *key, *text;
    } rows[] = {{"name", p->name},
                {"version", p->version},
                {"digest", p->digest},
                {"key", s->key},
                {"key-name", s->name},
                {"publisher", s->publisher},
                {"class", s->trusted ? "trusted" : "untrusted"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        printf("%c\"%s\":", i ? ',' : '{', rows[i].key);
        cli_put_json(stdout, *rows[i].text ? rows[i].text : NULL);
    }
    printf(",\"time\":%llu}\n", (unsigned long long)s->time_s);
}

static loop_error *verify(const cli_args *args, const loop_config *config,
                          const loop_verify_options *o)
{
    const loop_packages_options options = {.config = config, .offline = true};
    loop_packages *packages = NULL;
    loop_package_list *list = NULL;
    loop_error *e = loop_packages_open(&options, &packages);
    if (!e)
        e = loop_packages_verify(packages, args->operands[0], o, &list);
    if (!e && cli_has(args, "--json"))
        put_json(loop_package_list_at(list, 0));
    else if (!e)
        put_verified(loop_package_list_at(list, 0));
    loop_package_list_delete(list);
    loop_packages_delete(packages);
    return e;
}

static loop_error *run(const cli_args *args, int *ret_status)
{
    (void)ret_status;
    const char *key = cli_value(args, "--key"), *made = cli_value(args, "--signature");
    char *text = NULL, *file = NULL, *signature = NULL;
    loop_config *config = NULL;
    if (!args->operand_count)
        return loop_error_hint_set(loop_error_new(LOOP_USAGE, "which package?"),
                                   "loop verify FILE, or loop verify acme:notes");
    loop_error *e = loop_package_is_wish(args->operands[0]) ? cli_config_load(args, &config) : NULL;
    if (!e && key)
        e = cli_read_key(key, &text, &file);
    if (!e && made)
        e = cli_read_text(made, CLI_MAX_SIGNATURE, &signature);
    if (!e)
        e = verify(args, config, &(loop_verify_options){.key = text, .signature = signature});
    loop_config_delete(config);
    free(signature);
    free(file);
    free(text);
    return e;
}

static const cli_group group_verify = {
    "Verifying",
    (const cli_option[]){
        {"--key", "KEY", "this key must have signed it, whether you trust it or not", NULL,
         "<file>"},
        {"--signature", "FILE", "this signature, in place of those that the package carries", NULL,
         "<file>"},
        {"--json", NULL, "print one JSON object", NULL, NULL},
        {0},
    },
};

const cli_command cli_verify = {
    .name = "verify",
    .synopsis = "[options] PACKAGE",
    .summary = "check who signed a package",
    .about =
        "PACKAGE is an archive or a layout, of which every byte is looked at, or the name of a "
        "package on this machine, as `loop run` would take it (acme:notes, acme:notes@^1.2). "
        "Says which key of `loop keys list` has signed it, as of which class, and when; the status "
        "is 77 where nobody whom you trust has, or where it was signed as something else.\n\n"
        "--key checks with a key from elsewhere: a .pub file, or the 56 characters in it.\n\n"
        "Every package is checked in this way when it comes and each time it runs; this is for "
        "those who want to know.",
    .example = "loop verify acme-notes-0.1.0.tar",
    .shows = "says who signed the package, or that nobody has whom you trust",
    .operands = "<file>",
    .groups = (const cli_group *const[]){&group_verify, &cli_group_config, NULL},
    .max_operands = 1,
    .run = run,
};
