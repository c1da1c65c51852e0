/*
 * packages/pack_test.c: packages that are made and read again.
 *
 * A workspace with the smallest component there is, eight bytes, so that every byte of an archive
 * can be changed, one after the other: each change must be found, and every length at which it
 * could be cut. It catches whoever does not compare a digest, a size, the index with what it
 * indexes, or what lies between the files of an archive. Whether two packs are the same is asked of
 * two workspaces in other places, at another time, with another user's umask and environment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/os/os.h"
#include "packages/manifest.h"

#define WASM "\0asm\x0d\0\1"

static void write_file(const char *folder, const char *name, const void *bytes, size_t n)
{
    lp_auto(lp_free_string) char *path = lp_format("%s/%s", folder, name);
    FILE *f = fopen(path, "wb"); /* thousands of times: nothing that is synced */
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static const char yaml[] = "loop: 1\n"
                           "package:\n"
                           "  name: acme:notes\n"
                           "  version: 0.1.0-rc.1+7\n"
                           "  description: \"Notes \\\"that\\\" stay: é\"\n"
                           "  license: MIT\n"
                           "  source: \"https://example.com/notes\"\n"
                           "  docs: README.md\n"
                           "  requires: { \"acme:ui\": \"^1.2\", \"acme:base\": \"*\" }\n"
                           "components:\n"
                           "  notes: { path: build/notes.wasm }\n";

/* A workspace in a folder of its own. */
static char *workspace(const char *config)
{
    char *folder = lp_strdup("/tmp/loop-pack-XXXXXX");
    assert_non_null(mkdtemp(folder));
    lp_auto(lp_free_string) char *build = lp_format("%s/build", folder);
    assert_int_equal(mkdir(build, 0700), 0);
    write_file(folder, "loop.yaml", config, strlen(config));
    write_file(folder, "build/notes.wasm", WASM, sizeof WASM);
    write_file(folder, "README.md", "# Notes\n", 8);
    return folder;
}

static void remove_folder(char *folder)
{
    lp_auto(lp_free_string) char *command = lp_format("rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
    free(folder);
}

/* The error's messages in a row; malloced. */
static char *messages(const loop_error *e)
{
    lp_buf b = {0};
    lp_buf_puts(&b, "");
    for (; e; e = loop_error_cause(e))
        lp_buf_printf(&b, "%s\n", loop_error_message(e));
    return lp_buf_take(&b);
}

static void assert_says(loop_error *e, loop_code code, const char *piece)
{
    lp_auto(lp_free_string) char *text = messages(e);
    if (!e || loop_error_code(e) != code || !strstr(text, piece))
        fail_msg("expected %d and '%s', got %d:\n%s", code, piece, loop_error_code(e), text);
    loop_error_delete(e);
}

static loop_error *pack_in(const char *folder, const char *output, bool layout, lp_buf *ret)
{
    lp_auto(lp_free_string) char *file = lp_format("%s/loop.yaml", folder);
    lp_auto(lp_free_string) char *cache = lp_format("%s/cache", folder);
    loop_config *config;
    loop_packages *p;
    loop_package_list *list;
    LP_TRY(loop_config_load(&(loop_config_sources){.file = file, .ignore_environment = true},
                            &config));
    loop_error *e =
        loop_packages_open(&(loop_packages_options){.config = config, .cache_dir = cache}, &p);
    assert_null(e);
    e = loop_packages_pack(p, &(loop_pack_options){.output = output, .layout = layout}, &list);
    if (!e) {
        if (ret && !layout) {
            uint8_t *bytes;
            size_t n;
            lp_auto(lp_free_error) loop_error *read =
                lp_os_read_file(loop_package_list_at(list, 0)->path, 1 << 20, &bytes, &n);
            assert_null(read);
            *ret = (lp_buf){(char *)bytes, n, n};
        }
        loop_package_list_delete(list);
    }
    loop_packages_delete(p);
    loop_config_delete(config);
    return e;
}

static loop_error *look(const char *path)
{
    loop_packages *p;
    loop_package_list *list;
    LP_TRY(loop_packages_open(&(loop_packages_options){.cache_dir = "/tmp/loop-no-cache"}, &p));
    loop_error *e = loop_packages_look(p, path, &list);
    if (!e)
        loop_package_list_delete(list);
    loop_packages_delete(p);
    return e;
}

/* ---- making ---- */

static void two_packs_are_the_same(void **state)
{
    (void)state;
    char *one = workspace(yaml), *other = workspace(yaml);
    lp_buf a = {0}, b = {0};
    assert_null(pack_in(one, NULL, false, &a));
    mode_t old = umask(0);
    setenv("TZ", "Asia/Tokyo", 1);
    setenv("USER", "somebody-else", 1);
    sleep(1);
    assert_null(pack_in(other, NULL, false, &b));
    umask(old);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.ptr, b.ptr, a.len);
    assert_null(memmem(a.ptr, a.len, one, strlen(one)));
    lp_buf_done(&b);
    setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
    assert_null(pack_in(other, NULL, false, &b));
    unsetenv("SOURCE_DATE_EPOCH");
    assert_non_null(memmem(b.ptr, b.len, "2023-11-14T22:13:20Z", 20));
    lp_buf_done(&a);
    lp_buf_done(&b);
    remove_folder(one);
    remove_folder(other);
}

