#!/usr/bin/env python3
"""Installs what is built, or takes it away again.

    tools/install.py BUILD DEST [--libdir lib] [--no-strip]
    tools/install.py --remove DEST

DEST/bin/loop, DEST/LIBDIR/libloop.so with pkg-config's and CMake's files, DEST/include/loop, man pages,
completions, DEST/share/doc/loop with the API's reference, and DEST/share/loop: profiles, classes, WIT,
the SDKs and the templates, which need nothing else of this tree.

Nothing that is installed knows where it lies, or where it was built: the command finds the library, the
library share/loop, loop.pc and loopConfig.cmake the headers from their own places. So what is installed
may be moved. Nothing is compiled here: `make` comes first, as yourself; this may be root's.

Everything is put together in a folder of its own first, so that a failure leaves DEST as it was. A
list of what was installed stays in share/loop/installed.txt, which --remove reads, and the next
installation: what that does not have any more is taken away.
"""
import argparse
import errno
import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST = "share/loop/installed.txt"
# What of the tree goes below share/loop, and what of that stays here: tests, and what is built.
DATA = ("classes", "profiles", "wit", "sdk", "templates")
BUILT = ("target", "node_modules", "__pycache__", "build")


def not_for_others(folder):
    """The template of a provider inside of loop stays with loop's sources; what is generated, too."""
    folder = Path(folder)
    return {"provider"} if folder == ROOT / "templates" else {"gen"} if folder.parent == ROOT / "templates" else set()


LEFT_OUT = {"sdk": shutil.ignore_patterns(*BUILT, "tests", "conformance*", "*_test.*"),
            "templates": lambda folder, names: shutil.ignore_patterns(*BUILT)(folder, names) | not_for_others(folder)}



def fail(what, hint):
    sys.exit(f"error: {what}\nhint: {hint}")


# --- putting it together ------------------------------------------------------------------

def options_of(build):
    out = subprocess.run(["meson", "introspect", str(build), "--buildoptions"], check=True,
                         stdout=subprocess.PIPE).stdout
    return {o["name"]: o["value"] for o in json.loads(out)}


