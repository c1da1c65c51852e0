/*
 * deputy: demo:deputy (wit/deputy.wit): runs an errand for whoever asks, with what it was granted
 * itself, and answers what came of it.
 *
 *   env NAME                       a variable            read PATH, write PATH TEXT     a file
 *   set KEY VALUE, get KEY         the bucket "box"      spawn PROGRAM ARGUMENT...      its status
 *   load PACKAGE GRANT,GRANT       loads it, and has it serve the imported errands
 *   pass WORD...                   asks the one that serves its own import
 *
 * Several stand one behind the other, with "then" between. Their answers have " | " between them.
 *
 * What does not work is `refused`, with the case and the text of the error.
 */
#include <errno.h>

#include "gen/deputy.h"
#include "guest.h"

typedef deputy_string_t text;

static const char *const cases[] = {"unavailable", "denied",    "invalid",
                                    "limit",       "cancelled", "failed"};
static deputy_list_string_t words;

static char *word(size_t i)
{
    if (i >= words.len)
        return strdup("");
    return strndup((const char *)words.ptr[i].ptr, words.ptr[i].len);
}

static bool answer(text *ret, const char *before, const void *bytes, size_t n)
{
    size_t head = strlen(before);
    ret->ptr = malloc(head + n + 1);
    memcpy(ret->ptr, before, head);
    memcpy(ret->ptr + head, bytes, n);
    ret->len = head + n;
    return true;
}

static bool say(text *ret, const char *what)
{
    return answer(ret, "", what, strlen(what));
}

/* The error of any interface of loop's. */
static bool failed(text *ret, const loop_core_types_error_t *e)
{
    char before[32];
    bool has_text = e->tag != LOOP_CORE_TYPES_ERROR_CANCELLED;
    snprintf(before, sizeof before, "%s%s", cases[e->tag], has_text ? ": " : "");
    answer(ret, before, has_text ? (const void *)e->val.failed.ptr : "",
           has_text ? e->val.failed.len : 0);
    return false;
}

/* ---- WASI ---- */

static bool from_env(text *ret)
{
    const char *value = getenv(word(1));
    say(ret, value ? value : "no such variable");
    return value;
}

static bool use_file(text *ret, const char *mode)
{
    char line[256] = "";
    FILE *f = fopen(word(1), mode);
    if (!f || (*mode == 'r' && !fgets(line, sizeof line, f)) ||
        (*mode == 'w' && fputs(word(2), f) < 0) || fclose(f) != 0) {
        say(ret, strerror(errno));
        return false;
    }
    line[strcspn(line, "\n")] = 0;
    return say(ret, *mode == 'r' ? line : "written");
}

/* ---- loop:storage ---- */

static bool use_store(text *ret, bool set)
{
    text name = TEXT(text, "box"), version;
    loop_storage_store_own_bucket_t own;
    loop_storage_store_error_t e;
    loop_storage_store_key_t key = TEXT(loop_storage_store_key_t, word(1));
    loop_storage_store_value_t value = TEXT(loop_storage_store_value_t, word(2));
    loop_storage_store_option_entry_t found;
    if (!loop_storage_store_open(&name, &own, &e))
        return failed(ret, &e);
    loop_storage_store_borrow_bucket_t b = loop_storage_store_borrow_bucket(own);
    if (set ? !loop_storage_store_method_bucket_set(b, &key, &value, &version, &e)
            : !loop_storage_store_method_bucket_get(b, &key, &found, &e))
        return failed(ret, &e);
    if (set)
        return say(ret, "stored");
    return found.is_some ? answer(ret, "", found.val.value.ptr, found.val.value.len)
                         : say(ret, "nothing");
}

/* ---- loop:process ---- */

