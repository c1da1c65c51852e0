/*
 * builder/lang_c.c: C: clang with its runtime for wasm32, and wasi-libc.
 *
 * Bindings are made of the WIT; every source is compiled on its own and again only when it, a
 * header of it or the compiler changed; all are linked into a core module, which loop-wit makes
 * a component. What was learnt on the way:
 *
 *   - The model is a reactor: with main() as a command and an exported cabi_realloc, wasi-libc
 *     loses the first line written. loop-sdk/run.c makes main() the component's run.
 *   - No -O at the link: clang would run binaryen's wasm-opt there, where it is installed.
 *   - The stack comes first in memory, so that its overflow traps.
 *   - The name section stays and -g is given: a backtrace names functions, files and lines.
 *   - Paths are written from the workspace's root on, so that they say nothing of the machine.
 */
#include <stdlib.h>

#include "base/path.h"
#include "builder/internal.h"

static const char install[] =
    "on Debian: apt-get install clang-19 lld-19 libclang-rt-19-dev-wasm32 wasi-libc; elsewhere "
    "the WASI SDK, with WASI_SDK_PATH naming its folder";

typedef struct c_tools {
    const char *cc, *identity;
} c_tools;

/* ---- the compiler ---- */

/* Where clang finds one of its own files; NULL: nowhere. */
static const char *ask(lp_build_job *j, const char *cc, const char *question)
{
    char *out = NULL;
    const char *argv[] = {cc, "--target=wasm32-wasi", question, NULL};
    const lp_build_command c = {.argv = argv, .ask = true, .ret_out = &out};
    loop_error *e = lp_build_tool(j, &c);
    j->said.len = 0;
    if (e) {
        loop_error_delete(e);
        return NULL;
    }
    out[strcspn(out, "\n")] = 0;
    const char *path = lp_build_keep(j, out);
    return path[0] == '/' && lp_os_exists(path) ? path : NULL;
}

/* What it lacks; NULL: nothing. */
static const char *lacks(lp_build_job *j, const char *cc)
{
    if (!ask(j, cc, "-print-prog-name=wasm-ld"))
        return "the linker wasm-ld";
    if (!ask(j, cc, "-print-file-name=crt1-reactor.o") || !ask(j, cc, "-print-file-name=libc.a"))
        return "wasi-libc";
    const char *runtime = ask(j, cc, "-print-libgcc-file-name");
    if (!runtime)
        return "its runtime for wasm32";
    return NULL;
}

static loop_error *lacking_error(const char *cc, const char *what)
{
    return loop_error_hint_set(loop_error_new(LOOP_UNAVAILABLE, "'%s' lacks %s", cc, what), "%s",
                               install);
}

static loop_error *find(lp_build_job *j, const char **ret_identity, void **ret_tools)
{
    static const char *const names[] = {"clang-19", "clang",    "clang-22", "clang-21",
                                        "clang-20", "clang-18", "clang-17", "clang-16"};
    const char *missing = NULL, *lacking = NULL;
    const char *sdk = lp_os_getenv("WASI_SDK_PATH"), *own = lp_os_getenv("WASM_CC");
    const char *cc = own && *own   ? lp_build_on_path(j, own)
                     : sdk && *sdk ? lp_build_in(j, sdk, "bin/clang")
                                   : NULL;
    if (cc && (missing = lacks(j, cc)))
        lacking = cc;
    for (size_t i = 0; (!cc || missing) && !(own && *own) && i < LP_COUNT(names); i++) {
        const char *there = lp_build_on_path(j, names[i]);
        const char *not = there ? lacks(j, there) : NULL;
        if (there && !lacking && not) {
            missing = not;
            lacking = there;
        }
        if (there && !not) {
            cc = there;
            missing = NULL;
        }
    }
    if (missing)
        return lacking_error(lacking, missing);
    if (!cc && own && *own)
        return loop_error_hint_set(
            loop_error_new(LOOP_UNAVAILABLE, "there is no program '%s', which WASM_CC names", own),
            "unset WASM_CC, or name a clang");
    if (!cc)
        return loop_error_hint_set(
            loop_error_new(LOOP_UNAVAILABLE, "there is no clang, which compiles C for WebAssembly"),
            "%s", install);
    c_tools *t = lp_arena_alloc(&j->arena, sizeof *t);
    t->cc = cc;
    LP_TRY(lp_build_version(j, cc, "--version", NULL, &t->identity));
    lp_build_sum libc;
    const char *library = ask(j, cc, "-print-file-name=libc.a");
    if (!library)
        return lacking_error(cc, "wasi-libc");
    LP_TRY(lp_build_sum_file(library, &libc));
    *ret_identity = t->identity = lp_build_text(j, "%s libc %s", t->identity, libc.text);
    *ret_tools = t;
    return NULL;
}

