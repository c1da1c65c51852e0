/*
 * packages/registry_provider.c: a registry that somebody else wrote: a provider of
 * loop:pkg/registry that is built in, a shared library, a sidecar or a component, named in `known:`
 * as in `bind:`.
 *
 * It is called as a component would call it, by a host of its own that has nothing else to do. What
 * it says is checked as that of any other registry; a text of it in an error is cut and cleaned. It
 * is asked through the network as far as anybody knows, so offline it is not even started.
 *
 * Nothing can be published through loop:pkg/registry.
 */
#include <stdlib.h>

#include "base/text.h"
#include "loop/wit/pkg.h"
#include "packages/registry.h"

#define PIECE (256u << 10) /* bytes asked for at a time */
#define MOST_PIECE (1u << 20)

enum { ROW_NEXT, ROW_LOOKUP, ROW_REFERRERS, ROW_OPEN };

struct plugin {
    loop_host *host;
    loop_caller *caller;
};

static void close_plugin(void *self)
{
    struct plugin *p = self;
    loop_caller_delete(p->caller);
    loop_host_delete(p->host);
    free(p);
}

static loop_error *open_plugin(const lp_registry_options *o, void **ret_self)
{
    struct plugin *p = lp_alloc(sizeof *p);
    loop_host_options options = {.log_level = LOOP_LOG_WARN,
                                 .directory = o->config ? loop_config_root(o->config) : NULL};
    loop_error *e = loop_host_new(&options, &p->host);
    if (!e)
        e = loop_registries_bind(o->known, o->name, p->host);
    if (!e)
        e = loop_caller_new(p->host, "packages", o->cancelled, o->data, &p->caller);
    if (e) {
        loop_caller_delete(p->caller);
        if (p->host)
            loop_host_delete(p->host);
        free(p);
        return e;
    }
    *ret_self = p;
    return NULL;
}

/* Calls a row; *ret is zeroed. What it points to lives until the next call. */
static loop_error *call_row(struct plugin *p, size_t row, const void *args, void *ret)
{
    const loop_peer *peer;
    loop_call *call = loop_caller_begin(p->caller);
    LP_TRY(loop_call_peer(call, &loop_pkg_registry_interface, &peer));
    return loop_peer_call(peer, call, row, args, ret);
}

static void drop_download(struct plugin *p, loop_pkg_registry_download *d)
{
    const loop_peer *peer;
    loop_call *call = loop_caller_begin(p->caller);
    loop_error *e = loop_call_peer(call, &loop_pkg_registry_interface, &peer);
    if (!e)
        loop_peer_drop(peer, 0, d);
    loop_error_delete(e);
}

/* ---- values ---- */

static loop_error *refused(const loop_pkg_registry_error *e)
{
    static const loop_code codes[] = {
        [LOOP_CORE_TYPES_ERROR_UNAVAILABLE] = LOOP_UNAVAILABLE,
        [LOOP_CORE_TYPES_ERROR_DENIED] = LOOP_DENIED,
        [LOOP_CORE_TYPES_ERROR_INVALID] = LOOP_INVALID,
        [LOOP_CORE_TYPES_ERROR_LIMIT] = LOOP_LIMIT,
        [LOOP_CORE_TYPES_ERROR_CANCELLED] = LOOP_CANCELLED,
        [LOOP_CORE_TYPES_ERROR_FAILED] = LOOP_UNAVAILABLE,
    };
    char shown[256] = "cancelled";
    loop_code code = e->tag < LP_COUNT(codes) ? codes[e->tag] : LOOP_INVALID;
    if (code != LOOP_CANCELLED) { /* the cases with a text have it at one place */
        lp_auto(lp_free_string) char *text = lp_strndup(e->of.failed.ptr, e->of.failed.len);
        lp_text_shown(text, shown, sizeof shown);
    }
    return loop_error_new(code, "it says: %s", shown);
}

static const char *keep(lp_arena *arena, loop_string s)
{
    return lp_arena_strndup(arena, s.ptr ? s.ptr : "", s.len);
}

