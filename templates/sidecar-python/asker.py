"""asker PLACE...: asks scaffold-name for the weather of places. A component: it runs in loop.

componentize-py makes wit_world of the world `asker` of wit/scaffold_name.wit; `loop build` puts a
copy of it into gen/, for editors.
"""

from componentize_py_types import Err
from loop_sdk import Failure, command
from wit_world.imports import api


def main(places: list[str]) -> None:
    for place in places:
        try:
            reading = api.now(place)
        except Err as error:
            raise Failure(f"'{place}': {error.value.name.lower().replace('_', ' ')}") from error
        print(f"{place}: {reading.celsius:.0f} degrees")


Run = command(main)
