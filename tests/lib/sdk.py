"""What those who write providers get: an installation, and `make new-provider`."""

import re
import shutil
import subprocess
from pathlib import Path

from . import common
from .common import ROOT, Result

NAME, SNAKE = "night-light", "night_light"


def jobs(world):
    yield lambda: scaffolded(world)
    yield lambda: refused(world)
    yield lambda: installed(world)
    yield lambda: own_tables(world)


class Failed(Exception):
    """A command ended with another status than 0; what it printed."""


def ran(command, **more):
    status, out, _ = common.run([str(part) for part in command], merged=True, **more)
    out = out.decode(errors="replace")
    if status:
        raise Failed(f"{' '.join(str(part) for part in command)}\nended with {common.shown(status)}:\n{out}")
    return out


def cases(folder, *functions):
    """A Result a function; the first that fails is the last, as what follows depends on it."""
    results = []
    try:
        for function in functions:
            name = "sdk/" + function.__name__
            try:
                results.append(Result(name, skip=function(folder) or ""))
            except (Failed, AssertionError) as why:
                results.append(Result(name, False, f"{why}\n"))
                break
    finally:
        common.remove(folder)
    return results


def own_tables(world):
    """A program's tables of loop's own interfaces do not replace the library's."""
    def libloop_keeps_its_own_tables(folder):
        guest = world.components / "examples/c-hello.wasm"
        ran([world.build / "tests/own_tables", guest], cwd=folder, env=world.environment(folder))

    return cases(common.fresh_folder(world, "sdk-"), libloop_keeps_its_own_tables)


# --- make new-provider, in a copy of what it touches --------------------------------------

def copy(world):
    folder = common.fresh_folder(world, "sdk-")
    for name in ("meson.build", ".clang-format", "api/providers.c", "tools/new_provider.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    shutil.copytree(ROOT / "templates", folder / "templates")
    (folder / "wit").symlink_to(ROOT / "wit")
    (folder / "providers").mkdir()
    return folder


def new_provider(world, folder, name):
    status, out, _ = common.run(["python3", "tools/new_provider.py", "--loop", str(world.build / "loop"),
                                 "--", name], cwd=folder, env=world.environment(folder), merged=True)
    return status, out.decode(errors="replace")


def compile_c(world, folder, output, *sources):
    """Against the build under test; a provider of loop itself also uses base/."""
    flags = ["-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I.",
             f"-I{ROOT}", f"-I{ROOT}/include"]
    if world.asan:
        flags.append("-fsanitize=address,undefined")
    ran(["cc", *flags, *sources, f"providers/{SNAKE}/{SNAKE}.c", f"providers/{SNAKE}/gen/{SNAKE}.c",
         ROOT / "base/base.c", f"-L{world.build}", "-lloop", "-lcmocka", f"-Wl,-rpath,{world.build}",
         "-o", output], cwd=folder)


def scaffolded(world):
    """A new provider works as it is: its own test, and a component that imports it."""
    def new_provider_writes_what_it_says(folder):
        status, out = new_provider(world, folder, NAME)
        assert status == 0, out
        said = set(re.findall(r"^wrote (.*)", out, re.M))
        there = {p.relative_to(folder).as_posix()
                 for p in (folder / "providers").rglob("*") if p.is_file()}
        assert said == there and len(there) == 6, f"{said} are not {there}"
        left = [p for p in there if "scaffold" in (folder / p).read_text(encoding="utf-8").lower()]
        assert not left, f"the template's name is left in {left}"

    def new_provider_adds_it_to_both_lists(folder):
        for name, wanted in (("meson.build", 2), ("api/providers.c", 2)):
            old = (ROOT / name).read_text(encoding="utf-8").splitlines()
            new = (folder / name).read_text(encoding="utf-8").splitlines()
            added = [line for line in new if SNAKE in line]
            assert len(added) == wanted and [x for x in new if x not in added] == old, f"{name}: {added}"
        ran(["cc", "-fsyntax-only", "-Werror", "-I.", f"-I{ROOT}", f"-I{ROOT}/include",
             "api/providers.c"], cwd=folder)

    def new_provider_passes_its_own_test(folder):
        compile_c(world, folder, "unit", f"providers/{SNAKE}/{SNAKE}_test.c")
        ran(["./unit"], cwd=folder, env=world.environment(folder))

    def new_provider_answers_a_component(folder):
        if not build_guest(folder):
            return "the toolchain for C guests is not set up: tools/setup/apt.sh"
        compile_c(world, folder, "host", ROOT / "tests/sdk/main.c")
        out = ran(["./host", "guest.wasm"], cwd=folder, env=world.environment(folder))
        assert out == "1 2\nsheep 2\n0 left, error 2\n", out
        return None

    return cases(copy(world), new_provider_writes_what_it_says, new_provider_adds_it_to_both_lists,
                 new_provider_passes_its_own_test, new_provider_answers_a_component)


def build_guest(folder):
    """tests/sdk/guest.c as the chapter in HACKING.md builds its own; False without the tools."""
    done = subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True, check=False) \
        if shutil.which("rustc") else None
    linkers = list(Path(done.stdout.strip()).glob("lib/rustlib/*/bin/wasm-component-ld")) if done else []
    if not linkers or not shutil.which("clang-19"):
        return False
    ran(["clang-19", "--target=wasm32-wasi", f"-fuse-ld={linkers[0]}",
         f"-Wl,--component-type=providers/{SNAKE}/{SNAKE}.wit", ROOT / "tests/sdk/guest.c", "-o",
         "guest.wasm"], cwd=folder)
    return True


