/*
 * swap-counts KEYS [check]: counts up in loop:storage until it is stopped, and knows of every key
 * what it must have.
 *
 * Fills KEYS keys of the bucket "keys" with 0, then, step by step and by turns through up to 100
 * handles of 11 buckets, opened over time, the younger half again and again: reads a key, which
 * must have the value and the version of its last write; adds 1 by compare-and-swap, by set, or to
 * two keys by one batch; asks for a change by a version that is gone, which must conflict; deletes
 * and makes a key. No version may come twice for a key. Meanwhile a cursor goes through "keys":
 * each key that lasts must come once, in order; one that comes and goes, at most once.
 *
 * Reports how many steps, acknowledged increments, walks and opened handles there were, and of all
 * keys together the sum, a digest of keys, values and versions, and the bytes. With `check` another
 * component does nothing but read the last three from the store.
 */
#include "swap.h"

enum { BUCKETS = 11, OWN = 3, HANDLES = 100, PAGE = 200 };
enum { APPLIED = LOOP_STORAGE_STORE_OUTCOME_APPLIED };
#define OPEN_EVERY_NS 10000000u

struct counter {
    bool exists;
    uint32_t n;
    uint64_t version; /* mixed */
};

static uint32_t key_count;
static struct counter *lasting, own[BUCKETS][OWN]; /* of "keys"; of the other buckets: a, b, gone */
static struct counter passing;                     /* of "keys": comes and goes */
static uint32_t passing_place;

static struct handle {
    S(own_bucket_t) own;
    unsigned bucket;
} handles[HANDLES];
static unsigned open_handles;
static uint64_t opened, steps, increments, walks, conflicts, listed;

/* ---- names ---- */

static const char *bucket_name(unsigned b)
{
    static char name[8];
    snprintf(name, sizeof name, b ? "b%02u" : "keys", b);
    return name;
}

/* Of "keys"; its text lives until the next but one. */
static S(key_t) lasting_key(uint32_t k, const char *behind)
{
    static char text[4][16];
    static unsigned turn;
    char *at = text[turn++ % 4];
    snprintf(at, sizeof text[0], "k%06u%s", k, behind);
    return TEXT(S(key_t), at);
}

static S(key_t) own_key(unsigned i)
{
    static const char *const names[OWN] = {"a", "b", "gone"};
    return TEXT(S(key_t), names[i]);
}

/* ---- versions that were ---- */

#define MOST_SEEN (1u << 24)
static uint64_t *seen;
static size_t seen_room, seen_count;

/* False: it was there. */
static bool seen_add(uint64_t *set, size_t room, uint64_t hash)
{
    size_t i = hash & (room - 1);
    for (; set[i]; i = (i + 1) & (room - 1))
        if (set[i] == hash)
            return false;
    set[i] = hash;
    return true;
}

static void seen_grow(void)
{
    size_t room = seen_room ? seen_room * 2 : 1 << 16;
    uint64_t *set = calloc(room, sizeof *set);
    if (!set)
        wrong("no memory for %zu versions", room);
    for (size_t i = 0; i < seen_room; i++)
        if (seen[i])
            seen_add(set, room, seen[i]);
    free(seen);
    seen = set;
    seen_room = room;
}

/* A version that a write gave: mixed, and new for its key. Takes it. */
static uint64_t fresh(unsigned bucket, S(key_t) key, S(version_t) * version)
{
    uint64_t mixed = mix(MIX_START, version->ptr, version->len);
    uint64_t of_key = mix(mix(mixed, key.ptr, key.len), &bucket, sizeof bucket) | 1;
    if (seen_count * 4 >= seen_room * 3 && seen_room < MOST_SEEN)
        seen_grow();
    bool full = seen_count * 4 >= seen_room * 3;
    if (!version->len || version->len > 64)
        wrong("a version of %zu bytes", version->len);
    if (!full && !seen_add(seen, seen_room, of_key))
        wrong("the version '%.*s' came twice for %s/%.*s", (int)version->len, (char *)version->ptr,
              bucket_name(bucket), (int)key.len, (char *)key.ptr);
    seen_count += !full;
    S(version_free)(version);
    return mixed;
}

