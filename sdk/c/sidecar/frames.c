/* frames.c: messages over descriptors 0 and 1, as they were before the program could print.
   One thread reads at a time (sidecar.c says who); any may write. */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "internal.h"

#define HEADER 12u
#define PIECE (256u << 10)
#define LEAST_PIECE 4096u /* shorter ones wait for credit */
#define MORE 1u
#define MOST_PARTIAL 1024u

extern int sc_input, sc_output;

/* ---- reading ---- */

static uint8_t buffer[64 << 10];
static size_t start, end; /* what came and was not taken */

/* Messages of which a part came. */
static struct {
    struct part {
        uint32_t id;
        uint8_t type;
        sc_buf data;
    } *at;
    size_t n, cap;
} parts;

static atomic_uint unreturned; /* what was read and not given back */

static size_t read_some(uint8_t *to, size_t most)
{
    ssize_t n;
    do
        n = read(sc_input, to, most);
    while (n < 0 && errno == EINTR);
    return n > 0 ? (size_t)n : 0;
}

/* False: the stream has ended before. */
static bool read_exactly(uint8_t *to, size_t len)
{
    size_t have = end - start < len ? end - start : len;
    memcpy(to, buffer + start, have);
    start += have;
    for (to += have, len -= have; len;) {
        size_t n;
        if (len >= sizeof buffer) {
            n = read_some(to, len);
        } else {
            start = 0;
            end = read_some(buffer, sizeof buffer);
            n = end < len ? end : len;
            memcpy(to, buffer, n);
            start = n;
        }
        if (!n)
            return false;
        to += n;
        len -= n;
    }
    return true;
}

