/*
 * evening: a component that dims the lamps. It imports tiny:house/lamps, so that only a host with
 * lamps runs it. The imports are as the component model lays them out; `loop build` and other SDKs
 * write these declarations from house.wit.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define LAMPS(name) __attribute__((import_module("tiny:house/lamps@0.1.0"), import_name(name)))

struct lamp {
    char *room;
    size_t room_length;
    uint8_t brightness;
};

struct list {
    struct lamp *lamps;
    size_t count;
};

struct dimmed { /* result<u8, error> */
    uint8_t is_error;
    union {
        uint8_t was;
        struct {
            uint8_t tag;
            union {
                struct {
                    char *room;
                    size_t room_length;
                };
                uint8_t brightest;
            };
        } error;
    };
};

LAMPS("all") void all(struct list *ret);
LAMPS("dim") void dim(const char *room, size_t length, uint32_t brightness, struct dimmed *ret);

/* loop puts what results point to where this says. */
__attribute__((export_name("cabi_realloc"))) void *room(void *p, size_t had, size_t align, size_t n)
{
    (void)had, (void)align;
    return realloc(p, n);
}

static void set(const char *room, size_t length, uint32_t brightness)
{
    struct dimmed d;
    dim(room, length, brightness, &d);
    printf("%.*s: ", (int)length, room);
    if (!d.is_error)
        printf("%u%%, was %u%%\n", (unsigned)brightness, d.was);
    else if (d.error.tag == 0)
        printf("there is no lamp\n");
    else
        printf("not %u%%, at most %u%%\n", (unsigned)brightness, d.error.brightest);
}

/* Called by main, else the linker wraps it and the clean-up of stdio around each export. */
void __wasm_call_ctors(void);

int main(void)
{
    __wasm_call_ctors();
    struct list list;
    all(&list);
    for (size_t i = 0; i < list.count; i++)
        set(list.lamps[i].room, list.lamps[i].room_length, 20);
    set("garden", 6, 100);
    set("attic", 5, 20);
    return fflush(stdout);
}
