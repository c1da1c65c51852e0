"""scaffold-name: greets, for others.

What the world (wit/world.wit) exports is a protocol of wit_world.exports, which componentize-py makes
of it, implemented here by a class of the same name. A function answers the `ok` of its result, and
raises the `error` as an Err; `loop build` puts a copy of wit_world into gen/, for editors.
"""

from componentize_py_types import Err
from greeting import greeting
from wit_world import exports
from wit_world.exports.api import Problem

LONGEST = 64  # letters of a name: what comes from others has a limit


class Api(exports.Api):
    def greet(self, name: str) -> str:
        if not name:
            raise Err(Problem.NO_NAME)
        if len(name) > LONGEST:
            raise Err(Problem.TOO_LONG)
        return greeting(name)
