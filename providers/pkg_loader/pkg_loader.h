/* providers/pkg_loader/pkg_loader.h: components that load components (loop:pkg/loader). */
#ifndef LP_PROVIDERS_PKG_LOADER_H
#define LP_PROVIDERS_PKG_LOADER_H

#include "loop/provider.h"

extern const loop_provider lp_provider_pkg_loader;

#endif
