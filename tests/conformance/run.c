/*
 * tests/conformance/run.c: the conformance suite against libloop.
 *
 *   conformance FOLDER
 *
 * FOLDER has the guests that tools/build_conformance.sh builds. A line a failure:
 * what and where, what was expected and what came. The last line is `N passed, M
 * failed`; the exit status is 1 when one failed. README.md beside this file says what
 * is tested; generated.c runs random signatures.
 */
#include <stdio.h>

#include "tests/conformance/suite.h"

int main(int argc, char **argv)
{
    if (argc != 2)
        return fputs("usage: conformance FOLDER\n", stderr), 2;
    run_callers(argv[1]);
    run_served_callers(argv[1]);
    run_calls(argv[1]);
    run_hostile(argv[1]);
    run_host_cases(argv[1]);
    run_wrong_answers(argv[1]);
    printf("%zu passed, %zu failed\n", suite_passed, suite_failed);
    return suite_failed || !suite_passed;
}
