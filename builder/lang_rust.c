/*
 * builder/lang_rust.c: Rust: cargo for wasm32-wasip2, whose linker makes the component.
 *
 * The compiler is the one that loop's set-up found or unpacked, else the user's own, where it
 * has the target. cargo's folder is the job's own, so that components are built side by side
 * without waiting for cargo's lock. Bindings of the world are written beside the WIT, for who
 * wants them; a crate may as well use wit-bindgen's macro. What cargo read, other crates of the
 * workspace among it, stands in its .d file. With loop-sdk beside the WIT, bindings use what it
 * has of wit-bindgen, so that a crate depends on it alone.
 */
#include <jansson.h>
#include <stdlib.h>

#include "base/path.h"
#include "builder/internal.h"

#define TARGET "wasm32-wasip2"

static const char install_rust[] = "install Rust with rustup, then: rustup target add " TARGET;

typedef struct rust_tools {
    const char *cargo, *rustc; /* rustc NULL: cargo's choice */
    const char *env[5];        /* ends with NULL */
    size_t env_count;
} rust_tools;

/* ---- finding ---- */

static loop_error *is_std(void *data, const char *name, char kind, uint64_t size)
{
    (void)kind, (void)size;
    size_t n = strlen(name);
    bool *found = data;
    *found =
        *found || (lp_starts_with(name, "libstd-") && n > 5 && strcmp(name + n - 5, ".rlib") == 0);
    return NULL;
}

/* Whether a compiler has the target's library; it is asked in the project's own folder. */
static bool has_target(lp_build_job *j, const char *rustc)
{
    char *out = NULL;
    const char *argv[] = {rustc, "--print", "target-libdir", "--target", TARGET, NULL};
    const lp_build_command c = {
        .argv = argv, .directory = j->build->source, .ask = true, .ret_out = &out};
    loop_error *e = lp_build_tool(j, &c);
    j->said.len = 0;
    bool found = false;
    if (!e) {
        out[strcspn(out, "\n")] = 0;
        e = lp_os_each_entry(out, &found, is_std);
    }
    free(out);
    loop_error_delete(e);
    return found;
}

static void set(rust_tools *t, const char *text)
{
    t->env[t->env_count++] = text;
}

/* The compiler that set-up wrote down; false where it is none, or is gone. */
static bool use_set_up(lp_build_job *j, rust_tools *t)
{
    if (!j->run->place->cache)
        return false;
    const char *file = lp_build_text(j, "%s/rust-guest/env", j->run->place->cache);
    const char *rustc = lp_build_setting(j, file, "RUST_GUEST_RUSTC");
    const char *linker = lp_build_setting(j, file, "RUST_GUEST_LINKER");
    const char *lld = lp_build_setting(j, file, "RUST_GUEST_LLD");
    if (!rustc || !linker || !lp_os_exists(linker))
        return false;
    const char *asked = *rustc ? rustc : lp_build_on_path(j, "rustc");
    if (!asked || !has_target(j, asked))
        return false;
    const char *path = lp_os_getenv("PATH");
    if (lld && *lld)
        set(t, lp_build_text(j, "PATH=%s:%s", lld, path ? path : "/usr/bin:/bin"));
    set(t, lp_build_text(j, "CARGO_TARGET_WASM32_WASIP2_LINKER=%s", linker));
    if (*rustc)
        set(t, lp_build_text(j, "RUSTC=%s", rustc));
    t->rustc = asked;
    return true;
}

static loop_error *find(lp_build_job *j, const char **ret_identity, void **ret_tools)
{
    rust_tools *t = lp_arena_alloc(&j->arena, sizeof *t);
    t->cargo = lp_build_on_path(j, "cargo");
    if (!t->cargo)
        return loop_error_hint_set(
            loop_error_new(LOOP_UNAVAILABLE, "there is no cargo, which builds Rust"), "%s",
            install_rust);
    if (!lp_os_is_dir(j->build->source) ||
        !lp_os_exists(lp_build_text(j, "%s/Cargo.toml", j->build->source)))
        return loop_error_hint_set(loop_error_new(LOOP_NOT_FOUND, "there is no Cargo.toml in '%s'",
                                                  lp_build_shown(j, j->build->source)),
                                   "'source' in loop.yaml names the crate's folder");
    if (!use_set_up(j, t)) {
        t->rustc = lp_build_on_path(j, "rustc");
        if (!t->rustc || !has_target(j, t->rustc))
            return loop_error_hint_set(
                loop_error_new(LOOP_UNAVAILABLE, "Rust has no target " TARGET " here"), "%s",
                t->rustc && lp_build_on_path(j, "rustup") ? "rustup target add " TARGET
                                                          : install_rust);
    }
    LP_TRY(lp_build_version(j, t->rustc, "-V", NULL, ret_identity));
    *ret_tools = t;
    return NULL;
}

/* ---- what cargo says ---- */

static const char *const made[] = {".wasm", NULL};

/* The .wasm of one message about an artifact of the project's own crate; NULL. */
static const char *artifact(lp_build_job *j, json_t *message, const char **ret_name)
{
    const char *reason = json_string_value(json_object_get(message, "reason"));
    const char *manifest = json_string_value(json_object_get(message, "manifest_path"));
    lp_auto(lp_free_string) char *real = lp_os_realpath(j->build->source); /* as cargo has it */
    lp_auto(lp_free_string) char *own = lp_format("%s/Cargo.toml", real ? real : j->build->source);
    if (!reason || strcmp(reason, "compiler-artifact") != 0 || !manifest ||
        strcmp(manifest, own) != 0)
        return NULL;
    *ret_name = json_string_value(json_object_get(json_object_get(message, "target"), "name"));
    json_t *files = json_object_get(message, "filenames"), *file;
    size_t i;
    json_array_foreach(files, i, file)
    {
        const char *path = json_string_value(file);
        if (path && lp_build_ends(path, made))
            return path;
    }
    return NULL;
}

