/*
 * base/os/programs_test.h: what process_test.c and program_test.c do alike with the guard's
 * programs.
 */
#ifndef LP_PROGRAMS_TEST_H
#define LP_PROGRAMS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/os/process.h"

static inline uint64_t in_s(double s)
{
    return lp_os_now_ns() + (uint64_t)(s * 1e9);
}

/* What it prints until it ends its stdout. */
static inline void read_all(int fd, char *to, size_t size)
{
    size_t len = 0;
    for (bool end = false; !end && len < size - 1;) {
        size_t n;
        assert_true(lp_os_pipe_wait(fd, false, in_s(10)));
        assert_null(lp_os_pipe_read(fd, to + len, size - 1 - len, &n, &end));
        len += n;
    }
    to[len] = 0;
}

#endif
