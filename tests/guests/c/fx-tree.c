/*
 * fx-tree MODE: an application with a tree of fibers. Prints what its functions are asked, one
 * line a call; a line is a promise that serve_test.c and the golden tests hold it to.
 *
 *   count     a counter: its cell is written by a timer, three times; then it leaves
 *   stay      the same, until it is cancelled
 *   rows N W  a boundary a row, around a call of `row` of the component `leaf`; the row W is asked
 *             to "trap", "spin", "flood", "fail" or "wrong" (the second argument); then it leaves
 *   ghost     mounts fibers of a component that nobody granted
 *   shown N   N rows of `leaf`, until it is cancelled
 *   forge     writes cells that are not there
 *   steal     the rows of "rows 1", and calls and cancels the fiber that is not its own
 */
#define WORLD fx_tree
#include "gen/fx_tree.h"

#include "fx.h"

typedef exports_loop_core_app_next_t next_t;

static char mode[16] = "count", bad[16] = "";
static uint32_t wanted = 3, written, counter_fiber;
static loop_fx_runtime_own_root_t root;

/* ---- functions ---- */

static void counter(const batch_t *b, const job_t *j, outcome_t *o)
{
    uint32_t n = 0, rows[2];
    counter_fiber = j->fiber;
    if (j->cells.count) {
        n = number_of(b, b->cells.ptr[j->cells.first].value.bytes);
    } else {
        o->val.done.new_cells = (span_t){(uint32_t)n_cells, 1};
        cells_out[n_cells++] = (loop_fx_types_typed_bytes_t){name_of(&out, "test:fx/n"), 1,
                                                             bytes_of(&out, &n, sizeof n)};
    }
    printf("counter %u%s%s\n", n,
           j->reason & EXPORTS_LOOP_FX_FIBERS_REASON_MOUNTED ? " mounted" : "",
           j->reason & EXPORTS_LOOP_FX_FIBERS_REASON_SWAPPED ? " swapped" : "");
    uint32_t group = element(&out, LOOP_FX_TYPES_ROLE_GROUP, "");
    rows[0] = call(&out, NULL, "label", "moves", n);
    rows[1] = call(&out, NULL, "label", "stays", 7);
    children(&out, group, rows, 2);
    o->val.done.root.is_some = true;
    o->val.done.root.val = group;
    o->val.done.effects = (span_t){(uint32_t)n_effects, 1};
    effects_out[n_effects++] =
        (exports_loop_fx_fibers_effect_t){4, bytes_of(&out, &n, n < 2 ? 0 : sizeof n)};
}

static void rows(const batch_t *b, const job_t *j, outcome_t *o)
{
    uint32_t n = number_of(b, j->properties), list[64], group, which;
    group = element(&out, LOOP_FX_TYPES_ROLE_GROUP, "");
    for (uint32_t i = 0; i < n && i < 64; i++) {
        char key[16];
        snprintf(key, sizeof key, "%u", i);
        which = i == written ? 1 : 0;
        list[i] = element(&out, LOOP_FX_TYPES_ROLE_BOUNDARY, "");
        uint32_t in[2] = {call(&out, "leaf", which ? bad : "row", key, i),
                          call(&out, NULL, "fallback", NULL, i)};
        children(&out, list[i], in, 2);
        out.elements[list[i]].role.val.boundary = in[1];
    }
    children(&out, group, list, n);
    o->val.done.root.is_some = true;
    o->val.done.root.val = group;
}

void exports_loop_fx_fibers_run(batch_t *b, answer_t *ret)
{
    answer_begin(b, ret);
    for (size_t i = 0; i < b->jobs.len; i++) {
        const job_t *j = &b->jobs.ptr[i];
        if (is_function(b, j, "counter"))
            counter(b, j, &ret->outcomes.ptr[i]);
        else if (is_function(b, j, "rows"))
            rows(b, j, &ret->outcomes.ptr[i]);
        else
            printf("%.*s %u\n", (int)b->names.ptr[j->function].len,
                   (char *)b->names.ptr[j->function].ptr, number_of(b, j->properties));
    }
    answer_end(ret);
    fflush(stdout);
    exports_loop_fx_fibers_batch_free(b);
}

void exports_loop_fx_fibers_effects(fx_tree_list_string_t *names,
                                    exports_loop_fx_fibers_list_effect_call_t *calls)
{
    for (size_t i = 0; i < calls->len; i++)
        printf("effect %u %s\n", calls->ptr[i].slot, calls->ptr[i].start ? "starts" : "ends");
    fflush(stdout);
    fx_tree_list_string_free(names);
    exports_loop_fx_fibers_list_effect_call_free(calls);
}

void exports_loop_fx_fibers_call(exports_loop_fx_fibers_callback_batch_t *batch)
{
    exports_loop_fx_fibers_callback_batch_free(batch);
}

/* ---- the application ---- */

static const char *texts[] = {"unavailable", "denied", "invalid", "limit", "cancelled", "failed"};

static void show(const char *what, const loop_fx_runtime_error_t *e)
{
    printf("%s: %s: %.*s\n", what, texts[e->tag], (int)e->val.failed.len,
           (char *)e->val.failed.ptr);
}

static void mount(const char *component, const char *function, uint32_t number)
{
    struct table t = {0};
    loop_fx_types_table_t table;
    loop_fx_runtime_error_t err;
    text_t name = {(uint8_t *)"main", 4};
    call(&t, component, function, NULL, number);
    table_to(&t, &table);
    if (!loop_fx_runtime_mount(&name, &table, &root, &err))
        show("mount", &err);
}

