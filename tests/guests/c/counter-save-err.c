/* counter-save-err: cannot be saved; see counter.h. */
#define VERSION 9
#define FORMAT 2
#define SAVE return say(err, "in the middle of something"), false
#define BINDINGS "gen/counter.h"
#define NAME(x) counter_##x
#include "counter.h"
