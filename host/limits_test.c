/*
 * host/limits_test.c: each limit of a component, reached by a real one: the error names it and what
 * to raise, and the next component runs as if nothing had happened.
 *
 * HOSTILE sets how many hostile instances run in a row (300; `make soak`: 10,000), after which
 * memory, descriptors and threads are as before.
 *
 * Needs the test guests; LOOP_TEST_GUESTS says where they are (build/guests).
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "base/os/os.h"
#include "loop/host.h"
#include "loop/policy.h"

/* A sanitizer's, where there is one. */
extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static char folder[] = "/tmp/limits-test-XXXXXX";
static loop_policy *may_read;
static bool noting;
static char *last_log; /* of the host: its warnings, a line each */

/* The engine turns these signals into traps; cmocka takes them over for each test. */
static const int trap_signals[] = {SIGSEGV, SIGILL, SIGFPE, SIGBUS};
static struct sigaction engine_actions[LP_COUNT(trap_signals)];

static void note_log(void *data, const loop_log_entry *entry)
{
    (void)data;
    if (!noting || entry->level < LOOP_LOG_WARN)
        return;
    char *all = lp_format("%s%s\n", last_log ? last_log : "", entry->message);
    free(last_log);
    last_log = all;
}

static loop_host *host_new(void)
{
    loop_host *h;
    loop_error *e =
        loop_host_new(&(loop_host_options){.log = note_log, .log_level = LOOP_LOG_INFO}, &h);
    if (e)
        fail_msg("%s", loop_error_message(e));
    return h;
}

static int set_up(void **state)
{
    (void)state;
    loop_host *h = host_new(); /* the first one sets the engine's actions */
    for (size_t i = 0; i < LP_COUNT(trap_signals); i++)
        sigaction(trap_signals[i], NULL, &engine_actions[i]);
    loop_host_delete(h);
    assert_non_null(mkdtemp(folder));
    lp_auto(lp_free_string) char *file = lp_format("%s/file", folder);
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    fclose(f);
    may_read = loop_policy_new();
    loop_error *e = loop_policy_add(may_read, LOOP_GRANT_DIR, folder, false, NULL, false,
                                    (loop_origin){.source = "test"});
    return e ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *file = lp_format("%s/file", folder);
    unlink(file);
    rmdir(folder);
    loop_policy_delete(may_read);
    free(last_log);
    return 0;
}

static void traps_are_the_engines(void)
{
    for (size_t i = 0; i < LP_COUNT(trap_signals); i++)
        sigaction(trap_signals[i], &engine_actions[i], NULL);
}

static loop_component *open_guest(loop_host *h, const char *name)
{
    const char *where = lp_os_getenv("LOOP_TEST_GUESTS");
    lp_auto(lp_free_string) char *path =
        lp_format("%s/%s.wasm", where ? where : "build/guests", name);
    loop_component *c;
    loop_error *e = loop_component_open(h, path, &c);
    if (e)
        fail_msg("%s", loop_error_message(e));
    return c;
}

/* Runs it once to its end; the caller's error. */
static loop_error *run(loop_host *h, loop_component *c, const loop_instance_options *o,
                       const char *call, int *ret_status)
{
    loop_instance *i;
    loop_error *e = loop_instance_new(h, c, o, &i);
    if (e)
        return e;
    loop_result r = {0};
    e = call ? loop_instance_invoke(i, call, &r) : loop_instance_run(i, &r);
    loop_free(r.output);
    loop_instance_delete(i);
    *ret_status = r.status;
    return e;
}

static void expect_good(loop_host *h, const char *after)
{
    loop_component *good = open_guest(h, "hostile-good");
    int status = -1;
    loop_error *e = run(h, good, &(loop_instance_options){0}, NULL, &status);
    if (e || status)
        fail_msg("after %s: %s", after, e ? loop_error_message(e) : "a status");
    loop_component_delete(good);
}

/* ---- each limit ---- */

