/*
 * trust/policy_process.c: which programs may be run, with which arguments.
 *
 * A line is words: a program, then a pattern for its arguments that has two wildcards and no more
 * (loop/policy.h). There is no shell on the way, so that a word is a word, whatever is in it.
 * Neither wildcard stands for a word with '-' first: what a person grants with `git log *` must
 * not be `git log --output=/etc/passwd`.
 *
 * A program is where it was found when the line was added, and the file that this was then: links
 * of folders are followed, that of the program itself is kept and compared, since programs look at
 * the name that they are called by (busybox), and a name that leads elsewhere later is another
 * program. Whoever runs it runs the path that was asked about.
 */
#include <stdlib.h>

#include "base/os/process.h"
#include "base/path.h"
#include "base/text.h"
#include "trust/policy.h"

#define bad_text(text, what) lp_policy_bad_text(LOOP_GRANT_PROCESS, text, what)

/* Between spaces and outside of quotes, each would be something else to a shell. */
static const char of_shells[] = "\"\\`$&;|<>()[]{}?~#!";

typedef struct words {
    lp_word *at;
    size_t n, cap;
} words;

/* ---- text ---- */

/* One word from *at on, into `w`. Returns NULL, or what is wrong. */
static const char *take_word(lp_arena *arena, const char **at, lp_word *w)
{
    const char *s = *at;
    char *to = lp_arena_alloc(arena, strlen(s) + 1), *end = to;
    bool quoted = false;
    while (*s && *s != ' ') {
        if (*s == '\'') {
            const char *close = strchr(s + 1, '\'');
            if (!close)
                return "a quote is not closed";
            memcpy(end, s + 1, (size_t)(close - s - 1));
            end += close - s - 1;
            s = close + 1;
            quoted = true;
            continue;
        }
        if (strchr(of_shells, *s))
            return "it is words between spaces and no shell; keep what is special in '...'";
        *end++ = *s++;
    }
    *at = s;
    w->text = to;
    w->kind = quoted                   ? LP_WORD_TEXT
              : strcmp(to, "*") == 0   ? LP_WORD_ONE
              : strcmp(to, "...") == 0 ? LP_WORD_MORE
                                       : LP_WORD_TEXT;
    if (!quoted && w->kind == LP_WORD_TEXT && strchr(to, '*'))
        return "'*' stands for a whole word, not for a part of one";
    return NULL;
}

/* *ret_rest: the text behind the program. */
static const char *take_words(lp_arena *arena, const char *text, words *ret, const char **ret_rest)
{
    for (const char *at = text; *at;) {
        if (*at == ' ') {
            at++;
            continue;
        }
        if (ret->n && ret->at[ret->n - 1].kind == LP_WORD_MORE)
            return "nothing may follow '...'";
        if (ret->n > LP_MAX_PROCESS_WORDS)
            return "it has too many words";
        const char *bad = take_word(arena, &at, lp_push(ret));
        if (bad)
            return bad;
        if (ret->n == 1)
            *ret_rest = at + strspn(at, " ");
    }
    if (!ret->n || ret->at[0].kind != LP_WORD_TEXT || !*ret->at[0].text)
        return "the program is missing";
    const char *program = ret->at[0].text;
    if (*program != '/' && strchr(program, '/'))
        return "a program is a name, or its whole path";
    return NULL;
}

/* The real path of its folder, and its name there; malloced. */
static char *place_of(const char *path)
{
    const char *name = strrchr(path, '/') + 1;
    lp_auto(lp_free_string) char *folder = lp_strndup(path, (size_t)(name - path));
    lp_auto(lp_free_string) char *real = lp_os_realpath(folder);
    return real && *name ? lp_path_join(real, name) : NULL;
}

