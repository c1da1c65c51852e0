/*
 * tests/fuzz/fuzz_control.c: any line as a request to a host, and as an answer of one.
 *
 * What must hold: what is refused says why in UTF-8, with a code that is no defect of ours; what is
 * taken can be wished for, is within its limits, and is the same wish when it is written and read
 * again; of an answer that is taken, every text can be read to its end.
 */
#include <stdint.h>
#include <stdlib.h>

#include "control/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const char *const fuzz_seeds[] = {
    "{\"loop\":1,\"do\":\"status\"}",
    "{\"loop\":1,\"do\":\"swap\",\"instance\":\"notes\",\"interface\":\"loop:storage/store\","
    "\"links\":[{\"provider\":\"redact\"},{\"provider\":\"sqlite\",\"options\":[\"file\",\"a.db\"]}"
    ","
    "{\"library\":\"/a/b.so\"},{\"sidecar\":[\"node\",\"x.js\"]}],\"directory\":\"/a\","
    "\"carry\":\"none\",\"dry-run\":true,\"deadline-ms\":250,\"drain-ms\":1}",
    "{\"loop\":1,\"do\":\"replace\",\"instance\":\"#3\",\"component\":\"/"
    "a.wasm\",\"restart\":true}",
    "{\"loop\":1,\"do\":\"reload\",\"instance\":\"n\",\"interface\":\"a:b/c\"}",
    "{\"loop\":1,\"step\":\"n: a:b/c\",\"report\":{\"from\":\"a\",\"to\":\"b\",\"generation\":2,"
    "\"pause-ns\":1000,\"warning\":\"w\"}}",
    "{\"loop\":1,\"end\":{\"code\":77,\"messages\":[\"a\",\"b\"],\"hint\":\"c\"}}",
    "{\"loop\":1,\"end\":null}",
    "{\"loop\":1,\"status\":{\"instances\":[{\"name\":\"n\",\"number\":1,\"path\":\"/"
    "n\",\"imports\":"
    "[{\"interface\":\"a:b/c\",\"chain\":\"x > y\",\"tier\":\"library\",\"generations\":["
    "{\"generation\":1,\"chain\":\"x\",\"handles\":3,\"drains\":true}]}]}],\"swaps\":1}}",
    NULL,
};

static void check_text(const char *s)
{
    if (!lp_utf8_valid(s, strlen(s)))
        abort();
}

static void check_error(loop_error *e)
{
    if (loop_error_code(e) != LOOP_USAGE && loop_error_code(e) != LOOP_LIMIT)
        abort();
    for (const loop_error *c = e; c; c = loop_error_cause(c))
        check_text(loop_error_message(c));
    loop_error_delete(e);
}

/* Written, a request is a line; read again and written again, it is the same line. */
static void check_request(const lp_request *q)
{
    lp_buf once = {0}, twice = {0};
    lp_request again;
    if (!q->status) {
        loop_error *e = lp_wish_check(&q->wish);
        if (e || q->wish.count > LP_MAX_CHAIN || q->wish.deadline_ms > LP_MAX_CONTROL_MS)
            abort();
    }
    lp_request_write(&once, q->status ? NULL : &q->wish);
    if (memchr(once.ptr, '\n', once.len) != once.ptr + once.len - 1)
        abort();
    loop_error *e = lp_request_read(once.ptr, once.len - 1, &again);
    if (e && loop_error_code(e) == LOOP_LIMIT) { /* escapes made it longer than a line may be */
        loop_error_delete(e);
        lp_buf_done(&once);
        return;
    }
    if (e)
        abort();
    lp_request_write(&twice, again.status ? NULL : &again.wish);
    if (once.len != twice.len || memcmp(once.ptr, twice.ptr, once.len) != 0)
        abort();
    lp_request_done(&again);
    lp_buf_done(&once);
    lp_buf_done(&twice);
}

static void check_answer(const lp_answer *a)
{
    if (a->kind == LP_ANSWER_STEP) {
        check_text(a->what);
        if (a->has_report) {
            check_text(a->report.from);
            check_text(a->report.to);
        }
    }
    for (size_t i = 0; i < a->status.instance_count; i++) {
        const loop_instance_status *s = &a->status.instances[i];
        check_text(s->name);
        check_text(s->path);
        for (size_t k = 0; k < s->import_count; k++) {
            check_text(s->imports[k].chain);
            for (size_t g = 0; g < s->imports[k].generation_count; g++)
                check_text(s->imports[k].generations[g].chain);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lp_request q;
    lp_answer a;
    loop_error *e = lp_request_read((const char *)data, size, &q);
    if (e) {
        check_error(e);
    } else {
        check_request(&q);
        lp_request_done(&q);
    }
    e = lp_answer_read((const char *)data, size, &a);
    if (!e) {
        check_answer(&a);
        lp_answer_done(&a);
    }
    loop_error_delete(e);
    return 0;
}
