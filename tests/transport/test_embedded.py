"""The embedded model's server: one for all who ask, gone when nobody does, never in the way."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nr_cli.errors import FailureKind
from nr_cli.store.weights import SIZE, fetch, is_intact, weights_path
from nr_cli.transport.embedded import Embedded, Endpoint, NotReady, answers, is_alive

PATH = {"PATH": os.environ["PATH"]}


def launcher(home: Path, daemon: bool = True, idle: float = 300, data: str = "") -> Embedded:
    return Embedded(
        str(home), data or str(home), PATH,
        daemon=daemon, offline=True, progress=lambda what, done, total: None, idle=idle,
    )  # fmt: skip


def wait_until(claim: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not claim():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize(
    ("content", "kind", "words"),
    [
        (None, FailureKind.MODEL_NOT_FOUND, "No such file"),
        (b"", FailureKind.UNSUPPORTED, "not a GGUF"),
        (b"PK\x03\x04" * 1000, FailureKind.UNSUPPORTED, "not a GGUF"),
        (b"GGUF", FailureKind.UNSUPPORTED, "cut off"),
    ],
    ids=["missing", "empty", "a zip", "only the magic"],
)
@pytest.mark.parametrize("daemon", [True, False])
def test_a_file_that_is_no_model_is_told_without_starting_anything(
    tmp_path: Path, content: bytes | None, kind: FailureKind, words: str, daemon: bool
) -> None:
    path = tmp_path / "m.gguf"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(NotReady) as caught:
        launcher(tmp_path, daemon).ready(str(path), 5)
    assert caught.value.kind == kind
    assert words in caught.value.detail
    assert str(path) in caught.value.detail
    assert not (tmp_path / "embedded").exists()


def test_offline_without_weights_says_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="--offline") as caught:
        launcher(tmp_path).ready(None, 5)
    assert caught.value.kind == FailureKind.MODEL_NOT_FOUND


def test_damaged_weights_of_the_right_size_are_told_offline_with_what_to_do(
    tmp_path: Path,
) -> None:
    path = Path(weights_path(str(tmp_path)))
    path.parent.mkdir(mode=0o700)
    path.touch()
    os.truncate(path, SIZE)
    with pytest.raises(NotReady, match="nr models pull") as caught:
        launcher(tmp_path).ready(None, 5)
    assert caught.value.kind == FailureKind.MODEL_NOT_FOUND
    assert str(path) in caught.value.detail


needs_runtime = pytest.mark.model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    pytest.importorskip("xllamacpp", reason="the embedded runtime is not installed")
    folder = tmp_path_factory.mktemp("weights")
    return fetch(str(folder), lambda what, done, total: None, offline=False)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A state directory whose shared server, if any, is ended afterwards."""
    yield tmp_path
    if (tmp_path / "embedded" / "server.json").exists():
        stop(tmp_path)


def state(home: Path) -> dict[str, str]:
    read: dict[str, str] = json.loads((home / "embedded" / "server.json").read_text())
    return read


def stop(home: Path, way: signal.Signals = signal.SIGTERM) -> None:
    """Ends the shared server, if there is one still."""
    seen = state(home)
    room = os.path.dirname(seen["socket"])
    if is_alive(room):
        os.kill(int(seen["pid"]), way)
        assert wait_until(lambda: not is_alive(room))


def ask(endpoint: Endpoint, token: str = "") -> tuple[int, str]:
    import httpx

    body = {
        "messages": [{"role": "user", "content": "What is the capital of Japan?"}],
        "temperature": 0, "max_tokens": 16,
    }  # fmt: skip
    headers = {"authorization": f"Bearer {token or endpoint.token}"}
    transport = httpx.HTTPTransport(uds=endpoint.socket)
    with httpx.Client(transport=transport, trust_env=False, timeout=60) as client:
        url = "http://embedded/v1/chat/completions"
        response = client.post(url, headers=headers, json=body)
    return response.status_code, response.text


@needs_runtime
def test_a_warm_server_is_shared_private_and_wants_its_token(place: Path, model: str) -> None:
    first, second = launcher(place), launcher(place)
    endpoint = first.ready(model, 60)
    assert second.ready(model, 60) == endpoint
    status, answer = ask(endpoint)
    assert (status, "Tokyo" in answer) == (200, True)
    assert ask(endpoint, token="guess")[0] == 401
    first.close()
    second.close()
    assert answers(endpoint.socket), "it stays warm"
    for path in (place / "embedded").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    command = Path(f"/proc/{state(place)['pid']}/cmdline")
    if command.exists():
        assert endpoint.token.encode() not in command.read_bytes()


@needs_runtime
def test_eight_at_once_from_cold_start_one_server(place: Path, model: str) -> None:
    script = (
        "import sys; from nr_cli.transport.embedded import Embedded\n"
        "place, model = sys.argv[1:]\n"
        "e = Embedded(place, place, {}, daemon=True, offline=True, progress=lambda *_: None)\n"
        "print(e.ready(model, 60)); e.close()"
    )
    argv = [sys.executable, "-c", script, str(place), model]
    asking = [subprocess.Popen(argv, stdout=subprocess.PIPE) for _ in range(8)]
    said = {process.communicate(timeout=100)[0] for process in asking}
    assert [process.returncode for process in asking] == [0] * 8
    assert len(said) == 1, "one endpoint for all eight"


