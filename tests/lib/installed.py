"""`make install`: what comes out is whole, moves, leaves again, and builds programs, with nothing else of loop.

What is built here sees no source of loop (install.hidden), so that a header, a path or a library that was
taken from the tree would be missed at once.
"""

import os
import pwd
import re
import shutil
import sys
from pathlib import Path

from . import common
from .common import ROOT
from .install import alone, cases, environment, hidden, install, ran
from .sdk import guest_linkers

FILES = """bin/loop lib/libloop.so lib/libloop.so.0 lib/loop/loop-guard lib/pkgconfig/loop.pc lib/pkgconfig/loop-guest.pc
lib/cmake/loop/loopConfig.cmake lib/cmake/loop/loopConfigVersion.cmake include/loop/host.h include/loop/wit/core.h
share/man/man1/loop.1 share/man/man1/loop-run.1 share/man/man3/loop-host.3 share/man/man3/loop_host_new.3
share/doc/loop/api/index.html share/doc/loop/examples/tinyloop/main.c share/loop/loop.schema.json
share/loop/profiles/dev.yaml share/loop/classes/untrusted.yaml share/loop/wit/core share/loop/wit/deps
share/loop/sdk/c/run.c share/loop/sdk/rust/src/rt.rs share/loop/sdk/js/types/loop-core.d.ts
share/loop/sdk/python/loop_sdk/py.typed share/loop/sdk/cmake/wasm32-loop.cmake
share/bash-completion/completions/loop.bash share/loop/installed.txt""".split()


def jobs(world):
    yield lambda: installation(world)
    yield lambda: programs(world)
    yield lambda: reference(world)
    yield lambda: components(world)


def tree(folder):
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_symlink() or not p.is_dir()}


# --- what is installed ----------------------------------------------------------------------

