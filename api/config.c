/*
 * api/config.c: implements include/loop/config.h: which files there are, and in
 * which order values come from them.
 *
 * loop.yaml is read first, because it may name the profile; its options are set
 * after the profile's, because they win. The environment sets options and
 * nothing else: no grant, denial, component or binding is ever read from it.
 */
#include "api/config.h"

#include <stdlib.h>

#include "base/os/os.h"
#include "base/path.h"
#include "base/text.h"

/* What holds without a class file: a component is never without a bound by accident. */
static const loop_class_config classes[] = {
    {.name = "untrusted", .origin = {"default", 0, 0}}, /* the rows' own values */
    {.name = "trusted",
     .limits.of = {[LOOP_MAX_MEMORY] = {.value = UINT64_C(4) << 30}},
     .origin = {"default", 0, 0}},
};

/* One load: what was asked for, and what has been found so far. */
typedef struct loader {
    const loop_config_sources *from;
    loop_config *c;
    lp_yaml_doc *workspace; /* loop.yaml; NULL without one */
    char *data_dir;         /* NULL: nothing is installed */
    char *cwd;
} loader;

static const char *environment(const loader *l, const char *name)
{
    const char *v = l->from->ignore_environment || !name ? NULL : lp_os_getenv(name);
    return v && *v ? v : NULL;
}

/* A path as messages show it: from the current directory on, where it is below that. */
static const char *shown(const loader *l, const char *path)
{
    if (!l->cwd || strcmp(l->cwd, "/") == 0 || !lp_path_inside(path, l->cwd))
        return path;
    return lp_path_below(path, l->cwd);
}

/* ---- loop.yaml ---- */

/*
 * The nearest loop.yaml from `dir` upwards; malloced or NULL. One that belongs to
 * another user (in /tmp, say) governs nobody who did not name it.
 */
static char *search(const char *dir)
{
    lp_auto(lp_free_string) char *at = lp_os_realpath(dir);
    while (at) {
        char *file = lp_path_join(at, "loop.yaml");
        if (lp_os_is_trusted_owner(file))
            return file;
        free(file);
        if (strcmp(at, "/") == 0)
            return NULL;
        char *up = lp_path_parent(at);
        free(at);
        at = up;
    }
    return NULL;
}

/* The named file with its directory's real path before it; malloced or NULL. */
static char *named(const char *file)
{
    lp_auto(lp_free_string) char *parent = lp_path_parent(file);
    lp_auto(lp_free_string) char *dir = lp_os_realpath(parent);
    const char *slash = strrchr(file, '/');
    return dir ? lp_path_join(dir, slash ? slash + 1 : file) : NULL;
}

static loop_error *open_workspace(loader *l)
{
    const loop_config_sources *from = l->from;
    lp_auto(lp_free_string) char *file =
        from->file ? named(from->file) : search(from->directory ? from->directory : ".");
    if (!file && from->file)
        return loop_error_new(LOOP_NOT_FOUND, "cannot read '%s'", from->file);
    if (!file)
        return NULL;
    uint8_t *bytes;
    size_t len = from->text_len;
    if (from->file && from->text)
        bytes = (uint8_t *)lp_strndup(from->text, len);
    else
        LP_TRY(lp_yaml_bytes(file, shown(l, file), &bytes, &len));
    lp_auto(lp_free_string) char *root = lp_path_parent(file);
    l->c->file = lp_config_keep(l->c, file);
    l->c->root = lp_config_keep(l->c, root);
    loop_trust_digest(bytes, len, l->c->digest); /* what is trusted is what is parsed */
    loop_error *e = lp_yaml_parse(shown(l, file), (const char *)bytes, len, &l->workspace);
    free(bytes);
    return e;
}

/* ---- options ---- */

loop_config *lp_config_new(void)
{
    loop_config *c = lp_alloc(sizeof *c);
    memcpy(c->classes, classes, sizeof classes);
    for (size_t i = 0; i < LP_COUNT(c->classes); i++)
        lp_limits_fill(&c->classes[i].limits);
    for (size_t i = 0; i < lp_option_count(); i++) {
        const char *fallback = loop_option_at(i)->fallback;
        lp_config_set(c, i, fallback ? fallback : "", (loop_origin){"default", 0, 0});
    }
    return c;
}

static loop_error *set_from_text(loop_config *c, size_t option, const char *text,
                                 const char *source, loop_code code)
{
    char value[64];
    lp_auto(lp_free_string) char *what = lp_option_check(loop_option_at(option), text);
    if (what)
        return loop_error_new(code, "%s: expected %s, found '%s'", source, what,
                              lp_text_shown(text, value, sizeof value));
    lp_config_set(c, option, text, (loop_origin){source, 0, 0});
    return NULL;
}