/* ---- the values ---- */

static S(value_t) text_of(uint32_t n)
{
    static char text[4][16];
    static unsigned turn;
    char *at = text[turn++ % 4];
    snprintf(at, sizeof text[0], "%u", (unsigned)n);
    return TEXT(S(value_t), at);
}

static void expect(const struct counter *c, unsigned bucket, S(key_t) key,
                   const S(option_entry_t) * e)
{
    char text[16] = "";
    if (e->is_some)
        snprintf(text, sizeof text, "%.*s", (int)e->val.value.len, (char *)e->val.value.ptr);
    if (e->is_some != c->exists)
        wrong("%s/%.*s is %s, step %llu", bucket_name(bucket), (int)key.len, (char *)key.ptr,
              e->is_some ? "there again" : "not there", (unsigned long long)steps);
    if (e->is_some && strtoul(text, NULL, 10) != c->n)
        wrong("%s/%.*s is %s, not %u, step %llu", bucket_name(bucket), (int)key.len,
              (char *)key.ptr, text, (unsigned)c->n, (unsigned long long)steps);
    if (e->is_some && mix(MIX_START, e->val.version.ptr, e->val.version.len) != c->version)
        wrong("%s/%.*s has another version with the same value, step %llu", bucket_name(bucket),
              (int)key.len, (char *)key.ptr, (unsigned long long)steps);
}

/* ---- steps ---- */

static void set_counter(bucket_t h, unsigned bucket, S(key_t) key, struct counter *c)
{
    S(value_t) value = text_of(c->n + 1);
    S(version_t) version;
    if (!METHOD(set)(h, &key, &value, &version, &store_error))
        store_failed("set");
    *c = (struct counter){true, c->n + 1, fresh(bucket, key, &version)};
}

/* By the version that was read, or by another one: then it must not happen. */
static void swap_counter(bucket_t h, unsigned bucket, S(key_t) key, struct counter *c,
                         const S(option_entry_t) * e, bool stale)
{
    S(condition_t) condition = {.tag = LOOP_STORAGE_STORE_CONDITION_ABSENT};
    if (e->is_some)
        condition = (S(condition_t)){.tag = LOOP_STORAGE_STORE_CONDITION_UNCHANGED,
                                     .val.unchanged =
                                         stale ? TEXT(S(version_t), "no-version") : e->val.version};
    S(change_t) change = {.tag = LOOP_STORAGE_STORE_CHANGE_SET, .val.set = text_of(c->n + 1)};
    S(outcome_t) outcome;
    if (!METHOD(compare_and_swap)(h, &key, &condition, &change, &outcome, &store_error))
        store_failed("compare-and-swap");
    stale = stale && e->is_some;
    if ((outcome.tag == APPLIED) == stale)
        wrong("compare-and-swap of %s/%.*s %s, step %llu", bucket_name(bucket), (int)key.len,
              (char *)key.ptr,
              stale ? "by a version that never was" : "conflicts, and nobody else writes",
              (unsigned long long)steps);
    if (stale) {
        const S(option_version_t) *now = &outcome.val.conflict;
        if (!now->is_some || mix(MIX_START, now->val.ptr, now->val.len) != c->version)
            wrong("a conflict names another version");
        S(outcome_free)(&outcome);
        conflicts++;
        return;
    }
    *c = (struct counter){true, c->n + 1, fresh(bucket, key, &outcome.val.applied.val)};
}

