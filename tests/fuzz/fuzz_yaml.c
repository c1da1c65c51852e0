/*
 * tests/fuzz/fuzz_yaml.c: any bytes as a loop.yaml: a tree whose promises hold,
 * or an error with a position; read on into a configuration where it is a tree.
 */
#include <stdint.h>
#include <stdlib.h>

#include "api/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const char *const fuzz_seeds[] = {
    "loop: 1\ndefault: a\ncomponents:\n  a:\n    path: a.wasm\n    args: [x, 'y', \"\\e\\0\"]\n"
    "    grants: {dirs: [{host: ., guest: /d, mode: rw}], env: [A, B=c], http: ['a.com:443'],\n"
    "      net: ['[::1]:80'], storage: {quota: 1MiB}}\n    deny: {env: [C]}\n"
    "    limits: {memory: 1MiB, call: 5s}\n    on-trap: stop\n    config: {k: v}\n",
    "loop: 1\nbind:\n  loop:a/b: [x, y]\n  loop:c/d: z\nlog: {level: info}\nlimits: {grace: 1s}\n",
    "a: &x [1, *x, !!str 2]\n<<: *x\n? [k]\n: v\n---\nb: |\n  text\n  >-\n...\n",
    "%YAML 1.2\n---\n\"q\": 'it''s'\n- {a: [b, {c: d}], \"e\": ~}\n# end",
    "a: ''''''''''''''''x'\nb: >\n  c\n\n  d\n",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    NULL,
};

static void check(const lp_yaml *node, unsigned depth)
{
    size_t n = 0;
    if (depth > LP_MAX_CONFIG_DEPTH || !node->line || !node->column || !node->text ||
        !lp_utf8_valid(node->text, strlen(node->text)))
        abort();
    for (const lp_yaml *i = node->first; i; i = i->next, n++) {
        if ((node->kind == LP_YAML_MAP) != (i->key != NULL))
            abort();
        if (i->key && !*i->key->text)
            abort();
        check(i, depth + 1);
    }
    if (n != node->count)
        abort();
}

static void finish(loop_error *e)
{
    if (e && !lp_utf8_valid(loop_error_message(e), strlen(loop_error_message(e))))
        abort();
    loop_error_delete(e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lp_yaml_doc *doc = NULL;
    loop_error *e = lp_yaml_parse("loop.yaml", (const char *)data, size, &doc);
    if (e) {
        if (doc || loop_error_code(e) != LOOP_CONFIG)
            abort();
        finish(e);
        return 0;
    }
    check(lp_yaml_root(doc), 0);
    loop_config *c = lp_config_new();
    c->root = lp_config_keep(c, "/work");
    finish(lp_config_read_workspace(c, lp_yaml_root(doc)));
    finish(lp_config_read_options(c, lp_yaml_root(doc), LP_CONFIG_PROFILE));
    e = lp_config_read_options(c, lp_yaml_root(doc), LP_CONFIG_WORKSPACE);
    finish(e);
    free(loop_config_format(c, true));
    free(loop_config_format(c, false));
    loop_config_delete(c);
    lp_yaml_delete(doc);
    return 0;
}