static bool write_cell(uint32_t fiber, uint32_t cell, uint32_t n)
{
    loop_fx_runtime_error_t err;
    loop_fx_runtime_cell_write_t w = {
        fiber, cell, {(uint8_t *)"test:fx/n", 9}, 1, {(uint8_t *)&n, 4}};
    loop_fx_runtime_list_cell_write_t list = {&w, 1};
    bool ok = loop_fx_runtime_write(&list, &err);
    if (!ok)
        show("write", &err);
    return ok;
}

static void send_to(uint32_t fiber)
{
    loop_fx_runtime_error_t err;
    loop_fx_runtime_message_t m = {{fiber, 0}, {NULL, 0}};
    loop_fx_runtime_list_message_t list = {&m, 1};
    if (!loop_fx_runtime_send(&list, &err))
        show("send", &err);
    loop_fx_runtime_list_fiber_id_t fibers = {&fiber, 1};
    if (!loop_fx_runtime_cancel(&fibers, &err))
        show("cancel", &err);
}

static void forge(void)
{
    write_cell(counter_fiber, 9, 1);
    write_cell(counter_fiber + 1000, 0, 1);
}

static bool counts(void)
{
    return strcmp(mode, "count") == 0 || strcmp(mode, "stay") == 0;
}

static bool is_busy(void)
{
    loop_fx_runtime_phase_t phase;
    loop_fx_runtime_error_t err;
    if (!root.__handle ||
        !loop_fx_runtime_method_root_phase(loop_fx_runtime_borrow_root(root), &phase, &err))
        return false;
    return phase.tag == LOOP_FX_RUNTIME_PHASE_BUSY;
}

static void look(void)
{
    loop_fx_runtime_phase_t phase;
    loop_fx_runtime_error_t err;
    loop_fx_runtime_list_fiber_info_t rows_;
    if (!loop_fx_runtime_method_root_phase(loop_fx_runtime_borrow_root(root), &phase, &err))
        show("phase", &err);
    if (phase.tag == LOOP_FX_RUNTIME_PHASE_FAILED)
        printf("failed: %.*s\n", (int)phase.val.failed.len, (char *)phase.val.failed.ptr);
    if (!loop_fx_runtime_method_root_inspect(loop_fx_runtime_borrow_root(root), 100, &rows_, &err))
        show("inspect", &err);
    printf("%zu fibers\n", rows_.len);
    for (size_t i = 0; strcmp(mode, "steal") == 0 && i < rows_.len; i++)
        if (rows_.ptr[i].component.len == 4 && memcmp(rows_.ptr[i].component.ptr, "leaf", 4) == 0)
            send_to(rows_.ptr[i].fiber);
}

bool exports_loop_core_app_start(fx_tree_list_string_t *args, next_t *ret, text_t *err)
{
    (void)err;
    for (size_t i = 1; i < args->len && i < 4; i++) {
        char *to = i == 1 ? mode : bad;
        if (i == 2)
            wanted = (uint32_t)atoi((char *)args->ptr[i].ptr);
        else
            snprintf(to, 16, "%.*s", (int)args->ptr[i].len, (char *)args->ptr[i].ptr);
    }
    bool has_rows = !counts() && strcmp(mode, "forge") != 0 && strcmp(mode, "ghost") != 0;
    written = !has_rows ? 0 : strcmp(mode, "rows") == 0 ? wanted / 2 : 99;
    if (has_rows)
        mount(NULL, "rows", wanted);
    else if (strcmp(mode, "ghost") == 0)
        mount("ghost", "row", 1);
    else
        mount(NULL, "counter", 0);
    fflush(stdout);
    ret->tag = EXPORTS_LOOP_CORE_APP_NEXT_TIMER;
    ret->val.timer = 20;
    return true;
}

bool exports_loop_core_app_event(exports_loop_core_app_list_app_event_t *list, next_t *ret,
                                 text_t *err)
{
    (void)err;
    bool cancelled = list->ptr[0].tag == EXPORTS_LOOP_CORE_APP_APP_EVENT_CANCELLED;
    bool stays = strcmp(mode, "stay") == 0 || strcmp(mode, "shown") == 0;
    if (!cancelled && is_busy()) {
        ret->tag = EXPORTS_LOOP_CORE_APP_NEXT_TIMER;
        ret->val.timer = 5;
        return true;
    }
    if (strcmp(mode, "forge") == 0)
        forge();
    if (cancelled || !counts() || written == wanted) {
        if (!cancelled && !stays && root.__handle)
            look();
        ret->tag = EXPORTS_LOOP_CORE_APP_NEXT_EXIT;
        ret->val.exit = 0;
        if (stays && !cancelled)
            ret->tag = EXPORTS_LOOP_CORE_APP_NEXT_WAIT;
    } else {
        write_cell(counter_fiber, 0, ++written);
        ret->tag = EXPORTS_LOOP_CORE_APP_NEXT_TIMER;
        ret->val.timer = 5;
    }
    fflush(stdout);
    return true;
}

bool exports_loop_core_app_frame(double now, next_t *ret, text_t *err)
{
    (void)now, (void)err;
    ret->tag = EXPORTS_LOOP_CORE_APP_NEXT_WAIT;
    return true;
}

void exports_loop_core_app_stop(void)
{
    printf("stop\n");
    fflush(stdout);
}
