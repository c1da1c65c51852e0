/*
 * host/serving_test.h: instances of the test guests that serve, for mailbox_test.c and
 * reload_test.c: a host whose provider counts the objects that components hold of it, work
 * that is waited for, and threads that leave work without waiting.
 *
 * Needs the test guests; LOOP_TEST_GUESTS says where they are (build/guests).
 */
#ifndef LP_SERVING_TEST_H
#define LP_SERVING_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/os/os.h"
#include <counter.h>
#include "loop/swap.h"

extern loop_host *host;
extern _Atomic int tokens_held;  /* by components */
extern _Atomic int tokens_given; /* since the host began */
extern loop_log_level log_level; /* of the next host */

/* cmocka's: a host for each test. */
int make_host(void **state);
int drop_host(void **state);
int note_signals(void **state);

/* Fails the test with the whole error. */
void must(loop_error *e);
/* The error is of that code and its text has `text`; deletes it. */
void must_fail(loop_error *e, loop_code code, const char *text);

loop_component *open_guest(const char *name);
/* How an instance ended. */
struct end {
    bool ended;
    loop_code code;
    int status;
    char text[400];
};
void on_end(void *end, loop_instance *i, loop_error *e, const loop_result *r);
loop_instance *new_instance(const char *guest, const loop_instance_options *o);
loop_instance *serve(const char *guest, const loop_instance_options *o, struct end *end);
/* Turns the host's loop until it has. */
void wait_for_end(struct end *end);

/* Does `f` on the instance's thread and turns the loop until it is done. False: it had ended. */
typedef void on_counts(const demo_counter_counts_exports *counts, void *data);
bool do_there(loop_instance *i, on_counts *f, void *data);
/* What the functions answer, each a piece of work; UINT64_MAX: not done. */
uint64_t add(loop_instance *i, uint32_t who, uint64_t by);
uint64_t total(loop_instance *i);
uint64_t version(loop_instance *i);
/* Leaves work that ends the component, or never ends. */
void post_crash(loop_instance *i);
void post_spin(loop_instance *i);
void wait_until(_Atomic int *number, int reaches);

/* Threads that post `add(who, 1)`, each under a number of its own, as fast as it goes. */
#define POSTERS 4
struct posters {
    loop_instance *instance;
    uint64_t each;
    _Atomic bool stop; /* earlier */
    demo_counter_counts_exports counts;
    bool bound;
    struct poster {
        struct posters *all;
        uint32_t who;
        lp_os_thread *thread;
        uint64_t posted;
        struct post *posts;
        /* Of the instance's thread. */
        uint64_t last;
        _Atomic uint64_t answered, gone, failed, wrong;
    } at[POSTERS];
    _Atomic int running;
};
void posters_start(struct posters *p, loop_instance *i, uint64_t each);
/* Joins the threads; what they posted is answered, or told that it was not. */
void posters_end(struct posters *p);
void posters_done(struct posters *p);

/* How a replacement went. */
struct swapped {
    int told;
    loop_code code;
    char text[1000]; /* all messages, ": " between */
    char warning[200];
    loop_swap_report report;
};
void on_swapped(void *swapped, loop_error *e, const loop_swap_report *r);
/* Replaces the component and turns the loop until it is told. */
struct swapped replace(loop_instance *i, const char *guest, const loop_instance_swap *o);

#endif
