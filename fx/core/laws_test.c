/*
 * fx/core/laws_test.c: the laws of knowledge/effect-system.md on random trees and random edits.
 *
 * The model is a table of nodes. A component's function, told a node by its properties, returns
 * what stands below that node in the model. The oracle renders the same model from scratch, by
 * plain recursion and without the runtime, into a text; the runtime's live tree, as lp_fx_inspect
 * shows it, must read the same after each turn. FX_SEED and FX_ROUNDS choose other runs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fx/core/fx.h"

#define NODES 160
#define MAX_BELOW 8

struct node {
    bool used, fails, reads, yields, effect;
    uint32_t role, parent, prop, component, key; /* a key of 0: by place */
    uint32_t below[MAX_BELOW], n;
    uint32_t fallback; /* of a boundary: a node below */
};

struct world {
    uint64_t random;
    struct node nodes[NODES];
    lp_fx *fx;
    lp_fx_id root, screen, fiber[NODES];
    bool *live; /* by fiber and 0: an effect that runs */
    uint32_t n_live, max_jobs, batches, rev, step, went[NODES];
    uint64_t digest;
    struct seen {
        lp_fx_id fiber;
        uint32_t turn;
    } ran[1 << 12];
};

static uint32_t pick(struct world *w, uint32_t n)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return (uint32_t)((w->random >> 11) % n);
}

/* ---- the model ---- */

static uint32_t owner_of(const struct world *w, uint32_t i)
{
    do
        i = w->nodes[i].parent;
    while (w->nodes[i].role != LP_FX_CALL);
    return i;
}

static uint32_t new_node(struct world *w, uint32_t parent, uint32_t role)
{
    struct node *p = &w->nodes[parent];
    uint32_t i = 2;
    while (i < NODES && (w->nodes[i].used || w->went[i] == w->step))
        i++;
    if (i == NODES || p->n == MAX_BELOW)
        return 0;
    w->nodes[i] = (struct node){.used = true,
                                .role = role,
                                .parent = parent,
                                .prop = pick(w, 4),
                                .component = 1 + pick(w, 2),
                                .key = pick(w, 3) ? i : 0};
    uint32_t at = pick(w, p->n + 1);
    memmove(&p->below[at + 1], &p->below[at], (p->n - at) * sizeof p->below[0]);
    p->below[at] = i;
    p->n++;
    if (role == LP_FX_CALL) {
        w->nodes[i].reads = !pick(w, 3);
        w->nodes[i].yields = !pick(w, 3);
        w->nodes[i].effect = !pick(w, 3);
    }
    if (role == LP_FX_BOUNDARY) {
        w->nodes[i].fallback = new_node(w, i, LP_FX_CALL);
        if (!w->nodes[i].fallback)
            w->nodes[i].role = LP_FX_GROUP;
    }
    return i;
}

static void remove_node(struct world *w, uint32_t i)
{
    struct node *p = &w->nodes[w->nodes[i].parent];
    while (w->nodes[i].n)
        remove_node(w, w->nodes[i].below[0]);
    for (uint32_t at = 0; at < p->n; at++)
        if (p->below[at] == i) {
            memmove(&p->below[at], &p->below[at + 1], (--p->n - at) * sizeof p->below[0]);
            break;
        }
    w->nodes[i] = (struct node){0};
    w->fiber[i] = 0;
    w->went[i] = w->step; /* another node of that number would be taken for this one */
}

/* ---- the component ---- */

#define EMPTY_KEY ((lp_str){"", 0})
struct output_of { /* what one answer is made of */
    lp_fx_element elements[4096];
    uint32_t children[4096], n, n_children, n_props;
    char props[65536];
    lp_fx_output outputs[256];
    lp_fx_value cells[512], yields[256];
    lp_str reads[256];
    lp_fx_effect effects[256];
    char texts[256][64];
    char deps[256];
};

static lp_fx_span props_of(struct output_of *o, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(o->props + o->n_props, sizeof o->props - o->n_props, fmt, ap);
    va_end(ap);
    lp_fx_span s = {o->n_props, (uint32_t)n};
    o->n_props += (uint32_t)n + 1;
    return s;
}

