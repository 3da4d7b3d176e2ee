"""Holds a chat as plain values: what was entered, what is kept, what comes of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from nr_cli.cli.conversation import Anchor, Exchange, behind
from nr_cli.errors import UsageError
from nr_cli.policy.suggest import did_you_mean, quote
from nr_cli.types.message import Attachment
from nr_cli.types.prompt import Prompt
from nr_cli.types.record import Record

QUOTES = '"""'


class Command(NamedTuple):
    """A slash command: its name, what may follow it, what it does."""

    name: str
    argument: str
    purpose: str


COMMANDS = (
    Command("model", "[NAME|auto]", "ask this model; auto: routed by each message"),
    Command("route", "[NAME|auto]", "take this route; auto: routed by each message"),
    Command("system", "[TEXT|-]", "set the system text; -: none"),
    Command("file", "PATH", "put a text file into the next message"),
    Command("attach", "PATH|URL", "send a file along with the next message"),
    Command("undo", "", "drop the last exchange"),
    Command("retry", "", "send the last message again"),
    Command("new", "", "begin another conversation"),
    Command("save", "[--force] [FILE]", "write the conversation to a file, or name it"),
    Command("cost", "", "tokens and cost so far"),
    Command("why", "", "why this model answered"),
    Command("help", "", "this list"),
    Command("quit", "", "leave, as Ctrl-D does"),
)
NAMES = tuple(command.name for command in COMMANDS)


class Said(NamedTuple):
    """Text to be sent."""

    text: str


class Order(NamedTuple):
    """A slash command with what follows it."""

    name: str
    argument: str


def read_entry(entry: str) -> Said | Order | None:
    """Returns what was entered, None for a blank entry.

    Raises: UsageError for an unknown command.
    """
    if is_quoted(entry):
        entry = entry.strip()[len(QUOTES) :].removesuffix(QUOTES).strip("\n")
        return Said(entry) if entry.strip() else None
    if entry.startswith("//"):
        return Said(entry[1:])
    if not entry.startswith("/"):
        return Said(entry) if entry.strip() else None
    name, argument = re.fullmatch(r"/(\S*)\s*(.*)", entry, re.DOTALL).groups()  # type: ignore[union-attr] # it fits any text after a slash
    if name not in NAMES:
        meant = did_you_mean(f"/{name}", [f"/{known}" for known in NAMES])
        hint = "/help lists the commands; //text sends text that begins with a slash"
        raise UsageError(f"no command {quote('/' + name)}{meant}", hint)
    return Order(name, argument.strip())


def is_quoted(entry: str) -> bool:
    """Tells whether an entry begins a block of lines between triple quotes."""
    return entry.lstrip().startswith(QUOTES)


def is_open(entry: str) -> bool:
    """Tells whether a block was begun but not ended."""
    text = entry.strip()
    return is_quoted(entry) and (len(text) < 2 * len(QUOTES) or not text.endswith(QUOTES))


class Spent(NamedTuple):
    """What the answers of a chat took; what is not known is counted, never taken for nothing."""

    answers: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    uncounted: int = 0
    dollars: float = 0.0
    unpriced: int = 0

    def plus(self, record: Record | None) -> Spent:
        """Returns the sum with one more answer, None for one that was stopped."""
        usage = record.usage if record else None
        cost = record.spent if record else None
        cached = record is not None and record.cache == "hit"  # its tokens were spent before
        return Spent(
            self.answers + 1,
            self.input_tokens + (usage.input_tokens if usage and not cached else 0),
            self.output_tokens + (usage.output_tokens if usage and not cached else 0),
            self.uncounted + (usage is None and not cached),
            self.dollars + (cost or 0.0),
            self.unpriced + (cost is None),
        )

    def words(self) -> str:
        """Returns the sum in one line."""
        if not self.answers:
            return "nothing was answered yet"
        tokens = f"{self.input_tokens} tokens in, {self.output_tokens} out"
        cost = f"${self.dollars:.6f}".rstrip("0").rstrip(".")
        counts = self._with_unknown(tokens, "tokens", self.uncounted, self.output_tokens > 0)
        costs = self._with_unknown(cost, "cost", self.unpriced, self.dollars > 0)
        return f"{counted(self.answers, 'answer')}: {counts} · {costs}"

    def _with_unknown(self, known: str, what: str, unknown: int, is_any: bool) -> str:
        """Returns what is known of the sum with what is not; nothing known is never a nought."""
        if not unknown:
            return known
        if unknown == self.answers:
            return f"{what} unknown"
        return f"{known}, unknown for {unknown}" if is_any else f"{what} unknown for {unknown}"


class Talk(NamedTuple):
    """A chat between two messages.

    `model` or `route` is what is pinned; `blocks`, `files` wait for the next message, which
    `names` names. `failed` is the message that was not answered.
    """

    exchanges: tuple[Exchange, ...] = ()
    system: str | None = None
    model: str | None = None
    route: str | None = None
    conversation: str | None = None
    held: Anchor | None = None
    blocks: tuple[str, ...] = ()
    files: tuple[Attachment, ...] = ()
    names: tuple[str, ...] = ()
    failed: Prompt | None = None
    spent: Spent = Spent()

    def prompt(self, text: str) -> Prompt:
        """Returns a message with all that waits for it, without what was said before."""
        joined = "\n\n".join((text, *self.blocks))
        return Prompt(joined, self.system, "args", self.names, self.files)

    def behind_turns(self, prompt: Prompt) -> Prompt:
        """Returns the message behind what was said before."""
        return behind(prompt, self.exchanges)

    def with_waiting(
        self, name: str, blocks: Iterable[str] = (), files: Iterable[Attachment] = ()
    ) -> Talk:
        """Returns the chat with one more file that waits for the next message."""
        return self._replace(
            blocks=(*self.blocks, *blocks),
            files=(*self.files, *files),
            names=(*self.names, name),
        )

    def without_waiting(self) -> Talk:
        """Returns the chat once a message took the files."""
        return self._replace(blocks=(), files=(), names=())

    def pinned(self, model: str | None = None, route: str | None = None) -> Talk:
        """Returns the chat with one pin, or none; what it kept to is forgotten."""
        return self._replace(model=model, route=route, held=None)

    def answered(self, exchange: Exchange, conversation: str | None, held: Anchor) -> Talk:
        """Returns the chat with one more exchange."""
        return self._replace(
            exchanges=(*self.exchanges, exchange),
            conversation=self.conversation or conversation,
            held=self.held or held,
            failed=None,
        )

    def undone(self) -> Talk:
        """Returns the chat without its last exchange."""
        left = self.exchanges[:-1]
        return self._replace(
            exchanges=left,
            conversation=self.conversation if left else None,
            held=self.held if left else None,
        )

    def renewed(self) -> Talk:
        """Returns a chat that begins again, with the same pins and system text."""
        return Talk(system=self.system, model=self.model, route=self.route, spent=self.spent)


def counted(number: int, noun: str) -> str:
    """Returns a number with its noun."""
    return f"{number} {noun}" + ("" if number == 1 else "s")
