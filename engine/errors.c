/*
 * engine/errors.c: Wasmtime's errors as loop's.
 *
 * A trap becomes LOOP_TRAP with its reason and one cause a frame of the guest,
 * innermost first. Frames of the host are never shown.
 */
#include "engine/internal.h"

#include <stdlib.h>

static char *take_text(wasm_byte_vec_t *v)
{
    char *s = lp_strndup(v->data, v->size);
    wasm_byte_vec_delete(v);
    return s;
}

char *lp_error_text(wasmtime_error_t *e)
{
    wasm_byte_vec_t v;
    lpx_error_chain(e, &v);
    wasmtime_error_delete(e);
    char *s = take_text(&v);
    for (char *p = s; *p; p++)
        if (*p == '\n')
            *p = ';';
    return s;
}

struct frames {
    struct {
        char **at;
        size_t n, cap;
    } lines;
};

static void on_frame(void *data, const lpx_frame *f)
{
    struct frames *frames = data;
    if (frames->lines.n > LP_MAX_FRAMES)
        return;
    char **line = lp_push(&frames->lines);
    if (frames->lines.n > LP_MAX_FRAMES)
        *line = lp_strdup("at ... (more frames)");
    else if (f->line)
        *line = lp_format("at %.*s (%.*s:%u:%u)", (int)f->function.len, f->function.ptr,
                          (int)f->file.len, f->file.ptr, f->line, f->column);
    else
        *line = lp_format("at %.*s (offset 0x%llx)", (int)f->function.len, f->function.ptr,
                          (unsigned long long)f->offset);
}

static const char *trap_hint(int trap)
{
    switch (trap) {
    case WASMTIME_TRAP_CODE_STACK_OVERFLOW:
        return "look for a recursion without end; a component has 1 MiB of stack";
    case WASMTIME_TRAP_CODE_UNREACHABLE_CODE_REACHED:
        return "an abort, a failed assertion or a panic: the component's own message is above";
    case WASMTIME_TRAP_CODE_MEMORY_OUT_OF_BOUNDS:
        return "a wild pointer in the component; build it with -g for files and lines";
    default: return "the fault is in the component; build it with -g for files and lines";
    }
}

/* The frames become causes, the outermost deepest in the chain. */
static loop_error *with_frames(wasmtime_error_t *e, loop_code code, const char *message)
{
    struct frames frames = {0};
    lpx_error_frames(e, on_frame, &frames);
    loop_error *err = NULL;
    for (size_t i = frames.lines.n; i-- > 0;) {
        err = err ? loop_error_wrap(err, "%s", frames.lines.at[i])
                  : loop_error_new(code, "%s", frames.lines.at[i]);
        free(frames.lines.at[i]);
    }
    free(frames.lines.at);
    return err ? loop_error_wrap(err, "%s", message) : loop_error_new(code, "%s", message);
}

loop_error *lp_error_of(wasmtime_error_t *e)
{
    wasm_byte_vec_t v;
    lpx_error_root(e, &v);
    lp_auto(lp_free_string) char *root = take_text(&v);
    int trap = lpx_error_trap(e);
    loop_error *err;
    if (trap >= 0) {
        const char *reason = lp_starts_with(root, "wasm trap: ") ? root + 11 : root;
        lp_auto(lp_free_string) char *message = lp_format("the component trapped: %s", reason);
        err = loop_error_hint_set(with_frames(e, LOOP_TRAP, message), "%s", trap_hint(trap));
    } else {
        err = with_frames(e, LOOP_TRAP, root);
    }
    wasmtime_error_delete(e);
    return err;
}
