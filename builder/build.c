/*
 * builder/build.c: several components at a time, and what is told of them.
 *
 * A thread a job takes components one after the other. What they tell goes through a list to
 * the thread that called, which hands it on: whoever listens needs no lock and is never called
 * twice at a time. The first error is kept; the others were told.
 */
#include <stdlib.h>

#include "builder/internal.h"

#define TICK_MS 80 /* how often `stop` is asked */

struct told {
    loop_build_event event; /* its texts are its own */
    loop_error *error;
};

struct lp_build_talk {
    lp_os_mutex *lock;
    lp_os_cond *news;
    struct {
        struct told *at;
        size_t n, cap;
    } list;
    const loop_component_config *const *rows;
    size_t next, count, done, workers;
    loop_error *first; /* the first error, a copy */
    size_t failed;
};

static char *copy(const char *text)
{
    return text ? lp_strdup(text) : NULL;
}

static void push(lp_build_run *run, loop_build_event event, loop_error *error)
{
    struct lp_build_talk *t = run->talk;
    event.text = copy(event.text);
    event.output = copy(event.output);
    lp_os_mutex_lock(t->lock);
    *lp_push(&t->list) = (struct told){event, error};
    lp_os_cond_signal(t->news);
    lp_os_mutex_unlock(t->lock);
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
    push(j->run, event, NULL);
}

/* ---- a worker ---- */

static void one(lp_build_run *run, const loop_component_config *row)
{
    lp_build_job j = {.run = run, .row = row, .dry = run->options->dry_run};
    loop_error *e = lp_build_one(&j);
    if (e) {
        e = loop_error_wrap(e, "cannot build '%s'", row->name);
        push(run,
             (loop_build_event){.kind = LOOP_BUILD_FAILED,
                                .component = row->name,
                                .output = j.said.len ? j.said.ptr : NULL},
             e);
    }
    lp_buf_done(&j.commands);
    lp_buf_done(&j.said);
    lp_build_inputs_done(&j.found);
    lp_arena_done(&j.arena);
}

static void work(void *data)
{
    lp_build_run *run = data;
    struct lp_build_talk *t = run->talk;
    lp_os_mutex_lock(t->lock);
    while (t->next < t->count && !atomic_load(&run->stopped)) {
        const loop_component_config *row = t->rows[t->next++];
        lp_os_mutex_unlock(t->lock);
        one(run, row);
        lp_os_mutex_lock(t->lock);
    }
    t->workers--;
    lp_os_cond_signal(t->news);
    lp_os_mutex_unlock(t->lock);
}

/* ---- the calling thread ---- */

static bool is_end(loop_build_kind kind)
{
    return kind == LOOP_BUILD_FRESH || kind == LOOP_BUILD_DONE || kind == LOOP_BUILD_FAILED ||
           kind == LOOP_BUILD_PLANNED;
}

static void hand_on(lp_build_run *run, struct told *told, const uint64_t *started)
{
    struct lp_build_talk *t = run->talk;
    const loop_build_options *o = run->options;
    loop_build_event *event = &told->event;
    t->done += is_end(event->kind);
    event->done = t->done;
    event->total = t->count;
    event->error = told->error;
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->rows[i]->name, event->component) == 0)
            event->ms = started[i] ? (lp_os_now_ns() - started[i]) / 1000000 : 0;
    if (o->event)
        o->event(o->data, event);
    if (told->error) {
        t->failed++;
        if (t->first)
            loop_error_delete(told->error);
        else
            t->first = told->error;
    }
    free((char *)event->text);
    free((char *)event->output);
}

static void note_start(const struct lp_build_talk *t, const struct told *told, uint64_t *started)
{
    for (size_t i = 0; told->event.kind == LOOP_BUILD_STARTED && i < t->count; i++)
        if (strcmp(t->rows[i]->name, told->event.component) == 0)
            started[i] = lp_os_now_ns();
}

/* Until every worker has ended and all is told. */
static void listen(lp_build_run *run, uint64_t *started)
{
    struct lp_build_talk *t = run->talk;
    lp_os_mutex_lock(t->lock);
    while (t->workers || t->list.n) {
        __typeof__(t->list) list = t->list;
        memset(&t->list, 0, sizeof t->list);
        lp_os_mutex_unlock(t->lock);
        for (size_t i = 0; i < list.n; i++) {
            note_start(t, &list.at[i], started);
            hand_on(run, &list.at[i], started);
        }
        free(list.at);
        if (run->options->stop && run->options->stop(run->options->data))
            atomic_store(&run->stopped, true);
        lp_os_mutex_lock(t->lock);
        if (t->workers && !t->list.n)
            lp_os_cond_wait(t->news, t->lock, lp_os_now_ns() + TICK_MS * 1000000ull);
    }
    lp_os_mutex_unlock(t->lock);
}

static loop_error *start(lp_build_run *run, lp_os_thread **threads, size_t count)
{
    struct lp_build_talk *t = run->talk;
    for (size_t i = 0; i < count; i++) {
        lp_os_mutex_lock(t->lock);
        t->workers++;
        lp_os_mutex_unlock(t->lock);
        loop_error *e = lp_os_thread_start(work, run, 0, &threads[i]);
        if (!e)
            continue;
        lp_os_mutex_lock(t->lock);
        t->workers--;
        lp_os_mutex_unlock(t->lock);
        if (!i)
            return e;
        loop_error_delete(e); /* fewer at a time */
        break;
    }
    return NULL;
}

static loop_error *outcome(lp_build_run *run)
{
    struct lp_build_talk *t = run->talk;
    if (atomic_load(&run->stopped)) {
        loop_error_delete(t->first);
        return loop_error_new(LOOP_CANCELLED, "the build was stopped");
    }
    return t->first;
}

loop_error *lp_build(const lp_build_place *place, const loop_component_config *const *rows,
                     size_t count, const loop_build_options *options)
{
    struct lp_build_talk talk = {
        .lock = lp_os_mutex_new(), .news = lp_os_cond_new(), .rows = rows, .count = count};
    lp_build_run run = {.place = place, .options = options, .talk = &talk};
    unsigned jobs = options->jobs ? options->jobs : lp_os_processors();
    size_t threads = LP_MIN(LP_MIN((size_t)jobs, count), (size_t)LP_MAX_BUILD_JOBS);
    lp_os_thread **list = lp_alloc((threads + 1) * sizeof *list);
    uint64_t *started = lp_alloc((count + 1) * sizeof *started);
    loop_error *e = start(&run, list, threads);
    listen(&run, started);
    for (size_t i = 0; i < threads; i++)
        lp_os_thread_join(list[i]);
    if (!e)
        e = outcome(&run);
    lp_os_cond_delete(talk.news);
    lp_os_mutex_delete(talk.lock);
    free(list);
    free(started);
    return e;
}
