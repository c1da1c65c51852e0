/* Tests of config.h: what a file may say, where an error points, which value wins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/os/os.h"
#include "base/path.h"
#include "loop/config.h"

static char *root;   /* a fresh directory, the current one while the tests run */
static char *source; /* where loop's own files lie: the folder with profiles/ and classes/ */

static void put(const char *path, const char *text)
{
    loop_error *e = lp_os_write_atomic(path, text, strlen(text), 0644);
    if (e)
        fail_msg("%s", loop_error_message(e));
}

/* Loads loop.yaml of the current directory, and nothing of the environment. */
static loop_error *load(const char *text, loop_config **ret)
{
    put("loop.yaml", text);
    loop_config_sources from = {.data_dir = source, .ignore_environment = true};
    return loop_config_load(&from, ret);
}

static loop_config *must_load(const loop_config_sources *from)
{
    loop_config *c = NULL;
    loop_error *e = loop_config_load(from, &c);
    if (e)
        fail_msg("%s", loop_error_message(e));
    return c;
}

#define NOTES "loop: 1\ncomponents:\n  notes:\n    path: n.wasm\n"

static void a_mistake_is_reported_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message, *hint;
    } rows[] = {
        {"", "loop.yaml:1:1: the key 'loop' is missing", "start the file with 'loop: 1'"},
        {"default: x\n", "loop.yaml:1:1: the key 'loop' is missing",
         "start the file with 'loop: 1'"},
        {"loop: 2\n", "loop.yaml:1:7: expected 1 for 'loop', the version of the format, found '2'",
         NULL},
        {"loop: [1]\n",
         "loop.yaml:1:7: expected 1 for 'loop', the version of the format, found a list", NULL},
        {"- a\n", "loop.yaml:1:1: expected a map, found a list", NULL},
        {"just text", "loop.yaml:1:1: expected a map, found text", NULL},
        {"loop: 1\ncomponent: {}\n", "loop.yaml:2:1: unknown key 'component'",
         "did you mean 'components'? allowed: loop, default, profile, production, components, "
         "overrides, bind, registries, package, log, limits"},
        {"loop: 1\nxyzzy: {}\n", "loop.yaml:2:1: unknown key 'xyzzy'",
         "allowed: loop, default, profile, production, components, overrides, bind, registries, "
         "package, log, limits"},
        {NOTES "    grant: {}\n", "loop.yaml:5:5: unknown key 'grant' in component 'notes'",
         "did you mean 'grants'? allowed: path, package, args, class, needs, grants, deny, limits, "
         "on-trap, bind, build, tests, test, config"},
        {NOTES "    grants: {dir: []}\n",
         "loop.yaml:5:14: unknown key 'dir' in 'grants' of component 'notes'",
         "did you mean 'dirs'? allowed: dirs, env, http, net, packages, storage, listen, log, "
         "processes, needs"},
        {NOTES "    deny: {storage: {quota: 1MiB}}\n",
         "loop.yaml:5:12: unknown key 'storage' in 'deny' of component 'notes'",
         "allowed: dirs, env, http, net, packages, listen, processes, needs"},
        {NOTES "    grants:\n      dirs: [{host: ., gust: /d, mode: rw}]\n",
         "loop.yaml:6:24: unknown key 'gust' in a directory in 'grants' of component 'notes'",
         "did you mean 'guest'? allowed: host, guest, mode"},
        {NOTES "    grants: {dirs: [{guest: /d, mode: rw}]}\n",
         "loop.yaml:5:21: 'host' is missing in a directory in 'grants' of component 'notes'", NULL},
        {NOTES "    grants: {dirs: [{host: .}]}\n",
         "loop.yaml:5:21: 'mode' is missing in a directory in 'grants' of component 'notes'",
         "add 'mode: ro' to read only, or 'mode: rw'"},
        {NOTES "    grants: {dirs: [{host: ., mode: RW}]}\n",
         "loop.yaml:5:37: expected ro or rw for 'mode', found 'RW'", NULL},
        {NOTES "    grants: {dirs: ['.::/d']}\n",
         "loop.yaml:5:21: expected a map in a directory in 'grants' of component 'notes', found "
         "text",
         "write { host: ./data, guest: /data, mode: ro }"},
        {NOTES "    grants: {dirs: {host: .}}\n",
         "loop.yaml:5:20: expected a list of maps for 'dirs', found a map", NULL},
        {NOTES "    grants: {http: a.com}\n",
         "loop.yaml:5:20: expected a list of text for 'http', found text", NULL},
        {NOTES "    grants: {http: [a.com, '*.b.com']}\n",
         "loop.yaml:5:28: http '*.b.com': wildcards are not granted", NULL},
        {NOTES "    grants: {env: [[A]]}\n",
         "loop.yaml:5:20: expected text for 'env', found a list", NULL},
        {NOTES "    grants: {net: [a.com]}\n",
         "loop.yaml:5:20: net 'a.com': the port is missing; a grant is HOST:PORT, and "
         "[ADDRESS]:PORT for IPv6",
         NULL},
        {NOTES "    deny: {env: [A=b]}\n",
         "loop.yaml:5:18: env 'A': a denial is for the name; leave the value out", NULL},
        {NOTES "    deny: {dirs: [{host: ., mode: ro}]}\n",
         "loop.yaml:5:29: unknown key 'mode' in a directory in 'deny' of component 'notes'",
         "allowed: host, guest"},
        {NOTES "    grants: {storage: {}}\n",
         "loop.yaml:5:23: 'quota' is missing in 'storage' in 'grants' of component 'notes'",
         "write storage: { quota: 16MiB }"},
        {NOTES "    grants: {storage: {quota: big}}\n",
         "loop.yaml:5:31: expected a size such as 64MiB for 'quota', found 'big'", NULL},
        {NOTES "    limits: {memory: 0}\n",
         "loop.yaml:5:22: 'memory' is 64 KiB at least and 1024 GiB at most, found '0'", NULL},
        {NOTES "    limits: {call: 5}\n",
         "loop.yaml:5:20: expected a duration such as 5s, or none, for 'call', found '5'", NULL},
        {NOTES "    limits: {call: }\n",
         "loop.yaml:5:14: expected a duration such as 5s for 'call', found nothing", NULL},
        {NOTES "    limits: 5\n",
         "loop.yaml:5:13: expected a map in 'limits' of component 'notes', found text", NULL},
        {NOTES "    limits: {files: none}\n",
         "loop.yaml:5:21: expected a whole number for 'files', found 'none'", NULL},
        {NOTES "    limits: {handles: 1000000}\n",
         "loop.yaml:5:23: 'handles' is 16 at least and 65536 at most, found '1000000'", NULL},
        {NOTES "    limits: {speed: 9}\n",
         "loop.yaml:5:14: unknown key 'speed' in 'limits' of component 'notes'",
         "allowed: memory, tables, instances, memories, call, total, handles, files, host-bytes, "
         "log, storage, calls, stack"},
        {NOTES "    on-trap: [stop]\n",
         "loop.yaml:5:14: expected one of stop, restart, quarantine for 'on-trap', found 'a list'",
         NULL},
        {NOTES "    on-trap: explode\n",
         "loop.yaml:5:14: expected one of stop, restart, quarantine for 'on-trap', found "
         "'explode'",
         NULL},
        {NOTES "    args: -x\n", "loop.yaml:5:11: expected a list of text for 'args', found text",
         NULL},
        {NOTES "    config: [a]\n",
         "loop.yaml:5:13: expected a map of text for 'config', found a list", NULL},
        {NOTES "    config: {a: [b]}\n", "loop.yaml:5:17: expected text for 'a', found a list",
         NULL},
        {NOTES "    needs: {optional: x}\n",
         "loop.yaml:5:23: expected a list of text for 'optional', found text", NULL},
        {"loop: 1\ncomponents: [notes]\n",
         "loop.yaml:2:13: expected a map for 'components', found a list", NULL},
        {"loop: 1\ncomponents:\n  notes: x.wasm\n",
         "loop.yaml:3:10: expected a map in component 'notes', found text", NULL},
        {"loop: 1\ncomponents:\n  notes: {}\n",
         "loop.yaml:3:3: component 'notes' has no 'path' and no 'package'",
         "add 'path: build/notes.wasm', or let `loop add` write it"},
        {"loop: 1\ncomponents:\n  notes:\n    path: ''\n",
         "loop.yaml:4:11: expected a path for 'path', found empty text", NULL},
        {"loop: 1\ncomponents:\n  notes:\n    package: notes@1.2\n",
         "loop.yaml:4:14: 'notes' is no name of a package",
         "a namespace and a name, lower case: 'acme:notes', 'acme:note-book2'; each at most 64 "
         "characters"},
        {"loop: 1\ncomponents:\n  notes:\n    package: acme:notes@1..2\n",
         "loop.yaml:4:14: 'acme:notes' cannot be asked for: '1..2' is no range of versions: "
         "a number is expected at character 3",
         "*"},
        {"loop: 1\noverrides: [a]\n",
         "loop.yaml:2:12: expected a map of packages to files for 'overrides', found a list", NULL},
        {"loop: 1\noverrides: { 'acme:ui@1': a }\n",
         "loop.yaml:2:14: 'acme:ui@1' is no name of a package",
         "a namespace and a name, lower case: 'acme:notes', 'acme:note-book2'; each at most 64 "
         "characters"},
        {"loop: 1\noverrides: { 'acme:ui': '' }\n",
         "loop.yaml:2:25: expected a path for 'acme:ui', found empty text", NULL},
        {"loop: 1\ncomponents:\n  ../x: {path: x}\n",
         "loop.yaml:3:3: the name of a component has letters, digits, '-' and '_' (at most 256)",
         NULL},
        {NOTES "default: note\n", "loop.yaml:5:10: there is no component 'note'",
         "did you mean 'notes'? allowed: notes"},
        {"loop: 1\ndefault: x\n", "loop.yaml:2:10: there is no component 'x'", NULL},
        {"loop: 1\nbind: {'loop:core/logging@0.1.0': stderr}\n",
         "loop.yaml:2:8: an interface has no version here: 'loop:core/logging@0.1.0'",
         "write 'loop:core/logging'"},
        {"loop: 1\nbind: {logging: stderr}\n", "loop.yaml:2:8: 'logging' is no interface",
         "write it as 'loop:core/logging'"},
        {"loop: 1\nbind:\n  loop:a/b: {use: sqlite, library: x.so}\n",
         "loop.yaml:3:27: a binding has 'use' or 'library', not both", NULL},
        {"loop: 1\nbind:\n  loop:a/b: {file: x}\n", "loop.yaml:3:13: a binding without a provider",
         "write { use: NAME }, { component: NAME }, { library: PATH } or { sidecar: [PROGRAM] }"},
        {"loop: 1\nbind:\n  loop:a/b: {sidecar: node x.js}\n",
         "loop.yaml:3:23: expected a program and its arguments, as a list for 'sidecar', found "
         "text",
         "write sidecar: [node, weather.js]"},
        {"loop: 1\nbind:\n  loop:a/b: {use: x, file: [a]}\n",
         "loop.yaml:3:28: expected text for 'file', found a list", NULL},
        {"loop: 1\nbind:\n  loop:a/b: [[x]]\n",
         "loop.yaml:3:14: expected a provider's name or a map, found a list", NULL},
        {NOTES "    bind: [x]\n", "loop.yaml:5:11: expected a map for 'bind', found a list", NULL},
        {"loop: 1\nbind:\n  loop:a/b: []\n",
         "loop.yaml:3:13: expected a provider's name, a map or a list of them for 'loop:a/b', "
         "found "
         "a list",
         NULL},
        {"loop: 1\nbind:\n  loop:a/b: [x, ../y]\n",
         "loop.yaml:3:17: the name of a provider has letters, digits, '-' and '_' (at most 256)",
         NULL},
        {"loop: 1\nlog: {level: loud}\n",
         "loop.yaml:2:14: expected one of error, warn, info, debug, trace for 'log.level', found "
         "'loud'",
         NULL},
        {"loop: 1\nlog: {lvl: info}\n", "loop.yaml:2:7: unknown key 'lvl' in 'log'",
         "allowed: level, format"},
        {"loop: 1\nlog: {level: }\n",
         "loop.yaml:2:7: expected one of error, warn, info, debug, trace for 'log.level', found "
         "nothing",
         NULL},
        {"loop: 1\nlimits: {timeout: soon}\n",
         "loop.yaml:2:19: expected a duration such as 5s or 250ms for 'limits.timeout', found "
         "'soon'",
         NULL},
        {"loop: 1\nprofile: nope\n", "there is no profile 'nope'", "*"},
        {"loop: 1\nprofile: ../../etc/x\n",
         "'../../etc/x' is no name of a profile: letters, digits, '-', '_'", NULL},
        {"loop: 1\nprofile: [a]\n", "loop.yaml:2:10: expected a name for 'profile', found a list",
         NULL},
        {"loop: 1\n\"\\e[2J\": 1\n", "loop.yaml:2:1: unknown key '?[2J'", "*"},
        {"loop: 1\nregistries: { known: { x: { http: \"https:///x\" } } }\n",
         "loop.yaml:2:35: 'https:///x' is no address of a registry", "*"},
        {"loop: 1\nregistries: { known: { x: {} } }\n",
         "loop.yaml:2:27: a registry that is nowhere",
         "say where it is; one of oci, folder, layout, http, use, component, library, sidecar"},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        loop_config *c = NULL;
        loop_error *e = load(rows[i].text, &c);
        if (!e)
            fail_msg("taken: %s", rows[i].text);
        assert_null(c);
        assert_string_equal(loop_error_message(e), rows[i].message);
        assert_int_equal(loop_error_code(e), LOOP_CONFIG);
        const char *hint = loop_error_hint(e);
        if (!rows[i].hint)
            assert_null(hint);
        else if (strcmp(rows[i].hint, "*") != 0)
            assert_string_equal(hint, rows[i].hint);
        loop_error_delete(e);
    }
}