def installation(world):
    def installer(*words):
        return ["python3", ROOT / "tools/install.py", *words]

    def install_has_every_file(f):
        ran(["sh", "-c", 'umask 077; exec "$@"', "sh", *installer(world.build, f / "first")])
        missing = [name for name in FILES if not (f / "first" / name).exists()]
        assert not missing, f"not there: {missing}"
        public = {p.relative_to(ROOT) for p in (ROOT / "include").rglob("*.h")}
        there = {p.relative_to(f / "first") for p in (f / "first/include").rglob("*.h")}
        assert public == there, f"headers that differ: {public ^ there}"

    def install_may_be_read_by_everybody(f):
        for path in [f / "first", *(f / "first").rglob("*")]:
            mode = path.lstat().st_mode & 0o777
            assert path.is_symlink() or mode == 0o755 or (mode == 0o644 and not path.is_dir()), f"{path}: {mode:o}"

    def install_lists_what_it_installed(f):
        said = set((f / "first/share/loop/installed.txt").read_text("utf-8").split("\n")) - {""}
        assert said == tree(f / "first"), said ^ tree(f / "first")

    def install_names_nothing_of_the_machine_that_built_it(f):
        homes = {str(Path.home()), pwd.getpwuid(os.getuid()).pw_dir}
        paths = {str(ROOT), str(world.build)} | {f"{h}/{n}" for h in homes for n in (".cargo", ".cache", ".rustup")}
        found = []
        for name in tree(f / "first"):
            path = f / "first" / name
            if path.is_symlink():
                assert not os.readlink(path).startswith("/") and path.resolve().is_relative_to(f / "first"), name
                continue
            held = path.read_bytes()
            found += [f"{name}: {p}" for p in paths if p.encode() in held]
        assert not found, "\n".join(found[:20])
        if not world.asan:
            sections = ran(["readelf", "-S", f / "first/lib/libloop.so"])
            assert ".debug_info" not in sections, "debug information is left"

    def install_may_be_moved(f):
        (f / "first").rename(f / "second")
        env = world.environment(f)
        out = alone([f / "second/bin/loop", "doctor"], cwd=f, env=env)
        assert "second/share/loop/classes/untrusted.yaml" in out, out
        libraries = ran(["ldd", f / "second/bin/loop"], cwd=f, env=env)
        assert f"{f}/second/bin/../lib/libloop.so.0" in libraries, libraries

    def install_runs_a_component(f):
        shutil.copy(world.components / "examples/c-hello.wasm", f / "hello.wasm")
        out = alone([f / "second/bin/loop", "run", "hello.wasm"], cwd=f, env=world.environment(f))
        assert out.startswith("Hello, world!\n"), out

    def install_may_have_its_libraries_elsewhere(f):
        place = "lib/" + (ran(["cc", "-print-multiarch"]).strip() or "machine")
        ran(installer(world.build, f / "multiarch", "--libdir", place))
        env = world.environment(f) | {"PKG_CONFIG_PATH": str(f / "multiarch" / place / "pkgconfig")}
        assert (f / "multiarch" / place / "libloop.so.0").exists()
        assert {n.split("/")[1] for n in tree(f / "multiarch") if n.startswith("lib/")} == {place.split("/")[1]}
        out = alone([f / "multiarch/bin/loop", "doctor"], cwd=f, env=env)
        assert "multiarch/share/loop/classes/untrusted.yaml" in out, out
        flags = ran(["pkg-config", "--cflags", "--libs", "loop"], env=env).split()
        folders = [Path(word[2:]).resolve() for word in flags if word[:2] in ("-I", "-L")]
        wanted = {f / "multiarch/include", f / "multiarch" / place}
        assert set(folders) == wanted, flags
        for wrong in ("../lib", "/lib", "bin", "lib/../../x"):
            status, out, _ = common.run([str(w) for w in installer(world.build, f / "x", "--libdir", wrong)], merged=True)
            assert (status == 0) == (wrong == "/lib"), f"{wrong}: {out}"  # "/lib" is the lib of the prefix

    def install_that_fails_changes_nothing(f):
        last = f / "second/share/zsh/site-functions/_loop"
        last.unlink()
        last.mkdir()
        before = {n: (f / "second" / n).lstat().st_ino for n in tree(f / "second")}
        status, out, _ = common.run([str(w) for w in installer(world.build, f / "second")], merged=True)
        assert status == 1 and b"_loop" in out, f"{status}: {out}"
        after = {n: (f / "second" / n).lstat().st_ino for n in tree(f / "second")}
        assert before == after, {n for n in before.keys() | after.keys() if before.get(n) != after.get(n)}
        last.rmdir()

    def install_again_takes_away_what_is_gone(f):
        stale = f / "second/share/loop/profiles/stale.yaml"
        stale.write_text("log: {}\n", encoding="utf-8")
        own = f / "second/share/loop/profiles/own.yaml"
        own.write_text("log: {}\n", encoding="utf-8")
        with (f / "second/share/loop/installed.txt").open("a", encoding="utf-8") as file:
            file.write("share/loop/profiles/stale.yaml\n../outside\n/etc/outside\n")
        (f / "outside").touch()
        ran(installer(world.build, f / "second"))
        assert not stale.exists() and own.exists() and (f / "outside").exists()

    def uninstall_takes_away_what_it_installed_and_no_more(f):
        (f / "second/bin/other").touch()
        ran(installer("--remove", f / "second"))
        left = tree(f / "second")
        assert left == {"bin/other", "share/loop/profiles/own.yaml"}, left
        status, out, _ = common.run([str(w) for w in installer("--remove", f / "second")], merged=True)
        assert status == 1 and b"nothing is installed" in out and b"hint: " in out, out

    def install_has_sidecars_to_start_from(f):
        ran(installer(world.build, f / "third"))
        share = f / "third/share/loop"
        links = [p for p in share.rglob("*") if p.is_symlink()]
        assert not links, f"links: {links}"
        env = world.environment(f)
        for language, file in (("c", "weather.c"), ("node", "loop-sidecar/sidecar.js"),
                               ("rust", "loop-sidecar/src/lib.rs"), ("python", "loop_sidecar/sidecar.py")):
            alone([f / "third/bin/loop", "provider", "new", "acme:weather", "--form", f"sidecar-{language}", "--dir",
                   f"weather-{language}", "--yes"], cwd=f, env=env)
            assert (f / f"weather-{language}" / file).exists(), language
        out = alone([sys.executable, share / "sidecar/conformance/call.py", 'api.now "Ulm"', "--",
                     sys.executable, f / "weather-python/weather.py"], cwd=f, env=env)
        assert 'api.now "Ulm" = {"ok": {"celsius": 3.0, "wind": null}}' in out, out

    return cases("install", common.fresh_folder(world, "install-"), install_has_every_file,
                 install_may_be_read_by_everybody, install_lists_what_it_installed, install_names_nothing_of_the_machine_that_built_it,
                 install_may_be_moved, install_runs_a_component, install_may_have_its_libraries_elsewhere,
                 install_that_fails_changes_nothing, install_again_takes_away_what_is_gone, uninstall_takes_away_what_it_installed_and_no_more,
                 install_has_sidecars_to_start_from)


