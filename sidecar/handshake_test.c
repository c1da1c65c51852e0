/*
 * sidecar/handshake_test.c: every message of sidecar/PROTOCOL.md by its type and by the functions
 * of handshake.h, and what a WELCOME may not say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sidecar/handshake.h"
#include "sidecar/types.h"
#include "tests/sidecar/protocol_page.h"

static lp_arena arena;

static int done(void **state)
{
    lp_arena_done(&arena);
    return 0;
}

/* ---- the page ---- */

/* The types of frames by name: number, and the type of the payload. */
struct row {
    unsigned number;
    char name[16], who[16], id[16], type[1024];
};

static struct row find_row(const page_block *b, const char *name)
{
    struct row r = {0};
    size_t len = strcspn(name, " ");
    for (size_t i = 0; i < b->n; i++)
        if (sscanf(b->at[i].text, "%x %15s %15s %15s %1023s", &r.number, r.name, r.who, r.id,
                   r.type) == 5 &&
            strlen(r.name) == len && strncmp(r.name, name, len) == 0)
            return r;
    fail_msg("no frame '%s' on the page", name);
    return r;
}

/* Number and name of each, and the types that this room has as text. */
static void page_types(void **state)
{
    static const struct {
        const char *name, *type;
    } rows[] = {
        {"WELCOME", LP_SIDE_TYPE_WELCOME},
        {"START", LP_SIDE_TYPE_START},
        {"CALLER", LP_SIDE_TYPE_CALLER},
        {"CALL", LP_SIDE_TYPE_CALL "+"},
        {"NEXT", LP_SIDE_TYPE_NEXT "+"},
        {"CANCEL", LP_SIDE_TYPE_CANCEL},
        {"DROP", LP_SIDE_TYPE_DROP},
        {"SAVE", LP_SIDE_TYPE_SAVE},
        {"RESTORE", LP_SIDE_TYPE_SAVE},
        {"SAVE-OBJECT", LP_SIDE_TYPE_SAVE_OBJECT},
        {"RESTORE-OBJECT", LP_SIDE_TYPE_RESTORE_OBJECT},
        {"LOG", LP_SIDE_TYPE_LOG},
        {"FAIL", "error"},
        {"FAULT", "error"},
        {"CREDIT", "u32"},
    };
    page_block b = page_read("frames");
    assert_true(b.n >= 22);
    for (size_t i = 0; i < b.n; i++) {
        struct row r = find_row(&b, strchr(b.at[i].text, ' ') + 1);
        const char *name = lp_side_type_name((uint8_t)r.number);
        assert_non_null(name);
        assert_string_equal(name, r.name);
    }
    for (unsigned t = 0, n = 0; t < 256; t++) {
        n += lp_side_type_name((uint8_t)t) != NULL;
        if (t == 255)
            assert_int_equal(n, b.n);
    }
    for (size_t i = 0; i < LP_COUNT(rows); i++)
        assert_string_equal(find_row(&b, rows[i].name).type, rows[i].type);
    page_done(&b);
}

/* A value of JSON as bytes behind what is there. */
static void add_value(lp_wire_out *o, const char *type, const char *text)
{
    const lp_node *n = page_type(&arena, type);
    assert_non_null(n);
    void *value = lp_arena_alloc(&arena, n->size + 1);
    json_t *j = page_json(text);
    if (!j || !value_of_json(&arena, n, j, value))
        fail_msg("%s is no %s", text, type);
    assert_null(lp_wire_write(o, n, value));
    json_decref(j);
}

/* "[1, 0] + (u32) [6]": a head of the frame's type, and values of a type of their own. */
static void add_payload(lp_wire_out *o, const char *type, char *text)
{
    char *plus = strstr(text, "+ (");
    char head[1024];
    snprintf(head, sizeof head, "%.*s", (int)strcspn(type, "+"), type);
    if (plus)
        *plus = 0;
    if (strcmp(head, "error") == 0)
        snprintf(head, sizeof head, "%s", LP_SIDE_TYPE_ERROR);
    if (strspn(text, " ") < strlen(text))
        add_value(o, head, text);
    if (plus) {
        char *from = plus + 3, *end = strchr(from, ')');
        char *tuple = lp_format("tuple<%.*s>", (int)(end - from), from);
        add_value(o, tuple, end + 1);
        free(tuple);
    }
}

