/*
 * fx/core/context.c: who reads which context of whom.
 *
 * Which provider a fiber reads from never changes while both live, as nothing changes its place
 * but to another place among the same siblings. So it is looked for when the fiber runs, and a
 * provider keeps the list of its readers: a new value costs its readers and nothing else.
 *
 * Which contexts a function reads is known after it ran once, in any fiber. It is then handed out
 * with their values. The first time, it is run again with those that it asked for and did not get;
 * the first output counts for nothing.
 */
#include "fx/core/internal.h"

uint32_t lp_fx_provider(const lp_fx *fx, uint32_t f, uint32_t name)
{
    for (f = lp_fx_up(fx, f); f; f = lp_fx_up(fx, f)) {
        const struct fiber *p = lp_fx_at(fx, f);
        if (p->role == LP_FX_PROVIDE && p->function == name)
            return f;
        if (name == fx->failure && p->role == LP_FX_BOUNDARY && p->flags & FIBER_FAILED)
            return f;
    }
    return 0;
}

lp_str lp_fx_context_value(const lp_fx *fx, uint32_t provider)
{
    const struct fiber *p = lp_fx_at(fx, provider);
    if (p->role == LP_FX_BOUNDARY)
        return lp_str_of(p->extra->why);
    return p->props ? (lp_str){(const char *)(p->props->callbacks + p->props->n), p->props->len}
                    : LP_STR("");
}

static void unlink_reader(lp_fx *fx, uint32_t i)
{
    struct link *l = &fx->links.at[i];
    if (l->prev)
        fx->links.at[l->prev].next = l->next;
    else
        lp_fx_at(fx, l->provider)->extra->readers = l->next;
    if (l->next)
        fx->links.at[l->next].prev = l->prev;
}

static void link_free(lp_fx *fx, uint32_t i)
{
    lp_fx_name_unref(fx, fx->links.at[i].name);
    fx->links.at[i] = (struct link){.next = fx->free_link};
    fx->free_link = i;
}

void lp_fx_reads_done(lp_fx *fx, uint32_t f)
{
    struct extra *x = lp_fx_at(fx, f)->extra;
    uint32_t i = x ? x->links : 0;
    if (x)
        x->links = 0;
    while (i) {
        uint32_t next = fx->links.at[i].sibling;
        if (fx->links.at[i].provider)
            unlink_reader(fx, i);
        link_free(fx, i);
        i = next;
    }
}

/* Its readers go with it, or are about to; they read nothing until they run again. */
void lp_fx_provider_done(lp_fx *fx, uint32_t f)
{
    struct extra *x = lp_fx_at(fx, f)->extra;
    for (uint32_t i = x->readers, next; i; i = next) {
        next = fx->links.at[i].next;
        fx->links.at[i].provider = fx->links.at[i].next = fx->links.at[i].prev = 0;
    }
    x->readers = 0;
}

static void add(lp_fx *fx, uint32_t f, uint32_t name, uint32_t provider)
{
    uint32_t i = fx->free_link;
    if (i) {
        fx->free_link = fx->links.at[i].next;
    } else {
        if (!fx->links.n)
            lp_push(&fx->links); /* 0 is none */
        size_t cap = fx->links.cap;
        lp_push(&fx->links);
        fx->bytes += (fx->links.cap - cap) * sizeof *fx->links.at;
        i = (uint32_t)fx->links.n - 1;
    }
    struct extra *reader = lp_fx_extra(fx, f), *x = lp_fx_extra(fx, provider);
    fx->links.at[i] = (struct link){.fiber = f,
                                    .name = name,
                                    .provider = provider,
                                    .next = x->readers,
                                    .sibling = reader->links};
    if (x->readers)
        fx->links.at[x->readers].prev = i;
    x->readers = reader->links = i;
    lp_fx_name_ref(fx, name);
}

/* Whether it was among the `given`; fibers of `function` get it from now on. */
static enum lp_fx_read known(lp_fx *fx, uint32_t function, uint32_t name, uint32_t given)
{
    struct name *p = &fx->names[function];
    for (uint32_t i = 0; i < p->n_reads; i++)
        if (p->reads[i] == name)
            return i < given ? READ_OK : READ_AGAIN;
    if (p->n_reads == LP_MAX_FX_READS)
        return READ_TOO_MANY;
    p->reads = lp_realloc(p->reads, (p->n_reads + 1) * sizeof *p->reads);
    fx->bytes += sizeof *p->reads;
    p->reads[p->n_reads++] = name;
    lp_fx_name_ref(fx, name);
    return READ_AGAIN;
}

enum lp_fx_read lp_fx_reads(lp_fx *fx, uint32_t f, const lp_str *names, uint32_t n, uint32_t given)
{
    enum lp_fx_read result = READ_OK;
    lp_fx_reads_done(fx, f);
    for (uint32_t i = 0; i < n && result != READ_TOO_MANY; i++) {
        uint32_t name = lp_fx_name(fx, SPACE_CONTEXT, names[i]);
        uint32_t provider = name ? lp_fx_provider(fx, f, name) : 0;
        enum lp_fx_read read =
            provider ? known(fx, lp_fx_at(fx, f)->function, name, given) : READ_OK;
        if (provider && read != READ_TOO_MANY)
            add(fx, f, name, provider);
        result = LP_MAX(result, read);
        lp_fx_name_unref(fx, name);
    }
    return result;
}

void lp_fx_provided(lp_fx *fx, uint32_t provider)
{
    struct extra *x = lp_fx_at(fx, provider)->extra;
    for (uint32_t i = x ? x->readers : 0; i; i = fx->links.at[i].next)
        lp_fx_due(fx, fx->links.at[i].fiber, LP_FX_CONTEXT);
}
