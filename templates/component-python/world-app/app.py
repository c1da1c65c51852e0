"""scaffold-name [N]: counts to N (3), ten times a second.

loop calls these functions and never waits in them: each answers when it wants to be called again.
wit/deps/loop-core/app.wit says what each is for; componentize-py makes wit_world of it, and
`loop build` puts a copy of that into gen/, for editors.
"""

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.app import (AppEvent, AppEvent_Cancelled, AppEvent_Timer, Next, Next_Exit,
                                   Next_Timer)
from wit_world.imports import logging
from wit_world.imports.logging import Level

EVERY_MS = 100


def say(text: str) -> None:
    logging.log(Level.INFO, "scaffold-name", text, [])


class App(exports.App):
    count, last = 0, 3

    def start(self, args: list[str]) -> Next:
        """args[0] is the program's name."""
        if len(args) > 1:
            if not args[1].isdecimal() or int(args[1]) == 0:
                raise Err("give it a number to count to")
            App.last = int(args[1])
        return Next_Timer(EVERY_MS)

    def event(self, events: list[AppEvent]) -> Next:
        for event in events:
            if isinstance(event, AppEvent_Timer):
                App.count += 1
                say(f"tick {App.count}")
            elif isinstance(event, AppEvent_Cancelled):
                return Next_Exit(1)  # somebody pressed Ctrl-C
        return Next_Timer(EVERY_MS) if App.count < App.last else Next_Exit(0)

    def frame(self, time: float) -> Next:
        """Nothing is drawn."""
        return Next_Timer(EVERY_MS)

    def stop(self) -> None:
        """The last call: what must be kept is written here."""
        say("that was all")
