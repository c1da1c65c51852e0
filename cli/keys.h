/* cli/keys.h: what `loop keys`, `loop sign` and `loop verify` share. */
#ifndef CLI_KEYS_H
#define CLI_KEYS_H

#include "cli/password.h"

#define CLI_MAX_KEY 1024        /* bytes of a key file */
#define CLI_MAX_SIGNATURE 16384 /* bytes of a signature file */

/* A file of text, whole. *ret is for free(). LOOP_NOT_FOUND, LOOP_IO, LOOP_INVALID. */
loop_error *cli_read_text(const char *path, size_t max, char **ret) LOOP_MUST_USE;
/*
 * A public key: of a .pub file, the 56 characters themselves, or by the name of one that is here;
 * and the file that it is from, or NULL. Both are for free().
 */
loop_error *cli_read_key(const char *what, char **ret_text, char **ret_file) LOOP_MUST_USE;

#endif
