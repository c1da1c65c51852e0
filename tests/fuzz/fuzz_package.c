/*
 * tests/fuzz/fuzz_package.c: what comes with a package and is read before its digest says anything:
 * manifests, configs, index.json, names of entries, versions, ranges, wishes. The first byte says
 * which.
 *
 * Beyond not crashing: what is taken for a name, a digest or a version is one by a second look, a
 * range that was taken can be asked, and an order is an order.
 */
#include <stdlib.h>

#include "packages/index.h"
#include "packages/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const char *const fuzz_seeds[] = {
    "m{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"co"
    "nfig\":{\"mediaType\":\"application/vnd.wasm.config.v0+json\",\"digest\":\"sha256:44136f"
    "a355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\",\"size\":2},\"layers\":["
    "{\"mediaType\":\"application/wasm\",\"digest\":\"sha256:44136fa355b3678a1146ad16f7e8649"
    "e94fb4fc21fe77e8310c060f61caaff8a\",\"size\":8}],\"annotations\":{\"loop.name\":\"acme:n"
    "otes\",\"loop.requires\":\"{\\\"acme:ui\\\":\\\"^1.2\\\"}\",\"org.opencontainers.image."
    "source\""
    ":\"https://example.com/\\u00e9\",\"org.opencontainers.image.version\":\"0.1.0-rc.1\"}}",
    "m{\"schemaVersion\":2,\"artifactType\":\"x\",\"config\":{\"mediaType\":\"a\",\"digest\":"
    "\"sha25"
    "6:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\",\"size\":2},\"l"
    "ayers\":[],\"subject\":{\"mediaType\":\"b\",\"digest\":\"sha256:44136fa355b3678a1146ad16f7"
    "e8649e94fb4fc21fe77e8310c060f61caaff8a\",\"size\":3}}",
    "c{\"created\":\"1970-01-01T00:00:00Z\",\"architecture\":\"wasm\",\"os\":\"wasip2\",\"layerDig"
    "ests\":[\"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\""
    "],\"component\":{\"exports\":[\"a:b/c@1.0.0\"],\"imports\":[]}}",
    "i{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"application/vnd.oci.image.manifes"
    "t.v1+json\",\"digest\":\"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c0"
    "60f61caaff8a\",\"size\":7,\"annotations\":{\"org.opencontainers.image.ref.name\":\"1.0.0"
    "\",\"loop.name\":\"acme:notes\",\"loop.content\":\"sha256:44136fa355b3678a1146ad16f7e864"
    "9e94fb4fc21fe77e8310c060f61caaff8a\",\"loop.size\":\"8\",\"loop.yanked\":\"bad\"}}]}",
    "efoci-layout\nfindex.json\nf./blobs/sha256/44136fa355b3678a1146ad16f7e8649e94fb4fc"
    "21fe77e8310c060f61caaff8a\nd./\ndblobs/\nlindex.json\no/dev\nf../x\nfINDEX.json\n",
    "v1.2.3-rc.1+b 1.2.3-rc.1.2",
    "v0.0.0-0 0.0.0-a.b.--",
    "r^1.2.3-rc.1, <2, ~1.*",
    "r>=0.1 , =1.2.3+b,<=9",
    "wacme:ui@^1.2",
    "wa-b:c@*",
    NULL,
};

static void must(bool what)
{
    if (!what)
        abort();
}

static bool ok(loop_error *e)
{
    bool none = !e;
    must(!e || *loop_error_message(e));
    loop_error_delete(e);
    return none;
}

static void manifest(lp_arena *a, const uint8_t *data, size_t size)
{
    lp_manifest m;
    lp_artifact artifact;
    bool any = ok(lp_artifact_parse(a, data, size, &artifact));
    if (!ok(lp_manifest_parse(a, data, size, &m)))
        return;
    must(any && lp_digest_is(m.content) && lp_digest_is(m.config_digest) && lp_digest_is(m.digest));
    must(m.size <= LP_MAX_COMPONENT_BYTES && m.len == size);
    must(!*m.name || ok(lp_package_name_check(m.name)));
    (void)ok(lp_config_check(&m, data, size));
    if (!*m.name)
        return;
    lp_buf again = {0}; /* what it says, written by loop, says the same */
    lp_manifest second;
    lp_manifest_write(&m, "x.wasm", &again);
    must(ok(lp_manifest_parse(a, again.ptr, again.len, &second)));
    must(strcmp(m.name, second.name) == 0 && strcmp(m.version, second.version) == 0 &&
         m.requires_count == second.requires_count && strcmp(m.source, second.source) == 0);
    lp_buf_done(&again);
}

/* Lines: a kind and a name, as an archive lists them. */
static void entries(const char *text)
{
    lp_packed p = {.path = "fuzz"};
    while (*text) {
        size_t n = strcspn(text, "\n");
        lp_auto(lp_free_string) char *line = lp_strndup(text, n);
        if (n && ok(lp_layout_take(&p, line + 1, *line, n, 0)) && *line == 'f') {
            const char *name = p.files.at[p.files.n - 1].name;
            must(!strstr(name, "..") && *name != '/' && strlen(name) < 100);
        }
        text += n + (text[n] == '\n');
    }
    free(p.files.at);
    lp_arena_done(&p.arena);
}

static void versions(lp_arena *a, const char *text)
{
    lp_version x, y;
    size_t n = strcspn(text, " ");
    lp_auto(lp_free_string) char *first = lp_strndup(text, n);
    if (!ok(lp_version_parse(a, first, &x)))
        return;
    must(lp_version_compare(&x, &x) == 0);
    if (!text[n] || !ok(lp_version_parse(a, text + n + 1, &y)))
        return;
    must(lp_version_compare(&x, &y) == -lp_version_compare(&y, &x));
}

static void ranges(lp_arena *a, const char *text)
{
    static const char *const some[] = {"0.0.0", "0.1.2-rc.1", "1.0.0",
                                       "1.2.3", "2.0.0-a",    "99.0.0"};
    const lp_range *range;
    if (!ok(lp_range_parse(a, text, &range)))
        return;
    for (size_t i = 0; i < LP_COUNT(some); i++) {
        lp_version v;
        must(ok(lp_version_parse(a, some[i], &v)));
        (void)lp_range_has(range, &v);
    }
}

static void wishes(lp_arena *a, const char *text)
{
    const char *name, *range;
    if (!ok(lp_package_wish_parse(a, text, &name, &range)))
        return;
    must(loop_package_is_wish(text) && ok(lp_package_name_check(name)));
    ranges(a, range);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size || size > 1 << 20)
        return 0;
    lp_arena a = {0};
    lp_auto(lp_free_string) char *text = lp_strndup((const char *)data + 1, size - 1);
    lp_index index;
    lp_manifest m = {.content = LP_EMPTY_DIGEST};
    switch (*data) {
    case 'm': manifest(&a, data + 1, size - 1); break;
    case 'c': (void)ok(lp_config_check(&m, data + 1, size - 1)); break;
    case 'i': (void)ok(lp_index_parse(&a, "an index", data + 1, size - 1, &index)); break;
    case 'e': entries(text); break;
    case 'v': versions(&a, text); break;
    case 'r': ranges(&a, text); break;
    case 'w': wishes(&a, text); break;
    default: break;
    }
    lp_arena_done(&a);
    return 0;
}
