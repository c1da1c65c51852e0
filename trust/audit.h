/* trust/audit.h: what audit.c, audit_read.c and suggest.c share; the public side is loop/audit.h.
 */
#ifndef LP_AUDIT_H
#define LP_AUDIT_H

#include "base/base.h"
#include "base/os/os.h"
#include "loop/audit.h"
#include "trust/policy.h"

struct loop_audit {
    lp_os_mutex *lock;
    lp_os_writer *file; /* NULL: none */
    loop_error *failed; /* the first time that writing did */
    bool finished;
    struct {
        struct lp_audited {
            loop_audit_entry row; /* first: loop_audit_at hands it out */
            uint64_t wall_ms;     /* of the first */
            uint64_t written;     /* the count that the file has */
            lp_arena texts;       /* of the row */
            bool ended;           /* its instance */
        } **at;
        size_t n, cap;
    } rows;
    uint64_t lost;
};

loop_audit *lp_audit_new(void);
/* Adds `e` (its texts are copied) to what is like it, or as a new row; NULL: there are too many. */
struct lp_audited *lp_audit_add(loop_audit *a, const loop_audit_entry *e);
/* As a line of the file; with its line end. */
void lp_audit_line(const struct lp_audited *r, lp_buf *b);
/* One line of a file, without its end. LOOP_INVALID. */
loop_error *lp_audit_parse(loop_audit *a, const char *line, size_t len) LOOP_MUST_USE;
/* loop_audit_suggest with another resolver (its `ctx` is NULL). */
char *lp_audit_suggest(const loop_audit *a, const char *component, lp_policy_resolver *resolve);

#endif
