import pytest
from report_samples import mention

from onrecord.inventory import Source, take_inventory
from onrecord.prediction import PredictedSpan


def inventory(text: str, *words: str) -> list[str]:
    """Names in the inventory when each of `words` is a named mention, searched from left to right."""
    spans, position = [], 0
    for word in words:
        position = text.index(word, position)
        spans.append(PredictedSpan(position, position + len(word), "named", None, 0.9))
        position += len(word)
    return [f"{source.text} x{len(source.mentions)}" for source in take_inventory(text, spans)]


def test_a_last_name_is_folded_into_the_full_name_before_it() -> None:
    assert inventory("Ada Prewitt said no. Prewitt added more. Prewitt's aide left.", "Ada Prewitt", "Prewitt", "Prewitt's") == ["Ada Prewitt x3"]


def test_a_last_name_in_the_headline_finds_the_full_name_later() -> None:
    assert inventory("Prewitt: dam is safe\n\nAda Prewitt said so.", "Prewitt", "Ada Prewitt") == ["Ada Prewitt x2"]


def test_of_two_people_of_one_name_the_nearest_before_is_meant() -> None:
    text = "Ada Prewitt spoke. Prewitt left. Tom Prewitt came. Prewitt spoke."
    spans = [mention(text, "Ada Prewitt"), mention(text, "Prewitt", nth=1), mention(text, "Tom Prewitt"), mention(text, "Prewitt", nth=3)]
    assert [(source.text, len(source.mentions)) for source in take_inventory(text, spans)] == [("Ada Prewitt", 2), ("Tom Prewitt", 2)]


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("The mayor spoke; the Mayor left.", ("The mayor", "the Mayor"), ["The mayor x2"]),
        ("Governor Ada Prewitt, later Ms. Prewitt and Gov. Prewitt", ("Governor Ada Prewitt", "Ms. Prewitt", "Gov. Prewitt"), ["Governor Ada Prewitt x3"]),
        ("a witness and another\nwitness", ("a witness", "another\nwitness"), ["a witness x1", "another witness x1"]),
        ("his lawyer; her lawyer", ("his lawyer", "her lawyer"), ["his lawyer x1", "her lawyer x1"]),
        ("Ada Prewitt; PREWITT", ("Ada Prewitt", "PREWITT"), ["Ada Prewitt x2"]),
        ("University of Oslin; Oslin", ("University of Oslin", "Oslin"), ["University of Oslin x1", "Oslin x1"]),
        ("Engineer Ada Prewitt; Ada Prewitt; Prewitt", ("Engineer Ada Prewitt", "Ada Prewitt", "Prewitt"), ["Engineer Ada Prewitt x3"]),
        ("Prewitt; Ada Prewitt; Engineer Ada Prewitt", ("Prewitt", "Ada Prewitt", "Engineer Ada Prewitt"), ["Engineer Ada Prewitt x3"]),
        ("Ada Prewitt; a prewitt", ("Ada Prewitt", "prewitt"), ["Ada Prewitt x1", "prewitt x1"]),
    ],
)
def test_mentions_are_matched_by_their_words(text: str, words: tuple[str, ...], expected: list[str]) -> None:
    assert inventory(text, *words) == expected


def test_pronouns_are_no_sources_but_acronyms_spelled_alike_are() -> None:
    assert inventory("She said it. The WHO agreed. Who agreed? The US did. They left.", "She", "The WHO", "Who", "The US", "They") == [
        "The WHO x1",
        "The US x1",
    ]


def test_hidden_characters_do_not_split_a_source() -> None:
    text = "Ada Prewitt said. Ada\u00a0Pre\u200bwitt said."
    assert len(take_inventory(text, [mention(text, "Ada Prewitt"), mention(text, "Ada\u00a0Pre\u200bwitt")])) == 1


def test_one_named_mention_makes_the_source_named_and_gives_the_name() -> None:
    text = "A spokesman for Oslin said. Then spokesman for Oslin added."
    unnamed = mention(text, "A spokesman for Oslin", kind="unnamed")
    named = mention(text, "spokesman for Oslin", nth=1)
    (source,) = take_inventory(text, [unnamed, named])
    assert (source.kind, source.text) == ("named", "spokesman for Oslin")


def test_the_type_is_the_one_with_most_probability_behind_it() -> None:
    text = "Oslin said. Oslin said. Oslin said."
    spans = [
        mention(text, "Oslin", type="official", probability=0.4),
        mention(text, "Oslin", type="official", probability=0.4, nth=1),
        mention(text, "Oslin", type="expert", probability=0.9, nth=2),
    ]
    assert take_inventory(text, spans)[0].type == "expert"
    assert take_inventory(text, [mention(text, "Oslin", type=None)])[0].type is None


def test_most_mentioned_first_then_by_place() -> None:
    text = "Oslin, Harrow, Valley, Harrow"
    spans = [mention(text, "Valley"), mention(text, "Harrow", nth=1), mention(text, "Oslin"), mention(text, "Harrow")]
    assert take_inventory(text, spans) == (
        Source("Harrow", "named", "official", ((7, 13), (23, 29))),
        Source("Oslin", "named", "official", ((0, 5),)),
        Source("Valley", "named", "official", ((15, 21),)),
    )


def test_a_mention_without_words_is_left_out() -> None:
    assert inventory('He said: "…"', "…") == []
    assert take_inventory("", []) == ()
