"""scaffold-name [NAME]: greets, and writes a log entry.

Arguments, files and standard streams are those of Python. loop_sdk makes a command of a function; what
else the world (wit/world.wit) imports is in the module wit_world, which componentize-py makes of it.
`loop build` puts a copy of that into gen/, for editors.
"""

from greeting import greeting
from loop_sdk import command, log


def main(args: list[str]) -> None:
    name = args[0] if args else "world"
    print(greeting(name))
    log("info", "scaffold-name", "greeted", name=name)


Run = command(main)
