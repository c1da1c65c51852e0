/*
 * providers/storage/swap.c: save and restore of a store, whatever its engine.
 *
 *     WHOLE   header, all, end
 *     COPY    from now on changes are noted; header, all in pieces between calls, end
 *     REST    header, what was noted, end; or all once more where the notes are of no use
 *
 * A piece is gathered while the engine's lock is held and sent when it is not, so that nobody
 * waits for whoever restores. Noting begins before the first piece is read: what a piece has
 * missed is noted.
 */
#include <stdlib.h>

#include "providers/storage/store.h"

enum { TAKEN_NOTHING, TAKEN_COPY, TAKEN_HOME }; /* lp_store.taking */

/* ---- places ---- */

void lp_store_place_bucket(lp_store_place *p, lp_str identity, lp_str bucket)
{
    p->identity.len = p->bucket.len = 0;
    lp_buf_add(&p->identity, identity.ptr, identity.len);
    lp_buf_add(&p->bucket, bucket.ptr, bucket.len);
    p->inside = true;
    p->key_len = 0;
}

void lp_store_place_key(lp_store_place *p, lp_str key)
{
    memcpy(p->key, key.ptr, key.len);
    p->key_len = key.len;
}

lp_str lp_store_place_at(const lp_store_place *p)
{
    return (lp_str){(const char *)p->key, p->key_len};
}

/* ---- save ---- */

static const char *home_of(const lp_store *s)
{
    const lp_store_handover *h = s->engine->handover;
    return h->home ? h->home(s) : NULL;
}

static loop_error *send_pieces(lp_store *s, lp_store_place *place, lp_state_out *o)
{
    for (bool done = false; !done;) {
        LP_TRY(s->engine->handover->copy(s, place, o, &done));
        LP_TRY(lp_state_flush(o));
    }
    return lp_state_end(o);
}

static loop_error *send_all(lp_store *s, loop_storage_state_pass pass, lp_state_out *o)
{
    lp_store_place place = {0};
    lp_state_header(o, s->engine->handover->writer, pass, home_of(s));
    loop_error *e = send_pieces(s, &place, o);
    lp_buf_done(&place.identity);
    lp_buf_done(&place.bucket);
    return e;
}

typedef struct sending {
    lp_store *store;
    lp_state_out *to;
} sending;

static loop_error *send_noted(void *data, lp_str identity, lp_str bucket, lp_str key)
{
    sending *x = data;
    LP_TRY(x->store->engine->handover->copy_key(x->store, identity, bucket, key, x->to));
    return x->to->len < LP_STATE_PIECE ? NULL : lp_state_flush(x->to);
}

static loop_error *send_rest(lp_store *s, const lp_store_notes *notes, lp_state_out *o)
{
    if (!notes || lp_store_notes_spoilt(notes))
        return send_all(s, LOOP_STORAGE_STATE_PASS_WHOLE, o);
    sending x = {s, o};
    lp_state_header(o, s->engine->handover->writer, LOOP_STORAGE_STATE_PASS_REST, home_of(s));
    LP_TRY(lp_store_notes_each(notes, send_noted, &x));
    return lp_state_end(o);
}

/* Where it was noted until now; the caller's. */
static lp_store_notes *unwatch(lp_store *s)
{
    lp_store_notes *notes = NULL;
    loop_error_delete(s->engine->handover->watch(s, NULL, &notes));
    return notes;
}

void lp_store_resume(lp_store *s)
{
    lp_store_notes_delete(unwatch(s));
}

static loop_error *save_copy(lp_store *s, lp_state_out *o)
{
    lp_store_notes *notes = lp_store_notes_new(), *old = NULL;
    loop_error *e = s->engine->handover->watch(s, notes, &old);
    lp_store_notes_delete(e ? notes : old);
    LP_TRY(e);
    e = send_all(s, LOOP_STORAGE_STATE_PASS_COPY, o);
    if (e)
        lp_store_resume(s);
    return e;
}

static loop_error *save_quiet(lp_store *s, loop_pass pass, lp_state_out *o)
{
    const lp_store_handover *h = s->engine->handover;
    loop_error *e = h->still ? h->still(s) : NULL;
    lp_store_notes *notes = unwatch(s);
    if (!e) {
        e = send_rest(s, pass == LOOP_PASS_REST ? notes : NULL, o);
        if (h->still_end)
            h->still_end(s);
    }
    lp_store_notes_delete(notes);
    return e;
}

