/*
 * sidecar/step_test.c: loop_provider_swap of sidecars, each a real process: from one conformance
 * sidecar of the C SDK into another, and with those of tests/sidecar/steps.py, which die, hang and
 * say what they may not.
 *
 * This program is the host: it has the few functions that a provider may ask of its call.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <signal.h>
#include <unistd.h>

#include "base/stream.h"
#include "sidecar/internal.h"

#define MIB (1u << 20)

/* ---- the host ---- */

static lp_arena of_calls; /* one call at a time makes something of it, on the main thread */

void *loop_call_alloc(loop_call *call, size_t size)
{
    (void)call;
    void *p = lp_arena_alloc(&of_calls, size + 1);
    memset(p, 0, size + 1);
    return p;
}

loop_string loop_call_string(loop_call *call, const char *text, size_t len)
{
    (void)call;
    return (loop_string){lp_arena_strndup(&of_calls, text, len), len};
}

const char *loop_call_component(const loop_call *call)
{
    (void)call;
    return "test";
}

const char *loop_call_identity(const loop_call *call)
{
    (void)call;
    return "test:test";
}

uint64_t loop_call_instance(const loop_call *call)
{
    (void)call;
    return 1;
}

uint64_t loop_call_storage(loop_call *call, loop_string *ret_why)
{
    (void)call;
    *ret_why = (loop_string){"", 0};
    return 0;
}

loop_cancel_reason loop_call_cancelled(const loop_call *call, uint32_t *ret_remaining_ms)
{
    (void)call;
    (void)ret_remaining_ms;
    return LOOP_CANCEL_NONE;
}

loop_error *loop_call_next(loop_call *call, const loop_interface *interface, size_t row,
                           const void *args, void *ret)
{
    (void)call, (void)interface, (void)row, (void)args, (void)ret;
    return loop_error_new(LOOP_UNAVAILABLE, "the end of the chain");
}

static const char *timeout = "1s"; /* the option call-timeout */

static const char *option(void *host, const char *name)
{
    (void)host;
    return strcmp(name, "text") == 0 ? "hello" : strcmp(name, "mode") == 0 ? "ready" : NULL;
}

static uint64_t option_number(void *host, const char *name)
{
    (void)host;
    return strcmp(name, "call-timeout") == 0 ? strtoull(timeout, NULL, 10) * 1000
           : strcmp(name, "restarts") == 0   ? 5
                                             : 0;
}

static void say(void *host, const loop_log_entry *entry)
{
    (void)host, (void)entry;
}

static bool says(void *host, loop_log_level level)
{
    (void)host;
    return level >= LOOP_LOG_ERROR;
}

/* ---- a sidecar ---- */

struct side {
    lp_sidecar_table *table;
    const loop_provider *p;
    loop_services services;
    void *self;
};

static void start(struct side *s, const char *const *command)
{
    const lp_sidecar_options o = {.command = command,
                                  .directory = "/",
                                  .guard = PROGRAMS "/../loop-guard",
                                  .host = "test",
                                  .log = say};
    loop_error *e = lp_sidecar_table_new(&o, &s->table);
    if (e)
        fail_msg("%s: %s", loop_error_message(e),
                 loop_error_cause(e) ? loop_error_message(loop_error_cause(e)) : "");
    s->p = lp_sidecar_provider(s->table);
    s->services = (loop_services){.abi = LOOP_PROVIDER_ABI,
                                  .table = s->p,
                                  .log = say,
                                  .log_enabled = says,
                                  .option = option,
                                  .option_number = option_number};
    assert_null(s->p->open(&s->services, &s->self));
    assert_non_null(s->p->swap);
}

static void end(struct side *s)
{
    s->p->close(s->self);
    lp_sidecar_table_delete(s->table);
    lp_arena_done(&of_calls);
}

static void start_good(struct side *s)
{
    start(s, (const char *const[]){PROGRAMS "/conformance_sidecar", NULL});
    assert_true(s->p->swap->copies);
}

static void start_mode(struct side *s, const char *mode)
{
    const char *from = lp_os_getenv("LOOP_SOURCE_DIR");
    lp_auto(lp_free_string) char *file =
        lp_format("%s/tests/sidecar/steps.py", from ? from : SOURCE);
    start(s, (const char *const[]){"python3", file, mode, NULL});
}

