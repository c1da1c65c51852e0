/*
 * host/tables_test.c: tables that come and go: who is found by a name, what a retired one still
 * does, and that each is ended once, when nothing uses it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "host/internal.h"

static loop_error *nothing(const void *functions, void *self, loop_call *call, const void *args,
                           void *ret)
{
    (void)functions, (void)self, (void)call, (void)args, (void)ret;
    return NULL;
}

static const struct functions {
    void (*forecast)(void);
} functions = {(void (*)(void))nothing};
static const loop_interface weather = {
    LOOP_ABI, "acme:weather/api", "0.1.0",
    (const loop_function[]){{"forecast", "()", offsetof(struct functions, forecast), nothing}, {0}},
    (const loop_resource[]){{0}}};
static const loop_provider_interface sides[] = {{&weather, &functions}, {NULL, NULL}};

static const loop_provider sunny = {
    .abi = LOOP_PROVIDER_ABI, .name = "sunny", .summary = "", .interfaces = sides};

/* A source of tables: what it makes next, and how many of these are there. */
struct source {
    const char *name;
    uint32_t abi;
    bool fails, unchanged;
    int made, ended;
};

struct made {
    loop_provider table; /* first */
    struct source *from;
    char name[16]; /* gone with it */
};

static struct made *make(struct source *from)
{
    struct made *m = lp_alloc(sizeof *m);
    snprintf(m->name, sizeof m->name, "%s", from->name);
    m->table = sunny;
    m->table.name = m->name;
    m->table.abi = from->abi;
    m->from = from;
    from->made++;
    return m;
}

static loop_error *renew(void *data, const loop_provider **ret, void **ret_data)
{
    struct made *m = data;
    if (m->from->fails)
        return loop_error_new(LOOP_IO, "the source is gone");
    struct made *new = m->from->unchanged ? m : make(m->from);
    *ret = &new->table;
    *ret_data = new;
    return NULL;
}

static void end(void *data)
{
    struct made *m = data;
    m->from->ended++;
    memset(m, 0, sizeof *m);
    free(m);
}

static loop_host *host_with(struct source *from, struct lp_table **ret)
{
    loop_host *h;
    assert_null(loop_host_new(&(loop_host_options){.no_cache = true}, &h));
    *from = (struct source){.name = "rainy", .abi = LOOP_PROVIDER_ABI};
    struct made *m = make(from);
    const lp_table_life life = {renew, end, m};
    assert_null(lp_host_provider_add(h, &m->table, LOOP_TIER_LIBRARY, &life));
    *ret = lp_find_table(h, "rainy");
    assert_non_null(*ret);
    return h;
}

static struct lp_table *renewed(loop_host *h, struct lp_table *t)
{
    struct lp_table *new = NULL;
    assert_null(lp_table_renew(h, t, &new));
    return new;
}

static size_t place_of(loop_host *h, const loop_provider *p)
{
    const loop_provider *at;
    for (size_t i = 0; (at = loop_host_provider_at(h, i)); i++)
        if (at == p)
            return i;
    return SIZE_MAX;
}

static void a_new_table_takes_the_name_and_the_place_of_the_old(void **state)
{
    (void)state;
    struct source from;
    struct lp_table *old;
    loop_host *h = host_with(&from, &old);
    assert_null(loop_host_provider_add(h, &sunny));
    size_t place = place_of(h, old->table);
    struct lp_table *new = renewed(h, old);
    assert_ptr_not_equal(new, old);
    assert_ptr_equal(lp_find_table(h, "rainy"), old); /* until it is published */
    assert_int_equal(place_of(h, new->table), SIZE_MAX);
    lp_table_publish(h, old, new);
    assert_ptr_equal(lp_find_table(h, "rainy"), new);
    assert_int_equal(place_of(h, new->table), place);
    assert_int_equal(place_of(h, old->table), SIZE_MAX);
    assert_false(lp_table_drop(h, new)); /* it is in use by its name */
    lp_table_publish(h, new, old);       /* back again */
    assert_ptr_equal(lp_find_table(h, "rainy"), old);
    assert_true(lp_table_drop(h, new));
    assert_int_equal(from.ended, 1);
    loop_host_delete(h);
    assert_int_equal(from.ended, from.made);
}