static const char whole[] = "loop: 1\n"
                            "default: notes\n"
                            "components:\n"
                            "  notes:\n"
                            "    path: build/../build/notes.wasm\n"
                            "    args: [--fast, 3]\n"
                            "    needs: { optional: ['loop:window/windows'] }\n"
                            "    grants:\n"
                            "      dirs: [ { host: ./data, guest: /data, mode: rw } ]\n"
                            "      env: [LANG, TOKEN=s3cret]\n"
                            "      http: ['api.example.com:443']\n"
                            "      net: ['db.example.com:5432']\n"
                            "    deny:\n"
                            "      dirs: [ { host: ./data/private } ]\n"
                            "      env: [HOME]\n"
                            "    limits: { memory: 256MiB, call: 5s }\n"
                            "    on-trap: stop\n"
                            "    config: { colour: blue, n: 3 }\n"
                            "    bind: { acme:clock/time: { sidecar: [node, clock.js] } }\n"
                            "  bare: { path: /abs/bare.wasm }\n"
                            "  ui: { package: \"acme:ui@>=1.2, <2\" }\n"
                            "  theme: { package: acme:theme, path: theme.wasm }\n"
                            "overrides: { \"acme:base\": ../base.wasm }\n"
                            "bind:\n"
                            "  loop:core/logging: [{use: rate-limit, per-second: 10}, stderr]\n"
                            "  loop:storage/store: memory\n"
                            "  acme:dice/roller: {library: build/dice.so}\n"
                            "log: { level: debug }\n"
                            "limits:\n"
                            "profile: prod\n";

