/*
 * tests/fuzz/fuzz_bindgen.c: any JSON as the engine's description of a WIT package.
 *
 * The engine writes that JSON, but names, docs, counts and depths in it are those
 * of a stranger's file. What must hold: an error or two texts in UTF-8, each with
 * as many ends of comments as starts, and braces and quotes that close; an error
 * touches neither; the same input gives the same texts.
 */
#include <stdint.h>
#include <stdlib.h>

#include "bindgen/gen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define START "{\"main\":0,\"resolve\":{\"packages\":[{\"name\":\"a:b@1.0.0\"}],"
#define FUNCTION(name, kind, params, result)                                                       \
    "\"" name "\":{\"name\":\"" name "\",\"kind\":" kind ",\"params\":[" params                    \
    "],\"result\":" result ",\"docs\":{\"contents\":\"Does. */ /* x\\n\\n  y\"}}"

const char *const fuzz_seeds[] = {
    /* Records, variants, flags, lists in a table. */
    START "\"types\":[{\"name\":\"r\",\"kind\":{\"record\":{\"fields\":[{\"name\":\"default\","
          "\"type\":\"u8\"},{\"name\":\"b\",\"type\":1}]}},\"owner\":{\"interface\":0}},"
          "{\"name\":null,\"kind\":{\"list\":\"string\"},\"owner\":null},"
          "{\"name\":\"v\",\"kind\":{\"variant\":{\"cases\":[{\"name\":\"x\",\"type\":null},"
          "{\"name\":\"y\",\"type\":0}]}},\"owner\":{\"interface\":0}},"
          "{\"name\":null,\"kind\":{\"result\":{\"ok\":2,\"err\":null}},\"owner\":null},"
          "{\"name\":\"f\",\"kind\":{\"flags\":{\"flags\":[{\"name\":\"p\"},{\"name\":\"q\"}]}},"
          "\"owner\":{\"interface\":0}},{\"name\":null,\"kind\":{\"option\":4},\"owner\":null},"
          "{\"name\":null,\"kind\":{\"tuple\":{\"types\":[5,3,\"char\"]}},\"owner\":null}],"
          "\"interfaces\":[{\"name\":\"i\",\"package\":0,\"types\":{\"r\":0,\"v\":2,\"f\":4},"
          "\"functions\":{" FUNCTION("g", "\"freestanding\"",
                                     "{\"name\":\"p\",\"type\":6},{\"name\":\"ret\",\"type\":0}",
                                     "3") "}}],\"worlds\":[]}}",
    /* Resources, used by another interface and exported; a world's own function. */
    START
    "\"types\":[{\"name\":\"s\",\"kind\":\"resource\",\"owner\":{\"interface\":0}},"
    "{\"name\":null,\"kind\":{\"handle\":{\"borrow\":0}},\"owner\":null},"
    "{\"name\":\"t\",\"kind\":{\"type\":0},\"owner\":{\"interface\":1}},"
    "{\"name\":null,\"kind\":{\"handle\":{\"own\":2}},\"owner\":null},"
    "{\"name\":null,\"kind\":{\"list\":3},\"owner\":null}],"
    "\"interfaces\":[{\"name\":\"i\",\"package\":0,\"types\":{\"s\":0},\"functions\":{" FUNCTION(
        "[method]s.m", "{\"method\":0}", "{\"name\":\"self\",\"type\":1}",
        "\"u64\"") "}},{\"name\":\"j\",\"package\":0,\"types\":{\"t\":2},"
                   "\"functions\":{" FUNCTION(
                       "h", "\"freestanding\"", "{\"name\":\"a\",\"type\":3}",
                       "4") "}}],"
                            "\"worlds\":[{\"name\":\"w\",\"package\":0,\"imports\":{\"interface-"
                            "0\":{\"interface\":"
                            "{\"id\":0}},\"k\":{\"function\":{\"name\":\"k\",\"kind\":"
                            "\"freestanding\","
                            "\"params\":[]}}},\"exports\":{\"interface-0\":{\"interface\":{\"id\":"
                            "0}},"
                            "\"interface-1\":{\"interface\":{\"id\":1}}}}]}}",
    NULL,
};

static size_t count(const char *text, const char *piece)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, piece)); at += strlen(piece))
        n++;
    return n;
}

/* Comments and literals have none of these inside, so counting is enough. */
static void check(const char *text)
{
    if (!lp_utf8_valid(text, strlen(text)) || count(text, "/*") != count(text, "*/") ||
        count(text, "\"") % 2)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    loop_bindgen_options o = {.wit = "fuzz.wit", .world = size % 3 ? NULL : "w"};
    char *header = NULL, *source = NULL, *again = NULL, *too = NULL;
    loop_error *e = lp_gen_from_json(&o, (const char *)data, size, &header, &source);
    if (e) {
        if (header || source)
            abort();
        loop_error_delete(e);
        return 0;
    }
    check(header);
    check(source);
    e = lp_gen_from_json(&o, (const char *)data, size, &again, &too);
    if (e || strcmp(header, again) != 0 || strcmp(source, too) != 0)
        abort();
    free(header);
    free(source);
    free(again);
    free(too);
    return 0;
}
