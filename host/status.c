/*
 * host/status.c: what runs, for people: loop_host_status.
 *
 * How long calls take is known of a sample, one in 64: reading the clock twice would cost a
 * short call as much as the call. A count for each quarter of a power of two; the percentiles
 * are the upper ends of such classes.
 */
#include <stdlib.h>

#include "host/internal.h"
#include "host/swap.h"

#define CLASSES (4 * 40)

struct lp_latency {
    _Atomic uint32_t of[CLASSES];
    _Atomic uint64_t max_ns;
};

static size_t class_of(uint64_t ns)
{
    if (ns < 4)
        return (size_t)ns;
    unsigned top = 63u - (unsigned)__builtin_clzll(ns);
    size_t c = (top - 1) * 4 + ((ns >> (top - 2)) & 3);
    return LP_MIN(c, (size_t)CLASSES - 1);
}

/* The longest time of a class. */
static uint64_t end_of(size_t c)
{
    return c < 4 ? c : ((((uint64_t)(c & 3) + 4) + 1) << (c / 4 - 1)) - 1;
}

void lp_latency_add(struct lp_slot *s, uint64_t ns)
{
    struct lp_latency *l = s->latency;
    if (!l) {
        l = lp_alloc(sizeof *l);
        atomic_store_explicit(&s->latency, l, memory_order_release);
    }
    /* One thread adds: others only read. */
    _Atomic uint32_t *n = &l->of[class_of(ns)];
    atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    if (ns > atomic_load_explicit(&l->max_ns, memory_order_relaxed))
        atomic_store_explicit(&l->max_ns, ns, memory_order_relaxed);
}

/* ---- a snapshot ---- */

struct snapshot {
    loop_status status; /* first: it leads here */
    lp_arena arena;
    struct {
        loop_instance_status *at;
        size_t n, cap;
    } instances;
};

static const char *keep(struct snapshot *s, const char *text)
{
    return lp_arena_strndup(&s->arena, text, strlen(text));
}

/* How many of a sample of `n` in `sum` are in the classes up to `c`. */
static uint64_t percentile(const uint64_t *sum, uint64_t n, unsigned percent)
{
    uint64_t seen = 0, wanted = (n * percent + 99) / 100;
    for (size_t c = 0; n && c < CLASSES; c++) {
        seen += sum[c];
        if (seen >= wanted)
            return end_of(c);
    }
    return 0;
}

static void add_latency(const struct lp_slot *slot, uint64_t *sum, uint64_t *n, uint64_t *max_ns)
{
    struct lp_latency *l = atomic_load_explicit(&slot->latency, memory_order_acquire);
    for (size_t c = 0; l && c < CLASSES; c++) {
        uint32_t here = atomic_load_explicit(&l->of[c], memory_order_relaxed);
        sum[c] += here;
        *n += here;
    }
    uint64_t longest = l ? atomic_load_explicit(&l->max_ns, memory_order_relaxed) : 0;
    *max_ns = LP_MAX(*max_ns, longest);
}

/* What is known of an interface's calls, all its functions together. */
static void add_calls(const struct lp_body *b, const char *interface_name, loop_import_status *to)
{
    uint64_t sum[CLASSES] = {0}, n = 0;
    const struct lp_slot *calling = b->calling;
    for (size_t i = 0; i < b->slots.n; i++) {
        const struct lp_slot *slot = b->slots.at[i];
        if (strcmp(slot->import->interface_name, interface_name) != 0)
            continue;
        to->calls += slot->calls;
        to->in_flight = to->in_flight || slot == calling;
        add_latency(slot, sum, &n, &to->max_ns);
    }
    to->p50_ns = LP_MIN(percentile(sum, n, 50), to->max_ns);
    to->p99_ns = LP_MIN(percentile(sum, n, 99), to->max_ns);
}

static uint64_t handles_of(struct lp_body *b, const struct lp_generation *g)
{
    uint64_t n = 0;
    lp_os_mutex_lock(b->lock);
    for (size_t i = 0; i < b->held.n; i++)
        n += b->held.at[i].object && b->held.at[i].gen == g;
    lp_os_mutex_unlock(b->lock);
    return n;
}

/* What serves, while a swap may be under way. */
static const struct lp_generation *now_of(struct lp_body *b, const struct lp_use *use)
{
    lp_os_mutex_lock(b->lock);
    const struct lp_generation *g = use->gen;
    lp_os_mutex_unlock(b->lock);
    return g;
}

