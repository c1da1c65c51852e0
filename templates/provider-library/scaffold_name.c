/*
 * scaffold-name: dice for components, in a shared library that loop loads.
 *
 *     bind:
 *       scaffold-space:scaffold-name/dice: { library: build/scaffold_name.so, seed: 42 }
 *
 * loop/provider.h has the contract: what lives how long, which threads call.
 */
#include <stdlib.h>

#include <loop/provider.h>

#include "scaffold_name.h" /* made of wit/scaffold_name.wit */

#define MAX_DICE 1000u

/* What `open` makes of one set of options; shared by all components that it is bound for. */
struct cup {
    uint64_t state; /* of the generator */
};

static loop_error *open_cup(const loop_services *services, void **ret_self)
{
    struct cup *cup = malloc(sizeof *cup);
    if (!cup)
        return loop_error_new(LOOP_SYSTEM, "no memory for a cup");
    cup->state = services->option_number(services->host, "seed");
    *ret_self = cup;
    return NULL;
}

static void close_cup(void *self)
{
    free(self);
}

static uint32_t next(struct cup *cup, uint32_t sides)
{
    cup->state = cup->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(cup->state >> 33) % sides + 1;
}

/* roll: func(count: u32, sides: u32) -> result<list<u32>, error> */
static loop_error *roll(void *self, loop_call *call, uint32_t count, uint32_t sides,
                        scaffold_space_scaffold_name_dice_result_list_u32_error *ret)
{
    ret->is_err = sides < 2 || count > MAX_DICE; /* a value, for the component to handle */
    if (ret->is_err) {
        bool die = sides < 2;
        ret->of.error.tag = die ? SCAFFOLD_SPACE_SCAFFOLD_NAME_DICE_ERROR_NO_SUCH_DIE
                                : SCAFFOLD_SPACE_SCAFFOLD_NAME_DICE_ERROR_TOO_MANY;
        ret->of.error.of.no_such_die = die ? sides : count;
        return NULL;
    }
    uint32_t *eyes = loop_call_alloc(call, count * sizeof *eyes); /* frees itself */
    for (uint32_t i = 0; eyes && i < count; i++)
        eyes[i] = next(self, sides);
    ret->of.ok = (loop_list_u32){eyes, count};
    return NULL;
}

/* ---- a swap: the next one goes on where this one was; wit/scaffold_name.wit has the format ----
 */

static loop_error *save(void *self, const loop_interface *interface, loop_pass pass,
                        loop_stream *to)
{
    (void)interface, (void)pass; /* there is one, and it is saved as a whole */
    const struct cup *cup = self;
    uint8_t bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(cup->state >> 8 * i);
    return loop_stream_write(to, bytes, sizeof bytes);
}

static loop_error *restore(void *self, const loop_interface *interface, loop_pass pass,
                           loop_stream *from)
{
    (void)interface, (void)pass;
    struct cup *cup = self;
    uint8_t bytes[9]; /* one more than there may be */
    size_t n = 0, got = 1;
    for (; got && n < sizeof bytes; n += got) {
        loop_error *err = loop_stream_read(from, bytes + n, sizeof bytes - n, &got);
        if (err)
            return err;
    }
    if (n != 8)
        return loop_error_new(LOOP_INVALID, "the state of dice is 8 bytes, and not %zu", n);
    cup->state = 0; /* no error from here on: all or nothing */
    for (size_t i = 0; i < 8; i++)
        cup->state |= (uint64_t)bytes[i] << 8 * i;
    return NULL;
}

static const scaffold_space_scaffold_name_dice_functions functions = {.roll = roll};
static const loop_provider_swap swap = {.save = save, .restore = restore};

static const loop_provider provider = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "scaffold-name",
    .summary = "dice",
    .interfaces =
        (const loop_provider_interface[]){
            {&scaffold_space_scaffold_name_dice_interface, &functions}, {NULL, NULL}},
    .threads = LOOP_THREADS_SERIAL, /* one call at a time: they share a cup */
    .options = (const loop_provider_option[]){{"seed", "number", NULL, "1", "what comes first"},
                                              {NULL, NULL, NULL, NULL, NULL}},
    .open = open_cup,
    .close = close_cup,
    .swap = &swap,
};

LOOP_PROVIDER_EXPORT(provider);