struct row {
    const char *guest;
    const char *args[3];
    const char *call;
    loop_limit_id id;
    uint64_t value;
    loop_code code;  /* LOOP_OK: the guest gets an error, and the log tells of the limit */
    const char *say; /* what it says of the limit */
};

static const struct row rows[] = {
    {"hostile-memory",
     {0},
     NULL,
     LOOP_MAX_MEMORY,
     4 << 20,
     LOOP_LIMIT,
     "its memory limit of 4 MiB"},
    {"hostile-memory", {0}, NULL, LOOP_MAX_MEMORY, 0, LOOP_LIMIT, "its memory limit of 512 MiB"},
    {"hostile-memories", {0}, NULL, LOOP_MAX_MEMORIES, 0, LOOP_LIMIT, "its memories limit of 64"},
    {"hostile-instances",
     {0},
     NULL,
     LOOP_MAX_INSTANCES,
     19,
     LOOP_LIMIT,
     "its instances limit of 19"},
    {"hostile-tables", {0}, NULL, LOOP_MAX_TABLES, 5000, LOOP_LIMIT, "its tables limit of 5000"},
    {"hostile-tables", {0}, NULL, LOOP_MAX_TABLES, 0, LOOP_LIMIT, "its tables limit of 1000000"},
    {"hostile-handles", {0}, NULL, LOOP_MAX_HANDLES, 100, LOOP_LIMIT, "its handles limit of 100"},
    {"hostile-handles", {0}, NULL, LOOP_MAX_HANDLES, 0, LOOP_LIMIT, "its handles limit of 65536"},
    {"hostile", {"tokens"}, NULL, LOOP_MAX_HANDLES, 100, LOOP_LIMIT, "its handles limit of 100"},
    {"hostile", {"outputs"}, NULL, LOOP_MAX_HANDLES, 100, LOOP_LIMIT, "its handles limit of 100"},
    {"hostile-spin", {0}, NULL, LOOP_MAX_CALL, 50, LOOP_TIMEOUT, "its call limit of 0.05 s"},
    {"hostile-spin", {0}, NULL, LOOP_MAX_TOTAL, 50, LOOP_TIMEOUT, "its total limit of 0.05 s"},
    {"sleep-poll", {0}, NULL, LOOP_MAX_TOTAL, 50, LOOP_TIMEOUT, "its total limit of 0.05 s"},
    {"hostile-recursion", {0}, NULL, LOOP_MAX_STACK, 0, LOOP_LIMIT, "its stack limit of 1 MiB"},
    {"hostile-recursion",
     {0},
     NULL,
     LOOP_MAX_STACK,
     256 << 10,
     LOOP_LIMIT,
     "its stack limit of 256 KiB"},
    {"stack-overflow", {0}, NULL, LOOP_MAX_STACK, 0, LOOP_LIMIT, "its stack limit of 1 MiB"},
    {"hostile",
     {"bytes", "100000"},
     NULL,
     LOOP_MAX_HOST_BYTES,
     64 << 10,
     LOOP_LIMIT,
     "its host-bytes limit of 64 KiB"},
    {"hostile", {"files"}, NULL, LOOP_MAX_FILES, 20, LOOP_OK, "its files limit of 20"},
    {"hostile", {"streams"}, NULL, LOOP_MAX_FILES, 20, LOOP_OK, "its files limit of 20"},
    {"hostile", {"files"}, NULL, LOOP_MAX_FILES, 0, LOOP_OK, "its files limit of 256"},
    {"hostile", {"log", "1000"}, NULL, LOOP_MAX_LOG, 10, LOOP_OK, "its log limit of 10 entries"},
};

