/*
 * trap: an `unreachable` three named functions deep.
 *
 * (No one-letter names: a demangler takes "c" for C++'s char.)
 */
#include <stdio.h>

#define DEEP __attribute__((noinline))

DEEP static int inner(int depth)
{
    printf("trap: at depth %d\n", depth);
    fflush(stdout);
    __builtin_trap();
}

DEEP static int middle(int depth)
{
    return inner(depth + 1) + 1;
}

DEEP static int outer(int depth)
{
    return middle(depth + 1) + 1;
}

int main(void)
{
    return outer(1);
}
