"""Which files are read, and what is refused before a run begins."""

from pathlib import Path

import pytest

from onrecord.archive.inputs import find_inputs
from onrecord.errors import InputError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a few files."""
    monkeypatch.chdir(tmp_path)
    for name in ("b.jsonl", "a.jsonl", "news/z.txt", "news/2020/a.HTML", "news/2020/b.txt.gz", "news/notes.md", "odd [1].csv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x" * 10, encoding="utf-8")
    return tmp_path


def names(*patterns: str) -> list[str]:
    return [source.name for source in find_inputs(patterns)]


def test_a_folder_gives_its_texts_and_pages_at_any_depth_sorted() -> None:
    assert names("news") == ["news/2020/a.HTML", "news/2020/b.txt.gz", "news/z.txt"]


def test_a_pattern_gives_its_files_sorted_and_a_folder_it_matches_is_read_too() -> None:
    assert names("*.jsonl", "n*") == ["a.jsonl", "b.jsonl", "news/2020/a.HTML", "news/2020/b.txt.gz", "news/z.txt"]
    assert names("**/*.txt") == ["news/z.txt"]


def test_a_file_is_read_under_its_own_name_though_it_looks_like_a_pattern() -> None:
    assert names("odd [1].csv") == ["odd [1].csv"]


@pytest.mark.parametrize("given", ["a.jsonl", "./a.jsonl", "{folder}/a.jsonl"])
def test_a_file_has_one_name_however_it_is_given(folder: Path, given: str) -> None:
    assert names(given.format(folder=folder)) == ["a.jsonl"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("x.ndjson", "jsonl"),
        ("x.json", "jsonl"),
        ("x.JSONL.GZ", "jsonl"),
        ("x.csv.zst", "csv"),
        ("x.tsv", "tsv"),
        ("x.parquet", "parquet"),
        ("x.htm", "html"),
        ("x.txt.zst", "text"),
    ],
)
def test_the_name_tells_the_kind(folder: Path, name: str, kind: str) -> None:
    (folder / name).write_bytes(b"12345")
    (found,) = find_inputs([name])
    assert (found.kind, found.size) == (kind, 5)


def test_standard_input_is_json_lines_of_unknown_size() -> None:
    (found,) = find_inputs(["-"])
    assert (found.path, found.kind, found.size, found.name) == (None, "jsonl", None, "stdin")


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        (["gone.jsonl"], "'gone.jsonl': no such file or folder.* Check the path"),
        (["*.parquet"], "'.*parquet': no such file or folder.* Check the pattern"),
        ([""], "no such file or folder"),
        (["news/notes.md"], "notes.md: found a file of an unknown kind; expected .jsonl.* Convert or rename"),
        (["b.jsonl", "*.jsonl"], r"b.jsonl: found twice in the input, by 'b.jsonl' and '\*.jsonl'"),
        (["-", "-"], "stdin: found twice"),
        (["news", "news/2020"], "found twice"),
        (["empty"], "empty: found no .txt, .html or .htm file.*give a pattern"),
        (["dangling.txt"], "dangling.txt: cannot be read"),
        (["packed.parquet.gz"], "unknown kind"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_do(folder: Path, patterns: list[str], message: str) -> None:
    (folder / "empty").mkdir()
    (folder / "dangling.txt").symlink_to("nowhere.txt")
    (folder / "packed.parquet.gz").touch()
    with pytest.raises(InputError, match=message):
        find_inputs(patterns)


def test_a_link_to_a_file_that_is_named_too_is_the_same_file(folder: Path) -> None:
    (folder / "link.jsonl").symlink_to("a.jsonl")
    with pytest.raises(InputError, match="found twice"):
        find_inputs(["a.jsonl", "link.jsonl"])


def test_a_name_that_is_no_text_can_be_shown_and_written(folder: Path) -> None:
    path = Path(str(folder / "caf") + "\udce9\n.txt")
    path.touch()
    (found,) = find_inputs([str(path)])
    assert found.name == "caf\\udce9\\n.txt"
