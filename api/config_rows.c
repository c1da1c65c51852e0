/*
 * api/config_rows.c: every option and every key of loop.yaml, one row each.
 *
 * These rows are all there is: parsing, defaults, the environment, --help, the
 * schema and what an error calls allowed are made from them.
 */
#include <stdlib.h>

#include "api/config.h"
#include "base/option.h"

static const loop_option options[] = {
    {"default", "string", NULL, NULL, NULL, NULL,
     "the component that 'loop run' starts when none is named"},
    {"profile", "string", NULL, "dev", "LOOP_PROFILE", "--profile",
     "which profile file sets the defaults"},
    {"production", "bool", NULL, "false", NULL, NULL,
     "whether providers for development only are refused"},
    {"log.level", "enum", "error|warn|info|debug|trace", "info", "LOOP_LOG_LEVEL", "--log-level",
     "the least important messages that are shown"},
    {"log.format", "enum", "text|json", "text", "LOOP_LOG_FORMAT", "--log-format",
     "lines for people, or one JSON object a line"},
    {"limits.memory", "size", NULL, NULL, "LOOP_LIMITS_MEMORY", "--max-memory",
     "memory of each component; less of this and its class's"},
    {"limits.timeout", "duration", NULL, NULL, "LOOP_LIMITS_TIMEOUT", "--timeout",
     "how long a command may run"},
    {"limits.grace", "duration", NULL, "2s", "LOOP_LIMITS_GRACE", "--grace",
     "how long a component may take to stop"},
    /* Not of any file: a workspace would have the user's own written to. */
    {"audit", "path", NULL, NULL, "LOOP_AUDIT", "--audit", "where decisions are written down"},
};
_Static_assert(LP_COUNT(options) <= LP_MAX_OPTIONS, "room for every option's value");

