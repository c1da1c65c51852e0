/*
 * packages/index.c: index.json of a layout that is a registry: reading it, and publishing into it.
 *
 * Reading is for resolving: names, versions, digests and what each needs, out of the annotations of
 * a descriptor. What a manifest says is looked at again when it is fetched; who lies here gets
 * another choice, and never other bytes.
 */
#include <stdlib.h>

#include "packages/index.h"
#include "packages/manifest.h"
#include "packages/registry.h"

static const char *keep(lp_arena *arena, const char *text)
{
    return text ? lp_arena_strndup(arena, text, strlen(text)) : "";
}

/* ---- releases ---- */

char *lp_requires_text(const lp_requirement *list, size_t n)
{
    json_t *o = json_object();
    for (size_t i = 0; i < n; i++)
        json_object_set_new(o, list[i].name, json_string(list[i].range));
    char *text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(o);
    return text ? text : lp_strdup("{}");
}

loop_error *lp_requires_parse(lp_arena *arena, const char *text, const lp_requirement **ret,
                              size_t *ret_n)
{
    lp_auto(lp_json_free) json_t *o = NULL;
    if (!text || !*text) {
        *ret_n = 0;
        return NULL;
    }
    LP_TRY(lp_json_parse("what it needs", text, strlen(text), &o));
    size_t n = json_object_size(o), i = 0;
    if (!json_is_object(o) || n > LP_MAX_PACKAGE_REQUIRES)
        return loop_error_new(LOOP_INVALID, "what it needs is no map of at most %d packages",
                              LP_MAX_PACKAGE_REQUIRES);
    lp_requirement *list = lp_arena_alloc(arena, (n + 1) * sizeof *list);
    const char *name;
    json_t *range;
    json_object_foreach(o, name, range)
    {
        const char *r = json_string_value(range);
        const lp_range *parsed;
        LP_TRY(lp_package_name_check(name));
        if (!r)
            return loop_error_new(LOOP_INVALID, "it needs '%s' of no version", name);
        LP_TRY(lp_range_parse(arena, r, &parsed));
        list[i++] = (lp_requirement){lp_arena_strndup(arena, name, strlen(name)),
                                     lp_arena_strndup(arena, r, strlen(r))};
    }
    *ret = list;
    *ret_n = i;
    return NULL;
}

char *lp_release_wrong(const lp_release *r)
{
    lp_arena arena = {0};
    lp_version v;
    loop_error *e = lp_version_parse(&arena, r->version, &v);
    lp_arena_done(&arena);
    char *why = NULL;
    if (e)
        why = lp_format("'%.64s' is no version", r->version);
    else if (*r->digest && !lp_digest_is(r->digest))
        why = lp_format("'%.80s' is no digest", r->digest);
    else if (*r->content && !lp_digest_is(r->content))
        why = lp_format("'%.80s' is no digest", r->content);
    else if (!*r->digest && !*r->content)
        why = lp_strdup("it has no digest");
    else if (r->size > LP_MAX_COMPONENT_BYTES)
        why = lp_strdup("it is larger than a component may be");
    else if (r->yanked && strlen(r->yanked) > LP_MAX_PACKAGE_TEXT)
        why = lp_strdup("the reason why it is yanked is too long");
    loop_error_delete(e);
    return why;
}

lp_release lp_release_copy(lp_arena *arena, const lp_release *r)
{
    lp_release to = *r;
    lp_requirement *needs = lp_arena_alloc(arena, (r->requires_count + 1) * sizeof *needs);
    to.version = keep(arena, r->version);
    to.digest = keep(arena, r->digest);
    to.content = keep(arena, r->content);
    to.yanked = r->yanked ? keep(arena, r->yanked) : NULL;
    to.
        requires
    = needs;
    for (size_t i = 0; i < r->requires_count; i++)
        needs[i] =
            (lp_requirement){keep(arena, r->requires[i].name), keep(arena, r->requires[i].range)};
    return to;
}

struct ranked {
    lp_version version;
    lp_release release;
};

static int compare(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    int order = lp_version_compare(&y->version, &x->version);
    return order ? order : strcmp(y->release.version, x->release.version);
}

