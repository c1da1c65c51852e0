/*
 * base/os/os.h: everything that loop asks of the operating system.
 *
 * One file a system implements it (os_posix.c), so that no other folder
 * includes a system header for files, clocks, threads or names of the network.
 * Paths are bytes with '/' between names. What is "malloced" is the caller's,
 * for free() or loop_free.
 *
 * Failures are errors where a person must hear why, and NULL or false where
 * "it is not there" is all that there is to know. Outputs are untouched on
 * failure. Every function may be called from any thread.
 */
#ifndef LP_OS_H
#define LP_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop/error.h"

/* ---- files ---- */

/*
 * The whole of a regular file of at most `max` bytes, symbolic links followed,
 * with a zero byte behind the last one (not counted). Errors carry the path and
 * a cause: LOOP_NOT_FOUND (nothing there), LOOP_LIMIT (over `max`), LOOP_IO (a
 * directory or device, no permission, a failed read).
 */
loop_error *lp_os_read_file(const char *path, size_t max, uint8_t **ret_bytes,
                            size_t *ret_len) LOOP_MUST_USE;

/*
 * Replaces `path` in one step: a reader sees the old bytes or the new ones, also
 * after a power cut. The directory must be there; a symbolic link at `path` is
 * replaced, not followed. `mode` is what the file gets (0644), umask ignored.
 */
loop_error *lp_os_write_atomic(const char *path, const void *bytes, size_t len,
                               unsigned mode) LOOP_MUST_USE;

/* The permissions of a file, links followed; `otherwise` where nothing is there. */
unsigned lp_os_mode(const char *path, unsigned otherwise);

/* Makes a directory and those above it, each new one 0700. There already: fine. */
loop_error *lp_os_mkdirs(const char *path) LOOP_MUST_USE;

/* Whether something is there, links followed. */
bool lp_os_exists(const char *path);
bool lp_os_is_dir(const char *path);

/*
 * Whether a directory is this user's and nobody else can write to it: what may
 * be loaded as code lies only in such a one.
 */
bool lp_os_is_private(const char *path);

/* Whether something is there and belongs to this user or to root; links followed. */
bool lp_os_is_trusted_owner(const char *path);

/*
 * NULL where nobody but this user and root can change what `path` (absolute) is: the file itself
 * and every directory above it belong to them, others cannot write there (a group of the user's own
 * number may; in a sticky directory such as /tmp one may add, not change), and no part is a
 * symbolic link. Else why not, as half a sentence that names the part: "others can write to
 * '/srv'"; malloced. Access control lists are not looked at.
 */
char *lp_os_why_unsafe(const char *path);
/* Whether it is known that nothing is there: no file, no link that leads nowhere, and no folder on
 * the way that one may not look into. */
bool lp_os_is_absent(const char *path);
/* Where the symbolic link `path` leads, as it is written; malloced. NULL: it is no link. */
char *lp_os_link(const char *path);
/* Whether no one else may even read it: as a key, 0600. */
bool lp_os_is_secret(const char *path);

/* A regular file that is read in pieces. NULL where it cannot be opened. */
typedef struct lp_os_reader lp_os_reader;
lp_os_reader *lp_os_reader_open(const char *path);
uint64_t lp_os_reader_size(const lp_os_reader *r);
/* Which file it is, for as long as something has it open or mapped; and its last change. */
typedef struct lp_os_identity {
    uint64_t device, inode;
    uint64_t size, written_ns, changed_ns;
} lp_os_identity;
/* As it is now; all zero where that cannot be told. */
lp_os_identity lp_os_reader_id(const lp_os_reader *r);
/* All `n` bytes from `offset`, or false. */
bool lp_os_reader_at(lp_os_reader *r, uint64_t offset, void *ret, size_t n);
/* NULL is fine. */
void lp_os_reader_close(lp_os_reader *r);

/*
 * A file that is written in pieces and is only this user's (0600), no link followed. `go_on`: what
 * is there stays, and what is added comes behind it; else it is made anew. Nothing lasts before
 * lp_os_writer_sync.
 */
