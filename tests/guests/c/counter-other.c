/* counter-other: has `total` with another type; see counter.h. */
#define VERSION 9
#define FORMAT 2
#define OTHER
#define BINDINGS "gen/counter_other.h"
#define NAME(x) counter_other_##x
#include "counter.h"
