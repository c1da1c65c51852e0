#!/usr/bin/env python3
"""Tests of check_wit.py and wit_vendor.py: for every rule a tiny package that breaks it.

    WASM_TOOLS=… python3 tools/test_check_wit.py

Each case is a wit/ folder of a few lines: a good loop:core, and one package
that is wrong in one way. A case passes when its rule is reported, and no other.
"""

import shutil
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import check_wit  # noqa: E402
import wit_vendor  # noqa: E402

CORE = """/// What all share. Settled.
package loop:core@0.1.0;
/// Shared types.
interface types {
    variant error { unavailable(string), denied(string), other }
}
"""

# A package that is right, to be broken: window takes batches, does not wait, is gateable.
GOOD = """/// Draft.
package loop:window@0.0.1;
/// Windows.
interface windows {
    use loop:core/types@0.1.0.{error};
    type window-id = u32;
    /// One window.
    resource window {
        /// Its name.
        name: func() -> result<string, error>;
    }
    /// Opens windows.
    open: func(titles: list<string>) -> result<list<window>, error>;
    /// Closes windows.
    close: func(ids: list<window-id>) -> result<_, error>;
}
/// What happens; called by the host.
interface events {
    /// Takes events.
    handle: func(events: list<string>) -> result<_, string>;
}
/// For windows.
world windowed {
    import windows;
    export events;
}
"""

STORAGE = GOOD.replace("loop:window@0.0.1", "loop:storage@0.1.0")

# rule, folder, text that is replaced, its replacement
CASES = [
    ("parse", "window", "/// Windows.", "type stray = u32;\n/// Windows."),
    ("parse", "window", "type window-id",
     "use loop:core/nothing@0.1.0.{thing};\n    type window-id"),
    ("package", "window", "loop:window@0.0.1", "loop:windows@0.0.1"),
    ("package", "window", "loop:window@0.0.1", "loop:window"),
    ("use-version", "window", "loop:core/types@0.1.0", "loop:core/types"),
    ("layers", "window", "/// For windows.",
     "/// Includes ui.\nworld more { include loop:ui/shown@0.0.1; }\n/// For windows."),
    ("worlds", "window", "export events;",
     "export events;\n    export greet: func() -> string;"),
    ("worlds", "window", "export events;",
     "export events;\n    import inner: interface { }"),
    ("header", "window", "/// Draft.", "/// About windows."),
    ("docs", "window", "/// Windows.\n", ""),
    ("docs", "window", "    /// Opens windows.\n", ""),
    ("docs", "window", "        /// Its name.\n", ""),
    ("docs", "window", "    /// One window.\n", ""),
    ("docs", "window", "/// For windows.\n", ""),
    ("no-constructor", "window", "resource window {",
     "resource window {\n        /// Makes one.\n        constructor(names: list<string>);"),
    ("result-error", "window", "-> result<string, error>", "-> string"),
    ("result-error", "window", "(ids: list<window-id>) -> result<_, error>",
     "(ids: list<window-id>)"),
    ("result-error", "window", "(ids: list<window-id>) -> result<_, error>",
     "(ids: list<window-id>) -> result<_, string>"),
    ("result-error", "window", "(ids: list<window-id>) -> result<_, error>",
     "(ids: list<window-id>) -> result"),
    ("wide-id", "window", "type window-id = u32", "type window-id = u64"),
    ("wide-id", "window", "(titles: list<string>)", "(titles: list<string>, cursor: option<u64>)"),
    ("wide-id", "window", "type window-id = u32;",
     "type window-id = u32;\n    record place { window: window-id, handle: s64 }"),
    ("wide-id", "window", "type window-id = u32;",
     "type window-id = u32;\n    record place { area: list<tuple<u8, u64>> }"),
    ("wide-id", "window", "result<string, error>", "result<u64, error>"),
    ("batch", "window", "(ids: list<window-id>)", "(id: window-id)"),
    ("batch", "window", "(ids: list<window-id>)", "(title: string)"),
    ("no-async", "window", "close: func", "close: async func"),
    ("no-async", "window", "result<string, error>", "result<stream<u8>, error>"),
    ("no-wait", "window", "close: func", "wait-for: func"),
    ("no-wait", "window", "/// Windows.", "/// Windows. May wait."),
    ("no-wait", "window", "    type window-id", "    use wasi:io/streams@0.2.0.{input-stream};\n"
     "    type window-id"),
    ("no-wait", "window", "/// Closes windows.", "/// Closes windows; it may wait."),
]


