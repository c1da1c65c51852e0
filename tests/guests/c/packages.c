/*
 * packages: looks for packages through loop:pkg.
 *
 *   packages versions NAME...        what the registry knows, a line a version
 *   packages resolve NAME RANGE...   what was chosen, or why nothing can be
 *   packages fetch NAME RANGE...     chooses, fetches, waits; says how much came
 *   packages drop NAME RANGE...      chooses, begins to fetch, and lets go at once
 *   packages bytes NAME DIGEST       how many bytes of content there are
 *
 * An error is printed as "CASE: text".
 */
#include "gen/packages.h"
#include "guest.h"

#define MANY 16

static int failed(const char *what, const loop_core_types_error_t *e)
{
    static const char *const names[] = {"unavailable", "denied",    "invalid",
                                        "limit",       "cancelled", "failed"};
    const packages_string_t *text = &e->val.failed;
    printf("%s: %s", what, names[e->tag]);
    if (e->tag != LOOP_CORE_TYPES_ERROR_CANCELLED)
        printf(": %.*s", (int)text->len, (const char *)text->ptr);
    putchar('\n');
    return 1;
}

static int versions(int argc, char **argv)
{
    loop_pkg_registry_question_t list[MANY] = {0};
    loop_pkg_registry_list_question_t questions = {list, 0};
    loop_pkg_registry_list_package_info_t infos;
    loop_core_types_error_t error;
    for (int i = 2; i < argc && questions.len < MANY; i++)
        list[questions.len++].name = TEXT(packages_string_t, argv[i]);
    if (!loop_pkg_registry_lookup(&questions, &infos, &error))
        return failed("versions", &error);
    for (size_t i = 0; i < infos.len; i++) {
        const loop_pkg_registry_list_release_t *releases = &infos.ptr[i].releases.val;
        printf("%s has %zu versions\n", argv[2 + i], releases->len);
        for (size_t k = 0; k < releases->len; k++) {
            const loop_pkg_types_release_t *r = &releases->ptr[k];
            printf("  %.*s, needs %zu%s\n", (int)r->version.len, (const char *)r->version.ptr,
                   r->requires_.len, r->yanked.is_some ? ", yanked" : "");
        }
    }
    return 0;
}

/* False: there is nothing to go on with, and `*ret` is the status. */
static bool choose(int argc, char **argv, loop_pkg_resolver_resolution_t *found, int *ret)
{
    loop_pkg_types_requirement_t list[MANY];
    loop_pkg_resolver_list_requirement_t wishes = {list, 0};
    loop_pkg_resolver_list_selection_t locked = {0};
    loop_core_types_error_t error;
    for (int i = 2; i + 1 < argc && wishes.len < MANY; i += 2) {
        list[wishes.len].name = TEXT(packages_string_t, argv[i]);
        list[wishes.len++].versions = TEXT(packages_string_t, argv[i + 1]);
    }
    *ret = 0;
    if (!loop_pkg_resolver_resolve(&wishes, &locked, 0, found, &error)) {
        *ret = failed("resolve", &error);
        return false;
    }
    if (found->tag == LOOP_PKG_RESOLVER_RESOLUTION_FOUND)
        return true;
    puts("conflict");
    for (size_t i = 0; i < found->val.conflict.len; i++)
        printf("  %.*s\n", (int)found->val.conflict.ptr[i].len,
               (const char *)found->val.conflict.ptr[i].ptr);
    return false;
}

static int resolve(int argc, char **argv)
{
    int status;
    loop_pkg_resolver_resolution_t found;
    if (!choose(argc, argv, &found, &status))
        return status;
    for (size_t i = 0; i < found.val.found.len; i++) {
        const loop_pkg_types_selection_t *s = &found.val.found.ptr[i];
        printf("%.*s %.*s from %.*s\n", (int)s->name.len, (const char *)s->name.ptr,
               (int)s->version.len, (const char *)s->version.ptr, (int)s->registry.len,
               (const char *)s->registry.ptr);
    }
    return 0;
}

static int fetch(int argc, char **argv, bool drops)
{
    int status;
    loop_pkg_resolver_resolution_t found;
    loop_pkg_resolver_own_transfer_t transfer;
    loop_pkg_resolver_progress_t p;
    loop_core_types_error_t error;
    if (!choose(argc, argv, &found, &status))
        return status;
    if (!loop_pkg_resolver_fetch(&found.val.found, &transfer, &error))
        return failed("fetch", &error);
    if (drops) {
        loop_pkg_resolver_transfer_drop_own(transfer);
        puts("dropped");
        return 0;
    }
    loop_pkg_resolver_borrow_transfer_t t = loop_pkg_resolver_borrow_transfer(transfer);
    do {
        if (!loop_pkg_resolver_method_transfer_wait(t, 100, &p, &error))
            return failed("wait", &error);
    } while (!p.ended.is_some);
    printf("%u complete, %llu bytes\n", (unsigned)p.complete, (unsigned long long)p.bytes_done);
    if (p.ended.val.is_err)
        return failed("fetch", &p.ended.val.val.err);
    return 0;
}

static int bytes(int argc, char **argv)
{
    packages_string_t name = TEXT(packages_string_t, argv[2]),
                      digest = TEXT(packages_string_t, argument(argc, argv, 3, ""));
    loop_pkg_registry_own_download_t own;
    loop_core_types_error_t error;
    if (!loop_pkg_registry_open(&name, LOOP_PKG_REGISTRY_PART_CONTENT, &digest, 0, &own, &error))
        return failed("open", &error);
    size_t all = 0;
    packages_list_u8_t piece;
    do {
        if (!loop_pkg_registry_method_download_next(loop_pkg_registry_borrow_download(own), 60000,
                                                    &piece, &error))
            return failed("next", &error);
        all += piece.len;
        packages_list_u8_free(&piece);
    } while (piece.len);
    printf("%zu bytes\n", all);
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argument(argc, argv, 1, "");
    if (argc < 3)
        return 2;
    if (strcmp(what, "versions") == 0)
        return versions(argc, argv);
    if (strcmp(what, "resolve") == 0)
        return resolve(argc, argv);
    if (strcmp(what, "bytes") == 0)
        return bytes(argc, argv);
    return fetch(argc, argv, strcmp(what, "drop") == 0);
}