static const loop_interface *interface_of(const struct side *s, const char *name)
{
    for (size_t i = 0; s->p->interfaces[i].interface; i++)
        if (strcmp(s->p->interfaces[i].interface->name, name) == 0)
            return s->p->interfaces[i].interface;
    fail_msg("it has no %s", name);
    return NULL;
}

static loop_error *call(const struct side *s, const char *interface, const char *function,
                        const void *args, void *ret)
{
    const loop_interface *i = interface_of(s, interface);
    size_t row = 0;
    while (strcmp(i->functions[row].name, function) != 0)
        row++;
    return s->p->call(s->self, NULL, i, row, args, ret);
}

#define STATE "test:conformance/state"
#define THINGS "test:conformance/things"
#define JOURNAL "test:side/journal"

static uint64_t add(const struct side *s, uint64_t n)
{
    uint64_t total = 0;
    assert_null(call(s, STATE, "add", &n, &total));
    return total;
}

static void note(const struct side *s, const char *text, size_t len)
{
    const loop_string t = {text, len};
    assert_null(call(s, STATE, "note", &t, NULL));
}

static size_t count_notes(const struct side *s)
{
    loop_list_string found = {0};
    assert_null(call(s, STATE, "notes", (const char[1]){0}, &found));
    return found.len;
}

static void is(loop_error *e, loop_code code, const char *what)
{
    lp_buf text = {0};
    if (!e)
        fail_msg("no error where '%s' was due", what);
    for (const loop_error *c = e; c; c = loop_error_cause(c))
        lp_buf_printf(&text, "%s: ", loop_error_message(c));
    if (loop_error_code(e) != code || !strstr(text.ptr, what))
        fail_msg("'%s' (%d) where '%s' (%d) was due", text.ptr, (int)loop_error_code(e), what,
                 (int)code);
    lp_buf_done(&text);
    loop_error_delete(e);
}

static void works(loop_error *e)
{
    if (e)
        fail_msg("%s: %s", loop_error_message(e),
                 loop_error_cause(e) ? loop_error_message(loop_error_cause(e)) : "");
}

/* What is in a box, as text. */
static void box_is(loop_stream *box, const char *expected)
{
    char text[64] = "";
    size_t n = 0;
    assert_null(loop_stream_read(box, text, sizeof text - 1, &n));
    assert_string_equal(text, expected);
    lp_stream_delete(box);
}

static loop_stream *box_of(const char *text)
{
    loop_stream *box = lp_stream_box(MIB);
    assert_null(loop_stream_write(box, text, strlen(text)));
    lp_stream_end(box);
    return box;
}

static loop_error *save(const struct side *s, const char *interface, loop_stream *to)
{
    loop_error *e = s->p->swap->save(s->self, interface_of(s, interface), LOOP_PASS_WHOLE, to);
    lp_stream_end(to);
    return e;
}

static loop_error *restore_text(const struct side *s, const char *interface, const char *text)
{
    loop_stream *box = box_of(text);
    loop_error *e = s->p->swap->restore(s->self, interface_of(s, interface), LOOP_PASS_WHOLE, box);
    lp_stream_delete(box);
    return e;
}

static pid_t process_of(const struct side *s)
{
    struct lp_sidecar *of = s->self;
    lp_os_mutex_lock(of->lock);
    pid_t process = (pid_t)of->g.process;
    lp_os_mutex_unlock(of->lock);
    return process;
}

/* ---- from one into the other ---- */

struct transfer {
    const struct side *from;
    const char *interface;
    loop_pass pass;
    loop_stream *pipe;
    loop_error *error;
};

static void save_beside(void *data)
{
    struct transfer *t = data;
    t->error = t->from->p->swap->save(t->from->self, interface_of(t->from, t->interface), t->pass,
                                      t->pipe);
    if (t->error)
        lp_stream_break(t->pipe);
    else
        lp_stream_end(t->pipe);
}