static void expect_said(const struct row *r, const loop_error *e)
{
    const char *said = e ? loop_error_message(e) : last_log ? last_log : "nothing";
    bool named = false;
    for (const loop_error *at = e; at; at = loop_error_cause(at))
        named = named || strstr(loop_error_message(at), r->say);
    if (!named && (e || !strstr(said, r->say)))
        fail_msg("%s: it says '%s', and not '%s'", r->guest, said, r->say);
    lp_auto(lp_free_string) char *what =
        lp_format("raise it with --limit %s=", loop_limit_row_of(r->id)->name);
    const char *hint = e ? loop_error_hint(e) : said;
    if (!hint || !strstr(hint, what))
        fail_msg("%s: its hint is '%s', and not '%s'", r->guest, hint ? hint : "", what);
}

static void each_limit_is_named_and_the_next_component_runs(void **state)
{
    (void)state;
    loop_host *h = host_new();
    traps_are_the_engines();
    for (size_t n = 0; n < LP_COUNT(rows); n++) {
        const struct row *r = &rows[n];
        loop_component *c = open_guest(h, r->guest);
        loop_limits limits = {0};
        if (r->value)
            limits.of[r->id] = (loop_limit){r->value, true, {"--limit", 0, 0}};
        const char *const args[] = {"x", r->args[0], r->args[1], NULL};
        const loop_instance_options o = {.args = args, .limits = &limits, .policy = may_read};
        int status;
        free(lp_take(&last_log));
        noting = true;
        loop_error *e = run(h, c, &o, r->call, &status);
        noting = false;
        if (loop_error_code(e) != r->code)
            fail_msg("%s, %s: %s", r->guest, loop_limit_row_of(r->id)->name,
                     e ? loop_error_message(e) : "no error");
        expect_said(r, e);
        loop_error_delete(e);
        loop_component_delete(c);
        expect_good(h, r->guest);
    }
    loop_host_delete(h);
}

/* What a guest closes is not counted, and what it has left in a stream is. */
static void what_is_closed_is_not_counted(void **state)
{
    (void)state;
    loop_host *h = host_new();
    traps_are_the_engines();
    loop_component *c = open_guest(h, "open");
    loop_limits limits = {.of[LOOP_MAX_FILES] = {.value = 1}};
    for (int n = 0; n < 3; n++) { /* each instance has its own */
        const char *const args[] = {"x", "file", "r", NULL};
        int status = -1;
        loop_error *e =
            run(h, c, &(loop_instance_options){.args = args, .limits = &limits, .policy = may_read},
                NULL, &status);
        assert_null(e);
    }
    loop_component_delete(c);
    loop_host_delete(h);
}

/* A deeper stack is another engine's; both serve side by side. */
static void a_stack_is_as_deep_as_its_limit(void **state)
{
    (void)state;
    static const struct {
        uint64_t stack;
        const char *call;
        loop_code code;
    } stacks[] = {
        {0, "deep(1000)", LOOP_OK},          {0, "deep(100000)", LOOP_LIMIT},
        {16 << 20, "deep(100000)", LOOP_OK}, {64 << 10, "deep(10000)", LOOP_LIMIT},
        {0, "deep(10000)", LOOP_OK},
    };
    loop_host *h = host_new();
    traps_are_the_engines();
    loop_component *c = open_guest(h, "hostile-recursion");
    for (size_t n = 0; n < 2 * LP_COUNT(stacks); n++) {
        loop_limits limits = {0};
        limits.of[LOOP_MAX_STACK].value = stacks[n % LP_COUNT(stacks)].stack;
        int status;
        loop_error *e = run(h, c, &(loop_instance_options){.limits = &limits},
                            stacks[n % LP_COUNT(stacks)].call, &status);
        if (loop_error_code(e) != stacks[n % LP_COUNT(stacks)].code)
            fail_msg("%zu: %s", n, e ? loop_error_message(e) : "no error");
        loop_error_delete(e);
    }
    loop_component_delete(c);
    loop_host_delete(h);
}

