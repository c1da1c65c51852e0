/*
 * base/option.h: values of options, as files, flags and bindings write them.
 *
 * Types: "string", "enum" (`values` is "full|relaxed"), "size", "duration", "number" (0 and
 * up), "bool", "path".
 */
#ifndef LP_OPTION_H
#define LP_OPTION_H

#include <stdbool.h>
#include <stdint.h>

/* Whether `type` is one of these. */
bool lp_option_is_type(const char *type);
/* NULL, or what is expected instead of `text` ("a size such as 64MiB"); malloced. */
char *lp_option_expected(const char *type, const char *values, const char *text);
/* `values` with ", " between; malloced. */
char *lp_option_list(const char *values);
/*
 * Bytes, milliseconds, the number, 0 or 1, the place among `values`; 0 for other types and
 * for NULL. The text has been checked.
 */
uint64_t lp_option_number(const char *type, const char *values, const char *text);

#endif
