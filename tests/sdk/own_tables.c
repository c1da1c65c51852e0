/*
 * tests/sdk/own_tables.c: a program with tables of loop's own interfaces, as bindings
 * of a world that imports them leave there: libloop goes by its own ones.
 *
 *   own_tables COMPONENT      which logs "hello"
 */
#include <stdio.h>
#include <string.h>

#include "loop/host.h"

/* Of the same name as libloop's: a table with nothing in it. */
static const loop_function functions[] = {{0}};
static const loop_resource resources[] = {{0}};
extern const loop_interface loop_core_logging_interface;
__attribute__((visibility("default"))) const loop_interface loop_core_logging_interface = {
    LOOP_ABI, "loop:core/logging", "0.1.0", functions, resources};

static int entries;

static void on_log(void *data, const loop_log_entry *entry)
{
    (void)data;
    entries += strcmp(entry->message, "greeted") == 0;
}

static int fail(loop_error *e)
{
    char *text = loop_error_format(e);
    fputs(text, stderr);
    loop_free(text);
    loop_error_delete(e);
    return 1;
}

int main(int argc, char **argv)
{
    loop_host *host;
    loop_component *component;
    loop_instance *instance;
    loop_result result;
    loop_error *e;
    if (argc != 2)
        return 2;
    if ((e = loop_host_new(&(loop_host_options){.log = on_log, .no_cache = true}, &host)) ||
        (e = loop_component_open(host, argv[1], &component)) ||
        (e = loop_instance_new(host, component, &(loop_instance_options){0}, &instance)) ||
        (e = loop_instance_run(instance, &result)))
        return fail(e);
    printf("%d entries\n", entries);
    loop_instance_delete(instance);
    loop_component_delete(component);
    loop_host_delete(host);
    return entries == 1 ? 0 : 1;
}