/* Time inside of it adds up over calls, and none of them is long. */
static void time_in_all_adds_up(void **state)
{
    (void)state;
    loop_host *h = host_new();
    traps_are_the_engines();
    loop_component *c = open_guest(h, "hostile-recursion");
    loop_limits limits = {.of[LOOP_MAX_TOTAL] = {.value = 100}};
    loop_instance *i;
    assert_null(loop_instance_new(h, c, &(loop_instance_options){.limits = &limits}, &i));
    assert_null(loop_instance_enter(i));
    const loop_export *burn;
    assert_null(loop_instance_export(i, "", "", "burn", "(u32)->u32", &burn));
    uint32_t times = 1000000, counted;
    loop_error *e = NULL;
    int calls = 0;
    while (!e && calls < 100000) {
        e = loop_export_call(burn, &times, &counted);
        calls++;
        lp_os_sleep_ms(1); /* which is not counted */
    }
    assert_int_equal(loop_error_code(e), LOOP_TIMEOUT);
    assert_true(calls > 3);
    assert_non_null(strstr(loop_error_hint(e), "--limit total="));
    loop_error_delete(e);
    loop_instance_delete(i);
    loop_component_delete(c);
    expect_good(h, "total");
    loop_host_delete(h);
}

/* ---- many ---- */

struct held {
    int files, threads, mappings;
    long kib;
};

