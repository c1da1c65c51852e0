/*
 * tests/sidecar/protocol_page.h: the examples of sidecar/PROTOCOL.md, for the tests of the
 * C codec, and values of any type from JSON, as the page writes them.
 */
#ifndef TEST_PROTOCOL_PAGE_H
#define TEST_PROTOCOL_PAGE_H

#include <jansson.h>

#include "abi/plan.h"
#include "engine/type_parse.h"
#include "loop/abi.h"

/* A line of a block: its parts between " | ", and the bytes that stand in the last. */
typedef struct page_line {
    char *text; /* cut up; `parts` point into it */
    char *parts[3];
    size_t count;
    uint8_t *bytes;
    size_t len;
} page_line;

typedef struct page_block {
    page_line *at;
    size_t n, cap;
} page_block;

/* The block "```NAME" of the page; an empty one where the page has none. */
page_block page_read(const char *name);
void page_done(page_block *b);

/* JSON of the page; numbers of 19 digits and more become strings, which value_of_json takes. */
json_t *page_json(const char *text);

/* A type of the page and its plan. NULL: it is none. */
const lp_node *page_type(lp_arena *a, const char *text);

/* The value in C of what JSON says; what it points to is the arena's. False: not of that type. */
bool value_of_json(lp_arena *a, const lp_node *n, const json_t *j, void *to);

#endif
