"""Archives that somebody made to do harm, or that were damaged on the way.

FAMILIES has a function a family. Each takes the entries of a good package, as a dictionary of names
and bytes in the order of the archive, and yields (what it is, the archive's bytes, pieces of what
loop must say about it). ACCEPTED is the same for archives that are good, though another tool wrote
them: without it, a program that refuses everything would pass.
"""

import gzip
import hashlib
import io
import json
import lzma
import bz2
import struct
import tarfile
import zipfile

BLOBS = "blobs/sha256/"


# --- making archives -------------------------------------------------------------------

def info(name, size=0, kind=tarfile.REGTYPE, **more):
    entry = tarfile.TarInfo(name)
    entry.size, entry.type, entry.mode = size, kind, 0o644
    for key, value in more.items():
        setattr(entry, key, value)
    return entry


def tar(entries, form=tarfile.USTAR_FORMAT):
    """`entries`: pairs of a TarInfo, or a name, and bytes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for entry, content in entries:
            if isinstance(entry, str):
                entry = info(entry, len(content))
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def header(archive, name):
    """Where the header of an entry lies."""
    at = archive.index(name.encode() + b"\0")
    assert at % 512 == 0
    return at


def resum(archive, at):
    """The header at `at` with its checksum as it must be."""
    block = bytearray(archive[at:at + 512])
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return archive[:at] + bytes(block) + archive[at + 512:]


def patched(archive, name, offset, value):
    at = header(archive, name)
    return resum(archive[:at + offset] + value + archive[at + offset + len(value):], at)


def digest(content):
    return hashlib.sha256(content).hexdigest()


def blob(content):
    return BLOBS + digest(content), content


def parts(good):
    """The manifest, config and component of a package, and the descriptor of the first."""
    index = json.loads(good["index.json"])
    descriptor = index["manifests"][0]
    manifest = json.loads(good[BLOBS + descriptor["digest"][7:]])
    config = good[BLOBS + manifest["config"]["digest"][7:]]
    component = good[BLOBS + manifest["layers"][0]["digest"][7:]]
    return manifest, config, component


def package(manifest, config, component, others=(), index=None, more=()):
    """An archive of another tool with these: digests and sizes are made to fit."""
    manifest = json.loads(json.dumps(manifest))
    manifest["config"].update(digest="sha256:" + digest(config), size=len(config))
    for layer in manifest["layers"][:1]:
        layer.update(digest="sha256:" + digest(component), size=len(component))
    text = json.dumps(manifest).encode()
    listed = [{"mediaType": "application/vnd.oci.image.manifest.v1+json",
               "digest": "sha256:" + digest(text), "size": len(text)}]
    index = index or {"schemaVersion": 2, "manifests": listed + list(more)}
    return tar([("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'),
                ("index.json", json.dumps(index).encode()),
                *dict([blob(text), blob(config), blob(component)]).items(), *others])


def config_of(component, **more):
    return json.dumps({"created": "2026-01-01T00:00:00Z", "architecture": "wasm", "os": "wasip2",
                       "layerDigests": ["sha256:" + digest(component)], **more}).encode()


# --- good ones -------------------------------------------------------------------------

def accepted(good):
    entries = list(good.items())
    yield "as it is", tar(entries)
    yield "in another order", tar(entries[::-1])
    yield "of GNU tar", tar(entries, tarfile.GNU_FORMAT)
    yield "of pax", tar([(info(n, len(b), pax_headers={"comment": "x", "mtime": "1.5"}), b)
                         for n, b in entries], tarfile.PAX_FORMAT)
    yield "with folders and ./", tar(
        [(info("./", kind=tarfile.DIRTYPE), b""), (info("./blobs", kind=tarfile.DIRTYPE), b""),
         (info("./blobs/sha256/", kind=tarfile.DIRTYPE), b"")] + [("./" + n, b) for n, b in entries])
    yield "with more zeros behind its end", tar(entries) + bytes(100 * 512)
    manifest, _, component = parts(good)
    del manifest["annotations"]
    yield "without a name, as of wkg", package(manifest, config_of(component), component)


# --- wrong ones ------------------------------------------------------------------------

def names_that_lead_out(good):
    for name in ["../evil", "blobs/../../evil", "blobs/sha256/../../../evil", "./../evil", "..",
                 "blobs/sha256/.."]:
        yield name, tar([*good.items(), (name, b"evil")]), [f"'{name}'", "leads out of the archive"]
    for name in ["/etc/cron.d/evil", "//evil", "/index.json"]:
        yield name, tar([*good.items(), (name, b"evil")]), [f"'{name}'", "absolute name"]


def links(good):
    for name in ["index.json", "oci-layout", "evil", BLOBS + "0" * 64, "blobs"]:
        rest = [(n, b) for n, b in good.items() if n != name]
        for what, kind in [("symbolic", tarfile.SYMTYPE), ("hard", tarfile.LNKTYPE)]:
            for target in ["/etc/passwd", "../../x", "oci-layout"]:
                link = info(name, kind=kind, linkname=target)
                yield f"{what} link {name} to {target}", tar([(link, b""), *rest]), [
                    f"'{name}'", "is a link"]


def devices(good):
    for what, kind in [("character device", tarfile.CHRTYPE), ("block device", tarfile.BLKTYPE),
                       ("pipe", tarfile.FIFOTYPE)]:
        for name in ["dev", "index.json"]:
            rest = [(n, b) for n, b in good.items() if n != name]
            yield f"{what} {name}", tar([(info(name, kind=kind, devmajor=1, devminor=3), b""), *rest]), [
                f"'{name}'", "neither a file nor a folder"]


def names_twice(good):
    entries = list(good.items())
    for name, content in entries:
        yield name, tar([*entries, (name, content)]), [f"'{name}'", "is there twice"]
        yield "./" + name, tar([*entries, ("./" + name, b"other")]), ["is there twice"]


def names_that_do_not_belong(good):
    for name in ["README.md", "manifest.json", "repositories", "blobs/x", "blobs/sha512/" + "0" * 128,
                 "blobs/sha256/" + "0" * 63, "blobs/sha256/" + "0" * 65, "blobs/sha256/x/y", "index.json/x",
                 ".wh.index.json", "..\\evil", "C:\\evil", "index.json ", " index.json", "index.json.",
                 "CON", "a" * 90, ".//index.json", "././index.json", "blobs//sha256/" + "0" * 64]:
        yield name, tar([*good.items(), (name, b"x")], tarfile.GNU_FORMAT), [f"'{name}'", "does not belong"]
    yield "a folder", tar([*good.items(), (info("etc", kind=tarfile.DIRTYPE), b"")]), ["'etc", "does not belong"]
    yield "a folder in a blob's place", tar(
        [*good.items(), (info(BLOBS + "0" * 64, kind=tarfile.DIRTYPE), b"")]), ["does not belong"]
    yield "a blob that nobody names", tar([*good.items(), blob(b"hidden")]), [
        digest(b"hidden"), "nothing refers to"]
    yield "an escape sequence", tar([*good.items(), ("\x1b[2Jx\n", b"")]), ["'?[2Jx?'", "does not belong"]
    yield "an accent", tar([*good.items(), ("index\u0301.json", b"")], tarfile.PAX_FORMAT), ["an entry"]
    yield "an empty name", patched(tar([*good.items(), ("x", b"")]), "x", 0, b"\0"), []
    long = "a/" * 2000 + "x"
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        yield "a name of 4001 bytes", tar([*good.items(), (long, b"x")], form), ["name that is too long"]


def capitals(good):
    for name in ["INDEX.JSON", "Index.json", "OCI-Layout", "blobs/SHA256/" + "0" * 64, BLOBS + "A" * 64]:
        yield name, tar([*good.items(), (name, b"x")]), [f"'{name}'", "capital letters"]


def compressed(good):
    archive = tar(good.items())
    inside = io.BytesIO()
    with zipfile.ZipFile(inside, "w") as file:
        file.writestr("index.json", b"{}")
    for what, content in [("gzip", gzip.compress(archive)), ("xz", lzma.compress(archive)),
                          ("bzip2", bz2.compress(archive)), ("zip", inside.getvalue()),
                          ("zstd", b"\x28\xb5\x2f\xfd" + archive)]:
        yield what, content, [f"compressed ({what})"]
    yield "old compress", b"\x1f\x9d\x90" + archive, []
    yield "a component", b"\0asm\x0d\0\1\0", ["not an archive of one"]


def bombs(good):
    entries = list(good.items())
    yield "ten thousand files", tar(entries + [blob(b"%d" % i) for i in range(10000)]), ["more than 256 files or folders"]
    yield "ten thousand folders", tar(
        entries + [(info("blobs", kind=tarfile.DIRTYPE), b"")] * 10000), ["more than"]
    for size, text in [(8 << 30, b"\x80" + b"\0" * 3 + struct.pack(">Q", 8 << 30)),
                       (1 << 62, b"\x80" + b"\0" * 3 + struct.pack(">Q", 1 << 62)),
                       ((1 << 33) - 1, b"77777777777\0"), (-1, b"\xff" * 12)]:
        wrong = patched(tar(entries), "index.json", 124, text)
        yield f"a file of {size} bytes", wrong, []
    sparse = bytearray(tar([(info("index.json", 512), bytes(512)), *entries]))
    sparse[156:157] = b"S"
    sparse[257:265] = b"ustar  \0"
    sparse[386:398], sparse[398:410] = b"00000000000\0", b"00000001000\0"
    sparse[483:495] = b"\x80" + b"\0" * 3 + struct.pack(">Q", 1 << 40)
    yield "a file with holes, 1 TiB", resum(bytes(sparse), 0), []
    yield "a file with holes, by pax", tar(
        [(info("index.json", 512, pax_headers={"GNU.sparse.major": "1", "GNU.sparse.minor": "0",
                                               "GNU.sparse.name": "index.json",
                                               "GNU.sparse.realsize": str(1 << 40)}),
          b"1\n0\n512\n" + bytes(504)), *entries], tarfile.PAX_FORMAT), []
    yield "a pax header of 8 MiB", tar(
        [(info("x", 0, pax_headers={"comment": "x" * (8 << 20)}), b""), *entries], tarfile.PAX_FORMAT), []
    yield "a thousand pax headers in a row", b"".join(
        tar([(info("x", 10, kind=tarfile.XHDTYPE), b"10 a=bcde\n")])[:1024] for _ in range(1000)) + tar(entries), []


def wrong_digests(good):
    """One byte of each blob."""
    entries = list(good.items())
    for name, content in entries:
        if not name.startswith(BLOBS):
            continue
        for at in sorted({0, len(content) // 2, len(content) - 1}):
            other = content[:at] + bytes([content[at] ^ 1]) + content[at + 1:]
            yield f"byte {at} of {name}", tar([(n, other if n == name else b) for n, b in entries]), [
                "sha256"] if at else []
        yield f"the name of {name}", tar(
            [(BLOBS + "0" * 64 if n == name else n, b) for n, b in entries]), ["missing"]


def lying_sizes(good):
    manifest, config, component = parts(good)
    entries = list(good.items())
    for name, content in entries:
        if name.startswith(BLOBS):
            yield f"a longer {name}", tar([(n, b + b"x" if n == name else b) for n, b in entries]), [
                name, "a manifest says"]
            yield f"a shorter {name}", tar([(n, b[:-1] if n == name else b) for n, b in entries]), [
                name, "a manifest says"]
    for size in [-1, 1 << 63, 1 << 70, "8", 8.0, None, True]:
        text = json.dumps({**manifest, "annotations": {},
                           "layers": [{**manifest["layers"][0], "size": size}]}).encode()
        index = {"schemaVersion": 2, "manifests": [
            {"mediaType": manifest["mediaType"], "digest": "sha256:" + digest(text), "size": len(text)}]}
        yield f"a layer of {size!r} bytes", tar(
            [("oci-layout", good["oci-layout"]), ("index.json", json.dumps(index).encode()),
             blob(text), blob(config), blob(component)]), []


def wrong_contents(good):
    manifest, _, component = parts(good)
    def made(component=component, config_bytes=None, **changes):
        return package({**manifest, **changes}, config_bytes or config_of(component), component)
    yield "a core module", made(b"\0asm\1\0\0\0"), ["core module"]
    yield "a program", made(b"\x7fELF" + bytes(60)), ["no WebAssembly"]
    yield "an empty component", made(b""), ["no WebAssembly"]
    yield "a layer of another type", made(layers=[
        {**manifest["layers"][0], "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip"}]), [
            "layer of the type 'application/vnd.oci.image.layer.v1.tar+gzip'"]
    yield "no layer", made(layers=[]), ["0 layers"]
    yield "two layers", made(layers=[manifest["layers"][0]] * 2), ["layers"]
    yield "a container image", made(config={
        "mediaType": "application/vnd.oci.image.config.v1+json"}), ["application/vnd.oci.image.config.v1+json"]
    yield "a config of another component", made(config_bytes=config_of(b"other")), ["another component"]
    yield "a config of a core module", made(config_bytes=config_of(component, os="wasip1")), ["wasip2"]
    yield "a config that is none", made(config_bytes=b"no"), ["no JSON"]
    yield "an attachment alone", made(subject={**manifest["config"]}), []
    deep = b"[" * 100000 + b"]" * 100000
    yield "deep JSON", tar([(n, deep if n == "index.json" else b) for n, b in good.items()]), ["nested too deep"]
    yield "a deep config", made(config_bytes=deep), ["nested too deep"]
    many = json.dumps({**manifest, "annotations": {f"a{i}": "b" for i in range(300)}})
    yield "300 annotations", made(annotations=json.loads(many)["annotations"]), ["more than 256 annotations"]
    yield "a long description", made(annotations={
        "org.opencontainers.image.description": "x" * 5000}), ["more than 4096 bytes"]
    for key, value, says in [("loop.name", "../../x", "no name"), ("loop.name", "acme:x", "version"),
                             ("loop.requires", '{"a:b":"latest"}', "no range"),
                             ("loop.requires", '{"a":"1"}', "no name"), ("loop.requires", "[]", "loop.requires")]:
        yield f"{key} {value}", made(annotations={key: value}), [says]


def wrong_indexes(good):
    entries = list(good.items())
    index = json.loads(good["index.json"])
    first = index["manifests"][0]
    def made(new):
        text = new if isinstance(new, bytes) else json.dumps(new, separators=(",", ":")).encode()
        return tar([(n, text if n == "index.json" else b) for n, b in entries])
    yield "none", tar([e for e in entries if e[0] != "index.json"]), ["'index.json' is missing"]
    yield "no oci-layout", tar([e for e in entries if e[0] != "oci-layout"]), ["'oci-layout' is missing"]
    yield "another layout", tar([(n, b'{"imageLayoutVersion":"2.0.0"}' if n == "oci-layout" else b)
                                 for n, b in entries]), ["imageLayoutVersion"]
    yield "empty", made(b""), ["no JSON"]
    yield "a list", made([]), ["no OCI index"]
    yield "no manifests", made({**index, "manifests": []}), ["names no package"]
    yield "an index in it", made({**index, "manifests": [
        {**first, "mediaType": "application/vnd.oci.image.index.v1+json"}]}), ["no manifest"]
    yield "the package twice", made({**index, "manifests": [first] + index["manifests"]}), ["two packages"]
    yield "a key twice", made(good["index.json"].replace(b'"schemaVersion":2', b'"schemaVersion":2,"schemaVersion":2')), [
        "duplicate"]
    yield "another digest", made({**index, "manifests": [{**first, "digest": "sha256:" + "0" * 64}]}), ["missing"]
    yield "a path for a digest", made({**index, "manifests": [{**first, "digest": "sha256:../../../etc/passwd"}]}), [
        "without a sha256 digest"]
    for key, value in [("loop.name", "acme:other"), ("org.opencontainers.image.ref.name", "9.9.9"),
                       ("loop.content", "sha256:" + "0" * 64), ("loop.size", "1"), ("loop.requires", "{}"),
                       ("loop.more", "x")]:
        yield f"another {key}", made({**index, "manifests": [
            {**first, "annotations": {**first["annotations"], key: value}}, *index["manifests"][1:]]}), [
                "'index.json' was changed"]
    yield "documentation of another package", made({**index, "manifests": index["manifests"][1:]}), []


def cut_and_extended(good):
    archive = tar(good.items())
    end = len(archive.rstrip(b"\0"))
    for n in [0, 1, 100, 511, 512, 513, 700, end // 2, end - 1]:
        yield f"the first {n} bytes", archive[:n], []
    yield "something behind its end", archive + b"x", ["behind its end"]
    yield "something in its end", archive[:-600] + b"x" + archive[-599:], []
    yield "another archive behind its end", archive + archive, ["behind its end"]
    yield "random bytes", bytes(range(256)) * 100, []
    yield "zeros", bytes(10240), []


FAMILIES = {
    "leading out": names_that_lead_out, "links": links, "devices": devices, "twice": names_twice,
    "not belonging": names_that_do_not_belong, "capitals": capitals, "compressed": compressed,
    "bombs": bombs, "wrong digests": wrong_digests, "lying sizes": lying_sizes,
    "wrong contents": wrong_contents, "wrong indexes": wrong_indexes, "cut": cut_and_extended,
}
