/*
 * fx/serve/serve.h: fibers of components: `loop:fx/runtime`, on fx/core.
 *
 * The provider `fx` has one runtime for all components of a host. Nobody waits in it: the turn is
 * driven by whoever has its baton, which is the thread of the component whose functions run just
 * now, or that of one that calls a component in a slot. A step for another application is handed
 * over with the baton, through its mailbox; its thread goes on with the turn.
 */
#ifndef LP_FX_SERVE_SERVE_H
#define LP_FX_SERVE_SERVE_H

#include "loop/provider.h"

extern const loop_provider lp_provider_fx;

#endif
