/*
 * packages/layout.c: what a package is on this machine: an OCI image layout, in a folder or in a
 * tar archive, with one component.
 *
 *     oci-layout                {"imageLayoutVersion":"1.0.0"}
 *     index.json                names the manifests
 *     blobs/sha256/<64 digits>  manifests, configs, the component, documentation
 *
 * Nothing else may be in one: no other name, no link, no device, nothing twice, no blob that
 * nothing refers to. So nothing of an archive is ever written anywhere by the name that it has
 * there, and there is no place in which anything could hide. Names are compared byte by byte.
 *
 * Opening reads what is small (index, manifests, config) and the component's first bytes, and
 * compares all sizes; a blob is compared with its digest as its bytes are handed on.
 */
#include "packages/layout.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "packages/file.h"
#include "packages/json.h"

#define BLOBS "blobs/sha256/"

/* ---- what may be in one ---- */

/* For a message: without what could steer a terminal. */
static char *shown(const char *name)
{
    char *s = lp_strndup(name, LP_MIN(strlen(name), (size_t)LP_MAX_NAME));
    for (char *c = s; *c; c++)
        if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f)
            *c = '?';
    return s;
}

static loop_error *refuse(const char *name, const char *why)
{
    lp_auto(lp_free_string) char *s = shown(name);
    return loop_error_new(LOOP_INVALID, "the entry '%s' %s", s, why);
}

static bool leads_out(const char *name)
{
    for (const char *part = name; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || !part[2]))
            return true;
    }
    return false;
}

static bool is_blob(const char *name)
{
    return strncmp(name, BLOBS, sizeof BLOBS - 1) == 0 &&
           strlen(name) == sizeof BLOBS - 1 + LOOP_SHA256_TEXT - 8 &&
           strspn(name + sizeof BLOBS - 1, "0123456789abcdef") == LOOP_SHA256_TEXT - 8;
}

static bool is_file(const char *name)
{
    return strcmp(name, "oci-layout") == 0 || strcmp(name, "index.json") == 0 || is_blob(name);
}

static bool is_folder(const char *name)
{
    static const char *const folders[] = {"", ".", "blobs", "blobs/", "blobs/sha256", BLOBS};
    for (size_t i = 0; i < LP_COUNT(folders); i++)
        if (strcmp(name, folders[i]) == 0)
            return true;
    return false;
}

