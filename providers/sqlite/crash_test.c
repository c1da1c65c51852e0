/*
 * providers/sqlite/crash_test.c: power cuts, failing disks and full ones, thousands of them.
 *
 * Each round is a seed: a store on the disk of crash_vfs_test.h, random batches on it, and a
 * fault at a random operation of the disk, which may also be while the store is made,
 * opened or closed. Then the store is opened on what is left and read whole. The model is
 * every key's state after each acknowledged batch:
 *
 *     full     what is there is the last state, or with one batch more of those that failed
 *              since, which may have reached the disk; never half of one
 *     relaxed  what is there is the state after some acknowledged batch, or the one that
 *              the power cut came in
 *
 * Versions count as part of a state, and none that was seen at a key ever comes again at
 * another state of it. STORE_CRASHES is the number of rounds, STORE_SEED the first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/os/os.h"
#include "providers/sqlite/crash_vfs_test.h"
#include "providers/sqlite/store.h"
#include "providers/storage/fixture_test.h"

#define KEYS 12
#define SPACES 2
#define BATCHES 40 /* a life of the store, at most */

typedef struct cell {
    uint32_t id; /* of the write; its value follows from it. 0: the key is not there */
    char version[65];
} cell;

typedef struct snapshot {
    cell cells[SPACES][KEYS];
} snapshot;

typedef struct list {
    snapshot *at;
    size_t n, cap;
} list;

typedef struct seen {
    char version[65];
    uint32_t id;
} seen;

typedef struct world {
    uint64_t seed, first;
    bool relaxed;
    char *folder, *file;
    lp_store *store;
    lp_arena arena;
    uint32_t writes;
    snapshot now; /* acknowledged */
    list before;  /* relaxed: all acknowledged states of this life */
    list failed;  /* since the last acknowledgement: what may come true all the same */
    struct {
        seen *at;
        size_t n, cap;
    } versions[SPACES][KEYS];
} world;

static uint32_t draw(world *w, uint32_t below)
{
    w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(w->seed >> 33) % below;
}

#define CHECK(w, good, ...)                                                                        \
    do {                                                                                           \
        if (!(good)) {                                                                             \
            print_error(__VA_ARGS__);                                                              \
            fail_msg(" (STORE_SEED=%llu STORE_CRASHES=1)", (unsigned long long)(w)->first);        \
        }                                                                                          \
    } while (0)

/* ---- values ---- */

static loop_list_u8 value_of_id(world *w, uint32_t id)
{
    static const uint32_t sizes[] = {0, 1, 30, 300, 3000, 5000, 40000, 20};
    size_t n = 4 + sizes[id % 8];
    uint8_t *p = lp_arena_alloc(&w->arena, n);
    memcpy(p, &id, 4);
    for (size_t i = 4; i < n; i++)
        p[i] = (uint8_t)(id * 31 + i * 7);
    return (loop_list_u8){p, n};
}

static const char *const identities[SPACES] = {"one", "two"};

static lp_store_caller who_of(world *w, unsigned space)
{
    return caller(identities[space], 64 << 20, &w->arena);
}

static loop_list_u8 key_of(world *w, unsigned i)
{
    char *text = lp_arena_alloc(&w->arena, 8);
    snprintf(text, 8, "key-%u", i);
    return bytes_of(text);
}

/* ---- versions ---- */

/* A version stands for one state of a key. */
static void note_version(world *w, unsigned space, unsigned key, const cell *c)
{
    for (size_t i = 0; i < w->versions[space][key].n; i++) {
        const seen *s = &w->versions[space][key].at[i];
        if (strcmp(s->version, c->version) == 0) {
            CHECK(w, s->id == c->id, "the version %s comes again", c->version);
            return;
        }
    }
    seen *s = lp_push(&w->versions[space][key]);
    s->id = c->id;
    strcpy(s->version, c->version);
}

/* ---- writing ---- */

typedef struct batch {
    unsigned space, n, keys[4];
    operation o[4];
    uint32_t ids[4]; /* 0: a delete */
} batch;

