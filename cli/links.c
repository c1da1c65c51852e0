/*
 * cli/links.c: implements cli/links.h.
 *
 * Commas part words; a word with '=' is an option of the provider before it. So neither a path, nor
 * a command, nor a value can have a comma: loop.yaml is for those.
 */
#include "cli/links.h"

#include <stdlib.h>
#include <string.h>

#define LIBRARY "library:"
#define SIDECAR "sidecar:"
#define COMPONENT "component:"

static char *keep(cli_links *l, char *text)
{
    char **more = cli_alloc((l->text_count + 1) * sizeof *more);
    if (l->text_count)
        memcpy(more, l->texts, l->text_count * sizeof *more);
    free(l->texts);
    l->texts = more;
    return l->texts[l->text_count++] = text;
}

static bool starts_with(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

static size_t count(const char *s, const char *parts)
{
    size_t n = 1;
    for (; *s; s++)
        n += strchr(parts, *s) != NULL;
    return n;
}

/* The words of a command, at spaces; NULL-terminated. NULL: there is none. */
static const char *const *words_of(cli_links *l, const char *command)
{
    char *text = keep(l, cli_format("%s", command)), *rest = NULL;
    const char **words = cli_alloc((count(text, " ") + 1) * sizeof *words);
    size_t n = 0;
    keep(l, (char *)words);
    for (char *w = strtok_r(text, " ", &rest); w; w = strtok_r(NULL, " ", &rest))
        words[n++] = w;
    return n ? words : NULL;
}

static loop_error *wrong(const char *text, const char *why)
{
    return loop_error_hint_set(loop_error_new(LOOP_USAGE, "'%s': %s", text, why),
                               "write INTERFACE=PROVIDER, such as "
                               "loop:storage/store=sqlite,file=notes.db");
}

static loop_error *add_link(cli_links *l, const char *whole, char *word)
{
    loop_binding_link *link = &l->links[l->count++];
    if (starts_with(word, SIDECAR)) {
        link->sidecar = words_of(l, word + strlen(SIDECAR));
        return link->sidecar ? NULL : wrong(whole, "a sidecar without a command");
    }
    if (starts_with(word, COMPONENT)) {
        link->component = word + strlen(COMPONENT);
        return *link->component ? NULL : wrong(whole, "a component without a name");
    }
    if (!starts_with(word, LIBRARY)) {
        link->provider = word;
        return *word ? NULL : wrong(whole, "a provider without a name");
    }
    const char *path = word + strlen(LIBRARY);
    if (!*path)
        return wrong(whole, "a library without a path");
    link->library = path[0] == '/' ? path : keep(l, cli_format("%s/%s", l->directory, path));
    return NULL;
}

/* Options of a link are a list of their own; `room` is for all words. */
static loop_error *add_option(cli_links *l, const char *whole, char *word, size_t room)
{
    if (!l->count)
        return wrong(whole, "an option before its provider");
    loop_binding_link *link = &l->links[l->count - 1];
    const char **options = (const char **)link->options;
    size_t n = 0;
    if (!options) {
        options = cli_alloc((2 * room + 1) * sizeof *options);
        link->options = (const char *const *)keep(l, (char *)options);
    }
    while (options[n])
        n++;
    char *equals = strchr(word, '=');
    *equals = 0;
    options[n] = word;
    options[n + 1] = equals + 1;
    return NULL;
}

loop_error *cli_links_parse(const char *text, cli_links *ret)
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text || !equals[1])
        return wrong(text, equals ? "a side of its '=' is empty" : "it has no '='");
    cli_links l = {.interface_name = cli_format("%.*s", (int)(equals - text), text),
                   .directory = realpath(".", NULL)};
    size_t room = count(equals + 1, ",");
    char *next = keep(&l, cli_format("%s", equals + 1));
    loop_error *e = l.directory ? NULL : loop_error_new(LOOP_IO, "the current folder is gone");
    l.links = cli_alloc(room * sizeof *l.links);
    while (next && !e) {
        char *word = next;
        next = strchr(word, ',');
        if (next)
            *next++ = 0;
        bool link = starts_with(word, LIBRARY) || starts_with(word, SIDECAR) ||
                    starts_with(word, COMPONENT) || !strchr(word, '=');
        e = link ? add_link(&l, text, word) : add_option(&l, text, word, room);
    }
    if (e)
        cli_links_done(&l);
    else
        *ret = l;
    return e;
}

void cli_links_done(cli_links *l)
{
    for (size_t i = 0; i < l->text_count; i++)
        free(l->texts[i]);
    free(l->texts);
    free(l->links);
    free(l->directory);
    free(l->interface_name);
    *l = (cli_links){0};
}
