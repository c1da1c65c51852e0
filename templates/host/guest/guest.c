/*
 * guest TEXT...: puts up notices, and prints what is on the board. gen/guest.h has what the world
 * `guest` of wit/scaffold_name.wit imports; `loop build` writes it.
 */
#include <stdio.h>
#include <string.h>

#include "guest.h"

static void post(const char *text)
{
    guest_string_t view = {(uint8_t *)text, strlen(text)};
    scaffold_space_scaffold_name_board_error_t error;
    uint32_t number;
    if (scaffold_space_scaffold_name_board_post(&view, &number, &error))
        return;
    if (error.tag == SCAFFOLD_SPACE_SCAFFOLD_NAME_BOARD_ERROR_FULL)
        printf("no room for '%s': there are %u\n", text, (unsigned)error.val.full);
    else if (error.tag == SCAFFOLD_SPACE_SCAFFOLD_NAME_BOARD_ERROR_TOO_LONG)
        printf("more than %u bytes\n", (unsigned)error.val.too_long);
    else
        puts("a notice needs a text");
}

int main(int argc, char **argv)
{
    guest_list_string_t all;
    for (int i = 1; i < argc; i++)
        post(argv[i]);
    scaffold_space_scaffold_name_board_all(&all);
    for (size_t i = 0; i < all.len; i++)
        printf("%.*s\n", (int)all.ptr[i].len, (char *)all.ptr[i].ptr);
    guest_list_string_free(&all);
    return 0;
}
