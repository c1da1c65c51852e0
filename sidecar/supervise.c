/*
 * sidecar/supervise.c: the supervisor of one sidecar: a thread that starts its process, shakes
 * hands, hears what it says, notices its end and starts it again when somebody calls.
 *
 *     OFF -> STARTING -> GREETED -> OPENING -> OPEN
 *      ^        |           |          |        |
 *      +------ BROKEN <-----+----------+--------+
 *
 * A start is somebody's wish: lp_side_reach asks for one and waits. Nothing is started again
 * by itself, so a sidecar that fails at once is no loop. Within a minute it is started again
 * `restarts` times at most; after an end that came soon, later and later (backoff).
 *
 * Which thread starts a process does not matter to loop-guard, which tells the end of this
 * process from that of a thread; it is the supervisor's, which lives as long as the sidecar.
 */
#include <stdlib.h>

#include "sidecar/internal.h"

#define FIRST_RESTARTS 5             /* until it is bound with options */
#define HANG_NS (200 * LP_SIDE_MS)   /* from the end of a pipe to that of the process */
#define EOF_NS (2000 * LP_SIDE_MS)   /* from the end of its stdin to SIGTERM */
#define TERM_NS (1000 * LP_SIDE_MS)  /* from there to SIGKILL */
#define QUICK_NS (5000 * LP_SIDE_MS) /* an end within that comes soon */
#define BACKOFF_NS (50 * LP_SIDE_MS) /* doubled each time */
#define MOST_BACKOFF_NS (1000 * LP_SIDE_MS)
#define IDLE_NS (20 * LP_SIDE_MS) /* without a turn, until the supervisor watches stdout */
#define LAST_READS 64             /* of stderr, of what is ending: 1 MiB, as much as a pipe holds */

/* ---- why not ---- */

static const char *name_of(const struct lp_sidecar *s)
{
    return s->table->provider.name;
}

/* Takes the cause. `why` is said of the sidecar: "ended". */
static void set_why(struct lp_sidecar *s, const char *why, loop_error *cause)
{
    lp_buf text = {0};
    free(s->why);
    free(s->cause);
    free(s->hint);
    for (const loop_error *e = cause; e; e = loop_error_cause(e))
        lp_buf_printf(&text, "%s%s", text.len ? ": " : "", loop_error_message(e));
    s->why = lp_strdup(why);
    s->why_code = cause ? loop_error_code(cause) : LOOP_UNAVAILABLE;
    s->hint = cause && loop_error_hint(cause) ? lp_strdup(loop_error_hint(cause)) : NULL;
    s->cause = text.len ? lp_strdup(text.ptr) : NULL;
    lp_buf_done(&text);
    loop_error_delete(cause);
}

loop_error *lp_side_why(const struct lp_sidecar *s)
{
    loop_error *e;
    if (!s->why)
        return loop_error_new(LOOP_UNAVAILABLE, "the sidecar '%s' is not running", name_of(s));
    if (!s->cause) {
        e = loop_error_new(s->why_code, "the sidecar '%s' %s", name_of(s), s->why);
        return s->hint ? loop_error_hint_set(e, "%s", s->hint) : e;
    }
    e = loop_error_new(s->why_code, "%s", s->cause);
    if (s->hint)
        e = loop_error_hint_set(e, "%s", s->hint);
    return loop_error_wrap(e, "the sidecar '%s' %s", name_of(s), s->why);
}

static void wake_calls(struct lp_sidecar *s)
{
    lp_os_cond_broadcast(s->changed);
    for (size_t i = 0; i < s->callers.n; i++)
        if (s->callers.at[i]->calls)
            lp_os_cond_signal(s->callers.at[i]->cond);
}

static void end_phase(struct lp_sidecar *s, const char *why, loop_error *cause)
{
    if (s->phase == LP_SIDE_OFF || s->phase == LP_SIDE_BROKEN) {
        loop_error_delete(cause);
        return;
    }
    s->told = s->phase == LP_SIDE_STARTING || s->phase == LP_SIDE_OPENING; /* who waits is told */
    s->attempts += s->told;
    set_why(s, why, cause);
    s->phase = LP_SIDE_BROKEN;
    wake_calls(s);
    lp_os_waker_wake(&s->waker);
}