void lp_release_sort(lp_release *list, size_t n)
{
    lp_arena arena = {0};
    struct ranked *ranked = lp_alloc((n + 1) * sizeof *ranked);
    for (size_t i = 0; i < n; i++) {
        ranked[i].release = list[i];
        loop_error_delete(lp_version_parse(&arena, list[i].version, &ranked[i].version));
    }
    qsort(ranked, n, sizeof *ranked, compare);
    for (size_t i = 0; i < n; i++)
        list[i] = ranked[i].release;
    free(ranked);
    lp_arena_done(&arena);
}

/* ---- reading ---- */

static loop_error *read_entry(lp_arena *arena, const json_t *descriptor, lp_index_entry *ret)
{
    const json_t *notes = json_object_get(descriptor, "annotations");
    const char *name = lp_json_text(notes, LP_NOTE_NAME);
    const char *version = lp_json_text(notes, LP_NOTE_REF);
    const char *size = lp_json_text(notes, LP_NOTE_SIZE);
    const char *yanked = lp_json_text(notes, LP_NOTE_YANKED);
    LP_TRY(lp_package_name_check(name));
    char *end = NULL;
    json_int_t manifest = json_integer_value(json_object_get(descriptor, "size"));
    *ret =
        (lp_index_entry){.name = keep(arena, name),
                         .release = {.version = keep(arena, version),
                                     .digest = keep(arena, lp_json_text(descriptor, "digest")),
                                     .content = keep(arena, lp_json_text(notes, LP_NOTE_CONTENT)),
                                     .size = size ? strtoull(size, &end, 10) : 0,
                                     .yanked = yanked ? keep(arena, yanked) : NULL},
                         .manifest_size = manifest > 0 ? (uint64_t)manifest : 0};
    lp_auto(lp_free_string) char *wrong = lp_release_wrong(&ret->release);
    if (wrong)
        return loop_error_new(LOOP_INVALID, "%s", wrong);
    if (size && (*end || !*size))
        return loop_error_new(LOOP_INVALID, "'%.32s' is no size", size);
    if (manifest < 1 || manifest > LP_MAX_MANIFEST_BYTES)
        return loop_error_new(LOOP_INVALID, "its manifest has no size, or is too large");
    return lp_requires_parse(arena, lp_json_text(notes, LP_NOTE_REQUIRES), &ret->release.requires,
                             &ret->release.requires_count);
}

/* What belongs to a package and says so; anything else that is no package is passed over. */
static bool read_other(lp_arena *arena, const json_t *descriptor, lp_index_other *ret)
{
    const char *digest = lp_json_text(descriptor, "digest");
    const char *type = lp_json_text(descriptor, "artifactType");
    const char *subject = lp_json_text(json_object_get(descriptor, "annotations"), LP_NOTE_SUBJECT);
    json_int_t size = json_integer_value(json_object_get(descriptor, "size"));
    if (!digest || !type || !subject || !lp_digest_is(digest) || !lp_digest_is(subject) ||
        size < 1 || size > LP_MAX_MANIFEST_BYTES)
        return false;
    *ret = (lp_index_other){{keep(arena, digest), keep(arena, type), (uint64_t)size},
                            keep(arena, subject)};
    return true;
}

static int by_name(const void *a, const void *b)
{
    const lp_index_entry *x = a, *y = b;
    return strcmp(x->name, y->name);
}

/* The list of descriptors of an index.json; LOOP_INVALID where it is none. */
static loop_error *manifests_of(const char *what, json_t *root, json_t **ret)
{
    json_t *list = json_object_get(root, "manifests");
    if (json_integer_value(json_object_get(root, "schemaVersion")) != 2 || !json_is_array(list))
        return loop_error_new(LOOP_INVALID,
                              "%s is no index of an OCI layout: it needs `schemaVersion: 2` and a "
                              "list `manifests`",
                              what);
    if (json_array_size(list) > LP_MAX_INDEX_ENTRIES)
        return loop_error_new(LOOP_LIMIT, "%s has more than %d entries", what,
                              LP_MAX_INDEX_ENTRIES);
    *ret = list;
    return NULL;
}

