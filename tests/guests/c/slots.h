/*
 * slots-*: demo:slots (wit/slots.wit): components that serve what they import themselves.
 *
 * Each file defines VERSION, BINDINGS and NAME(x), and includes this one. KEEPING: it exports
 * loop:core/reload, and its state is how often it counted.
 */
#include BINDINGS

#include <stdlib.h>
#include <string.h>

#define LINK(x) demo_slots_links_##x
#define OWN(x) exports_demo_slots_links_##x
#define MILLION 1000000u

struct exports_demo_slots_links_item_t {
    uint32_t number;
};

static uint64_t counted;
static uint32_t live;
static volatile uint32_t never;
static LINK(own_item_t) kept[64];
static size_t kept_count;

/* ---- items ---- */

OWN(own_item_t) OWN(constructor_item)(uint32_t number)
{
    struct exports_demo_slots_links_item_t *item = malloc(sizeof *item);
    item->number = number;
    live++;
    return OWN(item_new)(item);
}

void OWN(item_destructor)(OWN(item_t) * item)
{
    live--;
    free(item);
}

bool OWN(method_item_number)(OWN(borrow_item_t) self, uint32_t *ret, OWN(error_t) * err)
{
    (void)err;
    *ret = self->number;
    return true;
}

bool OWN(method_item_join)(OWN(borrow_item_t) self, OWN(own_item_t) other, uint32_t *ret,
                           OWN(error_t) * err)
{
    (void)err;
    *ret = self->number + OWN(item_rep)(other)->number;
    OWN(item_drop_own)(other);
    return true;
}

uint32_t OWN(live)(void)
{
    return live;
}

/* Every third place has none. */
bool OWN(give)(NAME(list_u32_t) * numbers, OWN(list_option_own_item_t) * ret, OWN(error_t) * err)
{
    (void)err;
    ret->len = numbers->len;
    ret->ptr = malloc(ret->len * sizeof *ret->ptr);
    for (size_t i = 0; i < ret->len; i++) {
        ret->ptr[i].is_some = i % 3 != 2;
        if (ret->ptr[i].is_some)
            ret->ptr[i].val = OWN(constructor_item)(numbers->ptr[i]);
    }
    return true;
}

/* ---- counting ---- */

uint32_t OWN(version)(void)
{
    return VERSION;
}

bool OWN(count)(uint64_t *ret, OWN(error_t) * err)
{
    (void)err;
    *ret = ++counted;
    return true;
}

/* The next one's error becomes this one's. */
static bool pass_on(bool good, LINK(error_t) * from, OWN(error_t) * err)
{
    if (good)
        return true;
    err->tag = from->tag;
    if (from->tag == DEMO_SLOTS_LINKS_ERROR_UNAVAILABLE)
        err->val.unavailable = from->val.unavailable;
    return false;
}

bool OWN(ask)(uint32_t depth, uint64_t *ret, OWN(error_t) * err)
{
    LINK(error_t) theirs;
    if (!depth)
        return OWN(count)(ret, err);
    if (!pass_on(LINK(ask)(depth - 1, ret, &theirs), &theirs, err))
        return false;
    *ret += MILLION;
    return true;
}

uint64_t OWN(must)(uint32_t depth)
{
    return depth ? LINK(must)(depth - 1) + MILLION : ++counted;
}

uint32_t OWN(hammer)(uint32_t calls)
{
    uint32_t failed = 0;
    for (uint32_t i = 0; i < calls; i++) {
        LINK(error_t) err;
        uint64_t n;
        if (LINK(count)(&n, &err))
            continue;
        LINK(error_free)(&err);
        failed++;
    }
    return failed;
}

bool OWN(count_on)(uint32_t calls, uint64_t *ret, OWN(error_t) * err)
{
    LINK(error_t) theirs;
    *ret = 0;
    for (uint32_t i = 0; i < calls; i++)
        if (!pass_on(LINK(count)(ret, &theirs), &theirs, err))
            return false;
    return true;
}

/* ---- what goes wrong ---- */

bool OWN(crash)(OWN(error_t) * err)
{
    (void)err;
    __builtin_trap();
}

bool OWN(spin)(OWN(error_t) * err)
{
    (void)err;
    while (!never)
        ;
    return true;
}

/* Some hundred thousand rounds a millisecond: no clock is imported. */
bool OWN(slow)(uint32_t ms, OWN(error_t) * err)
{
    (void)err;
    for (uint32_t n = 0; n < ms; n++)
        for (volatile uint32_t i = 0; i < 300000; i++)
            ;
    return true;
}

bool OWN(flood)(uint32_t bytes, NAME(list_u8_t) * ret, OWN(error_t) * err)
{
    (void)err;
    ret->len = bytes;
    ret->ptr = malloc(bytes ? bytes : 1);
    if (!ret->ptr)
        __builtin_trap();
    memset(ret->ptr, 7, bytes);
    return true;
}

