/*
 * loop/error.h: how every loop function reports failure.
 *
 * A function that can fail returns `loop_error *`. NULL is success and costs
 * nothing. Anything else is owned by the caller, who prints it, wraps it in a
 * further error or deletes it; it is never stored by loop. On failure the
 * function's outputs are untouched.
 *
 * An error has a code (few and broad; also the exit status of the `loop`
 * command), a message (what was being done), a chain of causes (why) and, where
 * a person can act, a hint (what to do next).
 *
 * Threads: an error belongs to one thread at a time; it may be handed over.
 * Memory: loop ends the process when the system has none left; sizes that come
 * from outside are checked against limits before anything is allocated.
 */
#ifndef LOOP_ERROR_H
#define LOOP_ERROR_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) || defined(__clang__)
#define LOOP_MUST_USE __attribute__((warn_unused_result))
#define LOOP_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define LOOP_MUST_USE
#define LOOP_PRINTF(fmt, args)
#endif
#if defined(_WIN32)
#define LOOP_API __declspec(dllexport)
#elif defined(__GNUC__) || defined(__clang__)
#define LOOP_API __attribute__((visibility("default")))
#else
#define LOOP_API
#endif

/* One meaning each. The numbers are loop's exit statuses and stay as they are. */
typedef enum loop_code {
    LOOP_OK = 0,
    LOOP_USAGE = 64,       /* the command line is wrong */
    LOOP_INVALID = 65,     /* the input is not a component, or is damaged */
    LOOP_NOT_FOUND = 66,   /* no such file, component or export */
    LOOP_MISSING = 67,     /* an import that nobody serves */
    LOOP_UNAVAILABLE = 69, /* what serves it does not work here or now */
    LOOP_INTERNAL = 70,    /* a defect of loop itself; please report it */
    LOOP_SYSTEM = 71,      /* the operating system refused: memory, threads */
    LOOP_TRAP = 72,        /* the component trapped */
    LOOP_TIMEOUT = 73,     /* a deadline passed */
    LOOP_IO = 74,          /* reading or writing failed */
    LOOP_CANCELLED = 75,   /* Ctrl-C, or the host stopped it */
    LOOP_LIMIT = 76,       /* a named limit was reached */
    LOOP_DENIED = 77,      /* not granted */
    LOOP_CONFIG = 78,      /* loop.yaml, a profile or the environment is wrong */
} loop_code;

typedef struct loop_error loop_error;

/* A new error. `fmt` says what failed, in lower case, without a full stop. */
LOOP_API loop_error *loop_error_new(loop_code code, const char *fmt, ...)
    LOOP_PRINTF(2, 3) LOOP_MUST_USE;

/* A new error whose cause is `cause` (taken). Code and hint are the cause's. */
LOOP_API loop_error *loop_error_wrap(loop_error *cause, const char *fmt, ...)
    LOOP_PRINTF(2, 3) LOOP_MUST_USE;

/* Sets the hint of `e` and returns `e`, so that it can stand in a return. */
LOOP_API loop_error *loop_error_hint_set(loop_error *e, const char *fmt, ...)
    LOOP_PRINTF(2, 3) LOOP_MUST_USE;

/* The code. LOOP_OK for NULL. */
LOOP_API loop_code loop_error_code(const loop_error *e);
/* The outermost message; lives as long as `e`. */
LOOP_API const char *loop_error_message(const loop_error *e);
/* The hint, or NULL. */
LOOP_API const char *loop_error_hint(const loop_error *e);
/* The next cause, or NULL; owned by `e`. */
LOOP_API const loop_error *loop_error_cause(const loop_error *e);

/*
 * The whole error as people read it, lines ended by '\n':
 *
 *     error: cannot start 'photos'
 *       while opening the storage directory 'data/photos'
 *       because permission denied
 *     hint: create it, or set storage.dir in loop.yaml
 *
 * The string is the caller's, to free() with loop_free.
 */
LOOP_API char *loop_error_format(const loop_error *e);

/* Deletes `e` and its causes. NULL is fine. */
LOOP_API void loop_error_delete(loop_error *e);

/* The name of a code: "trap", "timeout". */
LOOP_API const char *loop_code_name(loop_code code);

/* Frees memory that a loop function handed over. NULL is fine. */
LOOP_API void loop_free(void *p);

#ifdef __cplusplus
}
#endif
#endif
