/* slots-loads: demo:slots (wit/slots.wit): loads components as its caller says, and is served by
 * them. */
#include "gen/loads.h"

#include <stdlib.h>
#include <string.h>

static loop_pkg_loader_own_loaded_t all[64];
static uint32_t count;
static demo_slots_links_own_item_t kept[8];
static uint32_t kept_count;

/* "WHAT: TEXT", on the heap. */
static void say(loads_string_t *ret, const char *what, const loads_string_t *text)
{
    size_t n = strlen(what), more = text ? text->len : 0;
    ret->ptr = malloc(n + 2 + more);
    memcpy(ret->ptr, what, n);
    if (text) {
        memcpy(ret->ptr + n, ": ", 2);
        memcpy(ret->ptr + n + 2, text->ptr, more);
    }
    ret->len = n + (text ? 2 + more : 0);
}

static void say_error(loads_string_t *ret, const loop_pkg_loader_error_t *e)
{
    static const char *const names[] = {"unavailable", "denied",    "invalid",
                                        "limit",       "cancelled", "failed"};
    say(ret, names[e->tag], e->tag == LOOP_CORE_TYPES_ERROR_CANCELLED ? NULL : &e->val.unavailable);
}

bool exports_demo_slots_loading_load(loads_string_t *file, loads_string_t *name,
                                     loads_list_string_t *grants, uint32_t *ret,
                                     loads_string_t *err)
{
    loop_pkg_loader_error_t e;
    loop_pkg_loader_wish_t wish = {.selected = {.name = *file}, .name = *name, .grants = *grants};
    loads_string_set(&wish.selected.version, "1.0.0");
    loads_string_set(&wish.selected.digest, "sha256:0");
    loads_string_set(&wish.selected.content, "");
    loads_string_set(&wish.selected.registry, "test");
    if (!loop_pkg_loader_load(&wish, &all[count], &e)) {
        say_error(err, &e);
        return false;
    }
    *ret = count++;
    return true;
}

void exports_demo_slots_loading_exported(uint32_t nth, loads_list_string_t *ret)
{
    loop_pkg_loader_error_t e;
    if (!loop_pkg_loader_method_loaded_exports(loop_pkg_loader_borrow_loaded(all[nth]), ret, &e))
        __builtin_trap();
}

bool exports_demo_slots_loading_serve(uint32_t nth, loads_string_t *imported, loads_string_t *err)
{
    loop_pkg_loader_error_t e;
    if (loop_pkg_loader_method_loaded_serve(loop_pkg_loader_borrow_loaded(all[nth]), imported, &e))
        return true;
    say_error(err, &e);
    return false;
}

void exports_demo_slots_loading_condition(uint32_t nth, loads_string_t *ret)
{
    loop_pkg_loader_condition_t is;
    loop_pkg_loader_error_t e;
    char digits[] = "000";
    if (!loop_pkg_loader_method_loaded_condition(loop_pkg_loader_borrow_loaded(all[nth]), &is,
                                                 &e)) {
        say_error(ret, &e);
        return;
    }
    loads_string_t number = {(uint8_t *)digits, 3};
    switch (is.tag) {
    case LOOP_PKG_LOADER_CONDITION_RUNNING: say(ret, "running", NULL); break;
    case LOOP_PKG_LOADER_CONDITION_EXITED:
        for (int i = 2; i >= 0; i--, is.val.exited /= 10)
            digits[i] += is.val.exited % 10;
        say(ret, "exited", &number);
        break;
    default: say(ret, "failed", &is.val.failed);
    }
}

void exports_demo_slots_loading_drop(uint32_t nth)
{
    loop_pkg_loader_loaded_drop_own(all[nth]);
}

static bool answered(bool good, const demo_slots_links_error_t *e, loads_string_t *err)
{
    if (!good)
        say(err, e->tag ? "refused" : "unavailable", e->tag ? NULL : &e->val.unavailable);
    return good;
}

bool exports_demo_slots_loading_ask(uint32_t depth, uint64_t *ret, loads_string_t *err)
{
    demo_slots_links_error_t e;
    return answered(demo_slots_links_ask(depth, ret, &e), &e, err);
}

bool exports_demo_slots_loading_crash(loads_string_t *err)
{
    demo_slots_links_error_t e;
    return answered(demo_slots_links_crash(&e), &e, err);
}

bool exports_demo_slots_loading_keep(uint32_t *ret, loads_string_t *err)
{
    demo_slots_links_error_t e;
    kept[kept_count] = demo_slots_links_constructor_item(70 + kept_count);
    demo_slots_links_borrow_item_t item = demo_slots_links_borrow_item(kept[kept_count++]);
    return answered(demo_slots_links_method_item_number(item, ret, &e), &e, err);
}