/* Texts with a zero in them would be shorter here than there. */
static bool is_text(loop_string s, size_t most)
{
    return s.len <= most && (!s.len || !memchr(s.ptr, 0, s.len));
}

static loop_error *read_requires(lp_arena *arena, const loop_pkg_types_release *from,
                                 lp_release *to)
{
    if (from->requires_.len > LP_MAX_PACKAGE_REQUIRES)
        return loop_error_new(LOOP_LIMIT, "it needs more than %d packages",
                              LP_MAX_PACKAGE_REQUIRES);
    lp_requirement *list = lp_arena_alloc(arena, (from->requires_.len + 1) * sizeof *list);
    for (size_t i = 0; i < from->requires_.len; i++) {
        const loop_pkg_types_requirement *r = &from->requires_.ptr[i];
        const lp_range *range;
        if (!is_text(r->name, LP_MAX_NAME) || !is_text(r->versions, LP_MAX_RANGE_TEXT))
            return loop_error_new(LOOP_INVALID, "what it needs has no name");
        list[i] = (lp_requirement){keep(arena, r->name), keep(arena, r->versions)};
        LP_TRY(lp_package_name_check(list[i].name));
        LP_TRY(lp_range_parse(arena, list[i].range, &range));
    }
    to->
        requires
    = list;
    to->requires_count = from->requires_.len;
    return NULL;
}

static loop_error *read_release(lp_arena *arena, const loop_pkg_types_release *from, lp_release *to)
{
    if (!is_text(from->version, LP_MAX_VERSION_TEXT) || !is_text(from->digest, LOOP_SHA256_TEXT) ||
        !is_text(from->content, LOOP_SHA256_TEXT) ||
        (from->yanked.is_some && !is_text(from->yanked.value.reason, LP_MAX_PACKAGE_TEXT)))
        return loop_error_new(LOOP_INVALID, "a version, a digest or a reason is none");
    *to = (lp_release){.version = keep(arena, from->version),
                       .digest = keep(arena, from->digest),
                       .content = keep(arena, from->content),
                       .size = from->size,
                       .yanked =
                           from->yanked.is_some ? keep(arena, from->yanked.value.reason) : NULL};
    return read_requires(arena, from, to);
}

static loop_error *read_info(lp_arena *arena, const loop_pkg_registry_package_info *from,
                             lp_package_info *to)
{
    const loop_pkg_registry_list_release *list = &from->releases.value;
    /* What an option does not have is not looked at: it may be anything. */
    if ((from->tag.is_some && !is_text(from->tag.value, LP_MAX_REGISTRY_TAG)) ||
        (from->releases.is_some && list->len > LP_MAX_PACKAGE_VERSIONS))
        return loop_error_new(LOOP_LIMIT, "a tag is too long, or there are too many versions");
    *to = (lp_package_info){.same = !from->releases.is_some,
                            .tag = from->tag.is_some ? keep(arena, from->tag.value) : NULL,
                            .fresh_for_s = from->fresh_for};
    lp_release *releases = lp_arena_alloc(arena, (list->len + 1) * sizeof *releases);
    for (size_t i = 0; from->releases.is_some && i < list->len; i++)
        LP_TRY(read_release(arena, &list->ptr[i], &releases[i]));
    to->releases = releases;
    to->count = from->releases.is_some ? list->len : 0;
    return NULL;
}

/* ---- the registry ---- */

static loop_error *lookup(void *self, const lp_question *questions, size_t n, lp_arena *arena,
                          lp_package_info *ret)
{
    loop_pkg_registry_question *list = lp_arena_alloc(arena, (n + 1) * sizeof *list);
    for (size_t i = 0; i < n; i++) {
        list[i].name = loop_string_of(questions[i].name);
        list[i].tag.is_some = questions[i].tag != NULL;
        list[i].tag.value = loop_string_of(questions[i].tag ? questions[i].tag : "");
    }
    const struct {
        loop_pkg_registry_list_question questions;
    } args = {{list, n}};
    loop_pkg_registry_result_list_package_info_error answer = {0};
    LP_TRY(call_row(self, ROW_LOOKUP, &args, &answer));
    if (answer.is_err)
        return refused(&answer.of.error);
    if (answer.of.ok.len != n)
        return loop_error_new(LOOP_INVALID, "it gave %zu answers to %zu questions",
                              answer.of.ok.len, n);
    for (size_t i = 0; i < n; i++) {
        loop_error *e = read_info(arena, &answer.of.ok.ptr[i], &ret[i]);
        if (e)
            return loop_error_wrap(e, "what it says of '%s' is wrong", questions[i].name);
    }
    return NULL;
}

