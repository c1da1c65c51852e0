/*
 * api/config_schema.c: loop_config_schema: loop.schema.json from the rows.
 *
 * The rows' paths are a tree written flat; walking it is finding the names that
 * follow a prefix. Editors read the schema; loop itself never does.
 */
#include <stdlib.h>

#include "api/config.h"

typedef struct names {
    lp_str at[32];
    size_t n;
} names;

/* The parts that follow `prefix`, each once, in the order of the rows. */
static names parts_after(const char *prefix)
{
    names found = {0};
    size_t skip = strlen(prefix);
    for (size_t i = 0; lp_config_key_at(i); i++) {
        const char *path = lp_config_key_at(i)->path;
        if (!lp_starts_with(path, prefix) || (skip && path[skip] != '.'))
            continue;
        path += skip + (skip ? 1 : 0);
        lp_str part = {path, strcspn(path, ".")};
        size_t k = 0;
        while (k < found.n && !lp_str_eq(found.at[k], part))
            k++;
        if (k == found.n && k < LP_COUNT(found.at))
            found.at[found.n++] = part;
    }
    return found;
}

static const lp_config_key *row_of(const char *path)
{
    for (size_t i = 0; lp_config_key_at(i); i++)
        if (strcmp(lp_config_key_at(i)->path, path) == 0)
            return lp_config_key_at(i);
    return NULL;
}

static void indent(lp_buf *b, int depth)
{
    lp_buf_printf(b, "\n%*s", depth * 2, "");
}

static void enum_schema(lp_buf *b, const char *values)
{
    lp_buf_puts(b, "\"enum\": [");
    for (const char *p = values; *p;) {
        size_t n = strcspn(p, "|");
        lp_buf_json(b, p, n);
        p += n;
        if (*p++ != '|')
            break;
        lp_buf_puts(b, ", ");
    }
    lp_buf_puts(b, "]");
}

/* What a value of a type looks like, where it has nothing below. */
static void leaf_schema(lp_buf *b, const char *type, const char *values)
{
    static const struct {
        const char *type, *schema;
    } leaves[] = {
        {"version", "\"const\": 1"},
        {"string", "\"type\": \"string\", \"minLength\": 1"},
        {"path", "\"type\": \"string\", \"minLength\": 1"},
        {"size", "\"type\": [\"string\", \"integer\"], "
                 "\"pattern\": \"^[0-9]+(B|KiB|MiB|GiB|kB|MB|GB)?$\""},
        {"duration", "\"type\": \"string\", \"pattern\": \"^[0-9]+(ms|s|m|h)$\""},
        {"size?", "\"type\": [\"string\", \"integer\"], "
                  "\"pattern\": \"^([0-9]+(B|KiB|MiB|GiB|kB|MB|GB)?|none)$\""},
        {"duration?", "\"type\": \"string\", \"pattern\": \"^([0-9]+(ms|s|m|h)|none)$\""},
        {"number", "\"type\": \"integer\", \"minimum\": 1"},
        {"bool", "\"type\": \"boolean\""},
        {"mode", "\"enum\": [\"ro\", \"rw\"]"},
        {"class", "\"enum\": [\"untrusted\", \"trusted\"]"},
        {"on-trap", "\"enum\": [\"stop\", \"restart\", \"quarantine\"]"},
        {"language", "\"enum\": [\"c\", \"rust\", \"js\", \"python\"]"},
        {"texts", "\"type\": \"array\", "
                  "\"items\": { \"type\": [\"string\", \"number\", \"boolean\"] }"},
        {"pairs", "\"type\": \"object\", \"additionalProperties\": "
                  "{ \"type\": [\"string\", \"number\", \"boolean\"] }"},
        {"wish", "\"type\": \"string\", \"pattern\": \"^[a-z][a-z0-9-]*:[a-z][a-z0-9-]*(@.+)?$\""},
        {"paths", "\"type\": \"object\", \"additionalProperties\": "
                  "{ \"type\": \"string\", \"minLength\": 1 }"},
        {"bindings", "\"type\": \"object\", "
                     "\"additionalProperties\": { \"$ref\": \"#/$defs/binding\" }"},
        {"registries", "\"type\": \"object\", "
                       "\"additionalProperties\": { \"$ref\": \"#/$defs/registry\" }"},
    };
    if (strcmp(type, "enum") == 0)
        enum_schema(b, values);
    for (size_t i = 0; i < LP_COUNT(leaves); i++)
        if (strcmp(leaves[i].type, type) == 0)
            lp_buf_puts(b, leaves[i].schema);
}

