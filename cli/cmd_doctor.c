/*
 * cli/cmd_doctor.c: `loop doctor`: what is installed, where, and the command that
 * installs what is missing.
 *
 * A check fills one row. Running components takes the first section alone; the
 * others say which languages components can be built from, and where the set-up
 * scripts of tools/setup put things. Nothing is executed: a file is there or not.
 */
#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/target.h"

typedef enum status { OK, NOTE, MISSING, BROKEN } status;

typedef struct report {
    bool json;
    bool any;     /* a row was written (JSON: a comma is due) */
    bool broken;  /* something that running components takes */
    bool heading; /* the section's heading is due */
    const char *section;
    char *cache; /* the cache folder; NULL where there is no home */
} report;

/* ---- writing ---- */

static void section(report *r, const char *name)
{
    r->section = name;
    r->heading = true;
}

/* `where`: where it is, or what is wrong; `fix`: what to do about it, or NULL. */
static void row(report *r, status s, const char *name, const char *where, const char *fix)
{
    static const char *const names[] = {"ok", "note", "missing", "broken"};
    r->broken = r->broken || s == BROKEN;
    if (r->json) {
        printf("%s\n  {\"section\":\"%s\",\"status\":\"%s\",\"name\":", r->any ? "," : "",
               r->section, names[s]);
        cli_put_json(stdout, name);
        fputs(",\"where\":", stdout);
        cli_put_json(stdout, where);
        fputs(",\"fix\":", stdout);
        cli_put_json(stdout, fix);
        putchar('}');
    } else {
        if (r->heading)
            printf("%s%s\n", r->any ? "\n" : "", r->section);
        printf("  %-8s %-18s ", names[s], name);
        cli_put(stdout, where);
        if (fix)
            printf("%s%s", *where ? "; " : "", fix);
        putchar('\n');
    }
    r->heading = false;
    r->any = true;
}

/* ---- finding ---- */

static bool is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* The program of that name on PATH, for free(); NULL. */
static char *on_path(const char *name)
{
    const char *path = getenv("PATH");
    for (const char *p = path ? path : ""; *p;) {
        size_t n = strcspn(p, ":");
        char *file = cli_format("%.*s/%s", (int)n, p, name);
        if (n && is_file(file) && access(file, X_OK) == 0)
            return file;
        free(file);
        p += n + (p[n] == ':');
    }
    return NULL;
}

/* The first that matches, for free(); NULL. */
static char *matching(const char *pattern)
{
    glob_t found;
    char *file = NULL;
    if (glob(pattern, 0, NULL, &found) == 0) {
        file = cli_format("%s", found.gl_pathv[0]);
        globfree(&found);
    }
    return file;
}

/* A file below the cache folder, for free(); NULL. */
static char *in_cache(const report *r, const char *below)
{
    char *file = r->cache ? cli_format("%s/%s", r->cache, below) : NULL;
    if (file && is_file(file))
        return file;
    free(file);
    return NULL;
}

static char *in_rustup(const char *below)
{
    const char *home = getenv("RUSTUP_HOME");
    char *pattern = home ? cli_format("%s/toolchains/*/%s", home, below)
                         : cli_format("%s/.rustup/toolchains/*/%s",
                                      getenv("HOME") ? getenv("HOME") : "", below);
    char *file = matching(pattern);
    free(pattern);
    return file;
}

/* A row for what was found (freed) or not. */
static void tool(report *r, const char *name, char *found, const char *fix)
{
    row(r, found ? OK : MISSING, name, found ? found : "", found ? NULL : fix);
    free(found);
}

/* ---- to run components ---- */

static char *cache_dir(void)
{
    const char *own = getenv("LOOP_CACHE_DIR"), *xdg = getenv("XDG_CACHE_HOME"),
               *home = getenv("HOME");
    if (own && *own)
        return cli_format("%s", own);
    if (xdg && *xdg)
        return cli_format("%s/loop", xdg);
    return home && *home ? cli_format("%s/.cache/loop", home) : NULL;
}

/* How much is kept in `folder`, as text for free(). */
static char *kept_in(const char *folder)
{
    DIR *dir = opendir(folder);
    size_t files = 0;
    double bytes = 0;
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        struct stat st;
        if (fstatat(dirfd(dir), entry->d_name, &st, 0) != 0 || !S_ISREG(st.st_mode))
            continue;
        files++;
        bytes += (double)st.st_size;
    }
    if (dir)
        closedir(dir);
    return cli_format("%zu compiled component%s, %.1f MiB", files, files == 1 ? "" : "s",
                      bytes / (1 << 20));
}

