"""Lost punctuation comes back where its neighbours say which mark it was, and no offset moves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onrecord.mending import mend
from onrecord.sentences import split_sentences
from onrecord.text import normalise


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        ("It isn\ufffdt Rau\ufffds.", "It isn\u2019t Rau\u2019s."),
        ("\ufffdWe won,\ufffd she said. \ufffdTwice!\ufffd", "\u201cWe won,\u201d she said. \u201cTwice!\u201d"),
        ("the \ufffdvery old\ufffd bridge", "the \u201cvery old\u201d bridge"),
        ("the neighbours\ufffd fence", "the neighbours\u2019 fence"),
        ("of the \ufffdneighbours\ufffd, he said", "of the \u201cneighbours\u201d, he said"),
        ("calls \ufffd and letters", "calls \u2013 and letters"),
        ("(Oslin Wire)\ufffdJust days later", "(Oslin Wire)\u2013Just days later"),
        ("(\ufffdpier\ufffd)", "(\u201cpier\u201d)"),
        ("\ufffdIt fell.\nNobody saw the neighbours\ufffd cat", "\u201cIt fell.\nNobody saw the neighbours\u2019 cat"),
        ("He left.\ufffd\ufffd She stayed.", "He left.\u201d  She stayed."),
        ("No mark is lost here.", "No mark is lost here."),
    ],
)
def test_the_neighbours_say_which_mark_was_lost(broken: str, mended: str) -> None:
    assert mend(broken) == mended
    assert normalise(broken).text == mended


@given(st.text(st.sampled_from("ab .,(\n\ufffd"), max_size=60))
def test_the_text_keeps_its_length_and_all_else_and_nothing_stays_lost(text: str) -> None:
    mended = mend(text)
    assert len(mended) == len(text)
    assert all(now == before for before, now in zip(text, mended, strict=True) if before != "\ufffd")
    assert "\ufffd" not in mended
    assert mend(mended) == mended


def test_sentences_are_split_as_in_the_text_before_it_was_damaged() -> None:
    whole = "\u201cIs it safe?\u201d she asked. The mayor\u2019s office said \u201cno comment.\u201d It rained."
    broken = whole.translate(dict.fromkeys(map(ord, "\u201c\u201d\u2019"), "\ufffd"))
    assert split_sentences(normalise(broken).text) == split_sentences(whole)
