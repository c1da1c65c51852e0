/*
 * base/yaml.h: the subset of YAML that loop reads, as a tree with positions.
 *
 * Maps, lists and text. Not: anchors, aliases, tags, merge keys ('<<'), keys
 * that are not text, a key given twice, directives, more than one document,
 * folded text ('>', or quoted and plain text over more than one line; '|' is).
 * What those do for a reader (repeat, type, merge, fold) is what makes a file
 * mean something else than it says. Everything else is text: `true`, `0x10` and
 * `1e3` are those characters until an option's row says what it expects.
 *
 * Limits: LP_MAX_CONFIG_BYTES, _DEPTH, _NODES, _KEYS. Bytes must be UTF-8
 * without control characters.
 *
 * Errors are LOOP_CONFIG with the message "FILE:LINE:COLUMN: what is wrong";
 * lines and columns count from 1, columns in characters.
 */
#ifndef LP_YAML_H
#define LP_YAML_H

#include "base/base.h"

typedef enum lp_yaml_kind {
    LP_YAML_NULL, /* `key:` with nothing behind it, `~`, `null` */
    LP_YAML_TEXT,
    LP_YAML_LIST,
    LP_YAML_MAP,
} lp_yaml_kind;

typedef struct lp_yaml lp_yaml;
struct lp_yaml {
    lp_yaml_kind kind;
    bool quoted;   /* TEXT in quotes or a block: never a number or a word */
    unsigned line; /* where it starts */
    unsigned column;
    const char *file;     /* as handed to lp_yaml_parse */
    const char *text;     /* TEXT: the characters; "" otherwise */
    size_t count;         /* LIST and MAP: how many below */
    const lp_yaml *key;   /* below a MAP: its key, a TEXT with its own position */
    const lp_yaml *first; /* LIST and MAP: what is below, in the order of the file */
    const lp_yaml *next;  /* the next one beside this */
};

/* A file's tree; owns its nodes and every string in them. */
typedef struct lp_yaml_doc lp_yaml_doc;

/* Parses `len` bytes. `file` names them in errors and is copied. */
loop_error *lp_yaml_parse(const char *file, const char *bytes, size_t len,
                          lp_yaml_doc **ret) LOOP_MUST_USE;
/* Reads and parses `path`, called `shown` in errors. LOOP_NOT_FOUND, LOOP_IO, LOOP_CONFIG. */
loop_error *lp_yaml_read(const char *path, const char *shown, lp_yaml_doc **ret) LOOP_MUST_USE;
/* The bytes alone, for who must know what was parsed; malloced. */
loop_error *lp_yaml_bytes(const char *path, const char *shown, uint8_t **ret_bytes,
                          size_t *ret_len) LOOP_MUST_USE;
void lp_yaml_delete(lp_yaml_doc *doc);
void lp_yaml_free(lp_yaml_doc **doc); /* for lp_auto */

/* Never NULL: an empty file is an LP_YAML_NULL. */
const lp_yaml *lp_yaml_root(const lp_yaml_doc *doc);

/* The value of a key of a MAP; NULL where there is none, or `map` is no map. */
const lp_yaml *lp_yaml_get(const lp_yaml *map, const char *key);

/* "a map", "a list", "text", "nothing": for messages. */
const char *lp_yaml_kind_name(const lp_yaml *node);

/* LOOP_CONFIG with the position of `at` before the message. */
loop_error *lp_yaml_error(const lp_yaml *at, const char *fmt, ...) LOOP_PRINTF(2, 3) LOOP_MUST_USE;

#endif
