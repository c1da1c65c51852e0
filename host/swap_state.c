/*
 * host/swap_state.c: what two providers do for a swap, each on a thread of its own: the new one
 * starts, the old one becomes quiet, a state and the handles go from one to the other.
 *
 * A provider may hang in any of this. The thread it hangs on is left behind then, with the
 * provider, which is never closed: nobody can know what it still does.
 */
#include <stdlib.h>

#include "host/swap.h"

/* ---- on a side ---- */

/* Waits until then, or until the host ends. */
static bool wait_for(const struct lp_swap *s, lp_runner *r, uint64_t until_ns)
{
    for (;;) {
        uint64_t now = lp_os_now_ns(), look = now + 50 * LP_SWAP_MS;
        if (lp_runner_wait(r, LP_MIN(look, until_ns)))
            return true;
        if (now >= until_ns || lp_keeper_ends(s->host))
            return false;
    }
}

/* Once more for a little while; false: it hangs. */
static bool comes_back(struct lp_swap *s, bool new_side)
{
    lp_runner *r = new_side ? s->new_side : s->old_side;
    if (lp_runner_wait(r, lp_os_now_ns() + LP_SWAP_BACK_MS * LP_SWAP_MS))
        return true;
    *(new_side ? &s->new_hangs : &s->old_hangs) = true;
    return false;
}

static loop_error *hangs(const struct lp_swap *s, bool new_side, const char *step)
{
    return loop_error_new(LOOP_TIMEOUT, "'%s' did not %s in time",
                          (new_side ? s->new : s->old)->table->name, step);
}

loop_error *lp_swap_on(struct lp_swap *s, bool new_side, void (*f)(void *data), void *data,
                       const char *step, uint64_t until_ns)
{
    lp_runner *r = new_side ? s->new_side : s->old_side;
    lp_runner_begin(r, f, data);
    if (wait_for(s, r, until_ns) || comes_back(s, new_side))
        return NULL;
    return hangs(s, new_side, step);
}

/* What a step does and what came of it. On the heap: it is left behind with a thread that hangs. */
struct step {
    struct lp_swap *s;
    struct lp_provider *p;
    loop_error *err;
};

/* *ret_err: what the step itself says. */
static loop_error *run_step(struct lp_swap *s, bool new_side, void (*f)(void *data),
                            struct lp_provider *p, const char *name, uint64_t until_ns)
{
    struct step *step = lp_alloc(sizeof *step);
    *step = (struct step){s, p, NULL};
    loop_error *err = lp_swap_on(s, new_side, f, step, name, until_ns);
    if (err)
        return err;
    err = step->err;
    free(step);
    return err;
}

/* For a step while which calls go on. */
static uint64_t in_time(const struct lp_swap *s)
{
    return lp_os_now_ns() + s->host->step_ms * LP_SWAP_MS;
}

/* ---- starting ---- */

static loop_error *check_health(const struct lp_provider *p)
{
    loop_error *err = p->table->swap->health(p->self);
    return err ? loop_error_wrap(err, "'%s' is not well", p->table->name) : NULL;
}

static void start(void *data)
{
    struct step *x = data;
    struct lp_provider *p = x->p;
    if (!lp_works_here(p)) {
        x->err = loop_error_new(LOOP_UNAVAILABLE, "'%s' does not work here: %s", p->table->name,
                                p->why_not);
        return;
    }
    x->err = lp_provider_open(p);
}

/* A component that is to serve starts without any lock. */
static void make_ready(struct step *x)
{
    const loop_provider_swap *swap = x->p->table->swap;
    if (!x->err)
        x->err = lp_provider_ready(x->p, false);
    if (!x->err && swap && swap->health)
        x->err = check_health(x->p);
}

static void start_fresh(void *data)
{
    start(data);
    make_ready(data);
}

/* One that there is, and that others may find as well: nobody may have used it yet. */
static void start_shared(void *data)
{
    struct step *x = data;
    lp_os_mutex_lock(x->s->host->finding);
    bool opened = x->p->opened;
    if (!opened)
        start(x);
    lp_os_mutex_unlock(x->s->host->finding);
    if (!opened)
        make_ready(x);
}

loop_error *lp_swap_start(struct lp_swap *s)
{
    for (size_t n = 0; n < s->pair_count; n++)
        if (s->pairs[n].fresh)
            LP_TRY(run_step(s, true, start_fresh, s->pairs[n].to, "start", in_time(s)));
    for (size_t n = 0; n < s->n; n++)
        if (s->links[n]->standing != LP_STAGED)
            LP_TRY(run_step(s, true, start_shared, s->links[n], "start", in_time(s)));
    return NULL;
}

