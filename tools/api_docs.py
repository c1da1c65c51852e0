#!/usr/bin/env python3
"""The reference of the C API, from the comments of the headers.

    tools/api_docs.py --out DIR [--man DIR]    index.html and a page a header; manual pages of section 3
    tools/api_docs.py --check                  what lacks a comment; status 1 where something does

The headers are the source, as people read them: a comment at the top of the file is the page's
introduction, `/* ---- word ---- */` a section, and a comment belongs to the declarations that follow it
without a blank line. In a comment a blank line separates paragraphs, `- ` begins an item, and lines
that are indented by four spaces stay as they are. Names of the API become links.

Not Doxygen: it reads comments in a markup of its own (ours are plain text, which is what a reader of a
header wants), gives each function a page and each struct member a row, and is a large dependency for
whoever installs loop. This is one file.
"""
import argparse
import html
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADERS = ROOT / "include/loop"
NAME = re.compile(r"\b(?:loop|LOOP)_\w+")
ORDER = ("host.h", "error.h", "provider.h", "abi.h", "config.h", "policy.h", "swap.h", "control.h", "trust.h", "audit.h",
         "bindgen.h")


# --- reading ----------------------------------------------------------------------------------

@dataclass
class Item:
    """A run of declarations with the comment before it, or a section's title."""
    comment: str = ""
    code: list = field(default_factory=list)
    names: list = field(default_factory=list)
    section: str = ""
    line: int = 0


@dataclass
class Page:
    name: str  # "host.h", "wit/core.h"
    intro: str = ""
    named: bool = False  # it begins with the header's name, as every file of loop does
    items: list = field(default_factory=list)

    @property
    def title(self):
        return f"loop/{self.name}"

    @property
    def summary(self):
        first = re.sub(r"\s+", " ", self.intro.partition("\n\n")[0])
        return first[:1].lower() + first[1:].rstrip(".:")


def comment_text(raw):
    """Without its marks, and without what all its lines are indented by."""
    lines = raw[2:-2].strip("\n").split("\n")
    rows = [re.sub(r"^ *\*( |$)", "", line) if i or line.lstrip().startswith("*") else line.lstrip()
            for i, line in enumerate(lines)]
    return "\n".join(row.rstrip() for row in rows).strip()


def end_of_declaration(text, at):
    """Behind the `;`, or behind the body of an inline function, or a macro's call on a line."""
    call = re.compile(r"[A-Z][A-Z0-9_]*\([^;{}\n]*\)\n").match(text, at)
    if call:
        return call.end()
    depth, inline = 0, text.startswith("static inline", at)
    i = at
    while i < len(text):
        if text.startswith("/*", i):
            i = text.index("*/", i) + 2
            continue
        c = text[i]
        depth += (c in "({[") - (c in ")}]")
        if depth == 0 and (c == ";" or (c == "}" and inline)):
            rest = re.compile(r"[ \t]*/\*[^\n]*?\*/(?=\n)").match(text, i + 1)
            return rest.end() if rest else i + 1
        i += 1
    return len(text)


def declared(code):
    """The names that a declaration or a macro makes."""
    plain = re.sub(r"/\*.*?\*/", "", code, flags=re.S).strip()
    if plain.startswith("#"):
        return re.findall(r"^#define (\w+)", plain)
    if plain.startswith("typedef"):
        names = re.findall(r"(\w+)\s*;\s*$", plain) or re.findall(r"\(?\*?(\w+)\)?\s*\(", plain)[:1]
        body = re.search(r"^typedef enum.*?\{(.*)\}", plain, re.S)
        return names[-1:] + (re.findall(r"\b(LOOP_\w+)\b", body[1]) if body else [])
    call = re.search(r"\b(loop_\w+)\s*\(", plain)
    return [call[1]] if call else re.findall(r"\b(loop_\w+)\s*;", plain)[-1:]


def tokens(text):
    """(kind, text, line, whether a blank line is before it), in their order."""
    at = 0
    while at < len(text):
        gap = re.compile(r"\s*").match(text, at)
        at = gap.end()
        if at == len(text):
            return
        line, blank = text.count("\n", 0, at) + 1, gap[0].count("\n") > 1
        if text.startswith("/*", at):
            end, kind = text.index("*/", at) + 2, "comment"
        elif text.startswith("#ifdef __cplusplus\nextern", at) or text.startswith("#ifdef __cplusplus\n}", at):
            end, kind = text.index("#endif", at) + len("#endif"), "skip"
        elif text[at] == "#":
            end, kind = re.compile(r"(?:[^\n]*\\\n)*[^\n]*").match(text, at).end(), "directive"
        else:
            end, kind = end_of_declaration(text, at), "declaration"
        yield kind, text[at:end], line, blank
        at = end


