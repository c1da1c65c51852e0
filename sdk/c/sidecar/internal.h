/*
 * internal.h: what the files of this folder share. A process is one sidecar: its state is one
 * object, `sc`.
 *
 *     error.c    loop/error.h
 *     types.c    a type's text -> how its values lie in C
 *     values.c   values of C <-> bytes
 *     frames.c   bytes <-> messages; credit
 *     memory.c   what a call allocates, handles, shared memory
 *     calls.c    what a provider may ask of its call; NEXT
 *     run.c      a call: arguments, the provider's function, the answer
 *     state.c    the steps of a swap: quiesce, save, restore; streams
 *     start.c    the handshake, what a provider is handed
 *     sidecar.c  threads, what each message does, the end
 *
 * Memory that the system does not have ends the process. The host is trusted not to be hostile, and
 * checked all the same: what is wrong is said on stderr, and the process ends.
 */
#ifndef SC_INTERNAL_H
#define SC_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop_sidecar.h"

#define SC_MAX_FRAME (1u << 20)
#define SC_MAX_MESSAGE (64u << 20)
#define SC_MAX_VALUES (128u << 20) /* memory of one call */
#define SC_CREDIT (8u << 20)       /* what the host may have in flight */
#define SC_CALLS 16u               /* at once */
#define SC_SHARED_LEAST (64u << 10)
#define SC_SHARED UINT32_MAX
#define SC_COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum {
    SC_WELCOME = 0x01,
    SC_START = 0x02,
    SC_READY = 0x03,
    SC_FAIL = 0x04,
    SC_CALLER = 0x10,
    SC_CALLER_GONE = 0x11,
    SC_CALL = 0x12,
    SC_NEXT = 0x13,
    SC_RESULT = 0x14,
    SC_FAULT = 0x15,
    SC_CANCEL = 0x16,
    SC_DROP = 0x17,
    SC_RELEASE = 0x18,
    SC_CREDIT_BACK = 0x20,
    SC_PING = 0x21,
    SC_PONG = 0x22,
    SC_QUIESCE = 0x30,
    SC_RESUME = 0x31,
    SC_SAVE = 0x32,
    SC_RESTORE = 0x33,
    SC_STATE = 0x34,
    SC_SAVE_OBJECT = 0x35,
    SC_RESTORE_OBJECT = 0x36,
    SC_LOG = 0x80,
};

/* ---- memory ---- */

void *sc_alloc(size_t size); /* zeroed, never NULL */
void *sc_realloc(void *p, size_t size);

typedef struct sc_buf {
    uint8_t *ptr;
    size_t len, cap;
} sc_buf;
uint8_t *sc_room(sc_buf *b, size_t more); /* at its end; `len` stays */
void sc_add(sc_buf *b, const void *from, size_t len);
void sc_add_number(sc_buf *b, uint64_t n);
void sc_add_signed(sc_buf *b, int64_t n);
void sc_add_text(sc_buf *b, const char *text);
void sc_add_byte(sc_buf *b, uint8_t byte);
/* At most `max` bytes of it, whole characters. */
void sc_add_cut(sc_buf *b, const char *text, size_t max);

/* Blocks that go together. NULL over SC_MAX_VALUES. */
typedef struct sc_arena {
    struct sc_block *first;
    size_t used;
} sc_arena;
void *sc_arena_take(sc_arena *a, size_t size);
void sc_arena_done(sc_arena *a);

/* ---- types ---- */

typedef enum sc_kind {
    SC_BOOL,
    SC_S8,
    SC_U8,
    SC_S16,
    SC_U16,
    SC_S32,
    SC_U32,
    SC_S64,
    SC_U64,
    SC_F32,
    SC_F64,
    SC_CHAR,
    SC_STRING,
    SC_LIST,
    SC_RECORD,
    SC_TUPLE,
    SC_VARIANT,
    SC_ENUM,
    SC_OPTION,
    SC_RESULT_,
    SC_FLAGS,
    SC_OWN,
    SC_BORROW,
} sc_kind;

