/*
 * host/export.c: calls from C into a component, by the same plans as calls out.
 *
 * Handles both ways. A resource that C implements goes in as a number of held.c,
 * lent for the call or handed over. One that the component implements comes out as a
 * loop_handle: 22 bits of the body's number, 22 of a generation, 20 of a place in
 * the body's `foreign` (from 1), so that a handle that was dropped, handed over or is another
 * instance's is told from one that lives.
 */
#include <stdlib.h>

#include "host/internal.h"

/* What a function is in one body. */
struct place {
    const lp_import *export;
    const lp_plan *plan;
    lp_export *raw;
};

struct loop_export {
    loop_instance *instance;
    struct lp_body *body;
    const lp_import *export;
    const lp_plan *plan;
    lp_export *raw;
    char *version;     /* what was asked for; "" for any */
    struct place next; /* in the body that is to take the place of this one */
};

/* ---- entering ---- */

static void break_body(struct lp_body *b, const loop_error *why)
{
    b->broken = true;
    loop_error_delete(b->why_broken);
    b->why_broken = lp_error_copy(why);
}

loop_error *loop_instance_enter(loop_instance *i)
{
    if (i->state != LP_NEW || i->entered)
        return loop_error_new(LOOP_USAGE, "'%s' has run already; make another instance",
                              i->options.name);
    i->entered = true;
    if (i->asked_to_stop)
        lp_guest_stop(i->body->guest); /* before there was anything to stop */
    bool exited;
    int status = 0;
    loop_error *err =
        lp_guest_instantiate(i->body->guest, i->options.call_timeout_ms, &exited, &status);
    if (!err && exited)
        err = loop_error_new(LOOP_CANCELLED, "'%s' ended itself with status %d", i->options.name,
                             status);
    i->body->instantiated = !err;
    if (err)
        break_body(i->body, err);
    return err;
}

/* ---- looking up ---- */

static bool is_wanted(const lp_import *x, const char *interface_name, const char *version,
                      const char *function)
{
    char name[LP_MAX_NAME];
    const char *offered = lp_split_version(x->interface_name, name, sizeof name);
    return !x->resource && strcmp(x->name, function) == 0 && strcmp(name, interface_name) == 0 &&
           (!*version || lp_version_serves(offered, version));
}

/* Of a component that is called `name` in errors. */
static loop_error *find_export(const loop_component *c, const char *name,
                               const char *interface_name, const char *version,
                               const char *function, const lp_import **ret)
{
    const lp_import *x;
    for (size_t n = 0; (x = lp_component_exported_at(c->engine, n)); n++) {
        if (is_wanted(x, interface_name, version, function)) {
            *ret = x;
            return NULL;
        }
    }
    return loop_error_hint_set(loop_error_new(LOOP_NOT_FOUND, "'%s' exports no '%s' of '%s%s%s'",
                                              name, function, interface_name, *version ? "@" : "",
                                              version),
                               "`loop inspect` shows what it exports");
}

static loop_error *check_type(const char *name, const lp_import *x, const char *type)
{
    if (!x->signature)
        return loop_error_new(
            LOOP_INVALID, "'%s' exports '%s' with a type that loop does not carry", name, x->name);
    lp_buf text = {0};
    lp_signature_text(x->signature, &text);
    loop_error *err = NULL;
    if (strcmp(text.ptr, type) != 0)
        err =
            loop_error_new(LOOP_INVALID, "'%s' exports '%s' with another type: %.600s, not %.600s",
                           name, x->name, text.ptr, type);
    lp_buf_done(&text);
    return err;
}

static loop_error *open_place(struct lp_body *b, const lp_import *x, struct place *ret)
{
    const lp_plan *plan;
    lp_shape shape;
    lp_export *raw;
    LP_TRY(lp_plan_new(&b->arena, x->signature, &plan));
    LP_TRY(lp_check_handles(b, plan, NULL));
    LP_TRY(lp_export_new(b->guest, x->interface_name, x->name, &shape, &raw));
    loop_error *err = lp_plan_check(plan, &shape);
    if (err)
        lp_export_delete(raw);
    else
        *ret = (struct place){x, plan, raw};
    return err;
}