bool OWN(add)(NAME(list_u8_t) * bytes, uint64_t *ret, OWN(error_t) * err)
{
    (void)err;
    *ret = 0;
    for (size_t i = 0; i < bytes->len; i++)
        *ret += bytes->ptr[i];
    return true;
}

/* ---- asking the next one ---- */

static bool give_and_take(uint64_t *ret, LINK(error_t) * err)
{
    uint32_t numbers[] = {5, 6, 7, 8};
    NAME(list_u32_t) list = {numbers, 4};
    LINK(list_option_own_item_t) items;
    if (!LINK(give)(&list, &items, err))
        return false;
    uint32_t joined = 0;
    bool good =
        items.len == 4 && items.ptr[0].is_some && items.ptr[1].is_some && !items.ptr[2].is_some &&
        items.ptr[3].is_some &&
        LINK(method_item_join)(LINK(borrow_item)(items.ptr[0].val), items.ptr[1].val, &joined, err);
    *ret = joined * 100 + LINK(live)();
    LINK(item_drop_own)(items.ptr[0].val);
    LINK(item_drop_own)(items.ptr[3].val);
    *ret = *ret * 100 + LINK(live)();
    return good;
}

static bool send_bytes(uint64_t *ret, LINK(error_t) * err)
{
    NAME(list_u8_t) bytes = {malloc(1 << 20), 1 << 20};
    memset(bytes.ptr, 3, bytes.len);
    return LINK(add)(&bytes, ret, err);
}

/* One that is never dropped: it goes with the component. */
static bool leave_one(uint64_t *ret, LINK(error_t) * err)
{
    uint32_t number = 0;
    if (kept_count == sizeof kept / sizeof *kept)
        __builtin_trap();
    kept[kept_count] = LINK(constructor_item)(40 + (uint32_t)kept_count);
    kept_count++;
    *ret = 0;
    for (size_t i = 0; i < kept_count; i++) {
        if (!LINK(method_item_number)(LINK(borrow_item)(kept[i]), &number, err))
            return false;
        *ret += number;
    }
    return true;
}

bool OWN(relay)(OWN(wish_t) what, uint64_t *ret, OWN(error_t) * err)
{
    LINK(error_t) theirs;
    NAME(list_u8_t) bytes;
    bool good = false;
    *ret = 0;
    switch (what) {
    case DEMO_SLOTS_LINKS_WISH_COUNT: good = LINK(count)(ret, &theirs); break;
    case DEMO_SLOTS_LINKS_WISH_CRASH: good = LINK(crash)(&theirs); break;
    case DEMO_SLOTS_LINKS_WISH_SPIN: good = LINK(spin)(&theirs); break;
    case DEMO_SLOTS_LINKS_WISH_FLOOD:
        good = LINK(flood)(200u << 20, &bytes, &theirs);
        *ret = good ? bytes.len : 0;
        break;
    case DEMO_SLOTS_LINKS_WISH_GIVE: good = give_and_take(ret, &theirs); break;
    case DEMO_SLOTS_LINKS_WISH_MANY:
        good = LINK(flood)(1u << 20, &bytes, &theirs);
        *ret = good ? bytes.len : 0;
        if (good)
            free(bytes.ptr);
        break;
    case DEMO_SLOTS_LINKS_WISH_BYTES: good = send_bytes(ret, &theirs); break;
    case DEMO_SLOTS_LINKS_WISH_SLOW: good = LINK(slow)(300, &theirs); break;
    case DEMO_SLOTS_LINKS_WISH_LEAVE: good = leave_one(ret, &theirs); break;
    case DEMO_SLOTS_LINKS_WISH_OTHER: {
        demo_slots_other_error_t others;
        if (demo_slots_other_ask(2, ret, &others))
            return true;
        theirs.tag = others.tag;
        if (others.tag == DEMO_SLOTS_OTHER_ERROR_UNAVAILABLE)
            theirs.val.unavailable = others.val.unavailable;
        break;
    }
    }
    return pass_on(good, &theirs, err);
}

/* ---- its state ---- */

#ifdef KEEPING
bool exports_loop_core_reload_save(exports_loop_core_reload_state_t *ret, NAME(string_t) * err)
{
    (void)err;
    NAME(string_dup)(&ret->format, "demo:slots");
    ret->version = 1;
    ret->bytes.len = sizeof counted;
    ret->bytes.ptr = malloc(sizeof counted);
    memcpy(ret->bytes.ptr, &counted, sizeof counted);
    return true;
}

bool exports_loop_core_reload_restore(exports_loop_core_reload_state_t *state, NAME(string_t) * err)
{
    if (state->version != 1 || state->bytes.len != sizeof counted) {
        NAME(string_dup)(err, "another state");
        return false;
    }
    memcpy(&counted, state->bytes.ptr, sizeof counted);
    return true;
}
#endif
