/*
 * providers/redact/mask.h: secrets in text, by the names before them.
 *
 * A name of the list, in any case and also as a part of a longer one (access_token), then
 * '=' or ':', then a value: the value becomes "***". A value ends at a space or one of
 * ",;&|)]}", or at its closing quote; "Bearer", "Basic" and "Token" take the next word
 * along. What has no name before it is not found.
 */
#ifndef LP_REDACT_MASK_H
#define LP_REDACT_MASK_H

#include <stdbool.h>
#include <stddef.h>

/* Names in lower case with commas between: "password,token". */
typedef struct mask_names {
    const char *list;
} mask_names;

/* Whether a name of the list is in the text. */
bool mask_has_name(mask_names names, const char *text, size_t len);
/* `out` has room for 3 * len bytes; the length of what is there then. */
size_t mask_text(mask_names names, const char *text, size_t len, char *out);

#endif