static void node_schema(lp_buf *b, const char *path, int depth);

/* "required": those of `parts` whose row says so. */
static void required_schema(lp_buf *b, const char *path, const names *parts, int depth)
{
    size_t n = 0;
    for (size_t i = 0; i < parts->n; i++) {
        lp_auto(lp_free_string) char *below =
            lp_format("%s%s%.*s", path, *path ? "." : "", (int)parts->at[i].len, parts->at[i].ptr);
        const lp_config_key *row = row_of(below);
        if (!row || !row->required)
            continue;
        if (!n++) {
            indent(b, depth);
            lp_buf_puts(b, "\"required\": [");
        } else {
            lp_buf_puts(b, ", ");
        }
        lp_buf_json(b, parts->at[i].ptr, parts->at[i].len);
    }
    if (n)
        lp_buf_puts(b, "],");
}

static void map_schema(lp_buf *b, const char *path, const names *parts, int depth)
{
    lp_buf_puts(b, "\"type\": [\"object\", \"null\"],");
    indent(b, depth);
    lp_buf_puts(b, "\"additionalProperties\": false,");
    required_schema(b, path, parts, depth);
    indent(b, depth);
    lp_buf_puts(b, "\"properties\": {");
    for (size_t i = 0; i < parts->n; i++) {
        lp_auto(lp_free_string) char *below =
            lp_format("%s%s%.*s", path, *path ? "." : "", (int)parts->at[i].len, parts->at[i].ptr);
        indent(b, depth + 1);
        lp_buf_json(b, parts->at[i].ptr, parts->at[i].len);
        lp_buf_puts(b, ": ");
        node_schema(b, below, depth + 2);
        lp_buf_puts(b, i + 1 < parts->n ? "," : "");
    }
    indent(b, depth);
    lp_buf_puts(b, "}");
}

/* What stands for any name ('*') or any item ('[]'). */
static void many_schema(lp_buf *b, const char *path, bool list, int depth)
{
    lp_auto(lp_free_string) char *below = lp_format("%s.%s", path, list ? "[]" : "*");
    lp_buf_printf(b, "\"type\": [\"%s\", \"null\"],", list ? "array" : "object");
    indent(b, depth);
    lp_buf_printf(b, "\"%s\": ", list ? "items" : "additionalProperties");
    node_schema(b, below, depth + 1);
}

static void node_schema(lp_buf *b, const char *path, int depth)
{
    const lp_config_key *row = row_of(path);
    const loop_option *option = row && !row->type ? lp_option_find(path, NULL) : NULL;
    const char *help = option ? option->help : row ? row->help : NULL;
    names parts = parts_after(path);
    lp_buf_puts(b, "{");
    indent(b, depth);
    if (help) {
        lp_buf_puts(b, "\"description\": ");
        lp_buf_json(b, help, strlen(help));
        lp_buf_puts(b, ",");
        indent(b, depth);
    }
    if (option && option->fallback) {
        lp_buf_puts(b, "\"default\": ");
        lp_buf_json(b, option->fallback, strlen(option->fallback));
        lp_buf_puts(b, ",");
        indent(b, depth);
    }
    if (parts.n == 1 && lp_str_is(parts.at[0], "*"))
        many_schema(b, path, false, depth);
    else if (parts.n == 1 && lp_str_is(parts.at[0], "[]"))
        many_schema(b, path, true, depth);
    else if (parts.n)
        map_schema(b, path, &parts, depth);
    else if (row)
        leaf_schema(b, option ? option->type : row->type, option ? option->values : NULL);
    indent(b, depth - 1);
    lp_buf_puts(b, "}");
}