static void a_whole_file_is_read(void **state)
{
    (void)state;
    loop_config *c;
    assert_null(load(whole, &c));
    const loop_component_config *notes = loop_config_component(c, "notes");
    lp_auto(lp_free_string) char *path = lp_format("%s/build/notes.wasm", root);
    lp_auto(lp_free_string) char *file = lp_format("%s/loop.yaml", root);
    assert_string_equal(loop_config_root(c), root);
    assert_string_equal(loop_config_file(c), file);
    assert_string_equal(notes->path, path);
    assert_string_equal(notes->args[1], "3");
    assert_null(notes->args[2]);
    assert_string_equal(notes->optional[0], "loop:window/windows");
    assert_int_equal(notes->limits.of[LOOP_MAX_MEMORY].value, 256 << 20);
    assert_int_equal(notes->limits.of[LOOP_MAX_CALL].value, 5000);
    assert_int_equal(notes->on_trap, LOOP_ON_TRAP_STOP);
    assert_int_equal(notes->origin.line, 4);
    const loop_component_config *bare = loop_config_component_at(c, 1);
    assert_string_equal(bare->path, "/abs/bare.wasm");
    assert_null(bare->args[0]);
    assert_null(bare->optional[0]);
    assert_null(bare->package);
    assert_string_equal(loop_config_component(c, "ui")->package, "acme:ui@>=1.2, <2");
    assert_null(loop_config_component(c, "ui")->path);
    assert_non_null(loop_config_component(c, "theme")->path);
    assert_string_equal(loop_config_override_at(c, 0)->package, "acme:base");
    lp_auto(lp_free_string) char *up = lp_path_parent(root);
    lp_auto(lp_free_string) char *base = lp_format("%s/base.wasm", up);
    assert_string_equal(loop_config_override_at(c, 0)->path, base);
    assert_null(loop_config_override_at(c, 1));
    assert_int_equal(bare->on_trap, LOOP_ON_TRAP_DEFAULT);
    assert_null(loop_config_component_at(c, 4));
    const char *key, *value;
    assert_true(loop_config_component_value(c, "notes", 1, &key, &value));
    assert_string_equal(key, "n");
    assert_string_equal(value, "3");
    assert_false(loop_config_component_value(c, "notes", 2, &key, &value));
    assert_false(loop_config_component_value(c, "none", 0, &key, &value));
    const loop_binding *own = loop_config_binding_at(c, 0), *log = loop_config_binding_at(c, 1);
    assert_string_equal(own->component, "notes");
    assert_string_equal(own->links[0].sidecar[1], "clock.js");
    assert_null(own->links[0].sidecar[2]);
    assert_null(own->links[0].provider);
    assert_null(log->component);
    assert_int_equal(log->count, 2);
    assert_string_equal(log->links[0].provider, "rate-limit");
    assert_string_equal(log->links[0].options[1], "10");
    assert_null(log->links[0].options[2]);
    assert_string_equal(log->links[1].provider, "stderr");
    assert_string_equal(loop_config_binding_at(c, 2)->interface_name, "loop:storage/store");
    assert_string_equal(strrchr(loop_config_binding_at(c, 3)->links[0].library, '/'), "/dice.so");
    assert_null(loop_config_binding_at(c, 4));
    loop_config_delete(c);
}

