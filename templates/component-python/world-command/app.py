"""scaffold-name [NAME]: greets, and writes a log entry.

Arguments, files and standard streams are those of Python. What the world (wit/world.wit) imports and
exports beside is in the module wit_world, which componentize-py makes of it; `loop build` puts a copy
into gen/, for editors.
"""

import sys

from greeting import greeting
from wit_world import exports
from wit_world.imports import logging
from wit_world.imports.logging import Field, FieldValue_Text, Level


class Run(exports.Run):
    def run(self) -> None:
        name = sys.argv[1] if len(sys.argv) > 1 else "world"
        print(greeting(name))
        logging.log(Level.INFO, "scaffold-name", "greeted", [Field("name", FieldValue_Text(name))])
