/*
 * host/backend_state.c: what a swap carries from a component that serves others to another one:
 * what it saves by loop:core/reload, whole, once a swap whichever of its interfaces is asked
 * about first.
 *
 *     "loop:core/reload 1\n" | version u32 | bytes of format u32 | bytes u64 | format | bytes
 *
 * Numbers are little-endian. Nobody but a component reads it: of a built-in provider the state is
 * in the format of its interface, which a component could not know.
 */
#include <stdlib.h>

#include "host/backend.h"
#include "loop/wit/core.h"

static const char magic[] = "loop:core/reload 1\n";
#define MAGIC (sizeof magic - 1)
#define HEAD (MAGIC + 4 + 4 + 8)

/* ---- on the component's thread ---- */

struct job {
    struct lp_backend_work work;
    loop_error *(*f)(lp_backend *b, struct job *j);
    lp_backend *b;
    lp_buf bytes; /* format and bytes of the state */
    loop_core_reload_state state;
    loop_error *err;
    bool done;
    lp_os_cond *told;
};

static void run_job(lp_backend *b, struct lp_backend_work *w)
{
    struct job *j = (struct job *)w;
    loop_error *err = lp_backend_well(b);
    if (!err) {
        err = j->f(b, j);
        if (b->instance->body->broken)
            lp_backend_fell(b, err);
    }
    lp_os_mutex_lock(b->lock);
    j->err = err;
    j->done = true;
    lp_os_cond_signal(j->told);
    lp_os_mutex_unlock(b->lock);
}

static loop_error *do_there(lp_backend *b, struct job *j,
                            loop_error *(*f)(lp_backend *b, struct job *j))
{
    j->work.run = run_job;
    j->f = f;
    j->told = lp_os_cond_new();
    lp_os_mutex_lock(b->lock);
    bool posted = lp_backend_post(b, &j->work);
    while (posted && !j->done)
        lp_os_cond_wait(j->told, b->lock, 0);
    lp_os_mutex_unlock(b->lock);
    lp_os_cond_delete(j->told);
    if (!posted)
        return loop_error_new(LOOP_UNAVAILABLE, "the component '%s' has ended",
                              b->table->provider.name);
    return lp_take(&j->err);
}

static loop_error *open_function(lp_backend *b, const char *name, struct loop_export **ret)
{
    static const char *const types[] = {
        "()->result<record{format:string,version:u32,bytes:list<u8>},string>",
        "(record{format:string,version:u32,bytes:list<u8>})->result<_,string>",
    };
    return lp_export_open(b->instance->body, LP_RELOAD_INTERFACE, LP_CORE_VERSION, name,
                          types[strcmp(name, "save") != 0], ret);
}

static loop_error *save_there(lp_backend *b, struct job *j)
{
    struct loop_export *f = NULL;
    loop_core_reload_result_state_string saved;
    LP_TRY(open_function(b, "save", &f));
    loop_error *err =
        loop_core_reload_call_save(&(loop_core_reload_exports){b->instance, {f, NULL}}, &saved);
    lp_export_close(f);
    if (err)
        return err;
    if (saved.is_err)
        return loop_error_new(LOOP_UNAVAILABLE, "it cannot be replaced now: %.*s",
                              (int)LP_MIN(saved.of.error.len, (size_t)LP_MAX_NAME),
                              saved.of.error.ptr);
    j->state = saved.of.ok;
    if (j->state.bytes.len > LP_MAX_STATE || j->state.format.len > LP_MAX_NAME)
        return loop_error_new(LOOP_LIMIT, "a state of %zu bytes; %u are the most",
                              j->state.bytes.len, LP_MAX_STATE);
    lp_buf_add(&j->bytes, j->state.format.ptr, j->state.format.len);
    lp_buf_add(&j->bytes, j->state.bytes.ptr, j->state.bytes.len);
    return NULL;
}

static loop_error *restore_there(lp_backend *b, struct job *j)
{
    struct loop_export *f = NULL;
    loop_core_reload_result_void_string done;
    LP_TRY(open_function(b, "restore", &f));
    loop_error *err = loop_core_reload_call_restore(
        &(loop_core_reload_exports){b->instance, {NULL, f}}, &j->state, &done);
    lp_export_close(f);
    if (!err && done.is_err)
        return loop_error_new(LOOP_INVALID, "it cannot go on from '%.*s', version %u: %.*s",
                              (int)j->state.format.len, j->state.format.ptr, j->state.version,
                              (int)LP_MIN(done.of.error.len, (size_t)LP_MAX_NAME),
                              done.of.error.ptr);
    return err;
}