static void grants_are_confined_and_carry_their_line(void **state)
{
    (void)state;
    loop_config *c;
    assert_null(lp_os_mkdirs("data/private"));
    assert_null(load(whole, &c));
    loop_policy *p = loop_policy_new();
    assert_null(loop_config_grants(c, "notes", p));
    const loop_grant *first = loop_policy_at(p, 0);
    assert_string_equal(first->text, "dir ./data as /data");
    assert_string_equal(first->origin.source, "loop.yaml");
    assert_int_equal(first->origin.line, 9);
    assert_string_equal(loop_policy_at(p, 6)->text, "deny env HOME");
    assert_null(loop_policy_at(p, 7));
    loop_decision d;
    loop_request want = {.kind = LOOP_GRANT_DIR, .name = "/data/private/x"};
    loop_policy_decide(p, &want, &d);
    assert_false(d.allowed);
    loop_error *e = loop_config_grants(c, "note", p);
    assert_int_equal(loop_error_code(e), LOOP_NOT_FOUND);
    assert_string_equal(loop_error_hint(e),
                        "did you mean 'notes'? allowed: notes, bare, ui, theme");
    loop_error_delete(e);
    loop_config_delete(c);
    loop_policy_delete(p);
}

static void a_directory_that_cannot_be_granted_points_to_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        loop_code code;
    } rows[] = {{"..", LOOP_DENIED},
                {"/", LOOP_DENIED},
                {"nowhere", LOOP_NOT_FOUND},
                {"escape", LOOP_DENIED},
                {"d?", LOOP_CONFIG}};
    unlink("escape");
    assert_int_equal(symlink("/etc", "escape"), 0);
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        lp_auto(lp_free_string) char *text = lp_format(
            NOTES "    grants: {dirs: [{host: '%s', guest: /d, mode: ro}]}\n", rows[i].host);
        loop_config *c;
        assert_null(load(text, &c));
        loop_policy *p = loop_policy_new();
        loop_error *e = loop_config_grants(c, "notes", p);
        assert_int_equal(loop_error_code(e), rows[i].code);
        assert_true(lp_starts_with(loop_error_message(e), "loop.yaml:5:21: dir '"));
        assert_null(loop_policy_at(p, 0));
        loop_error_delete(e);
        loop_policy_delete(p);
        loop_config_delete(c);
    }
}

