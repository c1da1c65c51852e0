"""scaffold-name NAME: counts a visit of NAME, and says which one it is.

A bucket with a key for each name (wit/deps/loop-storage/store.wit); componentize-py makes wit_world of
that, and `loop build` puts a copy into gen/, for editors. Several of these may run at once: a count is
written only if it still is what was read, else read again.
"""

from componentize_py_types import Err
from loop_sdk import Failure, Usage, command
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


def main(args: list[str]) -> None:
    if len(args) != 1:
        raise Usage("scaffold-name NAME")
    try:
        print(f"visit {visit(args[0])} of {args[0]}")
    except Err as error:
        raise Failure(f"cannot use the storage\n  because {reason(error.value)}") from error


Run = command(main)
