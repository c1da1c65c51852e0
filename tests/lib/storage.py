"""The command is killed while a component stores: nothing that was acknowledged is lost.

A run is `loop run` with a component that counts on in its store and prints each number
when the store has acknowledged it. It is killed (SIGKILL) at a random moment, also before
it has started; the next run goes on with what is there. STORE_KILLS is the number of runs.
`sqlite_kill_test` and `sqlite_crash_test` do the same below, faster and with worse disks.
"""

import os
import random
import subprocess
import time

from . import common
from .common import Result

SLOTS = 8


class Lost(Exception):
    """What is there is not what was acknowledged."""


def command(world, *words):
    guest = world.components / "guests/store.wasm"
    return [str(world.build / "loop"), "run", "--bind", "loop:storage/store=sqlite",
            "--storage", "1MiB", str(guest), "in", "notes", *words]


def killed(world, tmp, delay):
    """The last number that was acknowledged; None where there was none."""
    process = subprocess.Popen(command(world, "hammer"), cwd=tmp, env=world.environment(tmp),
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, start_new_session=True)
    time.sleep(delay)
    if process.poll() is not None:
        raise Lost(f"ended by itself: {process.communicate()[1].decode()}")
    process.kill()
    lines = process.communicate()[0].decode().split("\n")[:-1]  # the last one may be cut
    return int(lines[-1]) if lines else None


def stored(world, tmp):
    """What is there: the number, after each of the slots was looked at."""
    slots = [f"s{i}" for i in range(SLOTS)]
    status, out, err = common.run(command(world, "many", "n", *slots, "."), cwd=tmp,
                                  env=world.environment(tmp))
    if status != 0:
        raise Lost(f"status {status}: {err.decode()}")
    words = out.decode().split()[1:]
    n = 0 if words[0] == "-" else int(words[0])
    for i in range(max(1, n - SLOTS + 1), n + 1):
        if words[1 + i % SLOTS] != str(i):
            raise Lost(f"slot {i % SLOTS} is {words[1 + i % SLOTS]}, not {i}, with n = {n}")
    return n


def runs(world):
    many = int(os.environ.get("STORE_KILLS", "12"))
    tmp = common.fresh_folder(world, "storage-")
    total = before = 0
    for run in range(many):
        delay = random.uniform(0, 0.2) if run else 2.0  # the first one compiles
        acknowledged = killed(world, tmp, delay)
        n = stored(world, tmp)
        least = before if acknowledged is None else acknowledged
        # One more may be under way; without a line, also those whose lines were not read.
        if n < least or (acknowledged is not None and n > acknowledged + 2):
            return Result("storage/killed", False,
                          f"run {run}: {acknowledged} acknowledged, {before} before, {n} there\n")
        total, before = total + n - before, n
    common.remove(tmp)
    return Result("storage/killed", total > 0, f"{total} writes in {many} runs\n")


def jobs(world):
    def killed_runs():
        try:
            return runs(world)
        except Lost as error:
            return Result("storage/killed", False, f"{error}\n")
    if "storage/killed".find(world.pattern) >= 0:
        yield killed_runs