static const char *const function_names[] = {"f0", "f1", "f2", "f3"};
static char key_texts[NODES][8];

static lp_str key_of(uint32_t key)
{
    snprintf(key_texts[key], 8, "k%u", (unsigned)key);
    return key ? lp_str_of(key_texts[key]) : EMPTY_KEY;
}

static uint32_t element_of(struct world *w, struct output_of *o, uint32_t i);

static void below(struct world *w, struct output_of *o, uint32_t row, uint32_t i)
{
    uint32_t first = o->n_children, n = w->nodes[i].n;
    o->elements[row].children = (lp_fx_span){first, n};
    o->n_children += n;
    for (uint32_t c = 0; c < n; c++) {
        uint32_t child = element_of(w, o, w->nodes[i].below[c]);
        o->children[first + c] = child;
        if (w->nodes[i].role == LP_FX_BOUNDARY && w->nodes[i].below[c] == w->nodes[i].fallback)
            o->elements[row].argument = child;
    }
}

static uint32_t element_of(struct world *w, struct output_of *o, uint32_t i)
{
    const struct node *p = &w->nodes[i];
    uint32_t row = o->n++;
    lp_fx_element *e = &o->elements[row];
    *e = (lp_fx_element){.role = p->role, .key = key_of(p->key), .function = EMPTY_KEY};
    if (p->role == LP_FX_CALL) {
        e->component = p->component;
        e->function = lp_str_of(function_names[i % 4]);
        e->properties = props_of(o, "%u %u", (unsigned)i, (unsigned)p->prop);
        return row;
    }
    if (p->role == LP_FX_PROVIDE) {
        e->function = LP_STR("color");
        e->properties = props_of(o, "%u", (unsigned)p->prop);
    }
    if (p->role == LP_FX_QUOTE)
        e->function = LP_STR("screen");
    below(w, o, row, i);
    return row;
}

static void show(struct output_of *o, lp_fx_output *out, const char *name, lp_fx_span props)
{
    out->has_root = true;
    out->root = o->n;
    o->elements[o->n++] = (lp_fx_element){
        .role = LP_FX_PROVIDE, .function = lp_str_of(name), .key = EMPTY_KEY, .properties = props};
}

static void run_job(struct world *w, struct output_of *o, const lp_fx_job *job, uint32_t at)
{
    lp_fx_output *out = &o->outputs[at];
    *out = (lp_fx_output){.reads = {at, 0}, .effects = {at, 0}, .yields = {at, 0}};
    unsigned i = 0, prop = 0;
    char props[64];
    snprintf(props, sizeof props, "%.*s", (int)job->properties.len, job->properties.ptr);
    if (job->gathered) {
        char all[4096] = "";
        for (uint32_t v = 0; v < job->n_values; v++)
            snprintf(all + strlen(all), sizeof all - strlen(all), "%.*s,",
                     (int)job->values[v].bytes.len, job->values[v].bytes.ptr);
        show(o, out, "gathered", props_of(o, "%s", all));
        snprintf(o->texts[at], 64, "%u values", (unsigned)job->n_values);
        o->yields[at] = (lp_fx_value){.type = LP_STR("t"), .bytes = lp_str_of(o->texts[at])};
        out->yields.count = 1;
        return;
    }
    assert_int_equal(sscanf(props, "%u %u", &i, &prop), 2);
    const struct node *p = &w->nodes[i];
    w->fiber[i] = job->fiber;
    if (p->fails) {
        out->result = LP_FX_FAILED;
        out->why = LP_STR("as told");
        return;
    }
    if (!job->n_cells) {
        o->cells[at] = (lp_fx_value){.type = LP_STR("rev"), .bytes = LP_STR("0")};
        out->new_cells = (lp_fx_span){at, 1};
    }
    char seen[64] = "-";
    if (p->reads) {
        o->reads[at] = LP_STR("color");
        out->reads.count = 1;
        for (uint32_t c = 0; c < job->n_contexts; c++)
            if (lp_str_is(job->contexts[c].name, "color") && job->contexts[c].provided)
                snprintf(seen, sizeof seen, "%.*s", (int)job->contexts[c].value.len,
                         job->contexts[c].value.ptr);
    }
    if (p->yields) {
        snprintf(o->texts[at], 64, "%u:%u", i, prop);
        o->yields[at] = (lp_fx_value){.type = LP_STR("t"), .bytes = lp_str_of(o->texts[at])};
        out->yields.count = 1;
    }
    if (p->effect) {
        o->deps[at] = (char)('0' + prop);
        o->effects[at] = (lp_fx_effect){.slot = 7, .depends_on = {&o->deps[at], 1}};
        out->effects.count = 1;
    }
    show(o, out, "seen", props_of(o, "%s", seen));
    below(w, o, out->root, i);
}

