#!/usr/bin/env python3
"""A tiny HTTP server for tests, standard library only.

    http_server.py [--full] [PORT]

Prints the port it listens on (a free one, unless PORT is given), then serves
until it is ended or standard input is closed. With --full it prints a second
port on a line of its own: there a connection is never completed, as its queue
is full (Linux).

    /hello              200, "hello from the test server\\n"
    /echo               200, method, path, headers and body of the request
    /status/N           status N
    /redirect?to=URL    302 to URL (URL-encoded or not)
    /loop               302 to itself
    /large?bytes=N      200, N bytes of 'x'
    /slow?ms=N          200 after N milliseconds
    /drip?ms=N          200, one byte every N milliseconds, for ever
    /never              accepts the request, never answers

One line a request on standard error.
"""
import http.server
import os
import socket
import sys
import threading
import time
import urllib.parse


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("content-type", "text/plain; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        path, _, query = self.path.partition("?")
        query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length) if length else b""
        if path == "/hello":
            self.answer(200, b"hello from the test server\n")
        elif path == "/echo":
            head = f"{self.command} {self.path}\n{self.headers}".replace("\r", "")
            self.answer(200, head.encode() + body)
        elif path.startswith("/status/") and path[8:].isdigit():
            self.answer(int(path[8:]), b"as asked\n")
        elif path == "/redirect":
            self.answer(302, b"elsewhere\n", [("location", query.get("to", "/hello"))])
        elif path == "/loop":
            self.answer(302, b"again\n", [("location", "/loop")])
        elif path == "/large":
            self.answer(200, b"x" * int(query.get("bytes", 1 << 20)))
        elif path == "/slow":
            time.sleep(int(query.get("ms", 1000)) / 1000)
            self.answer(200, b"at last\n")
        elif path == "/drip":
            self.send_response(200)
            self.send_header("content-length", str(1 << 40))
            self.end_headers()
            while True:
                self.wfile.write(b".")
                self.wfile.flush()
                time.sleep(int(query.get("ms", 100)) / 1000)
        elif path == "/never":
            threading.Event().wait()
        else:
            self.answer(404, b"no such page\n")

    do_POST = do_PUT = do_DELETE = do_HEAD = do_GET

    def log_message(self, form, *args):
        sys.stderr.write("http_server: " + form % args + "\n")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Clients go away in the middle of tests; that is no news."""


def full_port(kept):
    """A port whose queue of connections is full; `kept` holds the sockets."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    kept.append(listener)
    for _ in range(3):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(listener.getsockname())
        kept.append(client)
    time.sleep(0.05)
    return listener.getsockname()[1]


def main():
    args = sys.argv[1:]
    full = "--full" in args
    ports = [int(arg) for arg in args if arg != "--full"]
    server = Server(("127.0.0.1", ports[0] if ports else 0), Handler)
    print(server.server_address[1], flush=True)
    kept = []
    if full:
        print(full_port(kept), flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    if sys.stdin is None or sys.stdin.isatty():
        threading.Event().wait()
    while os.read(0, 4096):
        pass


if __name__ == "__main__":
    try:
        main()
    except (KeyboardInterrupt, BrokenPipeError):
        pass
