/* tests/conformance/suite.c: implements suite.h. */
#include "tests/conformance/suite.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- counting ---- */

size_t suite_passed, suite_failed;

bool suite_check(bool good, const char *what, const char *fmt, ...)
{
    if (good) {
        suite_passed++;
        return true;
    }
    suite_failed++;
    va_list ap;
    va_start(ap, fmt);
    lp_auto(lp_free_string) char *why = lp_vformat(fmt, ap);
    va_end(ap);
    printf("FAILED %s: %s\n", what, why);
    fflush(stdout);
    return false;
}

char *suite_text(loop_error *err)
{
    char *text = loop_error_format(err);
    for (char *c = text; *c; c++)
        if (*c == '\n')
            *c = c[1] ? '|' : 0;
    loop_error_delete(err);
    return text;
}

bool suite_ready(const char *what, loop_error *err)
{
    if (!err)
        return true;
    lp_auto(lp_free_string) char *text = suite_text(err);
    return suite_check(false, what, "%s", text);
}

bool suite_worked(const char *what, loop_error *err)
{
    return suite_ready(what, err) && suite_check(true, what, "fine");
}

/* ---- guests ---- */

loop_error *guest_open(loop_host *h, loop_component *c, guest *ret)
{
    *ret = (guest){0};
    /* No word of classes.c may be in its name. */
    const loop_instance_options options = {.name = "guest", .call_timeout_ms = 20000};
    loop_error *err = loop_instance_new(h, c, &options, &ret->instance);
    if (!err)
        err = loop_instance_enter(ret->instance);
    if (err)
        guest_close(ret);
    return err;
}

void guest_close(guest *g)
{
    loop_instance_delete(g->instance);
    lp_arena_done(&g->arena);
    *g = (guest){0};
}

loop_error *suite_host(const loop_provider *const *providers, loop_host **ret)
{
    loop_host *h;
    LP_TRY(loop_host_new(&(loop_host_options){.log_level = LOOP_LOG_ERROR}, &h));
    for (; *providers; providers++) {
        loop_error *err = loop_host_provider_add(h, *providers);
        if (err) {
            loop_host_delete(h);
            return err;
        }
    }
    *ret = h;
    return NULL;
}

loop_error *suite_component(loop_host *h, const char *folder, const char *name,
                            loop_component **ret)
{
    lp_auto(lp_free_string) char *path = lp_format("%s/%s.wasm", folder, name);
    return loop_component_open(h, path, ret);
}

/* ---- calls ---- */

/* "loop:conformance/values@0.1.0" is `values`. */
static bool is_interface(const char *full, lp_str wanted)
{
    const char *slash = strrchr(full, '/'), *name = slash ? slash + 1 : full;
    return lp_str_eq((lp_str){name, strcspn(name, "@")}, wanted);
}

static loop_error *find_function(guest *g, lp_str interface_name, const char *function,
                                 wave_call *ret)
{
    const lp_component *c = g->instance->body->component->engine;
    for (size_t n = 0; (ret->import = lp_component_exported_at(c, n)); n++)
        if (!ret->import->resource && strcmp(ret->import->name, function) == 0 &&
            is_interface(ret->import->interface_name, interface_name))
            return NULL;
    return loop_error_new(LOOP_NOT_FOUND, "there is no export '%.*s.%s'", (int)interface_name.len,
                          interface_name.ptr, function);
}

static loop_error *open_function(guest *g, wave_call *c)
{
    if (!c->import->signature)
        return loop_error_new(LOOP_INVALID, "'%s' has a type that loop does not carry",
                              c->import->name);
    char name[LP_MAX_NAME];
    const char *version = lp_split_version(c->import->interface_name, name, sizeof name);
    lp_buf type = {0};
    lp_signature_text(c->import->signature, &type);
    loop_error *err =
        loop_instance_export(g->instance, name, version, c->import->name, type.ptr, &c->export);
    lp_buf_done(&type);
    return err ? err : lp_plan_new(&g->arena, c->import->signature, &c->plan);
}

static loop_error *in_text(lp_buf *problem)
{
    loop_error *err = loop_error_new(LOOP_INVALID, "%s", problem->ptr);
    lp_buf_done(problem);
    return err;
}

loop_error *call_read(guest *g, const char *text, wave_handle *handle, void *data, wave_call *ret)
{
    size_t length = strcspn(text, "("), dot = strcspn(text, ".");
    lp_str interface_name = {text, dot < length ? dot : 0};
    const char *name = text + (dot < length ? dot + 1 : 0);
    lp_auto(lp_free_string) char *function = lp_strndup(name, (size_t)(text + length - name));
    *ret = (wave_call){0};
    LP_TRY(find_function(g, interface_name, function, ret));
    LP_TRY(open_function(g, ret));
    const lp_plan *p = ret->plan;
    ret->args = lp_arena_alloc(&g->arena, p->params.size + 1u);
    ret->ret = lp_arena_alloc(&g->arena, p->result ? p->result->size : 1u);
    lp_buf problem = {0};
    wave w = {text, text + length, &g->arena, handle, data, &problem};
    if (!wave_read_params(&w, &p->params, ret->args))
        return in_text(&problem);
    ret->rest = w.at;
    ret->args_text =
        lp_arena_strndup(&g->arena, text + length + 1, (size_t)(w.at - text) - length - 2);
    return NULL;
}

loop_error *call_native(wave_call *c)
{
    return loop_export_call(c->export, c->args, c->ret);
}

loop_error *call_oracle(guest *g, const wave_call *c, char **ret)
{
    bool exited = false;
    int status = 0;
    return lp_guest_call_wave(g->instance->body->guest, c->import->interface_name, c->import->name,
                              c->args_text, 20000, ret, &exited, &status);
}

loop_error *call_expected(guest *g, const wave_call *c, const char *text, wave_handle *handle,
                          void *data, void **ret)
{
    if (!c->plan->result)
        return loop_error_new(LOOP_INVALID, "'%s' has no result", c->import->name);
    lp_buf problem = {0};
    wave w = {text, text, &g->arena, handle, data, &problem};
    *ret = lp_arena_alloc(&g->arena, c->plan->result->size);
    if (!wave_read(&w, c->plan->result, *ret) || !wave_end(&w))
        return in_text(&problem);
    return NULL;
}

/* ---- tables ---- */

void suite_table(const char *name, suite_line *f, void *data)
{
    lp_auto(lp_free_string) char *path =
        strchr(name, '/') ? lp_strdup(name) : lp_format("%s/%s", CONFORMANCE_TABLES, name);
    FILE *file = fopen(path, "r");
    if (!file) {
        suite_check(false, name, "cannot be opened: %s", path);
        return;
    }
    char *line = NULL;
    size_t cap = 0;
    ssize_t length;
    for (size_t n = 1; (length = getline(&line, &cap, file)) > 0; n++) {
        if (line[length - 1] == '\n')
            line[length - 1] = 0;
        if (!*line || *line == '#')
            continue;
        lp_auto(lp_free_string) char *place = lp_format("%s:%zu %.50s", name, n, line);
        f(data, place, line);
    }
    free(line);
    fclose(file);
}
