/* exit [N]: leaves through wasi:cli/exit.exit, which knows ok and not ok only. */
#include "gen/loop.h"
#include "guest.h"

int main(int argc, char **argv)
{
    wasi_cli_exit_result_void_void_t status = {.is_err = atoi(argument(argc, argv, 1, "0")) != 0};
    puts("leaving");
    fflush(NULL);
    wasi_cli_exit_exit(&status);
    return 0;
}
