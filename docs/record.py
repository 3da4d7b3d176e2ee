"""Records a real run of `nr` in a terminal as an animated SVG.

Run it as `python docs/record.py [FILE]` (docs/recording.svg) in an environment with the extras
`local` and `dev`. A shell in a pseudo-terminal, in a home of its own, is typed the commands below;
what it prints, when it prints it, is what the picture shows. Only a pause in which nothing changes
is cut short (PAUSE). The server named `rack` is down on purpose.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

import pexpect
import pyte

# Each scene begins with an empty screen.
SCENES = (
    (
        'nr ask "What is the capital of Japan?"',
        'nr ask -v "What is the capital of Japan?"',
        "cat notes.txt",
        'cat notes.txt | nr ask "How many people live in Tokyo?"',
    ),
    (
        "cat policy.yaml",
        "export NR_POLICY=policy.yaml",
        'nr ask --route hard "What is the capital of France?"',
    ),
    ('nr route "Prove that the square root of 2 is irrational."',),
)
FILES = {
    "notes.txt": "Tokyo is the capital of Japan.\nIt has 14 million people.\n",
    "policy.yaml": """version: 1
providers:
  rack: {kind: openai, base_url: "http://127.0.0.1:9/v1"}
routes:
  - {name: hard, when: {complexity: ">=hard"}, use: [rack/qwen3, local/smollm2-135m]}
  - {name: diff, when: {has: [diff]}, use: rack/qwen3, system: Write one commit message.}
default: {use: local/smollm2-135m}
""",
}
COLUMNS, ROWS = 90, 24
KEY = 0.03  # seconds from one key to the next
BEFORE_ENTER = 0.3  # seconds
READING = 1.4  # seconds to look at what a command printed
PAUSE = 2.0  # seconds, the longest time in which nothing moves
LAST = 6.0  # seconds of the last screen before it begins anew
PATIENCE = 120  # seconds for one command
# The mark by which shells tell terminals where a prompt begins: unseen, and nothing else prints it.
MARK = "\x1b]133;A\x07"
GREEN, PLAIN = "\x1b[32m", "\x1b[0m"
CELL, LINE, MARGIN, BAR = 8.4, 19, 14, 28  # pixels
COLOURS = {
    "black": "#6e7681", "red": "#ff7b72", "green": "#7ee787", "brown": "#e3b341",
    "blue": "#79c0ff", "magenta": "#d2a8ff", "cyan": "#76e3ea", "white": "#f0f6fc",
}  # fmt: skip


class Run(NamedTuple):
    """Cells of one look that stand side by side; `column` counts from 0."""

    column: int
    text: str
    look: str


class Shown(NamedTuple):
    """A line of the screen, or the cursor's column, that stands from one second to another."""

    row: int
    content: tuple[Run, ...] | int
    since: float
    until: float


Output = list[tuple[float, str]]


def environ_of(home: Path) -> dict[str, str]:
    """Returns the shell's environment: nothing of the person who records, but the weights."""
    weights = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "XDG_DATA_HOME": weights,
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "INPUTRC": os.devnull,
        "PS1": rf"\[{MARK}{GREEN}\]$\[{PLAIN}\] ",  # in brackets what takes no room
        "NR_DAEMON": "0",  # the model's server ends with each command: nothing stays behind
    }


class Terminal:
    """A shell in a pseudo-terminal; `output` is what it wrote, each piece with its second."""

    def __init__(self, home: Path) -> None:
        self.output: Output = []
        self._shell = pexpect.spawn(
            "bash",
            ["--noprofile", "--norc", "-i"],
            env=environ_of(home),
            cwd=str(home),
            dimensions=(ROWS, COLUMNS),
            encoding="utf-8",
        )

    def read_for(self, seconds: float) -> str:
        """Returns what came within the time."""
        came = []
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                text = self._shell.read_nonblocking(65_536, left)
            except pexpect.TIMEOUT:
                break
            self.output.append((time.monotonic(), text))
            came.append(text)
        return "".join(came)

    def read_to_prompt(self) -> None:
        """Reads until the shell asks for the next command."""
        end, seen = time.monotonic() + PATIENCE, ""
        while MARK not in seen:
            if time.monotonic() > end:
                raise SystemExit(f"no prompt within {PATIENCE} s after: {seen[-200:]!r}")
            seen += self.read_for(0.05)

    def run(self, command: str) -> None:
        """Types a command key by key, lets it run, looks at what it printed."""
        for key in command:
            self._shell.send(key)
            self.read_for(KEY)
        self.read_for(BEFORE_ENTER)
        self._shell.send("\r")
        self.read_to_prompt()
        self.read_for(READING)

    def clear(self) -> None:
        """Empties the screen."""
        self._shell.send("\x0c")  # Ctrl-L
        self.read_for(KEY)

    def close(self) -> None:
        """Ends the shell."""
        self._shell.sendeof()
        self._shell.close()


def run_scenes(home: Path) -> Output:
    """Returns what the terminal was sent."""
    for name, text in FILES.items():
        (home / name).write_text(text, encoding="utf-8")
    terminal = Terminal(home)
    terminal.read_to_prompt()
    for number, scene in enumerate(SCENES):
        if number:
            terminal.clear()
        for command in scene:
            terminal.run(command)
    terminal.close()
    return terminal.output


def shorten_pauses(output: Output) -> Output:
    """Returns the same pieces, from second 0 on, none longer than PAUSE after the one before."""
    now, before, shortened = 0.0, output[0][0], []
    for second, text in output:
        now += min(second - before, PAUSE)
        before = second
        shortened.append((now, text))
    return shortened


