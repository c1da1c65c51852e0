/* providers/storage/fixture_test.h: a store under test, and short ways to ask it. */
#ifndef LP_STORAGE_FIXTURE_TEST_H
#define LP_STORAGE_FIXTURE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "providers/storage/store.h"

typedef loop_storage_store_operation operation;
typedef loop_storage_store_option_entry option_entry;

typedef struct fixture {
    const char *kind; /* "memory", "sqlite", "relaxed" */
    char *folder;     /* of the test's own; NULL: none is needed */
    lp_store *store;
    lp_store_caller who; /* identity "a", 64 MiB, never cancelled */
    lp_arena arena;      /* of answers */
} fixture;

fixture *fixture_open(const char *kind);
void fixture_close(fixture *f);
/* One that has taken over what another store held, of an identity "z". */
fixture *fixture_open_taken(const char *kind);
/* Closes the store and opens it again, where it lasts. */
void fixture_reopen(fixture *f);
/* Opens one more over the same file, if it has one; whoever has the one before closes it. */
void fixture_open_again(fixture *f);

/* A caller of its own, for another thread or identity; give it an arena. */
lp_store_caller caller(const char *identity, uint64_t granted, lp_arena *arena);

#define BUCKET LP_STR("b")
loop_list_u8 bytes_of(const char *text);
loop_list_u8 fill(fixture *f, size_t n, uint8_t with);

/* What must work; the version is terminated. */
const char *set(fixture *f, const char *key, const char *value);
const char *version_of(fixture *f, const char *key); /* NULL: not there */
const char *value_of(fixture *f, const char *key);   /* terminated; NULL: not there */
uint64_t used(fixture *f);
operation op(const char *key, uint8_t condition, const char *version, uint8_t change,
             const char *value);
/* A page as text: "a b c+" with a plus where there is a cursor. */
const char *page(fixture *f, const char *prefix, const char *cursor, uint32_t limit);

/*
 * A pass of a swap, save and restore on two threads, over a pipe. What the new store says of it,
 * else what the old one says.
 */
loop_error *hand_over(lp_store *from, lp_store *to, loop_pass pass);

/* Deletes the error after looking at its code. */
void assert_code(loop_error *e, loop_code code);

#endif
