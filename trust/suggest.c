/*
 * trust/suggest.c: from decisions to the smallest grants that they would have taken.
 *
 * What was used, allowed or only observed, becomes a line as exact as it was asked: one host, one
 * port, one program with these arguments. Never a wildcard, nor a directory that nobody named: what
 * loop cannot know is a comment for the person who decides. Connections are asked about by address
 * and granted by name where the component had looked one up that has it.
 */
#include <stdlib.h>

#include "base/text.h"
#include "trust/audit.h"
#include "trust/policy.h"

#define MAX_ADDRESSES 32

/* Texts of one kind, each once, in the order they came. */
struct texts {
    char **at;
    size_t n, cap;
};

struct suggestion {
    const loop_audit *audit;
    const char *component;
    lp_policy_resolver *resolve;
    struct texts of[LOOP_GRANT_KINDS], comments;
};

static void add(struct texts *t, const char *text)
{
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->at[i], text) == 0)
            return;
    *lp_push(t) = lp_strdup(text);
}

static void done(struct texts *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->at[i]);
    free(t->at);
}

LOOP_PRINTF(2, 3)
static void comment(struct suggestion *s, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    lp_auto(lp_free_string) char *text = lp_vformat(fmt, ap);
    va_end(ap);
    lp_text_clean(text, "");
    add(&s->comments, text);
}

/* ---- rows ---- */

/* The i-th row of the component that says what it needs: used, or denied by no line. */
static const loop_audit_entry *row_at(const struct suggestion *s, size_t i, bool *ret_counts)
{
    const loop_audit_entry *e = loop_audit_at(s->audit, i);
    bool about = e && (!s->component || strcmp(s->component, e->component) == 0);
    *ret_counts = about && (e->allowed || (!*e->by && (*e->hint || e->kind == LOOP_GRANT_PROCESS)));
    return e;
}

static bool has_address(const struct suggestion *s, const char *name, const lp_os_address *address)
{
    lp_os_address found[MAX_ADDRESSES];
    size_t n = s->resolve(NULL, name, found, MAX_ADDRESSES);
    for (size_t i = 0; i < n; i++)
        if (lp_os_address_eq(&found[i], address))
            return true;
    return false;
}

/* A name that the component looked up, and that has the address; NULL. */
static const char *looked_up(const struct suggestion *s, const lp_os_address *address)
{
    const loop_audit_entry *e;
    bool counts;
    for (size_t i = 0; (e = row_at(s, i, &counts)); i++)
        if (counts && e->kind == LOOP_GRANT_NET && !e->port && has_address(s, e->name, address))
            return e->name;
    return NULL;
}

static void add_host(struct suggestion *s, loop_grant_kind kind, const lp_host *host, uint16_t port)
{
    lp_auto(lp_free_string) char *text = lp_host_text(host, port);
    add(&s->of[kind], text);
}

static void add_net(struct suggestion *s, const lp_host *host, uint16_t port)
{
    lp_host named;
    const char *name = host->is_address ? looked_up(s, &host->address) : NULL;
    if (!name || lp_host_parse(name, strlen(name), &named)) {
        add_host(s, LOOP_GRANT_NET, host, port);
        return;
    }
    add_host(s, LOOP_GRANT_NET, &named, port);
    if (lp_host_not_meant(&named, host))
        add_host(s, LOOP_GRANT_NET, host, port); /* which no name stands for */
}

static void add_hosts(struct suggestion *s, const loop_audit_entry *e)
{
    lp_host host, address;
    if (lp_host_parse(e->name, strlen(e->name), &host))
        return;
    if (e->kind == LOOP_GRANT_NET && !e->port)
        return; /* a look-up: what it connected to comes by itself */
    if (e->kind == LOOP_GRANT_NET) {
        add_net(s, &host, e->port);
        return;
    }
    add_host(s, e->kind, &host, e->port);
    bool to = *e->address && !host.is_address &&
              !lp_host_parse(e->address, strlen(e->address), &address) && address.is_address;
    if (to && lp_host_not_meant(&host, &address))
        add_host(s, e->kind, &address, e->port);
}

static void add_dir(struct suggestion *s, const loop_audit_entry *e)
{
    if (!e->allowed || !*e->host) {
        comment(s, "%s: grant its directory by hand", e->reason);
        return;
    }
    lp_buf b = {0};
    lp_buf_puts(&b, "{ host: ");
    lp_buf_json(&b, e->host, strlen(e->host));
    lp_buf_puts(&b, ", guest: ");
    lp_buf_json(&b, e->name, strlen(e->name));
    lp_buf_printf(&b, ", mode: %s }", e->write ? "rw" : "ro");
    add(&s->of[LOOP_GRANT_DIR], b.ptr);
    lp_buf_done(&b);
}