static uint64_t carry(const struct side *from, const struct side *to, loop_pass pass)
{
    struct transfer t = {.from = from,
                         .interface = STATE,
                         .pass = pass,
                         .pipe = lp_stream_pipe(lp_os_now_ns() + 20000 * LP_SIDE_MS)};
    lp_os_thread *thread;
    assert_null(lp_os_thread_start(save_beside, &t, 0, &thread));
    works(to->p->swap->restore(to->self, interface_of(to, STATE), pass, t.pipe));
    lp_os_thread_join(thread);
    works(t.error);
    uint64_t total = lp_stream_total(t.pipe);
    lp_stream_delete(t.pipe);
    return total;
}

/* More than the credit of either, by far. */
static void a_large_state(void **state)
{
    struct side old, fresh;
    char *text = lp_alloc(MIB);
    (void)state;
    timeout = "10s";
    memset(text, 'n', MIB);
    start_good(&old);
    start_good(&fresh);
    for (int i = 0; i < 24; i++)
        note(&old, text, MIB);
    add(&old, 1000);
    works(old.p->swap->quiesce(old.self));
    assert_true(carry(&old, &fresh, LOOP_PASS_WHOLE) > 24u * MIB);
    works(fresh.p->swap->health(fresh.self));
    end(&old);
    assert_int_equal(add(&fresh, 1), 1001);
    assert_int_equal(count_notes(&fresh), 24);
    end(&fresh);
    free(text);
    timeout = "1s";
}

/* A copy while calls go on; then what came meanwhile. */
static void copy_and_rest(void **state)
{
    struct side old, fresh;
    char *text = lp_alloc(MIB);
    (void)state;
    timeout = "10s";
    memset(text, 'c', MIB);
    start_good(&old);
    start_good(&fresh);
    for (int i = 0; i < 12; i++)
        note(&old, text, MIB);
    struct transfer t = {.from = &old,
                         .interface = STATE,
                         .pass = LOOP_PASS_COPY,
                         .pipe = lp_stream_pipe(lp_os_now_ns() + 20000 * LP_SIDE_MS)};
    lp_os_thread *thread;
    assert_null(lp_os_thread_start(save_beside, &t, 0, &thread));
    assert_true(lp_stream_begins(t.pipe));
    usleep(100000); /* nobody reads: it has filled half of its credit and waits */
    for (unsigned i = 1; i <= 500; i++)
        assert_int_equal(add(&old, 1), i);
    note(&old, text, MIB);
    /* Far more than what is left for calls, and no multiple of it. */
    for (uint32_t i = 0, n = 52397; i < 200; i++) {
        loop_list_u8 bytes = {0};
        works(call(&old, "test:conformance/values", "fill", &n, &bytes));
        assert_int_equal(bytes.len, n);
    }
    works(old.p->swap->health(old.self));
    works(fresh.p->swap->restore(fresh.self, interface_of(&fresh, STATE), LOOP_PASS_COPY, t.pipe));
    lp_os_thread_join(thread);
    works(t.error);
    assert_true(lp_stream_total(t.pipe) > 12u * MIB);
    lp_stream_delete(t.pipe);
    works(old.p->swap->quiesce(old.self));
    uint64_t rest = carry(&old, &fresh, LOOP_PASS_REST);
    assert_true(rest > MIB && rest < 2u * MIB);
    works(fresh.p->swap->health(fresh.self));
    assert_int_equal(add(&fresh, 0), 500);
    assert_int_equal(count_notes(&fresh), 13);
    end(&old);
    end(&fresh);
    free(text);
    timeout = "1s";
}

static void *make_thing(const struct side *s, const char *name)
{
    const loop_string text = {name, strlen(name)};
    void *thing = NULL;
    assert_null(call(s, THINGS, "[static]thing.make", &text, &thing));
    return thing;
}

static void is_named(const struct side *s, void *thing, const char *name)
{
    loop_string text = {0};
    works(call(s, THINGS, "[method]thing.name", &thing, &text));
    assert_int_equal(text.len, strlen(name));
    assert_memory_equal(text.ptr, name, text.len);
}

