/*
 * providers/packages/packages.c: the table, and `registry`: versions, and bytes out of the cache,
 * where they were checked against their digest.
 */
#include "providers/packages/packages.h"

#include <stdlib.h>

#include "loop/config.h"

/* ---- lookup ---- */

static loop_pkg_types_list_requirement needs_of(loop_call *call, const loop_package *row)
{
    size_t n = 0;
    while (row->required[2 * n])
        n++;
    loop_pkg_types_requirement *list = loop_call_alloc(call, (n + 1) * sizeof *list);
    for (size_t i = 0; list && i < n; i++) {
        list[i].name = lp_packages_string(call, row->required[2 * i]);
        list[i].versions = lp_packages_string(call, row->required[2 * i + 1]);
    }
    return (loop_pkg_types_list_requirement){list, list ? n : 0};
}

static void release_of(loop_call *call, const loop_package *row, loop_pkg_types_release *ret)
{
    ret->version = lp_packages_string(call, row->version);
    ret->digest = lp_packages_string(call, row->digest);
    ret->content = lp_packages_string(call, row->content);
    ret->size = row->size;
    ret->requires_ = needs_of(call, row);
    ret->yanked.is_some = row->yanked != NULL;
    if (row->yanked)
        ret->yanked.value.reason = lp_packages_string(call, row->yanked);
}

/* The rows of one package, of all that were asked for. */
static void info_of(loop_call *call, const loop_package_list *list, const char *name,
                    unsigned fresh, loop_pkg_registry_package_info *ret)
{
    const loop_package *row;
    size_t n = 0, k = 0;
    for (size_t i = 0; (row = loop_package_list_at(list, i)); i++)
        n += strcmp(row->name, name) == 0;
    loop_pkg_types_release *releases = loop_call_alloc(call, (n + 1) * sizeof *releases);
    for (size_t i = 0; releases && (row = loop_package_list_at(list, i)); i++)
        if (strcmp(row->name, name) == 0)
            release_of(call, row, &releases[k++]);
    ret->releases.is_some = true;
    ret->releases.value = (loop_pkg_registry_list_release){releases, k};
    ret->fresh_for = fresh;
}

static loop_error *look_up(lp_packages_provider *p, loop_call *call, const char *const *names,
                           size_t n, loop_pkg_registry_list_package_info *ret)
{
    lp_desk *desk;
    loop_package_list *list = NULL;
    unsigned fresh = 0;
    LP_TRY(lp_desk_take(p, call, false, &desk));
    loop_error *e = loop_packages_versions(desk->packages, names, &list, &fresh);
    lp_desk_give(desk);
    LP_TRY(e);
    loop_pkg_registry_package_info *infos = loop_call_alloc(call, (n + 1) * sizeof *infos);
    for (size_t i = 0; infos && i < n; i++)
        info_of(call, list, names[i], fresh, &infos[i]);
    loop_package_list_delete(list);
    *ret = (loop_pkg_registry_list_package_info){infos, infos ? n : 0};
    return NULL;
}

static loop_error *lookup(void *self, loop_call *call, loop_pkg_registry_list_question questions,
                          loop_pkg_registry_result_list_package_info_error *ret)
{
    size_t n = questions.len;
    ret->is_err = true;
    if (n > LP_MAX_REGISTRY_QUESTIONS) {
        ret->of.error = lp_packages_limit(call, "questions", LP_MAX_REGISTRY_QUESTIONS);
        return NULL;
    }
    const char **names = loop_call_alloc(call, (n + 1) * sizeof *names);
    for (size_t i = 0; names && i < n; i++) {
        if (!lp_packages_granted(call, questions.ptr[i].name, &ret->of.error))
            return NULL;
        names[i] = lp_packages_copy(call, questions.ptr[i].name);
        if (!names[i])
            return NULL; /* over the limit of a call */
    }
    loop_pkg_registry_list_package_info infos;
    loop_error *e = names ? look_up(self, call, names, n, &infos) : NULL;
    if (e) {
        ret->of.error = lp_packages_error(call, e);
    } else if (names) {
        ret->is_err = false;
        ret->of.ok = infos;
    }
    return NULL;
}

/* ---- referrers ---- */

static loop_error *attached(lp_packages_provider *p, loop_call *call, const char *name,
                            const char *digest, loop_pkg_registry_list_blob *ret)
{
    lp_desk *desk;
    loop_package_list *list = NULL;
    const loop_package *row;
    size_t n = 0;
    LP_TRY(lp_desk_take(p, call, false, &desk));
    loop_error *e = loop_packages_attached(desk->packages, name, digest, &list);
    lp_desk_give(desk);
    LP_TRY(e);
    while (loop_package_list_at(list, n))
        n++;
    loop_pkg_registry_blob *blobs = loop_call_alloc(call, (n + 1) * sizeof *blobs);
    for (size_t i = 0; blobs && (row = loop_package_list_at(list, i)); i++)
        blobs[i] = (loop_pkg_registry_blob){lp_packages_string(call, row->digest),
                                            lp_packages_string(call, row->description), row->size};
    loop_package_list_delete(list);
    *ret = (loop_pkg_registry_list_blob){blobs, blobs ? n : 0};
    return NULL;
}

static loop_error *referrers(void *self, loop_call *call, loop_string name, loop_string manifest,
                             loop_pkg_registry_result_list_blob_error *ret)
{
    ret->is_err = true;
    if (!lp_packages_granted(call, name, &ret->of.error))
        return NULL;
    const char *n = lp_packages_copy(call, name), *digest = lp_packages_copy(call, manifest);
    loop_pkg_registry_list_blob blobs;
    loop_error *e = n && digest ? attached(self, call, n, digest, &blobs)
                                : loop_error_new(LOOP_INVALID, "a digest that is none");
    if (e) {
        ret->of.error = lp_packages_error(call, e);
        return NULL;
    }
    ret->is_err = false;
    ret->of.ok = blobs;
    return NULL;
}