/* ---- the stream ---- */

static void put_number(uint8_t *at, uint64_t n, size_t size)
{
    for (size_t i = 0; i < size; i++)
        at[i] = (uint8_t)(n >> 8 * i);
}

static uint64_t get_number(const uint8_t *at, size_t size)
{
    uint64_t n = 0;
    for (size_t i = 0; i < size; i++)
        n |= (uint64_t)at[i] << 8 * i;
    return n;
}

static loop_error *write_state(const struct job *j, loop_stream *to)
{
    uint8_t head[HEAD];
    memcpy(head, magic, MAGIC);
    put_number(head + MAGIC, j->state.version, 4);
    put_number(head + MAGIC + 4, j->state.format.len, 4);
    put_number(head + MAGIC + 8, j->state.bytes.len, 8);
    LP_TRY(loop_stream_write(to, head, sizeof head));
    return loop_stream_write(to, j->bytes.ptr ? j->bytes.ptr : "", j->bytes.len);
}

static loop_error *read_all(loop_stream *from, void *to, size_t n)
{
    size_t at = 0, some = 1;
    while (at < n && some) {
        LP_TRY(loop_stream_read(from, (uint8_t *)to + at, n - at, &some));
        at += some;
    }
    return at == n ? NULL : loop_error_new(LOOP_INVALID, "the state is cut off");
}

static loop_error *not_a_components(void)
{
    return loop_error_hint_set(
        loop_error_new(LOOP_INVALID, "the state is not that of a component"),
        "swap without the state (carry: none): the component begins with what it has");
}

static loop_error *read_state(struct job *j, loop_stream *from)
{
    uint8_t head[HEAD];
    loop_error *err = read_all(from, head, MAGIC);
    if (loop_error_code(err) == LOOP_INVALID || (!err && memcmp(head, magic, MAGIC) != 0)) {
        loop_error_delete(err);
        return not_a_components();
    }
    if (!err)
        err = read_all(from, head + MAGIC, HEAD - MAGIC);
    if (err)
        return err;
    uint64_t format = get_number(head + MAGIC + 4, 4), bytes = get_number(head + MAGIC + 8, 8);
    if (format > LP_MAX_NAME || bytes > LP_MAX_STATE)
        return loop_error_new(LOOP_LIMIT, "a state of %llu bytes", (unsigned long long)bytes);
    char *all = lp_alloc((size_t)(format + bytes) + 1);
    j->bytes = (lp_buf){all, (size_t)(format + bytes), (size_t)(format + bytes) + 1};
    j->state = (loop_core_reload_state){.format = {all, (size_t)format},
                                        .version = (uint32_t)get_number(head + MAGIC, 4),
                                        .bytes = {(uint8_t *)all + format, (size_t)bytes}};
    return read_all(from, all, (size_t)(format + bytes));
}

/* ---- what a swap asks ---- */

static loop_error *quiesce(void *self)
{
    ((lp_backend *)self)->given = false;
    return NULL;
}

static void resume(void *self)
{
    ((lp_backend *)self)->given = false;
}

static loop_error *save(void *self, const loop_interface *interface, loop_pass pass,
                        loop_stream *to)
{
    (void)interface, (void)pass; /* always WHOLE */
    lp_backend *b = self;
    struct job j = {.b = b};
    if (b->given)
        return NULL;
    b->given = true;
    loop_error *err = do_there(b, &j, save_there);
    if (!err)
        err = write_state(&j, to);
    lp_buf_done(&j.bytes);
    return err;
}

static loop_error *restore(void *self, const loop_interface *interface, loop_pass pass,
                           loop_stream *from)
{
    (void)interface, (void)pass;
    lp_backend *b = self;
    struct job j = {.b = b};
    loop_error *err = read_state(&j, from);
    if (!err)
        err = do_there(b, &j, restore_there);
    lp_buf_done(&j.bytes);
    return err;
}

static loop_error *health(void *self)
{
    return lp_backend_health(self, NULL);
}

const loop_provider_swap lp_backend_swap = {.health = health};
const loop_provider_swap lp_backend_swap_state = {
    .quiesce = quiesce, .resume = resume, .save = save, .restore = restore, .health = health};
