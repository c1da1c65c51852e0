/*
 * programs: starts programs of the machine through loop:process.
 *
 *   programs run [OPTION...] -- PROGRAM [ARGUMENT...]
 *       starts it, writes what -w says, ends its input, reads until there is no more, and says
 *       how it ended: "out: TEXT", "err: TEXT", "ended: 3", "ended: signal 9", "ended: deadline"
 *   programs drop [OPTION...] -- ...    starts it, reads a line, drops it, waits for -t
 *   programs hold ...                   starts it, reads a line, says so, waits for ever
 *   programs trap ...                   starts it, reads a line, traps
 *   programs spin ...                   starts it, reads a line, computes for ever
 *   programs many N ...                 runs it N times, one after the other; the last exit status
 *   programs fill ...                   starts it until that is refused, and says how often
 *   programs stuck ...                  writes until the pipe takes no more; says how much
 *   programs twice ...                  takes a stream twice, and one that is no pipe
 *
 * OPTION: -e NAME=VALUE (a variable; several), -E (the first of them again), -c DIRECTORY,
 * -i -o -r null|inherit|pipe (stdin, stdout, stderr; pipe), -w TEXT, -W TEXT (written when a line
 * has come), -d MS (deadline),
 * -s SIGNAL (sent when a line has come), -l BYTES (one more argument, so long), -z (one more
 * argument, with a zero byte), -t MS. An error is printed as "CASE: text".
 */
#include "gen/programs.h"
#include "guest.h"

typedef loop_process_processes_own_process_t process;
typedef loop_process_processes_error_t failure;

static loop_process_processes_command_t command;
static programs_tuple2_string_string_t variables[64];
static const char *to_write, *to_write_late, *to_signal;
static uint64_t wait_ms = 100;

static _Noreturn void give_up(int status)
{
    fflush(NULL);
    exit(status);
}

static int failed(const failure *e)
{
    static const char *const names[] = {"unavailable", "denied",    "invalid",
                                        "limit",       "cancelled", "failed"};
    printf("%s", names[e->tag]);
    if (e->tag != LOOP_CORE_TYPES_ERROR_CANCELLED)
        printf(": %.*s", (int)e->val.failed.len, (const char *)e->val.failed.ptr);
    putchar('\n');
    return 1;
}

/* ---- what is asked for ---- */

static uint8_t one_of(const char *word, const char *const *words)
{
    for (uint8_t i = 0; words[i]; i++)
        if (strcmp(word, words[i]) == 0)
            return i;
    printf("what is '%s'?\n", word);
    give_up(2);
}

static void variable(char *text)
{
    char *value = strchr(text, '=');
    size_t n = value ? (size_t)(value - text) : strlen(text);
    command.environment.ptr = variables;
    variables[command.environment.len++] = (programs_tuple2_string_string_t){
        {(uint8_t *)text, n}, TEXT(programs_string_t, value ? value + 1 : "")};
}

static programs_string_t *add_argument(void)
{
    return &command.arguments.ptr[command.arguments.len++];
}

static void option(char what, char *value)
{
    static const char *const modes[] = {"null", "inherit", "pipe", NULL};
    switch (what) {
    case 'e': variable(value); break;
    case 'c':
        command.working_directory.is_some = true;
        command.working_directory.val = TEXT(programs_string_t, value);
        break;
    case 'i': command.stdin_ = one_of(value, modes); break;
    case 'o': command.stdout_ = one_of(value, modes); break;
    case 'r': command.stderr_ = one_of(value, modes); break;
    case 'w': to_write = value; break;
    case 'W': to_write_late = value; break;
    case 's': to_signal = value; break;
    case 't': wait_ms = strtoull(value, NULL, 10); break;
    case 'd':
        command.deadline.is_some = true;
        command.deadline.val = (uint32_t)strtoul(value, NULL, 10);
        break;
    case 'l': {
        size_t n = strtoul(value, NULL, 10);
        uint8_t *bytes = malloc(n + 1);
        memset(bytes, 'x', n);
        *add_argument() = (programs_string_t){bytes, n};
        break;
    }
    default: printf("what is -%c?\n", what); give_up(2);
    }
}

static void read_command(int argc, char **argv)
{
    int i = 0;
    command.stdin_ = command.stdout_ = command.stderr_ = LOOP_PROCESS_PROCESSES_INPUT_PIPE;
    command.arguments.ptr = malloc(((size_t)argc + 2) * sizeof *command.arguments.ptr);
    for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "-E") == 0)
            variables[command.environment.len++] = variables[0];
        else if (strcmp(argv[i], "-z") == 0)
            *add_argument() = (programs_string_t){(uint8_t *)"a\0b", 3};
        else if (i + 1 < argc)
            option(argv[i][1], argv[i + 1]), i++;
    }
    if (++i >= argc) {
        puts("which program?");
        give_up(2);
    }
    command.program = TEXT(programs_string_t, argv[i]);
    size_t more = command.arguments.len; /* come last */
    programs_string_t last[2];
    memcpy(last, command.arguments.ptr, more * sizeof *last);
    command.arguments.len = 0;
    while (++i < argc)
        *add_argument() = TEXT(programs_string_t, argv[i]);
    for (size_t k = 0; k < more; k++)
        *add_argument() = last[k];
}