typedef struct sc_type sc_type;
struct sc_type {
    sc_kind kind;
    uint8_t tag; /* bytes of the tag of a variant and the like */
    uint32_t size, align, payload;
    size_t count;          /* fields, cases, flags */
    const sc_type **parts; /* LIST: [0]; OPTION: [1]; RESULT: [0], [1]; else one each; NULL: none */
    uint32_t *offsets;     /* RECORD, TUPLE */
    uint32_t interface, resource; /* OWN, BORROW: their places in WELCOME */
};

typedef struct sc_function {
    const sc_type *params; /* a TUPLE */
    const sc_type *result; /* NULL: none */
    bool implemented;
} sc_function;

/* False: the text is no type, or names a resource that is not served. */
bool sc_function_parse(const char *text, sc_function *ret);

/* ---- values ---- */

struct loop_call;

/* What is wrong is kept: from then on nothing is read, and numbers are 0. */
typedef struct sc_in {
    const uint8_t *at, *end;
    const char *wrong;
    struct loop_call *call; /* whose memory and handles; NULL: a message without any */
    bool of_next;           /* the answer of a NEXT: handles are the next provider's */
    size_t shared;          /* references that were read */
} sc_in;
uint64_t sc_number(sc_in *in, unsigned bits);
loop_string sc_text(sc_in *in);
void sc_read(sc_in *in, const sc_type *t, void *to);
/* `wrong` too where bytes are left over. */
const char *sc_end(sc_in *in);

typedef struct sc_out {
    sc_buf to;
    const char *wrong;
    struct loop_call *call;
    bool of_next;
    uint32_t id;   /* of the message, for room in the shared memory */
    size_t shared; /* references that were written */
} sc_out;
void sc_write(sc_out *o, const sc_type *t, const void *from);

bool sc_is_text(const uint8_t *s, size_t len);

/* ---- calls ---- */

typedef struct sc_caller {
    uint32_t number;
    unsigned users; /* calls, and the table */
    char *component, *identity, *why;
    uint64_t instance, storage;
    struct sc_caller *next;
} sc_caller;

/* An answer that somebody waits for. */
typedef struct sc_asked {
    uint32_t id;
    uint8_t type; /* RESULT or FAULT, once it came */
    uint8_t *data;
    size_t len;
    struct sc_asked *next;
} sc_asked;

/* A handle that a value names. */
typedef struct sc_named {
    uint64_t number;
    uint32_t interface, resource;
    void *object;
    bool own;
} sc_named;

struct loop_call {
    uint32_t id;
    size_t interface, function;
    sc_caller *caller;
    uint64_t until_ns; /* the deadline; 0: none */
    atomic_int reason; /* loop_cancel_reason */
    atomic_uint left_ms;
    sc_arena arena;
    uint8_t *message;
    sc_asked *answers; /* of NEXT: values are views of them, until the end */
    struct {
        sc_named *at;
        size_t n, cap;
    } named; /* of the value that is read or written now, and what was lent to this call */
    struct {
        uint32_t *at;
        size_t n, cap;
    } releases; /* NEXTs whose answers lie in the shared memory */
    bool shared_room, too_much;
    struct loop_call *next;
};

loop_error *sc_error_read(const uint8_t *data, size_t len); /* FAULT */
void sc_error_write(sc_buf *to, const loop_error *e);
void sc_call_done(loop_call *call);

/* ---- handles ---- */

/* Whether the provider makes its objects: it has a function that drops them. */
bool sc_makes(uint32_t interface, uint32_t resource);
void *sc_object(uint32_t interface, uint32_t resource, uint64_t number, bool remove);
uint64_t sc_handle_new(uint32_t interface, uint32_t resource, void *object);
/* Handles of the next provider: an object stands for the number. */
void *sc_remote_new(uint32_t interface, uint32_t resource, uint64_t number);
uint64_t sc_remote_number(const void *object); /* 0: it is no such object */
void sc_remote_free(void *object);

/* ---- the shared memory ---- */

