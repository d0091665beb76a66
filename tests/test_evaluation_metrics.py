"""Metrics against numbers worked out by hand or by scikit-learn and scipy."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import cohen_kappa_score, f1_score

from training.evaluation.metrics import (
    confusion,
    kappa,
    mean_absolute_error_draws,
    mean_defined,
    merge_above_first,
    pearson_draws,
    precision_recall_f1,
    span_counts,
    span_f1,
    spearman_draws,
)
from training.evaluation.resampling import Estimate, Resamples, mean_draws
from training.evaluation.systems import IntArray


def labels(*rows: list[int]) -> list[IntArray]:
    return [np.array(row, dtype=np.int64) for row in rows]


def test_confusion_counts_per_document_and_leaves_masked_labels_out() -> None:
    counts = confusion(labels([0, 1, -1], [1]), labels([0, 0, 1], [1]), 2)
    assert counts.tolist() == [[[1, 0], [1, 0]], [[0, 0], [0, 1]]]


def test_precision_recall_f1_by_hand() -> None:
    precision, recall, f1 = precision_recall_f1(np.array([[6.0, 2.0], [3.0, 9.0]]))
    assert precision == pytest.approx([6 / 9, 9 / 11])
    assert recall == pytest.approx([6 / 8, 9 / 12])
    assert f1 == pytest.approx([12 / 17, 18 / 23])


def test_macro_f1_and_kappa_agree_with_scikit_learn_on_random_labels() -> None:
    rng = np.random.default_rng(3)
    gold, predicted = rng.integers(5, size=300), rng.integers(5, size=300)
    predicted[:150] = gold[:150]
    totals = confusion([gold], [predicted], 6).sum(0)  # class 5 never occurs and must not count
    assert mean_defined(precision_recall_f1(totals)[2]) == pytest.approx(f1_score(gold, predicted, average="macro"))
    assert kappa(totals) == pytest.approx(cohen_kappa_score(gold, predicted))


def test_a_class_that_is_there_but_never_predicted_counts_as_zero() -> None:
    totals = confusion(labels([0, 0, 1]), labels([0, 0, 0]), 3).sum(0)
    assert mean_defined(precision_recall_f1(totals)[2]) == pytest.approx((4 / 5 + 0) / 2)


def test_levels_above_the_first_are_one_class() -> None:
    totals = np.array([[5.0, 1.0, 2.0], [1.0, 3.0, 4.0], [0.0, 2.0, 6.0]])
    assert merge_above_first(totals).tolist() == [[5, 3], [1, 15]]


def test_spearman_with_ties_agrees_with_scipy_on_every_draw() -> None:
    rng = np.random.default_rng(5)
    gold, predicted = rng.integers(1, 6, 40).astype(float), rng.normal(size=40)
    resamples = Resamples.draw(40, size=20)
    draws = spearman_draws(gold, predicted, resamples)
    assert draws == pytest.approx([spearmanr(gold[row], predicted[row])[0] for row in resamples.indices])


def test_a_constant_prediction_has_no_correlation() -> None:
    resamples = Resamples.draw(4, size=5)
    assert np.isnan(spearman_draws(np.arange(4.0), np.full(4, 0.3), resamples)).all()
    assert np.isnan(pearson_draws(np.arange(4.0), np.full(4, 0.1), resamples)).all()


def test_mean_absolute_error_by_hand() -> None:
    resamples = Resamples.draw(3, size=2)
    assert mean_absolute_error_draws(np.array([0.0, 0.5, 1.0]), np.array([0.25, 0.5, 0.5]), resamples)[0] == pytest.approx(0.25)


def test_span_f1_exact_and_by_overlap() -> None:
    # Gold: three spans. Predicted: one exact, one that only touches, one in the void.
    counts = span_counts([(0, 5), (10, 20), (30, 35)], [(0, 5), (12, 15), (50, 60)])
    assert counts.tolist() == [1, 2, 2, 3, 3]
    exact, overlap = span_f1(counts[None])
    assert exact == pytest.approx([1 / 3])
    assert overlap == pytest.approx([2 / 3])


def test_spans_that_only_meet_at_an_end_do_not_overlap() -> None:
    assert span_counts([(0, 5)], [(5, 9)]).tolist() == [0, 0, 0, 1, 1]
    assert span_f1(np.array([[0.0, 0, 0, 1, 1]]))[1] == pytest.approx([0.0])


def test_span_f1_is_undefined_when_there_is_nothing_to_find_and_nothing_found() -> None:
    exact, overlap = span_f1(np.zeros((1, 5)))
    assert np.isnan(exact).all()
    assert np.isnan(overlap).all()


def test_resamples_repeat_and_keep_the_data_as_draw_zero() -> None:
    first, second = Resamples.draw(7, size=50), Resamples.draw(7, size=50)
    assert (first.indices == second.indices).all()
    assert first.counts[0].tolist() == [1] * 7
    assert (first.counts.sum(1) == 7).all()
    assert [np.bincount(row, minlength=7).tolist() for row in first.indices] == first.counts.tolist()


def test_totals_are_sums_over_the_drawn_documents() -> None:
    resamples = Resamples.draw(3, size=4)
    per_document = np.arange(12.0).reshape(3, 2, 2)
    expected = [per_document[row].sum(0).tolist() for row in resamples.indices]
    assert resamples.total(per_document).tolist() == expected


def test_no_documents_is_an_error_and_not_an_empty_table() -> None:
    with pytest.raises(ValueError, match="no documents"):
        Resamples.draw(0)


def test_the_interval_covers_the_true_accuracy_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(11)
    covered = 0
    for seed in range(200):
        # 60 documents of 5 sentences; the true rate of right sentences is 0.7, but documents differ.
        rates = rng.beta(7, 3, size=60)
        right = rng.binomial(5, rates).astype(float)
        resamples = Resamples.draw(60, size=400, seed=seed)
        estimate = Estimate.of(resamples.total(right) / 300)
        covered += estimate.low <= 0.7 <= estimate.high
    assert 0.88 <= covered / 200 <= 0.99


def test_the_interval_leaves_out_draws_without_a_value() -> None:
    estimate = Estimate.of(np.array([0.5, np.nan, 0.4, 0.6]))
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((0.5, 0.405, 0.595))


def test_mean_over_annotators_is_taken_draw_by_draw() -> None:
    assert mean_draws([np.array([0.2, 0.4]), np.array([0.4, 0.8])]) == pytest.approx([0.3, 0.6])