/* ---- open, next ---- */

#define MOST_PIECE (1u << 20)

struct loop_pkg_registry_download {
    lp_os_reader *file;
    uint64_t at;
};

static loop_error *open_file(lp_packages_provider *p, loop_call *call, const char *name,
                             bool manifest, const char *digest, uint64_t offset,
                             loop_pkg_registry_download **ret)
{
    lp_desk *desk;
    lp_auto(lp_free_string) char *path = NULL;
    LP_TRY(lp_desk_take(p, call, false, &desk));
    loop_error *e = loop_packages_blob(desk->packages, name, digest, manifest, &path);
    lp_desk_give(desk);
    LP_TRY(e);
    lp_os_reader *file = lp_os_reader_open(path);
    if (!file)
        return loop_error_new(LOOP_IO, "it was in the cache, and is not any more");
    if (offset > lp_os_reader_size(file)) {
        lp_os_reader_close(file);
        return loop_error_new(LOOP_INVALID, "it has no byte %llu", (unsigned long long)offset);
    }
    loop_pkg_registry_download *d = lp_alloc(sizeof *d);
    *d = (loop_pkg_registry_download){file, offset};
    *ret = d;
    return NULL;
}

static loop_error *open_blob(void *self, loop_call *call, loop_string name,
                             loop_pkg_registry_part part, loop_string digest, uint64_t offset,
                             loop_pkg_registry_result_own_download_error *ret)
{
    ret->is_err = true;
    if (!lp_packages_granted(call, name, &ret->of.error))
        return NULL;
    const char *n = lp_packages_copy(call, name), *text = lp_packages_copy(call, digest);
    loop_pkg_registry_download *download = NULL;
    loop_error *e = n && text ? open_file(self, call, n, part == LOOP_PKG_REGISTRY_PART_MANIFEST,
                                          text, offset, &download)
                              : loop_error_new(LOOP_INVALID, "a digest that is none");
    if (e) {
        ret->of.error = lp_packages_error(call, e);
        return NULL;
    }
    ret->is_err = false;
    ret->of.ok = download;
    return NULL;
}

static loop_error *next(void *self, loop_call *call, loop_pkg_registry_download *d, uint32_t limit,
                        loop_pkg_registry_result_list_u8_error *ret)
{
    (void)self;
    uint64_t left = lp_os_reader_size(d->file) - d->at;
    size_t n = (size_t)LP_MIN(left, (uint64_t)LP_MIN(limit, MOST_PIECE));
    uint8_t *bytes = loop_call_alloc(call, n + 1);
    if (bytes && !lp_os_reader_at(d->file, d->at, bytes, n)) {
        ret->is_err = true;
        ret->of.error.tag = LOOP_CORE_TYPES_ERROR_FAILED;
        ret->of.error.of.failed = loop_string_of("it cannot be read any more");
        return NULL;
    }
    d->at += n;
    ret->of.ok = (loop_list_u8){bytes, bytes ? n : 0};
    return NULL;
}

static void drop(void *self, loop_pkg_registry_download *d)
{
    (void)self;
    lp_os_reader_close(d->file);
    free(d);
}

static const loop_pkg_registry_functions registry = {
    .lookup = lookup,
    .referrers = referrers,
    .open = open_blob,
    .download_next = next,
    .download_drop = drop,
};

/* ---- the table ---- */

static loop_error *open_packages(const loop_services *services, void **ret_self)
{
    lp_packages_provider *p = lp_alloc(sizeof *p);
    const char *file = services->place(services->host, "workspace");
    p->services = services;
    loop_error *e = NULL;
    if (file)
        e = loop_config_load(&(loop_config_sources){.file = file}, &p->config);
    if (e) {
        free(p);
        return e;
    }
    p->lock = lp_os_mutex_new();
    p->ended = lp_os_cond_new();
    *ret_self = p;
    return NULL;
}

static void close_packages(void *self)
{
    lp_packages_provider *p = self;
    lp_transfers_end(p);
    for (size_t i = 0; i < LP_COUNT(p->idle); i++)
        lp_desk_delete(p->idle[i]);
    loop_config_delete(p->config);
    lp_os_cond_delete(p->ended);
    lp_os_mutex_delete(p->lock);
    free(p);
}

const loop_provider lp_provider_packages = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "packages",
    .summary = "loop:pkg: registries and the cache of this machine",
    .interfaces =
        (const loop_provider_interface[]){
            {&loop_pkg_registry_interface, &registry},
            {&loop_pkg_resolver_interface, &lp_packages_resolver},
            {NULL, NULL},
        },
    .threads = LOOP_THREADS_ANY,
    .needs =
        (const loop_provider_need[]){
            {"loop:pkg/registry", "[method]download.next", LOOP_NEED_OBJECT, NULL,
             "a file that it has opened"},
            {"loop:pkg/registry", "*", LOOP_NEED_PACKAGE, NULL,
             "a component may find and fetch packages of the namespaces that it was granted"},
            {"loop:pkg/resolver", "[method]transfer.progress", LOOP_NEED_OBJECT, NULL,
             "a fetch of its own"},
            {"loop:pkg/resolver", "[method]transfer.wait", LOOP_NEED_OBJECT, NULL,
             "a fetch of its own"},
            {"loop:pkg/resolver", "*", LOOP_NEED_PACKAGE, NULL,
             "a component may find and fetch packages of the namespaces that it was granted"},
            {0},
        },
    .open = open_packages,
    .close = close_packages,
};
