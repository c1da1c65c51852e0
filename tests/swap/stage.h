/*
 * tests/swap/stage.h: what the tests of swaps share: a host with the control of
 * tests/swap/control.wit, guests that run on it, one swap after the other, what the log said, and
 * what the process has. On the public API alone. Whatever does not hold ends the program with
 * status 1.
 */
#ifndef STAGE_H
#define STAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "loop/swap.h"

#define STAGE_STORE "loop:storage/store"

typedef struct stage_guest {
    const char *name, *file, *identity; /* identity NULL: its name */
    const char *words[4];               /* arguments; NULL ends */
    loop_instance *instance;
    bool running, ended_well;
    char *error; /* why it did not; malloced */
} stage_guest;

extern loop_host *stage_host;

/* A host that serves loop:storage by `provider`; guests are those of that folder. */
void stage_open(const char *guests, const char *provider);
void stage_close(void);

/* Starts one; ends it, or waits until it has ended by itself, well or (`stage_ended`) as may be. */
void stage_start(stage_guest *g);
void stage_stop(stage_guest *g);
void stage_join(stage_guest *g);
void stage_ended(stage_guest *g);
/* The last figure of that name that a guest of that name reported; false: none. */
bool stage_figure(const char *guest, const char *what, uint64_t *ret);
uint64_t stage_need(const char *guest, const char *what);
/* Waits until a guest has reported a figure of at least that. */
void stage_wait(const char *guest, const char *what, uint64_t least);
/* After each guest's own end: forgets what guests of that name have reported. */
void stage_forget(const char *guest);

/* Turns the loop for so long. Ends the program where a guest has ended that should not. */
void stage_turn(unsigned ms);

/* A swap and its end. The report's strings are copies that live until the next one. */
typedef struct stage_swapped {
    loop_code code;   /* LOOP_OK */
    char error[2048]; /* messages, outermost first, with ": " between; hints in brackets */
    loop_swap_report report;
} stage_swapped;
void stage_begin(const loop_swap *swap, stage_swapped *ret);
bool stage_is_done(void);
void stage_end(void); /* waits */
void stage_swap(const loop_swap *swap, stage_swapped *ret);
/* The same, of what must work. */
void stage_must_swap(const loop_swap *swap, stage_swapped *ret);

/* Whether the log has a line with each of the words since the last call of stage_log_mark. */
bool stage_log_has(const char *const *words);
void stage_log_mark(void);
/* The lines since then, for a person. */
void stage_log_print(void);

/* What the process has: open files, threads, memory that it uses, processes below it. */
typedef struct stage_held {
    int files, threads, processes;
    long kib;
} stage_held;
stage_held stage_look(void);
/* Waits for it to be no more than that, memory apart; else ends the program. */
void stage_expect_held(const stage_held *before, const char *when);

uint64_t stage_now_ns(void);
/* Called with the time that a guest is told, on its thread; NULL: nobody. */
extern void (*stage_on_now)(uint64_t now_ns);
void stage_must(loop_error *e);
_Noreturn void stage_fail(const char *fmt, ...) LOOP_PRINTF(1, 2);
/* "PATH/NAME", malloced. */
char *stage_path(const char *folder, const char *fmt, ...) LOOP_PRINTF(2, 3);

#endif