static void says_what_the_workspace_says(void **state)
{
    (void)state;
    char *folder = workspace(yaml);
    lp_auto(lp_free_string) char *path = lp_format("%s/x.tar", folder);
    assert_null(pack_in(folder, path, false, NULL));
    lp_packed *p;
    assert_null(lp_packed_open(path, &p));
    const lp_manifest *m = lp_packed_manifest(p);
    assert_string_equal(m->name, "acme:notes");
    assert_string_equal(m->version, "0.1.0-rc.1+7");
    assert_string_equal(m->description, "Notes \"that\" stay: é");
    assert_string_equal(m->license, "MIT");
    assert_string_equal(m->source, "https://example.com/notes");
    assert_int_equal(m->requires_count, 2);
    assert_int_equal(m->size, sizeof WASM);
    const lp_packed_item *docs = lp_packed_item_at(p, 1);
    assert_string_equal(docs->type, LP_TYPE_DOCS);
    assert_string_equal(docs->subject, m->digest);
    assert_string_equal(docs->blobs[1].media_type, "text/markdown");
    assert_null(lp_packed_item_at(p, 2));
    lp_packed_close(p);
    remove_folder(folder);
}

static void layouts_are_the_same_package(void **state)
{
    (void)state;
    char *folder = workspace(yaml);
    lp_auto(lp_free_string) char *path = lp_format("%s/layout", folder);
    assert_null(pack_in(folder, path, true, NULL));
    assert_null(look(path));
    write_file(folder, "README.md", "# Other notes\n", 14); /* packed again: nothing old stays */
    assert_null(pack_in(folder, path, true, NULL));
    assert_null(look(path));
    write_file(path, "notes.txt", "mine", 4);
    assert_says(look(path), LOOP_INVALID, "'notes.txt' does not belong");
    assert_says(pack_in(folder, path, true, NULL), LOOP_IO, "is not replaced");
    lp_auto(lp_free_string) char *mine = lp_format("%s/notes.txt", path);
    assert_int_equal(unlink(mine), 0);
    assert_int_equal(symlink("/etc/passwd", mine), 0);
    assert_says(look(path), LOOP_INVALID, "'notes.txt' is a link");
    remove_folder(folder);
}

