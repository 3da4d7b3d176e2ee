"""Loading a policy file: what is read, what is refused, how fast."""

import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nr_cli.errors import ConfigError
from nr_cli.policy.document import Document, Place, merge
from nr_cli.policy.include import read_include
from nr_cli.policy.load import load
from nr_cli.types.policy import Finding

LAUGHS = b"a: &a [x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (98 + i, 98 + i, b",".join([b"*%c" % (97 + i)] * 7)) for i in range(7)
)
MERGES = b"a: &a {x: 1}\n" + b"".join(b"b%d: &b%d {<<: [*a, *a]}\n" % (i, i) for i in range(22))

REFUSED = [
    pytest.param(b"a: 1\na: 2\n", "NR102", 2, 1, id="duplicate key"),
    pytest.param(b"b: {x: 1, x: 2}\n", "NR102", 1, 11, id="duplicate key in flow"),
    pytest.param(b"- a\n", "NR106", 1, 1, id="root list"),
    pytest.param(b"hello\n", "NR106", 1, 1, id="root scalar"),
    pytest.param(b"a: [\n", "NR101", 2, 1, id="unclosed"),
    pytest.param(b"a:\n\tb: 1\n", "NR101", 2, 1, id="tab"),
    pytest.param(b"a: \0\n", "NR101", 1, 4, id="NUL"),
    pytest.param(b"a: 1\nb: caf\xe9\n", "NR101", 2, 7, id="latin-1"),
    pytest.param("a: 1".encode("utf-16"), "NR101", 1, 1, id="UTF-16"),
    pytest.param(b"a: 1\n---\nb: 1\n", "NR105", 2, 1, id="second document"),
    pytest.param(b"a: !!python/object:os.system x", "NR105", 1, 4, id="python tag"),
    pytest.param(b"a: !!binary aGk=", "NR105", 1, 4, id="binary tag"),
    pytest.param(b"a: !mine x", "NR105", 1, 4, id="unknown tag"),
    pytest.param(b"a: !x!y z", "NR105", 1, 4, id="undeclared tag handle"),
    pytest.param(b"a: &a {b: *a}", "NR105", 1, 11, id="recursive alias"),
    pytest.param(b"&a [*a]", "NR105", 1, 5, id="recursive root"),
    pytest.param(b"a: *nobody", "NR101", 1, 4, id="undefined alias"),
    pytest.param(MERGES, "NR105", 2, 10, id="merge bomb"),
    pytest.param(b"? [a]\n: 1\n", "NR105", 1, 3, id="list as key"),
    pytest.param(b"a: " + b"9" * 5000, "NR104", 1, 4, id="5000 digits"),
    pytest.param(b"a: 1e999", "NR104", 1, 4, id="infinite"),
    pytest.param(LAUGHS, "NR103", 6, 4, id="billion laughs"),
    pytest.param(b"a: &a x\nb: [" + b"*a," * 60 + b"]", "NR103", 2, 155, id="aliases"),
    pytest.param(b"[" * 100_000, "NR103", 1, 33, id="100k brackets"),
    pytest.param(b"- " * 100_000, "NR103", 1, 65, id="100k dashes"),
    pytest.param(b"a: [" + b"1," * 100_000, "NR103", 1, None, id="many parts"),
    pytest.param(b"#" * 1_100_000, "NR103", 1, 1, id="too large"),
]


