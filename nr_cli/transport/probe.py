"""Asks several servers one short question each, all at once, within one limit of time."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from nr_cli.errors import NrError
from nr_cli.transport.faults import broke_by
from nr_cli.transport.route import find_way
from nr_cli.types.steps import HttpCall

LARGEST = 8 << 20  # bytes of an answer that are read


class Answered(NamedTuple):
    """A server's answer: `status` is 0 where none came, `trouble` then says why."""

    status: int
    body: bytes = b""
    trouble: str = ""


def get_all(calls: Sequence[HttpCall], environ: Mapping[str, str], within: float) -> list[Answered]:
    """Returns the answer to a GET of each call, all within so many seconds.

    A redirect is an answer: it is never followed, so that no key goes along.
    """
    found: list[Answered] = [Answered(0, trouble="no answer in time")] * len(calls)
    deadline = time.monotonic() + within

    def carry(at: int) -> None:
        found[at] = get(calls[at], environ, within, deadline)

    threads = [threading.Thread(target=carry, args=(at,), daemon=True) for at in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return list(found)


def get(call: HttpCall, environ: Mapping[str, str], within: float, deadline: float) -> Answered:
    """Returns the answer to one GET; whatever fails is told in its `trouble`."""
    import httpx

    limits = dict.fromkeys(("connect", "read", "write", "pool"), within)
    try:
        way = find_way(call, environ)
        request = httpx.Request(
            "GET", call.url, headers=list(call.headers), extensions={"timeout": limits}
        )
        with httpx.HTTPTransport(verify=way.verify, proxy=way.proxy, trust_env=False) as transport:
            response = transport.handle_request(request)
            try:
                return Answered(response.status_code, read(response, deadline))
            finally:
                response.close()
    except NrError as error:
        return Answered(0, trouble=error.message)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError, ValueError) as error:
        try:
            return Answered(0, trouble=broke_by(error, call.url).detail)
        except ValueError:
            return Answered(0, trouble="the address or a header cannot be sent")


def read(response: object, deadline: float) -> bytes:
    """Returns a body as far as size and time allow."""
    body = bytearray()
    for chunk in response.iter_bytes():  # type: ignore[attr-defined] # httpx.Response, which is not imported here
        body += chunk
        if len(body) > LARGEST or time.monotonic() > deadline:
            break
    return bytes(body)
