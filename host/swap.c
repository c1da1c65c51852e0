/*
 * host/swap.c: a swap of a provider, step by step (the keeper's thread).
 *
 *     resolve   who is to serve; new objects are made          nobody notices
 *     start     detect, open, health
 *     plan      types and handles of every use are checked
 *     copy      the state, while calls go on
 *     close     new calls wait, those under way end            calls wait from here
 *     quiesce   the old one
 *     carry     the rest of the state, or all of it
 *     move      the handles
 *     exchange  chains, hops, handles
 *     trial     health; a sidecar answers one call
 *     settle    bindings, tables                               to here
 *     let go    the old objects are dropped, the old provider closed (drain.c)
 *
 * A failure undoes what was done, last step first: the old provider is as it was.
 */
#include <stdlib.h>

#include "host/swap.h"

/* ---- asking for one ---- */

static const loop_link *copy_links(lp_arena *a, const loop_link *links, size_t n)
{
    loop_link *copy = lp_arena_alloc(a, (n + 1) * sizeof *copy);
    for (size_t i = 0; i < n; i++)
        copy[i] = (loop_link){lp_arena_strndup(a, links[i].provider, strlen(links[i].provider)),
                              lp_arena_list(a, links[i].options)};
    return copy;
}

static loop_error *check_request(const loop_swap *w)
{
    if (!w->interface_name || !strchr(w->interface_name, '/'))
        return loop_error_hint_set(loop_error_new(LOOP_USAGE, "no interface is named"),
                                   "name it as a component imports it: loop:storage/store");
    if (strlen(w->interface_name) >= LP_MAX_NAME)
        return loop_error_new(LOOP_LIMIT, "a name of more than %d bytes", LP_MAX_NAME - 1);
    if (w->links && !w->count)
        return loop_error_new(LOOP_USAGE, "no provider for '%s'", w->interface_name);
    return lp_os_barrier_ready();
}

loop_error *loop_host_swap(loop_host *h, const loop_swap *want, loop_swap_done *done, void *data)
{
    LP_TRY(check_request(want));
    struct lp_swap *s = lp_alloc(sizeof *s);
    s->host = h;
    s->done = done;
    s->data = data;
    s->want = *want;
    lp_arena *a = &s->arena;
    s->want.interface_name =
        lp_arena_strndup(a, want->interface_name, strcspn(want->interface_name, "@"));
    if (want->component)
        s->want.component = lp_arena_strndup(a, want->component, strlen(want->component));
    if (want->links)
        s->want.links = copy_links(a, want->links, want->count);
    s->report.from = s->report.to = "";
    loop_error *err = lp_keeper_add(s);
    if (err)
        lp_swap_delete(s);
    return err;
}

void lp_swap_delete(struct lp_swap *s)
{
    loop_error_delete(s->error);
    free(s->moved.at);
    free(s->carried.at);
    free(s->unused.at);
    lp_buf_done(&s->objects_state);
    lp_arena_done(&s->arena);
    free(s);
}

/* ---- behind closed gates ---- */

/*
 * A provider that may fail by itself answers a call before the old one is let go. Asked how it is
 * before and after: one that was found well twice with what it took over is a provider as any.
 */
static loop_error *try_it(struct lp_swap *s)
{
    const loop_provider_swap *swap = s->new->table->swap;
    struct lp_trial trial;
    if (s->old == s->new || s->alone || !swap || !swap->health)
        return NULL; /* whoever asks for it alone is in a call that waits for this */
    LP_TRY(lp_swap_health(s));
    if (s->report.handles_left)
        return NULL; /* the call could be one of theirs, which the old one answers and not again */
    uint64_t now = lp_os_now_ns();
    lp_trial_begin(s->host, &trial, now + LP_SWAP_TRIAL_MS * LP_SWAP_MS,
                   now + LP_SWAP_TRIED_MS * LP_SWAP_MS);
    loop_error *err = lp_swap_health(s);
    if (err && !lp_trial_left(s->host, &trial, s->until_ns)) {
        /* What a call is in cannot be taken out. */
        loop_host_log(s->host, LOOP_LOG_ERROR, "%s, and a call that was made of it does not end",
                      loop_error_message(err));
        loop_error_delete(lp_take(&err));
    }
    if (err)
        lp_swap_exchange(s); /* before it is called again */
    lp_trial_end(s->host, &trial, err != NULL);
    return err;
}

