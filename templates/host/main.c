/*
 * scaffold-name: runs components that find what `loop` has not. What its users can say is here;
 * what becomes of it in host.c; the name in brand.h; what components can call in board.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "brand.h"
#include "host.h"

static const char help[] = BRAND_NAME
    ": " BRAND_WHAT "\n"
    "\n"
    "usage: " BRAND_NAME " [options] COMPONENT [ARGS...]\n"
    "\n"
    "COMPONENT is a file, or a name in the loop.yaml of this folder.\n"
    "\n"
    "  --invoke CALL    call one function instead: 'api.greet(\"Ada\")'\n"
    "  --profile NAME   settings: profiles/NAME.yaml of the workspace or of this program\n"
    "  --trace          show each call of the component into a provider\n"
    "  --providers      list what components find here\n"
    "  --version        say which version this is\n"
    "  --help           show this text\n";

static loop_error *usage(const char *what, const char *word)
{
    return loop_error_hint_set(loop_error_new(LOOP_USAGE, "%s%s", what, word),
                               BRAND_NAME " --help");
}

/* What follows the program's name; `*ret_shown`: it was answered here. */
static loop_error *read_options(char **argv, struct options *ret, bool *ret_shown)
{
    for (argv++; *argv && **argv == '-'; argv++) {
        const char **value = strcmp(*argv, "--profile") == 0  ? &ret->profile
                             : strcmp(*argv, "--invoke") == 0 ? &ret->invoke
                                                              : NULL;
        *ret_shown = true;
        if (strcmp(*argv, "--help") == 0)
            return fputs(help, stdout) < 0 ? loop_error_new(LOOP_IO, "cannot write") : NULL;
        if (strcmp(*argv, "--version") == 0) {
            printf("%s %s, on loop %s\n", BRAND_NAME, BRAND_VERSION, loop_version());
            return NULL;
        }
        if (strcmp(*argv, "--providers") == 0)
            return host_show();
        *ret_shown = false;
        if (strcmp(*argv, "--trace") == 0)
            ret->trace = true;
        else if (!value)
            return usage("there is no option ", *argv);
        else if (!argv[1])
            return usage("a value is missing after ", *argv);
        else
            *value = *++argv;
    }
    ret->args = (const char **)argv;
    return *argv ? NULL : usage("no component is named", "");
}

int main(int argc, char **argv)
{
    (void)argc;
    struct options options = {0};
    bool shown = false;
    int status = 0; /* the component's own, or the code of an error: 64 to 79 */
    loop_error *e = read_options(argv, &options, &shown);
    if (!e && !shown)
        e = host_run(&options, &status);
    if (!e)
        return status;
    status = (int)loop_error_code(e);
    char *text = loop_error_format(e);
    fputs(text, stderr);
    loop_free(text);
    loop_error_delete(e);
    return status;
}
