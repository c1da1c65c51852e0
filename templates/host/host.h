/* host.h: what main.c and host.c share: a run of one component, from options to a status. */
#ifndef HOST_H
#define HOST_H

#include <loop/host.h>

struct options {
    bool trace;
    const char *profile, *invoke; /* NULL: the program's own; NULL: run it */
    const char **args;            /* NULL-terminated, the component first */
};

/* Runs a component to its end. *ret_status is the component's own. */
loop_error *host_run(const struct options *options, int *ret_status);
/* What is served to components here, a line each, on stdout. */
loop_error *host_show(void);

#endif
