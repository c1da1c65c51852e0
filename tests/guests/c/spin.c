/* spin: computes for ever; never calls the host again after one line. */
#include <stdio.h>

int main(void)
{
    puts("spinning");
    fflush(stdout);
    for (volatile unsigned turns = 0;; turns++) {
    }
}
