"""The cue-word baseline must catch the plain cases, or beating it says nothing."""

import numpy as np
import pytest

from onrecord.labels import ATTRIBUTIONS
from training.evaluation.lexicon import AllPositiveFloor, LexiconSystem, ReportingVerbFloor, classify, speculation_level


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("The levee will hold, Mayor Ana Ruiz said.", "named"),
        ("According to NASA, the probe is on course.", "named"),
        ("She added that the vote was close.", "named"),
        ("A study published in May found no difference.", "document"),
        ("According to the indictment, the money went abroad.", "document"),
        ("Senior officials said the talks had failed.", "anonymous"),
        ("Experts warn that prices will rise.", "anonymous"),
        ("Two sources told Reuters that the deal was off.", "anonymous"),
        ("The singer is reportedly leaving the band.", "vague"),
        ("Rumour has it that the plant will close.", "vague"),
        ("The bridge collapsed on Tuesday.", "unattributed"),
        ("What happens next?", "no_claim"),
    ],
)
def test_attribution_cues(sentence: str, expected: str) -> None:
    assert classify(sentence)[0] == expected


def test_a_named_source_wins_over_allegedly() -> None:
    assert classify("He allegedly stole the car, Sheriff Tom Hale said.")[0] == "named"


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("The dam opened in 1962.", "none"),
        ("The dam may open next year.", "hedged"),
        ("Fans speculated that a split was near.", "conjecture"),
    ],
)
def test_speculation_cues(sentence: str, expected: str) -> None:
    assert speculation_level(sentence) == expected


def test_a_reading_locates_sources_and_caution_in_the_document() -> None:
    text = "The levee will hold, Ana Ruiz said. The cause has not been independently confirmed."
    (reading,) = LexiconSystem().read([text], [[(0, 35), (36, len(text))]])
    assert [text[start:end] for start, end, _ in reading.spans] == ["Ana Ruiz"]
    assert reading.caution.tolist() == [False, True]
    assert reading.certainty.tolist() == [0.0, 0.0]


def test_named_sources_rate_above_rumour_and_risk_goes_the_other_way() -> None:
    sourced, rumour = "It will rain, Ana Ruiz said.", "Rumour has it that it may rain."
    good, bad = LexiconSystem().read([sourced, rumour], [[(0, len(sourced))], [(0, len(rumour))]])
    assert good.ratings["sourcing"] > bad.ratings["sourcing"]
    assert good.ratings["risk"] < bad.ratings["risk"]


def test_an_empty_document_still_gets_a_reading() -> None:
    (reading,) = LexiconSystem().read([""], [[]])
    assert reading.attribution.shape == (0,)
    assert reading.ratings["sourcing"] == 0.0


def test_floors_answer_yes_by_verb_and_always() -> None:
    text = "It rained. It will rain, she said."
    sentences = [[(0, 10), (11, len(text))]]
    assert ReportingVerbFloor().read([text], sentences)[0].appeal.tolist() == [0.0, 1.0]
    everything = AllPositiveFloor().read([text], sentences)[0]
    assert everything.appeal.tolist() == [1.0, 1.0]
    assert (everything.attribution != ATTRIBUTIONS.index("unattributed")).all()


def test_cue_patterns_stay_fast_on_hostile_text() -> None:
    hostile = "Aa " * 4000 + "said the the the " * 2000
    (reading,) = LexiconSystem().read([hostile], [[(0, len(hostile))]])
    assert np.isin(reading.attribution, range(len(ATTRIBUTIONS))).all()
