"""Makes a registry (a layout) whose one package says neither its name nor its version, as other tools
make them, with the signature of tests/signatures/nameless.minisig: ada's, as acme:notes 1.0.0. The
registry shows it as what it likes.

    nameless.py FOLDER NAME VERSION         --manifest: print the manifest, which is what was signed"""

import hashlib
import json
import sys
from pathlib import Path

COMPONENT = b"\0asm\r\0\1\0"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode()


def main():
    config = compact({"created": "1970-01-01T00:00:00Z", "architecture": "wasm", "os": "wasip2",
                      "layerDigests": [digest(COMPONENT)], "component": {"exports": [], "imports": []}})
    kind = "application/vnd.oci.image.manifest.v1+json"
    manifest = compact({
        "schemaVersion": 2, "mediaType": kind,
        "config": {"mediaType": "application/vnd.wasm.config.v0+json", "digest": digest(config),
                   "size": len(config)},
        "layers": [{"mediaType": "application/wasm", "digest": digest(COMPONENT), "size": len(COMPONENT)}]})
    if sys.argv[1] == "--manifest":
        sys.stdout.buffer.write(manifest)
        return
    folder, name, version = sys.argv[1:]
    text = Path(__file__).with_name("nameless.minisig").read_bytes()
    signature = compact({
        "schemaVersion": 2, "mediaType": kind, "artifactType": "application/vnd.loop.signature.v1",
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest(b"{}"), "size": 2},
        "layers": [{"mediaType": "text/plain", "digest": digest(text), "size": len(text)}],
        "subject": {"mediaType": kind, "digest": digest(manifest), "size": len(manifest)}})
    index = compact({"schemaVersion": 2, "manifests": [
        {"mediaType": kind, "digest": digest(manifest), "size": len(manifest), "annotations": {
            "org.opencontainers.image.ref.name": version, "loop.name": name}},
        {"mediaType": kind, "digest": digest(signature), "size": len(signature),
         "artifactType": "application/vnd.loop.signature.v1", "annotations": {"loop.subject": digest(manifest)}}]})
    blobs = Path(folder) / "blobs/sha256"
    blobs.mkdir(parents=True)
    for blob in (COMPONENT, config, manifest, b"{}", text, signature):
        (blobs / digest(blob)[7:]).write_bytes(blob)
    (Path(folder) / "oci-layout").write_bytes(b'{"imageLayoutVersion":"1.0.0"}')
    (Path(folder) / "index.json").write_bytes(index)


if __name__ == "__main__":
    main()
