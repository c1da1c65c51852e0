/*
 * packages/pack.c: a workspace's component becomes a package.
 *
 * What goes in is the component's file as it is, what `package:` of loop.yaml says, the names of
 * what it imports and exports, and the documentation. Nothing of the machine, the user or the
 * time: files have no owner and are of 1970, `created` is SOURCE_DATE_EPOCH or 1970, no path is
 * written. So the same source gives the same bytes, and a digest, anywhere; whether the component
 * itself is reproducible is its toolchain's matter.
 *
 *     index.json ── manifest ── config, component
 *                └─ manifest ── documentation      (its `subject` is the first)
 */
#include <stdlib.h>

#include "base/path.h"
#include "packages/layout.h"

#define MAX_EPOCH 253402300799u /* the last second of 9999, which RFC 3339 can write */

/* A blob that is packed, with its digest and its name. */
struct blob {
    lp_buf bytes;
    lp_blob self;
    char digest[LOOP_SHA256_TEXT];
    char *name;
};

struct pack {
    loop_packages *p;
    const loop_config_package *from;
    const char *component, *path; /* its name in loop.yaml, and its file */
    lp_arena arena;
    uint64_t epoch;
    struct blob wasm, config, manifest, docs, docs_manifest, empty;
    lp_buf index;
    lp_manifest facts;
};

static void seal(struct blob *b, const char *media_type)
{
    lp_sha256_of(b->bytes.ptr, b->bytes.len, b->digest);
    b->self = (lp_blob){b->digest, media_type, b->bytes.len};
    b->name = lp_layout_blob_name(b->digest);
}

static void pack_done(struct pack *k)
{
    struct blob *all[] = {&k->wasm, &k->config,        &k->manifest,
                          &k->docs, &k->docs_manifest, &k->empty};
    for (size_t i = 0; i < LP_COUNT(all); i++) {
        lp_buf_done(&all[i]->bytes);
        free(all[i]->name);
    }
    lp_buf_done(&k->index);
    lp_arena_done(&k->arena);
}

/* ---- what is packed ---- */

static loop_error *find_component(struct pack *k)
{
    const loop_config *c = k->p->options.config;
    const char *name =
        k->from->component ? k->from->component : loop_config_get(c, "default", NULL);
    const loop_component_config *row =
        *name ? loop_config_component(c, name) : loop_config_component_at(c, 0);
    if (!*name && (!row || loop_config_component_at(c, 1)))
        return loop_error_hint_set(
            loop_error_new(LOOP_CONFIG, "loop.yaml does not say which component is packed"),
            "add 'component: NAME' to 'package', or 'default: NAME'");
    if (!row->path)
        return loop_error_new(LOOP_CONFIG, "component '%s' is from a package itself", row->name);
    k->component = row->name;
    k->path = row->path;
    return NULL;
}

static loop_error *read_component(struct pack *k)
{
    uint8_t *bytes;
    size_t n;
    loop_error *e = lp_os_read_file(k->path, LP_MAX_COMPONENT_BYTES, &bytes, &n);
    if (loop_error_code(e) == LOOP_NOT_FOUND)
        return loop_error_hint_set(loop_error_wrap(e, "component '%s' is not built", k->component),
                                   "loop build %s", k->component);
    if (e)
        return e;
    e = lp_wasm_check(bytes, n);
    if (e) {
        free(bytes);
        return loop_error_wrap(e, "'%s' cannot be packed", k->path);
    }
    k->wasm.bytes = (lp_buf){(char *)bytes, n, n};
    seal(&k->wasm, LP_MEDIA_WASM);
    return NULL;
}

static loop_error *read_epoch(struct pack *k)
{
    const char *s = lp_os_getenv("SOURCE_DATE_EPOCH");
    if (!s || !*s)
        return NULL;
    size_t n = strspn(s, "0123456789");
    uint64_t value = n && n < 16 ? strtoull(s, NULL, 10) : UINT64_MAX;
    if (s[n] || value > MAX_EPOCH)
        return loop_error_hint_set(
            loop_error_new(LOOP_CONFIG, "SOURCE_DATE_EPOCH is '%.40s'", s),
            "seconds since 1970, as `git log -1 --format=%%ct` prints them, or unset it");
    k->epoch = value;
    return NULL;
}

/* ---- its config ---- */

static void add_name(lp_arena *arena, const char **list, size_t *n, const loop_item *item)
{
    const char *name = *item->interface_name ? item->interface_name : item->function;
    for (size_t i = 0; i < *n; i++)
        if (strcmp(list[i], name) == 0)
            return;
    list[(*n)++] = lp_arena_strndup(arena, name, strlen(name));
}

/* The interfaces, and functions of the world, in the component's order. */
static const char *const *names_of(struct pack *k, loop_component *c, bool exports)
{
    size_t count = 0, n = 0;
    const loop_item *item;
    while (loop_component_item_at(c, count))
        count++;
    const char **list = lp_arena_alloc(&k->arena, (count + 1) * sizeof *list);
    for (size_t i = 0; (item = loop_component_item_at(c, i)); i++)
        if (item->is_export == exports)
            add_name(&k->arena, list, &n, item);
    return list;
}

