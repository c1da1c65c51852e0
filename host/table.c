/*
 * host/table.c: whether a provider's table can be used at all.
 *
 * What generated code never gets wrong, and tables that were written by hand, built for another
 * loop, or filled in at run time may. Everything is looked at before the first call, so that a
 * mistake is an error with the provider's name and not a crash in somebody's component. Lists
 * end with an empty row; one that does not is stopped at a limit.
 *
 * What cannot be told here: where a pointer leads, and whether a type is that which a component
 * declares. The second is compared when it is linked (host/link.c).
 */
#include "base/option.h"
#include "host/internal.h"

/* Names that loop.yaml can say, and that look the same in every line of output. */
static bool is_name(const char *name)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    size_t n = name ? strnlen(name, LP_MAX_NAME) : 0;
    return n && n < LP_MAX_NAME && name[0] != '-' && name[0] != '.' && strspn(name, letters) >= n;
}

/* A text that is there and ends. */
static bool is_text(const char *text, size_t max)
{
    return text && strnlen(text, max) < max;
}

/* `(...)` or `(...)->...`, every bracket closed: what else it says, a component's must say, too. */
static bool is_type(const char *type)
{
    size_t n = type ? strnlen(type, LP_MAX_TABLE_TYPE) : 0, depth = 0, close = 0;
    if (n < 2 || n == LP_MAX_TABLE_TYPE || type[0] != '(')
        return false;
    for (size_t i = 0; i < n; i++) {
        char before = i ? type[i - 1] : 0;
        bool opens = strchr("({<", type[i]), closes = strchr(")}>", type[i]) && before != '-';
        if (closes && !depth)
            return false;
        depth += (size_t)opens - (size_t)closes;
        if (depth > 4 * LP_MAX_VALUE_DEPTH)
            return false;
        close = closes && !depth && !close ? i : close;
    }
    return !depth && (close == n - 1 || (strncmp(type + close, ")->", 3) == 0 && close + 3 < n));
}

static loop_error *too_many(const loop_provider *p, const char *what, int limit)
{
    return loop_error_hint_set(
        loop_error_new(LOOP_INVALID, "the provider '%s' has more than %d %s", p->name, limit, what),
        "is there an empty row at the end of them?");
}

/* ---- an interface ---- */

static loop_error *check_names(const loop_provider *p, const loop_interface *t)
{
    if (is_text(t->name, LP_MAX_NAME) && is_text(t->version, LP_MAX_NAME) && t->functions)
        return NULL;
    return loop_error_new(LOOP_INVALID, "the provider '%s' has an interface without a %s", p->name,
                          !is_text(t->name, LP_MAX_NAME)      ? "name"
                          : !is_text(t->version, LP_MAX_NAME) ? "version"
                                                              : "list of functions");
}

static loop_error *wrong_row(const loop_provider *p, const loop_interface *t, const char *name,
                             const char *what)
{
    return loop_error_hint_set(loop_error_new(LOOP_INVALID,
                                              "the provider '%s' has no %s for '%s' "
                                              "of '%s'",
                                              p->name, what, name, t->name),
                               "let `loop bindgen c-host` write the tables");
}

static loop_error *count_functions(const loop_provider *p, const loop_interface *t, size_t *ret)
{
    size_t n = 0;
    for (const loop_function *f = t->functions; f->name; f++)
        if (++n > LP_MAX_TABLE_ROWS)
            return too_many(p, "functions in an interface", LP_MAX_TABLE_ROWS);
    for (const loop_resource *r = t->resources; r && r->name; r++)
        if (++n > LP_MAX_TABLE_ROWS)
            return too_many(p, "functions in an interface", LP_MAX_TABLE_ROWS);
    *ret = n;
    return NULL;
}

/* A table of functions has a pointer for each row, and nothing else. */
static bool is_offset(size_t offset, size_t rows)
{
    return offset % sizeof(void (*)(void)) == 0 && offset / sizeof(void (*)(void)) < rows;
}

static loop_error *check_rows(const loop_provider *p, const loop_provider_interface *side)
{
    const loop_interface *t = side->interface;
    bool own = side->functions != NULL;
    size_t rows = 0;
    LP_TRY(count_functions(p, t, &rows));
    for (const loop_function *f = t->functions; f->name; f++) {
        if (!is_text(f->name, LP_MAX_NAME))
            return wrong_row(p, t, "a function", "short name");
        if (!is_type(f->type))
            return wrong_row(p, t, f->name, "type");
        if (own && (!f->call || !is_offset(f->offset, rows)))
            return wrong_row(p, t, f->name, "function");
    }
    for (const loop_resource *r = t->resources; r && r->name; r++) {
        if (!is_text(r->name, LP_MAX_NAME))
            return wrong_row(p, t, "a resource", "short name");
        if (own && (!r->drop || !is_offset(r->offset, rows)))
            return wrong_row(p, t, r->name, "drop");
    }
    return NULL;
}

