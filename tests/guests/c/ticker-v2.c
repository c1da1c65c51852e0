/* ticker-v2: see ticker.h. */
#define VERSION 2
#include "ticker.h"
