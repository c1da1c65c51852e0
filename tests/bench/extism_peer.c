/*
 * tests/bench/extism_peer.c: the peer of `make bench` on Extism's C SDK, with
 * the plugin tests/guests/wat/bench-extism.wat. What it reads and prints: peer.h.
 *
 * Extism has numbers and blocks of bytes: a text and bytes are read where they
 * lie, rows are decoded into structs, every text is checked to be UTF-8, as a
 * component's are. It has no typed functions of the guest: those rows are left
 * out. tools/setup/bench-peers.sh installs the library and builds this against
 * it; its package has no header, so what is used is declared here.
 */
#include "peer.h"

#include <stdbool.h>

/* ---- of extism.h ---- */

typedef struct ExtismCurrentPlugin ExtismCurrentPlugin;
typedef struct ExtismFunction ExtismFunction;
typedef struct ExtismPlugin ExtismPlugin;

enum { EXTISM_I64 = 1 };

typedef struct ExtismVal {
    int t; /* EXTISM_I64 */
    union {
        int32_t i32;
        int64_t i64;
        float f32;
        double f64;
    } v;
} ExtismVal;

typedef void host_function(ExtismCurrentPlugin *plugin, const ExtismVal *args, uint64_t arg_count,
                           ExtismVal *results, uint64_t result_count, void *data);

uint8_t *extism_current_plugin_memory(ExtismCurrentPlugin *plugin);
uint64_t extism_current_plugin_memory_length(ExtismCurrentPlugin *plugin, uint64_t block);
ExtismFunction *extism_function_new(const char *name, const int *args, uint64_t arg_count,
                                    const int *results, uint64_t result_count, host_function *call,
                                    void *data, void (*free_data)(void *data));
void extism_function_free(ExtismFunction *f);
ExtismPlugin *extism_plugin_new(const uint8_t *wasm, uint64_t len, const ExtismFunction **functions,
                                uint64_t function_count, bool wasi, char **ret_error);
void extism_plugin_free(ExtismPlugin *plugin);
int32_t extism_plugin_call(ExtismPlugin *plugin, const char *name, const uint8_t *input,
                           uint64_t input_len);
const char *extism_plugin_error(ExtismPlugin *plugin);
const uint8_t *extism_plugin_output_data(ExtismPlugin *plugin);
uint64_t extism_plugin_output_length(ExtismPlugin *plugin);

/* ---- the host's functions ---- */

#define MAX_ROWS 1000

struct row {
    uint32_t x;
    float y;
    const char *name;
    size_t name_len;
};

static struct row decoded[MAX_ROWS];

static const uint8_t *block(ExtismCurrentPlugin *plugin, const ExtismVal *arg, size_t *ret_len)
{
    uint64_t at = (uint64_t)arg->v.i64;
    *ret_len = extism_current_plugin_memory_length(plugin, at);
    return extism_current_plugin_memory(plugin) + at;
}

/* How long the character at p is; 0 where none is. ASCII came before. */
static size_t utf8_char(const uint8_t *p, size_t left)
{
    size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || len > left)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool outside = (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf4 && p[1] > 0x8f);
    return overlong || outside ? 0 : len;
}

static bool is_utf8(const uint8_t *p, size_t len)
{
    for (size_t at = 0; at < len;) {
        uint64_t word;
        if (len - at >= sizeof word) {
            memcpy(&word, p + at, sizeof word);
            if (!(word & 0x8080808080808080u)) {
                at += sizeof word;
                continue;
            }
        }
        size_t step = p[at] < 0x80 ? 1 : utf8_char(p + at, len - at);
        if (step == 0)
            return false;
        at += step;
    }
    return true;
}

static void host_add(ExtismCurrentPlugin *plugin, const ExtismVal *args, uint64_t arg_count,
                     ExtismVal *results, uint64_t result_count, void *data)
{
    results[0].v.i64 = args[0].v.i64 + args[1].v.i64;
}

