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
    wasm_byte_vec_t v = {0};
    lpx_error_chain(e, &v);
    wasmtime_error_delete(e);
    lp_auto(lp_free_string) char *lines = take_text(&v);
    lp_buf joined = {0};
    for (char *line = lines, *end; *line; line = end) {
        end = line + strcspn(line, "\n");
        lp_buf_printf(&joined, "%s%.*s", joined.len ? ": " : "", (int)(end - line), line);
        end += *end == '\n';
    }
    return lp_buf_take(&joined);
}

struct frames {
    struct {
        char **at;
        size_t n, cap;
    } lines;
    unsigned repeated; /* how often the last line came again: recursion */
};

static void end_repetition(struct frames *f)
{
    if (f->repeated)
        *lp_push(&f->lines) = lp_format("at ... (%u more of the same)", f->repeated);
    f->repeated = 0;
}

static void add_line(struct frames *f, char *line)
{
    if (f->lines.n && strcmp(f->lines.at[f->lines.n - 1], line) == 0) {
        f->repeated++;
        free(line);
        return;
    }
    end_repetition(f);
    *lp_push(&f->lines) = line;
}

static void on_frame(void *data, const lpx_frame *f)
{
    struct frames *frames = data;
    int name_len = (int)LP_MIN(f->function.len, (size_t)LP_MAX_NAME);
    if (frames->lines.n >= LP_MAX_FRAMES)
        return;
    if (f->line)
        add_line(frames, lp_format("at %.*s (%.*s:%u:%u)", name_len, f->function.ptr,
                                   (int)LP_MIN(f->file.len, (size_t)LP_MAX_PATH), f->file.ptr,
                                   f->line, f->column));
    else
        add_line(frames, lp_format("at %.*s (offset 0x%llx)", name_len, f->function.ptr,
                                   (unsigned long long)f->offset));
}

static const char *trap_hint(int trap)
{
    switch (trap) {
    case WASMTIME_TRAP_CODE_STACK_OVERFLOW: return "look for a recursion without end";
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
    end_repetition(&frames);
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
    return lp_error_of_guest("the component", e, LOOP_INTERNAL);
}

loop_error *lp_error_of_guest(const char *name, wasmtime_error_t *e, loop_code otherwise)
{
    wasm_byte_vec_t v = {0};
    lpx_error_root(e, &v);
    lp_auto(lp_free_string) char *root = take_text(&v);
    int trap = lpx_error_trap(e);
    loop_error *err;
    if (trap >= 0) {
        const char *reason = lp_starts_with(root, "wasm trap: ") ? root + 11 : root;
        lp_auto(lp_free_string) char *message = lp_format("%s trapped: %s", name, reason);
        err = loop_error_hint_set(with_frames(e, LOOP_TRAP, message), "%s", trap_hint(trap));
    } else {
        /* With frames the guest did it (a bad handle, say). */
        err = with_frames(e, LOOP_TRAP, root);
        if (!loop_error_cause(err)) {
            loop_error_delete(err);
            err = loop_error_new(otherwise, "%s", root);
        }
    }
    wasmtime_error_delete(e);
    return err;
}
