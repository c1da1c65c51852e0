"""Puts a text as a signature into a package, whatever it says: what `loop sign` would not write.

    forge.py [--legacy] [--times N] PACKAGE.tar SIGNATURE OUTPUT.tar

--legacy: as one of minisign's older kind. --times: so many, each with another first comment."""

import argparse
import base64
import hashlib
import io
import json
import tarfile


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--legacy", action="store_true")
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("paths", nargs=3)
    args = parser.parse_args()
    package, signature, output = args.paths
    with tarfile.open(package) as tar:
        files = {m.name: tar.extractfile(m).read() for m in tar.getmembers()}
    index = json.loads(files["index.json"])
    subject = index["manifests"][0]
    lines = open(signature, "rb").read().split(b"\n")
    if args.legacy:
        lines[1] = base64.b64encode(b"Ed" + base64.b64decode(lines[1])[2:])
    for i in range(args.times):
        text = b"\n".join([lines[0] + (b" %d" % i if i else b"")] + lines[1:])
        empty, layer = b"{}", text
        manifest = compact({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": "application/vnd.loop.signature.v1",
            "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest(empty), "size": 2},
            "layers": [{"mediaType": "text/plain", "digest": digest(layer), "size": len(layer)}],
            "subject": {k: subject[k] for k in ("mediaType", "digest", "size")}})
        for blob in (empty, layer, manifest):
            files["blobs/sha256/" + digest(blob)[7:]] = blob
        index["manifests"].append({"mediaType": "application/vnd.oci.image.manifest.v1+json",
                                   "digest": digest(manifest), "size": len(manifest),
                                   "artifactType": "application/vnd.loop.signature.v1"})
    files["index.json"] = compact(index)
    with tarfile.open(output, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(files[name]), 0o644
            tar.addfile(entry, io.BytesIO(files[name]))


if __name__ == "__main__":
    main()
