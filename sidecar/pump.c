/*
 * sidecar/pump.c: bytes that come from a sidecar, to whom they belong; bytes that go to it.
 *
 * All of it is locked and waits for nothing. Whoever has the turn (internal.h) reads and hands
 * each message to the call that it is for; what must be answered at once (PING, CREDIT) is
 * answered here. A frame that is against the protocol breaks the sidecar: nothing that comes
 * behind it is read.
 */
#include <stdlib.h>

#include "sidecar/internal.h"

/* ---- out ---- */

/* What waits for it grows with what it sends: a flood that it does not hear the answers of. */
static void reads_nothing(struct lp_sidecar *s)
{
    lp_side_break(s, loop_error_hint_set(
                         loop_error_new(LOOP_UNAVAILABLE,
                                        "it reads too little: %zu frames and %zu messages wait for "
                                        "it",
                                        s->notes.n, s->rests.n),
                         "it must read whatever it waits for, and what it asked for"));
}

void lp_side_leave(struct lp_sidecar *s, const struct lp_side_rest *r)
{
    if (s->rests.n == LP_MAX_SIDE_RESTS) {
        free(r->bytes.ptr);
        reads_nothing(s);
        return;
    }
    *lp_push(&s->rests) = *r;
}

void lp_side_note(struct lp_sidecar *s, uint8_t type, uint32_t id, const void *bytes, size_t len)
{
    struct lp_side_note n = {.type = type, .len = (uint8_t)len, .id = id};
    if ((s->phase != LP_SIDE_OPENING && s->phase != LP_SIDE_OPEN) || len > sizeof n.bytes)
        return;
    if (len)
        memcpy(n.bytes, bytes, len);
    s->pongs += type == LP_SIDE_PONG;
    if (s->notes.n == LP_MAX_SIDE_NOTES || s->pongs > LP_MAX_SIDE_PONGS) {
        reads_nothing(s);
        return;
    }
    *lp_push(&s->notes) = n;
    lp_side_pump_out(s);
}

void lp_side_hung(struct lp_sidecar *s, loop_error *err)
{
    loop_error_delete(err);
    if (s->hung_ns)
        return;
    s->hung_ns = lp_os_now_ns();
    lp_os_waker_wake(&s->waker);
}

void lp_side_note_drop(struct lp_sidecar *s, size_t interface, size_t resource, uint64_t handle)
{
    lp_wire_out w = {0};
    loop_error *err =
        lp_side_drop_write(&w, &(lp_side_drop){(uint32_t)interface, (uint32_t)resource, handle});
    if (!err)
        lp_side_note(s, LP_SIDE_DROP, 0, w.ptr, w.len);
    loop_error_delete(err);
    free(w.ptr);
}

/* A frame as a whole. False: not now. */
static loop_error *put(struct lp_sidecar *s, const lp_side_frame *f, bool *ret_went)
{
    bool counts = lp_side_counts(f->type);
    *ret_went = !lp_side_writer_left(&s->writer) && (!counts || f->len <= s->credit.to_spend);
    if (!*ret_went)
        return NULL;
    LP_TRY(lp_side_writer_put(&s->writer, f));
    if (counts)
        lp_side_credit_sent(&s->credit, f->len);
    return NULL;
}

static loop_error *send_notes(struct lp_sidecar *s)
{
    size_t n = 0;
    bool went = true;
    loop_error *err = NULL;
    while (!err && went && n < s->notes.n) {
        const struct lp_side_note *note = &s->notes.at[n];
        const lp_side_frame f = {
            .type = note->type, .id = note->id, .payload = note->bytes, .len = note->len};
        err = put(s, &f, &went);
        s->pongs -= !err && went && f.type == LP_SIDE_PONG;
        n += !err && went;
    }
    if (n) {
        s->notes.n -= n;
        memmove(s->notes.at, s->notes.at + n, s->notes.n * sizeof *s->notes.at);
    }
    return err;
}

loop_error *lp_side_send(struct lp_sidecar *s, struct lp_side_out *o)
{
    while (!o->begun || o->sent < o->bytes->len) {
        size_t want = o->bytes->len - o->sent;
        size_t piece = o->whole                   ? (want <= s->credit.to_spend ? want : 0)
                       : o->type == LP_SIDE_STATE ? lp_side_credit_state(&s->credit, want)
                                                  : lp_side_credit_piece(&s->credit, want);
        if (lp_side_writer_left(&s->writer) || (want && !piece))
            return NULL;
        const lp_side_frame f = {.type = o->type,
                                 .flags = piece < want || o->more ? LP_SIDE_MORE : 0,
                                 .id = o->id,
                                 .payload = o->bytes->ptr + o->sent,
                                 .len = piece};
        LP_TRY(lp_side_writer_put(&s->writer, &f));
        lp_side_credit_sent(&s->credit, piece);
        o->sent += piece;
        o->begun = true;
        s->step_news += o->type == LP_SIDE_STATE;
    }
    return NULL;
}

