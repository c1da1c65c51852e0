"""`loop build`, `loop test` and `loop compose` with real toolchains: in each language whose toolchain is
there a component is built, run, tested and built again; each tool that is missing is told with what installs
it; a build that is ended leaves what was there; what does not fit its world gets no place."""

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from . import common
from .common import ROOT, Result
from .install import Failed, cases

FIXTURES = ROOT / "tests/builder"
LANGUAGES = {"c": "c", "rust": "rust", "js": "js/app.js", "python": "python/app.py"}


def jobs(world):
    for lang in LANGUAGES:
        yield lambda lang=lang: language(world, lang)
    yield lambda: missing(world)
    yield lambda: changed(world)
    yield lambda: misfits(world)
    yield lambda: installing(world)
    yield lambda: ended(world)
    yield lambda: composed(world)


def environment(world, folder, own_tools=True):
    """The user's toolchains (in his cache and home), nothing of his configuration."""
    env = world.environment(folder)
    if own_tools:
        env |= {k: v for k, v in os.environ.items() if k in ("HOME", "CARGO_HOME", "RUSTUP_HOME", "XDG_CACHE_HOME")}
        del env["LOOP_CACHE_DIR"]
        if "LOOP_CACHE_DIR" in os.environ:
            env["LOOP_CACHE_DIR"] = os.environ["LOOP_CACHE_DIR"]
    return env


def loop(world, folder, *words, status=0, env=None, timeout=600):
    found, out, _ = common.run([str(world.build / "loop"), *words], cwd=folder, merged=True, timeout=timeout,
                               env=env or environment(world, folder))
    text = out.decode(errors="replace")
    if found != status:
        raise Failed(f"loop {' '.join(words)}\nended with {common.shown(found)}, not {status}:\n{text}")
    return text


def project(world, lang):
    """A workspace with one component in a language: source, WIT with its dependencies, SDK."""
    folder = common.fresh_folder(world, "build-")
    shutil.copytree(FIXTURES / "hello" / lang, folder / lang)
    (folder / "wit/deps").mkdir(parents=True)
    shutil.copy(FIXTURES / "hello/world.wit", folder / "wit/world.wit")
    for name in ("core", "command"):
        shutil.copytree(ROOT / "wit" / name, folder / "wit/deps" / f"loop-{name}")
    for package in (ROOT / "wit/deps").glob("wasi-*-0.2.0"):
        shutil.copytree(package, folder / "wit/deps" / package.name)
    if lang == "c":
        (folder / "loop-sdk").mkdir()
        shutil.copy(ROOT / "sdk/c/run.c", folder / "loop-sdk/run.c")
    if lang == "rust":
        shutil.copytree(ROOT / "sdk/rust", folder / "loop-sdk", ignore=shutil.ignore_patterns("sidecar", "target"))
    (folder / "tests").mkdir()
    (folder / "tests/greets.yaml").write_text('run: [Ada]\nstdout: "Hello, Ada!\\n"\n')
    (folder / "tests/invokes.yaml").write_text("invoke: 'acme:hello/greet.greet(\"Bob\")'\nresult: '\"Hello, Bob!\"'\n")
    (folder / "loop.yaml").write_text(
        "loop: 1\ndefault: hello\ncomponents:\n  hello:\n    path: build/hello.wasm\n"
        f"    build: {{ lang: {lang}, source: {LANGUAGES[lang]}, wit: wit, world: hello }}\n    tests: tests\n")
    return folder


def without(world, lang):
    """Why a language cannot be tested here: its toolchain is missing; None otherwise."""
    if lang in ("c", "rust"):
        return None  # what `make` sets up
    folder = project(world, lang)
    found, out, _ = common.run([str(world.build / "loop"), "build", "--dry-run"], cwd=folder, merged=True,
                               env=environment(world, folder))
    common.remove(folder)
    text = out.decode(errors="replace")
    return text.splitlines()[1].strip() if found == 69 else None


