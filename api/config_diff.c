/*
 * api/config_diff.c: loop_config_diff: what one profile says other than another,
 * for `loop config diff`.
 *
 * Both configurations become lists of rows (name, value, origin), sorted by name,
 * which are merged. Components are not compared: a profile cannot change them.
 */
#include <stdlib.h>
#include <string.h>

#include "api/config.h"
#include "base/text.h"

struct row {
    char *name, *value; /* lp_alloc'ed */
    const loop_origin *origin;
};

struct rows {
    struct row *at;
    size_t n, cap;
};

static char *links_text(const loop_binding *row)
{
    lp_buf b = {0};
    for (size_t i = 0; i < row->count; i++) {
        const loop_binding_link *link = &row->links[i];
        lp_buf_puts(&b, i ? " > " : "");
        if (link->sidecar)
            lp_buf_puts(&b, "sidecar");
        else if (link->component)
            lp_buf_printf(&b, "component %s", link->component);
        else
            lp_buf_puts(&b, link->provider ? link->provider : "library ");
        for (size_t k = 0; link->sidecar && link->sidecar[k]; k++)
            lp_buf_printf(&b, " %s", link->sidecar[k]);
        lp_buf_puts(&b, link->library ? link->library : "");
        for (size_t k = 0; link->options[k]; k += 2)
            lp_buf_printf(&b, "%s%s: %s", k ? ", " : " (", link->options[k], link->options[k + 1]);
        lp_buf_puts(&b, link->options[0] ? ")" : "");
    }
    return lp_buf_take(&b);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct row *)a)->name, ((const struct row *)b)->name);
}

static struct rows rows_of(const loop_config *c)
{
    struct rows r = {0};
    for (size_t i = 0; i < lp_option_count(); i++) {
        const char *key = loop_option_at(i)->key;
        if (strcmp(key, "profile") == 0) /* what is compared */
            continue;
        *lp_push(&r) = (struct row){lp_strdup(key), lp_strdup(c->values[i].text),
                                    *c->values[i].text ? &c->values[i].origin : NULL};
    }
    for (size_t i = 0; i < c->bindings.n; i++) {
        const loop_binding *row = c->bindings.at[i];
        *lp_push(&r) = (struct row){lp_format("bind %s%s%s", row->interface_name,
                                              row->component ? " for " : "",
                                              row->component ? row->component : ""),
                                    links_text(row), &row->origin};
    }
    qsort(r.at, r.n, sizeof *r.at, by_name);
    return r;
}

static void rows_done(struct rows *r)
{
    for (size_t i = 0; i < r->n; i++) {
        free(r->at[i].name);
        free(r->at[i].value);
    }
    free(r->at);
}

/* ---- one difference; a side that does not say it is NULL ---- */

static void side_text(lp_buf *b, const char *profile, const struct row *r)
{
    char shown[LP_MAX_PATH];
    lp_buf_printf(b, "  %-8s", lp_text_shown(profile, shown, sizeof shown));
    lp_buf_printf(b, " %-16s", r && *r->value ? lp_text_shown(r->value, shown, sizeof shown) : "-");
    if (r && r->origin) {
        lp_buf_printf(b, " %s", lp_text_shown(r->origin->source, shown, sizeof shown));
        if (r->origin->line)
            lp_buf_printf(b, ":%u:%u", r->origin->line, r->origin->column);
    }
    while (b->ptr[b->len - 1] == ' ')
        b->ptr[--b->len] = 0;
    lp_buf_puts(b, "\n");
}

static void side_json(lp_buf *b, const char *profile, const struct row *r)
{
    lp_buf_json(b, profile, strlen(profile));
    if (!r) {
        lp_buf_puts(b, ":null");
        return;
    }
    lp_buf_puts(b, ":{\"value\":");
    lp_buf_json(b, r->value, strlen(r->value));
    if (r->origin) {
        lp_buf_puts(b, ",\"source\":");
        lp_buf_json(b, r->origin->source, strlen(r->origin->source));
        if (r->origin->line)
            lp_buf_printf(b, ",\"line\":%u,\"column\":%u", r->origin->line, r->origin->column);
    }
    lp_buf_puts(b, "}");
}

char *loop_config_diff(const loop_config *a, const loop_config *b, bool json)
{
    const char *names[] = {loop_config_get(a, "profile", NULL),
                           loop_config_get(b, "profile", NULL)};
    struct rows rows[] = {rows_of(a), rows_of(b)};
    lp_buf out = {0};
    size_t found = 0;
    lp_buf_puts(&out, json ? "[" : "");
    for (size_t i = 0, k = 0; i < rows[0].n || k < rows[1].n;) {
        const struct row *x = i < rows[0].n ? &rows[0].at[i] : NULL;
        const struct row *y = k < rows[1].n ? &rows[1].at[k] : NULL;
        int order = !x ? 1 : !y ? -1 : strcmp(x->name, y->name);
        x = order <= 0 ? x : NULL;
        y = order >= 0 ? y : NULL;
        i += x != NULL;
        k += y != NULL;
        if (x && y && strcmp(x->value, y->value) == 0)
            continue;
        char shown[LP_MAX_PATH];
        const char *name = x ? x->name : y->name;
        if (json) {
            lp_buf_puts(&out, found ? ",{\"name\":" : "{\"name\":");
            lp_buf_json(&out, name, strlen(name));
            lp_buf_puts(&out, ",\"values\":{");
            side_json(&out, names[0], x);
            lp_buf_puts(&out, ",");
            side_json(&out, names[1], y);
            lp_buf_puts(&out, "}}");
        } else {
            lp_buf_printf(&out, "%s\n", lp_text_shown(name, shown, sizeof shown));
            side_text(&out, names[0], x);
            side_text(&out, names[1], y);
        }
        found++;
    }
    if (json)
        lp_buf_puts(&out, "]\n");
    else if (!found)
        lp_buf_printf(&out, "no difference between the profiles '%s' and '%s' here\n", names[0],
                      names[1]);
    rows_done(&rows[0]);
    rows_done(&rows[1]);
    return lp_buf_take(&out);
}
