/* read-stdin: reads to the end of standard input, says how much it was. */
#include <stdio.h>

int main(void)
{
    char buffer[4096];
    size_t total = 0, n;
    puts("reading");
    fflush(stdout);
    while ((n = fread(buffer, 1, sizeof buffer, stdin)) > 0)
        total += n;
    printf("read %zu bytes\n", total);
    return 0;
}