/* The file was read twice, here and to be described: it is still the same. */
static loop_error *check_unchanged(const struct pack *k)
{
    uint8_t *bytes;
    size_t n;
    LP_TRY(lp_os_read_file(k->path, LP_MAX_COMPONENT_BYTES, &bytes, &n));
    bool same = n == k->wasm.bytes.len && memcmp(bytes, k->wasm.bytes.ptr, n) == 0;
    free(bytes);
    return same ? NULL
                : loop_error_hint_set(
                      loop_error_new(LOOP_IO, "'%s' changed while it was packed", k->path),
                      "pack it when the build is over");
}

static loop_error *write_config(struct pack *k)
{
    loop_host *host;
    loop_component *c;
    LP_TRY(
        loop_host_new(&(loop_host_options){.no_cache = true, .log_level = LOOP_LOG_ERROR}, &host));
    loop_error *e = loop_component_describe(host, k->path, NULL, &c);
    if (!e) {
        lp_config_write(&(lp_config_facts){.created_s = k->epoch,
                                           .content = k->wasm.digest,
                                           .exports = names_of(k, c, true),
                                           .imports = names_of(k, c, false)},
                        &k->config.bytes);
        loop_component_delete(c);
    }
    loop_host_delete(host);
    LP_TRY(e);
    seal(&k->config, LP_MEDIA_CONFIG);
    return check_unchanged(k);
}

/* ---- its manifest ---- */

static loop_error *read_requires(struct pack *k)
{
    const char *const *from = k->from->required;
    size_t n = 0;
    while (from[n])
        n++;
    lp_requirement *list = lp_arena_alloc(&k->arena, (n / 2 + 1) * sizeof *list);
    for (size_t i = 0; i < n / 2; i++) {
        list[i] = (lp_requirement){from[2 * i], from[2 * i + 1]};
        if (strcmp(list[i].name, k->from->name) == 0)
            return loop_error_new(LOOP_CONFIG, "package '%s' requires itself", k->from->name);
    }
    k->facts.
        requires
    = list;
    k->facts.requires_count = n / 2;
    return NULL;
}

static loop_error *write_manifest(struct pack *k)
{
    lp_manifest *m = &k->facts;
    LP_TRY(read_requires(k));
    m->name = k->from->name;
    m->version = k->from->version;
    m->description = k->from->description;
    m->license = k->from->license;
    m->source = k->from->source;
    m->config_digest = k->config.digest;
    m->config_size = k->config.bytes.len;
    m->content = k->wasm.digest;
    m->size = k->wasm.bytes.len;
    lp_auto(lp_free_string) char *title = lp_format("%s.wasm", strchr(m->name, ':') + 1);
    lp_manifest_write(m, title, &k->manifest.bytes);
    seal(&k->manifest, LP_MEDIA_MANIFEST);
    m->bytes = k->manifest.bytes.ptr;
    m->len = k->manifest.bytes.len;
    memcpy(m->digest, k->manifest.digest, sizeof m->digest);
    return m->len <= LP_MAX_MANIFEST_BYTES
               ? NULL
               : loop_error_new(LOOP_LIMIT, "the manifest has more than %u bytes",
                                LP_MAX_MANIFEST_BYTES);
}

/* ---- documentation ---- */

/* A file of the workspace and not what a link in it leads to. */
static loop_error *check_docs(const struct pack *k)
{
    lp_auto(lp_free_string) char *file = lp_os_realpath(k->from->docs);
    lp_auto(lp_free_string) char *root = lp_os_realpath(loop_config_root(k->p->options.config));
    if (file && root && !lp_path_inside(file, root))
        return loop_error_new(LOOP_DENIED, "'docs' is a link that leads out of the workspace: '%s'",
                              file);
    return NULL;
}

static loop_error *read_docs(struct pack *k)
{
    uint8_t *bytes;
    size_t n;
    LP_TRY(check_docs(k));
    loop_error *e = lp_os_read_file(k->from->docs, LP_MAX_PACKAGE_DOCS, &bytes, &n);
    if (e)
        return loop_error_wrap(e, "there is no documentation to pack");
    k->docs.bytes = (lp_buf){(char *)bytes, n, n};
    if (!lp_utf8_valid((const char *)bytes, n))
        return loop_error_hint_set(
            loop_error_new(LOOP_INVALID, "'%s' is no text in UTF-8", k->from->docs),
            "documentation is one file of text, Markdown for one");
    const char *title = strrchr(k->from->docs, '/') + 1, *dot = strrchr(title, '.');
    seal(&k->docs, dot && strcmp(dot, ".md") == 0 ? "text/markdown" : "text/plain");
    lp_attached_write(LP_TYPE_DOCS, &k->docs.self, title, &k->manifest.self,
                      &k->docs_manifest.bytes);
    seal(&k->docs_manifest, LP_MEDIA_MANIFEST);
    lp_buf_puts(&k->empty.bytes, LP_EMPTY_BYTES);
    seal(&k->empty, LP_MEDIA_EMPTY);
    return NULL;
}

