/*
 * builder/tool.c: running a program of a toolchain, to its end.
 *
 * Below loop-guard, in a process group of its own: whatever ends loop (Ctrl-C, SIGKILL, a
 * crash) ends the compiler and all that it started. Its stdin is empty, so that nothing waits
 * for an answer that nobody sees asked; its stdout and stderr are pipes, so that tools write
 * neither colours nor progress bars. stderr is kept for a person, stdout for who reads it, or
 * with stderr where nobody does.
 */
#include <stdlib.h>

#include "base/os/process.h"
#include "base/path.h"
#include "builder/internal.h"

#define TICK_NS 50000000ull  /* how often it is looked whether to stop */
#define TERM_NS 300000000ull /* a tool's own time to end */
#define TURN 64              /* reads of a stream at a time: one without end holds up nothing */

/* ---- words ---- */

void lp_build_word(lp_build_words *w, const char *word)
{
    *lp_push(w) = word;
    *lp_push(w) = NULL; /* always ended; the next word takes its place */
    w->n--;
}

void lp_build_words_free(lp_build_words *w)
{
    free(w->at);
    *w = (lp_build_words){0};
}

/* Words as a shell would have to be told. */
static void note_command(lp_build_job *j, const lp_build_command *c)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-_./=:,+@%";
    if (c->directory && strcmp(c->directory, j->root) != 0)
        lp_buf_printf(&j->commands, "cd %s && ", lp_build_shown(j, c->directory));
    for (size_t i = 0; c->env && c->env[i]; i++)
        lp_buf_printf(&j->commands, "%s ", c->env[i]);
    for (size_t i = 0; c->argv[i]; i++) {
        const char *word = lp_build_shown(j, c->argv[i]);
        if (i)
            lp_buf_puts(&j->commands, " ");
        if (*word && !word[strspn(word, plain)]) {
            lp_buf_puts(&j->commands, word);
            continue;
        }
        lp_buf_puts(&j->commands, "'");
        for (; *word; word++)
            lp_buf_printf(&j->commands, *word == '\'' ? "'\\''" : "%c", *word);
        lp_buf_puts(&j->commands, "'");
    }
    lp_buf_puts(&j->commands, "\n");
}

/* The user's environment with `mine` in place of what has the same names; for free(). */
static const char **environment(const char *const *mine)
{
    lp_build_words w = {0};
    for (const char *const *at = lp_os_environment(); *at; at++) {
        bool replaced = false;
        for (size_t i = 0; mine && mine[i] && !replaced; i++) {
            size_t n = strcspn(mine[i], "=") + 1;
            replaced = strncmp(*at, mine[i], n) == 0;
        }
        if (!replaced)
            lp_build_word(&w, *at);
    }
    for (size_t i = 0; mine && mine[i]; i++)
        lp_build_word(&w, mine[i]);
    lp_build_word(&w, NULL);
    return w.at;
}

/* ---- what it says ---- */

struct stream {
    int *fd;
    lp_buf *to;
    size_t max, left_out;
};

/* What is there now; false when it is over. It is text: a zero in it would hide what follows. */
static bool take(struct stream *s)
{
    char chunk[16384];
    size_t n = 0;
    bool end = false;
    if (*s->fd < 0)
        return false;
    loop_error *e = lp_os_pipe_read(*s->fd, chunk, sizeof chunk, &n, &end);
    if (e) {
        loop_error_delete(e);
        return false;
    }
    for (char *zero = chunk; (zero = memchr(zero, 0, n - (size_t)(zero - chunk)));)
        *zero = '\x1a';
    size_t room = s->to->len < s->max ? LP_MIN(n, s->max - s->to->len) : 0;
    lp_buf_add(s->to, chunk, room);
    s->left_out += n - room;
    return !end;
}

static void end_stream(struct stream *s)
{
    if (s->left_out)
        lp_buf_printf(s->to, "\n... and %zu bytes more\n", s->left_out);
}

/* ---- running ---- */

/* What it gets on its stdin, as far as there is room; ends the stdin when all is written. */
static void feed(lp_os_guarded *g, const char **input)
{
    while (g->in >= 0) {
        size_t n = 0;
        lp_os_bytes part = {*input, strlen(*input)};
        loop_error *e = part.len ? lp_os_pipe_write(g->in, &part, 1, &n) : NULL;
        bool over = e || !part.len; /* it reads no more: fine */
        loop_error_delete(e);
        *input += n;
        if (over)
            lp_os_guarded_close_in(g);
        else if (!n)
            return;
    }
}

/* Reads until it has ended; whatever is still in the pipes then, too. */
static loop_error *follow(lp_build_job *j, lp_os_guarded *g, struct stream streams[2],
                          const lp_build_command *c, int *ret_status)
{
    bool open[2] = {true, true};
    const char *input = c->input ? c->input : "";
    uint64_t ms = c->deadline_ms ? c->deadline_ms : c->ask ? LP_BUILD_ASK_MS : 0;
    uint64_t until = ms ? lp_os_now_ns() + ms * 1000000ull : UINT64_MAX;
    for (;;) {
        bool ended = lp_os_guarded_ended(g, ret_status);
        feed(g, &input);
        for (int i = 0; i < 2; i++)
            for (size_t k = 0; open[i] && k < TURN; k++) {
                size_t before = streams[i].to->len + streams[i].left_out;
                open[i] = take(&streams[i]);
                if (streams[i].to->len + streams[i].left_out == before)
                    break;
            }
        if (ended)
            return NULL;
        if (lp_build_stopped(j))
            return loop_error_new(LOOP_CANCELLED, "the build was stopped");
        uint64_t now = lp_os_now_ns();
        if (now >= until)
            return loop_error_new(LOOP_TIMEOUT, "it did not end within %g s", (double)ms / 1000);
        lp_os_waited w[] = {{.fd = open[0] ? g->out : -1},
                            {.fd = open[1] ? g->err : -1},
                            {.fd = g->in, .to_write = true},
                            {.fd = g->control}};
        lp_os_wait(w, LP_COUNT(w), now + TICK_NS);
    }
}

