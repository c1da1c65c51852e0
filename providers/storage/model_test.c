/*
 * providers/storage/model_test.c: random operations on a store and on a plain array.
 *
 * Few keys, few buckets and two identities, so that they meet often; the array is searched
 * from its start and sorted by nothing but its own order of keys. Every answer is
 * compared, versions by what they promise. The seed is printed where one differs.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/os/os.h"
#include "providers/storage/fixture_test.h"

void a_store_does_what_a_plain_array_does(void **state);

#define STEPS 10000
#define KEYS 40
#define SPACES 4 /* two identities with two buckets */
#define QUOTA 2000

typedef struct cell {
    bool there;
    uint8_t value[256];
    size_t len;
    char version[65];
} cell;

typedef struct model {
    fixture *f;
    cell cells[SPACES][KEYS]; /* in the order of keys */
    uint64_t seed;
    unsigned step;
} model;

static uint32_t draw(model *m, uint32_t below)
{
    m->seed = m->seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(m->seed >> 33) % below;
}

/* Keys that share beginnings, some with zero bytes and 255: ascending with `i`. */
static loop_list_u8 key_of(unsigned i, uint8_t *to)
{
    static const uint8_t ends[5][3] = {{0}, {0, 0}, {1}, {'m', 255}, {255, 255, 255}};
    static const size_t lens[5] = {1, 2, 1, 2, 3};
    to[0] = (uint8_t)(i / 5 * 36);
    memcpy(to + 1, ends[i % 5], lens[i % 5]);
    return (loop_list_u8){to, 1 + lens[i % 5]};
}

static lp_str bucket_of(unsigned space)
{
    return space % 2 ? LP_STR("odd") : LP_STR("even");
}

static lp_store_caller who_of(model *m, unsigned space)
{
    return caller(space / 2 ? "second" : "first", QUOTA, &m->f->arena);
}

static uint64_t used_by(const model *m, unsigned space)
{
    uint64_t n = 0;
    uint8_t room[8];
    for (unsigned s = space / 2 * 2, end = s + 2; s < end; s++)
        for (unsigned k = 0; k < KEYS; k++)
            if (m->cells[s][k].there)
                n += key_of(k, room).len + m->cells[s][k].len;
    return n;
}

static void same(const model *m, bool good, const char *what)
{
    if (!good)
        fail_msg("%s: step %u, now at seed %llu: %s", m->f->kind, m->step,
                 (unsigned long long)m->seed, what);
}

static void check_entry(const model *m, const cell *c, const option_entry *e)
{
    same(m, e->is_some == c->there, "whether a key is there");
    if (!c->there)
        return;
    same(m, e->value.value.len == c->len && memcmp(e->value.value.ptr, c->value, c->len) == 0,
         "a value");
    same(m, loop_string_is(e->value.version, c->version), "a version");
}

static void step_read(model *m, unsigned space)
{
    lp_store_caller who = who_of(m, space);
    loop_list_u8 keys[20];
    uint8_t room[20][8];
    unsigned which[20], n = draw(m, 20);
    for (unsigned i = 0; i < n; i++)
        keys[i] = key_of(which[i] = draw(m, KEYS), room[i]);
    loop_storage_store_list_option_entry many = {0};
    assert_null(lp_store_get_many(m->f->store, &who, bucket_of(space),
                                  (loop_storage_store_list_key){keys, n}, &many));
    for (unsigned i = 0; i < n; i++)
        check_entry(m, &m->cells[space][which[i]], &many.ptr[i]);
}

static void step_list(model *m, unsigned space)
{
    lp_store_caller who = who_of(m, space);
    uint8_t from[8], prefix[1] = {(uint8_t)(draw(m, 8) * 36)};
    unsigned start = draw(m, KEYS), limit = 1 + draw(m, 12), n = 0;
    loop_list_u8 begin = {prefix, draw(m, 2)};
    loop_storage_store_option_key cursor = {draw(m, 2), key_of(start, from)};
    loop_storage_store_key_page p = {0};
    assert_null(lp_store_list(m->f->store, &who, bucket_of(space), begin, &cursor, limit, &p));
    for (unsigned k = cursor.is_some ? start + 1 : 0; k < KEYS; k++) {
        uint8_t room[8];
        loop_list_u8 key = key_of(k, room);
        if (!m->cells[space][k].there || (begin.len && key.ptr[0] != prefix[0]))
            continue;
        if (n++ < limit)
            same(m,
                 n <= p.keys.len && lp_store_compare(p.keys.ptr[n - 1].ptr, p.keys.ptr[n - 1].len,
                                                     key.ptr, key.len) == 0,
                 "a key of a page");
    }
    same(m, p.keys.len == LP_MIN(n, limit), "how many keys a page has");
    same(m, p.cursor.is_some == (n > limit), "whether a page has a cursor");
}

typedef struct planned {
    unsigned key;
    operation o;
    uint8_t value[256], room[8];
} planned;

