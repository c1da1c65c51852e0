/*
 * files OPERATION...: one after the other, on paths as they are given; each prints a line, with
 * what it found or the error code's name.
 *
 *   read P    write P TEXT    cut P (its size becomes 0)    list P    stat P    times P
 *   mkdir P   rmdir P   unlink P   symlink TARGET P   readlink P   link P P   rename P P
 *   enter P          opens a directory and keeps it: `@:x` is a path below it from now on
 *   hold P           opens a file to read and keeps it; `read-held`, `write-held TEXT`
 *   trap             ends here
 *   first P ... then ...   makes the directory P; where it is there already, goes on after `then`
 *   swap P P P P     exchanges the first two by way of the third until the fourth is there
 *   watch P TEXT     reads it until TEXT and a refusal have been seen often, or anything else once
 *
 * A path is DIRECTORY:PATH: the guest's name of a granted directory, and what is handed to the host
 * below it, unseen by wasi-libc, absolute or full of ".." as it may be. "%41" is the byte 0x41.
 */
#include "gen/loop.h"
#include "guest.h"

#include <time.h>

#define F(name) wasi_filesystem_types_##name
#define METHOD(name) wasi_filesystem_types_method_descriptor_##name
#define PATIENCE 20 /* seconds, of a race */
#define OFTEN 100   /* how many times each outcome of one is seen */

typedef F(borrow_descriptor_t) directory;
typedef F(error_code_t) error_code;

struct path {
    directory dir;
    loop_string_t text;
};

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

static F(own_descriptor_t) entered, held;
static char **words;

static _Noreturn void misused(const char *what)
{
    printf("files: %s\n", what);
    exit(2);
}

static const char *next(void)
{
    if (!*words)
        misused("a word is missing");
    return *words++;
}

/* ---- paths ---- */

static directory find(const char *name, size_t n)
{
    static wasi_filesystem_preopens_list_tuple2_own_descriptor_string_t all;
    if (!all.ptr)
        wasi_filesystem_preopens_get_directories(&all);
    if (n == 1 && *name == '@')
        return wasi_filesystem_types_borrow_descriptor(entered);
    for (size_t i = 0; i < all.len; i++)
        if (all.ptr[i].f1.len == n && memcmp(all.ptr[i].f1.ptr, name, n) == 0)
            return wasi_filesystem_types_borrow_descriptor(all.ptr[i].f0);
    printf("%.*s: not granted\n", (int)n, name);
    exit(1);
}

static struct path path(const char *word)
{
    const char *colon = strchr(word, ':');
    if (!colon)
        misused("a path is DIRECTORY:PATH");
    uint8_t *bytes = malloc(strlen(colon));
    size_t n = 0;
    for (const char *p = colon + 1; *p; p++) {
        unsigned byte;
        if (*p == '%' && sscanf(p + 1, "%2x", &byte) == 1) {
            bytes[n++] = (uint8_t)byte;
            p += 2;
        } else {
            bytes[n++] = (uint8_t)*p;
        }
    }
    return (struct path){find(word, (size_t)(colon - word)), {bytes, n}};
}

static bool open_path(struct path p, unsigned how, unsigned flags, F(own_descriptor_t) * ret,
                      error_code *code)
{
    return METHOD(open_at)(p.dir, WASI_FILESYSTEM_TYPES_PATH_FLAGS_SYMLINK_FOLLOW, &p.text,
                           (uint8_t)how, (uint8_t)flags, ret, code);
}

static bool read_start(directory file, char *ret, size_t size, error_code *code)
{
    loop_tuple2_list_u8_bool_t bytes;
    if (!METHOD(read)(file, size - 1, 0, &bytes, code))
        return false;
    memcpy(ret, bytes.f0.ptr, bytes.f0.len);
    ret[bytes.f0.len] = 0;
    ret[strcspn(ret, "\n")] = 0;
    loop_list_u8_free(&bytes.f0);
    return true;
}

/* ---- operations: what one prints, or false and an error ---- */

static bool read_file(char *ret, size_t size, error_code *code)
{
    F(own_descriptor_t) own;
    if (!open_path(path(next()), 0, WASI_FILESYSTEM_TYPES_DESCRIPTOR_FLAGS_READ, &own, code))
        return false;
    bool ok = read_start(wasi_filesystem_types_borrow_descriptor(own), ret, size, code);
    wasi_filesystem_types_descriptor_drop_own(own);
    return ok;
}

static bool write_to(directory file, const char *text, error_code *code)
{
    uint64_t written;
    loop_list_u8_t bytes = {(uint8_t *)text, strlen(text)};
    return METHOD(write)(file, &bytes, 0, &written, code);
}

