#!/usr/bin/env python3
"""Calls of all kinds at once, drawn by chance: for races that the checks of run.py do not meet.

    soak.py [--seconds N] [--seed N] -- COMMAND [ARGUMENT...]

COMMAND serves conformance.wit. As many calls as it bears are under way: bytes of all sizes both ways,
through pipes and shared memory; calls of the next that are answered at once, later, or in another order;
calls that are cancelled; handles that are made, taken and dropped. Each answer is checked, and at last
that as many objects live as are held. The seed is printed where something is wrong.
"""

import argparse
import random
import sys
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from peer import Fault, Sidecar, Wrong  # noqa: E402
from talk import resource, same  # noqa: E402
from values import filled  # noqa: E402

MOST = 24  # under way; what they hold together fits into the host's half of the shared memory
SHARED = 64 << 20
FILLED = bytes(filled(1000000))


class Soak:
    def __init__(self, peer, draw):
        self.peer, self.draw, self.done = peer, draw, 0
        self.waiting = {}  # id of a call -> what its answer has to be
        self.later, self.things = [], []
        self.kinds = [self.echo, self.next, self.wait, self.fault, self.make, self.give_up, self.fill]
        peer.on_next = self.on_next

    def on_next(self, frame_id, call_id, name, args, result):
        if self.draw.random() < 0.5:
            self.peer.answer_next(frame_id, result, args[0] * 10)
        else:
            self.later.append((frame_id, result, args[0] * 10))

    def begin(self, check, name, *args, **more):
        self.waiting[self.peer.begin(name, *args, **more)] = check

    def echo(self):
        data = self.draw.randbytes(self.draw.choice((0, 10, 1000, 70000, 400000)))
        self.begin(lambda v: same(bytes(v), data), "values.echo-bytes", data, share=self.draw.random() < 0.5)

    def next(self):
        n = self.draw.randrange(1000)
        self.begin(lambda v: same(v, 20 * n + 10), "calls.twice", n)

    def wait(self):
        cancelled = self.draw.random() < 0.5 and "cancel" in self.peer.capabilities
        ms = self.draw.randrange(30)
        self.begin(lambda v: v == {"ok": ms} or same((cancelled, v), (True, {"error": "stopped"})), "calls.wait", ms)
        if cancelled:
            self.peer.send("CANCEL", max(self.waiting), ["stopped", 5])

    def fault(self):
        self.begin(lambda v: same(v, "FAULT"), "calls.fault", "io", ["as was asked for"], None)

    def make(self):
        self.begin(self.things.append, "things.[static]thing.make", "a thing")

    def give_up(self):
        if not self.things:
            return
        handle = self.things.pop(self.draw.randrange(len(self.things)))
        if self.draw.random() < 0.5:
            self.peer.send("DROP", 0, [*resource(self.peer, "thing"), handle])
        else:
            self.begin(lambda v: same(v, "a thing"), "things.take", handle)

    def fill(self):
        n = self.draw.choice((10, 80000, 1000000))
        self.begin(lambda v: same(bytes(v), FILLED[:n]), "values.fill", n)

    def answer_later(self):
        while self.later and self.draw.random() < 0.8:
            self.peer.answer_next(*self.later.pop(self.draw.randrange(len(self.later))))

    def finish_one(self):
        self.answer_later()
        if not self.peer.messages:
            if not self.later:
                self.peer.pump(time.monotonic() + self.peer.patience, "an answer")
            return
        call_id = self.peer.messages[0][1]
        check = self.waiting.pop(call_id)
        try:
            value = self.peer.answer(call_id)
        except Fault as fault:
            if fault.messages != ["as was asked for"]:
                raise
            value = "FAULT"
        check(value)
        if call_id in self.peer.held:
            self.peer.release(call_id)
        self.done += 1

    def run(self, seconds):
        most, until = min(self.peer.welcome["calls"] or MOST, MOST), time.monotonic() + seconds
        while time.monotonic() < until:
            if len(self.waiting) < most and self.draw.random() < 0.7:
                self.draw.choice(self.kinds)()
            elif self.waiting:
                self.finish_one()
        while self.waiting:
            self.finish_one()
        same(self.peer.call("things.live"), len(self.things), "objects that live")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("command", nargs="+")
    args = parser.parse_args()
    try:
        with Sidecar(args.command, shared=SHARED, patience=30) as peer:
            peer.start()
            peer.caller()
            soak = Soak(peer, random.Random(args.seed))
            soak.run(args.seconds)
    except (Wrong, Fault) as why:
        print(f"seed {args.seed}: {why}")
        return 1
    except Exception:
        print(f"seed {args.seed}: {traceback.format_exc()}")
        return 1
    print(f"{soak.done} calls")
    return 0


if __name__ == "__main__":
    sys.exit(main())
