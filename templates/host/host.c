/*
 * host.c: the host: its configuration, its providers, one component and its end.
 *
 * All of it is loop's public API: <loop/host.h> runs components, <loop/config.h> reads loop.yaml
 * and the profile, <loop/control.h> lets `loop ps` and `loop swap` of the same user see and steer
 * it. Errors are values: NULL, or something to print or to hand on. `struct run` has what lives as
 * long as the program; close_all deletes it in the one order that works, users before what they
 * use.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <loop/config.h>
#include <loop/control.h>

#include "brand.h"
#include "host.h"

extern const loop_provider board; /* board.c */

struct run {
    loop_config *config;
    loop_host *host;
    loop_control *control;
    loop_component *component;
    loop_policy *policy;
    loop_instance *instance;
    bool asked; /* a first Ctrl-C came */
};

/* ---- configuration: our profile, then loop.yaml of the workspace, then the environment ---- */

static loop_error *configure(struct run *r, const char *profile)
{
    char data[PATH_MAX];
    static const char beside[] = "/../share/" BRAND_NAME; /* the folder of this program */
    ssize_t n = readlink("/proc/self/exe", data, sizeof data - sizeof beside);
    if (n < 0)
        return loop_error_new(LOOP_SYSTEM, "cannot find out where " BRAND_NAME " lies");
    data[n] = 0;
    strcpy(strrchr(data, '/'), beside);
    const loop_config_sources from = {.profile = profile ? profile : BRAND_NAME, .data_dir = data};
    return loop_config_load(&from, &r->config);
}

/* ---- the host: an engine, and the providers that serve what components import ---- */

/* Every entry of the log, of components and of the host itself. Any thread. */
static void write_log(void *data, const loop_log_entry *entry)
{
    static const char *const levels[] = {[LOOP_LOG_TRACE] = "trace",
                                         [LOOP_LOG_DEBUG] = "debug",
                                         [LOOP_LOG_INFO] = "info",
                                         [LOOP_LOG_WARN] = "warning",
                                         [LOOP_LOG_ERROR] = "error"};
    (void)data;
    fprintf(stderr, BRAND_NAME ": %s: %s%s%s\n", levels[entry->level],
            entry->component ? entry->component : "", entry->component ? ": " : "", entry->message);
}

/* After each call of a component into a provider, on that component's thread. */
static void show_call(void *data, const loop_trace *c)
{
    (void)data;
    fprintf(stderr, BRAND_NAME ": %s called %s.%s of %s: %s\n", c->component, c->interface_name,
            c->function, c->provider, c->outcome);
}

static loop_error *open_host(struct run *r, bool trace)
{
    const char *root = loop_config_root(r->config); /* NULL: there is no loop.yaml */
    const loop_host_options options = {
        .log = write_log,
        .log_level = LOOP_LOG_INFO,
        .production = strcmp(loop_config_get(r->config, "production", NULL), "true") == 0,
        .directory = root,
        .confine = root != NULL, /* options of providers name no file outside of the workspace */
        .trace = trace ? show_call : NULL,
    };
    loop_error *e = loop_host_new(&options, &r->host);
    if (!e)
        e = loop_host_provider_add(r->host, &board);
    if (!e) /* who serves what; a library or a sidecar only where the user trusts loop.yaml */
        e = loop_config_bind(r->config, r->host);
    return e;
}

/* ---- the component: its code, what it may do, and one instance of it ---- */

static loop_error *open_instance(struct run *r, const struct options *o)
{
    const char *name = o->args[0];
    const loop_component_config *row =
        strchr(name, '/') ? NULL : loop_config_component(r->config, name); /* NULL: a file */
    loop_limits limits;
    loop_config_limits(r->config, row ? row->name : NULL, "untrusted", &limits);
    loop_instance_options options = {
        .name = row ? row->name : NULL,
        .args = o->args,
        .optional = row ? row->optional : NULL,
        .limits = &limits,
        .grace_ms = 500, /* between asking it to end and ending it */
    };
    loop_error *e = loop_component_open(r->host, row ? row->path : name, &r->component);
    if (!e && row) {
        options.policy = r->policy = loop_policy_new(); /* grants nothing, but: */
        e = loop_config_grants(r->config, row->name, r->policy);
    }
    /* Every import is looked up and its type compared; nothing of the component runs yet. */
    return e ? e : loop_instance_new(r->host, r->component, &options, &r->instance);
}

/* ---- running it ---- */

/* Called from a turn of the host's loop: no signal handler, anything may be done here. */
static void interrupted(void *data, int signum)
{
    (void)signum;
    struct run *r = data;
    if (r->asked)
        loop_instance_kill(r->instance);
    else
        loop_instance_cancel(r->instance, LOOP_CANCEL_INTERRUPTED);
    r->asked = true;
}

static loop_error *run(struct run *r, const char *invoke, int *ret_status)
{
    loop_result result = {0};
    loop_error *e = loop_host_on_signal(r->host, SIGINT, interrupted, r);
    if (!e && invoke)
        e = loop_instance_invoke(r->instance, invoke, &result);
    else if (!e)
        e = loop_instance_run(r->instance, &result); /* turns the host's loop until its end */
    if (e)
        return e;
    if (result.output && *result.output)
        puts(result.output);
    loop_free(result.output);
    *ret_status = result.status;
    return fflush(stdout) == 0 ? NULL : loop_error_new(LOOP_IO, "%s", strerror(errno));
}

static void close_all(struct run *r)
{
    loop_control_close(r->control);
    loop_instance_delete(r->instance);
    loop_policy_delete(r->policy);
    loop_component_delete(r->component);
    loop_host_delete(r->host);
    loop_config_delete(r->config);
}

loop_error *host_run(const struct options *o, int *ret_status)
{
    struct run r = {0};
    loop_error *e = configure(&r, o->profile);
    if (!e)
        e = open_host(&r, o->trace);
    if (!e) /* a run that is over by then pays nothing */
        e = loop_control_open(r.host, &(loop_control_options){.after_ms = 100}, &r.control);
    if (!e)
        e = open_instance(&r, o);
    if (!e)
        e = run(&r, o->invoke, ret_status);
    close_all(&r);
    return e;
}

loop_error *host_show(void)
{
    struct run r = {0};
    loop_error *e = configure(&r, NULL);
    if (!e)
        e = open_host(&r, false);
    const loop_provider *p;
    for (size_t i = 0; !e && (p = loop_host_provider_at(r.host, i)); i++)
        printf("%-14s %s\n", p->name, p->summary);
    close_all(&r);
    return e;
}
