/*
 * trust/policy_names.c: the addresses of host names, remembered for 30 seconds.
 *
 * A grant names a host, a guest's socket names an address. Asking DNS at every
 * connect would be slow; asking once would miss a host that moves. So answers
 * are kept for CACHE_NS. Where an address is not in a kept answer, and that is
 * older than RETRY_NS, DNS is asked again: hosts with many addresses hand out a
 * few at a time. The lock is never held while DNS is asked.
 */
#include <stdlib.h>

#include "trust/policy.h"

#define CACHE_NS (30 * UINT64_C(1000000000))
#define RETRY_NS UINT64_C(1000000000)
#define MAX_ADDRESSES 32
#define MAX_NAMES 256

typedef struct answer {
    char name[LP_MAX_HOST + 1];
    uint64_t at_ns;
    size_t n;
    lp_os_address addresses[MAX_ADDRESSES];
} answer;

struct lp_names {
    lp_os_mutex *mutex;
    lp_policy_resolver *resolve;
    void *ctx;
    struct {
        answer *at;
        size_t n, cap;
    } answers;
};

static size_t ask_system(void *ctx, const char *name, lp_os_address *ret, size_t max)
{
    (void)ctx;
    return lp_os_resolve(name, ret, max);
}

lp_names *lp_names_new(void)
{
    lp_names *n = lp_alloc(sizeof *n);
    n->mutex = lp_os_mutex_new();
    n->resolve = ask_system;
    return n;
}

void lp_names_delete(lp_names *n)
{
    if (!n)
        return;
    lp_os_mutex_delete(n->mutex);
    free(n->answers.at);
    free(n);
}

void lp_names_resolver_set(lp_names *n, lp_policy_resolver *resolve, void *ctx)
{
    n->resolve = resolve ? resolve : ask_system;
    n->ctx = ctx;
    n->answers.n = 0;
}

static answer *find(lp_names *n, const char *name)
{
    for (size_t i = 0; i < n->answers.n; i++)
        if (strcmp(n->answers.at[i].name, name) == 0)
            return &n->answers.at[i];
    return NULL;
}

static bool has(const answer *a, const lp_os_address *address)
{
    for (size_t i = 0; i < a->n; i++)
        if (lp_os_address_eq(&a->addresses[i], address))
            return true;
    return false;
}

/* The place for one more answer: its own, a new one, or that of the oldest. */
static answer *place(lp_names *n, const char *name)
{
    answer *a = find(n, name);
    if (a)
        return a;
    if (n->answers.n < MAX_NAMES)
        return lp_push(&n->answers);
    a = n->answers.at;
    for (size_t i = 1; i < n->answers.n; i++)
        if (n->answers.at[i].at_ns < a->at_ns)
            a = &n->answers.at[i];
    return a;
}

bool lp_names_have(lp_names *n, const char *name, const lp_os_address *address)
{
    lp_os_mutex_lock(n->mutex);
    const answer *known = find(n, name);
    uint64_t age = known ? lp_os_now_ns() - known->at_ns : UINT64_MAX;
    bool found = known && age < CACHE_NS && has(known, address);
    lp_os_mutex_unlock(n->mutex);
    if (found || age < RETRY_NS)
        return found;

    answer fresh = {.at_ns = lp_os_now_ns()};
    memcpy(fresh.name, name, strnlen(name, LP_MAX_HOST));
    fresh.n = n->resolve(n->ctx, name, fresh.addresses, MAX_ADDRESSES);
    lp_os_mutex_lock(n->mutex);
    *place(n, name) = fresh;
    lp_os_mutex_unlock(n->mutex);
    return has(&fresh, address);
}