static void failures_leave_what_was_there(void **state)
{
    (void)state;
    char *folder = workspace(yaml);
    lp_auto(lp_free_string) char *path = lp_format("%s/x.tar", folder);
    assert_null(pack_in(folder, path, false, NULL));
    write_file(folder, "build/notes.wasm", "\0asm\1\0\0", 8);
    assert_says(pack_in(folder, path, false, NULL), LOOP_INVALID, "a core module");
    write_file(folder, "build/notes.wasm", "#!/bin/sh", 9);
    assert_says(pack_in(folder, path, false, NULL), LOOP_INVALID, "no WebAssembly");
    lp_auto(lp_free_string) char *wasm = lp_format("%s/build/notes.wasm", folder);
    assert_int_equal(unlink(wasm), 0);
    assert_says(pack_in(folder, path, false, NULL), LOOP_NOT_FOUND, "is not built");
    write_file(folder, "build/notes.wasm", WASM, sizeof WASM);
    write_file(folder, "README.md", "\xff\xfe", 2);
    assert_says(pack_in(folder, path, false, NULL), LOOP_INVALID, "no text in UTF-8");
    lp_auto(lp_free_string) char *docs = lp_format("%s/README.md", folder);
    assert_int_equal(unlink(docs), 0);
    assert_says(pack_in(folder, path, false, NULL), LOOP_NOT_FOUND, "no documentation");
    assert_int_equal(symlink("/etc/passwd", docs), 0);
    assert_says(pack_in(folder, path, false, NULL), LOOP_DENIED, "leads out of the workspace");
    setenv("SOURCE_DATE_EPOCH", "yesterday", 1);
    assert_says(pack_in(folder, path, false, NULL), LOOP_CONFIG, "SOURCE_DATE_EPOCH");
    unsetenv("SOURCE_DATE_EPOCH");
    assert_null(look(path)); /* the first one */
    remove_folder(folder);
}

static void configuration_is_checked(void **state)
{
    (void)state;
    static const struct {
        const char *package, *says;
    } rows[] = {
        {"{ version: 1.0.0 }", "'package' has no 'name'"},
        {"{ name: notes, version: 1.0.0 }", "'notes' is no name of a package"},
        {"{ name: \"a:b\", version: 1.0 }", "'1.0' is no version"},
        {"{ name: \"a:b\", version: 1.0.0, component: other }", "there is no component 'other'"},
        {"{ name: \"a:b\", version: 1.0.0, docs: ../x.md }", "leads out of the workspace"},
        {"{ name: \"a:b\", version: 1.0.0, docs: /etc/passwd }", "leads out of the workspace"},
        {"{ name: \"a:b\", version: 1.0.0, requires: { c: \"1\" } }", "'c' is no name"},
        {"{ name: \"a:b\", version: 1.0.0, requires: { \"c:d\": latest } }",
         "no range of versions"},
        {"{ name: \"a:b\", version: 1.0.0, requires: { \"a:b\": \"1\" } }", "requires itself"},
        {"{ name: \"a:b\", version: 1.0.0, author: me }", "unknown key 'author'"},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        lp_auto(lp_free_string) char *text =
            lp_format("loop: 1\npackage: %s\ncomponents: { notes: { path: build/notes.wasm } }\n",
                      rows[i].package);
        char *folder = workspace(text);
        assert_says(pack_in(folder, NULL, false, NULL), LOOP_CONFIG, rows[i].says);
        remove_folder(folder);
    }
}

/* ---- damage ---- */

static void every_flipped_byte_is_found(void **state)
{
    (void)state;
    char *folder = workspace(yaml);
    lp_auto(lp_free_string) char *path = lp_format("%s/x.tar", folder);
    lp_buf good = {0};
    unsigned not_named = 0;
    assert_null(pack_in(folder, path, false, &good));
    for (size_t i = 0; i < good.len; i++) {
        char was = good.ptr[i];
        good.ptr[i] = (char)(was ^ (1 << i % 8));
        write_file(folder, "x.tar", good.ptr, good.len);
        lp_auto(lp_free_error) loop_error *e = look(path);
        if (!e)
            fail_msg("byte %zu of %zu was changed and nobody noticed", i, good.len);
        lp_auto(lp_free_string) char *text = messages(e);
        not_named += !strstr(text, "entry") && !strstr(text, "byte") && !strstr(text, "manifest");
        good.ptr[i] = was;
    }
    /* a header's checksum and magic: libarchive says that it is damaged, not where */
    assert_true(not_named < good.len / 2);
    print_message("%zu bytes changed one by one; %u found without an entry's name\n", good.len,
                  not_named);
    lp_buf_done(&good);
    remove_folder(folder);
}

