"""asker PLACE...: asks scaffold-name for the weather of places. A component: it runs in loop.

componentize-py makes wit_world of the world `asker` of wit/scaffold_name.wit; `loop build` puts a
copy of it into gen/, for editors.
"""

import sys

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import api


class Run(exports.Run):
    def run(self) -> None:
        for place in sys.argv[1:]:
            try:
                reading = api.now(place)
            except Err as error:
                print(f"'{place}': {error.value.name.lower().replace('_', ' ')}", file=sys.stderr)
                raise Err(None) from error
            print(f"{place}: {reading.celsius:.0f} degrees")