static loop_error *set_from_environment(loader *l)
{
    for (size_t i = 0; i < lp_option_count(); i++) {
        const char *name = loop_option_at(i)->environment;
        const char *v = environment(l, name);
        if (v)
            LP_TRY(set_from_text(l->c, i, v, name, LOOP_CONFIG));
    }
    return NULL;
}

static loop_error *set_from_flags(loader *l)
{
    for (size_t i = 0; i < l->from->flag_count; i++) {
        const loop_setting *s = &l->from->flags[i];
        size_t option;
        if (!lp_option_find(s->key, &option))
            return loop_error_new(LOOP_INTERNAL, "%s: no option '%s'", s->source, s->key);
        LP_TRY(set_from_text(l->c, option, s->value, s->source, LOOP_USAGE));
    }
    return NULL;
}

/* ---- profiles and classes ---- */

/* Which profile, decided before its file is read: it is the lowest of the layers. */
static loop_error *find_profile(loader *l, const char **ret, bool *ret_asked)
{
    size_t option;
    const loop_option *row = lp_option_find("profile", &option);
    const lp_yaml *at = l->workspace ? lp_yaml_get(lp_yaml_root(l->workspace), "profile") : NULL;
    const char *name = l->from->profile, *v = environment(l, row->environment);
    for (size_t i = 0; i < l->from->flag_count && !name; i++)
        if (strcmp(l->from->flags[i].key, "profile") == 0)
            name = l->from->flags[i].value;
    *ret_asked = name || v || at;
    if (!name)
        name = v ? v : at ? at->text : row->fallback;
    char text[64];
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
    if (name[n] || n == 0 || n > LP_MAX_NAME) /* it becomes a part of a path */
        return loop_error_new(LOOP_CONFIG,
                              "'%s' is no name of a profile: letters, digits, '-', '_'",
                              lp_text_shown(name, text, sizeof text));
    *ret = name;
    return NULL;
}

/* FOLDER/NAME.yaml of the workspace, else of the data directory; malloced or NULL. */
static char *data_file(const char *root, const char *folder, const char *name)
{
    char *file = root ? lp_format("%s/%s/%s.yaml", root, folder, name) : NULL;
    if (file && lp_os_exists(file))
        return file;
    free(file);
    return NULL;
}

static loop_error *load_profile(loader *l)
{
    const char *name = NULL;
    bool asked = false;
    LP_TRY(find_profile(l, &name, &asked));
    lp_auto(lp_free_string) char *file = data_file(l->c->root, "profiles", name);
    if (!file)
        file = data_file(l->data_dir, "profiles", name);
    if (!file && !asked)
        return NULL; /* nothing is installed and nobody asked */
    if (!file) {
        loop_error *e = loop_error_new(LOOP_CONFIG, "there is no profile '%s'", name);
        return loop_error_hint_set(
            e, "looked for %s.yaml in profiles/ of %s%s%s", name, l->c->root ? "the workspace" : "",
            l->c->root && l->data_dir ? " and of " : "", l->data_dir ? l->data_dir : "");
    }
    lp_auto(lp_yaml_free) lp_yaml_doc *doc = NULL;
    LP_TRY(lp_yaml_read(file, shown(l, file), &doc));
    LP_TRY(lp_config_read_options(l->c, lp_yaml_root(doc), LP_CONFIG_PROFILE));
    const lp_yaml *bind = lp_yaml_get(lp_yaml_root(doc), "bind");
    return bind ? lp_config_read_bindings(l->c, bind, NULL, LP_CONFIG_PROFILE) : NULL;
}

/* Class files come from the installation only: a workspace does not set its own limits. */
static loop_error *load_classes(loader *l)
{
    for (size_t i = 0; i < LP_COUNT(classes); i++) {
        lp_auto(lp_free_string) char *file = data_file(l->data_dir, "classes", classes[i].name);
        if (!file)
            continue;
        lp_auto(lp_yaml_free) lp_yaml_doc *doc = NULL;
        LP_TRY(lp_yaml_read(file, shown(l, file), &doc));
        LP_TRY(lp_config_read_class(l->c, lp_yaml_root(doc), &l->c->classes[i]));
    }
    return NULL;
}

/*
 * Where the installation has its files; malloced or NULL. The build may name a folder. Else it
 * is found from the library's own place, since nothing that is installed knows where it lies: a
 * build has them in its folder (as a link to the sources), an installation beside lib or
 * lib/MACHINE.
 */
