/*
 * builder/test.c: the tests of components: cases (cases.h), each a process of loop of its own in
 * the workspace, and commands of the language.
 *
 * A case runs as `loop run` would run the component for its user: what loop.yaml grants, binds
 * and configures holds, and nothing else. So a test that passes says something of the component
 * as it will be run.
 */
#include <stdlib.h>

#include "base/path.h"
#include "builder/cases.h"
#include "builder/internal.h"

#define COMMAND_MS 1800000u /* a language's own tests */
#define GRACE_MS 300000u    /* beyond a case's deadline: compiling a large component */

/* One test: a file, or the command of its component. */
typedef struct test {
    const loop_component_config *row;
    char *file; /* absolute; NULL: the command */
} test;

struct told {
    const test *test;
    bool passed;
    char *name, *report;
    uint64_t ms;
};

struct tests {
    lp_pool pool; /* first: workers get it */
    lp_build_run run;
    const lp_build_place *place;
    const loop_test_options *options;
    struct {
        test *at;
        size_t n, cap;
    } list;
    loop_test_result result;
};

/* ---- which there are ---- */

static const char *const case_ends[] = {".yaml", NULL};

static loop_error *add_cases(struct tests *t, const loop_component_config *row)
{
    static const char *const none[] = {NULL};
    if (!lp_os_is_dir(row->tests))
        return loop_error_hint_set(
            loop_error_new(LOOP_NOT_FOUND, "there is no folder '%s' with the tests of '%s'",
                           row->tests, row->name),
            "`tests` of the component names it; knowledge/building.md shows a test");
    lp_build_inputs l = {0};
    loop_error *e = lp_build_inputs_add(&l, t->place->root, row->tests, none, case_ends);
    lp_build_inputs_sort(&l);
    for (size_t i = 0; !e && i < l.n; i++)
        *lp_push(&t->list) = (test){row, lp_path_join(t->place->root, l.at[i].path)};
    lp_build_inputs_done(&l);
    return e;
}

/* ---- a case ---- */

static char *status_text(int status)
{
    return status < 0 ? lp_format("signal %d", -status) : lp_format("status %d", status);
}

/* What differs, all of it; NULL: nothing. */
static char *compare(const lp_case *c, int status, const char *out, const char *err)
{
    lp_buf b = {0};
    if (status != c->status) {
        lp_auto(lp_free_string) char *found = status_text(status);
        lp_buf_printf(&b, "status:\n-status %d\n+%s\n", c->status, found);
    }
    lp_auto(lp_free_string) char *of_out = lp_expect_compare(&c->out, out);
    lp_auto(lp_free_string) char *of_err = lp_expect_compare(&c->err, err);
    if (of_out)
        lp_buf_printf(&b, "stdout:\n%s", of_out);
    if (of_err)
        lp_buf_printf(&b, "stderr:\n%s", of_err);
    if (b.len && !of_err && *err)
        lp_buf_printf(&b, "on stderr it said:\n%.*s", (int)LP_MIN(strlen(err), (size_t)4096), err);
    return b.len ? lp_buf_take(&b) : NULL;
}

static char *run_case(struct tests *t, lp_build_job *j, const lp_case *c)
{
    lp_build_words w = {0};
    const char *deadline = lp_build_text(j, "%llums", (unsigned long long)c->deadline_ms);
    const char *config = t->options->config;
    const char *words[] = {t->options->loop, "run", "--config", config, "--timeout", deadline};
    for (size_t i = 0; i < LP_COUNT(words); i++)
        lp_build_word(&w, words[i]);
    if (c->invoke) {
        lp_build_word(&w, "--invoke");
        lp_build_word(&w, c->invoke);
    }
    lp_build_word(&w, j->row->name);
    for (size_t i = 0; c->args[i]; i++)
        lp_build_word(&w, c->args[i]);
    int status = 0;
    char *out = NULL, *err = NULL;
    const lp_build_command command = {.argv = w.at,
                                      .input = c->input,
                                      .deadline_ms = c->deadline_ms + GRACE_MS,
                                      .ret_status = &status,
                                      .ret_out = &out,
                                      .ret_err = &err};
    loop_error *e = lp_build_tool(j, &command);
    lp_build_words_free(&w);
    char *report = e ? loop_error_format(e) : compare(c, status, out, err);
    loop_error_delete(e);
    free(out);
    free(err);
    return report;
}

