from dataclasses import replace

import numpy as np
import pytest
from report_samples import CALIBRATION, LINES, POLICY, Line, predict

from onrecord.advice import advise, risk_logit
from onrecord.policy import sigmoid

RUMOUR = Line("Word is that the wall has moved.", "vague", "none", sourcing=-1.0)


@pytest.mark.parametrize("attribution", ["anonymous", "vague", "unattributed"])
def test_naming_a_source_takes_the_harm_of_the_sentence_out_of_the_sum(attribution: str) -> None:
    line = replace(RUMOUR, attribution=attribution)
    (advice,) = advise(predict([Line("Calm."), line]), POLICY, CALIBRATION)
    assert (advice.sentence, advice.action) == (1, "name_source")
    assert advice.risk_before == pytest.approx(sigmoid(-0.3 + 0.8))
    assert advice.risk_after == pytest.approx(sigmoid(-0.3))
    assert advice.text == "Name the source of sentence 2: 0.62 → 0.43"


@pytest.mark.parametrize(("level", "action", "words"), [("conjecture", "support_conjecture", "conjecture"), ("hedged", "support_hedge", "hedged claim")])
def test_supporting_speculation_takes_its_share_out_of_the_sum(level: str, action: str, words: str) -> None:
    (advice,) = advise(predict([Line("It could burst.", "named", level, speculating=1.0)]), POLICY, CALIBRATION)
    assert advice.action == action
    assert words in advice.text
    assert advice.risk_after == pytest.approx(sigmoid(-0.3))


@pytest.mark.parametrize(
    "line",
    [
        Line("The minutes say so.", "document", sourcing=-1.0),
        Line("What now?", "no_claim", sourcing=-1.0),
        Line("Ada Prewitt said so.", "named", speculating=1.0),
        Line("Word is that all is well.", "vague", sourcing=1.0),
        Line("It may hold.", "named", "hedged", speculating=-1.0),
        Line("Word is out.", "vague", sourcing=-0.01),
    ],
)
def test_no_advice_where_the_edit_does_not_apply_or_would_not_help(line: Line) -> None:
    assert advise(predict([line]), POLICY, CALIBRATION) == ()


def test_the_three_most_useful_edits_come_first() -> None:
    lines = [replace(RUMOUR, sourcing=-share) for share in (0.2, 0.9, 0.4, 0.6)]
    advice = advise(predict(lines), POLICY, CALIBRATION)
    assert [a.sentence for a in advice] == [1, 3, 2]
    assert all(a.risk_after < a.risk_before for a in advice)


def test_one_sentence_may_need_two_edits() -> None:
    assert [(a.sentence, a.action) for a in advise(predict(LINES[:1]), POLICY, CALIBRATION)] == [(0, "support_conjecture"), (0, "name_source")]


def test_risk_of_an_article_without_sentences_is_the_bias() -> None:
    assert risk_logit(predict([], sourcing_bias=1.0), POLICY) == pytest.approx(-0.3 - 0.8)
    assert np.isfinite(risk_logit(predict(LINES), POLICY))
