/* args: its arguments, one a line, in brackets. */
#include <stdio.h>

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        printf("[%s]\n", argv[i]);
    printf("%d arguments\n", argc - 1);
    return 0;
}
