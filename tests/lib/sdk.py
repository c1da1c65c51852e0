"""What those who write providers get: `make new-provider` and its templates."""

import re
import shutil
import subprocess
from pathlib import Path

from . import common
from .common import ROOT, Result
from .install import cases, ran

NAME, SNAKE = "night-light", "night_light"


def jobs(world):
    yield lambda: scaffolded(world)
    yield lambda: refused(world)
    yield lambda: own_tables(world)
    yield lambda: library(world)


def own_tables(world):
    """A program's tables of loop's own interfaces do not replace the library's."""
    def libloop_keeps_its_own_tables(folder):
        guest = world.components / "examples/c-hello.wasm"
        ran([world.build / "tests/own_tables", guest], cwd=folder, env=world.environment(folder))

    return cases("sdk", common.fresh_folder(world, "sdk-"), libloop_keeps_its_own_tables)


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


def new_provider(world, folder, name, *more):
    status, out, _ = common.run(["python3", "tools/new_provider.py", "--loop", str(world.build / "loop"),
                                 *more, "--", name], cwd=folder, env=world.environment(folder), merged=True)
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
        if not build_guest(folder, f"providers/{SNAKE}/{SNAKE}.wit", "guest"):
            return "the toolchain for C guests is not set up: tools/setup/apt.sh"
        compile_c(world, folder, "host", ROOT / "tests/sdk/main.c")
        out = ran(["./host", "guest.wasm"], cwd=folder, env=world.environment(folder))
        assert out == "1 2\nsheep 2\n0 left, error 2\n", out
        return None

    return cases("sdk", copy(world), new_provider_writes_what_it_says, new_provider_adds_it_to_both_lists,
                 new_provider_passes_its_own_test, new_provider_answers_a_component)


def guest_linkers():
    """What links components of C; nothing without the tools."""
    done = subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True, check=False) \
        if shutil.which("rustc") and shutil.which("clang-19") else None
    return list(Path(done.stdout.strip()).glob("lib/rustlib/*/bin/wasm-component-ld")) if done else []


def build_guest(folder, wit, name):
    """tests/sdk/NAME.c as the chapter in HACKING.md builds its own; False without the tools."""
    linkers = guest_linkers()
    if not linkers:
        return False
    ran(["clang-19", "--target=wasm32-wasi", f"-fuse-ld={linkers[0]}",
         f"-Wl,--component-type={wit}", ROOT / f"tests/sdk/{name}.c", "-o", f"{name}.wasm"], cwd=folder)
    return True


# --- make new-provider FORM=library ---------------------------------------------------------

LIBRARY = [f"{SNAKE}.c", f"{SNAKE}.wit", f"{SNAKE}_test.c", "Makefile", "loop.yaml", "player.c"]


def library(world):
    """A library of the template: built with an installation and with loop's folder, outside of both."""
    def installation(folder):
        env = world.environment(folder)
        if not (folder / "prefix").exists():
            ran(["python3", "tools/install.py", world.build, folder / "prefix"])
        return env | {"PATH": f"{folder}/prefix/bin:{env['PATH']}",
                      "PKG_CONFIG_PATH": f"{folder}/prefix/lib/pkgconfig"}

    def library_template_is_a_library_as_it_is(folder):
        shutil.copytree(ROOT / "templates/provider-library", folder / "as-it-is")
        for name, place in (("build", world.build), ("include", ROOT / "include")):
            (folder / "tree" / name).parent.mkdir(exist_ok=True)
            (folder / "tree" / name).symlink_to(place)
        out = ran(["make", "-C", "as-it-is", "LOOP=../tree", "CFLAGS=-O2 -Wall -Wextra -Wpedantic -Werror"],
                  cwd=folder, env=world.environment(folder))
        assert (folder / "as-it-is/build/scaffold.so").exists(), out
        lines = len((ROOT / "templates/provider-library/scaffold.c").read_text("utf-8").splitlines())
        assert lines < 120, f"the template has {lines} lines"

    def library_is_written_as_said(folder):
        status, out = new_provider(world, folder, NAME, "--form", "library", "--dir", "mine")
        assert status == 0, out
        said = sorted(re.findall(r"^wrote mine/(.*)", out, re.M))
        there = sorted(p.name for p in (folder / "mine").iterdir())
        assert said == there == sorted(LIBRARY), f"{said} are not {there}"
        left = [n for n in there if "scaffold" in (folder / "mine" / n).read_text("utf-8").lower()]
        assert not left, f"the template's name is left in {left}"
        for more in (["--form", "library", "--dir", "mine"], ["--form", "odd"]):
            before = tree(folder)
            status, out = new_provider(world, folder, NAME, *more)
            assert status == 1 and "\nhint: " in out and tree(folder) == before, f"{status}: {out}"

    def library_is_built_with_an_installation(folder):
        ran(["make", "-C", "mine"], cwd=folder, env=installation(folder))
        symbols = ran(["nm", "-D", "--defined-only", f"mine/build/{SNAKE}.so"], cwd=folder)
        assert re.findall(r" (\w+)$", symbols, re.M) == ["loop_provider_exported"], symbols

    def library_answers_a_component_when_it_is_trusted(folder):
        if not build_guest(folder, f"mine/{SNAKE}.wit", "player"):
            return "the toolchain for C guests is not set up: tools/setup/apt.sh"
        env, run = installation(folder), ["loop", "run", "../player.wasm"]
        status, out, _ = common.run(run, cwd=folder / "mine", env=env, merged=True)
        assert status == 77 and b"is not trusted" in out, f"{status}: {out}"
        ran(["loop", "trust", "--yes"], cwd=folder / "mine", env=env)
        out = ran(run, cwd=folder / "mine", env=env)
        assert out == "1000 dice, fair\nerror 0 of 1, error 1 of 1001\n", out
        return None

    def library_is_swapped_while_a_component_uses_it(folder):
        linkers = guest_linkers()
        if not linkers:
            return "the toolchain for C guests is not set up: tools/setup/apt.sh"
        env = installation(folder) | {"LD_LIBRARY_PATH": f"{folder}/prefix/lib"}
        compiler = f"WASM_CC=clang-19 --target=wasm32-wasi -fuse-ld={linkers[0]}"
        checks = ["CFLAGS=-O1 -g -fsanitize=address,undefined"] if world.asan else []
        out = ran(["make", "-C", "mine", "test", compiler, *checks], cwd=folder, env=env)
        assert re.search(r"^\d{4,} dice, each the next one$", out, re.M) and "\nmany swaps\n" in out, out
        return None

    return cases("sdk", copy(world), library_template_is_a_library_as_it_is, library_is_written_as_said,
                 library_is_built_with_an_installation, library_answers_a_component_when_it_is_trusted,
                 library_is_swapped_while_a_component_uses_it)


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

    return cases("sdk", copy(world), new_provider_refuses_names)


def tree(folder):
    return {p: p.read_bytes() if p.is_file() else None for p in folder.rglob("*")
            if "__pycache__" not in p.parts}
