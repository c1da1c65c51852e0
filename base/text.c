/* base/text.c: implements base/text.h. */
#include "base/text.h"

#include "base/base.h"

uint32_t lp_text_character(const char *text, size_t n)
{
    const unsigned char *s = (const unsigned char *)text;
    switch (n) {
    case 1: return s[0];
    case 2: return (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu);
    case 3: return (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
    default:
        return (s[0] & 0x07u) << 18 | (s[1] & 0x3fu) << 12 | (s[2] & 0x3fu) << 6 | (s[3] & 0x3fu);
    }
}

size_t lp_text_next(const char *s, size_t n, bool *ret_safe)
{
    size_t len = lp_utf8_sequence(s, n);
    uint32_t c = len ? lp_text_character(s, len) : 0;
    bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
    bool invisible = c == 0xad || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
                     (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
                     (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe007f);
    *ret_safe = len && !control && !invisible;
    return len ? len : 1;
}

void lp_text_clean(char *text, const char *keep)
{
    char *to = text;
    bool safe;
    for (size_t n = strlen(text), len; n; text += len, n -= len) {
        len = lp_text_next(text, n, &safe);
        if (safe || (len == 1 && strchr(keep, *text))) {
            memmove(to, text, len);
            to += len;
        } else {
            *to++ = '?';
        }
    }
    *to = 0;
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
    bool safe;
    for (size_t at = 0; at < n;) {
        at += lp_text_next(text + at, n - at, &safe);
        if (!safe)
            return "it has a control character or an invisible one";
    }
    return NULL;
}

char *lp_text_shown(const char *s, char *ret, size_t size)
{
    size_t at = 0;
    bool safe;
    for (size_t left = strlen(s), n; left; s += n, left -= n) {
        n = lp_text_next(s, left, &safe);
        if (at + n + 4 > size) { /* room for "..." and the end */
            memcpy(ret + at, "...", 3);
            at += 3;
            break;
        }
        if (safe)
            memcpy(ret + at, s, n);
        else
            ret[at] = '?';
        at += safe ? n : 1;
    }
    ret[at] = 0;
    return ret;
}