static void stop(lp_os_guarded *g)
{
    int status;
    uint64_t until = lp_os_now_ns() + TERM_NS;
    lp_os_guarded_term(g);
    while (!lp_os_guarded_ended(g, &status) && lp_os_now_ns() < until) {
        lp_os_waited w = {.fd = g->control};
        lp_os_wait(&w, 1, until);
    }
}

static loop_error *failed(const char *program, int status)
{
    const char *slash = strrchr(program, '/');
    const char *name = slash ? slash + 1 : program;
    if (status < 0)
        return loop_error_new(LOOP_INVALID, "%s was ended by signal %d", name, -status);
    return loop_error_new(LOOP_INVALID, "%s ended with status %d", name, status);
}

static loop_error *run(lp_build_job *j, const lp_build_command *c, const char *path)
{
    const char **env = environment(c->env);
    const lp_os_program p = {.guard = j->run->place->guard,
                             .path = path,
                             .argv = c->argv,
                             .env = env,
                             .directory = c->directory ? c->directory : j->root,
                             .inherit = -1};
    lp_os_guarded g;
    loop_error *e = lp_os_guarded_start(&p, &g);
    free(env);
    if (e)
        return loop_error_wrap(e, "cannot run '%s'", path);
    lp_buf out = {0}, err = {0};
    struct stream streams[2] = {{&g.out, c->ret_out ? &out : &j->said, LP_MAX_BUILD_OUTPUT, 0},
                                {&g.err, c->ret_err ? &err : &j->said, LP_MAX_BUILD_OUTPUT, 0}};
    if (c->ret_out)
        streams[0].max = LP_MAX_BUILD_ANSWER;
    int status = 0;
    e = follow(j, &g, streams, c, &status);
    if (e)
        stop(&g);
    lp_os_guarded_close(&g);
    if (streams[0].left_out && c->ret_out && !e)
        e = loop_error_new(LOOP_LIMIT, "'%s' wrote more than %u bytes", path, LP_MAX_BUILD_ANSWER);
    end_stream(&streams[0]);
    end_stream(&streams[1]);
    if (!e && status != 0 && !c->ret_status)
        e = failed(path, status);
    if (!e && c->ret_status)
        *c->ret_status = status;
    lp_buf_puts(&out, "");
    lp_buf_puts(&err, "");
    if (!e && c->ret_out)
        *c->ret_out = lp_buf_take(&out);
    if (!e && c->ret_err)
        *c->ret_err = lp_buf_take(&err);
    lp_buf_done(&out);
    lp_buf_done(&err);
    return e;
}

bool lp_build_stopped(const lp_build_job *j)
{
    return j->run->pool && atomic_load(&j->run->pool->stopped);
}

loop_error *lp_build_tool(lp_build_job *j, const lp_build_command *c)
{
    if (!c->ask)
        note_command(j, c);
    if (j->dry && !c->ask)
        return NULL;
    if (c->what)
        lp_build_tell(j, LOOP_BUILD_STEP, c->what, NULL);
    lp_auto(lp_free_string) char *path =
        lp_os_find_program(c->argv[0], c->directory ? c->directory : j->root);
    if (!path)
        return loop_error_new(LOOP_NOT_FOUND, "there is no program '%s'", c->argv[0]);
    return run(j, c, path);
}

loop_error *lp_build_reason(lp_build_job *j, size_t before, loop_error *e)
{
    if (loop_error_code(e) != LOOP_INVALID || j->said.len == before)
        return e;
    while (j->said.len > before && j->said.ptr[j->said.len - 1] == '\n')
        j->said.ptr[--j->said.len] = 0;
    if (strchr(j->said.ptr + before, '\n'))
        return e; /* with pieces of a file: shown as it is */
    loop_error_delete(e);
    e = loop_error_new(LOOP_INVALID, "%s", j->said.ptr + before);
    j->said.ptr[j->said.len = before] = 0;
    return e;
}

loop_error *lp_build_wit(lp_build_job *j, const char *what, const char *const *words,
                         char **ret_out)
{
    lp_build_words w = {0};
    lp_build_word(&w, j->run->place->wit_tool);
    for (size_t i = 0; words[i]; i++)
        lp_build_word(&w, words[i]);
    const lp_build_command c = {
        .argv = w.at, .what = what, .deadline_ms = LP_BUILD_WIT_MS, .ret_out = ret_out};
    size_t before = j->said.len;
    loop_error *e = lp_build_tool(j, &c);
    lp_build_words_free(&w);
    return lp_build_reason(j, before, e);
}