static loop_error *referrers(void *self, const char *name, const char *digest, lp_arena *arena,
                             const lp_blob **ret, size_t *ret_n)
{
    const struct {
        loop_string name, manifest;
    } args = {loop_string_of(name), loop_string_of(digest)};
    loop_pkg_registry_result_list_blob_error answer = {0};
    LP_TRY(call_row(self, ROW_REFERRERS, &args, &answer));
    if (answer.is_err)
        return refused(&answer.of.error);
    size_t n = LP_MIN(answer.of.ok.len, (size_t)LP_MAX_PACKAGE_REFERRERS), k = 0;
    lp_blob *blobs = lp_arena_alloc(arena, (n + 1) * sizeof *blobs);
    for (size_t i = 0; i < n; i++) {
        const loop_pkg_registry_blob *b = &answer.of.ok.ptr[i];
        lp_blob blob = {keep(arena, b->digest), keep(arena, b->media_type), b->size};
        if (lp_digest_is(blob.digest) && blob.size <= LP_MAX_MANIFEST_BYTES)
            blobs[k++] = blob;
    }
    *ret = blobs;
    *ret_n = k;
    return NULL;
}

static loop_error *open_download(struct plugin *p, const char *name, const char *digest,
                                 lp_blob_kind kind, uint64_t offset,
                                 loop_pkg_registry_download **ret)
{
    const struct {
        loop_string name;
        loop_pkg_registry_part part;
        loop_string digest;
        uint64_t offset;
    } args = {loop_string_of(name),
              kind == LP_BLOB_MANIFEST ? LOOP_PKG_REGISTRY_PART_MANIFEST
                                       : LOOP_PKG_REGISTRY_PART_CONTENT,
              loop_string_of(digest), offset};
    loop_pkg_registry_result_own_download_error answer = {0};
    LP_TRY(call_row(p, ROW_OPEN, &args, &answer));
    if (!answer.is_err) {
        *ret = answer.of.ok;
        return NULL;
    }
    loop_error *e = refused(&answer.of.error);
    return offset && loop_error_code(e) == LOOP_INVALID
               ? lp_error_because(LOOP_USAGE, e, "it cannot go on where it was")
               : e;
}

static loop_error *fetch(void *self, const char *name, const char *digest, lp_blob_kind kind,
                         uint64_t offset, uint64_t *ret_total, void *data,
                         loop_error *(*take)(void *data, const void *bytes, size_t n))
{
    struct plugin *p = self;
    loop_pkg_registry_download *download = NULL;
    LP_TRY(open_download(p, name, digest, kind, offset, &download));
    loop_error *e = NULL;
    for (bool more = true; !e && more;) {
        const struct {
            loop_pkg_registry_download *download;
            uint32_t limit;
        } args = {download, PIECE};
        loop_pkg_registry_result_list_u8_error answer = {0};
        e = call_row(p, ROW_NEXT, &args, &answer);
        if (!e && answer.is_err)
            e = refused(&answer.of.error);
        if (!e && answer.of.ok.len > MOST_PIECE)
            e = loop_error_new(LOOP_INVALID, "it sent more at a time than was asked for");
        more = !e && answer.of.ok.len;
        if (more)
            e = take(data, answer.of.ok.ptr, answer.of.ok.len);
    }
    drop_download(p, download);
    return e;
}

const lp_registry_kind lp_registry_provider = {
    .name = "provider",
    .open = open_plugin,
    .close = close_plugin,
    .lookup = lookup,
    .referrers = referrers,
    .fetch = fetch,
};
