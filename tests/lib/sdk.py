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
         ROOT / "base/base.c", ROOT / "base/text.c", f"-L{world.build}", "-lloop", "-lcmocka",
         f"-Wl,-rpath,{world.build}", "-o", output], cwd=folder)


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
