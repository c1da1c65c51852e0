/* api/log_test.c: what a log line looks like, and that nothing in it can steer a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/log.h"

#define WALL 1795435200123u /* 2026-11-23T12:00:00.123Z */

static const loop_log_field fields[] = {
    {"text", LOOP_LOG_TEXT, {.text = {"a \"b\"", 5}}},
    {"n", LOOP_LOG_INTEGER, {.integer = -7}},
    {"f", LOOP_LOG_FLOAT, {.number = 0.5}},
    {"yes", LOOP_LOG_BOOLEAN, {.boolean = true}},
};

static void check(const loop_log_entry *e, bool json, const char *want)
{
    lp_buf b = {0};
    lp_log_format(e, json, false, &b);
    assert_string_equal(b.ptr, want);
    lp_buf_done(&b);
}

static void text_and_json(void **state)
{
    (void)state;
    const loop_log_entry e = {LOOP_LOG_INFO, WALL, "notes", "store", "saved", fields, 4};
    check(&e, false,
          "12:00:00.123 info  notes/store: saved text=\"a \\\"b\\\"\" n=-7 f=0.5 yes=true\n");
    check(
        &e, true,
        "{\"time\":\"2026-11-23T12:00:00.123Z\",\"level\":\"info\",\"component\":\"notes\","
        "\"target\":\"store\",\"message\":\"saved\",\"fields\":{\"text\":\"a \\\"b\\\"\",\"n\":-7,"
        "\"f\":0.5,\"yes\":true}}\n");
}

/* Escape sequences, line breaks, C1 controls and broken UTF-8 never come out raw. */
static void hostile_text_is_escaped(void **state)
{
    (void)state;
    static const struct {
        const char *message, *want;
    } rows[] = {
        {"\033[2J", "\\x1b[2J"},
        {"a\nb", "a\\nb"},
        {"\xc2\x9b"
         "2J",
         "\\xc2\\x9b2J"},
        {"\xe2\x80\xaeright to left", "\\xe2\\x80\\xaeright to left"},
        {"\xff", "\\xff"},
        {"\x80", "\\x80"},
        {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
        {"bell\a", "bell\\x07"},
        {"\x7f", "\\x7f"},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        lp_auto(lp_free_string) char *want =
            lp_format("12:00:00.123 warn  loop: %s\n", rows[i].want);
        check(
            &(loop_log_entry){.level = LOOP_LOG_WARN, .wall_ms = WALL, .message = rows[i].message},
            false, want);
    }
}

/* A field looks like one, whatever its name and its text are. */
static void a_field_looks_like_one(void **state)
{
    (void)state;
    static const loop_log_field hostile[] = {
        {"user=root a", LOOP_LOG_TEXT, {.text = {"x\" b=\"y", 7}}},
        {"c", LOOP_LOG_TEXT, {.text = {"\\\" d", 4}}},
        {"", LOOP_LOG_BOOLEAN, {.boolean = false}},
    };
    check(&(loop_log_entry){LOOP_LOG_INFO, WALL, "notes", NULL, "m", hostile, 3}, false,
          "12:00:00.123 info  notes: m \"user=root a\"=\"x\\\" b=\\\"y\" c=\"\\\\\\\" d\" "
          "\"\"=false\n");
}

/* What JSON cannot say is said as null; every line stays one line. */
static void json_stays_json(void **state)
{
    (void)state;
    loop_log_field f = {"x", LOOP_LOG_FLOAT, {.number = 1e308 * 10}};
    const loop_log_entry e = {LOOP_LOG_ERROR, WALL, NULL, NULL, "a\nb\xff", &f, 1};
    check(&e, true,
          "{\"time\":\"2026-11-23T12:00:00.123Z\",\"level\":\"error\",\"component\":\"loop\","
          "\"message\":\"a\\nb\\ufffd\",\"fields\":{\"x\":null}}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_and_json),
        cmocka_unit_test(hostile_text_is_escaped),
        cmocka_unit_test(a_field_looks_like_one),
        cmocka_unit_test(json_stays_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
