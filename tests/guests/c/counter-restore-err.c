/* counter-restore-err: restores nothing; see counter.h. */
#define VERSION 9
#define FORMAT 2
#define RESTORE return say(err, "not today"), false
#define BINDINGS "gen/counter.h"
#define NAME(x) counter_##x
#include "counter.h"
