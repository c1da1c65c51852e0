/* host/table_test.c: a provider's table that is wrong in one way is refused, and why is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "host/internal.h"

static loop_error *call(const void *functions, void *self, loop_call *c, const void *args,
                        void *ret)
{
    (void)functions, (void)self, (void)c, (void)args, (void)ret;
    return NULL;
}

static loop_error *generic(void *self, loop_call *c, const loop_interface *interface, size_t row,
                           const void *args, void *ret)
{
    (void)self, (void)c, (void)interface, (void)row, (void)args, (void)ret;
    return NULL;
}

static void drop(const void *functions, void *self, void *object)
{
    (void)functions, (void)self, (void)object;
}

/* ---- a table that is right, of parts that a row of the test exchanges ---- */

static struct parts {
    loop_provider provider;
    loop_provider_interface sides[3];
    loop_interface interface;
    loop_function functions[3];
    loop_resource resources[2];
    loop_provider_option options[3];
    loop_provider_need needs[4];
    void (*table[3])(void);
} parts;

static struct parts *fresh(void)
{
    struct parts *p = &parts;
    *p = (struct parts){
        .provider = {.abi = LOOP_PROVIDER_ABI,
                     .name = "dice",
                     .summary = "rolls",
                     .interfaces = p->sides,
                     .options = p->options},
        .sides = {{&p->interface, p->table}},
        .interface = {LOOP_ABI, "acme:dice/roller", "0.1.0", p->functions, p->resources},
        .functions = {{"roll", "(u32)->result<u32,variant{no-die(u32),limit}>", 0, call},
                      {"fill", "(list<u32>)->own<acme:dice/roller.cup>", 8, call}},
        .resources = {{"cup", 16, drop}},
        .options = {{"seed", "number", NULL, "1", "first"},
                    {"mode", "enum", "fair|loaded", "fair", "which"}},
        .needs = {{"acme:dice/roller", "roll", LOOP_NEED_OWN, "roll", "dice of the house"},
                  {"acme:dice/roller", "*", LOOP_NEED_NOTHING, NULL, "a cup is a cup"}},
    };
    return p;
}

static void check(const char *expected)
{
    loop_error *e = lp_table_check(&parts.provider);
    const char *got = e ? loop_error_message(e) : "it is right";
    if (e && loop_error_code(e) != LOOP_INVALID)
        fail_msg("code %d for: %s", loop_error_code(e), got);
    if (strcmp(got, expected) != 0)
        fail_msg("expected: %s\ngot: %s", expected, got);
    loop_error_delete(e);
}

#define REFUSED(because, ...)                                                                      \
    do {                                                                                           \
        struct parts *p = fresh();                                                                 \
        __VA_ARGS__;                                                                               \
        check(because);                                                                            \
    } while (0)

static void what_is_right_is_taken(void **state)
{
    (void)state;
    REFUSED("it is right", (void)p);
    REFUSED("it is right", p->sides[0].functions = NULL, p->provider.call = generic);
    REFUSED("it is right", p->provider.interfaces = NULL, p->provider.call = generic);
    REFUSED("it is right", p->provider.options = NULL, p->interface.resources = NULL);
    REFUSED("it is right", p->provider.name = "Night-Light_2.0");
    REFUSED("it is right", p->interface.name = "", p->interface.version = "");
    REFUSED("it is right", p->functions[0].type = "()");
    REFUSED("it is right", p->functions[0].type = "()->tuple<u8,list<option<string>>>");
}

/* Of another version nothing but the version is read. */
static void another_version_is_not_read(void **state)
{
    (void)state;
    REFUSED("a provider for ABI 6; this host has ABI 5", p->provider.abi = LOOP_PROVIDER_ABI + 1,
            p->provider.name = (const char *)1, p->provider.interfaces = (const void *)1);
    REFUSED("the provider 'dice' has an interface for ABI 99; this host has 1",
            p->interface.abi = 99, p->interface.name = (const char *)1);
}

static void names_and_kinds(void **state)
{
    (void)state;
    static char long_name[LP_MAX_NAME + 1];
    memset(long_name, 'x', LP_MAX_NAME);
    const char *nameless = "a provider without a name of letters, digits, '-', '_', '.'";
    REFUSED(nameless, p->provider.name = NULL);
    REFUSED(nameless, p->provider.name = "");
    REFUSED(nameless, p->provider.name = "two words");
    REFUSED(nameless, p->provider.name = "--help");
    REFUSED(nameless, p->provider.name = "..");
    REFUSED(nameless, p->provider.name = "a\033[2J");
    REFUSED(nameless, p->provider.name = long_name);
    REFUSED("the provider 'dice' has no summary", p->provider.summary = NULL);
    REFUSED("the provider 'dice' has no such 'threads': 7", p->provider.threads = (loop_threads)7);
    REFUSED("the provider 'dice' has neither interfaces nor 'call'", p->provider.interfaces = NULL);
    REFUSED("the provider 'dice' has neither interfaces nor 'call'", p->sides[0].interface = NULL);
}

static void interfaces(void **state)
{
    (void)state;
    REFUSED("the provider 'dice' has an interface without a name", p->interface.name = NULL);
    REFUSED("the provider 'dice' has an interface without a version", p->interface.version = NULL);
    REFUSED("the provider 'dice' has an interface without a list of functions",
            p->interface.functions = NULL);
    REFUSED("the provider 'dice' has no functions for 'acme:dice/roller'",
            p->sides[0].functions = NULL);
    REFUSED("the provider 'dice' has 'acme:dice/roller@0.1.0' twice", p->sides[1] = p->sides[0]);
}