static void every_cut_is_found(void **state)
{
    (void)state;
    char *folder = workspace(yaml);
    lp_auto(lp_free_string) char *path = lp_format("%s/x.tar", folder);
    lp_buf good = {0};
    assert_null(pack_in(folder, path, false, &good));
    size_t end = good.len; /* of the last file: zeros follow, of which any number will do */
    while (end && !good.ptr[end - 1])
        end--;
    for (size_t n = 0; n < end; n++) {
        write_file(folder, "x.tar", good.ptr, n);
        lp_auto(lp_free_error) loop_error *e = look(path);
        if (!e)
            fail_msg("cut after %zu of %zu bytes, and nobody noticed", n, good.len);
    }
    lp_buf_add(&good, "x", 1);
    write_file(folder, "x.tar", good.ptr, good.len);
    assert_says(look(path), LOOP_INVALID, "something stands behind its end");
    lp_buf_done(&good);
    remove_folder(folder);
}

/* ---- manifests of others ---- */

#define CONFIG                                                                                     \
    "\"config\":{\"mediaType\":\"application/vnd.wasm.config.v0+json\",\"digest\":"                \
    "\"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\",\"size\":2}"
#define LAYER(type)                                                                                \
    "{\"mediaType\":\"" type "\",\"digest\":"                                                      \
    "\"sha256:f4ba10f21036d20ab3b3c8df077ded47f1483829f68fbb74cd5e88630be8fcdc\",\"size\":8}"
#define WITH(rest) "{\"schemaVersion\":2," CONFIG "," rest "}"

static void manifests_of_others_are_read(void **state)
{
    (void)state;
    /* as wkg writes one */
    static const char wkg[] =
        "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\"," CONFIG
        ",\"layers\":[" LAYER("application/wasm") "],\"annotations\":{"
                                                  "\"org.opencontainers.image.version\":\"1.2.0\","
                                                  "\"org.opencontainers.image.licenses\":\"MIT\"},"
                                                  "\"artifactType\":null}";
    lp_arena a = {0};
    lp_manifest m;
    assert_null(lp_manifest_parse(&a, wkg, sizeof wkg - 1, &m));
    assert_string_equal(m.name, "");
    assert_string_equal(m.version, "1.2.0");
    assert_string_equal(m.license, "MIT");
    assert_int_equal(m.size, 8);
    assert_int_equal(m.requires_count, 0);
    static const char odd[] = WITH("\"layers\":[" LAYER(
        "application/wasm") "],\"annotations\":{"
                            "\"org.opencontainers.image.version\":\"latest\"}");
    assert_null(lp_manifest_parse(&a, odd, sizeof odd - 1, &m)); /* it counts otherwise */
    assert_string_equal(m.version, "");
    lp_arena_done(&a);
}