static loop_error *send_rests(struct lp_sidecar *s)
{
    while (s->rests.n) {
        struct lp_side_rest *r = &s->rests.at[0];
        r->out.bytes = &r->bytes;
        LP_TRY(lp_side_send(s, &r->out));
        if (r->out.sent < r->bytes.len)
            return NULL;
        free(r->bytes.ptr);
        memmove(r, r + 1, --s->rests.n * sizeof *r);
    }
    return NULL;
}

static void wake_senders(struct lp_sidecar *s)
{
    if (!s->senders || lp_side_writer_left(&s->writer))
        return;
    for (size_t i = 0; i < s->slots.n; i++)
        if (s->slots.at[i].call && s->slots.at[i].call->sends)
            lp_os_cond_signal(s->slots.at[i].call->caller->cond);
}

void lp_side_pump_out(struct lp_sidecar *s)
{
    if (s->phase < LP_SIDE_GREETED || s->phase > LP_SIDE_OPEN)
        return;
    loop_error *err = lp_side_writer_flush(&s->writer);
    if (!err)
        err = send_notes(s);
    if (!err)
        err = send_rests(s);
    if (err)
        lp_side_hung(s, err);
    else if (lp_side_writer_left(&s->writer) && !s->turn && !s->writes)
        lp_os_waker_wake(&s->waker); /* somebody must wait until the pipe has room */
    else
        wake_senders(s);
}

void lp_side_read_bytes(struct lp_sidecar *s, size_t n)
{
    uint32_t back = lp_side_credit_read(&s->credit, n);
    if (!back)
        return;
    lp_wire_out w = {0};
    loop_error *err = lp_wire_number(&w, back);
    if (!err)
        lp_side_note(s, LP_SIDE_CREDIT, 0, w.ptr, w.len);
    loop_error_delete(err);
    free(w.ptr);
}

void lp_side_pass_turn(struct lp_sidecar *s)
{
    for (size_t i = 0; !s->turn && s->waiting && i < s->slots.n; i++) {
        if (s->slots.at[i].call && s->slots.at[i].call->waits) {
            lp_os_cond_signal(s->slots.at[i].call->caller->cond);
            return;
        }
    }
}

/* ---- answers ---- */

static loop_error *out_of_order(const lp_side_message *m, const char *when)
{
    return loop_error_new(LOOP_UNAVAILABLE, "it sent %s %s", lp_side_type_name(m->type), when);
}

static struct lp_side_slot *slot_of(struct lp_sidecar *s, uint32_t id)
{
    size_t place = id / 2;
    if (id % 2 || !place || place > s->slots.n || !s->slots.at[place - 1].used)
        return NULL;
    struct lp_side_slot *slot = &s->slots.at[place - 1];
    return !slot->call || (slot->call->generation == s->generation && slot->call->id) ? slot : NULL;
}

static loop_error *take_answer(struct lp_sidecar *s, lp_side_message *m)
{
    struct lp_side_slot *slot = slot_of(s, m->id);
    struct lp_side_call *c = slot ? slot->call : NULL;
    if (!slot || (c && (c->answered || !c->sent)))
        return loop_error_new(LOOP_UNAVAILABLE, "it answered a call %u that nobody made", m->id);
    if (c && c->step && m->type == LP_SIDE_RESULT && !c->state_whole)
        return loop_error_new(LOOP_UNAVAILABLE, "it answered %s before the last STATE",
                              lp_side_type_name(c->step));
    if (!c) {
        if (!slot->step)
            lp_side_read_late(s, slot->function, m);
        s->given_up--;
        lp_side_slot_free(s, m->id);
        return NULL;
    }
    c->answered = true;
    if (m->len <= sizeof c->caller->small && !m->own && !c->away) {
        memcpy(c->caller->small, m->data, m->len); /* the view goes with the buffer */
        m->data = c->caller->small;
    } else {
        lp_side_message_keep(m);
    }
    c->answer = *m;
    *m = (lp_side_message){0};
    if (c->waits)
        lp_os_cond_signal(c->caller->cond);
    return NULL;
}

