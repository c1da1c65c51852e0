/*
 * packages/registry_notes.c: what a registry said of a package, kept in the cache as JSON:
 *
 *     {"tag": "...", "fresh": 60,
 *      "releases": [{"version", "digest", "content", "size", "requires": {...}, "yanked"}, ...]}
 *
 * Only loop writes it and only loop reads it; a note of another form counts as none.
 */
#include <stdlib.h>

#include "packages/index.h"
#include "packages/registry.h"

void lp_notes_write(lp_buf *b, const lp_package_info *info)
{
    json_t *list = json_array();
    for (size_t i = 0; i < info->count; i++) {
        const lp_release *r = &info->releases[i];
        json_t *o = json_pack("{s:s, s:s, s:s, s:I}", "version", r->version, "digest", r->digest,
                              "content", r->content, "size", (json_int_t)r->size);
        if (r->requires_count) {
            lp_auto(lp_free_string) char *needs = lp_requires_text(r->requires, r->requires_count);
            json_object_set_new(o, "requires", json_string(needs));
        }
        if (r->yanked) { /* a reason that is no text: it is taken back all the same */
            json_t *reason = json_string(r->yanked);
            json_object_set_new(o, "yanked", reason ? reason : json_string("(no reason given)"));
        }
        json_array_append_new(list, o);
    }
    json_t *root =
        json_pack("{s:I, s:o}", "fresh", (json_int_t)info->fresh_for_s, "releases", list);
    if (info->tag)
        json_object_set_new(root, "tag", json_string(info->tag));
    char *text = json_dumps(root, JSON_COMPACT);
    lp_buf_puts(b, text ? text : "{}");
    free(text);
    json_decref(root);
}

static const char *keep(lp_arena *arena, const char *text)
{
    return text ? lp_arena_strndup(arena, text, strlen(text)) : NULL;
}

static loop_error *read_release(lp_arena *arena, const json_t *o, lp_release *ret)
{
    const char *version = lp_json_text(o, "version"), *digest = lp_json_text(o, "digest"),
               *content = lp_json_text(o, "content");
    json_int_t size = json_integer_value(json_object_get(o, "size"));
    *ret = (lp_release){.version = version ? keep(arena, version) : "",
                        .digest = digest ? keep(arena, digest) : "",
                        .content = content ? keep(arena, content) : "",
                        .size = size > 0 ? (uint64_t)size : 0,
                        .yanked = keep(arena, lp_json_text(o, "yanked"))};
    lp_auto(lp_free_string) char *wrong = lp_release_wrong(ret);
    if (wrong)
        return loop_error_new(LOOP_INVALID, "%s", wrong);
    return lp_requires_parse(arena, lp_json_text(o, "requires"), &ret->requires,
                             &ret->requires_count);
}

loop_error *lp_notes_read(lp_arena *arena, const void *bytes, size_t n, lp_package_info *ret)
{
    lp_auto(lp_json_free) json_t *root = NULL;
    LP_TRY(lp_json_parse("a note of the cache", bytes, n, &root));
    const json_t *list = json_object_get(root, "releases");
    json_int_t fresh = json_integer_value(json_object_get(root, "fresh"));
    size_t count = json_array_size(list);
    if (!json_is_array(list) || count > LP_MAX_PACKAGE_VERSIONS || fresh < 0)
        return loop_error_new(LOOP_INVALID, "a note of the cache is damaged");
    lp_release *releases = lp_arena_alloc(arena, (count + 1) * sizeof *releases);
    for (size_t i = 0; i < count; i++)
        LP_TRY(read_release(arena, json_array_get(list, i), &releases[i]));
    *ret = (lp_package_info){.releases = releases,
                             .count = count,
                             .tag = keep(arena, lp_json_text(root, "tag")),
                             .fresh_for_s = (uint32_t)LP_MIN(fresh, LP_MAX_REGISTRY_FRESH_S)};
    return NULL;
}
