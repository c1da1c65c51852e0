/* trust/store.c: implements trust/store.h. */
#include "trust/store.h"

#include <stdlib.h>
#include <time.h>

#include "base/path.h"

static loop_error *no_folder(void)
{
    return loop_error_hint_set(
        loop_error_new(LOOP_UNAVAILABLE, "there is no folder for your configuration"),
        "set HOME or XDG_CONFIG_HOME to an absolute path");
}

loop_error *lp_store_folder(char **ret)
{
    lp_auto(lp_free_string) char *folder = lp_os_config_dir();
    if (!folder)
        return no_folder();
    char *real = lp_os_realpath(folder);
    *ret = real ? real : lp_take(&folder);
    return NULL;
}

static loop_error *wait_for(lp_os_lock *lock, const char *path)
{
    uint64_t until = lp_os_now_ns() + LP_MAX_TRUST_WAIT_MS * 1000000ull;
    while (!lp_os_lock_try(lock)) {
        if (lp_os_now_ns() > until)
            return loop_error_hint_set(loop_error_new(LOOP_UNAVAILABLE,
                                                      "another loop is writing it for %d seconds",
                                                      LP_MAX_TRUST_WAIT_MS / 1000),
                                       "end the process that has '%s' open", path);
        lp_os_sleep_ms(5);
    }
    return NULL;
}

loop_error *lp_store_lock(const char *name, const char *what, lp_os_lock **ret)
{
    lp_auto(lp_free_string) char *folder = lp_os_config_dir();
    lp_auto(lp_free_string) char *path = folder ? lp_path_join(folder, name) : NULL;
    if (!path)
        return NULL; /* reading and writing say so */
    loop_error *e = lp_os_mkdirs(folder);
    lp_auto(lp_free_string) char *real = e ? NULL : lp_os_realpath(folder);
    lp_auto(lp_free_string) char *why = real ? lp_os_why_unsafe(real) : NULL;
    if (why)
        return NULL;
    if (!e)
        e = lp_os_lock_open(path, ret);
    if (!e)
        e = wait_for(*ret, path);
    return e ? loop_error_wrap(e, "cannot change %s in '%s'", what, folder) : NULL;
}

void lp_store_unlock(lp_os_lock **l)
{
    lp_os_lock_close(*l); /* which releases it */
}

loop_error *lp_store_write(const char *name, const char *what, const lp_buf *bytes)
{
    lp_auto(lp_free_string) char *made = lp_os_config_dir();
    lp_auto(lp_free_string) char *folder = NULL;
    if (!made)
        return no_folder();
    loop_error *e = lp_os_mkdirs(made);
    if (!e)
        e = lp_store_folder(&folder);
    lp_auto(lp_free_string) char *file = e ? lp_strdup(name) : lp_path_join(folder, name);
    lp_auto(lp_free_string) char *why = e ? NULL : lp_os_why_unsafe(folder);
    if (why)
        e = loop_error_hint_set(loop_error_new(LOOP_DENIED, "%s", why),
                                "nobody but you may write to the folder of your configuration");
    if (!e)
        e = lp_os_write_atomic(file, bytes->ptr, bytes->len, 0600);
    return e ? loop_error_wrap(e, "cannot keep %s '%s'", what, file) : NULL;
}

void lp_store_today(char ret[16])
{
    time_t now = (time_t)(lp_os_wall_ms() / 1000);
    struct tm day;
    if (!gmtime_r(&now, &day) || strftime(ret, 16, "%Y-%m-%d", &day) != 10)
        strcpy(ret, "1970-01-01");
}