static const lp_config_key keys[] = {
    {"loop", "version", "the version of this file's format", true},
    {"default", NULL, NULL, false},
    {"profile", NULL, NULL, false},
    {"production", NULL, NULL, false},
    {"components", "map", "the components of this workspace, by name", false},
    {"components.*.path", "path", "the component's file, from this file's directory", false},
    {"components.*.package", "wish", "a package in place of a file: NAME, or NAME@RANGE", false},
    {"components.*.args", "texts", "arguments before those of the command line", false},
    {"components.*.class", "class", "trusted: may be granted processes; asks", false},
    {"components.*.needs", "map", "what the component can do without", false},
    {"components.*.needs.optional", "texts", "imports that may be missing or denied", false},
    {"components.*.grants", "map", "what the component may use", false},
    {"components.*.grants.dirs", "list", "directories", false},
    {"components.*.grants.dirs.[].host", "path", "from this file's directory", true},
    {"components.*.grants.dirs.[].guest", "path", "where the component sees it", false},
    {"components.*.grants.dirs.[].mode", "mode", "ro: read-only; rw: read and write", true},
    {"components.*.grants.env", "texts", "variables: NAME, or NAME=VALUE", false},
    {"components.*.grants.http", "texts", "HTTP to HOST or HOST:PORT", false},
    {"components.*.grants.net", "texts", "TCP and UDP to HOST:PORT", false},
    {"components.*.grants.packages", "texts", "packages of NAMESPACE, or NAMESPACE:NAME", false},
    {"components.*.grants.storage", "map", "private storage", false},
    {"components.*.grants.storage.quota", "size", "how much it may keep", true},
    {"components.*.grants.storage.share", "string", "one store for all that share this", false},
    {"components.*.grants.listen", "texts", "TCP and UDP at ADDRESS:PORT of this machine", false},
    {"components.*.grants.log", "map", "messages", false},
    {"components.*.grants.log.rate", "number", "entries a second, not its class's", true},
    {"components.*.grants.processes", "texts", "a program and its arguments; asks", false},
    {"components.*.grants.needs", "texts", "what providers ask for: PROVIDER.NAME", false},
    {"components.*.deny", "map", "what it may not use, whatever else grants it", false},
    {"components.*.deny.dirs", "list", "directories", false},
    {"components.*.deny.dirs.[].host", "path", "from this file's directory", true},
    {"components.*.deny.dirs.[].guest", "path", "the path in the component", false},
    {"components.*.deny.env", "texts", "variables: NAME", false},
    {"components.*.deny.http", "texts", "HTTP to HOST or HOST:PORT", false},
    {"components.*.deny.net", "texts", "TCP and UDP to HOST or HOST:PORT", false},
    {"components.*.deny.packages", "texts", "packages of NAMESPACE, or NAMESPACE:NAME", false},
    {"components.*.deny.listen", "texts", "TCP and UDP at ADDRESS or ADDRESS:PORT", false},
    {"components.*.deny.processes", "texts", "a program, or a program and its arguments", false},
    {"components.*.deny.needs", "texts", "what providers ask for: PROVIDER or PROVIDER.NAME",
     false},
    {"components.*.limits", "map", "limits of this component", false},
    {"components.*.limits.memory", "size", "over all its memories", false},
    {"components.*.limits.tables", "number", "elements over all its tables", false},
    {"components.*.limits.instances", "number", "core modules instantiated in it", false},
    {"components.*.limits.memories", "number", "memories, whatever their size", false},
    {"components.*.limits.call", "duration?", "how long one call may take", false},
    {"components.*.limits.total", "duration?", "time inside of it, over all calls", false},
    {"components.*.limits.handles", "number", "resources that it holds at a time", false},
    {"components.*.limits.files", "number", "files and sockets open at a time", false},
    {"components.*.limits.host-bytes", "size", "what one call hands to the host", false},
    {"components.*.limits.log", "number", "log entries a second", false},
    {"components.*.limits.storage", "size?", "storage, whatever is granted", false},
    {"components.*.limits.calls", "number", "calls under way and waiting", false},
    {"components.*.limits.stack", "size", "its stack", false},
    {"components.*.on-trap", "on-trap", "what happens when it traps or reaches a limit", false},
    {"components.*.bind", "bindings", "the same as 'bind', for this component alone", false},
    {"components.*.build", "map", "how 'loop build' makes it", false},
    {"components.*.build.lang", "language", "the language it is written in", false},
    {"components.*.build.source", "path", "its sources, a folder or the main file", false},
    {"components.*.build.wit", "path", "the folder with its WIT", false},
    {"components.*.build.world", "string", "the world of that WIT that it is for", false},
    {"components.*.build.command", "texts", "instead: a program and its arguments", false},
    {"components.*.tests", "path", "the folder with what 'loop test' runs", false},
    {"components.*.test", "map", "tests of the language itself", false},
    {"components.*.test.command", "texts", "a program and its arguments", true},
    {"components.*.config", "pairs", "what wasi:config hands to the component", false},
    {"overrides", "paths", "a local file in the place of a package, by its name", false},
    {"bind", "bindings", "which providers serve an interface, outermost first", false},
    {"registries", "map", "where packages come from", false},
    {"registries.default", "string", "the registry of every other package", false},
    {"registries.namespaces", "pairs", "the registry of a namespace: acme: team", false},
    {"registries.packages", "pairs", "the registry of one package: \"acme:ui\": near", false},
    {"registries.known", "registries", "registries by name, and where they are", false},
    {"package", "map", "what `loop pack` makes a package of", false},
    {"package.name", "string", "its name: acme:notes", true},
    {"package.version", "string", "its version: 1.2.0 (semver.org)", true},
    {"package.component", "string", "the component it has; not said: 'default'", false},
    {"package.description", "string", "what it is, in a line", false},
    {"package.license", "string", "its license, by the names of SPDX: MIT", false},
    {"package.source", "string", "where its source is: a URL", false},
    {"package.docs", "path", "its documentation: a text, README.md", false},
    {"package.requires", "pairs", "packages that it needs: \"acme:ui\": \"^1.2\"", false},
    {"log", "map", "messages", false},
    {"log.level", NULL, NULL, false},
    {"log.format", NULL, NULL, false},
    {"limits", "map", "limits of every component", false},
    {"limits.memory", NULL, NULL, false},
    {"limits.timeout", NULL, NULL, false},
    {"limits.grace", NULL, NULL, false},
};

const loop_option *loop_option_at(size_t i)
{
    return i < LP_COUNT(options) ? &options[i] : NULL;
}

size_t lp_option_count(void)
{
    return LP_COUNT(options);
}

const loop_option *lp_option_find(const char *key, size_t *ret_index)
{
    for (size_t i = 0; i < LP_COUNT(options); i++) {
        if (strcmp(options[i].key, key) == 0) {
            if (ret_index)
                *ret_index = i;
            return &options[i];
        }
    }
    return NULL;
}

const lp_config_key *lp_config_key_at(size_t i)
{
    return i < LP_COUNT(keys) ? &keys[i] : NULL;
}

char *lp_option_values(const loop_option *row)
{
    return lp_option_list(row->values);
}

char *lp_option_check(const loop_option *row, const char *text)
{
    if (strcmp(row->type, "string") == 0 && (!*text || strlen(text) > LP_MAX_NAME))
        return lp_strdup("a name"); /* of a profile, of a component */
    return lp_option_expected(row->type, row->values, text);
}
