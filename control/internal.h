/*
 * control/internal.h: shared by the files of control/.
 *
 *   place.c     the folder of the sockets, their names, those that are left behind
 *   request.c   a client's line: read by the host, written by the client
 *   answer.c    a host's line: the other way round
 *   wish.c      what is asked for, as steps one after the other
 *   server.c    the host's side: connections on its event loop
 *   client.c    the other side
 *   watch.c     which files changed, and are whole
 *   follow.c    what is done about it
 */
#ifndef LP_CONTROL_INTERNAL_H
#define LP_CONTROL_INTERNAL_H

#include "base/base.h"
#include "loop/control.h"

#define LP_CONTROL_VERSION 1

/* ---- place.c ---- */
/* The folder, made where it is missing; malloced. LOOP_UNAVAILABLE, LOOP_DENIED. */
loop_error *lp_control_dir(char **ret) LOOP_MUST_USE;
/* Listens under a name that no living host has; *ret_path is the socket's. Both malloced. */
loop_error *lp_control_listen(char **ret_name, char **ret_path, int *ret_fd) LOOP_MUST_USE;
/* Connects to the host of that name, and knows that it is this user's. */
loop_error *lp_control_connect(const char *name, int *ret_fd) LOOP_MUST_USE;

/* ---- request.c ---- */
typedef struct lp_request {
    bool status; /* nothing but that; else `wish` */
    loop_wish wish;
    lp_arena arena; /* its texts */
} lp_request;
/* One line without its end. LOOP_USAGE says what is wrong with it; LOOP_LIMIT. */
loop_error *lp_request_read(const char *line, size_t n, lp_request *ret) LOOP_MUST_USE;
void lp_request_done(lp_request *r);
/* The line, with its end; NULL: asks for the status. */
void lp_request_write(lp_buf *b, const loop_wish *wish);
/* A wish that can be carried out; LOOP_USAGE, LOOP_LIMIT. */
loop_error *lp_wish_check(const loop_wish *w) LOOP_MUST_USE;

/* ---- answer.c ---- */
void lp_answer_status(lp_buf *b, const loop_status *s);
/* Begun where there is neither error nor report. */
void lp_answer_step(lp_buf *b, const char *what, const loop_error *error,
                    const loop_swap_report *report);
/* The last line; NULL: all went well. */
void lp_answer_end(lp_buf *b, const loop_error *error);

typedef enum lp_answer_kind { LP_ANSWER_STATUS, LP_ANSWER_STEP, LP_ANSWER_END } lp_answer_kind;
typedef struct lp_answer {
    lp_answer_kind kind;
    loop_status status;
    const char *what;
    loop_error *error; /* whoever takes it sets NULL */
    bool has_report;
    loop_swap_report report;
    lp_arena arena;
} lp_answer;
/* LOOP_INVALID: it is no answer. */
loop_error *lp_answer_read(const char *line, size_t n, lp_answer *ret) LOOP_MUST_USE;
void lp_answer_done(lp_answer *a);

/* ---- wish.c ---- */
typedef struct lp_wish_events {
    loop_remote_step *step;
    /* The end (main): the error is the receiver's. Once, unless it was forgotten. */
    void (*end)(void *data, loop_error *error);
    void *data;
} lp_wish_events;
typedef struct lp_wish_run lp_wish_run;
/*
 * Names the providers that its links to components of `config` (NULL: none) are; the new links lie
 * in the arena. LOOP_NOT_FOUND and what else loop_config_component_add says.
 */
loop_error *lp_wish_resolve(loop_host *host, const loop_config *config, lp_arena *a,
                            loop_wish *wish) LOOP_MUST_USE;
/*
 * Begins; `end` is called later, also where it cannot begin: never from here. The run is its own,
 * and gone after `end`.
 */
lp_wish_run *lp_wish_start(loop_host *host, const loop_wish *wish, const lp_wish_events *events);
/* What runs goes on, and nobody hears of it. */
void lp_wish_forget(lp_wish_run *run);

/* The generation of what serves an interface (without its version) to an instance; 0: nobody. */
uint32_t lp_serving_generation(loop_host *host, uint64_t number, const char *interface_name);

/* ---- watch.c ---- */
typedef struct lp_files lp_files;
typedef struct lp_files_events {
    /* A file changed, and has been still since (main). One that is gone is waited for. */
    void (*changed)(void *data, const char *path);
    /* From time to time, for _add and _sweep. */
    void (*refresh)(void *data);
    void *data;
} lp_files_events;
/* Watches files by their paths (absolute) and by what these lead to. */
lp_files *lp_files_new(loop_host *host, const lp_files_events *events);
/* As it is now; there already: fine. LOOP_LIMIT. */
loop_error *lp_files_add(lp_files *f, const char *path) LOOP_MUST_USE;
/* What nobody has added since the last time is watched no more. */
void lp_files_sweep(lp_files *f);
void lp_files_delete(lp_files *f);

#endif
