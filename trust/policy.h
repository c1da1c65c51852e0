/*
 * trust/policy.h: what the files of trust/ and the readers of configuration
 * share about a policy. The public side is loop/policy.h.
 */
#ifndef LP_POLICY_H
#define LP_POLICY_H

#include "base/base.h"
#include "base/os/os.h"
#include "loop/policy.h"

#define LP_MAX_HOST 253 /* bytes of a host name (RFC 1035) */

/* A host as both grants and requests are compared: one spelling each. */
typedef struct lp_host {
    bool is_address;
    lp_os_address address;
    char name[LP_MAX_HOST + 1]; /* lower case, no final dot; an address in its one form */
} lp_host;

/*
 * These return NULL, or what is wrong as half a sentence ("it is empty").
 * `lp_host_parse` takes "[::1]" and "::1"; `lp_host_port_parse` sets *ret_port
 * to 0 where the text has no port.
 */
const char *lp_host_parse(const char *text, size_t n, lp_host *ret);
const char *lp_host_port_parse(const char *text, lp_host *ret, uint16_t *ret_port);
/* "host", "host:80" (0: no port) or "[::1]:80"; malloced. */
char *lp_host_text(const lp_host *host, uint16_t port);
const char *lp_env_name_check(const char *name, size_t n);
/* What kind of address of this machine or its networks it is ("a private address"); NULL: none. */
const char *lp_host_inward(const lp_os_address *a);
bool lp_host_is_loopback(const lp_host *host);
/* 0.0.0.0 or ::, which no host has. */
bool lp_host_is_any(const lp_host *host);
/* A host of this machine or its networks, as it is written: `localhost` or such an address. */
bool lp_host_leads_inward(const lp_host *host);
/*
 * NULL where a grant of `name` is meant for `address`, whatever DNS says: `localhost` is this
 * machine alone, every other name the world alone. Else what the address is ("a private address").
 */
const char *lp_host_not_meant(const lp_host *name, const lp_host *address);

/* A directory to grant or deny, before anything is resolved. */
typedef struct lp_policy_dir {
    const char *host;
    const char *guest; /* NULL: as `host` */
    bool read_only;
    bool deny;
    const char *base; /* NULL: the current directory */
    bool confine;
} lp_policy_dir;

/* loop_policy_add for a directory whose parts are apart already, as in loop.yaml. */
loop_error *lp_policy_add_dir(loop_policy *p, const lp_policy_dir *dir,
                              loop_origin origin) LOOP_MUST_USE;

/*
 * A denial that lies inside the granted directory `dir`, or NULL. Whoever hands
 * a directory to a guest as a whole, and does not ask again at every open, must
 * not hand out one that has such a denial.
 */
const loop_grant *lp_policy_denied_inside(const loop_policy *p, const loop_grant *dir);

/* Replaces lp_os_resolve: for tests, and for hosts with a resolver of their own. */
typedef size_t lp_policy_resolver(void *ctx, const char *name, lp_os_address *ret, size_t max);
void lp_policy_resolver_set(loop_policy *p, lp_policy_resolver *resolve, void *ctx);

/*
 * What of `from` is passed on: its grants of the kinds in `kinds` (bit 1 << kind) and every denial.
 * Nothing is looked up again, so that it is never more.
 */
loop_policy *lp_policy_part(const loop_policy *from, unsigned kinds);

/* Counted: each _ref needs one loop_policy_delete. */
void lp_policy_ref(const loop_policy *p);
void lp_policy_unref(const loop_policy *p);

/* ---- inside trust/ ---- */

/* One argument of a PROCESS line. */
typedef struct lp_word {
    enum { LP_WORD_TEXT, LP_WORD_ONE, LP_WORD_MORE } kind; /* itself, `*`, `...` */
    const char *text;
} lp_word;

/* A PROCESS line, apart: policy_process.c. */
typedef struct lp_process {
    const char *found; /* the program: its folder's real path and its name there */
    const char
        *real;    /* the file that this was, links followed; NULL: a denial of what is not there */
    bool by_name; /* a denial of any program of that name */
    const lp_word *words;
    size_t count;
} lp_process;

typedef struct lp_policy_entry {
    loop_grant grant;   /* first: loop_policy_at hands it out */
    lp_host host;       /* HTTP, NET and LISTEN */
    lp_process process; /* PROCESS */
} lp_policy_entry;

/* One more line; the grant of `e` has every field but `text`, its strings are copied. */
loop_error *lp_policy_append(loop_policy *p, const lp_policy_entry *e,
                             const char *text) LOOP_MUST_USE;
loop_error *lp_policy_bad_text(loop_grant_kind kind, const char *text,
                               const char *what) LOOP_MUST_USE;

/* policy_kinds.c */
loop_error *lp_policy_add_storage(loop_policy *p, const char *text, bool deny,
                                  loop_origin origin) LOOP_MUST_USE;
loop_error *lp_policy_add_packages(loop_policy *p, const char *text, bool deny,
                                   loop_origin origin) LOOP_MUST_USE;
loop_error *lp_policy_add_listen(loop_policy *p, const char *text, bool deny,
                                 loop_origin origin) LOOP_MUST_USE;
loop_error *lp_policy_add_log(loop_policy *p, const char *text, bool deny,
                              loop_origin origin) LOOP_MUST_USE;
loop_error *lp_policy_add_need(loop_policy *p, const char *text, bool deny,
                               loop_origin origin) LOOP_MUST_USE;
/* policy_process.c */
loop_error *lp_policy_add_process(loop_policy *p, const char *text, bool deny,
                                  loop_origin origin) LOOP_MUST_USE;
/* The line that decides about running words[0] with the rest; NULL: none. */
const lp_policy_entry *lp_process_find(const loop_policy *p, const char *const *words,
                                       size_t count);
/*
 * The words of a request for a process, as a line writes it, but that `*` and `...` are words like
 * any other. NULL, or what is wrong. For _free.
 */
const char *lp_process_words(const char *text, char ***ret, size_t *ret_count);
void lp_process_words_free(char **list, size_t count);
/* As a PROCESS line writes them; malloced. NULL: a word that no line can say. */
char *lp_process_text(const char *const *words, size_t count);
/* Sentences for a decision; policy_decide.c. `by` settles it. */
void lp_decision_settle(loop_decision *d, const loop_grant *by);
void lp_decision_reason(loop_decision *d, const char *fmt, ...) LOOP_PRINTF(2, 3);
void lp_decision_hint(loop_decision *d, const char *fmt, ...) LOOP_PRINTF(2, 3);

/* Names looked up lately; trust/policy_names.c. Any thread. */
typedef struct lp_names lp_names;
lp_names *lp_names_new(void);
void lp_names_delete(lp_names *n);
void lp_names_resolver_set(lp_names *n, lp_policy_resolver *resolve, void *ctx);
/* Whether `name` has `address` now, or had it within the last 30 seconds. */
bool lp_names_have(lp_names *n, const char *name, const lp_os_address *address);

struct loop_policy {
    _Atomic unsigned refs; /* a look-up of a name may outlive who made the policy */
    lp_arena arena;
    loop_class class;
    loop_origin class_origin;
    bool observe;
    struct {
        lp_policy_entry **at;
        size_t n, cap;
    } entries;
    lp_names *names;
};

#endif
