"""A client of a host's socket, for the cases of tests/attacks/control.

    ask.py SOCKET          sends what comes on stdin, and prints each answer and how it ended
    ask.py --as UID ...    as another user (as root alone; else it says "dropped", as a host would)
    ask.py --silent N ...  with N more connections that say nothing, before
    ask.py --deaf ...      sends it again and again, and never reads: "held back", or how it ended
    ask.py --serve SOCKET  a host of another user's in that place, in the background, that says "reached"

An answer: "status", "done", "error: TEXT", or "nothing" after five seconds."""

import json
import os
import socket
import sys
import time

NOBODY = 65534
SECONDS = 5


def connect(path, waits=SECONDS):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(waits)
    for _ in range(SECONDS * 100):
        try:
            s.connect(path)
            break
        except BlockingIOError:  # more wait than the host has taken
            time.sleep(0.01)
    return s


def shown(line):
    answer = json.loads(line)
    if "status" in answer:
        return "status"
    messages = answer["end"].get("messages")
    return "error: " + messages[-1][:150] if messages else "done"


def ask(path, data):
    answers = b""
    with connect(path) as s:
        try:
            s.sendall(data)
            wanted = max(data.count(b"\n"), 1)
            while sum(b'"step"' not in line for line in answers.splitlines()) < wanted or answers[-1:] != b"\n":
                more = s.recv(1 << 20)
                if not more:
                    raise ConnectionError
                answers += more
            end = None
        except TimeoutError:
            end = "nothing"
        except ConnectionError:
            end = "dropped"
        for line in answers.splitlines():
            if b'"step"' not in line:
                print(shown(line))
        if end:
            print(end)


def deaf(path, data):
    with connect(path, 1) as s:
        try:
            for _ in range(100000):
                s.sendall(data)
        except TimeoutError:
            print("held back")
        except OSError:
            print("dropped")
        else:
            print("all was taken")


def serve(path):
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    os.chmod(path, 0o666)
    if os.geteuid() == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    s.listen(4)
    if os.fork():
        os._exit(0)
    for fd in range(3):
        os.close(fd)
    s.settimeout(10)
    while True:
        s.accept()[0].sendall(b'{"loop":1,"end":{"code":70,"messages":["reached"]}}\n')


def main():
    words = sys.argv[1:]
    if words[0] == "--serve":
        serve(words[1])
    if words[0] == "--as":
        if os.geteuid() != 0:
            print("dropped")
            return
        os.setgid(int(words[1]))
        os.setuid(int(words[1]))
    silent = [connect(words[-1]) for _ in range(int(words[1]) if words[0] == "--silent" else 0)]
    data = sys.stdin.buffer.read()
    (deaf if words[0] == "--deaf" else ask)(words[-1], data)
    for s in silent:
        s.close()


if __name__ == "__main__":
    main()