def read(path):
    page, item, seen = Page(path.relative_to(HEADERS).as_posix()), Item(), set()
    for kind, text, line, blank in tokens(path.read_text(encoding="utf-8")):
        if kind == "comment":
            said = comment_text(text)
            title = re.fullmatch(r"-{2,} ?(.*?) ?-{2,}", said, re.S)
            if not page.intro:
                page.named = said.startswith(f"{page.title}: ")
                rest = said.removeprefix(f"{page.title}: ")
                page.intro = rest[:1].upper() + rest[1:]
            elif title:
                page.items.append(Item(section=re.sub(r"\s+", " ", title[1])))
                item = Item()
            else:
                item = Item(comment=said, line=line)
            continue
        if kind == "skip" or (kind == "directive" and not text.startswith("#define")):
            continue
        names = declared(text)
        if not names or (kind == "directive" and (names[0] in seen or re.fullmatch(r"LOOP_\w*_H", names[0]))):
            continue
        if blank:
            item = Item(line=line)
        if not item.code:
            page.items.append(item)
        item.code.append(text.strip())
        item.names += names
        seen.update(names)
    # A macro that nothing is said of is how a header works, not what it offers.
    page.items = [i for i in page.items if i.section or i.comment or any(not c.startswith("#") for c in i.code)]
    return page


def pages():
    paths = [HEADERS / name for name in ORDER if (HEADERS / name).exists()]
    paths += sorted(p for p in HEADERS.glob("*.h") if p not in paths) + sorted((HEADERS / "wit").glob("*.h"))
    return [read(path) for path in paths]


# --- HTML ---------------------------------------------------------------------------------------

STYLE = """:root { color-scheme: light dark; }
body { max-width: 50rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.55 system-ui, sans-serif; }
pre { padding: .7rem .9rem; overflow-x: auto; background: color-mix(in srgb, currentcolor 7%, transparent); }
pre, code { font: .88rem/1.5 ui-monospace, monospace; }
h2 { margin-top: 2.5rem; } article { margin: 2rem 0; } article > pre { margin-bottom: .4rem; }
a { text-decoration-thickness: 1px; } li { margin: .2rem 0; }
td { padding: .15rem 1rem .15rem 0; vertical-align: top; }
"""


def blocks(text):
    """(kind, text): paragraphs, items of a list, and what stays as it is."""
    for block in re.split(r"\n\n+", text) if text else ():
        rows, kind, held = block.split("\n"), None, []
        for row in rows:
            now = "pre" if row.startswith("    ") or (kind == "pre" and row.startswith("  ")) else \
                  "item" if row.startswith("- ") or (kind == "item" and row.startswith("  ")) else "text"
            if held and (now != kind or row.startswith("- ")):
                yield kind, "\n".join(held)
                held = []
            kind = now
            held.append(row)
        if held:
            yield kind, "\n".join(held)


class Html:
    def __init__(self, everything):
        self.place = {}
        for page in everything:
            for item in page.items:
                for name in item.names:
                    self.place.setdefault(name, f"{self.file(page)}#{name}")
        self.headers = {page.title: self.file(page) for page in everything}

    @staticmethod
    def file(page):
        return page.name.replace("/", "-").removesuffix(".h") + ".html"

    def linked(self, text, own=()):
        """Escaped, with links to other declarations and headers."""
        def link(m):
            target = self.place.get(m[0]) if m[0] not in own else None
            return f'<a href="{target}">{m[0]}</a>' if target else m[0]
        escaped = NAME.sub(link, html.escape(text, quote=False))
        return re.sub(r"\bloop/[\w/]+\.h\b",
                      lambda m: f'<a href="{self.headers[m[0]]}">{m[0]}</a>' if m[0] in self.headers else m[0], escaped)

    def prose(self, text):
        out, listing = [], False
        for kind, block in blocks(text):
            if listing and kind != "item":
                out.append("</ul>")
            if kind == "item" and not listing:
                out.append("<ul>")
            listing = kind == "item"
            if kind == "pre":
                out.append(f"<pre>{self.linked(block)}</pre>")
            else:
                body = re.sub(r"`([^`]+)`", r"<code>\1</code>", self.linked(block.removeprefix("- ")))
                out.append(f"<li>{body}</li>" if kind == "item" else f"<p>{body}</p>")
        return "\n".join(out + ["</ul>"] * listing)

    def page(self, page):
        body = [f'<p><a href="index.html">loop\'s C API</a></p><h1>&lt;{page.title}&gt;</h1>', self.prose(page.intro)]
        for item in page.items:
            if item.section:
                body.append(f"<h2>{html.escape(item.section)}</h2>")
                continue
            anchors = "".join(f'<a id="{name}"></a>' for name in item.names if self.place[name].startswith(self.file(page)))
            code = "\n".join(self.linked(c, item.names) for c in item.code)
            body.append(f"<article>{anchors}<pre>{code}</pre>\n{self.prose(item.comment)}</article>")
        return self.whole(page.title, "\n".join(body))

    def index(self, everything):
        rows = "\n".join(f'<tr><td><a href="{self.file(p)}">&lt;{p.title}&gt;</a></td><td>{html.escape(p.summary)}</td></tr>'
                         for p in everything)
        names = sorted(n for n in self.place if n.startswith("loop_") and "wit-" not in self.place[n])
        every = "\n".join(f'<li><a href="{self.place[n]}">{n}</a></li>' for n in names)
        return self.whole("loop's C API", f"<h1>loop's C API</h1>\n<p>A page a header, in the order in which they tell "
                          f"the story.</p>\n<table>{rows}</table>\n<h2>Every name</h2>\n<ul style=\"columns: 3 14rem\">{every}</ul>")

    @staticmethod
    def whole(title, body):
        return f"<!doctype html>\n<html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\n" \
               f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n{body}\n</html>\n"


