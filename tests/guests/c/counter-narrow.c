/* counter-narrow: has no `total`; see counter.h. */
#define VERSION 9
#define FORMAT 2
#define NARROW
#define BINDINGS "gen/counter_narrow.h"
#define NAME(x) counter_narrow_##x
#include "counter.h"
