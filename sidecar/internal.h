/*
 * sidecar/internal.h: shared by the files of sidecar/ that run a process.
 *
 *   provider.c   the table; objects opened and closed
 *   supervise.c  the supervisor's thread: start, handshake, health, end, start again
 *   pump.c       bytes that come, to whom they belong; bytes that go
 *   call.c       one call, on the thread of whoever calls
 *   step.c       one step of a swap: save, restore and the like, on a thread of the swap's
 *   wait.c       how a call, or a step, waits for what it needs
 *   values.c     arguments and results, to and from the wire
 *   objects.c    handles
 *   talk.c       what it writes to stderr, and LOG, into the host's log
 *
 * Two kinds of threads and one lock (s->lock), which guards all of struct lp_sidecar and is
 * never held while anybody waits:
 *
 *   the supervisor   one a sidecar. It alone starts and ends processes. It waits for
 *                    stderr and the guard's news, and for stdout while nobody else does.
 *   callers          whoever waits for an answer, of a call or of a step, takes turns in waiting
 * for stdout ("the turn", s->turn) and hands to the others what is theirs. With one call under way
 * no other thread wakes up between it and the sidecar: half of what a call costs, measured against
 * a thread that reads for all.
 *
 * Descriptors are closed by the supervisor, after the turn has ended.
 */
#ifndef LP_SIDECAR_INTERNAL_H
#define LP_SIDECAR_INTERNAL_H

#include "base/os/os.h"
#include "base/os/process.h"
#include "sidecar/handshake.h"
#include "sidecar/sidecar.h"

#define LP_SIDE_MS 1000000ull
#define LP_SIDE_WINDOW (4u << 20)              /* bytes that a sidecar may have in flight */
#define LP_SIDE_START_NS (10000 * LP_SIDE_MS)  /* from its start to WELCOME, START to READY */
#define LP_SIDE_LOOK_NS (10 * LP_SIDE_MS)      /* how often who waits looks at cancellation */
#define LP_SIDE_SILENCE_NS (5000 * LP_SIDE_MS) /* without a byte, before and after PING */
#define LP_SIDE_STEP_NS                                                                            \
    (30000 * LP_SIDE_MS)                       /* of a step without progress, without call-timeout \
                                                */
#define LP_SIDE_QUIET_NS (1000 * LP_SIDE_MS)   /* of a step, before PING */
#define LP_SIDE_ALIVE_NS (2500 * LP_SIDE_MS)   /* and after */
#define LP_SIDE_SETTLE_NS (10000 * LP_SIDE_MS) /* in which one that was swapped in may not die */
#define LP_SIDE_HEALTH_NS (5000 * LP_SIDE_MS)  /* from PING to PONG */
#define LP_SIDE_BUDGET_NS (60000 * LP_SIDE_MS) /* in which starts are counted */

struct lp_sidecar;

/* ---- the table ---- */

/* A row of the table, and where its function is in WELCOME. */
struct lp_side_rows {
    loop_interface interface;
    size_t *functions; /* by row: the place in WELCOME */
};

struct lp_sidecar_table {
    loop_provider provider; /* first: a provider's table leads here */
    lp_arena arena;
    const char *const *argv;
    const char *const *env, *const *env_alone; /* with and without the shared memory's descriptor */
    const char *program, *directory, *guard, *host;
    const char *line; /* the command, for people */
    lp_side_welcome welcome;
    uint8_t *welcome_bytes; /* every later process must say the same */
    size_t welcome_len;
    struct lp_side_rows *rows; /* one an interface of WELCOME */
    struct lp_sidecar *spare;  /* said WELCOME, belongs to no object yet */
    struct {
        struct lp_sidecar **at;
        size_t n, cap;
    } objects;
    lp_os_mutex *lock; /* for the two above */
};

/* ---- one process at a time ---- */