/* ---- driving it ---- */

static void note_effects(struct world *w, const lp_fx_work *work)
{
    for (uint32_t i = 0; i < work->n; i++) {
        const lp_fx_effect_call *c = &work->effects[i];
        bool *live = &w->live[c->fiber & ((1u << 21) - 1)]; /* one slot a fiber: 7 */
        assert_int_equal(c->slot, 7);
        assert_true(*live != c->start); /* never twice, and never before a start */
        *live = c->start;
        w->n_live += c->start ? 1 : -1u;
    }
}

static void read_trace(struct world *w)
{
    size_t n;
    uint64_t lost;
    static uint32_t turn;
    const lp_fx_event *e = lp_fx_trace_take(w->fx, &n, &lost);
    assert_int_equal(lost, 0);
    for (size_t i = 0; i < n; i++) {
        w->digest =
            (w->digest ^ e[i].what ^ (uint64_t)e[i].fiber << 8 ^ e[i].detail) * 0x100000001b3ull;
        if (e[i].what == LP_FX_DID_TURN)
            turn++;
        if (e[i].what != LP_FX_DID_RUN)
            continue;
        struct seen *s = &w->ran[e[i].fiber & 0xfff];
        assert_false(s->fiber == e[i].fiber && s->turn == turn); /* no fiber runs twice */
        *s = (struct seen){e[i].fiber, turn};
    }
}

static void drive(struct world *w)
{
    static struct output_of o;
    lp_fx_work work;
    for (;;) {
        switch (lp_fx_next(w->fx, w->max_jobs, &work)) {
        case LP_FX_IDLE: read_trace(w); return;
        case LP_FX_ENDED: break;
        case LP_FX_COMPUTE: fail(); /* there are no graphs */
        case LP_FX_CALLS: lp_fx_done(w->fx); break;
        case LP_FX_EFFECTS:
            note_effects(w, &work);
            lp_fx_done(w->fx);
            break;
        case LP_FX_RUN:
            o.n = o.n_children = o.n_props = 0;
            assert_true(work.n <= 256);
            if (w->max_jobs == 1 && ++w->batches % 5 == 0) {
                lp_fx_retry(w->fx); /* another attempt changes nothing */
                break;
            }
            for (uint32_t i = 0; i < work.n; i++)
                run_job(w, &o, &work.jobs[i], i);
            lp_fx_answered(w->fx, &(lp_fx_answer){.outputs = o.outputs,
                                                  .n_outputs = work.n,
                                                  .table = {o.elements,
                                                            o.children,
                                                            NULL,
                                                            o.n,
                                                            o.n_children,
                                                            0,
                                                            {o.props, sizeof o.props}},
                                                  .new_cells = o.cells,
                                                  .reads = o.reads,
                                                  .effects = o.effects,
                                                  .yields = o.yields,
                                                  .n_new_cells = 512,
                                                  .n_reads = 256,
                                                  .n_effects = 256,
                                                  .n_yields = 256});
            break;
        }
    }
}