static void health(void *data)
{
    struct step *x = data;
    x->err = check_health(x->p);
}

loop_error *lp_swap_health(struct lp_swap *s)
{
    const loop_provider_swap *swap = s->new->table->swap;
    if (!swap || !swap->health)
        return NULL;
    return run_step(s, true, health, s->new, "say that it lives", s->until_ns);
}

/* ---- quiet ---- */

static void quiesce(void *data)
{
    struct step *x = data;
    x->err = x->p->table->swap->quiesce(x->p->self);
    if (x->err)
        x->err = loop_error_wrap(x->err, "'%s' could not become quiet", x->p->table->name);
}

loop_error *lp_swap_quiesce(struct lp_swap *s)
{
    const loop_provider_swap *swap = s->old->table->swap;
    if (s->old == s->new || !swap || !swap->quiesce)
        return NULL;
    s->quiet = true;
    return run_step(s, false, quiesce, s->old, "become quiet", s->until_ns);
}

static void resume(void *data)
{
    struct step *x = data;
    x->p->table->swap->resume(x->p->self);
}

void lp_swap_resume(struct lp_swap *s)
{
    bool needed = s->old && (s->quiet || s->copied); /* none: nobody was found to be replaced */
    const loop_provider_swap *swap = needed ? s->old->table->swap : NULL;
    s->quiet = s->copied = false;
    if (!needed || s->old_hangs || !swap || !swap->resume)
        return;
    loop_error *err = run_step(s, false, resume, s->old, "resume", in_time(s));
    if (err)
        loop_host_log(s->host, LOOP_LOG_ERROR, "%s", loop_error_message(err));
    loop_error_delete(err);
}

/* ---- the state ---- */

/* One interface; on the heap, as a step. */
struct carriage {
    struct lp_provider *from, *to;
    struct lp_carried *what;
    loop_pass pass;
    loop_stream *stream;
    loop_error *saved, *restored;
};

bool lp_swap_copies(const struct lp_swap *s)
{
    const loop_provider_swap *a = s->old->table->swap, *b = s->new->table->swap;
    return s->old != s->new && s->want.carry == LOOP_CARRY_STATE &&a &&b && a->copies &&
           b->copies && s->old->table->threads == LOOP_THREADS_ANY;
}

static void save(void *data)
{
    struct carriage *c = data;
    c->saved = c->from->table->swap->save(c->from->self, c->what->from, c->pass, c->stream);
    if (c->saved)
        lp_stream_break(c->stream);
    else
        lp_stream_end(c->stream);
}

static loop_error *restore_all(struct carriage *c)
{
    const loop_provider_swap *swap = c->to->table->swap;
    uint8_t more;
    size_t n;
    if (!lp_stream_begins(c->stream) && !c->what->began)
        return NULL;
    c->what->began = true;
    if (!swap || !swap->restore)
        return loop_error_hint_set(
            loop_error_new(LOOP_UNAVAILABLE, "'%s' cannot take over a state", c->to->table->name),
            "swap without the state (carry: none), and what '%s' holds is lost",
            c->from->table->name);
    LP_TRY(swap->restore(c->to->self, c->what->to, c->pass, c->stream));
    LP_TRY(loop_stream_read(c->stream, &more, 1, &n));
    return n ? loop_error_new(LOOP_INVALID, "'%s' did not read the whole state", c->to->table->name)
             : NULL;
}

static void restore(void *data)
{
    struct carriage *c = data;
    c->restored = restore_all(c);
    if (c->restored)
        lp_stream_break(c->stream);
}

/*
 * Waits until the state is saved and restored. No longer than for a step where nothing moves: a
 * copy may take its time, but not stand still.
 */
static bool wait_for_both(const struct lp_swap *s, loop_stream *stream, uint64_t until_ns)
{
    uint64_t moved = 0, moved_ns = lp_os_now_ns();
    for (;;) {
        uint64_t now = lp_os_now_ns(), look = LP_MIN(now + 50 * LP_SWAP_MS, until_ns);
        if (lp_runner_wait(s->old_side, look) && lp_runner_wait(s->new_side, look))
            return true;
        if (lp_stream_total(stream) != moved) {
            moved = lp_stream_total(stream);
            moved_ns = now;
        }
        if (now >= until_ns || now - moved_ns >= s->host->step_ms * LP_SWAP_MS ||
            lp_keeper_ends(s->host))
            return false;
    }
}

