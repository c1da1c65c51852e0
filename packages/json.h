/*
 * packages/json.h: JSON that somebody else wrote, within limits.
 */
#ifndef LP_PACKAGES_JSON_H
#define LP_PACKAGES_JSON_H

#include <jansson.h>

#include "base/base.h"

/*
 * Parses at most LP_MAX_JSON_BYTES with LP_MAX_JSON_NODES values, LP_MAX_JSON_DEPTH deep; a key
 * given twice is refused. LOOP_INVALID: "WHAT is no JSON: ...".
 */
loop_error *lp_json_parse(const char *what, const void *bytes, size_t len,
                          json_t **ret) LOOP_MUST_USE;
void lp_json_free(json_t **j); /* for lp_auto */
/* The text of a key; NULL where it has none, or another kind of value. */
const char *lp_json_text(const json_t *object, const char *key);

#endif
