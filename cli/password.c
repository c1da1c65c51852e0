/* cli/password.c: implements cli/password.h. */
#include "cli/password.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#define MOST 1024  /* bytes of a password */
#define LINES 4096 /* of a file with passwords */

const cli_group cli_group_password = {
    "Password",
    (const cli_option[]){
        {"--password-fd", "FD", "read it from this descriptor, a line, and ask nobody", NULL, NULL},
        {0},
    },
};

void cli_password_free(char *password)
{
    if (!password)
        return;
    explicit_bzero(password, strlen(password));
    free(password);
}

void cli_passwords_done(cli_passwords *p)
{
    if (p->lines)
        explicit_bzero(p->lines, LINES + 1);
    free(p->lines);
    *p = (cli_passwords){0};
}

/* ---- files and descriptors ---- */

static loop_error *read_all(int fd, const char *what, cli_passwords *p)
{
    size_t n = 0;
    ssize_t got = 1;
    p->lines = cli_alloc(LINES + 1);
    while (n < LINES && got > 0) {
        got = read(fd, p->lines + n, LINES - n);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got > 0)
            n += (size_t)got;
    }
    if (got < 0)
        return loop_error_new(LOOP_IO, "cannot read a password from %s: %s", what, strerror(errno));
    if (n == LINES || memchr(p->lines, 0, n))
        return loop_error_new(LOOP_INVALID, "%s has no password: it is too long, or no text", what);
    p->next = p->lines;
    return NULL;
}

static loop_error *read_fd(const char *text, cli_passwords *p)
{
    char *end;
    long fd = strtol(text, &end, 10);
    if (*end || end == text || fd < 0 || fd > 65535 || fcntl((int)fd, F_GETFD) < 0)
        return loop_error_hint_set(
            loop_error_new(LOOP_USAGE, "--password-fd '%s' is no open descriptor", text),
            "such as --password-fd 3 3<FILE");
    char *what = cli_format("the descriptor %ld", fd);
    loop_error *e = read_all((int)fd, what, p);
    free(what);
    return e;
}

static loop_error *read_file(const char *path, cli_passwords *p)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return loop_error_new(LOOP_IO, "cannot read LOOP_KEY_PASSWORD_FILE '%s': %s", path,
                              strerror(errno));
    loop_error *e = NULL;
    char *what = cli_format("'%s'", path);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        e = loop_error_new(LOOP_IO, "LOOP_KEY_PASSWORD_FILE '%s' is no file", path);
    else if (st.st_uid != geteuid() || (st.st_mode & 077))
        e = loop_error_hint_set(
            loop_error_new(LOOP_DENIED, "LOOP_KEY_PASSWORD_FILE '%s' is not yours alone", path),
            "chmod 600 '%s'", path);
    else
        e = read_all(fd, what, p);
    free(what);
    close(fd);
    return e;
}

loop_error *cli_passwords_open(const cli_args *args, cli_passwords *p)
{
    const char *fd = cli_value(args, "--password-fd"), *file = getenv("LOOP_KEY_PASSWORD_FILE");
    *p = (cli_passwords){0};
    loop_error *e = fd ? read_fd(fd, p) : file && *file ? read_file(file, p) : NULL;
    if (e)
        cli_passwords_done(p);
    return e;
}

/* ---- a terminal ---- */

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
    caught = number;
}

static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
#define ENDING (sizeof ending / sizeof *ending)

/* What would end loop while the terminal shows nothing waits until it shows again. */
static void catch_signals(struct sigaction before[ENDING])
{
    struct sigaction action = {.sa_handler = on_signal}; /* a read ends with it */
    sigemptyset(&action.sa_mask);
    caught = 0;
    for (size_t i = 0; i < ENDING; i++)
        sigaction(ending[i], &action, &before[i]);
}

static void leave_signals(const struct sigaction before[ENDING])
{
    for (size_t i = 0; i < ENDING; i++)
        sigaction(ending[i], &before[i], NULL);
    if (caught)
        raise(caught);
}

/* A line without its end, one byte more than there may be at most; false: none came. */
static bool read_line(int fd, char line[MOST + 2])
{
    size_t n = 0;
    char c = 0;
    ssize_t got = 0;
    while (!caught && (got = read(fd, &c, 1)) == 1 && c != '\n')
        if (n <= MOST)
            line[n++] = c;
    line[n] = 0;
    return got == 1 && c == '\n';
}

static void say(int fd, const char *text)
{
    ssize_t written = write(fd, text, strlen(text));
    (void)written; /* who does not see it can answer all the same */
}

static loop_error *ask(int fd, const char *prompt, char line[MOST + 2])
{
    struct termios shown, hidden;
    struct sigaction before[ENDING];
    if (tcgetattr(fd, &shown) != 0)
        return loop_error_new(LOOP_IO, "the terminal cannot hide a password: %s", strerror(errno));
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    hidden.c_lflag |= ICANON;
    catch_signals(before);
    bool hides = tcsetattr(fd, TCSAFLUSH, &hidden) == 0;
    say(fd, prompt); /* now, so that nothing is typed before it is hidden, or lost */
    bool read_it = hides && read_line(fd, line);
    tcsetattr(fd, TCSAFLUSH, &shown);
    say(fd, "\n");
    leave_signals(before);
    return read_it ? NULL : loop_error_new(LOOP_CANCELLED, "no password was given");
}

static loop_error *wrong_length(void)
{
    return loop_error_new(LOOP_USAGE, "a password has 1 to %d bytes", MOST);
}

static loop_error *ask_terminal(const char *prompt, bool twice, char **ret)
{
    char line[MOST + 2], again[MOST + 2];
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return loop_error_hint_set(
            loop_error_new(LOOP_USAGE,
                           "there is nobody to ask for a password: this is no terminal"),
            "in scripts: --password-fd, or LOOP_KEY_PASSWORD_FILE names a file that is yours "
            "alone");
    char *first = cli_format("%s: ", prompt), *second = cli_format("%s, once more: ", prompt);
    loop_error *e = ask(fd, first, line);
    if (!e && twice)
        e = ask(fd, second, again);
    if (!e && twice && strcmp(line, again) != 0)
        e = loop_error_new(LOOP_USAGE, "the two are not the same");
    if (!e && (!*line || strlen(line) > MOST))
        e = wrong_length();
    if (!e)
        *ret = cli_format("%s", line);
    explicit_bzero(line, sizeof line);
    explicit_bzero(again, sizeof again);
    free(first);
    free(second);
    close(fd);
    return e;
}

loop_error *cli_password(cli_passwords *p, const char *prompt, bool twice, char **ret)
{
    if (!p->lines)
        return ask_terminal(prompt, twice, ret);
    char *line = *p->next || !p->last ? p->next : p->last;
    size_t n = strcspn(line, "\n");
    if (line == p->next)
        p->next += n + (line[n] != 0);
    p->last = line;
    n -= n && line[n - 1] == '\r';
    if (!n || n > MOST)
        return wrong_length();
    *ret = cli_format("%.*s", (int)n, line);
    return NULL;
}
