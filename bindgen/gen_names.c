/*
 * bindgen/gen_names.c: names in C of names in WIT.
 *
 * A WIT name is unique in its scope whatever the case of its letters, so lower
 * case loses nothing; `-`, and what joins names, becomes `_`, which may make two
 * names one. The first to claim a name has it, the next gets a `_` behind, in the
 * order of the WIT: the same WIT gives the same names.
 */
#include <ctype.h>
#include <stdlib.h>

#include "bindgen/gen.h"

/* ---- texts by text ---- */

static size_t hash(const char *s)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a */
    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 1099511628211u;
    return (size_t)(h ^ h >> 32);
}

static struct lp_gen_entry *slot(struct lp_gen_entry *at, size_t cap, const char *key)
{
    size_t i = hash(key) & (cap - 1);
    while (at[i].key && strcmp(at[i].key, key) != 0)
        i = (i + 1) & (cap - 1);
    return &at[i];
}

const char *lp_gen_map_get(const struct lp_gen_map *m, const char *key)
{
    return m->cap ? slot(m->at, m->cap, key)->value : NULL;
}

void lp_gen_map_set(struct lp_gen_map *m, const char *key, const char *value)
{
    if (m->n * 2 >= m->cap) {
        size_t cap = m->cap ? m->cap * 2 : 256;
        struct lp_gen_entry *at = lp_alloc(cap * sizeof *at);
        for (size_t i = 0; i < m->cap; i++)
            if (m->at[i].key)
                *slot(at, cap, m->at[i].key) = m->at[i];
        free(m->at);
        m->at = at;
        m->cap = cap;
    }
    struct lp_gen_entry *e = slot(m->at, m->cap, key);
    m->n += !e->key;
    *e = (struct lp_gen_entry){key, value};
}

void lp_gen_map_done(struct lp_gen_map *m)
{
    free(m->at);
    *m = (struct lp_gen_map){0};
}

/* ---- spelling ---- */

const char *lp_gen_text(struct lp_gen *g, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *s = lp_vformat(fmt, ap);
    va_end(ap);
    const char *kept = lp_arena_strndup(&g->arena, s, strlen(s));
    free(s);
    return kept;
}

static const char *spelt(struct lp_gen *g, const char *name, int (*letter)(int))
{
    char *s = lp_arena_strndup(&g->arena, name, strlen(name));
    for (char *p = s; *p; p++)
        *p = isalnum((unsigned char)*p) ? (char)letter((unsigned char)*p) : '_';
    return s;
}

const char *lp_gen_snake(struct lp_gen *g, const char *name)
{
    const char *end = name[0] == '[' ? strchr(name, ']') : NULL;
    return spelt(g, end && end[1] ? end + 1 : name, tolower);
}

const char *lp_gen_upper(struct lp_gen *g, const char *name)
{
    return spelt(g, name, toupper);
}

/*
 * Words of C and C++, up to C23 and C++23, and names that headers and compilers
 * define in lower case; each between spaces.
 */
static const char keywords[] =
    " alignas alignof and and_eq asm assert atomic_cancel auto bitand bitor bool break"
    " case catch char char16_t char32_t char8_t class co_await co_return co_yield compl"
    " complex concept const const_cast consteval constexpr constinit continue decltype"
    " default delete do double dynamic_cast else enum errno explicit export extern false"
    " float for friend goto i386 if inline int linux long mutable namespace new noexcept"
    " noreturn not not_eq nullptr offsetof operator or or_eq private protected public"
    " register reinterpret_cast requires restrict return short signed sizeof static"
    " static_assert static_cast stderr stdin stdout struct switch template this"
    " thread_local throw true try typedef typeid typename typeof typeof_unqual union unix"
    " unsigned using virtual void volatile wchar_t while xor xor_eq ";

static bool is_keyword(const char *name)
{
    size_t n = strlen(name);
    for (const char *at = keywords; n && (at = strstr(at, name)); at += n)
        if (at[-1] == ' ' && at[n] == ' ')
            return true;
    return false;
}

const char *lp_gen_claim(struct lp_gen *g, const char *scope, const char *name)
{
    if (is_keyword(name))
        name = lp_gen_text(g, "%s_", name);
    for (;;) {
        const char *key = lp_gen_text(g, "%s|%s", scope, name);
        if (!lp_gen_map_get(&g->names, key)) {
            lp_gen_map_set(&g->names, key, name);
            return name;
        }
        name = lp_gen_text(g, "%s_", name);
    }
}

/* ---- functions ---- */

const char *lp_gen_function(struct lp_gen *g, const struct lp_wit_function *f)
{
    const char *name = lp_gen_snake(g, f->name);
    return f->kind == LP_WIT_CONSTRUCTOR ? lp_gen_text(g, "%s_new", name) : name;
}

const char **lp_gen_params(struct lp_gen *g, const struct lp_wit_function *f)
{
    static const char *const taken[] = {"self", "call", "ret", "exports", "packed"};
    const char **names = lp_arena_alloc(&g->arena, (f->count + 1) * sizeof *names);
    const char *scope = lp_gen_text(g, "params %p", (const void *)names);
    for (size_t i = 0; i < LP_COUNT(taken); i++)
        lp_gen_claim(g, scope, taken[i]);
    for (size_t i = 0; i < f->count; i++) {
        bool self = i == 0 && f->kind == LP_WIT_METHOD;
        names[i] =
            lp_gen_claim(g, scope, lp_gen_snake(g, self ? f->resource->name : f->params[i].name));
    }
    return names;
}