/* Whether `path` could be made, or is a folder that can be written to. */
static bool writable(const char *path)
{
    char *at = cli_format("%s", path);
    struct stat st;
    while (stat(at, &st) != 0 && errno == ENOENT && strrchr(at, '/') > at)
        *strrchr(at, '/') = 0;
    bool ok = stat(at, &st) == 0 && S_ISDIR(st.st_mode) && access(at, W_OK | X_OK) == 0;
    free(at);
    return ok;
}

static void check_cache(report *r)
{
    if (!r->cache) {
        row(r, BROKEN, "cache folder", "HOME is not set", "set HOME or LOOP_CACHE_DIR");
        return;
    }
    char *folder = cli_format("%s/compiled", r->cache);
    struct stat st;
    bool there = stat(folder, &st) == 0;
    if (!writable(folder)) {
        row(r, BROKEN, "cache folder", folder,
            "it cannot be written, so every start compiles; set LOOP_CACHE_DIR");
    } else if (there && (st.st_uid != geteuid() || (st.st_mode & 022))) {
        row(r, BROKEN, "cache folder", folder,
            "others can write to it, so it is not used; chmod 700 it, or set LOOP_CACHE_DIR");
    } else {
        char *kept = kept_in(folder), *text = cli_format("%s, %s", folder, kept);
        row(r, OK, "cache folder", text, NULL);
        free(text);
        free(kept);
    }
    free(folder);
}

/* What it would be loaded as, told from the file alone. */
static void check_library(report *r, const char *path)
{
    loop_error *e = loop_library_look(path);
    const loop_error *why = e;
    while (loop_error_cause(why))
        why = loop_error_cause(why);
    char *text = e ? cli_format("%s: %s", path, loop_error_message(why)) : NULL;
    row(r, e ? BROKEN : OK, "library", e ? text : path, loop_error_hint(why));
    free(text);
    loop_error_delete(e);
}

/* Of a workspace that asks for what takes trust. */
static void check_trust(report *r, const loop_config *config)
{
    if (!loop_config_ask_at(config, 0))
        return;
    loop_error *no = loop_config_trust(config);
    row(r, no ? NOTE : OK, "trust", no ? loop_error_message(no) : "trusted as it is now",
        loop_error_hint(no));
    const loop_binding *b;
    for (size_t i = 0; !no && (b = loop_config_binding_at(config, i)); i++)
        for (size_t k = 0; k < b->count; k++)
            if (b->links[k].library)
                check_library(r, b->links[k].library);
    loop_error_delete(no);
}

static void check_config(report *r)
{
    loop_config *config = NULL;
    loop_error *e = loop_config_load(&(loop_config_sources){0}, &config);
    if (e) {
        char *text = cli_format("%s", loop_error_message(e));
        row(r, BROKEN, "configuration", text, loop_error_hint(e));
        free(text);
        loop_error_delete(e);
        return;
    }
    const loop_class_config *class = loop_config_class(config, "untrusted");
    bool installed = class && strcmp(class->origin.source, "default") != 0;
    row(r, installed ? OK : NOTE, "profiles, classes",
        installed ? class->origin.source : "not found; the built-in defaults hold",
        installed ? NULL : "set LOOP_DATA_DIR to the folder that has profiles/ and classes/");
    const char *file = loop_config_file(config);
    row(r, file ? OK : NOTE, "workspace", file ? file : "no loop.yaml in this folder or above it",
        NULL);
    check_trust(r, config);
    loop_config_delete(config);
}

/* ---- providers ---- */

/* Several versions of an interface may be several rows: whether row `i` is the first. */
static bool is_first(const loop_provider *p, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(p->interfaces[k].interface->name, p->interfaces[i].interface->name) == 0)
            return false;
    return true;
}

static void put_provider(report *r, const loop_provider *p)
{
    bool any = p->interfaces && p->interfaces[0].interface; /* else it stands before any */
    char *text = cli_format("%s%s", p->summary, any ? " (" : "");
    for (size_t i = 0; any && p->interfaces[i].interface; i++) {
        if (!is_first(p, i))
            continue;
        char *longer = cli_format("%s%s%s", text, i ? ", " : "", p->interfaces[i].interface->name);
        free(text);
        text = longer;
    }
    char *whole = cli_format("%s%s", text, any ? ")" : "");
    row(r, OK, p->name, whole, NULL);
    free(whole);
    free(text);
}

static loop_error *check_host(report *r)
{
    loop_host *host;
    loop_error *e = loop_host_new(&(loop_host_options){.log_level = LOOP_LOG_ERROR}, &host);
    if (e)
        return e;
    const loop_provider *p;
    section(r, "providers of this host");
    row(r, OK, "engine", "WASI 0.2: clocks, random, stdio, files, sockets, HTTP", NULL);
    for (size_t i = 0; (p = loop_host_provider_at(host, i)); i++)
        put_provider(r, p);
    loop_host_delete(host);
    return NULL;
}

/* ---- to build components ---- */

static char *from_env(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? cli_format("%s", value) : NULL;
}

