/*
 * scaffold_name_test: the library is put there anew, again and again, and takes the place of the
 * one that a running component uses. The component (player/) tells whether it saw anything of that.
 *
 *     scaffold_name_test build/scaffold_name.so build/player.wasm
 */
#include <stdio.h>
#include <stdlib.h>

#include <loop/swap.h>

#define LEAST 10 /* swaps, while the component runs */

static loop_host *host;
static const char *library;
static unsigned swaps;
static bool over;

static void check(loop_error *e)
{
    if (!e)
        return;
    fputs(loop_error_format(e), stderr);
    exit(1);
}

/* As a build does it: a new file takes the place of the old one. */
static void put_anew(void)
{
    char line[1024];
    snprintf(line, sizeof line, "cp '%s' '%s.new' && mv '%s.new' '%s'", library, library, library,
             library);
    if (system(line) != 0)
        exit(1);
}

static void begin(void);

static void swapped(void *data, loop_error *error, const loop_swap_report *report)
{
    (void)data, (void)report;
    if (over) { /* there may be nobody to swap it for any more */
        loop_error_delete(error);
        return;
    }
    check(error);
    swaps++;
    begin();
}

static void begin(void)
{
    put_anew();
    check(loop_host_swap(host, &(loop_swap){.interface_name = "scaffold-space:scaffold-name/dice"},
                         swapped, NULL));
}

static void ended(void *data, loop_instance *instance, loop_error *error, const loop_result *result)
{
    (void)instance;
    check(error);
    *(int *)data = result->status;
    over = true;
}

int main(int argc, char **argv)
{
    loop_component *component;
    loop_instance *instance;
    const char *name;
    const char *const options[] = {"seed", "42", NULL};
    int status = 1;
    if (argc != 3)
        return 1;
    library = argv[1];
    check(loop_host_new(&(loop_host_options){.log_level = LOOP_LOG_WARN}, &host));
    check(loop_host_library_add(host, library, &name));
    check(loop_host_bind_chain(host, NULL, "scaffold-space:scaffold-name/dice",
                               &(loop_link){name, options}, 1));
    check(loop_component_open(host, argv[2], &component));
    const char *const args[] = {"player", "2", NULL}; /* seconds */
    check(loop_instance_new(host, component,
                            &(loop_instance_options){.name = "player", .args = args}, &instance));
    check(loop_instance_start(instance, NULL, ended, &status));
    begin();
    while (!over)
        loop_host_turn(host, -1);
    loop_instance_delete(instance);
    loop_component_delete(component);
    loop_host_delete(host);
    printf("%s swaps\n", swaps < LEAST ? "too few" : "many");
    return swaps < LEAST ? 1 : status;
}