/* ---- streams ---- */

static wasi_io_poll_own_pollable_t ended_of(process p)
{
    loop_process_processes_own_pollable_t ret;
    failure e;
    if (!loop_process_processes_method_process_subscribe(loop_process_processes_borrow_process(p),
                                                         &ret, &e))
        give_up(failed(&e));
    return ret;
}

static void wait_for(wasi_io_poll_own_pollable_t p)
{
    wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(p));
    wasi_io_poll_pollable_drop_own(p);
}

/* What comes of one stream; NULL: the program has none. */
struct source {
    const char *name;
    bool open, line;
    wasi_io_streams_own_input_stream_t stream;
};

/* What is there now. */
static void read_some(struct source *s)
{
    programs_list_u8_t bytes;
    wasi_io_streams_stream_error_t e;
    if (!wasi_io_streams_method_input_stream_read(wasi_io_streams_borrow_input_stream(s->stream),
                                                  65536, &bytes, &e)) {
        s->open = false;
        wasi_io_streams_input_stream_drop_own(s->stream);
        return;
    }
    if (bytes.len)
        printf("%s: %.*s%s", s->name, (int)bytes.len, (const char *)bytes.ptr,
               bytes.ptr[bytes.len - 1] == '\n' ? "" : "\n");
    s->line = s->line || (bytes.len && memchr(bytes.ptr, '\n', bytes.len));
    programs_list_u8_free(&bytes);
}

/* Until both have ended, or a line has come. */
static void read_both(struct source *both, bool to_line)
{
    while ((both[0].open || both[1].open) && !(to_line && (both[0].line || both[1].line))) {
        wasi_io_poll_own_pollable_t owned[2];
        wasi_io_poll_borrow_pollable_t list[2];
        struct source *of[2];
        size_t n = 0;
        for (int i = 0; i < 2; i++) {
            if (!both[i].open)
                continue;
            of[n] = &both[i];
            owned[n] = wasi_io_streams_method_input_stream_subscribe(
                wasi_io_streams_borrow_input_stream(both[i].stream));
            list[n] = wasi_io_poll_borrow_pollable(owned[n]);
            n++;
        }
        wasi_io_poll_list_borrow_pollable_t in = {list, n};
        programs_list_u32_t ready;
        wasi_io_poll_poll(&in, &ready);
        for (size_t i = 0; i < n; i++)
            wasi_io_poll_pollable_drop_own(owned[i]);
        for (size_t i = 0; i < ready.len; i++)
            read_some(of[ready.ptr[i]]);
        programs_list_u32_free(&ready);
    }
}

static void take_both(process p, struct source *both)
{
    failure e;
    loop_process_processes_borrow_process_t b = loop_process_processes_borrow_process(p);
    both[0] = (struct source){.name = "out"};
    both[1] = (struct source){.name = "err"};
    if (command.stdout_ == LOOP_PROCESS_PROCESSES_OUTPUT_PIPE) {
        both[0].open = loop_process_processes_method_process_take_stdout(b, &both[0].stream, &e);
        if (!both[0].open)
            give_up(failed(&e));
    }
    if (command.stderr_ == LOOP_PROCESS_PROCESSES_OUTPUT_PIPE) {
        both[1].open = loop_process_processes_method_process_take_stderr(b, &both[1].stream, &e);
        if (!both[1].open)
            give_up(failed(&e));
    }
}

static wasi_io_streams_own_output_stream_t input_of(process p)
{
    loop_process_processes_own_output_stream_t ret;
    failure e;
    if (!loop_process_processes_method_process_take_stdin(loop_process_processes_borrow_process(p),
                                                          &ret, &e))
        give_up(failed(&e));
    return ret;
}

/* Writes what is to be written, and ends its input. */
static void write_input(process p)
{
    if (command.stdin_ != LOOP_PROCESS_PROCESSES_INPUT_PIPE)
        return;
    wasi_io_streams_own_output_stream_t to = input_of(p);
    wasi_io_streams_stream_error_t e;
    programs_list_u8_t text = TEXT(programs_list_u8_t, to_write ? to_write : "");
    if (text.len && !wasi_io_streams_method_output_stream_blocking_write_and_flush(
                        wasi_io_streams_borrow_output_stream(to), &text, &e))
        puts(e.tag == WASI_IO_STREAMS_STREAM_ERROR_CLOSED ? "input: closed" : "input: failed");
    wasi_io_streams_output_stream_drop_own(to);
}

/* ---- its life ---- */

static process start(void)
{
    process p;
    failure e;
    if (!loop_process_processes_spawn(&command, &p, &e))
        give_up(failed(&e));
    return p;
}

