/*
 * tests/swap/faulty.c: the store of providers/memory, which fails once, in one way, at one point of
 * a swap: its option `how` is "POINT:WAY" or "POINT:WAY:N", at the Nth time that it comes there.
 * Linked in (FAULTY_LINKED_IN), or a sidecar.
 *
 *     detect open health                   of the new one, before it takes over
 *     restore restore-middle restore-end   before it reads, after some bytes, when all is done
 *     restore-object call                  of the new one
 *     quiesce save save-middle save-object of the old one
 *
 *     fail    an error            hang    until it is ended, or released
 *     exit    the process ends
 *     rubbish what no store would write (save, save-object)
 *     short   half of a state (save, linked in)
 *     slow    takes 400 ms        invalid, full: errors as a store has them
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "providers/memory/memory.h"
#include "providers/storage/front.h"
#ifdef FAULTY_LINKED_IN
#include "base/stream.h"
#include "tests/swap/faulty.h"
#else
#include <loop_sidecar.h>
#include <stdatomic.h>
static atomic_bool faulty_release;
static atomic_uint faulty_opened, faulty_closed, faulty_quiesced, faulty_resumed;
#endif

#ifdef FAULTY_LINKED_IN
atomic_bool faulty_release;
atomic_uint faulty_opened, faulty_closed, faulty_quiesced, faulty_resumed;
#endif

/* One object at a time; a thread that hung may still look at what was the last one's. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    char point[24], way[16];
    int left; /* 1: the next time */
} how;

static void read_how(const loop_services *services)
{
    const char *text = services->option(services->host, "how");
    int n = 1;
    pthread_mutex_lock(&lock);
    how.point[0] = how.way[0] = 0;
    if (text && sscanf(text, "%23[^:]:%15[^:]:%d", how.point, how.way, &n) < 2)
        how.point[0] = 0;
    how.left = n;
    pthread_mutex_unlock(&lock);
}

static void nap(unsigned ms)
{
    nanosleep(&(struct timespec){ms / 1000, (long)(ms % 1000) * 1000000}, NULL);
}

/* Whether it is to fail at `point`; in that way, where one is named. */
static bool is_for(const char *point, const char *way)
{
    pthread_mutex_lock(&lock);
    bool is = strcmp(how.point, point) == 0 && (!way || strcmp(how.way, way) == 0);
    pthread_mutex_unlock(&lock);
    return is;
}

/* Whether now is the time; *ret_way, where it is asked for, is the way. */
static bool is_due(const char *point, char *ret_way)
{
    pthread_mutex_lock(&lock);
    bool due = strcmp(how.point, point) == 0 && --how.left == 0;
    if (ret_way)
        strcpy(ret_way, how.way);
    pthread_mutex_unlock(&lock);
    return due;
}

static loop_error *act(const char *point)
{
    char way[16];
    if (!is_due(point, way))
        return NULL;
    if (strcmp(way, "hang") == 0)
        while (!faulty_release)
            nap(5);
    if (strcmp(way, "slow") == 0) {
        nap(400);
        return NULL;
    }
#ifndef FAULTY_LINKED_IN
    if (strcmp(way, "exit") == 0)
        _exit(7);
#endif
    if (strcmp(way, "invalid") == 0)
        return loop_error_new(LOOP_INVALID, "a state that nobody can read");
    if (strcmp(way, "full") == 0)
        return loop_error_new(LOOP_DENIED, "there is something already");
    return loop_error_new(LOOP_IO, "the shelf at '%s' broke", point);
}

/* ---- the provider ---- */

static const loop_provider_swap *memory(void)
{
    return lp_provider_memory.swap;
}

static loop_error *detect(const loop_services *services)
{
    read_how(services);
    return act("detect");
}

static loop_error *open_faulty(const loop_services *services, void **ret_self)
{
    read_how(services);
    LP_TRY(act("open"));
    LP_TRY(lp_provider_memory.open(services, ret_self));
    faulty_opened++;
    return NULL;
}

static void close_faulty(void *self)
{
    lp_provider_memory.close(self);
    faulty_closed++;
}

static loop_error *call_faulty(void *self, loop_call *call, const loop_interface *interface,
                               size_t row, const void *args, void *ret)
{
    LP_TRY(act("call"));
    return interface->functions[row].call(&lp_storage_functions, self, call, args, ret);
}

static void drop(void *self, const loop_interface *interface, size_t resource, void *object)
{
    (void)interface, (void)resource;
    lp_storage_functions.bucket_drop(self, object);
}

