/* packages/tools_test.c: loop-packages.so is found and loads, and its table is whole. */
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <setjmp.h>
#include <cmocka.h>

#include "base/base.h"
#include "packages/tools/tools.h"

static void is_found_and_whole(void **state)
{
    (void)state;
    const lp_packages_tools *tools, *again;
    lp_auto(lp_free_error) loop_error *e = lp_packages_tools_get(&tools);
    assert_null(e);
    assert_int_equal(tools->abi, LP_TOOLS_ABI);
    e = lp_packages_tools_get(&again);
    assert_null(e);
    assert_ptr_equal(tools, again);
    assert_non_null(tools->tar_write);
    assert_non_null(tools->tar_read);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(is_found_and_whole)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