static void wrong_manifests_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        loop_code code;
        const char *says;
    } rows[] = {
        {"", LOOP_INVALID, "no JSON"},
        {"[]", LOOP_INVALID, "no JSON object"},
        {"{}", LOOP_INVALID, "schemaVersion"},
        {"{\"schemaVersion\":1}", LOOP_INVALID, "schemaVersion"},
        {"{\"schemaVersion\":2,\"schemaVersion\":2}", LOOP_INVALID, "duplicate"},
        {"{\"schemaVersion\":2,\"manifests\":[]}", LOOP_INVALID, "is an index"},
        {"{\"schemaVersion\":2,\"mediaType\":\"application/"
         "vnd.docker.distribution.manifest.v2+json\"}",
         LOOP_INVALID, "media type 'application/vnd.docker"},
        {"{\"schemaVersion\":2}", LOOP_INVALID, "a config without"},
        {WITH("\"layers\":7"), LOOP_INVALID, "no list of layers"},
        {WITH("\"layers\":[]"), LOOP_INVALID, "0 layers"},
        {WITH("\"layers\":[" LAYER("application/wasm") "," LAYER("application/wasm") "]"),
         LOOP_INVALID, "2 layers"},
        {WITH("\"layers\":[" LAYER("application/vnd.oci.image.layer.v1.tar+gzip") "]"),
         LOOP_INVALID, "layer of the type 'application/vnd.oci"},
        {WITH("\"layers\":[{\"mediaType\":\"application/"
              "wasm\",\"digest\":\"sha512:00\",\"size\":8}]"),
         LOOP_INVALID, "no sha256 digest"},
        {WITH("\"layers\":[{\"mediaType\":\"application/wasm\",\"digest\":\"sha256:../../"
              "x\",\"size\":8}]"),
         LOOP_INVALID, "no sha256 digest"},
        {WITH("\"layers\":[{\"mediaType\":\"application/wasm\",\"digest\":"
              "\"sha256:f4ba10f21036d20ab3b3c8df077ded47f1483829f68fbb74cd5e88630be8fcdc\","
              "\"size\":-1}]"),
         LOOP_INVALID, "without a size"},
        {WITH("\"layers\":[{\"mediaType\":\"application/wasm\",\"digest\":"
              "\"sha256:f4ba10f21036d20ab3b3c8df077ded47f1483829f68fbb74cd5e88630be8fcdc\","
              "\"size\":999999999999}]"),
         LOOP_LIMIT, "more than 268435456 bytes"},
        {WITH("\"layers\":[" LAYER(
             "application/wasm") "],\"annotations\":{\"loop.name\":\"../x\","
                                 "\"org.opencontainers.image.version\":\"1.0.0\"}"),
         LOOP_INVALID, "no name of a package"},
        {WITH("\"layers\":[" LAYER("application/wasm") "],\"annotations\":{\"loop.name\":\"a:b\"}"),
         LOOP_INVALID, "image.version' is wrong"},
        {WITH("\"layers\":[" LAYER(
             "application/wasm") "],\"annotations\":{\"loop.requires\":\"{\"}"),
         LOOP_INVALID, "loop.requires' is wrong"},
        {WITH("\"layers\":[" LAYER("application/wasm") "],\"annotations\":{\"loop.requires\":7}"),
         LOOP_INVALID, "which is no text"},
        {WITH("\"layers\":[" LAYER("application/wasm") "],\"subject\":" LAYER("x")), LOOP_INVALID,
         "belongs to another one"},
        {"{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/"
         "vnd.oci.image.config.v1+json\","
         "\"digest\":\"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\","
         "\"size\":2},\"layers\":[]}",
         LOOP_INVALID, "no WebAssembly component"},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        lp_arena a = {0};
        lp_manifest m;
        assert_says(lp_manifest_parse(&a, rows[i].text, strlen(rows[i].text), &m), rows[i].code,
                    rows[i].says);
        lp_arena_done(&a);
    }
    char deep[4096];
    memset(deep, '[', sizeof deep);
    lp_arena a = {0};
    lp_manifest m;
    assert_says(lp_manifest_parse(&a, deep, sizeof deep, &m), LOOP_LIMIT, "nested too deep");
    lp_arena_done(&a);
}

static void configs_are_of_their_manifest(void **state)
{
    (void)state;
    lp_manifest m = {.content =
                         "sha256:f4ba10f21036d20ab3b3c8df077ded47f1483829f68fbb74cd5e88630be8fcdc"};
#define DIGESTS                                                                                    \
    "\"layerDigests\":[\"sha256:"                                                                  \
    "f4ba10f21036d20ab3b3c8df077ded47f1483829f68fbb74cd5e88630be8fcdc\"]"
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"{\"architecture\":\"wasm\",\"os\":\"wasip2\"," DIGESTS "}", NULL},
        {"{\"architecture\":\"amd64\",\"os\":\"wasip2\"," DIGESTS "}", "architecture"},
        {"{\"architecture\":\"wasm\",\"os\":\"wasip1\"," DIGESTS "}", "no component"},
        {"{\"architecture\":\"wasm\",\"os\":\"wasip2\",\"layerDigests\":[]}", "another component"},
        {"{\"architecture\":\"wasm\",\"os\":\"wasip2\",\"layerDigests\":[\"sha256:00\"]}",
         "another component"},
        {"[]", "architecture"},
        {"", "no JSON"},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        loop_error *e = lp_config_check(&m, rows[i].text, strlen(rows[i].text));
        if (rows[i].says)
            assert_says(e, LOOP_INVALID, rows[i].says);
        else
            assert_null(e);
    }
}

