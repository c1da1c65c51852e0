/*
 * scaffold-name NAME: counts a visit of NAME, and says which one it is.
 *
 * A bucket with a key for each name; gen/scaffold_name.h has the functions of loop:storage/store
 * (wit/deps/loop-storage/store.wit). Several of these may run at once: a count is written only if
 * it still is what was read, else read again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scaffold_name.h"

static loop_storage_store_error_t error;

/* Says what went wrong, in words for the person who runs this; the status to end with. */
static int failed(void)
{
    static const char *const why[] = {
        "nobody serves it here", "it was not granted", "invalid",
        "the quota is used up",  "cancelled",          "the store failed",
    };
    bool text = error.tag != LOOP_CORE_TYPES_ERROR_CANCELLED;
    fprintf(stderr, "error: cannot use the storage\n  because %s%s%.*s\n", why[error.tag],
            text ? ": " : "", text ? (int)error.val.failed.len : 0, (char *)error.val.failed.ptr);
    return 1;
}

static unsigned long number_of(const loop_storage_store_value_t *value)
{
    char text[24];
    snprintf(text, sizeof text, "%.*s", (int)value->len, (char *)value->ptr);
    return strtoul(text, NULL, 10);
}

static int visit(loop_storage_store_borrow_bucket_t visits, char *name)
{
    loop_storage_store_key_t key = {(uint8_t *)name, strlen(name)};
    for (;;) {
        loop_storage_store_option_entry_t seen;
        if (!loop_storage_store_method_bucket_get(visits, &key, &seen, &error))
            return failed();
        unsigned long count = seen.is_some ? number_of(&seen.val.value) + 1 : 1;
        char text[24];
        snprintf(text, sizeof text, "%lu", count);
        loop_storage_store_condition_t condition = {.tag = LOOP_STORAGE_STORE_CONDITION_ABSENT};
        if (seen.is_some) {
            condition.tag = LOOP_STORAGE_STORE_CONDITION_UNCHANGED;
            condition.val.unchanged = seen.val.version;
        }
        loop_storage_store_change_t change = {.tag = LOOP_STORAGE_STORE_CHANGE_SET};
        change.val.set = (loop_storage_store_value_t){(uint8_t *)text, strlen(text)};
        loop_storage_store_outcome_t outcome;
        if (!loop_storage_store_method_bucket_compare_and_swap(visits, &key, &condition, &change,
                                                               &outcome, &error))
            return failed();
        if (outcome.tag == LOOP_STORAGE_STORE_OUTCOME_APPLIED) {
            printf("visit %lu of %s\n", count, name);
            return 0;
        }
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: scaffold-name NAME\n", stderr);
        return 1;
    }
    scaffold_name_string_t name;
    scaffold_name_string_set(&name, "visits");
    loop_storage_store_own_bucket_t bucket;
    if (!loop_storage_store_open(&name, &bucket, &error))
        return failed();
    return visit(loop_storage_store_borrow_bucket(bucket), argv[1]);
}