static char *installed_dir(void)
{
#ifdef LOOP_DATA_DIR
    return lp_os_realpath(LOOP_DATA_DIR);
#else
    static const char *const places[] = {"share/loop", "../share/loop", "../../share/loop"};
    lp_auto(lp_free_string) char *own = lp_os_own_path();
    lp_auto(lp_free_string) char *folder = own ? lp_path_parent(own) : NULL;
    char *found = NULL;
    for (size_t i = 0; folder && !found && i < LP_COUNT(places); i++) {
        lp_auto(lp_free_string) char *place = lp_path_join(folder, places[i]);
        found = lp_os_realpath(place);
    }
    return found;
#endif
}

static char *find_data_dir(const loader *l)
{
    const char *dir = l->from->data_dir ? l->from->data_dir : environment(l, "LOOP_DATA_DIR");
    return dir ? lp_os_realpath(dir) : installed_dir();
}

char *loop_data_dir(void)
{
    const char *dir = lp_os_getenv("LOOP_DATA_DIR");
    return dir && *dir ? lp_os_realpath(dir) : installed_dir();
}

/* ---- all of it ---- */

static loop_error *load(loader *l)
{
    LP_TRY(open_workspace(l));
    const lp_yaml *root = l->workspace ? lp_yaml_root(l->workspace) : NULL;
    LP_TRY(load_classes(l));
    if (root) {
        LP_TRY(lp_config_read_workspace(l->c, root));
        LP_TRY(lp_config_read_options(l->c, root, LP_CONFIG_WORKSPACE)); /* it may be wrong */
    }
    LP_TRY(load_profile(l));
    if (root)
        LP_TRY(lp_config_read_options(l->c, root, LP_CONFIG_WORKSPACE));
    LP_TRY(set_from_environment(l));
    LP_TRY(set_from_flags(l));
    size_t profile;
    lp_option_find("profile", &profile);
    return l->from->profile
               ? set_from_text(l->c, profile, l->from->profile, "--profile", LOOP_USAGE)
               : NULL;
}

loop_error *loop_config_load(const loop_config_sources *from, loop_config **ret)
{
    static const loop_config_sources nothing;
    loader l = {.from = from ? from : &nothing, .c = lp_config_new(), .cwd = lp_os_cwd()};
    l.data_dir = find_data_dir(&l);
    loop_error *e = load(&l);
    lp_yaml_delete(l.workspace);
    free(l.data_dir);
    free(l.cwd);
    if (e) {
        loop_config_delete(l.c);
        return e;
    }
    *ret = l.c;
    return NULL;
}

void loop_config_delete(loop_config *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->components.n; i++) {
        free(c->components.at[i]->grants.at);
        free(c->components.at[i]->pairs.at);
    }
    free(c->components.at);
    free(c->bindings.at);
    free(c->overrides.at);
    free(c->asks.at);
    free(c->registries.at);
    free(c->routes.at);
    lp_arena_done(&c->arena);
    free(c);
}

/* ---- looking at it ---- */

const char *loop_config_root(const loop_config *c)
{
    return c->root;
}

const char *loop_config_file(const loop_config *c)
{
    return c->file;
}

const char *loop_config_get(const loop_config *c, const char *key, loop_origin *ret_origin)
{
    size_t option;
    if (!lp_option_find(key, &option))
        return NULL;
    if (ret_origin)
        *ret_origin = c->values[option].origin;
    return c->values[option].text;
}

const loop_component_config *loop_config_component_at(const loop_config *c, size_t i)
{
    return i < c->components.n ? &c->components.at[i]->row : NULL;
}

const loop_component_config *loop_config_component(const loop_config *c, const char *name)
{
    for (size_t i = 0; i < c->components.n; i++)
        if (strcmp(c->components.at[i]->row.name, name) == 0)
            return &c->components.at[i]->row;
    return NULL;
}

bool loop_config_component_value(const loop_config *c, const char *component, size_t i,
                                 const char **ret_key, const char **ret_value)
{
    const lp_config_component *found =
        (const lp_config_component *)loop_config_component(c, component);
    if (!found || i >= found->pairs.n)
        return false;
    *ret_key = found->pairs.at[i].key;
    *ret_value = found->pairs.at[i].value;
    return true;
}

const loop_class_config *loop_config_class(const loop_config *c, const char *name)
{
    for (size_t i = 0; i < LP_COUNT(c->classes); i++)
        if (strcmp(c->classes[i].name, name) == 0)
            return &c->classes[i];
    return NULL;
}
