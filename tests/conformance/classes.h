/*
 * tests/conformance/classes.h: the classes of errors of README.md, by what loop says and
 * what Wasmtime says. One class must not be taken for another.
 */
#ifndef CONFORMANCE_CLASSES_H
#define CONFORMANCE_CLASSES_H

#include "loop/error.h"

/* "bounds", "utf8"...; "none of the known ones". */
const char *class_of(const loop_error *err);
/* One test: an error of that class, and with a code that blames the guest. Takes it. */
void class_check(const char *what, const char *wanted, loop_error *err);

#endif
