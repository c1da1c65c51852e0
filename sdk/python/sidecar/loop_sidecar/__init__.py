"""A provider for loop as a Python program, on the standard library alone.

    from loop_sidecar import Err, Interface, Option, serve

    roller = Interface("acme:dice/roller@0.1.0", resources={"cup": Cup.close})

    @roller.function("(u32)->list<u32>")
    def roll(call, n):
        return [random.randint(1, 6) for _ in range(n)]

    @roller.function("(borrow<acme:dice/roller.cup>)->u32", name="[method]cup.roll")
    def roll_cup(call, cup):
        return cup.roll()

    roller.passes("shake", "()")  # listed, not implemented: goes to the next of the chain

    serve("dice", [roller], version="0.1.0", options=[Option("sides", "number", "6")])

Functions run on threads, as many at once as `calls` says. Of a function whose type is result<T,E> one
returns the T or raises Err(e); anything else that it raises ends the component that called (FAULT).
types.py has how values look. Objects of resources are any objects; each time one is returned as `own`
it is one handle more. One that another provider can go on with says how:
`resources={"cup": Resource(Cup.close, save=Cup.to_bytes, restore=Cup.from_bytes)}`; what else is handed
over to another provider is the `state` of `serve`.

What prints goes to stderr, whence it becomes entries of loop's log; input() finds nothing.
"""

from .memory import Remote
from .provider import Call, Caller, Fault, Host, Interface, Option, Resource
from .sidecar import serve
from .types import Case, Err, Ok, Record, Some, parse
from .wire import Malformed

__all__ = ["Call", "Caller", "Case", "Err", "Fault", "Host", "Interface", "Malformed", "Ok", "Option", "Record",
           "Remote", "Resource", "Some", "parse", "serve"]
