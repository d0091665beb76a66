"""Clean text: what a reader cannot see must not matter, and every span must lead back to the original."""

import string
import time

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from onrecord.errors import InputError
from onrecord.text import MAX_CHARACTERS, MAX_MARKS, decode, normalise

SENTENCE = "Officials said the vaccine was safe, according to Acme & Sons."
PRINTABLE = string.digits + string.ascii_letters + string.punctuation + " \n"
NASTY = st.sampled_from(
    [
        *"abeo &;#x1239ampltq\n",
        *"\u0430\u0435\u043e\u0440\u0436\u0422\u03b1\u0391\u0301\u0308\u0344\u0338\u037e\u212a\u200b\u200d\u202e\xad\x00\ud800\ufe0f\u2764\U0001f469\xa0\ufeff",
        *"\uff41\uff1b\uff06\ufb01\x92\u0958\u1100\u3000",
        *("&amp;", "&#8203;", "&#59;", "amp;", "&shy;", "&#769;", "&#x430;"),
    ]
)
ANYTHING = st.lists(NASTY, max_size=30).map("".join) | st.text(st.characters(), max_size=30)


def wide(character: str) -> str:
    return chr(ord(character) + 0xFEE0) if character.isalnum() and character.isascii() else character


# --- normalise ------------------------------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@example("&a\u0440&#59;")  # a look-alike must not complete an entity
@example("\u03b1\u0958\u0301a\u0430")  # NFC takes this letter apart, which would end the word
@example("e\u0344\u0344")  # one mark that is two
@given(ANYTHING)
def test_a_second_pass_finds_nothing_to_change(original: str) -> None:
    clean = normalise(original).text
    assert normalise(clean).text == clean


@settings(max_examples=300, deadline=None)
@given(ANYTHING)
def test_offsets_are_monotone_and_cover_every_clean_character(original: str) -> None:
    clean = normalise(original)
    assert len(clean.offsets) == len(clean.text) + 1
    assert clean.offsets[-1] == len(original)
    assert (np.diff(clean.offsets) >= 0).all()
    assert (np.diff(clean.ends) >= 0).all()
    assert (clean.ends > clean.offsets[:-1]).all()


@given(st.text(st.sampled_from(PRINTABLE.replace("&", ""))))
def test_printable_ascii_is_returned_as_it_is(original: str) -> None:
    clean = normalise(original)
    assert (clean.text, clean.obfuscations) == (original, {})
    assert clean.to_original(0, len(original)) == (0, len(original))


DISGUISES = st.sampled_from(
    [
        ("a", "\u0430"),
        ("e", "&#101;"),
        ("e", "\uff45"),
        ("s", "\U0001d600"),
        ("&", "&amp;amp;"),
        ('"', "&quot;"),
        ("\u2019", "&rsquo;"),
        ("\u00e9", "e\u0301"),
        (" ", "\u00a0"),
        ("x", "x"),
        ("y", "y"),
    ]
)
JUNK = st.sampled_from(["", "", "\u200b", "\u202e", "\xad", "\x00", "\ud800", "\u2060\u200d"])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(JUNK, DISGUISES), min_size=1, max_size=20), st.data())
def test_a_span_leads_back_to_exactly_the_characters_it_came_from(parts: list[tuple[str, tuple[str, str]]], data: st.DataObject) -> None:
    original, starts, ends = "", [], []
    for junk, (_, disguised) in parts:
        starts.append(len(original) + len(junk))
        original += junk + disguised
        ends.append(len(original))
    clean = normalise(original)
    assert clean.text == "".join(plain for _, (plain, _) in parts)
    start = data.draw(st.integers(0, len(parts) - 1))
    end = data.draw(st.integers(start + 1, len(parts)))
    assert clean.to_original(start, end) == (starts[start], ends[end - 1])