static loop_error *hand_over(struct lp_swap *s)
{
    LP_TRY(lp_gate_close(s->host, s->changes.at, s->changes.n, s->until_ns));
    LP_TRY(lp_swap_quiesce(s));
    LP_TRY(lp_swap_carry(s, s->copied ? LOOP_PASS_REST : LOOP_PASS_WHOLE, s->until_ns));
    LP_TRY(lp_swap_move(s));
    lp_swap_exchange(s);
    loop_error *err = try_it(s);
    if (err && s->in_place)
        lp_swap_exchange(s);
    return err;
}

static void tell_instances(const struct lp_swap *s)
{
    const loop_instance *last = NULL;
    for (size_t n = 0; n < s->changes.n; n++) {
        const struct lp_body *b = s->changes.at[n].body;
        if (b && b->instance != last)
            lp_instance_changed(b->instance);
        last = b ? b->instance : last;
    }
}

/* Calls wait from here until it returns. */
static loop_error *pause_and_hand_over(struct lp_swap *s)
{
    uint64_t ms = s->want.deadline_ms ? s->want.deadline_ms : LP_SWAP_DEADLINE_MS;
    s->closed_ns = lp_os_now_ns();
    s->until_ns = s->closed_ns + ms * LP_SWAP_MS;
    loop_error *err = hand_over(s);
    if (!err)
        lp_swap_settle(s);
    if (err || s->report.handles_left || s->old->standing == LP_SERVES)
        lp_swap_resume(s); /* calls come, or those of handles that stay, or of other packages */
    lp_gate_open(s->host, s->changes.at, s->changes.n);
    s->report.pause_ns = lp_os_now_ns() - s->closed_ns;
    if (!err) {
        tell_instances(s);
        lp_watch_swapped(s->host);
    }
    return err;
}

/* ---- all of it ---- */

static loop_error *locked(struct lp_swap *s, loop_error *(*step)(struct lp_swap *s))
{
    lp_os_mutex_lock(s->host->changing);
    loop_error *err = step(s);
    lp_os_mutex_unlock(s->host->changing);
    return err;
}

/* Whether it could be done. */
static loop_error *look_ahead(struct lp_swap *s)
{
    loop_error *err = lp_swap_plan(s);
    lp_swap_unplan(s);
    return err;
}

/* What uses it may be another since it was looked at: planned anew. */
static loop_error *plan_and_do(struct lp_swap *s)
{
    loop_error *err = lp_swap_plan(s);
    if (!err)
        err = pause_and_hand_over(s);
    lp_swap_unplan(s);
    return err;
}

static loop_error *make(struct lp_swap *s)
{
    LP_TRY(locked(s, lp_swap_find));
    LP_TRY(lp_swap_resolve(s));
    LP_TRY(lp_swap_start(s));
    LP_TRY(locked(s, look_ahead));
    if (s->want.dry_run)
        return NULL;
    if (lp_swap_copies(s))
        LP_TRY(lp_swap_carry(s, LOOP_PASS_COPY, lp_os_now_ns() + LP_SWAP_COPY_MS * LP_SWAP_MS));
    return locked(s, plan_and_do);
}

static void log_end(struct lp_swap *s)
{
    loop_host *h = s->host;
    if (s->want.dry_run)
        return;
    if (!s->error) {
        loop_host_log(h, LOOP_LOG_INFO, "swapped '%s' for '%s': '%s' serves it now (%.3f ms)",
                      s->report.from, s->want.interface_name, s->report.to,
                      (double)s->report.pause_ns / 1e6);
        return;
    }
    lp_buf why = {0};
    for (const loop_error *e = s->error; e; e = loop_error_cause(e))
        lp_buf_printf(&why, ": %s", loop_error_message(e));
    if (s->old)
        loop_host_log(h, LOOP_LOG_WARN, "'%s' serves '%s' on; the swap was undone%s",
                      s->report.from, s->want.interface_name, why.ptr);
    else
        loop_host_log(h, LOOP_LOG_WARN, "nothing was swapped for '%s'%s", s->want.interface_name,
                      why.ptr);
    lp_buf_done(&why);
}

void lp_swap_run(struct lp_swap *s)
{
    uint64_t began = lp_os_now_ns();
    s->old_side = lp_runner_new();
    s->new_side = lp_runner_new();
    s->error = make(s);
    if (!s->in_place)
        lp_swap_resume(s); /* where only a copy was made */
    lp_swap_drop_moved(s);
    lp_swap_forget(s);
    if (s->in_place)
        lp_swap_drop_tables(s);
    else
        lp_swap_discard(s);
    if (s->old_hangs && s->old)
        s->old->stuck = true;
    bool back = lp_runner_delete(s->old_side);
    back = lp_runner_delete(s->new_side) && back;
    if (!back)
        s->host->haunted = true;
    s->report.whole_ns = lp_os_now_ns() - began;
    log_end(s);
}