static void objects(void **state)
{
    struct side old, fresh;
    char name[16];
    void *things[100], *moved[100], *other = NULL;
    uint32_t live = 0;
    (void)state;
    start_good(&old);
    start_good(&fresh);
    const loop_interface *i = interface_of(&old, THINGS), *k = interface_of(&fresh, THINGS);
    for (int n = 0; n < 100; n++) {
        snprintf(name, sizeof name, "thing %d", n);
        things[n] = make_thing(&old, name);
    }
    assert_null(call(&old, THINGS, "make-other", (const char[1]){0}, &other));
    works(old.p->swap->quiesce(old.self));
    for (int n = 0; n < 100; n++) {
        loop_stream *box = lp_stream_box(64u << 10);
        works(old.p->swap->save_object(old.self, i, 0, things[n], box));
        lp_stream_end(box);
        works(fresh.p->swap->restore_object(fresh.self, k, 0, box, &moved[n]));
        lp_stream_delete(box);
    }
    loop_stream *box = lp_stream_box(64u << 10);
    is(old.p->swap->save_object(old.self, i, 1, other, box), LOOP_UNAVAILABLE, "cannot be moved");
    is(old.p->swap->save_object(old.self, i, 0, moved[0], box), LOOP_UNAVAILABLE, "none of the");
    lp_stream_delete(box);
    loop_stream *bad = box_of("\x05none");
    is(fresh.p->swap->restore_object(fresh.self, k, 0, bad, &other), LOOP_INVALID, "damaged");
    assert_null(other);
    lp_stream_delete(bad);
    works(fresh.p->swap->health(fresh.self));
    for (int n = 0; n < 100; n++) {
        snprintf(name, sizeof name, "thing %d", n);
        is_named(&fresh, moved[n], name);
        old.p->drop(old.self, i, 0, things[n]);
    }
    is_named(&fresh, make_thing(&fresh, "later"), "later");
    for (int n = 0; n < 99; n++)
        fresh.p->drop(fresh.self, k, 0,
                      moved[n]); /* of no caller's: it must not be counted as one's */
    assert_null(call(&fresh, THINGS, "live", (const char[1]){0}, &live));
    assert_int_equal(live, 2);
    end(&old);
    end(&fresh);
}

/* ---- what goes wrong with good ones ---- */

static void nobody_reads_any_more(void **state)
{
    struct side s;
    char *text = lp_alloc(MIB);
    (void)state;
    memset(text, 'n', MIB);
    start_good(&s);
    for (int i = 0; i < 12; i++)
        note(&s, text, MIB);
    for (int i = 0; i < 3; i++) {
        struct transfer t = {.from = &s,
                             .interface = STATE,
                             .pipe = lp_stream_pipe(lp_os_now_ns() + 20000 * LP_SIDE_MS)};
        lp_os_thread *thread;
        works(s.p->swap->quiesce(s.self));
        assert_null(lp_os_thread_start(save_beside, &t, 0, &thread));
        assert_true(lp_stream_begins(t.pipe));
        lp_stream_break(t.pipe);
        lp_os_thread_join(thread);
        is(t.error, LOOP_CANCELLED, "has given up");
        lp_stream_delete(t.pipe);
        s.p->swap->resume(s.self);
        assert_int_equal(add(&s, 1), i + 1); /* of the same process */
        usleep(50000);                       /* until the step was answered, no other begins */
    }
    assert_int_equal(count_notes(&s), 12);
    end(&s);
    free(text);
}

static void a_state_that_is_cut(void **state)
{
    struct side s;
    (void)state;
    start_good(&s);
    pid_t process = process_of(&s);
    loop_stream *pipe = lp_stream_pipe(lp_os_now_ns() + 300 * LP_SIDE_MS);
    assert_null(loop_stream_write(pipe, "\x05\x01", 2));
    is(s.p->swap->restore(s.self, interface_of(&s, STATE), LOOP_PASS_WHOLE, pipe), LOOP_TIMEOUT,
       "not handed over in time");
    lp_stream_delete(pipe);
    is(s.p->swap->health(s.self), LOOP_UNAVAILABLE, "took over the state is gone");
    uint64_t n = 1, total;
    is(call(&s, STATE, "add", &n, &total), LOOP_UNAVAILABLE, "took over the state is gone");
    usleep(100000);
    assert_int_equal(kill(process, 0), -1);
    end(&s);
}

static void codes_of_faults(void **state)
{
    struct side s;
    (void)state;
    start_good(&s);
    is(restore_text(&s, STATE, "nonsense"), LOOP_INVALID, "the state is damaged");
    works(s.p->swap->health(s.self));
    assert_int_equal(add(&s, 2), 2); /* it may be used */
    loop_stream *box = box_of("\x01");
    is(s.p->swap->restore(s.self, interface_of(&s, STATE), LOOP_PASS_REST, box), LOOP_INVALID, "");
    lp_stream_delete(box);
    end(&s);
}

