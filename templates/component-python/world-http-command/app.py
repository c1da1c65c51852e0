"""scaffold-name URL: fetches a page; prints its status, then what it says.

A request goes to servers that were granted alone (`grants.http` of loop.yaml); any other ends with
HttpRequestDenied. componentize-py makes wit_world of wit/world.wit, and `loop build` puts a copy into
gen/, for editors.
"""

import sys
from urllib.parse import urlsplit

from componentize_py_types import Err, Ok
from loop_sdk import Failure, Usage, command
from wit_world.imports import outgoing_handler
from wit_world.imports.streams import StreamError_Closed
from wit_world.imports.wasi_http_types import (Fields, IncomingResponse, OutgoingRequest, Scheme_Http,
                                               Scheme_Https)


def get(url: str) -> IncomingResponse:
    """Sends a GET and waits for the start of the answer. Raises an Err with wasi:http's error code."""
    parts = urlsplit(url)
    request = OutgoingRequest(Fields())
    request.set_scheme(Scheme_Https() if parts.scheme == "https" else Scheme_Http())
    request.set_authority(parts.netloc)
    request.set_path_with_query((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
    with outgoing_handler.handle(request, None) as future:
        with future.subscribe() as ready:
            ready.block()
        answer = future.get()
    if isinstance(answer, Ok):
        answer = answer.value  # of option<result<result<response, error-code>>>
    if isinstance(answer, Err):
        raise answer
    return answer.value


def print_body(response: IncomingResponse) -> None:
    with response.consume() as body, body.stream() as stream:
        while True:
            try:
                sys.stdout.buffer.write(stream.blocking_read(65536))
            except Err as error:
                if isinstance(error.value, StreamError_Closed):
                    break
                raise
    sys.stdout.flush()


def fetch(url: str) -> None:
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise Failure(f"'{url}' is not an http or https URL")
    with get(url) as response:
        print(response.status(), url, flush=True)
        print_body(response)


def name_of(code) -> str:
    return type(code).__name__.removeprefix("ErrorCode_")


def main(args: list[str]) -> None:
    if len(args) != 1:
        raise Usage("scaffold-name URL")
    try:
        fetch(args[0])
    except Err as error:
        raise Failure(f"cannot fetch {args[0]}\n  because {name_of(error.value)}") from error


Run = command(main)
