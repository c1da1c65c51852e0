/* config [KEY]: wasi:config/store, one value or all of them. */
#include "gen/drafts.h"
#include "guest.h"

static int failed(const wasi_config_store_error_t *e)
{
    printf("%s: %.*s\n", e->tag == WASI_CONFIG_STORE_ERROR_IO ? "io" : "upstream",
           (int)e->val.io.len, (char *)e->val.io.ptr);
    return 1;
}

int main(int argc, char **argv)
{
    wasi_config_store_error_t error;
    if (argc > 1) {
        drafts_string_t key = TEXT(drafts_string_t, argv[1]);
        drafts_option_string_t value;
        if (!wasi_config_store_get(&key, &value, &error))
            return failed(&error);
        if (!value.is_some) {
            puts("none");
            return 1;
        }
        printf("%.*s\n", (int)value.val.len, (char *)value.val.ptr);
        return 0;
    }
    drafts_list_tuple2_string_string_t all;
    if (!wasi_config_store_get_all(&all, &error))
        return failed(&error);
    for (size_t i = 0; i < all.len; i++)
        printf("%.*s=%.*s\n", (int)all.ptr[i].f0.len, (char *)all.ptr[i].f0.ptr,
               (int)all.ptr[i].f1.len, (char *)all.ptr[i].f1.ptr);
    printf("%zu values\n", all.len);
    return 0;
}
