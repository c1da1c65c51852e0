"""Sidecars: each SDK's conformance program against sidecar/conformance/run.py.

A row of SIDECARS is a name, the file whose absence means that it was not built here, and the command, in
which {root}, {build} and {components} stand for folders. A new SDK is a row.
"""

import re
import shutil
import sys
from pathlib import Path

from . import common
from .common import ROOT, Result

SIDECARS = [
    ("c", "{build}/tests/conformance_sidecar", ["{build}/tests/conformance_sidecar"]),
    ("node", "{root}/sdk/js/sidecar/conformance.mjs", ["node", "{root}/sdk/js/sidecar/conformance.mjs"]),
    ("python", "{root}/sdk/python/sidecar/conformance.py",
     [sys.executable, "{root}/sdk/python/sidecar/conformance.py"]),
    ("rust", "{components}/sidecars/rust-conformance", ["{components}/sidecars/rust-conformance"]),
]


def jobs(world):
    places = {"root": ROOT, "build": world.build, "components": world.components}
    for name, file, command in SIDECARS:
        command = [part.format(**places) for part in command]
        yield lambda name=name, file=file.format(**places), command=command: conformance(world, name, file, command)


def conformance(world, name, file, command):
    if not shutil.which(command[0]) or not Path(file).exists():
        missing = command[0] if not shutil.which(command[0]) else file
        return Result(f"sidecar-conformance/{name}", False, f"{missing} is not there: it was not built\n")
    home = common.fresh_folder(world, "sidecar-")
    script = ROOT / "sidecar/conformance/run.py"
    status, out, err = common.run([sys.executable, str(script), "--", *command],
                                  env=world.environment(home), cwd=home, timeout=600)
    common.remove(home)
    return results(f"sidecar-conformance/{name}", status, out.decode(errors="replace"), err.decode(errors="replace"))


def results(title, status, out, err):
    """One Result a line of the script; what it did not get to is a failure too."""
    found, last = [], ""
    for line in out.splitlines():
        if m := re.match(r"(ok|skipped|FAILED) +(.*)$", line):
            found.append(Result(f"{title}: {m[2]}", m[1] != "FAILED"))
            found[-1].skip = "?" if m[1] == "skipped" else ""
        elif line.startswith("    ") and found and found[-1].skip:
            found[-1].skip = line.strip()
        elif line.startswith("    ") and found:
            found[-1].detail += line[4:] + "\n"
        last = line
    if not re.fullmatch(r"\d+ passed, \d+ failed", last) or (status and all(r.ok for r in found)):
        found.append(Result(title, False, f"{common.shown(status)}\n{out[-2000:]}{err}"))
    return found