static loop_export *export_new(struct lp_body *b, const struct place *p, const char *version)
{
    loop_export *f = lp_alloc(sizeof *f);
    *f = (loop_export){.instance = b->instance,
                       .body = b,
                       .export = p->export,
                       .plan = p->plan,
                       .raw = p->raw,
                       .version = lp_strdup(version)};
    return f;
}

loop_error *loop_instance_export(loop_instance *i, const char *interface_name, const char *version,
                                 const char *function, const char *type, const loop_export **ret)
{
    if (!i->body->instantiated)
        return loop_error_new(LOOP_USAGE, "'%s' is called before loop_instance_enter",
                              i->options.name);
    const char *name = i->options.name;
    const lp_import *x = NULL;
    LP_TRY(find_export(i->body->component, name, interface_name, version, function, &x));
    LP_TRY(check_type(name, x, type));
    for (size_t n = 0; n < i->exports.n; n++) {
        if (i->exports.at[n]->export == x && strcmp(i->exports.at[n]->version, version) == 0) {
            *ret = i->exports.at[n];
            return NULL;
        }
    }
    struct place p;
    LP_TRY(open_place(i->body, x, &p));
    loop_export *f = export_new(i->body, &p, version);
    lp_os_mutex_lock(i->lock);
    *lp_push(&i->exports) = f;
    lp_os_mutex_unlock(i->lock);
    *ret = f;
    return NULL;
}

loop_error *lp_export_open(struct lp_body *b, const char *interface_name, const char *version,
                           const char *function, const char *type, struct loop_export **ret)
{
    const lp_import *x = NULL;
    struct place p;
    const char *name = b->component->path;
    LP_TRY(find_export(b->component, name, interface_name, version, function, &x));
    LP_TRY(check_type(name, x, type));
    LP_TRY(open_place(b, x, &p));
    *ret = export_new(b, &p, version);
    return NULL;
}

void lp_export_close(struct loop_export *f)
{
    if (!f)
        return;
    lp_export_delete(f->raw);
    lp_export_delete(f->next.raw);
    free(f->version);
    free(f);
}

void lp_exports_done(loop_instance *i)
{
    for (size_t n = 0; n < i->exports.n; n++)
        lp_export_close(i->exports.at[n]);
    free(i->exports.at);
    i->exports.at = NULL;
    i->exports.n = i->exports.cap = 0;
}

/* ---- the same functions of another body ---- */

/* What takes the place of `f` in `c`; types are compared as C declared them. */
static loop_error *find_same(const loop_export *f, const loop_component *c, const lp_import **ret)
{
    char interface_name[LP_MAX_NAME];
    lp_split_version(f->export->interface_name, interface_name, sizeof interface_name);
    LP_TRY(find_export(c, c->path, interface_name, f->version, f->export->name, ret));
    lp_buf type = {0};
    lp_signature_text(f->export->signature, &type);
    loop_error *err = check_type(c->path, *ret, type.ptr);
    lp_buf_done(&type);
    return err;
}

loop_error *lp_exports_check(loop_instance *i, const loop_component *c)
{
    const lp_import *x;
    for (size_t n = 0; n < i->exports.n; n++)
        LP_TRY(find_same(i->exports.at[n], c, &x));
    return NULL;
}

loop_error *lp_exports_prepare(loop_instance *i, struct lp_body *b)
{
    for (size_t n = 0; n < i->exports.n; n++) {
        loop_export *f = i->exports.at[n];
        const lp_import *x = NULL;
        LP_TRY(find_same(f, b->component, &x));
        LP_TRY(open_place(b, x, &f->next));
    }
    return NULL;
}

void lp_exports_forget(loop_instance *i)
{
    for (size_t n = 0; n < i->exports.n; n++) {
        loop_export *f = i->exports.at[n];
        lp_export_delete(f->next.raw);
        f->next = (struct place){0};
    }
}

