/* slots-node2: demo:slots, version 2. */
#define VERSION 2
#define BINDINGS "gen/node.h"
#define NAME(x) node_##x
#include "slots.h"
