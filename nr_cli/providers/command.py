"""Any program as a backend: the prompt goes in, its standard output is the answer."""

from __future__ import annotations

import codecs
from collections.abc import Mapping

from nr_cli.errors import FailureKind
from nr_cli.providers.codec import Blame, Delta
from nr_cli.types.events import Finished, Text
from nr_cli.types.request import Credential, Request
from nr_cli.types.steps import Ended, ProcessCall

# The statuses of sysexits.h that say more than "failed".
BY_EXIT: dict[int, FailureKind] = {
    64: FailureKind.BAD_REQUEST,
    65: FailureKind.BAD_REQUEST,
    75: FailureKind.OVERLOADED,
    77: FailureKind.AUTH,
}


def encode(request: Request, credential: Credential) -> ProcessCall:
    """Returns the program's argument list, `{prompt}` `{system}` `{model}` filled in.

    A prompt or system text that the arguments do not name goes to stdin, system first.
    """
    system = "\n\n".join(turn.text for turn in request.messages if turn.role == "system")
    prompt = "\n\n".join(turn.text for turn in request.messages if turn.role != "system")
    places = {"{prompt}": prompt, "{system}": system, "{model}": request.model.wire}
    template = request.model.provider.argv
    argv = tuple(_filled(word, places) for word in template)
    rest = [
        text
        for place, text in (("{system}", system), ("{prompt}", prompt))
        if text and not any(place in word for word in template)
    ]
    return ProcessCall(argv, "\n\n".join(rest).encode("utf-8", "replace"))


def _filled(word: str, places: Mapping[str, str]) -> str:
    """Returns one argument with its places filled in a single pass, left to right."""
    filled = []
    while word:
        found = [(word.find(place), place) for place in places if place in word]
        if not found:
            break
        at, place = min(found)
        filled.append(word[:at] + places[place])
        word = word[at + len(place) :]
    return "".join(filled) + word


def decoder(headers: Mapping[str, str]) -> CommandDecoder:
    """Returns a decoder that takes every byte as text."""
    return CommandDecoder()


def blame(status: int, headers: Mapping[str, str], body: bytes) -> Blame:
    """Returns a failure; a program has no error response, so this names none better."""
    return Blame(FailureKind.SERVER, body.decode("utf-8", "replace"))


class CommandDecoder:
    """Decodes UTF-8 as it comes; exit status 0 is the mark of a whole answer."""

    def __init__(self) -> None:
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, chunk: bytes) -> list[Delta]:
        """Returns the text these bytes complete."""
        text = self._utf8.decode(chunk)
        return [Text(text)] if text else []

    def end(self, ended: Ended) -> list[Delta]:
        """Returns the verdict of the program's exit status."""
        tail = self._utf8.decode(b"", final=True)
        deltas: list[Delta] = [Text(tail)] if tail else []
        if ended.exit == 0:
            return [*deltas, Finished("stop", None)]
        words = ended.stderr.strip().splitlines()
        detail = f"exit status {ended.exit}" + (f": {words[-1]}" if words else "")
        return [*deltas, Blame(BY_EXIT.get(ended.exit or 0, FailureKind.SERVER), detail)]
