/*
 * fx/serve/drive.c: the baton.
 *
 *     nobody ──kick──▶ a mailbox ──▶ a thread ──┬─▶ nobody: there is nothing left to do
 *                          ▲                    │
 *                          └── the next step is an application's, or its own things wait
 *
 * Who has the baton takes the next step from the runtime. One of its own functions, or of a
 * component in a slot, it calls itself. One of another application goes, with the baton, into that
 * one's mailbox. So nobody waits, and an application's events are not held up for longer than
 * DRIVE_NS and one call. The baton has a number: it is taken back from one that stops, and what
 * that one still does with it is void.
 *
 * A batch that fails is tried again, its jobs one by one: only those that fail by themselves are
 * failures. Functions are pure, so that changes nothing else.
 */
#include <stdlib.h>

#include "fx/serve/internal.h"

#define DRIVE_NS 8000000u

struct letter {
    struct fx_serve *serve;
    uint64_t baton;
};

static void drive(struct fx_serve *s, struct party *here);

static void on_baton(void *data, loop_instance *i, bool gone)
{
    struct letter l = *(struct letter *)data;
    struct fx_serve *s = l.serve;
    (void)i;
    free(data);
    lp_os_mutex_lock(s->lock);
    struct party *p = l.baton == s->baton ? lp_take(&s->baton_at) : NULL;
    if (!p) {
        lp_os_mutex_unlock(s->lock);
        return;
    }
    drive(s, gone ? NULL : p);
}

/* False: it takes no work. */
static bool hand_over(struct fx_serve *s, struct party *to)
{
    struct letter *l = lp_alloc(sizeof *l);
    *l = (struct letter){s, ++s->baton};
    s->baton_at = to;
    loop_error *err = to->gone ? NULL : loop_instance_post(to->actor, on_baton, l);
    if (!to->gone && !err)
        return true;
    loop_error_delete(err);
    free(l);
    s->baton_at = NULL;
    return false;
}

/* ---- steps ---- */

static void text_of(const loop_error *err, lp_buf *ret)
{
    for (const loop_error *e = err; e; e = loop_error_cause(e))
        lp_buf_printf(ret, "%s%s", ret->len ? ": " : "", loop_error_message(e));
    if (loop_error_hint(err))
        lp_buf_printf(ret, "; %s", loop_error_hint(err));
}

static void tell(struct fx_serve *s, const struct party *p, const char *what, loop_error *err)
{
    lp_buf text = {0};
    lp_buf_printf(&text, "%s: %s: ", p->name, what);
    for (const loop_error *e = err; e; e = loop_error_cause(e))
        lp_buf_printf(&text, "%s%s", e == err ? "" : ": ", loop_error_message(e));
    s->services.log(s->services.host,
                    &(loop_log_entry){.level = LOOP_LOG_WARN, .message = text.ptr});
    lp_buf_done(&text);
    loop_error_delete(err);
}

static void give_up(struct fx_serve *s, lp_str why)
{
    if (s->step == LP_FX_RUN || s->step == LP_FX_COMPUTE)
        lp_fx_fail(s->fx, why);
    else
        lp_fx_done(s->fx);
    s->step = LP_FX_IDLE;
}

/* All of the batch again, `most` at a time; of a single job: it has failed. */
static void again_or_fail(struct fx_serve *s, uint32_t most, lp_str why)
{
    uint32_t n = s->work.n;
    if (n == 1) {
        give_up(s, why);
        return;
    }
    lp_fx_retry(s->fx);
    s->step = LP_FX_IDLE;
    s->most = most;
    s->careful = n;
}

static void answered(struct fx_serve *s, struct party *p, const loop_fx_fibers_answer *a,
                     uint64_t ns)
{
    lp_fx_answer answer;
    uint32_t us = (uint32_t)LP_MIN(ns / 1000 / s->work.n, (uint64_t)UINT32_MAX);
    const char *why = lp_fx_answer_of(p, a, us, &s->arena, &answer);
    if (!why && answer.n_outputs != s->work.n)
        why = "the answer has not one outcome for each job";
    if (why) {
        again_or_fail(s, 1, lp_str_of(why));
        return;
    }
    lp_fx_answered(s->fx, &answer);
    s->step = LP_FX_IDLE;
}

/* False: the baton was taken away meanwhile. */
static bool called(struct fx_serve *s, uint64_t baton, loop_error *err)
{
    lp_os_mutex_lock(s->lock);
    s->calling = NULL;
    if (s->baton == baton)
        return true;
    loop_error_delete(err);
    return false;
}

static bool run(struct fx_serve *s, struct party *p, uint64_t baton)
{
    loop_fx_fibers_batch batch;
    loop_fx_fibers_answer answer = {0};
    if (!lp_fx_batch(&s->arena, &s->work, &batch)) {
        again_or_fail(s, s->work.n / 2, LP_STR("what the function is told is too much for a call"));
        return true;
    }
    for (uint32_t i = 0; i < s->work.n; i++)
        lp_fx_learns(p, s->work.jobs[i].callbacks, s->work.jobs[i].n_callbacks);
    lp_os_mutex_unlock(s->lock);
    uint64_t begin = lp_os_now_ns();
    loop_error *err = lp_fx_call_run(p, &batch, &answer);
    uint64_t ns = lp_os_now_ns() - begin;
    if (!called(s, baton, err))
        return false;
    if (!err) {
        answered(s, p, &answer, ns);
        return true;
    }
    lp_buf text = {0};
    text_of(err, &text);
    again_or_fail(s, 1, (lp_str){text.ptr, text.len});
    lp_buf_done(&text);
    loop_error_delete(err);
    return true;
}

