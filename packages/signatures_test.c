/*
 * packages/signatures_test.c: packages with signatures, from the key to the run: attached, carried
 * by registries of this machine, looked at by the hook that loop_packages_open wires, and no way
 * back.
 *
 * What the decision is, trust/keys_test.c asks; other kinds of registries and the command line are
 * in tests/lib/signatures.py.
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
#include "base/sign.h"
#include "packages/attach.h"
#include "packages/json.h"
#include "packages/manifest.h"

#define WASM "\0asm\x0d\0\1"
#define PASSWORD "only for tests"

static char *root; /* ROOT/config, ROOT/cache, ROOT/work, ROOT/shop */

static char *in_root(const char *name)
{
    return lp_format("%s/%s", root, name);
}

static void put(const char *name, const void *bytes, size_t n, unsigned mode)
{
    lp_auto(lp_free_string) char *path = in_root(name);
    assert_null(lp_os_write_atomic(path, bytes, n, mode));
}

static int set_up(void **state)
{
    (void)state;
    static const char *const folders[] = {"work", "shop", "user"};
    char pattern[] = "/tmp/loop-signed-XXXXXX";
    root = lp_os_realpath(mkdtemp(pattern));
    lp_auto(lp_free_string) char *config = in_root("config");
    lp_auto(lp_free_string) char *keys = in_root("config/loop/keys");
    setenv("XDG_CONFIG_HOME", config, 1);
    assert_null(lp_os_secret_dir(keys));
    for (size_t i = 0; i < LP_COUNT(folders); i++) {
        lp_auto(lp_free_string) char *path = in_root(folders[i]);
        assert_null(lp_os_mkdirs(path));
    }
    put("work/notes.wasm", WASM, sizeof WASM, 0644);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *command = lp_format("rm -rf '%s'", root);
    free(root);
    return system(command);
}

static void ok(loop_error *e)
{
    if (!e)
        return;
    lp_auto(lp_free_string) char *text = loop_error_format(e);
    loop_error_delete(e);
    fail_msg("%s", text);
}

static void assert_fails(loop_error *e, loop_code code, const char *piece)
{
    lp_auto(lp_free_string) char *text = e ? loop_error_format(e) : lp_strdup("no error");
    if (!e || loop_error_code(e) != code || !strstr(text, piece))
        fail_msg("expected %d and '%s', got %d:\n%s", code, piece, loop_error_code(e), text);
    loop_error_delete(e);
}

/* ---- keys ---- */

/* One's own, as `loop keys new` makes it but for what its password takes. */
static void own_key(const char *name)
{
    static const lp_key_cost cheap = {32768, 1u << 20};
    lp_secret_key k;
    char *file;
    assert_null(lp_secret_key_new(&k));
    lp_public_key public = lp_public_key_of(&k);
    assert_null(lp_secret_key_file(&k, PASSWORD, &cheap, &file));
    lp_auto(lp_free_string) char *text = lp_public_key_file(&public);
    lp_auto(lp_free_string) char *key = lp_format("config/loop/keys/%s.key", name);
    lp_auto(lp_free_string) char *pub = lp_format("config/loop/keys/%s.pub", name);
    put(key, file, strlen(file), 0600);
    put(pub, text, strlen(text), 0644);
    lp_secret_free(file);
    lp_secret_key_done(&k);
}

static void trust(const char *name)
{
    loop_keys *keys;
    const loop_key *k;
    ok(loop_keys_open(&keys));
    ok(loop_keys_find(keys, name, &k));
    ok(loop_keys_trust(&(loop_key_wish){
        .text = k->text, .name = name, .namespaces = (const char *const[]){"acme", NULL}}));
    loop_keys_delete(keys);
}

/* ---- packages ---- */

