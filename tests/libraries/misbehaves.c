/*
 * tests/libraries/misbehaves.c: shared libraries that are wrong in one way each, named by a macro.
 * All of them leave a file `ran` behind when a constructor of theirs runs.
 *
 *     cc -shared -fPIC -Iinclude -DNO_EXPORT tests/libraries/misbehaves.c -o misbehaves.so
 */
#include <stdio.h>

#include "loop/provider.h"
#include "loop/wit/core.h"

__attribute__((constructor)) static void loaded(void)
{
    FILE *f = fopen("ran", "w");
    if (f)
        fclose(f);
}

#if defined(UNDEFINED)
void frobnicate(void);
void (*const needs)(void) = frobnicate;
#elif defined(UNDEFINED_LOOP)
void loop_call_frobnicate(void);
void (*const needs)(void) = loop_call_frobnicate;
#elif defined(MISSING)
void gone(void); /* of libgone.so, which is not there any more */
void (*const needs)(void) = gone;
#endif

static loop_error *answer(void *self, loop_call *call, const loop_interface *interface, size_t row,
                          const void *args, void *ret)
{
    (void)self, (void)call, (void)interface, (void)row, (void)args, (void)ret;
#if defined(CALL_FAILS)
    return loop_error_new(LOOP_UNAVAILABLE, "there is no ink");
#else
    return NULL;
#endif
}

#if defined(OPEN_FAILS)
static loop_error *fail(const loop_services *services, void **ret_self)
{
    (void)services, (void)ret_self;
    return loop_error_hint_set(loop_error_new(LOOP_UNAVAILABLE, "there is no paper"), "add paper");
}
#endif

static const loop_provider_interface interfaces[] = {{&loop_core_logging_interface, NULL},
                                                     {NULL, NULL}};
#if defined(INTERFACE_ABI)
static const loop_interface odd = {.abi = 99, .name = "loop:core/logging"};
static const loop_provider_interface odd_interfaces[] = {{&odd, NULL}, {NULL, NULL}};
#elif defined(INTERFACE_EMPTY)
static const loop_interface odd = {.abi = LOOP_ABI};
static const loop_provider_interface odd_interfaces[] = {{&odd, NULL}, {NULL, NULL}};
#elif defined(FUNCTION_NULL) || defined(FUNCTION_FAR) || defined(TYPE)
static loop_error *nothing(const void *functions, void *self, loop_call *call, const void *args,
                           void *ret)
{
    (void)functions, (void)self, (void)call, (void)args, (void)ret;
    return NULL;
}
static const loop_function rows[] = {
#if defined(FUNCTION_NULL)
    {"enabled", "(enum{a})->bool", 0, NULL},
#elif defined(FUNCTION_FAR)
    {"enabled", "(enum{a})->bool", 4096, nothing},
#else
    {"enabled", "(enum{a}->bool", 0, nothing},
#endif
    {NULL, NULL, 0, NULL}};
static void *const filled[] = {NULL};
static const loop_interface odd = {
    .abi = LOOP_ABI, .name = "loop:core/logging", .version = "0.1.0", .functions = rows};
static const loop_provider_interface odd_interfaces[] = {{&odd, filled}, {NULL, NULL}};
#elif defined(ENDLESS) /* no empty row at the end, nor anywhere near */
static char names[4096][8];
static loop_interface each[4096];
static loop_provider_interface odd_interfaces[4096];
__attribute__((constructor)) static void fill(void)
{
    for (int i = 0; i < 4096; i++) {
        snprintf(names[i], sizeof names[i], "a:b/%03x", (unsigned)i);
        each[i] = loop_core_logging_interface;
        each[i].name = names[i];
        odd_interfaces[i] = (loop_provider_interface){&each[i], NULL};
    }
}
#else
#define odd_interfaces interfaces
#endif

#if defined(ENDLESS_OPTIONS)
#define ROW(n) {"o" #n, "string", NULL, NULL, ""},
#define ROWS(n) ROW(n##0) ROW(n##1) ROW(n##2) ROW(n##3) ROW(n##4) ROW(n##5) ROW(n##6) ROW(n##7)
static const loop_provider_option options[] = {ROWS(1) ROWS(2) ROWS(3) ROWS(4) ROWS(5) ROWS(6)
                                                   ROWS(7) ROWS(8) ROWS(9) ROWS(10)};
#endif

static const loop_provider table = {
#if defined(TABLE_ABI)
    .abi = 2,
#else
    .abi = LOOP_PROVIDER_ABI,
#endif
#if defined(NO_NAME)
    .name = NULL,
#elif defined(ODD_NAME)
    .name = "has a space",
#elif defined(TAKEN)
    .name = "logging",
#else
    .name = "misbehaves",
#endif
#if !defined(NO_SUMMARY)
    .summary = "wrong in one way",
#endif
#if defined(THREADS)
    .threads = (loop_threads)77,
#endif
#if !defined(NOTHING)
    .interfaces = odd_interfaces,
    .call = answer,
#endif
#if defined(OPEN_FAILS)
    .open = fail,
#endif
#if defined(ENDLESS_OPTIONS)
    .options = options,
#endif
};

#if defined(WRONG_ABI)
LOOP_PROVIDER_C LOOP_API const loop_provider_export loop_provider_exported;
const loop_provider_export loop_provider_exported = {99, &table};
#elif defined(ABI_LATER)  /* right in the file, wrong when its constructor has run */
LOOP_PROVIDER_C LOOP_API loop_provider_export loop_provider_exported;
loop_provider_export loop_provider_exported = {LOOP_PROVIDER_ABI, &table};
__attribute__((constructor)) static void change(void)
{
    loop_provider_exported.abi = 98;
}
#elif defined(NULL_TABLE) /* what a constructor that fails leaves behind */
LOOP_PROVIDER_C LOOP_API loop_provider_export loop_provider_exported;
loop_provider_export loop_provider_exported = {LOOP_PROVIDER_ABI, NULL};
const loop_provider *const unused = &table;
#elif defined(ZEROED)
LOOP_PROVIDER_C LOOP_API loop_provider_export loop_provider_exported;
loop_provider_export loop_provider_exported;
const loop_provider *const unused = &table;
#elif defined(SMALL)
extern const uint32_t small __asm__("loop_provider_exported");
LOOP_API const uint32_t small __asm__("loop_provider_exported") = LOOP_PROVIDER_ABI;
const loop_provider *const unused = &table;
#elif !defined(NO_EXPORT)
LOOP_PROVIDER_EXPORT(table);
#else
const loop_provider *const unused = &table;
#endif
