"""Another splitter's sentences are scored on the gold sentences that they share most with."""

from itertools import pairwise

import numpy as np

from onrecord.labels import ATTRIBUTIONS
from training.evaluation.align import align, best_overlaps
from training.evaluation.systems import FloatArray, Offsets, Reading


def reading(sentences: list[Offsets], attribution: list[int], **more: FloatArray) -> Reading:
    n = len(sentences)
    return Reading(sentences, np.array(attribution, dtype=np.int64), np.full(n, 2, dtype=np.int64), np.ones(n, dtype=np.bool_), **more)


def test_the_same_sentences_match_one_to_one() -> None:
    assert best_overlaps([(0, 5), (6, 9)], [(0, 5), (6, 9)]).tolist() == [0, 1]


def test_a_merged_prediction_serves_both_gold_sentences() -> None:
    assert best_overlaps([(0, 10), (11, 20)], [(0, 20)]).tolist() == [0, 0]


def test_a_split_prediction_is_taken_from_its_longer_part() -> None:
    assert best_overlaps([(0, 20)], [(0, 6), (7, 20)]).tolist() == [1]


def test_equal_overlaps_take_the_earlier_sentence() -> None:
    assert best_overlaps([(0, 10)], [(0, 5), (5, 10)]).tolist() == [0]


def test_touching_is_not_overlapping() -> None:
    assert best_overlaps([(5, 10), (20, 25)], [(0, 5), (10, 20)]).tolist() == [-1, -1]


def test_random_splits_agree_with_brute_force() -> None:
    rng = np.random.default_rng(2)
    for _ in range(50):
        cuts = [sorted({0, 60, *rng.integers(1, 60, size=8).tolist()}) for _ in range(2)]
        gold, predicted = (list(pairwise(c)) for c in cuts)
        predicted = predicted[1:-1]
        expected = []
        for start, end in gold:
            shared = [max(0, min(end, e) - max(start, s)) for s, e in predicted]
            expected.append(int(np.argmax(shared)) if shared and max(shared) else -1)
        assert best_overlaps(gold, predicted).tolist() == expected


def test_an_unseen_sentence_gets_the_defaults_and_is_counted() -> None:
    aligned = align([(0, 5), (10, 15)], reading([(0, 5)], [0], appeal=np.array([0.9]), certainty=np.array([4.0])))
    assert aligned.unmatched == 1
    assert aligned.labels["attribution"].tolist() == [0, ATTRIBUTIONS.index("unattributed")]
    assert aligned.labels["speculation"].tolist() == [2, 0]
    assert aligned.labels["caution"].tolist() == [1, 0]
    assert aligned.labels["appeal"].tolist() == [1, 0]
    assert aligned.certainty.tolist() == [4.0, 4.0]
    assert "subjective" not in aligned.labels


def test_a_system_that_found_no_sentence_at_all_is_scored_by_the_defaults() -> None:
    aligned = align([(0, 5)], reading([], []))
    assert aligned.unmatched == 1
    assert aligned.labels["attribution"].tolist() == [ATTRIBUTIONS.index("unattributed")]
