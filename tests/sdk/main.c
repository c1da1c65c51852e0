/* main: runs the component that it is given, with the provider under test. */
#include <stdlib.h>

#include "loop/host.h"

extern const loop_provider lp_provider_night_light;

static void check(loop_error *e)
{
    if (!e)
        return;
    fputs(loop_error_format(e), stderr);
    exit(loop_error_code(e));
}

int main(int argc, char **argv)
{
    loop_host *host;
    loop_component *component;
    loop_instance *instance;
    loop_result result;
    check(loop_host_new(&(loop_host_options){0}, &host));
    check(loop_host_provider_add(host, &lp_provider_night_light));
    check(loop_component_open(host, argv[argc - 1], &component));
    loop_policy *policy = loop_policy_new();
    check(loop_policy_add(policy, LOOP_GRANT_NEED, "night-light.count", false, NULL, false,
                          (loop_origin){"the test", 0, 0}));
    check(
        loop_instance_new(host, component, &(loop_instance_options){.policy = policy}, &instance));
    check(loop_instance_run(instance, &result));
    loop_instance_delete(instance);
    loop_component_delete(component);
    loop_host_delete(host);
    loop_policy_delete(policy);
    return result.status;
}
