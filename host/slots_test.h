/*
 * host/slots_test.h: components that serve each other (tests/guests/c/slots.h), for backend_test.c,
 * backend_swap_test.c and child_test.c: a host, components added and bound, an instance that asks,
 * and native code that serves the same.
 *
 * Needs the test guests; LOOP_TEST_GUESTS says where they are (build/guests).
 */
#ifndef LP_SLOTS_TEST_H
#define LP_SLOTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host/internal.h"
#include <slots.h>

#define LINKS "demo:slots/links"
#define OTHER "demo:slots/other"
#define MILLION 1000000u
#define MS UINT64_C(1000000)

extern loop_host *host;
extern _Atomic int ended_logged; /* components that ended while they served */

/* Fails the test with the whole error. */
void must(loop_error *e);
/* The error is of that code and its text has `part`; deletes it. */
void must_fail(loop_error *e, loop_code code, const char *part);

/* cmocka's: a host for each test. */
int note_signals(void **state);
int make_host(void **state);
int drop_host(void **state);

/* ---- components ---- */

char *path_of(const char *guest);
/* Also gives the engine its signals back, which cmocka takes over for each test. */
loop_component *open_guest(const char *guest);
extern const char *const may_lack[]; /* LINKS, OTHER */
loop_error *try_add(const char *name, const char *guest, uint64_t call_ms);
void add(const char *name, const char *guest);
/* `providers`: "b", or a chain "serial b". */
void bind_to(const char *component, const char *interface_name, const char *providers);

struct asker {
    loop_instance *instance;
    demo_slots_links_exports links;
};

loop_error *try_asker(const char *name, uint64_t call_ms, struct asker *ret);
void enter(struct asker *a);
/* Both. */
struct asker asker(const char *name);

/* ---- answers ---- */

typedef demo_slots_links_guest_result_u64_error answer;

uint64_t good(const answer *r);
/* It says that it is unavailable, and why. */
void bad(const answer *r, const char *part);
answer ask(const struct asker *a, uint32_t depth);
enum { COUNT, CRASH, SPIN, FLOOD, GIVE, MANY, BYTES, SLOW, LEAVE, ASK_OTHER };
answer relay(const struct asker *a, demo_slots_links_guest_wish what);
/* What `relay(COUNT)` answers. */
uint64_t count(const struct asker *a);
const loop_instance_status *status_of(const loop_status *s, const char *name);

/* Swaps what serves LINKS, and turns the host's loop until it is told. `provider` NULL: anew. */
void swap_to(const char *component, const char *provider, loop_carry carry);

/* ---- native code that serves LINKS ---- */

extern const loop_provider native;
extern _Atomic uint64_t native_count;
extern char asked_by[200]; /* who asked last, and what that one may do */
/* While `native_hangs`, who asks does not come back; somebody does so: `native_inside`. */
extern _Atomic bool native_hangs, native_inside;

#endif