static void setup(struct world *w, uint64_t seed, uint64_t hash_seed, uint32_t max_jobs)
{
    memset(w, 0, sizeof *w);
    w->random = seed * 0x9e3779b97f4a7c15ull | 1;
    w->max_jobs = max_jobs;
    w->live = calloc(1u << 21, sizeof *w->live);
    w->fx =
        lp_fx_new(&(lp_fx_options){.seed = {hash_seed, ~hash_seed}, .tells_end = max_jobs == 1});
    lp_fx_trace(w->fx, true);
    w->step = 1;
    w->nodes[1] = (struct node){.used = true, .role = LP_FX_CALL, .component = 1, .parent = 1};
    static const lp_fx_element screen[] = {
        {.role = LP_FX_PROVIDE,
         .function = {"color", 5},
         .key = {"", 0},
         .properties = {0, 1},
         .children = {0, 1}},
        {.role = LP_FX_OUTLET, .function = {"", 0}, .key = {"", 0}}};
    assert_null(lp_fx_mount(w->fx, LP_STR("screen"), 1,
                            &(lp_fx_table){screen, (uint32_t[]){1}, NULL, 2, 1, 0, LP_STR("S")},
                            &w->screen));
    lp_fx_element top = {.role = LP_FX_CALL,
                         .component = 1,
                         .function = LP_STR("f1"),
                         .key = EMPTY_KEY,
                         .properties = {0, 3}};
    assert_null(lp_fx_mount(w->fx, LP_STR("app"), 1,
                            &(lp_fx_table){&top, NULL, NULL, 1, 0, 0, LP_STR("1 0")}, &w->root));
}

static void stop(struct world *w)
{
    assert_null(lp_fx_unmount(w->fx, w->root));
    assert_null(lp_fx_unmount(w->fx, w->screen));
    drive(w);
    assert_int_equal(w->n_live, 0); /* cancellation leaves nothing running */
    assert_int_equal(lp_fx_stats_of(w->fx).fibers, 0);
    lp_fx_delete(w->fx);
    free(w->live);
}

/* ---- the oracle ---- */

struct oracle {
    const struct world *w;
    lp_buf text;
    uint32_t effects;
};

/* What stands above: contexts by place, and gathers that this would count for. */
struct above {
    const char *color;
    lp_buf *gather;
};

static bool render(struct oracle *o, uint32_t i, struct above a, unsigned depth);

static void line(struct oracle *o, unsigned depth, uint32_t role, const char *name, uint32_t key,
                 const char *props)
{
    lp_buf_printf(&o->text, "%*s%u %s k%u [%s]\n", (int)depth, "", (unsigned)role, name,
                  (unsigned)key, props);
}

static bool render_below(struct oracle *o, uint32_t i, struct above a, unsigned depth)
{
    bool ok = true;
    for (uint32_t c = 0; c < o->w->nodes[i].n; c++)
        ok &= render(o, o->w->nodes[i].below[c], a, depth);
    return ok;
}

static bool render_call(struct oracle *o, uint32_t i, struct above a, unsigned depth)
{
    const struct node *p = &o->w->nodes[i];
    char props[32];
    snprintf(props, sizeof props, "%u %u", (unsigned)i, (unsigned)p->prop);
    line(o, depth, LP_FX_CALL, function_names[i % 4], p->key, props);
    if (p->fails)
        return false;
    o->effects += p->effect;
    if (p->yields && a.gather)
        lp_buf_printf(a.gather, "%u:%u,", (unsigned)i, (unsigned)p->prop);
    line(o, depth + 1, LP_FX_PROVIDE, "seen", 0, p->reads && a.color ? a.color : "-");
    return render_below(o, i, a, depth + 2);
}

static bool render_boundary(struct oracle *o, uint32_t i, struct above a, unsigned depth)
{
    const struct node *p = &o->w->nodes[i];
    struct oracle try = {.w = o->w};
    lp_buf yields = {0};
    struct above inside = {a.color, a.gather ? &yields : NULL};
    bool ok = true;
    for (uint32_t c = 0; c < p->n; c++) {
        const struct node *n = &o->w->nodes[p->below[c]];
        if (p->below[c] != p->fallback) {
            ok &= render(&try, p->below[c], inside, depth);
            continue;
        }
        char props[32];
        snprintf(props, sizeof props, "%u %u", (unsigned)p->below[c], (unsigned)n->prop);
        lp_buf_puts(&try.text, "dormant ");
        line(&try, depth, LP_FX_CALL, function_names[p->below[c] % 4], n->key, props);
    }
    if (ok) {
        o->effects += try.effects;
        lp_buf_add(&o->text, try.text.ptr ? try.text.ptr : "", try.text.len);
        if (a.gather)
            lp_buf_add(a.gather, yields.ptr ? yields.ptr : "", yields.len);
    }
    lp_buf_done(&try.text);
    lp_buf_done(&yields);
    if (ok)
        return true;
    ok = render(o, p->fallback, a, depth);
    for (uint32_t c = 0; c < p->n; c++) /* a detached scope beside runs on */
        if (o->w->nodes[p->below[c]].role == LP_FX_DETACH)
            fail_msg("the model has no detach below a boundary");
    return ok;
}