/* Every message, written from what the page says of it. */
static void page_messages(void **state)
{
    page_block frames = page_read("frames"), b = page_read("messages");
    assert_true(b.n >= 22);
    for (size_t i = 0; i < b.n; i++) {
        page_line *l = &b.at[i];
        struct row r = find_row(&frames, l->parts[0]);
        uint8_t header[LP_SIDE_HEADER];
        lp_wire_out o = {0};
        if (l->count == 3)
            add_payload(&o, r.type, l->parts[1]);
        assert_true(l->len >= sizeof header);
        assert_int_equal(o.len, l->len - sizeof header);
        if (o.len)
            assert_memory_equal(o.ptr, l->bytes + sizeof header, o.len);
        lp_side_header(header, (uint8_t)r.number, 0, (uint32_t)atoi(l->parts[0] + strlen(r.name)),
                       o.len);
        assert_memory_equal(header, l->bytes, sizeof header);
        free(o.ptr);
    }
    page_done(&frames);
    page_done(&b);
}

static page_block messages;

static lp_side_frame example(const char *name)
{
    for (size_t i = 0; i < messages.n; i++)
        if (strcmp(messages.at[i].parts[0], name) == 0)
            return (lp_side_frame){.payload = messages.at[i].bytes + LP_SIDE_HEADER,
                                   .len = messages.at[i].len - LP_SIDE_HEADER};
    fail_msg("the page has no %s", name);
    return (lp_side_frame){0};
}

static void is_example(const char *name, lp_wire_out *o)
{
    lp_side_frame f = example(name);
    assert_int_equal(o->len, f.len);
    assert_memory_equal(o->ptr, f.payload, f.len);
    free(o->ptr);
    *o = (lp_wire_out){0};
}

/* What the host writes, by its own functions. */
static void writers(void **state)
{
    lp_wire_out o = {0};
    static const char *const options[] = {"sides", "20", NULL};
    const lp_side_start start = {.host = "loop 0.1.0",
                                 .protocol = 1,
                                 .capabilities = LP_SIDE_CAN_CANCEL,
                                 .credit = 4u << 20,
                                 .deadline_ms = 5000,
                                 .log = LOOP_LOG_INFO,
                                 .options = options};
    assert_null(lp_side_start_write(&start, &o));
    is_example("START 0", &o);
    const lp_side_caller caller = {.component = "notes",
                                   .identity = "acme:notes",
                                   .instance = 7,
                                   .storage = 16u << 20,
                                   .storage_why = {"", 0}};
    assert_null(lp_side_caller_write(&caller, &o));
    is_example("CALLER 1", &o);
    assert_null(lp_side_call_write(&o, 1, 0, 0, 5000, 0));
    assert_null(lp_wire_number(&o, 6));
    is_example("CALL 2", &o);
    assert_null(lp_side_cancel_write(&o, LOOP_CANCEL_DEADLINE, 250));
    is_example("CANCEL 4", &o);
    assert_null(lp_side_drop_write(&o, &(lp_side_drop){0, 0, 3}));
    is_example("DROP 0", &o);
    assert_null(lp_side_save_write(&o, 0, LOOP_PASS_WHOLE));
    is_example("SAVE 10", &o);
    assert_null(lp_side_save_write(&o, 1, LOOP_PASS_COPY));
    is_example("SAVE 18", &o);
    assert_null(lp_side_save_write(&o, 300, LOOP_PASS_REST));
    is_example("RESTORE 12", &o);
    assert_null(lp_side_save_object_write(&o, &(lp_side_drop){0, 1, 301}));
    is_example("SAVE-OBJECT 14", &o);
    assert_null(lp_side_restore_object_write(&o, 0, 1));
    is_example("RESTORE-OBJECT 16", &o);
    loop_error *e =
        loop_error_wrap(loop_error_new(LOOP_UNAVAILABLE, "no such device"), "cannot reach the die");
    e = loop_error_hint_set(e, "plug it in");
    assert_null(lp_side_error_write(e, &o));
    is_example("FAIL 0", &o);
    loop_error_delete(e);
}