void lp_side_break(struct lp_sidecar *s, loop_error *cause)
{
    end_phase(s, s->failed ? "cannot work here" : "broke the protocol and was ended", cause);
}

void lp_side_end(struct lp_sidecar *s, const char *why)
{
    end_phase(s, why, NULL);
}

/* ---- starting ---- */

static bool shares(struct lp_sidecar *s)
{
    if (s->shared.at)
        return true;
    loop_error *err = lp_os_shared_new(LP_SIDE_SHARED, &s->shared);
    bool made = !err;
    loop_error_delete(err); /* the pipe will do */
    s->room.end = made ? LP_SIDE_SHARED / 2 : 0;
    return made;
}

/* Not locked while the program is started. */
static void start(struct lp_sidecar *s)
{
    const lp_sidecar_table *t = s->table;
    lp_os_guarded g;
    bool memory = shares(s);
    lp_os_program p = {.guard = t->guard,
                       .path = t->program,
                       .argv = t->argv,
                       .env = memory ? t->env : t->env_alone,
                       .directory = t->directory,
                       .inherit = memory ? s->shared.fd : -1};
    s->generation++;
    s->phase = LP_SIDE_STARTING;
    s->failed = s->absent = s->eof = s->deaf = s->was_idle = false;
    s->pinged_ns = s->hung_ns = 0;
    s->started_ns = s->heard_ns = lp_os_now_ns();
    s->phase_until = s->started_ns + LP_SIDE_START_NS;
    *lp_push(&s->starts) = s->started_ns;
    lp_os_mutex_unlock(s->lock);
    loop_error *err = lp_os_guarded_start(&p, &g);
    lp_os_mutex_lock(s->lock);
    if (err) {
        end_phase(s, "cannot be started", err);
        return;
    }
    s->g = g;
    s->writer.fd = g.in;
    lp_side_credit_init(&s->credit, 0, 0);
}

static loop_log_level wanted_level(const struct lp_sidecar *s)
{
    int level = LOOP_LOG_TRACE;
    while (level < LOOP_LOG_ERROR &&
           !s->services->log_enabled(s->services->host, (loop_log_level)level))
        level++;
    return (loop_log_level)level;
}

static void say_start(struct lp_sidecar *s)
{
    const lp_side_welcome *w = &s->table->welcome;
    lp_wire_out bytes = {0};
    s->agreed = w->capabilities;
    if (!s->shared.at)
        s->agreed &= ~LP_SIDE_CAN_SHARE;
    lp_side_credit_init(&s->credit, w->credit, LP_SIDE_WINDOW);
    const lp_side_start start = {
        .host = s->table->host,
        .protocol = w->protocol,
        .capabilities = s->agreed,
        .credit = LP_SIDE_WINDOW,
        .shared = s->agreed & LP_SIDE_CAN_SHARE ? (uint32_t)s->shared.size : 0,
        .deadline_ms = (uint32_t)(LP_SIDE_START_NS / LP_SIDE_MS),
        .log = wanted_level(s),
        .options = (const char *const *)s->options,
    };
    loop_error *err = lp_side_start_write(&start, &bytes);
    if (!err)
        err = lp_side_writer_put(
            &s->writer,
            &(lp_side_frame){.type = LP_SIDE_START, .payload = bytes.ptr, .len = bytes.len});
    free(bytes.ptr);
    s->phase = LP_SIDE_OPENING;
    s->phase_until = lp_os_now_ns() + LP_SIDE_START_NS;
    if (err)
        lp_side_hung(s, err);
}

/* When it may be started: now or later, UINT64_MAX: not for as long as it takes to matter. */
static uint64_t start_due(struct lp_sidecar *s)
{
    uint64_t now = lp_os_now_ns();
    size_t old = 0;
    while (old < s->starts.n && now - s->starts.at[old] > LP_SIDE_BUDGET_NS)
        old++;
    s->starts.n -= old;
    if (old)
        memmove(s->starts.at, s->starts.at + old, s->starts.n * sizeof *s->starts.at);
    return s->starts.n > s->restarts ? UINT64_MAX : s->not_before_ns;
}

