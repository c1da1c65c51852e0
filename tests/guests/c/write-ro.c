/* write-ro PATH: writes one line through wasi-libc, says whether it could. */
#include "guest.h"

#include <errno.h>

int main(int argc, char **argv)
{
    const char *path = argument(argc, argv, 1, "/data/new.txt");
    FILE *file = fopen(path, "w");
    if (!file || fputs("written\n", file) < 0 || fflush(file)) {
        printf("cannot write %s: %s\n", path, strerror(errno));
        return 1;
    }
    fclose(file);
    printf("wrote %s\n", path);
    return 0;
}