# --- hosts: pkg-config, C++, CMake -------------------------------------------------------------

HOST = """#include <stdio.h>
#include <loop/host.h>
#include "tiny.h"
int main(void)
{
    loop_host *host;
    loop_error *e = loop_host_new(&(loop_host_options){.no_cache = true}, &host);
    if (e)
        return (int)loop_error_code(e);
    puts(loop_version());
    puts(tiny_house_lamps_interface.name);
    loop_host_delete(host);
}
"""
CMAKE = """cmake_minimum_required(VERSION 3.20)
project(myhost C)
find_package(loop 0.1 REQUIRED)
add_executable(myhost main.c)
target_link_libraries(myhost PRIVATE loop::loop)
loop_bindgen(myhost tiny.wit)
"""


def programs(world):
    checks = ["-fsanitize=address,undefined"] if world.asan else []

    def prepare(f):
        install(world, f)
        (f / "host").mkdir()
        (f / "host/main.c").write_text(HOST, encoding="utf-8")
        (f / "host/CMakeLists.txt").write_text(CMAKE, encoding="utf-8")
        shutil.copy(ROOT / "examples/tinyloop/house.wit", f / "host/tiny.wit")

    def installed_headers_are_for_cpp_too(f):
        prepare(f)
        names = sorted(n for n in tree(f / "prefix/include") if n.endswith(".h"))
        text = "".join(f"#include <{n}>\n" for n in names) + (
            '#include <cstdio>\nint main() { loop_error_delete(loop_error_new(LOOP_USAGE, "%d", 1)); '
            "std::puts(loop_version()); }\n")
        (f / "all.cc").write_text(text, encoding="utf-8")
        alone(["sh", "-euc", 'c++ -std=c++17 -Wall -Wextra -Wpedantic -Werror "$@" all.cc '
               "$(pkg-config --cflags --libs loop) -o all", "sh", *checks], cwd=f, env=environment(world, f))
        out = alone(["./all"], cwd=f, env=environment(world, f) | {"LD_LIBRARY_PATH": f"{f}/prefix/lib"})
        assert re.fullmatch(r"\d+\.\d+\.\d+\n", out), out

    def installed_library_is_told_apart_by_its_version(f):
        out = ran(["readelf", "--dyn-syms", "--wide", f / "all"])
        assert re.search(r"\bloop_version@LOOP_0\.1\b", out), out
        assert "libloop.so.0]" in ran(["readelf", "-d", f / "all"]), "not linked by its soname"

    def cmake_builds_a_host(f):
        if not shutil.which("cmake"):
            return "there is no cmake: apt-get install cmake"
        env = environment(world, f) | {"CFLAGS": " ".join(checks)}
        alone(["cmake", "-S", "host", "-B", "host/build", f"-DCMAKE_PREFIX_PATH={f}/prefix"], cwd=f, env=env)
        alone(["cmake", "--build", "host/build"], cwd=f, env=env)
        out = alone(["host/build/myhost"], cwd=f, env=env)
        version = ran(["pkg-config", "--modversion", "loop"], env=env)
        assert out == f"{version}tiny:house/lamps\n", out
        return None

    def cmake_refuses_another_version(f):
        if not shutil.which("cmake"):
            return "there is no cmake: apt-get install cmake"
        for asked, good in (("0.1", True), ("0.1.0", True), ("0.2", False), ("1", False), ("0.1.9", False)):
            (f / "asks").mkdir(exist_ok=True)
            (f / "asks/CMakeLists.txt").write_text(
                f"cmake_minimum_required(VERSION 3.20)\nproject(x C)\nfind_package(loop {asked} REQUIRED)\n")
            status, out, _ = common.run(["cmake", "-S", "asks", "-B", f"asks/{asked}", f"-DCMAKE_PREFIX_PATH={f}/prefix"],
                                        cwd=f, env=environment(world, f), merged=True)
            assert (status == 0) == good, f"{asked}: {out.decode()}"
        return None

    return cases("install", common.fresh_folder(world, "install-"), installed_headers_are_for_cpp_too,
                 installed_library_is_told_apart_by_its_version, cmake_builds_a_host, cmake_refuses_another_version)