void lp_exports_move(loop_instance *i)
{
    for (size_t n = 0; n < i->exports.n; n++) {
        loop_export *f = i->exports.at[n];
        lp_export_delete(f->raw);
        f->body = i->body;
        f->export = f->next.export;
        f->plan = f->next.plan;
        f->raw = f->next.raw;
        f->next = (struct place){0};
    }
}

/* ---- handles of the component's resources ---- */

#define PLACE_BITS 20
#define GENERATION_BITS 22
_Static_assert(LP_MAX_HANDLES < 1u << PLACE_BITS, "places");

static uint64_t low_bits(uint64_t n, unsigned bits)
{
    return n & ((UINT64_C(1) << bits) - 1);
}

static loop_handle handle_of(const struct lp_body *b, size_t place)
{
    uint64_t generation = low_bits(b->foreign.at[place].generation, GENERATION_BITS);
    return b->number << (GENERATION_BITS + PLACE_BITS) | generation << PLACE_BITS | (place + 1);
}

static loop_handle foreign_new(struct lp_body *b, const lp_resource *r, uint32_t number)
{
    size_t place = b->free_foreign;
    if (place == b->foreign.n)
        lp_push(&b->foreign)->next_free = (uint32_t)place + 1;
    struct lp_foreign *f = &b->foreign.at[place];
    b->free_foreign = f->next_free;
    f->resource = r;
    f->number = number;
    return handle_of(b, place);
}

/* NULL: there is none, or not of that resource (NULL: of any). */
static struct lp_foreign *foreign_find(struct lp_body *b, const lp_resource *r, loop_handle h)
{
    size_t place = (size_t)low_bits(h, PLACE_BITS);
    if (place == 0 || place > b->foreign.n)
        return NULL;
    struct lp_foreign *f = &b->foreign.at[place - 1];
    return f->resource && (!r || f->resource == r) && h == handle_of(b, place - 1) ? f : NULL;
}

static void foreign_forget(struct lp_body *b, struct lp_foreign *f)
{
    f->resource = NULL;
    f->generation++;
    f->next_free = b->free_foreign;
    b->free_foreign = (uint32_t)(f - b->foreign.at);
}

static loop_error *no_handle(const char *what)
{
    return loop_error_hint_set(loop_error_new(LOOP_USAGE, "a handle that is no %s here", what),
                               "it was dropped, handed over, or is of another instance, or "
                               "of a component that was replaced");
}

/* ---- values on their way in ---- */

struct call {
    const loop_export *f;
    const void *args;
    void *ret;
    lp_frame *frame;
};

/* Before anything happens: a wrong handle is the caller's mistake, and ends nothing. */
static loop_error *check_argument(void *data, const lp_node *n, uint64_t at)
{
    const lp_resource *r = n->type->resource;
    if (!r->is_export)
        return at ? NULL : loop_error_new(LOOP_USAGE, "no object for a handle of %s", r->name);
    struct lp_foreign *f = foreign_find(data, r, at);
    if (!f)
        return no_handle(r->name);
    bool own = n->kind == LP_OWN;
    if (f->owned || (own && f->lent))
        return loop_error_new(LOOP_USAGE,
                              "a handle of %s is handed over and used again in one call", r->name);
    f->owned = own;
    f->lent = !own;
    return NULL;
}

static loop_error *clear_marks(void *data, const lp_node *n, uint64_t at)
{
    struct lp_foreign *f = n->type->resource->is_export ? foreign_find(data, NULL, at) : NULL;
    if (f)
        f->owned = f->lent = false;
    return NULL;
}

static loop_error *check_arguments(const loop_export *f, const void *args)
{
    loop_error *err = lp_each_handle(&f->plan->params, args, LOOP_USAGE, check_argument, f->body);
    loop_error *again = lp_each_handle(&f->plan->params, args, LOOP_USAGE, clear_marks, f->body);
    loop_error_delete(again); /* the same as before */
    return err;
}

