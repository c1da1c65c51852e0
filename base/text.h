/*
 * base/text.h: text from outside, before a person sees it.
 *
 * A name out of a file or a component can carry what a terminal acts on:
 * control characters, or characters that turn or hide the text around them.
 */
#ifndef LP_TEXT_H
#define LP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Length of the character at `s` (1 where it is not UTF-8), and whether a terminal
 * may see it: no control character, nothing invisible, nothing that turns the text.
 */
size_t lp_text_next(const char *s, size_t n, bool *ret_safe);
/* The character that these `n` bytes are, 1 to 4: a sequence of UTF-8 as lp_utf8_sequence says. */
uint32_t lp_text_character(const char *s, size_t n);
/* Replaces what is not safe by '?', in place, but for the ASCII characters of `keep`. */
void lp_text_clean(char *text, const char *keep);

/* NULL, or what is wrong as half a sentence: empty, over LP_MAX_PATH, not UTF-8, as above. */
const char *lp_text_check(const char *text);

/*
 * `s` for a message: cut to `size` bytes with "...", every character as above
 * and every byte that is not UTF-8 as '?'. Returns `ret`, always terminated.
 */
char *lp_text_shown(const char *s, char *ret, size_t size);

#endif
