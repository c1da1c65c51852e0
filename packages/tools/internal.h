/* packages/tools/internal.h: what table.c takes from its neighbours; tools.h says what each does.
 */
#ifndef LP_PACKAGES_TOOLS_INTERNAL_H
#define LP_PACKAGES_TOOLS_INTERNAL_H

#include "packages/tools/tools.h"

/* archive.c */
loop_error *lp_tar_write(const char *path, const lp_tar_file *files, size_t n) LOOP_MUST_USE;
loop_error *lp_tar_read(const char *path, void *data,
                        loop_error *(*entry)(void *data, const lp_tar_entry *e)) LOOP_MUST_USE;

/* http.c */
void lp_http(const lp_http_request *requests, size_t n, bool (*cancelled)(void *data), void *data,
             loop_error **ret_errors);

/* solve.c */
loop_error *lp_solve(const lp_solve_problem *p, lp_solve_answer *ret) LOOP_MUST_USE;

#endif
