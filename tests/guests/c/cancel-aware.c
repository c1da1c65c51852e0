/*
 * cancel-aware [poll|busy|stubborn]: ends when it is asked to, with "bye" and status 7.
 *
 * poll waits in wasi:io/poll on the token beside an hour's timer; busy (the
 * default) computes and asks the token; stubborn hears it and goes on.
 */
#include "gen/loop.h"
#include "guest.h"

static loop_core_cancellation_borrow_token_t token;

static void wait_in_poll(void)
{
    wasi_io_poll_borrow_pollable_t both[] = {
        wasi_io_poll_borrow_pollable(loop_core_cancellation_method_token_subscribe(token)),
        wasi_io_poll_borrow_pollable(
            wasi_clocks_monotonic_clock_subscribe_duration(3600 * 1000000000ull)),
    };
    wasi_io_poll_list_borrow_pollable_t list = {both, 2};
    loop_list_u32_t ready;
    wasi_io_poll_poll(&list, &ready);
}

static void print_reason(void)
{
    static const char *const names[] = {"interrupted", "deadline", "stopped"};
    loop_core_cancellation_reason_t reason;
    uint32_t left = 0;
    bool known = loop_core_cancellation_method_token_reason(token, &reason);
    bool limited = loop_core_cancellation_method_token_remaining(token, &left);
    printf("cancelled: %s, %s\n", known && reason < 3 ? names[reason] : "no reason",
           limited && left > 0 ? "time left" : "no time left");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    const char *mode = argument(argc, argv, 1, "busy");
    token = loop_core_cancellation_borrow_token(loop_core_cancellation_current());
    printf("waiting, %s\n", mode);
    fflush(stdout);
    if (*mode == 'p')
        wait_in_poll();
    while (!loop_core_cancellation_method_token_is_cancelled(token)) {
    }
    print_reason();
    volatile unsigned turns = 0; /* or the compiler may take the loop away */
    while (*mode == 's')
        turns++;
    puts("bye");
    leave(7);
}