static void an_identity_is_not_cut(void **state)
{
    char *text = lp_arena_alloc(&arena, LP_MAX_IDENTITY + 2);
    memset(text, 'i', LP_MAX_IDENTITY);
    lp_side_caller caller = {.component = "notes", .identity = text, .storage_why = {"", 0}};
    lp_wire_out o = {0};
    assert_null(lp_side_caller_write(&caller, &o));
    assert_true(o.len > LP_MAX_IDENTITY);
    text[LP_MAX_IDENTITY] = 'i';
    loop_error *e = lp_side_caller_write(&caller, &o);
    assert_int_equal(loop_error_code(e), LOOP_LIMIT);
    loop_error_delete(e);
    free(o.ptr);
}

/* What a sidecar writes, as the host reads it. */
static void readers(void **state)
{
    lp_side_frame f = example("FAIL 0");
    loop_error *e = NULL;
    assert_null(lp_side_error_read(f.payload, f.len, &e));
    assert_int_equal(loop_error_code(e), LOOP_UNAVAILABLE);
    assert_string_equal(loop_error_message(e), "cannot reach the die");
    assert_string_equal(loop_error_message(loop_error_cause(e)), "no such device");
    assert_string_equal(loop_error_hint(e), "plug it in");
    loop_error_delete(e);

    lp_side_next next;
    f = example("NEXT 1");
    lp_wire_in in = {.at = f.payload, .end = f.payload + f.len};
    assert_null(lp_side_next_read(&in, &next));
    assert_true(next.call == 2 && next.interface == 0 && next.function == 0 && *in.at == 6);

    lp_side_drop drop;
    f = example("DROP 0");
    assert_null(lp_side_drop_read(f.payload, f.len, &drop));
    assert_true(drop.interface == 0 && drop.resource == 0 && drop.handle == 3);

    uint64_t n;
    f = example("RESULT 16");
    assert_null(lp_side_handle_read(f.payload, f.len, &n));
    assert_int_equal(n, 7);
    static const char *const no_handles[] = {"", "\0", "\x08", "\x07\x01",
                                             "\x81\x80\x80\x80\x80\x80\x80\x10"};
    static const size_t lengths[] = {0, 1, 1, 2, 8};
    for (size_t i = 0; i < LP_COUNT(no_handles); i++) {
        e = lp_side_handle_read((const uint8_t *)no_handles[i], lengths[i], &n);
        assert_int_equal(loop_error_code(e), LOOP_UNAVAILABLE);
        loop_error_delete(e);
    }
    f = example("CREDIT 0");
    assert_null(lp_side_credit_read_frame(&f, &n));
    assert_int_equal(n, 2097152);

    loop_log_entry log;
    f = example("LOG 2");
    assert_null(lp_side_log_read(&arena, f.payload, f.len, &log));
    assert_int_equal(log.level, LOOP_LOG_WARN);
    assert_string_equal(log.target, "dice");
    assert_string_equal(log.message, "worn");
    assert_int_equal(log.field_count, 1);
    assert_string_equal(log.fields[0].name, "edge");
    assert_true(log.fields[0].kind == LOOP_LOG_INTEGER && log.fields[0].of.integer == 3);
    /* A byte less, a byte more. */
    e = lp_side_log_read(&arena, f.payload, f.len - 1, &log);
    assert_int_equal(loop_error_code(e), LOOP_UNAVAILABLE);
    loop_error_delete(e);
    e = lp_side_drop_read((const uint8_t *)"\0\0\x03\x01", 4, &drop);
    assert_int_equal(loop_error_code(e), LOOP_UNAVAILABLE);
    loop_error_delete(e);
}

static void an_error_without_a_message(void **state)
{
    static const char *const rows[] = {
        "{\"code\": \"internal\", \"messages\": [], \"hint\": null}",
        "{\"code\": \"internal\", \"messages\": "
        "[\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\","
        "\"\",\"\",\"\",\"\",\"\",\"\"], \"hint\": null}",
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        lp_wire_out o = {0};
        loop_error *got = NULL;
        add_value(&o, LP_SIDE_TYPE_ERROR, rows[i]);
        loop_error *e = lp_side_error_read(o.ptr, o.len, &got);
        assert_int_equal(loop_error_code(e), LOOP_UNAVAILABLE);
        assert_null(got);
        loop_error_delete(e);
        free(o.ptr);
    }
    /* A code that is none counts as unavailable; what would break a line becomes a space. */
    lp_wire_out o = {0};
    loop_error *got = NULL;
    add_value(&o, LP_SIDE_TYPE_ERROR,
              "{\"code\": \"on-fire\", \"messages\": [\"a\\nb\\u001b[31m\"], \"hint\": null}");
    assert_null(lp_side_error_read(o.ptr, o.len, &got));
    assert_int_equal(loop_error_code(got), LOOP_UNAVAILABLE);
    assert_string_equal(loop_error_message(got), "a b [31m");
    loop_error_delete(got);
    free(o.ptr);
}