static void add_storage(struct suggestion *s, const loop_audit_entry *e)
{
    uint64_t bytes = e->bytes ? e->bytes : LP_OBSERVED_STORAGE;
    struct texts *t = &s->of[LOOP_GRANT_STORAGE];
    if (t->n)
        return;
    lp_auto(lp_free_string) char *text =
        bytes % (1u << 20) ? lp_format("{ quota: %llu }", (unsigned long long)bytes)
                           : lp_format("{ quota: %lluMiB }", (unsigned long long)bytes >> 20);
    add(t, text);
}

/* Whether a line can say it: words that were not cut, and quotes that it has. */
static bool is_line(const char *words)
{
    char **list = NULL;
    size_t n = 0;
    if (strlen(words) >= LP_MAX_AUDIT_TEXT - 4 || lp_process_words(words, &list, &n))
        return false;
    lp_process_words_free(list, n);
    return true;
}

static void add_row(struct suggestion *s, const loop_audit_entry *e)
{
    switch (e->kind) {
    case LOOP_GRANT_DIR: add_dir(s, e); return;
    case LOOP_GRANT_HTTP:
    case LOOP_GRANT_NET:
    case LOOP_GRANT_LISTEN: add_hosts(s, e); return;
    case LOOP_GRANT_STORAGE: add_storage(s, e); return;
    case LOOP_GRANT_LOG:
        if (!e->allowed)
            comment(s, "it wrote more to the log than its class has: log: { rate: NUMBER }");
        return;
    case LOOP_GRANT_PROCESS:
        if (!is_line(e->name)) {
            comment(s, "no line can say how it ran %s", e->name);
            return;
        }
        if (!e->allowed)
            comment(s,
                    "processes take 'class: trusted' beside 'grants:', and were not let through");
        break;
    case LOOP_GRANT_ENV:
    case LOOP_GRANT_PACKAGES:
    case LOOP_GRANT_NEED: break;
    }
    add(&s->of[e->kind], e->name);
}

/* ---- YAML ---- */

static void put_list(lp_buf *b, const char *key, const struct texts *t, bool text)
{
    if (!t->n)
        return;
    lp_buf_printf(b, "  %s: [", key);
    for (size_t i = 0; i < t->n; i++) {
        lp_buf_puts(b, i ? ", " : "");
        if (text)
            lp_buf_json(b, t->at[i], strlen(t->at[i]));
        else
            lp_buf_puts(b, t->at[i]);
    }
    lp_buf_puts(b, "]\n");
}

static char *to_yaml(const struct suggestion *s)
{
    static const struct {
        loop_grant_kind kind;
        const char *key;
    } lists[] = {{LOOP_GRANT_ENV, "env"},           {LOOP_GRANT_HTTP, "http"},
                 {LOOP_GRANT_NET, "net"},           {LOOP_GRANT_LISTEN, "listen"},
                 {LOOP_GRANT_PACKAGES, "packages"}, {LOOP_GRANT_PROCESS, "processes"},
                 {LOOP_GRANT_NEED, "needs"}};
    lp_buf b = {0};
    bool any = false;
    for (size_t i = 0; i < LOOP_GRANT_KINDS; i++)
        any = any || s->of[i].n;
    for (size_t i = 0; i < s->comments.n; i++)
        lp_buf_printf(&b, "# %s\n", s->comments.at[i]);
    lp_buf_puts(&b, any ? "grants:\n" : "grants: {}\n");
    put_list(&b, "dirs", &s->of[LOOP_GRANT_DIR], false);
    for (size_t i = 0; i < LP_COUNT(lists); i++)
        put_list(&b, lists[i].key, &s->of[lists[i].kind], true);
    if (s->of[LOOP_GRANT_STORAGE].n)
        lp_buf_printf(&b, "  storage: %s\n", s->of[LOOP_GRANT_STORAGE].at[0]);
    return lp_buf_take(&b);
}

char *lp_audit_suggest(const loop_audit *a, const char *component, lp_policy_resolver *resolve)
{
    struct suggestion s = {.audit = a, .component = component, .resolve = resolve};
    const loop_audit_entry *e;
    bool counts;
    for (size_t i = 0; (e = row_at(&s, i, &counts)); i++)
        if (counts)
            add_row(&s, e);
    if (a->lost)
        comment(&s, "there were more kinds of decisions than are kept: this is not all");
    char *text = to_yaml(&s);
    for (size_t i = 0; i < LOOP_GRANT_KINDS; i++)
        done(&s.of[i]);
    done(&s.comments);
    return text;
}

static size_t ask_system(void *ctx, const char *name, lp_os_address *ret, size_t max)
{
    (void)ctx;
    return lp_os_resolve(name, ret, max);
}

char *loop_audit_suggest(const loop_audit *a, const char *component)
{
    return lp_audit_suggest(a, component, ask_system);
}