static int say_end(process p, bool aloud)
{
    loop_process_processes_option_exit_status_t s;
    failure e;
    wait_for(ended_of(p));
    if (!loop_process_processes_method_process_status(loop_process_processes_borrow_process(p), &s,
                                                      &e))
        give_up(failed(&e));
    if (!s.is_some) {
        puts("ended, and has no status");
        return 1;
    }
    if (s.val.tag == LOOP_PROCESS_PROCESSES_EXIT_STATUS_CODE) {
        if (aloud)
            printf("ended: %d\n", (int)s.val.val.code);
        return (int)s.val.val.code;
    }
    if (s.val.tag == LOOP_PROCESS_PROCESSES_EXIT_STATUS_DEADLINE)
        puts("ended: deadline");
    else
        printf("ended: signal %u\n", (unsigned)s.val.val.signalled);
    return 1;
}

static void send_signal(process p)
{
    static const char *const names[] = {"hangup", "interrupt", "quit",  "terminate",
                                        "kill",   "user1",     "user2", NULL};
    failure e;
    if (to_signal && !loop_process_processes_method_process_signal(
                         loop_process_processes_borrow_process(p), one_of(to_signal, names), &e))
        give_up(failed(&e));
}

static int run(bool aloud)
{
    struct source both[2];
    process p = start();
    take_both(p, both);
    if (to_signal || to_write_late)
        read_both(both, true);
    if (to_write_late)
        to_write = to_write_late;
    write_input(p);
    send_signal(p);
    read_both(both, false);
    int status = say_end(p, aloud);
    loop_process_processes_process_drop_own(p);
    return status;
}

static void rest(uint64_t ms)
{
    wait_for(wasi_clocks_monotonic_clock_subscribe_duration(ms * 1000000));
}

/* One that has printed a line; what becomes of it. */
static int begin(const char *verb)
{
    struct source both[2];
    process p = start();
    take_both(p, both);
    read_both(both, true);
    if (strcmp(verb, "drop") == 0) {
        loop_process_processes_process_drop_own(p);
        puts("dropped");
        fflush(stdout);
        read_both(both, false); /* nobody writes any more */
        rest(wait_ms);
        return 0;
    }
    puts("started");
    fflush(stdout);
    if (strcmp(verb, "trap") == 0)
        __builtin_trap();
    for (volatile unsigned n = 0; strcmp(verb, "spin") == 0;)
        n++;
    for (;;)
        rest(3600000);
}

static int many(const char *times)
{
    int status = 0;
    for (unsigned long n = strtoul(times, NULL, 10); n; n--)
        status = run(false);
    printf("the last: %d\n", status);
    return 0;
}

static int fill(void)
{
    process all[100];
    failure e;
    int n = 0;
    while (n < 100 && loop_process_processes_spawn(&command, &all[n], &e))
        n++;
    printf("%d, then ", n);
    failed(&e);
    loop_process_processes_process_drop_own(all[0]);
    bool again = loop_process_processes_spawn(&command, &all[0], &e);
    puts(again ? "and one more, since one was dropped" : "and no more");
    while (n--)
        loop_process_processes_process_drop_own(all[n]);
    return 0;
}

/* Writes until nothing more is taken, then lets the program read it. */
static int stuck(void)
{
    process p = start();
    wasi_io_streams_own_output_stream_t to = input_of(p);
    wasi_io_streams_borrow_output_stream_t b = wasi_io_streams_borrow_output_stream(to);
    wasi_io_streams_stream_error_t e;
    static uint8_t bytes[4096];
    uint64_t taken = 0, room;
    for (int quiet = 0; quiet < 20;) {
        if (!wasi_io_streams_method_output_stream_check_write(b, &room, &e))
            break;
        if (!room) {
            quiet++;
            rest(10);
            continue;
        }
        programs_list_u8_t some = {bytes, room < sizeof bytes ? room : sizeof bytes};
        if (!wasi_io_streams_method_output_stream_write(b, &some, &e))
            break;
        taken += some.len;
        quiet = 0;
    }
    printf("taken: %llu\n", (unsigned long long)taken);
    fflush(stdout);
    send_signal(p);
    if (!wasi_io_streams_method_output_stream_blocking_flush(b, &e))
        puts("flush: failed");
    wasi_io_streams_output_stream_drop_own(to);
    struct source both[2];
    take_both(p, both);
    read_both(both, false);
    return say_end(p, true);
}

static int twice(void)
{
    process p = start();
    loop_process_processes_borrow_process_t b = loop_process_processes_borrow_process(p);
    loop_process_processes_own_input_stream_t in;
    loop_process_processes_own_output_stream_t out;
    failure e;
    for (int i = 0; i < 2; i++)
        if (!loop_process_processes_method_process_take_stdout(b, &in, &e))
            failed(&e);
    if (!loop_process_processes_method_process_take_stdin(b, &out, &e))
        failed(&e);
    return 0;
}

int main(int argc, char **argv)
{
    const char *verb = argument(argc, argv, 1, "");
    bool counted = strcmp(verb, "many") == 0;
    read_command(argc - 2 - counted, argv + 2 + counted);
    if (counted)
        return many(argv[2]);
    if (strcmp(verb, "run") == 0)
        return run(true);
    if (strcmp(verb, "fill") == 0)
        return fill();
    if (strcmp(verb, "stuck") == 0)
        return stuck();
    if (strcmp(verb, "twice") == 0)
        return twice();
    return begin(verb);
}
