"""Lets a person edit a chat's entries on a terminal."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from nr_cli.cli.chatting import COMMANDS, is_open
from nr_cli.cli.env import Outside, Stopped
from nr_cli.cli.lineread import PROMPT, as_text

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import CompleteEvent, Completer, Completion
    from prompt_toolkit.document import Document
    from prompt_toolkit.history import History
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
    from prompt_toolkit.output import Output

    from nr_cli.store.typed import Typed

INDENT = "  "


class Names(NamedTuple):
    """What completes the words after /model, after /route; each asked when it is needed."""

    models: Callable[[], Iterable[str]]
    routes: Callable[[], Iterable[str]]


class Editor:
    """Entries from a terminal, with editing, recall of earlier ones, completion of commands.

    Enter sends; Alt-Enter, or Enter within a block between triple quotes, begins a line.
    """

    def __init__(self, outside: Outside, show: int, typed: Typed, names: Names) -> None:
        """Takes the outside world, the terminal's descriptor, earlier entries, the names."""
        from prompt_toolkit import PromptSession
        from prompt_toolkit.input import create_input
        from prompt_toolkit.output.color_depth import ColorDepth
        from prompt_toolkit.shortcuts import CompleteStyle

        self._outside = outside
        keys = open(0, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115 # open as long as the chat
        self._session: PromptSession[str] = PromptSession(
            PROMPT,
            multiline=True,
            prompt_continuation=INDENT,
            key_bindings=bind_keys(),
            history=recalling(typed),
            completer=completing(names),
            complete_style=CompleteStyle.READLINE_LIKE,
            complete_while_typing=False,
            color_depth=ColorDepth.DEPTH_1_BIT if outside.plain else None,
            enable_suspend=True,
            input=create_input(keys),
            output=open_screen(show, outside.environ.get("TERM")),
        )

    def read(self) -> str | None:
        """Returns the next entry, None at the end or once the terminal is gone.

        Raises: KeyboardInterrupt, Stopped by a signal.
        """
        import termios

        entry: str | None = None
        # a person leaves by an end of file, a terminal that goes away is known by the other two
        with (
            ending_by_signal(self._session) as ended,
            suppress(EOFError, OSError, termios.error),
        ):
            entry = self._session.prompt(pre_run=self._begin, set_exception_handler=False)
        if ended:
            raise Stopped(ended[0])
        return None if entry is None else as_text(entry, self._outside.say)

    def _begin(self) -> None:
        """Brings the keys back to the entry, where a search was broken off; watches the editor.

        What it fails at is passed by, since its own answer is a traceback across the screen. It
        drops the key sequence that it failed at; those that follow work again.
        """

        def pass_by(loop: object, context: Mapping[str, object]) -> None:
            if self._outside.environ.get("NR_DEBUG") == "1":
                self._outside.say(f"nr: the editor: {context.get('exception')!r}")

        self._session.layout.focus(self._session.default_buffer)
        loop = self._session.app.loop
        if loop is not None:
            loop.set_exception_handler(pass_by)

    def is_blank(self) -> bool:
        """Tells whether nothing stood there when the reading was broken off."""
        return not self._session.default_buffer.text.strip()


@contextmanager
def ending_by_signal(session: PromptSession[str]) -> Iterator[list[int]]:
    """Lets a signal end the reading in order, so that the terminal is as it was before.

    Yields a list that then holds the signal. One that is ignored stays so.
    """
    ended: list[int] = []

    def leave(number: int, frame: object) -> None:
        ended.append(number)
        loop = session.app.loop
        if loop is None:
            raise Stopped(number)
        with suppress(RuntimeError):  # the reading ended this moment, and says what it ended with
            loop.call_soon_threadsafe(end, number)

    def end(number: int) -> None:
        if session.app.is_running and not session.app.is_done:
            session.app.exit(exception=Stopped(number))

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    caught = [number for number, was in before.items() if callable(was)]
    for number in caught:
        signal.signal(number, leave)
    try:
        yield ended
    finally:
        for number in caught:
            signal.signal(number, before[number])


@contextmanager
def keys_unseen() -> Iterator[None]:
    """Keeps what is typed during an answer from standing in it; it waits for the next entry."""
    import termios

    try:
        before = termios.tcgetattr(0)
        unseen = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]
        termios.tcsetattr(0, termios.TCSADRAIN, unseen)
    except (termios.error, OSError):
        yield  # no terminal any more, so nothing is shown
        return
    try:
        yield
    finally:
        with suppress(termios.error, OSError):  # it went away meanwhile
            termios.tcsetattr(0, termios.TCSADRAIN, before)


def bind_keys() -> KeyBindings:
    """Returns what Enter does."""
    from prompt_toolkit.key_binding import KeyBindings

    keys = KeyBindings()

    @keys.add("enter")
    def send(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if is_open(buffer.text):
            buffer.newline(copy_margin=False)
        else:
            buffer.validate_and_handle()

    @keys.add("escape", "enter")
    def begin_line(event: KeyPressEvent) -> None:
        event.current_buffer.newline(copy_margin=False)

    @keys.add("<vt100-mouse-event>")
    def pass_by(event: KeyPressEvent) -> None:
        """Nobody asked for a mouse, so this only looks like one: a pasted colour, mostly."""

    return keys


def open_screen(show: int, term: str | None) -> Output:
    """Returns a terminal that is never asked where its cursor is, as slow lines answer late."""
    from prompt_toolkit.output.vt100 import Vt100_Output

    stream = open(show, "w", encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115 # open as long as the chat
    screen = Vt100_Output.from_pty(stream, term=term)
    screen.enable_cpr = False
    return screen


def recalling(typed: Typed) -> History:
    """Returns the earlier entries as the arrow keys want them."""
    from prompt_toolkit.history import History

    class Recall(History):
        def load_history_strings(self) -> Iterable[str]:
            return reversed(typed.load())

        def store_string(self, string: str) -> None:
            typed.add(string)

    return Recall()


def completing(names: Names) -> Completer:
    """Returns what completes commands, then what follows them."""
    from prompt_toolkit.completion import Completer, Completion, PathCompleter
    from prompt_toolkit.document import Document

    paths = PathCompleter(expanduser=True)

    class Commands(Completer):
        def get_completions(
            self, document: Document, complete_event: CompleteEvent
        ) -> Iterator[Completion]:
            text = document.text_before_cursor
            command, separator, rest = text.partition(" ")
            if not text.startswith("/") or "\n" in text:
                return
            if separator and command in ("/file", "/attach", "/save"):
                yield from paths.get_completions(Document(rest, len(rest)), complete_event)
                return
            for word in words_after(command, names) if separator else words_of_commands():
                begun = rest if separator else command
                if word.startswith(begun):
                    yield Completion(word, -len(begun))

    return Commands()


def words_of_commands() -> Iterable[str]:
    """Returns the commands as they are typed."""
    return [f"/{command.name}" for command in COMMANDS]


def words_after(command: str, names: Names) -> Iterable[str]:
    """Returns the names that may follow a command."""
    if command == "/model":
        return ["auto", *names.models()]
    return ["auto", *names.routes()] if command == "/route" else []