/* ---- NEXT ---- */

void lp_side_refuse_next(struct lp_sidecar *s, const lp_side_message *m)
{
    lp_wire_out w = {0};
    loop_error *why = loop_error_new(LOOP_CANCELLED, "the call was given up");
    loop_error *err = lp_side_error_write(why, &w);
    if (err) {
        loop_error_delete(err);
    } else {
        lp_side_leave(
            s, &(struct lp_side_rest){.out = {.type = LP_SIDE_FAULT, .id = m->id}, .bytes = w});
        w = (lp_wire_out){0};
        lp_side_pump_out(s);
    }
    loop_error_delete(why);
    free(w.ptr);
    lp_side_read_bytes(s, m->owed);
}

/* One that waits to be run counts, as its credit does not say how much memory it takes. */
static loop_error *keep_next(struct lp_sidecar *s, struct lp_side_call *c, lp_side_message *m)
{
    if (s->nexts == LP_MAX_SIDE_NEXTS)
        return loop_error_new(LOOP_UNAVAILABLE, "more than %d NEXT at a time", LP_MAX_SIDE_NEXTS);
    if (m->len > LP_MAX_SIDE_PARTIAL_BYTES - s->next_bytes)
        return loop_error_new(LOOP_UNAVAILABLE, "more than %u MiB in NEXT at a time",
                              LP_MAX_SIDE_PARTIAL_BYTES >> 20);
    s->nexts++;
    s->next_bytes += m->len;
    lp_side_message_keep(m);
    *lp_push(&c->nexts) = *m;
    *m = (lp_side_message){0};
    lp_os_cond_signal(c->caller->cond);
    return NULL;
}

static loop_error *take_next(struct lp_sidecar *s, lp_side_message *m)
{
    lp_side_next n;
    lp_wire_in in = {.at = m->data, .end = m->data + m->len};
    loop_error *err = lp_side_next_read(&in, &n);
    if (err)
        return loop_error_wrap(err, "a NEXT that is none");
    struct lp_side_slot *slot = slot_of(s, n.call);
    if (m->id % 2 == 0 || !slot || slot->step ||
        (slot->call && (slot->call->answered || !slot->call->sent)))
        return loop_error_new(LOOP_UNAVAILABLE, "a NEXT %u of the call %u, which it does not have",
                              m->id, n.call);
    if (!slot->call) {
        lp_side_refuse_next(s, m);
        return NULL;
    }
    return keep_next(s, slot->call, m);
}

/* ---- the handshake ---- */

static loop_error *take_welcome(struct lp_sidecar *s, const lp_side_message *m)
{
    lp_sidecar_table *t = s->table;
    if (s->phase != LP_SIDE_STARTING)
        return out_of_order(m, "again");
    if (!t->welcome_bytes) {
        LP_TRY(lp_side_welcome_read(&t->arena, m->data, m->len, &t->welcome));
        t->welcome_bytes = lp_alloc(m->len + 1);
        t->welcome_len = m->len;
        memcpy(t->welcome_bytes, m->data, m->len);
    }
    if (m->len != t->welcome_len || memcmp(m->data, t->welcome_bytes, m->len) != 0)
        return loop_error_hint_set(
            loop_error_new(LOOP_UNAVAILABLE, "its WELCOME is another than that of its first start"),
            "it must be the same every time; to use another one, start loop again");
    s->phase = LP_SIDE_GREETED;
    s->phase_until = UINT64_MAX;
    lp_os_cond_broadcast(s->changed);
    return NULL;
}

static loop_error *take_ready(struct lp_sidecar *s, const lp_side_message *m)
{
    if (s->phase != LP_SIDE_OPENING)
        return out_of_order(m, "before START, or twice");
    if (m->len)
        return out_of_order(m, "with something in it");
    s->phase = LP_SIDE_OPEN;
    s->phase_until = UINT64_MAX;
    lp_os_cond_broadcast(s->changed);
    return NULL;
}

static loop_error *take_fail(struct lp_sidecar *s, const lp_side_message *m)
{
    loop_error *said = NULL;
    if (s->phase != LP_SIDE_OPENING)
        return out_of_order(m, "when nothing was asked");
    LP_TRY(lp_side_error_read(m->data, m->len, &said));
    s->absent = loop_error_code(said) == LOOP_UNAVAILABLE;
    s->failed = true;
    return said;
}

