#!/usr/bin/env python3
"""Vendored WIT: where it comes from, that nobody changed it, how to use it.

wit/deps/ holds the WIT of other people that loop's packages use. It is copied,
not fetched at build time, so that a clone builds offline and everyone compiles
the same text. wit/wit.lock says for every folder which crate it was taken
from, and the SHA-256 of every file. tools/check_wit.py runs `check` below.

    wit_vendor.py check              wit/deps is what the lock says (offline)
    wit_vendor.py restore            write wit/deps again from the crates, by the lock
    wit_vendor.py update             take SOURCES below, write wit/deps and the lock
    wit_vendor.py tree PACKAGE OUT   a folder that binding generators accept:
                                     OUT/*.wit is wit/PACKAGE, OUT/deps/ what it
                                     needs, e.g. `tree command build/wit/command`

To take another version: edit SOURCES, run `update`, read the diff, commit all
three. Versions are the lowest that have what loop uses, because a host matches
0.2.x imports by name and a component asks for what it was compiled against.

`restore` and `update` need cargo, which downloads the crates through its own
registry and checks them; nothing here talks to a network by itself.
"""

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK_VERSION = 1

# folder, WIT package, crate, crate version, folder inside the crate, SPDX licence
_WASI = ("wasi", "0.12.1+wasi-0.2.0")
_WASI_LICENCE = "Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT"
_LLVM = "Apache-2.0 WITH LLVM-exception"
SOURCES = [
    (f"wasi-{name}-0.2.0", f"wasi:{name}@0.2.0", *_WASI, f"wit/deps/{name}", _WASI_LICENCE)
    for name in ("cli", "clocks", "filesystem", "http", "io", "random", "sockets")
] + [
    ("wasi-config-0.2.0-rc.1", "wasi:config@0.2.0-rc.1",
     "wasmtime-wasi-config", "48.0.8", "wit/deps/config", _LLVM),
    ("wasi-keyvalue-0.2.0-draft", "wasi:keyvalue@0.2.0-draft",
     "wasmtime-wasi-keyvalue", "48.0.8", "wit/deps/keyvalue", _LLVM),
    ("wasi-keyvalue-0.2.0-draft2", "wasi:keyvalue@0.2.0-draft2",
     "spin-sdk", "7.0.0", "wit/deps/wasi-keyvalue-2024-10-17", _LLVM),
    ("wasi-logging-0.1.0-draft", "wasi:logging@0.1.0-draft",
     "wasmcloud-component", "0.2.0", "wit/deps/logging", "Apache-2.0"),
]


class VendorError(Exception):
    """A message for a person; printed once, by main()."""


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


# --- the lock ---------------------------------------------------------------

def read_lock(wit):
    path = wit / "wit.lock"
    try:
        with path.open("rb") as file:
            lock = tomllib.load(file)
    except FileNotFoundError:
        raise VendorError(f"{path} is missing; `wit_vendor.py update` writes it") from None
    except tomllib.TOMLDecodeError as error:
        raise VendorError(f"{path}: {error}") from None
    if lock.get("lock-version") != LOCK_VERSION:
        raise VendorError(f"{path}: lock-version must be {LOCK_VERSION}")
    packages = lock.get("package", [])
    for package in packages:
        for key in ("wit", "folder", "crate", "crate-version", "crate-sha256", "path", "files"):
            if key not in package:
                raise VendorError(f"{path}: an entry lacks '{key}': {package.get('wit', package)}")
        names = [package["folder"], *package["files"]]
        if any(not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name) for name in names):
            raise VendorError(f"{path}: '{package['wit']}' names a path outside wit/deps")
    return packages


def write_lock(wit, packages):
    lines = [
        "# Where each folder of wit/deps comes from. Written by `tools/wit_vendor.py update`;",
        "# `tools/check_wit.py` fails when a file differs, is missing or is not listed.",
        f"lock-version = {LOCK_VERSION}",
    ]
    for package in packages:
        lines.append("\n[[package]]")
        for key in ("wit", "folder", "crate", "crate-version", "crate-sha256", "path", "licence"):
            lines.append(f'{key} = "{package[key]}"')
        lines.append("[package.files]")
        lines += [f'"{name}" = "{digest}"' for name, digest in sorted(package["files"].items())]
    (wit / "wit.lock").write_text("\n".join(lines) + "\n", encoding="utf-8")


