/*
 * packages/tools/table.c: what loop-packages.so has, in one table, its only symbol.
 *
 * packages/tools.c compares `abi` and `version` to the letter: the file and the library are of one
 * build, always.
 */
#include "packages/tools/internal.h"

LOOP_API const lp_packages_tools loop_packages_tools;
const lp_packages_tools loop_packages_tools = {
    .abi = LP_TOOLS_ABI,
    .version = LOOP_VERSION,
    .tar_write = lp_tar_write,
    .tar_read = lp_tar_read,
    .solve = lp_solve,
    .http = lp_http,
};
