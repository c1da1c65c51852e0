/*
 * open PATH [r|w|create|dir|mkdir|unlink|symlink]: one operation on a path, as it is given.
 *
 * Goes past wasi-libc, which would refuse most hostile paths on its own: PATH
 * is handed to the host relative to the first granted directory, absolute or
 * full of ".." as it may be. Prints "ok" and the first bytes, or the error
 * code's name.
 */
#include "gen/loop.h"
#include "guest.h"

static const char *const error_names[] = {
    "access",
    "would-block",
    "already",
    "bad-descriptor",
    "busy",
    "deadlock",
    "quota",
    "exist",
    "file-too-large",
    "illegal-byte-sequence",
    "in-progress",
    "interrupted",
    "invalid",
    "io",
    "is-directory",
    "loop",
    "too-many-links",
    "message-size",
    "name-too-long",
    "no-device",
    "no-entry",
    "no-lock",
    "insufficient-memory",
    "insufficient-space",
    "not-directory",
    "not-empty",
    "not-recoverable",
    "unsupported",
    "no-tty",
    "no-such-device",
    "overflow",
    "not-permitted",
    "pipe",
    "read-only",
    "invalid-seek",
    "text-file-busy",
    "cross-device",
};

static int failed(const char *what, unsigned code)
{
    printf("%s: %s\n", what,
           code < sizeof error_names / sizeof *error_names ? error_names[code] : "?");
    return 1;
}

static int print_start(wasi_filesystem_types_borrow_descriptor_t file)
{
    wasi_filesystem_types_error_code_t code;
    loop_tuple2_list_u8_bool_t bytes;
    if (!wasi_filesystem_types_method_descriptor_read(file, 64, 0, &bytes, &code))
        return failed("read", code);
    printf("ok: %.*s\n", (int)strcspn((char *)bytes.f0.ptr, "\n"), (char *)bytes.f0.ptr);
    return 0;
}

static int write_something(wasi_filesystem_types_borrow_descriptor_t file)
{
    wasi_filesystem_types_error_code_t code;
    uint64_t written;
    loop_list_u8_t bytes = {(uint8_t *)"written\n", 8};
    if (!wasi_filesystem_types_method_descriptor_write(file, &bytes, 0, &written, &code))
        return failed("write", code);
    puts("ok: written");
    return 0;
}

int main(int argc, char **argv)
{
    const char *mode = argument(argc, argv, 2, "r");
    if (argc < 2) {
        fprintf(stderr, "usage: open PATH [r|w|create|dir|mkdir|unlink|symlink]\n");
        return 1;
    }
    wasi_filesystem_preopens_list_tuple2_own_descriptor_string_t granted;
    wasi_filesystem_preopens_get_directories(&granted);
    if (granted.len == 0) {
        puts("no directory is granted");
        return 1;
    }
    wasi_filesystem_types_borrow_descriptor_t dir =
        wasi_filesystem_types_borrow_descriptor(granted.ptr[0].f0);
    loop_string_t path = TEXT(loop_string_t, argv[1]);
    wasi_filesystem_types_error_code_t code;
    bool ok = true;
    if (strcmp(mode, "mkdir") == 0)
        ok = wasi_filesystem_types_method_descriptor_create_directory_at(dir, &path, &code);
    else if (strcmp(mode, "unlink") == 0)
        ok = wasi_filesystem_types_method_descriptor_unlink_file_at(dir, &path, &code);
    else if (strcmp(mode, "symlink") == 0) {
        loop_string_t link = TEXT(loop_string_t, "link");
        ok = wasi_filesystem_types_method_descriptor_symlink_at(dir, &path, &link, &code);
    } else {
        bool write = *mode == 'w' || *mode == 'c';
        wasi_filesystem_types_open_flags_t open =
            *mode == 'c'   ? WASI_FILESYSTEM_TYPES_OPEN_FLAGS_CREATE
            : *mode == 'd' ? WASI_FILESYSTEM_TYPES_OPEN_FLAGS_DIRECTORY
                           : 0;
        wasi_filesystem_types_own_descriptor_t own;
        if (!wasi_filesystem_types_method_descriptor_open_at(
                dir, WASI_FILESYSTEM_TYPES_PATH_FLAGS_SYMLINK_FOLLOW, &path, open,
                write ? WASI_FILESYSTEM_TYPES_DESCRIPTOR_FLAGS_WRITE
                      : WASI_FILESYSTEM_TYPES_DESCRIPTOR_FLAGS_READ,
                &own, &code))
            return failed("open", code);
        wasi_filesystem_types_borrow_descriptor_t file =
            wasi_filesystem_types_borrow_descriptor(own);
        if (*mode != 'd')
            return write ? write_something(file) : print_start(file);
    }
    if (!ok)
        return failed(mode, code);
    puts("ok");
    return 0;
}
