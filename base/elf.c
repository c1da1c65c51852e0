/*
 * base/elf.c: implements base/elf.h: 64-bit ELF, little-endian, as the System V ABI has it.
 *
 * Everything is found as the loader finds it, through the program headers and the dynamic
 * section: section headers may be stripped. A symbol is looked up in the GNU hash table, else in
 * the old one. Numbers of the file are 64 bits here and compared before they are added up.
 */
#include "base/elf.h"

#include <stdlib.h>

#include "base/base.h"

#define HEADER 64
#define SEGMENT 56 /* a program header */
#define SYMBOL 24
#define TYPE_LIBRARY 3
#define SEGMENT_LOAD 1
#define SEGMENT_DYNAMIC 2
#define PIE 0x08000000u

enum { TAG_NULL, TAG_HASH = 4, TAG_STRINGS = 5, TAG_SYMBOLS = 6, TAG_STRINGS_SIZE = 10 };
#define TAG_GNU_HASH 0x6ffffef5u
#define TAG_FLAGS_1 0x6ffffffbu

typedef struct segment {
    uint32_t type;
    uint64_t offset, address, in_file, in_memory;
} segment;

typedef struct elf {
    const lp_elf_source *file;
    segment *segments;
    size_t count;
    uint64_t strings, strings_size, symbols, hash, gnu_hash; /* addresses; 0: none */
    uint64_t flags;
} elf;

/* ---- pieces ---- */

static uint64_t number(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    while (n--)
        v = v << 8 | p[n];
    return v;
}

static bool read_at(const elf *e, uint64_t offset, void *ret, size_t n)
{
    uint64_t size = e->file->size;
    return offset <= size && n <= size - offset && e->file->at(e->file->data, offset, ret, n);
}

/* The same by address; false where that is not in the file. */
static bool read_mapped(const elf *e, uint64_t address, void *ret, size_t n)
{
    for (size_t i = 0; i < e->count; i++) {
        const segment *s = &e->segments[i];
        uint64_t at = address - s->address;
        if (s->type == SEGMENT_LOAD && address >= s->address && at <= s->in_file &&
            n <= s->in_file - at)
            return read_at(e, s->offset + at, ret, n);
    }
    return false;
}

/* `index` times `size` behind `address`; false where there is nothing. */
static bool read_row(const elf *e, uint64_t address, uint64_t index, void *ret, size_t size)
{
    return index <= LP_MAX_ELF_SYMBOLS && address <= UINT64_MAX / 2 &&
           read_mapped(e, address + index * size, ret, size);
}

static bool read_word(const elf *e, uint64_t address, uint64_t index, uint64_t *ret)
{
    uint8_t bytes[4];
    if (!read_row(e, address, index, bytes, sizeof bytes))
        return false;
    *ret = number(bytes, sizeof bytes);
    return true;
}

/* ---- what the file is ---- */

/* For a file that is no ELF: what people name by mistake. */
static const char *other_kind(const uint8_t *head)
{
    if (memcmp(head, "\0asm", 4) == 0)
        return "it is WebAssembly, not a shared library";
    if (memcmp(head, "!<ar", 4) == 0)
        return "it is a static library (.a), not a shared one (.so)";
    return "it is not a shared library (no ELF file)";
}

static const char *machine_name(uint64_t machine)
{
    return machine == LP_ELF_X86_64    ? "x86-64"
           : machine == LP_ELF_AARCH64 ? "aarch64"
           : machine == LP_ELF_RISCV   ? "riscv64"
                                       : "another machine";
}

static loop_error *check_header(const uint8_t *h)
{
    uint64_t type = number(h + 16, 2), machine = number(h + 18, 2);
    if (memcmp(h, "\177ELF", 4) != 0)
        return loop_error_new(LOOP_INVALID, "%s", other_kind(h));
    if (h[4] != 2 || h[5] != 1 || h[6] != 1)
        return loop_error_new(LOOP_INVALID, "it is not for a 64-bit little-endian machine");
    if (LP_ELF_HERE && machine != LP_ELF_HERE)
        return loop_error_new(LOOP_INVALID, "it is for %s, and this is %s", machine_name(machine),
                              machine_name(LP_ELF_HERE));
    if (type != TYPE_LIBRARY)
        return loop_error_new(LOOP_INVALID, "%s",
                              type == 1   ? "it is an object file (.o), not linked yet"
                              : type == 2 ? "it is a program, not a shared library"
                                          : "it is not a shared library");
    return NULL;
}

