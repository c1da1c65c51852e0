/*
 * sidecar/frame.h: frames and messages of PROTOCOL.md over descriptors, the host's side.
 *
 * Three parts, none of which knows of threads (whoever shares one locks around it):
 *
 *     lp_side_reader   bytes as they come -> frames; no length is trusted
 *     lp_side_inbox    frames -> whole messages, those that were cut put together
 *     lp_side_writer   messages -> frames; header and payload in one system call
 *
 * and lp_side_credit, which counts what is in flight each way. The reader's buffer is
 * at most a frame; a message that came in one piece is a view of it.
 *
 * What is against the protocol is LOOP_UNAVAILABLE, with a hint for whoever wrote the
 * sidecar. After an error nothing more is read from it.
 */
#ifndef LP_SIDE_FRAME_H
#define LP_SIDE_FRAME_H

#include "base/base.h"

#define LP_SIDE_HEADER 12u
#define LP_SIDE_MAGIC 0x706cu /* "lp" */
#define LP_SIDE_MORE 1u
#define LP_SIDE_IGNORABLE 0x80u
#define LP_SIDE_PIECE (256u << 10) /* payload of the frames of a longer message */

typedef enum lp_side_type {
    LP_SIDE_WELCOME = 0x01,
    LP_SIDE_START = 0x02,
    LP_SIDE_READY = 0x03,
    LP_SIDE_FAIL = 0x04,
    LP_SIDE_CALLER = 0x10,
    LP_SIDE_CALLER_GONE = 0x11,
    LP_SIDE_CALL = 0x12,
    LP_SIDE_NEXT = 0x13,
    LP_SIDE_RESULT = 0x14,
    LP_SIDE_FAULT = 0x15,
    LP_SIDE_CANCEL = 0x16,
    LP_SIDE_DROP = 0x17,
    LP_SIDE_RELEASE = 0x18,
    LP_SIDE_CREDIT = 0x20,
    LP_SIDE_PING = 0x21,
    LP_SIDE_PONG = 0x22,
    LP_SIDE_QUIESCE = 0x30,
    LP_SIDE_RESUME = 0x31,
    LP_SIDE_SAVE = 0x32,
    LP_SIDE_RESTORE = 0x33,
    LP_SIDE_STATE = 0x34,
    LP_SIDE_SAVE_OBJECT = 0x35,
    LP_SIDE_RESTORE_OBJECT = 0x36,
    LP_SIDE_LOG = 0x80,
} lp_side_type;

/* "CALL"; NULL for a type that is none. */
const char *lp_side_type_name(uint8_t type);

/* ---- frames ---- */

typedef struct lp_side_frame {
    uint8_t type, flags;
    uint32_t id;
    const uint8_t *payload;
    size_t len;
} lp_side_frame;

/* Zero-initialise. */
typedef struct lp_side_reader {
    uint8_t *buffer;
    size_t start, end, cap; /* what came and was not taken yet */
    bool any;               /* a frame came: what follows is not a greeting */
    bool ended;             /* the stream */
} lp_side_reader;

void lp_side_reader_done(lp_side_reader *r);
/* Room for at least one byte, for whoever reads by other means; then how many came. */
uint8_t *lp_side_reader_room(lp_side_reader *r, size_t *ret_len);
void lp_side_reader_came(lp_side_reader *r, size_t n);
/* The same from a descriptor, in one system call. *ret_got: whether anything came or it ended. */
loop_error *lp_side_reader_fill(lp_side_reader *r, int fd, bool *ret_got) LOOP_MUST_USE;
/*
 * The next frame that is there as a whole; its payload lives until _room or _fill. Types and flags
 * that are none are errors, but for types that may be ignored: they come, as they count against
 * credit, and the inbox drops them.
 */
loop_error *lp_side_reader_next(lp_side_reader *r, lp_side_frame *ret, bool *ret_got) LOOP_MUST_USE;
/* The stream has ended: NULL between two frames, else LOOP_UNAVAILABLE. */
loop_error *lp_side_reader_end(const lp_side_reader *r) LOOP_MUST_USE;
/* The first bytes of what came and is no whole frame, as text; malloced, NULL where there are none.
 */
char *lp_side_reader_rest(const lp_side_reader *r);

/* ---- messages ---- */

typedef struct lp_side_message {
    uint8_t type;
    bool more; /* STATE: another piece follows */
    uint32_t id;
    const uint8_t *data;
    size_t len;
    size_t owed;  /* bytes of credit that were not given back when it came */
    uint8_t *own; /* `data` is this, free()d by _done; NULL: a view of the reader's buffer */
} lp_side_message;

