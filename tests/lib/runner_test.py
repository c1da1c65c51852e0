#!/usr/bin/env python3
"""Tests of the test runner itself: a golden case that differs must fail, and be shown."""

import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from lib import common, golden, groups  # noqa: E402
import run as runner  # noqa: E402

CASE = """\
# A comment.
run: echo hello {tmp} && echo oops >&2 && exit 3
status: 3
stdout:
    hello {tmp}
stderr:
    oops
contains: hello
excludes: goodbye
"""


class Golden(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.world = common.World(self.folder, self.folder, scratch=self.folder,
                                  servers=common.Servers())

    def case(self, text):
        path = self.folder / "x.case"
        path.write_text(text, encoding="utf-8")
        return golden.parse(path, "topic/x")

    def run_case(self, text):
        return golden.run_case(self.world, self.case(text), "")

    def test_what_is_expected_passes(self):
        result = self.run_case(CASE)
        self.assertTrue(result.ok, result.detail)

    def test_each_difference_fails(self):
        for old, new in (("status: 3", "status: 4"), ("    hello {tmp}", "    hallo"),
                         ("    oops", "    oops again"), ("contains: hello", "contains: nothing"),
                         ("excludes: goodbye", "excludes: oops")):
            with self.subTest(new=new):
                self.assertFalse(self.run_case(CASE.replace(old, new)).ok)

    def test_a_stream_without_text_must_stay_empty(self):
        self.assertFalse(self.run_case("run: echo x\nstdout:\n").ok)
        self.assertTrue(self.run_case("run: echo x\nstderr:\n").ok)

    def test_what_varies_is_named(self):
        found = {"tmp": "/tmp/a", "guests": "/tmp/a/guests", "port": "8080"}
        self.assertEqual(
            "{time} {tmp} {guests}/x :{port} 18080 {duration} {offset} loop {version} {x1b}[m\n",
            golden.normalise(b"12:34:56.789 /tmp/a /tmp/a/guests/x :8080 18080 2.5 us 0x1f "
                             b"loop 0.1.0 \x1b[m\n", found, "0.1.0"))

    def test_a_written_case_reads_the_same(self):
        text = CASE + "setup:\n    a\n\n      b\nstdin:\n    x{end}\nenv: A=b\nneeds: y\nserver: http\n"
        case = self.case(text)
        before = dict(case.values)
        golden.write(case)
        self.assertEqual(before, golden.parse(case.path, "").values)

    def test_a_mistake_in_a_case_is_an_error(self):
        for text in ("stdout:\n    x\n", "run: a\nstats: 3\n", "run: a\nrun: b\n", "hello\n"):
            with self.subTest(text=text), self.assertRaises(golden.CaseError):
                self.case(text)

    def test_update_writes_what_happened(self):
        self.world.update = True
        self.run_case(CASE.replace("    oops", "    something else"))
        self.world.update = False
        result = golden.run_case(self.world, golden.parse(self.folder / "x.case", ""), "")
        self.assertTrue(result.ok, result.detail)


class Tap(unittest.TestCase):
    def test_every_case_counts(self):
        found = groups.tap_results("a", 1, "1..3\nok 1 - b\nnot ok 2 - c\n# why\nok 3 - d # SKIP e\n", "")
        self.assertEqual([True, False, True], [r.ok for r in found])
        self.assertEqual("why\n", found[1].detail)
        self.assertEqual("e", found[2].skip)

    def test_half_a_line_of_a_guest_hides_no_case(self):
        found = groups.tap_results("a", 0, "1..2\nsleeping for 36ok 1 - b\n.not ok 2 - c\n", "")
        self.assertEqual([("a/b", True), ("a/c", False)], [(r.name, r.ok) for r in found])

    def test_a_program_that_dies_fails(self):
        for status, out in ((-11, "1..2\nok 1 - b\n"), (0, ""), (1, "1..1\nok 1 - b\n")):
            with self.subTest(out=out):
                self.assertFalse(all(r.ok for r in groups.tap_results("a", status, out, "")))


class Groups(unittest.TestCase):
    def test_a_defect_of_a_test_is_a_failure(self):
        def broken():
            raise ValueError("broken")
        with contextlib.redirect_stdout(io.StringIO()) as said:
            results = runner.run_group("x", [broken, lambda: common.Result("fine")], 2)
        self.assertEqual([False, True], [r.ok for r in results])
        self.assertIn("ValueError: broken", said.getvalue())


if __name__ == "__main__":
    unittest.main()
