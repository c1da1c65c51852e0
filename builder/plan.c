/*
 * builder/plan.c: one component, from its sources to its path.
 *
 * What it is built from is digested first and compared with what was noted of the last build;
 * the same bytes by the same tools are not built again. What the language made is checked
 * against its world before it gets its place, so that what was at the path stays there until
 * something better can take it. The note is written last.
 *
 *     build/notes.wasm
 *     build/.loop/notes/        stamp, lock, objects, cargo's folder: may be deleted at any time
 *     gen/                      bindings, beside the WIT
 */
#include <stdlib.h>

#include "base/path.h"
#include "builder/internal.h"

static const lp_build_language *const languages[] = {&lp_build_c, &lp_build_rust, &lp_build_js,
                                                     &lp_build_python};

static const lp_build_language *language_of(const loop_build_config *b)
{
    for (size_t i = 0; b->lang && i < LP_COUNT(languages); i++)
        if (strcmp(languages[i]->name, b->lang) == 0)
            return languages[i];
    return NULL;
}

static void set_places(lp_build_job *j)
{
    const char *name = j->row->name;
    j->build = j->row->build;
    j->root = j->run->place->root;
    j->output = j->row->path;
    j->work = lp_build_text(j, "%s/.loop/%s", lp_build_keep(j, lp_path_parent(j->output)), name);
    if (!j->build->wit)
        return;
    const char *above = lp_build_keep(j, lp_path_parent(j->build->wit));
    j->gen = lp_build_text(j, "%s/gen", above);
    const char *sdk = lp_build_text(j, "%s/loop-sdk", above);
    j->sdk = lp_os_is_dir(sdk) ? sdk : NULL;
}

static loop_error *check_places(const lp_build_job *j)
{
    const char *places[] = {j->build->source, j->build->wit};
    static const char *const names[] = {"source", "wit"};
    for (size_t i = 0; i < LP_COUNT(places); i++)
        if (places[i] && !lp_os_exists(places[i]))
            return loop_error_hint_set(
                loop_error_new(LOOP_NOT_FOUND, "there is no '%s'", lp_build_shown(j, places[i])),
                "'%s' in `build:` of '%s' names it", names[i], j->row->name);
    return NULL;
}

/* ---- what it is built from ---- */

static loop_error *add_inputs(lp_build_job *j, const lp_build_language *l, lp_build_inputs *to)
{
    static const char *const wit_ends[] = {".wit", ".wasm", NULL};
    const char *above = lp_build_keep(j, lp_path_parent(j->output));
    if (strcmp(above, j->root) == 0)
        above = j->output; /* the output lies among the sources */
    const char *skip[6] = {j->output, above};
    size_t n = 2;
    if (j->gen)
        skip[n++] = j->gen;
    if (j->row->tests)
        skip[n++] = j->row->tests;
    const char *source = j->build->source;
    if (source && l && !lp_os_is_dir(source) && l != &lp_build_c)
        source = lp_build_keep(j, lp_path_parent(source)); /* other modules lie beside it */
    if (source)
        LP_TRY(lp_build_inputs_add(to, j->root, source, skip, l ? l->ends : NULL));
    if (j->sdk && l)
        LP_TRY(lp_build_inputs_add(to, j->root, j->sdk, skip, l->ends));
    if (j->build->wit)
        LP_TRY(lp_build_inputs_add(to, j->root, j->build->wit, skip, wit_ends));
    lp_build_inputs_sort(to);
    return NULL;
}

/* The toolchain and all that is said about how it is called. */
static loop_error *sum_tools(lp_build_job *j, const char *identity, lp_build_sum *ret)
{
    const loop_build_config *b = j->build;
    lp_build_sum wit;
    LP_TRY(lp_build_sum_file(j->run->place->wit_tool, &wit));
    lp_buf key = {0};
    lp_buf_printf(&key, "%s\n%s\n%s\n%d\n%s\n%s\n%s\n%s\n", b->lang ? b->lang : "", identity,
                  wit.text, j->run->options->debug, b->source ? lp_build_shown(j, b->source) : "",
                  b->wit ? lp_build_shown(j, b->wit) : "", b->world ? b->world : "", j->row->name);
    for (size_t i = 0; b->command && b->command[i]; i++)
        lp_buf_json(&key, b->command[i], strlen(b->command[i]));
    const char *flags = lp_os_getenv("RUSTFLAGS");
    lp_buf_puts(&key, flags ? flags : "");
    *ret = lp_build_sum_of(key.ptr, key.len);
    lp_buf_done(&key);
    return NULL;
}

/* ---- building ---- */

/* One process at a time has the folder. */
static loop_error *take_lock(lp_build_job *j, lp_os_lock **ret)
{
    const char *folder = lp_build_keep(j, lp_path_parent(j->work));
    const char *ignore = lp_build_text(j, "%s/.gitignore", folder);
    LP_TRY(lp_os_make_dirs(j->work));
    if (!lp_os_exists(ignore))
        LP_TRY(lp_os_write_atomic(ignore, "*\n", 2, 0644));
    lp_os_lock *lock;
    LP_TRY(lp_os_lock_open(lp_build_text(j, "%s/lock", j->work), &lock));
    for (bool told = false; !lp_os_lock_try(lock); told = true) {
        if (!told)
            lp_build_tell(j, LOOP_BUILD_STEP, "waiting for another build of it", NULL);
        if (lp_build_stopped(j)) {
            lp_os_lock_close(lock);
            return loop_error_new(LOOP_CANCELLED, "the build was stopped");
        }
        lp_os_sleep_ms(50);
    }
    *ret = lock;
    return NULL;
}