def check(wit):
    """Everything that differs between wit/deps and the lock, as (path, what to do)."""
    deps = wit / "deps"
    expected = {}
    for package in read_lock(wit):
        for name, digest in package["files"].items():
            expected[f"{package['folder']}/{name}"] = digest
    found = {path.relative_to(deps).as_posix(): path
             for path in sorted(deps.rglob("*")) if not path.is_dir() or path.is_symlink()}
    problems = []
    for name in sorted(expected.keys() | found.keys()):
        path = deps / name
        if name not in found:
            problems.append((path, "missing: run `tools/wit_vendor.py restore`"))
        elif name not in expected:
            problems.append((path, "not in wit.lock: delete it, or add its source to SOURCES "
                                   "in tools/wit_vendor.py and run `update`"))
        elif path.is_symlink() or not path.is_file():
            problems.append((path, "not a plain file: run `tools/wit_vendor.py restore`"))
        elif sha256(path) != expected[name]:
            problems.append((path, "changed since it was locked: run `tools/wit_vendor.py "
                                   "restore`; vendored files are never edited here"))
    return problems


# --- crates -----------------------------------------------------------------

def fetch_crates(wanted):
    """{(crate, version): (folder, sha256 of the .crate)}, through cargo."""
    with tempfile.TemporaryDirectory(prefix="wit-vendor-") as scratch:
        scratch = Path(scratch)
        (scratch / "src").mkdir()
        (scratch / "src" / "lib.rs").touch()
        manifest = ['[package]\nname = "wit-vendor"\nversion = "0.0.0"\nedition = "2021"',
                    "[dependencies]"]
        for number, (crate, version) in enumerate(sorted(wanted)):
            plain = version.split("+")[0]
            manifest.append(f'c{number} = {{ package = "{crate}", version = "={plain}", '
                            "default-features = false }")
        (scratch / "Cargo.toml").write_text("\n".join(manifest) + "\n", encoding="utf-8")
        try:
            metadata = json.loads(subprocess.run(
                ["cargo", "metadata", "--format-version", "1"], cwd=scratch, check=True,
                stdout=subprocess.PIPE).stdout)
        except FileNotFoundError:
            raise VendorError("cargo is not on PATH; it downloads the crates") from None
        except subprocess.CalledProcessError:
            raise VendorError("cargo could not fetch the crates (its message is above)") from None
        with (scratch / "Cargo.lock").open("rb") as file:
            digests = {(entry["name"], entry["version"]): entry.get("checksum")
                       for entry in tomllib.load(file)["package"]}
    crates = {}
    for entry in metadata["packages"]:
        key = (entry["name"], entry["version"])
        if key in wanted:
            crates[key] = (Path(entry["manifest_path"]).parent, digests[key])
    for key in wanted:
        if key not in crates:
            raise VendorError(f"cargo did not deliver {key[0]} {key[1]}")
    return crates


def copy_package(source, target):
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for path in sorted(source.glob("*.wit")):
        shutil.copyfile(path, target / path.name)


def update(wit):
    crates = fetch_crates({(crate, version) for _, _, crate, version, _, _ in SOURCES})
    packages = []
    for folder, name, crate, version, path, licence in SOURCES:
        source, digest = crates[crate, version]
        files = {file.name: sha256(file) for file in sorted((source / path).glob("*.wit"))}
        if not files:
            raise VendorError(f"{crate} {version} has no WIT in {path}")
        packages.append({"wit": name, "folder": folder, "crate": crate,
                         "crate-version": version, "crate-sha256": digest, "path": path,
                         "licence": licence, "files": files})
        copy_package(source / path, wit / "deps" / folder)
    known = {package["folder"] for package in packages}
    for path in (wit / "deps").iterdir():
        if path.name not in known:
            print(f"not in SOURCES, left alone: {path}")
    write_lock(wit, packages)