typedef struct lp_os_writer lp_os_writer;
loop_error *lp_os_writer_open(const char *path, bool go_on, lp_os_writer **ret) LOOP_MUST_USE;
uint64_t lp_os_writer_size(const lp_os_writer *w);
loop_error *lp_os_writer_add(lp_os_writer *w, const void *bytes, size_t n) LOOP_MUST_USE;
/*
 * Takes the file's lock, which goes with lp_os_writer_close and with the process; never waits.
 * False: somebody else has it, or the name is another file's by now. Its size is as it is then.
 */
bool lp_os_writer_lock(lp_os_writer *w);
/* Throws away what is in it. */
loop_error *lp_os_writer_empty(lp_os_writer *w) LOOP_MUST_USE;
/* Its bytes outlive a power cut; its name does when lp_os_rename has given it one. */
loop_error *lp_os_writer_sync(lp_os_writer *w) LOOP_MUST_USE;
/* NULL is fine. */
void lp_os_writer_close(lp_os_writer *w);
/* Gives a file another name in one step, which lasts; what had it is replaced. `mode` 0: its own.
 */
loop_error *lp_os_rename(const char *from, const char *to, unsigned mode) LOOP_MUST_USE;

/*
 * Calls `f` for each regular file of a directory, in no order; `mtime_ns` is when
 * it was written. Removing files meanwhile is fine.
 */
void lp_os_each_file(const char *path,
                     void (*f)(void *data, const char *name, uint64_t size, uint64_t mtime_ns),
                     void *data);
/*
 * Calls `f` for everything in a directory but "." and "..", links not followed, until it fails;
 * `kind` 'f' a file, 'd' a directory, 'l' a link, 'o' anything else. LOOP_NOT_FOUND, LOOP_IO.
 */
loop_error *lp_os_each_entry(const char *path, void *data,
                             loop_error *(*f)(void *data, const char *name, char kind,
                                              uint64_t size)) LOOP_MUST_USE;
/* Removes a file; that it is not there is fine. */
void lp_os_remove(const char *path);
/* Notes that a file was used now, as the time at which it was written. */
void lp_os_touch(const char *path);

/* Makes a folder and those above it as the user's umask says. There already: fine. */
loop_error *lp_os_make_dirs(const char *path) LOOP_MUST_USE;
/* Removes a folder with all that is in it, links themselves and not what they lead to. */
void lp_os_remove_tree(const char *path);

/*
 * Makes an empty file 0600 that lasts, its name included, and the directories above it (0700).
 * There already: it is not opened, which would end locks that this process holds on it.
 */
loop_error *lp_os_create_private(const char *path) LOOP_MUST_USE;

/*
 * Which file it is on this machine, whatever it is called ("2a-1f03"): the same for two paths that
 * lead to one. For as long as somebody has it open. malloced; NULL where nothing is there.
 */
char *lp_os_file_id(const char *path);

/*
 * A lock that processes and objects of one process share by a file's name (made, 0600, never
 * removed). Whoever dies no longer has it. `try` never waits; false: somebody else has it.
 */
typedef struct lp_os_lock lp_os_lock;
loop_error *lp_os_lock_open(const char *path, lp_os_lock **ret) LOOP_MUST_USE;
bool lp_os_lock_try(lp_os_lock *l);
void lp_os_lock_release(lp_os_lock *l);
void lp_os_lock_close(lp_os_lock *l);

/* ---- shared libraries ---- */

/*
 * Loads a library with all that it needs, every symbol bound at once, none of its own shown to
 * others; its constructors run. LOOP_INVALID with the loader's reason: "undefined symbol: x".
 */
typedef struct lp_os_library lp_os_library;
loop_error *lp_os_library_open(const char *path, lp_os_library **ret) LOOP_MUST_USE;
/*
 * What is loaded under this path, or is the same file as it; nothing is loaded. One more to close;
 * NULL. A library that is loaded twice is one: the same pointer.
 */
lp_os_library *lp_os_library_find(const char *path);
/* An exported symbol of it, or of what it needs; NULL. */
void *lp_os_library_symbol(lp_os_library *l, const char *name);
/* NULL is fine. */
void lp_os_library_close(lp_os_library *l);

/* Absolute, without links, "." and ".."; malloced, NULL where nothing is there. */
char *lp_os_realpath(const char *path);
/* The current directory; malloced, NULL when it is gone. */
char *lp_os_cwd(void);

