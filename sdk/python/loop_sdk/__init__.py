"""What a component in Python needs of loop beside Python's own library.

CPython in a component speaks WASI already: print, open, sys.argv, time and random work as
anywhere. Here are a command's entry point, log entries, and two exceptions for people:

    from loop_sdk import command, log

    def main(args: list[str]) -> None:
        print("Hello,", args[0] if args else "world")
        log("info", "hello", "greeted", words=len(args))

    Run = command(main)

Build it with `loop build`, or by hand:

    componentize-py -d wit -w WORLD componentize app -p . -p loop-sdk -o app.wasm

`wit_world` and `componentize_py_types` are what componentize-py makes of the component's own WIT. They
are imported when a function here is called, so that this module can be read, and tested, without them.
"""

import sys
from collections.abc import Callable
from typing import Any, Literal, Union

__all__ = ["Failure", "Level", "Usage", "command", "log"]
__version__ = "0.1.0"

Level = Literal["trace", "debug", "info", "warn", "error"]
Value = Union[str, int, float, bool]


class Failure(Exception):
    """For the person who runs the command: what went wrong, and no stack."""

    def __str__(self) -> str:
        return f"error: {super().__str__()}"


class Usage(Failure):
    """How the command is meant to be called."""

    def __str__(self) -> str:
        return f"usage: {Exception.__str__(self)}"


def command(main: Callable[[list[str]], object]) -> type[Any]:
    """The class that componentize-py looks for in a world that exports wasi:cli/run: `Run = command(main)`.

    What main raises becomes the error case of `run`, after a message on standard error: of a Failure
    its text, of anything else the traceback."""

    class Run:
        def run(self) -> None:
            try:
                main(sys.argv[1:])
            except Failure as failure:
                print(failure, file=sys.stderr)
                raise failed() from None
            except Exception:
                sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
                raise failed() from None
            finally:
                sys.stdout.flush()
                sys.stderr.flush()

    return Run


def failed() -> Exception:
    """What componentize-py takes for the error of a `result` without a value."""
    from componentize_py_types import Err  # type: ignore[import-not-found]

    return Err(None)  # type: ignore[no-any-return]


def log(level: Level, target: str, message: str, /, **fields: Value) -> None:
    """An entry of loop:core/logging, which the component's world imports; numbers stay numbers."""
    from wit_world.imports import logging  # type: ignore[import-not-found]

    def value(v: Value) -> Any:
        if isinstance(v, bool):
            return logging.FieldValue_Boolean(v)
        if isinstance(v, int):
            return logging.FieldValue_Integer(v)
        if isinstance(v, float):
            return logging.FieldValue_Float(v)
        return logging.FieldValue_Text(v)

    rows = [logging.Field(name, value(v)) for name, v in fields.items()]
    logging.log(logging.Level[level.upper()], target, message, rows)
