/*
 * packages/pull.c: loop_packages_pull: one version of a package out of a registry into a file of
 * its own. It goes through the cache, so that a transfer that is cut goes on, and what is there is
 * not fetched again.
 */
#include <stdlib.h>

#include "base/os/os.h"
#include "base/path.h"
#include "packages/file.h"
#include "packages/index.h"
#include "packages/attach.h"
#include "packages/registry.h"

/* What is pulled. */
struct pull {
    loop_packages *p;
    lp_arena arena;
    lp_registry *registry;
    const char *name, *wish, *what; /* "acme:ui 1.2.0" */
    const lp_release *release;
    lp_manifest m;
    char *config, *component; /* files of the cache */
    const char *range;        /* NULL: the version was named */
    loop_signer signer;
    const char *const *signatures; /* NULL: none were looked for */
};

/* Whether the component alone is wanted. */
static bool is_component(const loop_pack_options *to)
{
    size_t n = to && to->output && !to->layout ? strlen(to->output) : 0;
    return n > 5 && strcmp(to->output + n - 5, ".wasm") == 0;
}

/* ---- which version ---- */

/* The one that was named, yanked or not; else the newest of the range that is not. */
static const lp_release *choose(const lp_package_info *info, const lp_version *one,
                                const lp_range *range)
{
    lp_arena arena = {0};
    const lp_release *found = NULL;
    for (size_t i = 0; i < info->count && !found; i++) {
        lp_version v;
        loop_error *e = lp_version_parse(&arena, info->releases[i].version, &v);
        bool fits =
            !e && (one ? lp_version_compare(&v, one) == 0 && strcmp(v.build, one->build) == 0
                       : lp_range_has(range, &v) && !info->releases[i].yanked);
        loop_error_delete(e);
        found = fits ? &info->releases[i] : NULL;
    }
    lp_arena_done(&arena);
    return found;
}

static loop_error *not_there(const struct pull *x, const char *range, const lp_package_info *info)
{
    const char *registry = lp_registry_name(x->registry);
    if (!info->count)
        return loop_error_new(LOOP_NOT_FOUND, "the registry '%s' has no package '%s'", registry,
                              x->name);
    lp_buf b = {0};
    for (size_t i = 0; i < LP_MIN(info->count, (size_t)8); i++)
        lp_buf_printf(&b, "%s%s%s", i ? ", " : "", info->releases[i].version,
                      info->releases[i].yanked ? " (yanked)" : "");
    loop_error *e = loop_error_hint_set(
        loop_error_new(LOOP_NOT_FOUND, "the registry '%s' has no %s %s", registry, x->name, range),
        "it has %s%s", b.ptr, info->count > 8 ? ", ..." : "");
    lp_buf_done(&b);
    return e;
}

static loop_error *find(struct pull *x, const char *wish, const char *registry)
{
    const char *range_text;
    lp_version one;
    const lp_range *range = NULL;
    lp_package_info info;
    LP_TRY(lp_package_wish_parse(&x->arena, wish, &x->name, &range_text));
    loop_error *none = lp_version_parse(&x->arena, range_text, &one);
    if (none)
        LP_TRY(lp_range_parse(&x->arena, range_text, &range));
    bool exact = !none;
    loop_error_delete(none);
    LP_TRY(registry ? lp_registry_named(x->p, registry, &x->registry)
                    : lp_registry_for(x->p, x->name, &x->registry));
    LP_TRY(lp_registry_lookup(x->registry, &x->name, 1, true, &x->arena, &info));
    x->range = exact ? NULL : range_text;
    x->release = choose(&info, exact ? &one : NULL, range);
    if (!x->release)
        return not_there(x, range_text, &info);
    lp_auto(lp_free_string) char *what = lp_format("%s %s", x->name, x->release->version);
    x->what = lp_arena_strndup(&x->arena, what, strlen(what));
    return NULL;
}

/* ---- into the cache ---- */