/* ---- the process and its user ---- */

/* A variable's value, NULL when it is unset. Lives until somebody sets it again. */
const char *lp_os_getenv(const char *name);
/* "NAME=value", all of them; ends with NULL. As long as lp_os_getenv's. */
const char *const *lp_os_environment(void);
/* LOOP_CACHE_DIR, else XDG_CACHE_HOME/loop, else HOME/.cache/loop; malloced or NULL. */
char *lp_os_cache_dir(void);
/* XDG_CONFIG_HOME/loop, else HOME/.config/loop; malloced or NULL. */
char *lp_os_config_dir(void);
/* The file of the running program; malloced or NULL. */
char *lp_os_executable_path(void);
/* The file that this code is in, the program or a library of it; malloced or NULL. */
char *lp_os_own_path(void);
bool lp_os_isatty(int fd);
/* How many processors there are for this process; 1 where that is not known. */
unsigned lp_os_processors(void);

/* Bytes that nobody can guess. */
void lp_os_random(void *ret, size_t n);

/* ---- clocks ---- */

/* Nanoseconds since some point in the past; never goes back. */
uint64_t lp_os_now_ns(void);
/* Milliseconds since 1970, as the system's clock says. */
uint64_t lp_os_wall_ms(void);
void lp_os_sleep_ms(unsigned ms);

/* ---- threads ---- */

typedef struct lp_os_thread lp_os_thread;
typedef struct lp_os_mutex lp_os_mutex;
typedef struct lp_os_cond lp_os_cond;

/* Starts a thread. `stack` is its size in bytes, 0 for the system's choice. */
loop_error *lp_os_thread_start(void (*run)(void *), void *arg, size_t stack,
                               lp_os_thread **ret) LOOP_MUST_USE;
/* Waits for its end and frees it. NULL is fine. */
/* The calling thread's own stack, from its lowest address on; 0, 0 where that is not known. */
void lp_os_stack_bounds(uintptr_t *ret_low, uintptr_t *ret_high);
/* A number that no other thread has at the same time. */
uintptr_t lp_os_thread_self(void);
void lp_os_thread_join(lp_os_thread *t);
/* Nobody will join it: what it has goes when it ends. It has begun to run. */
void lp_os_thread_leave(lp_os_thread *t);
/* Lets another thread that waits for this processor have it. */
void lp_os_thread_yield(void);
/*
 * A full memory barrier on every thread of the process. LOOP_UNAVAILABLE where the system has
 * none (Linux: membarrier(2), since 4.14); asked for once before it is relied on.
 */
loop_error *lp_os_barrier_ready(void) LOOP_MUST_USE;
void lp_os_barrier_all(void);

lp_os_mutex *lp_os_mutex_new(void);
/* The one of a place that is NULL at first: whoever comes first makes it, and it stays. */
lp_os_mutex *lp_os_mutex_once(_Atomic(lp_os_mutex *) *made);
void lp_os_mutex_delete(lp_os_mutex *m);
void lp_os_mutex_lock(lp_os_mutex *m);
/* Whether it was free, and is taken now. */
bool lp_os_mutex_try(lp_os_mutex *m);
void lp_os_mutex_unlock(lp_os_mutex *m);

lp_os_cond *lp_os_cond_new(void);
void lp_os_cond_delete(lp_os_cond *c);
/*
 * Waits until somebody signals or lp_os_now_ns() reaches `until_ns` (0: no end);
 * `m` is held by the caller. False when the time is up. May wake for no reason.
 */
bool lp_os_cond_wait(lp_os_cond *c, lp_os_mutex *m, uint64_t until_ns);
void lp_os_cond_signal(lp_os_cond *c);
void lp_os_cond_broadcast(lp_os_cond *c);

/* ---- pipes ---- */

/* A part of what is written in one system call. */
typedef struct lp_os_bytes {
    const void *at;
    size_t len;
} lp_os_bytes;

/* A read or a write that has no room or nothing to read now answers at once. */
loop_error *lp_os_pipe_unblock(int fd) LOOP_MUST_USE;
/*
 * At most `max` bytes of what is there, in one call. *ret_n is 0 where there is nothing now (of a
 * descriptor that does not block) and at the end, which *ret_end tells apart. LOOP_IO.
 */
