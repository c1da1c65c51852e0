/*
 * fx.h: what fx-tree.c and fx-leaf.c share: an answer that is built row by row, on the bindings
 * alone. WORLD is fx_tree or fx_leaf. Nothing is freed while an answer is built; what the bindings
 * free after the call is malloced, list by list.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOIN2(a, b) a##_##b
#define JOIN(a, b) JOIN2(a, b)
typedef JOIN(WORLD, string_t) text_t;
typedef exports_loop_fx_fibers_batch_t batch_t;
typedef exports_loop_fx_fibers_answer_t answer_t;
typedef exports_loop_fx_fibers_job_t job_t;
typedef exports_loop_fx_fibers_outcome_t outcome_t;
typedef loop_fx_types_element_t element_t;
typedef loop_fx_types_span_t span_t;

/* A table that grows. */
struct table {
    text_t names[64];
    size_t n_names;
    element_t *elements;
    uint32_t *children;
    loop_fx_types_callback_t *callbacks;
    uint8_t *bytes;
    size_t n_elements, n_children, n_callbacks, n_bytes;
    size_t cap_elements, cap_children, cap_callbacks, cap_bytes;
};

#define GROW(t, list, more)                                                                        \
    do {                                                                                           \
        if ((t)->n_##list + (more) > (t)->cap_##list) {                                            \
            (t)->cap_##list = ((t)->n_##list + (more)) * 2;                                        \
            (t)->list = realloc((t)->list, (t)->cap_##list * sizeof *(t)->list);                   \
        }                                                                                          \
    } while (0)

static uint32_t name_of(struct table *t, const char *s)
{
    for (size_t i = 0; i < t->n_names; i++)
        if (t->names[i].len == strlen(s) && memcmp(t->names[i].ptr, s, strlen(s)) == 0)
            return (uint32_t)i;
    t->names[t->n_names] = (text_t){(uint8_t *)strdup(s), strlen(s)};
    return (uint32_t)t->n_names++;
}

static span_t bytes_of(struct table *t, const void *p, size_t n)
{
    GROW(t, bytes, n);
    if (n)
        memcpy(t->bytes + t->n_bytes, p, n);
    t->n_bytes += n;
    return (span_t){(uint32_t)(t->n_bytes - n), (uint32_t)n};
}

static uint32_t element(struct table *t, uint8_t role, const char *function)
{
    GROW(t, elements, 1);
    element_t *e = &t->elements[t->n_elements];
    memset(e, 0, sizeof *e);
    e->role.tag = role;
    e->function = name_of(t, function);
    return (uint32_t)t->n_elements++;
}

/* A call with a number as its properties and, where it is not NULL, a key. */
__attribute__((unused)) static uint32_t call(struct table *t, const char *component,
                                             const char *function, const char *key, uint32_t number)
{
    uint32_t row = element(t, LOOP_FX_TYPES_ROLE_CALL, function);
    span_t k = bytes_of(t, key ? key : "", key ? strlen(key) : 0);
    span_t p = bytes_of(t, &number, sizeof number);
    t->elements[row].key = k;
    t->elements[row].properties = p;
    if (component) {
        t->elements[row].component.is_some = true;
        t->elements[row].component.val = name_of(t, component);
    }
    return row;
}

__attribute__((unused)) static void children(struct table *t, uint32_t parent, const uint32_t *rows,
                                             size_t n)
{
    GROW(t, children, n);
    memcpy(t->children + t->n_children, rows, n * sizeof *rows);
    t->elements[parent].children = (span_t){(uint32_t)t->n_children, (uint32_t)n};
    t->n_children += n;
}

static void table_to(struct table *t, loop_fx_types_table_t *ret)
{
    ret->names.len = t->n_names;
    ret->names.ptr = malloc(sizeof t->names);
    memcpy(ret->names.ptr, t->names, sizeof t->names);
    ret->elements.ptr = t->elements;
    ret->elements.len = t->n_elements;
    ret->children.ptr = t->children;
    ret->children.len = t->n_children;
    ret->callbacks.ptr = t->callbacks;
    ret->callbacks.len = t->n_callbacks;
    ret->bytes.ptr = t->bytes;
    ret->bytes.len = t->n_bytes;
}

static uint32_t number_of(const batch_t *b, span_t s)
{
    uint32_t n = 0;
    if (s.count == sizeof n)
        memcpy(&n, b->bytes.ptr + s.first, sizeof n);
    return n;
}

static bool is_function(const batch_t *b, const job_t *j, const char *s)
{
    const text_t *n = &b->names.ptr[j->function];
    return n->len == strlen(s) && memcmp(n->ptr, s, n->len) == 0;
}

/* An answer under way. */
static struct table out;
static exports_loop_fx_fibers_effect_t effects_out[64];
static loop_fx_types_typed_bytes_t cells_out[64];
static size_t n_effects, n_cells;

static void answer_begin(const batch_t *b, answer_t *ret)
{
    memset(&out, 0, sizeof out);
    memset(ret, 0, sizeof *ret);
    n_effects = n_cells = 0;
    ret->outcomes.ptr = calloc(b->jobs.len, sizeof *ret->outcomes.ptr);
    ret->outcomes.len = b->jobs.len;
}

static void answer_end(answer_t *ret)
{
    table_to(&out, &ret->tree);
    ret->effects.ptr = malloc(sizeof effects_out);
    memcpy(ret->effects.ptr, effects_out, sizeof effects_out);
    ret->effects.len = n_effects;
    ret->new_cells.ptr = malloc(sizeof cells_out);
    memcpy(ret->new_cells.ptr, cells_out, sizeof cells_out);
    ret->new_cells.len = n_cells;
}
