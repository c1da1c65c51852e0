/*
 * tests/conformance/run.c: the conformance suite against libloop.
 *
 *   conformance [FOLDER] [--generated DIR]
 *
 * FOLDER has the guests that tools/build_conformance.sh builds, DIR batches of
 * generate.py. A line a failure: what and where, what was expected and what came.
 * The last line is `N passed, M failed`; the exit status is 1 when one failed.
 * README.md beside this file says what is tested.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/conformance/suite.h"

#define USAGE "usage: conformance [FOLDER] [--generated DIR]\n"

int main(int argc, char **argv)
{
    const char *folder = NULL, *generated = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--generated") == 0 && i + 1 < argc)
            generated = argv[++i];
        else if (*argv[i] != '-' && !folder)
            folder = argv[i];
        else
            return fputs(USAGE, stderr), 2;
    }
    if (!folder && !generated)
        return fputs(USAGE, stderr), 2;
    if (folder) {
        run_callers(folder);
        run_calls(folder);
        run_hostile(folder);
        run_host_cases(folder);
    }
    if (generated)
        run_generated(generated);
    printf("%zu passed, %zu failed\n", suite_passed, suite_failed);
    return suite_failed || !suite_passed;
}
