/* tests/bench/echo_sidecar.c: a sidecar in C, by hand, for a first look. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

static uint8_t buf[2 << 20];
static size_t have;
static uint8_t *shared;

static void out(uint8_t type, uint32_t id, const void *p, size_t n)
{
    uint8_t h[12 + 4096] = {
        (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16), (uint8_t)(n >> 24), type, 0, 'l', 'p'};
    memcpy(h + 8, &id, 4);
    memcpy(h + 12, p, n);
    if (write(1, h, 12 + n) != (ssize_t)(12 + n))
        exit(1);
}

static size_t str(uint8_t *o, const char *s)
{
    size_t n = strlen(s);
    o[0] = (uint8_t)n;
    memcpy(o + 1, s, n);
    return n + 1;
}

static uint64_t num(const uint8_t **p)
{
    uint64_t n = 0;
    for (int s = 0;; s += 7) {
        uint8_t b = *(*p)++;
        n |= (uint64_t)(b & 0x7f) << s;
        if (b < 0x80)
            return n;
    }
}

int main(int argc, char **argv)
{
    uint8_t w[1024], *o = w;
    o += str(o, "loop-sidecar");
    *o++ = 1, *o++ = 1;
    o += str(o, "echo");
    o += str(o, "1");
    o += str(o, "");
    *o++ = 0;
    memcpy(o, "\x80\x80\x80\x02", 4), o += 4;
    *o++ = 0;
    if (argc > 1)
        *o++ = 0;
    else
        *o++ = 1, o += str(o, "shared-memory");
    *o++ = 0; /* options */
    *o++ = 1;
    o += str(o, "bench:forms/echo");
    o += str(o, "0.1.0");
    *o++ = 2;
    o += str(o, "text"), o += str(o, "(string)->string"), *o++ = 1;
    o += str(o, "bytes"), o += str(o, "(list<u8>)->u32"), *o++ = 1;
    *o++ = 0;
    out(1, 0, w, (size_t)(o - w));
    if (getenv("LOOP_SIDECAR_FD"))
        shared = mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE, MAP_SHARED,
                      atoi(getenv("LOOP_SIDECAR_FD")), 0);
    uint32_t owed = 0;
    for (;;) {
        while (have < 12 || have < 12 + *(uint32_t *)buf) {
            ssize_t n = read(0, buf + have, sizeof buf - have);
            if (n <= 0)
                return 0;
            have += (size_t)n;
        }
        uint32_t len = *(uint32_t *)buf, id = *(uint32_t *)(buf + 8);
        const uint8_t *p = buf + 12;
        uint8_t type = buf[4];
        if (type > 4 && type != 0x20)
            owed += len;
        if (owed > 500000) {
            uint8_t c[8];
            size_t n = 0;
            uint32_t v = owed;
            for (; v >= 0x80; v >>= 7)
                c[n++] = (uint8_t)(v | 0x80);
            c[n++] = (uint8_t)v;
            owed = 0;
            out(0x20, 0, c, n);
        }
        if (type == 2)
            out(3, 0, "", 0);
        if (type == 0x21)
            out(0x22, id, "", 0);
        if (type == 0x12) {
            num(&p), num(&p);
            uint64_t f = num(&p);
            num(&p), num(&p);
            if (f == 0) {
                out(0x14, id, p, (size_t)(buf + 12 + len - p));
            } else {
                const uint8_t *q = p;
                uint64_t n = num(&q);
                const uint8_t *b = q;
                if (n == 0xffffffff) {
                    uint64_t off = num(&q);
                    n = num(&q);
                    b = shared + off;
                }
                uint32_t s = 0;
                s = (uint32_t)n + b[n - 1];
                uint8_t c[8];
                size_t k = 0;
                for (; s >= 0x80; s >>= 7)
                    c[k++] = (uint8_t)(s | 0x80);
                c[k++] = (uint8_t)s;
                out(0x14, id, c, k);
            }
        }
        memmove(buf, buf + 12 + len, have - 12 - len);
        have -= 12 + len;
    }
}
