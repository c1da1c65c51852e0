/* tests/swap/stage.c: implements stage.h. */
#include "stage.h"

#include <dirent.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "control.h"

#define PATIENCE_NS (180 * 1000000000ull) /* for what comes at once, on a machine that hiccups */

loop_host *stage_host;
void (*stage_on_now)(uint64_t now_ns);

static const char *guest_folder;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- ends ---- */

_Noreturn void stage_fail(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    puts("");
    stage_log_print();
    fflush(stdout);
    _exit(1);
}

void stage_must(loop_error *e)
{
    if (e)
        stage_fail("%s", loop_error_format(e));
}

uint64_t stage_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

char *stage_path(const char *folder, const char *fmt, ...)
{
    char name[512], *path;
    va_list args;
    va_start(args, fmt);
    vsnprintf(name, sizeof name, fmt, args);
    va_end(args);
    if (asprintf(&path, "%s/%s", folder, name) < 0)
        abort();
    return path;
}

/* ---- the log: the last lines ---- */

#define LOG_LINES 512
static char *log_lines[LOG_LINES];
static size_t log_count, log_marked;

static void keep_log(void *data, const loop_log_entry *entry)
{
    (void)data;
    char *line;
    static const char *const levels[] = {"trace", "debug", "info", "warn", "error"};
    if (asprintf(&line, "%s %s%s%s", levels[entry->level], entry->component ? entry->component : "",
                 entry->component ? ": " : "", entry->message) < 0)
        abort();
    pthread_mutex_lock(&lock);
    char **at = &log_lines[log_count++ % LOG_LINES];
    free(*at);
    *at = line;
    pthread_mutex_unlock(&lock);
    if (getenv("STAGE_LOG"))
        fprintf(stderr, "%s\n", line);
}

static size_t first_line(void)
{
    return log_count - log_marked > LOG_LINES ? log_count - LOG_LINES : log_marked;
}

bool stage_log_has(const char *const *words)
{
    bool found = false;
    pthread_mutex_lock(&lock);
    for (size_t i = first_line(); i < log_count && !found; i++) {
        const char *const *w = words;
        while (*w && strstr(log_lines[i % LOG_LINES], *w))
            w++;
        found = !*w;
    }
    pthread_mutex_unlock(&lock);
    return found;
}

void stage_log_mark(void)
{
    pthread_mutex_lock(&lock);
    log_marked = log_count;
    pthread_mutex_unlock(&lock);
}

void stage_log_print(void)
{
    pthread_mutex_lock(&lock);
    for (size_t i = first_line(); i < log_count; i++)
        printf("  log: %s\n", log_lines[i % LOG_LINES]);
    pthread_mutex_unlock(&lock);
}

/* ---- test:swap/control ---- */

struct figure {
    char guest[32], what[32];
    uint64_t value;
    struct figure *next;
};
static struct figure *figures;
static char wrong_text[640]; /* what a guest said, "" for nothing */

#define MOST_GUESTS 16
static struct {
    char name[32];
    atomic_bool stop;
} stops[MOST_GUESTS];
static atomic_int stop_count;

static loop_error *stopped(void *self, loop_call *call, bool *ret)
{
    (void)self;
    const char *name = loop_call_component(call);
    for (int i = 0; i < stop_count; i++)
        if (strcmp(stops[i].name, name) == 0)
            *ret = stops[i].stop;
    return NULL;
}

static void set_stop(const char *name, bool stop)
{
    int i = 0;
    while (i < stop_count && strcmp(stops[i].name, name) != 0)
        i++;
    if (i == MOST_GUESTS)
        stage_fail("more than %d guests", MOST_GUESTS);
    stops[i].stop = stop;
    if (i < stop_count)
        return;
    snprintf(stops[i].name, sizeof stops[i].name, "%s", name);
    stop_count++; /* seen by guests from now on */
}

static struct figure *find(const char *guest, const char *what)
{
    struct figure *f = figures;
    while (f && (strcmp(f->guest, guest) != 0 || strcmp(f->what, what) != 0))
        f = f->next;
    return f;
}

static loop_error *report(void *self, loop_call *call, loop_string what, uint64_t value)
{
    (void)self;
    char name[32];
    snprintf(name, sizeof name, "%.*s", (int)what.len, what.ptr);
    pthread_mutex_lock(&lock);
    struct figure *f = find(loop_call_component(call), name);
    if (!f) {
        f = calloc(1, sizeof *f);
        snprintf(f->guest, sizeof f->guest, "%s", loop_call_component(call));
        strcpy(f->what, name);
        f->next = figures;
        figures = f;
    }
    f->value = value;
    pthread_mutex_unlock(&lock);
    return NULL;
}

static loop_error *wrong(void *self, loop_call *call, loop_string text)
{
    (void)self;
    pthread_mutex_lock(&lock);
    snprintf(wrong_text, sizeof wrong_text, "%s: %.*s", loop_call_component(call), (int)text.len,
             text.ptr);
    pthread_mutex_unlock(&lock);
    return NULL;
}

