/*
 * tests/swap/fails.c: a new provider that fails at each step of a swap, and an old one that does:
 * guests that count meanwhile see nothing, the error and the log say what and where, and nothing
 * stays behind. tests/lib/swap.py runs it.
 *
 *     swap_fails GUESTS SCRATCH LIBRARIES FRAIL [BEGINNING-OF-NAMES]
 *
 * LIBRARIES is the folder of shelf.so, wrong_abi.so and nameless.so, FRAIL the sidecar of faulty.c.
 * Prints a line a case, "ok NAME" or "FAILED NAME: ...".
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faulty.h"
#include "host/internal.h"
#include "loop/wit/storage.h"
#include "stage.h"

#define KEYS "300"
#define DEADLINE_MS 400  /* of a swap in which something hangs */
#define STEP_MS 500      /* and outside of the time in which calls wait; else it is 30 s */
#define SIDECAR_MS 15000 /* one that does not say READY is given up after 10 s */
#define PATIENT_MS 20000

static const char *scratch, *libraries, *pattern = "";
static char current[96];
static char *library_path, *frail_path;
static const char *library_name, *frail_name;
static stage_held held;
static bool hung; /* in this process: a thread is left behind until it is released */
static int failed;

/* ---- providers that do not fit ---- */

static loop_function odd_rows[32];
static loop_interface odd_interface, short_interface;

static loop_error *refuse(void *self, loop_call *call, const loop_interface *interface, size_t row,
                          const void *args, void *ret)
{
    (void)self, (void)call, (void)interface, (void)row, (void)args, (void)ret;
    return loop_error_new(LOOP_INTERNAL, "a provider that does not fit was called");
}

#define MISFIT(variable, text, interface)                                                          \
    static const loop_provider variable = {                                                        \
        .abi = LOOP_PROVIDER_ABI,                                                                  \
        .name = text,                                                                              \
        .summary = "does not fit",                                                                 \
        .interfaces = (const loop_provider_interface[]){{&interface, NULL}, {NULL, NULL}},         \
        .threads = LOOP_THREADS_ANY,                                                               \
        .call = refuse,                                                                            \
    }
MISFIT(odd, "odd", odd_interface);
MISFIT(brief, "brief", short_interface);

/* `open` of other types; without the last function. */
static void make_misfits(void)
{
    static loop_function short_rows[32];
    const loop_function *f = loop_storage_store_interface.functions;
    size_t n = 0;
    for (; f[n].name; n++) {
        odd_rows[n] = short_rows[n] = f[n];
        if (strcmp(f[n].name, "open") == 0)
            odd_rows[n].type = "(string,u32)->result<own<loop:storage/store.bucket>,u32>";
    }
    short_rows[n - 1].name = NULL;
    odd_interface = short_interface = loop_storage_store_interface;
    odd_interface.functions = odd_rows;
    short_interface.functions = short_rows;
    stage_must(loop_host_provider_add(stage_host, &odd));
    stage_must(loop_host_provider_add(stage_host, &brief));
}

/* ---- a case ---- */

static bool begin(const char *name)
{
    snprintf(current, sizeof current, "%s", name);
    if (strncmp(name, pattern, strlen(pattern)) != 0)
        return false;
    stage_log_mark();
    hung = false;
    return true;
}

static void end(const char *fmt, ...) LOOP_PRINTF(1, 2);
static void end(const char *fmt, ...)
{
    char text[4096] = "";
    va_list args;
    va_start(args, fmt);
    if (fmt[0])
        vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (text[0]) {
        printf("FAILED %s: %s\n", current, text);
        stage_log_print();
        failed++;
    } else {
        printf("ok %s\n", current);
    }
    fflush(stdout);
}

/* The guests go on: each of them some steps more. */
static void go_on(void)
{
    static const char *const names[] = {"counts", "keyvalue"};
    for (size_t i = 0; i < 2; i++)
        stage_wait(names[i], "steps", stage_need(names[i], "steps") + 1);
}

static void swap_back(const char *provider)
{
    stage_swapped s;
    stage_must_swap(&(loop_swap){.interface_name = STAGE_STORE,
                                 .links = &(loop_link){provider, NULL},
                                 .count = 1,
                                 .deadline_ms = PATIENT_MS},
                    &s);
}

