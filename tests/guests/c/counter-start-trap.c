/* counter-start-trap: traps before it is asked for anything; see counter.h. */
#define VERSION 9
#define FORMAT 2
#define START __builtin_trap()
#define BINDINGS "gen/counter.h"
#define NAME(x) counter_##x
#include "counter.h"