loop_error *lp_index_parse(lp_arena *arena, const char *what, const void *bytes, size_t len,
                           lp_index *ret)
{
    lp_auto(lp_json_free) json_t *root = NULL;
    json_t *list, *descriptor;
    LP_TRY(lp_json_parse(what, bytes, len, &root));
    LP_TRY(manifests_of(what, root, &list));
    lp_index_entry *entries = lp_arena_alloc(arena, (json_array_size(list) + 1) * sizeof *entries);
    lp_index_other *others = lp_arena_alloc(arena, (json_array_size(list) + 1) * sizeof *others);
    size_t n = 0, others_n = 0, place;
    json_array_foreach(list, place, descriptor)
    {
        if (!lp_json_text(json_object_get(descriptor, "annotations"), LP_NOTE_NAME)) {
            others_n += read_other(arena, descriptor, &others[others_n]);
            continue;
        }
        loop_error *e = read_entry(arena, descriptor, &entries[n]);
        if (e)
            return lp_error_because(LOOP_INVALID, e, "entry %zu of %s is wrong", place + 1, what);
        n++;
    }
    qsort(entries, n, sizeof *entries, by_name);
    *ret = (lp_index){entries, n, others, others_n};
    return NULL;
}

loop_error *lp_index_referrers(lp_arena *arena, const lp_index *index, const char *digest,
                               const lp_blob **ret, size_t *ret_n)
{
    size_t n = 0;
    lp_blob *list = lp_arena_alloc(arena, LP_MAX_PACKAGE_REFERRERS * sizeof *list);
    for (size_t i = 0; i < index->others_n; i++) {
        const lp_index_other *o = &index->others[i];
        if (strcmp(o->subject, digest) != 0)
            continue;
        if (n == LP_MAX_PACKAGE_REFERRERS)
            return loop_error_new(LOOP_LIMIT, "more than %d manifests belong to %s",
                                  LP_MAX_PACKAGE_REFERRERS, digest);
        list[n++] =
            (lp_blob){keep(arena, o->self.digest), keep(arena, o->self.media_type), o->self.size};
    }
    *ret = list;
    *ret_n = n;
    return NULL;
}