def refused(world):
    """What is no name, or taken, changes nothing."""
    def new_provider_refuses_names(folder):
        (folder / "providers/taken").mkdir()
        before = tree(folder)
        for name, why in (("", "no name"), ("Night", "is no name"), ("night_light", "is no name"),
                          ("-x", "is no name"), ("a--b", "is no name"), ("../x", "is no name"),
                          ("x" * 33, "is no name"), ("interface", "no bindings"),
                          ("taken", "already")):
            status, out = new_provider(world, folder, name)
            assert status == 1 and why in out and "\nhint: " in out, f"'{name}': {status}: {out}"
            assert tree(folder) == before, f"'{name}' changed something"

    return cases(copy(world), new_provider_refuses_names)


def tree(folder):
    return {p: p.read_bytes() if p.is_file() else None for p in folder.rglob("*")
            if "__pycache__" not in p.parts}


# --- make install ---------------------------------------------------------------------------

FILES = """bin/loop lib/libloop.so lib/libloop.so.0 lib/pkgconfig/loop.pc include/loop/host.h
include/loop/wit/core.h share/man/man1/loop.1 share/man/man1/loop-run.1 share/loop/loop.schema.json
share/loop/profiles/dev.yaml share/loop/classes/untrusted.yaml share/loop/wit/core
share/bash-completion/completions/loop.bash""".split()


def installed(world):
    """It works where it is put, also after it was moved; nothing of it looks into the build."""
    def install_has_every_file(folder):
        ran(["sh", "tools/install.sh", world.build, folder / "first"])
        missing = [name for name in FILES if not (folder / "first" / name).exists()]
        assert not missing, f"not there: {missing}"
        public = {p.relative_to(ROOT) for p in (ROOT / "include").rglob("*.h")}
        there = {p.relative_to(folder / "first") for p in (folder / "first/include").rglob("*.h")}
        assert public == there, f"headers that differ: {public ^ there}"

    def install_may_be_moved(folder):
        (folder / "first").rename(folder / "second")
        env = world.environment(folder)
        out = ran([folder / "second/bin/loop", "doctor"], cwd=folder, env=env)
        assert "second/share/loop/classes/untrusted.yaml" in out, out
        libraries = ran(["ldd", folder / "second/bin/loop"], cwd=folder, env=env)
        assert f"{folder}/second/bin/../lib/libloop.so.0" in libraries, libraries

    def install_is_found_by_pkg_config(folder):
        env = world.environment(folder) | {"PKG_CONFIG_PATH": str(folder / "second/lib/pkgconfig")}
        flags = ran(["pkg-config", "--cflags", "--libs", "loop"], env=env).split()
        (folder / "x.c").write_text('#include <loop/host.h>\n#include <stdio.h>\n'
                                    'int main(void) { puts(loop_version()); }\n', encoding="utf-8")
        more = ["-fsanitize=address,undefined"] if world.asan else []
        ran(["cc", *more, "x.c", "-o", "x", *flags], cwd=folder)
        out = ran(["./x"], cwd=folder, env=env | {"LD_LIBRARY_PATH": str(folder / "second/lib")})
        assert out == ran(["pkg-config", "--modversion", "loop"], env=env), out

    return cases(common.fresh_folder(world, "install-"), install_has_every_file, install_may_be_moved,
                 install_is_found_by_pkg_config)
