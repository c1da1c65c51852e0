/*
 * plain STATUS [ARGUMENT...]: a command as C's own SDK makes one, nothing of loop in it.
 *
 * Prints its arguments, the variable GREETING, and standard input line by
 * line; exits with STATUS. The other languages' plain guests do the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    printf("arguments:");
    for (int i = 2; i < argc; i++)
        printf(" %s", argv[i]);
    const char *greeting = getenv("GREETING");
    printf("\nGREETING: %s\n", greeting ? greeting : "not set");
    char line[1024];
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        printf("stdin: %s\n", line);
    }
    fflush(stdout);
    exit(argc > 1 ? atoi(argv[1]) : 0);
}