loop_error *lp_policy_add_process(loop_policy *p, const char *text, bool deny, loop_origin origin)
{
    lp_arena arena = {0};
    words w = {0};
    const char *rest = "", *bad = lp_text_check(text);
    if (!bad)
        bad = take_words(&arena, text, &w, &rest);
    loop_error *e = bad ? bad_text(text, bad) : NULL;
    const char *program = e ? NULL : w.at[0].text;
    lp_auto(lp_free_string) char *path = program ? lp_os_find_program(program, "/") : NULL;
    lp_auto(lp_free_string) char *found = path ? place_of(path) : NULL;
    lp_auto(lp_free_string) char *real = found ? lp_os_realpath(found) : NULL;
    if (!e && !real && !deny) {
        char shown[128];
        lp_text_shown(program, shown, sizeof shown);
        e = loop_error_new(LOOP_NOT_FOUND, "process '%s': no such program%s", shown,
                           *program == '/' ? "" : " in PATH");
    }
    if (!e) {
        lp_auto(lp_free_string) char *line = lp_format("%srun %s", deny ? "deny " : "", text);
        lp_policy_entry entry = {
            .grant = {.kind = LOOP_GRANT_PROCESS,
                      .deny = deny,
                      .host = found ? found : program,
                      .words = rest,
                      .origin = origin},
            .process = {.found = found ? found : program,
                        .real = real,
                        .by_name = deny && *program != '/',
                        .words = w.at + 1,
                        .count = w.n - 1},
        };
        e = lp_policy_append(p, &entry, line);
    }
    free(w.at);
    lp_arena_done(&arena);
    return e;
}

/* ---- requests ---- */

static bool word_matches(const lp_word *w, const char *text, bool deny)
{
    return w->kind == LP_WORD_TEXT ? strcmp(w->text, text) == 0 : deny || *text != '-';
}

static bool words_match(const lp_policy_entry *e, const char *const *args, size_t count)
{
    const lp_process *line = &e->process;
    bool deny = e->grant.deny;
    if (deny && !line->count)
        return true;
    bool more = line->count && line->words[line->count - 1].kind == LP_WORD_MORE;
    size_t fixed = line->count - more;
    if (count < fixed || (count > fixed && !more))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!word_matches(&line->words[LP_MIN(i, fixed)], args[i], deny))
            return false;
    return true;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* A grant is for the name and the file behind it, a denial for either of them. */
static bool is_program(const lp_policy_entry *e, const char *found, const char *real)
{
    const lp_process *line = &e->process;
    bool named = strcmp(line->found, found) == 0;
    bool same = line->real && strcmp(line->real, real) == 0;
    if (!e->grant.deny)
        return named && same;
    const char *name = last_part(line->found);
    bool called = line->by_name &&
                  (strcmp(name, last_part(found)) == 0 || strcmp(name, last_part(real)) == 0);
    return named || same || called;
}

const lp_policy_entry *lp_process_find(const loop_policy *p, const char *const *args, size_t count)
{
    lp_auto(lp_free_string) char *found = place_of(args[0]);
    lp_auto(lp_free_string) char *real = found ? lp_os_realpath(found) : NULL;
    const lp_policy_entry *grant = NULL;
    for (size_t i = 0; real && i < p->entries.n; i++) {
        const lp_policy_entry *e = p->entries.at[i];
        if (e->grant.kind != LOOP_GRANT_PROCESS || !is_program(e, found, real) ||
            !words_match(e, args + 1, count - 1))
            continue;
        if (e->grant.deny)
            return e;
        grant = grant ? grant : e;
    }
    return grant;
}

const char *lp_process_words(const char *text, char ***ret, size_t *ret_count)
{
    lp_arena arena = {0};
    words w = {0};
    const char *bad = lp_text_check(text);
    for (const char *at = text; !bad && *at; at += *at == ' ')
        if (*at != ' ')
            bad = take_word(&arena, &at, lp_push(&w));
    if (!bad && !w.n)
        bad = "the program is missing";
    if (!bad) {
        *ret = lp_alloc((w.n + 1) * sizeof **ret);
        *ret_count = w.n;
    }
    for (size_t i = 0; !bad && i < w.n; i++)
        (*ret)[i] = lp_strdup(w.at[i].text);
    free(w.at);
    lp_arena_done(&arena);
    return bad;
}

void lp_process_words_free(char **list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(list[i]);
    free(list);
}

/* ---- and back ---- */

static bool is_plain(const char *word)
{
    bool wild = strcmp(word, "...") == 0 || strchr(word, '*');
    return *word && !wild && !strpbrk(word, of_shells) && !strpbrk(word, " '");
}

char *lp_process_text(const char *const *args, size_t count)
{
    lp_buf b = {0};
    for (size_t i = 0; i < count; i++) {
        if (strchr(args[i], '\'') || (*args[i] && lp_text_check(args[i]))) {
            lp_buf_done(&b);
            return NULL;
        }
        const char *quote = is_plain(args[i]) ? "" : "'";
        lp_buf_printf(&b, "%s%s%s%s", i ? " " : "", quote, args[i], quote);
    }
    return b.ptr ? b.ptr : lp_strdup("");
}
