"""The page of `nr log stats` in a real browser: a person sees its charts, it asks for nothing."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from nr_cli.store.history import History, HistoryRow, new_id
from tests.conftest import Nr

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome-headless-shell")
EVIL = '<script>document.title = "run"</script><img src=x onerror=alert(1)>'
CHARTS = ("asks", "cost", "latency", "share-route", "share-model", "share-intent")
# Which bars of a chart somebody sees: the browser finds them at their own middle, wide and high
# enough, in a colour that is not the card's.
SEEN = """
chart => {
  chart.scrollIntoView({block: "center"});
  const card = getComputedStyle(chart.closest("section")).backgroundColor;
  return [...chart.querySelectorAll("rect:not(.track)")].filter(bar => {
    const box = bar.getBoundingClientRect();
    const found = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return found === bar && box.width >= 1 && box.height >= 1
      && getComputedStyle(bar).fill !== card;
  }).length;
}
"""
# Words of charts that stick out of the window or lie over each other.
CLASHES = """
() => [...document.querySelectorAll("svg.chart")].flatMap(chart => {
  const texts = [...chart.querySelectorAll("text")];
  const words = texts.map(text => [text, text.getBoundingClientRect()]);
  return words.filter(([one, box], number) => box.left < 0 || box.right > innerWidth
    || words.slice(number + 1).some(([, other]) => box.left < other.right - 1
      && other.left < box.right - 1 && box.top < other.bottom - 4 && other.top < box.bottom - 4)
  ).map(([text]) => text.textContent);
})
"""


class Sight(NamedTuple):
    """An open page with all that it asked for or complained of."""

    page: Page
    requests: list[str]
    complaints: list[str]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser is installed: none of {', '.join(BROWSERS)}")
    driver = pytest.importorskip("playwright.sync_api", reason="pip install '.[browser]'")
    # a browser that root runs has no sandbox to stand in
    flags = ["--no-sandbox"] if os.geteuid() == 0 else []
    with driver.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def look(browser: Browser, nr: Nr, home: Path) -> Iterator[Callable[..., Sight]]:
    """Writes the page for these rows, opens it in a window so wide, of this colour scheme."""
    contexts = []

    def open_page(rows: list[HistoryRow], width: int = 1000, scheme: str = "light") -> Sight:
        log = History(str(home / ".local/state/nr/history.db"))
        assert log.add_all(rows) == len(rows)
        assert nr("log", "stats", "--html", "page.html").exit == 0
        context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True
        )
        contexts.append(context)
        sight = Sight(context.new_page(), [], [])
        sight.page.on("request", lambda request: sight.requests.append(request.url))
        sight.page.on("console", lambda message: sight.complaints.append(message.text))
        sight.page.on("pageerror", lambda error: sight.complaints.append(str(error)))
        sight.page.goto((home / "page.html").as_uri())
        return sight

    yield open_page
    for context in contexts:
        context.close()


def make_rows(days: int, models: int) -> list[HistoryRow]:
    """Returns asks on each day by each model in turn: some cached, some failed, some unpriced."""
    now = time.time()
    rows = []
    for number in range(max(days, models) * 6):
        moment = now - number % days * 86_400 - number * 1e-3
        name = f"vendor/model-{number % models}-of-a-long-family-name"
        bad, hit = number % 7 == 6, number % 5 == 4
        rows.append(
            HistoryRow(
                id=new_id(moment), time=moment, prompt=f"p{number // 5}", system=None, answer="a",
                route=EVIL if number % 3 else None, model=name, model_id=name, provider="vendor",
                status="error" if bad else "ok", exit=75 if bad else 0, error=None,
                input_tokens=9, output_tokens=5, cost=None if number % 4 == 3 else 0.003,
                cache="hit" if hit and not bad else "miss", ms=300.0 + number % 50 * 20,
                decision=json.dumps({"intent": {"value": ("chat", "code", "math")[number % 3]}}),
            )
        )  # fmt: skip
    return rows


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1000, 400])
@pytest.mark.parametrize(
    ("days", "models"), [(1, 1), (30, 4), (400, 4), (30, 60)],
    ids=["one day", "a month", "400 days", "60 models"],
)  # fmt: skip
def test_a_person_sees_every_chart(look, width: int, scheme: str, days: int, models: int) -> None:
    sight = look(make_rows(days, models), width, scheme)
    for name in CHARTS:
        chart = sight.page.locator(f"svg#{name}")
        box = chart.bounding_box()
        assert box is not None
        assert box["width"] > width * 0.6
        assert box["height"] > 40
        bars = chart.locator("rect:not(.track)").count()
        assert chart.evaluate(SEEN) > bars * 0.9 > 0, name
    assert sight.page.evaluate(CLASHES) == []
    assert sight.page.evaluate("document.documentElement.scrollWidth") <= width
    assert sight.complaints == []
    assert sight.requests == [sight.page.url]


def test_the_colours_are_those_of_the_scheme(look) -> None:
    rows = make_rows(3, 2)
    papers = [
        look(rows if scheme == "light" else [], 800, scheme).page.evaluate(
            "getComputedStyle(document.body).backgroundColor"
        )
        for scheme in ("light", "dark")
    ]
    assert papers == ["rgb(255, 255, 255)", "rgb(20, 23, 27)"]


def test_a_name_that_is_html_is_shown_as_it_is_written(look) -> None:
    sight = look(make_rows(3, 2))
    assert EVIL in sight.page.locator("section", has_text="Asks by route").inner_text()
    assert sight.page.title() == "nr: past asks"
    assert sight.page.locator("script, img").count() == 0


def test_a_chart_is_told_to_who_cannot_see_it(look) -> None:
    page = look(make_rows(3, 2)).page
    for name in CHARTS:
        chart = page.locator(f"svg#{name}")
        assert chart.get_attribute("role") == "img"
        assert all(page.locator(f"#{name}-{part}").text_content() for part in ("title", "about"))
    tables = page.locator("table")
    assert tables.count() == 4
    assert tables.nth(0).inner_text().split()[0] == "day"


def test_an_empty_log_is_said_to_be_empty(look) -> None:
    sight = look([])
    assert "No asks." in sight.page.locator("main").inner_text()
    assert sight.complaints == []