/* Finds what was made in cargo's lines of JSON. */
static loop_error *find_artifact(lp_build_job *j, char *lines)
{
    size_t count = 0;
    bool named = false;
    for (char *line = lines, *end; !named && line && *line; line = end) {
        end = strchr(line, '\n');
        if (end)
            *end++ = 0;
        json_t *message = json_loads(line, 0, NULL);
        const char *name = NULL, *path = message ? artifact(j, message, &name) : NULL;
        if (path) {
            count++;
            named = name && strcmp(lp_build_snake(j, name), lp_build_snake(j, j->row->name)) == 0;
            j->made = lp_build_text(j, "%s", path);
        }
        json_decref(message);
    }
    if (count == 1 || named)
        return NULL;
    if (!count)
        return loop_error_hint_set(
            loop_error_new(LOOP_INVALID, "cargo built no .wasm of this crate"),
            "it needs a program (src/main.rs), or in Cargo.toml: [lib] crate-type = [\"cdylib\"]");
    return loop_error_hint_set(loop_error_new(LOOP_INVALID,
                                              "cargo built %zu .wasm files and none is called '%s'",
                                              count, j->row->name),
                               "call the component in loop.yaml as one of the crate's programs");
}

/* ---- building ---- */

static loop_error *found(void *data, const char *path)
{
    lp_build_job *j = data;
    return lp_path_inside(path, j->work) ? NULL : lp_build_inputs_found(&j->found, j->root, path);
}

/* The .d file beside the artifact names every file of the crates with a path. */
static loop_error *read_depend(lp_build_job *j)
{
    size_t n = strlen(j->made) - strlen(".wasm");
    const char *file = lp_build_text(j, "%.*s.d", (int)n, j->made);
    uint8_t *rule;
    size_t len;
    if (!lp_os_exists(file))
        return NULL;
    LP_TRY(lp_os_read_file(file, LP_MAX_BUILD_STAMP, &rule, &len));
    loop_error *e = lp_build_rule_read((char *)rule, found, j);
    free(rule);
    return e;
}

/* Paths are written without what says whose machine it was. */
static const char *flags(lp_build_job *j)
{
    const char *home = lp_os_getenv("CARGO_HOME"), *user = lp_os_getenv("HOME");
    const char *cargo = home && *home ? home : lp_build_text(j, "%s/.cargo", user ? user : "");
    lp_buf b = {0};
    lp_buf_puts(&b, "target." TARGET ".rustflags=[");
    const char *texts[] = {lp_build_text(j, "--remap-path-prefix=%s/registry/src=/registry", cargo),
                           lp_build_text(j, "--remap-path-prefix=%s=.", j->root)};
    for (size_t i = 0; i < LP_COUNT(texts); i++) {
        lp_buf_puts(&b, i ? "," : "");
        lp_buf_json(&b, texts[i], strlen(texts[i])); /* TOML reads it alike */
    }
    lp_buf_puts(&b, "]");
    return lp_build_keep(j, lp_buf_take(&b));
}

/*
 * Which bindings a crate gets. A program (src/main.rs) has std's own `wasi:cli/run`, so that theirs
 * leave it out. With loop-sdk they use what that has of wit-bindgen.
 */
static const char *binding_language(lp_build_job *j)
{
    const char *runtime = j->sdk ? lp_build_text(j, "%s/src/rt.rs", j->sdk) : NULL;
    bool sdk = runtime && lp_os_exists(runtime);
    bool program = lp_os_exists(lp_build_text(j, "%s/src/main.rs", j->build->source));
    return lp_build_text(j, "%s%s", program ? "rust-program" : "rust", sdk ? "=loop_sdk::rt" : "");
}

static loop_error *build(lp_build_job *j, void *tools)
{
    rust_tools *t = tools;
    LP_TRY(lp_build_bindings(j, binding_language(j)));
    char *lines = NULL;
    lp_build_words w = {0};
    const char *first[] = {t->cargo,
                           "build",
                           "--quiet",
                           "--target",
                           TARGET,
                           "--message-format",
                           "json-render-diagnostics",
                           "--target-dir",
                           lp_build_text(j, "%s/target", j->work),
                           "--config",
                           flags(j)};
    for (size_t i = 0; i < LP_COUNT(first); i++)
        lp_build_word(&w, first[i]);
    if (!j->run->options->debug)
        lp_build_word(&w, "--release");
    const lp_build_command c = {.argv = w.at,
                                .directory = j->build->source,
                                .env = t->env_count ? t->env : NULL,
                                .what = "cargo build",
                                .ret_out = &lines};
    loop_error *e = lp_build_tool(j, &c);
    lp_build_words_free(&w);
    j->made = lp_build_text(j, "%s/target/" TARGET "/release/%s.wasm", j->work, j->row->name);
    if (e || j->dry)
        return e;
    e = find_artifact(j, lines);
    free(lines);
    if (!e)
        e = read_depend(j);
    return e;
}

static const char *const ends[] = {".rs", ".toml", ".lock", NULL};
const lp_build_language lp_build_rust = {"rust", ends, find, build};
