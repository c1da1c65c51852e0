/* cli/live.c: implements the live line and Ctrl-C of cli/build.h. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli/build.h"

static volatile sig_atomic_t interrupted;

static void note_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

void cli_catch_interrupt(void)
{
    struct sigaction action = {.sa_handler = note_interrupt, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool cli_interrupted(void)
{
    return interrupted;
}

static long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long)t.tv_sec;
}

void cli_live_open(cli_live *l)
{
    const char *term = getenv("TERM");
    l->on = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
    l->started = now();
}

static void forget(cli_live *l, size_t i)
{
    free(l->at[i].name);
    free(l->at[i].step);
    l->at[i] = l->at[--l->count];
}

void cli_live_set(cli_live *l, const char *name, const char *step)
{
    size_t i = 0;
    while (i < l->count && strcmp(l->at[i].name, name) != 0)
        i++;
    if (!step) {
        if (i < l->count)
            forget(l, i);
        return;
    }
    if (i == CLI_LIVE_MAX)
        return;
    if (i == l->count) {
        l->at[i].name = cli_shown(name);
        l->at[i].step = NULL;
        l->count++;
    }
    free(l->at[i].step);
    l->at[i].step = cli_shown(step);
}

void cli_live_clear(cli_live *l)
{
    if (!l->shown)
        return;
    fputs("\r\033[K", stderr);
    l->shown = false;
}

static size_t columns(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

void cli_live_draw(cli_live *l)
{
    if (!l->on || !l->count)
        return;
    size_t room = columns() - 1, used;
    char *head = cli_format("%lds", now() - l->started);
    fputs("\r\033[K", stderr);
    used = strlen(head);
    fputs(head, stderr);
    free(head);
    for (size_t i = 0; i < l->count; i++) {
        char *text = cli_format("  %s: %s", l->at[i].name, l->at[i].step);
        size_t width = cli_width(text);
        if (used + width > room) {
            if (used + 5 < room)
                fputs("  ...", stderr);
            free(text);
            break;
        }
        fputs(text, stderr);
        used += width;
        free(text);
    }
    fflush(stderr);
    l->shown = true;
}

void cli_live_close(cli_live *l)
{
    cli_live_clear(l);
    while (l->count)
        forget(l, 0);
    l->on = false;
}
