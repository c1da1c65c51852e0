/*
 * cli/links.h: a chain of providers as a person writes it, for --bind of `loop run` and for
 * `loop swap`: sqlite,file=notes.db or redact,sqlite or library:./dice.so or sidecar:'node
 * dice.js'.
 */
#ifndef CLI_LINKS_H
#define CLI_LINKS_H

#include "cli/cli.h"
#include "loop/config.h"

typedef struct cli_links {
    char *interface_name;
    loop_binding_link *links;
    size_t count;
    char *directory; /* where sidecars start: the current one */
    char **texts;    /* what all of it points into */
    size_t text_count;
} cli_links;

/* Reads "INTERFACE=PROVIDER[,OPTION=VALUE...][,PROVIDER...]". LOOP_USAGE. */
loop_error *cli_links_parse(const char *text, cli_links *ret) LOOP_MUST_USE;
void cli_links_done(cli_links *l);

#endif
