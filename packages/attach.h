/* packages/attach.h: a package with something more that belongs to it (attach.c). */
#ifndef LP_PACKAGES_ATTACH_H
#define LP_PACKAGES_ATTACH_H

#include "packages/layout.h"

/* A manifest that belongs to a package, with its bytes and those of its blobs, in an arena. */
typedef struct lp_attachment {
    lp_packed_item item;
    lp_layout_part *parts;
    size_t n;
} lp_attachment;

/* Of the text of a signature. */
void lp_attachment_signature(lp_arena *arena, const lp_manifest *m, const char *text,
                             lp_attachment *ret);
/* Of what another archive of the same package has. */
loop_error *lp_attachment_copy(lp_packed *p, const lp_packed_item *item, lp_arena *arena,
                               lp_attachment *ret) LOOP_MUST_USE;
/* Whether a manifest is in it. */
bool lp_packed_has(const lp_packed *p, const char *digest);

/*
 * Writes `p` with more that belongs to it, without the manifests of `drop` (digests,
 * NULL-terminated; NULL: none), to an archive or a layout: another one, or the same.
 */
loop_error *lp_attach(lp_packed *p, const lp_attachment *add, size_t n, const char *const *drop,
                      const char *to, bool layout) LOOP_MUST_USE;
/* With a signature, in place of one of the same key. LOOP_INVALID: the text is none. */
loop_error *lp_attach_signature(lp_packed *p, const char *text, const char *to,
                                bool layout) LOOP_MUST_USE;

#endif
