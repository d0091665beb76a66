"""The transformer as a system under test: exactly what users get, own sentence splitter included."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from onrecord.calibration import expit
from onrecord.checkpoint import load
from onrecord.inference import Scorer, to_array
from onrecord.labels import TOKEN_TAGS
from onrecord.policy import sigmoid
from onrecord.reading import Reading as RawReading
from onrecord.sentences import Span, split_sentences
from onrecord.spans import tagged_runs, word_ids
from onrecord.text import CleanText, normalise
from training.evaluation.systems import Offsets, Reading, TaggedSpan


class TransformerSystem:
    """A checkpoint folder, read through the public scorer."""

    def __init__(self, path: Path, backend: str = "torch", name: str = "transformer") -> None:
        self._name = name
        self.scorer: Scorer = load(path, backend=backend)

    @property
    def name(self) -> str:
        """What the tables call it."""
        return self._name

    def read(self, texts: Sequence[str], sentences: Sequence[Sequence[Offsets]]) -> list[Reading]:
        """Read documents; a single gold sentence (FactAppeal, certainty, NewsSD) is read whole, articles by our own splitter."""
        return [self._read(text, gold) for text, gold in zip(texts, sentences, strict=True)]

    def _read(self, text: str, gold: Sequence[Offsets]) -> Reading:
        clean = normalise(text)
        spans = [Span(0, len(clean.text))] if len(gold) == 1 else split_sentences(clean.text)
        raw = self.scorer.read(clean.text, spans)
        prediction = self.scorer.predict(clean, raw)
        calibration, policy = self.scorer.calibration, self.scorer.policy
        sourcing = prediction.sourcing_bias + float(prediction.sourcing.sum())
        speculating = prediction.speculating_bias + float(prediction.speculating.sum())
        appeal = expit(to_array(raw.output.appeal))
        return Reading(
            sentences=[(s.start, s.end) for s in prediction.sentences],
            attribution=prediction.attribution.argmax(axis=1),
            speculation=np.array([calibration.speculation_level(p) for p in prediction.speculation]),
            caution=prediction.caution >= calibration.caution_threshold,
            ratings={
                "sourcing": sigmoid(sourcing),
                "speculation": sigmoid(speculating),
                "risk": sigmoid(policy.logit(sourcing, speculating, float(prediction.caution.mean()))),
            },
            spans=self._spans(clean, raw),
            # The tables call a score positive from 0.5; move the calibrated threshold there.
            appeal=np.clip(appeal - calibration.appeal_threshold + 0.5, 0, 1),
            certainty=expit(to_array(raw.output.certainty)),
            subjective=expit(to_array(raw.output.subjective)),
        )

    def _spans(self, clean: CleanText, raw: RawReading) -> list[TaggedSpan]:
        probability = expit(to_array(raw.output.tags))
        spans: list[TaggedSpan] = []
        first = 0
        for sentence in raw.sentences:
            words = word_ids(clean.text, sentence.offsets)
            here = probability[first : first + len(sentence.ids)]
            for column, tag in enumerate(TOKEN_TAGS):
                for begin, end in tagged_runs(here[:, column], words, self.scorer.calibration.tag_thresholds[tag]):
                    spans.append((*clean.to_original(sentence.offsets[begin][0], sentence.offsets[end - 1][1]), tag))
            first += len(sentence.ids)
        return spans