static bool write_file(char *ret, size_t size, error_code *code)
{
    F(own_descriptor_t) own;
    struct path p = path(next());
    const char *text = next();
    snprintf(ret, size, "written");
    if (!open_path(p, WASI_FILESYSTEM_TYPES_OPEN_FLAGS_CREATE,
                   WASI_FILESYSTEM_TYPES_DESCRIPTOR_FLAGS_WRITE, &own, code))
        return false;
    bool ok = write_to(wasi_filesystem_types_borrow_descriptor(own), text, code);
    wasi_filesystem_types_descriptor_drop_own(own);
    return ok;
}

/* Without a flag that says so: what is opened to read must not be written. */
static bool cut(char *ret, size_t size, error_code *code)
{
    F(own_descriptor_t) own;
    snprintf(ret, size, "cut");
    if (!open_path(path(next()), 0, WASI_FILESYSTEM_TYPES_DESCRIPTOR_FLAGS_READ, &own, code))
        return false;
    bool ok = METHOD(set_size)(wasi_filesystem_types_borrow_descriptor(own), 0, code);
    wasi_filesystem_types_descriptor_drop_own(own);
    return ok;
}

static bool list(char *ret, size_t size, error_code *code)
{
    F(own_descriptor_t) own;
    F(own_directory_entry_stream_t) stream;
    F(option_directory_entry_t) entry;
    size_t count = 0;
    if (!open_path(path(next()), WASI_FILESYSTEM_TYPES_OPEN_FLAGS_DIRECTORY,
                   WASI_FILESYSTEM_TYPES_DESCRIPTOR_FLAGS_READ, &own, code) ||
        !METHOD(read_directory)(wasi_filesystem_types_borrow_descriptor(own), &stream, code))
        return false;
    while (wasi_filesystem_types_method_directory_entry_stream_read_directory_entry(
               wasi_filesystem_types_borrow_directory_entry_stream(stream), &entry, code) &&
           entry.is_some)
        count++;
    snprintf(ret, size, "%zu names", count);
    return true;
}

static bool stat_path(char *ret, size_t size, error_code *code)
{
    F(descriptor_stat_t) found;
    struct path p = path(next());
    if (!METHOD(stat_at)(p.dir, WASI_FILESYSTEM_TYPES_PATH_FLAGS_SYMLINK_FOLLOW, &p.text, &found,
                         code))
        return false;
    snprintf(ret, size, "%llu bytes", (unsigned long long)found.size);
    return true;
}

static bool times(char *ret, size_t size, error_code *code)
{
    F(new_timestamp_t) now = {.tag = WASI_FILESYSTEM_TYPES_NEW_TIMESTAMP_NOW};
    struct path p = path(next());
    snprintf(ret, size, "set");
    return METHOD(set_times_at)(p.dir, 0, &p.text, &now, &now, code);
}

static bool mkdir_path(char *ret, size_t size, error_code *code)
{
    struct path p = path(next());
    snprintf(ret, size, "made");
    return METHOD(create_directory_at)(p.dir, &p.text, code);
}

static bool rmdir_path(char *ret, size_t size, error_code *code)
{
    struct path p = path(next());
    snprintf(ret, size, "gone");
    return METHOD(remove_directory_at)(p.dir, &p.text, code);
}

static bool unlink_path(char *ret, size_t size, error_code *code)
{
    struct path p = path(next());
    snprintf(ret, size, "gone");
    return METHOD(unlink_file_at)(p.dir, &p.text, code);
}

static bool symlink_path(char *ret, size_t size, error_code *code)
{
    const char *target = next();
    loop_string_t text = TEXT(loop_string_t, target);
    struct path p = path(next());
    snprintf(ret, size, "made");
    return METHOD(symlink_at)(p.dir, &text, &p.text, code);
}

static bool readlink_path(char *ret, size_t size, error_code *code)
{
    loop_string_t found;
    struct path p = path(next());
    if (!METHOD(readlink_at)(p.dir, &p.text, &found, code))
        return false;
    snprintf(ret, size, "%.*s", (int)found.len, (const char *)found.ptr);
    return true;
}

static bool link_path(char *ret, size_t size, error_code *code)
{
    struct path from = path(next()), to = path(next());
    snprintf(ret, size, "made");
    return METHOD(link_at)(from.dir, 0, &from.text, to.dir, &to.text, code);
}

static bool rename_path(char *ret, size_t size, error_code *code)
{
    struct path from = path(next()), to = path(next());
    snprintf(ret, size, "moved");
    return METHOD(rename_at)(from.dir, &from.text, to.dir, &to.text, code);
}

static bool enter(char *ret, size_t size, error_code *code)
{
    snprintf(ret, size, "entered");
    return open_path(path(next()), WASI_FILESYSTEM_TYPES_OPEN_FLAGS_DIRECTORY,
                     WASI_FILESYSTEM_TYPES_DESCRIPTOR_FLAGS_READ, &entered, code);
}

