/*
 * notes add TEXT...   appends one line to /data/notes.txt
 * notes list          prints the lines, numbered
 *
 * Plain C: files go through wasi-libc. The component sees no directory until
 * somebody grants it one under the name /data; then that one, and no other.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DIRECTORY "/data"
#define NOTES DIRECTORY "/notes.txt"

static int usage(void)
{
    fputs("usage: notes add TEXT...\n       notes list\n", stderr);
    return 1;
}

/* Why a file could not be opened, in words that help the person who runs this. */
static int cannot(const char *what)
{
    int code = errno;
    struct stat info;
    if (stat(DIRECTORY, &info) != 0) {
        fprintf(stderr,
                "error: cannot %s the notes\n"
                "  because no directory is granted as " DIRECTORY "\n"
                "hint: grant one: loop run --dir ./data::/data, or `dirs` in loop.yaml\n",
                what);
        return 1;
    }
    fprintf(stderr, "error: cannot %s " NOTES "\n  because: %s\n", what, strerror(code));
    if (code == EPERM || code == EROFS || code == EACCES || code == ENOTCAPABLE)
        fputs("hint: the directory may be granted for reading only\n", stderr);
    return 1;
}

static int add(int count, char **words)
{
    FILE *file = fopen(NOTES, "a");
    if (!file)
        return cannot("write");
    for (int i = 0; i < count; i++)
        fprintf(file, "%s%s", i > 0 ? " " : "", words[i]);
    fputc('\n', file);
    if (fclose(file) != 0)
        return cannot("write");
    puts("noted");
    return 0;
}

static int list(void)
{
    FILE *file = fopen(NOTES, "r");
    if (!file && errno == ENOENT) {
        struct stat info;
        if (stat(DIRECTORY, &info) != 0)
            return cannot("read");
        puts("no notes yet");
        return 0;
    }
    if (!file)
        return cannot("read");
    char *line = NULL;
    size_t size = 0;
    for (unsigned number = 1; getline(&line, &size, file) > 0; number++)
        printf("%u  %s", number, line);
    free(line);
    fclose(file);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "add") == 0)
        return add(argc - 2, argv + 2);
    if (argc == 2 && strcmp(argv[1], "list") == 0)
        return list();
    return usage();
}
