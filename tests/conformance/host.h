/*
 * tests/conformance/host.h: the host's side of loop:conformance: providers of `values` and
 * `things` as README.md asks for, in C on generated bindings.
 */
#ifndef CONFORMANCE_HOST_H
#define CONFORMANCE_HOST_H

#include "host_side.h"

extern const loop_conformance_values_functions values_functions;
extern const loop_conformance_things_functions things_functions;

/* Both; `swallow` and `counter.get` call on_call where that is set. */
extern const loop_provider conformance_provider;
extern loop_error *(*on_call)(void);

/* The objects that live, whoever holds them. */
extern uint32_t live_counters, live_labels;

/* For those that hand objects to components. A counter's magic number tells a live one. */
loop_conformance_things_counter *counter_new(int64_t number);
void counter_delete(loop_conformance_things_counter *c);
void label_delete(loop_conformance_things_label *l);
/* *ret: its number; false where this is none that lives. */
bool counter_number(const loop_conformance_things_counter *c, int64_t *ret);

#endif
