/*
 * tests/fuzz/fuzz_component.c: any bytes as a component: reading its types.
 *
 * What must hold: an answer or an error, never a crash; every text of a row is
 * UTF-8 and inside the row's memory.
 */
#include <stdint.h>
#include <stdlib.h>

#include "engine/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const char *const fuzz_seeds[] = {
    /* NUL bytes end a C string: the target puts the magic in front itself. */
    "",
    "\x07\x05\x01\x42\x02\x04\x40",
    "\x0a\x10\x01\x01\x0b"
    "wasi:cli/run",
    /* A section that claims 4 GiB: it once made the reader ask for that much memory. */
    "\x01\xfe\xff\xff\xff\x0a",
    NULL,
};

static void on_row(void *data, const lpx_row *row)
{
    (void)data;
    const lpx_text *texts[] = {&row->interface_name, &row->function, &row->signature};
    for (size_t i = 0; i < 3; i++)
        if (!lp_utf8_valid(texts[i]->ptr, texts[i]->len))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t magic[8] = {0, 'a', 's', 'm', 0x0d, 0, 1, 0};
    uint8_t *wasm = lp_alloc(size + sizeof magic);
    memcpy(wasm, magic, sizeof magic);
    if (size)
        memcpy(wasm + sizeof magic, data, size);
    loop_error *err = lp_check_sections("fuzz", wasm, size + sizeof magic);
    wasmtime_error_t *e = err ? NULL : lpx_describe(wasm, size + sizeof magic, on_row, NULL);
    if (e)
        free(lp_error_text(e));
    loop_error_delete(err);
    free(wasm);
    return 0;
}