/* ---- the hook ---- */

static loop_error *deny(void *data, const loop_package_check *check)
{
    char digest[LOOP_SHA256_TEXT];
    lp_sha256_of(check->manifest, check->manifest_len, digest);
    assert_string_equal(digest, check->digest);
    assert_string_equal(check->name, "acme:notes");
    *(int *)data += 1;
    return loop_error_new(LOOP_DENIED, "nobody signed it");
}

static void the_hook_is_asked(void **state)
{
    (void)state;
    char *folder = workspace(yaml);
    lp_auto(lp_free_string) char *path = lp_format("%s/x.tar", folder);
    assert_null(pack_in(folder, path, false, NULL));
    int asked = 0;
    loop_packages *p;
    loop_package_list *list;
    assert_null(loop_packages_open(
        &(loop_packages_options){.cache_dir = folder, .verify = deny, .data = &asked}, &p));
    assert_says(loop_packages_look(p, path, &list), LOOP_DENIED, "nobody signed it");
    assert_int_equal(asked, 1);
    loop_packages_delete(p);
    remove_folder(folder);
}

static loop_error *allow(void *data, const loop_package_check *check)
{
    (void)check;
    *(int *)data += 1;
    return NULL;
}

/* The file of a wish; with the hook, or NULL. */
static loop_error *path_in(const char *folder, const char *wish,
                           loop_error *(*hook)(void *data, const loop_package_check *check),
                           int *asked)
{
    lp_auto(lp_free_string) char *file = lp_format("%s/loop.yaml", folder);
    lp_auto(lp_free_string) char *cache = lp_format("%s/cache", folder);
    loop_config *config;
    loop_packages *p;
    char *path = NULL;
    assert_null(loop_config_load(&(loop_config_sources){.file = file, .ignore_environment = true},
                                 &config));
    assert_null(loop_packages_open(
        &(loop_packages_options){
            .config = config, .cache_dir = cache, .verify = hook, .data = asked},
        &p));
    loop_error *e = loop_packages_path(p, wish, &path);
    loop_free(path);
    loop_packages_delete(p);
    loop_config_delete(config);
    return e;
}

/* Installs by loop.yaml, or what `wishes` say. */
static void install_in(const char *folder, const char *const *wishes)
{
    lp_auto(lp_free_string) char *file = lp_format("%s/loop.yaml", folder);
    lp_auto(lp_free_string) char *cache = lp_format("%s/cache", folder);
    loop_config *config;
    loop_packages *p;
    loop_package_list *list;
    assert_null(loop_config_load(&(loop_config_sources){.file = file, .ignore_environment = true},
                                 &config));
    assert_null(
        loop_packages_open(&(loop_packages_options){.config = config, .cache_dir = cache}, &p));
    loop_error *e = loop_packages_install(p, LOOP_INSTALL_LOCKED, wishes, &list);
    lp_auto(lp_free_string) char *text = messages(e);
    if (e)
        fail_msg("%s", text);
    loop_package_list_delete(list);
    loop_packages_delete(p);
    loop_config_delete(config);
}

#define PACKAGE "loop: 1\npackage: { name: acme:notes, version: 1.0.0 }\n"
#define NOTES "components:\n  notes: { path: build/notes.wasm }\n"
#define REGISTRY "registries: { default: here, known: { here: { folder: registry } } }\n"

/* Catches: a run that takes what lies in the cache without asking, since an install was asked once;
 * a lock file that names a signed manifest beside another component. */
