/* sleep-poll [SECONDS]: waits in wasi:io/poll.poll on one timer, an hour if nothing is said. */
#include "gen/loop.h"
#include "guest.h"

int main(int argc, char **argv)
{
    uint64_t seconds = strtoull(argument(argc, argv, 1, "3600"), NULL, 10);
    printf("sleeping for %llu s\n", (unsigned long long)seconds);
    fflush(stdout);
    wasi_clocks_monotonic_clock_own_pollable_t timer =
        wasi_clocks_monotonic_clock_subscribe_duration(seconds * 1000000000u);
    wasi_io_poll_borrow_pollable_t one = wasi_io_poll_borrow_pollable(timer);
    wasi_io_poll_list_borrow_pollable_t list = {&one, 1};
    loop_list_u32_t ready;
    wasi_io_poll_poll(&list, &ready);
    loop_list_u32_free(&ready);
    wasi_io_poll_pollable_drop_own(timer);
    puts("awake");
    return 0;
}