/* The process goes between two steps: the next one must not be another's. */
static void one_that_is_killed(void **state)
{
    struct side s;
    (void)state;
    start_good(&s);
    add(&s, 5);
    void *thing = make_thing(&s, "a");
    works(s.p->swap->quiesce(s.self));
    kill(process_of(&s), SIGKILL);
    usleep(200000);
    loop_stream *box = lp_stream_box(MIB);
    is(save(&s, STATE, box), LOOP_UNAVAILABLE, "was to be swapped has ended");
    is(s.p->swap->save_object(s.self, interface_of(&s, THINGS), 0, thing, box), LOOP_UNAVAILABLE,
       "was to be swapped has ended");
    lp_stream_delete(box);
    s.p->swap->resume(s.self);
    assert_int_equal(add(&s, 1), 1); /* calls start it again, as ever */
    box = lp_stream_box(MIB);
    is(s.p->swap->save_object(s.self, interface_of(&s, THINGS), 0, thing, box), LOOP_UNAVAILABLE,
       "that has ended");
    works(save(&s, STATE, box));
    box_is(box, "\x01");
    end(&s);
}

/* One that is not there any more may be swapped out: what it keeps, another process of it has. */
static void one_that_has_ended(void **state)
{
    struct side s;
    (void)state;
    start_good(&s);
    add(&s, 5);
    kill(process_of(&s), SIGKILL);
    usleep(200000);
    works(s.p->swap->quiesce(s.self));
    assert_int_equal(process_of(&s), 0);
    loop_stream *box = lp_stream_box(MIB);
    works(save(&s, STATE, box));
    box_is(box, "");
    s.p->swap->resume(s.self);
    end(&s);
}

static void one_that_stands_still(void **state)
{
    struct side s;
    (void)state;
    start_good(&s);
    add(&s, 5);
    kill(process_of(&s), SIGSTOP);
    usleep(50000); /* until it does */
    uint64_t began = lp_os_now_ns();
    is(s.p->swap->quiesce(s.self), LOOP_TIMEOUT, "did nothing for 1 s when it was to become quiet");
    assert_true(lp_os_now_ns() - began < 3000 * LP_SIDE_MS);
    is(s.p->swap->quiesce(s.self), LOOP_UNAVAILABLE, "busy with an earlier step");
    s.p->swap->resume(s.self);
    kill(process_of(&s), SIGCONT);
    assert_int_equal(add(&s, 1), 6);
    works(s.p->swap->quiesce(s.self));
    end(&s);
}

/* ---- bad ones ---- */

static void saves_badly(void **state)
{
    static const struct {
        const char *mode, *what;
        loop_code code;
    } rows[] = {
        {"dies-in-save", "lost a page", LOOP_UNAVAILABLE},
        {"hangs-in-save", "did nothing for 1 s when it was to save its state", LOOP_TIMEOUT},
        {"early-result", "answered SAVE before the last STATE", LOOP_UNAVAILABLE},
        {"no-state", "answered SAVE before the last STATE", LOOP_UNAVAILABLE},
        {"fault-in-save", "could not save its state: cannot read the store: the disk is gone",
         LOOP_IO},
        {"late-fault", "could not save its state: cannot read the store", LOOP_IO},
        {"state-behind", "STATE 2 behind the last", LOOP_UNAVAILABLE},
        {"long-result", "answered SAVE with 1 bytes", LOOP_UNAVAILABLE},
    };
    (void)state;
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        struct side s;
        start_mode(&s, rows[i].mode);
        works(s.p->swap->quiesce(s.self));
        loop_stream *box = lp_stream_box(8 * MIB);
        is(save(&s, JOURNAL, box), rows[i].code, rows[i].what);
        lp_stream_delete(box);
        s.p->swap->resume(s.self);
        end(&s);
    }
}