static void the_later_layer_wins(void **state)
{
    (void)state;
    static const loop_setting flags[] = {{"log.level", "trace", "--log-level"}};
    assert_null(lp_os_mkdirs("profiles"));
    put("profiles/mine.yaml", "log: { level: warn, format: json }\nlimits: { grace: 9s }\n");
    put("loop.yaml", "loop: 1\nprofile: mine\n");
    loop_config_sources from = {.data_dir = source};
    loop_origin o;

    loop_config *c = must_load(&from); /* the workspace's own profile */
    assert_string_equal(loop_config_get(c, "log.level", &o), "warn");
    assert_string_equal(o.source, "profiles/mine.yaml");
    assert_int_equal(o.column, 15);
    assert_string_equal(loop_config_get(c, "limits.timeout", &o), "");
    assert_string_equal(o.source, "default");
    assert_null(loop_config_get(c, "no.such", NULL));
    loop_config_delete(c);

    put("loop.yaml", "loop: 1\nprofile: mine\nlog: { level: error }\n");
    c = must_load(&from);
    assert_string_equal(loop_config_get(c, "log.level", &o), "error");
    assert_string_equal(o.source, "loop.yaml");
    assert_string_equal(loop_config_get(c, "log.format", &o), "json");
    loop_config_delete(c);

    setenv("LOOP_LOG_LEVEL", "debug", 1);
    setenv("LOOP_LOG_FORMAT", "", 1); /* empty is unset */
    c = must_load(&from);
    assert_string_equal(loop_config_get(c, "log.level", &o), "debug");
    assert_string_equal(o.source, "LOOP_LOG_LEVEL");
    assert_string_equal(loop_config_get(c, "log.format", NULL), "json");
    loop_config_delete(c);

    from.flags = flags;
    from.flag_count = 1;
    c = must_load(&from);
    assert_string_equal(loop_config_get(c, "log.level", &o), "trace");
    assert_string_equal(o.source, "--log-level");
    loop_config_delete(c);

    from.flag_count = 0;
    from.ignore_environment = true;
    c = must_load(&from);
    assert_string_equal(loop_config_get(c, "log.level", &o), "error");
    loop_config_delete(c);
    unsetenv("LOOP_LOG_LEVEL");
    unsetenv("LOOP_LOG_FORMAT");
}