static void a_table_is_ended_after_its_last_object(void **state)
{
    (void)state;
    struct source from;
    struct lp_table *old;
    loop_host *h = host_with(&from, &old);
    struct lp_provider *a, *b, *c;
    assert_null(lp_object_of(h, old, NULL, &a));
    assert_null(lp_object_of(h, old, NULL, &b));
    assert_null(lp_object_new(h, old, NULL, &c));
    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, c);
    assert_int_equal(old->users, 2);
    struct lp_table *new = renewed(h, old);
    lp_table_publish(h, old, new);
    assert_null(lp_object_of(h, new, NULL, &b));
    assert_ptr_not_equal(a, b);
    assert_false(lp_table_drop(h, old));
    lp_object_delete(a);
    assert_false(lp_table_drop(h, old));
    lp_object_delete(c);
    assert_int_equal(from.ended, 0);
    assert_true(lp_table_drop(h, old));
    assert_int_equal(from.ended, 1);
    loop_host_delete(h); /* with an object, and its table */
    assert_int_equal(from.ended, 2);
}

static void what_is_wrong_is_ended_and_the_old_one_stays(void **state)
{
    (void)state;
    struct source from;
    struct lp_table *old, *new = NULL;
    loop_host *h = host_with(&from, &old);
    assert_null(loop_host_provider_add(h, &sunny));
    static const struct {
        const char *name;
        uint32_t abi;
        bool fails;
        loop_code code;
    } rows[] = {{"rainy", LOOP_PROVIDER_ABI + 1, false, LOOP_INVALID},
                {"sunny", LOOP_PROVIDER_ABI, false, LOOP_INVALID}, /* somebody else's */
                {"", LOOP_PROVIDER_ABI, false, LOOP_INVALID},
                {"rainy", LOOP_PROVIDER_ABI, true, LOOP_IO}};
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        from =
            (struct source){rows[i].name, rows[i].abi, rows[i].fails, false, from.made, from.ended};
        loop_error *e = lp_table_renew(h, old, &new);
        assert_int_equal(loop_error_code(e), rows[i].code);
        loop_error_delete(e);
        assert_null(new);
        assert_int_equal(from.ended, from.made - 1);
    }
    assert_ptr_equal(lp_find_table(h, "rainy"), old);
    loop_host_delete(h);
    assert_int_equal(from.ended, from.made);
}

/* One that is linked in, and one whose file is the same, serve on themselves. */
static void a_table_may_stay(void **state)
{
    (void)state;
    struct source from;
    struct lp_table *t;
    loop_host *h = host_with(&from, &t);
    assert_null(loop_host_provider_add(h, &sunny));
    from.unchanged = true;
    assert_ptr_equal(renewed(h, t), t);
    struct lp_table *linked = lp_find_table(h, "sunny");
    assert_ptr_equal(renewed(h, linked), linked);
    lp_table_publish(h, t, t);
    assert_false(lp_table_drop(h, t));
    assert_false(lp_table_drop(h, linked));
    assert_int_equal(from.ended, 0);
    loop_host_delete(h);
    assert_int_equal(from.ended, 1);
}

static void a_name_outlives_its_table(void **state)
{
    (void)state;
    struct source from;
    struct lp_table *old;
    loop_host *h = host_with(&from, &old);
    const char *name = lp_host_name(h, old->table->name);
    from.name = "snowy"; /* built again with another one */
    struct lp_table *new = renewed(h, old);
    lp_table_publish(h, old, new);
    assert_true(lp_table_drop(h, old));
    assert_string_equal(name, "rainy");
    assert_ptr_equal(lp_host_name(h, "rainy"), name);
    assert_null(lp_find_table(h, "rainy"));
    assert_ptr_equal(lp_find_table(h, "snowy"), new);
    loop_host_delete(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_table_takes_the_name_and_the_place_of_the_old),
        cmocka_unit_test(a_table_is_ended_after_its_last_object),
        cmocka_unit_test(what_is_wrong_is_ended_and_the_old_one_stays),
        cmocka_unit_test(a_table_may_stay),
        cmocka_unit_test(a_name_outlives_its_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
