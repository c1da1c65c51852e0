/*
 * cli/cmd_provider.c: `loop provider new`: a project with a provider of its own, in a shared
 * library or as a sidecar, and a component that uses it.
 *
 * Forms are what templates/ has: provider-FORM and sidecar-LANGUAGE. A provider inside of loop is
 * `make new-provider` of loop's own sources.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/new.h"
#include "loop/host.h"

/* "library", "sidecar-c", ...; for cli_list_delete. */
static char **forms_of(const char *templates)
{
    char **libraries = cli_list_folders(templates, "provider-");
    char **sidecars = cli_list_folders(templates, "sidecar-");
    size_t count = 0;
    for (char **at = libraries; *at; at++)
        count++;
    for (char **at = sidecars; *at; at++)
        count++;
    char **forms = cli_alloc((count + 1) * sizeof *forms);
    count = 0;
    for (char **at = libraries; *at; at++)
        forms[count++] = cli_format("%s", *at);
    for (char **at = sidecars; *at; at++)
        forms[count++] = cli_format("sidecar-%s", *at);
    cli_list_delete(libraries);
    cli_list_delete(sidecars);
    return forms;
}

/* Binding finds a provider by its name: one of loop's own would be meant instead. */
static loop_error *check_free(const char *name)
{
    loop_host *host;
    loop_error *e = loop_host_new(&(loop_host_options){0}, &host);
    if (e)
        return e;
    const loop_provider *p;
    for (size_t i = 0; !e && (p = loop_host_provider_at(host, i)); i++)
        if (strcmp(p->name, name) == 0)
            e = loop_error_hint_set(
                loop_error_new(LOOP_USAGE, "loop has a provider '%s' already", name),
                "another name, such as my-%s", name);
    loop_host_delete(host);
    return e;
}

static const char *next_of(const char *form)
{
    if (strcmp(form, "library") == 0)
        return "make\nloop build\nloop trust      # a library is native code: look, and "
               "decide\nloop run";
    if (strcmp(form, "sidecar-c") == 0)
        return "make\nloop build\nloop trust      # a sidecar is a program: look, and decide\n"
               "loop run -- Ulm";
    if (strcmp(form, "sidecar-rust") == 0)
        return "cargo build --release\nloop build\n"
               "loop trust      # a sidecar is a program: look, and decide\nloop run -- Ulm";
    return "loop build\nloop trust      # a sidecar is a program: look, and decide\nloop run -- "
           "Ulm";
}

static loop_error *make(cli_new *n, char **forms)
{
    const char *form;
    loop_error *e = check_free(n->name.name);
    if (!e)
        e = cli_new_choose(n, "--form", forms, "library", &form);
    if (!e)
        e = cli_new_layer(n, "all");
    if (e)
        return e;
    bool sidecar = strncmp(form, "sidecar-", 8) == 0;
    if (sidecar)
        e = cli_new_layer(n, "sidecar/all");
    if (!e)
        e = cli_new_layer(n, "%s%s", sidecar ? "" : "provider-", form);
    return e ? e : cli_new_finish(n, next_of(form));
}

static loop_error *run(const cli_args *args, int *ret_status)
{
    (void)ret_status;
    cli_new n;
    loop_error *e = cli_new_begin(args, "provider", &n);
    if (e)
        return e;
    char **forms = forms_of(n.templates);
    e = make(&n, forms);
    cli_list_delete(forms);
    cli_new_done(&n);
    return e;
}

static const cli_group group_provider = {
    "What it is",
    (const cli_option[]){
        {"--form", "FORM", "library, or sidecar-LANGUAGE: c, node, python, rust (library)", NULL,
         "library|sidecar-c|sidecar-node|sidecar-python|sidecar-rust"},
        {0},
    },
};

const cli_command cli_provider = {
    .name = "provider",
    .synopsis = "new [NAME] [--form FORM] [--dir FOLDER]",
    .summary = "make a new provider: native code behind an interface of your own",
    .about =
        "Makes a folder with a provider that works: an interface in WIT, the functions behind it, "
        "a loop.yaml that binds it, a component that uses it, a README. On a terminal, what was "
        "not given is asked for, and what will be written is shown first.\n\n"
        "A `library` is loaded into loop: the fastest, in C, and what it breaks breaks loop. A "
        "sidecar is a program beside loop, in any language; its death is an error value. Either "
        "is native code with all that you may do, so a workspace gets it only when you have said "
        "`loop trust`.\n\n"
        "NAME is the provider's: words in lower case with dashes between them, such as "
        "night-light; acme:night-light also says the namespace of its package, which is "
        "`example` else. Nothing is written over: the folder (NAME, or --dir) must not be there, "
        "or be empty, and it appears only when it is complete.",
    .example = "loop provider new acme:weather --form sidecar-node",
    .shows = "makes weather/, a sidecar in JavaScript",
    .operands = "new",
    .groups = (const cli_group *const[]){&group_provider, &cli_group_new, NULL},
    .max_operands = 2,
    .run = run,
};