static void the_profile_is_found_by_flag_environment_file_default(void **state)
{
    (void)state;
    loop_config_sources from = {.data_dir = source};
    loop_origin o;
    put("loop.yaml", "loop: 1\n");
    loop_config *c = must_load(&from);
    assert_string_equal(loop_config_get(c, "profile", &o), "dev");
    assert_string_equal(o.source, "default");
    assert_string_equal(loop_config_get(c, "log.format", NULL), "text");
    loop_config_delete(c);
    setenv("LOOP_PROFILE", "prod", 1);
    c = must_load(&from);
    assert_string_equal(loop_config_get(c, "profile", &o), "prod");
    assert_string_equal(o.source, "LOOP_PROFILE");
    assert_string_equal(loop_config_get(c, "log.format", NULL), "json");
    loop_config_delete(c);
    from.profile = "dev";
    c = must_load(&from);
    assert_string_equal(loop_config_get(c, "profile", &o), "dev");
    assert_string_equal(loop_config_get(c, "log.format", NULL), "text");
    loop_config_delete(c);
    setenv("LOOP_PROFILE", "../prod", 1);
    from.profile = NULL;
    loop_error *e = loop_config_load(&from, &c);
    assert_int_equal(loop_error_code(e), LOOP_CONFIG);
    loop_error_delete(e);
    unsetenv("LOOP_PROFILE");
}

static void a_profile_or_a_class_grants_nothing(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "components: {x: {path: x}}\n",
        "grants: {env: [A]}\n",
        "profile: prod\n",
        "default: x\n",
        "[]\n",
    };
    put("loop.yaml", "loop: 1\nprofile: mine\n");
    loop_config_sources from = {.data_dir = "installed", .ignore_environment = true};
    loop_config *c;
    assert_null(lp_os_mkdirs("installed/classes"));
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        put("profiles/mine.yaml", rows[i]);
        loop_error *e = loop_config_load(&from, &c);
        assert_int_equal(loop_error_code(e), LOOP_CONFIG);
        assert_true(lp_starts_with(loop_error_message(e), "profiles/mine.yaml:1:1: "));
        loop_error_delete(e);
    }
    put("profiles/mine.yaml", "log: {level: info}\n");
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        put("installed/classes/trusted.yaml", rows[i]);
        loop_error *e = loop_config_load(&from, &c);
        assert_int_equal(loop_error_code(e), LOOP_CONFIG);
        assert_true(lp_starts_with(loop_error_message(e), "installed/classes/trusted.yaml:1:1: "));
        loop_error_delete(e);
    }
    put("installed/classes/trusted.yaml", "limits: {memory: 1GiB, call: 1m}\n");
    c = must_load(&from);
    assert_int_equal(loop_config_class(c, "trusted")->limits.of[LOOP_MAX_MEMORY].value, 1 << 30);
    assert_int_equal(loop_config_class(c, "trusted")->limits.of[LOOP_MAX_CALL].value, 60000);
    assert_int_equal(loop_config_class(c, "untrusted")->limits.of[LOOP_MAX_MEMORY].value,
                     512 << 20);
    assert_null(loop_config_class(c, "root"));
    loop_config_delete(c);
}

/* The component's own row, else its class; each with its line. Of memory no more than for all. */
static void limits_come_from_the_row_the_class_and_the_bound_for_all(void **state)
{
    (void)state;
    put("installed/classes/untrusted.yaml", "limits:\n  memory: 64MiB\n  files: 7\n  call: none\n");
    put("installed/classes/trusted.yaml", "limits: { files: 70 }\n");
    put("loop.yaml", "loop: 1\nlimits: { memory: 32MiB }\ncomponents:\n"
                     "  a: { path: a.wasm, limits: { files: 9, memory: 1GiB, total: 1m } }\n"
                     "  b: { path: b.wasm, limits: { memory: 1MiB } }\n");
    loop_config_sources from = {.data_dir = "installed", .ignore_environment = true};
    loop_config *c = must_load(&from);
    loop_limits l;
    loop_config_limits(c, "a", "untrusted", &l);
    assert_int_equal(l.of[LOOP_MAX_FILES].value, 9);
    assert_true(l.of[LOOP_MAX_FILES].own);
    assert_int_equal(l.of[LOOP_MAX_FILES].origin.line, 4);
    assert_int_equal(l.of[LOOP_MAX_MEMORY].value, 32 << 20);
    assert_int_equal(l.of[LOOP_MAX_MEMORY].origin.line, 2);
    assert_int_equal(l.of[LOOP_MAX_TOTAL].value, 60000);
    assert_true(l.of[LOOP_MAX_CALL].value == LOOP_UNLIMITED);
    assert_int_equal(l.of[LOOP_MAX_STACK].value, 1 << 20); /* nobody says it */
    loop_config_limits(c, "b", "untrusted", &l);
    assert_int_equal(l.of[LOOP_MAX_FILES].value, 7);
    assert_false(l.of[LOOP_MAX_FILES].own);
    assert_string_equal(l.of[LOOP_MAX_FILES].origin.source, "installed/classes/untrusted.yaml");
    assert_int_equal(l.of[LOOP_MAX_FILES].origin.line, 3);
    assert_int_equal(l.of[LOOP_MAX_MEMORY].value, 1 << 20);
    loop_config_limits(c, NULL, "trusted", &l);
    assert_int_equal(l.of[LOOP_MAX_FILES].value, 70);
    assert_int_equal(l.of[LOOP_MAX_MEMORY].value, 32 << 20);
    loop_config_delete(c);
}

