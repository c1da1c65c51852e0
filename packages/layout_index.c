/*
 * packages/layout_index.c: index.json of a package: what loop writes there, and whether what is
 * read is that.
 *
 * A digest covers everything in a package but index.json itself. So one that loop wrote is compared
 * byte by byte with what loop would write for the manifests that it names. Other tools write their
 * own, and say nothing of loop's there: of theirs, nothing but digests and sizes is used.
 */
#include <stdlib.h>

#include "packages/index.h"
#include "packages/json.h"
#include "packages/layout.h"

char *lp_layout_index(const lp_manifest *m, const lp_packed_item *others, size_t n)
{
    lp_auto(lp_json_free) json_t *root =
        json_pack("{s:i, s:s, s:[]}", "schemaVersion", 2, "mediaType", LP_MEDIA_INDEX, "manifests");
    json_t *list = json_object_get(root, "manifests");
    json_array_append_new(list, lp_index_descriptor(m->name, m->version, m));
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:s}", "mediaType",
                                              LP_MEDIA_MANIFEST, "digest", others[i].self.digest,
                                              "size", (json_int_t)others[i].self.size,
                                              "artifactType", others[i].type));
    return json_dumps(root, JSON_COMPACT);
}

/* Whether every key of a descriptor is one of OCI's. */
static bool is_plain(const json_t *descriptor)
{
    static const char *const known[] = {"mediaType",   "digest",   "size", "urls",
                                        "annotations", "platform", "data", "artifactType"};
    const char *key;
    json_t *unused;
    json_object_foreach((json_t *)descriptor, key, unused)
    {
        size_t i = 0;
        while (i < LP_COUNT(known) && strcmp(known[i], key) != 0)
            i++;
        if (i == LP_COUNT(known))
            return false;
    }
    return true;
}

/* Whether somebody else wrote it: nothing of loop's, and nothing that OCI does not have. */
static bool is_of_others(const json_t *root)
{
    const json_t *list = json_object_get(root, "manifests");
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *notes = json_object_get(json_array_get(list, i), "annotations"), *unused;
        const char *key;
        json_object_foreach(notes, key, unused)
        {
            if (lp_starts_with(key, "loop."))
                return false;
        }
        if (!is_plain(json_array_get(list, i)))
            return false;
    }
    return true;
}

loop_error *lp_layout_index_check(const lp_packed *p, const json_t *root, const lp_buf *bytes)
{
    if (is_of_others(root))
        return NULL;
    lp_auto(lp_free_string) char *text =
        lp_layout_index(&p->manifest, p->items.at + 1, p->items.n - 1);
    if (strlen(text) == bytes->len && memcmp(text, bytes->ptr, bytes->len) == 0)
        return NULL;
    return loop_error_new(LOOP_INVALID,
                          "the entry 'index.json' was changed: it is not what the manifests say");
}
