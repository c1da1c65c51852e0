/*
 * main.c: the conformance sidecar in C: serves sidecar/conformance/conformance.wit, by a provider
 * that could as well be linked in, but for loop_sidecar_drop. state.c has what can be saved.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "loop_sidecar.h"
#include "state.h"

static const loop_services *services;

/* ---- values ---- */

#define V(name) test_conformance_values_##name

/* Answers what it gets, by value or by pointer. */
#define ECHO(name, type)                                                                           \
    static loop_error *echo_##name(void *self, loop_call *call, type v, type *ret)                 \
    {                                                                                              \
        (void)self, (void)call;                                                                    \
        *ret = v;                                                                                  \
        return NULL;                                                                               \
    }
#define ECHO_STRUCT(name, type)                                                                    \
    static loop_error *echo_##name(void *self, loop_call *call, const type *v, type *ret)          \
    {                                                                                              \
        (void)self, (void)call;                                                                    \
        *ret = *v;                                                                                 \
        return NULL;                                                                               \
    }
ECHO(bool, bool)
ECHO(u8, uint8_t)
ECHO(u16, uint16_t)
ECHO(u32, uint32_t)
ECHO(u64, uint64_t)
ECHO(s8, int8_t)
ECHO(s16, int16_t)
ECHO(s32, int32_t)
ECHO(s64, int64_t)
ECHO(f32, float)
ECHO(f64, double)
ECHO(char, uint32_t)
ECHO(string, loop_string)
ECHO(bytes, loop_list_u8)
ECHO(bools, loop_list_bool)
ECHO(s8s, loop_list_s8)
ECHO(u32s, loop_list_u32)
ECHO(s64s, loop_list_s64)
ECHO(f32s, loop_list_f32)
ECHO(f64s, loop_list_f64)
ECHO(chars, loop_list_char)
ECHO(strings, loop_list_string)
ECHO(lists, V(list_list_u8))
ECHO_STRUCT(point, V(point))
ECHO(points, V(list_point))
ECHO(people, V(list_person))
ECHO_STRUCT(tuple, V(tuple_u8_string_bool))
ECHO(shapes, V(list_shape))
ECHO(colors, V(list_color))
ECHO(few, V(few))
ECHO(nine, V(nine))
ECHO(most, V(most))
ECHO_STRUCT(option, loop_option_u32)
ECHO_STRUCT(options, V(option_option_bool))
ECHO_STRUCT(result, V(result_u32_string))
ECHO(results, V(list_result_void_color))

static loop_error *echo_nothing(void *self, loop_call *call)
{
    (void)self, (void)call;
    return NULL;
}

typedef V(
    tuple_u8_s16_u32_s64_f32_f64_char_string_bool_list_u8_option_u8_color_few_point_list_string_u64_s8_shape)
    many;

static loop_error *echo_many(void *self, loop_call *call, uint8_t a, int16_t b, uint32_t c,
                             int64_t d, float e, double f, uint32_t g, loop_string h, bool i,
                             loop_list_u8 j, const loop_option_u8 *k, V(color) l, V(few) m,
                             const V(point) * n, loop_list_string o, uint64_t p, int8_t q,
                             const V(shape) * r, many *ret)
{
    (void)self, (void)call;
    *ret = (many){a, b, c, d, e, f, g, h, i, j, *k, l, m, *n, o, p, q, *r};
    return NULL;
}

static loop_error *sum(void *self, loop_call *call, loop_list_s64 v, int64_t *ret)
{
    (void)self, (void)call;
    for (size_t i = 0; i < v.len; i++)
        *ret += v.ptr[i];
    return NULL;
}

/* Bytes of the character that ends before `end`. */
static size_t last_character(const char *text, size_t end)
{
    size_t n = 1;
    while (((unsigned char)text[end - n] & 0xc0) == 0x80)
        n++;
    return n;
}

static loop_error *reverse(void *self, loop_call *call, loop_string v, loop_string *ret)
{
    (void)self;
    char *to = loop_call_alloc(call, v.len + 1);
    *ret = (loop_string){to, v.len};
    for (size_t end = v.len; end && to;) {
        size_t n = last_character(v.ptr, end);
        end -= n;
        memcpy(to, v.ptr + end, n);
        to += n;
    }
    return NULL;
}

static loop_error *weigh(void *self, loop_call *call, const V(shape) * v, double *ret)
{
    (void)self, (void)call;
    switch (v->tag) {
    case TEST_CONFORMANCE_VALUES_SHAPE_CIRCLE: *ret = v->of.circle; break;
    case TEST_CONFORMANCE_VALUES_SHAPE_POLYGON: *ret = (double)v->of.polygon.len; break;
    case TEST_CONFORMANCE_VALUES_SHAPE_NAMED:
        for (size_t end = v->of.named.len; end; ++*ret)
            end -= last_character(v->of.named.ptr, end);
        break;
    default: break;
    }
    return NULL;
}

