/*
 * base/base.h: what every room of the house uses: memory, strings, lists.
 *
 * Memory: allocation either works or ends the process with a message
 * (lp_alloc and friends), except for sizes that come from outside: those are
 * checked against a limit of limits.h before anything is allocated. Arenas are
 * named by life (host, component, instance, call) and freed as a whole.
 */
#ifndef LP_BASE_H
#define LP_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/limits.h"
#include "loop/error.h"

#define LP_COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define LP_MIN(a, b) ((a) < (b) ? (a) : (b))
#define LP_MAX(a, b) ((a) > (b) ? (a) : (b))

/* Runs `return` of an error where a call failed. */
#define LP_TRY(expr)                                                                               \
    do {                                                                                           \
        loop_error *lp_try_error = (expr);                                                         \
        if (lp_try_error)                                                                          \
            return lp_try_error;                                                                   \
    } while (0)

/* Cleanup at the end of the scope: `lp_auto(lp_free_string) char *s = ...` */
#define lp_auto(fn) __attribute__((cleanup(fn)))
void lp_free_string(char **s);
void lp_free_error(loop_error **e);

/* Hands a pointer over and forgets it. */
#define lp_take(pp)                                                                                \
    __extension__({                                                                                \
        __typeof__(*(pp)) lp_taken = *(pp);                                                        \
        *(pp) = NULL;                                                                              \
        lp_taken;                                                                                  \
    })

/* Zeroed memory, never NULL: the process ends when there is none. */
void *lp_alloc(size_t size);
void *lp_realloc(void *p, size_t size);
char *lp_strdup(const char *s);
char *lp_strndup(const char *s, size_t n);
char *lp_format(const char *fmt, ...) LOOP_PRINTF(1, 2);
char *lp_vformat(const char *fmt, va_list ap);

/* A view of text that somebody else owns; not terminated. */
typedef struct lp_str {
    const char *ptr;
    size_t len;
} lp_str;
#define LP_STR(lit) ((lp_str){(lit), sizeof(lit) - 1})
lp_str lp_str_of(const char *s);
bool lp_str_eq(lp_str a, lp_str b);
bool lp_str_is(lp_str a, const char *b);
bool lp_starts_with(const char *s, const char *prefix);

/* An error with a code of its own, whatever its cause's (taken). The hint is not taken over. */
loop_error *lp_error_because(loop_code code, loop_error *cause, const char *fmt, ...)
    LOOP_PRINTF(3, 4) LOOP_MUST_USE;

/* The same error once more, for somebody else; NULL of NULL. */
loop_error *lp_error_copy(const loop_error *e);

/* Growing text, always terminated. Zero-initialise; lp_buf_done frees. */
typedef struct lp_buf {
    char *ptr;
    size_t len, cap;
} lp_buf;
void lp_buf_add(lp_buf *b, const void *p, size_t n);
void lp_buf_puts(lp_buf *b, const char *s);
void lp_buf_printf(lp_buf *b, const char *fmt, ...) LOOP_PRINTF(2, 3);
/* `s` as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void lp_buf_json(lp_buf *b, const char *s, size_t n);
char *lp_buf_take(lp_buf *b);
void lp_buf_done(lp_buf *b);

/*
 * Growing arrays of any type: `struct { T *at; size_t n, cap; } list;`
 * lp_push returns a pointer to the new, zeroed element.
 */
#define lp_push(list)                                                                              \
    ((__typeof__((list)->at))lp_grow((void **)&(list)->at, &(list)->n, &(list)->cap,               \
                                     sizeof *(list)->at))
void *lp_grow(void **at, size_t *n, size_t *cap, size_t size);

/* An arena: allocate many, free all at once. Zero-initialise. */
typedef struct lp_arena {
    struct lp_block *head;
    size_t used; /* bytes handed out, for limits */
    /* Where blocks come from and go with, so that _done and _reset are not for it; NULL: the heap.
     */
    void *(*more)(void *data, size_t size);
    void *data;
} lp_arena;
/* Zeroed, aligned to 16; NULL only when `size` is over LP_MAX_ARENA_BLOCK. */
void *lp_arena_alloc(lp_arena *a, size_t size);
/* The same, not zeroed. */
void *lp_arena_take(lp_arena *a, size_t size);
char *lp_arena_strndup(lp_arena *a, const char *s, size_t n);
/* A copy of a list of texts that ends with NULL; of NULL, NULL. */
const char *const *lp_arena_list(lp_arena *a, const char *const *list);
void lp_arena_done(lp_arena *a);
/* Frees everything but one block of at most `keep` bytes, which is used again. */
void lp_arena_reset(lp_arena *a, size_t keep);

/* How far apart two names are (Levenshtein; at most LP_MAX_NAME bytes each). */
unsigned lp_edit_distance(const char *a, const char *b);

/* Length of the well-formed UTF-8 sequence at `s` (Unicode 15, table 3-7); 0 where there is none.
 */
size_t lp_utf8_sequence(const char *s, size_t n);
/* Whether all `n` bytes are such sequences. */
bool lp_utf8_valid(const char *s, size_t n);

/*
 * Sizes and durations as people write them: "64MiB", "1500", "2GiB";
 * "5s", "250ms", "2m", "1h". False where the text is anything else or too big.
 */
bool lp_parse_size(const char *s, uint64_t *ret_bytes);
bool lp_parse_duration(const char *s, uint64_t *ret_ms);
/* The other way: "64 KiB", "1.5 MiB"; malloced. */
char *lp_size_text(uint64_t bytes);

#endif
