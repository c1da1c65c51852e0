/*
 * host/given.c: streams and pollables of wasi:io that a provider gives to a component, and the
 * component's directories as descriptors.
 *
 * A stream of wasi:io is the engine's: a component passes it to WASI's functions, which know no
 * other. So a provider hands over a descriptor and answers what stands for it, a pointer into the
 * memory of the call; when the answer is put, the engine makes a resource of a copy, in the
 * component's own table. What was given and not answered is closed with the call.
 */
#include <stdlib.h>

#include "base/os/process.h"
#include "base/path.h"
#include "host/internal.h"

struct lp_given {
    lp_io io;
    int descriptor;
    bool taken; /* it is a part of the answer */
};

static void *give(loop_call *call, lp_io io, int descriptor)
{
    struct lp_body *b = lp_call_body(call);
    struct lp_given *g = descriptor < 0 ? NULL : loop_call_alloc(call, sizeof *g);
    if (!g) {
        lp_os_descriptor_close(descriptor);
        return NULL;
    }
    if (io == LP_IO_OUTPUT)
        lp_os_hold_sigpipe(); /* the engine writes to it on this thread, which may be anybody's */
    *g = (struct lp_given){io, descriptor, false};
    *lp_push(&b->given) = g;
    return g;
}

void *loop_call_input_stream(loop_call *call, int descriptor)
{
    return give(call, LP_IO_INPUT, descriptor);
}

void *loop_call_output_stream(loop_call *call, int descriptor)
{
    return give(call, LP_IO_OUTPUT, descriptor);
}

void *loop_call_pollable(loop_call *call, int descriptor)
{
    return give(call, LP_IO_POLLABLE, descriptor);
}

loop_error *lp_given_take(struct lp_body *b, lp_io io, const void *object, uint32_t *ret_descriptor)
{
    for (size_t n = 0; n < b->given.n; n++) {
        struct lp_given *g = b->given.at[n];
        if (g != object || g->taken || g->io != io)
            continue;
        g->taken = true;
        *ret_descriptor = (uint32_t)g->descriptor;
        return NULL;
    }
    return loop_error_new(LOOP_UNAVAILABLE, "a stream that was not made in this call");
}

void lp_given_close(struct lp_body *b)
{
    for (size_t n = 0; n < b->given.n; n++)
        lp_os_descriptor_close(b->given.at[n]->descriptor);
    b->given.n = 0;
}

/* ---- directories ---- */

loop_error *lp_directories_open(struct lp_body *b)
{
    b->directories = lp_arena_alloc(&b->arena, (b->dirs.n + 1) * sizeof *b->directories);
    for (size_t n = 0; n < b->dirs.n; n++)
        b->directories[n] = -1;
    for (size_t n = 0; n < b->dirs.n; n++) {
        lp_guest_dir *dir = &b->dirs.at[n];
        loop_error *err = lp_os_directory_open(dir->host, &b->directories[n]);
        if (err && loop_error_code(err) == LOOP_DENIED)
            return loop_error_hint_set(err, "it was none when it was granted: who may write to "
                                            "the folder above has put another in its place");
        if (err)
            return loop_error_hint_set(err, "check that it is there and readable");
        lp_auto(lp_free_string) char *path = lp_os_descriptor_path(b->directories[n]);
        dir->open = path ? lp_arena_strndup(&b->arena, path, strlen(path)) : NULL;
    }
    return NULL;
}

void lp_directories_close(struct lp_body *b)
{
    for (size_t n = 0; b->directories && n < b->dirs.n; n++)
        lp_os_descriptor_close(b->directories[n]);
    b->directories = NULL;
}

/* The one that a line grants; -1: it was not handed out. */
static int directory_of(const struct lp_body *b, const loop_grant *by)
{
    for (size_t n = 0; by && b->directories && n < b->dirs.n; n++)
        if (strcmp(b->dirs.at[n].guest, by->guest) == 0)
            return b->directories[n];
    return -1;
}

loop_error *loop_call_directory(loop_call *call, loop_string path, int *ret)
{
    struct lp_body *b = lp_call_body(call);
    lp_auto(lp_free_string) char *text = lp_strndup(path.ptr ? path.ptr : "", path.len);
    if (strlen(text) != path.len)
        return loop_error_new(LOOP_INVALID, "a path with a zero byte in it");
    loop_decision d;
    lp_body_decide(b, &(loop_request){.kind = LOOP_GRANT_DIR, .name = text}, &d);
    int dir = d.allowed ? directory_of(b, d.by) : -1;
    if (dir < 0) {
        const char *why = d.allowed ? "its directory was not handed out" : d.reason;
        return loop_error_hint_set(loop_error_new(LOOP_DENIED, "%s", why), "%s",
                                   d.allowed ? "" : d.hint);
    }
    lp_auto(lp_free_string) char *normal = lp_path_normal(text);
    loop_error *err = lp_os_directory_beneath(dir, lp_path_below(normal, d.by->guest), ret);
    return err ? loop_error_wrap(err, "cannot enter the directory '%s'", text) : NULL;
}
