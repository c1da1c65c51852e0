/* listdir [PATH]: the names in a directory, sorted, one a line. */
#include "guest.h"

#include <dirent.h>
#include <errno.h>

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

int main(int argc, char **argv)
{
    const char *path = argument(argc, argv, 1, "/data");
    struct dirent **names;
    int n = scandir(path, &names, NULL, by_name);
    if (n < 0) {
        printf("cannot list %s: %s\n", path, strerror(errno));
        return 1;
    }
    for (int i = 0; i < n; i++)
        if (strcmp(names[i]->d_name, ".") != 0 && strcmp(names[i]->d_name, "..") != 0)
            puts(names[i]->d_name);
    return 0;
}
