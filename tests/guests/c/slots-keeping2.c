/* slots-keeping2: demo:slots with a state, version 12. */
#define VERSION 12
#define KEEPING
#define BINDINGS "gen/keeping.h"
#define NAME(x) keeping_##x
#include "slots.h"