static loop_error *quiesce(void *self)
{
    faulty_quiesced++;
    LP_TRY(act("quiesce"));
    return memory()->quiesce ? memory()->quiesce(self) : NULL;
}

static void resume(void *self)
{
    faulty_resumed++;
    if (memory()->resume)
        memory()->resume(self);
}

static loop_error *write_rubbish(loop_stream *to)
{
    static const char rubbish[] = "this is no state, and it has no end \377\377\377\377\377\377";
    return loop_stream_write(to, rubbish, sizeof rubbish);
}

#ifdef FAULTY_LINKED_IN
static loop_error *write_half(void *self, const loop_interface *interface, loop_pass pass,
                              loop_stream *to)
{
    loop_stream *all = lp_stream_box(64u << 20);
    loop_error *e = memory()->save(self, interface, pass, all);
    lp_stream_end(all);
    for (uint64_t left = lp_stream_total(all) / 2; left && !e;) {
        char piece[4096];
        size_t n;
        e = loop_stream_read(all, piece, left < sizeof piece ? left : sizeof piece, &n);
        if (!e)
            e = loop_stream_write(to, piece, n);
        left -= n;
    }
    lp_stream_delete(all);
    return e;
}
#endif

static loop_error *save(void *self, const loop_interface *interface, loop_pass pass,
                        loop_stream *to)
{
    if (is_for("save", "rubbish"))
        return is_due("save", NULL) ? write_rubbish(to) : memory()->save(self, interface, pass, to);
#ifdef FAULTY_LINKED_IN
    if (is_for("save", "short"))
        return is_due("save", NULL) ? write_half(self, interface, pass, to)
                                    : memory()->save(self, interface, pass, to);
#endif
    LP_TRY(act("save"));
    if (is_for("save-middle", NULL) && is_due("save-middle", NULL)) {
        LP_TRY(write_rubbish(to));
        return loop_error_new(LOOP_IO, "the shelf at 'save-middle' broke");
    }
    return memory()->save(self, interface, pass, to);
}

static loop_error *restore(void *self, const loop_interface *interface, loop_pass pass,
                           loop_stream *from)
{
    LP_TRY(act("restore"));
    if (is_for("restore-middle", NULL)) {
        char some[64];
        size_t n;
        LP_TRY(loop_stream_read(from, some, sizeof some, &n));
        LP_TRY(act("restore-middle"));
    }
    LP_TRY(memory()->restore(self, interface, pass, from));
    return act("restore-end");
}

static loop_error *save_object(void *self, const loop_interface *interface, size_t resource,
                               void *object, loop_stream *to)
{
    if (is_for("save-object", "rubbish")) {
        if (is_due("save-object", NULL))
            return write_rubbish(to);
    } else {
        LP_TRY(act("save-object"));
    }
    return memory()->save_object(self, interface, resource, object, to);
}

static loop_error *restore_object(void *self, const loop_interface *interface, size_t resource,
                                  loop_stream *from, void **ret_object)
{
    LP_TRY(act("restore-object"));
    return memory()->restore_object(self, interface, resource, from, ret_object);
}

static loop_error *health(void *self)
{
    (void)self;
    return act("health");
}

static const loop_provider_swap swap = {
    .copies = true,
    .quiesce = quiesce,
    .resume = resume,
    .save = save,
    .restore = restore,
    .save_object = save_object,
    .restore_object = restore_object,
    .health = health,
};

#ifndef FAULTY_LINKED_IN
static
#endif
    const loop_provider faulty_provider = {
        .abi = LOOP_PROVIDER_ABI,
#ifdef FAULTY_LINKED_IN
        .name = "faulty",
#else
    .name = "frail",
#endif
        .summary = "a store that fails once",
        .interfaces =
            (const loop_provider_interface[]){{&loop_storage_store_interface, NULL}, {NULL, NULL}},
        .threads = LOOP_THREADS_ANY,
        .options =
            (const loop_provider_option[]){{"how", "string", NULL, "not:at-all", "POINT:WAY:N"},
                                           {NULL, NULL, NULL, NULL, NULL}},
        .detect = detect,
        .open = open_faulty,
        .close = close_faulty,
        .call = call_faulty,
        .drop = drop,
        .swap = &swap,
};

#ifndef FAULTY_LINKED_IN
int main(void)
{
    return loop_sidecar_main(&faulty_provider, "1");
}
#endif
