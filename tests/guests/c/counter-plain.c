/* counter-plain: keeps no state; see counter.h. */
#define VERSION 9
#define FORMAT 2
#define PLAIN
#define BINDINGS "gen/counter_plain.h"
#define NAME(x) counter_plain_##x
#include "counter.h"