static bool render(struct oracle *o, uint32_t i, struct above a, unsigned depth)
{
    const struct node *p = &o->w->nodes[i];
    char props[32] = "";
    if (p->role == LP_FX_CALL)
        return render_call(o, i, a, depth);
    if (p->role == LP_FX_PROVIDE)
        snprintf(props, sizeof props, "%u", (unsigned)p->prop);
    line(o, depth, p->role,
         p->role == LP_FX_PROVIDE ? "color"
         : p->role == LP_FX_QUOTE ? "screen"
                                  : "",
         p->key, props);
    if (p->role == LP_FX_PROVIDE)
        a.color = props;
    if (p->role == LP_FX_BOUNDARY)
        return render_boundary(o, i, a, depth + 1);
    if (p->role == LP_FX_QUOTE)
        return render_below(o, i, (struct above){"S", NULL}, depth + 1);
    if (p->role != LP_FX_GATHER)
        return render_below(o, i, a, depth + 1);
    lp_buf yields = {0};
    bool ok = render_below(o, i, (struct above){a.color, &yields}, depth + 1);
    char name[8];
    snprintf(name, sizeof name, "f%u", (unsigned)(owner_of(o->w, i) % 4));
    line(o, depth + 1, LP_FX_ROLES + 1, name, 0, "");
    line(o, depth + 2, LP_FX_PROVIDE, "gathered", 0, yields.ptr ? yields.ptr : "");
    unsigned values = 0;
    for (size_t at = 0; at < yields.len; at++)
        values += yields.ptr[at] == ',';
    if (a.gather)
        lp_buf_printf(a.gather, "%u values,", values);
    lp_buf_done(&yields);
    return ok;
}

static char *live_text(struct world *w)
{
    static lp_fx_info rows[4096];
    static unsigned depth[4096];
    lp_buf b = {0};
    size_t n = lp_fx_inspect(w->fx, w->root, rows, LP_COUNT(rows));
    for (size_t i = 1; i < n; i++) {
        depth[i] = rows[i].parent > 0 ? depth[rows[i].parent] + 1 : 0;
        unsigned key = 0;
        char props[4096];
        if (rows[i].key.len)
            sscanf(rows[i].key.ptr, "k%u", &key);
        snprintf(props, sizeof props, "%.*s", (int)rows[i].properties.len, rows[i].properties.ptr);
        lp_buf_printf(&b, "%s%*s%u %.*s k%u [%s]\n", rows[i].dormant ? "dormant " : "",
                      (int)depth[i], "", (unsigned)rows[i].role, (int)rows[i].function.len,
                      rows[i].function.ptr, key, props);
    }
    return lp_buf_take(&b);
}

static void check(struct world *w)
{
    struct oracle o = {.w = w};
    render(&o, 1, (struct above){0}, 0);
    char *live = live_text(w), *want = lp_buf_take(&o.text);
    const char *failure = lp_fx_failure(w->fx, w->root);
    if (failure)
        fail_msg("all of it failed: %s", failure);
    if (strcmp(live, want) != 0)
        fail_msg("live:\n%s\nfrom scratch:\n%s", live, want);
    assert_int_equal(w->n_live, o.effects);
    free(live);
    free(want);
}

/* ---- edits ---- */

