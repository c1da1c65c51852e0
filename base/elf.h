/*
 * base/elf.h: what a shared library is, told from its file before anything of it is loaded.
 *
 * The system's loader runs a library's constructors before anybody can ask it a question, and
 * ends the process (SIGBUS) on a file that was cut short. So a file is looked at first: is it a
 * library for this machine, is it whole, does it have the symbol that makes it ours, and what
 * number stands at the symbol's place.
 *
 * Reads a few pieces of the file, never all of it; every offset, size and count in it is checked.
 * What it does not do: relocations, versions of symbols, what the library needs; the loader does.
 */
#ifndef LP_ELF_H
#define LP_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop/error.h"

/* The machine that this code was compiled for, as e_machine has it; 0: one that has no name here.
 */
#define LP_ELF_X86_64 62u
#define LP_ELF_AARCH64 183u
#define LP_ELF_RISCV 243u
#if defined(__x86_64__)
#define LP_ELF_HERE LP_ELF_X86_64
#elif defined(__aarch64__)
#define LP_ELF_HERE LP_ELF_AARCH64
#elif defined(__riscv)
#define LP_ELF_HERE LP_ELF_RISCV
#else
#define LP_ELF_HERE 0u
#endif

/* Where the bytes come from: all `n` from `offset`, or false. */
typedef struct lp_elf_source {
    uint64_t size;
    bool (*at)(void *data, uint64_t offset, void *ret, size_t n);
    void *data;
} lp_elf_source;

/*
 * The first four bytes of what `symbol` names, a defined symbol of `size` bytes at least; 0 where
 * these bytes are made when it is loaded. LOOP_INVALID with half a sentence for what the file is
 * instead; LOOP_NOT_FOUND: it has no such symbol.
 */
loop_error *lp_elf_look(const lp_elf_source *file, const char *symbol, size_t size,
                        uint32_t *ret_word) LOOP_MUST_USE;

#endif
