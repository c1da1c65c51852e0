"""Writes the archives of archives.py into a folder, a file each: for the cases of tests/attacks/packages.

    attack.py GOOD.tar FOLDER FAMILY...      GOOD.tar: a package, which the others are made of"""

import sys
import tarfile
from pathlib import Path

import archives


def main():
    good, folder, *families = sys.argv[1:]
    with tarfile.open(good) as tar:
        parts = {m.name: tar.extractfile(m).read() for m in tar}
    made = [content for name in families for _, content, _ in archives.FAMILIES[name](parts)]
    Path(folder).mkdir()
    for i, content in enumerate(made):
        (Path(folder) / f"{i:03}.tar").write_bytes(content)


if __name__ == "__main__":
    main()