/* ---- sources ---- */

static const char *const sources[] = {".c", NULL};

/* All *.c of a place, as absolute paths in the order of their names. */
static loop_error *add_sources(lp_build_job *j, const char *place, lp_build_words *to)
{
    lp_auto(lp_free_string) char *above = lp_path_parent(j->output);
    const char *skip[] = {above, j->gen, j->sdk ? j->sdk : above, j->row->tests, NULL};
    lp_build_inputs l = {0};
    loop_error *e = lp_build_inputs_add(&l, j->root, place, skip, sources);
    lp_build_inputs_sort(&l);
    for (size_t i = 0; !e && i < l.n; i++)
        lp_build_word(to, lp_build_keep(j, lp_path_join(j->root, l.at[i].path)));
    lp_build_inputs_done(&l);
    return e;
}

/* ---- compiling ---- */

struct unit {
    const char *source, *object, *depend, *stamp;
};

static loop_error *found(void *data, const char *path)
{
    lp_build_job *j = data;
    return lp_build_inputs_found(&j->found, j->root, path);
}

static loop_error *note_unit(lp_build_job *j, const struct unit *u, lp_build_stamp *s)
{
    uint8_t *rule;
    size_t len, before = j->found.n;
    LP_TRY(lp_os_read_file(u->depend, LP_MAX_BUILD_STAMP, &rule, &len));
    loop_error *e = lp_build_rule_read((char *)rule, found, j);
    free(rule);
    for (size_t i = before; !e && i < j->found.n; i++)
        *lp_push(&s->inputs) =
            (lp_build_input){lp_strdup(j->found.at[i].path), j->found.at[i].sum, true};
    lp_build_inputs_sort(&s->inputs);
    if (!e)
        e = lp_build_sum_file(u->object, &s->output);
    return e ? e : lp_build_stamp_write(u->stamp, s);
}

static loop_error *compile(lp_build_job *j, const struct unit *u, const lp_build_words *flags)
{
    lp_build_words w = {0};
    for (size_t i = 0; i < flags->n; i++)
        lp_build_word(&w, flags->at[i]);
    const char *more[] = {"-MMD", "-MF", u->depend, "-c", u->source, "-o", u->object};
    for (size_t i = 0; i < LP_COUNT(more); i++)
        lp_build_word(&w, more[i]);
    const lp_build_command c = {
        .argv = w.at, .what = lp_build_text(j, "compiling %s", lp_build_shown(j, u->source))};
    loop_error *e = lp_build_tool(j, &c);
    lp_build_words_free(&w);
    return e;
}

/* The object of a source, made anew where what it was made from changed. */
static loop_error *object(lp_build_job *j, const char *source, const c_tools *t,
                          const lp_build_words *flags, lp_build_words *objects)
{
    const char *shown = lp_build_shown(j, source);
    lp_build_sum name = lp_build_sum_of(shown, strlen(shown));
    name.text[16] = 0;
    const char *base = lp_build_text(j, "%s/objects/%s", j->work, name.text);
    const struct unit u = {source, lp_build_text(j, "%s.o", base), lp_build_text(j, "%s.d", base),
                           lp_build_text(j, "%s.stamp", base)};
    lp_build_word(objects, u.object);
    lp_buf key = {0};
    lp_buf_puts(&key, t->identity);
    for (size_t i = 0; i < flags->n; i++)
        lp_buf_printf(&key, "\n%s", flags->at[i]);
    lp_build_stamp s = {.tool = lp_build_sum_of(key.ptr, key.len)};
    lp_buf_done(&key);
    lp_auto(lp_free_string) char *why = NULL;
    if (!j->dry)
        lp_build_stamp_compare(u.stamp, j->root, &s, u.object, &why);
    if (!j->dry && !why && !j->run->options->force) {
        uint8_t *rule;
        size_t len;
        LP_TRY(lp_os_read_file(u.depend, LP_MAX_BUILD_STAMP, &rule, &len));
        loop_error *e = lp_build_rule_read((char *)rule, found, j);
        free(rule);
        return e;
    }
    loop_error *e = compile(j, &u, flags);
    if (!e && !j->dry)
        e = note_unit(j, &u, &s);
    lp_build_inputs_done(&s.inputs);
    return e;
}

