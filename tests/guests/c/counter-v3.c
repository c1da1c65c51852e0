/* counter-v3: as counter-v2, with another layout in memory; see counter.h. */
#define VERSION 3
#define FORMAT 2
#define STRUCTURE_OF_ARRAYS
#define BINDINGS "gen/counter.h"
#define NAME(x) counter_##x
#include "counter.h"
