/* api/place.h: where the programs lie that belong to loop. */
#ifndef LP_PLACE_H
#define LP_PLACE_H

/* The file of one ("loop-guard"), malloced; NULL: it is not there. */
char *lp_place_program(const char *name);

/* The command `loop`: installed, bin/loop; in a build, beside the library. As above. */
char *lp_place_command(void);

#endif