static uint32_t word(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool may_be_cut(uint8_t type)
{
    return type == SC_CALL || type == SC_RESULT || type == SC_FAULT || type == SC_STATE;
}

void sc_give_back(uint32_t n)
{
    sc_buf b = {0};
    if (!n || atomic_fetch_add(&unreturned, n) + n < SC_CREDIT / 2)
        return;
    unsigned back = atomic_exchange(&unreturned, 0);
    if (!back) /* another thread was faster */
        return;
    sc_add_number(&b, back);
    sc_send(SC_CREDIT_BACK, 0, b.ptr, b.len);
    free(b.ptr);
}

static struct part *part_of(uint32_t id)
{
    for (size_t i = 0; i < parts.n; i++)
        if (parts.at[i].id == id)
            return &parts.at[i];
    return NULL;
}

/* A frame of a message in several; whether it is whole now. */
static bool put_together(sc_message *m, bool more)
{
    struct part *p = part_of(m->id);
    if (!p) {
        if (parts.n == MOST_PARTIAL)
            sc_broken("more than %u messages in pieces", MOST_PARTIAL);
        if (parts.n == parts.cap) {
            parts.cap = parts.cap * 2 + 4;
            parts.at = sc_realloc(parts.at, parts.cap * sizeof *parts.at);
        }
        p = &parts.at[parts.n++];
        *p = (struct part){.id = m->id, .type = m->type};
    }
    if (p->type != m->type)
        sc_broken("a frame 0x%02x between the pieces of a message 0x%02x", m->type, p->type);
    if (m->len > SC_MAX_MESSAGE - p->data.len)
        sc_broken("a message of more than 64 MiB");
    sc_add(&p->data, m->data, m->len);
    free(m->data);
    m->data = NULL;
    if (more)
        return false;
    m->data = p->data.ptr;
    m->len = p->data.len;
    *p = parts.at[--parts.n];
    return true;
}

bool sc_receive(sc_message *m)
{
    for (;;) {
        uint8_t h[HEADER];
        if (start == end) {
            start = 0;
            end = read_some(buffer, sizeof buffer);
            if (!end)
                return false;
        }
        if (!read_exactly(h, sizeof h))
            sc_broken("the stream ended in the header of a frame");
        if (h[6] != 'l' || h[7] != 'p' || word(h) > SC_MAX_FRAME || h[5] & ~MORE)
            sc_broken("no frame: %02x %02x %02x %02x %02x %02x %02x %02x", h[0], h[1], h[2], h[3],
                      h[4], h[5], h[6], h[7]);
        *m = (sc_message){.type = h[4], .id = word(h + 8), .len = word(h)};
        m->data = sc_realloc(NULL, m->len + 1);
        if (!read_exactly(m->data, m->len))
            sc_broken("the stream ended in a frame of the type 0x%02x", m->type);
        if (m->type != SC_START && m->type != SC_CREDIT_BACK && m->type != SC_STATE)
            sc_give_back((uint32_t)m->len);
        bool more = h[5] & MORE;
        if (m->type >= 0x80) {
            free(m->data); /* of a later version */
            continue;
        }
        if (more && !may_be_cut(m->type))
            sc_broken("a frame of the type 0x%02x in pieces", m->type);
        m->more = more;
        if (m->type == SC_STATE)
            return true; /* a piece of a stream */
        if (!may_be_cut(m->type) || (!more && !part_of(m->id)) || put_together(m, more))
            return true;
    }
}

/* ---- writing ---- */

/* The host always reads; where it has gone, nobody needs what is written. */
static void write_frame(uint8_t type, uint8_t flags, uint32_t id, const uint8_t *data, size_t len)
{
    uint8_t h[HEADER] = {[4] = type, flags, 'l', 'p'};
    for (int i = 0; i < 4; i++) {
        h[i] = (uint8_t)(len >> 8 * i);
        h[8 + i] = (uint8_t)(id >> 8 * i);
    }
    uint8_t small[256]; /* one part is cheaper than two */
    struct iovec v[2] = {{h, sizeof h}, {(void *)(uintptr_t)data, len}};
    if (len && len <= sizeof small - sizeof h) {
        memcpy(small, h, sizeof h);
        memcpy(small + sizeof h, data, len);
        v[0] = (struct iovec){small, sizeof h + len};
        v[1].iov_len = 0;
    }
    pthread_mutex_lock(&sc.writing);
    while (v[0].iov_len + v[1].iov_len) {
        ssize_t n =
            v[1].iov_len ? writev(sc_output, v, 2) : write(sc_output, v[0].iov_base, v[0].iov_len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        for (int i = 0; i < 2; i++) {
            size_t part = (size_t)n < v[i].iov_len ? (size_t)n : v[i].iov_len;
            v[i].iov_base = (uint8_t *)v[i].iov_base + part;
            v[i].iov_len -= part;
            n -= (ssize_t)part;
        }
    }
    pthread_mutex_unlock(&sc.writing);
}

/* How much of `left` may go now. */
static size_t piece_of(size_t left, bool cut)
{
    if (left <= SC_MAX_FRAME && left <= sc.to_spend)
        return left;
    if (!cut)
        return 0;
    size_t piece = left < PIECE ? left : PIECE;
    piece = piece < sc.to_spend ? piece : sc.to_spend;
    return piece < LEAST_PIECE && piece < left ? 0 : piece;
}

/* The same of a STATE that is a stream. Any length will do: who has read less than half of the
   credit gives nothing back. */
static size_t piece_of_state(size_t left)
{
    size_t half = (sc.to_spend + sc.spent) / 2, most = sc.to_spend > half ? sc.to_spend - half : 0;
    left = left < PIECE ? left : PIECE;
    return left < most ? left : most;
}

bool sc_send_state(uint32_t id, const uint8_t *data, size_t len, bool more, const bool *given_up)
{
    do {
        size_t piece = 0;
        pthread_mutex_lock(&sc.lock);
        while (len && !sc.ended && !(given_up && *given_up) &&
               !(piece = given_up ? piece_of_state(len) : piece_of(len, false)))
            sc_wait();
        bool wanted = !sc.ended && !(given_up && *given_up);
        sc.to_spend -= (uint32_t)piece;
        sc.spent += (uint32_t)piece;
        pthread_mutex_unlock(&sc.lock);
        if (!wanted)
            return false;
        write_frame(SC_STATE, more || piece < len ? MORE : 0, id, data, piece);
        data = data ? data + piece : NULL;
        len -= piece;
    } while (len);
    return true;
}

void sc_send(uint8_t type, uint32_t id, const uint8_t *data, size_t len)
{
    bool counts = type > SC_FAIL && type != SC_CREDIT_BACK;
    bool cut = type == SC_NEXT || type == SC_RESULT || type == SC_FAULT;
    do {
        size_t piece = len;
        if (counts && len) {
            pthread_mutex_lock(&sc.lock);
            while (!(piece = piece_of(len, cut)) && !sc.ended)
                sc_wait();
            sc.to_spend -= (uint32_t)piece;
            sc.spent += (uint32_t)piece;
            pthread_mutex_unlock(&sc.lock);
            if (!piece)
                return;
        }
        write_frame(type, piece < len ? MORE : 0, id, data, piece);
        data = data ? data + piece : NULL;
        len -= piece;
    } while (len);
}