static loop_error *check_side(const loop_provider *p, const loop_provider_interface *side)
{
    const loop_interface *t = side->interface;
    if (t->abi != LOOP_ABI)
        return loop_error_hint_set(
            loop_error_new(LOOP_INVALID,
                           "the provider '%s' has an interface for ABI %u; this host "
                           "has %u",
                           p->name, t->abi, LOOP_ABI),
            "generate it again with this host's `loop bindgen c-host`");
    LP_TRY(check_names(p, t));
    if (!side->functions && !p->call)
        return loop_error_new(LOOP_INVALID, "the provider '%s' has no functions for '%s'", p->name,
                              t->name);
    return check_rows(p, side);
}

static loop_error *check_sides(const loop_provider *p)
{
    size_t n = 0;
    for (const loop_provider_interface *i = p->interfaces; i && i->interface; i++) {
        if (++n > LP_MAX_TABLE_INTERFACES)
            return too_many(p, "interfaces", LP_MAX_TABLE_INTERFACES);
        LP_TRY(check_side(p, i));
        for (const loop_provider_interface *k = p->interfaces; k < i; k++)
            if (strcmp(k->interface->name, i->interface->name) == 0 &&
                strcmp(k->interface->version, i->interface->version) == 0)
                return loop_error_new(LOOP_INVALID, "the provider '%s' has '%s@%s' twice", p->name,
                                      i->interface->name, i->interface->version);
    }
    if (!n && !p->call)
        return loop_error_new(LOOP_INVALID, "the provider '%s' has neither interfaces nor 'call'",
                              p->name);
    return NULL;
}

/* ---- options ---- */

static loop_error *check_option(const loop_provider *p, const loop_provider_option *o)
{
    if (!is_name(o->name))
        return loop_error_new(LOOP_INVALID, "the provider '%s' has an option without a name",
                              p->name);
    if (!o->type || !lp_option_is_type(o->type) || (strcmp(o->type, "enum") == 0 && !o->values))
        return loop_error_new(LOOP_INVALID, "the provider '%s' has no type for its option '%s'",
                              p->name, o->name);
    lp_auto(lp_free_string) char *expected =
        o->fallback ? lp_option_expected(o->type, o->values, o->fallback) : NULL;
    if (expected)
        return loop_error_new(LOOP_INVALID,
                              "the provider '%s' falls back to %.64s for '%s': "
                              "expected %s",
                              p->name, o->fallback, o->name, expected);
    return NULL;
}

static loop_error *check_options(const loop_provider *p)
{
    size_t n = 0;
    for (const loop_provider_option *o = p->options; o && o->name; o++) {
        if (++n > LP_MAX_TABLE_OPTIONS)
            return too_many(p, "options", LP_MAX_TABLE_OPTIONS);
        LP_TRY(check_option(p, o));
        for (const loop_provider_option *k = p->options; k < o; k++)
            if (strcmp(k->name, o->name) == 0)
                return loop_error_new(LOOP_INVALID, "the provider '%s' has the option '%s' twice",
                                      p->name, o->name);
    }
    return NULL;
}

/* ---- swap ---- */

static loop_error *check_swap(const loop_provider *p)
{
    const loop_provider_swap *s = p->swap;
    if (s && s->copies && (!s->save || !s->restore))
        return loop_error_new(LOOP_INVALID,
                              "the provider '%s' copies its state without 'save' and 'restore'",
                              p->name);
    if (s && !s->save_object != !s->restore_object)
        return loop_error_new(LOOP_INVALID,
                              "the provider '%s' has one of 'save_object' and 'restore_object'",
                              p->name);
    return NULL;
}

/* ---- all of it ---- */

loop_error *lp_table_check(const loop_provider *p)
{
    if (p->abi != LOOP_PROVIDER_ABI)
        return loop_error_new(LOOP_INVALID, "a provider for ABI %u; this host has ABI %u", p->abi,
                              LOOP_PROVIDER_ABI);
    if (!is_name(p->name))
        return loop_error_new(LOOP_INVALID,
                              "a provider without a name of letters, digits, '-', '_', '.'");
    if (!is_text(p->summary, LP_MAX_TABLE_TEXT))
        return loop_error_new(LOOP_INVALID, "the provider '%s' has no summary", p->name);
    if (p->threads != LOOP_THREADS_ANY && p->threads != LOOP_THREADS_SERIAL)
        return loop_error_new(LOOP_INVALID, "the provider '%s' has no such 'threads': %d", p->name,
                              (int)p->threads);
    LP_TRY(check_sides(p));
    LP_TRY(check_options(p));
    return check_swap(p);
}
