"""What the catalog says of models: its tables, how a name finds its entry, what an answer costs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nr_cli.catalog.lookup import FOLDER, Catalog
from nr_cli.pipeline.cost import cost_of
from nr_cli.policy.document import Document
from nr_cli.policy.policy import Policy
from nr_cli.policy.schema import CAPS
from nr_cli.types.policy import Model, Price
from nr_cli.types.record import Usage

FILES = sorted(Path(FOLDER).glob("[a-z]*.json"))
ENTRY_KEYS = {"context", "max_output", "caps", "quality", "price", "same"}
PRICE_KEYS = {"in", "out", "cached_in", "cache_write", "over", "audio_in", "until"}
TABLE = {"source": "test 1", "date": "2099-01-01", "models": {"gpt-4.1": {"context": 7}}}
PLAIN = Price(3.0, 15.0, 0.3, 3.75)
TIERED = Price(1.25, 10.0, 0.125, None, ((200_000, Price(2.5, 15.0, 0.25)),))


def model(name: str, catalog: Catalog | None = None) -> Model:
    return Policy(Document("", {}, {}, ""), {}, catalog or Catalog()).model(name)


def priced(entry: dict) -> Price | None:
    """Returns the price of an entry as a policy reads it."""
    tree = {"version": 1, "models": {"m": {"id": "nobody/m", **entry}}}
    providers = {"nobody": {"kind": "command", "command": "cat"}}
    return (
        Policy(Document("", {**tree, "providers": providers}, {}, ""), {}, Catalog())
        .model("m")
        .price
    )


@pytest.fixture
def refreshed(tmp_path: Path) -> Path:
    folder = tmp_path / "catalog"
    folder.mkdir()
    return folder / "openai.json"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_table_is_small_dated_and_of_one_shape(file: Path) -> None:
    table = json.loads(file.read_bytes())
    assert file.stat().st_size < 60_000
    assert table["source"].startswith("genai-prices ")
    datetime.strptime(table["date"], "%Y-%m-%d").replace(tzinfo=UTC)
    assert table["models"]
    for name, entry in table["models"].items():
        assert name, file
        assert entry.keys() <= ENTRY_KEYS
        assert set(entry.get("caps", ())) <= set(CAPS)
        assert 0 <= entry.get("quality", 0) <= 100
        price = entry.get("price", {"in": 0, "out": 0})
        assert {"in", "out"} <= price.keys() <= PRICE_KEYS


def test_the_tables_are_those_that_the_generator_makes() -> None:
    """Compares which tables there are and their form: figures change with the package's."""
    pytest.importorskip("genai_prices")
    from nr_cli.catalog.generate import generate

    made = generate()
    best = made.pop("_shortlist")
    assert set(made) == {file.stem for file in FILES}
    assert best["models"].keys() <= made.keys()
    for table in made.values():
        assert table.keys() == {"source", "date", "models"}
        models = table["models"]
        assert isinstance(models, dict)
        assert all(entry.keys() <= ENTRY_KEYS for entry in models.values())


def test_the_generated_files_are_read_back_as_they_were_made(tmp_path: Path) -> None:
    pytest.importorskip("genai_prices")
    from nr_cli.catalog.generate import generate, write

    made = generate()
    write(str(tmp_path), made)
    read = {file.stem: json.loads(file.read_bytes()) for file in tmp_path.glob("*.json")}
    assert read == made


def test_a_price_by_the_hour_of_the_day_is_left_out() -> None:
    known = Catalog().model("deepseek", "deepseek-chat")
    assert known is not None
    assert "price" not in known


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("openai/gpt-4o-2024-08-06", "openai/gpt-4o"),
        ("anthropic/claude-sonnet-4-5-20250929", "anthropic/claude-sonnet-4-5"),
        ("anthropic/claude-3-5-haiku-20241022", "anthropic/claude-3-5-haiku-latest"),
        ("gemini/gemini-2.5-flash-latest", "gemini/gemini-2.5-flash"),
    ],
)
def test_a_dated_name_finds_the_model_that_it_is(name: str, same: str) -> None:
    catalog = Catalog()
    found = catalog.model(*name.split("/"))
    assert found is not None
    assert found == catalog.model(*same.split("/"))