static bool has_words(const char *text, const char *const *words)
{
    while (*words && strstr(text, *words))
        words++;
    return !*words;
}

/*
 * What must hold of a swap that failed: its code, what the error and a line of the log say, that
 * the guests go on, and that nothing is left. "" or what is wrong.
 */
static const char *judge(const stage_swapped *s, loop_code code, const char *const *words)
{
    static char text[3072];
    text[0] = 0;
    go_on();
    if (hung) {
        faulty_release = true;
        stage_turn(20);
    }
    stage_expect_held(&held, current);
    faulty_release = false;
    if (s->code != code)
        snprintf(text, sizeof text, "%s, not %s: %s", loop_code_name(s->code), loop_code_name(code),
                 s->error);
    else if (!has_words(s->error, words))
        snprintf(text, sizeof text, "the error does not say '%s' and '%s': %s", words[0],
                 words[1] ? words[1] : words[0], s->error);
    else if (!stage_log_has(words))
        snprintf(text, sizeof text, "the log does not say what the error says: %s", s->error);
    return text;
}

static void swap_to(const char *provider, const char *const *options, unsigned deadline_ms,
                    stage_swapped *ret)
{
    stage_swap(&(loop_swap){.interface_name = STAGE_STORE,
                            .links = &(loop_link){provider, options},
                            .count = 1,
                            .deadline_ms = deadline_ms},
               ret);
}

/* ---- the new one fails ---- */

struct trial {
    const char *how;
    loop_code code;
    const char *words[3];
};

static bool hangs(const char *how)
{
    return strstr(how, ":hang");
}

static void new_one(const char *form, const char *provider, const struct trial *t)
{
    char name[64];
    stage_swapped s;
    bool here = strcmp(form, "linked-in") == 0;
    bool limit = !here && hangs(t->how); /* of the sidecar's own */
    const char *const options[] = {"how", t->how, limit ? "call-timeout" : NULL, "300ms", NULL};
    snprintf(name, sizeof name, "new-%s/%s", form, t->how);
    if (!begin(name))
        return;
    unsigned opened = faulty_opened, closed = faulty_closed;
    hung = here && hangs(t->how);
    stage_host->step_ms = hung ? STEP_MS : SIDECAR_MS;
    swap_to(provider, options, hangs(t->how) ? DEADLINE_MS : PATIENT_MS, &s);
    stage_host->step_ms = SIDECAR_MS;
    const char *why = judge(&s, t->code, t->words);
    if (!*why && here && !hung && faulty_opened - opened != faulty_closed - closed)
        why = "what was opened was not closed";
    end("%s", why);
}

#define BROKE(point) {point, "broke"}
static const struct trial of_new[] = {
    {"detect:fail", LOOP_UNAVAILABLE, {"faulty", "'detect' broke"}},
    {"open:fail", LOOP_IO, {"faulty", "'open' broke"}},
    {"open:hang", LOOP_TIMEOUT, {"faulty", "did not start"}},
    {"health:fail", LOOP_IO, {"faulty", "'health' broke"}},
    {"health:hang", LOOP_TIMEOUT, {"faulty", "did not start"}},
    {"health:fail:2", LOOP_IO, {"faulty", "'health' broke"}},
    {"health:hang:2", LOOP_TIMEOUT, {"faulty", "did not say that it lives"}},
    {"restore:fail", LOOP_IO, {"faulty", "'restore' broke"}},
    {"restore:fail:2", LOOP_IO, {"faulty", "'restore' broke"}},
    {"restore:invalid", LOOP_INVALID, {"faulty", "nobody can read"}},
    {"restore:full", LOOP_DENIED, {"faulty", "something already"}},
    {"restore:hang", LOOP_TIMEOUT, {"faulty", "did not take over the state"}},
    {"restore:hang:2", LOOP_TIMEOUT, {"faulty", "did not take over the state"}},
    {"restore-middle:fail", LOOP_IO, {"faulty", "'restore-middle' broke"}},
    {"restore-middle:hang", LOOP_TIMEOUT, {"faulty", "did not take over the state"}},
    {"restore-end:fail", LOOP_IO, {"faulty", "'restore-end' broke"}},
    {"restore-end:fail:2", LOOP_IO, {"faulty", "'restore-end' broke"}},
    {"restore-object:fail", LOOP_IO, {"faulty", "'restore-object' broke"}},
    {"restore-object:fail:2", LOOP_IO, {"faulty", "'restore-object' broke"}},
    {"restore-object:hang", LOOP_TIMEOUT, {"faulty", "did not make its handles"}},
};