def meson_install(build, stage):
    done = subprocess.run(["meson", "install", "-C", str(build), "--no-rebuild", "--quiet", "--destdir", str(stage)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        fail(f"cannot put it together\n{done.stdout[-2000:]}", "ninja -C " + str(build))


def data(stage):
    """share/loop: copies, without links out of them."""
    share = stage / "share/loop"
    for name in DATA:
        shutil.rmtree(share / name, ignore_errors=True)
        shutil.copytree(ROOT / name, share / name, ignore=LEFT_OUT.get(name, shutil.ignore_patterns(*BUILT)))
    suite = share / "sidecar/conformance"
    suite.mkdir(parents=True)
    shutil.copy2(ROOT / "sidecar/PROTOCOL.md", share / "sidecar")
    for file in (ROOT / "sidecar/conformance").glob("*.*"):
        shutil.copy2(file, suite)
    doc = stage / "share/doc/loop"
    doc.mkdir(parents=True, exist_ok=True)
    for name in ("LICENSE", "README.md", "knowledge"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, doc / name)
    shutil.copytree(ROOT / "examples/tinyloop", doc / "examples/tinyloop", ignore=shutil.ignore_patterns(*BUILT))


def build_outputs(build, stage, libdir):
    """What Meson does not make: a program that cargo builds, the API's reference."""
    tool = build / "loop-wit"
    if not tool.exists():
        fail(f"'{build}' has no loop-wit", "make")
    shutil.copy2(tool, stage / libdir / "loop/loop-wit")
    subprocess.run([sys.executable, str(ROOT / "tools/api_docs.py"), "--out", str(stage / "share/doc/loop/api"),
                    "--man", str(stage / "share/man/man3")], check=True, stdout=subprocess.DEVNULL)


def move_libraries(stage, libdir):
    """From lib, where Meson put them, to LIBDIR; what is in them finds its way by itself."""
    if libdir == "lib":
        return
    (stage / libdir).parent.mkdir(parents=True, exist_ok=True)
    beside = stage / ".lib"  # lib/x86_64-linux-gnu lies in lib
    (stage / "lib").rename(beside)
    (stage / libdir).parent.mkdir(parents=True, exist_ok=True)
    beside.rename(stage / libdir)


def fill_in(stage, libdir):
    """The files for build systems say how far up the prefix is."""
    up = "/".join([".."] * len(Path(libdir).parts))
    for source, target in (("sdk/pkgconfig/loop.pc.in", f"{libdir}/pkgconfig/loop.pc"),
                           ("sdk/pkgconfig/loop-guest.pc.in", f"{libdir}/pkgconfig/loop-guest.pc"),
                           ("sdk/cmake/loopConfig.cmake.in", f"{libdir}/cmake/loop/loopConfig.cmake"),
                           ("sdk/cmake/loopConfigVersion.cmake.in", f"{libdir}/cmake/loop/loopConfigVersion.cmake")):
        text = (ROOT / source).read_text(encoding="utf-8")
        for word, value in (("up", up), ("libdir", libdir), ("version", version())):
            text = text.replace(f"@{word}@", value)
        (stage / target).parent.mkdir(parents=True, exist_ok=True)
        (stage / target).write_text(text, encoding="utf-8")
    shutil.rmtree(stage / "share/loop/sdk/pkgconfig")
    for left in (stage / "share/loop/sdk/cmake").glob("*.in"):
        left.unlink()


def version():
    return re.search(r"version: '([\d.]+)'", (ROOT / "meson.build").read_text(encoding="utf-8"))[1]


# --- nothing of the machine that built it -----------------------------------------------------

def machine_paths(build):
    """Folders of whoever built it, whose names the compiler left in the engine's messages."""
    homes = {Path.home(), Path(pwd.getpwuid(build.stat().st_uid).pw_dir)}
    paths = {str(ROOT), str(build)} | {f"{home}/{name}" for home in homes for name in (".cargo", ".cache", ".rustup")}
    paths |= {os.environ[name] for name in ("CARGO_HOME", "LOOP_CACHE_DIR", "XDG_CACHE_HOME", "RUSTUP_HOME")
              if os.environ.get(name, "").startswith("/")}
    return sorted((p.encode() for p in paths if len(p) > 4), key=len, reverse=True)


def programs(stage):
    for path in sorted(p for p in stage.rglob("*") if p.is_file() and not p.is_symlink()):
        with path.open("rb") as file:
            if file.read(4) == b"\x7fELF":
                yield path


def search_only(held, libdir):
    """The command looks for the library where it is: the loader tries a dozen names in each folder for each library."""
    wanted = f"$ORIGIN/../{libdir}".encode()
    return re.sub(rb"\$ORIGIN/\.\./lib[\w./-]*(?::\$ORIGIN/\.\./lib[\w./-]*)+\0",
                  lambda m: wanted.ljust(len(m[0]), b"\0") if len(wanted) < len(m[0]) else m[0], held)


def clean(path, paths, strip, libdir):
    """
    Without debug information, unless that is asked for; and the paths in text that is left are
    written over by as many slashes: such text has a length that is known elsewhere.
    """
    if strip:
        subprocess.run([os.environ.get("STRIP", "strip"), "--strip-unneeded", str(path)], check=True)
    mode, held = path.stat().st_mode, search_only(path.read_bytes(), libdir)
    for known in paths:
        held = held.replace(known + b"/", b"/" * (len(known) + 1)).replace(known + b"\0", b"/" * len(known) + b"\0")
    path.unlink()  # Meson may have linked it
    path.write_bytes(held)
    path.chmod(mode)


# --- into place, and away -----------------------------------------------------------------------

def listed(dest):
    file = dest / LIST
    if not file.exists():
        return set()
    names = set(file.read_text(encoding="utf-8").splitlines())
    return {n for n in names if n and not n.startswith("/") and ".." not in Path(n).parts}


def take_away(dest, names):
    for name in names:
        (dest / name).unlink(missing_ok=True)
    for folder in sorted({str(p) for n in names for p in Path(n).parents if str(p) != "."}, key=len, reverse=True):
        try:
            (dest / folder).rmdir()  # those that others use stay
        except OSError:
            pass


def into_place(stage, dest):
    """
    Each file by a rename, so that nobody sees half of a library, and running programs keep theirs; once all
    lie beside where they go, so that a disk that is full changes nothing. Everybody may read what is installed.
    """
    names = sorted(str(p.relative_to(stage)) for p in stage.rglob("*") if p.is_symlink() or p.is_file())
    before = listed(dest)
    (stage / LIST).write_text("\n".join([*names, LIST]) + "\n", encoding="utf-8")
    ready = []
    try:
        for name in [*names, LIST]:
            target = dest / name
            target.parent.mkdir(parents=True, exist_ok=True)
            beside = target.with_name(f".{target.name}.new")
            beside.unlink(missing_ok=True)
            ready.append((beside, target))
            if target.is_dir() and not target.is_symlink():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
            shutil.copy2(stage / name, beside, follow_symlinks=False)
            if not beside.is_symlink():
                beside.chmod(0o755 if beside.stat().st_mode & 0o100 else 0o644)
    except OSError:
        for beside, _ in ready:
            beside.unlink(missing_ok=True)
        raise
    for beside, target in ready:
        os.replace(beside, target)
    take_away(dest, before - {*names, LIST})


def install(args):
    build, dest = args.build.resolve(), args.dest.absolute()
    if not os.access(build / "loop", os.X_OK) or not (build / "libloop.so").exists():
        fail(f"'{args.build}' has no loop to install", "make")
    options = options_of(build)
    if options["prefix"] != "/" or options["libdir"] != "lib":
        fail(f"'{args.build}' was set up for the prefix '{options['prefix']}' and the libdir '{options['libdir']}'",
             f"meson configure {args.build} -Dprefix=/ -Dlibdir=lib && ninja -C {args.build}")
    libdir = args.libdir.strip("/")
    if not re.fullmatch(r"lib\w*(/[\w.-]+)?", libdir) or ".." in libdir:
        fail(f"'{args.libdir}' is no folder for libraries", "lib, lib64 or lib/x86_64-linux-gnu")
    os.umask(0o022)  # folders are for everybody, whoever installs
    with tempfile.TemporaryDirectory(prefix="loop-install-") as folder:
        stage = Path(folder) / "stage"
        meson_install(build, stage)
        data(stage)
        move_libraries(stage, libdir)
        build_outputs(build, stage, libdir)
        fill_in(stage, libdir)
        paths = machine_paths(build)
        strip = args.strip and options.get("b_sanitize", "none") == "none"
        for path in programs(stage):
            clean(path, paths, strip, libdir)
        try:
            into_place(stage, dest)
        except OSError as why:
            fail(f"cannot install into '{dest}': {why.strerror}: {why.filename}", "sudo make install, or another PREFIX")
    if str(dest) in ("/usr", "/usr/local"):
        subprocess.run(["ldconfig"], check=False, stderr=subprocess.DEVNULL)  # the loader keeps a list
    print(f"installed: {dest.resolve()}/bin/loop")


def remove(dest):
    names = listed(dest)
    if not names:
        fail(f"nothing is installed in '{dest}'", f"the list of it would be {dest}/{LIST}")
    try:
        take_away(dest, names)
    except OSError as why:
        fail(f"cannot remove '{why.filename}': {why.strerror}", "sudo make uninstall")
    print(f"removed: {dest}/bin/loop")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--remove", type=Path, metavar="DEST")
    parser.add_argument("build", type=Path, nargs="?")
    parser.add_argument("dest", type=Path, nargs="?")
    parser.add_argument("--libdir", default="lib")
    parser.add_argument("--no-strip", dest="strip", action="store_false")
    args = parser.parse_args()
    if args.remove:
        remove(args.remove)
    elif args.dest:
        install(args)
    else:
        parser.error("BUILD and DEST, or --remove DEST")


main()
