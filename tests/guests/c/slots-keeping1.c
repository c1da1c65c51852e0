/* slots-keeping1: demo:slots with a state, version 11. */
#define VERSION 11
#define KEEPING
#define BINDINGS "gen/keeping.h"
#define NAME(x) keeping_##x
#include "slots.h"