/* A process that ends is LOOP_UNAVAILABLE. */
static const struct trial of_sidecar[] = {
    {"open:fail", LOOP_IO, {"frail", "'open' broke"}},
    {"open:exit", LOOP_UNAVAILABLE, {"frail", "exited with status 7"}},
    {"open:hang", LOOP_TIMEOUT, {"frail", "was not ready"}},
    {"restore:fail", LOOP_IO, {"frail", "'restore' broke"}},
    {"restore:exit", LOOP_UNAVAILABLE, {"frail", "exited with status 7"}},
    {"restore:exit:2", LOOP_UNAVAILABLE, {"frail", "exited with status 7"}},
    {"restore:hang", LOOP_TIMEOUT, {"frail", "take over"}},
    {"restore-middle:exit", LOOP_UNAVAILABLE, {"frail", "exited with status 7"}},
    {"restore-middle:hang", LOOP_TIMEOUT, {"frail", "take over"}},
    {"restore-end:exit", LOOP_UNAVAILABLE, {"frail", "exited with status 7"}},
    {"restore-end:exit:2", LOOP_UNAVAILABLE, {"frail", "exited with status 7"}},
    {"restore-end:fail:2", LOOP_IO, {"frail", "'restore-end' broke"}},
    {"restore-object:fail", LOOP_IO, {"frail", "'restore-object' broke"}},
    {"restore-object:exit", LOOP_UNAVAILABLE, {"frail", "exited with status 7"}},
    {"restore-object:hang", LOOP_TIMEOUT, {"frail", "handle"}},
    {"call:exit", LOOP_UNAVAILABLE, {"frail", "exited with status 7"}},
};

/* Types that are not those of the component, or not all of them; no such interface, no such link.
 */
static void misfits(void)
{
    static const struct {
        const char *name, *provider;
        const char *const words[3];
    } cases[] = {
        {"types/other", "odd", {"odd", "open"}},
        {"types/missing-function", "brief", {"brief", "get-usage"}},
        {"types/missing-interface", "logging", {"logging", STAGE_STORE}},
        {"types/no-provider", "nobody", {"nobody", "provider"}},
    };
    static const loop_code codes[] = {LOOP_INVALID, LOOP_INVALID, LOOP_NOT_FOUND, LOOP_NOT_FOUND};
    for (size_t i = 0; i < 4; i++) {
        stage_swapped s;
        if (!begin(cases[i].name))
            continue;
        swap_to(cases[i].provider, NULL, PATIENT_MS, &s);
        /* What is refused at once is the caller's to log. */
        go_on();
        if (s.code != codes[i] || !has_words(s.error, cases[i].words))
            end("%s: %s", loop_code_name(s.code), s.error);
        else
            end("%s", "");
    }
}

/* ---- the old one fails ---- */

static void old_one(const char *to, const struct trial *t)
{
    char name[96];
    stage_swapped s;
    const char *const options[] = {"how", t->how, NULL};
    snprintf(name, sizeof name, "old-linked-in/%s>%s", t->how, to);
    if (!begin(name))
        return;
    swap_to("faulty", options, PATIENT_MS, &s);
    if (s.code != LOOP_OK)
        stage_fail("%s: %s", current, s.error);
    stage_held before = held;
    held = stage_look();
    go_on();
    unsigned quiesced = faulty_quiesced, resumed = faulty_resumed;
    hung = hangs(t->how);
    char *file = stage_path(scratch, "of-%s", to);
    const char *const its[] = {"file", file, NULL};
    bool has_file = strcmp(to, "sqlite") == 0;
    stage_host->step_ms = hung ? STEP_MS : SIDECAR_MS;
    swap_to(to, has_file ? its : NULL, hung ? DEADLINE_MS : PATIENT_MS, &s);
    stage_host->step_ms = SIDECAR_MS;
    const char *why = judge(&s, t->code, t->words);
    if (!*why && faulty_quiesced - quiesced > faulty_resumed - resumed && !hung)
        why = "it was made quiet, and not resumed";
    held = before;
    swap_back("memory"); /* it fails once only */
    go_on();
    stage_expect_held(&held, current);
    end("%s", why);
    free(file);
}

