/* memory.c: what a call allocates; handles, ours and the next provider's; room in the shared
 * memory. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "internal.h"

/* ---- arenas ---- */

#define BLOCK 4000u

struct sc_block {
    struct sc_block *next;
    size_t used, size;
    _Alignas(16) uint8_t bytes[];
};

void *sc_arena_take(sc_arena *a, size_t size)
{
    if (size > SC_MAX_VALUES || a->used > SC_MAX_VALUES - size)
        return NULL;
    size = (size + 15) & ~(size_t)15;
    a->used += size;
    struct sc_block *b = a->first;
    if (!b || b->size - b->used < size) {
        size_t room = size > BLOCK ? size : BLOCK;
        b = sc_realloc(NULL, sizeof *b + room);
        *b = (struct sc_block){.next = a->first, .size = room};
        a->first = b;
    }
    b->used += size;
    return b->bytes + b->used - size;
}

void sc_arena_done(sc_arena *a)
{
    while (a->first) {
        struct sc_block *next = a->first->next;
        free(a->first);
        a->first = next;
    }
    a->used = 0;
}

/* ---- handles of ours ---- */

/* A number is odd: generation, then place, then 1. A place that is free waits for its turn, so that
   a number that was dropped does not stand for another object soon, and its generation differs. */
#define PLACE_BITS 24u
#define GENERATIONS (UINT64_C(1) << (53 - 1 - PLACE_BITS))

struct sc_handles {
    struct {
        void *object; /* NULL: free */
        uint64_t generation;
        uint32_t next_free;
    } *at;
    uint32_t n, cap, first_free, last_free, free_count;
};

#define FREE_LEAST 1024u /* places that wait before one is used again */

uint64_t sc_handle_new(uint32_t interface, uint32_t resource, void *object)
{
    pthread_mutex_lock(&sc.lock);
    if (!sc.interfaces[interface].handles)
        sc.interfaces[interface].handles =
            sc_alloc(sc.interfaces[interface].resource_count * sizeof(struct sc_handles));
    struct sc_handles *h = &sc.interfaces[interface].handles[resource];
    uint32_t place = h->first_free;
    if (h->free_count > FREE_LEAST) {
        h->first_free = h->at[place].next_free;
        h->free_count--;
    } else {
        if (h->n == h->cap) {
            h->cap = h->cap * 2 + 16;
            h->at = sc_realloc(h->at, h->cap * sizeof *h->at);
        }
        place = h->n++;
        if (h->n >> PLACE_BITS)
            abort(); /* 16 million objects that nobody drops */
        h->at[place].generation = 0;
    }
    h->at[place].object = object;
    uint64_t number = (h->at[place].generation << PLACE_BITS | place) << 1 | 1;
    pthread_mutex_unlock(&sc.lock);
    return number;
}

void *sc_object(uint32_t interface, uint32_t resource, uint64_t number, bool remove)
{
    void *object = NULL;
    uint64_t place = number >> 1 & ((1u << PLACE_BITS) - 1),
             generation = number >> (PLACE_BITS + 1);
    if (!(number & 1) || interface >= sc.interface_count ||
        resource >= sc.interfaces[interface].resource_count)
        return NULL;
    pthread_mutex_lock(&sc.lock);
    struct sc_handles *h =
        sc.interfaces[interface].handles ? &sc.interfaces[interface].handles[resource] : NULL;
    if (h && place < h->n && h->at[place].generation == generation)
        object = h->at[place].object;
    if (object && remove) {
        h->at[place].object = NULL;
        h->at[place].generation = (generation + 1) % GENERATIONS;
        if (h->free_count++)
            h->at[h->last_free].next_free = (uint32_t)place;
        else
            h->first_free = (uint32_t)place;
        h->last_free = (uint32_t)place;
    }
    pthread_mutex_unlock(&sc.lock);
    return object;
}

bool sc_makes(uint32_t interface, uint32_t resource)
{
    const loop_provider_interface *s = sc.interfaces[interface].provided;
    const loop_resource *r = &s->interface->resources[resource];
    return s->functions &&
           *(void (*const *)(void))(const void *)((const char *)s->functions + r->offset);
}

