/*
 * tests/conformance/generated.c: runs batches of generate.py, see echo.c.
 *
 *   conformance_generated DIR
 *
 * A line a failure. At the end `N signatures, M calls, D differences`, then
 * `N passed, M failed`; the exit status is 1 when one failed.
 */
#include <stdio.h>

#include "tests/conformance/suite.h"

int main(int argc, char **argv)
{
    if (argc != 2)
        return fputs("usage: conformance_generated DIR\n", stderr), 2;
    run_generated(argv[1]);
    printf("%zu passed, %zu failed\n", suite_passed, suite_failed);
    return suite_failed || !suite_passed;
}
