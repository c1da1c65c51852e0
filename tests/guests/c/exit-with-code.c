/* exit-with-code [N]: leaves with any status, in the middle of a function. */
#include "guest.h"

int main(int argc, char **argv)
{
    puts("leaving");
    leave(atoi(argument(argc, argv, 1, "42")));
}