static void the_hook_is_asked_at_each_run(void **state)
{
    (void)state;
    int asked = 0;
    char *folder = workspace(PACKAGE NOTES);
    lp_auto(lp_free_string) char *registry = lp_format("%s/registry", folder);
    lp_auto(lp_free_string) char *path = lp_format("%s/notes.tar", registry);
    assert_int_equal(mkdir(registry, 0700), 0);
    assert_null(pack_in(folder, path, false, NULL));
    install_in(folder, (const char *const[]){path, NULL});
    assert_null(path_in(folder, "acme:notes", NULL, &asked));
    assert_says(path_in(folder, "acme:notes", deny, &asked), LOOP_DENIED, "nobody signed it");
    assert_null(path_in(folder, "acme:notes", allow, &asked));
    assert_int_equal(asked, 2);

    const char config[] = "loop: 1\ncomponents: { n: { package: acme:notes } }\n" REGISTRY;
    write_file(folder, "loop.yaml", config, sizeof config - 1);
    install_in(folder, NULL);
    assert_says(path_in(folder, "acme:notes", deny, &asked), LOOP_DENIED, "nobody signed it");
    assert_null(path_in(folder, "acme:notes", allow, &asked));
    lp_auto(lp_free_string) char *lock = lp_format("%s/loop.lock", folder);
    uint8_t *bytes;
    size_t n;
    assert_null(lp_os_read_file(lock, 1 << 20, &bytes, &n));
    char *text = lp_strndup((char *)bytes, n), *digest = strstr(text, "digest: \"sha256:");
    assert_non_null(digest);
    memset(digest + strlen("digest: \"sha256:"), '0', 64);
    write_file(folder, "loop.lock", text, n);
    assert_says(path_in(folder, "acme:notes", allow, &asked), LOOP_INVALID, "another component");
    free(bytes);
    free(text);
    remove_folder(folder);
}

static loop_error *only_manifests(void *data, const loop_package_check *check)
{
    const char *const *texts;
    *(int *)data += 1;
    assert_string_equal(check->name, "acme:notes");
    assert_string_equal(check->version, "1.0.0");
    if (check->manifest)
        return NULL;
    assert_string_equal(check->digest, "");
    assert_null(loop_package_signatures(check, true, &texts));
    assert_null(texts[0]);
    return loop_error_new(LOOP_DENIED, "without a manifest");
}

/* Catches: a component alone as a way around the hook. */
static void a_component_alone_is_asked_about(void **state)
{
    (void)state;
    int asked = 0;
    char *folder = workspace("loop: 1\ncomponents: { n: { package: acme:notes } }\n" REGISTRY);
    lp_auto(lp_free_string) char *below = lp_format("%s/registry/acme/notes", folder);
    assert_null(lp_os_mkdirs(below));
    write_file(below, "1.0.0.wasm", WASM, sizeof WASM);
    install_in(folder, NULL);
    assert_null(path_in(folder, "acme:notes", NULL, &asked));
    assert_null(path_in(folder, "acme:notes", allow, &asked));
    assert_says(path_in(folder, "acme:notes", only_manifests, &asked), LOOP_DENIED,
                "without a manifest");
    assert_int_equal(asked, 2);
    remove_folder(folder);
}

static loop_error *is_notes(void *data, const loop_package_check *check)
{
    *(int *)data += 1;
    bool good = strcmp(check->name, "acme:notes") == 0 && strcmp(check->version, "1.0.0") == 0;
    return good ? NULL : loop_error_new(LOOP_DENIED, "'%s' %s", check->name, check->version);
}

