/* providers/storage/state.c: implements state.h. */
#include "providers/storage/state.h"

#include <stdlib.h>

#include "providers/storage/store.h"

#define MAX_WRITER 256 /* bytes, as state.wit says */
#define MAX_HOME 4096

/* ---- writing ---- */

static uint8_t *room(lp_state_out *o, size_t n)
{
    if (o->cap - o->len < n) {
        o->cap = LP_MAX(o->len + n, LP_MAX(o->cap * 2, (size_t)2 * LP_STATE_PIECE));
        o->ptr = lp_realloc(o->ptr, o->cap);
    }
    return o->ptr + o->len;
}

static void put_number(lp_state_out *o, uint32_t n)
{
    uint8_t *p = room(o, 5);
    for (; n >= 0x80; n >>= 7)
        *p++ = (uint8_t)(n | 0x80);
    *p++ = (uint8_t)n;
    o->len = (size_t)(p - o->ptr);
}

/* None is longer than 4 GiB: the limits of a store, or text of its own. */
static void put_bytes(lp_state_out *o, lp_str s)
{
    put_number(o, (uint32_t)s.len);
    uint8_t *p = room(o, s.len);
    if (s.len)
        memcpy(p, s.ptr, s.len);
    o->len += s.len;
}

void lp_state_header(lp_state_out *o, const char *writer, loop_storage_state_pass pass,
                     const char *home)
{
    put_number(o, LOOP_STORAGE_STATE_ITEM_HEADER);
    put_number(o, LP_STATE_FORMAT);
    put_bytes(o, lp_str_of(writer));
    put_number(o, pass);
    put_number(o, home != NULL);
    if (home)
        put_bytes(o, lp_str_of(home));
}

static lp_str view(const lp_buf *b)
{
    return (lp_str){b->ptr, b->len};
}

static void keep(lp_buf *b, lp_str s)
{
    b->len = 0;
    lp_buf_add(b, s.ptr, s.len);
}

void lp_state_bucket(lp_state_out *o, lp_str identity, lp_str name)
{
    if (o->inside && lp_str_eq(view(&o->identity), identity) && lp_str_eq(view(&o->bucket), name))
        return;
    o->inside = true;
    keep(&o->identity, identity);
    keep(&o->bucket, name);
    put_number(o, LOOP_STORAGE_STATE_ITEM_BUCKET);
    put_bytes(o, identity);
    put_bytes(o, name);
}

void lp_state_stored(lp_state_out *o, lp_str key, lp_str value, lp_str version)
{
    o->count++;
    put_number(o, LOOP_STORAGE_STATE_ITEM_STORED);
    put_bytes(o, key);
    put_bytes(o, value);
    put_bytes(o, version);
}

void lp_state_removed(lp_state_out *o, lp_str key)
{
    o->count++;
    put_number(o, LOOP_STORAGE_STATE_ITEM_REMOVED);
    put_bytes(o, key);
}

loop_error *lp_state_flush(lp_state_out *o)
{
    LP_TRY(loop_stream_write(o->to, o->ptr, o->len));
    o->len = 0;
    return NULL;
}

loop_error *lp_state_end(lp_state_out *o)
{
    if (o->count > UINT32_MAX)
        return loop_error_new(LOOP_LIMIT, "more keys than a state can have");
    put_number(o, LOOP_STORAGE_STATE_ITEM_END);
    put_number(o, (uint32_t)o->count);
    return lp_state_flush(o);
}

void lp_state_out_done(lp_state_out *o)
{
    lp_buf_done(&o->identity);
    lp_buf_done(&o->bucket);
    free(o->ptr);
    *o = (lp_state_out){0};
}

/* ---- bytes ---- */

/* "the state is malformed: item 7: a key of 1025 bytes" */
static loop_error *bad(const lp_state_in *in, const char *fmt, ...) LOOP_PRINTF(2, 3);
static loop_error *bad(const lp_state_in *in, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    lp_auto(lp_free_string) char *what = lp_vformat(fmt, ap);
    va_end(ap);
    return loop_error_new(LOOP_INVALID, "the state is malformed: item %llu: %s",
                          (unsigned long long)in->items, what);
}

/* Room behind what came: over what was read before this item, or more. It grows as bytes come,
   whatever lengths they claim. */
static void make_room(lp_state_in *in)
{
    if (in->item) {
        memmove(in->ptr, in->ptr + in->item, in->end - in->item);
        in->at -= in->item;
        in->end -= in->item;
        in->item = 0;
    }
    if (in->end < in->cap)
        return;
    in->cap = in->cap ? in->cap * 2 : LP_STATE_PIECE;
    in->ptr = lp_realloc(in->ptr, in->cap);
}