static void plan(world *w, batch *b)
{
    *b = (batch){.space = draw(w, SPACES), .n = 1 + draw(w, 4)};
    unsigned first = draw(w, KEYS), by = 1 + draw(w, 2);
    for (unsigned i = 0; i < b->n; i++) {
        b->keys[i] = (first + i * by) % KEYS;
        b->ids[i] = draw(w, 4) ? ++w->writes : 0;
        b->o[i] = (operation){.key = key_of(w, b->keys[i])};
        b->o[i].change.tag =
            b->ids[i] ? LOOP_STORAGE_STORE_CHANGE_SET : LOOP_STORAGE_STORE_CHANGE_DELETE;
        if (b->ids[i])
            b->o[i].change.of.set = value_of_id(w, b->ids[i]);
    }
}

/* The state with a batch; its versions are known where it was acknowledged. */
static void follow(snapshot *s, const batch *b, const loop_storage_store_list_option_version *v)
{
    for (unsigned i = 0; i < b->n; i++) {
        cell *c = &s->cells[b->space][b->keys[i]];
        *c = (cell){.id = b->ids[i]};
        if (c->id && v)
            memcpy(c->version, v->ptr[i].value.ptr, v->ptr[i].value.len);
    }
}

static void remember(list *l, const snapshot *s)
{
    *lp_push(l) = *s;
}

/* False where the disk failed. */
static bool write_batch(world *w)
{
    batch b;
    plan(w, &b);
    lp_store_caller who = who_of(w, b.space);
    loop_storage_store_batch_outcome r = {0};
    loop_error *e =
        lp_store_apply(w->store, &who, BUCKET, (loop_storage_store_list_operation){b.o, b.n}, &r);
    if (e) {
        CHECK(w, crash_disk_hit(), "a write failed: %s", loop_error_message(e));
        loop_error_delete(e);
        snapshot maybe = w->now;
        follow(&maybe, &b, NULL);
        remember(&w->failed, &maybe);
        return false;
    }
    if (w->relaxed)
        remember(&w->before, &w->now);
    follow(&w->now, &b, &r.of.applied);
    for (unsigned i = 0; i < b.n; i++)
        if (b.ids[i])
            note_version(w, b.space, b.keys[i], &w->now.cells[b.space][b.keys[i]]);
    w->failed.n = 0;
    return true;
}

/* ---- reading ---- */

static void read_space(world *w, unsigned space, snapshot *ret)
{
    lp_store_caller who = who_of(w, space);
    loop_list_u8 keys[KEYS];
    for (unsigned i = 0; i < KEYS; i++)
        keys[i] = key_of(w, i);
    loop_storage_store_list_option_entry many = {0};
    loop_error *e =
        lp_store_get_many(w->store, &who, BUCKET, (loop_storage_store_list_key){keys, KEYS}, &many);
    CHECK(w, !e, "a read failed: %s", loop_error_message(e));
    uint64_t bytes = 0;
    for (unsigned i = 0; i < KEYS; i++) {
        cell *c = &ret->cells[space][i];
        *c = (cell){0};
        if (!many.ptr[i].is_some)
            continue;
        loop_list_u8 v = many.ptr[i].value.value;
        memcpy(&c->id, v.ptr, 4);
        memcpy(c->version, many.ptr[i].value.version.ptr, many.ptr[i].value.version.len);
        loop_list_u8 good = value_of_id(w, c->id);
        CHECK(w, lp_store_compare(v.ptr, v.len, good.ptr, good.len) == 0, "a value is torn");
        bytes += keys[i].len + v.len;
    }
    loop_storage_store_usage u = {0};
    e = lp_store_usage(w->store, &who, &u);
    CHECK(w, !e && u.bytes_used == bytes, "the usage is %llu, and there are %llu bytes",
          (unsigned long long)u.bytes_used, (unsigned long long)bytes);
}

/* `model` has no versions where nobody was told them. */
static bool same(const snapshot *model, const snapshot *found)
{
    for (unsigned s = 0; s < SPACES; s++) {
        for (unsigned k = 0; k < KEYS; k++) {
            const cell *m = &model->cells[s][k], *f = &found->cells[s][k];
            if (m->id != f->id || (m->id && *m->version && strcmp(m->version, f->version) != 0))
                return false;
        }
    }
    return true;
}