/* ---- the end ---- */

static void forget_calls(struct lp_sidecar *s)
{
    for (size_t i = 0; i < s->slots.n; i++)
        if (s->slots.at[i].used && !s->slots.at[i].call)
            lp_side_slot_free(s, 2 * ((uint32_t)i + 1));
    s->given_up = 0;
    for (size_t i = 0; i < s->rests.n; i++)
        free(s->rests.at[i].bytes.ptr);
    s->rests.n = s->notes.n = s->pongs = 0;
    for (size_t i = 0; i < s->room.n;) { /* of answers to NEXT; those of calls go with them */
        uint32_t id = s->room.at[i].id;
        i++;
        if (id % 2) {
            lp_side_room_free(&s->room, id);
            i = 0;
        }
    }
}

/* Descriptors are not closed while somebody waits for them. */
static void wait_for_turn(struct lp_sidecar *s)
{
    while (s->turn || s->writes)
        lp_os_cond_wait(s->changed, s->lock, lp_os_now_ns() + LP_SIDE_LOOK_NS);
}

/* What it still had to say. One that writes without end is not heard to the end. Not locked. */
static void hear_the_rest(struct lp_sidecar *s)
{
    for (int i = 0; i < LAST_READS && s->g.err >= 0 && lp_os_pipe_wait(s->g.err, false, 1); i++)
        if (!lp_side_listen(s))
            break;
    lp_side_listen_end(s);
}

/* Closes what is there of the process, which is killed if it still runs. Locked but for that. */
static void clear_away(struct lp_sidecar *s)
{
    wait_for_turn(s);
    lp_os_guarded g = s->g;
    lp_os_mutex_unlock(s->lock);
    lp_side_write_logs(s);
    hear_the_rest(s);
    lp_os_guarded_close(&g);
    lp_os_mutex_lock(s->lock);
    s->g = (lp_os_guarded){-1, -1, -1, -1, 0, 0};
    lp_side_reader_done(&s->reader);
    lp_side_inbox_done(&s->inbox);
    lp_side_writer_done(&s->writer);
    forget_calls(s);
    uint64_t now = lp_os_now_ns();
    s->quick = now - s->started_ns < QUICK_NS ? s->quick + 1 : 0;
    uint64_t wait = s->quick > 1 ? BACKOFF_NS << LP_MIN(s->quick - 2, 10u) : 0;
    s->not_before_ns = now + LP_MIN(wait, MOST_BACKOFF_NS);
    s->phase = s->want = LP_SIDE_OFF; /* who still waits says so again */
    wake_calls(s);
}

/* The last words, as the cause of an end. */
static loop_error *last_words(const struct lp_sidecar *s, loop_code code, const char *fmt, int n)
{
    loop_error *e;
    if (!s->last_line || s->generation != s->line_generation)
        return loop_error_new(code, fmt, n);
    e = loop_error_new(code, "the last that it wrote to stderr: %.400s", s->last_line);
    return loop_error_wrap(e, fmt, n);
}

/* The process has ended: what it still said is heard, then it is over. */
static void ended(struct lp_sidecar *s, int status)
{
    for (int i = 0; i < 64 && s->phase != LP_SIDE_BROKEN && !s->eof; i++)
        lp_side_pump_in(s);
    lp_os_mutex_unlock(s->lock);
    hear_the_rest(s);
    lp_os_mutex_lock(s->lock);
    const char *when = s->phase == LP_SIDE_STARTING  ? "ended before it said WELCOME"
                       : s->phase == LP_SIDE_OPENING ? "ended before it was ready"
                                                     : "ended";
    loop_error *torn = lp_side_reader_end(&s->reader);
    loop_error *e = status < 0
                        ? last_words(s, LOOP_UNAVAILABLE, "it was killed by signal %d", -status)
                    : torn ? lp_take(&torn)
                           : last_words(s, LOOP_UNAVAILABLE, "it exited with status %d", status);
    loop_error_delete(torn);
    if (!loop_error_hint(e) && s->phase == LP_SIDE_STARTING)
        e = loop_error_hint_set(e, "run it by hand to see what it says: %s", s->table->line);
    else if (!loop_error_hint(e))
        e = loop_error_hint_set(e, "the next call starts it again; its log may say more");
    end_phase(s, when, e);
}