loop_error *lp_store_save(lp_store *s, loop_pass pass, loop_stream *to)
{
    lp_state_out o = {.to = to};
    loop_error *e = pass == LOOP_PASS_COPY ? save_copy(s, &o) : save_quiet(s, pass, &o);
    lp_state_out_done(&o);
    return e;
}

loop_error *lp_store_quiesce(lp_store *s)
{
    const lp_store_handover *h = s->engine->handover;
    return h->quiesce ? h->quiesce(s) : NULL;
}

/* ---- restore ---- */

loop_error *lp_store_not_empty(void)
{
    return loop_error_hint_set(
        loop_error_new(LOOP_DENIED, "the store that would take over holds something already"),
        "let it begin empty (sqlite: let `file:` name another file), or swap with `carry: none`, "
        "which leaves it as it is and carries nothing over");
}

static void throw_away(lp_store *s)
{
    s->taking = TAKEN_NOTHING;
    s->engine->handover->take_abort(s);
}

static loop_error *take_items(lp_store *s, lp_state_in *in, bool home)
{
    const lp_store_handover *h = s->engine->handover;
    for (;;) {
        lp_state_item i;
        LP_TRY(lp_state_next(in, &i));
        if (i.tag == LOOP_STORAGE_STATE_ITEM_END)
            return NULL;
        if (home)
            continue;
        if (i.tag == LOOP_STORAGE_STATE_ITEM_BUCKET)
            LP_TRY(h->take_bucket(s, (lp_str){i.of.bucket.identity.ptr, i.of.bucket.identity.len},
                                  (lp_str){i.of.bucket.name.ptr, i.of.bucket.name.len}));
        else if (i.tag == LOOP_STORAGE_STATE_ITEM_STORED)
            LP_TRY(h->take_set(s, &i.of.stored, in->pass != LOOP_STORAGE_STATE_PASS_REST));
        else
            LP_TRY(h->take_remove(s, (lp_str){(const char *)i.of.removed.ptr, i.of.removed.len}));
    }
}

/* Whether the stream is what was announced, and follows what came before. */
static loop_error *check_pass(const lp_store *s, loop_pass pass, bool home,
                              loop_storage_state_pass says)
{
    static const loop_storage_state_pass right[] = {
        [LOOP_PASS_WHOLE] = LOOP_STORAGE_STATE_PASS_WHOLE,
        [LOOP_PASS_COPY] = LOOP_STORAGE_STATE_PASS_COPY,
        [LOOP_PASS_REST] = LOOP_STORAGE_STATE_PASS_REST,
    };
    bool again = pass == LOOP_PASS_REST && says == LOOP_STORAGE_STATE_PASS_WHOLE;
    if (says != right[pass] && !again)
        return loop_error_new(LOOP_INVALID, "the state is of another pass");
    if (says == LOOP_STORAGE_STATE_PASS_REST && s->taking != (home ? TAKEN_HOME : TAKEN_COPY))
        return loop_error_new(LOOP_INVALID, "the state is the rest of a copy that did not come");
    return NULL;
}

static loop_error *take(lp_store *s, loop_pass pass, lp_state_in *in)
{
    const lp_store_handover *h = s->engine->handover;
    const char *own = home_of(s);
    lp_state_item i;
    LP_TRY(lp_state_next(in, &i));
    bool home = own && i.of.header.home.is_some && loop_string_is(i.of.header.home.value, own);
    LP_TRY(check_pass(s, pass, home, i.of.header.pass));
    if (i.of.header.pass != LOOP_STORAGE_STATE_PASS_REST) {
        throw_away(s);
        s->taking = home ? TAKEN_HOME : TAKEN_COPY;
        if (!home)
            LP_TRY(h->take_begin(s));
    }
    LP_TRY(take_items(s, in, home));
    if (pass == LOOP_PASS_COPY)
        return !home && h->take_settle ? h->take_settle(s) : NULL;
    if (!home)
        LP_TRY(h->take_commit(s));
    s->taking = TAKEN_NOTHING;
    return NULL;
}

loop_error *lp_store_restore(lp_store *s, loop_pass pass, loop_stream *from)
{
    lp_state_in in = {.from = from};
    loop_error *e = take(s, pass, &in);
    lp_state_in_done(&in);
    if (e)
        throw_away(s);
    return e;
}

/* ---- notes ---- */

void lp_store_note_all(lp_store *s, const lp_store_caller *who, lp_str bucket,
                       const loop_storage_store_operation *operations, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (operations[i].change.tag != LOOP_STORAGE_STORE_CHANGE_KEEP)
            lp_store_note(s->notes, lp_str_of(who->identity), bucket,
                          (lp_str){(const char *)operations[i].key.ptr, operations[i].key.len});
}