@pytest.mark.parametrize(
    ("disguised", "found"),
    [
        ("\u200b".join(SENTENCE), "zero_width"),
        ("\u202e".join(SENTENCE), "bidi"),
        ("\xad".join(SENTENCE), "soft_hyphen"),
        ("\x00\x07".join(SENTENCE), "control"),
        ("\ud83d".join(SENTENCE), "surrogate"),
        ("".join(map(wide, SENTENCE)), "full_width"),
        (SENTENCE.replace("a", "\u0430").replace("o", "\u043e").replace("A", "\u0391"), "homoglyph"),
        ("".join(f"&#{ord(character)};" for character in SENTENCE), "entity"),
        (SENTENCE.replace("&", "&amp;amp;#38;"), "entity"),
        (SENTENCE.replace("&", "&\u200bamp\u2060;"), "entity"),
        (SENTENCE.replace(" ", "\u2003"), "odd_space"),
    ],
)
def test_disguised_text_reads_like_the_plain_one_and_is_reported(disguised: str, found: str) -> None:
    clean = normalise(disguised)
    assert clean.text == SENTENCE
    assert clean.obfuscations[found] > 0


@pytest.mark.parametrize(
    "original",
    [
        "The sign read \u00ab\u0412\u0445\u043e\u0434\u00bb, and a \u0441\u043e\u0440 lay there.",  # other words show that the Russian is real
        "\u041c\u0438\u043d\u0438\u0441\u0442\u0440 \u0441\u043a\u0430\u0437\u0430\u043b: \u043e\u043d \u043d\u0435 \u0437\u043d\u0430\u0435\u0442.",
        "\u039f \u03b4\u03ae\u03bc\u03b1\u03c1\u03c7\u03bf\u03c2 \u03b5\u03af\u03c0\u03b5 \u03cc\u03c7\u03b9.",
        "Levels of TNF\u03b1 and \u03b2-carotene rose by 3 \u03bcg.",
        "iPhone\u2019\u043e\u0432 \u0431\u043e\u043b\u044c\u0448\u0435 \u043d\u0435\u0442",
    ],
)
def test_real_greek_and_cyrillic_stay(original: str) -> None:
    clean = normalise(original)
    assert (clean.text, clean.obfuscations) == (original, {})


def test_a_whole_word_of_look_alikes_in_a_latin_text_is_respelled() -> None:
    clean = normalise("They \u0441\u043e\u0440\u0443 it.")  # all four letters Cyrillic
    assert clean.text == "They copy it."
    assert clean.obfuscations == {"homoglyph": 4}


def test_what_a_reader_sees_stays() -> None:
    original = (
        "\u201cIt\u2019s a \u2018no\u2019\u201d \u2013 said Zo\u00eb \u2014 \u20ac5\u2026 \u00bd \u2122 \u2764 \u4f60\u597d \u0639\u0631\u0628\u064a\tR&D; AT&T"
    )
    clean = normalise(original)
    assert (clean.text, clean.obfuscations) == (original, {})


def test_emoji_stay_and_their_joiners_are_no_obfuscation() -> None:
    family, heart, scotland, one = (
        "\U0001f469\u200d\U0001f467",
        "\u2764\ufe0f",
        "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        "1\ufe0f\u20e3",
    )
    original = f"A {family} B {heart} C {scotland} D {one} E"
    clean = normalise(original)
    assert clean.text == "A \U0001f469\U0001f467 B \u2764 C \U0001f3f4 D 1\u20e3 E"
    assert clean.obfuscations == {}
    at = clean.text.index("B")
    assert clean.to_original(at, at + 1) == (original.index("B"), original.index("B") + 1)


def test_a_stray_invisible_character_between_words_is_no_obfuscation_but_a_run_of_them_is() -> None:
    assert normalise("\ufeffOne \u200btwo\u200b. Three").obfuscations == {}
    assert normalise("One \u200b\u200c\u200btwo").obfuscations == {"zero_width": 3}


