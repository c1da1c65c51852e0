"""An installation of the build under test, and a place to run in from which loop's sources are gone."""

import functools
import shutil
import subprocess
import threading

from . import common
from .common import ROOT


class Failed(Exception):
    """A command ended with another status than 0; what it printed."""


def ran(command, **more):
    status, out, _ = common.run([str(part) for part in command], merged=True, **more)
    out = out.decode(errors="replace")
    if status:
        raise Failed(f"{' '.join(str(part) for part in command)}\nended with {common.shown(status)}:\n{out}")
    return out


def cases(prefix, folder, *functions, keep=False):
    """A Result a function; the first that fails is the last, as what follows depends on it."""
    results = []
    try:
        for function in functions:
            name = f"{prefix}/{function.__name__}"
            try:
                results.append(common.Result(name, skip=function(folder) or ""))
            except (Failed, AssertionError) as why:
                results.append(common.Result(name, False, f"{why}\n"))
                break
    finally:
        if not keep:
            common.remove(folder)
    return results


ONCE = threading.Lock()


def install(world, folder):
    """FOLDER/prefix: installed once in a run, below a DESTDIR for another prefix, then copied here."""
    with ONCE:
        if "installed" not in world.places:
            place = common.fresh_folder(world, "installed-") / "destdir/opt/loop"
            ran(["python3", "tools/install.py", world.build, place])
            world.places["installed"] = place
    shutil.copytree(world.places["installed"], folder / "prefix", symlinks=True)
    return folder / "prefix"


def environment(world, folder):
    """For whoever has the installation in FOLDER/prefix and nothing else of loop."""
    own = {k: v for k, v in world.environment(folder).items() if k != "WASM_TOOLS"}
    path = own["PATH"].removeprefix(f"{world.build}:")
    return own | {"PATH": f"{folder}/prefix/bin:{path}",
                  "LOOP_CACHE_DIR": str(folder / "cache"),
                  "PKG_CONFIG_PATH": str(folder / "prefix/lib/pkgconfig")}


@functools.cache
def hiding():
    """What makes a command see neither loop's sources nor its build; None where the system forbids it."""
    command = ["unshare", "--mount", "--map-root-user", "--user", "sh", "-euc",
               'mount -t tmpfs none "$1"; shift; exec "$@"', "sh", str(ROOT)]
    try:
        done = subprocess.run([*command, "ls", "-A", str(ROOT)], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, check=False)
    except OSError:
        return None
    return command if done.returncode == 0 and not done.stdout else None


def hidden(command):
    """The command as it must do: without the sources (with them in sight, where they cannot be hidden)."""
    return [*(hiding() or []), *map(str, command)]


def alone(command, **more):
    return ran(hidden(command), **more)
