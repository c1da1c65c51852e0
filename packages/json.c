/*
 * packages/json.c: jansson with limits.
 *
 * jansson takes some hundred bytes for each value, however short it is written, and nests two
 * thousand deep. So values and depth are counted before it sees the text: outside of strings,
 * each ',' and each bracket that opens is one more value.
 */
#include "packages/json.h"

static const char *too_much(const char *s, size_t len)
{
    size_t nodes = 1, depth = 0;
    bool text = false;
    for (size_t i = 0; i < len; i++) {
        char c = s[i];
        if (text) {
            i += c == '\\';
            text = c != '"';
            continue;
        }
        text = c == '"';
        nodes += c == ',' || c == '[' || c == '{';
        if (c == '[' || c == '{')
            depth++;
        else if ((c == ']' || c == '}') && depth)
            depth--;
        if (depth > LP_MAX_JSON_DEPTH)
            return "it is nested too deep";
        if (nodes > LP_MAX_JSON_NODES)
            return "it has too many values";
    }
    return NULL;
}

loop_error *lp_json_parse(const char *what, const void *bytes, size_t len, json_t **ret)
{
    const char *why = len > LP_MAX_JSON_BYTES ? "it is too large" : too_much(bytes, len);
    if (why)
        return loop_error_new(LOOP_LIMIT, "%s: %s", what, why);
    json_error_t error;
    json_t *j = json_loadb(len ? bytes : "", len, JSON_REJECT_DUPLICATES, &error);
    if (!j)
        return loop_error_new(LOOP_INVALID, "%s is no JSON: line %d, column %d: %s", what,
                              error.line, error.column, error.text);
    *ret = j;
    return NULL;
}

void lp_json_free(json_t **j)
{
    json_decref(*j);
}

const char *lp_json_text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}