static const struct trial of_old[] = {
    {"quiesce:fail", LOOP_IO, {"'faulty' could not become quiet", "'quiesce' broke"}},
    {"quiesce:hang", LOOP_TIMEOUT, {"faulty", "did not become quiet"}},
    {"save:fail", LOOP_IO, {"faulty", "'save' broke"}},
    {"save:fail:2", LOOP_IO, {"faulty", "'save' broke"}},
    {"save:hang", LOOP_TIMEOUT, {"faulty", "did not save its state"}},
    {"save:hang:2", LOOP_TIMEOUT, {"faulty", "did not save its state"}},
    {"save-middle:fail", LOOP_IO, {"faulty", "'save-middle' broke"}},
    {"save-object:fail", LOOP_IO, {"faulty", "'save-object' broke"}},
    {"save-object:hang", LOOP_TIMEOUT, {"faulty", "did not say what its handles are"}},
    {"save:rubbish", LOOP_INVALID, {"memory", "state"}},
    {"save:rubbish:2", LOOP_INVALID, {"memory", "state"}},
    {"save:short", LOOP_INVALID, {"memory", "state"}},
    {"save:short:2", LOOP_INVALID, {"memory", "state"}},
    {"save-object:rubbish", LOOP_INVALID, {"memory", "the state is malformed"}},
};
/* The same rubbish for other stores. */
static const struct trial of_old_sqlite[] = {
    {"save:rubbish", LOOP_INVALID, {"sqlite", "state"}},
    {"save:short:2", LOOP_INVALID, {"sqlite", "state"}},
};

/* A call that lasts longer than the swap may wait ends as any other, by the old one. */
static void long_call(void)
{
    stage_swapped s;
    if (!begin("old-linked-in/call-lasts"))
        return;
    swap_to("faulty", (const char *const[]){"how", "call:slow:40", NULL}, PATIENT_MS, &s);
    if (s.code != LOOP_OK)
        stage_fail("%s: %s", current, s.error);
    stage_held before = held;
    held = stage_look();
    /* Whenever the call of 400 ms is met: swaps that may wait 50. */
    for (int i = 0; i < 200 && s.code == LOOP_OK; i++) {
        stage_turn(5);
        stage_swap(&(loop_swap){.interface_name = STAGE_STORE,
                                .deadline_ms = 50,
                                .dry_run = false,
                                .links = &(loop_link){"memory", NULL},
                                .count = 1},
                   &s);
        if (s.code == LOOP_OK)
            swap_to("faulty", (const char *const[]){"how", "call:slow:3", NULL}, PATIENT_MS, &s);
    }
    const char *why = judge(&s, LOOP_TIMEOUT, (const char *const[]){"did not end in time", NULL});
    held = before;
    swap_back("memory");
    end("%s", why);
}

/* ---- files that are not what they were ---- */

static void put_file(const char *from, const char *to, size_t most)
{
    char *next = stage_path(scratch, "next");
    FILE *in = fopen(from, "rb"), *out = fopen(next, "wb");
    char piece[65536];
    size_t n;
    while (in && out && (n = fread(piece, 1, sizeof piece, in)) > 0 && most > 0) {
        n = n < most ? n : most;
        most -= n;
        if (fwrite(piece, 1, n, out) != n)
            stage_fail("%s cannot be written", next);
    }
    if (!in || !out || fclose(in) || fclose(out) || chmod(next, 0755) || rename(next, to))
        stage_fail("%s is not copied to %s", from, to);
    free(next);
}