/* A name, or one of four forms, with the provider's options beside it; or several, as a chain. */
static const char definitions[] =
    ",\n  \"$defs\": {\n"
    "    \"link\": {\n"
    "      \"type\": [\"string\", \"object\"],\n"
    "      \"minLength\": 1,\n"
    "      \"properties\": {\n"
    "        \"use\": { \"description\": \"a provider of this host\", \"type\": \"string\" },\n"
    "        \"component\": { \"description\": \"a component of `components`\", "
    "\"type\": \"string\" },\n"
    "        \"library\": { \"description\": \"a shared library; takes `loop trust`\", "
    "\"type\": \"string\" },\n"
    "        \"sidecar\": { \"description\": \"a program and its arguments; takes `loop trust`\", "
    "\"type\": \"array\", \"minItems\": 1 }\n"
    "      },\n"
    "      \"additionalProperties\": { \"type\": [\"string\", \"number\", \"boolean\"] },\n"
    "      \"if\": { \"type\": \"object\" },\n"
    "      \"then\": { \"oneOf\": [ { \"required\": [\"use\"] }, { \"required\": [\"component\"] "
    "}, "
    "{ \"required\": [\"library\"] }, { \"required\": [\"sidecar\"] } ] }\n"
    "    },\n"
    "    \"registry\": {\n"
    "      \"type\": \"object\",\n"
    "      \"properties\": {\n"
    "        \"oci\": { \"description\": \"an OCI registry: HOST or HOST:PORT\", "
    "\"type\": \"string\" },\n"
    "        \"prefix\": { \"description\": \"of an OCI registry: what stands before "
    "NAMESPACE/NAME\", "
    "\"type\": \"string\" },\n"
    "        \"plain-http\": { \"description\": \"of an OCI registry on this machine: without "
    "TLS\", "
    "\"type\": \"boolean\" },\n"
    "        \"folder\": { \"description\": \"a folder of archives\", \"type\": \"string\" },\n"
    "        \"layout\": { \"description\": \"an OCI image layout in a folder\", "
    "\"type\": \"string\" },\n"
    "        \"http\": { \"description\": \"the same on a web server\", \"type\": \"string\" },\n"
    "        \"use\": { \"description\": \"a provider of loop:pkg/registry of this host\", "
    "\"type\": \"string\" },\n"
    "        \"component\": { \"description\": \"a component of `components` that serves it\", "
    "\"type\": \"string\" },\n"
    "        \"library\": { \"description\": \"the same in a shared library; takes `loop trust`\", "
    "\"type\": \"string\" },\n"
    "        \"sidecar\": { \"description\": \"the same as a program; takes `loop trust`\", "
    "\"type\": \"array\", \"minItems\": 1 }\n"
    "      },\n"
    "      \"additionalProperties\": { \"type\": [\"string\", \"number\", \"boolean\"] },\n"
    "      \"anyOf\": [ { \"required\": [\"oci\"] }, { \"required\": [\"folder\"] }, "
    "{ \"required\": [\"layout\"] }, { \"required\": [\"http\"] }, "
    "{ \"required\": [\"use\"] }, { \"required\": [\"component\"] }, "
    "{ \"required\": [\"library\"] }, { \"required\": [\"sidecar\"] } ]\n"
    "    },\n"
    "    \"binding\": {\n"
    "      \"if\": { \"type\": \"array\" },\n"
    "      \"then\": { \"minItems\": 1, \"items\": { \"$ref\": \"#/$defs/link\" } },\n"
    "      \"else\": { \"$ref\": \"#/$defs/link\" }\n"
    "    }\n"
    "  }\n}\n";

char *loop_config_schema(void)
{
    lp_buf b = {0};
    names parts = parts_after("");
    lp_buf_puts(&b, "{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
                    "  \"title\": \"loop.yaml\",\n  ");
    map_schema(&b, "", &parts, 1);
    lp_buf_puts(&b, definitions);
    return lp_buf_take(&b);
}