static bool deliver(struct fx_serve *s, struct party *p, uint64_t baton)
{
    bool is_effects = s->step == LP_FX_EFFECTS;
    loop_list_string names = {0};
    loop_fx_fibers_list_effect_call effects = {0};
    loop_fx_fibers_callback_batch calls = {0};
    bool fits = is_effects ? lp_fx_effect_calls(&s->arena, &s->work, &names, &effects)
                           : lp_fx_callback_calls(&s->arena, &s->work, &calls);
    if (!fits) { /* of callbacks alone; LP_MAX_FX_BATCH effects fit */
        tell(s, p, "callbacks", loop_error_new(LOOP_LIMIT, "they are too much for one call"));
        lp_fx_done(s->fx);
        s->step = LP_FX_IDLE;
        return true;
    }
    lp_os_mutex_unlock(s->lock);
    loop_error *err =
        is_effects ? lp_fx_call_effects(p, names, effects) : lp_fx_call_callbacks(p, &calls);
    if (!called(s, baton, err))
        return false;
    if (err)
        tell(s, p, is_effects ? "effects" : "callbacks", err);
    lp_fx_done(s->fx);
    s->step = LP_FX_IDLE;
    return true;
}

static bool compute(struct fx_serve *s, struct party *p, uint64_t baton)
{
    loop_fx_graph_functions_work work;
    loop_fx_graph_functions_list_result_list_u8_string answer = {0};
    if (!lp_fx_graph_work(&s->arena, &s->work, &work)) {
        give_up(s, LP_STR("what the nodes are told is too much for a call"));
        return true;
    }
    lp_os_mutex_unlock(s->lock);
    loop_error *err = lp_fx_call_compute(p, &work, &answer);
    if (!called(s, baton, err))
        return false;
    lp_buf text = {0};
    text_of(err, &text);
    if (err)
        give_up(s, (lp_str){text.ptr, text.len});
    else
        lp_fx_graph_answered(s->fx, &s->arena, answer);
    s->step = LP_FX_IDLE;
    lp_buf_done(&text);
    loop_error_delete(err);
    return true;
}

static bool do_step(struct fx_serve *s, struct party *p)
{
    uint64_t baton = s->baton;
    lp_arena_reset(&s->arena, 1u << 20);
    s->calling = p;
    if (s->work.n == 0) { /* calls of fibers that are gone */
        s->calling = NULL;
        give_up(s, LP_STR(""));
        return true;
    }
    bool mine = s->step == LP_FX_RUN       ? run(s, p, baton)
                : s->step == LP_FX_COMPUTE ? compute(s, p, baton)
                                           : deliver(s, p, baton);
    if (mine)
        s->calling = NULL;
    return mine;
}

/* ---- driving ---- */

/* NULL: there is nothing to do. Else whose it is; with s->step LP_FX_IDLE: that one's wishes. */
static struct party *next(struct fx_serve *s, const struct party *here)
{
    struct party *p;
    while (s->step == LP_FX_IDLE) {
        if (!lp_fx_in_turn(s->fx) && !lp_fx_wishes(s, here, &p))
            return p;
        lp_fx_step step = lp_fx_next(s->fx, s->most, &s->work);
        if (step == LP_FX_IDLE)
            return NULL;
        if (step == LP_FX_ENDED)
            continue;
        s->step = step;
        s->careful -= LP_MIN(s->careful, s->work.n);
        s->most = s->careful ? s->most : 0;
    }
    return s->parties.at[s->work.component - 1];
}

/* The lock is held, and let go of. `here`: whose thread this is; NULL: one that ends. */
static void drive(struct fx_serve *s, struct party *here)
{
    uint64_t until = lp_os_now_ns() + DRIVE_NS;
    struct party *p;
    bool mine = true;
    while (mine && (p = next(s, here))) {
        if (p->gone) {
            give_up(s, LP_STR("the component has ended"));
            continue;
        }
        bool here_too = p == here || !p->actor;
        if (here_too && !(here && lp_os_now_ns() >= until))
            mine = do_step(s, p);
        else if (hand_over(s, here_too ? here : p))
            mine = false;
        else
            give_up(s, LP_STR("the component takes no more work"));
    }
    if (mine)
        s->driven = false;
    lp_fx_clock_look(s);
    lp_os_mutex_unlock(s->lock);
}

void lp_fx_kick(struct fx_serve *s, struct party *p)
{
    if (s->driven)
        return;
    for (size_t i = 0; i < s->parties.n && !(p && p->actor && !p->gone); i++)
        p = s->parties.at[i];
    s->driven = p && p->actor && !p->gone && hand_over(s, p);
}

void lp_fx_actor_stopped(struct fx_serve *s, struct party *p)
{
    bool has_it = s->baton_at == p || s->calling == p;
    p->gone = true;
    if (s->driven && !has_it) {
        lp_os_mutex_unlock(s->lock);
        return;
    }
    s->baton++;
    s->baton_at = NULL;
    s->calling = NULL;
    s->driven = true;
    drive(s, NULL);
}
