/*
 * cli/new.h: how `loop component|host|provider|workspace new` make a folder.
 *
 * What they write lies in templates/ (its README has the rules), below share/loop where loop is
 * installed. A *layer* is one folder of it; a project is some layers over each other, read into
 * memory as a whole (new_tree.c) and written to a folder that takes its name last (new_write.c).
 * So whatever fails, or is interrupted, leaves nothing.
 */
#ifndef CLI_NEW_H
#define CLI_NEW_H

#include "cli/cli.h"

/* What a name or a template may be; reaching one is an error that says so. */
#define CLI_NAME_LETTERS 32
#define CLI_TREE_FILES 2048
#define CLI_TREE_BYTES (16u << 20)
#define CLI_TREE_DEPTH 16
#define CLI_TREE_PATH 1024 /* bytes of a path in it */

/* ---- names (new_name.c) ---- */

/* "acme:night-light", or "night-light" for "example:night-light". */
typedef struct cli_name {
    char space[CLI_NAME_LETTERS + 1], name[CLI_NAME_LETTERS + 1];
} cli_name;

/*
 * Each part is words of [a-z][a-z0-9]* with dashes between them, and no word that means something
 * else to WIT or to one of the languages. `what`: "component". LOOP_USAGE.
 */
loop_error *cli_name_read(const char *text, const char *what, cli_name *ret) LOOP_MUST_USE;

/*
 * `text` (`size` bytes) with the placeholders filled in, a NUL behind it, for free(). A placeholder
 * shows the form that it stands for: scaffold-name, scaffold_name, SCAFFOLD_NAME, ScaffoldName for
 * the name, the first three with `space` for what stands before the colon.
 */
char *cli_name_fill(const cli_name *name, const char *text, size_t size, size_t *ret_size);

/* ---- the files of a project (new_tree.c) ---- */

typedef struct cli_file {
    char *path; /* relative, "src/main.c" */
    char *bytes;
    size_t size;
    bool executable;
    bool brought; /* a copy of something of loop's own: WIT, an SDK */
} cli_file;

typedef struct cli_tree {
    cli_file *files; /* by path */
    size_t count, room, bytes;
} cli_tree;

/* The folder of templates: for free(). LOOP_NOT_FOUND. */
loop_error *cli_templates(char **ret_folder) LOOP_MUST_USE;

/*
 * The names of folders in `folder` that start with `prefix`, without it, in order; ends with
 * NULL. For cli_list_delete. A folder that cannot be read has none.
 */
char **cli_list_folders(const char *folder, const char *prefix);
void cli_list_delete(char **list);
/* "c, js, rust"; for free(). */
char *cli_list_shown(char *const *list);
bool cli_list_has(char *const *list, const char *name);

/*
 * Adds the files below `folder`, names and texts filled in. One that is there already is replaced;
 * one called X.more is appended to X instead. A folder that is not there adds nothing.
 */
loop_error *cli_tree_add(cli_tree *tree, const char *folder, const cli_name *name) LOOP_MUST_USE;
/* Prints the files, an indented line each; what was brought, a line for each folder. */
void cli_tree_put(FILE *to, const cli_tree *tree);
void cli_tree_done(cli_tree *tree);

/* ---- writing (new_write.c) ---- */

/* Whether `folder` can be made: it is not there, or empty. LOOP_USAGE, LOOP_NOT_FOUND. */
loop_error *cli_tree_check(const char *folder) LOOP_MUST_USE;
/* Makes it, with everything in it, or nothing. LOOP_IO, LOOP_CANCELLED. */
loop_error *cli_tree_write(const cli_tree *tree, const char *folder) LOOP_MUST_USE;

/* ---- a command (new.c) ---- */

extern const cli_group cli_group_new; /* --dir, --yes */

/* One `new`, from its command line to what it prints at the end. */
typedef struct cli_new {
    const cli_args *args;
    const char *what; /* "component" */
    cli_name name;
    char *templates; /* the folder */
    char *folder;    /* to be made */
    cli_tree tree;
} cli_new;

/* Reads the operands `new [NAME]`, asks for a name where there is none. LOOP_USAGE. */
loop_error *cli_new_begin(const cli_args *args, const char *what, cli_new *ret) LOOP_MUST_USE;
/*
 * The value of an option that has to be one of `allowed`: as given, else as answered on a
 * terminal, else `fallback`; NULL: it must be given. `*ret` is one of `allowed`. LOOP_USAGE.
 */
loop_error *cli_new_choose(const cli_new *n, const char *flag, char *const *allowed,
                           const char *fallback, const char **ret) LOOP_MUST_USE;
/* Adds a layer: a folder below the templates. */
loop_error *cli_new_layer(cli_new *n, const char *fmt, ...) LOOP_PRINTF(2, 3) LOOP_MUST_USE;
/* Shows what it will write, asks, writes, and prints `next`, lines of commands. */
loop_error *cli_new_finish(cli_new *n, const char *next) LOOP_MUST_USE;
void cli_new_done(cli_new *n);

#endif