static loop_error *more(lp_state_in *in, size_t *ret_n)
{
    if (in->end == in->cap)
        make_room(in);
    LP_TRY(loop_stream_read(in->from, in->ptr + in->end, in->cap - in->end, ret_n));
    in->end += *ret_n;
    return NULL;
}

/* That `n` bytes are there, from `at`. */
static loop_error *need(lp_state_in *in, size_t n)
{
    while (in->end - in->at < n) {
        size_t came = 0;
        LP_TRY(more(in, &came));
        if (!came)
            return bad(in, "it is cut off");
    }
    return NULL;
}

static loop_error *take_number(lp_state_in *in, uint32_t *ret)
{
    uint32_t n = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        LP_TRY(need(in, 1));
        uint8_t b = in->ptr[in->at++];
        if (shift == 28 && b > 15)
            break;
        n |= (uint32_t)(b & 127) << shift;
        if (b < 128) {
            *ret = n;
            return NULL;
        }
    }
    return bad(in, "a number of more than 32 bits");
}

/* Where bytes lie, counted from the item: what came may move until the item is whole. */
typedef struct span {
    size_t at, len;
} span;

static loop_error *take_bytes(lp_state_in *in, const char *what, size_t min, size_t max, span *ret)
{
    uint32_t n;
    LP_TRY(take_number(in, &n));
    if (n < min || n > max)
        return bad(in, "%s of %lu bytes", what, (unsigned long)n);
    LP_TRY(need(in, n));
    *ret = (span){in->at - in->item, n};
    in->at += n;
    return NULL;
}

static loop_string text_at(const lp_state_in *in, span s)
{
    return (loop_string){(const char *)in->ptr + in->item + s.at, s.len};
}

static loop_list_u8 bytes_at(const lp_state_in *in, span s)
{
    return (loop_list_u8){in->ptr + in->item + s.at, s.len};
}

static loop_error *take_text(lp_state_in *in, const char *what, size_t min, size_t max, span *ret)
{
    LP_TRY(take_bytes(in, what, min, max, ret));
    loop_string t = text_at(in, *ret);
    return lp_utf8_valid(t.ptr, t.len) ? NULL : bad(in, "%s that is not UTF-8", what);
}

/* ---- items ---- */

static loop_error *take_header(lp_state_in *in, loop_storage_state_header *ret)
{
    span writer, home = {0};
    uint32_t pass, some;
    LP_TRY(take_number(in, &ret->format));
    if (ret->format != LP_STATE_FORMAT)
        return loop_error_new(LOOP_INVALID, "the state has the format %lu, and this loop reads %d",
                              (unsigned long)ret->format, LP_STATE_FORMAT);
    LP_TRY(take_text(in, "a writer", 0, MAX_WRITER, &writer));
    LP_TRY(take_number(in, &pass));
    if (pass > LOOP_STORAGE_STATE_PASS_REST)
        return bad(in, "no such pass");
    LP_TRY(take_number(in, &some));
    if (some > 1)
        return bad(in, "no such case");
    if (some)
        LP_TRY(take_text(in, "a home", 0, MAX_HOME, &home));
    ret->writer = text_at(in, writer);
    ret->pass = in->pass = (loop_storage_state_pass)pass;
    ret->home.is_some = some;
    ret->home.value = text_at(in, home);
    return NULL;
}

static int compare(const lp_buf *b, loop_string t)
{
    return lp_store_compare(b->ptr, b->len, t.ptr, t.len);
}

static loop_error *take_bucket(lp_state_in *in, loop_storage_state_bucket_start *ret)
{
    span identity, name;
    LP_TRY(take_text(in, "an identity", 1, LP_MAX_IDENTITY, &identity));
    LP_TRY(take_bytes(in, "a bucket's name", 1, LP_MAX_STORE_NAME, &name));
    ret->identity = text_at(in, identity);
    ret->name = text_at(in, name);
    if (memchr(ret->identity.ptr, 0, ret->identity.len))
        return bad(in, "an identity with a zero byte");
    loop_error *no = lp_store_name_check(ret->name);
    if (no) {
        loop_error *e = bad(in, "%s", loop_error_message(no));
        loop_error_delete(no);
        return e;
    }
    int after = compare(&in->identity, ret->identity);
    if (in->inside && (after > 0 || (after == 0 && compare(&in->bucket, ret->name) >= 0)))
        return bad(in, "a bucket out of order");
    in->inside = true;
    in->keyed = false;
    keep(&in->identity, (lp_str){ret->identity.ptr, ret->identity.len});
    keep(&in->bucket, (lp_str){ret->name.ptr, ret->name.len});
    return NULL;
}

