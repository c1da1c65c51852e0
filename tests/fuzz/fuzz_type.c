/*
 * tests/fuzz/fuzz_type.c: types as text, which sidecars send.
 *
 * What must hold: nothing is read outside of the text, nothing leaks; what was taken
 * is written as the same text again, and has a plan or is too large for one.
 */
#include <stdint.h>
#include <stdlib.h>

#include "abi/plan.h"
#include "engine/type_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const char *const fuzz_seeds[] = {
    "(u32,string)->result<_,enum{a,b}>",
    "(borrow<acme:kv/store.bucket>,list<u8>)->own<acme:kv/store.bucket>",
    "(record{a:u8,b:tuple<f32,f64>,c:option<char>})->variant{none,some(list<string>)}",
    "(flags{a,b,c,d,e,f,g,h,i},bool,s8,s16,s32,s64,u16,u64)",
    "(list<list<list<option<result<result<_,_>,_>>>>>)",
    NULL,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lp_arena arena = {0};
    lp_resources known = {0};
    const lp_signature *s;
    const lp_plan *p;
    const lp_str text = {(const char *)data, size};
    loop_error *err = lp_signature_parse(&arena, &known, text, &s);
    if (!err) {
        lp_buf b = {0};
        lp_signature_text(s, &b);
        if (!lp_str_eq(text, (lp_str){b.ptr, b.len}))
            abort();
        lp_buf_done(&b);
        err = lp_plan_new(&arena, s, &p);
    }
    if (err && loop_error_code(err) != LOOP_INVALID && loop_error_code(err) != LOOP_LIMIT)
        abort();
    loop_error_delete(err);
    free(known.at);
    lp_arena_done(&arena);
    return 0;
}