@pytest.mark.parametrize(("content", "code", "line", "column"), REFUSED)
def test_what_is_unsafe_is_refused_with_its_place_in_half_a_second(
    content: bytes, code: str, line: int, column: int | None
) -> None:
    spent = []
    for _ in range(3):  # the best of three: a busy machine stretches CPU time too
        began = time.process_time()
        with pytest.raises(ConfigError) as caught:
            load(content, "routes.yaml")
        spent.append(time.process_time() - began)
        if spent[-1] < 0.5:
            break
    finding = caught.value.findings[0]
    assert (finding.file, finding.code, finding.line) == ("routes.yaml", code, line)
    assert column is None or finding.column == column
    assert "\n" not in finding.message
    assert min(spent) < 0.5


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("no", "no"), ("on", "on"), ("yes", "yes"), ("True", "True"), ("08", "08"),
        ("0777", "0777"), ("12:30:45", "12:30:45"), ("22:00", "22:00"), ("3.10", 3.1),
        ("1e3", 1000.0), ("2024-01-02", "2024-01-02"), (".inf", ".inf"), (".nan", ".nan"),
        ("true", True), ("false", False), ("null", None), ("~", None), ("0x1F", 31), ("-7", -7),
        ("1_000", "1_000"), ("'5'", "5"), ('"true"', "true"), ("...x", "...x"),
    ],
)  # fmt: skip
def test_scalars_follow_yaml_1_2_with_only_true_or_false_as_booleans(
    source: str, value: object
) -> None:
    found = load(f"a: {source}\n".encode(), "r.yaml").tree["a"]
    assert found == value
    assert type(found) is type(value)


def test_a_text_field_takes_a_number_as_it_was_written() -> None:
    document = load(b"a: 3.10\nb: true\nc: 1e3\nd: 7\n", "r.yaml")
    assert [document.text((key,)) for key in "abcd"] == ["3.10", "true", "1e3", "7"]


@pytest.mark.parametrize("content", [b"", b"# only a comment\n", b"\xef\xbb\xbf", b"null\n"])
def test_an_empty_file_is_an_empty_policy(content: bytes) -> None:
    assert load(content, "r.yaml").tree == {}


def test_byte_order_mark_with_windows_line_ends_is_accepted() -> None:
    document = load(b"\xef\xbb\xbfa: 1\r\nb:\r\n  c: 2\r\n", "r.yaml")
    assert document.tree == {"a": 1, "b": {"c": 2}}
    assert document.place(("b", "c")) == Place("r.yaml", 3, 3)


def test_all_duplicates_of_a_file_are_reported_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        load(b"a: 1\nb: {x: 1, x: 2}\na: 2\n", "r.yaml")
    assert [finding.line for finding in caught.value.findings] == [2, 3]


def test_an_alias_repeats_its_value_with_a_place_for_each_part() -> None:
    document = load(b"a: &x {b: 1}\nc: *x\n", "r.yaml")
    assert document.tree == {"a": {"b": 1}, "c": {"b": 1}}
    assert document.place(("c", "b")).line == 1


def test_a_document_survives_being_kept_as_json() -> None:
    document = load(b"a: 3.10\nb: [x, {c: 1}]\n", "r.yaml")
    again = Document.from_json(document.to_json())
    assert (again.tree, again.digest, again.text(("a",))) == (
        document.tree,
        document.digest,
        "3.10",
    )
    assert again.place(("b", 1, "c")) == document.place(("b", 1, "c")) == Place("r.yaml", 2, 9)


@settings(deadline=None, max_examples=150)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_any_bytes_become_a_document_or_a_finding(content: bytes) -> None:
    assert findings_of(content) or load(content, "r.yaml").to_json()


def findings_of(content: bytes) -> Sequence[Finding]:
    try:
        load(content, "r.yaml")
    except ConfigError as error:
        return error.findings
    return ()


def write(directory: Path, **files: str) -> Path:
    for name, content in files.items():
        (directory / f"{name}.yaml").write_text(content)
    return directory / "main.yaml"


def load_disk(path: Path) -> Document:
    return load(path.read_bytes(), str(path), read_include)


def test_included_maps_merge_and_included_routes_follow(tmp_path: Path) -> None:
    main = write(
        tmp_path,
        main="version: 1\ninclude: [part.yaml]\nmodels: {m: {id: a/1}}\nroutes: [{name: one}]\n",
        part="models: {m: {id: b/2, quality: 3}, n: {id: c/3}}\nroutes: [{name: two, use: 3.10}]\n",
    )
    document = load_disk(main)
    assert document.tree == {
        "version": 1,
        "models": {"m": {"id": "a/1"}, "n": {"id": "c/3"}},
        "routes": [{"name": "one"}, {"name": "two", "use": 3.1}],
    }
    assert document.place(("routes", 1, "use")) == Place(str(tmp_path / "part.yaml"), 2, 22)
    assert document.text(("routes", 1, "use")) == "3.10"
    assert document.includes == (str(tmp_path / "part.yaml"),)