/* Why a name does not belong there. */
static const char *why_not(const char *name, bool absolute)
{
    if (!*name)
        return "has no name";
    if (absolute)
        return "has an absolute name";
    if (leads_out(name))
        return "leads out of the archive ('..')";
    lp_auto(lp_free_string) char *lower = lp_strdup(name);
    for (char *c = lower; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    if (strcmp(lower, name) != 0 && (is_file(lower) || is_folder(lower)))
        return "is spelt with capital letters, which some file systems take for another file";
    return "does not belong into a package";
}

static lp_layout_file *find(const lp_packed *p, const char *name)
{
    for (size_t i = 0; i < p->files.n; i++)
        if (strcmp(p->files.at[i].name, name) == 0)
            return &p->files.at[i];
    return NULL;
}

loop_error *lp_layout_take(lp_packed *p, const char *name, char kind, uint64_t size,
                           uint64_t offset)
{
    const char *inner = strncmp(name, "./", 2) == 0 ? name + 2 : name;
    if (strlen(name) > LP_MAX_NAME)
        return refuse(name, "has a name that is too long");
    if (kind == 'l')
        return refuse(name, "is a link");
    if (kind != 'f' && kind != 'd')
        return refuse(name, "is neither a file nor a folder, or a file with holes");
    if (kind == 'd' && is_folder(inner) && *name && p->folders++ < LP_MAX_PACKAGE_ENTRIES)
        return NULL;
    if (p->files.n == LP_MAX_PACKAGE_ENTRIES || p->folders > LP_MAX_PACKAGE_ENTRIES)
        return loop_error_new(LOOP_LIMIT, "it has more than %d files or folders",
                              LP_MAX_PACKAGE_ENTRIES);
    if (kind == 'd' || !is_file(inner))
        return refuse(name, why_not(inner, *name == '/'));
    if (find(p, inner))
        return refuse(name, "is there twice");
    if (size > (is_blob(inner) ? LP_MAX_COMPONENT_BYTES : LP_MAX_MANIFEST_BYTES) ||
        (p->total += size) > LP_MAX_PACKAGE_BYTES)
        return refuse(name, "is larger than anything in a package may be");
    *lp_push(&p->files) =
        (lp_layout_file){lp_arena_strndup(&p->arena, inner, strlen(inner)), size, offset, false};
    return NULL;
}

/* ---- reading a file of it ---- */

static loop_error *read_file(lp_packed *p, const lp_layout_file *f, void *data, lp_file_take *take)
{
    if (p->archive)
        return lp_file_hand_on(p->archive, f->name, f->offset, f->size, data, take);
    lp_auto(lp_free_string) char *path = lp_format("%s/%s", p->path, f->name);
    lp_os_reader *r = lp_os_reader_open(path);
    if (!r)
        return loop_error_new(LOOP_IO, "cannot read '%s'", path);
    loop_error *e = lp_file_hand_on(r, path, 0, f->size, data, take);
    lp_os_reader_close(r);
    return e;
}

struct passing {
    lp_sha256 sum;
    void *data;
    loop_error *(*take)(void *data, const void *bytes, size_t n);
};

static loop_error *pass(void *data, const void *bytes, size_t n)
{
    struct passing *p = data;
    lp_sha256_add(&p->sum, bytes, n);
    return p->take ? p->take(p->data, bytes, n) : NULL;
}

static lp_layout_file *find_blob(const lp_packed *p, const char *digest)
{
    lp_auto(lp_free_string) char *name = lp_layout_blob_name(digest);
    return find(p, name);
}

loop_error *lp_packed_blob(lp_packed *p, const char *digest, void *data,
                           loop_error *(*take)(void *data, const void *bytes, size_t n))
{
    lp_layout_file *f = find_blob(p, digest);
    if (!f)
        return loop_error_new(LOOP_NOT_FOUND, "there is no blob %s in '%s'", digest, p->path);
    struct passing passing = {.data = data, .take = take};
    char found[LOOP_SHA256_TEXT];
    lp_sha256_start(&passing.sum);
    LP_TRY(read_file(p, f, &passing, pass));
    lp_sha256_end(&passing.sum, found);
    if (strcmp(found, digest) == 0)
        return NULL;
    return loop_error_new(LOOP_INVALID,
                          "the entry '%s' was changed: its bytes have another digest (%s)", f->name,
                          found);
}

static loop_error *gather(void *data, const void *bytes, size_t n)
{
    lp_buf_add(data, bytes, n);
    return NULL;
}

/* A small blob, whole. */
static loop_error *read_small(lp_packed *p, const lp_blob *blob, lp_buf *ret)
{
    if (blob->size > LP_MAX_MANIFEST_BYTES)
        return loop_error_new(LOOP_LIMIT, "the manifest or config %s has more than %u bytes",
                              blob->digest, LP_MAX_MANIFEST_BYTES);
    return lp_packed_blob(p, blob->digest, ret, gather);
}

/* ---- index.json, and what it names ---- */

/* Notes that something refers to a blob, which must be there, as large as is said. */
static loop_error *use(lp_packed *p, const lp_blob *blob)
{
    lp_layout_file *f = find_blob(p, blob->digest);
    if (!f)
        return loop_error_new(LOOP_INVALID, "the blob %s, which a manifest names, is missing",
                              blob->digest);
    if (f->size != blob->size)
        return loop_error_new(LOOP_INVALID,
                              "the entry '%s' has %llu bytes, and a manifest says %llu", f->name,
                              (unsigned long long)f->size, (unsigned long long)blob->size);
    f->used = true;
    return NULL;
}

static loop_error *index_wrong(const char *why)
{
    return loop_error_new(LOOP_INVALID, "the entry 'index.json' %s", why);
}

static loop_error *read_item(lp_packed *p, const json_t *descriptor, lp_buf *bytes)
{
    const char *digest = lp_json_text(descriptor, "digest");
    const char *media = lp_json_text(descriptor, "mediaType");
    const json_t *size = json_object_get(descriptor, "size");
    if (!digest || !lp_digest_is(digest) || !json_is_integer(size) || json_integer_value(size) < 0)
        return index_wrong("names something without a sha256 digest or without a size");
    if (!media || strcmp(media, LP_MEDIA_MANIFEST) != 0)
        return index_wrong("names something that is no manifest (" LP_MEDIA_MANIFEST ")");
    lp_blob self = {lp_arena_strndup(&p->arena, digest, strlen(digest)), LP_MEDIA_MANIFEST,
                    (uint64_t)json_integer_value(size)};
    LP_TRY(use(p, &self));
    LP_TRY(read_small(p, &self, bytes));
    lp_artifact a;
    LP_TRY(lp_artifact_parse(&p->arena, bytes->ptr, bytes->len, &a));
    lp_blob *blobs = lp_arena_alloc(&p->arena, (a.layers_count + 1) * sizeof *blobs);
    blobs[0] = a.config;
    memcpy(blobs + 1, a.layers, a.layers_count * sizeof *blobs);
    for (size_t i = 0; i <= a.layers_count; i++)
        LP_TRY(use(p, &blobs[i]));
    *lp_push(&p->items) = (lp_packed_item){self, a.type, a.subject, blobs, a.layers_count + 1};
    if (*a.subject)
        return NULL;
    if (p->manifest.bytes)
        return index_wrong("names two packages; one is what a package is");
    return lp_manifest_parse(&p->arena, bytes->ptr, bytes->len, &p->manifest);
}

static loop_error *read_items(lp_packed *p, const json_t *root)
{
    const json_t *list = json_object_get(root, "manifests"), *descriptor;
    const json_t *version = json_object_get(root, "schemaVersion");
    if (!json_is_integer(version) || json_integer_value(version) != 2 || !json_is_array(list))
        return index_wrong("is no OCI index");
    if (json_array_size(list) > LP_MAX_PACKAGE_ENTRIES)
        return index_wrong("names more manifests than a package may have");
    for (size_t i = 0; i < json_array_size(list); i++) {
        descriptor = json_array_get(list, i);
        lp_buf bytes = {0};
        loop_error *e = read_item(p, descriptor, &bytes);
        lp_buf_done(&bytes);
        LP_TRY(e);
    }
    return p->manifest.bytes ? NULL : index_wrong("names no package");
}

/* Every other manifest belongs to the package's; that one comes first. */
static loop_error *order_items(lp_packed *p)
{
    for (size_t i = 0; i < p->items.n; i++) {
        lp_packed_item item = p->items.at[i];
        if (!*item.subject) {
            memmove(p->items.at + 1, p->items.at, i * sizeof item);
            p->items.at[0] = item;
        } else if (strcmp(item.subject, p->manifest.digest) != 0) {
            return loop_error_new(LOOP_INVALID,
                                  "the manifest %s belongs to another one, which is not here (%s)",
                                  item.self.digest, item.subject);
        }
    }
    return NULL;
}

/* ---- opening ---- */

static loop_error *read_json(lp_packed *p, const char *name, lp_buf *bytes, json_t **ret)
{
    lp_layout_file *f = find(p, name);
    if (!f)
        return loop_error_new(LOOP_INVALID, "the entry '%s' is missing", name);
    f->used = true;
    LP_TRY(read_file(p, f, bytes, gather));
    lp_auto(lp_free_string) char *what = lp_format("the entry '%s'", name);
    return lp_json_parse(what, bytes->ptr, bytes->len, ret);
}

static loop_error *check_version(lp_packed *p)
{
    lp_auto(lp_json_free) json_t *layout = NULL;
    lp_buf bytes = {0};
    loop_error *e = read_json(p, "oci-layout", &bytes, &layout);
    lp_buf_done(&bytes);
    LP_TRY(e);
    const char *version = lp_json_text(layout, "imageLayoutVersion");
    if (version && strcmp(version, "1.0.0") == 0)
        return NULL;
    return loop_error_new(LOOP_INVALID, "the entry 'oci-layout' is of another imageLayoutVersion "
                                        "than 1.0.0");
}

static loop_error *check_config(lp_packed *p)
{
    lp_buf bytes = {0};
    lp_blob config = {p->manifest.config_digest, LP_MEDIA_CONFIG, p->manifest.config_size};
    loop_error *e = read_small(p, &config, &bytes);
    if (!e)
        e = lp_config_check(&p->manifest, bytes.ptr, bytes.len);
    lp_buf_done(&bytes);
    return e;
}

static loop_error *check_component(lp_packed *p)
{
    lp_layout_file first = *find_blob(p, p->manifest.content);
    lp_buf bytes = {0};
    first.size = LP_MIN(first.size, (uint64_t)8);
    loop_error *e = read_file(p, &first, &bytes, gather);
    if (!e)
        e = lp_wasm_check(bytes.ptr ? bytes.ptr : "", bytes.len);
    lp_buf_done(&bytes);
    return e ? loop_error_wrap(e, "the entry '%s' is wrong", first.name) : NULL;
}

static loop_error *read_index(lp_packed *p)
{
    lp_auto(lp_json_free) json_t *root = NULL;
    lp_buf bytes = {0};
    loop_error *e = read_json(p, "index.json", &bytes, &root);
    if (!e)
        e = read_items(p, root);
    if (!e)
        e = order_items(p);
    if (!e)
        e = lp_layout_index_check(p, root, &bytes);
    lp_buf_done(&bytes);
    return e;
}

static loop_error *read_all(lp_packed *p)
{
    LP_TRY(p->archive ? lp_archive_list(p) : lp_folder_list(p));
    LP_TRY(check_version(p));
    LP_TRY(read_index(p));
    for (size_t i = 0; i < p->files.n; i++)
        if (!p->files.at[i].used)
            return refuse(p->files.at[i].name, "is a blob that nothing refers to");
    LP_TRY(check_config(p));
    return check_component(p);
}

loop_error *lp_packed_open(const char *path, lp_packed **ret)
{
    lp_packed *p = lp_alloc(sizeof *p);
    p->path = lp_arena_strndup(&p->arena, path, strlen(path));
    loop_error *e = NULL;
    if (!lp_os_exists(path))
        e = loop_error_new(LOOP_NOT_FOUND, "there is no '%s'", path);
    else if (!lp_os_is_dir(path) && !(p->archive = lp_os_reader_open(path)))
        e = loop_error_new(LOOP_IO, "cannot read '%s': it is a link, or no file, or not for you",
                           path);
    else if ((e = read_all(p)))
        e = loop_error_wrap(e, "'%s' is no package", path);
    if (e) {
        lp_packed_close(p);
        return e;
    }
    *ret = p;
    return NULL;
}

loop_error *lp_packed_check(lp_packed *p)
{
    for (size_t i = 0; i < p->items.n; i++)
        for (size_t k = 0; k < p->items.at[i].count; k++)
            LP_TRY(lp_packed_blob(p, p->items.at[i].blobs[k].digest, NULL, NULL));
    return NULL;
}

void lp_packed_close(lp_packed *p)
{
    if (!p)
        return;
    lp_os_reader_close(p->archive);
    free(p->files.at);
    free(p->items.at);
    lp_arena_done(&p->arena);
    free(p);
}

const lp_manifest *lp_packed_manifest(const lp_packed *p)
{
    return &p->manifest;
}

const lp_packed_item *lp_packed_item_at(const lp_packed *p, size_t i)
{
    return i < p->items.n ? &p->items.at[i] : NULL;
}

char *lp_layout_blob_name(const char *digest)
{
    return lp_format(BLOBS "%s", digest + 7);
}