def language(world, lang):
    """From sources to tests that pass; then nothing to do; then a change."""
    why = without(world, lang)
    if why:
        return [Result(f"build/{lang}", skip=why)]

    def is_built_run_and_tested(folder):
        out = loop(world, folder, "build")
        assert "built   hello" in out, out
        assert loop(world, folder, "run", "hello", "Ada") == "Hello, Ada!\n"
        out = loop(world, folder, "test")
        assert out == "2 passed, 0 failed\n", out

    def is_not_built_again(folder):
        before = (folder / "build/hello.wasm").stat()
        out = loop(world, folder, "build")
        assert out == "fresh   hello\n", out
        after = (folder / "build/hello.wasm").stat()
        assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns), "it was written again"

    def is_built_again_when_a_source_changed(folder):
        name = {"c": "c/main.c", "rust": "rust/src/lib.rs", "js": "js/lib.js", "python": "python/app.py"}[lang]
        source = folder / name
        source.write_text(source.read_text().replace("Hello", "Goodbye"))
        out = loop(world, folder, "test", status=1)
        assert "2 failed" in out and "-Hello, Ada!" in out and "+Goodbye, Ada!" in out, out

    def does_not_say_whose_machine_it_was(folder):
        bytes_ = (folder / "build/hello.wasm").read_bytes()
        assert str(folder).encode() not in bytes_, "the component names the folder that it was built in"

    def is_built_where_a_link_leads(folder):
        (folder / "crate").symlink_to("rust")
        config = folder / "loop.yaml"
        config.write_text(config.read_text().replace("source: rust", "source: crate"))
        out = loop(world, folder, "build")
        assert "built   hello" in out, out

    functions = [is_built_run_and_tested, is_not_built_again, is_built_again_when_a_source_changed]
    if lang in ("c", "rust"):
        functions.append(does_not_say_whose_machine_it_was)
    if lang == "rust":
        functions.append(is_built_where_a_link_leads)
    return cases(f"build/{lang}", project(world, lang), *functions)


def missing(world):
    """One for each tool: PATH has none, and no set-up was run."""
    rows = {
        "c": ("there is no clang", "apt-get install clang-19"),
        "rust": ("there is no cargo", "rustup target add wasm32-wasip2"),
        "js": ("there is no Node", "apt-get install nodejs npm"),
        "python": ("there is no componentize-py", "pip install componentize-py"),
    }

    def told(folder, lang, path, what, hint):
        env = environment(world, folder, own_tools=False) | {"PATH": path, "LOOP_CACHE_DIR": str(folder / "no-cache")}
        out = loop(world, folder, "build", status=69, env=env)
        assert what in out and hint in out, out
        assert not (folder / "build/hello.wasm").exists()

    results = []
    for lang, (what, hint) in rows.items():
        folder = project(world, lang)

        def is_told(folder, lang=lang, what=what, hint=hint):
            told(folder, lang, "/nowhere", what, hint)
        is_told.__name__ = f"{lang}_is_told"
        results += cases("build/missing", folder, is_told)

    def only(folder, name, script):
        tool = folder / "bin" / name
        tool.parent.mkdir(exist_ok=True)
        tool.write_text(f"#!/bin/sh\n{script}\n")
        tool.chmod(0o755)
        return str(folder / "bin")

    def a_clang_without_wasm_is_told(folder):
        told(folder, "c", only(folder, "clang", "echo none"), "clang' lacks the linker wasm-ld", "apt-get install clang-19")

    def a_clang_without_its_libc_is_told(folder):
        path = only(folder, "clang", 'case $2 in *libc.a) echo libc.a;; -print*) echo "$0";; *) echo clang;; esac')
        told(folder, "c", path, "clang' lacks wasi-libc", "wasi-libc")

    def a_clang_that_is_not_there_is_told(folder):
        env = environment(world, folder) | {"WASM_CC": "no-such-clang"}
        out = loop(world, folder, "build", status=69, env=env)
        assert "there is no program 'no-such-clang', which WASM_CC names" in out, out

    def a_rust_without_the_target_is_told(folder):
        only(folder, "rustc", "exit 1")
        only(folder, "rustup", "exit 1")
        told(folder, "rust", only(folder, "cargo", "exit 1"), "Rust has no target wasm32-wasip2 here",
             "hint: rustup target add wasm32-wasip2")

    def a_node_without_the_tool_is_told(folder):
        told(folder, "js", only(folder, "node", "exit 1"), "there is no componentize-qjs",
             "npm install --save-dev componentize-qjs")

    for lang, function in (("c", a_clang_without_wasm_is_told), ("c", a_clang_without_its_libc_is_told),
                           ("c", a_clang_that_is_not_there_is_told), ("rust", a_rust_without_the_target_is_told),
                           ("js", a_node_without_the_tool_is_told)):
        results += cases("build/missing", project(world, lang), function)
    return results