/* Packages of a folder's loop.yaml; NULL: of none. */
static void open_in(const char *folder, loop_config **ret_config, loop_packages **ret)
{
    lp_auto(lp_free_string) char *cache = in_root("cache");
    *ret_config = NULL;
    if (folder) {
        lp_auto(lp_free_string) char *file = lp_format("%s/%s/loop.yaml", root, folder);
        ok(loop_config_load(&(loop_config_sources){.file = file, .ignore_environment = true},
                            ret_config));
    }
    ok(loop_packages_open(&(loop_packages_options){.config = *ret_config, .cache_dir = cache},
                          ret));
}

/* Packs a version into ROOT/NAME; malloced path. */
static char *pack(const char *version, const char *name)
{
    loop_config *config;
    loop_packages *p;
    loop_package_list *list;
    lp_auto(lp_free_string) char *yaml =
        lp_format("loop: 1\ncomponents: { notes: { path: notes.wasm } }\n"
                  "package: { name: \"acme:notes\", version: %s }\n",
                  version);
    put("work/loop.yaml", yaml, strlen(yaml), 0644);
    char *path = in_root(name);
    open_in("work", &config, &p);
    ok(loop_packages_pack(p, &(loop_pack_options){.output = path}, &list));
    loop_package_list_delete(list);
    loop_packages_delete(p);
    loop_config_delete(config);
    return path;
}

static loop_error *sign(const char *path, const char *key)
{
    loop_config *config;
    loop_packages *p;
    loop_package_list *list = NULL;
    open_in(NULL, &config, &p);
    loop_error *e =
        loop_packages_sign(p, path, &(loop_sign_options){.key = key, .password = PASSWORD}, &list);
    loop_package_list_delete(list);
    loop_packages_delete(p);
    return e;
}

/* The key's name that the user gave it; "": nobody known. */
static loop_error *look(const char *path, char ret_name[LOOP_KEY_NAME])
{
    loop_config *config;
    loop_packages *p;
    loop_package_list *list = NULL;
    open_in(NULL, &config, &p);
    loop_error *e = loop_packages_look(p, path, &list);
    if (!e)
        strcpy(ret_name, loop_package_list_at(list, 0)->signer.name);
    loop_package_list_delete(list);
    loop_packages_delete(p);
    return e;
}

static void push(const char *path, const char *to)
{
    loop_config *config;
    loop_packages *p;
    loop_package_list *list;
    lp_auto(lp_free_string) char *place = lp_format("%s:%s/shop", to, root);
    open_in(NULL, &config, &p);
    ok(loop_packages_push(p, path, place, &list));
    loop_package_list_delete(list);
    loop_packages_delete(p);
}

/* A workspace that asks for a range of it at a kind of registry. */
static void user_of(const char *range, const char *kind)
{
    lp_auto(lp_free_string) char *yaml =
        lp_format("loop: 1\ncomponents: { n: { package: \"acme:notes@%s\" } }\n"
                  "registries: { default: near, known: { near: { %s: ../shop } } }\n",
                  range, kind);
    put("user/loop.yaml", yaml, strlen(yaml), 0644);
}

static loop_error *install(loop_install_mode mode, loop_signer *ret)
{
    loop_config *config;
    loop_packages *p;
    loop_package_list *list = NULL;
    open_in("user", &config, &p);
    loop_error *e = loop_packages_install(p, mode, NULL, &list);
    if (!e && ret)
        *ret = loop_package_list_at(list, 0)->signer;
    loop_package_list_delete(list);
    loop_packages_delete(p);
    loop_config_delete(config);
    return e;
}

/* What a run does. */
static loop_error *find(const char *wish, loop_signer *ret)
{
    loop_config *config;
    loop_packages *p;
    loop_package_list *list = NULL;
    open_in("user", &config, &p);
    loop_error *e = loop_packages_find(p, wish, &list);
    if (!e && ret)
        *ret = loop_package_list_at(list, 0)->signer;
    loop_package_list_delete(list);
    loop_packages_delete(p);
    loop_config_delete(config);
    return e;
}

/* ---- tests ---- */

