/*
 * falls N: traps as long as it has not done so N times, which it counts in /data/falls; then says
 * so and ends well.
 */
#include "guest.h"

int main(int argc, char **argv)
{
    int wanted = atoi(argument(argc, argv, 1, "1")), fallen = 0;
    FILE *f = fopen("/data/falls", "r");
    if (f && fscanf(f, "%d", &fallen) != 1)
        fallen = 0;
    if (f)
        fclose(f);
    if (fallen >= wanted) {
        printf("well after %d\n", fallen);
        return 0;
    }
    f = fopen("/data/falls", "w");
    if (!f) {
        puts("nowhere to count");
        return 1;
    }
    fprintf(f, "%d\n", fallen + 1);
    fclose(f);
    __builtin_trap();
}