static void the_environment_sets_options_and_nothing_else(void **state)
{
    (void)state;
    loop_config_sources from = {.data_dir = source};
    loop_config *c;
    put("loop.yaml", NOTES);
    setenv("LOOP_DEFAULT", "other", 1);
    setenv("LOOP_GRANTS", "dirs", 1);
    setenv("LOOP_COMPONENTS_NOTES_GRANTS_ENV", "HOME", 1);
    c = must_load(&from);
    loop_policy *p = loop_policy_new();
    assert_null(loop_config_grants(c, "notes", p));
    assert_null(loop_policy_at(p, 0));
    assert_string_equal(loop_config_get(c, "default", NULL), "");
    loop_policy_delete(p);
    loop_config_delete(c);
    setenv("LOOP_LOG_LEVEL", "loud\x1b", 1);
    loop_error *e = loop_config_load(&from, &c);
    assert_int_equal(loop_error_code(e), LOOP_CONFIG);
    assert_string_equal(loop_error_message(e), "LOOP_LOG_LEVEL: expected one of error, warn, info, "
                                               "debug, trace, found 'loud?'");
    loop_error_delete(e);
    unsetenv("LOOP_LOG_LEVEL");
}

static void a_wrong_flag_is_a_usage_error(void **state)
{
    (void)state;
    loop_setting flags[] = {{"limits.timeout", "soon", "--timeout"}};
    loop_config_sources from = {.data_dir = source, .flags = flags, .flag_count = 1};
    loop_config *c;
    put("loop.yaml", NOTES);
    loop_error *e = loop_config_load(&from, &c);
    assert_int_equal(loop_error_code(e), LOOP_USAGE);
    assert_string_equal(loop_error_message(e),
                        "--timeout: expected a duration such as 5s or 250ms, found 'soon'");
    loop_error_delete(e);
    flags[0].key = "no.such";
    e = loop_config_load(&from, &c);
    assert_int_equal(loop_error_code(e), LOOP_INTERNAL);
    loop_error_delete(e);
}

static void the_nearest_file_upwards_is_found(void **state)
{
    (void)state;
    assert_null(lp_os_mkdirs("sub/deep"));
    put("loop.yaml", NOTES);
    loop_config_sources from = {.directory = "sub/deep", .data_dir = source};
    loop_config *c = must_load(&from);
    assert_string_equal(loop_config_root(c), root);
    loop_config_delete(c);
    from.file = "sub/none.yaml";
    loop_error *e = loop_config_load(&from, &c);
    assert_int_equal(loop_error_code(e), LOOP_NOT_FOUND);
    loop_error_delete(e);
    from.file = "nowhere/loop.yaml";
    e = loop_config_load(&from, &c);
    assert_int_equal(loop_error_code(e), LOOP_NOT_FOUND);
    loop_error_delete(e);
    from.file = "sub";
    e = loop_config_load(&from, &c);
    assert_int_equal(loop_error_code(e), LOOP_IO);
    loop_error_delete(e);
    put("sub/other.yaml", "loop: 1\nbad: 1\n");
    from.file = "sub/other.yaml";
    e = loop_config_load(&from, &c);
    assert_string_equal(loop_error_message(e), "sub/other.yaml:2:1: unknown key 'bad'");
    loop_error_delete(e);
    unlink("loop.yaml");
    from = (loop_config_sources){.data_dir = source, .ignore_environment = true};
    c = must_load(&from); /* none at all is fine */
    assert_null(loop_config_file(c));
    assert_null(loop_config_root(c));
    assert_null(loop_config_component_at(c, 0));
    loop_config_delete(c);
    from.data_dir = "nothing-installed";
    c = must_load(&from);
    assert_int_equal(loop_config_class(c, "untrusted")->limits.of[LOOP_MAX_MEMORY].value,
                     512 << 20);
    loop_config_delete(c);
}

