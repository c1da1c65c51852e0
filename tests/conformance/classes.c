/* tests/conformance/classes.c: implements classes.h. */
#include "tests/conformance/classes.h"

#include "tests/conformance/suite.h"

/* The first that fits: what is more special stands before. */
static const struct class
{
    const char *name, *words[3];
} classes[] = {
    {"reenter", {"cannot enter component instance", "while the component is inside a call"}},
    {"leave", {"cannot leave component instance"}},
    {"allocation", {"realloc return"}},
    {"borrow", {"while borrowed", "borrow handles still remain"}},
    {"utf16", {"not UTF-16", "surrogate"}},
    {"utf8", {"not UTF-8", "utf-8"}},
    {"alignment", {"not aligned"}},
    {"bounds", {"beyond the end of its memory", "out of bounds"}},
    {"discriminant", {"passed case", "discriminant"}},
    {"char", {"as a char", "char"}},
    {"handle", {"handle", "cannot lift own resource"}},
    {"trap", {"unreachable"}},
};

/* Frames and functions have names that guests gave them. */
static bool is_place(const char *message)
{
    return lp_starts_with(message, "at ") || lp_starts_with(message, "in ");
}

const char *class_of(const loop_error *err)
{
    for (size_t i = 0; i < LP_COUNT(classes); i++)
        for (const loop_error *e = err; e; e = loop_error_cause(e))
            for (size_t w = 0; w < 3 && classes[i].words[w]; w++)
                if (!is_place(loop_error_message(e)) &&
                    strstr(loop_error_message(e), classes[i].words[w]))
                    return classes[i].name;
    return "none of the known ones";
}

void class_check(const char *what, const char *wanted, loop_error *err)
{
    if (!err) {
        suite_check(false, what, "expected an error of class %s, and there was none", wanted);
        return;
    }
    const char *got = class_of(err);
    loop_code code = loop_error_code(err);
    bool blamed = code == LOOP_TRAP || code == LOOP_UNAVAILABLE || code == LOOP_USAGE;
    lp_auto(lp_free_string) char *text = suite_text(err);
    suite_check(strcmp(got, wanted) == 0 && blamed, what, "expected %s, got %s with code '%s': %s",
                wanted, got, loop_code_name(code), text);
}