static bool among(const list *l, const snapshot *found)
{
    for (size_t i = 0; i < l->n; i++)
        if (same(&l->at[i], found))
            return true;
    return false;
}

/* What a person looks at first. */
static void show(const snapshot *model, const snapshot *found)
{
    for (unsigned s = 0; s < SPACES; s++) {
        for (unsigned k = 0; k < KEYS; k++) {
            const cell *m = &model->cells[s][k], *f = &found->cells[s][k];
            if (m->id != f->id || strcmp(m->version, f->version) != 0)
                print_error("key %u of %u: %u (%s) was acknowledged, %u (%s) is there\n", k, s,
                            m->id, m->version, f->id, f->version);
        }
    }
}

static void check_state(world *w, bool after_crash)
{
    snapshot found;
    for (unsigned s = 0; s < SPACES; s++)
        read_space(w, s, &found);
    bool good = same(&w->now, &found);
    if (!good && after_crash)
        good = among(&w->failed, &found) || (w->relaxed && among(&w->before, &found));
    if (!good)
        show(&w->now, &found);
    CHECK(w, good, "%s: what is there is none of the states that may be",
          w->relaxed ? "relaxed" : "full");
    for (unsigned s = 0; s < SPACES; s++)
        for (unsigned k = 0; k < KEYS; k++)
            if (found.cells[s][k].id)
                note_version(w, s, k, &found.cells[s][k]);
    w->now = found;
    if (after_crash) /* else any of them may come back yet */
        w->before.n = w->failed.n = 0;
}