static loop_error *next_color(void *self, loop_call *call, V(color) v, V(color) * ret)
{
    (void)self, (void)call;
    *ret = (V(color))((v + 1) % 3);
    return NULL;
}

static loop_error *invert(void *self, loop_call *call, V(nine) v, V(nine) * ret)
{
    (void)self, (void)call;
    *ret = (V(nine))(~v & 0x1ff);
    return NULL;
}

static loop_error *digest(void *self, loop_call *call, loop_list_u8 v, uint32_t *ret)
{
    (void)self, (void)call;
    uint32_t h = 0x811c9dc5u;
    for (size_t i = 0; i < v.len; i++)
        h = (h ^ v.ptr[i]) * 0x01000193u;
    *ret = h;
    return NULL;
}

static loop_error *fill(void *self, loop_call *call, uint32_t n, loop_list_u8 *ret)
{
    (void)self;
    uint8_t *to = loop_call_alloc(call, n);
    for (uint32_t i = 0; i < n && to; i++)
        to[i] = (uint8_t)(i * 31 + 7);
    *ret = (loop_list_u8){to, n};
    return NULL;
}

static loop_error *fill_text(void *self, loop_call *call, uint32_t n, loop_string *ret)
{
    (void)self;
    char *to = loop_call_alloc(call, n);
    for (uint32_t i = 0; i < n && to; i++)
        to[i] = (char)('a' + i % 26);
    *ret = (loop_string){to, n};
    return NULL;
}

static const V(functions) values = {
    echo_bool,    echo_u8,      echo_u16,   echo_u32,    echo_u64,    echo_s8,      echo_s16,
    echo_s32,     echo_s64,     echo_f32,   echo_f64,    echo_char,   echo_string,  echo_bytes,
    echo_bools,   echo_s8s,     echo_u32s,  echo_s64s,   echo_f32s,   echo_f64s,    echo_chars,
    echo_strings, echo_lists,   echo_point, echo_points, echo_people, echo_tuple,   echo_shapes,
    echo_colors,  echo_few,     echo_nine,  echo_most,   echo_option, echo_options, echo_result,
    echo_results, echo_nothing, echo_many,  sum,         reverse,     weigh,        next_color,
    invert,       digest,       fill,       fill_text,
};

/* ---- calls ---- */

#define C(name) test_conformance_calls_##name