static bool spawn(text *ret)
{
    loop_process_processes_command_t command = {.program = TEXT(text, word(1))};
    loop_process_processes_own_process_t p;
    loop_process_processes_own_pollable_t ended;
    loop_process_processes_option_exit_status_t status;
    loop_process_processes_error_t e;
    command.arguments = (deputy_list_string_t){words.ptr + 2, words.len - 2};
    if (!loop_process_processes_spawn(&command, &p, &e))
        return failed(ret, &e);
    loop_process_processes_borrow_process_t b = loop_process_processes_borrow_process(p);
    if (!loop_process_processes_method_process_subscribe(b, &ended, &e))
        return failed(ret, &e);
    wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(ended));
    wasi_io_poll_pollable_drop_own(ended);
    if (!loop_process_processes_method_process_status(b, &status, &e))
        return failed(ret, &e);
    bool well = status.is_some && !status.val.tag && !status.val.val.code;
    return say(ret, well ? "ended well" : "ended badly");
}

/* ---- loop:pkg ---- */

/* Never dropped: it serves as long as this one lives. */
static bool load(text *ret)
{
    text grants[8], imported = TEXT(text, "demo:deputy/errands@0.1.0");
    loop_pkg_loader_own_loaded_t loaded;
    loop_pkg_loader_error_t e;
    loop_pkg_loader_wish_t wish = {
        .selected = {.name = TEXT(text, word(1)),
                     .version = TEXT(text, "1.0.0"),
                     .digest = TEXT(text, "sha256:0"),
                     .content = TEXT(text, ""),
                     .registry = TEXT(text, "test")},
        .name = TEXT(text, "loaded"),
        .grants = {grants, 0},
    };
    for (char *at = strtok(word(2), ","); at && wish.grants.len < 8; at = strtok(NULL, ","))
        grants[wish.grants.len++] = TEXT(text, at);
    if (!loop_pkg_loader_load(&wish, &loaded, &e) ||
        !loop_pkg_loader_method_loaded_serve(loop_pkg_loader_borrow_loaded(loaded), &imported, &e))
        return failed(ret, &e);
    return say(ret, "loaded");
}

/* ---- asking another ---- */

static bool pass(text *ret)
{
    demo_deputy_errands_error_t e;
    deputy_list_string_t rest = {words.ptr + 1, words.len - 1};
    if (demo_deputy_errands_run(&rest, ret, &e))
        return true;
    answer(ret, e.tag == DEMO_DEPUTY_ERRANDS_ERROR_UNAVAILABLE ? "nobody: " : "", e.val.refused.ptr,
           e.val.refused.len);
    return false;
}

/* One errand. */
static bool run(text *ret)
{
    const char *verb = word(0);
    if (strcmp(verb, "env") == 0)
        return from_env(ret);
    if (strcmp(verb, "read") == 0 || strcmp(verb, "write") == 0)
        return use_file(ret, *verb == 'r' ? "r" : "w");
    if (strcmp(verb, "set") == 0 || strcmp(verb, "get") == 0)
        return use_store(ret, *verb == 's');
    if (strcmp(verb, "spawn") == 0 && words.len > 1)
        return spawn(ret);
    if (strcmp(verb, "load") == 0)
        return load(ret);
    if (strcmp(verb, "pass") == 0)
        return pass(ret);
    say(ret, "no such errand");
    return false;
}

/* The words up to "then": those of one errand. */
static void take(const deputy_list_string_t *list, size_t from)
{
    size_t n = from;
    while (n < list->len && !(list->ptr[n].len == 4 && memcmp(list->ptr[n].ptr, "then", 4) == 0))
        n++;
    words = (deputy_list_string_t){list->ptr + from, n - from};
}

bool exports_demo_deputy_errands_run(deputy_list_string_t *list, text *ret,
                                     exports_demo_deputy_errands_error_t *err)
{
    text said, all = {malloc(1), 0};
    bool well = true;
    for (size_t at = 0; at <= list->len; at += words.len + 1) {
        take(list, at);
        well = run(&said);
        all.ptr = realloc(all.ptr, all.len + said.len + 16);
        all.len +=
            (size_t)sprintf((char *)all.ptr + all.len, "%s%s%.*s", at ? " | " : "",
                            well || at + words.len == list->len ? "" : "refused: ", (int)said.len,
                            (const char *)said.ptr);
    }
    if (well) {
        *ret = all;
    } else {
        err->tag = DEMO_DEPUTY_ERRANDS_ERROR_REFUSED;
        err->val.refused = all;
    }
    return well;
}
