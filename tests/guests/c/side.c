/*
 * side: calls test:side/journal (tests/sidecar/side.wit) for whoever calls it, and passes the
 * answer on; written against the canonical ABI by hand.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define JOURNAL(name) __attribute__((import_module("test:side/journal@0.1.0"), import_name(name)))
#define DRIVER(name) __attribute__((export_name("test:side/driver@0.1.0#" name)))

struct text {
    char *ptr;
    size_t len;
};

struct answer { /* result<u32, error>, and others of its size */
    uint8_t is_error;
    union {
        uint32_t number;
        struct text bytes;
        struct {
            uint8_t tag;
            struct text text;
        } error;
    };
};

JOURNAL("append") void journal_append(const char *line, size_t len, struct answer *ret);
JOURNAL("echo") void journal_echo(const uint8_t *bytes, size_t len, struct answer *ret);
JOURNAL("plain") void journal_plain(const char *text, size_t len, struct text *ret);
JOURNAL("open") void journal_open(const char *name, size_t len, struct answer *ret);
JOURNAL("take") void journal_take(int32_t thing, struct answer *ret);
JOURNAL("[method]thing.get") void thing_get(int32_t thing, struct answer *ret);
JOURNAL("[resource-drop]thing") void thing_drop(int32_t thing);

static struct answer answer;
static struct text text;
static int32_t things[1024];

__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, size_t old_size,
                                                                size_t align, size_t size)
{
    (void)old, (void)old_size, (void)align;
    return malloc(size ? size : 1);
}

/* What was answered goes at the next call. Of nothing, the pointer is none. */
static void freed(struct text now)
{
    static struct text last;
    if (last.len)
        free(last.ptr);
    last = now;
}

static struct answer *done(char *argument)
{
    free(argument);
    freed(answer.is_error ? answer.error.text : (struct text){0});
    return &answer;
}

DRIVER("append") struct answer *driver_append(char *line, size_t len)
{
    journal_append(line, len, &answer);
    return done(len ? line : NULL);
}

DRIVER("echo") struct answer *driver_echo(uint32_t size)
{
    uint8_t *bytes = malloc(size + 1);
    for (uint32_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * 31 + (i >> 8));
    journal_echo(bytes, size, &answer);
    if (!answer.is_error) {
        struct text got = answer.bytes;
        answer.number = got.len == size && memcmp(got.ptr, bytes, size) == 0 ? size : 0;
        if (got.len)
            free(got.ptr);
    }
    return done((char *)bytes);
}

DRIVER("plain") struct text *driver_plain(char *name, size_t len)
{
    journal_plain(name, len, &text);
    if (len)
        free(name);
    freed(text);
    return &text;
}

DRIVER("open") struct answer *driver_open(char *name, size_t len)
{
    journal_open(name, len, &answer);
    if (!answer.is_error) {
        int32_t thing = (int32_t)answer.number;
        answer.number = 0;
        while (things[answer.number])
            answer.number++;
        things[answer.number] = thing;
    }
    return done(len ? name : NULL);
}

DRIVER("get") struct answer *driver_get(uint32_t number)
{
    thing_get(things[number], &answer);
    return done(NULL);
}

DRIVER("take") struct answer *driver_take(uint32_t number)
{
    journal_take(things[number], &answer);
    things[number] = 0;
    return done(NULL);
}

DRIVER("close") void driver_close(uint32_t number)
{
    thing_drop(things[number]);
    things[number] = 0;
}