static void plan(model *m, unsigned space, planned *p, unsigned key)
{
    cell *c = &m->cells[space][p->key = key];
    p->o = (operation){.key = key_of(key, p->room)};
    p->o.condition.tag = (uint8_t)(draw(m, 3) ? 0 : draw(m, 3));
    p->o.condition.of.unchanged = loop_string_of(draw(m, 8) && c->there ? c->version : "stale");
    p->o.change.tag = (uint8_t)(draw(m, 4) ? 0 : draw(m, 3));
    size_t len = draw(m, draw(m, 4) ? 40 : 256);
    for (size_t i = 0; i < len; i++)
        p->value[i] = (uint8_t)draw(m, 256);
    p->o.change.of.set = (loop_list_u8){p->value, len};
}

static bool would_hold(const planned *p, const cell *c)
{
    switch (p->o.condition.tag) {
    case 0: return true;
    case 1: return !c->there;
    default: return c->there && loop_string_is(p->o.condition.of.unchanged, c->version);
    }
}

/* What the identity will have; SIZE_MAX... is what the quota refuses. */
static bool fits(const model *m, unsigned space, const planned *p, unsigned n)
{
    uint64_t before = used_by(m, space), after = before;
    for (unsigned i = 0; i < n; i++) {
        const cell *c = &m->cells[space][p[i].key];
        if (c->there && p[i].o.change.tag != 2)
            after -= p[i].o.key.len + c->len;
        if (p[i].o.change.tag == 0)
            after += p[i].o.key.len + p[i].o.change.of.set.len;
    }
    return after <= QUOTA || after <= before;
}

static void follow(model *m, unsigned space, const planned *p, loop_storage_store_option_version v)
{
    cell *c = &m->cells[space][p->key];
    if (p->o.change.tag == 1)
        c->there = false;
    same(m, v.is_some == (c->there || p->o.change.tag == 0), "whether there is a version");
    if (p->o.change.tag == 0) {
        same(m, v.value.len < sizeof c->version && !loop_string_is(v.value, c->version),
             "a new version");
        c->there = true;
        c->len = p->o.change.of.set.len;
        memcpy(c->value, p->value, c->len);
        memcpy(c->version, v.value.ptr, v.value.len);
        c->version[v.value.len] = 0;
    } else if (c->there) {
        same(m, loop_string_is(v.value, c->version), "the version of what was kept");
    }
}

static void step_write(model *m, unsigned space)
{
    lp_store_caller who = who_of(m, space);
    planned p[6];
    operation o[6];
    unsigned n = 1 + draw(m, 6), conflicts = 0;
    unsigned first = draw(m, KEYS), by = 1 + draw(m, 5);
    for (unsigned i = 0; i < n; i++) {
        plan(m, space, &p[i], (first + i * by) % KEYS);
        o[i] = p[i].o;
        conflicts += !would_hold(&p[i], &m->cells[space][p[i].key]);
    }
    bool room = fits(m, space, p, n);
    loop_storage_store_batch_outcome r = {0};
    loop_error *e = lp_store_apply(m->f->store, &who, bucket_of(space),
                                   (loop_storage_store_list_operation){o, n}, &r);
    if (!conflicts && !room) {
        assert_code(e, LOOP_LIMIT);
        return;
    }
    assert_null(e);
    same(m, (r.tag == LOOP_STORAGE_STORE_BATCH_OUTCOME_CONFLICT) == (conflicts > 0), "the outcome");
    if (conflicts)
        same(m, r.of.conflict.len == conflicts, "how many conflicts");
    for (unsigned i = 0; i < n && !conflicts; i++)
        follow(m, space, &p[i], r.of.applied.ptr[i]);
}

static void step_usage(model *m, unsigned space)
{
    lp_store_caller who = who_of(m, space);
    loop_storage_store_usage u = {0};
    assert_null(lp_store_usage(m->f->store, &who, &u));
    same(m, u.bytes_used == used_by(m, space), "the usage");
}

void a_store_does_what_a_plain_array_does(void **state)
{
    model *m = lp_alloc(sizeof *m);
    m->f = *state;
    m->seed = 5;
    const char *seed = lp_os_getenv("STORE_SEED");
    if (seed)
        m->seed = strtoull(seed, NULL, 10);
    /* A sync takes milliseconds: the durable mode sees fewer, the relaxed one all. */
    unsigned steps = strcmp(m->f->kind, "sqlite") == 0 ? STEPS / 10 : STEPS;
    for (m->step = 0; m->step < steps; m->step++) {
        unsigned space = draw(m, SPACES), what = draw(m, 10);
        if (what < 5)
            step_write(m, space);
        else if (what < 7)
            step_read(m, space);
        else if (what < 9)
            step_list(m, space);
        else
            step_usage(m, space);
        if (m->step % 1000 == 999 && strcmp(m->f->kind, "memory") != 0)
            fixture_reopen(m->f);
        lp_arena_reset(&m->f->arena, 1 << 16);
    }
    free(m);
}
