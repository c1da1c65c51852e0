/*
 * providers/process/command.c: what a component asks for, as what is started.
 *
 * The program and its arguments are asked about first, so that nothing is said of the rest to
 * whoever is granted none; what is opened is opened last. Asked about are the program with its
 * arguments (a PROCESS grant), each variable by its name (ENV: a program is another one with
 * LD_PRELOAD, GIT_SSH_COMMAND or NODE_OPTIONS) and the directory (DIR). What was granted is what is
 * run: the path that the decision saw, the very words, a directory that is open already.
 */
#include <stdlib.h>

#include "providers/process/internal.h"

/* Room for what is passed: its bytes, with a zero behind each text. */
struct room {
    lp_arena *arena;
    size_t left;
};

static loop_error *no_zero(loop_string s, const char *what)
{
    if (s.len && memchr(s.ptr, 0, s.len))
        return loop_error_new(LOOP_INVALID, "%s with a zero byte in it", what);
    return NULL;
}

/* Adds `name`, "=" and `value`, or `value` alone. */
static loop_error *add_text(struct room *room, const loop_string *name, loop_string value,
                            const char *what, const char **ret)
{
    size_t head = name ? name->len + 1 : 0;
    if (value.len > LP_MAX_PROCESS_TEXT || head > LP_MAX_PROCESS_TEXT - value.len)
        return loop_error_new(LOOP_LIMIT, "%s of more than %u bytes", what, LP_MAX_PROCESS_TEXT);
    size_t size = head + value.len + 1;
    if (size > room->left)
        return loop_error_new(LOOP_LIMIT,
                              "more than %u bytes of arguments and environment together",
                              LP_MAX_PROCESS_BYTES);
    room->left -= size;
    char *text = lp_arena_alloc(room->arena, size);
    if (name)
        memcpy(text, name->ptr, name->len);
    if (name)
        text[name->len] = '=';
    if (value.len)
        memcpy(text + head, value.ptr, value.len);
    *ret = text;
    return NULL;
}

/* The program's own name, then its arguments; ends with NULL. */
static loop_error *read_arguments(struct room *room, const loop_process_processes_command *c,
                                  const char ***ret)
{
    if (c->arguments.len > LP_MAX_PROCESS_ARGUMENTS)
        return loop_error_new(LOOP_LIMIT, "more than %u arguments", LP_MAX_PROCESS_ARGUMENTS);
    const char **argv = lp_arena_alloc(room->arena, (c->arguments.len + 2) * sizeof *argv);
    LP_TRY(no_zero(c->program, "a program's name"));
    LP_TRY(add_text(room, NULL, c->program, "a program's name", &argv[0]));
    for (size_t i = 0; i < c->arguments.len; i++) {
        LP_TRY(no_zero(c->arguments.ptr[i], "an argument"));
        LP_TRY(add_text(room, NULL, c->arguments.ptr[i], "an argument", &argv[i + 1]));
    }
    *ret = argv;
    return NULL;
}

static loop_error *check_name(loop_string name)
{
    LP_TRY(no_zero(name, "a variable's name"));
    if (!name.len || memchr(name.ptr, '=', name.len))
        return loop_error_new(LOOP_INVALID, "a variable's name has no '=', and is not empty");
    return name.len > LP_MAX_NAME
               ? loop_error_new(LOOP_LIMIT, "a variable's name of more than %d bytes", LP_MAX_NAME)
               : NULL;
}

