#!/usr/bin/env python3
"""Tests of check_layers.py: each rule, with a small project that breaks it."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import check_layers  # noqa: E402

TABLE = """\
# Architecture

| folder | what |
|---|---|
| `x` | no row of the table |

| room | holds | may use |
|---|---|---|
| `include/loop` | the API | itself |
| `base` | errors | `include/loop` |
| `engine` | | include/loop, base/ |
| `host` | | include/loop, base, engine |
| `trust` | | include/loop, base, host |
| `providers` | one folder each | include/loop, base |
| `api` | | everything above |
| `cli` | | include/loop |

Text after it.
"""

CLEAN = {
    "ARCHITECTURE.md": TABLE,
    "include/loop/error.h": "#include <stddef.h>\ntypedef struct loop_error loop_error;\n"
                            "LOOP_API void loop_error_delete(loop_error *e);\n",
    "base/base.h": '#include "loop/error.h"\n',
    "base/os/os.c": "#include <unistd.h>\n#include <sys/stat.h>\n",
    "engine/engine.h": '#include "base/base.h"\n',
    "engine/internal.h": '#include <wasmtime.h>\n#include "engine/engine.h"\n',
    "host/internal.h": '#include <uv.h>\n#include "engine/engine.h"\n',
    "host/hooks.h": '#include "loop/error.h"\n',
    "trust/policy.h": '#include "base/base.h"\n',
    "trust/policy_test.c": '#include <unistd.h>\n#include "host/hooks.h"\n#include "trust/policy.h"\n'
                           '#include "tests/lib/help.h"\n',
    "tests/lib/help.h": '#include "trust/policy.h"\n',
    "providers/a/a.h": '#include "loop/error.h"\n',
    "providers/a/a.c": '#include "providers/a/a.h"\n#include "base/base.h"\n',
    "api/host.c": '#include "providers/a/a.h"\n#include "host/hooks.h"\n',
    "cli/main.c": '#include <signal.h>\n#include "loop/error.h"\n',
}

# path, text, a piece of the only problem
BROKEN = [
    ("base/x.c", '#include "engine/engine.h"\n', "base/x.c:1: base/ may not use engine/"),
    ("base/x.c", "\n#  include <unistd.h>\n", "base/x.c:2: <unistd.h>: only base/os/"),
    ("base/x.c", "#include <sys/stat.h>\n", "only base/os/"),
    ("host/x.c", "#include <wasmtime/component.h>\n", "only engine/ sees Wasmtime"),
    ("host/x.c", '#include "engine/internal.h"\n', "is engine's own"),
    ("host/x.c", '#include "hooks.h"\n', "write the path from the project's root"),
    ("trust/x.c", "#include <uv.h>\n", "the event loop"),
    ("host/x.c", '#include "trust/policy.h"\n', "host/ may not use trust/"),
    ("providers/b/b.c", '#include "providers/a/a.h"\n', "providers/b/ may not use providers/a/"),
    ("providers/b/b.c", '#include "host/hooks.h"\n', "may not use host/"),
    ("cli/x.c", '#include "base/base.h"\n', "cli/ may not use base/"),
    ("cli/x.c", '#include "elsewhere/x.h"\n', "in no room"),
    ("trust/x.c", '#include "tests/lib/help.h"\n', "in no room"),
    ("trust/x_test.c", "#include <wasmtime.h>\n", "only engine/"),
    ("include/loop/x.h", "typedef struct { int a; } thing;\n", "does not start with loop_"),
    ("include/loop/x.h", "typedef struct {\n  int a;\n} thing;\n", "the type 'thing'"),
    ("include/loop/x.h", "#define LP_X 1\n", "the macro 'LP_X'"),
    ("include/loop/x.h", "enum { LOOP_A,\n  B = 2 };\n", "the constant 'B'"),
    ("include/loop/x.h", "LOOP_API void\nfree_it(void *p);\n", "the function 'free_it'"),
    ("include/loop/x.h", "struct other;\n", "the tag 'other'"),
    ("include/loop/x.h", "#include <unistd.h>\n", "a public header includes 'unistd.h'"),
]


def make(folder, files):
    for name, text in files.items():
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Path(folder)


class CheckLayers(unittest.TestCase):
    def problems(self, more=()):
        with tempfile.TemporaryDirectory() as folder:
            return check_layers.check(make(folder, CLEAN | dict(more)))

    def test_clean(self):
        self.assertEqual([], self.problems())

    def test_each_rule(self):
        for path, text, wanted in BROKEN:
            with self.subTest(path=path, text=text):
                more = {path: text, "elsewhere/x.h": ""}
                found = [p for p in self.problems(more) if p.startswith(path)]
                self.assertTrue(found and wanted in found[0], f"{found} has no '{wanted}'")

    def test_no_table(self):
        for text in ("", "| room | uses |\n|---|---|\n| a | b |\n",
                     "| room | may use |\n|---|---|\n| a | b |\n"):
            with self.subTest(text=text), self.assertRaises(check_layers.NoTable):
                check_layers.read_table(text)

    def test_the_table(self):
        table = check_layers.read_table(TABLE)
        self.assertEqual({"include/loop"}, table["base"])
        self.assertEqual(set(), table["include/loop"])
        self.assertEqual({"include/loop", "base", "engine", "host", "trust", "providers"}, table["api"])
        self.assertNotIn("x", table)


if __name__ == "__main__":
    unittest.main()
