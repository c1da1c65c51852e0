/*
 * hostile MODE [N]: takes what there is of something, N times or until it gets no more, and says
 * how often that was.
 *
 * files: opens the first granted directory's "file" and keeps it; streams: the same, and keeps a
 * stream of each in its place; lists: reads the directory and keeps the list; tokens: resources of
 * the host's; outputs: resources of WASI's; log: entries; bytes: one entry of N bytes; flood: lines
 * of a kilobyte on stdout.
 */
#include "gen/loop.h"
#include "guest.h"

static wasi_filesystem_types_borrow_descriptor_t directory(void)
{
    wasi_filesystem_preopens_list_tuple2_own_descriptor_string_t granted;
    wasi_filesystem_preopens_get_directories(&granted);
    if (granted.len == 0) {
        puts("no directory is granted");
        exit(1);
    }
    return wasi_filesystem_types_borrow_descriptor(granted.ptr[0].f0);
}

/* False: no more; why. */
static bool open_one(bool keep_stream, unsigned *code)
{
    static wasi_filesystem_types_borrow_descriptor_t dir;
    static bool looked;
    if (!looked)
        dir = directory();
    looked = true;
    loop_string_t path = TEXT(loop_string_t, "file");
    wasi_filesystem_types_own_descriptor_t own;
    wasi_filesystem_types_error_code_t why = 0;
    wasi_filesystem_types_own_input_stream_t stream;
    bool ok = wasi_filesystem_types_method_descriptor_open_at(
        dir, 0, &path, 0, WASI_FILESYSTEM_TYPES_DESCRIPTOR_FLAGS_READ, &own, &why);
    *code = why;
    if (ok && keep_stream) {
        ok = wasi_filesystem_types_method_descriptor_read_via_stream(
            wasi_filesystem_types_borrow_descriptor(own), 0, &stream, &why);
        wasi_filesystem_types_descriptor_drop_own(own);
    }
    return ok;
}

static bool list_one(unsigned *code)
{
    static wasi_filesystem_types_borrow_descriptor_t dir;
    static bool looked;
    if (!looked)
        dir = directory();
    looked = true;
    wasi_filesystem_types_own_directory_entry_stream_t entries;
    wasi_filesystem_types_error_code_t why = 0;
    bool ok = wasi_filesystem_types_method_descriptor_read_directory(dir, &entries, &why);
    *code = why;
    return ok;
}

static void log_one(size_t size)
{
    char *text = malloc(size);
    memset(text, 'x', size);
    loop_string_t target = TEXT(loop_string_t, "hostile"), message = {(uint8_t *)text, size};
    loop_core_logging_list_field_t none = {NULL, 0};
    loop_core_logging_log(LOOP_CORE_LOGGING_LEVEL_INFO, &target, &message, &none);
    free(text);
}

static bool one(const char *mode, unsigned *code)
{
    if (strcmp(mode, "files") == 0)
        return open_one(false, code);
    if (strcmp(mode, "streams") == 0)
        return open_one(true, code);
    if (strcmp(mode, "lists") == 0)
        return list_one(code);
    if (strcmp(mode, "tokens") == 0)
        loop_core_cancellation_current();
    else if (strcmp(mode, "outputs") == 0)
        wasi_cli_stdout_get_stdout();
    else if (strcmp(mode, "flood") == 0)
        printf("%01000d\n", 0);
    else
        log_one(10);
    return true;
}

int main(int argc, char **argv)
{
    const char *mode = argument(argc, argv, 1, "log");
    unsigned wanted = (unsigned)atol(argument(argc, argv, 2, "1000000")), got = 0, code = 0;
    if (strcmp(mode, "bytes") == 0) {
        log_one(wanted);
        return 0;
    }
    while (got < wanted && one(mode, &code))
        got++;
    printf("%u", got);
    if (got < wanted)
        printf(", then error %u", code);
    puts("");
    return got < wanted;
}