static void put_text(const char *text, const char *to)
{
    char *from = stage_path(scratch, "text");
    FILE *f = fopen(from, "w");
    if (!f || fputs(text, f) < 0 || fclose(f))
        stage_fail("%s cannot be written", from);
    put_file(from, to, SIZE_MAX);
    free(from);
}

static void changed_library(const char *name, const char *from, size_t most, loop_code code,
                            const char *const *words)
{
    stage_swapped s;
    char *source = stage_path(libraries, "%s", from);
    if (begin(name)) {
        put_file(source, library_path, most);
        swap_to(library_name, NULL, PATIENT_MS, &s);
        end("%s", judge(&s, code, words));
        free(source);
        source = stage_path(libraries, "shelf.so");
        put_file(source, library_path, SIZE_MAX);
    }
    free(source);
}

static void changed_libraries(void)
{
    changed_library("library/wrong-abi", "wrong_abi.so", SIZE_MAX, LOOP_INVALID,
                    (const char *const[]){"shelf", "ABI", NULL});
    changed_library("library/cut-short", "shelf.so", 50000, LOOP_INVALID,
                    (const char *const[]){"shelf", "cut", NULL});
    changed_library("library/no-library", "../build.ninja", SIZE_MAX, LOOP_INVALID,
                    (const char *const[]){"shelf", "library", NULL});
    changed_library("library/nameless", "nameless.so", SIZE_MAX, LOOP_INVALID,
                    (const char *const[]){"a provider without a name", NULL});
    if (!begin("library/is-good-again"))
        return;
    swap_back(library_name);
    go_on();
    swap_back("memory");
    stage_expect_held(&held, current);
    end("%s", "");
}

static void changed_sidecar(const char *name, const char *text, loop_code code,
                            unsigned deadline_ms, const char *const *words)
{
    stage_swapped s;
    if (!begin(name))
        return;
    put_text(text, frail_path);
    swap_to(frail_name, NULL, deadline_ms, &s);
    end("%s", judge(&s, code, words));
}

static void changed_sidecars(const char *frail)
{
    changed_sidecar("sidecar/ends-at-once", "#!/bin/sh\nexit 3\n", LOOP_UNAVAILABLE, PATIENT_MS,
                    (const char *const[]){"frail", "exited with status 3", NULL});
    changed_sidecar("sidecar/says-nothing", "#!/bin/sh\nexec sleep 1000\n", LOOP_TIMEOUT,
                    DEADLINE_MS, (const char *const[]){"frail", NULL});
    changed_sidecar("sidecar/chats", "#!/bin/sh\necho hello, I am a sidecar\nexec cat\n",
                    LOOP_UNAVAILABLE, PATIENT_MS, (const char *const[]){"frail", "protocol", NULL});
    put_file(frail, frail_path, SIZE_MAX);
    if (!begin("sidecar/is-good-again"))
        return;
    swap_back(frail_name);
    go_on();
    swap_back("memory");
    stage_expect_held(&held, current);
    end("%s", "");
}

/* A store that holds something takes nothing over. */
static void full_store(void)
{
    stage_swapped s;
    char *file = stage_path(scratch, "full.db");
    const char *const options[] = {"file", file, NULL};
    if (begin("sqlite/holds-something")) {
        swap_to("sqlite", options, PATIENT_MS, &s);
        if (s.code != LOOP_OK)
            stage_fail("%s: %s", current, s.error);
        swap_back("memory");
        swap_to("sqlite", options, PATIENT_MS, &s);
        end("%s", judge(&s, LOOP_DENIED, (const char *const[]){"sqlite", "holds something", NULL}));
    }
    free(file);
    if (begin("sqlite/cannot-open")) {
        swap_to("sqlite", (const char *const[]){"file", "/proc/none/store.db", NULL}, PATIENT_MS,
                &s);
        end("%s", judge(&s, s.code == LOOP_OK ? LOOP_IO : s.code,
                        (const char *const[]){"sqlite", "/proc/none", NULL}));
    }
}

