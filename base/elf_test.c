/* Tests of elf.h: what is told of a file that somebody wants to load. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/tiny_elf.h"

struct file {
    const uint8_t *bytes;
    size_t size;
};

static bool at(void *data, uint64_t offset, void *ret, size_t n)
{
    const struct file *f = data;
    assert_true(offset <= f->size && n <= f->size - offset);
    memcpy(ret, f->bytes + offset, n);
    return true;
}

static loop_error *look(const void *bytes, size_t size, const char *symbol, uint32_t *ret)
{
    struct file f = {bytes, size};
    return lp_elf_look(&(lp_elf_source){size, at, &f}, symbol, 16, ret);
}

static void check(const void *bytes, size_t size, const char *symbol, const char *message)
{
    uint32_t word = 7;
    loop_error *e = look(bytes, size, symbol, &word);
    if (!e || strcmp(loop_error_message(e), message) != 0)
        fail_msg("expected '%s', got '%s'", message, e ? loop_error_message(e) : "no error");
    assert_int_equal(word, 7);
    loop_error_delete(e);
}

static void the_word_is_found_in_either_table(void **state)
{
    (void)state;
    uint8_t e[TINY_SIZE];
    for (int i = 0; i < 3; i++) {
        uint32_t word = 0;
        tiny_elf(e);
        if (i == 1)
            tiny_put(e + 176 + 3 * 16, 99, 8); /* no old table */
        if (i == 2)
            tiny_put(e + 176 + 4 * 16, 99, 8); /* no GNU table */
        assert_null(look(e, sizeof e, "needle", &word));
        assert_int_equal(word, TINY_WORD);
    }
    tiny_put(e + 176 + 3 * 16, 99, 8); /* neither */
    check(e, sizeof e, "needle", "it does not export 'needle'");
}

static void what_is_no_library_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        const char *message;
    } rows[] = {
        {"#!/bin/sh\n", "it is not a shared library (no ELF file)"},
        {"x", "it is not a shared library (no ELF file)"},
        {"!<arch>\n", "it is a static library (.a), not a shared one (.so)"},
        {"\177ELF\2\1\1", "it is cut short: it has 7 bytes of at least 64"},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++)
        check(rows[i].bytes, strlen(rows[i].bytes), "needle", rows[i].message);
    check("", 0, "needle", "it is empty");
    check("\0asm\1\0\0", 8, "needle", "it is WebAssembly, not a shared library");
}

/* Every number of a library that matters, wrong. */
static void a_number_that_is_wrong_is_an_error(void **state)
{
    (void)state;
    static const struct {
        unsigned place, bytes;
        uint64_t value;
        const char *message;
    } rows[] = {
        {4, 1, 1, "it is not for a 64-bit little-endian machine"},
        {5, 1, 2, "it is not for a 64-bit little-endian machine"},
        {16, 2, 1, "it is an object file (.o), not linked yet"},
        {16, 2, 2, "it is a program, not a shared library"},
        {16, 2, 4, "it is not a shared library"},
        {54, 2, 55, "it is damaged: its program headers are wrong in size or number"},
        {56, 2, 0, "it is damaged: its program headers are wrong in size or number"},
        {56, 2, 0xffff, "it is damaged: its program headers are wrong in size or number"},
        {32, 8, 400, "it is cut short: it has 432 bytes of at least 512"},
        {32, 8, UINT64_MAX, "it is cut short: it has 432 bytes of at least 9223372036854775919"},
        {64 + 8, 8, 1, "it is cut short: it has 432 bytes of at least 433"},
        {64 + 8, 8, UINT64_MAX, "it is damaged: a segment has no possible size"},
        {64 + 32, 8, 433, "it is damaged: a segment has no possible size"},
        {64 + 16, 8, UINT64_MAX, "it is damaged: a segment has no possible size"},
        {120, 4, 3, "it is not a shared library (nothing to link)"},
        {120 + 32, 8, 96, "it is damaged: its dynamic section has no end"},
        {120 + 32, 8, 0, "it is damaged: its dynamic section has no end"},
        {176 + 5 * 16 + 8, 8, 0x08000000, "it is a program, not a shared library"},
        {176 + 8, 8, UINT64_MAX, "it does not export 'needle'"},
        {176 + 16 + 8, 8, 3, "it does not export 'needle'"},
        {176 + 32 + 8, 8, UINT64_MAX, "it does not export 'needle'"},
        {312, 4, UINT32_MAX, "it does not export 'needle'"},
        {312 + 4, 1, 0x01, "it does not export 'needle'"}, /* local */
        {312 + 5, 1, 2, "it does not export 'needle'"},    /* hidden */
        {312 + 6, 2, 0, "it does not export 'needle'"},    /* undefined */
        {312 + 16, 8, 15, "it is damaged: what it exports is too small"},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        uint8_t e[TINY_SIZE];
        tiny_elf(e);
        tiny_put(e + rows[i].place, rows[i].value, rows[i].bytes);
        check(e, sizeof e, "needle", rows[i].message);
    }
}

static void one_for_another_machine_is_named(void **state)
{
    (void)state;
    uint8_t e[TINY_SIZE];
    if (!LP_ELF_HERE)
        skip();
    tiny_elf(e);
    tiny_put(e + 18, LP_ELF_HERE == LP_ELF_AARCH64 ? LP_ELF_X86_64 : LP_ELF_AARCH64, 2);
    uint32_t word;
    loop_error *error = look(e, sizeof e, "needle", &word);
    assert_non_null(strstr(loop_error_message(error), "it is for "));
    loop_error_delete(error);
}

/* A copy that was interrupted is no bus error. */
static void one_that_is_cut_short_is_never_whole(void **state)
{
    (void)state;
    uint8_t e[TINY_SIZE];
    tiny_elf(e);
    for (size_t n = 0; n < sizeof e; n++) {
        uint32_t word;
        loop_error *error = look(e, n, "needle", &word);
        assert_int_equal(loop_error_code(error), LOOP_INVALID);
        loop_error_delete(error);
    }
}

/* Bytes that only the loader makes are 0 here: no version, so none that fits. */
static void zeroed_memory_is_zero(void **state)
{
    (void)state;
    uint8_t e[TINY_SIZE];
    uint32_t word = 7;
    tiny_elf(e);
    tiny_put(e + 64 + 40, TINY_SIZE + 64, 8);
    tiny_put(e + 312 + 8, TINY_BASE + TINY_SIZE, 8);
    assert_null(look(e, sizeof e, "needle", &word));
    assert_int_equal(word, 0);
}

static void a_chain_without_end_ends(void **state)
{
    (void)state;
    uint8_t e[TINY_SIZE];
    tiny_elf(e);
    tiny_put(e + 176 + 4 * 16, 99, 8); /* the old table alone ... */
    tiny_put(e + 392 + 12 + 4, 1, 4);  /* ... where 1 follows 1 */
    check(e, sizeof e, "noodle", "it does not export 'noodle'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_word_is_found_in_either_table),
        cmocka_unit_test(what_is_no_library_is_named),
        cmocka_unit_test(a_number_that_is_wrong_is_an_error),
        cmocka_unit_test(one_for_another_machine_is_named),
        cmocka_unit_test(one_that_is_cut_short_is_never_whole),
        cmocka_unit_test(zeroed_memory_is_zero),
        cmocka_unit_test(a_chain_without_end_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