static loop_error *cut_short(uint64_t size, uint64_t wanted)
{
    return loop_error_new(LOOP_INVALID, "it is cut short: it has %llu bytes of at least %llu",
                          (unsigned long long)size, (unsigned long long)wanted);
}

static loop_error *damaged(const char *what)
{
    return loop_error_new(LOOP_INVALID, "it is damaged: %s", what);
}

/* The program headers; what the loader would map must be there. */
static loop_error *read_segments(elf *e, const uint8_t *header)
{
    uint64_t at = number(header + 32, 8), count = number(header + 56, 2);
    if (number(header + 54, 2) != SEGMENT || !count || count > LP_MAX_ELF_SEGMENTS)
        return damaged("its program headers are wrong in size or number");
    e->segments = lp_alloc(count * sizeof *e->segments);
    e->count = count;
    for (size_t i = 0; i < count; i++) {
        uint8_t p[SEGMENT];
        segment *s = &e->segments[i];
        if (at > e->file->size || !read_at(e, at + i * SEGMENT, p, sizeof p))
            return cut_short(e->file->size, LP_MIN(at, UINT64_MAX / 2) + count * SEGMENT);
        *s = (segment){(uint32_t)number(p, 4), number(p + 8, 8), number(p + 16, 8),
                       number(p + 32, 8), number(p + 40, 8)};
        if (s->type != SEGMENT_LOAD && s->type != SEGMENT_DYNAMIC)
            continue;
        if (s->in_file > s->in_memory || s->in_memory > UINT64_MAX - s->address ||
            s->in_file > UINT64_MAX - s->offset)
            return damaged("a segment has no possible size");
        if (s->offset + s->in_file > e->file->size)
            return cut_short(e->file->size, s->offset + s->in_file);
    }
    return NULL;
}

static loop_error *read_dynamic(elf *e)
{
    const segment *d = NULL;
    for (size_t i = 0; i < e->count && !d; i++)
        if (e->segments[i].type == SEGMENT_DYNAMIC)
            d = &e->segments[i];
    if (!d)
        return loop_error_new(LOOP_INVALID, "it is not a shared library (nothing to link)");
    uint64_t count = d->in_file / 16;
    for (uint64_t i = 0; i < count && i < LP_MAX_ELF_DYNAMIC; i++) {
        uint8_t p[16];
        if (!read_at(e, d->offset + i * 16, p, sizeof p))
            break;
        uint64_t tag = number(p, 8), value = number(p + 8, 8);
        if (tag == TAG_NULL)
            return NULL;
        uint64_t *to = tag == TAG_STRINGS        ? &e->strings
                       : tag == TAG_STRINGS_SIZE ? &e->strings_size
                       : tag == TAG_SYMBOLS      ? &e->symbols
                       : tag == TAG_HASH         ? &e->hash
                       : tag == TAG_GNU_HASH     ? &e->gnu_hash
                       : tag == TAG_FLAGS_1      ? &e->flags
                                                 : NULL;
        if (to)
            *to = value;
    }
    return damaged("its dynamic section has no end");
}

/* ---- symbols ---- */

/* Whether symbol `index` is a defined, visible object of that name; its address and size. */
static bool is_symbol(const elf *e, uint64_t index, const char *name, uint64_t *ret_address,
                      uint64_t *ret_size)
{
    uint8_t p[SYMBOL];
    char text[LP_MAX_NAME];
    size_t len = strlen(name) + 1;
    if (len > sizeof text || !read_row(e, e->symbols, index, p, sizeof p))
        return false;
    uint64_t at = number(p, 4), bind = p[4] >> 4, visible = p[5] & 3;
    if (at >= e->strings_size || len > e->strings_size - at || e->strings > UINT64_MAX / 2 ||
        !read_mapped(e, e->strings + at, text, len) || memcmp(text, name, len) != 0)
        return false;
    if ((bind != 1 && bind != 2) || (visible != 0 && visible != 3) || !number(p + 6, 2))
        return false; /* local, hidden, or somebody else's */
    *ret_address = number(p + 8, 8);
    *ret_size = number(p + 16, 8);
    return true;
}

