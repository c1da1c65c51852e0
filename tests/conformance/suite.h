/*
 * tests/conformance/suite.h: what the parts of the runner share: counting, guests that
 * are open, and calls that are written as text.
 */
#ifndef CONFORMANCE_SUITE_H
#define CONFORMANCE_SUITE_H

#include "host/internal.h"
#include "tests/conformance/wave.h"

/* ---- counting: every check is one test ---- */

extern size_t suite_passed, suite_failed;

/* One test. A failure is a line: "FAILED what: why", the text as printf makes it. */
bool suite_check(bool good, const char *what, const char *fmt, ...) LOOP_PRINTF(3, 4);
/* One test: no error. Takes it. */
bool suite_worked(const char *what, loop_error *err);
/* The same without counting a success: what a test needs before it can be one. */
bool suite_ready(const char *what, loop_error *err);

/* An error on one line; takes it. Malloced. */
char *suite_text(loop_error *err);

/* ---- guests ---- */

typedef struct guest {
    loop_instance *instance;
    lp_arena arena; /* plans and values of its calls */
} guest;

/* A new instance of the component, entered. */
loop_error *guest_open(loop_host *h, loop_component *c, guest *ret) LOOP_MUST_USE;
void guest_close(guest *g);

/* A host with these providers, the last one first in a chain; ends with NULL. */
loop_error *suite_host(const loop_provider *const *providers, loop_host **ret) LOOP_MUST_USE;
/* FOLDER/NAME.wasm */
loop_error *suite_component(loop_host *h, const char *folder, const char *name,
                            loop_component **ret) LOOP_MUST_USE;

/* ---- calls ---- */

typedef struct wave_call {
    const lp_import *import; /* the export that is called */
    const lp_plan *plan;
    const loop_export *export;
    void *args, *ret;
    char *args_text;  /* as it was written, without the brackets; in the guest's arena */
    const char *rest; /* of the text, behind them */
} wave_call;

/*
 * "values.echo-u8(1)...": finds the function, reads the arguments. The interface is its
 * short name; none for functions of the world. LOOP_NOT_FOUND, LOOP_INVALID (the text).
 */
loop_error *call_read(guest *g, const char *text, wave_handle *handle, void *data,
                      wave_call *ret) LOOP_MUST_USE;
/* By native values: c->ret has the result. */
loop_error *call_native(wave_call *c) LOOP_MUST_USE;
/* By trees of values and WAVE, the oracle; *ret is malloced. */
loop_error *call_oracle(guest *g, const wave_call *c, char **ret) LOOP_MUST_USE;
/* The result that is written there, as a native value; to the end of the text. */
loop_error *call_expected(guest *g, const wave_call *c, const char *text, wave_handle *handle,
                          void *data, void **ret) LOOP_MUST_USE;

/* ---- tables ---- */

/* A line that is no comment; `place` is "calls.txt:12". */
typedef void suite_line(void *data, const char *place, const char *line);
/* Each line of tests/conformance/NAME, or of the file NAME where it has a slash. */
void suite_table(const char *name, suite_line *f, void *data);

/* ---- the parts; FOLDER has the guests ---- */

void run_callers(const char *folder);
void run_served_callers(const char *folder);
void run_calls(const char *folder);
void run_layouts(guest *callee);
void run_hostile(const char *folder);
void run_host_cases(const char *folder);
void run_wrong_answers(const char *folder);
/* Every batch in the folder, in the order of their names. */
void run_generated(const char *folder);

#endif