typedef enum lp_side_phase {
    LP_SIDE_OFF,      /* no process */
    LP_SIDE_STARTING, /* until WELCOME */
    LP_SIDE_GREETED,  /* waits for START */
    LP_SIDE_OPENING,  /* until READY */
    LP_SIDE_OPEN,
    LP_SIDE_BROKEN, /* to be cleared away by the supervisor */
} lp_side_phase;

/* An instance that calls, or a swap. */
struct lp_side_caller_of {
    uint64_t instance;
    uint32_t number;     /* on the wire */
    uint64_t generation; /* that was told of it; 0: none */
    uint64_t used;       /* s->turns when it last called */
    size_t calls, objects;
    lp_os_cond *cond;
    lp_wire_out out;     /* its arguments; kept for the next call */
    uint8_t small[1024]; /* the answer, where it fits */
};

/* A message on its way out. */
struct lp_side_out {
    uint8_t type;
    uint32_t id;
    lp_wire_out *bytes;
    size_t sent;
    bool begun, whole;
    bool more; /* STATE: another piece follows */
};

/* An object of another provider. */
struct lp_side_foreign {
    uint64_t at;
    const lp_resource *resource; /* of WELCOME's */
};

/* One call, or a step of a swap; lies on the caller's stack. */
struct lp_side_call {
    struct lp_sidecar *s;
    loop_call *call;            /* NULL: a step */
    const loop_interface *rows; /* all functions, for NEXT */
    const lp_side_function *function;
    size_t interface, index;
    struct lp_side_caller_of *caller;
    uint64_t generation;
    uint64_t now, until; /* as of the last wait; UINT64_MAX: no deadline */
    uint32_t id;         /* 0: none yet */
    bool waits;          /* for its turn */
    bool sends;          /* a message, and has not sent all */
    bool sent;           /* CALL as a whole: from here on it may be answered */
    bool told_cancel;
    bool away;  /* runs a NEXT; another call may use the caller's memory */
    bool broke; /* the error is the sidecar's: a component can handle it */
    bool answered;
    lp_side_message answer; /* RESULT or FAULT */
    struct {
        lp_side_message *at;
        size_t n, cap;
    } nexts; /* NEXT, to be run by this thread */
    struct {
        uint64_t *at;
        size_t n, cap;
    } given; /* objects passed as `own` */
    struct {
        struct lp_side_foreign *at;
        size_t n, cap;
    } foreign; /* lent, and not this sidecar's */
    struct {
        uint64_t *at;
        size_t n, cap;
    } made; /* objects that came with the answer, until it was read as a whole */
    struct lp_side_call *queued; /* the next that waits for a place */

    /* A step alone. */
    uint8_t step;        /* SAVE, RESTORE..., whose answer it waits for; 0: a call */
    const char *doing;   /* "save its state"; for people */
    loop_stream *stream; /* to or from the other provider; NULL: none */
    uint64_t seen_news;  /* s->step_news when it last looked */
    uint64_t quiet_ns;   /* since when nothing came of it, nor PONG */
    uint32_t asked;      /* the id of its PING; 0: none */
    bool state_whole;    /* the last STATE came */
    struct {
        lp_side_message *at;
        size_t n, cap;
    } pieces; /* STATE, to be taken by this thread */
};

/* A place for a call or a step: its id is 2 * (place + 1). */
struct lp_side_slot {
    bool used;
    uint8_t step;              /* as above */
    struct lp_side_call *call; /* NULL: given up */
    const lp_side_function *function;
};

/* What became of a process by a swap: others must not take its place unnoticed. */
struct lp_side_bound {
    uint64_t generation; /* 0: of none */
    bool took;           /* a state, or objects; until it was found well with them twice */
    uint64_t well_ns;    /* when it was, the first time; 0: not yet */
    bool copied;         /* COPY, and the rest is to come */
};

/* A frame that goes out when it can: DROP, RELEASE, CANCEL, PONG... */
struct lp_side_note {
    uint8_t type, len;
    uint32_t id;
    uint8_t bytes[24];
};