/* | buckets n | first | words of the filter w | shift | filter 8w | n buckets | chains ... | */
static bool find_gnu(const elf *e, const char *name, uint64_t *ret_address, uint64_t *ret_size)
{
    uint64_t buckets, first, words, index, link = 0;
    uint32_t h = 5381;
    for (const char *p = name; *p; p++)
        h = h * 33 + (uint8_t)*p;
    if (!read_word(e, e->gnu_hash, 0, &buckets) || !read_word(e, e->gnu_hash, 1, &first) ||
        !read_word(e, e->gnu_hash, 2, &words) || !buckets || buckets > LP_MAX_ELF_SYMBOLS ||
        words > LP_MAX_ELF_SYMBOLS)
        return false;
    uint64_t table = e->gnu_hash + 16 + words * 8;
    if (!read_word(e, table, h % buckets, &index))
        return false;
    /* The last of a chain has its lowest bit set. */
    for (size_t steps = 0; index >= first && !(link & 1) && steps < LP_MAX_ELF_CHAIN; index++) {
        if (!read_word(e, table + buckets * 4, index - first, &link))
            return false;
        if ((link | 1) == (h | 1) && is_symbol(e, index, name, ret_address, ret_size))
            return true;
        steps++;
    }
    return false;
}

/* | buckets n | chains m | n buckets | m chains |, which end with 0 */
static bool find_old(const elf *e, const char *name, uint64_t *ret_address, uint64_t *ret_size)
{
    uint64_t buckets, index;
    uint32_t h = 0;
    for (const char *p = name; *p; p++) {
        h = (h << 4) + (uint8_t)*p;
        h = (h ^ (h >> 24 & 0xf0)) & 0x0fffffff;
    }
    if (!read_word(e, e->hash, 0, &buckets) || !buckets || buckets > LP_MAX_ELF_SYMBOLS ||
        !read_word(e, e->hash, 2 + h % buckets, &index))
        return false;
    for (size_t steps = 0; index && steps < LP_MAX_ELF_CHAIN; steps++) {
        if (is_symbol(e, index, name, ret_address, ret_size))
            return true;
        if (!read_word(e, e->hash, 2 + buckets + index, &index))
            return false;
    }
    return false;
}

/* ---- all of it ---- */

static loop_error *look(elf *e, const char *symbol, size_t size, uint32_t *ret_word)
{
    uint8_t header[HEADER] = {0}, word[4] = {0};
    uint64_t address = 0, has = 0;
    size_t n = (size_t)LP_MIN(e->file->size, (uint64_t)HEADER);
    if (!n)
        return loop_error_new(LOOP_INVALID, "it is empty");
    if (!read_at(e, 0, header, n))
        return loop_error_new(LOOP_IO, "it cannot be read");
    if (n < HEADER && memcmp(header, "\177ELF", 4) == 0)
        return cut_short(n, HEADER);
    LP_TRY(check_header(header));
    LP_TRY(read_segments(e, header));
    LP_TRY(read_dynamic(e));
    if (e->flags & PIE)
        return loop_error_new(LOOP_INVALID, "it is a program, not a shared library");
    bool found = (e->gnu_hash && find_gnu(e, symbol, &address, &has)) ||
                 (e->hash && find_old(e, symbol, &address, &has));
    if (!found)
        return loop_error_new(LOOP_NOT_FOUND, "it does not export '%s'", symbol);
    if (has < size)
        return damaged("what it exports is too small");
    if (!read_mapped(e, address, word, sizeof word))
        memset(word, 0, sizeof word); /* zeroed memory, or none */
    *ret_word = (uint32_t)number(word, sizeof word);
    return NULL;
}

loop_error *lp_elf_look(const lp_elf_source *file, const char *symbol, size_t size,
                        uint32_t *ret_word)
{
    elf e = {.file = file};
    loop_error *error = look(&e, symbol, size, ret_word);
    free(e.segments);
    return error;
}