def pair(world):
    folder = common.fresh_folder(world, "build-")
    shutil.copytree(FIXTURES / "pair", folder, dirs_exist_ok=True)
    return folder


def changed(world):
    """Each thing that a C component is made from, and only what it is made from."""
    def all_are_built_at_once(folder):
        out = loop(world, folder, "build")
        assert sorted(line.split()[:2] for line in out.splitlines()) == [["built", "app"], ["built", "station"]], out

    def its_tests_pass(folder):
        out = loop(world, folder, "test")
        assert out == "1 passed, 0 failed\n", out

    def a_header_builds_what_includes_it(folder):
        (folder / "app/src/limit.h").write_text("#define LIMIT 7\n")
        out = loop(world, folder, "build")
        assert "built   app" in out and "fresh   station" in out, out

    def the_wit_builds_what_is_for_it(folder):
        wit = folder / "station/wit/weather.wit"
        wit.write_text("// A comment.\n" + wit.read_text())
        out = loop(world, folder, "build")
        assert "fresh   app" in out and "built   station" in out, out

    def one_can_be_named(folder):
        (folder / "station/station.c").write_text("#error broken\n")
        out = loop(world, folder, "build", "app")
        assert out == "fresh   app\n", out

    def what_the_compiler_says_is_shown(folder):
        before = (folder / "build/station.wasm").read_bytes()
        out = loop(world, folder, "build", status=65)
        assert "station/station.c:1:2: error: broken" in out and "fresh   app" in out, out
        assert (folder / "build/station.wasm").read_bytes() == before

    def files_are_found_that_lie_elsewhere(folder):
        elsewhere = folder.parent / f"{folder.name}-elsewhere.h"
        elsewhere.write_text("#define LIMIT 1\n")
        (folder / "app/src/limit.h").write_text(f'#include "{elsewhere}"\n')
        loop(world, folder, "build", "app")
        elsewhere.write_text("#define LIMIT 2\n")
        out = loop(world, folder, "build", "app", "--dry-run")
        elsewhere.unlink()
        assert "elsewhere.h changed" in out, out

    return cases("build/changed", pair(world), all_are_built_at_once, its_tests_pass, a_header_builds_what_includes_it,
                 the_wit_builds_what_is_for_it, one_can_be_named, what_the_compiler_says_is_shown,
                 files_are_found_that_lie_elsewhere)


def misfits(world):
    """In both directions, and by type: a component by a command, so that nothing keeps to the WIT by itself."""
    def is_first_well(folder):
        loop(world, folder, "build")
        text = (folder / "loop.yaml").read_text()
        (folder / "loop.yaml").write_text(
            text + "  made:\n    path: build/made.wasm\n    build: { command: [cp, build/from.wasm, build/made.wasm],\n"
                   "             wit: check, world: w }\n")
        (folder / "check").mkdir()

    def against(folder, component, world_text, *parts):
        shutil.copy(folder / f"build/{component}.wasm", folder / "build/from.wasm")
        (folder / "check/w.wit").write_text(world_text)
        out = loop(world, folder, "build", "made", status=65)
        for part in parts:
            assert part in out, out

    api = "package acme:weather@0.1.0;\ninterface api { now: func(place: string) -> %s; %s }\nworld w { %s }\n"

    def what_is_missing_is_named(folder):
        against(folder, "station", api % ("u32", "later: func();", "export api;"),
                "missing: the world exports 'later' of acme:weather/api@0.1.0, the component does not")

    def what_is_too_much_is_named(folder):
        against(folder, "app", "package a:b;\nworld w { export warm: func(place: string) -> bool; }\n",
                "too much: the component imports acme:weather/api@0.1.0, the world does not")

    def what_has_another_type_is_named(folder):
        against(folder, "station", api % ("u64", "", "export api;"),
                "another type: export 'now' of acme:weather/api@0.1.0 is (string)->u64 in the world and (string)->u32 in")

    def another_version_is_named(folder):
        against(folder, "station", (api % ("u32", "", "export api;")).replace("0.1.0", "0.2.0"),
                "another version: the component exports acme:weather/api@0.1.0, the world acme:weather/api@0.2.0")

    def one_that_is_no_component_is_named(folder):
        (folder / "build/station.wasm").write_bytes(b"\0asm\1\0\0\0")
        against(folder, "station", api % ("u32", "", "export api;"), "is no component")

    def what_a_language_makes_gets_no_place(folder):
        loop(world, folder, "build", "station")
        before = (folder / "build/station.wasm").read_bytes()
        source = folder / "station/station.c"
        source.write_text(source.read_text() + '__attribute__((import_module("acme:other/x@0.1.0"), import_name("f")))\n'
                          "void f(void);\nvoid g(void);\nvoid g(void) { f(); }\n"
                          '__attribute__((export_name("acme:weather/api@0.1.0#more"))) void more(void) { f(); }\n')
        out = loop(world, folder, "build", "station", status=65)
        assert "cannot make a component of the module" in out, out
        assert (folder / "build/station.wasm").read_bytes() == before

    return cases("build/misfits", pair(world), is_first_well, what_is_missing_is_named, what_is_too_much_is_named,
                 what_has_another_type_is_named, another_version_is_named, one_that_is_no_component_is_named,
                 what_a_language_makes_gets_no_place)