def read_line(line: Mapping[int, pyte.screens.Char]) -> tuple[Run, ...]:
    """Returns the runs of one line of the screen, trailing blanks left out."""
    runs: list[Run] = []
    for column in range(COLUMNS):
        cell = line[column]
        look = " ".join(filter(None, (cell.fg, "bold" if cell.bold else "")))
        if runs and runs[-1].look == look:
            runs[-1] = runs[-1]._replace(text=runs[-1].text + cell.data)
        else:
            runs.append(Run(column, cell.data, look))
    if runs:
        runs[-1] = runs[-1]._replace(text=runs[-1].text.rstrip())
    return tuple(run for run in runs if run.text.strip())


def watch(output: Output) -> Iterator[Shown]:
    """Yields each line, each place of the cursor, with the time in which it stands."""
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.Stream(screen)
    standing: dict[tuple[int, bool], tuple[tuple[Run, ...] | int, float]] = {}
    end = output[-1][0] + LAST
    for second, text in output:
        stream.feed(text)
        found: dict[tuple[int, bool], tuple[Run, ...] | int] = {
            (row, False): read_line(screen.buffer[row]) for row in range(ROWS)
        }
        if not screen.cursor.hidden:
            found[screen.cursor.y, True] = screen.cursor.x
        for key in [key for key in standing if standing[key][0] != found.get(key)]:
            content, since = standing.pop(key)
            yield Shown(key[0], content, since, second)
        for key in found.keys() - standing.keys():
            if found[key] != ():
                standing[key] = found[key], second
    for (row, _), (content, since) in standing.items():
        yield Shown(row, content, since, end)


def draw(shown: Shown) -> str:
    """Returns a line of text, or the cursor, as SVG."""
    top = BAR + MARGIN + shown.row * LINE
    if isinstance(shown.content, int):
        left = MARGIN + shown.content * CELL
        return f'<rect x="{left:.1f}" y="{top}" width="{CELL}" height="{LINE - 1}"/>'
    return "".join(
        f'<text x="{MARGIN + run.column * CELL:.1f}" y="{top + 14}"'
        + (f' class="{run.look}"' if run.look != "default" else "")
        + f' textLength="{len(run.text) * CELL:.1f}">{escape(run.text)}</text>'
        for run in shown.content
    )


def percent(second: float, end: float) -> str:
    """Returns a moment as CSS writes it."""
    return f"{100 * second / end:.2f}".rstrip("0").rstrip(".") + "%"


def style_of(spans: Sequence[tuple[float, float]], end: float) -> str:
    """Returns the style sheet: without motion, the last screen is what stands."""
    lines = [
        "svg{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace}",
        ".ground{fill:#0d1117;stroke:#6e7681}text{fill:#e6edf3;white-space:pre}",
        "rect{fill:#e6edf3;opacity:.6}.ground,.dot{opacity:1}.dot{fill:#484f58}",
        ".bold{font-weight:700}",
        *(
            f".{name}{{fill:{value}}}.bright{name}{{fill:{value}}}"
            for name, value in COLOURS.items()
        ),
        f".s{{visibility:hidden;animation:{end:.2f}s step-end infinite}}.z{{visibility:visible}}",
    ]
    for number, (since, until) in enumerate(spans):
        steps = f"{percent(since, end)}{{visibility:visible}}"
        if since:
            steps = "0%{visibility:hidden}" + steps
        if until < end:
            steps += f"{percent(until, end)}{{visibility:hidden}}"
        lines.append(f".k{number}{{animation-name:k{number}}}@keyframes k{number}{{{steps}}}")
    lines.append("@media(prefers-reduced-motion:reduce){.s{animation:none}}")
    return "\n".join(lines)


def render(output: Output) -> str:
    """Returns the picture."""
    groups: dict[tuple[float, float], list[Shown]] = {}
    for shown in watch(output):
        if shown.until > shown.since:
            groups.setdefault((shown.since, shown.until), []).append(shown)
    spans = sorted(groups)
    end = output[-1][0] + LAST
    width, height = round(2 * MARGIN + COLUMNS * CELL), BAR + 2 * MARGIN + ROWS * LINE
    commands = "; ".join(command for scene in SCENES for command in scene)
    body = "\n".join(
        f'<g class="s k{number}{" z" if span[1] == end else ""}">'
        + "".join(draw(shown) for shown in sorted(groups[span], key=lambda shown: shown.row))
        + "</g>"
        for number, span in enumerate(spans)
    )
    dots = "".join(f'<circle class="dot" cx="{x}" cy="16" r="5"/>' for x in (20, 38, 56))
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<!-- A recording of a real run; made again by: python docs/record.py -->
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" \
height="{height}" role="img" aria-labelledby="title about">
<title id="title">nr in a terminal</title>
<desc id="about">{escape(commands)}</desc>
<style>
{escape(style_of(spans, end))}
</style>
<rect class="ground" x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="8"/>
{dots}
{body}
</svg>
"""


def main() -> int:
    """Writes the picture."""
    target = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / "recording.svg")
    # fetched before, so that the film does not wait for it
    subprocess.run([Path(sys.executable).parent / "nr", "models", "pull"], check=True)
    with tempfile.TemporaryDirectory() as home:
        output = shorten_pauses(run_scenes(Path(home)))
    target.write_text(render(output), encoding="utf-8")
    print(f"{target}: {target.stat().st_size / 1000:.0f} kB, {output[-1][0]:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