/* Catches: a signature that changes what lock files have; one more each time. */
static void a_signature_belongs_to_its_package(void **state)
{
    (void)state;
    char name[LOOP_KEY_NAME];
    own_key("ada");
    own_key("eve");
    lp_auto(lp_free_string) char *path = pack("1.0.0", "a.tar");
    lp_packed *before, *after;
    ok(lp_packed_open(path, &before));
    ok(sign(path, "ada"));
    ok(sign(path, "eve"));
    ok(sign(path, "ada"));
    assert_fails(sign(path, "nobody"), LOOP_NOT_FOUND, "no key");
    ok(lp_packed_open(path, &after));
    assert_string_equal(lp_packed_manifest(before)->digest, lp_packed_manifest(after)->digest);
    lp_arena arena = {0};
    const char *const *texts;
    ok(lp_signatures_packed(after, &arena, &texts));
    assert_non_null(texts[1]);
    assert_null(texts[2]); /* one of each key */
    lp_arena_done(&arena);
    lp_packed_close(before);
    lp_packed_close(after);
    ok(look(path, name));
    assert_string_equal(name, ""); /* nobody is known yet */
    trust("eve");
    ok(look(path, name));
    assert_string_equal(name, "eve");
}

static void every_changed_byte_of_a_signed_archive_is_found(void **state)
{
    (void)state;
    char name[LOOP_KEY_NAME];
    own_key("ada");
    trust("ada");
    lp_auto(lp_free_string) char *path = pack("1.0.0", "a.tar");
    ok(sign(path, "ada"));
    uint8_t *bytes;
    size_t n;
    assert_null(lp_os_read_file(path, 1 << 20, &bytes, &n));
    for (size_t i = 0; i < n; i += 7) { /* each of them takes a minute; pack_test has them */
        bytes[i] ^= 1;
        FILE *f = fopen(path, "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(bytes, 1, n, f), n);
        assert_int_equal(fclose(f), 0);
        loop_error *e = look(path, name);
        if (!e)
            fail_msg("the byte %zu can be changed", i);
        loop_error_delete(e);
        bytes[i] ^= 1;
    }
    free(bytes);
}

/* Unsigned, then signed and published again: in an archive's folder and in a layout. */
static void registries_carry(const char *kind)
{
    loop_signer s = {.trusted = true};
    own_key("ada");
    lp_auto(lp_free_string) char *path = pack("1.0.0", "a.tar");
    push(path, kind);
    user_of("^1", kind);
    ok(install(LOOP_INSTALL_LOCKED, &s));
    assert_string_equal(s.key, "");
    assert_false(s.trusted);
    trust("ada");
    assert_fails(find("acme:notes", NULL), LOOP_DENIED, "nobody whom you trust has signed it");
    assert_fails(install(LOOP_INSTALL_FROZEN, NULL), LOOP_DENIED, "nobody whom you trust");
    ok(sign(path, "ada"));
    push(path, kind);
    ok(install(LOOP_INSTALL_FROZEN, &s));
    assert_string_equal(s.name, "ada");
    lp_auto(lp_free_string) char *shop = in_root("shop");
    lp_os_remove_tree(shop); /* a run needs no registry */
    memset(&s, 0, sizeof s);
    ok(find("acme:notes", &s));
    assert_string_equal(s.name, "ada");
    ok(loop_keys_revoke("ada", NULL));
    loop_error *e = find("acme:notes", NULL); /* which asks again, in vain */
    assert_non_null(e);
    loop_error_delete(e);
}

static void folders_carry_signatures(void **state)
{
    (void)state;
    registries_carry("folder");
}

static void layouts_carry_signatures(void **state)
{
    (void)state;
    registries_carry("layout");
}

/* Catches: a registry that hides the newest version. */
static void there_is_no_way_back_without_being_asked(void **state)
{
    (void)state;
    own_key("ada");
    trust("ada");
    lp_auto(lp_free_string) char *old = pack("1.0.0", "shop/1.tar");
    lp_auto(lp_free_string) char *new = pack("1.1.0", "shop/2.tar");
    lp_auto(lp_free_string) char *lock = in_root("user/loop.lock");
    ok(sign(old, "ada"));
    ok(sign(new, "ada"));
    user_of("^1", "folder");
    ok(install(LOOP_INSTALL_LOCKED, NULL));
    lp_os_remove(new);
    ok(install(LOOP_INSTALL_LOCKED, NULL)); /* what is locked is here */
    assert_fails(install(LOOP_INSTALL_UPDATE, NULL), LOOP_DENIED, "loop.lock has 1.1.0");
    lp_os_remove(lock);
    assert_fails(install(LOOP_INSTALL_LOCKED, NULL), LOOP_DENIED, "has accepted 1.1.0");
    user_of("=1.0.0", "folder");
    ok(install(LOOP_INSTALL_LOCKED, NULL));
    lp_auto(lp_free_string) char *third = pack("1.2.0", "shop/3.tar");
    ok(sign(third, "ada"));
    user_of("^1", "folder");
    ok(install(LOOP_INSTALL_UPDATE, NULL)); /* the way on is open */
}

static void find_in_user(void)
{
    loop_config *config;
    loop_packages *p;
    loop_package_list *list;
    open_in("user", &config, &p);
    ok(loop_packages_find(p, "acme:notes@^1", &list));
    assert_string_equal(loop_package_list_at(list, 0)->signer.name, "ada");
    loop_package_list_delete(list);
    loop_packages_delete(p);
    loop_config_delete(config);
}

/* Catches: cleaning that forgets what was accepted, or who signed what is used each day. */
static void what_is_cleaned_away_is_no_signature(void **state)
{
    (void)state;
    uint64_t bytes;
    loop_config *config;
    loop_packages *p;
    own_key("ada");
    trust("ada");
    lp_auto(lp_free_string) char *old = pack("1.0.0", "shop/1.tar");
    lp_auto(lp_free_string) char *new = pack("1.1.0", "shop/2.tar");
    ok(sign(old, "ada"));
    ok(sign(new, "ada"));
    user_of("^1", "folder");
    ok(install(LOOP_INSTALL_LOCKED, NULL));
    lp_os_remove(new);
    lp_auto(lp_free_string) char *age =
        lp_format("find '%s/cache' -type f -exec touch -d '40 days ago' {} +", root);
    assert_int_equal(system(age), 0);
    find_in_user();
    open_in(NULL, &config, &p);
    ok(loop_packages_cache_clean(p, 30, &bytes));
    loop_packages_delete(p);
    find_in_user();
    lp_auto(lp_free_string) char *lock = in_root("user/loop.lock");
    lp_os_remove(lock);
    assert_fails(install(LOOP_INSTALL_LOCKED, NULL), LOOP_DENIED, "has accepted 1.1.0");
}

/* Catches: a stolen key whose one high version keeps its publisher out for ever. */
static void what_a_revoked_key_signed_holds_nobody_back(void **state)
{
    (void)state;
    own_key("ada");
    own_key("bob");
    trust("ada");
    trust("bob");
    lp_auto(lp_free_string) char *first = pack("1.0.0", "shop/1.tar");
    lp_auto(lp_free_string) char *second = pack("1.1.0", "shop/2.tar");
    ok(sign(first, "ada"));
    ok(sign(second, "ada"));
    user_of("^1", "folder");
    ok(install(LOOP_INSTALL_LOCKED, NULL)); /* 1.1.0 */
    lp_auto(lp_free_string) char *theft = pack("1.99.0", "shop/99.tar");
    ok(sign(theft, "bob"));
    ok(install(LOOP_INSTALL_UPDATE, NULL)); /* 1.99.0 */
    lp_os_remove(theft);
    assert_fails(install(LOOP_INSTALL_UPDATE, NULL), LOOP_DENIED, "loop.lock has 1.99.0");
    ok(loop_keys_revoke("bob", "stolen"));
    ok(install(LOOP_INSTALL_UPDATE, NULL)); /* 1.1.0 */
    lp_os_remove(second);                   /* what others have signed holds as before */
    assert_fails(install(LOOP_INSTALL_UPDATE, NULL), LOOP_DENIED, "loop.lock has 1.1.0");
    lp_auto(lp_free_string) char *lock = in_root("user/loop.lock");
    lp_os_remove(lock);
    assert_fails(install(LOOP_INSTALL_LOCKED, NULL), LOOP_DENIED, "has accepted 1.1.0");
}

/* In the index of the layout, each signature once more. */
static void list_twice(void)
{
    lp_auto(lp_free_string) char *path = in_root("shop/index.json");
    json_t *root_of = json_load_file(path, 0, NULL), *list = json_object_get(root_of, "manifests");
    size_t n = json_array_size(list), found = 0;
    for (size_t i = 0; i < n; i++) {
        json_t *row = json_array_get(list, i);
        const char *type = json_string_value(json_object_get(row, "artifactType"));
        if (type && strcmp(type, LP_TYPE_SIGNATURE) == 0 && ++found)
            json_array_append(list, row);
    }
    assert_int_equal(found, 1);
    assert_int_equal(json_dump_file(root_of, path, 0), 0);
    json_decref(root_of);
}

/* Catches: an archive with two entries of one name, which nobody opens. */
static void a_signature_that_is_listed_twice_counts_once(void **state)
{
    (void)state;
    char name[LOOP_KEY_NAME] = "";
    loop_config *config;
    loop_packages *p;
    loop_package_list *list = NULL;
    own_key("ada");
    trust("ada");
    lp_auto(lp_free_string) char *path = pack("1.0.0", "a.tar");
    lp_auto(lp_free_string) char *pulled = in_root("pulled.tar");
    ok(sign(path, "ada"));
    push(path, "layout");
    list_twice();
    user_of("^1", "layout");
    open_in("user", &config, &p);
    ok(loop_packages_pull(p, "acme:notes@1.0.0", NULL, &(loop_pack_options){.output = pulled},
                          &list));
    loop_package_list_delete(list);
    loop_packages_delete(p);
    loop_config_delete(config);
    ok(look(pulled, name));
    assert_string_equal(name, "ada");
}

/* Catches: a registry's list that fills memory, or is read for ever. */
static void signatures_have_limits(void **state)
{
    (void)state;
    char name[LOOP_KEY_NAME];
    own_key("ada");
    trust("ada");
    lp_auto(lp_free_string) char *path = pack("1.0.0", "a.tar");
    lp_auto(lp_free_string) char *many = in_root("many.tar");
    lp_auto(lp_free_string) char *large = in_root("large.tar");
    lp_arena arena = {0};
    lp_packed *p;
    lp_attachment add[LP_MAX_SIGNATURES + 1];
    ok(lp_packed_open(path, &p));
    for (size_t i = 0; i < LP_COUNT(add); i++) {
        lp_auto(lp_free_string) char *text = lp_format("signature %zu\n", i);
        lp_attachment_signature(&arena, lp_packed_manifest(p), text, &add[i]);
    }
    ok(lp_attach(p, add, LP_COUNT(add), NULL, many, false));
    char *text = lp_alloc(LP_MAX_SIGNATURE_BYTES + 2);
    memset(text, 'x', LP_MAX_SIGNATURE_BYTES + 1);
    lp_attachment_signature(&arena, lp_packed_manifest(p), text, &add[0]);
    ok(lp_attach(p, add, 1, NULL, large, false));
    free(text);
    lp_packed_close(p);
    lp_arena_done(&arena);
    assert_fails(look(many, name), LOOP_LIMIT, "more than 16 signatures");
    assert_fails(look(large, name), LOOP_LIMIT, "more than 16384 bytes");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_signature_belongs_to_its_package),
        TEST(every_changed_byte_of_a_signed_archive_is_found),
        TEST(folders_carry_signatures),
        TEST(layouts_carry_signatures),
        TEST(there_is_no_way_back_without_being_asked),
        TEST(what_a_revoked_key_signed_holds_nobody_back),
        TEST(what_is_cleaned_away_is_no_signature),
        TEST(a_signature_that_is_listed_twice_counts_once),
        TEST(signatures_have_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
