"""Carries out the slash commands of a chat."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING

from nr_cli.cli.chatting import COMMANDS, Order, counted
from nr_cli.cli.screen import neutralise
from nr_cli.cli.sources import name_of
from nr_cli.errors import InputError, UsageError
from nr_cli.types.prompt import Ask, CacheMode, Prompt

if TYPE_CHECKING:
    from nr_cli.cli.talking import Talking

# How the cache takes part when another answer is wanted than the one before.
ANEW: dict[CacheMode, CacheMode] = {"readwrite": "refresh", "read": "off"}
SHOWN = 40  # characters of a message that a notice quotes


class Orders:
    """The commands, by name; what they say goes to stderr, as stdout has the answers alone."""

    def __init__(self, chat: Talking) -> None:
        """Takes the chat that they are given in."""
        self.chat = chat

    def obey(self, order: Order) -> int:
        """Carries a command out; returns its status, other than 0 for one that asks in vain."""
        if order.name == "retry":
            return self._retry()
        obey: dict[str, Callable[[str], None]] = {
            "model": self._model, "route": self._route, "system": self._system,
            "file": self._file, "attach": self._attach, "undo": self._undo,
            "new": self._new, "save": self._save, "cost": self._cost, "why": self._why,
            "help": self._help, "quit": self._quit,
        }  # fmt: skip
        obey[order.name](order.argument)
        return 0

    def _say(self, words: str) -> None:
        self.chat.outside.say(f"nr: {words}")

    def _model(self, name: str) -> None:
        if name and name != "auto":
            self._check(self.chat.manner.ask._replace(model=name))
        if name:
            self.chat.talk = self.chat.talk.pinned(model=None if name == "auto" else name)
        self._say(self._pin())

    def _route(self, name: str) -> None:
        if name and name != "auto":
            self._check(self.chat.manner.ask._replace(route=name))
        if name:
            self.chat.talk = self.chat.talk.pinned(route=None if name == "auto" else name)
        self._say(self._pin())

    def _check(self, ask: Ask) -> None:
        """Refuses a pin that nobody bears, or that nothing can be asked by. Raises: NrError."""
        prompt = Prompt("Hello")
        try:
            self.chat.router.decide(ask._replace(prompt=prompt), ask.cache == "only", full=False)
        except UsageError as error:
            words = error.message.replace("--route:", "/route:").replace("-m", "/model")
            raise UsageError(words, error.hint) from None

    def _pin(self) -> str:
        talk, held = self.chat.talk, self.chat.talk.held if self.chat.manner.sticky else None
        if talk.model or talk.route:
            return f"pinned to {'route ' if talk.route else ''}{talk.model or talk.route}"
        if held is not None:
            return f"keeping to {held.route or 'no route'} with {held.model}"
        stays = ", the first one stays" if self.chat.manner.sticky else ""
        return f"routed by each message{stays}"

    def _system(self, text: str) -> None:
        if text:
            self.chat.talk = self.chat.talk._replace(system=None if text == "-" else text)
        system = self.chat.talk.system
        self._say(f"system text: {system}" if system else "no system text")

    def _file(self, path: str) -> None:
        self._await(named("/file", path), self.chat.await_file, "-f ")

    def _attach(self, path: str) -> None:
        self._await(named("/attach", path), self.chat.await_attached, "-a ")

    def _await(self, path: str, read: Callable[[str], None], flag: str) -> None:
        try:
            with self.chat.interrupts.heeded():
                read(path)
        except KeyboardInterrupt:
            self._say(f"stopped reading {name_of(path)}")
            raise
        except InputError as error:  # a chat has no flags
            raise InputError(error.message.removeprefix(flag), error.hint, error.exit) from None
        self._say(f"{name_of(path)} goes along with the next message")

    def _undo(self, _: str) -> None:
        if not self.chat.talk.exchanges:
            raise UsageError("/undo: there is no exchange to drop")
        gone = self.chat.talk.exchanges[-1]
        if gone.row is not None and not self.chat.router.history.leave(gone.row):
            trouble = self.chat.router.history.trouble or "it is not there any more"
            self._say(f"the log still has it in this conversation ({trouble})")
        self.chat.talk = self.chat.talk.undone()
        left = counted(len(self.chat.talk.exchanges), "exchange")
        self._say(f'dropped "{begin(gone.question.text)}"; {left} left')

    def _retry(self) -> int:
        """Sends the message that failed, else the last one anew, past the cache."""
        talk, cache = self.chat.talk, self.chat.manner.ask.cache
        prompt = talk.failed
        if prompt is None:
            if not talk.exchanges:
                raise UsageError("/retry: nothing was sent yet")
            question = talk.exchanges[-1].question
            self._undo("")
            prompt = Prompt(question.text, attachments=question.attachments)
            cache = ANEW.get(cache, cache)
        return self.chat.ask(prompt._replace(system=talk.system), cache)

    def _new(self, _: str) -> None:
        self.chat.talk = self.chat.talk.renewed()
        self._say("a new conversation")

    def _save(self, argument: str) -> None:
        from nr_cli.cli.transcript import save_transcript, transcript

        talk = self.chat.talk
        if not talk.exchanges:
            raise UsageError("/save: nothing was said yet")
        first, _, rest = argument.partition(" ")
        force = first == "--force"
        path = (rest if force else argument).strip()
        if not path:
            if force:
                raise UsageError("/save --force: no file is named", "/save --force FILE")
            if self.chat.name is None:
                raise UsageError("this conversation is not kept", "/save FILE writes it to a file")
            self._say(f"kept; to go on: nr chat --cid {self.chat.name}")
            return
        path = os.path.expanduser(path)
        save_transcript(path, transcript(talk.exchanges, talk.system, self.chat.name), force)
        self._say(f"saved {path}")

    def _cost(self, _: str) -> None:
        self._say(self.chat.talk.spent.words())

    def _why(self, _: str) -> None:
        if self.chat.decision is None:
            raise UsageError("/why: nothing was asked yet")
        from nr_cli.cli.explain import explain

        self.chat.outside.say(explain(self.chat.decision).rstrip("\n"))

    def _help(self, _: str) -> None:
        width = max(len(f"/{command.name} {command.argument}") for command in COMMANDS)
        for name, argument, purpose in COMMANDS:
            self.chat.outside.say(f"{f'/{name} {argument}':<{width}}  {purpose}")
        self.chat.outside.say('Alt-Enter begins a line; """ begins and ends a block of lines;')
        self.chat.outside.say("//text sends text that begins with a slash; Ctrl-C stops an answer.")

    def _quit(self, _: str) -> None:
        self.chat.leaving = True


def named(command: str, path: str) -> str:
    """Returns the path or URL that a command names. Raises: UsageError without one."""
    if not path or path == "-":
        raise UsageError(f"{command}: no file is named", f"{command} PATH")
    if "://" in path or os.path.exists(path):
        return path
    try:
        words = shlex.split(path)  # a path that was dropped on a terminal comes quoted
    except ValueError:
        words = []
    return os.path.expanduser(words[0] if len(words) == 1 else path)


def begin(text: str) -> str:
    """Returns the beginning of a message, in one line."""
    line = " ".join(neutralise(text[: 4 * SHOWN]).split())
    return line if len(line) <= SHOWN else line[: SHOWN - 1] + "…"