/* ---- all of it ---- */

static void write_index(struct pack *k)
{
    lp_packed_item docs = {.self = k->docs_manifest.self, .type = LP_TYPE_DOCS};
    char *text = lp_layout_index(&k->facts, &docs, k->docs_manifest.name ? 1 : 0);
    k->index = (lp_buf){text, strlen(text), strlen(text)};
}

/* build/acme-notes-0.1.0.tar of the workspace; malloced. */
static char *default_output(const struct pack *k, bool layout)
{
    lp_auto(lp_free_string) char *name = lp_strdup(k->from->name);
    *strchr(name, ':') = '-';
    return lp_format("%s/build/%s-%s%s", loop_config_root(k->p->options.config), name,
                     k->from->version, layout ? "" : ".tar");
}

static loop_error *write_out(struct pack *k, const char *path, bool layout)
{
    const struct blob *blobs[] = {&k->wasm, &k->config,        &k->manifest,
                                  &k->docs, &k->docs_manifest, &k->empty};
    lp_layout_part parts[LP_COUNT(blobs) + 2];
    size_t n = 0;
    parts[n++] = (lp_layout_part){"oci-layout", LP_LAYOUT_BYTES, sizeof LP_LAYOUT_BYTES - 1, NULL};
    parts[n++] = (lp_layout_part){"index.json", k->index.ptr, k->index.len, NULL};
    for (size_t i = 0; i < LP_COUNT(blobs); i++)
        if (blobs[i]->name)
            parts[n++] =
                (lp_layout_part){blobs[i]->name, blobs[i]->bytes.ptr, blobs[i]->bytes.len, NULL};
    lp_auto(lp_free_string) char *above = lp_path_parent(path);
    if (*above)
        LP_TRY(lp_os_make_dirs(above));
    return layout ? lp_folder_write(path, parts, n) : lp_archive_write(path, parts, n);
}

static loop_error *pack(struct pack *k, const loop_pack_options *o, loop_package_list **ret)
{
    LP_TRY(find_component(k));
    LP_TRY(read_epoch(k));
    LP_TRY(read_component(k));
    LP_TRY(write_config(k));
    LP_TRY(write_manifest(k));
    if (k->from->docs)
        LP_TRY(read_docs(k));
    write_index(k);
    lp_auto(lp_free_string) char *path =
        o->output ? lp_strdup(o->output) : default_output(k, o->layout);
    loop_error *e = write_out(k, path, o->layout);
    if (loop_error_code(e) == LOOP_NOT_FOUND)
        return lp_error_because(LOOP_IO, e, "cannot write the package '%s'", path);
    if (e)
        return loop_error_wrap(e, "cannot write the package '%s'", path);
    loop_package_list *list = lp_package_list_new();
    loop_package *row = lp_package_list_manifest(list, &k->facts);
    row->path = lp_package_list_keep(list, path);
    *ret = list;
    return NULL;
}

loop_error *loop_packages_pack(loop_packages *p, const loop_pack_options *options,
                               loop_package_list **ret)
{
    static const loop_pack_options defaults;
    const loop_config *c = p->options.config;
    if (!c || !loop_config_root(c))
        return loop_error_hint_set(loop_error_new(LOOP_CONFIG, "there is no loop.yaml here"),
                                   "`loop pack` packs a component of a workspace");
    struct pack k = {.p = p, .from = loop_config_package_of(c)};
    if (!k.from)
        return loop_error_hint_set(
            loop_error_new(LOOP_CONFIG, "loop.yaml does not say what the package is called"),
            "add 'package: { name: \"acme:notes\", version: 0.1.0 }'");
    loop_error *e = pack(&k, options ? options : &defaults, ret);
    pack_done(&k);
    return e;
}

/* ---- looking at one ---- */

loop_error *loop_packages_look(loop_packages *p, const char *path, loop_package_list **ret)
{
    lp_packed *packed;
    LP_TRY(lp_packed_open(path, &packed));
    const lp_manifest *m = lp_packed_manifest(packed);
    const lp_origin from = {.packed = packed};
    loop_signer signer = {0};
    loop_error *e = lp_packed_check(packed);
    if (e)
        e = loop_error_wrap(e, "'%s' is no package", path);
    else
        e = lp_packages_verify(p, &from, m->name, m->version, m, &signer);
    if (!e) {
        *ret = lp_package_list_new();
        loop_package *row = lp_package_list_manifest(*ret, m);
        row->path = lp_package_list_keep(*ret, path);
        row->signer = signer;
    }
    lp_packed_close(packed);
    return e;
}