/* A dry run finds what a swap would, and changes nothing. */
static void dry_runs(void)
{
    stage_swapped s;
    loop_swap swap = {.interface_name = STAGE_STORE,
                      .links =
                          &(loop_link){"faulty", (const char *const[]){"how", "open:fail", NULL}},
                      .count = 1,
                      .dry_run = true};
    if (begin("dry-run/fails")) {
        stage_swap(&swap, &s);
        go_on();
        stage_expect_held(&held, current);
        bool said = s.code == LOOP_IO && strstr(s.error, "'open' broke");
        end("%s", said ? "" : s.error[0] ? s.error : "it found nothing");
    }
    if (begin("dry-run/works")) {
        unsigned opened = faulty_opened, closed = faulty_closed;
        swap.links = &(loop_link){"faulty", NULL};
        stage_swap(&swap, &s);
        go_on();
        stage_expect_held(&held, current);
        end("%s", s.code != LOOP_OK                                  ? s.error
                  : faulty_opened - opened != faulty_closed - closed ? "it is still open"
                                                                     : "");
    }
}

/* ---- all of them ---- */

static void run_all(const char *frail)
{
    misfits();
    for (size_t i = 0; i < sizeof of_new / sizeof *of_new; i++)
        new_one("linked-in", "faulty", &of_new[i]);
    for (size_t i = 0; i < sizeof of_sidecar / sizeof *of_sidecar; i++)
        new_one("sidecar", frail_name, &of_sidecar[i]);
    for (size_t i = 0; i < sizeof of_old / sizeof *of_old; i++)
        old_one("memory", &of_old[i]);
    for (size_t i = 0; i < sizeof of_old_sqlite / sizeof *of_old_sqlite; i++)
        old_one("sqlite", &of_old_sqlite[i]);
    long_call();
    changed_libraries();
    changed_sidecars(frail);
    full_store();
    dry_runs();
}

/* What was counted through all of this is there, to the last one. */
static void compare(void)
{
    stage_guest check = {.name = "check",
                         .file = "swap-counts.wasm",
                         .identity = "counts",
                         .words = {KEYS, "check"}};
    snprintf(current, sizeof current, "counts");
    stage_start(&check);
    stage_join(&check);
    if (stage_need("check", "digest") != stage_need("counts", "digest") ||
        stage_need("check", "sum") != stage_need("counts", "sum"))
        end("the store has %llu, the guest counted %llu",
            (unsigned long long)stage_need("check", "sum"),
            (unsigned long long)stage_need("counts", "sum"));
    else
        end("%s", "");
}

int main(int argc, char **argv)
{
    if (argc < 5)
        return 2;
    scratch = argv[2];
    libraries = argv[3];
    pattern = argc > 5 ? argv[5] : "";
    stage_open(argv[1], "memory");
    stage_must(loop_host_provider_add(stage_host, &faulty_provider));
    stage_host->step_ms = SIDECAR_MS;
    make_misfits();
    library_path = stage_path(scratch, "shelf.so");
    frail_path = stage_path(scratch, "frail");
    char *shelf = stage_path(libraries, "shelf.so");
    put_file(shelf, library_path, SIZE_MAX);
    put_file(argv[4], frail_path, SIZE_MAX);
    stage_must(loop_host_library_add(stage_host, library_path, &library_name));
    stage_must(loop_host_sidecar_add(
        stage_host, &(loop_sidecar_options){.command = (const char *[]){frail_path, NULL}},
        &frail_name));
    stage_guest counts = {.name = "counts", .file = "swap-counts.wasm", .words = {KEYS}},
                keyvalue = {.name = "keyvalue", .file = "swap-keyvalue.wasm"},
                values = {.name = "big", .file = "swap-big.wasm", .words = {"64"}};
    stage_start(&counts);
    stage_start(&keyvalue);
    stage_start(&values);
    stage_wait("counts", "steps", 1024);
    stage_wait("keyvalue", "steps", 1024);
    swap_back("faulty"); /* the keeper's thread and what else a first swap makes */
    swap_back("memory");
    held = stage_look();
    run_all(argv[4]);
    stage_stop(&counts);
    stage_stop(&keyvalue);
    stage_stop(&values);
    compare();
    stage_close();
    free(shelf);
    free(library_path);
    free(frail_path);
    return failed ? 1 : 0;
}