def make_wit(root, text=None, folder="window"):
    """A wit/ folder at `root` with loop:core, a vendored wasi:io, its lock, and one package."""
    (root / "core").mkdir(parents=True)
    (root / "core" / "types.wit").write_text(CORE, encoding="utf-8")
    io = root / "deps" / "wasi-io-0.2.0"
    io.mkdir(parents=True)
    (io / "io.wit").write_text("package wasi:io@0.2.0;\ninterface streams { resource "
                               "input-stream; }\ninterface poll { resource pollable; }\n",
                               encoding="utf-8")
    (root / "ui").mkdir()
    (root / "ui" / "ui.wit").write_text("/// Sketch.\npackage loop:ui@0.0.1;\n"
                                        "/// Nothing yet.\nworld shown { }\n", encoding="utf-8")
    if text is not None:
        (root / folder).mkdir(exist_ok=True)
        (root / folder / "bad.wit").write_text(text, encoding="utf-8")
    wit_vendor.write_lock(root, [{
        "wit": "wasi:io@0.2.0", "folder": "wasi-io-0.2.0", "crate": "none",
        "crate-version": "1.0.0", "crate-sha256": "0" * 64, "path": "wit", "licence": "MIT",
        "files": {"io.wit": wit_vendor.sha256(io / "io.wit")}}])
    return root


def no_counts():
    return dict.fromkeys(("packages", "interfaces", "functions", "worlds", "examples"), 0)


