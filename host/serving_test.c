/* host/serving_test.c: see serving_test.h. */
#include <signal.h>
#include <stdio.h>

#include "host/serving_test.h"

loop_host *host;
_Atomic int tokens_held, tokens_given;
loop_log_level log_level = LOOP_LOG_ERROR;

/* ---- a host ---- */

struct demo_counter_tokens_token {
    uint32_t value;
};

static loop_error *get(void *self, loop_call *call, demo_counter_tokens_token **ret)
{
    (void)self, (void)call;
    *ret = lp_alloc(sizeof **ret);
    (*ret)->value = (uint32_t)++tokens_given;
    tokens_held++;
    return NULL;
}

static loop_error *value(void *self, loop_call *call, demo_counter_tokens_token *t, uint32_t *ret)
{
    (void)self, (void)call;
    *ret = t->value;
    return NULL;
}

static void drop(void *self, demo_counter_tokens_token *t)
{
    (void)self;
    free(t);
    tokens_held--;
}

static const demo_counter_tokens_functions functions = {
    .get = get, .token_value = value, .token_drop = drop};
static const loop_provider_interface interfaces[] = {{&demo_counter_tokens_interface, &functions},
                                                     {NULL, NULL}};
static const loop_provider tokens = {.abi = LOOP_PROVIDER_ABI,
                                     .name = "tokens",
                                     .summary = "for the test",
                                     .interfaces = interfaces,
                                     .threads = LOOP_THREADS_ANY};

/* The engine turns these signals into traps; cmocka takes them over for each test. */
static const int trap_signals[] = {SIGSEGV, SIGILL, SIGFPE, SIGBUS};
static struct sigaction engine_actions[LP_COUNT(trap_signals)];

int note_signals(void **state)
{
    (void)state;
    loop_host *h;
    loop_error *e = loop_host_new(&(loop_host_options){.no_cache = true}, &h);
    for (size_t i = 0; i < LP_COUNT(trap_signals); i++)
        sigaction(trap_signals[i], NULL, &engine_actions[i]);
    if (!e)
        loop_host_delete(h);
    return e ? -1 : 0;
}

int make_host(void **state)
{
    (void)state;
    tokens_held = tokens_given = 0;
    loop_error *e = loop_host_new(&(loop_host_options){.log_level = log_level}, &host);
    if (!e)
        e = loop_host_provider_add(host, &tokens);
    return e ? -1 : 0;
}

int drop_host(void **state)
{
    (void)state;
    loop_host_delete(host);
    return tokens_held; /* what a component held is dropped with it */
}

/* ---- errors ---- */

void must(loop_error *e)
{
    if (!e)
        return;
    char *text = loop_error_format(e);
    fail_msg("%s", text);
}

static void all_messages(const loop_error *e, char *ret, size_t size)
{
    size_t n = 0;
    for (*ret = 0; e && n < size; e = loop_error_cause(e))
        n += (size_t)snprintf(ret + n, size - n, "%s%s", n ? ": " : "", loop_error_message(e));
}

void must_fail(loop_error *e, loop_code code, const char *text)
{
    char all[1000];
    all_messages(e, all, sizeof all);
    if (loop_error_code(e) != code || !strstr(all, text))
        fail_msg("%s: '%s', not %s: '%s'", loop_code_name(loop_error_code(e)), all,
                 loop_code_name(code), text);
    loop_error_delete(e);
}

/* ---- instances ---- */

loop_component *open_guest(const char *name)
{
    for (size_t i = 0; i < LP_COUNT(trap_signals); i++)
        sigaction(trap_signals[i], &engine_actions[i], NULL);
    const char *folder = lp_os_getenv("LOOP_TEST_GUESTS");
    lp_auto(lp_free_string) char *path =
        lp_format("%s/%s.wasm", folder ? folder : "build/guests", name);
    loop_component *c = NULL;
    must(loop_component_open(host, path, &c));
    return c;
}

void on_end(void *data, loop_instance *i, loop_error *e, const loop_result *r)
{
    (void)i;
    struct end *end = data;
    end->ended = true;
    end->code = loop_error_code(e);
    end->status = r->status;
    all_messages(e, end->text, sizeof end->text);
    loop_error_delete(e);
    loop_free(r->output);
}

loop_instance *new_instance(const char *guest, const loop_instance_options *o)
{
    loop_instance *i = NULL;
    loop_component *c = open_guest(guest);
    must(loop_instance_new(host, c, o, &i));
    loop_component_delete(c);
    return i;
}

loop_instance *serve(const char *guest, const loop_instance_options *o, struct end *end)
{
    *end = (struct end){0};
    loop_instance *i = new_instance(guest, o);
    must(loop_instance_serve(i, on_end, end));
    return i;
}

void wait_for_end(struct end *end)
{
    while (!end->ended)
        loop_host_turn(host, 5);
}

/* ---- work that is waited for ---- */

struct job {
    on_counts *f;
    void *data;
    bool gone;
    _Atomic bool done;
};

static void do_job(void *data, loop_instance *i, bool gone)
{
    struct job *j = data;
    demo_counter_counts_exports counts;
    j->gone = gone;
    if (!gone) {
        must(demo_counter_counts_bind(i, &counts));
        j->f(&counts, j->data);
    }
    j->done = true;
}

bool do_there(loop_instance *i, on_counts *f, void *data)
{
    struct job j = {.f = f, .data = data};
    loop_error *e = loop_instance_post(i, do_job, &j);
    while (loop_error_code(e) == LOOP_LIMIT) { /* others post as well */
        loop_error_delete(e);
        lp_os_thread_yield();
        e = loop_instance_post(i, do_job, &j);
    }
    if (loop_error_code(e) == LOOP_UNAVAILABLE) {
        loop_error_delete(e);
        return false;
    }
    must(e);
    while (!j.done)
        loop_host_turn(host, 1);
    return !j.gone;
}

