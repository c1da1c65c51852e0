/*
 * counter-*: demo:counter (wit/counter.wit), one component in many versions.
 *
 * Each file defines VERSION and what is odd about it, and includes this one:
 *
 *     STRUCTURE_OF_ARRAYS  keeps its numbers in another layout
 *     FORMAT               the version of the state that it writes (1 or 2; it reads up to this)
 *     SAVE, RESTORE        statements that come first there
 *     START                statement of its constructor
 *     BINDINGS             "gen/counter.h" or one of its relatives; prefix NAME(x)
 *     PLAIN                no loop:core/reload;  NARROW: no `total`;  OTHER: one of another type
 *
 * State 1: 64 numbers of 8 bytes, little-endian. State 2: before each one 4 bytes that count the
 * calls. Holds three tokens of the host's, which it asks for again after a swap.
 */
#include BINDINGS

#include <stdlib.h>
#include <string.h>

#define WHO 64
#define TOKENS 3

#ifndef START
#define START
#endif
#ifndef SAVE
#define SAVE
#endif
#ifndef RESTORE
#define RESTORE
#endif

#ifdef STRUCTURE_OF_ARRAYS
static uint64_t sums[WHO];
static uint32_t calls[WHO];
#define SUM(n) sums[n]
#define CALLS(n) calls[n]
#else
static struct {
    uint32_t calls;
    uint64_t sum;
} rows[WHO];
#define SUM(n) rows[n].sum
#define CALLS(n) rows[n].calls
#endif

static demo_counter_tokens_own_token_t tokens[TOKENS];
static bool has_tokens;

__attribute__((constructor)) static void start(void)
{
    START;
}

static void ask_for_tokens(void)
{
    for (int n = 0; n < TOKENS && !has_tokens; n++)
        tokens[n] = demo_counter_tokens_get();
    has_tokens = true;
}

uint64_t exports_demo_counter_counts_add(uint32_t who, uint64_t by)
{
    ask_for_tokens();
    demo_counter_tokens_method_token_value(demo_counter_tokens_borrow_token(tokens[who % TOKENS]));
    CALLS(who % WHO)++;
    return SUM(who % WHO) += by;
}

#ifdef OTHER
uint32_t exports_demo_counter_counts_total(void)
{
    return 0;
}
#elif !defined(NARROW)
uint64_t exports_demo_counter_counts_total(void)
{
    uint64_t total = 0;
    for (int n = 0; n < WHO; n++)
        total += SUM(n);
    return total;
}
#endif

uint32_t exports_demo_counter_counts_version(void)
{
    return VERSION;
}

struct exports_demo_counter_counts_ticket_t {
    uint64_t number;
};

exports_demo_counter_counts_own_ticket_t exports_demo_counter_counts_take(void)
{
    static uint64_t last;
    exports_demo_counter_counts_ticket_t *t = malloc(sizeof *t);
    t->number = ++last;
    return exports_demo_counter_counts_ticket_new(t);
}

uint64_t
exports_demo_counter_counts_method_ticket_number(exports_demo_counter_counts_borrow_ticket_t self)
{
    return self->number;
}

void exports_demo_counter_counts_ticket_destructor(exports_demo_counter_counts_ticket_t *t)
{
    free(t);
}

void exports_demo_counter_counts_crash(void)
{
    __builtin_trap();
}

void exports_demo_counter_counts_spin(void)
{
    for (volatile int on = 1; on;)
        ;
}

#ifndef PLAIN
#define FORMAT_NAME "demo:counter/state"

static void say(NAME(string_t) * ret, const char *text)
{
    ret->len = strlen(text);
    ret->ptr = malloc(ret->len);
    memcpy(ret->ptr, text, ret->len);
}

bool exports_loop_core_reload_save(exports_loop_core_reload_state_t *ret, NAME(string_t) * err)
{
    (void)err;
    SAVE;
    size_t row = FORMAT == 2 ? 12 : 8;
    uint8_t *to = ret->bytes.ptr = malloc(WHO * row);
    ret->bytes.len = WHO * row;
    for (int n = 0; n < WHO; n++, to += row) {
        if (FORMAT == 2)
            memcpy(to, &CALLS(n), 4);
        memcpy(to + row - 8, &SUM(n), 8);
    }
    say((NAME(string_t) *)&ret->format, FORMAT_NAME);
    ret->version = FORMAT;
    return true;
}

bool exports_loop_core_reload_restore(exports_loop_core_reload_state_t *state, NAME(string_t) * err)
{
    RESTORE;
    size_t row = state->version == 2 ? 12 : 8;
    if (state->version > FORMAT || state->bytes.len != WHO * row ||
        state->format.len != strlen(FORMAT_NAME) ||
        memcmp(state->format.ptr, FORMAT_NAME, state->format.len) != 0) {
        say(err, "no state of mine");
        return false;
    }
    const uint8_t *from = state->bytes.ptr;
    for (int n = 0; n < WHO; n++, from += row) {
        if (row == 12)
            memcpy(&CALLS(n), from, 4);
        memcpy(&SUM(n), from + row - 8, 8);
    }
    ask_for_tokens();
    return true;
}
#endif