static bool same(loop_string a, loop_string b)
{
    return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

static loop_error *read_environment(struct room *room, const loop_process_processes_command *c,
                                    const char ***ret)
{
    size_t count = c->environment.len;
    if (count > LP_MAX_PROCESS_VARIABLES)
        return loop_error_new(LOOP_LIMIT, "more than %u variables", LP_MAX_PROCESS_VARIABLES);
    const loop_process_processes_tuple_string_string *v = c->environment.ptr;
    const char **env = lp_arena_alloc(room->arena, (count + 1) * sizeof *env);
    for (size_t i = 0; i < count; i++) {
        LP_TRY(check_name(v[i].f0));
        LP_TRY(no_zero(v[i].f1, "a variable"));
        for (size_t k = 0; k < i; k++)
            if (same(v[k].f0, v[i].f0))
                return loop_error_new(LOOP_INVALID, "the variable '%.*s' is given twice",
                                      (int)v[i].f0.len, v[i].f0.ptr);
        LP_TRY(add_text(room, &v[i].f0, v[i].f1, "a variable", &env[i]));
    }
    *ret = env;
    return NULL;
}

/* ---- asking ---- */

static loop_error *ask(loop_call *call, const loop_request *want)
{
    loop_string why;
    if (loop_call_allows(call, want, &why))
        return NULL;
    return loop_error_new(LOOP_DENIED, "%.*s", (int)why.len, why.ptr);
}

/*
 * A name that is nowhere is asked for as it is: whether a program is there is not said to whoever
 * is granted none.
 */
static loop_error *ask_for_program(loop_call *call, lp_process_order *o, const char **argv,
                                   size_t count)
{
    lp_auto(lp_free_string) char *found = lp_os_find_program(argv[0], "/");
    const char *name = argv[0];
    const char *path = found ? found : name;
    path = lp_arena_strndup(&o->arena, path, strlen(path));
    argv[0] = path;
    loop_error *err = ask(
        call, &(loop_request){.kind = LOOP_GRANT_PROCESS, .words = argv, .word_count = count + 1});
    argv[0] = name;
    o->program.path = path;
    if (!err && *name != '/' && strchr(name, '/'))
        return loop_error_new(LOOP_INVALID, "a program is a name or an absolute path");
    if (!err && !found)
        return loop_error_new(LOOP_NOT_FOUND, "there is no program '%s' that can be run", name);
    return err;
}

static loop_error *ask_for_variables(loop_call *call, lp_process_order *o,
                                     const loop_process_processes_command *c)
{
    for (size_t i = 0; i < c->environment.len; i++) {
        loop_string n = c->environment.ptr[i].f0;
        const char *name = lp_arena_strndup(&o->arena, n.ptr, n.len);
        LP_TRY(ask(call, &(loop_request){.kind = LOOP_GRANT_ENV, .name = name}));
    }
    return NULL;
}

/* ---- both ---- */

loop_error *lp_process_order_init(lp_process_order *o, loop_call *call, const char *guard,
                                  const loop_process_processes_command *c)
{
    *o = (lp_process_order){.directory = -1};
    struct room room = {&o->arena, LP_MAX_PROCESS_BYTES};
    const char **argv = NULL, **env = NULL;
    LP_TRY(read_arguments(&room, c, &argv));
    LP_TRY(ask_for_program(call, o, argv, c->arguments.len));
    LP_TRY(read_environment(&room, c, &env));
    if (c->deadline.is_some && !c->deadline.value)
        return loop_error_new(LOOP_INVALID, "a deadline of no time at all");
    LP_TRY(ask_for_variables(call, o, c));
    LP_TRY(c->working_directory.is_some
               ? loop_call_directory(call, c->working_directory.value, &o->directory)
               : lp_os_directory_open("/", &o->directory));
    static const lp_os_stream streams[] = {
        [LOOP_PROCESS_PROCESSES_INPUT_NULL] = LP_OS_NULL,
        [LOOP_PROCESS_PROCESSES_INPUT_INHERIT] = LP_OS_SHARED,
        [LOOP_PROCESS_PROCESSES_INPUT_PIPE] = LP_OS_PIPE,
    };
    o->program = (lp_os_program){
        .guard = guard,
        .path = o->program.path,
        .argv = argv,
        .env = env,
        .directory = "-",
        .inherit = o->directory,
        .streams = {streams[c->stdin_], streams[c->stdout_], streams[c->stderr_]},
        .of_component = true,
        .deadline_ms = c->deadline.is_some ? c->deadline.value : 0,
    };
    return NULL;
}

void lp_process_order_done(lp_process_order *o)
{
    lp_os_descriptor_close(o->directory);
    lp_arena_done(&o->arena);
}

static uint8_t tag_of(const loop_error *e)
{
    switch (loop_error_code(e)) {
    case LOOP_UNAVAILABLE: return LOOP_CORE_TYPES_ERROR_UNAVAILABLE;
    case LOOP_DENIED: return LOOP_CORE_TYPES_ERROR_DENIED;
    case LOOP_INVALID: return LOOP_CORE_TYPES_ERROR_INVALID;
    case LOOP_LIMIT: return LOOP_CORE_TYPES_ERROR_LIMIT;
    default: return LOOP_CORE_TYPES_ERROR_FAILED;
    }
}

loop_process_processes_error lp_process_error(loop_call *call, loop_error *e)
{
    lp_buf text = {0};
    for (const loop_error *at = e; at; at = loop_error_cause(at))
        lp_buf_printf(&text, "%s%s", at == e ? "" : ": ", loop_error_message(at));
    const char *hint = loop_error_hint(e);
    if (loop_error_code(e) == LOOP_DENIED && hint && *hint)
        lp_buf_printf(&text, "; to allow it: %s", hint);
    loop_process_processes_error value = {.tag = tag_of(e)};
    value.of.failed = loop_call_string(call, text.ptr ? text.ptr : "", text.len);
    lp_buf_done(&text);
    loop_error_delete(e);
    return value;
}
