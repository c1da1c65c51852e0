/* tests/swap/faulty.h: what fails.c sees of a provider that fails (faulty.c) and is linked in. */
#ifndef FAULTY_H
#define FAULTY_H

#include <stdatomic.h>
#include <stdbool.h>

#include "loop/provider.h"

extern const loop_provider faulty_provider;
extern atomic_bool faulty_release; /* what hangs goes on, and fails */
extern atomic_uint faulty_opened, faulty_closed, faulty_quiesced, faulty_resumed;

#endif