static loop_error *read_file(struct pull *x, const char *path, size_t max, const char **ret,
                             size_t *ret_n)
{
    uint8_t *bytes;
    LP_TRY(lp_os_read_file(path, max, &bytes, ret_n));
    *ret = lp_arena_strndup(&x->arena, (const char *)bytes, *ret_n);
    free(bytes);
    return NULL;
}

static loop_error *bring_manifest(struct pull *x)
{
    lp_auto(lp_free_string) char *path = NULL;
    const char *bytes;
    size_t n;
    const lp_release *r = x->release;
    LP_TRY(lp_registry_fetch(x->registry, x->name, r->digest, LP_BLOB_MANIFEST, 0, x->what, &path));
    LP_TRY(read_file(x, path, LP_MAX_MANIFEST_BYTES, &bytes, &n));
    LP_TRY(lp_manifest_parse(&x->arena, bytes, n, &x->m));
    if ((*x->m.name && strcmp(x->m.name, x->name) != 0) ||
        (*x->m.version && strcmp(x->m.version, r->version) != 0))
        return loop_error_new(LOOP_INVALID, "the registry '%s' delivers %s %s as %s",
                              lp_registry_name(x->registry), x->m.name, x->m.version, x->what);
    return NULL;
}

/* Who signed it, and whether what there was may be left behind. */
static loop_error *verify(struct pull *x)
{
    const lp_origin from = {.registry = x->registry, .key = lp_registry_key(x->registry)};
    const char *const ranges[] = {x->range, NULL};
    LP_TRY(lp_packages_verify(x->p, &from, x->name, x->release->version, &x->m, &x->signer));
    if (!*x->signer.key)
        return NULL;
    if (x->range)
        LP_TRY(lp_seen_check(x->p, x->name, x->release->version, ranges, NULL));
    return lp_seen_note(x->p, x->name, x->release->version, &x->signer);
}

/* What the manifest says of the component, which only who has the whole package needs. */
static loop_error *bring_config(struct pull *x)
{
    const char *bytes;
    size_t n;
    LP_TRY(lp_registry_fetch(x->registry, x->name, x->m.config_digest, LP_BLOB_DATA,
                             x->m.config_size, x->what, &x->config));
    LP_TRY(read_file(x, x->config, LP_MAX_MANIFEST_BYTES, &bytes, &n));
    return lp_config_check(&x->m, bytes, n);
}

static loop_error *bring(struct pull *x, bool whole)
{
    uint8_t head[8];
    const lp_release *r = x->release;
    x->m = (lp_manifest){.name = x->name,
                         .version = r->version,
                         .description = "",
                         .license = "",
                         .source = "",
                         .content = r->content,
                         .size = r->size};
    if (*r->digest)
        LP_TRY(bring_manifest(x));
    LP_TRY(verify(x));
    if (*r->digest && whole) {
        LP_TRY(bring_config(x));
        LP_TRY(lp_signatures_asked(x->registry, x->name, r->digest, &x->arena, &x->signatures));
    }
    LP_TRY(lp_registry_fetch(x->registry, x->name, x->m.content, LP_BLOB_DATA, x->m.size, x->what,
                             &x->component));
    lp_os_reader *reader = lp_os_reader_open(x->component);
    bool read = reader && lp_os_reader_at(reader, 0, head, sizeof head);
    lp_os_reader_close(reader);
    return lp_wasm_check(head, read ? sizeof head : 0);
}

/* ---- out of it ---- */

static loop_error *copy(void *data, lp_os_writer *w)
{
    const struct pull *x = data;
    return lp_file_read(x->component, 0, NULL, w, lp_file_add);
}

static loop_error *write_component(struct pull *x, const char *to)
{
    uint64_t salt;
    lp_os_random(&salt, sizeof salt);
    lp_auto(lp_free_string) char *part = lp_format("%s.%016llx", to, (unsigned long long)salt);
    return lp_file_make(to, part, x, copy);
}

