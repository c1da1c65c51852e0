#!/usr/bin/env python3
"""Makes a provider inside of loop that works, to be changed into the one that is wanted.

    new_provider.py [--loop FILE] NAME

NAME is words in lower case with dashes between them: night-light. Writes providers/night_light/
from templates/provider, lets FILE (build/loop) write the bindings, and adds the provider to
meson.build and api/providers.c. Checks everything first, and writes over nothing.

`make new-provider NAME=night-light` is this. A provider of one's own, in a library or a sidecar,
is `loop provider new`.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 32  # of a name


class Problem(Exception):
    """What is wrong, and what to do."""

    def __init__(self, what, hint):
        super().__init__(what)
        self.hint = hint


def check_name(name):
    if not name:
        raise Problem("the provider has no name", "make new-provider NAME=night-light")
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*", name) or len(name) > LONGEST:
        raise Problem(f"'{name}' is no name for a provider",
                      f"words in lower case with dashes between them, at most {LONGEST} letters: "
                      "night-light")


def fill(text, name):
    """The text with its placeholders filled in; templates/README.md has them."""
    snake = name.replace("-", "_")
    for form, instead in (("scaffold-name", name), ("scaffold_name", snake), ("SCAFFOLD_NAME", snake.upper()),
                          ("ScaffoldName", "".join(word.capitalize() for word in name.split("-")))):
        text = text.replace(form, instead)
    return text


def write_folder(scratch, name, loop):
    """The provider's folder, complete, below `scratch`."""
    snake = name.replace("-", "_")
    folder = scratch / "providers" / snake
    (folder / "gen").mkdir(parents=True)
    for template in (ROOT / "templates/provider").glob("scaffold_name*"):
        (folder / fill(template.name, name)).write_text(fill(template.read_text(encoding="utf-8"), name),
                                                        encoding="utf-8")
    gen = f"providers/{snake}/gen"
    # The paths as tools/gen_bindings.sh gives them: the files name them.
    (scratch / "wit").symlink_to(ROOT / "wit")
    done = subprocess.run([loop, "bindgen", "c-host", "--deps", "wit", "--deps", "wit/deps",
                           "--out-dir", gen, "--include", f"{gen}/{snake}.h",
                           f"providers/{snake}/{snake}.wit"], cwd=scratch, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise Problem(f"there are no bindings for a provider '{name}':\n{done.stdout.rstrip()}",
                      "another NAME; is it a word of WIT?")
    if shutil.which("clang-format-19"):
        subprocess.run(["clang-format-19", f"--style=file:{ROOT}/.clang-format", "-i",
                        *folder.glob("*.[ch]")], check=True)
    return folder


def insert(path, text, after, line):
    """The file's text with `line` after the match, which the file must have once."""
    found = re.findall(after, text, re.M)
    if len(found) != 1:
        raise Problem(f"{path.relative_to(ROOT)} has no place for a provider",
                      f"it must have one match of: {after}")
    return re.sub(after, lambda match: match[0] + line, text, flags=re.M)


def registered(snake):
    """The two files that list providers, with this one: {path: text}."""
    home = f"providers/{snake}"
    meson, listing = ROOT / "meson.build", ROOT / "api/providers.c"
    built = insert(meson, meson.read_text(encoding="utf-8"), r"^provider_sources = files\($",
                   f"\n  '{home}/{snake}.c', '{home}/gen/{snake}.c',")
    built = insert(meson, built, r"^provider_tests = \{$",
                   f"\n  'provider_{snake}_test': files('{home}/{snake}_test.c'),")
    listed = insert(listing, listing.read_text(encoding="utf-8"),
                    r"(?:^#include \"providers/.*\n)+", f'#include "{home}/{snake}.h"\n')
    listed = insert(listing, listed, r"(?:^    &lp_provider_\w+,\n)+", f"    &lp_provider_{snake},\n")
    return {meson: built, listing: listed}


def new_provider(name, loop):
    """Makes it; the paths that are new or changed."""
    check_name(name)
    snake = name.replace("-", "_")
    home = ROOT / "providers" / snake
    if home.exists():
        raise Problem(f"there is a providers/{snake} already", "another NAME, or remove it first")
    if not loop.is_file():
        raise Problem(f"'{loop}' is not built: it writes the bindings", "make")
    texts = registered(snake)
    with tempfile.TemporaryDirectory() as scratch:
        shutil.copytree(write_folder(Path(scratch), name, loop.resolve()), home)
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    return sorted(p for p in home.rglob("*") if p.is_file()), list(texts)


def make(args):
    new, changed = new_provider(args.name, args.loop)
    for path in new:
        print(f"wrote {path.relative_to(ROOT)}")
    for path in changed:
        print(f"changed {path.relative_to(ROOT)}")
    snake = args.name.replace("-", "_")
    print(f"It works as it is. Change {snake}.wit, run `tools/gen_bindings.sh --write {snake}`, "
          f"and change {snake}.c.")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--loop", type=Path, default=ROOT / "build/loop")
    parser.add_argument("name", metavar="NAME")
    args = parser.parse_args()
    try:
        make(args)
    except Problem as problem:
        print(f"error: {problem}\nhint: {problem.hint}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
