"""plain STATUS [ARGUMENT...]: a command as Python's SDK makes one; see plain.c."""

import os
import sys

from wit_world import exports


class Run(exports.Run):
    def run(self) -> None:
        status, *rest = sys.argv[1:] or ["0"]
        print(" ".join(["arguments:", *rest]))
        print("GREETING:", os.environ.get("GREETING", "not set"))
        for line in sys.stdin:
            print("stdin:", line.rstrip("\n"))
        sys.stdout.flush()
        sys.exit(int(status))
