/*
 * api/library.c: implements loop_host_library_add: a provider out of a shared library.
 *
 * In this order, and nothing of a step happens before the one above it was passed:
 *
 *   who can change the file       base/os: a stranger's library is not even read
 *   what the file is              base/elf: a whole library for this machine, with our symbol
 *   for which ABI                 from the file: constructors of another version do not run
 *   loading                       loaded.c: every symbol bound at once, none shown to others
 *   the table                     host/, as for a provider that is linked in
 *
 * A swap does the same again with what lies at the path by then, while the old one is in use.
 *
 * It lies in api/ because it wires these rooms together and is no more than that. Whether a
 * workspace may name a library at all is asked before (api/config_trust.c): a program that calls
 * this itself has decided for itself.
 *
 * The host owns what is loaded: it is closed when the host ends, after its provider, or when a
 * swap has replaced it and nothing uses it any more. A
 * library that exits, crashes or never returns from a constructor takes the host with it; what
 * must not do that is a sidecar.
 */
#include <stdlib.h>

#include "api/loaded.h"
#include "base/base.h"
#include "base/elf.h"
#include "base/path.h"
#include "base/os/os.h"
#include "host/hooks.h"

#define SIZE 16 /* of a loop_provider_export */
_Static_assert(sizeof(loop_provider_export) == SIZE, "what base/elf.c looks for");

/* ---- before it is loaded ---- */

static bool read_piece(void *data, uint64_t offset, void *ret, size_t n)
{
    return lp_os_reader_at(data, offset, ret, n);
}

static loop_error *other_abi(uint32_t abi)
{
    return loop_error_hint_set(
        loop_error_new(LOOP_INVALID, "its provider is for ABI %u, and this loop has ABI %u", abi,
                       LOOP_PROVIDER_ABI),
        "build it again with the headers of loop " LOOP_VERSION);
}

/* *ret is open then, or its `open` is NULL. */
static loop_error *look_inside(const char *real, lp_library_file *ret)
{
    uint32_t abi = 0;
    lp_os_reader *r = lp_os_reader_open(real);
    *ret = (lp_library_file){.open = r};
    if (!r)
        return loop_error_new(LOOP_IO, "it is not a file, or cannot be read");
    lp_elf_source file = {lp_os_reader_size(r), read_piece, r};
    loop_error *e = lp_elf_look(&file, LOOP_PROVIDER_SYMBOL, SIZE, &abi);
    if (!e && !lp_library_file_read(ret))
        return loop_error_new(LOOP_IO, "it cannot be read to its end");
    if (loop_error_code(e) == LOOP_NOT_FOUND) {
        loop_error_delete(e);
        return loop_error_hint_set(
            loop_error_new(LOOP_INVALID, "it exports no provider ('%s')", LOOP_PROVIDER_SYMBOL),
            "end one of its files with LOOP_PROVIDER_EXPORT(table); see loop/provider.h");
    }
    LP_TRY(e);
    return abi == LOOP_PROVIDER_ABI ? NULL : other_abi(abi);
}

static loop_error *find(const char *path, char **ret_real)
{
    lp_auto(lp_free_string) char *real = lp_os_realpath(path);
    if (!real)
        return loop_error_hint_set(loop_error_new(LOOP_NOT_FOUND, "there is no such file"),
                                   "is it built?");
    lp_auto(lp_free_string) char *why = lp_os_why_unsafe(real);
    if (why)
        return loop_error_hint_set(
            loop_error_new(LOOP_DENIED, "%s", why),
            "what is loaded belongs to you or to root, with every folder above it, and nobody "
            "else can write there");
    *ret_real = lp_take(&real);
    return NULL;
}

static loop_error *about(const char *path, loop_error *e)
{
    return e ? loop_error_wrap(e, "cannot load the library '%s'", path) : NULL;
}

loop_error *loop_library_look(const char *path)
{
    lp_auto(lp_free_string) char *real = NULL;
    lp_library_file file = {0};
    loop_error *e = find(path, &real);
    if (!e)
        e = look_inside(real, &file);
    lp_os_reader_close(file.open);
    return about(path, e);
}

/* ---- loading ---- */

static loop_error *with_hint(loop_error *e, const char *real)
{
    const char *why = e ? loop_error_message(e) : "";
    if (lp_starts_with(why, "undefined symbol: loop_"))
        return loop_error_hint_set(e, "it was built for another loop: build it again with the "
                                      "headers of loop " LOOP_VERSION);
    if (lp_starts_with(why, "undefined symbol: "))
        return loop_error_hint_set(e, "link it with what has that symbol; with -Wl,-z,defs the "
                                      "linker says so");
    if (strstr(why, "cannot open shared object file"))
        return loop_error_hint_set(e, "install what it needs: `ldd %s` lists it", real);
    return e;
}

