/* env: the environment as it is given, one variable a line, then how many. */
#include <stdio.h>

extern char **environ;

int main(void)
{
    size_t count = 0;
    for (char **e = environ; e && *e; e++, count++)
        puts(*e);
    printf("%zu variables\n", count);
    return 0;
}
