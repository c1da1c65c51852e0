/*
 * builder/build.c: several components at a time (pool.h), and what is told of them.
 *
 * The first error is kept; all of them are told.
 */
#include <stdlib.h>

#include "builder/internal.h"

/* What a job says. */
struct told {
    loop_build_event event; /* its texts are its own */
    loop_error *error;
};

struct build {
    lp_pool pool; /* first: workers get it */
    lp_build_run run;
    const loop_component_config *const *rows;
    uint64_t *started;
    size_t done;
    loop_error *first;
};

static char *copy(const char *text)
{
    return text ? lp_strdup(text) : NULL;
}

static void push(lp_pool *pool, loop_build_event event, loop_error *error)
{
    if (!pool) { /* nobody listens: a test of one job */
        loop_error_delete(error);
        return;
    }
    struct told *told = lp_alloc(sizeof *told);
    event.text = copy(event.text);
    event.output = copy(event.output);
    *told = (struct told){event, error};
    lp_pool_say(pool, told);
}

static uint64_t size_of(const char *path)
{
    lp_os_reader *r = lp_os_reader_open(path);
    uint64_t size = r ? lp_os_reader_size(r) : 0;
    lp_os_reader_close(r);
    return size;
}

void lp_build_tell(lp_build_job *j, loop_build_kind kind, const char *text, const char *output)
{
    loop_build_event event = {
        .kind = kind, .component = j->row->name, .text = text, .output = output};
    if (kind == LOOP_BUILD_DONE)
        event.bytes = size_of(j->output);
    push(j->run->pool, event, NULL);
}

void lp_build_job_done(lp_build_job *j)
{
    lp_buf_done(&j->commands);
    lp_buf_done(&j->said);
    lp_build_inputs_done(&j->found);
    lp_arena_done(&j->arena);
}

static void work(lp_pool *pool, size_t i)
{
    struct build *b = (struct build *)pool;
    lp_build_job j = {.run = &b->run, .row = b->rows[i], .dry = b->run.options->dry_run};
    loop_error *e = lp_build_one(&j);
    if (e) {
        e = loop_error_wrap(e, "cannot build '%s'", j.row->name);
        push(pool,
             (loop_build_event){.kind = LOOP_BUILD_FAILED,
                                .component = j.row->name,
                                .output = j.said.len ? j.said.ptr : NULL},
             e);
    }
    lp_build_job_done(&j);
}

/* ---- the calling thread ---- */

static size_t place_of(const struct build *b, const char *name)
{
    size_t i = 0;
    while (i < b->pool.count && strcmp(b->rows[i]->name, name) != 0)
        i++;
    return i;
}

static void heard(lp_pool *pool, void *news)
{
    struct build *b = (struct build *)pool;
    struct told *told = news;
    loop_build_event *event = &told->event;
    uint64_t *started = &b->started[place_of(b, event->component)];
    if (event->kind == LOOP_BUILD_STARTED)
        *started = lp_os_now_ns();
    event->ms = *started ? (lp_os_now_ns() - *started) / 1000000 : 0;
    b->done += event->kind >= LOOP_BUILD_FRESH; /* the kinds from there on are ends */
    event->done = b->done;
    event->total = pool->count;
    event->error = told->error;
    if (b->run.options->event)
        b->run.options->event(b->run.options->data, event);
    if (!b->first)
        b->first = lp_take(&told->error);
    loop_error_delete(told->error);
    free((char *)event->text);
    free((char *)event->output);
    free(told);
}

loop_error *lp_build(const lp_build_place *place, const loop_component_config *const *rows,
                     size_t count, const loop_build_options *options)
{
    struct build b = {.pool = {.work = work,
                               .heard = heard,
                               .stop = options->stop,
                               .data = options->data,
                               .count = count,
                               .jobs = options->jobs},
                      .run = {.place = place, .options = options, .pool = &b.pool},
                      .rows = rows,
                      .started = lp_alloc((count + 1) * sizeof(uint64_t))};
    loop_error *e = lp_pool_run(&b.pool);
    free(b.started);
    if (e)
        return e;
    if (!atomic_load(&b.pool.stopped))
        return b.first;
    loop_error_delete(b.first);
    return loop_error_new(LOOP_CANCELLED, "the build was stopped");
}