static loop_error *find_table(const lp_loaded *l, const loop_provider **ret)
{
    const loop_provider_export *x = lp_loaded_symbol(l, LOOP_PROVIDER_SYMBOL);
    if (!x)
        return loop_error_new(LOOP_INVALID, "it exports no provider");
    if (x->abi != LOOP_PROVIDER_ABI)
        return other_abi(x->abi); /* a constructor may have written it */
    if (!x->provider)
        return loop_error_hint_set(
            loop_error_new(LOOP_INVALID, "the provider that it exports is NULL"),
            "where a constructor fills it in, that failed");
    if (x->provider->abi != LOOP_PROVIDER_ABI)
        return other_abi(x->provider->abi);
    *ret = x->provider;
    return NULL;
}

/* ---- the life of its table ---- */

struct library {
    loop_host *host;
    char *path; /* as it was named, absolute: a link may lead elsewhere by the time of a swap */
    char *real;
    lp_loaded *loaded;
    const loop_provider *table;
    bool swaps; /* it came by a swap, or another one did */
};

static void free_library(struct library *l)
{
    free(l->path);
    free(l->real);
    free(l);
}

static void end_library(void *data)
{
    struct library *l = data;
    if (lp_loaded_close(l->loaded) && l->swaps)
        loop_host_log(l->host, LOOP_LOG_WARN,
                      "a version of the library '%s' that nothing uses any more stays in memory: "
                      "it is marked nodelete, has unique symbols (C++: -fno-gnu-unique), or "
                      "something else uses it",
                      l->real);
    free_library(l);
}

/* Takes `real`. */
static loop_error *load(loop_host *h, const char *path, char *real, struct library **ret)
{
    lp_library_file seen = {0};
    struct library *l = lp_alloc(sizeof *l);
    *l = (struct library){.host = h, .path = lp_strdup(path), .real = real};
    loop_error *e = look_inside(real, &seen);
    if (!e) {
        loop_host_log(h, LOOP_LOG_DEBUG, "loading the library '%s'", real);
        e = with_hint(lp_loaded_open(real, &seen, &l->loaded), real);
    }
    lp_os_reader_close(seen.open);
    if (!e)
        e = find_table(l->loaded, &l->table);
    if (!e) {
        *ret = l;
        return NULL;
    }
    if (l->loaded)
        lp_loaded_close(l->loaded);
    free_library(l);
    return e;
}

static loop_error *renew(struct library *old, struct library **ret)
{
    char *real = NULL;
    LP_TRY(find(old->path, &real));
    LP_TRY(load(old->host, old->path, real, ret));
    if ((*ret)->loaded == old->loaded) { /* its code serves any number of objects */
        end_library(*ret);
        *ret = old;
        return NULL;
    }
    old->swaps = (*ret)->swaps = true;
    return NULL;
}

static loop_error *renew_library(void *data, const loop_provider **ret, void **ret_data)
{
    struct library *old = data, *new = NULL;
    LP_TRY(about(old->path, renew(old, &new)));
    *ret = new->table;
    *ret_data = new;
    return NULL;
}

/* For lp_host_which: whether it is that library, however it is named. */
static bool is_same(const void *data, const loop_provider *p, const lp_table_life *life)
{
    const struct library *one = data, *other = life->data;
    (void)p;
    if (life->end != end_library)
        return false;
    return strcmp(one->path, other->path) == 0 || strcmp(one->real, other->real) == 0 ||
           (one->loaded && one->loaded == other->loaded);
}

/* ---- adding ---- */

static loop_error *add(loop_host *h, const char *path, const char **ret_provider)
{
    char *real = NULL;
    LP_TRY(find(path, &real));
    lp_auto(lp_free_string) char *cwd = lp_os_cwd();
    lp_auto(lp_free_string) char *whole = lp_path_join(cwd ? cwd : "/", path);
    const struct library named = {.path = whole, .real = real};
    const char *known = lp_host_which(h, is_same, &named);
    if (known) { /* what lies there by now is for a swap */
        free(real);
        *ret_provider = known;
        return NULL;
    }
    struct library *l;
    LP_TRY(load(h, whole, real, &l));
    known = lp_host_which(h, is_same, l); /* a hard link */
    const lp_table_life life = {renew_library, end_library, l};
    loop_error *e = known ? NULL : lp_host_provider_add(h, l->table, LOOP_TIER_LIBRARY, &life);
    if (!e)
        *ret_provider = known ? known : lp_host_name(h, l->table->name);
    if (e || known)
        end_library(l);
    return e;
}

loop_error *loop_host_library_add(loop_host *h, const char *path, const char **ret_provider)
{
    return about(path, add(h, path, ret_provider));
}