static loop_error *now(void *self, loop_call *call, uint64_t *ret)
{
    (void)self, (void)call;
    *ret = stage_now_ns();
    if (stage_on_now)
        stage_on_now(*ret);
    return NULL;
}

static const test_swap_control_functions functions = {stopped, report, wrong, now};
static const loop_provider control = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "control",
    .summary = "tells the guests of a test when to end",
    .interfaces =
        (const loop_provider_interface[]){{&test_swap_control_interface, &functions}, {NULL, NULL}},
    .threads = LOOP_THREADS_ANY,
};

bool stage_figure(const char *guest, const char *what, uint64_t *ret)
{
    pthread_mutex_lock(&lock);
    const struct figure *f = find(guest, what);
    if (f)
        *ret = f->value;
    pthread_mutex_unlock(&lock);
    return f;
}

uint64_t stage_need(const char *guest, const char *what)
{
    uint64_t value;
    if (!stage_figure(guest, what, &value))
        stage_fail("'%s' did not report '%s'", guest, what);
    return value;
}

void stage_forget(const char *guest)
{
    pthread_mutex_lock(&lock);
    for (struct figure **f = &figures, *gone; (gone = *f);) {
        if (strcmp(gone->guest, guest) != 0) {
            f = &gone->next;
            continue;
        }
        *f = gone->next;
        free(gone);
    }
    pthread_mutex_unlock(&lock);
}

/* ---- the host ---- */

void stage_open(const char *guests, const char *provider)
{
    guest_folder = guests;
    stage_must(loop_host_new(&(loop_host_options){.log = keep_log, .log_level = LOOP_LOG_DEBUG},
                             &stage_host));
    stage_must(loop_host_provider_add(stage_host, &control));
    if (provider)
        stage_must(loop_host_bind(stage_host, STAGE_STORE, provider));
}

void stage_close(void)
{
    loop_host_delete(stage_host);
    stage_host = NULL;
}

static void check_guests(void)
{
    pthread_mutex_lock(&lock);
    bool is_wrong = wrong_text[0];
    pthread_mutex_unlock(&lock);
    if (is_wrong)
        stage_fail("%s", wrong_text);
}

static void turn_once(unsigned ms)
{
    loop_host_turn(stage_host, (int)ms);
    check_guests();
}

void stage_turn(unsigned ms)
{
    uint64_t until = stage_now_ns() + ms * 1000000ull, at;
    while ((at = stage_now_ns()) < until)
        turn_once((unsigned)((until - at) / 1000000 + 1));
}

/* ---- guests ---- */

static void ended(void *data, loop_instance *instance, loop_error *error, const loop_result *result)
{
    stage_guest *g = data;
    (void)instance;
    g->running = false;
    g->ended_well = !error && result->status == 0;
    free(g->error);
    g->error = NULL;
    if (error) {
        char *text = loop_error_format(error);
        g->error = strdup(text);
        loop_free(text);
    }
    loop_error_delete(error);
}

void stage_start(stage_guest *g)
{
    static loop_policy *policy; /* of all, as long as the process */
    loop_component *component;
    char *path = stage_path(guest_folder, "%s", g->file);
    if (!policy) {
        policy = loop_policy_new();
        stage_must(loop_policy_add(policy, LOOP_GRANT_STORAGE, "2GiB", false, NULL, false,
                                   (loop_origin){"the test", 0, 0}));
    }
    const char *args[6] = {g->name};
    for (int i = 0; i < 4 && g->words[i]; i++)
        args[i + 1] = g->words[i];
    set_stop(g->name, false);
    stage_must(loop_component_open(stage_host, path, &component));
    stage_must(loop_instance_new(stage_host, component,
                                 &(loop_instance_options){.name = g->name,
                                                          .identity = g->identity,
                                                          .args = args,
                                                          .policy = policy,
                                                          .memory_limit = 1u << 30,
                                                          .grace_ms = 1000},
                                 &g->instance));
    stage_must(loop_instance_start(g->instance, NULL, ended, g));
    g->running = true;
    loop_component_delete(component);
    free(path);
}

void stage_ended(stage_guest *g)
{
    uint64_t until = stage_now_ns() + PATIENCE_NS;
    while (g->running && stage_now_ns() < until)
        turn_once(100);
    if (g->running)
        stage_fail("'%s' does not end", g->name);
    loop_instance_delete(g->instance);
    g->instance = NULL;
}

void stage_join(stage_guest *g)
{
    stage_ended(g);
    if (!g->ended_well)
        stage_fail("'%s' did not end well: %s", g->name, g->error ? g->error : "its status");
}

void stage_stop(stage_guest *g)
{
    set_stop(g->name, true);
    stage_join(g);
}

void stage_wait(const char *guest, const char *what, uint64_t least)
{
    uint64_t until = stage_now_ns() + PATIENCE_NS, value = 0;
    while (!(stage_figure(guest, what, &value) && value >= least) && stage_now_ns() < until)
        turn_once(10);
    if (value < least)
        stage_fail("'%s' is at %s = %llu, and does not come to %llu", guest, what,
                   (unsigned long long)value, (unsigned long long)least);
}