static void check_integrity(world *w)
{
    sqlite3 *db;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open_v2(w->file, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    CHECK(w, strcmp((const char *)sqlite3_column_text(s, 0), "ok") == 0, "integrity_check: %s",
          sqlite3_column_text(s, 0));
    sqlite3_finalize(s);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA journal_mode", -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    CHECK(w, strcmp((const char *)sqlite3_column_text(s, 0), "wal") == 0, "the log is off");
    sqlite3_finalize(s);
    sqlite3_close(db);
}

/* ---- lives ---- */

static bool open_store(world *w)
{
    lp_sqlite_options o = {w->file, w->relaxed, CRASH_VFS};
    loop_error *e = lp_sqlite_open(&o, &w->store);
    if (!e)
        return true;
    CHECK(w, crash_disk_hit(), "open: %s because %s", loop_error_message(e),
          loop_error_message(loop_error_cause(e)));
    loop_error_delete(e);
    return false;
}

static void close_store(world *w)
{
    w->store->engine->close(w->store);
    w->store = NULL;
}

/* One life, with a fault in it, to its end; then a crash if there was none. */
static void live(world *w, crash_kind kind)
{
    bool early = draw(w, 4) == 0; /* while it opens */
    if (early)
        crash_disk_plan(kind, 1 + draw(w, 60));
    if (!open_store(w))
        return;
    if (!early)
        crash_disk_plan(kind, 1 + draw(w, draw(w, 2) ? 400 : 40));
    for (unsigned i = 0; i < BATCHES; i++) {
        if (!write_batch(w) && kind == CRASH_POWER)
            break;
        if (kind == CRASH_FULL && crash_disk_hit() && draw(w, 4) == 0)
            crash_disk_plan(CRASH_NONE, 0); /* there is room again */
        if (!crash_disk_hit() && draw(w, 8) == 0)
            check_state(w, false);
    }
    if (kind != CRASH_POWER) {
        bool hit = crash_disk_hit();
        crash_disk_plan(CRASH_NONE, 0);
        check_state(w, false); /* what failed has changed nothing, as far as anybody sees */
        CHECK(w, !hit || write_batch(w), "it does not work again");
        crash_disk_plan(CRASH_POWER, 1 + draw(w, 30));
        for (bool good = true; good && !crash_disk_hit();)
            good = write_batch(w);
    }
    close_store(w);
}

static void make_world(world *w, uint64_t seed, bool relaxed)
{
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    *w = (world){.seed = seed, .first = seed, .relaxed = relaxed};
    w->folder = lp_format("%s/loop-crash-XXXXXX", base);
    assert_non_null(mkdtemp(w->folder));
    w->file = lp_format("%s/store.db", w->folder);
    crash_disk_new(seed);
}

static void remove_world(world *w)
{
    crash_disk_delete();
    static const char *const ends[] = {"", "-wal", "-shm", "-journal", "-lock"};
    for (size_t i = 0; i < LP_COUNT(ends); i++) {
        lp_auto(lp_free_string) char *path = lp_format("%s%s", w->file, ends[i]);
        lp_os_remove(path);
    }
    assert_int_equal(rmdir(w->folder), 0);
    for (unsigned s = 0; s < SPACES; s++)
        for (unsigned k = 0; k < KEYS; k++)
            free(w->versions[s][k].at);
    free(w->before.at);
    free(w->failed.at);
    free(w->folder);
    free(w->file);
    lp_arena_done(&w->arena);
}

static void one_round(uint64_t seed, bool relaxed, crash_kind kind)
{
    world w;
    make_world(&w, seed, relaxed);
    for (unsigned lives = 1 + draw(&w, 3); lives; lives--) {
        live(&w, kind);
        crash_disk_restart();
        crash_disk_plan(CRASH_NONE, 0);
        assert_true(open_store(&w));
        check_state(&w, true);
        if (draw(&w, 2)) { /* and it works on */
            assert_true(write_batch(&w));
            check_state(&w, false);
        }
        close_store(&w);
        check_integrity(&w);
        lp_arena_reset(&w.arena, 1 << 20);
    }
    remove_world(&w);
}

static void rounds(bool relaxed, crash_kind kind, unsigned share)
{
    const char *many = lp_os_getenv("STORE_CRASHES"), *first = lp_os_getenv("STORE_SEED");
    unsigned n = many ? (unsigned)strtoul(many, NULL, 10) : 200;
    uint64_t seed = first ? strtoull(first, NULL, 10) : 1;
    for (unsigned i = 0; i < (n + share - 1) / share; i++)
        one_round(seed + i, relaxed, kind);
}

/* ---- the promises ---- */

static void a_power_cut_loses_nothing_acknowledged(void **state)
{
    (void)state;
    rounds(false, CRASH_POWER, 1);
}

static void a_power_cut_in_relaxed_mode_loses_the_last_writes_at_most(void **state)
{
    (void)state;
    rounds(true, CRASH_POWER, 2);
}

static void a_disk_that_fails_once_loses_nothing_acknowledged(void **state)
{
    (void)state;
    rounds(false, CRASH_IO, 2);
}

static void a_full_disk_loses_nothing_and_works_when_there_is_room(void **state)
{
    (void)state;
    rounds(false, CRASH_FULL, 4);
}

/* The count that a version begins with. */
static unsigned long count_of_set(world *w, loop_error **ret)
{
    lp_store_caller who = who_of(w, 0);
    loop_string version = {0};
    *ret = lp_store_set(w->store, &who, BUCKET, key_of(w, 0), bytes_of("value"), &version);
    return version.len ? strtoul(version.ptr, NULL, 16) : 0;
}

/* What failed may be on the disk all the same: the version that it had is used up. */
static void a_write_that_failed_has_spent_its_version(void **state)
{
    (void)state;
    unsigned failed = 0;
    for (unsigned after = 1; after <= 6; after++) {
        world w;
        loop_error *e;
        make_world(&w, after, false);
        assert_true(open_store(&w));
        unsigned long first = count_of_set(&w, &e);
        assert_null(e);
        crash_disk_plan(CRASH_IO, after);
        (void)count_of_set(&w, &e);
        bool hit = e != NULL;
        loop_error_delete(e);
        crash_disk_plan(CRASH_NONE, 0);
        unsigned long next = count_of_set(&w, &e);
        assert_null(e);
        assert_int_equal(next, first + 2);
        failed += hit;
        close_store(&w);
        remove_world(&w);
    }
    assert_true(failed > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_power_cut_loses_nothing_acknowledged),
        cmocka_unit_test(a_power_cut_in_relaxed_mode_loses_the_last_writes_at_most),
        cmocka_unit_test(a_disk_that_fails_once_loses_nothing_acknowledged),
        cmocka_unit_test(a_full_disk_loses_nothing_and_works_when_there_is_room),
        cmocka_unit_test(a_write_that_failed_has_spent_its_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