/* Of the provider that serves it now. */
static struct lp_generation *current(struct lp_body *b, const lp_resource *r)
{
    const struct lp_use *use = b->owners.at[r->index].use;
    lp_os_mutex_lock(b->lock);
    struct lp_generation *g = use ? use->gen : NULL;
    lp_os_mutex_unlock(b->lock);
    return g;
}

static loop_error *put_handle(void *data, const lp_node *n, uint64_t at)
{
    struct lp_body *b = data;
    const lp_resource *r = n->type->resource;
    lp_handle h = {LP_GUESTS, 0};
    if (r->is_export) {
        struct lp_foreign *f = foreign_find(b, r, at);
        if (!f)
            return no_handle(r->name);
        h.value = f->number;
        if (n->kind == LP_OWN)
            foreign_forget(b, f);
    } else {
        struct lp_held held = {.object = (void *)(uintptr_t)at,
                               .resource = r,
                               .gen = current(b, r),
                               .lent = n->kind == LP_BORROW};
        h.resource = r->index;
        LP_TRY(lp_hold(b, &held, &h.value));
        if (held.lent)
            *lp_push(&b->lent) = h.value;
    }
    *lp_push(&b->handles) = h;
    return NULL;
}

static loop_error *in_function(const struct call *c, loop_error *err)
{
    return err ? loop_error_wrap(err, "in %s of '%s'", c->f->export->name,
                                 c->f->instance->options.name)
               : NULL;
}

static loop_error *put_args(void *data, lp_target *out)
{
    struct call *c = data;
    struct lp_body *b = c->f->body;
    b->handles.n = 0;
    loop_error *err = lp_each_handle(&c->f->plan->params, c->args, LOOP_USAGE, put_handle, b);
    lp_lower l = {
        .to = out, .blame = LOOP_INVALID, .handles = b->handles.at, .handle_count = b->handles.n};
    if (!err)
        err = lp_lower_values(&l, &c->f->plan->params, c->args);
    return in_function(c, err);
}

/* What was lent is the caller's again. */
static void end_loans(struct lp_body *b)
{
    for (size_t n = 0; n < b->lent.n; n++)
        lp_release(b, b->lent.at[n]);
    b->lent.n = 0;
}

/* ---- values on their way out ---- */

static loop_error *take_handle(void *data, const lp_node *n, uint32_t number, uint64_t *ret)
{
    struct lp_body *b = data;
    const lp_resource *r = n->type->resource;
    if (r->is_export) {
        *ret = foreign_new(b, r, number);
        return NULL;
    }
    struct lp_held h;
    LP_TRY(lp_unhold(b, r, number, false, &h));
    *lp_push(&b->taken) = h;
    *ret = (uint64_t)(uintptr_t)h.object;
    return NULL;
}

static loop_error *take_result(void *data, lp_values *in)
{
    struct call *c = data;
    struct lp_body *b = c->f->body;
    if (!c->f->plan->result)
        return NULL;
    lp_frame_begin(c->frame); /* not before: an argument may be what the last call answered */
    lp_lift l = {.from = in, .frame = c->frame, .keep = true, .take = take_handle, .data = b};
    loop_error *err = lp_lift_values(&l, c->f->plan->result, c->ret);
    if (err)
        lp_drop_taken(b);
    b->taken.n = 0;
    return in_function(c, err ? lp_lift_error(b, err) : NULL);
}

/* ---- calling ---- */

/* LOOP_USAGE and LOOP_UNAVAILABLE say that nothing was called: a provider's are others here. */
static loop_error *call_error(const loop_export *f, loop_error *err)
{
    const loop_instance *i = f->instance;
    switch (loop_error_code(err)) {
    case LOOP_USAGE:
    case LOOP_UNAVAILABLE:
        return lp_error_because(LOOP_TRAP, err, "'%s' was ended in %s", i->options.name,
                                f->export->name);
    case LOOP_TIMEOUT:
        if (!i->entered)
            return err; /* supervise.c says it */
        if (!loop_error_hint(err) && i->options.call_timeout_ms)
            err = lp_limit_error(&i->limits, LOOP_MAX_CALL, i->options.name, err);
        return loop_error_wrap(err, "%s of '%s' has not ended in time", f->export->name,
                               i->options.name);
    default: return err;
    }
}

