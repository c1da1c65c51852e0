/*
 * tests/sidecar/hammer.c: 20 instances call one provider, in each of its forms; a sidecar is killed
 * at random meanwhile.
 *
 *     hammer COMPONENT FILE SECONDS linked-in
 *     hammer COMPONENT FILE SECONDS library PATH
 *     hammer COMPONENT FILE SECONDS sidecar PROGRAM [ARGUMENT]...
 *
 * Each instance appends lines of its own ("7 123"), none twice, to the provider's journal (FILE),
 * opens things and drops them. What must hold when all is over: every call came to an end; every
 * line that was acknowledged is in the file; no line is there twice; what is there and was not
 * acknowledged is of a call that failed; no descriptor is left open.
 */
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "loop/host.h"
#include "side.h"

#define GUESTS 20
#define MOST (1 << 20) /* lines of one guest */

enum { NONE, ACKNOWLEDGED, FAILED };

struct guest {
    unsigned number, lines, failed;
    loop_instance *instance;
    pthread_t thread;
    double slowest;
    uint8_t *fate; /* by line */
};

static loop_host *host;
static atomic_bool stop;
static struct guest guests[GUESTS];

static void must(loop_error *e)
{
    if (!e)
        return;
    char *text = loop_error_format(e);
    fputs(text, stdout);
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int open_descriptors(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

/* ---- guests ---- */

static void append(struct guest *g, const test_side_driver_exports *driver)
{
    char line[64];
    test_side_driver_result_u32_error r;
    snprintf(line, sizeof line, "%u %u", g->number, g->lines);
    double start = now();
    must(test_side_driver_call_append(driver, loop_string_of(line), &r));
    double took = now() - start;
    g->slowest = took > g->slowest ? took : g->slowest;
    g->fate[g->lines++] = r.is_err ? FAILED : ACKNOWLEDGED;
    g->failed += r.is_err;
}

static void open_and_close(const test_side_driver_exports *driver)
{
    test_side_driver_result_u32_error r, got;
    must(test_side_driver_call_open(driver, loop_string_of("thing"), &r));
    if (r.is_err)
        return;
    uint32_t number = r.of.ok;
    must(test_side_driver_call_get(driver, number, &got));
    must(test_side_driver_call_close(driver, number));
}

static void *run_guest(void *data)
{
    struct guest *g = data;
    test_side_driver_exports driver;
    must(loop_instance_enter(g->instance));
    must(test_side_driver_bind(g->instance, &driver));
    while (!stop && g->lines < MOST) {
        append(g, &driver);
        if (g->lines % 7 == 0)
            open_and_close(&driver);
        if (g->lines % 50 == 0) {
            test_side_driver_result_u32_error r;
            must(test_side_driver_call_echo(&driver, 100000, &r));
            if (!r.is_err && r.of.ok != 100000) {
                puts("other bytes came back");
                exit(1);
            }
        }
    }
    return NULL;
}

/* ---- kills ---- */

/* The sidecar is the child of our child: loop-guard. */
static pid_t child_of(pid_t parent)
{
    char path[64];
    int child = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
    FILE *f = fopen(path, "r");
    if (!f)
        return 0;
    if (fscanf(f, "%d", &child) != 1)
        child = 0;
    fclose(f);
    return child;
}

static pid_t find_guard(void)
{
    DIR *d = opendir("/proc/self/task");
    const struct dirent *e;
    int guard = 0;
    while (!guard && (e = readdir(d))) {
        char path[300];
        snprintf(path, sizeof path, "/proc/self/task/%s/children", e->d_name);
        FILE *f = e->d_name[0] == '.' ? NULL : fopen(path, "r");
        if (f && fscanf(f, "%d", &guard) != 1)
            guard = 0;
        if (f)
            fclose(f);
    }
    closedir(d);
    return guard;
}

/* Until the time is over. */
static unsigned kill_at_random(double seconds, bool is_sidecar)
{
    unsigned kills = 0;
    for (double end = now() + seconds; now() < end;) {
        usleep(50000 + (unsigned)rand() % 700000);
        if (!is_sidecar)
            continue;
        pid_t guard = find_guard(), sidecar = guard ? child_of(guard) : 0;
        pid_t victim = kills % 5 == 4 ? guard : sidecar; /* now and then its guard */
        if (victim > 1 && kill(victim, SIGKILL) == 0)
            kills++;
    }
    return kills;
}

/* ---- what is stored ---- */

static int check(const char *file, unsigned kills)
{
    unsigned acknowledged = 0, stored = 0, failed = 0, wrong = 0, number, line;
    double slowest = 0;
    uint8_t *seen[GUESTS];
    for (int i = 0; i < GUESTS; i++)
        seen[i] = calloc(MOST, 1);
    FILE *f = fopen(file, "r");
    while (f && fscanf(f, "%u %u\n", &number, &line) == 2) {
        stored++;
        if (number >= GUESTS || line >= guests[number].lines) {
            printf("stored and never sent: %u %u\n", number, line);
            wrong++;
        } else if (seen[number][line]++) {
            printf("stored twice: %u %u\n", number, line);
            wrong++;
        }
    }
    for (int i = 0; i < GUESTS; i++) {
        for (unsigned n = 0; n < guests[i].lines; n++) {
            bool ok = guests[i].fate[n] == ACKNOWLEDGED;
            acknowledged += ok;
            failed += !ok;
            if (ok && !seen[i][n]) {
                printf("acknowledged and not stored: %d %u\n", i, n);
                wrong++;
            }
        }
        slowest = guests[i].slowest > slowest ? guests[i].slowest : slowest;
        free(seen[i]);
    }
    if (f)
        fclose(f);
    printf("%u kills: %u acknowledged <= %u stored <= %u acknowledged or failed; slowest %.2f s\n",
           kills, acknowledged, stored, acknowledged + failed, slowest);
    if (acknowledged < 100 || stored > acknowledged + failed || stored < acknowledged)
        wrong++;
    return wrong ? 1 : 0;
}

extern const loop_provider journal_provider; /* journal.c */

/* Its name. */
static const char *add_provider(const char *form, char **rest)
{
    const char *name = journal_provider.name;
    if (strcmp(form, "sidecar") == 0)
        must(loop_host_sidecar_add(
            host, &(loop_sidecar_options){.command = (const char *const *)rest}, &name));
    else if (strcmp(form, "library") == 0)
        must(loop_host_library_add(host, rest[0], &name));
    else
        must(loop_host_provider_add(host, &journal_provider));
    return name;
}

int main(int argc, char **argv)
{
    loop_component *component;
    if (argc < 5)
        return 2;
    bool is_sidecar = strcmp(argv[4], "sidecar") == 0;
    srand((unsigned)time(NULL) ^ (unsigned)getpid());
    must(loop_host_new(&(loop_host_options){.log_level = LOOP_LOG_ERROR}, &host));
    loop_host_delete(host);
    int before = open_descriptors();
    must(loop_host_new(&(loop_host_options){.log_level = LOOP_LOG_ERROR}, &host));
    const char *name = add_provider(argv[4], argv + 5);
    const char *const restarts[] = {"restarts", "10000", NULL};
    /* Behind a sidecar, for what it does not have. */
    loop_provider behind = journal_provider;
    behind.name = "behind";
    must(loop_host_provider_add(host, &behind));
    const loop_link links[] = {{name, is_sidecar ? restarts : NULL}, {behind.name, NULL}};
    must(loop_host_bind_chain(host, NULL, "test:side/journal", links, is_sidecar ? 2 : 1));
    must(loop_component_open(host, argv[1], &component));
    for (unsigned i = 0; i < GUESTS; i++) {
        guests[i] = (struct guest){.number = i, .fate = calloc(MOST, 1)};
        must(loop_instance_new(host, component, &(loop_instance_options){0}, &guests[i].instance));
        pthread_create(&guests[i].thread, NULL, run_guest, &guests[i]);
    }
    unsigned kills = kill_at_random(strtod(argv[3], NULL), is_sidecar);
    stop = true;
    for (unsigned i = 0; i < GUESTS; i++) {
        pthread_join(guests[i].thread, NULL);
        loop_instance_delete(guests[i].instance);
    }
    loop_component_delete(component);
    loop_host_delete(host);
    int status = check(argv[2], kills);
    int after = open_descriptors();
    if (after != before)
        printf("descriptors: %d before, %d after\n", before, after);
    for (unsigned i = 0; i < GUESTS; i++)
        free(guests[i].fate);
    if (is_sidecar && !kills)
        puts("nothing was killed");
    return status || after != before || (is_sidecar && !kills);
}