/* What went wrong first: the other side only heard of it. */
static loop_error *carriage_error(struct carriage *c)
{
    bool echo = c->saved && c->restored && loop_error_code(c->saved) == LOOP_CANCELLED;
    loop_error *first = c->saved && !echo ? c->saved : c->restored;
    loop_error *other = first == c->saved ? c->restored : c->saved;
    const char *what = first == c->saved ? "save" : "take over";
    const char *who = (first == c->saved ? c->from : c->to)->table->name;
    loop_error_delete(other);
    return first ? loop_error_wrap(first, "'%s' could not %s the state of '%s'", who, what,
                                   c->what->from->name)
                 : NULL;
}

static loop_error *carry_one(struct lp_swap *s, struct lp_carried *what, loop_pass pass,
                             uint64_t until_ns)
{
    struct carriage *c = lp_alloc(sizeof *c);
    *c = (struct carriage){.from = s->old, .to = s->new, .what = what, .pass = pass};
    c->stream = lp_stream_pipe(until_ns);
    lp_runner_begin(s->old_side, save, c);
    lp_runner_begin(s->new_side, restore, c);
    if (!wait_for_both(s, c->stream, until_ns)) {
        lp_stream_break(c->stream);
        bool old_back = comes_back(s, false), new_back = comes_back(s, true);
        if (!old_back || !new_back)
            return hangs(s, old_back, old_back ? "take over the state" : "save its state");
    }
    uint64_t bytes = lp_stream_total(c->stream);
    s->report.state_bytes += bytes;
    s->report.rest_bytes += pass == LOOP_PASS_COPY ? 0 : bytes;
    loop_error *err = carriage_error(c);
    lp_stream_delete(c->stream);
    free(c);
    return err;
}

loop_error *lp_swap_carry(struct lp_swap *s, loop_pass pass, uint64_t until_ns)
{
    const loop_provider_swap *swap = s->old->table->swap;
    if (s->old == s->new || s->want.carry == LOOP_CARRY_NONE || !swap || !swap->save)
        return NULL;
    s->copied = s->copied || pass == LOOP_PASS_COPY;
    for (size_t n = 0; n < s->carried.n; n++)
        LP_TRY(carry_one(s, &s->carried.at[n], pass, until_ns));
    return NULL;
}

/* ---- handles ---- */

static void add_moved(struct lp_swap *s, const struct lp_change *c, const struct lp_moved *m)
{
    const char *last = s->moved.n ? s->moved.at[s->moved.n - 1].resource : "";
    struct lp_moved *to = lp_push(&s->moved);
    *to = *m;
    to->resource = strcmp(last, m->resource) == 0
                       ? last /* the component may be gone when it is dropped */
                       : lp_arena_strndup(&s->arena, m->resource, strlen(m->resource));
    to->change = c;
    to->gen = c->other;
}

static void find_handles(struct lp_swap *s, const struct lp_change *c)
{
    const struct lp_generation *now = c->use->gen;
    lp_os_mutex_lock(c->body ? c->body->lock : c->peer->lock);
    for (size_t n = 0; c->body && n < c->body->held.n; n++) {
        const struct lp_held *h = &c->body->held.at[n];
        if (h->object && h->gen == now && !h->lent && !h->gone)
            add_moved(s, c,
                      &(struct lp_moved){.number = (uint32_t)n,
                                         .resource = h->resource->name,
                                         .giver = h->giver,
                                         .object = h->object});
    }
    for (struct lp_peer_object *o = c->body ? NULL : c->peer->objects; o; o = o->next)
        if (o->gen == now)
            add_moved(
                s, c,
                &(struct lp_moved){.of_peer = o,
                                   .resource = c->peer->interface->resources[o->resource].name,
                                   .object = o->object});
    lp_os_mutex_unlock(c->body ? c->body->lock : c->peer->lock);
}

static struct lp_provider *in_its_place(const struct lp_swap *s, const struct lp_provider *p)
{
    for (size_t n = 0; n < s->pair_count; n++)
        if (s->pairs[n].from == p)
            return s->pairs[n].to;
    return (struct lp_provider *)p;
}

/* Whose object it is: the link that drops it. */
static const struct lp_link *owner_of(const struct lp_chain *c, const struct lp_provider *giver,
                                      const char *resource, const loop_resource **ret)
{
    size_t n = lp_chain_owner(c, giver, resource, ret);
    return n < c->n ? &c->links[n] : NULL;
}

