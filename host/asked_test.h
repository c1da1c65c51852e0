/*
 * host/asked_test.h: a host of all providers that comes with loop, which writes down what its
 * decision function is asked, and who was told of it. For provider_asks_test and wasi_asks_test.
 */
#ifndef LP_HOST_ASKED_TEST_H
#define LP_HOST_ASKED_TEST_H

#include "loop/host.h"
#include "loop/policy.h"

/* One question to the decision function. */
typedef struct asking {
    loop_grant_kind kind;
    char name[256];   /* "" where the request has none */
    char address[64]; /* HTTP: which the name stands for */
    uint16_t port;
    bool allowed;
    bool told; /* loop_host_options.decided has heard of it */
} asking;

/* Forgets what was asked, and entries of the log. */
void asked_reset(void);
/*
 * The last one of that kind that was told, NULL: none. `name` NULL and `port` 0: any; with
 * `address`, one that names an address.
 */
const asking *asked_for(loop_grant_kind kind, const char *name, uint16_t port, bool address);
/* All that was asked, in lines, for messages; malloced. */
char *asked_text(void);
/* How many entries components have written to the log. */
unsigned asked_log_entries(void);

/* A host without grants; the caller's. */
loop_host *asked_host(void);
/* Fails the test with the error. */
void asked_must(loop_error *e);

/*
 * Runs a guest of LOOP_TEST_GUESTS (build/guests), ten seconds, or two where it only waits.
 * `policy` may be NULL. *ret: what it ended with.
 */
void asked_run(const char *guest, const char *const *args, const loop_policy *policy, bool waits,
               loop_result *ret);
void asked_grant(loop_policy *p, loop_grant_kind kind, const char *text, bool deny);

/* The group's set-up and tear-down: a folder for what providers write. */
int asked_begin(void **state);
int asked_end(void **state);

#endif
