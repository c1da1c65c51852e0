/*
 * sidecar/sidecar.h: a provider in a process of its own: from a command to a loop_provider
 * table. PROTOCOL.md says what is spoken, knowledge/sidecars.md what is promised.
 *
 * The command is run once to be made known: what its WELCOME says becomes the table. That
 * process then waits and is the first that an object of the provider gets. Each object
 * (each set of options) has one process at a time.
 */
#ifndef LP_SIDECAR_H
#define LP_SIDECAR_H

#include "loop/provider.h"

typedef struct lp_sidecar_table lp_sidecar_table;

typedef struct lp_sidecar_options {
    const char *const *command; /* program and arguments; ends with NULL */
    const char *directory;      /* to start in; absolute */
    const char *guard;          /* the file of loop-guard */
    const char *host;           /* "loop 0.1.0" */
    /* Until a provider is opened, which brings its own. Any thread. */
    void (*log)(void *data, const loop_log_entry *entry);
    void *data;
} lp_sidecar_options;

/* Runs it, and waits for its WELCOME: some time. */
loop_error *lp_sidecar_table_new(const lp_sidecar_options *o, lp_sidecar_table **ret) LOOP_MUST_USE;
/* What WELCOME says; lives as long as the table. */
const loop_provider *lp_sidecar_provider(const lp_sidecar_table *t);
/* Another name, where somebody has that of WELCOME already. Before it is added to a host. */
void lp_sidecar_rename(lp_sidecar_table *t, const char *name);
/* Whether it is one of these, of the same command in the same directory. */
bool lp_sidecar_is(const loop_provider *p, const lp_sidecar_options *o);
/* After the last object was closed. NULL is fine. */
void lp_sidecar_table_delete(lp_sidecar_table *t);

#endif