/*
 * Moving all handles, or dropping them, on one side: `box` takes one after the other. `inside` is
 * held but while a provider does its part: one that hangs there, and comes back when it was given
 * up, finds nothing of the swap any more.
 */
struct moving {
    struct lp_swap *s;
    loop_stream *box;
    loop_error *err;
    lp_os_mutex *inside;
    bool given_up;
};

static struct moving *moving_new(struct lp_swap *s)
{
    struct moving *x = lp_alloc(sizeof *x);
    *x = (struct moving){.s = s, .box = lp_stream_box(LP_MAX_OBJECT_STATE)};
    x->inside = lp_os_mutex_new();
    return x;
}

static void moving_delete(struct moving *x)
{
    lp_stream_delete(x->box);
    lp_os_mutex_delete(x->inside);
    free(x);
}

/* The loops begin and end with these. */
static void moving_begins(struct moving *x)
{
    lp_os_mutex_lock(x->inside);
}

static void moving_ends(struct moving *x)
{
    bool given_up = x->given_up;
    lp_os_mutex_unlock(x->inside);
    if (!given_up)
        return;
    loop_error_delete(x->err);
    moving_delete(x);
}

static loop_error *save_into(struct moving *x, struct lp_moved *m)
{
    const struct lp_link *l = &m->owners[0].link; /* a copy: the chain may go meanwhile */
    const loop_resource *row = m->owners[0].row;
    const loop_provider_swap *swap = l->provider->table->swap;
    size_t resource = (size_t)(row - l->side->interface->resources);
    lp_stream_clear(x->box);
    lp_os_mutex_unlock(x->inside);
    loop_error *err =
        swap->save_object(l->provider->self, l->side->interface, resource, m->object, x->box);
    lp_os_mutex_lock(x->inside);
    if (err)
        return err;
    lp_buf *all = &x->s->objects_state;
    m->from = all->len;
    uint8_t bytes[1024];
    size_t n = 0;
    do {
        LP_TRY(loop_stream_read(x->box, bytes, sizeof bytes, &n));
        lp_buf_add(all, bytes, n);
    } while (n);
    m->length = all->len - m->from;
    return NULL;
}

/* LOOP_UNAVAILABLE: this one stays where it is. */
static loop_error *stays(struct lp_moved *m, loop_error *err)
{
    if (loop_error_code(err) != LOOP_UNAVAILABLE)
        return err;
    loop_error_delete(err);
    m->object = NULL;
    return NULL;
}

static void save_objects(void *data)
{
    struct moving *x = data;
    moving_begins(x);
    for (size_t n = 0; !x->given_up && n < x->s->moved.n && !x->err; n++) {
        struct lp_moved *m = &x->s->moved.at[n];
        const loop_resource *row = NULL;
        const struct lp_link *l =
            owner_of(&m->change->use->gen->chain, m->giver, m->resource, &row);
        if (!l || in_its_place(x->s, l->provider) == l->provider)
            continue; /* its provider stays */
        m->moves = true;
        m->owners[0] = (struct lp_moved_owner){*l, row};
        const loop_provider_swap *swap = l->provider->table->swap;
        if (swap && swap->save_object)
            x->err = stays(m, save_into(x, m));
        else
            m->object = NULL;
    }
    moving_ends(x);
}

static loop_error *restore_from(struct moving *x, struct lp_moved *m)
{
    const struct lp_link *l = &m->owners[1].link;
    const loop_resource *row = m->owners[1].row;
    const loop_provider_swap *swap = l->provider->table->swap;
    size_t resource = (size_t)(row - l->side->interface->resources);
    lp_stream_clear(x->box);
    LP_TRY(loop_stream_write(x->box, x->s->objects_state.ptr + m->from, m->length));
    void *object = NULL;
    lp_os_mutex_unlock(x->inside);
    loop_error *err =
        swap->restore_object(l->provider->self, l->side->interface, resource, x->box, &object);
    lp_os_mutex_lock(x->inside);
    if (err)
        return err;
    if (!object)
        return loop_error_new(LOOP_INVALID, "it made no object");
    m->object = object;
    return NULL;
}

