/* counter-v1: writes and reads state 1; see counter.h. */
#define VERSION 1
#define FORMAT 1
#define BINDINGS "gen/counter.h"
#define NAME(x) counter_##x
#include "counter.h"