static char *first(char *a, char *b)
{
    if (!a)
        return b;
    free(b);
    return a;
}

static void check_c(report *r)
{
    const char *fix = "tools/setup/apt.sh";
    section(r, "to build components in C");
    tool(r, "clang-19", first(from_env("WASM_CC"), on_path("clang-19")), fix);
    tool(r, "wasm-ld-19", first(on_path("wasm-ld-19"), matching("/usr/lib/llvm-19/bin/wasm-ld")),
         fix);
    tool(r, "clang's runtime",
         matching("/usr/lib/llvm-19/lib/clang/19/lib/wasi/libclang_rt.builtins-wasm32.a"), fix);
    tool(r, "wasi-libc", matching("/usr/include/wasm32-wasi/stdio.h"), fix);
    tool(r, "wasm-component-ld",
         first(first(from_env("WASM_COMPONENT_LD"), on_path("wasm-component-ld")),
               in_rustup("lib/rustlib/*/bin/wasm-component-ld")),
         "`loop build` needs none; else rustup, or cargo install wasm-component-ld");
}

static void check_rust(report *r)
{
    section(r, "to build components in Rust");
    tool(r, "rustc", on_path("rustc"), "https://rustup.rs");
    tool(r, "cargo", on_path("cargo"), "https://rustup.rs");
    tool(r, "wasm32-wasip2",
         first(in_rustup("lib/rustlib/wasm32-wasip2/lib"), in_cache(r, "rust-guest/tree/rustc")),
         "tools/setup/rust-guest.sh");
    tool(r, "set up for loop", in_cache(r, "rust-guest/env"), "tools/setup/rust-guest.sh");
}

static void check_js(report *r)
{
    section(r, "to build components in JavaScript");
    tool(r, "node", on_path("node"), "apt-get install nodejs npm");
    tool(r, "npm", on_path("npm"), "apt-get install nodejs npm");
    tool(r, "componentize-qjs",
         first(in_cache(r, "js-guest/node_modules/.bin/componentize-qjs"),
               on_path("componentize-qjs")),
         "`loop build` fetches it where package.json names it; or tools/setup/js-guest.sh");
}

static void check_python(report *r)
{
    section(r, "to build components in Python");
    tool(
        r, "componentize-py",
        first(first(matching(".venv/bin/componentize-py"), in_cache(r, "venv/bin/componentize-py")),
              on_path("componentize-py")),
        "python3 -m venv .venv && .venv/bin/pip install componentize-py; or "
        "tools/setup/more-sdks.sh");
}

static void check_tools(report *r)
{
    section(r, "to work on loop itself");
    tool(r, "wasm-tools",
         first(first(from_env("WASM_TOOLS"), in_cache(r, "venv/bin/wasm-tools")),
               on_path("wasm-tools")),
         "tools/setup/wasm-tools.sh");
    tool(r, "wasmtime", first(in_cache(r, "venv/bin/wasmtime"), on_path("wasmtime")),
         "for `make bench` only: tools/setup/wasm-tools.sh --peer");
}

/* ---- the command ---- */

static loop_error *run(const cli_args *args, int *ret_status)
{
    report r = {.json = cli_has(args, "--json"), .cache = cache_dir()};
    if (r.json)
        fputs("[", stdout);
    section(&r, "to run components");
    char *version = cli_format("%s, with %s", loop_version(), loop_engine_version());
    row(&r, OK, "loop", version, NULL);
    free(version);
    check_cache(&r);
    check_config(&r);
    loop_error *e = check_host(&r);
    check_c(&r);
    check_rust(&r);
    check_js(&r);
    check_python(&r);
    check_tools(&r);
    if (r.json)
        fputs("\n]\n", stdout);
    free(r.cache);
    *ret_status = r.broken ? LOOP_UNAVAILABLE : 0;
    return e;
}

static const cli_group group_doctor = {
    "Output",
    (const cli_option[]){{"--json", NULL, "as a JSON list, one object a row", NULL, NULL}, {0}},
};

const cli_command cli_doctor = {
    .name = "doctor",
    .synopsis = "[--json]",
    .summary = "show what is installed, and how to install what is missing",
    .about =
        "Looks for what running and building components takes: the cache folder, the workspace, "
        "whether it is trusted and its libraries can be loaded, the providers of this host, and "
        "the tools for each language. Each row is `ok` with the place "
        "where it was found, or says what is wrong and the command that mends it.\n\n"
        "Running components takes only the first section. The exit status is 0, or 69 when "
        "something "
        "of that section is broken. Set-up scripts are named from the root of loop's sources.",
    .example = "loop doctor",
    .shows = "lists everything; start here when something does not work",
    .not_yet = "installing what is missing by itself",
    .groups = (const cli_group *const[]){&group_doctor, NULL},
    .run = run,
};