# --- the API's reference ----------------------------------------------------------------------------

def reference(world):
    """Made by `make docs` and `make install` of the headers' comments; the library says what must be in it."""
    def reference_leaves_nothing_without_a_comment(_):
        ran([sys.executable, "tools/api_docs.py", "--check"])

    def reference_finds_what_has_no_comment(f):
        (f / "tools").mkdir()
        shutil.copy(ROOT / "tools/api_docs.py", f / "tools")
        (f / "include/loop").mkdir(parents=True)
        (f / "include/loop/x.h").write_text("/* loop/x.h: x. */\n#ifndef X\n#define X\n\nLOOP_API int loop_bare(int a);\n\n"
                                            "/* Has one. */\nLOOP_API int loop_said(void);\nLOOP_API int loop_too(void);\n#endif\n")
        status, out, _ = common.run([sys.executable, "tools/api_docs.py", "--check"], cwd=f, merged=True)
        assert status == 1 and b"loop/x.h:5: loop_bare\n" in out and b"said" not in out and b"too" not in out, out

    def reference_has_every_exported_name(f):
        ran([sys.executable, "tools/api_docs.py", "--out", f / "api", "--man", f / "man3"])
        symbols = ran(["nm", "-D", "--defined-only", world.build / "libloop.so"])
        wanted = {w.split("@")[0] for w in symbols.split() if w.startswith("loop_")}
        pages = {p.name: p.read_text(encoding="utf-8") for p in (f / "api").glob("*.html")}
        there = set(re.findall(r'<a id="(\w+)">', "".join(pages.values())))
        assert len(wanted) > 200 and not wanted - there, wanted - there
        links = {(name, m) for name, text in pages.items() for m in re.findall(r'href="([^"]*)"', text)}
        broken = [f"{name}: {m}" for name, m in links
                  if f'id="{m.partition("#")[2]}"' not in pages.get(m.partition("#")[0], "") and
                  not ("#" not in m and m in pages)]
        assert len(links) > 300 and not broken, broken

    def reference_has_manual_pages(f):
        own = {n for n in re.findall(r"\b(loop_\w+)\(", (ROOT / "include/loop/host.h").read_text("utf-8"))
               if f"LOOP_API" in n or (f / f"man3/{n}.3").exists()}
        assert {"loop_host_new", "loop_instance_run", "loop_component_open"} <= own, own
        if not shutil.which("man"):
            return "there is no man"
        for page in sorted((f / "man3").glob("loop-*.3")):
            status, out, err = common.run(["man", "--warnings", "-l", str(page)], env={**os.environ, "MANWIDTH": "80"})
            assert status == 0 and not err and page.stem.upper().encode() in out.upper(), f"{page}: {err}"
        return None

    return cases("install", common.fresh_folder(world, "install-"), reference_leaves_nothing_without_a_comment,
                 reference_finds_what_has_no_comment, reference_has_every_exported_name, reference_has_manual_pages)