def test_the_digest_changes_with_an_included_file(tmp_path: Path) -> None:
    main = write(tmp_path, main="include: part.yaml\n", part="name: a\n")
    before = load_disk(main).digest
    write(tmp_path, part="name: b\n")
    assert load_disk(main).digest != before


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ("../secret.yaml", "NR126"), ("/etc/passwd", "NR126"), ("https://example.org/x", "NR126"),
        ("link.yaml", "NR126"), ("link*", "NR126"), ("missing.yaml", "NR126"), (".", "NR126"),
        ("main.yaml", "NR127"),
    ],
)  # fmt: skip
def test_an_include_never_leaves_its_directory_nor_shows_content(
    tmp_path: Path, pattern: str, code: str
) -> None:
    (tmp_path / "secret.yaml").write_text("root:x:0:0 CANARY")
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    main = write(inside, main=f"include: ['{pattern}']\n")
    with pytest.raises(ConfigError) as caught:
        load_disk(main)
    assert caught.value.findings[0].code == code
    assert "CANARY" not in caught.value.message


def test_an_include_cycle_is_an_error(tmp_path: Path) -> None:
    main = write(tmp_path, main="include: a.yaml\n", a="include: b.yaml\n", b="include: a.yaml\n")
    with pytest.raises(ConfigError, match="NR127 include cycle"):
        load_disk(main)


@pytest.mark.parametrize("start", ["", "./", "sub/../"])
def test_an_include_cycle_is_seen_where_it_closes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: str
) -> None:
    (tmp_path / "sub").mkdir()
    write(tmp_path, main="include: a.yaml\n", a="include: main.yaml\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        load((tmp_path / "main.yaml").read_bytes(), f"{start}main.yaml", read_include)
    said = [str(finding) for finding in caught.value.findings]
    assert said == ['a.yaml:1:1: NR127 include cycle: "main.yaml" again']


@pytest.mark.parametrize(
    "patterns", ["[a.yaml, a.yaml]", "[a.yaml, '*.yaml']", "['*.yaml']", "[b.yaml, a.yaml]"]
)
def test_a_file_that_several_patterns_name_is_included_once(tmp_path: Path, patterns: str) -> None:
    main = write(
        tmp_path,
        main=f"include: {patterns}\n",
        a="routes: [{name: one}]\n",
        b="include: ['[ab].yaml', a.yaml]\n",
    )
    assert load_disk(main).tree["routes"] == [{"name": "one"}]


def test_everything_wrong_with_includes_comes_at_once(tmp_path: Path) -> None:
    main = write(
        tmp_path,
        main="include: [no.yaml, /etc/x, '${X:-a.yaml}', 5, bad.yaml, a.yaml, old.yaml]\n",
        bad="a: [\n",
        a="include: {}\n",
        old="version: 2\n",
    )
    with pytest.raises(ConfigError) as caught:
        load_disk(main)
    found = [finding.code for finding in caught.value.findings]
    assert found == ["NR126", "NR126", "NR126", "NR111", "NR101", "NR111", "NR116"]


def test_more_than_a_hundred_includes_are_refused(tmp_path: Path) -> None:
    for index in range(101):
        (tmp_path / f"part{index}.yaml").touch()
    main = write(tmp_path, main="include: ['part*.yaml']\n")
    with pytest.raises(ConfigError, match="more than 100 files"):
        load_disk(main)


def test_an_override_replaces_the_farther_route() -> None:
    near = load(b"routes: [{name: a, override: true, use: x/1}]\n", "near")
    far = load(b"routes: [{name: a, use: y/2}, {name: b, use: y/3}]\n", "far")
    merged = merge(near, far)
    assert [merged.text(("routes", at, "use")) for at in range(2)] == ["x/1", "y/3"]
    assert merged.place(("routes", 1, "name")).file == "far"
