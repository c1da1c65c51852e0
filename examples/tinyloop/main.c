/*
 * tinyloop: a host of components, on a page, with lamps. Fork it.
 *
 *     tinyloop [--trace] [--profile NAME] [--invoke 'IFACE.FUNC(ARGS)'] COMPONENT [ARGS...]
 *
 * COMPONENT is a file, or a name in loop.yaml. Everything here is public API: <loop/host.h> runs
 * components, <loop/config.h> reads loop.yaml, <loop/control.h> lets `loop ps` and `loop swap` of
 * the same user see and steer it. Three things make this another host than `loop`: its provider
 * (lamps.c), its profile (profiles/tiny.yaml) and what its users can say (read_options).
 *
 * Errors are values: NULL, or something to print or to hand on. `struct tiny` has what lives as
 * long as the program; close_all deletes it in the one order that works: users before what they
 * use.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <unistd.h>

#include <loop/config.h>
#include <loop/control.h>
#include <loop/host.h>

extern const loop_provider lamps; /* lamps.c */

struct options {
    bool trace;
    const char *profile, *invoke;
    const char **args; /* NULL-terminated, the component first */
};

struct tiny {
    loop_config *config;
    loop_host *host;
    loop_control *control;
    loop_component *component;
    loop_policy *policy;
    loop_instance *instance;
    bool asked; /* a first Ctrl-C came */
};

/* ---- what its users can say ---- */

static loop_error *usage(const char *what, const char *word)
{
    return loop_error_hint_set(loop_error_new(LOOP_USAGE, "%s%s", what, word),
                               "tinyloop [--trace] [--profile NAME] [--invoke 'IFACE.FUNC(ARGS)'] "
                               "COMPONENT [ARGS...]");
}

static loop_error *read_options(char **argv, struct options *ret)
{
    *ret = (struct options){.profile = "tiny"};
    for (argv++; *argv && **argv == '-'; argv++) {
        const char **value = strcmp(*argv, "--profile") == 0  ? &ret->profile
                             : strcmp(*argv, "--invoke") == 0 ? &ret->invoke
                                                              : NULL;
        if (strcmp(*argv, "--trace") == 0)
            ret->trace = true;
        else if (!value)
            return usage("there is no option ", *argv);
        else if (!argv[1])
            return usage("a value is missing after ", *argv);
        else
            *value = *++argv;
    }
    ret->args = (const char **)argv;
    return *argv ? NULL : usage("no component is named", "");
}

/* ---- configuration: our profile, then loop.yaml of the workspace, then the environment ---- */

static loop_error *configure(struct tiny *t, const struct options *o)
{
    char data[PATH_MAX];
    static const char beside[] = "/../share/tinyloop"; /* the folder of this program */
    ssize_t n = readlink("/proc/self/exe", data, sizeof data - sizeof beside);
    if (n < 0)
        return loop_error_new(LOOP_SYSTEM, "cannot find out where tinyloop lies");
    data[n] = 0;
    strcpy(strrchr(data, '/'), beside);
    return loop_config_load(&(loop_config_sources){.profile = o->profile, .data_dir = data},
                            &t->config);
}

/* ---- the host: an engine, and the providers that serve what components import ---- */

/* After each call of a component into a provider, on that component's thread. */
static void show(void *data, const loop_trace *c)
{
    (void)data;
    fprintf(stderr, "tinyloop: %s called %s.%s of %s: %s, %.1f us\n", c->component,
            c->interface_name, c->function, c->provider, c->outcome, (double)c->duration_ns / 1000);
}

static loop_error *open_host(struct tiny *t, const struct options *o)
{
    const char *root = loop_config_root(t->config); /* NULL: there is no loop.yaml */
    const loop_host_options options = {
        .log_level = LOOP_LOG_INFO,
        .log_json = strcmp(loop_config_get(t->config, "log.format", NULL), "json") == 0,
        .production = strcmp(loop_config_get(t->config, "production", NULL), "true") == 0,
        .directory = root,
        .confine = root != NULL, /* options of providers name no file outside of the workspace */
        .trace = o->trace ? show : NULL,
    };
    loop_error *e = loop_host_new(&options, &t->host);
    if (!e)
        e = loop_host_provider_add(t->host, &lamps);
    if (!e) /* who serves what; a library or a sidecar only where the user trusts loop.yaml */
        e = loop_config_bind(t->config, t->host);
    if (!e) /* a run that is over by then pays nothing */
        e = loop_control_open(t->host, &(loop_control_options){.after_ms = 100}, &t->control);
    return e;
}

/* ---- the component: its code, what it may do, and one instance of it ---- */

static loop_error *open_instance(struct tiny *t, const struct options *o)
{
    const char *name = o->args[0];
    const loop_component_config *row =
        strchr(name, '/') ? NULL : loop_config_component(t->config, name); /* NULL: a file */
    loop_limits limits;
    loop_config_limits(t->config, row ? row->name : NULL, "untrusted", &limits);
    loop_instance_options options = {
        .name = row ? row->name : NULL,
        .args = o->args,
        .optional = row ? row->optional : NULL,
        .limits = &limits,
        .grace_ms = 500, /* between asking it to end and ending it */
    };
    loop_error *e = loop_component_open(t->host, row ? row->path : name, &t->component);
    if (!e && row) {
        options.policy = t->policy = loop_policy_new(); /* grants nothing, but: */
        e = loop_config_grants(t->config, row->name, t->policy);
    }
    /* Every import is looked up and its type compared; nothing of the component runs yet. */
    return e ? e : loop_instance_new(t->host, t->component, &options, &t->instance);
}

/* ---- running it ---- */

/* Called from a turn of the host's loop: no signal handler, anything may be done here. */
static void interrupted(void *data, int signum)
{
    (void)signum;
    struct tiny *t = data;
    if (t->asked)
        loop_instance_kill(t->instance);
    else
        loop_instance_cancel(t->instance, LOOP_CANCEL_INTERRUPTED);
    t->asked = true;
}

static loop_error *run(struct tiny *t, const struct options *o, int *ret_status)
{
    loop_result result = {0};
    loop_error *e = loop_host_on_signal(t->host, SIGINT, interrupted, t);
    if (!e && o->invoke)
        e = loop_instance_invoke(t->instance, o->invoke, &result);
    else if (!e)
        e = loop_instance_run(t->instance, &result); /* turns the host's loop until its end */
    if (e)
        return e;
    if (result.output && *result.output)
        puts(result.output);
    loop_free(result.output);
    *ret_status = result.status;
    return fflush(stdout) == 0 ? NULL : loop_error_new(LOOP_IO, "%s", strerror(errno));
}

static void close_all(struct tiny *t)
{
    loop_control_close(t->control);
    loop_instance_delete(t->instance);
    loop_policy_delete(t->policy);
    loop_component_delete(t->component);
    loop_host_delete(t->host);
    loop_config_delete(t->config);
}

int main(int argc, char **argv)
{
    (void)argc;
    struct options o;
    struct tiny t = {0};
    int status = 0; /* the component's own, or the code of an error: 64 to 79 */
    loop_error *e = read_options(argv, &o);
    if (!e)
        e = configure(&t, &o);
    if (!e)
        e = open_host(&t, &o);
    if (!e)
        e = open_instance(&t, &o);
    if (!e)
        e = run(&t, &o, &status);
    if (e) {
        status = (int)loop_error_code(e);
        char *text = loop_error_format(e);
        fputs(text, stderr);
        loop_free(text);
        loop_error_delete(e);
    }
    close_all(&t);
    return status;
}