/* The rest of a message whose call was given up. */
struct lp_side_rest {
    struct lp_side_out out;
    lp_wire_out bytes;
};

struct lp_side_object {
    uint64_t number; /* on the wire; 0: free */
    uint64_t generation;
    uint32_t interface, resource, stamp, next_free;
    struct lp_side_caller_of *caller; /* who was given it; NULL: a swap */
};

struct lp_sidecar {
    lp_sidecar_table *table;
    const loop_services *_Atomic services; /* NULL: of no object yet; the log reads it unlocked */
    void (*log)(void *data, const loop_log_entry *entry);
    void *log_data;
    char **options; /* name and value by turns; NULL until it is opened */
    uint64_t call_timeout_ns;
    size_t restarts;

    lp_os_mutex *lock;
    lp_os_cond *changed; /* the phase, the turn */
    lp_os_thread *thread;
    lp_os_waker waker;

    /* What somebody wants. */
    lp_side_phase want; /* OFF, GREETED or OPEN */
    bool closing;

    /* The process. */
    lp_side_phase phase;
    uint64_t generation; /* of processes; counts starts */
    lp_os_guarded g;
    uint64_t phase_until, started_ns, heard_ns;
    uint64_t pinged_ns; /* without an answer; 0: not */
    uint64_t hung_ns;   /* a pipe has ended; 0: none */
    bool heard;         /* something came since heard_ns */
    bool eof, deaf;     /* of stdout, of stderr */
    bool was_idle;      /* no turn was taken since the supervisor looked */
    bool told;          /* somebody heard of its end, who waited for its start */
    uint32_t agreed;    /* capabilities */
    lp_side_reader reader;
    lp_side_inbox inbox;
    lp_side_writer writer;
    lp_side_credit credit;
    lp_os_shared shared;
    lp_side_room room;

    /* Why it is not open, for every caller: what it did, why, and what to do. */
    char *why, *cause, *hint;
    loop_code why_code;
    bool failed;         /* it said FAIL */
    _Atomic bool absent; /* with `unavailable`; read under the table's lock, too */
    loop_error *failure; /* of `detect`, for `open`; table->lock */
    size_t attempts;     /* starts that have failed */
    struct {
        uint64_t *at;
        size_t n, cap;
    } starts;       /* of the last minute */
    unsigned quick; /* ends in a row that came soon after the start */
    uint64_t not_before_ns;

    /* Calls. */
    bool turn;          /* somebody waits for stdout */
    bool watched;       /* the supervisor waits for stdout */
    bool writes;        /* somebody waits for room in stdin */
    uint64_t turns;     /* that were taken */
    bool early;         /* the last answer was there before anybody looked */
    unsigned looks_off; /* so many calls sleep at once, and do not look for their answer */
    struct {
        struct lp_side_slot *at;
        size_t n, cap;
    } slots;
    size_t in_flight, given_up, senders, waiting, away; /* away: run a NEXT */
    size_t pongs;                                       /* of `notes` */
    size_t nexts, next_bytes;                           /* of all calls, that wait to be run */
    size_t steps;       /* that were not answered: one, also where it was given up */
    uint64_t step_news; /* counts what shows that a step goes on */
    struct lp_side_bound bound;
    uint32_t health_asked, health_told; /* the id of the last PING of that kind, and of its PONG */
    struct lp_side_caller_of *stepper;  /* what a step waits with; NULL: none yet */
    struct lp_side_call *queue;
    struct {
        struct lp_side_caller_of **at;
        size_t n, cap;
    } callers;
    uint32_t next_caller;
    struct {
        struct lp_side_note *at;
        size_t n, cap;
    } notes;
    struct {
        struct lp_side_rest *at;
        size_t n, cap;
    } rests;
    struct {
        struct lp_side_object *at;
        size_t n, cap;
    } objects;
    uint32_t free_object; /* UINT32_MAX: none */
    struct {
        uint32_t *at; /* places in `objects`, by resource and number; UINT32_MAX: free */
        size_t cap, n;
    } by_number;

