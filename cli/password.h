/*
 * cli/password.h: passwords of keys: from a terminal that does not show them, or, for scripts, from
 * a file or a descriptor. Never from an argument or a variable, which others can read.
 */
#ifndef CLI_PASSWORD_H
#define CLI_PASSWORD_H

#include "cli/cli.h"

extern const cli_group cli_group_password; /* --password-fd */

/*
 * Where passwords come from: --password-fd, else the file that LOOP_KEY_PASSWORD_FILE names, a
 * password a line; else the terminal. Zero-initialise; _done wipes what was read.
 */
typedef struct cli_passwords {
    char *lines; /* NULL: they are asked for */
    char *next;
    char *last; /* used again where there are fewer lines than passwords */
} cli_passwords;
/* LOOP_USAGE, LOOP_DENIED (others can read the file), LOOP_IO. */
loop_error *cli_passwords_open(const cli_args *args, cli_passwords *p) LOOP_MUST_USE;
/*
 * The next one; `prompt` is for a terminal ("Password of the key ada"), where a new one is asked
 * for `twice`. *ret is for cli_password_free. LOOP_CANCELLED, LOOP_USAGE: there is nobody to ask.
 */
loop_error *cli_password(cli_passwords *p, const char *prompt, bool twice,
                         char **ret) LOOP_MUST_USE;
/* Wipes it; NULL is fine. */
void cli_password_free(char *password);
void cli_passwords_done(cli_passwords *p);

#endif