static char *run_file(struct tests *t, lp_build_job *j, const char *file)
{
    uint8_t *bytes;
    size_t len;
    lp_case *c = NULL;
    loop_error *e = lp_os_read_file(file, LP_MAX_CONFIG_BYTES, &bytes, &len);
    if (!e) {
        e = lp_case_parse(lp_build_shown(j, file), (char *)bytes, len, &c);
        free(bytes);
    }
    if (e) {
        char *report = loop_error_format(e);
        loop_error_delete(e);
        return report;
    }
    char *report = run_case(t, j, c);
    lp_case_delete(c);
    return report;
}

/* ---- the language's own ---- */

static char *run_own(lp_build_job *j)
{
    const lp_build_command c = {.argv = j->row->test_command, .deadline_ms = COMMAND_MS};
    loop_error *e = lp_build_tool(j, &c);
    if (!e)
        return NULL;
    lp_auto(lp_free_string) char *why = loop_error_format(e);
    loop_error_delete(e);
    return lp_format("%s%s%s", j->said.len ? j->said.ptr : "",
                     j->said.len && j->said.ptr[j->said.len - 1] != '\n' ? "\n" : "", why);
}

/* "greets" of "tests/greets.yaml", "deep/er" of "tests/deep/er.yaml"; malloced. */
static char *name_of(const test *one)
{
    if (!one->file)
        return lp_strdup(one->row->test_command[0]);
    const char *below = lp_path_below(one->file, one->row->tests);
    return lp_strndup(below, strlen(below) - strlen(".yaml"));
}

static void work(lp_pool *pool, size_t i)
{
    struct tests *t = (struct tests *)pool;
    const test *one = &t->list.at[i];
    lp_build_job j = {.run = &t->run, .row = one->row, .root = t->place->root};
    uint64_t before = lp_os_now_ns();
    char *report = one->file ? run_file(t, &j, one->file) : run_own(&j);
    struct told *told = lp_alloc(sizeof *told);
    *told = (struct told){one, !report, name_of(one), report, (lp_os_now_ns() - before) / 1000000};
    lp_build_job_done(&j);
    lp_pool_say(pool, told);
}

static void heard(lp_pool *pool, void *news)
{
    struct tests *t = (struct tests *)pool;
    struct told *told = news;
    t->result.passed += told->passed;
    t->result.failed += !told->passed;
    const loop_test_event event = {.component = told->test->row->name,
                                   .name = told->name,
                                   .passed = told->passed,
                                   .report = told->report,
                                   .ms = told->ms,
                                   .done = t->result.passed + t->result.failed,
                                   .total = pool->count};
    if (t->options->event && !atomic_load(&pool->stopped))
        t->options->event(t->options->data, &event);
    free(told->name);
    free(told->report);
    free(told);
}

/* ---- all of them ---- */

static loop_error *gather(struct tests *t, const loop_component_config *const *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i]->test_command)
            *lp_push(&t->list) = (test){rows[i], NULL};
        if (rows[i]->tests)
            LP_TRY(add_cases(t, rows[i]));
    }
    if (t->list.n)
        return NULL;
    return loop_error_hint_set(loop_error_new(LOOP_NOT_FOUND, "there is no test"),
                               "a test is a file *.yaml in the folder that `tests` of a component "
                               "names; `loop test --help` shows one");
}

loop_error *lp_test(const lp_build_place *place, const loop_component_config *const *rows,
                    size_t count, const loop_test_options *options, loop_test_result *ret)
{
    static const loop_build_options no_options = {0};
    struct tests t = {.pool = {.work = work,
                               .heard = heard,
                               .stop = options->stop,
                               .data = options->data,
                               .jobs = options->jobs},
                      .run = {.place = place, .options = &no_options, .pool = &t.pool},
                      .place = place,
                      .options = options};
    loop_error *e = gather(&t, rows, count);
    t.pool.count = t.list.n;
    if (!e)
        e = lp_pool_run(&t.pool);
    if (!e && atomic_load(&t.pool.stopped))
        e = loop_error_new(LOOP_CANCELLED, "the tests were stopped");
    for (size_t i = 0; i < t.list.n; i++)
        free(t.list.at[i].file);
    free(t.list.at);
    if (!e)
        *ret = t.result;
    return e;
}
