/*
 * packages/registry_http.c: an OCI image layout on any web server as a registry: what
 * registry_layout.c makes, put there as it is.
 *
 *     URL/index.json            one question tells of all packages; asked with its ETag
 *     URL/blobs/sha256/<hex>    in parts, where the server has Range
 *
 * How long an answer counts is what the server says (Cache-Control: max-age), a minute without.
 * Nothing can be published this way.
 */
#include <stdlib.h>
#include <strings.h>

#include "base/os/os.h"
#include "packages/index.h"
#include "packages/manifest.h"
#include "packages/registry.h"
#include "packages/web.h"

#define FRESH_S 60
#define SAME_RUN_S 5 /* questions of one run are about one index */

struct site {
    const char *url;
    lp_web web;
    char *authorization; /* NULL: none */
    lp_arena arena;      /* of `index` */
    lp_index index;
    char *tag;
    uint32_t fresh_for_s;
    uint64_t asked_ns; /* 0: not yet */
};

static void close_site(void *self)
{
    struct site *s = self;
    lp_arena_done(&s->arena);
    free(s->authorization);
    free(s->tag);
    free(s);
}

static loop_error *open_site(const lp_registry_options *o, void **ret_self)
{
    struct site *s = lp_alloc(sizeof *s);
    s->url = o->location;
    s->web = (lp_web){.cancelled = o->cancelled, .data = o->data};
    if (o->user) {
        lp_arena arena = {0};
        lp_auto(lp_free_string) char *pair = lp_format("%s:%s", o->user, o->password);
        s->authorization = lp_format("Basic %s", lp_web_base64(&arena, pair, strlen(pair)));
        lp_arena_done(&arena);
    }
    *ret_self = s;
    return NULL;
}

/* ---- the index ---- */

/* Cache-Control: max-age=N */
static uint32_t fresh_for(const lp_web_ask *ask)
{
    const char *text = lp_web_header(ask, "cache-control");
    const char *at = text ? strcasestr(text, "max-age=") : NULL;
    if (text && (strcasestr(text, "no-cache") || strcasestr(text, "no-store")))
        return 0;
    if (!at)
        return FRESH_S;
    unsigned long s = strtoul(at + strlen("max-age="), NULL, 10);
    return (uint32_t)LP_MIN(s, LP_MAX_REGISTRY_FRESH_S);
}

static loop_error *take_index(struct site *s, const lp_web_ask *ask)
{
    lp_arena arena = {0};
    lp_index index;
    loop_error *e = lp_index_parse(&arena, ask->url, ask->body.ptr, ask->body.len, &index);
    if (e) {
        lp_arena_done(&arena);
        return e;
    }
    lp_arena_done(&s->arena);
    s->arena = arena;
    s->index = index;
    free(s->tag);
    const char *tag = lp_web_header(ask, "etag");
    s->tag = tag && strlen(tag) <= LP_MAX_REGISTRY_TAG ? lp_strdup(tag) : NULL;
    return NULL;
}

/* `tag` NULL: whatever it is; *ret_same: it is still what came with the tag. */
static loop_error *ask_index(struct site *s, const char *tag, bool *ret_same)
{
    lp_arena arena = {0};
    lp_auto(lp_free_string) char *url = lp_format("%s/index.json", s->url);
    lp_web_ask ask = {.url = url,
                      .authorization = s->authorization,
                      .max = LP_MAX_JSON_BYTES,
                      .headers = {"Accept: " LP_MEDIA_INDEX ", application/json"}};
    if (tag)
        ask.headers[1] = lp_web_line(&arena, "If-None-Match", tag);
    loop_error *e = lp_web_run_one(&s->web, &ask);
    *ret_same = !e && tag && ask.status == 304;
    if (!e && ask.status == 200)
        e = take_index(s, &ask);
    else if (!e && !*ret_same)
        e = lp_web_refused(&ask);
    if (!e) {
        s->fresh_for_s = fresh_for(&ask);
        s->asked_ns = lp_os_now_ns();
    } else if (loop_error_code(e) == LOOP_NOT_FOUND) {
        e = loop_error_hint_set(e, "a registry of this kind has %s", url);
    }
    lp_web_done(&ask);
    lp_arena_done(&arena);
    return e;
}

/* The tag that all of them have, or NULL. */
static const char *tag_of(const lp_question *questions, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!questions[i].tag || strcmp(questions[i].tag, questions[0].tag) != 0 ||
            strpbrk(questions[i].tag, "\r\n"))
            return NULL;
    return questions[0].tag;
}

static const char *keep(lp_arena *arena, const char *s)
{
    return s ? lp_arena_strndup(arena, s, strlen(s)) : NULL;
}

static loop_error *answer(const struct site *s, const lp_question *q, lp_arena *arena,
                          lp_package_info *ret)
{
    const lp_release *found;
    *ret = (lp_package_info){.tag = keep(arena, s->tag), .fresh_for_s = s->fresh_for_s};
    LP_TRY(lp_index_find(arena, &s->index, q->name, &found, &ret->count));
    lp_release *list = lp_arena_alloc(arena, (ret->count + 1) * sizeof *list);
    for (size_t i = 0; i < ret->count; i++)
        list[i] = lp_release_copy(arena, &found[i]);
    ret->releases = list;
    return NULL;
}

static loop_error *lookup(void *self, const lp_question *questions, size_t n, lp_arena *arena,
                          lp_package_info *ret)
{
    struct site *s = self;
    bool same = false;
    bool recent = s->index.at && lp_os_now_ns() - s->asked_ns < SAME_RUN_S * 1000000000ull;
    if (!recent)
        LP_TRY(ask_index(s, tag_of(questions, n), &same));
    for (size_t i = 0; i < n; i++) {
        if (same)
            ret[i] = (lp_package_info){
                .same = true, .tag = keep(arena, questions[i].tag), .fresh_for_s = s->fresh_for_s};
        else
            LP_TRY(answer(s, &questions[i], arena, &ret[i]));
    }
    return NULL;
}

static loop_error *referrers(void *self, const char *name, const char *digest, lp_arena *arena,
                             const lp_blob **ret, size_t *ret_n)
{
    (void)name;
    struct site *s = self;
    bool same = false;
    bool recent = s->index.at && lp_os_now_ns() - s->asked_ns < SAME_RUN_S * 1000000000ull;
    if (!recent)
        LP_TRY(ask_index(s, NULL, &same));
    return lp_index_referrers(arena, &s->index, digest, ret, ret_n);
}

/* ---- bytes ---- */

static loop_error *fetch(void *self, const char *name, const char *digest, lp_blob_kind kind,
                         uint64_t offset, uint64_t *ret_total, void *data,
                         loop_error *(*take)(void *data, const void *bytes, size_t n))
{
    struct site *s = self;
    lp_auto(lp_free_string) char *url =
        lp_format("%s/blobs/sha256/%s", s->url, digest + strlen("sha256:"));
    lp_web_ask ask = {.url = url, .authorization = s->authorization};
    loop_error *e = lp_web_fetch(&s->web, &ask, offset, ret_total, data, take);
    lp_web_done(&ask);
    return e;
}

const lp_registry_kind lp_registry_http = {
    .name = "http",
    .open = open_site,
    .close = close_site,
    .lookup = lookup,
    .referrers = referrers,
    .fetch = fetch,
};