static loop_error *place(lp_build_job *j)
{
    uint8_t *bytes;
    size_t len;
    LP_TRY(lp_os_make_dirs(lp_build_keep(j, lp_path_parent(j->output))));
    LP_TRY(lp_os_read_file(j->made, LP_MAX_COMPONENT_BYTES, &bytes, &len));
    loop_error *e = lp_os_write_atomic(j->output, bytes, len, 0644);
    free(bytes);
    lp_os_remove(lp_build_text(j, "%s/new.wasm", j->work));
    return e;
}

static loop_error *run_command(lp_build_job *j)
{
    const lp_build_command c = {.argv = j->build->command, .what = j->build->command[0]};
    LP_TRY(lp_build_tool(j, &c));
    if (!j->dry && (!lp_os_exists(j->output) || lp_os_is_dir(j->output)))
        return loop_error_hint_set(
            loop_error_new(LOOP_NOT_FOUND, "'%s' ended well and there is no '%s'",
                           j->build->command[0], lp_build_shown(j, j->output)),
            "the command of `build:` writes the file that `path` names");
    j->made = j->output;
    return j->build->world ? lp_build_check(j) : NULL;
}

static loop_error *make(lp_build_job *j, const lp_build_language *l, void *tools)
{
    if (!l)
        return run_command(j);
    LP_TRY(l->build(j, tools));
    LP_TRY(lp_build_check(j));
    return j->dry ? NULL : place(j);
}

/* Lock files, which the tools bring up to date while they build. */
static bool is_lock(const char *path)
{
    static const char *const names[] = {"Cargo.lock", "package-lock.json", NULL};
    return lp_build_ends(path, names);
}

/*
 * What the build itself wrote among the sources holds as it is now: files that were not there,
 * and lock files. Anything else counts as it was before, so that what a person saved meanwhile
 * is built next time.
 */
static loop_error *add_written(lp_build_job *j, const lp_build_language *l, lp_build_inputs *s)
{
    lp_build_inputs now = {0};
    loop_error *e = add_inputs(j, l, &now);
    size_t k = 0, before = s->n;
    for (size_t i = 0; !e && i < now.n; i++) {
        while (k < before && strcmp(s->at[k].path, now.at[i].path) < 0)
            k++;
        bool there = k < before && strcmp(s->at[k].path, now.at[i].path) == 0;
        if (!there)
            *lp_push(s) = (lp_build_input){lp_strdup(now.at[i].path), now.at[i].sum, false};
        else if (is_lock(now.at[i].path))
            s->at[k].sum = now.at[i].sum;
    }
    lp_build_inputs_done(&now);
    return e;
}

static loop_error *note(lp_build_job *j, const lp_build_language *l, const char *stamp,
                        lp_build_stamp *s)
{
    const char *identity;
    void *tools;
    if (j->installed) { /* a toolchain that came meanwhile counts as what it is */
        LP_TRY(l->find(j, &identity, &tools));
        LP_TRY(sum_tools(j, identity, &s->tool));
    }
    LP_TRY(add_written(j, l, &s->inputs));
    LP_TRY(lp_build_sum_file(j->output, &s->output));
    for (size_t i = 0; i < j->found.n; i++)
        *lp_push(&s->inputs) =
            (lp_build_input){lp_strdup(j->found.at[i].path), j->found.at[i].sum, true};
    lp_build_inputs_sort(&s->inputs);
    return lp_build_stamp_write(stamp, s);
}

/* With the folder locked, or in a dry run. */
static loop_error *build(lp_build_job *j, const lp_build_language *l, lp_build_stamp *s,
                         void *tools)
{
    const char *stamp = lp_build_text(j, "%s/stamp", j->work);
    lp_auto(lp_free_string) char *why = NULL;
    if (!l && !j->build->source)
        why = lp_strdup("its command knows what changed");
    else
        lp_build_stamp_compare(stamp, j->root, s, j->output, &why);
    if (!why && j->run->options->force)
        why = lp_strdup("it was asked for");
    if (!why) {
        lp_build_tell(j, LOOP_BUILD_FRESH, NULL, NULL);
        return NULL;
    }
    if (!j->dry)
        lp_build_tell(j, LOOP_BUILD_STARTED, why, NULL);
    LP_TRY(make(j, l, tools));
    if (j->dry) {
        lp_build_tell(j, LOOP_BUILD_PLANNED, why, j->commands.ptr);
        return NULL;
    }
    LP_TRY(note(j, l, stamp, s));
    if (j->said.len)
        lp_build_tell(j, LOOP_BUILD_NOTE, "its tools said", j->said.ptr);
    lp_build_tell(j, LOOP_BUILD_DONE, NULL, NULL);
    return NULL;
}

loop_error *lp_build_one(lp_build_job *j)
{
    set_places(j);
    const lp_build_language *l = language_of(j->build);
    const char *identity = "";
    void *tools = NULL;
    LP_TRY(check_places(j));
    if (l)
        LP_TRY(l->find(j, &identity, &tools));
    lp_build_stamp s = {0};
    lp_os_lock *lock = NULL;
    loop_error *e = sum_tools(j, identity, &s.tool);
    if (!e)
        e = add_inputs(j, l, &s.inputs);
    if (!e && !j->dry)
        e = take_lock(j, &lock);
    if (!e)
        e = build(j, l, &s, tools);
    if (lock) {
        lp_os_lock_release(lock);
        lp_os_lock_close(lock);
    }
    lp_build_inputs_done(&s.inputs);
    return e;
}
