/*
 * lamps.c: the lamps of a house, for components: what tinyloop has and the `loop` command has not.
 *
 * house.wit says what there is to call; of it `loop bindgen c-host` makes house.h: a C type for
 * each type, and a table of functions to fill. What a component passes has been checked against
 * those types before it comes here. <loop/provider.h> is the contract: what lives how long, which
 * threads call. An option of the table is set where the provider is bound, in loop.yaml or a
 * profile; each set of options is a house of its own, which components share.
 */
#include <stdlib.h>

#include "house.h"

#define ROOMS 3

struct house {
    tiny_house_lamps_lamp lamps[ROOMS];
    uint8_t brightest;
};

static loop_error *open_house(const loop_services *services, void **ret_self)
{
    static const char *const rooms[ROOMS] = {"kitchen", "study", "garden"};
    struct house *h = malloc(sizeof *h);
    if (!h)
        return loop_error_new(LOOP_SYSTEM, "no memory for a house");
    for (size_t i = 0; i < ROOMS; i++)
        h->lamps[i] = (tiny_house_lamps_lamp){loop_string_of(rooms[i]), .brightness = 50};
    uint64_t brightest = services->option_number(services->host, "brightest");
    h->brightest = brightest < 100 ? (uint8_t)brightest : 100;
    *ret_self = h;
    return NULL;
}

/* all: func() -> list<lamp>. The component gets it after we have returned: hence a copy. */
static loop_error *all(void *self, loop_call *call, tiny_house_lamps_list_lamp *ret)
{
    const struct house *h = self;
    tiny_house_lamps_lamp *copy = loop_call_alloc(call, sizeof h->lamps); /* frees itself */
    if (copy) /* else over the host's limit, which ends the component */
        memcpy(copy, h->lamps, sizeof h->lamps);
    *ret = (tiny_house_lamps_list_lamp){copy, ROOMS};
    return NULL;
}

/* dim: func(room: string, brightness: u8) -> result<u8, error>. What goes wrong is a value. */
static loop_error *dim(void *self, loop_call *call, loop_string room, uint8_t brightness,
                       tiny_house_lamps_result_u8_error *ret)
{
    (void)call;
    struct house *h = self;
    size_t i = 0;
    while (i < ROOMS && !loop_string_is(room, h->lamps[i].room.ptr))
        i++;
    ret->is_err = i == ROOMS || brightness > h->brightest;
    if (i == ROOMS) {
        ret->of.error.tag = TINY_HOUSE_LAMPS_ERROR_NO_SUCH_ROOM;
        ret->of.error.of.no_such_room = room; /* an argument may go back as it is */
    } else if (brightness > h->brightest) {
        ret->of.error.tag = TINY_HOUSE_LAMPS_ERROR_TOO_BRIGHT;
        ret->of.error.of.too_bright = h->brightest;
    } else {
        ret->of.ok = h->lamps[i].brightness;
        h->lamps[i].brightness = brightness;
    }
    return NULL;
}

static const tiny_house_lamps_functions functions = {.all = all, .dim = dim};

const loop_provider lamps = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "lamps",
    .summary = "the lamps of a house",
    .interfaces =
        (const loop_provider_interface[]){{&tiny_house_lamps_interface, &functions}, {NULL, NULL}},
    .threads = LOOP_THREADS_SERIAL, /* components share a house: one call at a time */
    .options = (const loop_provider_option[]){{"brightest", "number", NULL, "100",
                                               "percent that no lamp may pass"},
                                              {NULL, NULL, NULL, NULL, NULL}},
    .open = open_house,
    .close = free,
};