static void restore_objects(void *data)
{
    struct moving *x = data;
    moving_begins(x);
    for (size_t n = 0; !x->given_up && n < x->s->moved.n; n++) {
        struct lp_moved *m = &x->s->moved.at[n];
        const struct lp_provider *old_giver = m->giver;
        m->giver = in_its_place(x->s, old_giver);
        if (!m->object || !m->moves)
            continue;
        const loop_resource *row = NULL;
        const struct lp_link *l = owner_of(&m->gen->chain, m->giver, m->resource, &row);
        const loop_provider_swap *swap = l ? l->provider->table->swap : NULL;
        if (l)
            m->owners[1] = (struct lp_moved_owner){*l, row};
        if (!swap || !swap->restore_object || x->err)
            m->object = NULL;
        else
            x->err = restore_from(x, m); /* unavailable, too: a process that died */
        if (x->err)
            m->object = NULL;
    }
    moving_ends(x);
}

/* *ret_err: what a provider says; else it did not come back. */
static loop_error *move_in_time(struct lp_swap *s, bool new_side, void (*f)(void *data),
                                const char *step, uint64_t until_ns, loop_error **ret_err)
{
    struct moving *x = moving_new(s);
    loop_error *err = lp_swap_on(s, new_side, f, x, step, until_ns);
    if (err) {
        lp_os_mutex_lock(x->inside);
        x->given_up = true;
        lp_os_mutex_unlock(x->inside);
        return err;
    }
    *ret_err = x->err;
    moving_delete(x);
    return NULL;
}

static loop_error *move_on(struct lp_swap *s, bool new_side, void (*f)(void *data),
                           const char *step)
{
    loop_error *err = NULL;
    LP_TRY(move_in_time(s, new_side, f, step, s->until_ns, &err));
    return err ? loop_error_wrap(err, "a handle could not move from '%s' to '%s'",
                                 s->old->table->name, s->new->table->name)
               : NULL;
}

loop_error *lp_swap_move(struct lp_swap *s)
{
    for (size_t n = 0; n < s->changes.n; n++)
        find_handles(s, &s->changes.at[n]);
    if (!s->moved.n)
        return NULL;
    loop_error *err = move_on(s, false, save_objects, "say what its handles are");
    if (err) {
        s->moved.n = 0; /* there are no new ones yet */
        return err;
    }
    LP_TRY(move_on(s, true, restore_objects, "make its handles"));
    for (size_t n = 0; n < s->moved.n; n++)
        *(s->moved.at[n].object ? &s->report.handles_moved : &s->report.handles_left) += 1;
    return NULL;
}

/* The generation of new ones is gone already, where the swap was undone. */
static void drop_all(void *data)
{
    struct moving *x = data;
    moving_begins(x);
    for (size_t n = 0; !x->given_up && n < x->s->moved.n; n++) {
        struct lp_moved *m = &x->s->moved.at[n];
        const struct lp_moved_owner *owner = &m->owners[!x->s->in_place];
        if (!m->object || !m->moves)
            continue;
        lp_os_mutex_unlock(x->inside);
        lp_link_drop(&owner->link, owner->row, m->object);
        lp_os_mutex_lock(x->inside);
    }
    moving_ends(x);
}

void lp_swap_drop_moved(struct lp_swap *s)
{
    bool new_side = !s->in_place;
    if (!s->moved.n || (new_side ? s->new_hangs : s->old_hangs))
        return;
    loop_error *none = NULL;
    loop_error *err = move_in_time(s, new_side, drop_all, "drop its handles", in_time(s), &none);
    if (err)
        loop_host_log(s->host, LOOP_LOG_WARN, "%s", loop_error_message(err));
    loop_error_delete(err);
}

/* ---- for nothing ---- */

static void close_new(void *data)
{
    struct step *x = data;
    lp_provider_close(x->p);
}

static void discard(struct lp_swap *s, struct lp_pair *p)
{
    loop_host *h = s->host;
    loop_error *err = NULL;
    if (!s->new_hangs)
        err = run_step(s, true, close_new, p->to, "close", in_time(s));
    if (s->new_hangs) {
        p->to->stuck = true;
        loop_host_log(h, LOOP_LOG_ERROR, "the provider '%s' hangs and is left behind",
                      p->to->table->name);
        loop_error_delete(err);
        return;
    }
    lp_os_mutex_lock(h->finding);
    lp_object_delete(p->to);
    lp_os_mutex_unlock(h->finding);
    if (p->renewed)
        lp_table_drop(h, p->renewed);
}

void lp_swap_discard(struct lp_swap *s)
{
    for (size_t n = s->pair_count; n-- > 0;)
        if (s->pairs[n].fresh)
            discard(s, &s->pairs[n]);
}

void lp_swap_drop_tables(struct lp_swap *s)
{
    for (size_t n = 0; n < s->pair_count; n++)
        if (s->pairs[n].renewed)
            lp_table_drop(s->host, s->pairs[n].table);
}
