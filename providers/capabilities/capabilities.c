/*
 * capabilities: which of a component's own imports are there, and why not.
 *
 * Implements loop:core/capabilities from what the host decided when it linked
 * the calling instance.
 */
#include "providers/capabilities/capabilities.h"

#include "base/base.h"

static loop_value text(loop_call *call, const char *s)
{
    return loop_value_string(call, s, strlen(s));
}

/* The record `capability`. */
static loop_value record(loop_call *call, const loop_capability *c)
{
    loop_value *f = loop_call_alloc(call, 6 * sizeof *f);
    if (!f)
        return (loop_value){0};
    loop_value reason = c->reason ? text(call, c->reason) : (loop_value){0};
    f[0] = text(call, c->name);
    f[1] = text(call, c->version);
    f[2] = (loop_value){.kind = LOOP_BOOL, .of.boolean = c->available};
    f[3] = (loop_value){.kind = LOOP_ENUM, .index = (uint32_t)c->tier};
    f[4] = text(call, c->provider);
    f[5] = loop_value_option(call, c->reason ? &reason : NULL);
    return (loop_value){.kind = LOOP_RECORD, .of.items = {f, 6}};
}

static loop_error *do_list(void *self, loop_call *call, const loop_value *args, loop_value *ret)
{
    (void)self;
    (void)args;
    loop_capability c;
    size_t n = 0;
    while (loop_call_capability(call, n, &c))
        n++;
    loop_value *items = loop_call_alloc(call, (n + 1) * sizeof *items);
    for (size_t i = 0; items && i < n && loop_call_capability(call, i, &c); i++)
        items[i] = record(call, &c);
    *ret = (loop_value){.kind = LOOP_LIST, .of.items = {items, n}};
    return NULL;
}

/* Whether `asked` names `full` ("loop:ui/surface@0.1.0"), with or without its version. */
static bool names(const char *full, const loop_value *asked)
{
    size_t n = asked->of.text.len;
    return strncmp(full, asked->of.text.ptr, n) == 0 && (full[n] == 0 || full[n] == '@');
}

static loop_error *do_query(void *self, loop_call *call, const loop_value *args, loop_value *ret)
{
    (void)self;
    loop_capability c;
    for (size_t i = 0; loop_call_capability(call, i, &c); i++) {
        if (strlen(c.name) >= args[0].of.text.len && names(c.name, &args[0])) {
            loop_value found = record(call, &c);
            *ret = loop_value_option(call, &found);
            return NULL;
        }
    }
    *ret = loop_value_option(call, NULL);
    return NULL;
}

#define CAPABILITY                                                                                 \
    "record{name:string,version:string,available:bool,"                                            \
    "tier:enum{engine,builtin,library,sidecar,component,stub},provider:string,"                    \
    "reason:option<string>}"

static const loop_provider_interface capabilities = {
    .name = "loop:core/capabilities",
    .versions = (const char *const[]){"0.1.0", NULL},
    .functions =
        (const loop_provider_function[]){
            {"list", "()->list<" CAPABILITY ">", do_list},
            {"query", "(string)->option<" CAPABILITY ">", do_query},
            {0},
        },
};

const loop_provider lp_provider_capabilities = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "capabilities",
    .summary = "which of a component's own imports are there, and why not",
    .interfaces = (const loop_provider_interface *const[]){&capabilities, NULL},
    .threads = LOOP_THREADS_ANY,
};
