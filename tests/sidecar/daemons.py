"""The journal, with children: some that left its session and their parents, one that did not.

    daemons.py FILE
"""

import os
import subprocess
import time

for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.setsid()
            subprocess.Popen(["sleep", "1000"])
            time.sleep(1000)
        os._exit(0)
subprocess.Popen(["sleep", "1000"])

import journal  # noqa: E402,F401: serves
