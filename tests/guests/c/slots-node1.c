/* slots-node1: demo:slots, version 1. */
#define VERSION 1
#define BINDINGS "gen/node.h"
#define NAME(x) node_##x
#include "slots.h"