loop_error *lp_os_pipe_read(int fd, void *to, size_t max, size_t *ret_n,
                            bool *ret_end) LOOP_MUST_USE;
/*
 * As much of the parts (at most 8) as goes in one call; *ret_n is 0 where there is no room now.
 * LOOP_IO where nobody reads any more: no signal comes.
 */
loop_error *lp_os_pipe_write(int fd, const lp_os_bytes *parts, size_t count,
                             size_t *ret_n) LOOP_MUST_USE;
/*
 * Waits until `fd` can be read (or written) or lp_os_now_ns() reaches `until_ns` (0: no end);
 * false when the time is up. The other side's end counts as readable and writable.
 */
bool lp_os_pipe_wait(int fd, bool to_write, uint64_t until_ns);

/* Memory that another process can have too: a descriptor of a size that nobody can change. */
typedef struct lp_os_shared {
    int fd; /* closed when another program is started; -1: none */
    uint8_t *at;
    size_t size;
} lp_os_shared;
/* LOOP_UNAVAILABLE where the system has no such thing. */
loop_error *lp_os_shared_new(size_t size, lp_os_shared *ret) LOOP_MUST_USE;
void lp_os_shared_done(lp_os_shared *s);

/* ---- sockets of one user ---- */

/*
 * XDG_RUNTIME_DIR, where it is a directory of this user's that nobody else can write to, without
 * links; malloced or NULL.
 */
char *lp_os_runtime_dir(void);
/*
 * Makes a folder that nobody but this user can open (0700), and those above it. LOOP_DENIED where
 * what is there is something else: a link, another user's, open to others, below what others can
 * change.
 */
loop_error *lp_os_secret_dir(const char *path) LOOP_MUST_USE;
int64_t lp_os_process_id(void);
/* Whether a process of that id runs, whoever's. */
bool lp_os_process_runs(int64_t id);

/*
 * A stream socket DIR/NAME (0600), for processes of this machine; what has that name is replaced,
 * and there is no moment at which it is there and nobody listens. The descriptor is closed when
 * another program is started, and does not block.
 */
loop_error *lp_os_local_listen(const char *dir, const char *name, int *ret_fd) LOOP_MUST_USE;
/*
 * Connects to one. LOOP_NOT_FOUND: there is none; LOOP_UNAVAILABLE: nobody listens, whoever made
 * it is gone; LOOP_LIMIT: too many wait for it just now; LOOP_IO. The descriptor does not block.
 */
loop_error *lp_os_local_connect(const char *dir, const char *name, int *ret_fd) LOOP_MUST_USE;
/* The next that connects; -1: nobody now. The descriptor is as those above. */
int lp_os_local_accept(int fd);
/* Whether the process at the other end is this user's. */
bool lp_os_local_is_own(int fd);
void lp_os_local_close(int fd);
/* Calls `f` for each socket of a directory. Removing them meanwhile is fine. */
void lp_os_each_socket(const char *dir, void (*f)(void *data, const char *name), void *data);

/* ---- names of the network ---- */

#define LP_OS_ADDRESS_TEXT 48 /* bytes of the longest address as text, with its zero */

/* An IP address. IPv4 uses the first four bytes; the rest is zero. */
typedef struct lp_os_address {
    bool v6;
    uint8_t bytes[16];
} lp_os_address;

/*
 * "10.0.0.1" or "::1" (no brackets, no scope), nothing else. An IPv4 address
 * written as IPv6 ("::ffff:10.0.0.1") becomes the IPv4 address that it reaches.
 */
bool lp_os_address_parse(const char *text, lp_os_address *ret);
/* The one way of writing it; `ret` has LP_OS_ADDRESS_TEXT bytes. */
void lp_os_address_format(const lp_os_address *a, char *ret);
bool lp_os_address_eq(const lp_os_address *a, const lp_os_address *b);

/* The addresses of a host name, at most `max`; 0 when there is none. Waits for DNS. */
size_t lp_os_resolve(const char *name, lp_os_address *ret, size_t max);

#endif