/* Two keys by one step; `keys` are different. */
static void add_to_both(bucket_t h, unsigned bucket, const S(key_t) * keys,
                        struct counter *const *c)
{
    S(operation_t) o[2];
    for (int i = 0; i < 2; i++)
        o[i] = (S(operation_t)){
            .key = keys[i],
            .condition.tag = LOOP_STORAGE_STORE_CONDITION_ALWAYS,
            .change = {.tag = LOOP_STORAGE_STORE_CHANGE_SET, .val.set = text_of(c[i]->n + 1)}};
    S(list_operation_t) both = {o, 2};
    S(batch_outcome_t) outcome;
    if (!METHOD(apply)(h, &both, &outcome, &store_error))
        store_failed("apply");
    if (outcome.tag != LOOP_STORAGE_STORE_BATCH_OUTCOME_APPLIED || outcome.val.applied.len != 2)
        wrong("a batch without conditions was not applied");
    for (int i = 0; i < 2; i++) {
        S(option_version_t) *version = &outcome.val.applied.ptr[i];
        if (!version->is_some)
            wrong("a batch gave no version");
        *c[i] = (struct counter){true, c[i]->n + 1, fresh(bucket, keys[i], &version->val)};
    }
    free(outcome.val.applied.ptr);
}

static void delete_key(bucket_t h, S(key_t) key, struct counter *c)
{
    bool was;
    if (!METHOD(delete)(h, &key, &was, &store_error))
        store_failed("delete");
    if (was != c->exists)
        wrong("delete of %.*s: was %sthere, step %llu", (int)key.len, (char *)key.ptr,
              was ? "" : "not ", (unsigned long long)steps);
    c->exists = false;
}

static void count(bucket_t h, unsigned bucket, S(key_t) key, struct counter *c)
{
    S(option_entry_t) e;
    if (!METHOD(get)(h, &key, &e, &store_error))
        store_failed("get");
    expect(c, bucket, key, &e);
    uint32_t how = draw() % 8;
    uint32_t before = c->n;
    if (how < 3)
        set_counter(h, bucket, key, c);
    else
        swap_counter(h, bucket, key, c, &e, how == 7);
    increments += c->n - before;
    if (e.is_some)
        S(entry_free)(&e.val);
}

static void step_in_keys(bucket_t h)
{
    uint32_t k = draw() % key_count, other = (k + 1 + draw() % (key_count - 1)) % key_count;
    switch (draw() % 16) {
    case 0:
        if (passing.exists) {
            delete_key(h, lasting_key(passing_place, "~"), &passing);
        } else {
            passing_place = k;
            passing.n = 0;
            set_counter(h, 0, lasting_key(k, "~"), &passing);
        }
        break;
    case 1: {
        S(key_t) keys[2] = {lasting_key(k, ""), lasting_key(other, "")};
        add_to_both(h, 0, keys, (struct counter *[]){&lasting[k], &lasting[other]});
        increments += 2;
        break;
    }
    default: count(h, 0, lasting_key(k, ""), &lasting[k]);
    }
}

/* What was counted goes with a key that is deleted. */
static void step_in_own(bucket_t h, unsigned bucket)
{
    struct counter *c = own[bucket];
    if (draw() % 8 == 0) {
        S(key_t) keys[2] = {own_key(0), own_key(1)};
        add_to_both(h, bucket, keys, (struct counter *[]){&c[0], &c[1]});
        increments += 2;
    } else if (draw() % 4 == 0 && c[2].exists) {
        delete_key(h, own_key(2), &c[2]);
        increments -= c[2].n;
        c[2].n = 0;
    } else {
        uint32_t i = draw() % OWN;
        count(h, bucket, own_key(i), &c[i]);
    }
}

/* ---- the cursor ---- */

static struct {
    S(key_t) cursor; /* ptr NULL: from the beginning */
    uint32_t next;   /* lasting key */
} walk;

static void look_at_key(S(key_t) key, char *last)
{
    char text[32];
    snprintf(text, sizeof text, "%.*s", (int)key.len, (char *)key.ptr);
    if (strcmp(text, last) <= 0)
        wrong("the cursor came to %s behind %s", text, last);
    strcpy(last, text);
    if (strchr(text, '~'))
        return;
    S(key_t) due = lasting_key(walk.next, "");
    if (key.len != due.len || memcmp(key.ptr, due.ptr, due.len) != 0)
        wrong("the cursor came to %s, and %.*s was due, step %llu", text, (int)due.len,
              (char *)due.ptr, (unsigned long long)steps);
    walk.next++;
}

