/* base/text.c: implements base/text.h. */
#include "base/text.h"

#include "base/base.h"

/* Characters that change how the text around them looks (bidi, line ends, invisible). */
static bool is_trick(const char *s)
{
    static const char *const tricks[] = {
        "\xe2\x80\x8b", "\xe2\x80\x8c", "\xe2\x80\x8d", "\xe2\x80\x8e", "\xe2\x80\x8f",
        "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaa", "\xe2\x80\xab", "\xe2\x80\xac",
        "\xe2\x80\xad", "\xe2\x80\xae", "\xe2\x81\xa6", "\xe2\x81\xa7", "\xe2\x81\xa8",
        "\xe2\x81\xa9", "\xef\xbb\xbf",
    };
    for (size_t i = 0; i < LP_COUNT(tricks); i++)
        if (strncmp(s, tricks[i], 3) == 0)
            return true;
    return false;
}

/* Control characters of ASCII and, in UTF-8, of Latin-1 (C2 80 to C2 9F). */
static bool is_control(const char *s)
{
    unsigned char c = (unsigned char)s[0];
    return c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)s[1] < 0xa0);
}

const char *lp_text_check(const char *text)
{
    if (!*text)
        return "it is empty";
    size_t n = strlen(text);
    if (n > LP_MAX_PATH)
        return "it is too long";
    if (!lp_utf8_valid(text, n))
        return "it is not UTF-8";
    for (const char *s = text; *s; s++)
        if (is_control(s) || is_trick(s))
            return "it has a control character or an invisible one";
    return NULL;
}

char *lp_text_shown(const char *s, char *ret, size_t size)
{
    size_t at = 0;
    while (*s) {
        size_t n = 1;
        unsigned char c = (unsigned char)*s;
        if (c >= 0xc2)
            n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
        bool whole = strnlen(s, n) == n && lp_utf8_valid(s, n);
        if (!whole)
            n = 1;
        if (at + n + 4 > size) { /* room for "..." and the end */
            memcpy(ret + at, "...", 3);
            at += 3;
            break;
        }
        if (!whole || is_control(s) || is_trick(s))
            ret[at++] = '?';
        else
            memcpy(ret + at, s, n), at += n;
        s += n;
    }
    ret[at] = 0;
    return ret;
}
