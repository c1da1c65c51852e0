/* counter-v2: writes state 2, reads both; see counter.h. */
#define VERSION 2
#define FORMAT 2
#define BINDINGS "gen/counter.h"
#define NAME(x) counter_##x
#include "counter.h"