static void step_of_walk(bucket_t keys)
{
    storage_list_u8_t prefix = {0};
    S(key_page_t) page;
    char last[32] = "";
    if (walk.cursor.ptr)
        snprintf(last, sizeof last, "%.*s", (int)walk.cursor.len, (char *)walk.cursor.ptr);
    if (!METHOD(list_keys)(keys, &prefix, walk.cursor.ptr ? &walk.cursor : NULL, 1 + draw() % PAGE,
                           &page, &store_error))
        store_failed("list-keys");
    for (size_t i = 0; i < page.keys.len; i++)
        look_at_key(page.keys.ptr[i], last);
    listed += page.keys.len;
    free(walk.cursor.ptr);
    walk.cursor = page.cursor.is_some ? page.cursor.val : (S(key_t)){0};
    S(list_key_free)(&page.keys);
    if (walk.cursor.ptr)
        return;
    if (walk.next != key_count)
        wrong("the cursor ended at %u of %u keys, step %llu", (unsigned)walk.next,
              (unsigned)key_count, (unsigned long long)steps);
    walk.next = 0;
    walks++;
}

/* ---- handles ---- */

/* One more, or the next of the younger half anew. */
static void open_another(void)
{
    unsigned at = open_handles;
    if (at == HANDLES) {
        at = HANDLES / 2 + (unsigned)(opened % (HANDLES / 2));
        S(bucket_drop_own)(handles[at].own);
    } else {
        open_handles++;
    }
    unsigned bucket = (unsigned)(opened++ % (BUCKETS * 2));
    bucket = bucket < BUCKETS ? bucket : 0;
    handles[at] = (struct handle){open_bucket(bucket_name(bucket)), bucket};
}

static void open_over_time(void)
{
    static uint64_t due;
    uint64_t now = control_now();
    if (now < due)
        return;
    due = now + OPEN_EVERY_NS;
    open_another();
}

/* ---- what there is ---- */

struct total {
    uint64_t digest, sum, keys;
};

static void add_key(struct total *t, S(key_t) key, S(value_t) value, uint64_t version)
{
    char text[16];
    snprintf(text, sizeof text, "%.*s", (int)value.len, (char *)value.ptr);
    t->digest = mix(mix(t->digest, key.ptr, key.len), value.ptr, value.len);
    t->digest = mix(t->digest, &version, sizeof version);
    t->sum += strtoul(text, NULL, 10);
    t->keys++;
}

/* What must be there. */
static struct total remembered(void)
{
    struct total t = {.digest = MIX_START};
    for (uint32_t k = 0; k < key_count; k++)
        add_key(&t, lasting_key(k, ""), text_of(lasting[k].n), lasting[k].version);
    for (unsigned b = 1; b < BUCKETS; b++)
        for (unsigned i = 0; i < OWN; i++)
            if (own[b][i].exists)
                add_key(&t, own_key(i), text_of(own[b][i].n), own[b][i].version);
    return t;
}

static bool add_page(struct total *t, bucket_t h, S(key_t) * cursor)
{
    storage_list_u8_t prefix = {0};
    S(key_page_t) page;
    S(list_option_entry_t) all;
    if (!METHOD(list_keys)(h, &prefix, cursor->ptr ? cursor : NULL, 0, &page, &store_error))
        store_failed("list-keys");
    if (!METHOD(get_many)(h, &page.keys, &all, &store_error))
        store_failed("get-many");
    for (size_t i = 0; i < all.len; i++) {
        const S(entry_t) *e = &all.ptr[i].val;
        if (!all.ptr[i].is_some)
            wrong("a key that was listed is not there");
        add_key(t, page.keys.ptr[i], e->value, mix(MIX_START, e->version.ptr, e->version.len));
    }
    free(cursor->ptr);
    *cursor = page.cursor.is_some ? page.cursor.val : (S(key_t)){0};
    S(list_key_free)(&page.keys);
    S(list_option_entry_free)(&all);
    return cursor->ptr;
}