bool sc_shared_map(uint32_t size);
/* Room in our half; NULL: none. */
uint8_t *sc_shared_take(uint32_t id, size_t size);
void sc_shared_free(uint32_t id);

/* ---- the process ---- */

typedef struct sc_interface {
    const loop_provider_interface *provided;
    sc_function *functions;
    size_t function_count, resource_count;
    struct sc_handles *handles; /* one a resource */
} sc_interface;

extern struct sc_process {
    const loop_provider *provider;
    const char *version;
    void *self;
    sc_interface *interfaces;
    size_t interface_count;

    pthread_mutex_t lock;    /* of everything below */
    pthread_mutex_t serial;  /* held while a function of a SERIAL provider runs */
    pthread_mutex_t writing; /* held while a frame is written */
    pthread_cond_t news;     /* credit or an answer came, a call has ended, the host has gone */
    bool ready;              /* the provider is open */
    bool ended;              /* the host has gone */

    uint32_t to_spend, spent;
    loop_call *calls;
    size_t call_count;
    size_t answering; /* calls that are no longer among them, and whose answer is not out yet */
    unsigned work;    /* drops, saving and restoring: under way */
    bool resume_due;  /* RESUME came while a step was under way; calls wait for it */
    sc_caller *callers;
    sc_asked *asked;
    uint32_t next_id;

    bool may_cancel, may_state;
    loop_log_level level;
    uint8_t *shared; /* NULL: none */
    uint32_t shared_size;
    char **options; /* one a row; NULL: none */
} sc;

uint64_t sc_now_ns(void);
/* Says what is wrong with what came, and ends the process. */
_Noreturn void sc_broken(const char *fmt, ...) LOOP_PRINTF(1, 2);

/* ---- frames ---- */

typedef struct sc_message {
    uint8_t type;
    bool more; /* STATE: another piece follows */
    uint32_t id;
    uint8_t *data; /* malloced */
    size_t len;
} sc_message;

/* By the thread that reads alone. The next whole message; false: the stream has ended. The credit
   of STATE is whoever's who takes it. */
bool sc_receive(sc_message *ret);
/* So many bytes were read: CREDIT, at the latest when it is half. */
void sc_give_back(uint32_t n);
/* In pieces where it is long; waits for credit. */
void sc_send(uint8_t type, uint32_t id, const uint8_t *data, size_t len);
/* A piece of a state, which leaves half of the credit to others; given_up NULL: all of an object's,
   in one frame. False: not sent, as nobody wants it any more. */
bool sc_send_state(uint32_t id, const uint8_t *data, size_t len, bool more, const bool *given_up);
/* The lock is held: waits for news. Who reads lets somebody else do it. */
void sc_wait(void);
void sc_let_read(void);
/* Around what is not a call and has to be done before the end. What may `last` does not keep others
   from reading. */
void sc_begin_work(bool may_last);
void sc_end_work(void);
/* The lock is held: this thread, if it is the one that reads, runs a call, or does no longer. */
void sc_be_busy(void);
void sc_be_idle(void);

/* ---- start ---- */

/* False, and said on stderr: a type of the provider's is none. */
bool sc_read_interfaces(const loop_provider *p);
void sc_send_welcome(void);
void sc_read_start(const sc_message *m);
/* Opens the provider and says READY; or FAIL, and ends the process. */
void sc_begin(void);
char *sc_copy_text(loop_string s);

/* ---- calls ---- */

void sc_on_caller(const sc_message *m);
void sc_on_caller_gone(const sc_message *m);
void sc_on_call(sc_message *m);
void sc_drop_object(uint32_t interface, uint32_t resource, void *object);

/* ---- state ---- */

/* What the provider's table has. */
bool sc_has_state(void);
bool sc_has_copies(void);
/* QUIESCE, RESUME, SAVE, RESTORE, SAVE_OBJECT, RESTORE_OBJECT or STATE. */
void sc_on_state(sc_message *m);
/* CANCEL, the lock is held: whether it was that of a step. */
bool sc_state_cancel(uint32_t id);

#endif
