"""When a text gets no score, and what a reader is told about one that does."""

import json
import time
from pathlib import Path

import pytest

from onrecord.checks import MIN_WORDS, Refusal, refusal, warnings_for
from onrecord.sentences import split_sentences
from onrecord.text import normalise

LANGUAGES = json.loads((Path(__file__).parent / "languages.json").read_text(encoding="utf-8"))
ENGLISH = LANGUAGES["english"]
ARTICLE = ENGLISH["news"]


def code_of(text: str) -> str | None:
    found = refusal(normalise(text).text)
    return found.code if found else None


def warnings(text: str) -> dict[str, str]:
    clean = normalise(text)
    return {warning.code: warning.message for warning in warnings_for(clean, split_sentences(clean.text))}


# --- refusal --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", LANGUAGES["not_english"].values(), ids=LANGUAGES["not_english"])
def test_other_languages_are_refused(text: str) -> None:
    assert code_of(text) == "not_english"


@pytest.mark.parametrize("language", ["French", "German", "Spanish", "Swedish", "Polish", "Turkish"])
def test_other_languages_typed_without_accents_are_refused(language: str) -> None:
    plain = LANGUAGES["not_english"][language].encode("ascii", errors="ignore").decode()
    assert code_of(plain) == "not_english"


@pytest.mark.parametrize("text", ENGLISH.values(), ids=ENGLISH)
def test_english_of_every_kind_is_scored(text: str) -> None:
    assert refusal(text) is None
    assert refusal(text.upper()) is None


@pytest.mark.parametrize("text", ["", "   ", "\n\t \u00a0\u200b", "\x00", "\ud800\udc00"], ids=ascii)
def test_nothing_to_read_is_refused_as_empty(text: str) -> None:
    assert code_of(text) == "empty"


def test_a_short_text_is_told_how_many_words_it_has_and_needs() -> None:
    assert refusal("Bridge") == Refusal("too_short", "The text has 1 word; at least 40 are needed to judge an article.")
    words = ARTICLE.split()
    short = refusal(" ".join(words[: MIN_WORDS - 1]))
    assert short is not None
    assert "39 words; at least 40" in short.message
    assert refusal(" ".join(words[:MIN_WORDS])) is None


@pytest.mark.parametrize(
    "text",
    ["\U0001f600" * 200, "\U0001f600 \u2764\ufe0f " * 60, "12 48 3.5 -7 " * 40, "https://example.org/a " * 60, "#news @mayor " * 40, "... --- !!! " * 30],
    ids=["emoji", "spaced emoji", "numbers", "links", "tags", "signs"],
)
def test_a_text_without_prose_is_refused(text: str) -> None:
    assert code_of(text) == "no_prose"


def test_a_list_of_names_is_refused_and_the_message_says_why() -> None:
    found = refusal("Kessler Okonkwo Delacroix Tanaka " * 15)
    assert found is not None
    assert found.code == "not_english"
    assert "Only 0.0% of the words are common English ones" in found.message
    assert "or a list or code" in found.message


def test_a_text_mainly_in_another_language_is_refused() -> None:
    assert code_of(ARTICLE + "\n" + LANGUAGES["not_english"]["Spanish"] * 3) == "not_english"


def test_disguised_english_is_still_english() -> None:
    assert code_of(ARTICLE.replace("a", "\u0430").replace("e", "\u0435").replace("o", "\u043e")) is None


# --- warnings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ENGLISH.values(), ids=ENGLISH)
def test_an_ordinary_article_has_no_warnings(text: str) -> None:
    assert warnings(text) == {}


def test_obfuscated_characters_are_counted_in_plain_words() -> None:
    found = warnings(ARTICLE.replace("bridge", "br\u200bi\u202edge").replace("mayor", "m\u0430yor"))
    assert set(found) == {"obfuscated_characters"}
    assert "1 invisible character, 1 text-direction control, 1 look-alike letter of another alphabet" in found["obfuscated_characters"]


def test_what_web_pages_do_anyway_is_no_obfuscation() -> None:
    assert warnings(ARTICLE.replace("bridge", "br\xadidge").replace(" the ", "\u00a0the&nbsp;").replace("'", "&rsquo;")) == {}
    assert "hidden hyphens" in warnings("\xad".join(ARTICLE))["obfuscated_characters"]


def test_lost_characters_are_told_for_they_were_guessed() -> None:
    found = warnings(ARTICLE.replace("bridge", "\ufffdbridge\ufffd", 1))
    assert set(found) == {"damaged_characters"}
    assert "2 characters" in found["damaged_characters"]


def test_a_list_is_reported() -> None:
    items = "\n".join(f"- Item {number} of the plan" for number in range(8))
    assert "8 of 9 lines" in warnings(f"{ARTICLE}\n{items}")["mostly_lists"]
    assert "mostly_lists" not in warnings(ARTICLE.replace(". ", ".\n") + "\n- One item")


def test_page_furniture_is_reported() -> None:
    furniture = "We use cookies to improve this site.\nSubscribe to our newsletter.\nShare this story.\nAll rights reserved."
    assert "4 of 8 sentences" in warnings(f"{ARTICLE}\n{furniture}")["boilerplate"]
    assert "boilerplate" not in warnings(f"{ARTICLE}\nShare this story.")


def test_a_very_long_text_is_reported_with_its_words() -> None:
    assert "5,040 words" in warnings("The mayor said on Monday that it will close. " * 560)["very_long"]
    assert "very_long" not in warnings("The mayor said on Monday that it will close. " * 550)


@pytest.mark.parametrize("language", ["Spanish", "German", "Russian", "Arabic", "Japanese"])
def test_passages_in_another_language_are_reported(language: str) -> None:
    text = f"{ARTICLE} {ENGLISH['British']} {ENGLISH['Indian']}\n{LANGUAGES['not_english'][language]}"
    assert refusal(text) is None
    assert "do not rely on its reading of these" in warnings(text)["mixed_language"]


def test_ten_megabytes_are_checked_in_linear_time() -> None:
    text = ARTICLE + "\n"
    started = time.process_time()
    assert refusal(text * (1_000_000 // len(text))) is None
    small = time.process_time() - started
    started = time.process_time()
    assert refusal(text * (10_000_000 // len(text))) is None
    assert time.process_time() - started < 40 * max(small, 0.01)  # quadratic work would take 100 times as long
