/* state.h: what the conformance sidecar holds that can be saved: the interface `state`, and texts.
 */
#ifndef CONFORMANCE_STATE_H
#define CONFORMANCE_STATE_H

#include "conformance.h"

extern const test_conformance_state_functions conformance_state;

/* A value of record{total:u64,notes:list<string>}, as conformance.wit says. */
loop_error *conformance_save(loop_pass pass, loop_stream *to) LOOP_MUST_USE;
loop_error *conformance_restore(loop_pass pass, loop_stream *from) LOOP_MUST_USE;
void conformance_resume(void *self);

/* A value of the type `string`, and nothing else. What is read lives in *ret_bytes, to be free()d.
 */
loop_error *conformance_write_text(loop_stream *to, loop_string text) LOOP_MUST_USE;
loop_error *conformance_read_text(loop_stream *from, loop_string *ret,
                                  uint8_t **ret_bytes) LOOP_MUST_USE;

#endif