/* Nobody reads, and it goes on all the same. */
static void saves_without_credit(void **state)
{
    struct side s;
    (void)state;
    start_mode(&s, "without-credit");
    loop_stream *pipe = lp_stream_pipe(lp_os_now_ns() + 500 * LP_SIDE_MS);
    is(save(&s, JOURNAL, pipe), LOOP_TIMEOUT, "not handed over in time");
    lp_stream_delete(pipe);
    is(s.p->swap->quiesce(s.self), LOOP_UNAVAILABLE, "bytes with credit for");
    s.p->swap->resume(s.self);
    works(s.p->swap->health(s.self));
    end(&s);
}

static void end_later(void *pipe)
{
    usleep(200000);
    lp_stream_end(pipe);
}

static void restores_badly(void **state)
{
    static const struct {
        const char *mode, *what;
        loop_code code;
    } rows[] = {
        {"hangs-in-restore", "did nothing for 1 s when it was to restore its state", LOOP_TIMEOUT},
        {"dies-in-restore", "exited with status 7", LOOP_UNAVAILABLE},
        {"early-answer", "answered RESTORE before the last STATE", LOOP_UNAVAILABLE},
    };
    (void)state;
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        struct side s;
        lp_os_thread *thread;
        start_mode(&s, rows[i].mode);
        loop_stream *pipe = lp_stream_pipe(lp_os_now_ns() + 5000 * LP_SIDE_MS);
        assert_null(loop_stream_write(pipe, "abcd", 4));
        assert_null(lp_os_thread_start(end_later, pipe, 0, &thread));
        is(s.p->swap->restore(s.self, interface_of(&s, JOURNAL), LOOP_PASS_WHOLE, pipe),
           rows[i].code, rows[i].what);
        lp_os_thread_join(thread);
        lp_stream_delete(pipe);
        is(s.p->swap->health(s.self), LOOP_UNAVAILABLE, "took over the state is gone");
        end(&s);
    }
}

static void refuses_to_restore(void **state)
{
    struct side s;
    (void)state;
    start_mode(&s, "refuses");
    is(restore_text(&s, JOURNAL, "abcd"), LOOP_DENIED, "there is a state already");
    works(s.p->swap->health(s.self));
    end(&s);
}

/* It took over the state, and another process of it would not have it. */
static void dies_after_restore(void **state)
{
    struct side s;
    (void)state;
    start_mode(&s, "dies-after-restore");
    works(restore_text(&s, JOURNAL, "abcd"));
    usleep(400000);
    is(s.p->swap->health(s.self), LOOP_UNAVAILABLE, "took over the state is gone");
    uint8_t ret[64] = {0};
    const loop_string line = {"x", 1};
    assert_null(call(&s, JOURNAL, "append", &line, ret));
    assert_int_equal(ret[0], 1); /* the component's error, and no process that was started again */
    assert_int_equal(process_of(&s), 0);
    is(s.p->swap->health(s.self), LOOP_UNAVAILABLE, "took over the state is gone");
    end(&s);
}

/* It answers PING, and dies of the first call: the second time that the host asks, it is noticed.
 */
static void dies_of_its_first_call(void **state)
{
    struct side s;
    (void)state;
    start_mode(&s, "good");
    works(restore_text(&s, JOURNAL, "abcd"));
    works(s.p->swap->health(s.self));
    kill(process_of(&s), SIGKILL);
    usleep(200000);
    uint8_t ret[64] = {0};
    const loop_string line = {"x", 1};
    assert_null(call(&s, JOURNAL, "append", &line, ret));
    assert_int_equal(ret[0], 1); /* and it is not started again */
    is(s.p->swap->health(s.self), LOOP_UNAVAILABLE, "took over the state is gone");
    end(&s);
}

/* One that hangs is noticed before the time of the swap is up, whatever a call may take. */
static void one_that_does_not_answer(void **state)
{
    struct side s;
    (void)state;
    timeout = "30s";
    start_good(&s);
    add(&s, 5);
    kill(process_of(&s), SIGSTOP);
    usleep(50000); /* until it does */
    uint64_t began = lp_os_now_ns();
    is(s.p->swap->quiesce(s.self), LOOP_TIMEOUT, "hangs when it is to become quiet");
    assert_true(lp_os_now_ns() - began < 4500 * LP_SIDE_MS);
    kill(process_of(&s), SIGCONT);
    s.p->swap->resume(s.self);
    assert_int_equal(add(&s, 1), 6);
    end(&s);
    timeout = "1s";
}