/* Hears what it still says until then; false: it has ended. */
static bool hear_until(struct lp_sidecar *s, uint64_t until)
{
    char thrown[4096];
    size_t n;
    bool end = false;
    int status;
    while (!lp_os_guarded_ended(&s->g, &status)) {
        lp_os_waited w[] = {
            {.fd = s->g.control}, {.fd = s->deaf ? -1 : s->g.err}, {.fd = s->eof ? -1 : s->g.out}};
        /* It may write all the time: what is there to be read does not put off the end. */
        if (!lp_os_wait(w, LP_COUNT(w), until) || lp_os_now_ns() >= until)
            return true;
        if (w[1].ready)
            s->deaf = !lp_side_listen(s);
        if (w[2].ready) {
            loop_error *err = lp_os_pipe_read(s->g.out, thrown, sizeof thrown, &n, &end);
            s->eof = err || end;
            loop_error_delete(err);
        }
    }
    return false;
}

/* Asks it to end, then makes it. Nobody calls any more. */
static void shut_down(struct lp_sidecar *s)
{
    lp_os_mutex_unlock(s->lock);
    lp_os_guarded_close_in(&s->g);
    bool runs = hear_until(s, lp_os_now_ns() + EOF_NS);
    if (runs) {
        lp_os_guarded_term(&s->g);
        runs = hear_until(s, lp_os_now_ns() + TERM_NS);
    }
    if (runs)
        lp_side_say(s, LOOP_LOG_WARN, "it did not end when it was asked to, and was killed");
    lp_os_mutex_lock(s->lock);
    end_phase(s, "was ended", NULL);
}

/* ---- the loop ---- */

/* What is due; UINT64_MAX where nothing is. */
static uint64_t look(struct lp_sidecar *s, uint64_t now)
{
    s->heard_ns = s->heard ? now : s->heard_ns;
    s->heard = false;
    uint64_t silent = s->pinged_ns ? s->pinged_ns + LP_SIDE_SILENCE_NS
                      : s->in_flight + s->steps && (s->agreed & LP_SIDE_CAN_CANCEL)
                          ? s->heard_ns + LP_SIDE_SILENCE_NS
                          : UINT64_MAX;
    if (s->hung_ns && now >= s->hung_ns + HANG_NS) {
        end_phase(s, "closed its stdin or stdout, and was ended", NULL);
    } else if (now >= s->phase_until) {
        end_phase(s,
                  s->phase == LP_SIDE_STARTING ? "did not say WELCOME within 10 s"
                                               : "was not ready within 10 s",
                  last_words(s, LOOP_TIMEOUT, "it still runs, or waits for something", 0));
    } else if (s->phase == LP_SIDE_OPEN && now >= silent && s->pinged_ns) {
        end_phase(
            s, "does not answer, and was ended",
            loop_error_new(LOOP_UNAVAILABLE, "it was asked whether it is there (PING) 5 s ago"));
    } else if (s->phase == LP_SIDE_OPEN && now >= silent) {
        s->pinged_ns = now;
        lp_side_note(s, LP_SIDE_PING, 0, NULL, 0);
        silent = now + LP_SIDE_SILENCE_NS;
    }
    if (s->phase == LP_SIDE_BROKEN)
        return now;
    uint64_t next = s->phase == LP_SIDE_OPEN ? silent : s->phase_until;
    return s->hung_ns ? LP_MIN(next, s->hung_ns + HANG_NS) : next;
}

