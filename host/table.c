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

/* ---- needs ---- */

static loop_error *wrong_need(const loop_provider *p, const loop_provider_need *n, const char *what)
{
    return loop_error_hint_set(
        loop_error_new(LOOP_INVALID, "the provider '%s' has a need %s", p->name, what),
        "its row is for '%.64s' of '%.64s'", is_text(n->function, LP_MAX_NAME) ? n->function : "?",
        is_text(n->interface_name, LP_MAX_NAME) ? n->interface_name : "?");
}

static bool has_function(const loop_provider *p, const loop_provider_need *n, bool *ret_interface)
{
    *ret_interface = false;
    for (const loop_provider_interface *i = p->interfaces; i && i->interface; i++) {
        if (strcmp(i->interface->name, n->interface_name) != 0)
            continue;
        *ret_interface = true;
        for (const loop_function *f = i->interface->functions; f->name; f++)
            if (strcmp(n->function, "*") == 0 || strcmp(n->function, f->name) == 0)
                return true;
    }
    return false;
}

static loop_error *check_need(const loop_provider *p, const loop_provider_need *n)
{
    bool own = n->need == LOOP_NEED_OWN, known;
    if (!is_text(n->interface_name, LP_MAX_NAME) || !is_text(n->function, LP_MAX_NAME))
        return wrong_need(p, n, "without a function");
    bool has = has_function(p, n, &known);
    if (!known)
        return wrong_need(p, n, "for an interface that it does not have");
    if (!has)
        return wrong_need(p, n, "for a function that its interface does not have");
    if ((unsigned)n->need > LOOP_NEED_OWN)
        return wrong_need(p, n, "of no known kind");
    if (own != (n->name != NULL) || (own && (!is_name(n->name) || strchr(n->name, '.'))))
        return wrong_need(p, n,
                          own ? "without a name of letters, digits, '-' and '_'"
                              : "with a name, which only its own have");
    if (!is_text(n->help, LP_MAX_TABLE_TEXT) || !*n->help)
        return wrong_need(p, n, "that does not say what it is for");
    return NULL;
}

/* Whatever is forgotten there would be for anybody. */
static loop_error *check_covered(const loop_provider *p, const loop_interface *t)
{
    for (const loop_function *f = t->functions; f->name; f++)
        if (!lp_need_of(p, t->name, f->name))
            return loop_error_hint_set(
                loop_error_new(LOOP_INVALID,
                               "the provider '%s' does not say what '%s' of '%s' needs", p->name,
                               f->name, t->name),
                "a row of `needs`; LOOP_NEED_NOTHING, with the reason, where anybody may call it");
    return NULL;
}

static loop_error *check_needs(const loop_provider *p)
{
    size_t n = 0;
    for (const loop_provider_need *i = p->needs; i && i->interface_name; i++) {
        if (++n > LP_MAX_TABLE_ROWS)
            return too_many(p, "needs", LP_MAX_TABLE_ROWS);
        LP_TRY(check_need(p, i));
        for (const loop_provider_need *k = p->needs; k < i; k++)
            if (strcmp(k->interface_name, i->interface_name) == 0 &&
                strcmp(k->function, i->function) == 0)
                return wrong_need(p, i, "twice");
    }
    for (const loop_provider_interface *i = p->interfaces; p->needs && i && i->interface; i++)
        LP_TRY(check_covered(p, i->interface));
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
    LP_TRY(check_swap(p));
    return check_needs(p);
}
