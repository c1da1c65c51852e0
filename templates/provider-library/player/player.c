/*
 * player            rolls five dice
 * player SECONDS    rolls dice so long, and knows what each must show: one that is lost, or rolled
 *                   twice, or comes from another cup, ends it. scaffold_name_test.c runs it so.
 *
 * gen/player.h has what the world `player` of wit/scaffold_name.wit imports; `loop build` writes
 * it.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "player.h"

#define SEED 42u /* as loop.yaml says */
#define SIDES 1000000u

typedef scaffold_space_scaffold_name_dice_error_t error_t;

static int failed(const error_t *e)
{
    bool die = e->tag == SCAFFOLD_SPACE_SCAFFOLD_NAME_DICE_ERROR_NO_SUCH_DIE;
    fprintf(stderr, die ? "there is no die with %u sides\n" : "%u dice are too many\n",
            (unsigned)(die ? e->val.no_such_die : e->val.too_many));
    return 1;
}

static int five(void)
{
    player_list_u32_t eyes;
    error_t e;
    if (!scaffold_space_scaffold_name_dice_roll(5, 6, &eyes, &e))
        return failed(&e);
    for (size_t i = 0; i < eyes.len; i++)
        printf("%s%u", i ? " " : "", (unsigned)eyes.ptr[i]);
    puts("");
    player_list_u32_free(&eyes);
    return 0;
}

static int many(int seconds)
{
    uint64_t state = SEED, dice = 0;
    for (time_t end = time(NULL) + seconds; dice % 1000 || time(NULL) <= end; dice++) {
        player_list_u32_t eyes;
        error_t e;
        if (!scaffold_space_scaffold_name_dice_roll(1, SIDES, &eyes, &e))
            return failed(&e);
        state = state * 6364136223846793005u + 1442695040888963407u;
        if (eyes.len != 1 || *eyes.ptr != (uint32_t)(state >> 33) % SIDES + 1) {
            printf("die %llu is another one\n", (unsigned long long)dice);
            return 1;
        }
        player_list_u32_free(&eyes);
    }
    printf("%llu dice, each the next one\n", (unsigned long long)dice);
    return 0;
}

int main(int argc, char **argv)
{
    return argc > 1 ? many(atoi(argv[1])) : five();
}
