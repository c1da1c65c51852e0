/* counter-save-trap: traps in save; see counter.h. */
#define VERSION 9
#define FORMAT 2
#define SAVE __builtin_trap()
#define BINDINGS "gen/counter.h"
#define NAME(x) counter_##x
#include "counter.h"
