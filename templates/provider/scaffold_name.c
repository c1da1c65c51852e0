/*
 * scaffold-name: counters that components share, by name.
 *
 * Implements example:scaffold-name/counters. A counter lives as long as somebody holds a
 * handle of it; nothing is kept beyond that.
 */
#include "providers/scaffold_name/scaffold_name.h"

#include <stdlib.h>

#include "base/base.h"
#include "providers/scaffold_name/gen/scaffold_name.h"

#define MAX_NAME 64u        /* bytes */
#define MAX_COUNTERS 10000u /* held at a time, by all components together */

/* What a handle points to. Handles of one name share it. */
struct example_scaffold_name_counters_counter {
    example_scaffold_name_counters_counter *next;
    char *name;
    uint32_t count, handles;
};

/* What components hold, all of them together. */
struct held {
    example_scaffold_name_counters_counter *first;
    size_t n;
};

static loop_error *open_provider(const loop_services *services, void **ret_self)
{
    (void)services; /* loop/provider.h: a log */
    *ret_self = lp_alloc(sizeof(struct held));
    return NULL;
}

/* After the last drop: no counter is left. */
static void close_provider(void *self)
{
    free(self);
}

static bool is_name(loop_string s)
{
    return s.len > 0 && s.len <= MAX_NAME && !memchr(s.ptr, 0, s.len);
}

static example_scaffold_name_counters_counter *find(const struct held *h, loop_string name)
{
    example_scaffold_name_counters_counter *c = h->first;
    while (c && !loop_string_is(name, c->name))
        c = c->next;
    return c;
}

static example_scaffold_name_counters_counter *add(struct held *h, loop_string name)
{
    example_scaffold_name_counters_counter *c = lp_alloc(sizeof *c);
    c->name = lp_strndup(name.ptr, name.len); /* a view: what is kept is copied */
    c->next = h->first;
    h->first = c;
    h->n++;
    return c;
}

/* open: func(name: string) -> result<counter, error> */
static loop_error *open_counter(void *self, loop_call *call, loop_string name,
                                example_scaffold_name_counters_result_own_counter_error *ret)
{
    (void)call;
    struct held *h = self;
    example_scaffold_name_counters_counter *c = find(h, name);
    if (!is_name(name)) { /* a value, for the component to handle */
        ret->is_err = true;
        ret->of.error.tag = EXAMPLE_SCAFFOLD_NAME_COUNTERS_ERROR_BAD_NAME;
        ret->of.error.of.bad_name = name;
    } else if (!c && h->n == MAX_COUNTERS) {
        ret->is_err = true;
        ret->of.error.tag = EXAMPLE_SCAFFOLD_NAME_COUNTERS_ERROR_UNAVAILABLE;
    } else {
        ret->of.ok = c ? c : add(h, name);
        ret->of.ok->handles++; /* until drop_counter */
    }
    return NULL;
}

/* counter.next: func() -> u32 */
static loop_error *next(void *self, loop_call *call,
                        example_scaffold_name_counters_counter *counter, uint32_t *ret)
{
    (void)self, (void)call;
    *ret = ++counter->count;
    return NULL;
}

/* standings: func() -> list<standing> */
static loop_error *standings(void *self, loop_call *call,
                             example_scaffold_name_counters_list_standing *ret)
{
    const struct held *h = self;
    example_scaffold_name_counters_standing *items =
        loop_call_alloc(call, (h->n + 1) * sizeof *items);
    if (!items)
        return NULL; /* over the limit; the host says so */
    size_t n = 0;
    for (const example_scaffold_name_counters_counter *c = h->first; c; c = c->next, n++) {
        /* A copy: another component may drop the counter before this one has its answer. */
        items[n].name = loop_call_string(call, c->name, strlen(c->name));
        items[n].count = c->count;
    }
    *ret = (example_scaffold_name_counters_list_standing){.ptr = items, .len = n};
    return NULL;
}

/* A component let go of one handle, or ended. */
static void drop_counter(void *self, example_scaffold_name_counters_counter *counter)
{
    struct held *h = self;
    if (--counter->handles)
        return;
    example_scaffold_name_counters_counter **at = &h->first;
    while (*at != counter)
        at = &(*at)->next;
    *at = counter->next;
    h->n--;
    free(counter->name);
    free(counter);
}

static const example_scaffold_name_counters_functions counters = {
    .counter_next = next,
    .open = open_counter,
    .standings = standings,
    .counter_drop = drop_counter,
};

const loop_provider lp_provider_scaffold_name = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "scaffold-name",
    .summary = "counters that components share, by name",
    .interfaces =
        (const loop_provider_interface[]){{&example_scaffold_name_counters_interface, &counters},
                                          {NULL, NULL}},
    .threads = LOOP_THREADS_SERIAL, /* what is open is one list */
    .open = open_provider,
    .close = close_provider,
    /* What a component must have been granted. (Components that count see each other's names.) */
    .needs =
        (const loop_provider_need[]){
            {"example:scaffold-name/counters", "[method]counter.next", LOOP_NEED_OBJECT, NULL,
             "a counter that it opened"},
            {"example:scaffold-name/counters", "*", LOOP_NEED_OWN, "count",
             "a component may count with others, and see their counters"},
            {0},
        },
};
