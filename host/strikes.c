/*
 * host/strikes.c: how often something failed, and when it begins anew: one rule for commands and
 * applications (restart.c) and for components in slots (backend_life.c).
 *
 *     failure  1       2       3       4   ...   after a minute of good running: 1 again
 *     again    100 ms  200 ms  400 ms  800 ms    up to 30 s
 *
 * In a slot the first two begin at once: nobody starts one there but a call that needs it. What is
 * kept in quarantine is so for the life of the host, or until somebody replaces it.
 */
#include <stdlib.h>

#include "host/internal.h"

#define MS 1000000ull
#define FIRST_MS 100
#define MOST_MS 30000
#define WINDOW_NS (60000 * MS)
#define QUARANTINE 3

static void forget_old(struct lp_strikes *s, uint64_t now)
{
    size_t kept = 0;
    for (size_t n = 0; n < s->times.n; n++)
        if (s->times.at[n] + WINDOW_NS > now)
            s->times.at[kept++] = s->times.at[n];
    s->times.n = kept;
}

static uint64_t backoff(const struct lp_strikes *s, unsigned at_once)
{
    if (s->row <= at_once)
        return 0;
    uint64_t ms = FIRST_MS;
    for (unsigned i = at_once + 1; i < s->row && ms < MOST_MS; i++)
        ms *= 2;
    return LP_MIN(ms, (uint64_t)MOST_MS) * MS;
}

uint64_t lp_strike(struct lp_strikes *s, const struct lp_strike_rule *rule, uint64_t now)
{
    forget_old(s, now);
    *lp_push(&s->times) = now;
    bool well = s->since_ns && now >= s->since_ns + WINDOW_NS;
    s->row = well ? 1 : s->row + 1;
    s->count++;
    if (rule->mode == LOOP_ON_TRAP_QUARANTINE && s->times.n >= QUARANTINE)
        s->quarantined = true;
    if (rule->mode == LOOP_ON_TRAP_STOP || s->quarantined || !rule->a_minute)
        return UINT64_MAX;
    if (s->times.n > rule->a_minute)
        return s->times.at[s->times.n - 1 - rule->a_minute] + WINDOW_NS;
    return now + backoff(s, rule->at_once);
}

void lp_strikes_started(struct lp_strikes *s, uint64_t now)
{
    s->since_ns = now;
}

void lp_strikes_done(struct lp_strikes *s)
{
    free(s->times.at);
    free(s->why);
    *s = (struct lp_strikes){0};
}

bool lp_is_strike(const loop_error *err)
{
    switch (loop_error_code(err)) {
    case LOOP_TRAP:
    case LOOP_LIMIT:
    case LOOP_TIMEOUT:
    case LOOP_UNAVAILABLE:
    case LOOP_DENIED:
    case LOOP_INTERNAL: return true;
    default: return false; /* it was stopped, or could not be run at all */
    }
}

void lp_strikes_note(struct lp_strikes *s, const loop_error *err)
{
    free(s->why);
    s->why = lp_strdup(err ? loop_error_message(err) : "it ended itself");
}