/* Waits for what may happen and takes it; unlocked meanwhile. */
static void wait_and_take(struct lp_sidecar *s, uint64_t until)
{
    uint64_t turns = s->turns;
    int status;
    bool idle = s->phase != LP_SIDE_OPEN || s->away || s->was_idle;
    s->watched = idle && !s->turn && !s->eof;
    if (s->phase == LP_SIDE_OPEN && !s->watched)
        until = LP_MIN(until, lp_os_now_ns() + IDLE_NS);
    bool writes = s->watched && lp_side_writer_left(&s->writer);
    lp_os_waited w[] = {{.fd = s->waker.fd},
                        {.fd = s->g.control},
                        {.fd = s->deaf ? -1 : s->g.err},
                        {.fd = s->watched ? s->g.out : -1},
                        {.fd = writes ? s->g.in : -1, .to_write = true}};
    lp_os_mutex_unlock(s->lock);
    lp_os_wait(w, LP_COUNT(w), until);
    if (w[0].ready)
        lp_os_waker_clear(&s->waker);
    if (w[2].ready)
        s->deaf = !lp_side_listen(s);
    lp_side_write_logs(s);
    lp_os_mutex_lock(s->lock);
    s->watched = false;
    s->was_idle = !s->turn && (s->turns == turns);
    if (w[3].ready)
        lp_side_pump_in(s);
    if (w[4].ready)
        lp_side_pump_out(s);
    if (w[1].ready && s->phase != LP_SIDE_BROKEN && lp_os_guarded_ended(&s->g, &status))
        ended(s, status);
}

/* Of an end that no caller is told of as such. Unlocked while it is written; BROKEN stays. */
static void say_why(struct lp_sidecar *s)
{
    if (s->told || s->closing)
        return;
    lp_auto(lp_free_string) char *text =
        lp_format("the sidecar %s%s%s", s->why, s->cause ? ": " : "", s->cause ? s->cause : "");
    lp_os_mutex_unlock(s->lock);
    lp_side_say(s, LOOP_LOG_WARN, "%s", text);
    lp_os_mutex_lock(s->lock);
}

/* One step; false: it is over. */
static bool step(struct lp_sidecar *s)
{
    uint64_t now = lp_os_now_ns();
    if (s->phase == LP_SIDE_BROKEN) {
        say_why(s);
        clear_away(s);
        return true;
    }
    if (s->phase != LP_SIDE_OFF && s->closing) {
        wait_for_turn(s);
        shut_down(s);
        return true;
    }
    if (s->phase == LP_SIDE_OFF) {
        if (s->closing)
            return false;
        uint64_t due = s->want == LP_SIDE_OFF ? UINT64_MAX : start_due(s);
        if (now >= due) {
            start(s);
            return true;
        }
        lp_os_waited w = {.fd = s->waker.fd};
        lp_os_mutex_unlock(s->lock);
        lp_os_wait(&w, 1, due);
        lp_os_waker_clear(&s->waker);
        lp_os_mutex_lock(s->lock);
        return true;
    }
    if (s->phase == LP_SIDE_GREETED && s->want == LP_SIDE_OPEN) {
        say_start(s);
        return true;
    }
    uint64_t until = look(s, now);
    if (s->phase != LP_SIDE_BROKEN)
        wait_and_take(s, until);
    return true;
}

static void supervise(void *arg)
{
    struct lp_sidecar *s = arg;
    lp_os_mutex_lock(s->lock);
    while (step(s))
        ;
    lp_os_mutex_unlock(s->lock);
}

/* ---- for others ---- */

static loop_error *no_budget(const struct lp_sidecar *s)
{
    loop_error *e = lp_side_why(s);
    const char *hint = loop_error_hint(e);
    e = loop_error_wrap(e,
                        "the sidecar '%s' has ended %zu times within a minute, and is not "
                        "started again for now",
                        name_of(s), s->starts.n);
    return hint
               ? e
               : loop_error_hint_set(e, "see its log; restarts, where it is bound, says how often");
}

