/*
 * builder/cases.h: a test case of a component, as its file writes it, and whether what happened
 * is what it says. The file is YAML as loop reads it (base/yaml.h):
 *
 *     # Greets whom it is told to.
 *     run: [Ada]                   arguments; or  invoke: 'acme:greet/api.greet("Ada")'
 *     stdin: "text"                nothing, where it is not said
 *     status: 0                    0, where it is not said
 *     stdout: "Hello, Ada!\n"      exactly; or a list of lines; or { contains: [...] }
 *     stderr: ...                  as stdout; neither is looked at where it is not said
 *     result: '"Hello, Ada!"'      with invoke: stdout is this and a newline
 *     deadline: 10s
 *
 * In a list, each item is a line. "..." stands for any lines, none among them; "/x/" for a line
 * that the extended regular expression x matches as a whole.
 */
#ifndef LP_BUILDER_CASES_H
#define LP_BUILDER_CASES_H

#include "base/base.h"

typedef enum lp_expect_kind {
    LP_EXPECT_ANYTHING,
    LP_EXPECT_TEXT,     /* `texts[0]`, exactly */
    LP_EXPECT_LINES,    /* `texts`, a line each */
    LP_EXPECT_CONTAINS, /* each of `texts`, anywhere */
} lp_expect_kind;

typedef struct lp_expect {
    lp_expect_kind kind;
    const char *const *texts; /* ends with NULL */
} lp_expect;

typedef struct lp_case {
    lp_arena arena;
    const char *const *args; /* ends with NULL */
    const char *invoke;      /* NULL: a run */
    const char *input;       /* "" where it is not said */
    int status;
    uint64_t deadline_ms;
    lp_expect out, err;
} lp_case;

/* `file` names the bytes in errors: LOOP_CONFIG, with line and column. */
loop_error *lp_case_parse(const char *file, const char *bytes, size_t len,
                          lp_case **ret) LOOP_MUST_USE;
void lp_case_delete(lp_case *c);

/* NULL where `found` is what is expected; else what differs, lines with "-" and "+"; malloced. */
char *lp_expect_compare(const lp_expect *e, const char *found);

#endif