static loop_error *take_key(lp_state_in *in, span *ret)
{
    if (!in->inside)
        return bad(in, "a key outside of a bucket");
    LP_TRY(take_bytes(in, "a key", 1, LP_MAX_STORE_KEY, ret));
    loop_list_u8 key = bytes_at(in, *ret);
    if (in->keyed && lp_store_compare(in->key, in->key_len, key.ptr, key.len) >= 0)
        return bad(in, "a key out of order");
    in->keyed = true;
    in->key_len = key.len;
    memcpy(in->key, key.ptr, key.len);
    in->count++;
    return NULL;
}

static loop_error *take_stored(lp_state_in *in, loop_storage_state_stored *ret)
{
    span key, value, version;
    LP_TRY(take_key(in, &key));
    LP_TRY(take_bytes(in, "a value", 0, LP_MAX_STORE_VALUE, &value));
    LP_TRY(take_bytes(in, "a version", 1, LP_MAX_STORE_VERSION, &version));
    ret->key = bytes_at(in, key);
    ret->value = bytes_at(in, value);
    ret->version = text_at(in, version);
    for (size_t i = 0; i < ret->version.len; i++)
        if (ret->version.ptr[i] < 33 || ret->version.ptr[i] > 126)
            return bad(in, "a version that is not ASCII");
    return NULL;
}

static loop_error *take_removed(lp_state_in *in, loop_storage_state_key *ret)
{
    span key;
    if (in->pass != LOOP_STORAGE_STATE_PASS_REST)
        return bad(in, "a removed key, and it is no rest");
    LP_TRY(take_key(in, &key));
    *ret = bytes_at(in, key);
    return NULL;
}

static loop_error *take_end(lp_state_in *in, uint32_t *ret)
{
    LP_TRY(take_number(in, ret));
    if (*ret != in->count)
        return bad(in, "it ends with %lu keys, and %llu came", (unsigned long)*ret,
                   (unsigned long long)in->count);
    size_t came = in->end - in->at;
    if (!came)
        LP_TRY(more(in, &came));
    return came ? bad(in, "bytes behind its end") : NULL;
}

loop_error *lp_state_next(lp_state_in *in, lp_state_item *ret)
{
    uint32_t tag;
    in->item = in->at;
    LP_TRY(take_number(in, &tag));
    if ((tag == LOOP_STORAGE_STATE_ITEM_HEADER) != (in->items == 0))
        return in->items ? bad(in, "another header")
                         : loop_error_new(LOOP_INVALID, "the state has no header");
    ret->tag = (uint8_t)tag;
    loop_error *e;
    switch (tag) {
    case LOOP_STORAGE_STATE_ITEM_HEADER: e = take_header(in, &ret->of.header); break;
    case LOOP_STORAGE_STATE_ITEM_BUCKET: e = take_bucket(in, &ret->of.bucket); break;
    case LOOP_STORAGE_STATE_ITEM_STORED: e = take_stored(in, &ret->of.stored); break;
    case LOOP_STORAGE_STATE_ITEM_REMOVED: e = take_removed(in, &ret->of.removed); break;
    case LOOP_STORAGE_STATE_ITEM_END: e = take_end(in, &ret->of.end); break;
    default: e = bad(in, "no such item"); break;
    }
    in->items++;
    return e;
}

void lp_state_in_done(lp_state_in *in)
{
    lp_buf_done(&in->identity);
    lp_buf_done(&in->bucket);
    free(in->ptr);
    *in = (lp_state_in){0};
}

/* ---- a bucket's handle ---- */

loop_error *lp_state_object_write(loop_stream *to, lp_str name)
{
    lp_state_out o = {.to = to};
    put_bytes(&o, name);
    loop_error *e = lp_state_flush(&o);
    lp_state_out_done(&o);
    return e;
}

static loop_error *read_object(lp_state_in *in, loop_string *ret)
{
    span name;
    size_t came = 0;
    LP_TRY(take_bytes(in, "a bucket's name", 1, LP_MAX_STORE_NAME, &name));
    if (in->end == in->at)
        LP_TRY(more(in, &came));
    if (in->end > in->at)
        return bad(in, "bytes behind a bucket's name");
    *ret = text_at(in, name);
    return lp_store_name_check(*ret);
}

loop_error *lp_state_object_read(loop_stream *from, char *ret, size_t *ret_len)
{
    lp_state_in in = {.from = from};
    loop_string name;
    loop_error *e = read_object(&in, &name);
    if (!e)
        memcpy(ret, name.ptr, *ret_len = name.len);
    lp_state_in_done(&in);
    return e;
}
