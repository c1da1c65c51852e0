/*
 * tests/fuzz/fuzz_audit.c: any bytes as an audit log, a line at a time: refused, or a row that is
 * written and read back as it is. And whatever was read, the grants that are suggested are YAML in
 * which each line is a grant that a policy takes, so that nothing of the log gets out of its place.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/yaml.h"
#include "trust/audit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define A "{\"component\":\"a\",\"instance\":1,\"allowed\":true,\"observed\":true,\"count\":2,"

const char *const fuzz_seeds[] = {
    A "\"kind\":\"http\",\"name\":\"a.com\",\"port\":443,\"address\":\"10.0.0.1\"}\n" A
      "\"kind\":\"net\",\"name\":\"db\"}\n" A
      "\"kind\":\"net\",\"name\":\"10.0.0.1\",\"port\":5432}\n",
    A "\"kind\":\"dir\",\"name\":\"/d\",\"write\":true,\"by\":{\"text\":\"dir\",\"host\":\"/"
      "x\\n\\\"y\","
      "\"source\":\"f\",\"line\":3}}\n" A "\"kind\":\"env\",\"name\":\"A: b\\n- c\"}\n",
    A "\"kind\":\"process\",\"name\":\"/bin/sh -c 'a b'\"}\n" A
      "\"kind\":\"need\",\"name\":\"c.d\"}\n" A "\"kind\":\"storage\",\"by\":{\"text\":\"s\","
      "\"bytes\":123}}\n" A "\"kind\":\"log\",\"reason\":\"x\\r\\u0007y\"}\n",
    "{\"component\":\"a\",\"kind\":\"dir\",\"allowed\":false,\"count\":1,\"reason\":\"o\\n: x\","
    "\"hint\":\"h\"}\n[]\n",
    NULL,
};

/* No fuzzer may ask the network. */
static size_t no_dns(void *ctx, const char *name, lp_os_address *ret, size_t max)
{
    (void)ctx;
    return max && strcmp(name, "db") == 0 && lp_os_address_parse("10.0.0.1", ret);
}

static void read_back(const loop_audit *a)
{
    const loop_audit_entry *e;
    for (size_t i = 0; (e = loop_audit_at(a, i)); i++) {
        lp_buf b = {0};
        lp_audit_line((const struct lp_audited *)e, &b);
        if (!b.len || memchr(b.ptr, '\n', b.len) != b.ptr + b.len - 1)
            abort();
        loop_audit *again = lp_audit_new();
        loop_error *bad = lp_audit_parse(again, b.ptr, b.len - 1);
        const loop_audit_entry *same = bad ? NULL : loop_audit_at(again, 0);
        if (!same || same->kind != e->kind || same->count != e->count || same->port != e->port ||
            same->allowed != e->allowed || strcmp(same->name, e->name) != 0)
            abort();
        loop_error_delete(loop_audit_close(again));
        lp_buf_done(&b);
    }
}

static void suggest(const loop_audit *a)
{
    lp_auto(lp_free_string) char *text = lp_audit_suggest(a, NULL, no_dns);
    lp_yaml_doc *doc;
    loop_error *bad = lp_yaml_parse("suggested", text, strlen(text), &doc);
    if (bad)
        abort();
    const lp_yaml *root = lp_yaml_root(doc);
    if (root->kind != LP_YAML_MAP || root->first->next || strcmp(root->first->key->text, "grants"))
        abort(); /* one key, `grants`, and nothing that the log has put beside it */
    lp_yaml_delete(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    loop_audit *a = lp_audit_new();
    for (size_t at = 0, lines = 0; at < size && lines < 64; lines++) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        size_t len = end ? (size_t)(end - data) - at : size - at;
        loop_error_delete(lp_audit_parse(a, (const char *)data + at, len));
        at += len + 1;
    }
    read_back(a);
    suggest(a);
    loop_error_delete(loop_audit_close(a));
    return 0;
}