static void add_flags(lp_build_job *j, const c_tools *t, bool own, lp_build_words *w)
{
    lp_build_word(w, t->cc);
    lp_build_word(w, "--target=wasm32-wasi");
    lp_build_word(w, j->run->options->debug ? "-O0" : "-Os");
    lp_build_word(w, "-g");
    if (own) {
        lp_build_word(w, "-Wall");
        lp_build_word(w, "-Wextra");
    } else {
        lp_build_word(w, "-w");
    }
    const char *source = j->build->source;
    if (!lp_os_is_dir(source))
        source = lp_build_keep(j, lp_path_parent(source));
    lp_build_word(w, lp_build_text(j, "-I%s", source));
    lp_build_word(w, "-iquote"); /* a world may be called as a header of the system: "time" */
    lp_build_word(w, j->gen);
    if (j->sdk)
        lp_build_word(w, lp_build_text(j, "-I%s", j->sdk));
    lp_build_word(w, lp_build_text(j, "-ffile-prefix-map=%s=.", j->root));
}

static loop_error *compile_all(lp_build_job *j, const c_tools *t, const char *snake,
                               lp_build_words *objects)
{
    lp_build_words own = {0}, others = {0}, flags = {0}, other_flags = {0};
    loop_error *e = add_sources(j, j->build->source, &own);
    if (!e && !own.n)
        e = loop_error_hint_set(loop_error_new(LOOP_NOT_FOUND, "there is no .c file in '%s'",
                                               lp_build_shown(j, j->build->source)),
                                "'source' in loop.yaml names the folder with them");
    if (!e && j->sdk)
        e = add_sources(j, j->sdk, &others);
    lp_build_word(&others, lp_build_text(j, "%s/%s.c", j->gen, snake));
    add_flags(j, t, true, &flags);
    add_flags(j, t, false, &other_flags);
    for (size_t i = 0; !e && i < own.n; i++)
        e = object(j, own.at[i], t, &flags, objects);
    for (size_t i = 0; !e && i < others.n; i++)
        e = object(j, others.at[i], t, &other_flags, objects);
    lp_build_words_free(&own);
    lp_build_words_free(&others);
    lp_build_words_free(&flags);
    lp_build_words_free(&other_flags);
    return e;
}

/* ---- linking ---- */

static loop_error *link_all(lp_build_job *j, const c_tools *t, const char *snake,
                            const lp_build_words *objects)
{
    const char *core = lp_build_text(j, "%s/core/%s.wasm", j->work, j->row->name);
    lp_build_words w = {0};
    const char *first[] = {t->cc, "--target=wasm32-wasi", "-mexec-model=reactor",
                           "-Wl,--stack-first"};
    for (size_t i = 0; i < LP_COUNT(first); i++)
        lp_build_word(&w, first[i]);
    for (size_t i = 0; i < objects->n; i++)
        lp_build_word(&w, objects->at[i]);
    lp_build_word(&w, lp_build_text(j, "%s/%s_component_type.o", j->gen, snake));
    lp_build_word(&w, "-o");
    lp_build_word(&w, core);
    const lp_build_command c = {.argv = w.at, .what = "linking"};
    loop_error *e = lp_build_tool(j, &c);
    lp_build_words_free(&w);
    if (e)
        return e;
    j->made = lp_build_text(j, "%s/new.wasm", j->work);
    const char *words[] = {"componentize", core, j->made, NULL};
    return lp_build_wit(j, "making a component", words, NULL);
}

static loop_error *build(lp_build_job *j, void *tools)
{
    const c_tools *t = tools;
    const char *snake = lp_build_snake(j, j->build->world);
    if (!j->dry) {
        LP_TRY(lp_os_make_dirs(lp_build_text(j, "%s/objects", j->work)));
        LP_TRY(lp_os_make_dirs(lp_build_text(j, "%s/core", j->work)));
    }
    LP_TRY(lp_build_bindings(j, "c"));
    lp_build_words objects = {0};
    loop_error *e = compile_all(j, t, snake, &objects);
    if (!e)
        e = link_all(j, t, snake, &objects);
    lp_build_words_free(&objects);
    return e;
}

/* Headers are found by the compiler; those of the sources' folder count before it has looked. */
static const char *const ends[] = {".c", ".h", NULL};
const lp_build_language lp_build_c = {"c", ends, find, build};