/* ---- WELCOME ---- */

static void welcome(void **state)
{
    lp_side_frame f = example("WELCOME 0");
    lp_side_welcome w;
    assert_null(lp_side_welcome_read(&arena, f.payload, f.len, &w));
    assert_int_equal(w.protocol, 1);
    assert_string_equal(w.name, "dice");
    assert_string_equal(w.version, "0.1.0");
    assert_int_equal(w.credit, 4194304);
    assert_int_equal(w.calls, 1);
    assert_int_equal(w.capabilities, LP_SIDE_CAN_CANCEL);
    assert_int_equal(w.option_count, 1);
    assert_string_equal(w.options[0].name, "sides");
    assert_string_equal(w.options[0].fallback, "6");
    assert_null(w.options[0].values);
    assert_int_equal(w.interface_count, 1);
    const lp_side_interface *s = &w.interfaces[0];
    assert_string_equal(s->rows->name, "acme:dice/roller");
    assert_string_equal(s->rows->version, "0.1.0");
    assert_string_equal(s->rows->functions[0].name, "roll");
    assert_string_equal(s->rows->functions[0].type, "(u32)->u32");
    assert_null(s->rows->functions[1].name);
    assert_null(s->rows->resources[0].name);
    assert_true(s->functions[0].implemented && s->functions[0].plan->result->size == 4);
    lp_side_welcome_done(&w);
}

/* A later version appends fields: what is behind those that are known is not read. */
static void a_later_welcome(void **state)
{
    lp_side_frame f = example("WELCOME 0");
    lp_side_welcome w;
    uint8_t *more = lp_arena_alloc(&arena, f.len + 5);
    memcpy(more, f.payload, f.len);
    memset(more + f.len, 0xff, 5);
    assert_null(lp_side_welcome_read(&arena, more, f.len + 5, &w));
    lp_side_welcome_done(&w);
}

#define BASE                                                                                       \
    "{\"magic\": \"loop-sidecar\", \"protocols\": [3, 1], \"name\": \"dice\", \"version\": \"\", " \
    "\"summary\": \"\", \"dev-only\": false, \"credit\": 2097152, \"calls\": 0, "                  \
    "\"capabilities\": "                                                                           \
    "[\"cancel\", \"levitate\"], \"options\": [OPTIONS], \"interfaces\": [INTERFACES]}"

/* BASE with `from` replaced. */
static loop_error *say(const char *from, const char *to, lp_side_welcome *w)
{
    lp_buf b = {0};
    for (const char *at = BASE; *at;) {
        static const char *const empty[] = {"OPTIONS", "INTERFACES"};
        size_t skip = 0;
        if (strncmp(at, from, strlen(from)) == 0) {
            lp_buf_puts(&b, to);
            skip = strlen(from);
        }
        for (size_t i = 0; i < 2 && !skip; i++)
            if (strncmp(at, empty[i], strlen(empty[i])) == 0)
                skip = strlen(empty[i]);
        if (!skip)
            lp_buf_add(&b, at, 1);
        at += skip ? skip : 1;
    }
    lp_wire_out o = {0};
    add_value(&o, LP_SIDE_TYPE_WELCOME, b.ptr);
    loop_error *e = lp_side_welcome_read(&arena, o.ptr, o.len, w);
    free(o.ptr);
    lp_buf_done(&b);
    return e;
}

#define FUNCTION(name, type)                                                                       \
    "{\"name\": \"" name "\", \"type\": \"" type "\", \"implemented\": true}"
#define INTERFACE(name, version, functions, resources)                                             \
    "{\"name\": \"" name "\", \"version\": \"" version "\", \"functions\": [" functions            \
    "], \"resources\": [" resources "]}"
