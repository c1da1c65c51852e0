/*
 * packages/name.c: names of packages, and wishes ("acme:ui@^1.2").
 *
 * A name is a namespace and a name, words of the WIT grammar joined by dashes. Capital letters,
 * which that grammar has for whole words, are not taken: names become folders and addresses, where
 * "ACME" and "acme" may be one.
 */
#include "packages/packages.h"

/* How much of `s` is words: "[a-z][a-z0-9]*" joined by single dashes. */
static size_t words(const char *s)
{
    size_t n = 0;
    for (;;) {
        if (s[n] < 'a' || s[n] > 'z')
            return 0;
        n += strspn(s + n, "abcdefghijklmnopqrstuvwxyz0123456789");
        if (s[n] != '-')
            return n <= LP_MAX_PACKAGE_WORD ? n : 0;
        n++;
    }
}

/* The length of the name that `s` begins with; 0: none. */
static size_t name_at(const char *s)
{
    size_t first = words(s);
    if (!first || s[first] != ':')
        return 0;
    size_t second = words(s + first + 1);
    return second ? first + 1 + second : 0;
}

loop_error *lp_package_name_check(const char *name)
{
    size_t n = name_at(name);
    if (n && !name[n])
        return NULL;
    return loop_error_hint_set(
        loop_error_new(LOOP_INVALID, "'%.*s' is no name of a package", LP_MAX_NAME, name),
        "a namespace and a name, lower case: 'acme:notes', 'acme:note-book2'; each at most %d "
        "characters",
        LP_MAX_PACKAGE_WORD);
}

bool loop_package_is_wish(const char *text)
{
    size_t n = name_at(text);
    return n && (!text[n] || text[n] == '@');
}

loop_error *lp_package_wish_parse(lp_arena *arena, const char *text, const char **ret_name,
                                  const char **ret_range)
{
    const char *at = strchr(text, '@');
    size_t n = at ? (size_t)(at - text) : strlen(text);
    if (n > 2 * LP_MAX_PACKAGE_WORD + 1)
        n = 2 * LP_MAX_PACKAGE_WORD + 2; /* too long, which the check says */
    const char *name = lp_arena_strndup(arena, text, n);
    LP_TRY(lp_package_name_check(name));
    const char *range = at ? at + 1 : "*";
    const lp_range *parsed;
    loop_error *e = lp_range_parse(arena, range, &parsed);
    if (e)
        return loop_error_wrap(e, "'%s' cannot be asked for", name);
    *ret_name = name;
    *ret_range = lp_arena_strndup(arena, range, strlen(range));
    return NULL;
}