static void functions(void **state)
{
    (void)state;
    static const char *const types[] = {
        NULL, "", "(", ")", "()->", "u32", "()u32", "(u32))", "()->list<u32", "(u32)->u32>"};
    const char *untyped = "the provider 'dice' has no type for 'roll' of 'acme:dice/roller'";
    for (size_t i = 0; i < LP_COUNT(types); i++)
        REFUSED(untyped, p->functions[0].type = types[i]);
    REFUSED("the provider 'dice' has no function for 'fill' of 'acme:dice/roller'",
            p->functions[1].call = NULL);
    REFUSED("the provider 'dice' has no function for 'fill' of 'acme:dice/roller'",
            p->functions[1].offset = 24);
    REFUSED("the provider 'dice' has no function for 'fill' of 'acme:dice/roller'",
            p->functions[1].offset = 4);
    REFUSED("the provider 'dice' has no drop for 'cup' of 'acme:dice/roller'",
            p->resources[0].drop = NULL);
    REFUSED("the provider 'dice' has no drop for 'cup' of 'acme:dice/roller'",
            p->resources[0].offset = SIZE_MAX - 7);
}

static void options(void **state)
{
    (void)state;
    REFUSED("the provider 'dice' has an option without a name", p->options[1].name = "a b");
    REFUSED("the provider 'dice' has no type for its option 'mode'", p->options[1].type = NULL);
    REFUSED("the provider 'dice' has no type for its option 'mode'", p->options[1].type = "odd");
    REFUSED("the provider 'dice' has no type for its option 'mode'", p->options[1].values = NULL);
    REFUSED("the provider 'dice' falls back to six for 'seed': expected a whole number",
            p->options[0].fallback = "six");
    REFUSED("the provider 'dice' has the option 'seed' twice", p->options[1] = p->options[0]);
}

#define NEED_REFUSED(because, ...) REFUSED(because, p->provider.needs = p->needs; __VA_ARGS__)

static void needs(void **state)
{
    (void)state;
    NEED_REFUSED("the provider 'dice' does not say what 'fill' of 'acme:dice/roller' needs",
                 p->needs[1] = (loop_provider_need){0});
    NEED_REFUSED("the provider 'dice' has a need for a function that its interface does not have",
                 p->needs[0].function = "Roll");
    NEED_REFUSED("the provider 'dice' has a need for an interface that it does not have",
                 p->needs[0].interface_name = "acme:dice/roller@0.1.0");
    NEED_REFUSED("the provider 'dice' has a need without a function", p->needs[0].function = NULL);
    NEED_REFUSED("the provider 'dice' has a need of no known kind",
                 p->needs[0].need = (loop_need)(LOOP_NEED_OWN + 1));
    static const char *const names[] = {NULL, "", "a.b", "a b", "-a"};
    for (size_t i = 0; i < LP_COUNT(names); i++)
        NEED_REFUSED(
            "the provider 'dice' has a need without a name of letters, digits, '-' and '_'",
            p->needs[0].name = names[i]);
    NEED_REFUSED("the provider 'dice' has a need with a name, which only its own have",
                 p->needs[1].name = "x");
    NEED_REFUSED("the provider 'dice' has a need that does not say what it is for",
                 p->needs[1].help = "");
    NEED_REFUSED("the provider 'dice' has a need twice", p->needs[2] = p->needs[0]);
    NEED_REFUSED("it is right", (void)p);
}

/* A list without an end goes on into whatever lies behind it: the host stops before that. */
static void lists_end(void **state)
{
    (void)state;
    loop_provider_interface *sides = calloc(LP_MAX_TABLE_INTERFACES + 1, sizeof *sides);
    loop_interface *each = calloc(LP_MAX_TABLE_INTERFACES + 1, sizeof *each);
    loop_function *rows = calloc(LP_MAX_TABLE_ROWS + 1, sizeof *rows);
    loop_resource *resources = calloc(LP_MAX_TABLE_ROWS + 1, sizeof *resources);
    loop_provider_option *options = calloc(LP_MAX_TABLE_OPTIONS + 1, sizeof *options);
    char(*names)[16] = calloc(LP_MAX_TABLE_ROWS + 1, sizeof *names);
    struct parts *right = fresh();
    for (int i = 0; i <= LP_MAX_TABLE_ROWS; i++) {
        snprintf(names[i], sizeof *names, "n%d", i);
        rows[i] = (loop_function){names[i], "()", 0, call};
        resources[i] = (loop_resource){names[i], 0, drop};
        if (i <= LP_MAX_TABLE_INTERFACES) {
            each[i] = right->interface;
            each[i].name = names[i];
            sides[i] = (loop_provider_interface){&each[i], right->table};
        }
        if (i <= LP_MAX_TABLE_OPTIONS)
            options[i] = (loop_provider_option){names[i], "string", NULL, NULL, ""};
    }
    REFUSED("the provider 'dice' has more than 256 interfaces", p->provider.interfaces = sides);
    REFUSED("the provider 'dice' has more than 4096 functions in an interface",
            p->interface.functions = rows);
    REFUSED("the provider 'dice' has more than 4096 functions in an interface",
            p->interface.resources = resources);
    REFUSED("the provider 'dice' has more than 64 options", p->provider.options = options);
    free(sides);
    free(each);
    free(rows);
    free(resources);
    free(options);
    free(names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_right_is_taken),
        cmocka_unit_test(another_version_is_not_read),
        cmocka_unit_test(names_and_kinds),
        cmocka_unit_test(interfaces),
        cmocka_unit_test(functions),
        cmocka_unit_test(options),
        cmocka_unit_test(needs),
        cmocka_unit_test(lists_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
