/* caller: what its parts share. */
#ifndef CALLER_H
#define CALLER_H

#include "gen/caller.h"

typedef struct check {
    const char *name; /* a C name: _ is the - of WIT */
    void (*run)(void);
} check;

/* Each ends with a NULL name; those on request are run by name only. */
extern const check value_checks[], thing_checks[], on_request[];

/* Keeps what was wrong first: "value 3 of the table came back different" and the like. */
void expect(bool good, const char *what, size_t at);

bool same_string(const caller_string_t *a, const caller_string_t *b);

/* A string or list of constants, for tables. */
#define TEXT(text) {(uint8_t *)(text), sizeof(text) - 1}
#define LIST(type, ...) {(type[]){__VA_ARGS__}, sizeof((type[]){__VA_ARGS__}) / sizeof(type)}
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

#endif
