/* tests/bindgen/shop_main.c: a host for provider.c and host.c of knowledge/bindings.md. */
#include <stdlib.h>

#include "loop/host.h"

extern const loop_provider stock_provider;
loop_error *sell(loop_instance *instance);

static void check(loop_error *e)
{
    if (!e)
        return;
    char *text = loop_error_format(e);
    fputs(text, stderr);
    exit(loop_error_code(e));
}

int main(void)
{
    loop_host *host;
    loop_component *component;
    loop_instance *instance;
    check(loop_host_new(&(loop_host_options){0}, &host));
    check(loop_host_provider_add(host, &stock_provider));
    check(loop_component_open(host, "shop.wasm", &component));
    check(loop_instance_new(host, component, &(loop_instance_options){0}, &instance));
    check(sell(instance));
    loop_instance_delete(instance);
    loop_component_delete(component);
    loop_host_delete(host);
    return 0;
}
