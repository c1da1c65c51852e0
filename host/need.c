/*
 * host/need.c: what a call takes, and the one way from here to the decision function.
 *
 * A provider's row of the kind OWN is asked about by the host: when a component is linked, once,
 * since a policy does not change while it is in use. What comes out is a byte in the slot, which
 * the call path looks at together with what it looks at anyway (call.c). Every link that a call can
 * reach is asked about, not only the first: an interceptor, or a provider that passes calls on, is
 * no way around what stands behind it. Interfaces are found by their names without versions, so
 * that an old version is no way around it either.
 */
#include "host/internal.h"

void lp_decide(loop_host *h, const lp_asker *who, const loop_request *want, loop_decision *ret)
{
    h->hooks.decide(who->policy, want, ret);
    if (h->options.decided)
        h->options.decided(h->options.data,
                           &(loop_decided){who->component, who->instance, want, ret});
}

lp_asker lp_asker_of(const loop_instance *i)
{
    return (lp_asker){i->options.policy, i->options.name, i->number};
}

void lp_body_decide(const struct lp_body *b, const loop_request *want, loop_decision *ret)
{
    lp_asker who = lp_asker_of(b->instance);
    lp_decide(b->host, &who, want, ret);
}

/* ---- rows ---- */

const loop_provider_need *lp_need_of(const loop_provider *p, const char *interface_name,
                                     const char *function)
{
    const loop_provider_need *any = NULL;
    for (const loop_provider_need *n = p->needs; n && n->interface_name; n++) {
        if (strcmp(n->interface_name, interface_name) != 0)
            continue;
        if (strcmp(n->function, function) == 0)
            return n;
        if (strcmp(n->function, "*") == 0)
            any = n;
    }
    return any;
}

const loop_provider_need *lp_need_own(const struct lp_link *l, const struct lp_served *served)
{
    const loop_provider_need *n =
        l->side ? lp_need_of(l->provider->table, served->interface->name, served->function->name)
                : NULL;
    return n && n->need == LOOP_NEED_OWN ? n : NULL;
}

/* ---- hops ---- */

static bool asks(const struct lp_body *b, const struct lp_hop *h, bool told, loop_decision *ret)
{
    const loop_provider *p = h->gen->chain.links[h->link].provider->table;
    lp_auto(lp_free_string) char *name = lp_format("%s.%s", p->name, h->need->name);
    const loop_request want = {.kind = LOOP_GRANT_NEED, .name = name};
    if (told)
        lp_body_decide(b, &want, ret);
    else
        b->host->hooks.decide(b->instance->options.policy, &want, ret);
    return ret->allowed;
}

bool lp_hops_ask(const struct lp_body *b, const struct lp_hop *hops, loop_decision *ret)
{
    for (const struct lp_hop *h = hops; h->served.function; h++)
        if (h->need && !asks(b, h, true, ret))
            return false;
    return true;
}

loop_error *lp_hops_check(const struct lp_body *b, const struct lp_hop *hops)
{
    loop_decision d;
    if (lp_hops_ask(b, hops, &d))
        return NULL;
    loop_error *err = loop_error_new(LOOP_DENIED, "%s", d.reason);
    return *d.hint ? loop_error_hint_set(err, "to allow it: %s", d.hint) : err;
}

void lp_slot_guard(struct lp_slot *s)
{
    const struct lp_body *b = s->body;
    bool needs = false, allowed = true;
    loop_decision d;
    for (const struct lp_hop *h = s->hops; allowed && h->served.function; h++) {
        needs = needs || h->need;
        allowed = !h->need || asks(b, h, false, &d);
    }
    s->guard = !allowed                            ? LP_GUARD_DENIES
               : needs && b->host->options.decided ? LP_GUARD_TELLS
                                                   : LP_GUARD_NONE;
}