# --- components, with the SDKs that are installed ---------------------------------------------------

HELLO = """#include <stdio.h>
#include "gen/loop.h"
int main(int argc, char **argv)
{
    loop_core_capabilities_list_capability_t all;
    loop_core_capabilities_list(&all);
    printf("hello %s\\n", argc > 1 && all.len ? argv[1] : "nobody");
    return 0;
}
"""


def components(world):
    """C guests by pkg-config and by CMake; the packages of Rust, JavaScript and Python as their tools make them."""
    cache = Path(common.tools_environment()["WASM_TOOLS"]).parent.parent.parent

    def greets(f, wasm):
        out = alone([f / "prefix/bin/loop", "run", wasm, "you"], cwd=f, env=environment(world, f))
        assert out == "hello you\n", out

    def c_component_by_pkg_config(f):
        install(world, f)
        (f / "hello.c").write_text(HELLO, encoding="utf-8")
        linkers = guest_linkers()
        if not linkers:
            return "the toolchain for C guests is not set up: tools/setup/apt.sh"
        commands = re.search(r"```sh\n(.*?)```", (f / "prefix/share/loop/sdk/c/README.md").read_text("utf-8"), re.S)[1]
        commands = re.sub(r"^linker=.*$", f"linker={linkers[0]}", commands, flags=re.M)
        alone(["sh", "-euc", commands], cwd=f, env=environment(world, f))
        greets(f, "hello.wasm")
        return None

    def c_component_by_cmake(f):
        linkers = guest_linkers()
        if not linkers or not shutil.which("cmake"):
            return "the toolchain for C guests is not set up: tools/setup/apt.sh"
        (f / "cmake").mkdir()
        shutil.copy(f / "hello.c", f / "cmake")
        (f / "cmake/CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.20)\nproject(hello C)\n"
                                                "add_executable(hello hello.c)\nloop_component(hello)\n")
        toolchain = f / "prefix/share/loop/sdk/cmake/wasm32-loop.cmake"
        alone(["cmake", "-S", "cmake", "-B", "cmake/build", f"-DCMAKE_TOOLCHAIN_FILE={toolchain}",
               f"-DLOOP_COMPONENT_LD={linkers[0]}"], cwd=f, env=environment(world, f))
        alone(["cmake", "--build", "cmake/build"], cwd=f, env=environment(world, f))
        greets(f, "cmake/build/hello.wasm")
        return None

    def rust_crates_are_packages(f):
        if not shutil.which("cargo"):
            return "there is no cargo"
        env = dict(os.environ) | {"CARGO_TARGET_DIR": str(f / "target")}
        for name in ("rust", "rust/sidecar"):
            shutil.copytree(f / "prefix/share/loop/sdk" / name, f / "crates" / name, dirs_exist_ok=True)
            status, out, _ = common.run(hidden(["cargo", "package", "--offline"]), cwd=f / "crates" / name, env=env,
                                        merged=True, timeout=300)
            if b"no matching package" in out or b"failed to download" in out:
                return "wit-bindgen is not among cargo's packages yet: make examples"
            assert status == 0, out.decode()
        made = {p.name for p in (f / "target/package").glob("*.crate")}
        assert made == {"loop-sdk-0.1.0.crate", "loop-sidecar-0.1.0.crate"}, made
        return None

    def npm_packages_have_what_they_export(f):
        if not shutil.which("npm"):
            return "there is no npm"
        env = environment(world, f) | {"npm_config_cache": str(f / "npm")}
        (f / "app").mkdir()
        (f / "app/package.json").write_text('{"name":"app","version":"1.0.0","type":"module"}')
        for name in ("js", "js/sidecar"):
            tar = alone(["npm", "pack", "--silent", "--pack-destination", f, f / "prefix/share/loop/sdk" / name],
                        cwd=f, env=env).strip().split("\n")[-1]
            alone(["npm", "install", "--silent", "--offline", "--no-audit", "--no-fund", f / tar], cwd=f / "app", env=env)
        package = f / "app/node_modules/loop-sdk"
        there = tree(package)
        assert {"package.json", "loop.js", "loop.d.ts", "README.md", "types/loop-core.d.ts"} <= there, there
        assert not [n for n in there if n.startswith("sidecar")], there
        names = [set(re.findall(r"^export (?:function|class) (\w+)", (package / n).read_text("utf-8"), re.M))
                 for n in ("loop.js", "loop.d.ts")]
        assert names[0] == names[1] and len(names[0]) > 10, names[0] ^ names[1]
        out = alone(["node", "--input-type=module", "-e",
                     "import * as s from 'loop-sidecar'; console.log(Object.keys(s).sort().join())"], cwd=f / "app", env=env)
        declared = re.findall(r"^export (?:function|class) (\w+)",
                              (f / "app/node_modules/loop-sidecar/sidecar.d.ts").read_text("utf-8"), re.M)
        assert out.strip() == ",".join(sorted(declared)), f"{out} is not {declared}"
        return None

    def npm_types_tell_right_from_wrong(f):
        tsc = cache / "tsc-guest/node_modules/.bin/tsc"
        if not tsc.exists() or not (f / "app/node_modules/loop-sdk").exists():
            return "there is no TypeScript: tools/setup/more-sdks.sh"
        app = f / "app"
        (app / "tsconfig.json").write_text(
            '{"compilerOptions": {"noEmit": true, "strict": true, "target": "esnext", "module": "esnext",\n'
            '"moduleResolution": "bundler", "types": [], "lib": ["esnext", "dom"], "skipLibCheck": false},\n'
            '"include": ["*.ts", "node_modules/loop-sdk/types/*.d.ts"]}')
        (app / "right.ts").write_text("""import { list, type Capability } from "loop:core/capabilities";
import type { Next } from "loop:core/app@0.1.0";
import { open } from "loop:storage/store";
import stdout from "wasi:cli/stdout";
import { command, lend, logEntry, print } from "loop-sdk";

export const next: Next = { tag: "timer", val: 5 };
export const run = command(([name = "world"]) => {
    const all: Capability[] = list();
    print(`${name} ${all[0]?.reason ?? "there"}`);
    lend(stdout.getStdout(), (s) => s.blockingWriteAndFlush(new Uint8Array(3)));
    logEntry("info", "x", "y", { z: 1, ok: true });
    const version: string = lend(open("b"), (bucket) => bucket.set(new Uint8Array([1]), new Uint8Array(1)));
    print(version);
});
""")
        (app / "sidecar.ts").write_text("""import { Err, serve, type Provider } from "loop-sidecar";
const dice: Provider = {
    name: "dice",
    version: "0.1.0",
    options: { sides: { type: "number", fallback: "6", help: "of a die" } },
    open(host) { host.log("info", String(host.options.sides)); },
    interfaces: {
        "acme:dice/roller@0.1.0": {
            functions: { roll: ["(u32)->result<u32,string>", (n: number) => { if (!n) throw new Err("none"); return n; }] },
        },
    },
};
await serve(dice);
""")
        ran([tsc, "-p", app], cwd=app)
        for wrong in ('import { serve } from "loop-sidecar"; serve({ name: "dice" });',
                      'import { list } from "loop:core/capabilities"; const n: number = list();',
                      'import { nothing } from "loop:core/logging"; nothing();',
                      'import { logEntry } from "loop-sdk"; logEntry("loud", "x", "y");',
                      'import type { Next } from "loop:core/app"; export const n: Next = { tag: "never" };',
                      'import { Token } from "loop:core/cancellation"; new Token();'):
            (app / "wrong.ts").write_text(wrong + "\nexport {};\n")
            status, out, _ = common.run([str(tsc), "-p", str(app)], cwd=app, merged=True)
            assert status != 0 and b"wrong.ts" in out and b"right.ts" not in out, f"{wrong}: {out}"
        return None

    def python_packages_are_packages(f):
        env = environment(world, f)
        for name, module in (("python", "loop_sdk"), ("python/sidecar", "loop_sidecar")):
            shutil.copytree(f / "prefix/share/loop/sdk" / name, f / name, dirs_exist_ok=True)
            done = common.run(hidden([sys.executable, "-c", "import setuptools.build_meta as b; print(b.build_sdist('.'))"]),
                              cwd=f / name, env=env, merged=True)
            if b"No module named 'setuptools'" in done[1]:
                return "there is no setuptools"
            archive = f / name / done[1].decode().strip().split("\n")[-1]
            assert done[0] == 0 and archive.exists(), done[1].decode()
            inside = ran(["tar", "-tf", archive]).split()
            assert any(n.endswith(f"/{module}/__init__.py") for n in inside), inside
            assert any(n.endswith(f"/{module}/py.typed") for n in inside), inside
        return None

    def python_component_uses_the_sdk(f):
        tool = cache / "venv/bin/componentize-py"
        if not tool.exists():
            return "there is no componentize-py: tools/setup/more-sdks.sh"
        app = f / "pyapp"
        wit, share = app / "wit", f / "prefix/share/loop"
        wit.mkdir(parents=True)
        (wit / "world.wit").write_text("package example:hello@0.1.0;\nworld hello { include loop:command/command@0.1.0; }\n")
        for folder, name in ((share / "wit/core", "loop-core"), (share / "wit/command", "loop-command"),
                             *((p, p.name) for p in (share / "wit/deps").glob("wasi-*-0.2.0"))):
            shutil.copytree(folder, wit / "deps" / name)
        (app / "app.py").write_text("""from loop_sdk import Failure, Usage, command, log

def main(args: list[str]) -> None:
    if not args:
        raise Usage("hello NAME")
    if args[0] == "fail":
        raise Failure("cannot greet")
    print("hello", args[0])
    log("info", "hello", "greeted", words=len(args), half=0.5, ok=True, name=args[0], level=3)

Run = command(main)
""")
        alone([tool, "-d", "wit", "-w", "hello", "componentize", "app", "-p", ".", "-p", share / "sdk/python", "-o",
               "app.wasm"], cwd=app, env=environment(world, f))
        for words, status, out, err in (
                (["you"], 0, b"hello you\n", b"hello: greeted words=1 half=0.5 ok=true name=you level=3\n"),
                ([], 1, b"", b"usage: hello NAME\n"), (["fail"], 1, b"", b"error: cannot greet\n")):
            got = common.run(hidden([f / "prefix/bin/loop", "run", "app.wasm", *words]), cwd=app,
                             env=environment(world, f) | {"LOOP_CACHE_DIR": str(cache)})  # 18 MB take long to compile
            assert got[0] == status and got[1] == out and err in got[2], f"{words}: {got}"
        return None

    return cases("install", common.fresh_folder(world, "install-"), c_component_by_pkg_config, c_component_by_cmake,
                 rust_crates_are_packages, npm_packages_have_what_they_export, npm_types_tell_right_from_wrong,
                 python_packages_are_packages, python_component_uses_the_sdk)
