/*
 * cli/cmd_reload.c: `loop reload`: starts anew what runs, from its files as they are now:
 * components, libraries, sidecars.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/hosts.h"

/* Parts "notes.loop:storage/store" at the last dot before the colon: names may have dots. */
static char *split(char *text)
{
    char *colon = strchr(text, ':'), *dot = NULL;
    for (char *c = text; colon && c < colon; c++)
        dot = *c == '.' ? c : dot;
    if (!dot)
        return NULL;
    *dot = 0;
    return dot + 1;
}

/* A component that does not compile is told of here, before the host is asked. */
static loop_error *compile(const cli_host *host, const loop_wish *wish)
{
    loop_error *e = NULL;
    for (size_t i = 0; !e && !wish->interface_name && i < host->status->instance_count; i++) {
        const loop_instance_status *s = &host->status->instances[i];
        bool runs = s->condition != LOOP_CONDITION_NEW && s->condition != LOOP_CONDITION_ENDED;
        if (runs && s->path[0] == '/' && cli_is_instance(s, wish->instance))
            e = cli_compile(s->path);
    }
    return e;
}

static loop_error *reload(const cli_host *host, const loop_wish *wish)
{
    loop_error *e = compile(host, wish);
    return e ? e : cli_carry_out(host, wish);
}

/* Every host: the first error is that of the command, once all were asked. */
static loop_error *reload_all(const cli_hosts *h, const loop_wish *wish)
{
    loop_error *first = NULL;
    for (size_t i = 0; i < h->count; i++) {
        loop_error *e =
            h->at[i].status && h->at[i].status->instance_count ? reload(&h->at[i], wish) : NULL;
        if (first)
            loop_error_delete(e);
        else
            first = e;
    }
    return first;
}

static loop_error *run(const cli_args *args, int *ret_status)
{
    (void)ret_status;
    loop_wish wish;
    cli_hosts h;
    const cli_host *host;
    loop_error *e = cli_wish(args, &wish);
    if (e)
        return e;
    char *text = args->operands[0] ? cli_format("%s", args->operands[0]) : NULL;
    wish.reload = true;
    wish.interface_name = text ? split(text) : NULL;
    wish.instance = text;
    if (text && strchr(text, ':')) {
        free(text);
        return loop_error_hint_set(loop_error_new(LOOP_USAGE, "an interface of which instance?"),
                                   "write it as notes.loop:storage/store");
    }
    e = cli_hosts_open(args, &h);
    if (!e && !text && h.count)
        e = reload_all(&h, &wish);
    else if (!e)
        e = cli_hosts_find(&h, text, &host);
    if (!e && text)
        e = reload(host, &wish);
    cli_hosts_close(&h);
    free(text);
    return e;
}

const cli_command cli_reload = {
    .name = "reload",
    .synopsis = "[options] [INSTANCE[.INTERFACE]]",
    .summary = "start anew what runs, from its files as they are now",
    .about =
        "Starts anew what came out of files that change: the component of an instance, and the "
        "libraries, sidecars and components that serve it, each with the state of the one before. "
        "Calls wait meanwhile; none is lost. What does not start again stays as it was, and is "
        "reported.\n\n"
        "INSTANCE is a name or a number of `loop ps`; without one, everything of this user is "
        "started anew. With INTERFACE it is what serves that, also where it is linked into the "
        "host. A component without loop:core/reload stays, unless --restart lets it start from "
        "nothing.\n\n"
        "`loop run --watch` does the same by itself.",
    .example = "loop reload dice.acme:dice/cups",
    .shows = "starts the library that was just built in the place of the one that serves dice",
    .groups = (const cli_group *const[]){&cli_group_swap, &cli_group_carry, &cli_group_host, NULL},
    .max_operands = 1,
    .run = run,
};
