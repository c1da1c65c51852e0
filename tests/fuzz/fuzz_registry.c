/*
 * tests/fuzz/fuzz_registry.c: what registries answer. The first byte says what it is: 'i' an
 * index.json, 't' a list of tags, 'w' a WWW-Authenticate header, 'l' a Link header, 'r' a
 * Content-Range header, 'n' a note of the cache, 'm' a manifest.
 *
 * What must hold: whatever is taken is well formed (names, versions, digests, sizes), a next page
 * is never on another host, what was taken and written is read again as the same, and a version
 * that was yanked in an index is yanked.
 */
#include <stdint.h>
#include <stdlib.h>

#include "packages/index.h"
#include "packages/oci.h"
#include "packages/registry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DIGEST "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

const char *const fuzz_seeds[] = {
    "i{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"x\",\"digest\":\"" DIGEST
    "\",\"size\":2,\"annotations\":{\"loop.name\":\"acme:ui\",\"org.opencontainers.image.ref."
    "name\":"
    "\"1.0.0\",\"loop.content\":\"" DIGEST "\",\"loop.size\":\"8\",\"loop.requires\":"
    "\"{\\\"acme:x\\\":\\\"^1\\\"}\"}}]}",
    "t{\"name\":\"acme/ui\",\"tags\":[\"1.0.0\",\"1.1.0_build.5\",\"latest\",\"loop-yanked\",7]}",
    "wBearer realm=\"https://a.b/token\",service=\"x\\\"y\",scope=\"repository:a/b:pull\"",
    "wNegotiate, Basic realm=x, Bearer realm=http://a",
    "l</v2/acme/ui/tags/list?last=1&n=2>; rel=\"next\"",
    "l<//evil/v2/>; rel=next",
    "rbytes 100-199/200",
    "n{\"fresh\":60,\"tag\":\"x\",\"releases\":[{\"version\":\"1.0.0\",\"digest\":\"" DIGEST
    "\",\"content\":\"\",\"size\":8,\"requires\":\"{}\",\"yanked\":\"no\"}]}",
    "m{\"schemaVersion\":2,\"mediaType\":\"application/"
    "vnd.oci.image.manifest.v1+json\",\"config\":{"
    "\"mediaType\":\"application/vnd.wasm.config.v0+json\",\"digest\":\"" DIGEST
    "\",\"size\":2},\"layers\":[{\"mediaType\":\"application/wasm\",\"digest\":\"" DIGEST
    "\",\"size\":8}]}",
    NULL,
};

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check_release(const lp_release *r)
{
    lp_arena arena = {0};
    lp_auto(lp_free_string) char *wrong = lp_release_wrong(r);
    must(!wrong);
    for (size_t i = 0; i < r->requires_count; i++) {
        const lp_range *range;
        lp_auto(lp_free_error) loop_error *name = lp_package_name_check(r->requires[i].name);
        lp_auto(lp_free_error) loop_error *text =
            lp_range_parse(&arena, r->requires[i].range, &range);
        must(!name && !text);
    }
    lp_arena_done(&arena);
}

static void yank_and_read(const char *text, size_t n, const lp_index_entry *entry)
{
    lp_arena arena = {0};
    lp_buf changed = {0};
    lp_index index;
    const lp_release *list;
    size_t count;
    lp_auto(lp_free_error) loop_error *e =
        lp_index_yank("x", text, n, entry->name, entry->release.version, "why", &changed);
    if (loop_error_code(e) == LOOP_LIMIT) /* with line ends and spaces it is many times as long */
        return;
    must(!e);
    e = lp_index_parse(&arena, "x", changed.ptr, changed.len, &index);
    must(!e);
    e = lp_index_find(&arena, &index, entry->name, &list, &count);
    bool found = e != NULL; /* a version that is there twice is refused when it is asked for */
    for (size_t i = 0; !e && i < count; i++)
        found = found || (strcmp(list[i].version, entry->release.version) == 0 && list[i].yanked);
    must(found);
    lp_buf_done(&changed);
    lp_arena_done(&arena);
}

static loop_error *index_json(lp_arena *arena, const char *text, size_t n)
{
    lp_index index;
    LP_TRY(lp_index_parse(arena, "x", text, n, &index));
    for (size_t i = 0; i < index.n; i++)
        check_release(&index.at[i].release);
    if (index.n)
        yank_and_read(text, n, &index.at[0]);
    return NULL;
}

static loop_error *tags(lp_arena *arena, const char *text, size_t n)
{
    lp_oci_tags t = {0};
    loop_error *e = lp_oci_tags_parse(arena, "http://a/v2/x", text, n, &t);
    for (size_t i = 0; i < t.n; i++) {
        lp_version v;
        lp_auto(lp_free_error) loop_error *none = lp_version_parse(arena, t.at[i], &v);
        must(!none && !strchr(lp_oci_tag(arena, t.at[i]), '+'));
    }
    free(t.at);
    return e;
}

static loop_error *note(lp_arena *arena, const char *text, size_t n)
{
    lp_package_info info, again;
    LP_TRY(lp_notes_read(arena, text, n, &info));
    lp_buf b = {0}, c = {0};
    for (size_t i = 0; i < info.count; i++)
        check_release(&info.releases[i]);
    lp_notes_write(&b, &info);
    lp_auto(lp_free_error) loop_error *e = lp_notes_read(arena, b.ptr, b.len, &again);
    must(!e);
    lp_notes_write(&c, &again);
    must(b.len == c.len && memcmp(b.ptr, c.ptr, b.len) == 0);
    lp_buf_done(&b);
    lp_buf_done(&c);
    return NULL;
}

static loop_error *header(lp_arena *arena, char kind, const char *text)
{
    if (kind == 'w') {
        lp_oci_challenge c;
        LP_TRY(lp_oci_challenge_parse(arena, text, &c));
        must(c.kind == LP_OCI_BASIC || (c.kind == LP_OCI_BEARER && *c.realm));
    } else if (kind == 'l') {
        const char *url;
        LP_TRY(lp_oci_next_page(arena, "https://a.b:5000/v2/x", text, &url));
        must(!url || strncmp(url, "https://a.b:5000/", 17) == 0 ||
             strcasecmp(url, "https://a.b:5000") == 0 ||
             strncasecmp(url, "https://a.b:5000?", 17) == 0 ||
             strncasecmp(url, "https://a.b:5000#", 17) == 0 ||
             strncasecmp(url, "https://a.b:5000/", 17) == 0);
    } else {
        uint64_t from, total;
        must(!lp_web_range_parse(text, &from, &total) || total == 0 || from < 1000000000000000000u);
    }
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    lp_arena arena = {0};
    const char *text = (const char *)data + 1;
    lp_auto(lp_free_string) char *line = lp_strndup(text, size - 1);
    loop_error *e = NULL;
    lp_manifest m;
    switch (data[0]) {
    case 'i': e = index_json(&arena, text, size - 1); break;
    case 't': e = tags(&arena, text, size - 1); break;
    case 'n': e = note(&arena, text, size - 1); break;
    case 'm':
        e = lp_manifest_parse(&arena, text, size - 1, &m);
        must(e || (lp_digest_is(m.digest) && lp_digest_is(m.content)));
        break;
    case 'w':
    case 'l':
    case 'r': e = header(&arena, (char)data[0], line); break;
    default: break;
    }
    loop_error_delete(e);
    lp_arena_done(&arena);
    return 0;
}