#define OPTION(name, type, values)                                                                 \
    "{\"name\": \"" name "\", \"type\": \"" type "\", \"values\": \"" values                       \
    "\", \"fallback\": null, \"help\": \"\"}"

static void welcomes_refused(void **state)
{
    static const struct {
        const char *from, *to, *what;
    } rows[] = {
        {"loop-sidecar", "loop-sidecat", "loop-sidecar"},
        {"[3, 1]", "[]", "version"},
        {"[3, 1]", "[2, 3]", "version 2, 3"},
        {"[3, 1]", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "17 versions"},
        {"dice", "", "no name"},
        {"dice", "a b", "no name"},
        {"dice", "../x", "no name"},
        {"2097152", "2097151", "2097151"},
        {"2097152", "67108865", "67108865"},
        {"OPTIONS", OPTION("a", "string", "") "," OPTION("a", "bool", ""), "'a' twice"},
        {"OPTIONS", OPTION("a", "text", ""), "'text'"},
        {"OPTIONS", OPTION("a", "enum", ""), "'enum'"},
        {"OPTIONS", OPTION("a", "bool", "x"), "'bool'"},
        {"OPTIONS", OPTION("a b", "bool", ""), "no name"},
        {"INTERFACES", INTERFACE("acme:dice", "", "", ""), "no name"},
        {"INTERFACES", INTERFACE("roller", "", "", ""), "no name"},
        {"INTERFACES", INTERFACE("acme:dice/roller@0.1.0", "", "", ""), "no name"},
        {"INTERFACES", INTERFACE("a:b/c", "1.0 beta", "", ""), "a version"},
        {"INTERFACES", INTERFACE("a:b/c", "", "", "") "," INTERFACE("a:b/c", "", "", ""),
         "'a:b/c' twice"},
        {"INTERFACES",
         INTERFACE("a:b/c", "1", "", "\"r\"") "," INTERFACE("a:b/c", "2", "", "\"r\""),
         "'a:b/c' twice"},
        {"INTERFACES", INTERFACE("a:b/c", "", FUNCTION("f", "(u33)"), ""), "'f'"},
        {"INTERFACES", INTERFACE("a:b/c", "", FUNCTION("f", "()") "," FUNCTION("f", "()"), ""),
         "function 'f' twice"},
        {"INTERFACES", INTERFACE("a:b/c", "", FUNCTION("", "()"), ""), "no name"},
        {"INTERFACES", INTERFACE("a:b/c", "", "", "\"r\", \"r\""), "resource 'r' twice"},
        {"INTERFACES", INTERFACE("a:b/c", "", "", "\"r.x\""), "no name"},
        {"INTERFACES", INTERFACE("a:b/c", "", FUNCTION("f", "(own<a:b/d.r>)"), "\"r\""),
         "'a:b/d.r'"},
        {"INTERFACES", INTERFACE("a:b/c", "", FUNCTION("f", "(own<r>)"), "\"r\""), "'r'"},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        lp_side_welcome w;
        loop_error *e = say(rows[i].from, rows[i].to, &w);
        if (!e)
            fail_msg("it is taken: %s", rows[i].to);
        bool said = false;
        for (const loop_error *c = e; c; c = loop_error_cause(c))
            said |= strstr(loop_error_message(c), rows[i].what) != NULL;
        if (!said)
            fail_msg("%s: '%s'", rows[i].to, loop_error_message(e));
        loop_error_delete(e);
    }
}

static void welcomes_taken(void **state)
{
    static const struct {
        const char *from, *to;
    } rows[] = {
        {"dice", "dice-2.c_x"},
        {"OPTIONS", OPTION("a", "enum", "x|y") "," OPTION("b", "path", "")},
        {"INTERFACES", INTERFACE("a:b/c", "1", "", "\"r\"") "," INTERFACE(
                           "a:b/c", "2", FUNCTION("f", "(own<a:b/c.r>)"), "")},
        {"INTERFACES",
         INTERFACE("a:b/c", "1.0.0-rc.1+x",
                   FUNCTION("[method]r.get", "(borrow<a:b/c.r>)->option<u8>"), "\"r\"")},
        {"INTERFACES", INTERFACE("a:b/c", "", FUNCTION("f", "(own<a:b/d.r>)"),
                                 "") "," INTERFACE("a:b/d", "", "", "\"r\"")},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        lp_side_welcome w;
        loop_error *e = say(rows[i].from, rows[i].to, &w);
        if (e)
            fail_msg("%s: %s", rows[i].to, loop_error_message(e));
        assert_int_equal(w.capabilities, LP_SIDE_CAN_CANCEL); /* what nobody knows is fine */
        for (size_t k = 0; k < w.resources.n; k++) {
            size_t interface;
            assert_int_equal(lp_side_welcome_resource(&w, w.resources.at[k], &interface), 0);
        }
        lp_side_welcome_done(&w);
    }
}

