/* capabilities [NAME]: loop:core/capabilities, all of `list`, or one `query`. */
#include "gen/loop.h"
#include "guest.h"

static void print_one(const loop_core_capabilities_capability_t *c)
{
    static const char *const tiers[] = {"engine",  "builtin",   "library",
                                        "sidecar", "component", "stub"};
    printf("%.*s: %s, %s, %.*s\n", (int)c->name.len, (char *)c->name.ptr,
           c->available ? "available" : "not available", c->tier < 6 ? tiers[c->tier] : "?",
           (int)c->provider.len, (char *)c->provider.ptr);
    if (c->reason.is_some)
        printf("  %.*s\n", (int)c->reason.val.len, (char *)c->reason.val.ptr);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        loop_string_t name = TEXT(loop_string_t, argv[1]);
        loop_core_capabilities_capability_t one;
        if (!loop_core_capabilities_query(&name, &one)) {
            puts("none");
            return 1;
        }
        print_one(&one);
        return 0;
    }
    loop_core_capabilities_list_capability_t all;
    loop_core_capabilities_list(&all);
    for (size_t i = 0; i < all.len; i++)
        print_one(&all.ptr[i]);
    return 0;
}
