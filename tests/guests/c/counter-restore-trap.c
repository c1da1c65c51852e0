/* counter-restore-trap: traps in restore; see counter.h. */
#define VERSION 9
#define FORMAT 2
#define RESTORE __builtin_trap()
#define BINDINGS "gen/counter.h"
#define NAME(x) counter_##x
#include "counter.h"