/* `part` n times, with commas. */
static void is_limit(const char *from, const char *front, const char *part, size_t n,
                     const char *back, loop_code want)
{
    lp_buf b = {0};
    lp_side_welcome w = {0};
    lp_buf_puts(&b, front);
    for (size_t i = 0; i < n; i++) {
        lp_buf_puts(&b, i ? "," : "");
        lp_buf_printf(&b, part, (unsigned)i);
    }
    lp_buf_puts(&b, back);
    loop_error *e = say(from, b.ptr, &w);
    if ((e ? loop_error_code(e) : LOOP_OK) != want)
        fail_msg("%zu of %s: %s", n, part, e ? loop_error_message(e) : "taken");
    if (!e)
        lp_side_welcome_done(&w);
    loop_error_delete(e);
    lp_buf_done(&b);
}

static void welcome_limits(void **state)
{
    static const char interface[] =
        "{\"name\": \"a:b/c%u\", \"version\": \"\", \"functions\": [], \"resources\": []}";
    static const char function[] = "{\"name\": \"f%u\", \"type\": \"()\", \"implemented\": false}";
    static const char option[] = "{\"name\": \"o%u\", \"type\": \"bool\", \"values\": \"\", "
                                 "\"fallback\": null, \"help\": \"\"}";
    static const char front[] = "{\"name\": \"a:b/c\", \"version\": \"\", \"functions\": [";
    static const char resources[] =
        "{\"name\": \"a:b/c\", \"version\": \"\", \"functions\": [], \"resources\": [";
    is_limit("INTERFACES", "", interface, LP_MAX_SIDE_INTERFACES, "", LOOP_OK);
    is_limit("INTERFACES", "", interface, LP_MAX_SIDE_INTERFACES + 1, "", LOOP_LIMIT);
    is_limit("INTERFACES", front, function, LP_MAX_SIDE_FUNCTIONS, "], \"resources\": []}",
             LOOP_OK);
    is_limit("INTERFACES", front, function, LP_MAX_SIDE_FUNCTIONS + 1, "], \"resources\": []}",
             LOOP_LIMIT);
    is_limit("INTERFACES", resources, "\"r%u\"", LP_MAX_SIDE_RESOURCES, "]}", LOOP_OK);
    is_limit("INTERFACES", resources, "\"r%u\"", LP_MAX_SIDE_RESOURCES + 1, "]}", LOOP_LIMIT);
    is_limit("OPTIONS", "", option, LP_MAX_SIDE_OPTIONS, "", LOOP_OK);
    is_limit("OPTIONS", "", option, LP_MAX_SIDE_OPTIONS + 1, "", LOOP_LIMIT);
    is_limit("\"cancel\", ", "", "\"c%u\"", LP_MAX_SIDE_CAPABILITIES - 1, ",", LOOP_OK);
    is_limit("\"cancel\", ", "", "\"c%u\"", LP_MAX_SIDE_CAPABILITIES, ",", LOOP_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(page_types, done),
        cmocka_unit_test_teardown(page_messages, done),
        cmocka_unit_test_teardown(writers, done),
        cmocka_unit_test_teardown(an_identity_is_not_cut, done),
        cmocka_unit_test_teardown(readers, done),
        cmocka_unit_test_teardown(an_error_without_a_message, done),
        cmocka_unit_test_teardown(welcome, done),
        cmocka_unit_test_teardown(a_later_welcome, done),
        cmocka_unit_test_teardown(welcomes_refused, done),
        cmocka_unit_test_teardown(welcomes_taken, done),
        cmocka_unit_test_teardown(welcome_limits, done),
    };
    messages = page_read("messages");
    int failed = cmocka_run_group_tests_name("handshake", tests, NULL, NULL);
    page_done(&messages);
    return failed;
}
