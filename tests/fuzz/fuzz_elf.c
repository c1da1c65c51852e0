/*
 * tests/fuzz/fuzz_elf.c: any bytes as a shared library that is looked at.
 *
 * The input is the file itself when it starts as one, else changes to a small one (tiny_elf.h):
 * three bytes each, where (low, high) and what. What must hold: an answer or an error, never a
 * byte outside of the file, and a number of reads that has a limit, whatever the file says.
 */
#include <stdlib.h>

#include "base/base.h"
#include "base/tiny_elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const char *const fuzz_seeds[] = {
    "",
    "\177ELF\2\1\1",
    "!<arch>\n",
    "\x38\1\1",
    "\x61\1\2\x61\1\3\x78\1\xff",
    "\xb0\1\1\x60\1\x10\x61\1\x10\x88\1\xff\x89\1\xff\x8c\1\1",
    NULL,
};

struct file {
    const uint8_t *bytes;
    size_t size;
    unsigned reads;
};

static bool at(void *data, uint64_t offset, void *ret, size_t n)
{
    struct file *f = data;
    if (offset > f->size || n > f->size - offset)
        abort(); /* lp_elf_look has not checked */
    if (++f->reads > 4 * LP_MAX_ELF_CHAIN + LP_MAX_ELF_DYNAMIC + LP_MAX_ELF_SEGMENTS + 64)
        abort();
    memcpy(ret, f->bytes + offset, n);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t tiny[TINY_SIZE];
    struct file f = {data, size, 0};
    if (size < 4 || memcmp(data, "\177ELF", 4) != 0) {
        tiny_elf(tiny);
        for (size_t i = 0; i + 3 <= size; i += 3)
            tiny[(data[i] + 256u * data[i + 1]) % TINY_SIZE] = data[i + 2];
        f.bytes = tiny;
        f.size = size % 3 ? TINY_SIZE - size % TINY_SIZE : TINY_SIZE;
    }
    uint32_t word = 7;
    loop_error *e = lp_elf_look(&(lp_elf_source){f.size, at, &f}, "needle", 16, &word);
    if (e && word != 7)
        abort(); /* outputs are untouched on failure */
    loop_error_delete(e);
    return 0;
}
