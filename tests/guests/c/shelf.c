/*
 * shelf: a registry, as a component: one package, acme:nothing 1.0.0, whose component is the least
 * that there is: eight bytes.
 */
#include "gen/shelf.h"
#include "guest.h"

static const uint8_t component[] = {0, 'a', 's', 'm', 0x0d, 0, 1, 0};
#define CONTENT "sha256:24eaf3439a60c96764c4f2c92a0a81b52bd4fe5d5b91f090184a0f6486b1bf29"

struct exports_loop_pkg_registry_download_t {
    size_t at;
};

bool exports_loop_pkg_registry_lookup(exports_loop_pkg_registry_list_question_t *questions,
                                      exports_loop_pkg_registry_list_package_info_t *ret,
                                      exports_loop_pkg_registry_error_t *err)
{
    (void)err;
    ret->len = questions->len;
    ret->ptr = calloc(questions->len + 1, sizeof *ret->ptr);
    for (size_t i = 0; i < questions->len; i++) {
        const shelf_string_t *name = &questions->ptr[i].name;
        ret->ptr[i].releases.is_some = true;
        ret->ptr[i].fresh_for = 1;
        if (name->len != 12 || memcmp(name->ptr, "acme:nothing", 12) != 0)
            continue;
        exports_loop_pkg_registry_release_t *r = calloc(1, sizeof *r);
        shelf_string_dup(&r->version, "1.0.0");
        shelf_string_dup(&r->digest, "");
        shelf_string_dup(&r->content, CONTENT);
        r->size = sizeof component;
        ret->ptr[i].releases.val.ptr = r;
        ret->ptr[i].releases.val.len = 1;
    }
    return true;
}

bool exports_loop_pkg_registry_referrers(exports_loop_pkg_registry_package_name_t *name,
                                         exports_loop_pkg_registry_digest_t *manifest,
                                         exports_loop_pkg_registry_list_blob_t *ret,
                                         exports_loop_pkg_registry_error_t *err)
{
    (void)name, (void)manifest, (void)err;
    ret->len = 0;
    ret->ptr = NULL;
    return true;
}

bool exports_loop_pkg_registry_open(exports_loop_pkg_registry_package_name_t *name,
                                    exports_loop_pkg_registry_part_t part,
                                    exports_loop_pkg_registry_digest_t *digest, uint64_t offset,
                                    exports_loop_pkg_registry_own_download_t *ret,
                                    exports_loop_pkg_registry_error_t *err)
{
    (void)name, (void)part, (void)digest, (void)err;
    exports_loop_pkg_registry_download_t *d = calloc(1, sizeof *d);
    d->at = (size_t)offset;
    *ret = exports_loop_pkg_registry_download_new(d);
    return true;
}

bool exports_loop_pkg_registry_method_download_next(exports_loop_pkg_registry_borrow_download_t d,
                                                    uint32_t limit, shelf_list_u8_t *ret,
                                                    exports_loop_pkg_registry_error_t *err)
{
    (void)err;
    size_t left = d->at < sizeof component ? sizeof component - d->at : 0;
    ret->len = left < limit ? left : limit;
    ret->ptr = malloc(ret->len + 1);
    memcpy(ret->ptr, component + d->at, ret->len);
    d->at += ret->len;
    return true;
}

void exports_loop_pkg_registry_download_destructor(exports_loop_pkg_registry_download_t *d)
{
    free(d);
}
