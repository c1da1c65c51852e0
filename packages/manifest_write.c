/*
 * packages/manifest_write.c: the JSON that `loop pack` writes.
 *
 * By hand and not by jansson, so that the bytes are the same with every release of it: no spaces,
 * keys in the order below, annotations by their names, what is not said left out.
 */
#include "packages/manifest.h"

#include <time.h>

#include "packages/index.h"

static void put_text(lp_buf *b, const char *s)
{
    lp_buf_json(b, s, strlen(s));
}

static void put_descriptor(lp_buf *b, const lp_blob *d, const char *title)
{
    lp_buf_puts(b, "{\"mediaType\":");
    put_text(b, d->media_type);
    lp_buf_puts(b, ",\"digest\":");
    put_text(b, d->digest);
    lp_buf_printf(b, ",\"size\":%llu", (unsigned long long)d->size);
    if (title) {
        lp_buf_puts(b, ",\"annotations\":{\"" LP_NOTE_TITLE "\":");
        put_text(b, title);
        lp_buf_puts(b, "}");
    }
    lp_buf_puts(b, "}");
}

static void put_start(lp_buf *b, const char *type)
{
    lp_buf_puts(b, "{\"schemaVersion\":2,\"mediaType\":\"" LP_MEDIA_MANIFEST "\"");
    if (type) {
        lp_buf_puts(b, ",\"artifactType\":");
        put_text(b, type);
    }
    lp_buf_puts(b, ",\"config\":");
}

static void put_note(lp_buf *b, const char *key, const char *value, const char **between)
{
    if (!value || !*value)
        return;
    lp_buf_puts(b, *between);
    put_text(b, key);
    lp_buf_puts(b, ":");
    put_text(b, value);
    *between = ",";
}

void lp_manifest_write(const lp_manifest *m, const char *title, lp_buf *ret)
{
    lp_auto(lp_free_string) char *needs =
        m->requires_count ? lp_requires_text(m->requires, m->requires_count) : NULL;
    const char *between = "";
    put_start(ret, NULL);
    put_descriptor(ret, &(lp_blob){m->config_digest, LP_MEDIA_CONFIG, m->config_size}, NULL);
    lp_buf_puts(ret, ",\"layers\":[");
    put_descriptor(ret, &(lp_blob){m->content, LP_MEDIA_WASM, m->size}, title);
    lp_buf_puts(ret, "],\"annotations\":{");
    put_note(ret, LP_NOTE_NAME, m->name, &between);
    put_note(ret, LP_NOTE_REQUIRES, needs, &between);
    put_note(ret, "org.opencontainers.image.description", m->description, &between);
    put_note(ret, "org.opencontainers.image.licenses", m->license, &between);
    put_note(ret, "org.opencontainers.image.source", m->source, &between);
    put_note(ret, LP_NOTE_VERSION, m->version, &between);
    lp_buf_puts(ret, "}}");
}

static void put_names(lp_buf *b, const char *key, const char *const *names)
{
    lp_buf_printf(b, "\"%s\":[", key);
    for (size_t i = 0; names[i]; i++) {
        if (i)
            lp_buf_puts(b, ",");
        put_text(b, names[i]);
    }
    lp_buf_puts(b, "]");
}

/* "2026-11-23T14:35:13Z" */
static void put_time(lp_buf *b, uint64_t s)
{
    char text[32];
    struct tm tm;
    time_t t = (time_t)s;
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
    put_text(b, text);
}

void lp_config_write(const lp_config_facts *facts, lp_buf *ret)
{
    lp_buf_puts(ret, "{\"created\":");
    put_time(ret, facts->created_s);
    lp_buf_puts(ret, ",\"architecture\":\"wasm\",\"os\":\"wasip2\",\"layerDigests\":[");
    put_text(ret, facts->content);
    lp_buf_puts(ret, "],\"component\":{");
    put_names(ret, "exports", facts->exports);
    lp_buf_puts(ret, ",");
    put_names(ret, "imports", facts->imports);
    lp_buf_puts(ret, "}}");
}

void lp_attached_write(const char *type, const lp_blob *file, const char *title,
                       const lp_blob *subject, lp_buf *ret)
{
    put_start(ret, type);
    put_descriptor(ret, &(lp_blob){LP_EMPTY_DIGEST, LP_MEDIA_EMPTY, sizeof LP_EMPTY_BYTES - 1},
                   NULL);
    lp_buf_puts(ret, ",\"layers\":[");
    put_descriptor(ret, file, title);
    lp_buf_puts(ret, "],\"subject\":");
    put_descriptor(ret, subject, NULL);
    lp_buf_puts(ret, "}");
}