/* ---- swaps ---- */

static struct {
    bool done;
    stage_swapped *ret;
    char from[512], to[512], warning[512];
} under_way = {.done = true};

static void tell_error(char *to, size_t size, const loop_error *e)
{
    size_t n = 0;
    to[0] = 0;
    for (const loop_error *c = e; c && n < size; c = loop_error_cause(c)) {
        n += (size_t)snprintf(to + n, size - n, "%s%s", c == e ? "" : ": ", loop_error_message(c));
        if (loop_error_hint(c) && n < size)
            n += (size_t)snprintf(to + n, size - n, " (%s)", loop_error_hint(c));
    }
}

static const char *copy(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text ? text : "");
    return text ? to : NULL;
}

static void swapped(void *data, loop_error *error, const loop_swap_report *report)
{
    stage_swapped *s = data;
    s->code = loop_error_code(error);
    tell_error(s->error, sizeof s->error, error);
    if (report)
        s->report = *report;
    s->report.from = copy(under_way.from, sizeof under_way.from, s->report.from);
    s->report.to = copy(under_way.to, sizeof under_way.to, s->report.to);
    s->report.warning = copy(under_way.warning, sizeof under_way.warning, s->report.warning);
    under_way.done = true;
    loop_error_delete(error);
}

void stage_begin(const loop_swap *swap, stage_swapped *ret)
{
    *ret = (stage_swapped){0};
    under_way.done = false;
    loop_error *e = loop_host_swap(stage_host, swap, swapped, ret);
    if (e) /* at once, without a report */
        swapped(ret, e, NULL);
}

bool stage_is_done(void)
{
    return under_way.done;
}

void stage_end(void)
{
    uint64_t until = stage_now_ns() + PATIENCE_NS;
    while (!under_way.done && stage_now_ns() < until)
        turn_once(100);
    if (!under_way.done)
        stage_fail("a swap does not end");
}

void stage_swap(const loop_swap *swap, stage_swapped *ret)
{
    stage_begin(swap, ret);
    stage_end();
}

void stage_must_swap(const loop_swap *swap, stage_swapped *ret)
{
    stage_swap(swap, ret);
    if (ret->code != LOOP_OK)
        stage_fail("a swap from %s to %s failed: %s: %s", ret->report.from ? ret->report.from : "?",
                   swap->count ? swap->links[swap->count - 1].provider : "the same, anew",
                   loop_code_name(ret->code), ret->error);
}

/* ---- what the process has ---- */

static int entries(const char *path)
{
    int n = 0;
    DIR *d = opendir(path);
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

/* Zombies apart. */
static int parent_of(int pid)
{
    char path[64], text[512], state = 0;
    int parent = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f)
        fclose(f);
    text[n] = 0;
    const char *behind = strrchr(text, ')');
    if (!behind || sscanf(behind + 1, " %c %d", &state, &parent) != 2 || state == 'Z')
        return 0;
    return parent;
}

static int descendants(void)
{
    int n = 0;
    DIR *d = opendir("/proc");
    const struct dirent *e;
    while ((e = readdir(d))) {
        int pid = atoi(e->d_name), up = pid > 0 && pid != getpid() ? parent_of(pid) : 0;
        while (up > 1 && up != getpid())
            up = parent_of(up);
        n += up == getpid();
    }
    closedir(d);
    return n;
}

/* A sanitizer's own count, where there is one (sanitizer/allocator_interface.h). */
__attribute__((weak)) size_t __sanitizer_get_current_allocated_bytes(void);

/* Below a sanitizer what is allocated: its quarantine and its free lists stay resident, and
   how many of them depends on which thread freed what. Else what is resident. */
static long used_kib(void)
{
    long pages = 0;
    if (__sanitizer_get_current_allocated_bytes)
        return (long)(__sanitizer_get_current_allocated_bytes() / 1024);
#ifdef __GLIBC__
    malloc_trim(0);
#endif
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%*d %ld", &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

stage_held stage_look(void)
{
    return (stage_held){entries("/proc/self/fd"), entries("/proc/self/task"), descendants(),
                        used_kib()};
}

void stage_expect_held(const stage_held *before, const char *when)
{
    stage_held h;
    uint64_t until = stage_now_ns() + 20 * 1000000000ull;
    for (;;) {
        h = stage_look();
        if (h.files <= before->files && h.threads <= before->threads &&
            h.processes <= before->processes)
            return;
        if (stage_now_ns() > until)
            break;
        stage_turn(20);
    }
    if (getenv("STAGE_LOG"))
        (void)!system("ls -l /proc/$PPID/fd; ps -T -p $PPID; ps --forest -ef");
    stage_fail("%s: %d descriptors, %d threads, %d processes; before: %d, %d, %d", when, h.files,
               h.threads, h.processes, before->files, before->threads, before->processes);
}
