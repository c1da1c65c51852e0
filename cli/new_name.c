/*
 * cli/new_name.c: the name of a project: which there may be, and how a template gets it.
 *
 * A name becomes a package and a world of WIT, a file, an identifier of C, Rust, JavaScript and
 * Python, a crate and a package of npm. So it is what all of them take, and a word that one of
 * them keeps for itself is refused for all: a project may get a part in another language.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli/new.h"

/* ---- rules ---- */

/*
 * Words of WIT, C, Rust, JavaScript and Python; names that cargo or loop's files have; modules of
 * Python that a sidecar's own file of that name would hide from what it needs.
 */
static const char *const reserved[] = {
    "abstract",  "alloc",       "and",        "api",         "app",       "arguments",
    "as",        "assert",      "async",      "auto",        "await",     "become",
    "bindings",  "bool",        "borrow",     "box",         "brand",     "break",
    "build",     "case",        "catch",      "char",        "class",     "collections",
    "const",     "constructor", "contextlib", "continue",    "core",      "crate",
    "debugger",  "def",         "default",    "del",         "delete",    "deps",
    "do",        "double",      "dyn",        "elif",        "else",      "enum",
    "errno",     "eval",        "examples",   "except",      "export",    "exports",
    "extends",   "extern",      "f32",        "f64",         "false",     "final",
    "finally",   "flags",       "float",      "fn",          "for",       "from",
    "func",      "function",    "functools",  "future",      "gen",       "global",
    "goto",      "heapq",       "host",       "if",          "impl",      "implements",
    "import",    "in",          "include",    "incremental", "inline",    "instanceof",
    "int",       "interface",   "is",         "keyword",     "lambda",    "let",
    "linecache", "list",        "long",       "loop",        "loop-sdk",  "loop-sidecar",
    "macro",     "main",        "match",      "mmap",        "mod",       "module",
    "move",      "mut",         "new",        "none",        "nonlocal",  "not",
    "null",      "operator",    "option",     "or",          "override",  "own",
    "package",   "pass",        "priv",       "private",     "protected", "pub",
    "public",    "queue",       "raise",      "re",          "record",    "ref",
    "register",  "resource",    "restrict",   "result",      "return",    "s16",
    "s32",       "s64",         "s8",         "self",        "short",     "signed",
    "sizeof",    "static",      "std",        "stream",      "string",    "struct",
    "super",     "switch",      "target",     "test",        "tests",     "textwrap",
    "this",      "threading",   "throw",      "token",       "tokenize",  "traceback",
    "trait",     "true",        "try",        "tuple",       "type",      "typedef",
    "typeof",    "types",       "u16",        "u32",         "u64",       "u8",
    "union",     "unsafe",      "unsigned",   "unsized",     "use",       "var",
    "variant",   "virtual",     "void",       "volatile",    "wasi",      "weakref",
    "where",     "while",       "with",       "world",       "yield",
};

static bool is_reserved(const char *text)
{
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (strcmp(reserved[i], text) == 0)
            return true;
    return false;
}

/* Words of [a-z][a-z0-9]* with single dashes between them. */
static bool is_kebab(const char *text, size_t n)
{
    bool start = true;
    for (size_t i = 0; i < n; i++) {
        bool letter = text[i] >= 'a' && text[i] <= 'z', digit = text[i] >= '0' && text[i] <= '9';
        if (start ? !letter : !letter && !digit && text[i] != '-')
            return false;
        start = text[i] == '-';
    }
    return n > 0 && !start;
}

static loop_error *refuse(const char *text, const char *what, const char *why)
{
    loop_error *e = loop_error_new(LOOP_USAGE, "'%s' is no name for a %s: %s", text, what, why);
    return loop_error_hint_set(e,
                               "words in lower case with dashes between them, at most %d letters: "
                               "night-light, or acme:night-light",
                               CLI_NAME_LETTERS);
}

static loop_error *read_part(const char *text, size_t n, const char *what, const char *whole,
                             char ret[CLI_NAME_LETTERS + 1])
{
    if (n > CLI_NAME_LETTERS)
        return refuse(whole, what, "it is too long");
    if (!is_kebab(text, n))
        return refuse(whole, what, n ? "it is not made of such words" : "it is empty");
    memcpy(ret, text, n);
    ret[n] = '\0';
    if (!is_reserved(ret))
        return NULL;
    return refuse(whole, what, "a language, or a tool for one, has that word");
}

loop_error *cli_name_read(const char *text, const char *what, cli_name *ret)
{
    cli_name name = {.space = "example"};
    const char *colon = strchr(text, ':');
    loop_error *e = NULL;
    if (colon)
        e = read_part(text, (size_t)(colon - text), what, text, name.space);
    const char *own = colon ? colon + 1 : text;
    if (!e)
        e = read_part(own, strlen(own), what, text, name.name);
    if (!e)
        *ret = name;
    return e;
}

/* ---- filling in ---- */

enum form { KEBAB, SNAKE, UPPER, CAMEL };

static const struct {
    const char *text;
    enum form form;
    bool space;
} placeholders[] = {
    {"scaffold-name", KEBAB, false}, {"scaffold_name", SNAKE, false},
    {"SCAFFOLD_NAME", UPPER, false}, {"ScaffoldName", CAMEL, false},
    {"scaffold-space", KEBAB, true}, {"scaffold_space", SNAKE, true},
    {"SCAFFOLD_SPACE", UPPER, true},
};

/* `from` in a form; at most as long as it is. */
static size_t put_form(enum form form, const char *from, char *to)
{
    size_t n = 0;
    bool start = true;
    for (; *from; from++) {
        bool dash = *from == '-';
        int c = (unsigned char)*from;
        if (form == UPPER || (form == CAMEL && start))
            c = toupper(c);
        if (dash && form != KEBAB)
            c = '_';
        if (!dash || form != CAMEL)
            to[n++] = (char)c;
        start = dash;
    }
    return n;
}

char *cli_name_fill(const cli_name *name, const char *text, size_t size, size_t *ret_size)
{
    /* The longest name is some three times as long as the shortest placeholder. */
    char *out = cli_alloc(size * 3 + 1);
    size_t n = 0;
    for (size_t at = 0; at < size;) {
        size_t i = 0, length = 0;
        for (; i < sizeof placeholders / sizeof *placeholders; i++) {
            length = strlen(placeholders[i].text);
            if (length <= size - at && memcmp(text + at, placeholders[i].text, length) == 0)
                break;
        }
        if (i == sizeof placeholders / sizeof *placeholders) {
            out[n++] = text[at++];
            continue;
        }
        const char *from = placeholders[i].space ? name->space : name->name;
        n += put_form(placeholders[i].form, from, out + n);
        at += length;
    }
    out[n] = '\0';
    *ret_size = n;
    return out;
}