static bool hold(char *ret, size_t size, error_code *code)
{
    snprintf(ret, size, "held");
    return open_path(path(next()), 0, WASI_FILESYSTEM_TYPES_DESCRIPTOR_FLAGS_READ, &held, code);
}

static bool read_held(char *ret, size_t size, error_code *code)
{
    return read_start(wasi_filesystem_types_borrow_descriptor(held), ret, size, code);
}

static bool write_held(char *ret, size_t size, error_code *code)
{
    snprintf(ret, size, "written");
    return write_to(wasi_filesystem_types_borrow_descriptor(held), next(), code);
}

static bool trap(char *ret, size_t size, error_code *code)
{
    (void)ret, (void)size, (void)code;
    fflush(NULL);
    __builtin_trap();
}

static bool first(char *ret, size_t size, error_code *code)
{
    struct path p = path(*words);
    F(descriptor_stat_t) found;
    if (!METHOD(stat_at)(p.dir, 0, &p.text, &found, code))
        return mkdir_path(ret, size, code);
    while (*words && strcmp(*words, "then") != 0)
        words++;
    snprintf(ret, size, "was there");
    return true;
}

/* ---- races ---- */

static bool swap(char *ret, size_t size, error_code *code)
{
    struct path a = path(next()), b = path(next()), c = path(next()), stop = path(next());
    F(descriptor_stat_t) found;
    unsigned rounds = 0;
    for (time_t end = time(NULL) + PATIENCE; time(NULL) < end; rounds++) {
        if (rounds % 64 == 0 && METHOD(stat_at)(stop.dir, 0, &stop.text, &found, code))
            break;
        if (!METHOD(rename_at)(a.dir, &a.text, c.dir, &c.text, code) ||
            !METHOD(rename_at)(b.dir, &b.text, a.dir, &a.text, code) ||
            !METHOD(rename_at)(c.dir, &c.text, b.dir, &b.text, code))
            return false;
    }
    snprintf(ret, size, rounds > OFTEN ? "often" : "too seldom");
    return true;
}

static bool watch(char *ret, size_t size, error_code *code)
{
    struct path p = path(next());
    const char *wanted = next();
    unsigned inside = 0, refused = 0;
    for (time_t end = time(NULL) + PATIENCE;
         time(NULL) < end && (inside < OFTEN || refused < OFTEN);) {
        F(own_descriptor_t) own;
        if (!open_path(p, 0, WASI_FILESYSTEM_TYPES_DESCRIPTOR_FLAGS_READ, &own, code)) {
            refused += *code == WASI_FILESYSTEM_TYPES_ERROR_CODE_NOT_PERMITTED;
            continue;
        }
        bool ok = read_start(wasi_filesystem_types_borrow_descriptor(own), ret, size, code);
        wasi_filesystem_types_descriptor_drop_own(own);
        if (ok && strcmp(ret, wanted) != 0)
            return true; /* what it is, is printed */
        inside += ok;
    }
    snprintf(ret, size, "%s, refused %s, nothing else", inside >= OFTEN ? wanted : "seldom inside",
             refused >= OFTEN ? "often" : "seldom");
    return true;
}

/* ---- all of them ---- */

static const struct {
    const char *name;
    bool (*run)(char *ret, size_t size, error_code *code);
} operations[] = {
    {"read", read_file},
    {"write", write_file},
    {"cut", cut},
    {"list", list},
    {"stat", stat_path},
    {"times", times},
    {"mkdir", mkdir_path},
    {"rmdir", rmdir_path},
    {"unlink", unlink_path},
    {"symlink", symlink_path},
    {"readlink", readlink_path},
    {"link", link_path},
    {"rename", rename_path},
    {"enter", enter},
    {"hold", hold},
    {"read-held", read_held},
    {"write-held", write_held},
    {"trap", trap},
    {"first", first},
    {"swap", swap},
    {"watch", watch},
};

static void run(const char *name)
{
    char shown[256] = "";
    error_code code = 0;
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        if (strcmp(operations[i].name, name) != 0)
            continue;
        const char *about = *words ? *words : "";
        bool ok = operations[i].run(shown, sizeof shown, &code);
        printf("%s %s: %s\n", name, about,
               ok                                                ? shown
               : code < sizeof error_names / sizeof *error_names ? error_names[code]
                                                                 : "?");
        fflush(stdout);
        return;
    }
    misused(name);
}

int main(int argc, char **argv)
{
    (void)argc;
    words = argv + 1;
    while (*words)
        if (strcmp(*words, "then") == 0)
            words++;
        else
            run(next());
    return 0;
}