/* What a call comes to that has no result. */
static loop_error *failed(const struct call *c, const lp_calling *calling, loop_error *err)
{
    loop_instance *i = c->f->instance;
    if (!calling->entered)
        return err;
    if (!err)
        err = loop_error_new(LOOP_CANCELLED, "'%s' ended itself with status %d", i->options.name,
                             calling->status);
    else if (calling->refused)
        err = in_function(c, err);
    err = call_error(c->f, err);
    struct lp_body *b = c->f->body;
    lp_gate_leave(b); /* where it was ended in a call */
    b->exited = calling->exited;
    b->result_status = calling->status;
    break_body(b, err);
    return err;
}

/* Nothing of the handles that a call in flight holds is touched. */
static loop_error *check_handles(const loop_export *f, const void *args)
{
    LP_TRY(lp_guest_check_free(f->body->guest, f->export->name));
    return check_arguments(f, args);
}

static loop_error *has_ended(const loop_instance *i)
{
    return loop_error_new(LOOP_UNAVAILABLE, "'%s' has ended; make another instance",
                          i->options.name);
}

/* How long a call may take. */
static uint64_t time_for(const loop_export *f)
{
    uint64_t ms = f->instance->options.call_timeout_ms;
    if (!f->body->until_ns)
        return ms;
    uint64_t now = lp_os_now_ns(), until = f->body->until_ns;
    uint64_t left = until > now ? (until - now + 999999) / 1000000 : 1;
    return ms ? LP_MIN(ms, left) : left;
}

loop_error *lp_export_call_for(const loop_export *f, const void *args, void *ret, lp_frame *frame,
                               uint64_t timeout_ms)
{
    if (f->body->broken)
        return has_ended(f->instance);
    const lp_plan *p = f->plan;
    if (p->params.handles)
        LP_TRY(check_handles(f, args));
    struct call c = {f, args, ret, frame};
    lp_flat flat[LP_FLAT_PARAMS];
    lp_piece pieces[LP_FLAT_PARAMS / 2];
    lp_calling calling = {
        .count = p->params.flat,
        .pieces = pieces,
        .put = put_args,
        .take = p->number_out ? NULL : take_result,
        .data = &c,
        .timeout_ms = timeout_ms,
    };
    if (p->numbers_in) {
        lp_lower_numbers(&p->params, args, flat);
        calling.flat = flat;
    } else if (p->direct_in &&
               lp_lower_direct(&p->params, args, flat, pieces, &calling.piece_count)) {
        calling.flat = flat;
    }
    loop_error *err = lp_export_call(f->raw, &calling);
    if (p->params.handles)
        end_loans(f->body);
    if (err || calling.exited)
        return failed(&c, &calling, err);
    if (p->number_out && p->result)
        lp_store_number(p->result, calling.result, ret);
    return NULL;
}

loop_error *loop_export_call(const loop_export *f, const void *args, void *ret)
{
    struct lp_body *b = f->body;
    uint64_t ms = time_for(f);
    lp_body_begins(b, ms);
    return lp_export_call_for(f, args, ret, &b->in, ms);
}

loop_error *lp_handle_drop(loop_instance *i, loop_handle handle, uint64_t timeout_ms)
{
    if (!handle || i->body->broken)
        return NULL; /* it went with the instance */
    struct lp_foreign *f = foreign_find(i->body, NULL, handle);
    if (!f)
        return no_handle("resource of the component");
    LP_TRY(lp_guest_check_free(i->body->guest, "a destructor"));
    uint32_t number = f->number;
    foreign_forget(i->body, f);
    lp_body_begins(i->body, timeout_ms);
    loop_error *err = lp_guest_drop(i->body->guest, number, timeout_ms);
    if (err)
        break_body(i->body, err);
    return err;
}

loop_error *loop_handle_drop(loop_instance *i, loop_handle handle)
{
    return lp_handle_drop(i, handle, i->options.call_timeout_ms);
}
