/*
 * cli/options.c: reads a command line by the rows of its command.
 *
 * `--flag VALUE` and `--flag=VALUE` are the same. Of an option that is given
 * twice the last one counts, unless it adds up (--dir). Options may stand after
 * operands, except where a component's own arguments follow (`loop run`).
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

#define MAX_NAME 64 /* longer words are no misspelt option or command */

unsigned cli_distance(const char *a, const char *b)
{
    size_t na = strlen(a), nb = strlen(b);
    if (na > MAX_NAME || nb > MAX_NAME)
        return UINT_MAX;
    unsigned row[MAX_NAME + 1];
    for (size_t j = 0; j <= nb; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= na; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= nb; j++) {
            unsigned best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[nb];
}

/* ---- rows ---- */

/* The row whose flag is the first `n` bytes of `text`. */
static const cli_option *find(const cli_command *c, const char *text, size_t n)
{
    for (size_t g = 0; c->groups[g]; g++)
        for (const cli_option *o = c->groups[g]->options; o->flag; o++)
            if (strlen(o->flag) == n && memcmp(o->flag, text, n) == 0)
                return o;
    return NULL;
}

const cli_option *cli_option_at(const cli_command *c, size_t i)
{
    for (size_t g = 0; c->groups[g]; g++)
        for (const cli_option *o = c->groups[g]->options; c->groups[g]->title && o->flag; o++)
            if (i-- == 0)
                return o;
    return NULL;
}

static const cli_option *nearest(const cli_command *c, const char *flag)
{
    const cli_option *o, *best = NULL;
    unsigned distance = (unsigned)strlen(flag) / 3 + 1;
    for (size_t i = 0; (o = cli_option_at(c, i)); i++) {
        unsigned d = cli_distance(flag, o->flag);
        if (d < distance) {
            distance = d;
            best = o;
        }
    }
    return best;
}

static loop_error *unknown(const cli_command *c, const char *text, size_t n)
{
    char *flag = cli_format("%.*s", (int)n, text);
    loop_error *e = loop_error_new(LOOP_USAGE, "'loop %s' has no option '%s'", c->name, flag);
    const cli_option *near = nearest(c, flag);
    free(flag);
    if (near)
        return loop_error_hint_set(e, "did you mean %s? `loop help %s` lists them all", near->flag,
                                   c->name);
    return loop_error_hint_set(
        e, "`loop help %s` lists its options%s", c->name,
        c->first_operand_ends ? "; the component's own stand after the component" : "");
}

/* ---- parsing ---- */

static void add_given(cli_args *a, const cli_option *o, const char *value)
{
    a->given[a->given_count++] = (cli_given){o, value};
}

/* One word that starts with '-'; `*at` moves on when the next word is its value. */
static loop_error *parse_option(cli_args *a, char *const **at)
{
    const char *word = **at;
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        a->help = true;
        return NULL;
    }
    size_t n = strcspn(word, "=");
    const cli_option *o = find(a->command, word, n);
    if (!o)
        return unknown(a->command, word, n);
    if (!o->argument) {
        if (word[n])
            return loop_error_new(LOOP_USAGE, "'%s' takes no value", o->flag);
        add_given(a, o, NULL);
        return NULL;
    }
    if (!word[n] && !(*at)[1]) {
        loop_error *e = loop_error_new(LOOP_USAGE, "'%s' needs a value", o->flag);
        return loop_error_hint_set(e, "write %s %s", o->flag, o->argument);
    }
    add_given(a, o, word[n] ? word + n + 1 : *++*at);
    return NULL;
}

static loop_error *add_operand(cli_args *a, const char *word, bool dashes)
{
    if (a->operand_count >= a->command->max_operands) {
        loop_error *e =
            a->command->max_operands
                ? loop_error_new(LOOP_USAGE, "'%s' is one argument too many for 'loop %s'", word,
                                 a->command->name)
                : loop_error_new(LOOP_USAGE, "'loop %s' takes no argument '%s'", a->command->name,
                                 word);
        return loop_error_hint_set(e, "usage: loop %s %s", a->command->name, a->command->synopsis);
    }
    a->operands[a->operand_count++] = word;
    a->before_dashes += !dashes;
    return NULL;
}

static loop_error *parse(cli_args *a, char *const *at)
{
    bool dashes = false;
    for (; *at; at++) {
        const char *word = *at;
        loop_error *e = NULL;
        bool ended = dashes || (a->command->first_operand_ends && a->operand_count > 0);
        if (!ended && strcmp(word, "--") == 0) {
            dashes = true;
        } else if (!ended && word[0] == '-' && word[1]) {
            e = parse_option(a, &at);
        } else {
            e = add_operand(a, word, dashes);
            if (!dashes && a->command->first_operand_ends && a->operand_count == 1 && at[1] &&
                strcmp(at[1], "--") == 0) {
                dashes = true; /* "x.wasm -- --flag": the dashes are loop's */
                at++;
            }
        }
        if (e)
            return e;
    }
    return NULL;
}

loop_error *cli_parse(const cli_command *command, char *const *argv, cli_args *ret)
{
    size_t n = 0;
    while (argv[n])
        n++;
    cli_args a = {
        .command = command,
        .given = cli_alloc((n + 1) * sizeof *a.given),
        .operands = cli_alloc((n + 1) * sizeof *a.operands),
    };
    loop_error *e = parse(&a, argv);
    if (e && !a.help) {
        cli_args_done(&a);
        return e;
    }
    loop_error_delete(e); /* who asks for help gets it, whatever else is wrong */
    *ret = a;
    return NULL;
}

void cli_args_done(cli_args *args)
{
    free(args->given);
    free(args->operands);
    *args = (cli_args){0};
}

/* ---- what was given ---- */

const char *cli_value_at(const cli_args *args, const char *flag, size_t i)
{
    for (size_t n = 0; n < args->given_count; n++)
        if (strcmp(args->given[n].option->flag, flag) == 0 && i-- == 0)
            return args->given[n].value;
    return NULL;
}

const char *cli_value(const cli_args *args, const char *flag)
{
    const char *last = NULL;
    for (size_t n = 0; n < args->given_count; n++)
        if (strcmp(args->given[n].option->flag, flag) == 0)
            last = args->given[n].value;
    return last;
}

bool cli_has(const cli_args *args, const char *flag)
{
    for (size_t n = 0; n < args->given_count; n++)
        if (strcmp(args->given[n].option->flag, flag) == 0)
            return true;
    return false;
}

/* ---- numbers with units ---- */

struct unit {
    const char *name;
    uint64_t factor;
};

static uint64_t scaled(const char *text, const struct unit *units)
{
    char *end;
    uint64_t n = strtoull(text, &end, 10);
    for (; units->name; units++)
        if (strcmp(end, units->name) == 0)
            return n * units->factor;
    return 0;
}

uint64_t cli_size(const char *text)
{
    static const struct unit units[] = {
        {"", 1},      {"B", 1},        {"KiB", 1 << 10},   {"MiB", 1 << 20}, {"GiB", 1 << 30},
        {"kB", 1000}, {"MB", 1000000}, {"GB", 1000000000}, {NULL, 0},
    };
    return scaled(text, units);
}

uint64_t cli_duration_ms(const char *text)
{
    static const struct unit units[] = {
        {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {NULL, 0},
    };
    return scaled(text, units);
}