def installing(world):
    """A project that names its tool in package.json, and has not installed it: npm is asked, once. Here npm is a
    script that puts what set-up unpacked where npm would."""
    cache = Path(common.tools_environment()["WASM_TOOLS"]).parents[2]
    modules = cache / "js-guest/node_modules"
    if not modules.exists():
        return [Result("build/npm", skip="the toolchain for JavaScript guests is not set up: tools/setup/js-guest.sh")]

    def what_it_names_is_installed_once(folder):
        (folder / "js/package.json").write_text('{ "devDependencies": { "componentize-qjs": "*" } }\n')
        npm = folder / "bin/npm"
        npm.parent.mkdir()
        npm.write_text(f"#!/bin/sh\necho installed >>'{folder}/log'\nln -s '{modules}' node_modules\n")
        npm.chmod(0o755)
        env = environment(world, folder)
        env |= {"PATH": f"{folder}/bin:{env['PATH']}", "LOOP_CACHE_DIR": str(folder / "no-cache")}
        out = loop(world, folder, "build", env=env)
        assert "built   hello" in out, out
        out = loop(world, folder, "build", env=env)
        assert out == "fresh   hello\n", out
        assert (folder / "log").read_text() == "installed\n"

    return cases("build/npm", project(world, "js"), what_it_names_is_installed_once)