/* ---- in ---- */

static loop_error *take_credit(struct lp_sidecar *s, const lp_side_message *m)
{
    uint64_t n;
    const lp_side_frame f = {.type = m->type, .payload = m->data, .len = m->len};
    LP_TRY(lp_side_credit_read_frame(&f, &n));
    LP_TRY(lp_side_credit_back(&s->credit, n));
    s->step_news++;
    lp_side_pump_out(s);
    return NULL;
}

static loop_error *take_drop(const lp_side_message *m)
{
    lp_side_drop d;
    LP_TRY(lp_side_drop_read(m->data, m->len, &d));
    return loop_error_new(LOOP_UNAVAILABLE, "it dropped the handle %llu, which it does not hold",
                          (unsigned long long)d.handle);
}

/* Only what `health` asks has an id. */
static loop_error *take_pong(struct lp_sidecar *s, const lp_side_message *m)
{
    s->pinged_ns = 0;
    if (m->id)
        s->health_told = m->id;
    return NULL;
}

/* Takes what is in `m`, or leaves it. */
static loop_error *take(struct lp_sidecar *s, lp_side_message *m)
{
    switch (m->type) {
    case LP_SIDE_WELCOME: return take_welcome(s, m);
    case LP_SIDE_READY: return take_ready(s, m);
    case LP_SIDE_FAIL: return take_fail(s, m);
    default: break;
    }
    if (s->phase == LP_SIDE_STARTING)
        return out_of_order(m, "before WELCOME");
    if (m->type == LP_SIDE_LOG) {
        lp_side_hear(s, m);
        *m = (lp_side_message){0};
        return NULL;
    }
    if (s->phase != LP_SIDE_OPEN)
        return out_of_order(m, "before READY");
    switch (m->type) {
    case LP_SIDE_RESULT:
    case LP_SIDE_FAULT: return take_answer(s, m);
    case LP_SIDE_NEXT: return take_next(s, m);
    case LP_SIDE_STATE: return lp_side_take_state(s, m);
    case LP_SIDE_CREDIT: return take_credit(s, m);
    case LP_SIDE_DROP: return take_drop(m);
    case LP_SIDE_RELEASE: lp_side_room_free(&s->room, m->id); return NULL;
    case LP_SIDE_PING: lp_side_note(s, LP_SIDE_PONG, m->id, NULL, 0); return NULL;
    case LP_SIDE_PONG: return take_pong(s, m);
    case LP_SIDE_CANCEL: return NULL; /* of a NEXT: no provider here can be asked to end */
    default: return out_of_order(m, "which is not its to send");
    }
}

static loop_error *take_frame(struct lp_sidecar *s, const lp_side_frame *f)
{
    lp_side_message m = {0};
    bool whole, counts = lp_side_counts(f->type);
    /* A NEXT is held up where they are not run as fast as they come: the credit of its last
       frame is given back when it is run. Not that of those before, or it might never end. */
    bool late = f->type == LP_SIDE_STATE || /* so is that of a state, when it was used */
                (f->type == LP_SIDE_NEXT && !(f->flags & LP_SIDE_MORE));
    LP_TRY(lp_side_credit_came(&s->credit, f));
    LP_TRY(lp_side_inbox_add(&s->inbox, f, &m, &whole));
    m.owed = late ? f->len : 0;
    loop_error *err = whole ? take(s, &m) : NULL;
    lp_side_message_done(&m);
    if (!err && counts && !late)
        lp_side_read_bytes(s, f->len);
    return err;
}

static void read_frames(struct lp_sidecar *s)
{
    lp_side_frame f;
    bool got = true;
    loop_error *err = NULL;
    while (!err && got && s->phase != LP_SIDE_BROKEN) {
        err = lp_side_reader_next(&s->reader, &f, &got);
        if (!err && got)
            err = take_frame(s, &f);
    }
    if (err)
        lp_side_break(s, err);
}

void lp_side_pump_in(struct lp_sidecar *s)
{
    bool got = false;
    if (s->phase == LP_SIDE_OFF || s->phase == LP_SIDE_BROKEN || s->eof)
        return;
    loop_error *err = lp_side_reader_fill(&s->reader, s->g.out, &got);
    if (err) {
        lp_side_break(s, err);
        return;
    }
    s->heard = s->heard || got;
    read_frames(s);
    if (s->reader.ended && !s->eof) {
        s->eof = true;
        lp_side_hung(s, NULL);
    }
}