# --- manual pages ----------------------------------------------------------------------------------

def roff(text):
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + row if row.startswith((".", "'")) else row for row in escaped.split("\n"))


def man_prose(text):
    out = []
    for kind, block in blocks(text):
        if kind == "pre":
            out.append(f".PP\n.EX\n{roff(block)}\n.EE")
        elif kind == "item":
            out.append(f".IP \\(bu 2\n{roff(block.removeprefix('- '))}")
        else:
            out.append(f".PP\n{roff(block)}")
    return "\n".join(out)


def man_name(page):
    return "loop-" + page.name.removesuffix(".h").replace("/", "-")


def man(page, version):
    out = [f'.TH {man_name(page).upper()} 3 "" "loop {version}" "loop\'s C API"', ".nh", ".SH NAME",
           f"{man_name(page)} \\- {roff(page.summary)}", ".SH SYNOPSIS", f"#include <{page.title}>",
           ".PP\ncc ... $(pkg\\-config \\-\\-cflags \\-\\-libs loop)", ".SH DESCRIPTION", man_prose(page.intro)]
    for item in page.items:
        if item.section:
            out.append(f".SH {roff(item.section.upper())}")
        else:
            out.append(".PP\n.EX\n\\fB" + roff("\n".join(item.code)) + "\\fR\n.EE")
            out.append(".RS 4\n" + man_prose(item.comment) + "\n.RE" if item.comment else "")
    return re.sub(r"\n{2,}", "\n", "\n".join(out)) + "\n"


# --- all of it ---------------------------------------------------------------------------------------

def write(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def manual(everything):
    version = re.search(r"version: '([\d.]+)'", (ROOT / "meson.build").read_text(encoding="utf-8"))[1]
    files = {}
    for page in (p for p in everything if "/" not in p.name):
        files[f"{man_name(page)}.3"] = man(page, version)
        for item in page.items:
            for name in item.names:
                if any(re.search(rf"\b{name}\s*\(", code) for code in item.code) and name.startswith("loop_"):
                    files[f"{name}.3"] = f".so man3/{man_name(page)}.3\n"
    return files


def without_comment(everything):
    """Of the headers that people write: declarations of functions, and headers that do not say what they are."""
    for page in (p for p in everything if "/" not in p.name):
        if not page.named:
            yield f"{page.title}: its first comment does not say what it is"
        for item in page.items:
            plain = [re.sub(r"/\*.*?\*/", "", code, flags=re.S) for code in item.code]
            if not item.comment and any("LOOP_API" in code and not code.startswith("#") for code in plain):
                yield f"{page.title}:{item.line}: {', '.join(item.names)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--man", type=Path)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    everything = pages()
    if args.check:
        found = list(without_comment(everything))
        sys.exit("".join(f"without a comment: {what}\n" for what in found) + "hint: /* what it does */ before it"
                 if found else 0)
    if not args.out:
        parser.error("--out DIR or --check")
    made = Html(everything)
    write(args.out, {made.file(p): made.page(p) for p in everything} | {"index.html": made.index(everything)})
    if args.man:
        write(args.man, manual(everything))
    print(f"wrote {args.out}/index.html, {len(everything)} headers, {len(made.place)} names")


main()
