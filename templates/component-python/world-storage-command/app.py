"""scaffold-name NAME: counts a visit of NAME, and says which one it is.

A bucket with a key for each name (wit/deps/loop-storage/store.wit); componentize-py makes wit_world of
that, and `loop build` puts a copy into gen/, for editors. Several of these may run at once: a count is
written only if it still is what was read, else read again.
"""

import sys

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import store
from wit_world.imports.store import (Change_Set, Condition_Absent, Condition_Unchanged,
                                     Outcome_Applied)

WHY = {
    "Error_Unavailable": "nobody serves it here",
    "Error_Denied": "it was not granted",
    "Error_Invalid": "invalid",
    "Error_Limit": "the quota is used up",
    "Error_Cancelled": "cancelled",
    "Error_Failed": "the store failed",
}


def visit(name: str) -> int:
    visits = store.open("visits")
    key = name.encode()
    while True:
        seen = visits.get(key)
        count = int(seen.value) + 1 if seen else 1
        condition = Condition_Unchanged(seen.version) if seen else Condition_Absent()
        change = Change_Set(str(count).encode())
        if isinstance(visits.compare_and_swap(key, condition, change), Outcome_Applied):
            return count


def reason(error) -> str:
    """In words for the person who runs this."""
    why, text = WHY[type(error).__name__], getattr(error, "value", "")
    return f"{why}: {text}" if text else why


class Run(exports.Run):
    def run(self) -> None:
        if len(sys.argv) != 2:
            print("usage: scaffold-name NAME", file=sys.stderr)
            raise Err(None)
        try:
            print(f"visit {visit(sys.argv[1])} of {sys.argv[1]}")
        except Err as error:
            print(f"error: cannot use the storage\n  because {reason(error.value)}", file=sys.stderr)
            raise Err(None) from error
