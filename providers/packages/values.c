/*
 * providers/packages/values.c: errors as values. A component sees what a person would read, without
 * hints, which are for whoever sits at this machine.
 */
#include <stdlib.h>

#include "providers/packages/packages.h"

uint8_t lp_packages_tag(const loop_error *e)
{
    switch (loop_error_code(e)) {
    case LOOP_UNAVAILABLE:
    case LOOP_TIMEOUT: return LOOP_CORE_TYPES_ERROR_UNAVAILABLE;
    case LOOP_DENIED: return LOOP_CORE_TYPES_ERROR_DENIED;
    case LOOP_INVALID:
    case LOOP_USAGE:
    case LOOP_NOT_FOUND: return LOOP_CORE_TYPES_ERROR_INVALID;
    case LOOP_LIMIT: return LOOP_CORE_TYPES_ERROR_LIMIT;
    case LOOP_CANCELLED: return LOOP_CORE_TYPES_ERROR_CANCELLED;
    default: return LOOP_CORE_TYPES_ERROR_FAILED;
    }
}

char *lp_packages_text(const loop_error *e)
{
    lp_buf b = {0};
    for (const loop_error *at = e; at; at = loop_error_cause(at))
        lp_buf_printf(&b, "%s%s", at == e ? "" : ": ", loop_error_message(at));
    return lp_buf_take(&b);
}

loop_core_types_error lp_packages_error(loop_call *call, loop_error *e)
{
    lp_auto(lp_free_string) char *text = lp_packages_text(e);
    loop_core_types_error value = {.tag = lp_packages_tag(e)};
    if (value.tag != LOOP_CORE_TYPES_ERROR_CANCELLED)
        value.of.failed = lp_packages_string(call, text);
    loop_error_delete(e);
    return value;
}

loop_string lp_packages_string(loop_call *call, const char *s)
{
    return loop_call_string(call, s, strlen(s));
}

const char *lp_packages_copy(loop_call *call, loop_string s)
{
    loop_string copy = loop_call_string(call, s.ptr ? s.ptr : "", s.len);
    return copy.ptr && strlen(copy.ptr) == s.len ? copy.ptr : NULL;
}

bool lp_packages_granted(loop_call *call, loop_string name, loop_core_types_error *ret)
{
    loop_string why;
    if (name.len > LP_MAX_NAME || (name.len && memchr(name.ptr, 0, name.len))) {
        ret->tag = LOOP_CORE_TYPES_ERROR_INVALID;
        ret->of.invalid = loop_string_of("a name that is none");
        return false;
    }
    if (loop_call_package(call, name, &why))
        return true;
    ret->tag = LOOP_CORE_TYPES_ERROR_DENIED;
    ret->of.denied = why;
    return false;
}

loop_core_types_error lp_packages_limit(loop_call *call, const char *what, unsigned most)
{
    return (loop_core_types_error){.tag = LOOP_CORE_TYPES_ERROR_LIMIT,
                                   .of.limit =
                                       loop_call_format(call, "more than %u %s", most, what)};
}
