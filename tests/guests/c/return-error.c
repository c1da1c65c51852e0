/* return-error: `run` answers with its error case. */
#include <stdio.h>

int main(void)
{
    puts("failing");
    return 1;
}