    /* What it says; all but `logs` and `missed` are the supervisor's own. */
    struct {
        lp_side_message *at; /* LOG, to be written */
        size_t n, cap;
    } logs;
    size_t log_bytes, missed; /* of those; that did not fit in there */
    lp_buf line;
    bool cut; /* the rest of a line that is too long */
    char *last_line;
    uint64_t line_generation; /* of the process that wrote it */
    uint64_t second_ns;
    size_t said, unsaid;
};

/* ---- supervise.c ---- */
loop_error *lp_side_new(lp_sidecar_table *t, const lp_sidecar_options *o,
                        struct lp_sidecar **ret) LOOP_MUST_USE;
/* Ends the process and the thread. */
void lp_side_delete(struct lp_sidecar *s);
/*
 * Waits until the process is in that phase (GREETED or OPEN), and starts it where it is not. `c`:
 * the call that waits, NULL: none. Locked.
 */
loop_error *lp_side_reach(struct lp_sidecar *s, lp_side_phase phase,
                          struct lp_side_call *c) LOOP_MUST_USE;
/* The sidecar broke the protocol, ended, or is ended: takes the error. Locked. */
void lp_side_break(struct lp_sidecar *s, loop_error *cause);
/* It is ended for another reason: "was ended in the middle of a state". Locked. */
void lp_side_end(struct lp_sidecar *s, const char *why);
/* Why it is not open. Locked. */
loop_error *lp_side_why(const struct lp_sidecar *s) LOOP_MUST_USE;

/* ---- pump.c; all locked ---- */
/* Reads what is there, and gives it to those that it is for. */
void lp_side_pump_in(struct lp_sidecar *s);
/* Writes what waits and has the credit, and tells those who wait to send. */
void lp_side_pump_out(struct lp_sidecar *s);
/* As much of a message as goes now. */
loop_error *lp_side_send(struct lp_sidecar *s, struct lp_side_out *o) LOOP_MUST_USE;
/* A pipe has ended (takes the error, if there is one): the supervisor finds out why. */
void lp_side_hung(struct lp_sidecar *s, loop_error *err);
void lp_side_note(struct lp_sidecar *s, uint8_t type, uint32_t id, const void *bytes, size_t len);
void lp_side_note_drop(struct lp_sidecar *s, size_t interface, size_t resource, uint64_t handle);
/* Bytes that came were read: gives their credit back. */
void lp_side_read_bytes(struct lp_sidecar *s, size_t n);
/* A message that is sent when it can be, by whoever comes. Takes its bytes. */
void lp_side_leave(struct lp_sidecar *s, const struct lp_side_rest *r);
/* Answers a NEXT of a call that was given up. */
void lp_side_refuse_next(struct lp_sidecar *s, const lp_side_message *m);
/* Somebody else takes the turn, where somebody waits for it. */
void lp_side_pass_turn(struct lp_sidecar *s);

/* ---- wait.c; all locked ---- */
/* Whether the process that it began with still runs. */
bool lp_side_alive(const struct lp_side_call *c);
/* Why not. */
loop_error *lp_side_gone(struct lp_side_call *c) LOOP_MUST_USE;
/* Whether it may go on waiting. */
loop_error *lp_side_look(struct lp_side_call *c) LOOP_MUST_USE;
/* PING; the id of its PONG, and whether that came. */
uint32_t lp_side_ask_health(struct lp_sidecar *s);
bool lp_side_told_health(const struct lp_sidecar *s, uint32_t asked);
/* How long a step may stand still. */
uint64_t lp_side_step_ns(const struct lp_sidecar *s);
/* Until something may have changed for it, for some milliseconds. */
void lp_side_wait_some(struct lp_side_call *c);
/* Sends a message to its end; of a call that was answered meanwhile, somebody else does. */
loop_error *lp_side_send_all(struct lp_side_call *c, struct lp_side_out *o) LOOP_MUST_USE;
/* Around what keeps its thread elsewhere, unlocked: others read meanwhile. */
void lp_side_go_away(struct lp_side_call *c);
void lp_side_come_back(struct lp_side_call *c);
/* CANCEL, once, where it may be sent. */
void lp_side_tell_cancel(struct lp_side_call *c, loop_cancel_reason reason, uint32_t left_ms);