def test_accents_are_composed_and_floods_of_them_cut() -> None:
    assert normalise("Zoe\u0308 said cafe\u0301").text == "Zo\u00eb said caf\u00e9"
    flooded = normalise("w" + "\u0334\u0322\u0347" * 30 + "hy")
    assert len(flooded.text) == len("why") + MAX_MARKS
    assert flooded.obfuscations == {"combining": 90 - MAX_MARKS}
    assert flooded.to_original(len(flooded.text) - 2, len(flooded.text)) == (91, 93)


def test_windows_quotes_read_as_latin_1_are_repaired_and_line_breaks_kept() -> None:
    assert normalise("It\x92s \x93on\x94\r\nand\u2028off\x0cend").text == "It\u2019s \u201con\u201d\r\nand\noff\nend"


def test_an_empty_span_and_one_outside_the_text() -> None:
    clean = normalise("a\u200bb")
    assert clean.to_original(1, 1) == (2, 2)
    with pytest.raises(ValueError, match="span 1:3 is not inside the clean text of 2 characters"):
        clean.to_original(1, 3)


@pytest.mark.parametrize(
    "unit",
    ["The \u201cminister\u201d said it was so. ", "a", "a\u200b", "&am", "\u0301\u0323", "\u0435x", "&amp;"],
    ids=["prose", "one word", "hidden", "half entities", "accents", "look-alikes", "entities"],
)
def test_time_grows_linearly(unit: str) -> None:
    def seconds(characters: int) -> float:
        text = unit * (characters // len(unit))
        started = time.process_time()
        normalise(text)
        return time.process_time() - started

    seconds(1_000)
    small = max(seconds(20_000), 0.002)
    assert seconds(200_000) < 60 * small  # quadratic work would take 100 times as long


def test_ten_megabytes_are_accepted() -> None:
    text = "The \u201cminister\u201d said on Monday that the R\u00edo bridge would close. " * 160_000
    assert len(text) > 10_000_000
    assert normalise(text).text == text


def test_more_than_the_limit_is_refused() -> None:
    with pytest.raises(InputError, match="20,000,001 characters; expected at most 20,000,000"):
        normalise("a" * (MAX_CHARACTERS + 1))


# --- decode ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_files_are_read(encoding: str) -> None:
    assert decode("Caf\u00e9 \u201cquote\u201d \U0001f600\r\n".encode(encoding), "a.txt") == "Caf\u00e9 \u201cquote\u201d \U0001f600\r\n"


def test_big_endian_utf_16_is_read() -> None:
    assert decode(b"\xfe\xff" + "na\u00efve".encode("utf-16-be"), "a.txt") == "na\u00efve"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"%PDF-1.7 \xe2\xe3", r"a\.txt: this is a PDF; expected text\. What to do: extract its text first"),
        (b"\x89PNG\r\n\x1a\n\0\0", "this is a PNG image"),
        (b"PK\x03\x04\x14\0", "this is a ZIP archive or an Office document.*unpack it"),
        (b"\x1f\x8b\x08\0", "this is a gzip file.*unpack it first"),
        (b"plain\0text", "byte 5 is NUL.*binary data or UTF-16 without a byte order mark"),
        ("wide".encode("utf-16-le"), "byte 1 is NUL.*Save it as UTF-8"),
        (b"It\x92s", r"byte 2 \(0x92\) is not valid UTF-8.*probably Windows-1252 \(cp1252\).*iconv"),
        (b"\xef\xbb\xbfIt\x92s", r"byte 5 \(0x92\) is not valid UTF-8"),
        (b"It\x9d\x81", "damaged or binary"),
        (b"\xff\xfea\0b", "begins as UTF-16-LE, but byte 4 does not fit it"),
    ],
)
def test_what_is_not_text_is_refused_with_what_was_found_and_what_to_do(data: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        decode(data, "a.txt")


def test_a_file_beyond_the_limit_is_refused() -> None:
    with pytest.raises(InputError, match=r"a\.txt: 20,000,001 characters"):
        decode(b"a" * (MAX_CHARACTERS + 1), "a.txt")
