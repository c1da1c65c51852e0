/*
 * tests/fuzz/fuzz_lock.c: any bytes as a loop.lock: rows whose promises hold and that are read back
 * as they were written, or an error with a position. And any bytes as a loop.yaml that gets a
 * component more, and one less: refused, or the bytes around the one place stay.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/yaml.h"
#include "packages/lock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define D "sha256:1111111111111111111111111111111111111111111111111111111111111111"

const char *const fuzz_seeds[] = {
    "loop: 1\npackages:\n  - name: \"acme:ui\"\n    registry: team\n    versions:\n"
    "      - requirement: ^1.2, <1.9\n        version: 1.2.0-rc.1+b\n        digest: " D "\n"
    "        manifest: " D "\n  - name: a:b\n    registry: ''\n    versions: [{requirement: '*', "
    "version: 0.0.1, digest: " D "}]\n",
    "loop: 1\npackages: []\n",
    "loop: 1 # x\ncomponents: # y\n  # a\n  a: { path: a }\n\n  ui:\n    package: 'acme:ui@1' # u\n"
    "    config:\n      k: |\n        # v\n\n  b: {path: b}\nbind: {}\n",
    "loop: 1\r\ncomponents: {} # none\r\n",
    "# a\r\r\rloop: 1\ncomponents:\n  a:\n    path: a\n",
    "components: {ui: {package: acme:ui}, a: {}}\nloop: 1",
    NULL,
};

static void finish(loop_error *e, loop_code other)
{
    loop_code code = loop_error_code(e);
    if (e && code != LOOP_CONFIG && code != other)
        abort();
    loop_error_delete(e);
}

static void check_rows(const lp_lock *lock)
{
    for (size_t i = 0; i < lock->n; i++) {
        const lp_locked *l = &lock->at[i];
        loop_error *e = lp_package_name_check(l->name);
        if (e || !lp_digest_is(l->content) || (*l->digest && !lp_digest_is(l->digest)) ||
            lp_lock_find(lock, l->name) != l)
            abort();
    }
}

static void as_lock(const char *bytes, size_t size)
{
    lp_arena arena = {0};
    lp_lock lock, again;
    loop_error *e = lp_lock_parse(&arena, "loop.lock", bytes, size, &lock);
    if (!e) {
        check_rows(&lock);
        lp_auto(lp_free_string) char *text = lp_lock_format(lock.at, lock.n);
        if (lp_lock_parse(&arena, "loop.lock", text, strlen(text), &again) != NULL)
            abort();
        lp_auto(lp_free_string) char *other = lp_lock_format(again.at, again.n);
        if (again.n != lock.n || strcmp(text, other) != 0)
            abort();
    }
    finish(e, LOOP_CONFIG);
    lp_arena_done(&arena);
}

/* How many bytes of `a` are not in `b` at the beginning or the end. */
static size_t lost(const char *a, size_t n, const char *b)
{
    size_t m = strlen(b), before = 0, after = 0;
    while (before < n && before < m && a[before] == b[before])
        before++;
    while (after < n - before && after < m - before && a[n - 1 - after] == b[m - 1 - after])
        after++;
    return n - before - after;
}

static void as_yaml(const char *bytes, size_t size)
{
    char *more = NULL, *less = NULL;
    loop_error *e = lp_edit_add("loop.yaml", bytes, size, "new", "acme:new@^1", &more);
    if (!e && lost(bytes, size, more) > size / 2 + LP_MAX_RANGE_TEXT)
        abort();
    finish(e, LOOP_USAGE);
    if (more)
        e = lp_edit_remove("loop.yaml", more, strlen(more), "new", &less);
    if (more)
        finish(e, LOOP_NOT_FOUND);
    free(more);
    free(less);
    less = NULL;
    finish(lp_edit_remove("loop.yaml", bytes, size, "ui", &less), LOOP_NOT_FOUND);
    if (less && strlen(less) >= size)
        abort();
    free(less);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    as_lock((const char *)data, size);
    if (memchr(data, 0, size) == NULL) /* what is made is text */
        as_yaml((const char *)data, size);
    return 0;
}