static void every_option_says_what_it_is(void **state)
{
    (void)state;
    for (size_t i = 0; loop_option_at(i); i++) {
        const loop_option *row = loop_option_at(i);
        assert_true(strlen(row->help) > 0);
        assert_true(!row->flag || lp_starts_with(row->flag, "--"));
        assert_true(!row->environment || lp_starts_with(row->environment, "LOOP_"));
        assert_int_equal(strcmp(row->type, "enum") == 0, row->values != NULL);
    }
}

static void the_format_shows_origins_and_no_secrets(void **state)
{
    (void)state;
    loop_config *c;
    assert_null(load(whole, &c));
    for (int json = 0; json < 2; json++) {
        lp_auto(lp_free_string) char *text = loop_config_format(c, json);
        assert_non_null(strstr(text, "env TOKEN"));
        assert_null(strstr(text, "s3cret"));
        assert_null(strstr(text, "blue"));
        assert_non_null(strstr(text, "debug"));
        assert_non_null(strstr(text, json ? "\"line\":28,\"column\":15" : "loop.yaml:28:15"));
    }
    loop_config_delete(c);
}

static void the_shipped_schema_is_the_one_of_the_rows(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *file = lp_format("%s/loop.schema.json", source);
    lp_auto(lp_free_string) char *schema = loop_config_schema();
    uint8_t *bytes = NULL;
    size_t len;
    assert_null(lp_os_read_file(file, 1 << 20, &bytes, &len));
    assert_string_equal((char *)bytes, schema);
    free(bytes);
}

static void an_editor_knows_every_kind_of_registry(void **state)
{
    (void)state;
    static const char *const kinds[] = {"oci", "folder",    "layout",  "http",
                                        "use", "component", "library", "sidecar"};
    lp_auto(lp_free_string) char *schema = loop_config_schema();
    const char *registry = strstr(schema, "\"registry\": {");
    assert_non_null(registry);
    for (size_t i = 0; i < LP_COUNT(kinds); i++) {
        lp_auto(lp_free_string) char *described = lp_format("\"%s\": { \"desc", kinds[i]);
        lp_auto(lp_free_string) char *enough = lp_format("{ \"required\": [\"%s\"] }", kinds[i]);
        assert_non_null(strstr(registry, described));
        assert_non_null(strstr(registry, enough));
    }
}

static int make_root(void **state)
{
    (void)state;
    char template[] = "/tmp/loop-config-test-XXXXXX";
    const char *from = lp_os_getenv("LOOP_SOURCE_DIR"); /* the tests run anywhere with it */
    source = lp_os_realpath(from ? from : ".");
    if (!mkdtemp(template) || chdir(template) != 0)
        return -1;
    root = lp_os_realpath(template);
    return root ? 0 : -1;
}

static int remove_root(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *command = lp_format("rm -rf '%s'", root);
    int rc = chdir("/") || system(command);
    free(root);
    free(source);
    return rc;
}

/* `config_test --schema` writes the schema: how loop.schema.json is made. */
int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mistake_is_reported_with_its_place),
        cmocka_unit_test(a_whole_file_is_read),
        cmocka_unit_test(grants_are_confined_and_carry_their_line),
        cmocka_unit_test(a_directory_that_cannot_be_granted_points_to_its_line),
        cmocka_unit_test(the_later_layer_wins),
        cmocka_unit_test(the_profile_is_found_by_flag_environment_file_default),
        cmocka_unit_test(a_profile_or_a_class_grants_nothing),
        cmocka_unit_test(limits_come_from_the_row_the_class_and_the_bound_for_all),
        cmocka_unit_test(the_environment_sets_options_and_nothing_else),
        cmocka_unit_test(a_wrong_flag_is_a_usage_error),
        cmocka_unit_test(the_nearest_file_upwards_is_found),
        cmocka_unit_test(every_option_says_what_it_is),
        cmocka_unit_test(the_format_shows_origins_and_no_secrets),
        cmocka_unit_test(the_shipped_schema_is_the_one_of_the_rows),
        cmocka_unit_test(an_editor_knows_every_kind_of_registry),
    };
    if (argc == 2 && strcmp(argv[1], "--schema") == 0) {
        lp_auto(lp_free_string) char *schema = loop_config_schema();
        fputs(schema, stdout);
        return 0;
    }
    return cmocka_run_group_tests_name("config", tests, make_root, remove_root);
}