/* ---- handles of the next provider ---- */

#define REMOTES 65536u

/* An object's address is a place in here. */
static struct remote {
    uint64_t number; /* 0: free */
    uint32_t interface, resource, next_free;
} remotes[REMOTES];
static uint32_t remote_count, remote_free; /* a list of those that were given back; 0 ends it */

void *sc_remote_new(uint32_t interface, uint32_t resource, uint64_t number)
{
    struct remote *r = NULL;
    pthread_mutex_lock(&sc.lock);
    if (remote_free) {
        r = &remotes[remote_free];
        remote_free = r->next_free;
    } else if (remote_count + 1 < REMOTES) {
        r = &remotes[++remote_count];
    }
    if (r)
        *r = (struct remote){number, interface, resource, 0};
    pthread_mutex_unlock(&sc.lock);
    return r;
}

static struct remote *remote_of(const void *object)
{
    uintptr_t at = (uintptr_t)object, from = (uintptr_t)remotes;
    return at >= from && at < from + sizeof remotes ? &remotes[(at - from) / sizeof *remotes]
                                                    : NULL;
}

uint64_t sc_remote_number(const void *object)
{
    const struct remote *r = remote_of(object);
    return r ? r->number : 0;
}

void sc_remote_free(void *object)
{
    struct remote *r = remote_of(object);
    if (!r || !r->number)
        return;
    pthread_mutex_lock(&sc.lock);
    r->number = 0;
    r->next_free = remote_free;
    remote_free = (uint32_t)(r - remotes);
    pthread_mutex_unlock(&sc.lock);
}

void loop_sidecar_drop(void *object)
{
    const struct remote *r = remote_of(object);
    if (!r || !r->number)
        return;
    sc_buf b = {0};
    sc_add_number(&b, r->interface);
    sc_add_number(&b, r->resource);
    sc_add_number(&b, r->number);
    sc_remote_free(object);
    sc_send(SC_DROP, 0, b.ptr, b.len);
    free(b.ptr);
}

/* ---- the shared memory ---- */

#define ALIGN 64u

/* What is given out of our half, by place. */
static struct {
    struct block {
        uint32_t offset, size, id;
    } *at;
    size_t n, cap;
} blocks;

bool sc_shared_map(uint32_t size)
{
    const char *fd = getenv("LOOP_SIDECAR_FD");
    struct stat st;
    if (!fd || fstat(atoi(fd), &st) != 0 || st.st_size < (off_t)size)
        return false;
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, atoi(fd), 0);
    if (at == MAP_FAILED)
        return false;
    sc.shared = at;
    sc.shared_size = size;
    return true;
}

uint8_t *sc_shared_take(uint32_t id, size_t size)
{
    uint8_t *found = NULL;
    if (!sc.shared || size > sc.shared_size / 2)
        return NULL;
    uint32_t want = ((uint32_t)size + ALIGN - 1) & ~(ALIGN - 1);
    pthread_mutex_lock(&sc.lock);
    uint32_t at = (sc.shared_size / 2 + ALIGN - 1) & ~(ALIGN - 1);
    size_t i = 0;
    for (; i < blocks.n && blocks.at[i].offset - at < want; i++)
        at = blocks.at[i].offset + blocks.at[i].size;
    if (at <= sc.shared_size && want <= sc.shared_size - at) {
        if (blocks.n == blocks.cap) {
            blocks.cap = blocks.cap * 2 + 16;
            blocks.at = sc_realloc(blocks.at, blocks.cap * sizeof *blocks.at);
        }
        memmove(&blocks.at[i + 1], &blocks.at[i], (blocks.n - i) * sizeof *blocks.at);
        blocks.at[i] = (struct block){at, want, id};
        blocks.n++;
        found = sc.shared + at;
    }
    pthread_mutex_unlock(&sc.lock);
    return found;
}

void sc_shared_free(uint32_t id)
{
    size_t kept = 0;
    pthread_mutex_lock(&sc.lock);
    for (size_t i = 0; i < blocks.n; i++)
        if (blocks.at[i].id != id)
            blocks.at[kept++] = blocks.at[i];
    blocks.n = kept;
    pthread_mutex_unlock(&sc.lock);
}
