/*
 * tests/sidecar/journal.c: test:side/journal in C: as a sidecar on sdk/c (what the Python ones do
 * not have: shared memory, functions that wait while others go on, and the next of a chain), in a
 * shared library (JOURNAL_LIBRARY), and to be linked in (JOURNAL_LINKED_IN).
 *
 * Where the environment has JOURNAL_FILE, lines are written to that file.
 */
#include <fcntl.h>
#if !defined(JOURNAL_LIBRARY) && !defined(JOURNAL_LINKED_IN)
#include <loop_sidecar.h>
#endif
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "side.h"

static atomic_uint lines, dropped;

struct test_side_journal_thing {
    uint32_t size;
};

static void nap(double seconds)
{
    struct timespec t = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&t, NULL);
}

/* One write appends the whole line, whoever writes beside. */
static bool keep(loop_string line)
{
    char text[256];
    int n = snprintf(text, sizeof text, "%.*s\n", (int)line.len, line.ptr);
    int file = open(getenv("JOURNAL_FILE"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    bool written = file >= 0 && n < (int)sizeof text && write(file, text, (size_t)n) == n;
    if (file >= 0)
        close(file);
    return written;
}

/* "slow 0.5" waits; "patient" until it is told to stop; "next x" is asked of the next provider. */
static loop_error *append(void *self, loop_call *call, loop_string line,
                          test_side_journal_result_u32_error *ret)
{
    (void)self;
    char text[256] = "";
    memcpy(text, line.ptr, line.len < sizeof text ? line.len : sizeof text - 1);
    if (strncmp(text, "slow ", 5) == 0)
        nap(strtod(text + 5, NULL));
    while (strcmp(text, "patient") == 0 && loop_call_cancelled(call, NULL) == LOOP_CANCEL_NONE)
        nap(0.005);
    if (strcmp(text, "patient") == 0)
        nap(0.05); /* who waits has given up by then, too */
    if (strncmp(text, "next ", 5) == 0)
        return test_side_journal_next_append(call, (loop_string){line.ptr + 5, line.len - 5}, ret);
    if (getenv("JOURNAL_FILE") && !keep(line)) {
        ret->is_err = true;
        ret->of.error = (test_side_journal_error){.tag = TEST_SIDE_JOURNAL_ERROR_REFUSED,
                                                  .of.refused = loop_string_of("not written")};
        return NULL;
    }
    ret->of.ok = ++lines;
    return NULL;
}

static loop_error *echo(void *self, loop_call *call, loop_list_u8 bytes,
                        test_side_journal_result_list_u8_error *ret)
{
    (void)self;
    uint8_t *copy = loop_call_alloc(call, bytes.len + 1);
    memcpy(copy, bytes.ptr, bytes.len);
    ret->of.ok = (loop_list_u8){copy, bytes.len};
    return NULL;
}

static loop_error *open_thing(void *self, loop_call *call, loop_string name,
                              test_side_journal_result_own_thing_error *ret)
{
    (void)self, (void)call;
    ret->of.ok = malloc(sizeof *ret->of.ok);
    ret->of.ok->size = (uint32_t)name.len;
    return NULL;
}

static loop_error *get(void *self, loop_call *call, test_side_journal_thing *it,
                       test_side_journal_result_u32_error *ret)
{
    (void)self, (void)call;
    ret->of.ok = it->size + 100 * dropped;
    return NULL;
}

static void drop(void *self, test_side_journal_thing *it)
{
    (void)self;
    dropped++;
    free(it);
}

static loop_error *take(void *self, loop_call *call, test_side_journal_thing *it,
                        test_side_journal_result_u32_error *ret)
{
    get(self, call, it, ret);
    drop(self, it);
    return NULL;
}

#if defined(JOURNAL_LIBRARY) || defined(JOURNAL_LINKED_IN)
static loop_error *plain(void *self, loop_call *call, loop_string text, loop_string *ret)
{
    (void)self;
    *ret = loop_call_format(call, "hello %.*s", (int)text.len, text.ptr);
    return NULL;
}
#define PLAIN plain
#else
#define PLAIN NULL /* it goes to the next */
#endif

static const test_side_journal_functions functions = {.append = append,
                                                      .echo = echo,
                                                      .plain = PLAIN,
                                                      .open = open_thing,
                                                      .take = take,
                                                      .thing_get = get,
                                                      .thing_drop = drop};
#ifdef JOURNAL_LINKED_IN
extern const loop_provider journal_provider;
#define provider journal_provider
#else
static
#endif
const loop_provider provider = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "journal",
    .summary = "a journal in memory",
    .interfaces =
        (const loop_provider_interface[]){{&test_side_journal_interface, &functions}, {NULL, NULL}},
    .threads = LOOP_THREADS_ANY,
};

#if defined(JOURNAL_LIBRARY)
LOOP_PROVIDER_EXPORT(provider);
#elif !defined(JOURNAL_LINKED_IN)
int main(void)
{
    return loop_sidecar_main(&provider, "1");
}
#endif
