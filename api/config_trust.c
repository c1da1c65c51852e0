/*
 * api/config_trust.c: what loop.yaml asks for that only a trusted workspace gets.
 *
 * What it asks for is told from its text alone, so that `loop trust` shows what a reader of the
 * file would see; where a path really leads is looked at when it is used.
 */
#include "api/config.h"
#include "base/path.h"

void lp_config_ask(loop_config *c, loop_ask_kind kind, const char *what, const char *text,
                   loop_origin origin)
{
    loop_ask *ask = lp_push(&c->asks);
    *ask = (loop_ask){kind, lp_config_keep(c, text), lp_config_keep(c, what), origin};
}

const loop_ask *loop_config_ask_at(const loop_config *c, size_t i)
{
    return i < c->asks.n ? &c->asks.at[i] : NULL;
}

bool lp_config_leads_out(const loop_config *c, const char *path)
{
    lp_auto(lp_free_string) char *whole = lp_path_join(c->root, path);
    lp_auto(lp_free_string) char *normal = lp_path_normal(whole);
    return !normal || !lp_path_inside(normal, c->root);
}

loop_error *loop_config_trust(const loop_config *c)
{
    return c->file ? loop_trust_check(c->file, c->digest) : NULL;
}

loop_error *loop_config_trust_give(const loop_config *c)
{
    if (!c->file)
        return loop_error_new(LOOP_NOT_FOUND, "there is no loop.yaml to trust");
    return loop_trust_give(c->file, c->digest);
}
