"""Servers that the tests of registries start: Debian's docker-registry, with a token server of
our own where it wants tokens, and a web server that does what it is told, right or wrong."""

import base64
import hashlib
import http.server
import json
import os
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse
import uuid
from pathlib import Path

from . import common

# bcrypt of "secret", for htpasswd
USER, PASSWORD = "ada", "secret"
BCRYPT = "$2b$05$TESTTESTTESTTESTTESTTe3cIXuBUOS9R3p.lJDuKzGO1FQIqB8Aq"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class DockerRegistry:
    """A real registry on a free port; `auth` is None, "basic" or "token"."""

    def __init__(self, folder, auth=None):
        self.folder, self.port = Path(folder), free_port()
        self.store = self.folder / "store"
        self.host = f"127.0.0.1:{self.port}"
        self.tokens = TokenServer(self.folder) if auth == "token" else None
        config = {
            "version": 0.1,
            "log": {"level": "warn"},
            "storage": {"filesystem": {"rootdirectory": str(self.store)},
                        "delete": {"enabled": True}},
            "http": {"addr": self.host},
        }
        if auth == "basic":
            (self.folder / "htpasswd").write_text(f"{USER}:{bcrypt()}\n")
            config["auth"] = {"htpasswd": {"realm": "here", "path": str(self.folder / "htpasswd")}}
        if auth == "token":
            config["auth"] = {"token": self.tokens.config()}
        (self.folder / "registry.yml").write_text(json.dumps(config))  # JSON is YAML
        self.log = open(self.folder / "registry.log", "wb")
        self.process = subprocess.Popen(
            ["docker-registry", "serve", str(self.folder / "registry.yml")],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True)
        for _ in range(200):
            if self.process.poll() is not None:
                break
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError(f"docker-registry did not start: {(self.folder / 'registry.log').read_text()}")

    def stop(self):
        common.end(self.process)
        self.log.close()
        if self.tokens:
            self.tokens.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def blob(self, name):
        """The file of a blob."""
        name = name.removeprefix("sha256:")
        return self.store / "docker/registry/v2/blobs/sha256" / name[:2] / name / "data"

    def tag(self, repository, tag):
        folder = self.store / "docker/registry/v2/repositories" / repository / "_manifests/tags" / tag
        return folder / "current/link"


def bcrypt():
    import warnings
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import crypt
            return crypt.crypt(PASSWORD, "$2b$05$abcdefghijklmnopqrstuu")
        except ImportError:
            return BCRYPT


def self_signed(folder, name, host="127.0.0.1"):
    """A certificate and its key, as files."""
    cert, key = Path(folder) / f"{name}.pem", Path(folder) / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", f"/CN={name}", "-addext", f"subjectAltName=IP:{host},DNS:localhost",
                    "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    return cert, key


class TokenServer:
    """Gives out tokens as docker's registry takes them (JWT, RS256), to USER with PASSWORD; to
    anybody else tokens that allow to pull what is public: repositories below "public/"."""

    def __init__(self, folder):
        self.cert, self.key = self_signed(folder, "tokens")
        self.asked, server = [], self

        class Handler(Quiet):
            def do_GET(self):
                query = urllib.parse.parse_qs(self.path.partition("?")[2])
                scope = query.get("scope", [""])[0]
                who = self.headers.get("authorization")
                server.asked.append((scope, who))
                wanted = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
                if who and who != wanted:
                    self.answer(401, b'{"errors":[{"code":"UNAUTHORIZED","message":"wrong password"}]}')
                    return
                token = server.token(query.get("service", [""])[0], scope, who == wanted)
                self.answer(200, json.dumps({"token": token, "expires_in": 300}).encode())

        self.http = Serving(Handler)
        self.realm = f"http://127.0.0.1:{self.http.port}/token"

    def config(self):
        return {"realm": self.realm, "service": "here", "issuer": "tests",
                "rootcertbundle": str(self.cert)}

    def token(self, service, scope, known):
        kind, name, actions = (scope.split(":") + ["", "", ""])[:3]
        allowed = actions.split(",") if known else ["pull"] if name.startswith("public/") else []
        der = subprocess.run(["openssl", "x509", "-in", str(self.cert), "-outform", "DER"],
                             check=True, capture_output=True).stdout
        header = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(der).decode()]}
        now = int(time.time())
        claims = {"iss": "tests", "sub": USER if known else "", "aud": service, "exp": now + 300,
                  "nbf": now - 10, "iat": now, "jti": str(uuid.uuid4()),
                  "access": [{"type": kind, "name": name, "actions": allowed}]}
        text = ".".join(base64.urlsafe_b64encode(json.dumps(x).encode()).decode().rstrip("=")
                        for x in (header, claims))
        signed = subprocess.run(["openssl", "dgst", "-sha256", "-sign", str(self.key)],
                                input=text.encode(), check=True, capture_output=True).stdout
        return text + "." + base64.urlsafe_b64encode(signed).decode().rstrip("=")

    def stop(self):
        self.http.stop()