/* The one that serves, and those that are left of others; `finding` is held. */
static void add_generations(struct snapshot *s, struct lp_body *b, const struct lp_generation *now,
                            loop_import_status *to)
{
    const loop_host *h = b->host;
    loop_generation_status *rows = lp_arena_alloc(&s->arena, (h->generations.n + 1) * sizeof *rows);
    for (size_t n = 0; n < h->generations.n; n++) {
        const struct lp_generation *g = h->generations.at[n];
        uint64_t handles = handles_of(b, g);
        bool older =
            g->drains && handles && strcmp(g->chain.interface_name, now->chain.interface_name) == 0;
        if (g == now || older)
            rows[to->generation_count++] =
                (loop_generation_status){g->number, keep(s, g->text), handles, g->drains};
    }
    to->generations = rows;
}

static void add_import(struct snapshot *s, struct lp_body *b, const struct lp_capability *c,
                       loop_import_status *to)
{
    const struct lp_generation *now = c->use ? now_of(b, c->use) : NULL;
    to->interface_name = keep(s, c->row.name);
    to->chain = keep(s, now ? now->text : c->row.provider);
    to->tier = now ? lp_chain_tier(&now->chain) : c->row.tier;
    to->generation = now ? now->number : 0;
    add_calls(b, c->row.name, to);
    if (now)
        add_generations(s, b, now, to);
}

/* What its thread changes. */
static void add_shared(loop_instance *i, loop_instance_status *to)
{
    to->waiting = i->mail.waiting;
    to->failures = i->strikes.count;
    if (i->rests)
        to->condition =
            i->strikes.quarantined ? LOOP_CONDITION_QUARANTINED : LOOP_CONDITION_RESTING;
    if (i->reload && to->condition == LOOP_CONDITION_RUNNING)
        to->condition = LOOP_CONDITION_SWAPPING;
}

static loop_condition condition_of(const loop_instance *i)
{
    switch (i->state) {
    case LP_NEW: return i->entered ? LOOP_CONDITION_RUNNING : LOOP_CONDITION_NEW;
    case LP_ENDED:
    case LP_STUCK: return LOOP_CONDITION_ENDED;
    default: break;
    }
    if (i->stopping || i->cancelled != LOOP_CANCEL_NONE)
        return LOOP_CONDITION_STOPPING;
    return LOOP_CONDITION_RUNNING;
}

static void add_instance(struct snapshot *s, loop_instance *i)
{
    struct lp_body *b = i->body;
    loop_instance_status *to = lp_push(&s->instances);
    *to = (loop_instance_status){
        .name = keep(s, i->options.name),
        .number = i->number,
        .path = keep(s, b->component->path),
        .kind = b->component->kind,
        .provider = i->serves_as ? keep(s, i->serves_as) : NULL,
        .condition = condition_of(i),
        .uptime_ms = i->started_ns ? (lp_os_now_ns() - i->started_ns) / 1000000 : 0,
        .swaps = i->swaps,
        .restarts = i->restarts,
        .import_count = b->capabilities.n,
    };
    add_shared(i, to);
    to->failure = i->strikes.why ? keep(s, i->strikes.why) : NULL;
    loop_import_status *imports =
        lp_arena_alloc(&s->arena, (b->capabilities.n + 1) * sizeof *imports);
    for (size_t n = 0; n < b->capabilities.n; n++)
        add_import(s, b, &b->capabilities.at[n], &imports[n]);
    to->imports = imports;
}

/* The list of instances begins with the last one that was made. */
static void turn_round(struct snapshot *s)
{
    for (size_t a = 0, b = s->instances.n; a + 1 < b; a++) {
        loop_instance_status last = s->instances.at[--b];
        s->instances.at[b] = s->instances.at[a];
        s->instances.at[a] = last;
    }
}

/*
 * `changing` is not taken: a swap has it for as long as calls may wait, and this is the main
 * thread. What an instance has stays as long as its lock is held, and generations are freed, and
 * exchanged in a body, for nobody who holds `finding` and the body's lock.
 */
loop_status *loop_host_status(loop_host *h)
{
    struct snapshot *s = lp_alloc(sizeof *s);
    lp_os_mutex_lock(h->finding); /* generations stay */
    for (loop_instance *i = lp_instance_first(h); i; i = lp_instance_next(i)) {
        lp_os_mutex_lock(i->lock); /* its body stays */
        if (i->body)
            add_instance(s, i);
        lp_os_mutex_unlock(i->lock);
    }
    lp_os_mutex_unlock(h->finding);
    turn_round(s);
    s->status = (loop_status){.instances = s->instances.at,
                              .instance_count = s->instances.n,
                              .swaps = h->swaps,
                              .rolled_back = h->rolled_back};
    return &s->status;
}

void loop_status_delete(loop_status *status)
{
    struct snapshot *s = (struct snapshot *)status;
    if (!s)
        return;
    free(s->instances.at);
    lp_arena_done(&s->arena);
    free(s);
}

loop_instance *loop_host_instance(loop_host *h, const char *name)
{
    loop_instance *found = NULL;
    for (loop_instance *i = h->instances; i; i = i->next) /* the last one is the first made */
        if (lp_is_named(i, name))
            found = i;
    return found;
}
