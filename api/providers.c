/*
 * api/providers.c: the list of built-in providers; the only place that names them.
 *
 * To add one: `make new-provider NAME=x` writes its folder under providers/, its
 * sources into meson.build, its line here. HACKING.md walks through it.
 */
#include "api/providers.h"

#include "fx/serve/serve.h"
#include "providers/cancellation/cancellation.h"
#include "providers/capabilities/capabilities.h"
#include "providers/config/config.h"
#include "providers/keyvalue/keyvalue.h"
#include "providers/logging/logging.h"
#include "providers/memory/memory.h"
#include "providers/pkg_loader/pkg_loader.h"
#include "providers/packages/packages.h"
#include "providers/process/process.h"
#include "providers/rate_limit/rate_limit.h"
#include "providers/redact/redact.h"
#include "providers/sqlite/sqlite.h"
#include "providers/trace/trace.h"

/* The last one that serves an interface is asked, unless loop.yaml binds another. */
/* clang-format off */
const loop_provider *const lp_builtin_providers[] = {
    &lp_provider_redact,
    &lp_provider_rate_limit,
    &lp_provider_trace,
    &lp_provider_logging,
    &lp_provider_cancellation,
    &lp_provider_capabilities,
    &lp_provider_pkg_loader,
    &lp_provider_fx,
    &lp_provider_config,
    &lp_provider_keyvalue,
    &lp_provider_packages,
    &lp_provider_process,
    &lp_provider_sqlite,
    &lp_provider_memory,
    NULL,
};
