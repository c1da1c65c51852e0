/*
 * swap-tally: an application that counts in its memory and in loop:storage, and is replaced while
 * what serves the store is swapped.
 *
 * Each round counts some steps: a key must have what the component counted, and gets one more by
 * compare-and-swap. So a step that was lost, or done twice, by either swap is seen at the next one.
 * A handle is opened by `start` or `restore` and lives until the component goes; now and then
 * another one takes its place. Reports at its end what it counted, and how often it was replaced.
 */
#include "gen/application.h"

#include "swap.h"

enum { STEPS = 8, KEYS = 32 };

static struct {
    uint64_t steps, replaced;
    uint32_t counts[KEYS];
} kept;
static S(own_bucket_t) bucket;

static uint32_t stored(S(key_t) key, S(version_t) * ret)
{
    S(option_entry_t) e;
    char text[16] = "";
    if (!METHOD(get)(loop_storage_store_borrow_bucket(bucket), &key, &e, &store_error))
        store_failed("get");
    *ret = (S(version_t)){0};
    if (!e.is_some)
        return 0;
    snprintf(text, sizeof text, "%.*s", (int)e.val.value.len, (char *)e.val.value.ptr);
    *ret = e.val.version;
    free(e.val.value.ptr);
    return (uint32_t)strtoul(text, NULL, 10);
}

static void step(void)
{
    char name[16], text[16];
    uint32_t *count = &kept.counts[kept.steps % KEYS];
    S(version_t) before;
    snprintf(name, sizeof name, "k%02u", (unsigned)(kept.steps % KEYS));
    uint32_t n = stored(TEXT(S(key_t), name), &before);
    if (n != *count)
        wrong("%s is %u, and %u were counted", name, (unsigned)n, (unsigned)*count);
    snprintf(text, sizeof text, "%u", (unsigned)(n + 1));
    S(key_t) key = TEXT(S(key_t), name);
    S(condition_t)
    condition = {.tag = before.len ? LOOP_STORAGE_STORE_CONDITION_UNCHANGED
                                   : LOOP_STORAGE_STORE_CONDITION_ABSENT,
                 .val.unchanged = before};
    S(change_t) change = {.tag = LOOP_STORAGE_STORE_CHANGE_SET, .val.set = TEXT(S(value_t), text)};
    S(outcome_t) outcome;
    if (!METHOD(compare_and_swap)(loop_storage_store_borrow_bucket(bucket), &key, &condition,
                                  &change, &outcome, &store_error))
        store_failed("compare-and-swap");
    if (outcome.tag != LOOP_STORAGE_STORE_OUTCOME_APPLIED)
        wrong("%s conflicts, and nobody else writes", name);
    S(outcome_free)(&outcome);
    free(before.ptr);
    *count = n + 1;
    kept.steps++;
}

static exports_loop_core_app_next_t at_once(void)
{
    return (exports_loop_core_app_next_t){.tag = EXPORTS_LOOP_CORE_APP_NEXT_TIMER};
}

bool exports_loop_core_app_start(application_list_string_t *args, exports_loop_core_app_next_t *ret,
                                 application_string_t *err)
{
    (void)err;
    application_list_string_free(args);
    bucket = open_bucket("tally");
    *ret = at_once();
    return true;
}

bool exports_loop_core_app_event(exports_loop_core_app_list_app_event_t *events,
                                 exports_loop_core_app_next_t *ret, application_string_t *err)
{
    (void)err;
    exports_loop_core_app_list_app_event_free(events);
    for (int i = 0; i < STEPS; i++)
        step();
    if (kept.steps % (STEPS * 16) == 0) {
        loop_storage_store_bucket_drop_own(bucket);
        bucket = open_bucket("tally");
    }
    report("steps", kept.steps);
    *ret = at_once();
    if (!control_stopped())
        return true;
    report("replaced", kept.replaced);
    *ret = (exports_loop_core_app_next_t){.tag = EXPORTS_LOOP_CORE_APP_NEXT_EXIT};
    return true;
}

bool exports_loop_core_app_frame(double time, exports_loop_core_app_next_t *ret,
                                 application_string_t *err)
{
    (void)time, (void)err;
    *ret = at_once();
    return true;
}

void exports_loop_core_app_stop(void)
{
    uint64_t sum = 0;
    for (int k = 0; k < KEYS; k++)
        sum += kept.counts[k];
    if (sum != kept.steps)
        wrong("the counts are %llu, and the steps %llu", (unsigned long long)sum,
              (unsigned long long)kept.steps);
}

bool exports_loop_core_reload_save(exports_loop_core_reload_state_t *ret, application_string_t *err)
{
    (void)err;
    application_string_dup((application_string_t *)&ret->format, "test:tally/state");
    ret->version = 1;
    ret->bytes.ptr = malloc(sizeof kept);
    ret->bytes.len = sizeof kept;
    memcpy(ret->bytes.ptr, &kept, sizeof kept);
    return true;
}

bool exports_loop_core_reload_restore(exports_loop_core_reload_state_t *state,
                                      application_string_t *err)
{
    if (state->bytes.len != sizeof kept) {
        application_string_dup(err, "no state of mine");
        return false;
    }
    memcpy(&kept, state->bytes.ptr, sizeof kept);
    exports_loop_core_reload_state_free(state);
    kept.replaced++;
    bucket = open_bucket("tally");
    step(); /* a call of the new component before it has its place */
    return true;
}