/* ---- step.c ---- */
extern const loop_provider_swap lp_side_swap, lp_side_swap_copies, lp_side_swap_none;
/* A step's STATE; takes what is in `m`, or leaves it. Locked. */
loop_error *lp_side_take_state(struct lp_sidecar *s, lp_side_message *m) LOOP_MUST_USE;
/* The process that took a state has ended before it was published. NULL: no. Locked. */
loop_error *lp_side_lost(const struct lp_sidecar *s) LOOP_MUST_USE;
void lp_side_stepper_done(struct lp_sidecar *s);

/* ---- call.c ---- */
loop_error *lp_side_call_run(void *self, loop_call *call, const loop_interface *interface,
                             size_t row, const void *args, void *ret);
/* A place for it, and with that an id. Locked. */
void lp_side_give_place(struct lp_side_call *c);
/* Nobody waits for the answer any more: the place is kept until it comes. Locked. */
void lp_side_give_up(struct lp_side_call *c);
/* The place is free again. Locked. */
void lp_side_slot_free(struct lp_sidecar *s, uint32_t id);

/* ---- values.c ---- */
/* Not locked. */
loop_error *lp_side_write_args(struct lp_side_call *c, const void *args) LOOP_MUST_USE;
/*
 * c->answer, a RESULT. c->broke: the sidecar's fault. *ret_shared: there were references into the
 * shared memory. Not locked.
 */
loop_error *lp_side_read_result(struct lp_side_call *c, void *ret, bool *ret_shared) LOOP_MUST_USE;
/* The answer of a call that was given up: its handles are dropped. Locked. */
void lp_side_read_late(struct lp_sidecar *s, const lp_side_function *f, const lp_side_message *m);
/*
 * Runs a NEXT and writes its answer: *ret_type is RESULT or FAULT. An error: it is none, and the
 * sidecar is broken. Not locked.
 */
loop_error *lp_side_run_next(struct lp_side_call *c, const lp_side_message *m, lp_wire_out *out,
                             uint8_t *ret_type) LOOP_MUST_USE;
/* `unavailable` of the function's error, where it has one. */
bool lp_side_unavailable(const lp_node *result, loop_string why, void *ret);

/* ---- objects.c; all locked ---- */
/* What stands for a handle in C: never an address. */
loop_error *lp_side_object_new(struct lp_sidecar *s, const struct lp_side_object *o,
                               uint64_t *ret_at) LOOP_MUST_USE;
/* NULL: none of this sidecar's. */
struct lp_side_object *lp_side_object_of(struct lp_sidecar *s, uint64_t at);
/* Forgets it; `tell`: with DROP, where the process that has it still runs. */
void lp_side_object_drop(struct lp_sidecar *s, uint64_t at, bool tell);
void lp_side_objects_done(struct lp_sidecar *s);

/* ---- talk.c; on the supervisor's thread, not locked ---- */
/* Reads stderr; false when it has ended. */
bool lp_side_listen(struct lp_sidecar *s);
/* The rest of the last line, and what was left out. */
void lp_side_listen_end(struct lp_sidecar *s);
/* Writes what came as LOG. */
void lp_side_write_logs(struct lp_sidecar *s);
/* Takes a LOG message, on any thread; locked. */
void lp_side_hear(struct lp_sidecar *s, lp_side_message *m);
/* An entry of the supervisor's own. */
void lp_side_say(struct lp_sidecar *s, loop_log_level level, const char *fmt, ...)
    LOOP_PRINTF(3, 4);

#endif