struct adding {
    uint32_t who;
    uint64_t by, ret;
};

static void add_there(const demo_counter_counts_exports *counts, void *data)
{
    struct adding *a = data;
    must(demo_counter_counts_call_add(counts, a->who, a->by, &a->ret));
}

static void total_there(const demo_counter_counts_exports *counts, void *data)
{
    must(demo_counter_counts_call_total(counts, data));
}

static void version_there(const demo_counter_counts_exports *counts, void *data)
{
    must(demo_counter_counts_call_version(counts, data));
}

uint64_t add(loop_instance *i, uint32_t who, uint64_t by)
{
    struct adding a = {who, by, 0};
    return do_there(i, add_there, &a) ? a.ret : UINT64_MAX;
}

uint64_t total(loop_instance *i)
{
    uint64_t ret;
    return do_there(i, total_there, &ret) ? ret : UINT64_MAX;
}

uint64_t version(loop_instance *i)
{
    uint32_t ret;
    return do_there(i, version_there, &ret) ? ret : UINT64_MAX;
}

static void ends_badly(loop_instance *i, bool gone,
                       loop_error *(*call)(const demo_counter_counts_exports *))
{
    demo_counter_counts_exports counts;
    if (gone)
        return;
    must(demo_counter_counts_bind(i, &counts));
    loop_error *e = call(&counts);
    assert_non_null(e);
    loop_error_delete(e);
}

static void crash(void *data, loop_instance *i, bool gone)
{
    (void)data;
    ends_badly(i, gone, demo_counter_counts_call_crash);
}

static void spin(void *data, loop_instance *i, bool gone)
{
    (void)data;
    ends_badly(i, gone, demo_counter_counts_call_spin);
}

void post_crash(loop_instance *i)
{
    must(loop_instance_post(i, crash, NULL));
}

void post_spin(loop_instance *i)
{
    must(loop_instance_post(i, spin, NULL));
}

void wait_until(_Atomic int *number, int reaches)
{
    while (*number < reaches)
        loop_host_turn(host, 1);
}

/* ---- posters ---- */

struct post {
    struct poster *by;
    uint32_t answers;
};

/* What was bound at the first call holds for all that follow. */
static loop_error *add_one(struct posters *p, loop_instance *i, uint32_t who, uint64_t *ret)
{
    if (!p->bound)
        LP_TRY(demo_counter_counts_bind(i, &p->counts));
    p->bound = true;
    return demo_counter_counts_call_add(&p->counts, who, 1, ret);
}

static void count_one(void *data, loop_instance *i, bool gone)
{
    struct post *post = data;
    struct poster *by = post->by;
    uint64_t sum = 0;
    post->answers++;
    if (gone) {
        by->gone++;
        return;
    }
    loop_error *e = add_one(by->all, i, by->who, &sum);
    if (e)
        by->failed++;
    else if (sum != ++by->last)
        by->wrong++;
    by->answered += !e;
    loop_error_delete(e);
}

static void post_all(void *data)
{
    struct poster *by = data;
    while (by->posted < by->all->each && !by->all->stop) {
        struct post *post = &by->posts[by->posted];
        post->by = by;
        loop_error *e = loop_instance_post(by->all->instance, count_one, post);
        loop_code code = loop_error_code(e);
        loop_error_delete(e);
        if (code == LOOP_UNAVAILABLE)
            break;
        if (code == LOOP_LIMIT)
            lp_os_sleep_ms(1);
        else
            by->posted++;
    }
    by->all->running--;
}

void posters_start(struct posters *p, loop_instance *i, uint64_t each)
{
    *p = (struct posters){.instance = i, .each = each, .running = POSTERS};
    for (uint32_t n = 0; n < POSTERS; n++) {
        struct poster *by = &p->at[n];
        by->all = p;
        by->who = n;
        by->posts = lp_alloc(each * sizeof *by->posts);
        must(lp_os_thread_start(post_all, by, 0, &by->thread));
    }
}

void posters_end(struct posters *p)
{
    for (size_t n = 0; n < POSTERS; n++) {
        struct poster *by = &p->at[n];
        lp_os_thread_join(by->thread);
        while (by->answered + by->gone + by->failed < by->posted)
            loop_host_turn(host, 1);
        assert_int_equal(by->wrong, 0);
        for (uint64_t k = 0; k < by->posted; k++)
            assert_int_equal(by->posts[k].answers, 1);
    }
}

void posters_done(struct posters *p)
{
    for (size_t n = 0; n < POSTERS; n++)
        free(p->at[n].posts);
}

/* ---- replacements ---- */

void on_swapped(void *data, loop_error *e, const loop_swap_report *r)
{
    struct swapped *s = data;
    s->told++;
    s->code = loop_error_code(e);
    all_messages(e, s->text, sizeof s->text);
    s->report = *r;
    s->report.from = s->report.to = s->report.warning = NULL;
    snprintf(s->warning, sizeof s->warning, "%s", r->warning ? r->warning : "");
    loop_error_delete(e);
}

struct swapped replace(loop_instance *i, const char *guest, const loop_instance_swap *o)
{
    struct swapped s = {0};
    loop_component *c = open_guest(guest);
    loop_error *e = loop_instance_swap_component(i, c, o, on_swapped, &s);
    loop_component_delete(c);
    if (e)
        on_swapped(&s, e, &(loop_swap_report){0});
    while (!s.told)
        loop_host_turn(host, 5);
    return s;
}
