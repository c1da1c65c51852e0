/* divide-by-zero: traps in `quotient`. */
#include <stdio.h>

__attribute__((noinline)) static int quotient(volatile int *a, volatile int *b)
{
    return *a / *b;
}

int main(void)
{
    volatile int one = 1, zero = 0;
    printf("%d\n", quotient(&one, &zero));
    return 0;
}
