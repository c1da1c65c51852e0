/*
 * api/library.c: implements loop_host_library_add: a provider out of a shared library.
 *
 * In this order, and nothing of a step happens before the one above it was passed:
 *
 *   who can change the file       base/os: a stranger's library is not even read
 *   what the file is              base/elf: a whole library for this machine, with our symbol
 *   for which ABI                 from the file: constructors of another version do not run
 *   loading                       the system's: every symbol bound at once, none shown to others
 *   the table                     host/, as for a provider that is linked in
 *
 * It lies in api/ because it wires these rooms together and is no more than that. Whether a
 * workspace may name a library at all is asked before (api/config_trust.c): a program that calls
 * this itself has decided for itself.
 *
 * The host owns the handle: the library is closed when the host ends, after its provider. A
 * library that exits, crashes or never returns from a constructor takes the host with it; what
 * must not do that is a sidecar.
 */
#include <stdlib.h>

#include "base/base.h"
#include "base/elf.h"
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

static loop_error *look_inside(const char *real)
{
    uint32_t abi = 0;
    lp_os_reader *r = lp_os_reader_open(real);
    if (!r)
        return loop_error_new(LOOP_IO, "it is not a file, or cannot be read");
    lp_elf_source file = {lp_os_reader_size(r), read_piece, r};
    loop_error *e = lp_elf_look(&file, LOOP_PROVIDER_SYMBOL, SIZE, &abi);
    lp_os_reader_close(r);
    if (loop_error_code(e) == LOOP_NOT_FOUND) {
        loop_error_delete(e);
        return loop_error_hint_set(
            loop_error_new(LOOP_INVALID, "it exports no provider ('%s')", LOOP_PROVIDER_SYMBOL),
            "end one of its files with LOOP_PROVIDER_EXPORT(table); see loop/provider.h");
    }
    LP_TRY(e);
    return abi == LOOP_PROVIDER_ABI ? NULL : other_abi(abi);
}

static loop_error *look(const char *path, char **ret_real)
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
    LP_TRY(look_inside(real));
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
    return about(path, look(path, &real));
}

/* ---- loading ---- */

static loop_error *open_library(const char *real, lp_os_library **ret)
{
    loop_error *e = lp_os_library_open(real, ret);
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

static loop_error *find_table(lp_os_library *l, const loop_provider **ret)
{
    const loop_provider_export *x = lp_os_library_symbol(l, LOOP_PROVIDER_SYMBOL);
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

static void close_library(void *l)
{
    lp_os_library_close(l);
}

/* For lp_host_which: whether it is one that this host has already. */
static bool is_same(const void *table, const loop_provider *p, const void *life)
{
    (void)life;
    return p == table;
}

static loop_error *add(loop_host *h, const char *path, const char **ret_provider)
{
    lp_auto(lp_free_string) char *real = NULL;
    LP_TRY(look(path, &real));
    loop_host_log(h, LOOP_LOG_DEBUG, "loading the library '%s'", real);
    lp_os_library *library = NULL;
    const loop_provider *table = NULL;
    LP_TRY(open_library(real, &library));
    loop_error *e = find_table(library, &table);
    const char *known = e ? NULL : lp_host_which(h, is_same, table);
    const lp_table_life life = {.end = close_library, .data = library};
    if (!e && !known)
        e = lp_host_provider_add(h, table, LOOP_TIER_LIBRARY, &life);
    if (!e)
        *ret_provider = known ? known : lp_host_name(h, table->name);
    if (e || known)
        lp_os_library_close(library);
    return e;
}

loop_error *loop_host_library_add(loop_host *h, const char *path, const char **ret_provider)
{
    return about(path, add(h, path, ret_provider));
}