static void host_text(ExtismCurrentPlugin *plugin, const ExtismVal *args, uint64_t arg_count,
                      ExtismVal *results, uint64_t result_count, void *data)
{
    size_t len;
    const uint8_t *text = block(plugin, &args[0], &len);
    results[0].v.i64 = is_utf8(text, len) ? bench_size_and_last(text, len) : 0;
}

static void host_bytes(ExtismCurrentPlugin *plugin, const ExtismVal *args, uint64_t arg_count,
                       ExtismVal *results, uint64_t result_count, void *data)
{
    size_t len;
    const uint8_t *bytes = block(plugin, &args[0], &len);
    results[0].v.i64 = bench_size_and_last(bytes, len);
}

/* How many rows; none where they are not as bench-extism.wat encodes them. */
static size_t decode(const uint8_t *p, size_t len)
{
    size_t count = 0;
    for (const uint8_t *end = p + len; p < end; count++) {
        uint32_t name_len;
        struct row *row = &decoded[count];
        if (count == MAX_ROWS || end - p < 12)
            return 0;
        memcpy(&row->x, p, 4);
        memcpy(&row->y, p + 4, 4);
        memcpy(&name_len, p + 8, 4);
        p += 12;
        if (name_len > (size_t)(end - p) || !is_utf8(p, name_len))
            return 0;
        row->name = (const char *)p;
        row->name_len = name_len;
        p += name_len;
    }
    return count;
}

static void host_rows(ExtismCurrentPlugin *plugin, const ExtismVal *args, uint64_t arg_count,
                      ExtismVal *results, uint64_t result_count, void *data)
{
    size_t len;
    const uint8_t *encoded = block(plugin, &args[0], &len);
    size_t count = decode(encoded, len);
    uint32_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += decoded[i].x + (uint32_t)decoded[i].y +
               bench_size_and_last(decoded[i].name, decoded[i].name_len);
    results[0].v.i64 = sum;
}

static ExtismPlugin *open_plugin(const char *path)
{
    static const int numbers[] = {EXTISM_I64, EXTISM_I64};
    const ExtismFunction *functions[] = {
        extism_function_new("add", numbers, 2, numbers, 1, host_add, NULL, NULL),
        extism_function_new("text", numbers, 1, numbers, 1, host_text, NULL, NULL),
        extism_function_new("bytes", numbers, 1, numbers, 1, host_bytes, NULL, NULL),
        extism_function_new("rows", numbers, 1, numbers, 1, host_rows, NULL, NULL),
    };
    size_t len;
    uint8_t *wasm = bench_read_file(path, &len);
    char *error = NULL;
    ExtismPlugin *plugin = extism_plugin_new(wasm, len, functions, 4, false, &error);
    if (!plugin)
        bench_fail(path, error ? error : "cannot be loaded");
    for (size_t i = 0; i < 4; i++)
        extism_function_free((ExtismFunction *)functions[i]);
    free(wasm);
    return plugin;
}

static uint32_t run(void *data, const bench_row *row, uint32_t n)
{
    static const char *const names[] = {"run-scalar", "run-text", "run-bytes", "run-rows"};
    ExtismPlugin *plugin = data;
    uint32_t input[2] = {n, row->size};
    uint64_t sum;
    if (extism_plugin_call(plugin, names[row->call], (const uint8_t *)input, sizeof input))
        bench_fail(row->name, extism_plugin_error(plugin));
    if (extism_plugin_output_length(plugin) != sizeof sum)
        bench_fail(row->name, "the plugin left no answer");
    memcpy(&sum, extism_plugin_output_data(plugin), sizeof sum);
    return (uint32_t)sum;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: extism_peer PLUGIN\n", stderr);
        return 2;
    }
    ExtismPlugin *plugin = open_plugin(argv[1]);
    int status = bench_serve(run, plugin, 1u << BENCH_GUEST_SCALAR | 1u << BENCH_GUEST_TEXT);
    extism_plugin_free(plugin);
    return status;
}