/* Whether a call may go on waiting for the start. */
static loop_error *still_waits(struct lp_side_call *c)
{
    uint32_t left = 0;
    if (!c)
        return NULL;
    if (loop_call_cancelled(c->call, &left) != LOOP_CANCEL_NONE && !left)
        return loop_error_new(LOOP_CANCELLED, "stopped while the sidecar '%s' was started",
                              name_of(c->s));
    c->now = lp_os_now_ns();
    if (c->now < c->until)
        return NULL;
    c->broke = true;
    return loop_error_new(LOOP_UNAVAILABLE, "the sidecar '%s' was not started in time",
                          name_of(c->s));
}

loop_error *lp_side_reach(struct lp_sidecar *s, lp_side_phase phase, struct lp_side_call *c)
{
    size_t attempts = s->attempts;
    loop_error *err = NULL;
    while (!err && s->phase != phase) {
        bool settles = !s->bound.well_ns || lp_os_now_ns() < s->bound.well_ns + LP_SIDE_SETTLE_NS;
        if (s->bound.took && settles &&
            (s->phase == LP_SIDE_OFF || s->generation != s->bound.generation))
            err = lp_side_lost(s);
        else if (s->phase == LP_SIDE_OFF && s->attempts != attempts)
            err = lp_side_why(s);
        else if (s->phase == LP_SIDE_OFF && start_due(s) == UINT64_MAX)
            err = no_budget(s);
        if (err) {
            if (c)
                c->broke = true;
            break;
        }
        if (s->want < phase || s->phase == LP_SIDE_OFF) {
            s->want = LP_MAX(s->want, phase);
            lp_os_waker_wake(&s->waker);
        }
        lp_os_cond_wait(s->changed, s->lock, lp_os_now_ns() + LP_SIDE_LOOK_NS);
        err = still_waits(c);
    }
    return err;
}

loop_error *lp_side_new(lp_sidecar_table *t, const lp_sidecar_options *o, struct lp_sidecar **ret)
{
    struct lp_sidecar *s = lp_alloc(sizeof *s);
    *s = (struct lp_sidecar){.table = t,
                             .log = o ? o->log : NULL,
                             .log_data = o ? o->data : NULL,
                             .restarts = FIRST_RESTARTS,
                             .g = {-1, -1, -1, -1, 0, 0},
                             .shared.fd = -1,
                             .free_object = UINT32_MAX,
                             .phase_until = UINT64_MAX};
    loop_error *err = lp_os_waker_open(&s->waker);
    if (err) {
        free(s);
        return err;
    }
    s->lock = lp_os_mutex_new();
    s->changed = lp_os_cond_new();
    err = lp_os_thread_start(supervise, s, 0, &s->thread);
    if (err) {
        lp_side_delete(s);
        return err;
    }
    *ret = s;
    return NULL;
}

static void free_calls(struct lp_sidecar *s)
{
    for (size_t i = 0; i < s->callers.n; i++) {
        lp_os_cond_delete(s->callers.at[i]->cond);
        free(s->callers.at[i]->out.ptr);
        free(s->callers.at[i]);
    }
    free(s->callers.at);
    lp_side_stepper_done(s);
    free(s->slots.at);
    free(s->notes.at);
    free(s->rests.at);
    lp_side_objects_done(s);
    for (size_t i = 0; i < s->logs.n; i++)
        lp_side_message_done(&s->logs.at[i]);
    free(s->logs.at);
}

void lp_side_delete(struct lp_sidecar *s)
{
    if (!s)
        return;
    lp_os_mutex_lock(s->lock);
    s->closing = true;
    lp_os_mutex_unlock(s->lock);
    lp_os_waker_wake(&s->waker);
    lp_os_thread_join(s->thread);
    free_calls(s);
    for (size_t i = 0; s->options && s->options[i]; i++)
        free(s->options[i]);
    free(s->options);
    lp_os_shared_done(&s->shared);
    lp_side_room_done(&s->room);
    lp_buf_done(&s->line);
    free(s->last_line);
    free(s->why);
    free(s->cause);
    free(s->hint);
    loop_error_delete(s->failure);
    free(s->starts.at);
    lp_os_waker_close(&s->waker);
    lp_os_cond_delete(s->changed);
    lp_os_mutex_delete(s->lock);
    free(s);
}