/* The time of the swap is up: who waits for a sidecar comes back at once. */
static void break_later(void *pipe)
{
    usleep(300000);
    lp_stream_break(pipe);
}

static void the_other_gives_up(void **state)
{
    static const char *const modes[] = {"hangs-in-save", "hangs-in-restore"};
    (void)state;
    timeout = "30s";
    for (size_t i = 0; i < LP_COUNT(modes); i++) {
        struct side s;
        lp_os_thread *thread;
        start_mode(&s, modes[i]);
        const loop_interface *interface = interface_of(&s, JOURNAL);
        loop_stream *pipe = lp_stream_pipe(lp_os_now_ns() + 30000 * LP_SIDE_MS);
        if (i)
            lp_stream_end(pipe);
        uint64_t began = lp_os_now_ns();
        assert_null(lp_os_thread_start(break_later, pipe, 0, &thread));
        is(i ? s.p->swap->restore(s.self, interface, LOOP_PASS_WHOLE, pipe)
             : s.p->swap->save(s.self, interface, LOOP_PASS_WHOLE, pipe),
           LOOP_CANCELLED, "has given up");
        assert_true(lp_os_now_ns() - began < 10000 * LP_SIDE_MS);
        lp_os_thread_join(thread);
        lp_stream_delete(pipe);
        end(&s);
    }
    timeout = "1s";
}

/* Once it was found well twice it is a sidecar as any other: the next call starts it again. */
static void dies_when_it_was_published(void **state)
{
    struct side s;
    (void)state;
    start_mode(&s, "good");
    works(restore_text(&s, JOURNAL, "abcd"));
    works(s.p->swap->health(s.self));
    works(s.p->swap->health(s.self));
    kill(process_of(&s), SIGKILL);
    usleep(200000);
    uint8_t ret[64] = {0};
    const loop_string line = {"x", 1};
    assert_null(call(&s, JOURNAL, "append", &line, ret));
    assert_int_equal(ret[0], 0);
    works(s.p->swap->health(s.self));
    end(&s);
}

/* Until the rest came, a process that has the copy is not final. */
static void a_copy_is_not_final(void **state)
{
    struct side s;
    (void)state;
    start_mode(&s, "copies");
    loop_stream *box = box_of("abcd");
    works(s.p->swap->restore(s.self, interface_of(&s, JOURNAL), LOOP_PASS_COPY, box));
    lp_stream_delete(box);
    works(s.p->swap->health(s.self));
    kill(process_of(&s), SIGKILL);
    usleep(200000);
    box = box_of("abcd");
    is(s.p->swap->restore(s.self, interface_of(&s, JOURNAL), LOOP_PASS_REST, box), LOOP_UNAVAILABLE,
       "took over the state is gone");
    lp_stream_delete(box);
    end(&s);
}

static void objects_badly(void **state)
{
    static const struct {
        const char *mode, *what;
    } saved[] =
        {
            {"large-object", "the state of an object is more than 65536 bytes"},
            {"object-in-pieces", "the state of an object is more than 65536 bytes"},
            {"fixed-object", "it cannot be moved"},
        },
      restored[] = {
          {"even-handle", "the handle 8, which is none of its own"},
          {"no-handle", "the handle 0, which is none of its own"},
          {"large-handle", "the handle 9007199254740993, which is none of its own"},
          {"same-handle", "the handle 7 a second time"},
          {"long-handle", "RESTORE-OBJECT is none"},
      };
    (void)state;
    for (size_t i = 0; i < LP_COUNT(saved); i++) {
        struct side s;
        struct {
            bool is_err;
            void *thing;
            uint8_t more[48];
        } ret = {0};
        const loop_string name = {"a", 1};
        start_mode(&s, saved[i].mode);
        assert_null(call(&s, JOURNAL, "open", &name, &ret));
        assert_false(ret.is_err);
        loop_stream *box = lp_stream_box(128u << 10);
        is(s.p->swap->save_object(s.self, interface_of(&s, JOURNAL), 0, ret.thing, box),
           LOOP_UNAVAILABLE, saved[i].what);
        lp_stream_delete(box);
        end(&s);
    }
    for (size_t i = 0; i < LP_COUNT(restored); i++) {
        struct side s;
        void *object = NULL;
        start_mode(&s, restored[i].mode);
        loop_stream *box = box_of("thing");
        loop_error *e =
            s.p->swap->restore_object(s.self, interface_of(&s, JOURNAL), 0, box, &object);
        if (strcmp(restored[i].mode, "same-handle") == 0) {
            works(e);
            assert_non_null(object);
            e = s.p->swap->restore_object(s.self, interface_of(&s, JOURNAL), 0, box, &object);
        }
        is(e, LOOP_UNAVAILABLE, restored[i].what);
        assert_null(object);
        lp_stream_delete(box);
        end(&s);
    }
}