loop_error *lp_index_find(lp_arena *arena, const lp_index *index, const char *name,
                          const lp_release **ret, size_t *ret_n)
{
    size_t from = 0, to = index->n;
    while (from < to) {
        size_t middle = (from + to) / 2;
        if (strcmp(index->at[middle].name, name) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    while (to < index->n && strcmp(index->at[to].name, name) == 0)
        to++;
    size_t n = to - from;
    if (n > LP_MAX_PACKAGE_VERSIONS)
        return loop_error_new(LOOP_LIMIT, "'%s' has more than %d versions", name,
                              LP_MAX_PACKAGE_VERSIONS);
    lp_release *list = lp_arena_alloc(arena, (n + 1) * sizeof *list);
    for (size_t i = 0; i < n; i++)
        list[i] = index->at[from + i].release;
    lp_release_sort(list, n);
    for (size_t i = 1; i < n; i++)
        if (strcmp(list[i - 1].version, list[i].version) == 0)
            return loop_error_new(LOOP_INVALID, "version %s of '%s' is there twice",
                                  list[i].version, name);
    *ret = list;
    *ret_n = n;
    return NULL;
}

/* ---- changing ---- */

static loop_error *open_index(const char *what, const void *bytes, size_t len, json_t **ret_root,
                              json_t **ret_list)
{
    if (!bytes) {
        *ret_root = json_pack("{s:i, s:s, s:[]}", "schemaVersion", 2, "mediaType", LP_MEDIA_INDEX,
                              "manifests");
        *ret_list = json_object_get(*ret_root, "manifests");
        return NULL;
    }
    LP_TRY(lp_json_parse(what, bytes, len, ret_root));
    loop_error *e = manifests_of(what, *ret_root, ret_list);
    if (e) {
        json_decref(*ret_root);
        *ret_root = NULL;
    }
    return e;
}

static json_t *find(json_t *list, const char *name, const char *version)
{
    size_t place;
    json_t *descriptor;
    json_array_foreach(list, place, descriptor)
    {
        const json_t *notes = json_object_get(descriptor, "annotations");
        const char *n = lp_json_text(notes, LP_NOTE_NAME), *v = lp_json_text(notes, LP_NOTE_REF);
        if (n && v && strcmp(n, name) == 0 && strcmp(v, version) == 0)
            return descriptor;
    }
    return NULL;
}

json_t *lp_index_descriptor(const char *name, const char *version, const lp_manifest *m)
{
    json_t *notes = json_pack("{s:s, s:s, s:s}", LP_NOTE_REF, version, LP_NOTE_NAME, name,
                              LP_NOTE_CONTENT, m->content);
    lp_auto(lp_free_string) char *size = lp_format("%llu", (unsigned long long)m->size);
    json_object_set_new(notes, LP_NOTE_SIZE, json_string(size));
    if (m->requires_count) {
        lp_auto(lp_free_string) char *needs = lp_requires_text(m->requires, m->requires_count);
        json_object_set_new(notes, LP_NOTE_REQUIRES, json_string(needs));
    }
    return json_pack("{s:s, s:s, s:I, s:o}", "mediaType", LP_MEDIA_MANIFEST, "digest", m->digest,
                     "size", (json_int_t)m->len, "annotations", notes);
}

/* LOOP_LIMIT where nobody could read it any more. */
static loop_error *write(const char *what, json_t *root, lp_buf *ret)
{
    size_t count = json_array_size(json_object_get(root, "manifests"));
    lp_auto(lp_free_string) char *text = json_dumps(root, JSON_INDENT(2));
    size_t len = text ? strlen(text) + 1 : 0;
    if (count > LP_MAX_INDEX_ENTRIES || len > LP_MAX_JSON_BYTES)
        return loop_error_hint_set(loop_error_new(LOOP_LIMIT,
                                                  "%s is full: more than %d entries, or %u bytes",
                                                  what, LP_MAX_INDEX_ENTRIES, LP_MAX_JSON_BYTES),
                                   "publish in another layout");
    lp_buf_puts(ret, text ? text : "");
    lp_buf_puts(ret, "\n");
    return NULL;
}

static bool has_digest(const json_t *list, const char *digest)
{
    size_t place;
    const json_t *descriptor;
    json_array_foreach(list, place, descriptor)
    {
        const char *other = lp_json_text(descriptor, "digest");
        const json_t *notes = json_object_get(descriptor, "annotations");
        if (other && strcmp(other, digest) == 0 && lp_json_text(notes, LP_NOTE_SUBJECT))
            return true;
    }
    return false;
}

/*
 * What belongs to the package, documentation and signatures, is found through the index, too. How
 * many are new.
 */
static size_t append_items(json_t *list, const lp_packed *package)
{
    const lp_packed_item *item;
    size_t n = 0;
    for (size_t i = 1; (item = lp_packed_item_at(package, i)); i++) {
        if (has_digest(list, item->self.digest))
            continue;
        n++;
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:I, s:s, s:{s:s}}", "mediaType",
                                        item->self.media_type, "digest", item->self.digest, "size",
                                        (json_int_t)item->self.size, "artifactType", item->type,
                                        "annotations", LP_NOTE_SUBJECT, item->subject));
    }
    return n;
}

loop_error *lp_index_add(const char *what, const void *bytes, size_t len, const char *name,
                         const char *version, const lp_packed *package, lp_buf *ret, bool *ret_same)
{
    lp_auto(lp_json_free) json_t *root = NULL;
    json_t *list;
    const lp_manifest *m = lp_packed_manifest(package);
    LP_TRY(open_index(what, bytes, len, &root, &list));
    const json_t *there = find(list, name, version);
    if (there) {
        const char *digest = lp_json_text(there, "digest");
        if (!digest || strcmp(digest, m->digest) != 0)
            return lp_registry_other_bytes(name, version, digest);
    }
    if (!there)
        json_array_append_new(list, lp_index_descriptor(name, version, m));
    size_t n = append_items(list, package);
    *ret_same = there && !n;
    return *ret_same ? NULL : write(what, root, ret);
}

loop_error *lp_index_yank(const char *what, const void *bytes, size_t len, const char *name,
                          const char *version, const char *yanked, lp_buf *ret)
{
    lp_auto(lp_json_free) json_t *root = NULL;
    json_t *list;
    LP_TRY(open_index(what, bytes, len, &root, &list));
    json_t *there = find(list, name, version);
    if (!there)
        return loop_error_new(LOOP_NOT_FOUND, "there is no %s %s", name, version);
    json_t *notes = json_object_get(there, "annotations");
    if (yanked)
        json_object_set_new(notes, LP_NOTE_YANKED, json_string(yanked));
    else
        json_object_del(notes, LP_NOTE_YANKED);
    return write(what, root, ret);
}
