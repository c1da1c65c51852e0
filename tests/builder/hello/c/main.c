#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hello.h"

int main(int argc, char **argv)
{
    printf("Hello, %s!\n", argc > 1 ? argv[1] : "world");
    return 0;
}

void exports_acme_hello_greet_greet(hello_string_t *name, hello_string_t *ret)
{
    char text[256];
    snprintf(text, sizeof text, "Hello, %.*s!", (int)name->len, (char *)name->ptr);
    hello_string_free(name);
    hello_string_dup(ret, text);
}