/* Of our side: it is never sent. */
static void an_object_that_is_too_long(void **state)
{
    struct side s;
    void *object = NULL;
    char *text = lp_alloc((64u << 10) + 2);
    (void)state;
    memset(text, 'o', (64u << 10) + 1);
    start_mode(&s, "good");
    loop_stream *box = box_of(text);
    is(s.p->swap->restore_object(s.self, interface_of(&s, JOURNAL), 0, box, &object), LOOP_LIMIT,
       "more than 65536 bytes");
    lp_stream_delete(box);
    works(s.p->swap->health(s.self));
    end(&s);
    free(text);
}

static void says_what_nobody_asked_for(void **state)
{
    struct side s;
    (void)state;
    start_mode(&s, "stray-state");
    is(s.p->swap->quiesce(s.self), LOOP_UNAVAILABLE, "STATE 2, which nobody asked for");
    end(&s);
}

/* Longer than a call may take, and never still. */
static void a_slow_one(void **state)
{
    struct side s;
    (void)state;
    start_mode(&s, "slow");
    works(s.p->swap->quiesce(s.self));
    loop_stream *box = lp_stream_box(MIB);
    uint64_t began = lp_os_now_ns();
    works(save(&s, JOURNAL, box));
    assert_true(lp_os_now_ns() - began > 1100 * LP_SIDE_MS);
    box_is(box, "abcd");
    end(&s);
}

static void what_it_can(void **state)
{
    static const struct {
        const char *mode;
        bool state, copies;
    } rows[] = {{"no-state-at-all", false, false},
                {"copy-alone", false, false},
                {"good", true, false},
                {"copies", true, true}};
    (void)state;
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        struct side s;
        start_mode(&s, rows[i].mode);
        assert_int_equal(s.p->swap->copies, rows[i].copies);
        assert_int_equal(s.p->swap->save && s.p->swap->restore && s.p->swap->quiesce &&
                             s.p->swap->save_object && s.p->swap->restore_object,
                         rows[i].state);
        works(s.p->swap->health(s.self));
        end(&s);
    }
}

static void one_that_is_silent(void **state)
{
    struct side s;
    (void)state;
    start_mode(&s, "silent");
    is(s.p->swap->health(s.self), LOOP_TIMEOUT, "did not answer PING within 5 s");
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_state),
        cmocka_unit_test(copy_and_rest),
        cmocka_unit_test(objects),
        cmocka_unit_test(nobody_reads_any_more),
        cmocka_unit_test(a_state_that_is_cut),
        cmocka_unit_test(codes_of_faults),
        cmocka_unit_test(one_that_is_killed),
        cmocka_unit_test(one_that_has_ended),
        cmocka_unit_test(one_that_stands_still),
        cmocka_unit_test(saves_badly),
        cmocka_unit_test(saves_without_credit),
        cmocka_unit_test(restores_badly),
        cmocka_unit_test(refuses_to_restore),
        cmocka_unit_test(dies_after_restore),
        cmocka_unit_test(dies_of_its_first_call),
        cmocka_unit_test(dies_when_it_was_published),
        cmocka_unit_test(one_that_does_not_answer),
        cmocka_unit_test(the_other_gives_up),
        cmocka_unit_test(a_copy_is_not_final),
        cmocka_unit_test(objects_badly),
        cmocka_unit_test(an_object_that_is_too_long),
        cmocka_unit_test(says_what_nobody_asked_for),
        cmocka_unit_test(a_slow_one),
        cmocka_unit_test(what_it_can),
        cmocka_unit_test(one_that_is_silent),
    };
    return cmocka_run_group_tests_name("sidecar-steps", tests, NULL, NULL);
}