/* What is there. */
static struct total stored(void)
{
    struct total t = {.digest = MIX_START};
    for (unsigned b = 0; b < BUCKETS; b++) {
        S(own_bucket_t) own_handle = open_bucket(bucket_name(b));
        S(key_t) cursor = {0};
        while (add_page(&t, S(borrow_bucket)(own_handle), &cursor))
            ;
        S(bucket_drop_own)(own_handle);
    }
    return t;
}

static void report_total(const struct total *t)
{
    S(usage_t) usage;
    if (!S(get_usage)(&usage, &store_error))
        store_failed("get-usage");
    report("keys", t->keys);
    report("sum", t->sum);
    report("digest", t->digest);
    report("bytes", usage.bytes_used);
}

/* ---- the run ---- */

static void fill(void)
{
    enum { AT_ONCE = 512 };
    static S(operation_t) o[AT_ONCE];
    static char names[AT_ONCE][16];
    bucket_t h = S(borrow_bucket)(handles[0].own);
    for (uint32_t k = 0; k < key_count;) {
        size_t n = 0;
        for (; n < AT_ONCE && k + n < key_count; n++) {
            snprintf(names[n], sizeof names[n], "k%06u", (unsigned)(k + n));
            o[n] = (S(operation_t)){
                .key = TEXT(S(key_t), names[n]),
                .condition.tag = LOOP_STORAGE_STORE_CONDITION_ABSENT,
                .change = {.tag = LOOP_STORAGE_STORE_CHANGE_SET, .val.set = text_of(0)}};
        }
        S(list_operation_t) list = {o, n};
        S(batch_outcome_t) outcome;
        if (!METHOD(apply)(h, &list, &outcome, &store_error))
            store_failed("apply");
        if (outcome.tag != LOOP_STORAGE_STORE_BATCH_OUTCOME_APPLIED)
            wrong("the store was not empty");
        for (size_t i = 0; i < n; i++, k++)
            lasting[k] =
                (struct counter){true, 0, fresh(0, o[i].key, &outcome.val.applied.ptr[i].val)};
        free(outcome.val.applied.ptr);
    }
}

int main(int argc, char **argv)
{
    key_count = (uint32_t)strtoul(argument(argc, argv, 1, "1000"), NULL, 10);
    if (key_count < 2 || key_count > 999999)
        wrong("KEYS is 2 to 999,999");
    if (argc > 2) {
        struct total t = stored();
        report_total(&t);
        return 0;
    }
    lasting = calloc(key_count, sizeof *lasting);
    seen_grow();
    open_another();
    fill();
    report("filled", key_count);
    for (; !control_stopped(); steps++) {
        const struct handle *h = &handles[steps % open_handles];
        bucket_t bucket = S(borrow_bucket)(h->own);
        if (steps % 1024 == 0)
            report("steps", steps);
        if (h->bucket)
            step_in_own(bucket, h->bucket);
        else if (draw() % 4 == 0)
            step_of_walk(bucket);
        else
            step_in_keys(bucket);
        open_over_time();
    }
    if (passing.exists)
        delete_key(S(borrow_bucket)(handles[0].own), lasting_key(passing_place, "~"), &passing);
    struct total t = remembered();
    if (t.sum != increments)
        wrong("the guest's own books: %llu are not %llu", (unsigned long long)t.sum,
              (unsigned long long)increments);
    report("steps", steps);
    report("walks", walks);
    report("listed", listed);
    report("opened", opened);
    report("handles", open_handles);
    report("conflicts", conflicts);
    report_total(&t);
    return 0;
}
