/*
 * caller: the world host-side. It calls what the host implements with values of
 * its own and compares the answers (c/caller-values.c, c/caller-things.c); this
 * file is the interface check. What imports answer is not freed: an instance
 * lives for one round of checks.
 */
#include "caller.h"

#include <stdlib.h>
#include <string.h>

static char problem[120];

void expect(bool good, const char *what, size_t at)
{
    if (good || problem[0] != 0)
        return;
    char digits[12];
    size_t i = sizeof digits;
    digits[--i] = 0;
    do
        digits[--i] = (char)('0' + at % 10);
    while ((at /= 10) > 0);
    strcpy(problem, what);
    strcat(problem, ": row ");
    strcat(problem, digits + i);
}

bool same_string(const caller_string_t *a, const caller_string_t *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->ptr, b->ptr, a->len) == 0);
}

static bool is_named(const check *c, const caller_string_t *name)
{
    size_t len = strlen(c->name);
    if (len != name->len)
        return false;
    for (size_t i = 0; i < len; i++)
        if (name->ptr[i] != (c->name[i] == '_' ? '-' : c->name[i]))
            return false;
    return true;
}

static const check *find(const check *c, const caller_string_t *name)
{
    while (c->name != NULL && !is_named(c, name))
        c++;
    return c->name == NULL ? NULL : c;
}

static void append_names(caller_list_string_t *to, const check *c)
{
    for (; c->name != NULL; c++) {
        to->ptr = realloc(to->ptr, (to->len + 1) * sizeof *to->ptr);
        caller_string_t *name = &to->ptr[to->len++];
        caller_string_dup(name, c->name);
        for (size_t i = 0; i < name->len; i++)
            name->ptr[i] = name->ptr[i] == '_' ? '-' : name->ptr[i];
    }
}

void exports_loop_conformance_check_names(caller_list_string_t *ret)
{
    *ret = (caller_list_string_t){0};
    append_names(ret, value_checks);
    append_names(ret, thing_checks);
}

bool exports_loop_conformance_check_run(caller_string_t *name, caller_string_t *err)
{
    problem[0] = 0;
    const check *found = find(value_checks, name);
    found = found != NULL ? found : find(thing_checks, name);
    found = found != NULL ? found : find(on_request, name);
    if (found == NULL)
        strcpy(problem, "there is no check of that name");
    else
        found->run();
    caller_string_free(name);
    if (problem[0] != 0)
        caller_string_dup(err, problem);
    return problem[0] == 0;
}
