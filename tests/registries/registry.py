"""A registry of its own for loop, as a Python program: packages out of a folder that has an OCI image
layout. In loop.yaml:

    registries:
      default: mine
      known:
        mine: { sidecar: [python3, registry.py], layout: ../site }

`fault` makes it wrong, for tests: "flip" a byte, "cut" downloads, "refuse" to go on, "lie" about
versions, "hang".
"""
import json
import pathlib
import time

from loop_sidecar import Err, Interface, Option, Resource, serve

ERROR = "variant{unavailable(string),denied(string),invalid(string),limit(string),cancelled,failed(string)}"
RELEASE = ("record{version:string,digest:string,content:string,size:u64,requires:list<record{name:string,"
           "versions:string}>,yanked:option<record{reason:string}>}")
DOWNLOAD = "loop:pkg/registry.download"

registry = Interface("loop:pkg/registry@0.1.0", resources={"download": Resource()})
layout, fault = pathlib.Path(), ""


class Download:
    def __init__(self, data):
        self.data, self.given = data, 0


def release(descriptor):
    notes = descriptor["annotations"]
    requires = json.loads(notes.get("loop.requires", "{}"))
    version = notes["org.opencontainers.image.ref.name"]
    return {
        "version": "../" + version if fault == "lie" else version,
        "digest": descriptor["digest"],
        "content": notes["loop.content"],
        "size": int(notes["loop.size"]),
        "requires": [{"name": name, "versions": versions} for name, versions in requires.items()],
        "yanked": {"reason": notes["loop.yanked"]} if "loop.yanked" in notes else None,
    }


@registry.function(f"(list<record{{name:string,tag:option<string>}}>)->result<list<record{{releases:option<list<{RELEASE}>>,"
                   f"tag:option<string>,fresh-for:u32}}>,{ERROR}>")
def lookup(call, questions):
    if fault == "hang":
        (layout.parent / "hangs").touch()
        call.wait(60)
        raise Err("cancelled")
    text = (layout / "index.json").read_bytes()
    tag = str(hash(text))
    entries = [d for d in json.loads(text)["manifests"] if "loop.name" in d.get("annotations", {})]
    answers = []
    for question in questions:
        found = [release(d) for d in entries if d["annotations"]["loop.name"] == question.name]
        same = question.tag == tag
        answers.append({"releases": None if same else found[::-1], "tag": tag, "fresh_for": 0})
    return answers


@registry.function(f"(string,string)->result<list<record{{digest:string,media-type:string,size:u64}}>,{ERROR}>")
def referrers(call, name, manifest):
    return []


@registry.function(f"(string,enum{{manifest,content}},string,u64)->result<own<{DOWNLOAD}>,{ERROR}>", name="open")
def open_(call, name, part, digest, offset):
    if fault == "refuse" and part == "content":
        from loop_sidecar import Case
        raise Err(Case("denied", "not for \x1b[31myou"))
    data = (layout / "blobs/sha256" / digest.removeprefix("sha256:")).read_bytes()
    if fault == "flip" and part == "content":
        data = data[:100] + bytes([data[100] ^ 1]) + data[101:]
    return Download(data[offset:])


@registry.function(f"(borrow<{DOWNLOAD}>,u32)->result<list<u8>,{ERROR}>", name="[method]download.next")
def next_(call, download, limit):
    from loop_sidecar import Case
    if fault == "cut" and download.given > 50000:
        raise Err(Case("failed", "the line went dead"))
    piece, download.data = download.data[:min(limit, 40000)], download.data[min(limit, 40000):]
    download.given += len(piece)
    return piece


def ready(host):
    global layout, fault
    layout, fault = pathlib.Path(host.options["layout"]), host.options["fault"]


serve("folder-registry", [registry], version="0.1.0", summary="packages out of a folder", open=ready,
      options=[Option("layout", "path", ".", "the folder"), Option("fault", "string", "-", "for tests")])