def restore(wit):
    packages = read_lock(wit)
    crates = fetch_crates({(p["crate"], p["crate-version"]) for p in packages})
    for package in packages:
        source, digest = crates[package["crate"], package["crate-version"]]
        where = f"{package['crate']} {package['crate-version']}"
        if digest != package["crate-sha256"]:
            raise VendorError(f"{where}: the registry's digest is not the lock's; do not use it")
        for name, file_digest in package["files"].items():
            path = source / package["path"] / name
            if not path.is_file() or sha256(path) != file_digest:
                raise VendorError(f"{where}: {package['path']}/{name} is not what was locked")
    for package in packages:
        source, _ = crates[package["crate"], package["crate-version"]]
        copy_package(source / package["path"], wit / "deps" / package["folder"])


# --- trees for binding generators -------------------------------------------

PACKAGE_LINE = re.compile(r"^\s*package\s+([a-z][a-z0-9-]*:[a-z][a-z0-9-]*(?:@[^;\s{]+)?)\s*;",
                          re.MULTILINE)
REFERENCE = re.compile(r"\b([a-z][a-z0-9-]*):([a-z][a-z0-9-]*)/[a-z][a-z0-9-]*"
                       r"(?:@([0-9A-Za-z.+-]*[0-9A-Za-z]))?")


def strip_comments(text):
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)


def package_of(folder):
    """The name in a folder's `package` line, 'loop:core@0.1.0', or None."""
    for path in sorted(folder.glob("*.wit")):
        match = PACKAGE_LINE.search(strip_comments(path.read_text(encoding="utf-8")))
        if match:
            return match[1]
    return None


def references(folder):
    """The packages that a folder's files name, 'wasi:io@0.2.0'."""
    found = set()
    for path in folder.glob("*.wit"):
        text = strip_comments(path.read_text(encoding="utf-8"))
        for namespace, name, version in REFERENCE.findall(text):
            found.add(f"{namespace}:{name}" + (f"@{version}" if version else ""))
    return found


def all_packages(wit):
    """{package name: folder} of everything under wit/, loop's own and vendored."""
    folders = [path for path in sorted(wit.iterdir()) if path.is_dir() and path.name != "deps"]
    if (wit / "deps").is_dir():
        folders += [path for path in sorted((wit / "deps").iterdir()) if path.is_dir()]
    packages = {}
    for folder in folders:
        name = package_of(folder)
        if name is None:
            raise VendorError(f"{folder}: no file has a `package name@version;` line")
        if name in packages:
            raise VendorError(f"{folder}: {name} is also in {packages[name]}")
        packages[name] = folder
    return packages


def tree(wit, root, out):
    """Write `out` so that `root` (a folder of WIT) parses by itself."""
    packages = all_packages(wit)
    own = package_of(root)
    needed, queue = set(), [root]
    while queue:
        for name in references(queue.pop()):
            if name in packages and name != own and name not in needed:
                needed.add(name)
                queue.append(packages[name])
    copy_package(root, out)
    for name in sorted(needed):
        folder = packages[name]
        label = folder.name if folder.parent.name == "deps" else \
            re.sub(r"[:@]", "-", name)
        copy_package(folder, out / "deps" / label)
    return needed


def main(argv=None):
    parser = argparse.ArgumentParser(description="vendored WIT: check, restore, update, tree")
    parser.add_argument("--wit", type=Path, default=ROOT / "wit", help="the wit/ folder")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check")
    commands.add_parser("restore")
    commands.add_parser("update")
    tree_parser = commands.add_parser("tree")
    tree_parser.add_argument("package", help="a folder under wit/, such as 'command'")
    tree_parser.add_argument("out", type=Path, help="written anew; must not be under wit/")
    arguments = parser.parse_args(argv)
    try:
        if arguments.command == "check":
            problems = check(arguments.wit)
            for path, what in problems:
                print(f"{path}: {what}", file=sys.stderr)
            return 1 if problems else 0
        if arguments.command == "tree":
            root = arguments.wit / arguments.package
            if not root.is_dir():
                raise VendorError(f"{root} is no folder")
            out = arguments.out.resolve()
            if out == arguments.wit.resolve() or arguments.wit.resolve() in out.parents:
                raise VendorError(f"{out} is inside {arguments.wit}; it would be overwritten")
            if out.exists() and any(out.iterdir()) and not any(out.glob("*.wit")):
                raise VendorError(f"{out} exists and holds something else")
            tree(arguments.wit, root, out)
        else:
            {"restore": restore, "update": update}[arguments.command](arguments.wit)
    except VendorError as error:
        print(f"wit_vendor: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
