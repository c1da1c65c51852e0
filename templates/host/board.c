/*
 * board.c: a provider: a board for notices, which all components of this host share.
 *
 * wit/scaffold_name.wit says what there is to call; of it `loop bindgen c-host` makes
 * scaffold_name.h: a C type for each type, and a table of functions to fill. What a component
 * passes has been checked against those types before it comes here. <loop/provider.h> is the
 * contract: what lives how long, which threads call. An option is set where the provider is bound:
 * profiles/scaffold-name.yaml.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <loop/provider.h>

#include "scaffold_name.h"

#define LONGEST 200u /* bytes of a notice: what comes from a component has a limit */
#define MOST 1000u   /* notices, whatever the options say */

struct board {
    uint32_t count, room;
    char *notices[]; /* "Ada: the coffee is ready" */
};

static loop_error *open_board(const loop_services *services, void **ret_self)
{
    uint64_t room = services->option_number(services->host, "room");
    if (room > MOST)
        return loop_error_new(LOOP_CONFIG, "a board has room for %u notices at most", MOST);
    struct board *b = calloc(1, sizeof *b + room * sizeof *b->notices);
    if (!b)
        return loop_error_new(LOOP_SYSTEM, "no memory for a board");
    b->room = (uint32_t)room;
    *ret_self = b;
    return NULL;
}

static void close_board(void *self)
{
    struct board *b = self;
    for (uint32_t i = 0; i < b->count; i++)
        free(b->notices[i]);
    free(b);
}

/* post: func(text: string) -> result<u32, error>. What goes wrong is a value, for the component. */
static loop_error *post(void *self, loop_call *call, loop_string text,
                        scaffold_space_scaffold_name_board_result_u32_error *ret)
{
    struct board *b = self;
    ret->is_err = true;
    if (text.len == 0) {
        ret->of.error.tag = SCAFFOLD_SPACE_SCAFFOLD_NAME_BOARD_ERROR_EMPTY;
    } else if (text.len > LONGEST) {
        ret->of.error.tag = SCAFFOLD_SPACE_SCAFFOLD_NAME_BOARD_ERROR_TOO_LONG;
        ret->of.error.of.too_long = LONGEST;
    } else if (b->count == b->room) {
        ret->of.error.tag = SCAFFOLD_SPACE_SCAFFOLD_NAME_BOARD_ERROR_FULL;
        ret->of.error.of.full = b->room;
    } else {
        const char *who = loop_call_component(call);
        size_t size = strlen(who) + text.len + sizeof ": ";
        char *notice = malloc(size); /* `text` is gone when we return: what we keep, we copy */
        if (!notice)
            return loop_error_new(LOOP_SYSTEM, "no memory for a notice"); /* ends the component */
        snprintf(notice, size, "%s: %.*s", who, (int)text.len, text.ptr);
        b->notices[b->count++] = notice;
        ret->is_err = false;
        ret->of.ok = b->count;
    }
    return NULL;
}

/* all: func() -> list<string> */
static loop_error *all(void *self, loop_call *call, loop_list_string *ret)
{
    const struct board *b = self;
    loop_string *rows = loop_call_alloc(call, b->count * sizeof *rows); /* frees itself */
    for (uint32_t i = 0; rows && i < b->count; i++)
        rows[i] = loop_call_string(call, b->notices[i], strlen(b->notices[i]));
    *ret = (loop_list_string){rows, rows ? b->count : 0};
    return NULL;
}

static const scaffold_space_scaffold_name_board_functions functions = {.post = post, .all = all};

const loop_provider board = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "board",
    .summary = "a board for notices",
    .interfaces =
        (const loop_provider_interface[]){
            {&scaffold_space_scaffold_name_board_interface, &functions}, {NULL, NULL}},
    .threads = LOOP_THREADS_SERIAL, /* one call at a time: they share a board */
    .options = (const loop_provider_option[]){{"room", "number", NULL, "100", "notices"},
                                              {NULL, NULL, NULL, NULL, NULL}},
    .open = open_board,
    .close = close_board,
};