@needs_runtime
def test_a_killed_server_is_replaced_with_nothing_of_it_left(place: Path, model: str) -> None:
    asking = launcher(place)
    old = asking.ready(model, 60)
    stop(place, signal.SIGKILL)
    assert os.path.exists(old.socket)
    new = asking.ready(model, 60)
    assert new != old
    assert ask(new)[0] == 200
    asking.close()
    assert not os.path.exists(os.path.dirname(old.socket)), "wherever its socket had to lie"


@needs_runtime
@pytest.mark.parametrize("damage", ["", "{", "[]", '{"socket": 1}', '{"pid": "x"}'])
def test_a_damaged_state_file_costs_a_new_server_only(place: Path, model: str, damage: str) -> None:
    (place / "embedded").mkdir(mode=0o700)
    (place / "embedded" / "server.json").write_text(damage)
    asking = launcher(place)
    assert answers(asking.ready(model, 60).socket)
    asking.close()


@needs_runtime
def test_a_server_of_another_model_finishes_its_asks_then_ends(
    place: Path, model: str, tmp_path: Path
) -> None:
    other = tmp_path / "other.gguf"
    os.link(model, other)
    old, new = launcher(place), launcher(place)
    before = old.ready(model, 60)
    pid = int(state(place)["pid"])
    assert new.ready(str(other), 60) != before
    os.kill(pid, 0)  # it lives as long as someone may be reading its answer
    old.close()
    assert wait_until(lambda: not os.path.exists(os.path.dirname(before.socket)))
    new.close()


@needs_runtime
def test_an_idle_server_ends_itself_but_never_under_an_ask(place: Path, model: str) -> None:
    asking = launcher(place, idle=0.3)
    endpoint = asking.ready(model, 60)
    assert not wait_until(lambda: not answers(endpoint.socket), seconds=1.5)
    asking.close()
    assert wait_until(lambda: not os.path.exists(os.path.dirname(endpoint.socket)))
    again = asking.ready(model, 60)
    assert ask(again)[0] == 200
    asking.close()


@needs_runtime
@pytest.mark.parametrize("way", [signal.SIGKILL, signal.SIGINT])
def test_a_server_of_one_s_own_ends_with_its_owner(
    place: Path, model: str, way: signal.Signals
) -> None:
    script = (
        "import sys, time; from nr_cli.transport.embedded import Embedded\n"
        "place, model = sys.argv[1:]\n"
        "e = Embedded(place, place, {}, daemon=False, offline=True, progress=lambda *_: None)\n"
        "print(e.ready(model, 60).socket, flush=True); time.sleep(60)"
    )
    argv = [sys.executable, "-c", script, str(place), model]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as owner:
        assert owner.stdout is not None
        socket = owner.stdout.readline().decode().strip()
        assert answers(socket)
        owner.send_signal(way)
    assert wait_until(lambda: not os.path.exists(os.path.dirname(socket)))


@needs_runtime
@pytest.mark.parametrize("daemon", [True, False])
def test_a_model_that_does_not_load_in_time_leaves_no_server(
    place: Path, model: str, daemon: bool
) -> None:
    asking = launcher(place, daemon)
    with pytest.raises(NotReady) as caught:
        asking.ready(model, 0.05)
    assert caught.value.kind == FailureKind.TIMEOUT
    assert not list((place / "embedded").glob("nr-*"))
    asking.close()


@needs_runtime
def test_a_model_that_llama_cpp_refuses_is_named(place: Path, model: str) -> None:
    cut = place / "cut.gguf"
    with open(model, "rb") as whole:
        cut.write_bytes(whole.read(200_000))
    with pytest.raises(NotReady, match="Failed to init server") as caught:
        launcher(place).ready(str(cut), 60)
    assert caught.value.kind == FailureKind.UNSUPPORTED
    assert str(cut) in caught.value.detail


@needs_runtime
@pytest.mark.parametrize("unusable", ["a file", "too long"])
def test_a_state_directory_of_no_use_costs_nothing_but_warmth(
    tmp_path: Path, model: str, unusable: str
) -> None:
    home = tmp_path / ("x" * 150)
    if unusable == "a file":
        home = tmp_path / "home"
        home.write_text("")
    asking = launcher(home)
    endpoint = asking.ready(model, 60)
    assert len(endpoint.socket) <= 100
    assert ask(endpoint)[0] == 200
    asking.close()
    if unusable == "too long":
        stop(home)
    assert wait_until(lambda: not os.path.exists(os.path.dirname(endpoint.socket)))


@needs_runtime
def test_a_relative_model_path_means_the_working_directory(
    place: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(os.path.dirname(model))
    asking = launcher(place, daemon=False)
    assert answers(asking.ready(os.path.basename(model), 60).socket)
    asking.close()


@needs_runtime
@pytest.mark.parametrize("start", [b"", b"GGUF"], ids=["no model", "a model's first bytes"])
def test_weights_that_do_not_load_are_fetched_once_more(
    place: Path, model: str, start: bytes
) -> None:
    path = Path(weights_path(str(place)))
    path.parent.mkdir(mode=0o700)
    path.write_bytes(start)
    os.truncate(path, SIZE)
    asking = Embedded(
        str(place), str(place), dict(os.environ),
        daemon=False, offline=False, progress=lambda what, done, total: None,
    )  # fmt: skip
    assert ask(asking.ready(None, 60))[0] == 200
    assert is_intact(str(path))
    asking.close()