/* Copies a view, so that it outlives the reader's buffer. */
void lp_side_message_keep(lp_side_message *m);
void lp_side_message_done(lp_side_message *m);

/* Messages of which a part came. Zero-initialise. */
typedef struct lp_side_inbox {
    struct lp_side_part {
        uint8_t type;
        bool forgotten;
        uint32_t id;
        lp_buf data;
    } *at;
    size_t n, cap;
    size_t bytes; /* of all */
} lp_side_inbox;

void lp_side_inbox_done(lp_side_inbox *b);
/* Takes a frame. *ret_whole: `ret` is a message. STATE is not put together: each piece is one. */
loop_error *lp_side_inbox_add(lp_side_inbox *b, const lp_side_frame *f, lp_side_message *ret,
                              bool *ret_whole) LOOP_MUST_USE;
/* A call was given up: what came of the message with that id goes, and what will come of it. */
void lp_side_inbox_forget(lp_side_inbox *b, uint32_t id);

/* ---- writing ---- */

/* The 12 bytes of a header. */
void lp_side_header(uint8_t to[LP_SIDE_HEADER], uint8_t type, uint8_t flags, uint32_t id,
                    size_t len);

/*
 * Over a descriptor that does not block (lp_os_pipe_unblock). What the pipe does not take is
 * kept and goes out before anything else, so that no frame is ever torn. Zero-initialise, set fd.
 */
typedef struct lp_side_writer {
    int fd;
    lp_buf left;
    size_t sent; /* of `left` */
} lp_side_writer;

void lp_side_writer_done(lp_side_writer *w);
/* One frame, of at most LP_MAX_SIDE_FRAME. The payload is written or copied when it returns. */
loop_error *lp_side_writer_put(lp_side_writer *w, const lp_side_frame *f) LOOP_MUST_USE;
/* Writes what is left, as much as goes. Wait with lp_os_pipe_wait and call again. */
loop_error *lp_side_writer_flush(lp_side_writer *w) LOOP_MUST_USE;
static inline size_t lp_side_writer_left(const lp_side_writer *w)
{
    return w->left.len - w->sent;
}

/* ---- credit ---- */

typedef struct lp_side_credit {
    uint32_t to_spend;  /* what may still be sent */
    uint32_t spent;     /* sent and not given back */
    uint32_t window;    /* of the other side: what it may have in flight */
    uint32_t in_flight; /* received and not given back */
    uint32_t read;      /* of that, what was taken out of the stream */
} lp_side_credit;

void lp_side_credit_init(lp_side_credit *c, uint32_t to_spend, uint32_t window);
/* Whether frames of that type count. */
bool lp_side_counts(uint8_t type);
/* `want` bytes (more than 0) are to be sent: how many may go now, cut to a frame. 0: wait for
 * CREDIT. */
size_t lp_side_credit_piece(const lp_side_credit *c, size_t want);
/* The same of a STATE that is a stream: half of the credit is left to others. */
size_t lp_side_credit_state(const lp_side_credit *c, size_t want);
void lp_side_credit_sent(lp_side_credit *c, size_t n);
/* CREDIT came. */
loop_error *lp_side_credit_back(lp_side_credit *c, uint64_t n) LOOP_MUST_USE;
/* A frame came: whether the other side had the credit for it. */
loop_error *lp_side_credit_came(lp_side_credit *c, const lp_side_frame *f) LOOP_MUST_USE;
/* `n` bytes of what came were read; how much CREDIT to send now, 0: not yet worth a frame. */
uint32_t lp_side_credit_read(lp_side_credit *c, size_t n);

/* ---- shared memory ---- */

/*
 * Room in the host's half of the shared memory. Only this process knows what is given out; what the
 * sidecar writes there changes nothing. Zero-initialise, set `end`; `at` is free()d by _done.
 */
typedef struct lp_side_room {
    uint32_t start, end;
    struct lp_side_block {
        uint32_t offset, size;
        uint32_t id; /* of the call, whose end frees it */
    } *at;           /* by offset */
    size_t n, cap;
} lp_side_room;

/* The lowest place that is free, so that the same pages are used again. */
bool lp_side_room_take(lp_side_room *r, uint32_t id, size_t size, uint32_t *ret_offset);
void lp_side_room_free(lp_side_room *r, uint32_t id);
void lp_side_room_done(lp_side_room *r);

#endif
