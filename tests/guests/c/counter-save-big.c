/* counter-save-big: saves a byte more than a state may have; see counter.h. */
#define VERSION 9
#define FORMAT 2
#define SAVE                                                                                       \
    return ret->bytes.ptr = calloc(1, (64u << 20) + 1), ret->bytes.len = (64u << 20) + 1,          \
           say((counter_string_t *)&ret->format, "demo:big"), true
#define BINDINGS "gen/counter.h"
#define NAME(x) counter_##x
#include "counter.h"
