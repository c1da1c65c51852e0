/* read-fifo PATH: opens the file (a FIFO: both open and read may wait) and reads all of it. */
#include "guest.h"

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: read-fifo PATH\n");
        return 1;
    }
    printf("opening %s\n", argv[1]);
    fflush(stdout);
    FILE *file = fopen(argv[1], "r");
    if (!file) {
        perror(argv[1]);
        return 1;
    }
    puts("reading");
    fflush(stdout);
    char buffer[4096];
    size_t total = 0, n;
    while ((n = fread(buffer, 1, sizeof buffer, file)) > 0)
        total += n;
    printf("read %zu bytes\n", total);
    fclose(file);
    return 0;
}