/* Catches: a hook that cannot know whose signature to look for, since the manifest has no name. */
static void the_hook_is_told_what_it_is_taken_for(void **state)
{
    (void)state;
    int asked = 0;
    char content[LOOP_SHA256_TEXT], digest[LOOP_SHA256_TEXT];
    char *folder = workspace("loop: 1\ncomponents: { n: { package: acme:notes } }\n"
                             "registries: { default: x, known: { x: { layout: registry } } }\n");
    lp_auto(lp_free_string) char *layout = lp_format("%s/registry", folder);
    lp_auto(lp_free_string) char *blobs = lp_format("%s/blobs/sha256", layout);
    lp_sha256_of(WASM, sizeof WASM, content);
    lp_auto(lp_free_string) char *manifest =
        lp_format("{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" LP_MEDIA_CONFIG
                  "\",\"digest\":\"%s\",\"size\":8},\"layers\":[{\"mediaType\":\"" LP_MEDIA_WASM
                  "\",\"digest\":\"%s\",\"size\":%zu}]}",
                  content, content, sizeof WASM);
    lp_sha256_of(manifest, strlen(manifest), digest);
    lp_auto(lp_free_string) char *index =
        lp_format("{\"schemaVersion\":2,\"manifests\":[{\"digest\":\"%s\",\"size\":%zu,"
                  "\"annotations\":{\"loop.name\":\"acme:notes\","
                  "\"org.opencontainers.image.ref.name\":\"1.0.0\"}}]}",
                  digest, strlen(manifest));
    assert_null(lp_os_mkdirs(blobs));
    write_file(blobs, content + 7, WASM, sizeof WASM);
    write_file(blobs, digest + 7, manifest, strlen(manifest));
    write_file(layout, "index.json", index, strlen(index));
    install_in(folder, NULL);
    assert_null(path_in(folder, "acme:notes", is_notes, &asked));
    assert_int_equal(asked, 1);
    remove_folder(folder);
}

/* A person saves loop.yaml while a package is on its way. */
static void save(void *data, const loop_package_progress *p)
{
    (void)p;
    const char *folder = data;
    static const char saved[] = "loop: 1\n# mine\n" REGISTRY;
    write_file(folder, "loop.yaml", saved, sizeof saved - 1);
}

/* Catches: an edit that writes over what was saved since the file was read. */
static void what_is_saved_meanwhile_stays(void **state)
{
    (void)state;
    char *folder = workspace("loop: 1\n" REGISTRY);
    lp_auto(lp_free_string) char *below = lp_format("%s/registry/acme/notes", folder);
    lp_auto(lp_free_string) char *file = lp_format("%s/loop.yaml", folder);
    lp_auto(lp_free_string) char *cache = lp_format("%s/cache", folder);
    loop_config *config;
    loop_packages *p;
    loop_package_list *list;
    assert_null(lp_os_mkdirs(below));
    write_file(below, "1.0.0.wasm", WASM, sizeof WASM);
    assert_null(loop_config_load(&(loop_config_sources){.file = file, .ignore_environment = true},
                                 &config));
    assert_null(loop_packages_open(
        &(loop_packages_options){
            .config = config, .cache_dir = cache, .progress = save, .data = folder},
        &p));
    assert_says(loop_packages_add(p, "acme:notes", NULL, &list), LOOP_CONFIG, "changed meanwhile");
    uint8_t *bytes;
    size_t n;
    assert_null(lp_os_read_file(file, 1 << 20, &bytes, &n));
    assert_int_equal(memcmp(bytes, "loop: 1\n# mine\n", strlen("loop: 1\n# mine\n")), 0);
    free(bytes);
    loop_packages_delete(p);
    loop_config_delete(config);
    remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_packs_are_the_same),
        cmocka_unit_test(says_what_the_workspace_says),
        cmocka_unit_test(layouts_are_the_same_package),
        cmocka_unit_test(failures_leave_what_was_there),
        cmocka_unit_test(configuration_is_checked),
        cmocka_unit_test(every_flipped_byte_is_found),
        cmocka_unit_test(every_cut_is_found),
        cmocka_unit_test(manifests_of_others_are_read),
        cmocka_unit_test(wrong_manifests_are_named),
        cmocka_unit_test(configs_are_of_their_manifest),
        cmocka_unit_test(the_hook_is_asked),
        cmocka_unit_test(the_hook_is_asked_at_each_run),
        cmocka_unit_test(a_component_alone_is_asked_about),
        cmocka_unit_test(the_hook_is_told_what_it_is_taken_for),
        cmocka_unit_test(what_is_saved_meanwhile_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
