/*
 * loop/audit.h: what was decided, written down.
 *
 * Every decision of a host (loop/policy.h) can be noted: loop_host_options.decided hands them out,
 * this keeps them, each kind of decision of an instance once with a count, and writes them to a
 * file, one JSON object a line (knowledge/grants.md has the fields). What was noted, or read from
 * such a file, is turned into the smallest grants that a component needs.
 *
 *     loop_audit *audit;            loop_audit_open("audit.jsonl", &audit)
 *     static void decided(void *data, const loop_decided *d) { loop_audit_note(data, d); }
 *     loop_host_options o = {.decided = decided, .data = audit};
 *     ...                           run components, delete the host
 *     loop_audit_close(audit)
 *
 * Threads: loop_audit_note on any; the others on one, while nothing is noted.
 */
#ifndef LOOP_AUDIT_H
#define LOOP_AUDIT_H

#include "loop/host.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct loop_audit loop_audit;

/* Decisions of one instance that were the same. */
typedef struct loop_audit_entry {
    const char *component;
    uint64_t instance;
    loop_grant_kind kind;
    const char *name; /* what was asked for; PROCESS: its words as a grant writes them; else "" */
    uint16_t port;
    bool write;
    const char *address; /* of a name that was connected to; "" where that was not asked */
    bool allowed, observed;
    const char *by;     /* the line that decided; "": none */
    const char *host;   /* DIR: the directory of the host that it grants; "" */
    loop_origin origin; /* of that line; source NULL: none */
    uint64_t bytes;     /* STORAGE: of that line */
    const char *reason, *hint;
    uint64_t count;
} loop_audit_entry;

/*
 * One that writes to `path`, behind what is there (a file of the user's own, 0600); NULL: keeps
 * what it is told and writes nothing. LOOP_IO, LOOP_NOT_FOUND (its folder).
 */
LOOP_API loop_error *loop_audit_open(const char *path, loop_audit **ret) LOOP_MUST_USE;
/* One that has what a file says. LOOP_NOT_FOUND, LOOP_IO, LOOP_INVALID (which line, and why). */
LOOP_API loop_error *loop_audit_read(const char *path, loop_audit **ret) LOOP_MUST_USE;
/* Notes a decision. The first of its kind is written at once; its count when the instance ends. */
LOOP_API void loop_audit_note(loop_audit *a, const loop_decided *d);
/*
 * Writes what is left; nothing is noted any more. For a program that exits now, where a thread of
 * an instance that did not end may still decide. LOOP_IO, as below.
 */
LOOP_API loop_error *loop_audit_finish(loop_audit *a) LOOP_MUST_USE;
/*
 * The same, and deletes it. LOOP_IO: something could not be written, now or before.
 * NULL is fine.
 */
LOOP_API loop_error *loop_audit_close(loop_audit *a) LOOP_MUST_USE;

/* In the order in which they came; NULL past the end. They live until something is noted. */
LOOP_API const loop_audit_entry *loop_audit_at(const loop_audit *a, size_t i);
/* Decisions that were not kept, since there were too many kinds of them, or of one instance's. */
LOOP_API uint64_t loop_audit_lost(const loop_audit *a);

/*
 * The smallest `grants:` for what a component (NULL: all of them) did and wanted, as YAML for its
 * place in loop.yaml: exact names, hosts and ports. What cannot be known from outside is a comment.
 * May wait for DNS. For loop_free.
 */
LOOP_API char *loop_audit_suggest(const loop_audit *a, const char *component);

#ifdef __cplusplus
}
#endif
#endif