def running(word):
    """The processes whose command lines have a word in them."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if word.encode() in line:
                found.append(int(entry.name))
    return found


def ended(world):
    """A compiler that is at work when loop is ended: by Ctrl-C, by TERM, by KILL."""
    def start(folder):
        source = folder / "station/station.c"
        # The preprocessor reads a pipe that nobody writes to: real clang, for as long as it takes.
        fifo = folder / "station/never.h"
        if not fifo.exists():
            os.mkfifo(fifo)
            source.write_text('#include "never.h"\n' + source.read_text())
        process = subprocess.Popen([str(world.build / "loop"), "build", "station"], cwd=folder,
                                   env=environment(world, folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        word = f"{folder}/build/.loop"
        for _ in range(2400):
            if any("clang" in Path(f"/proc/{pid}/cmdline").read_text(errors="replace") for pid in running("station.c")
                   if Path(f"/proc/{pid}/cmdline").exists() and str(folder) in
                   Path(f"/proc/{pid}/cmdline").read_text(errors="replace")):
                return process, word
            time.sleep(0.05)
        process.kill()
        raise Failed("the compiler did not start\n" + process.communicate()[0].decode(errors="replace"))

    def end(folder, number, status):
        before = (folder / "build/station.wasm").read_bytes()
        files = sorted(p.name for p in (folder / "build").iterdir())
        process, word = start(folder)
        began = time.monotonic()
        process.send_signal(number)
        out = process.communicate(timeout=60)[0].decode(errors="replace")
        assert process.returncode == status, f"{process.returncode}: {out}"
        for _ in range(1000):
            left = [pid for pid in running(word) if pid != os.getpid()]
            if not left:
                break
            time.sleep(0.05)
        assert not left, f"{left} are left of it"
        assert time.monotonic() - began < 60
        assert (folder / "build/station.wasm").read_bytes() == before, "the old output is another one"
        assert sorted(p.name for p in (folder / "build").iterdir()) == files, "something is left beside it"
        return out

    def is_first_well(folder):
        loop(world, folder, "build", "station")

    def by_ctrl_c(folder):
        out = end(folder, signal.SIGINT, 75)
        assert "the build was stopped" in out, out

    def by_term(folder):
        end(folder, signal.SIGTERM, 75)

    def by_kill(folder):
        end(folder, signal.SIGKILL, -signal.SIGKILL)

    def and_the_next_build_is_well(folder):
        source = folder / "station/station.c"
        source.write_text(source.read_text().replace('#include "never.h"\n', "").replace("len;", "len + 1;"))
        (folder / "station/never.h").unlink()
        out = loop(world, folder, "build", "station")
        assert "built   station" in out, out
        assert loop(world, folder, "run", "--invoke", 'acme:weather/api.now("Ulm")', "station") == "4\n"

    return cases("build/ended", pair(world), is_first_well, by_ctrl_c, by_term, by_kill, and_the_next_build_is_well)


def composed(world):
    """What was composed runs."""
    def by_plugs(folder):
        loop(world, folder, "build")
        out = loop(world, folder, "compose", "app", "--plug", "station", "-o", "whole.wasm")
        assert re.search(r"plugged acme:weather/api@0\.1\.0 of .*/app\.wasm by .*/station\.wasm\nexports warm\n", out), out
        assert loop(world, folder, "run", "--invoke", 'warm("Ulm")', "whole.wasm") == "false\n"
        assert loop(world, folder, "run", "--invoke", 'warm("Berlin")', "whole.wasm") == "true\n"

    def by_a_wac_file(folder):
        (folder / "whole.wac").write_text("package acme:whole;\nlet s = new acme:station {};\n"
                                          "let a = new acme:app { api: s.api };\nexport a.warm;\n")
        out = loop(world, folder, "compose", "whole.wac", "--dep", "acme:station=station", "--dep", "acme:app=app", "-o",
                   "whole2.wasm")
        assert "exports warm\nwrote whole2.wasm\n" in out, out
        assert loop(world, folder, "run", "--invoke", 'warm("Berlin")', "whole2.wasm") == "true\n"

    def a_failure_leaves_what_was_there(folder):
        before = (folder / "whole.wasm").read_bytes()
        out = loop(world, folder, "compose", "station", "--plug", "app", "-o", "whole.wasm", status=65)
        assert "app.wasm' fits nothing" in out, out
        (folder / "cut.wasm").write_bytes(before[:1000])
        out = loop(world, folder, "compose", "app", "--plug", "./cut.wasm", "-o", "whole.wasm", status=65)
        assert "cut.wasm' is no component" in out, out
        assert (folder / "whole.wasm").read_bytes() == before

    def a_plug_with_another_name_is_told_the_nearest(folder):
        for path in (folder / "station/wit/weather.wit", folder / "station/station.c"):
            path.write_text(path.read_text().replace("weather", "wether"))
        loop(world, folder, "build", "station")
        out = loop(world, folder, "compose", "app", "--plug", "station", "-o", "x.wasm", status=65)
        assert "nearest are its export acme:wether/api@0.1.0 and the import acme:weather/api@0.1.0" in out, out
        assert not (folder / "x.wasm").exists()

    def a_plug_of_another_type_is_told(folder):
        wit, source = folder / "station/wit/weather.wit", folder / "station/station.c"
        wit.write_text(wit.read_text().replace("wether", "weather").replace("u32", "u64"))
        source.write_text(source.read_text().replace("wether", "weather").replace("uint32_t exports", "uint64_t exports"))
        loop(world, folder, "build", "station")
        out = loop(world, folder, "compose", "app", "--plug", "station", "-o", "x.wasm", status=65)
        assert "has another type than the import acme:weather/api@0.1.0" in out and "u64" in out, out

    return cases("compose", pair(world), by_plugs, by_a_wac_file, a_failure_leaves_what_was_there,
                 a_plug_with_another_name_is_told_the_nearest, a_plug_of_another_type_is_told)