@pytest.mark.parametrize(
    "name", ["openai/gpt-4o-2024-05-14", "openai/gpt-5-2", "openai/gpt-9", "openai/", "../x/y"]
)
def test_what_is_not_known_stays_unknown(name: str) -> None:
    provider, _, wire = name.rpartition("/")
    assert Catalog().model(provider, wire) is None


def test_a_price_ends_with_its_last_day(refreshed: Path) -> None:
    entry = {"context": 5, "price": {"in": 1, "out": 1, "until": "2020-01-01"}}
    refreshed.write_text(json.dumps({**TABLE, "models": {"gpt-4.1": entry}}))
    found = model("openai/gpt-4.1", Catalog(str(refreshed.parents[1])))
    assert (found.context, found.price) == (5, None)


def test_a_refreshed_table_counts(refreshed: Path) -> None:
    refreshed.write_text(json.dumps(TABLE))
    assert model("openai/gpt-4.1", Catalog(str(refreshed.parents[1]))).context == 7


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"models": []}', '{"models": {"gpt-4.1": 3}}', "\x00",
     json.dumps({**TABLE, "date": "2020-01-01"})],
    ids=["empty", "cut", "list", "no map", "no entry", "binary", "older"],
)  # fmt: skip
def test_a_damaged_or_older_refreshed_table_is_passed_by(refreshed: Path, text: str) -> None:
    refreshed.write_text(text)
    catalog = Catalog(str(refreshed.parents[1]))
    assert model("openai/gpt-4.1", catalog).context == 1_000_000
    assert bool(catalog.troubles) == ("2020" not in text)


@pytest.mark.parametrize(
    ("usage", "price", "dollars"),
    [
        (Usage(1_000_000, 0), PLAIN, "3.000000"),
        (Usage(10_000, 2_000), PLAIN, "0.060000"),
        (Usage(10_000, 2_000, 8_000), PLAIN, "0.038400"),
        (Usage(10_000, 2_000, 8_000, 1_000), PLAIN, "0.039150"),
        (Usage(10_000, 2_000, 20_000, 20_000), PLAIN, "0.033000"),
        (Usage(200_000, 1_000), TIERED, "0.260000"),
        (Usage(200_001, 1_000), TIERED, "0.515003"),
        (Usage(300_000, 1_000, 250_000), TIERED, "0.202500"),
    ],
    ids=["a million", "plain", "read from the cache", "read and written", "counts that overlap",
         "at the step", "above the step", "the step counts cached input too"],
)  # fmt: skip
def test_a_cost_is_right_to_the_cent(usage: Usage, price: Price, dollars: str) -> None:
    cost = cost_of(usage, price)
    assert cost is not None
    assert f"{cost:.6f}" == dollars


@pytest.mark.parametrize(
    "provider", ["openai", "anthropic", "gemini", "xai", "mistral", "openrouter"]
)
def test_every_stated_price_costs_what_the_price_list_s_own_sums_say(provider: str) -> None:
    pytest.importorskip("genai_prices")
    from genai_prices import Usage as Counted
    from genai_prices import data_snapshot

    from nr_cli.catalog.generate import SOURCES, entry_of, prices_now

    theirs = next(source for ours, source, _ in SOURCES if ours == provider)
    listed = next(one for one in data_snapshot.get_snapshot().providers if one.id == theirs)
    today = datetime.now(UTC).date()
    compared = 0
    for known in listed.models:
        price = priced(entry_of(listed, known, today))
        if price is None:
            continue
        for into, out, cached in ((1000, 100, 0), (90_000, 5, 80_000), (300_000, 9_000, 1_000)):
            counted = Counted(input_tokens=into, output_tokens=out, cache_read_tokens=cached)
            want = float(prices_now(known, today).calc_price(counted)["total_price"])
            assert cost_of(Usage(into, out, cached), price) == pytest.approx(want), known.id
            compared += 1
    assert compared


def test_sound_with_a_price_of_its_own_has_no_known_cost() -> None:
    price = PLAIN._replace(audio_input=7.0)
    assert cost_of(Usage(10, 10), price, has_audio=True) is None
    assert cost_of(Usage(10, 10), price) is not None
    assert cost_of(Usage(10, 10), PLAIN, has_audio=True) is not None


def test_the_catalog_s_steps_reach_the_model() -> None:
    price = model("openai/gpt-5.4").price
    assert price is not None
    assert price.at(272_001).input > price.at(272_000).input
    assert price.at(272_000) == price