static loop_error *who(void *self, loop_call *call, C(caller) * ret)
{
    (void)self;
    ret->component = loop_string_of(loop_call_component(call));
    ret->identity = loop_string_of(loop_call_identity(call));
    ret->instance = loop_call_instance(call);
    ret->storage = loop_call_storage(call, &ret->storage_why);
    return NULL;
}

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static loop_error *wait_ms(void *self, loop_call *call, uint32_t ms, C(result_u32_reason) * ret)
{
    (void)self;
    uint64_t until = now_ms() + ms;
    ret->of.ok = ms;
    while (now_ms() < until && !ret->is_err) {
        loop_cancel_reason reason = loop_call_cancelled(call, NULL);
        ret->is_err = reason != LOOP_CANCEL_NONE;
        if (ret->is_err)
            ret->of.error = (C(reason))reason;
        else
            nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    return NULL;
}

static loop_error *fault(void *self, loop_call *call, loop_string code, loop_list_string messages,
                         const loop_option_string *hint)
{
    (void)self, (void)call;
    loop_error *e = NULL;
    loop_code c = LOOP_UNAVAILABLE;
    for (int i = LOOP_USAGE; i <= LOOP_CONFIG; i++)
        if (loop_string_is(code, loop_code_name((loop_code)i)))
            c = (loop_code)i;
    for (size_t i = messages.len; i--;) {
        int len = (int)messages.ptr[i].len;
        e = e ? loop_error_wrap(e, "%.*s", len, messages.ptr[i].ptr)
              : loop_error_new(c, "%.*s", len, messages.ptr[i].ptr);
    }
    if (hint->is_some)
        e = loop_error_hint_set(e, "%.*s", (int)hint->value.len, hint->value.ptr);
    return e;
}

static loop_error *refuse(void *self, loop_call *call, loop_string why, C(result_u32_string) * ret)
{
    (void)self, (void)call;
    ret->is_err = true;
    ret->of.error = why;
    return NULL;
}

static loop_error *say(void *self, loop_call *call, C(level) level, loop_string message,
                       loop_string field, int64_t value)
{
    (void)self;
    const loop_log_field row = {.name =
                                    loop_call_format(call, "%.*s", (int)field.len, field.ptr).ptr,
                                .kind = LOOP_LOG_INTEGER,
                                .of.integer = value};
    const loop_log_entry entry = {
        .level = (loop_log_level)level,
        .target = "conformance",
        .message = loop_call_format(call, "%.*s", (int)message.len, message.ptr).ptr,
        .fields = &row,
        .field_count = 1,
    };
    services->log(services->host, &entry);
    return NULL;
}

static loop_error *print(void *self, loop_call *call, loop_string text)
{
    (void)self, (void)call;
    printf("%.*s\n", (int)text.len, text.ptr);
    return NULL;
}

static loop_error *option_text(void *self, loop_call *call, loop_string name,
                               loop_option_string *ret)
{
    (void)self;
    const char *text = services->option(
        services->host, loop_call_format(call, "%.*s", (int)name.len, name.ptr).ptr);
    ret->is_some = text != NULL;
    if (text)
        ret->value = loop_string_of(text);
    return NULL;
}

static loop_error *twice(void *self, loop_call *call, uint32_t n, uint32_t *ret)
{
    (void)self;
    uint32_t first = 0, second = 0;
    loop_error *e = C(next_once)(call, n, &first);
    if (!e)
        e = C(next_once)(call, n + 1, &second);
    *ret = first + second;
    return e;
}

static loop_error *try_once(void *self, loop_call *call, uint32_t n, C(result_u32_string) * ret)
{
    (void)self;
    loop_error *e = C(next_once)(call, n, &ret->of.ok);
    if (e) {
        ret->is_err = true;
        ret->of.error = loop_string_of(loop_code_name(loop_error_code(e)));
        loop_error_delete(e);
    }
    return NULL;
}

static loop_error *open_item(void *self, loop_call *call, loop_string name, C(item) * *ret)
{
    (void)self;
    return C(next_open)(call, name, ret);
}

static loop_error *label(void *self, loop_call *call, C(item) * i, loop_string *ret)
{
    (void)self;
    loop_string of_next = {0};
    loop_error *e = C(next_label)(call, i, &of_next);
    if (!e)
        *ret = loop_call_format(call, "<%.*s>", (int)of_next.len, of_next.ptr);
    return e;
}

static loop_error *forget(void *self, loop_call *call, loop_string name)
{
    (void)self;
    C(item) *item = NULL;
    loop_error *e = C(next_open)(call, name, &item);
    if (!e)
        loop_sidecar_drop(item);
    return e;
}

static const C(functions) calls = {
    .who = who,
    .wait = wait_ms,
    .fault = fault,
    .refuse = refuse,
    .log = say,
    .print = print,
    .option_text = option_text,
    .twice = twice,
    .try_ = try_once,
    .open = open_item,
    .label = label,
    .forget = forget,
};

/* ---- things ---- */

#define T(name) test_conformance_things_##name

/* Functions run on several threads: what they share is counted with care. */
static atomic_uint objects;

struct test_conformance_things_thing {
    atomic_uint handles;
    size_t len;
    char name[];
};

static T(thing) * new_thing(const char *name, size_t len)
{
    T(thing) *t = calloc(1, sizeof *t + len + 1);
    if (!t)
        abort();
    memcpy(t->name, name, len);
    t->len = len;
    t->handles = 1;
    objects++;
    return t;
}

static void drop_thing(void *self, T(thing) * t)
{
    (void)self;
    if (--t->handles)
        return;
    objects--;
    free(t);
}

static void drop_other(void *self, T(other) * other)
{
    (void)self;
    objects--;
    free(other);
}

static loop_error *thing_name(void *self, loop_call *call, T(thing) * t, loop_string *ret)
{
    (void)self;
    *ret = loop_call_string(call, t->name, t->len);
    return NULL;
}

static loop_error *make(void *self, loop_call *call, loop_string name, T(thing) * *ret)
{
    (void)self, (void)call;
    *ret = new_thing(name.ptr, name.len);
    return NULL;
}

static loop_error *make_other(void *self, loop_call *call, T(other) * *ret)
{
    (void)self, (void)call;
    objects++;
    *ret = (T(other) *)calloc(1, 1);
    return NULL;
}

static loop_error *again(void *self, loop_call *call, T(thing) * t, T(thing) * *ret)
{
    (void)self, (void)call;
    t->handles++;
    *ret = t;
    return NULL;
}

static loop_error *names(void *self, loop_call *call, T(thing) * a, T(thing) * b, loop_string *ret)
{
    (void)self;
    *ret = loop_call_format(call, "%s+%s", a->name, b->name);
    return NULL;
}

static loop_error *make_many(void *self, loop_call *call, uint32_t n, T(list_own_thing) * ret)
{
    (void)self;
    T(thing) **all = loop_call_alloc(call, n * sizeof *all);
    for (uint32_t i = 0; i < n && all; i++) {
        char name[16];
        all[i] = new_thing(name, (size_t)snprintf(name, sizeof name, "%u", i));
    }
    *ret = (T(list_own_thing)){all, all ? n : 0};
    return NULL;
}

static loop_error *take(void *self, loop_call *call, T(thing) * t, loop_string *ret)
{
    *ret = loop_call_string(call, t->name, t->len);
    drop_thing(self, t);
    return NULL;
}

static loop_error *take_and_fail(void *self, loop_call *call, T(thing) * t)
{
    (void)call;
    drop_thing(self, t);
    return loop_error_new(LOOP_INTERNAL, "it was asked to fail");
}

static loop_error *live(void *self, loop_call *call, uint32_t *ret)
{
    (void)self, (void)call;
    *ret = objects;
    return NULL;
}

static const T(functions) things = {
    .thing_name = thing_name,
    .thing_make = make,
    .make_other = make_other,
    .again = again,
    .names = names,
    .make_many = make_many,
    .take = take,
    .take_and_fail = take_and_fail,
    .live = live,
    .thing_drop = drop_thing,
    .other_drop = drop_other,
};

/* ---- the provider ---- */

static loop_error *open_provider(const loop_services *given, void **ret_self)
{
    (void)ret_self;
    services = given;
    uint64_t mode = given->option_number(given->host, "mode");
    if (mode == 0)
        return NULL;
    loop_error *e = loop_error_new(mode == 1 ? LOOP_UNAVAILABLE : LOOP_INTERNAL, "it was asked to");
    return loop_error_hint_set(loop_error_wrap(e, "cannot work here"), "set mode to ready");
}

static loop_error *save(void *self, const loop_interface *interface, loop_pass pass,
                        loop_stream *to)
{
    (void)self;
    return interface == &test_conformance_state_interface ? conformance_save(pass, to) : NULL;
}

static loop_error *restore(void *self, const loop_interface *interface, loop_pass pass,
                           loop_stream *from)
{
    uint8_t byte;
    size_t n = 0;
    (void)self;
    if (interface == &test_conformance_state_interface)
        return conformance_restore(pass, from);
    loop_error *e = loop_stream_read(from, &byte, 1, &n);
    return e || !n ? e : loop_error_new(LOOP_INVALID, "a state of what holds nothing");
}

/* A thing is its name; an `other` stays where it is. */
static loop_error *save_object(void *self, const loop_interface *interface, size_t resource,
                               void *object, loop_stream *to)
{
    (void)self;
    const T(thing) *t = object;
    if (interface != &test_conformance_things_interface || resource != 0)
        return loop_error_new(LOOP_UNAVAILABLE, "it cannot be moved");
    return conformance_write_text(to, (loop_string){t->name, t->len});
}

static loop_error *restore_object(void *self, const loop_interface *interface, size_t resource,
                                  loop_stream *from, void **ret_object)
{
    (void)self;
    loop_string name;
    uint8_t *bytes;
    if (interface != &test_conformance_things_interface || resource != 0)
        return loop_error_new(LOOP_UNAVAILABLE, "it cannot be moved");
    loop_error *e = conformance_read_text(from, &name, &bytes);
    if (!e)
        *ret_object = new_thing(name.ptr, name.len);
    free(bytes);
    return e;
}

static const loop_provider_swap swap = {
    .copies = true,
    .resume = conformance_resume,
    .save = save,
    .restore = restore,
    .save_object = save_object,
    .restore_object = restore_object,
};

static const loop_provider provider = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "conformance",
    .summary = "what sidecar/conformance checks",
    .interfaces =
        (const loop_provider_interface[]){{&test_conformance_values_interface, &values},
                                          {&test_conformance_calls_interface, &calls},
                                          {&test_conformance_things_interface, &things},
                                          {&test_conformance_state_interface, &conformance_state},
                                          {NULL, NULL}},
    .threads = LOOP_THREADS_ANY,
    .options = (const loop_provider_option[]){{"text", "string", NULL, "hello", "any text"},
                                              {"mode", "enum", "ready|unavailable|broken", "ready",
                                               "whether it starts"},
                                              {"limit", "size", NULL, NULL, "any size"},
                                              {NULL, NULL, NULL, NULL, NULL}},
    .open = open_provider,
    .swap = &swap,
};

int main(void)
{
    return loop_sidecar_main(&provider, "1.0.0");
}
