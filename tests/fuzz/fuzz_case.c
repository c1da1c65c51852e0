/*
 * tests/fuzz/fuzz_case.c: any bytes as a test case of `loop test`, what loop-wit says of a
 * component, and a compiler's rule of make: an error with a position, or something whose promises
 * hold.
 */
#include <stdint.h>
#include <stdlib.h>

#include "builder/cases.h"
#include "builder/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const char *const fuzz_seeds[] = {
    "run: [Ada, -x]\nstdin: \"x\\n\"\nstatus: 3\nstdout: |\n  a\n  b\nstderr: [one, '...', "
    "'/a+/']\n"
    "deadline: 10s\n",
    "invoke: 'a:b/c.f(1)'\nresult: '\"x\"'\n",
    "run:\nstdout:\nstderr: { contains: [a, b] }\n",
    "run: x\nstdout: ['...', a, '...', b, '...', '//', '/./']\n",
    "missing-export\ta:b/"
    "c@0.1.0\tf\t()->u32\nother-type\timport\ta\tb\tc\td\nnote-library\twasi:io/x\n"
    "note-export\tx\nother-version\texport\ta\tb\nextra-import\t\tf\t()\nfits\n",
    "a.o: a.c \\\n b\\ c.h $$x \\#y\n",
    NULL,
};

static const char *const outputs[] = {"", "a\n", "a\nb\n\na\nb", "x\nline 1\n...\n"};

/* One that is expected exactly fits itself; whatever is told of another is text. */
static void check(const lp_expect *e)
{
    if (e->kind == LP_EXPECT_TEXT && lp_expect_compare(e, e->texts[0]))
        abort();
    for (size_t i = 0; i < LP_COUNT(outputs); i++) {
        char *differs = lp_expect_compare(e, outputs[i]);
        if (differs && (e->kind == LP_EXPECT_ANYTHING || !*differs))
            abort();
        free(differs);
    }
}

/* Expressions take time that grows without end with what repeats in them: a file of one's own. */
static bool is_tame(const lp_expect *e)
{
    for (size_t i = 0; e->texts && e->texts[i]; i++)
        if (e->texts[i][0] == '/' && strpbrk(e->texts[i], "{+*\\"))
            return false;
    return true;
}

static loop_error *count(void *data, const char *path)
{
    if (!*path || ++*(size_t *)data > 1u << 20)
        abort();
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lp_case *c = NULL;
    loop_error *e = size < 65536 ? lp_case_parse("t.yaml", (const char *)data, size, &c) : NULL;
    if (e && (c || loop_error_code(e) != LOOP_CONFIG ||
              !lp_starts_with(loop_error_message(e), "t.yaml")))
        abort();
    loop_error_delete(e);
    if (c) {
        if (c->status < 0 || c->status > 255 || !c->deadline_ms || !c->args || !c->input)
            abort();
        if (is_tame(&c->out))
            check(&c->out);
        if (is_tame(&c->err))
            check(&c->err);
        lp_case_delete(c);
    }
    char *text = lp_strndup((const char *)data, size), *library = NULL, *exports = NULL;
    size_t words = 0;
    loop_error_delete(lp_build_rule_read(text, count, &words));
    e = lp_build_check_read(text, "w", &library, &exports);
    if (e && (library || exports || loop_error_code(e) != LOOP_INVALID))
        abort();
    loop_error_delete(e);
    free(library);
    free(exports);
    free(text);
    return 0;
}
