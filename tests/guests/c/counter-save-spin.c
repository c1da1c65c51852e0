/* counter-save-spin: never ends save; see counter.h. */
#define VERSION 9
#define FORMAT 2
#define SAVE for (volatile int on = 1; on;)
#define BINDINGS "gen/counter.h"
#define NAME(x) counter_##x
#include "counter.h"
