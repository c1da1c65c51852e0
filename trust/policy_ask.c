/*
 * trust/policy_ask.c: a request as a person writes it, "http api.example.com:443": for
 * `loop explain --may`, and for whoever wants to know before something is run.
 */
#include <stdlib.h>

#include "base/os/process.h"
#include "base/text.h"
#include "trust/policy.h"

#define SHOWN 128
#define MAX_ADDRESSES 32

static loop_error *bad(const char *text, const char *what)
{
    char shown[SHOWN];
    return loop_error_hint_set(
        loop_error_new(LOOP_USAGE, "'%s' is no request: %s",
                       lp_text_shown(text, shown, sizeof shown), what),
        "write a kind and what it is about: 'http api.example.com:443', 'dir /data/x', "
        "'dir /data/x:rw', 'env LANG', 'net db:5432', 'listen 127.0.0.1:80', 'storage', 'log', "
        "'packages acme:ui', 'process git status', 'need camera.record'");
}

static bool find_kind(const char *text, size_t n, loop_grant_kind *ret)
{
    for (int i = 0; i < LOOP_GRANT_KINDS; i++) {
        const char *name = loop_grant_kind_name((loop_grant_kind)i);
        if (strlen(name) == n && strncmp(name, text, n) == 0) {
            *ret = (loop_grant_kind)i;
            return true;
        }
    }
    return false;
}

/* A path, with ":rw" where it is to be written to. */
static void ask_dir(const loop_policy *p, const char *what, loop_decision *ret)
{
    size_t n = strlen(what);
    bool write = n > 3 && strcmp(what + n - 3, ":rw") == 0;
    bool read = n > 3 && strcmp(what + n - 3, ":ro") == 0;
    lp_auto(lp_free_string) char *path = lp_strndup(what, n - (write || read ? 3 : 0));
    loop_policy_decide(p, &(loop_request){.kind = LOOP_GRANT_DIR, .name = path, .write = write},
                       ret);
}

/* A name that is granted may still lead to where it may not: as DNS has it now. */
static void ask_addresses(const loop_policy *p, loop_request want, loop_decision *ret)
{
    lp_os_address found[MAX_ADDRESSES];
    size_t n = lp_os_resolve(want.name, found, MAX_ADDRESSES);
    for (size_t i = 0; i < n; i++) {
        char text[LP_OS_ADDRESS_TEXT];
        loop_decision d;
        lp_os_address_format(&found[i], text);
        want.address = text;
        loop_policy_decide(p, &want, &d);
        if (!d.allowed) {
            *ret = d;
            return;
        }
    }
}

static loop_error *ask_host(const loop_policy *p, const char *text, loop_request want,
                            loop_decision *ret)
{
    lp_host host;
    const char *wrong = lp_host_port_parse(want.name, &host, &want.port);
    if (wrong)
        return bad(text, wrong);
    if (!want.port && want.kind != LOOP_GRANT_HTTP)
        return bad(text, "the port is missing");
    want.port = want.port ? want.port : 443;
    want.name = host.name;
    loop_policy_decide(p, &want, ret);
    if (ret->allowed && want.kind == LOOP_GRANT_HTTP && !host.is_address)
        ask_addresses(p, want, ret);
    return NULL;
}

static loop_error *ask_process(const loop_policy *p, const char *text, const char *what,
                               loop_decision *ret)
{
    char **words = NULL;
    size_t n = 0;
    const char *wrong = lp_process_words(what, &words, &n);
    if (wrong)
        return bad(text, wrong);
    lp_auto(lp_free_string) char *program = lp_os_find_program(words[0], "/");
    if (program) {
        free(words[0]);
        words[0] = lp_take(&program);
    }
    loop_policy_decide(p,
                       &(loop_request){.kind = LOOP_GRANT_PROCESS,
                                       .words = (const char *const *)words,
                                       .word_count = n},
                       ret);
    lp_process_words_free(words, n);
    return NULL;
}

loop_error *loop_policy_ask(const loop_policy *p, const char *text, loop_decision *ret)
{
    size_t n = strcspn(text, " ");
    const char *what = text + n + strspn(text + n, " ");
    loop_request want = {.name = what};
    if (!find_kind(text, n, &want.kind))
        return bad(text, "there is no such kind");
    bool nameless = want.kind == LOOP_GRANT_STORAGE || want.kind == LOOP_GRANT_LOG;
    if (nameless != !*what)
        return bad(text, nameless ? "it is about nothing more" : "what is it about?");
    switch (want.kind) {
    case LOOP_GRANT_DIR: ask_dir(p, what, ret); return NULL;
    case LOOP_GRANT_HTTP:
    case LOOP_GRANT_NET:
    case LOOP_GRANT_LISTEN: return ask_host(p, text, want, ret);
    case LOOP_GRANT_PROCESS: return ask_process(p, text, what, ret);
    case LOOP_GRANT_ENV:
    case LOOP_GRANT_STORAGE:
    case LOOP_GRANT_PACKAGES:
    case LOOP_GRANT_LOG:
    case LOOP_GRANT_NEED: break;
    }
    loop_policy_decide(p, &want, ret);
    return NULL;
}