# --- a web server that does as it is told ---------------------------------------------------

class Quiet(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if not any(name.lower() == "content-length" for name, _ in headers):
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):
        pass  # a client that goes is what some tests are about


class Serving:
    """A server on a thread; `connections` counts who connected."""

    def __init__(self, handler, tls=None):
        outer = self
        self.connections = 0

        class Counting(handler):
            def setup(self):
                outer.connections += 1
                super().setup()

        self.server = Server(("127.0.0.1", 0), Counting)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Site:
    """A folder as a web server has it: ETags, ranges; `fault(request, path, body)` may answer
    instead and return True. `requests` has (method, path, headers)."""

    def __init__(self, folder, fault=None, tls=None, ranges=True):
        self.folder, self.fault, self.ranges, self.requests = Path(folder), fault, ranges, []
        site = self

        class Handler(Quiet):
            def do_GET(self):
                path = urllib.parse.unquote(self.path.partition("?")[0]).lstrip("/")
                site.requests.append((self.command, "/" + path, dict(self.headers)))
                file = site.folder / path
                body = file.read_bytes() if file.is_file() else None
                if site.fault and site.fault(self, "/" + path, body):
                    return
                site.serve(self, body)

            do_HEAD = do_GET

        self.http = Serving(Handler, tls)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.http.port}"

    def serve(self, request, body):
        if body is None:
            request.answer(404, b"not here\n")
            return
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if request.headers.get("if-none-match") == tag:
            request.answer(304, headers=[("etag", tag)])
            return
        start = request.headers.get("range") if self.ranges else None
        if not start:
            request.answer(200, body, [("etag", tag)])
            return
        at = int(start.removeprefix("bytes=").rstrip("-"))
        if at >= len(body):
            request.answer(416, b"", [("content-range", f"bytes */{len(body)}")])
            return
        request.answer(206, body[at:], [("content-range", f"bytes {at}-{len(body) - 1}/{len(body)}")])

    def asked(self, what):
        return [r for r in self.requests if what in r[1]]

    def stop(self):
        self.http.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def cut(request):
    """Ends a connection in the middle, so that the other side sees it."""
    try:
        request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        request.wfile.flush()
        request.connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    request.close_connection = True


# --- packages, made by hand: what another tool could have made --------------------------------

def package(name, version, component, requires=None, notes=None):
    """The files of a layout with one package."""
    config = json.dumps({"created": "1970-01-01T00:00:00Z", "architecture": "wasm", "os": "wasip2",
                         "layerDigests": [digest(component)],
                         "component": {"exports": [], "imports": []}}).encode()
    own = {"loop.name": name, "org.opencontainers.image.version": version} | (notes or {})
    if requires:
        own["loop.requires"] = json.dumps(requires)
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.wasm.config.v0+json", "digest": digest(config),
                   "size": len(config)},
        "layers": [{"mediaType": "application/wasm", "digest": digest(component),
                    "size": len(component)}],
        "annotations": own}).encode()
    index = json.dumps({
        "schemaVersion": 2,
        "manifests": [{"mediaType": "application/vnd.oci.image.manifest.v1+json",
                       "digest": digest(manifest), "size": len(manifest),
                       "annotations": {"org.opencontainers.image.ref.name": version}}]}).encode()
    blobs = {f"blobs/sha256/{digest(b)[7:]}": b for b in (manifest, config, component)}
    return {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": index} | blobs


def write_archive(path, files):
    import io
    import tarfile
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o644
            tar.addfile(entry, io.BytesIO(data))
    return path


def padded(component, size):
    """A component that is larger: with a custom section of so many random bytes."""
    body = b"\x03pad" + os.urandom(size)
    length, n = b"", len(body)
    while True:
        length += bytes([(n & 0x7f) | (0x80 if n > 0x7f else 0)])
        n >>= 7
        if not n:
            return component + b"\0" + length + body
