/*
 * cli/cli.h: what the files of the `loop` command share.
 *
 * A command is one file, cmd_<name>.c, and one constant of it, `cli_<name>`,
 * last in that file and listed in main.c. Its options are rows in groups;
 * parsing, --help, completions and man pages are made from the same rows.
 *
 * The command uses the public API, the C library and POSIX. A command returns an
 * error, which main.c prints once, or an exit status. Results go to stdout;
 * text that somebody else wrote (names, paths, what a component says) goes there
 * through cli_put alone, so that it cannot steer a terminal.
 */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "loop/error.h"

/* ---- rows ---- */

typedef struct cli_option {
    const char *flag;     /* "--dir" */
    const char *argument; /* "HOST[::GUEST][:ro]"; NULL: it takes none */
    const char *help;     /* half a sentence: "let the component use a directory" */
    const char *key;      /* the option of loop.yaml that it sets; NULL: none */
    const char *values;   /* what completes it: "text|json", "<file>", "<dir>"; NULL: nothing */
} cli_option;

/* Options that belong together, under one heading; commands may share a group. */
typedef struct cli_group {
    const char *title;         /* NULL: understood, but shown nowhere */
    const cli_option *options; /* ends with a NULL flag */
} cli_group;

typedef struct cli_args cli_args;

typedef struct cli_command {
    const char *name;
    const char *synopsis;           /* "[options] [COMPONENT] [-- args]" */
    const char *summary;            /* one line for the list of commands */
    const char *about;              /* paragraphs, parted by an empty line */
    const char *example;            /* one command line ... */
    const char *shows;              /* ... and what it does */
    const char *not_yet;            /* what a reader may look for in vain; NULL: nothing */
    const char *operands;           /* what completes an operand: as `values` of an option */
    const cli_group *const *groups; /* ends with NULL */
    size_t max_operands;
    bool first_operand_ends; /* what follows the first operand is not loop's to read */
    loop_error *(*run)(const cli_args *args, int *ret_status);
} cli_command;

/* The commands, in the order that `loop help` shows them; NULL past the end. */
const cli_command *cli_command_at(size_t i);
const cli_command *cli_command_find(const char *name);
/* The error for a command that is neither loop's nor on PATH. */
loop_error *cli_command_unknown(const char *name) LOOP_MUST_USE;

/* A command's options that are shown, all groups in a row; NULL past the end. */
const cli_option *cli_option_at(const cli_command *c, size_t i);

extern const cli_command cli_run, cli_component, cli_host_command, cli_provider, cli_workspace,
    cli_build, cli_test, cli_compose, cli_pack, cli_install, cli_add, cli_remove, cli_update,
    cli_list, cli_cache, cli_push, cli_pull, cli_ps, cli_status, cli_swap, cli_reload, cli_inspect,
    cli_explain, cli_grants, cli_trust, cli_keys, cli_sign, cli_verify, cli_bindgen, cli_config,
    cli_doctor, cli_version, cli_help, cli_completions;

/* ---- the command line (options.c) ---- */

typedef struct cli_given {
    const cli_option *option;
    const char *value; /* NULL where the option takes none */
} cli_given;

struct cli_args {
    const cli_command *command;
    cli_given *given; /* in the order they were written */
    size_t given_count;
    const char **operands; /* ends with NULL */
    size_t operand_count;
    size_t before_dashes; /* how many operands came before "--" */
    bool help;            /* --help or -h */
};

/*
 * Reads what follows the command's name (`argv` ends with NULL). LOOP_USAGE.
 * Strings stay argv's.
 */
loop_error *cli_parse(const cli_command *command, char *const *argv, cli_args *ret) LOOP_MUST_USE;
void cli_args_done(cli_args *args);

bool cli_has(const cli_args *args, const char *flag);
/* The last value given, or NULL. */
const char *cli_value(const cli_args *args, const char *flag);
/* The value of the i-th time that it was given, or NULL. */
const char *cli_value_at(const cli_args *args, const char *flag, size_t i);

/* How many letters must change to make `b` of `a`; UINT_MAX for names too long to be meant. */
unsigned cli_distance(const char *a, const char *b);

/* "64MiB", "5s" as configuration files write them; `text` has been checked by loop_config_load. */
uint64_t cli_size(const char *text);
uint64_t cli_duration_ms(const char *text);

/* ---- output (output.c) ---- */

/* Zeroed memory; ends the process when there is none. */
void *cli_alloc(size_t size);
/* As printf; the text is the caller's, for free(). */
char *cli_format(const char *fmt, ...) LOOP_PRINTF(1, 2);

/*
 * Writes somebody else's text: control characters, invisible ones and what is
 * not UTF-8 become visible escapes ("\x1b"). cli_shown returns it instead, for
 * free(). cli_width: how many columns cli_put takes.
 */
void cli_put(FILE *to, const char *text);
char *cli_shown(const char *text);
size_t cli_width(const char *text);
/* A text of several lines, each as cli_put does, behind `indent`. */
void cli_put_lines(FILE *to, const char *indent, const char *text);
/* As a JSON string, with its quotes; "null" for NULL. */
void cli_put_json(FILE *to, const char *text);
/*
 * Paragraphs of loop's own text, broken at 80 columns; each line starts at
 * `indent`, the first where `at` columns are written already.
 */
void cli_put_wrapped(FILE *to, const char *text, size_t indent, size_t at);

/* Whether the next line of stdin, as a whole, says yes. */
bool cli_says_yes(void);
/* Prints an error on stderr, in colour on a terminal, and deletes it. */
void cli_print_error(loop_error *e);
/* Whether everything written to stdout got there; LOOP_IO. */
loop_error *cli_flush(void) LOOP_MUST_USE;
/*
 * Ends the process at once: prints `e` (NULL: none), flushes, and exits with its
 * code, or with `status`. No destructor runs: a thread of a component that could
 * not be stopped may still be using what they would free.
 */
_Noreturn void cli_exit_now(loop_error *e, int status);

/* --help of one command, and of loop itself. */
void cli_put_help(FILE *to, const cli_command *command);
void cli_put_overview(FILE *to);
/* The man page of a command; NULL: of loop itself. */
void cli_put_man(FILE *to, const cli_command *command);

#endif