static int entries(const char *path)
{
    int n = 0;
    DIR *d = opendir(path);
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

/* Parts of the address space that are in use: memories, stacks, code. */
static int mappings(void)
{
    int n = 0;
    char line[1024];
    FILE *f = fopen("/proc/self/maps", "r");
    while (f && fgets(line, sizeof line, f))
        n += strchr(line, '\n') && !strstr(line, " ---p ");
    if (f)
        fclose(f);
    return n;
}

/*
 * What is allocated, and not what is resident: how much of what was freed stays with the process
 * depends on which thread freed it.
 */
static long allocated_kib(void)
{
    if (__sanitizer_get_current_allocated_bytes)
        return (long)(__sanitizer_get_current_allocated_bytes() / 1024);
#ifdef __GLIBC__
    struct mallinfo2 m = mallinfo2(); /* of all arenas */
    return (long)((m.uordblks + m.hblkhd) / 1024);
#else
    return 0;
#endif
}

static struct held look(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
    return (struct held){entries("/proc/self/fd"), entries("/proc/self/task"), mappings(),
                         allocated_kib()};
}

static const struct {
    const char *guest, *mode;
    loop_limit_id id;
    uint64_t value;
} hostile[] = {
    {"hostile-trap", NULL, LOOP_MAX_COUNT, 0},
    {"hostile-spin", NULL, LOOP_MAX_CALL, 10},
    {"hostile-memory", NULL, LOOP_MAX_MEMORY, 8 << 20},
    {"hostile-memories", NULL, LOOP_MAX_COUNT, 0},
    {"hostile-tables", NULL, LOOP_MAX_TABLES, 100000},
    {"hostile-handles", NULL, LOOP_MAX_HANDLES, 10000},
    {"hostile-recursion", NULL, LOOP_MAX_COUNT, 0},
    {"hostile", "log", LOOP_MAX_CALL, 20},
    {"hostile", "tokens", LOOP_MAX_HANDLES, 1000},
    {"hostile", "streams", LOOP_MAX_FILES, 50},
    {"hostile", "outputs", LOOP_MAX_HANDLES, 1000},
};

static void hostile_instances(loop_host *h, loop_component *const *guests, int count)
{
    for (int n = 0; n < count; n++) {
        size_t k = (size_t)n % LP_COUNT(hostile);
        loop_limits limits = {0};
        if (hostile[k].id < LOOP_MAX_COUNT)
            limits.of[hostile[k].id].value = hostile[k].value;
        const char *const args[] = {"x", hostile[k].mode, NULL};
        int status;
        loop_error *e =
            run(h, guests[k],
                &(loop_instance_options){.args = args, .limits = &limits, .policy = may_read}, NULL,
                &status);
        if (!e && status == 0)
            fail_msg("%s %s ended well", hostile[k].guest, hostile[k].mode ? hostile[k].mode : "");
        loop_error_delete(e);
    }
}

static void a_row_of_hostile_instances_leaves_nothing(void **state)
{
    (void)state;
    const char *text = lp_os_getenv("HOSTILE");
    int count = text ? atoi(text) : 300;
    loop_host *h = host_new();
    traps_are_the_engines();
    loop_component *guests[LP_COUNT(hostile)];
    for (size_t k = 0; k < LP_COUNT(hostile); k++)
        guests[k] = open_guest(h, hostile[k].guest);
    hostile_instances(h, guests, LP_MAX(count / 3, (int)(3 * LP_COUNT(hostile)))); /* warms up */
    struct held before = look();
    hostile_instances(h, guests, count);
    struct held after = look();
    uint64_t until = lp_os_now_ns() + 5000000000ull; /* threads of the engine end by themselves */
    while ((after.threads > before.threads || after.files > before.files) &&
           lp_os_now_ns() < until) {
        lp_os_sleep_ms(20);
        after = look();
    }
    printf("%d hostile instances: %ld KiB in %d mappings before, %ld in %d after\n", count,
           before.kib, before.mappings, after.kib, after.mappings);
    if (after.files > before.files || after.threads > before.threads ||
        after.mappings > before.mappings + 64 || after.kib > before.kib + 64 + count / 100)
        fail_msg("%d descriptors, %d threads before; %d, %d after", before.files, before.threads,
                 after.files, after.threads);
    for (size_t k = 0; k < LP_COUNT(hostile); k++)
        loop_component_delete(guests[k]);
    expect_good(h, "all of them");
    loop_host_delete(h);
}

/* ---- values ---- */

static void a_limit_is_read_as_it_is_written(void **state)
{
    (void)state;
    uint64_t v = 0;
    assert_null(loop_limit_parse(LOOP_MAX_MEMORY, "64MiB", &v));
    assert_int_equal(v, 64 << 20);
    assert_null(loop_limit_parse(LOOP_MAX_CALL, "none", &v));
    assert_true(v == LOOP_UNLIMITED);
    assert_null(loop_limit_parse(LOOP_MAX_FILES, "12", &v));
    assert_int_equal(v, 12);
    static const struct {
        loop_limit_id id;
        const char *text;
    } wrong[] = {
        {LOOP_MAX_MEMORY, "none"}, {LOOP_MAX_MEMORY, "1KiB"},   {LOOP_MAX_FILES, "0"},
        {LOOP_MAX_FILES, "-1"},    {LOOP_MAX_FILES, "12x"},     {LOOP_MAX_CALL, "5"},
        {LOOP_MAX_CALL, "0s"},     {LOOP_MAX_HANDLES, "65537"}, {LOOP_MAX_LOG, "1000000"},
        {LOOP_MAX_STACK, "1GiB"},  {LOOP_MAX_HOST_BYTES, ""},
    };
    for (size_t i = 0; i < LP_COUNT(wrong); i++) {
        v = 7;
        loop_error *e = loop_limit_parse(wrong[i].id, wrong[i].text, &v);
        assert_int_equal(loop_error_code(e), LOOP_USAGE);
        assert_non_null(strstr(loop_error_message(e), loop_limit_row_of(wrong[i].id)->name));
        assert_int_equal(v, 7);
        loop_error_delete(e);
    }
    for (int i = 0; i < LOOP_MAX_COUNT; i++)
        assert_int_equal(loop_limit_named(loop_limit_row_of((loop_limit_id)i)->name), i);
    assert_int_equal(loop_limit_named("everything"), LOOP_MAX_COUNT);
    assert_null(loop_limit_row_of(LOOP_MAX_COUNT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_limit_is_read_as_it_is_written),
        cmocka_unit_test(each_limit_is_named_and_the_next_component_runs),
        cmocka_unit_test(what_is_closed_is_not_counted),
        cmocka_unit_test(a_stack_is_as_deep_as_its_limit),
        cmocka_unit_test(time_in_all_adds_up),
        cmocka_unit_test(a_row_of_hostile_instances_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