/* The function that shows node `i` runs again; where it is gone, whoever would show that. */
static void bump(struct world *w, uint32_t i)
{
    for (;; i = owner_of(w, i)) {
        char rev[16];
        snprintf(rev, sizeof rev, "%u", (unsigned)++w->rev);
        loop_error *e =
            w->fiber[i]
                ? lp_fx_write(w->fx, w->fiber[i], 0,
                              &(lp_fx_value){.type = LP_STR("rev"), .bytes = lp_str_of(rev)})
                : loop_error_new(LOOP_NOT_FOUND, "none");
        bool ok = !e;
        loop_error_delete(e);
        if (ok || i == 1)
            return;
    }
}

static uint32_t any_node(struct world *w)
{
    uint32_t i;
    do
        i = 1 + pick(w, NODES - 1);
    while (!w->nodes[i].used);
    return i;
}

static void bump_shower(struct world *w, uint32_t i) /* of the list below `i` */
{
    bump(w, w->nodes[i].role == LP_FX_CALL ? i : owner_of(w, i));
}

static bool is_fallback(const struct world *w, uint32_t i)
{
    return w->nodes[w->nodes[i].parent].fallback == i && i != 1;
}

static void edit(struct world *w)
{
    static const uint32_t roles[] = {LP_FX_CALL,    LP_FX_CALL,     LP_FX_CALL,   LP_FX_GROUP,
                                     LP_FX_PROVIDE, LP_FX_BOUNDARY, LP_FX_GATHER, LP_FX_GATHER,
                                     LP_FX_PROVIDE, LP_FX_QUOTE};
    uint32_t i = any_node(w), n = w->nodes[i].n, parent = w->nodes[i].parent;
    switch (pick(w, 8)) {
    case 0:
    case 1:
    case 2:
        if (new_node(w, i, roles[pick(w, LP_COUNT(roles))]))
            bump_shower(w, i);
        break;
    case 3:
        if (i != 1 && !is_fallback(w, i)) {
            remove_node(w, i);
            bump_shower(w, parent);
        }
        break;
    case 4: /* rows move */
        for (uint32_t k = n; k > 1; k--) {
            uint32_t j = pick(w, k), was = w->nodes[i].below[j];
            w->nodes[i].below[j] = w->nodes[i].below[k - 1];
            w->nodes[i].below[k - 1] = was;
        }
        bump_shower(w, i);
        break;
    case 5:
        if (i != 1) {
            w->nodes[i].prop = pick(w, 4);
            bump_shower(w, parent);
        }
        break;
    case 6: bump_shower(w, i); break;
    default: /* fails, or does not any more; only where a boundary is above */
        for (uint32_t at = i, up = parent; up != 1 && w->nodes[i].role == LP_FX_CALL;
             at = up, up = w->nodes[up].parent)
            if (w->nodes[up].role == LP_FX_BOUNDARY && w->nodes[up].fallback != at) {
                w->nodes[i].fails = !pick(w, 2);
                bump(w, i);
                break;
            }
    }
}

static unsigned from_environment(const char *name, unsigned otherwise)
{
    const char *text = getenv(name);
    return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

static uint64_t play(uint64_t seed, uint64_t hash_seed, uint32_t max_jobs, bool looked_at)
{
    static struct world w;
    setup(&w, seed, hash_seed, max_jobs);
    drive(&w);
    for (int turn = 0; turn < 60; turn++) {
        w.step++;
        for (uint32_t n = 1 + pick(&w, 4); n > 0; n--)
            edit(&w);
        uint64_t before = lp_fx_stats_of(w.fx).turns;
        drive(&w);
        assert_true(lp_fx_stats_of(w.fx).turns <= before + 1); /* in an order that needs one */
        if (looked_at)
            check(&w);
    }
    uint64_t digest = w.digest;
    stop(&w);
    return digest;
}

static void incremental_is_from_scratch(void **state)
{
    unsigned first = from_environment("FX_SEED", 1), n = from_environment("FX_ROUNDS", 400);
    for (unsigned seed = first; seed < first + n; seed++) {
        play(seed, seed, 0, true);
        play(seed, seed, 1, true); /* cut into the smallest pieces */
    }
}

static void same_input_same_trace(void **state)
{
    for (unsigned seed = 1; seed < 40; seed++)
        assert_int_equal(play(seed, 1, 0, false), play(seed, 77 + seed, 0, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(incremental_is_from_scratch),
        cmocka_unit_test(same_input_same_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