class Scratch(unittest.TestCase):
    def setUp(self):
        self.tool = check_wit.find_wasm_tools()
        self.folder = Path(tempfile.mkdtemp(prefix="test-check-wit-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def check(self, wit, notes=None):
        """The problems, without the rows of QUANTITIES that only the real wit/ has."""
        problems, _ = check_wit.check_all(self.tool, wit, notes or self.folder / "none")
        return [p for p in problems if p.where != "tools/check_wit.py"]


class Rules(Scratch):
    def test_good_packages_pass(self):
        self.assertEqual([], self.check(make_wit(self.folder / "a", GOOD)))
        waiting = STORAGE.replace("/// Windows.", "/// Windows. May wait.")
        self.assertEqual([], self.check(make_wit(self.folder / "b", waiting, "storage")))

    def test_every_case_is_caught(self):
        for number, (rule, folder, old, new) in enumerate(CASES):
            with self.subTest(rule=rule, new=new):
                self.assertIn(old, GOOD)
                wit = make_wit(self.folder / str(number), GOOD.replace(old, new, 1), folder)
                problems = list(check_wit.check_package(self.tool, wit, wit / folder,
                                                        no_counts(), set()))
                self.assertEqual({rule}, {p.rule for p in problems}, list(map(str, problems)))

    def test_waiting_interfaces_say_so(self):
        wit = make_wit(self.folder / "w", STORAGE, "storage")
        problem, = self.check(wit)     # `windows`; the host calls `events`, not the component
        self.assertEqual("says-wait", problem.rule)

    def test_unknown_package_needs_a_row(self):
        wit = make_wit(self.folder / "w", GOOD.replace("loop:window", "loop:mystery"), "mystery")
        self.assertEqual({"package"}, {p.rule for p in self.check(wit)})

    def test_core_stands_alone(self):
        wit = make_wit(self.folder / "w")
        (wit / "core" / "more.wit").write_text(
            "// Draft.\n/// More.\nworld more { include loop:ui/shown@0.0.1; }\n",
            encoding="utf-8")
        self.assertEqual({"layers"}, {p.rule for p in self.check(wit)})

    def test_foreign_packages_are_refused(self):
        wit = make_wit(self.folder / "w", GOOD.replace(
            "/// For windows.", "/// Foreign.\nworld far { import acme:far/away@1.0.0; }\n"
            "/// For windows."))
        self.assertIn("worlds", {p.rule for p in self.check(wit)})

    def test_a_problem_names_file_line_function_and_remedy(self):
        wit = make_wit(self.folder / "w", GOOD.replace("-> result<string, error>", "-> string"))
        problem, = self.check(wit)
        line = GOOD.splitlines().index("        name: func() -> result<string, error>;") + 1
        self.assertTrue(problem.where.endswith(f"window/bad.wit:{line}"), problem.where)
        self.assertIn("windows.window.name", problem.text)
        self.assertIn("use loop:core/types", problem.hint)

    def test_accepted_reports_what_wasm_tools_says(self):
        wit = make_wit(self.folder / "w", GOOD)
        self.assertIsNotNone(check_wit.make_component(
            self.tool, wit / "core", "loop:core@0.1.0", "no-such-world", self.folder))

    def test_each_rule_has_a_case(self):
        elsewhere = {"vendored", "accepted", "says-wait", "example"}
        self.assertEqual(set(check_wit.RULES), {case[0] for case in CASES} | elsewhere)


class Vendored(Scratch):
    def problems(self, change):
        wit = make_wit(self.folder / "w")
        change(wit / "deps" / "wasi-io-0.2.0" / "io.wit", wit)
        return [p for p in self.check(wit) if p.rule == "vendored"]

    def test_changed_file(self):
        found = self.problems(lambda io, _: io.write_text(io.read_text() + "\n"))
        self.assertIn("changed", found[0].hint)

    def test_missing_file(self):
        found = self.problems(lambda io, _: io.unlink())
        self.assertTrue(any("missing" in p.hint for p in found))

    def test_extra_file(self):
        found = self.problems(lambda io, _: (io.parent / "more.wit").write_text("// x\n"))
        self.assertIn("not in wit.lock", found[0].hint)

    def test_extra_file_beside_the_folders(self):
        found = self.problems(lambda _, wit: (wit / "deps" / "notes.txt").write_text("x"))
        self.assertIn("not in wit.lock", found[0].hint)

    def test_link(self):
        def link(io, wit):
            moved = wit / "elsewhere.txt"
            io.rename(moved)
            io.symlink_to(moved)
        self.assertIn("plain file", self.problems(link)[0].hint)

    def test_lock_missing(self):
        found = self.problems(lambda _, wit: (wit / "wit.lock").unlink())
        self.assertIn("is missing", found[0].text)

    def test_lock_that_leaves_deps(self):
        def escape(_, wit):
            lock = wit / "wit.lock"
            lock.write_text(lock.read_text().replace('"io.wit"', '"../../io.wit"'))
        self.assertIn("outside", self.problems(escape)[0].text)

    def test_lock_of_another_format(self):
        def newer(_, wit):
            lock = wit / "wit.lock"
            lock.write_text(lock.read_text().replace("lock-version = 1", "lock-version = 2"))
        self.assertIn("lock-version", self.problems(newer)[0].text)

    def test_tree_takes_what_is_needed_and_no_more(self):
        wit = make_wit(self.folder / "w", GOOD)
        out = self.folder / "tree"
        self.assertEqual({"loop:core@0.1.0"}, wit_vendor.tree(wit, wit / "window", out))
        self.assertEqual(["loop-core-0.1.0"], [p.name for p in (out / "deps").iterdir()])

    def test_tree_refuses_to_write_into_wit(self):
        wit = make_wit(self.folder / "w", GOOD)
        self.assertEqual(1, wit_vendor.main(["--wit", str(wit), "tree", "window",
                                             str(wit / "core")]))
        self.assertEqual(CORE, (wit / "core" / "types.wit").read_text())


class Examples(Scratch):
    def example(self, fence):
        notes = self.folder / "notes"
        notes.mkdir()
        (notes / "a.md").write_text(f"# Notes\n\n{fence}\n", encoding="utf-8")
        return self.check(make_wit(self.folder / "w"), notes)

    def test_good(self):
        self.assertEqual([], self.example("```wit\ninterface a { f: func(); }\n"
                                          "world w { import a; }\n```"))

    def test_that_does_not_compile(self):
        found = self.example("```wit\ninterface a { f: func() -> nothing; }\n```")
        self.assertEqual(["example"], [p.rule for p in found])
        self.assertTrue(found[0].where.endswith("a.md:3"))

    def test_that_breaks_what_it_says(self):
        self.assertEqual([], self.example(
            "```wit breaks=docs\n/// Draft.\npackage loop:window@0.0.1;\ninterface a { }\n```"))

    def test_that_does_not_break_what_it_says(self):
        found = self.example("```wit breaks=batch\n/// Draft.\npackage loop:window@0.0.1;\n"
                             "/// Nothing.\ninterface a { }\n```")
        self.assertEqual(["example"], [p.rule for p in found])


if __name__ == "__main__":
    unittest.main()
