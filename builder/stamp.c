/*
 * builder/stamp.c: what is noted of a build, and whether it still holds.
 *
 * A text file beside what was built:
 *
 *     loop-build 1
 *     tool DIGEST
 *     output DIGEST
 *     in DIGEST src/notes.c      looked at in the folders that it is built from
 *     found DIGEST /usr/x.h      a tool said that it read it
 *
 * It is written last, after the output has its place: whatever interrupts a build leaves a
 * note that does not hold, and it is built again. The output is a part of it, so that one that
 * somebody else wrote or cut short is found, too.
 */
#include <stdlib.h>

#include "base/path.h"
#include "builder/internal.h"

#define HEAD "loop-build 1"

struct line {
    const char *word, *sum, *rest; /* into the text, terminated */
};

/* The next line, taken apart in place; false at the end and where it is none of ours. */
static bool next_line(char **text, struct line *ret)
{
    char *line = *text, *end = strchr(line, '\n');
    if (!end)
        return false;
    *end = 0;
    *text = end + 1;
    char *sum = strchr(line, ' ');
    if (!sum)
        return false;
    *sum++ = 0;
    char *rest = strchr(sum, ' ');
    if (rest)
        *rest++ = 0;
    *ret = (struct line){line, sum, rest ? rest : ""};
    return strlen(sum) < LP_BUILD_DIGEST;
}

static bool file_is(const char *root, const char *path, const char *sum)
{
    lp_auto(lp_free_string) char *whole = lp_path_join(root, path);
    lp_build_sum now;
    loop_error *e = lp_build_sum_file(whole, &now);
    loop_error_delete(e);
    return !e && strcmp(now.text, sum) == 0;
}

/* Goes through both lists, which are sorted; `*i` is the place in that of now. */
static char *compare_input(const struct line *l, const char *root, const lp_build_stamp *now,
                           size_t *i)
{
    if (strcmp(l->word, "found") == 0)
        return file_is(root, l->rest, l->sum) ? NULL : lp_format("%s changed", l->rest);
    const lp_build_input *in = *i < now->inputs.n ? &now->inputs.at[*i] : NULL;
    int order = in ? strcmp(in->path, l->rest) : 1;
    if (order < 0)
        return lp_format("%s is new", in->path);
    if (order > 0)
        return lp_format("%s is gone", l->rest);
    ++*i;
    return strcmp(in->sum.text, l->sum) == 0 ? NULL : lp_format("%s changed", in->path);
}

static char *compare(char *text, const char *root, const lp_build_stamp *now, const char *output)
{
    static const char unread[] = "what was noted of the last build cannot be read";
    struct line l;
    size_t i = 0;
    lp_auto(lp_free_string) char *why = NULL;
    if (!next_line(&text, &l) || strcmp(l.word, "loop-build") != 0 || strcmp(l.sum, "1") != 0)
        return lp_strdup(unread);
    if (!next_line(&text, &l) || strcmp(l.word, "tool") != 0)
        return lp_strdup(unread);
    bool same_tool = strcmp(l.sum, now->tool.text) == 0;
    if (!next_line(&text, &l) || strcmp(l.word, "output") != 0)
        return lp_strdup(unread);
    bool same_output = file_is("/", output, l.sum);
    while (*text && !why) {
        if (!next_line(&text, &l))
            return lp_strdup(unread);
        why = compare_input(&l, root, now, &i);
    }
    if (!why && i < now->inputs.n)
        why = lp_format("%s is new", now->inputs.at[i].path);
    if (!why && !same_tool)
        why = lp_strdup("the toolchain, or how it is called, changed");
    if (!why && !same_output)
        why = lp_strdup(lp_os_exists(output) ? "the output is not what was built"
                                             : "the output is gone");
    return lp_take(&why);
}

void lp_build_stamp_compare(const char *file, const char *root, const lp_build_stamp *now,
                            const char *output, char **ret_why)
{
    uint8_t *text;
    size_t len;
    loop_error *e = lp_os_read_file(file, LP_MAX_BUILD_STAMP, &text, &len);
    if (e) {
        loop_error_delete(e);
        *ret_why = lp_strdup("it was not built yet");
        return;
    }
    *ret_why = compare((char *)text, root, now, output);
    free(text);
}

loop_error *lp_build_stamp_write(const char *file, const lp_build_stamp *s)
{
    lp_buf b = {0};
    lp_buf_printf(&b, HEAD "\ntool %s\noutput %s\n", s->tool.text, s->output.text);
    for (size_t i = 0; i < s->inputs.n; i++) {
        const lp_build_input *in = &s->inputs.at[i];
        lp_buf_printf(&b, "%s %s %s\n", in->found ? "found" : "in", in->sum.text, in->path);
    }
    loop_error *e = lp_os_write_atomic(file, b.ptr, b.len, 0644);
    lp_buf_done(&b);
    return e;
}
