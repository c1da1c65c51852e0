/* packages/list.c: what the public functions of this room hand out. */
#include <stdlib.h>

#include "packages/packages.h"

loop_package_list *lp_package_list_new(void)
{
    return lp_alloc(sizeof(loop_package_list));
}

loop_package *lp_package_list_row(loop_package_list *list)
{
    static const char *const none[] = {NULL};
    loop_package *row = lp_push(&list->rows);
    *row = (loop_package){.name = "",
                          .version = "",
                          .digest = "",
                          .content = "",
                          .registry = "",
                          .path = "",
                          .description = "",
                          .license = "",
                          .source = "",
                          .required = none,
                          .wanted = "",
                          .newest = ""};
    return row;
}

const char *lp_package_list_keep(loop_package_list *list, const char *s)
{
    return lp_arena_strndup(&list->arena, s, strlen(s));
}

const char *const *lp_package_list_requires(loop_package_list *list, const lp_requirement *all,
                                            size_t n)
{
    const char **texts = lp_arena_alloc(&list->arena, (2 * n + 1) * sizeof *texts);
    for (size_t i = 0; i < n; i++) {
        texts[2 * i] = lp_package_list_keep(list, all[i].name);
        texts[2 * i + 1] = lp_package_list_keep(list, all[i].range);
    }
    return texts;
}

loop_package *lp_package_list_manifest(loop_package_list *list, const lp_manifest *m)
{
    loop_package *row = lp_package_list_row(list);
    row->name = lp_package_list_keep(list, m->name);
    row->version = lp_package_list_keep(list, m->version);
    row->digest = lp_package_list_keep(list, m->digest);
    row->content = lp_package_list_keep(list, m->content);
    row->description = lp_package_list_keep(list, m->description);
    row->license = lp_package_list_keep(list, m->license);
    row->source = lp_package_list_keep(list, m->source);
    row->required = lp_package_list_requires(list, m->requires, m->requires_count);
    row->size = m->size;
    return row;
}

loop_package *lp_package_list_release(loop_package_list *list, const char *name,
                                      const char *registry, const lp_release *r)
{
    loop_package *row = lp_package_list_row(list);
    row->name = lp_package_list_keep(list, name);
    row->version = lp_package_list_keep(list, r->version);
    row->digest = lp_package_list_keep(list, r->digest);
    row->content = lp_package_list_keep(list, r->content);
    row->registry = lp_package_list_keep(list, registry);
    row->size = r->size;
    row->required = lp_package_list_requires(list, r->requires, r->requires_count);
    row->yanked = r->yanked ? lp_package_list_keep(list, r->yanked) : NULL;
    return row;
}

const loop_package *loop_package_list_at(const loop_package_list *list, size_t i)
{
    return i < list->rows.n ? &list->rows.at[i] : NULL;
}

void loop_package_list_delete(loop_package_list *list)
{
    if (!list)
        return;
    free(list->rows.at);
    lp_arena_done(&list->arena);
    free(list);
}
