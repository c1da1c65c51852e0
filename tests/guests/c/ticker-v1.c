/* ticker-v1: see ticker.h. */
#define VERSION 1
#include "ticker.h"