/* As `loop pack` writes it; of a package that another tool made, what OCI has and no more. */
static char *index_of(const struct pull *x, const lp_packed_item *others, size_t n)
{
    if (*x->m.name && *x->m.version)
        return lp_layout_index(&x->m, others, n);
    lp_auto(lp_json_free) json_t *root = json_pack(
        "{s:i, s:s, s:[{s:s, s:s, s:I, s:{s:s}}]}", "schemaVersion", 2, "mediaType", LP_MEDIA_INDEX,
        "manifests", "mediaType", LP_MEDIA_MANIFEST, "digest", x->m.digest, "size",
        (json_int_t)x->m.len, "annotations", LP_NOTE_REF, x->release->version);
    return json_dumps(root, JSON_COMPACT);
}

static loop_error *write_package(struct pull *x, const char *to, bool layout)
{
    if (!*x->release->digest)
        return loop_error_hint_set(loop_error_new(LOOP_UNAVAILABLE,
                                                  "the registry '%s' has the component of %s alone",
                                                  lp_registry_name(x->registry), x->what),
                                   "write --output FILE.wasm");
    lp_attachment signatures[LP_MAX_SIGNATURES];
    lp_packed_item others[LP_MAX_SIGNATURES];
    size_t n = 0, count = 5;
    for (; *x->m.name && x->signatures && x->signatures[n]; n++) {
        lp_attachment_signature(&x->arena, &x->m, x->signatures[n], &signatures[n]);
        others[n] = signatures[n].item;
    }
    lp_auto(lp_free_string) char *index = index_of(x, others, n);
    lp_auto(lp_free_string) char *manifest = lp_layout_blob_name(x->m.digest);
    lp_auto(lp_free_string) char *config = lp_layout_blob_name(x->m.config_digest);
    lp_auto(lp_free_string) char *content = lp_layout_blob_name(x->m.content);
    lp_layout_part parts[5 + 3 * LP_MAX_SIGNATURES] = {
        {"oci-layout", LP_LAYOUT_BYTES, strlen(LP_LAYOUT_BYTES), NULL},
        {"index.json", index, strlen(index), NULL},
        {manifest, x->m.bytes, x->m.len, NULL},
        {config, NULL, 0, x->config},
        {content, NULL, 0, x->component},
    };
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < signatures[i].n; k++)
            if (i == 0 || k != 1) /* the empty config, which they share */
                parts[count++] = signatures[i].parts[k];
    return layout ? lp_folder_write(to, parts, count) : lp_archive_write(to, parts, count);
}

static loop_error *write_out(struct pull *x, const loop_pack_options *to, loop_package_list *list)
{
    bool layout = to && to->layout;
    lp_auto(lp_free_string) char *own =
        lp_format("%s-%s%s", strchr(x->name, ':') + 1, x->release->version, layout ? "" : ".tar");
    const char *path = to && to->output ? to->output : own;
    if (lp_os_exists(path))
        return loop_error_hint_set(loop_error_new(LOOP_USAGE, "'%s' is there already", path),
                                   "--output names another file");
    LP_TRY(is_component(to) ? write_component(x, path) : write_package(x, path, layout));
    loop_package *row = lp_package_list_manifest(list, &x->m);
    row->name = lp_package_list_keep(list, x->name);
    row->version = lp_package_list_keep(list, x->release->version);
    row->digest = lp_package_list_keep(list, x->release->digest);
    row->registry = lp_package_list_keep(list, lp_registry_name(x->registry));
    row->path = lp_package_list_keep(list, path);
    row->signer = x->signer;
    row->yanked = x->release->yanked ? lp_package_list_keep(list, x->release->yanked) : NULL;
    return NULL;
}

loop_error *loop_packages_pull(loop_packages *p, const char *wish, const char *registry,
                               const loop_pack_options *to, loop_package_list **ret)
{
    struct pull x = {.p = p, .wish = wish};
    loop_package_list *list = lp_package_list_new();
    loop_error *e = find(&x, wish, registry);
    if (!e)
        e = bring(&x, !is_component(to));
    if (!e)
        e = write_out(&x, to, list);
    free(x.config);
    free(x.component);
    lp_arena_done(&x.arena);
    if (e) {
        loop_package_list_delete(list);
        return e;
    }
    *ret = list;
    return NULL;
}
