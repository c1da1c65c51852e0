/* stack-overflow: recursion that ends nowhere near; it uses the stack of calls, not memory. */
#include <stdio.h>

__attribute__((noinline)) static unsigned deeper(volatile unsigned *depth)
{
    *depth += 1;
    return *depth == 0 ? 0 : deeper(depth) + *depth;
}

int main(void)
{
    static volatile unsigned depth;
    printf("%u\n", deeper(&depth));
    return 0;
}
