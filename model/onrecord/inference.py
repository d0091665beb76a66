"""Score articles with a loaded model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from onrecord.calibration import Calibration, expit
from onrecord.checks import refusal, warnings_for
from onrecord.errors import InputError
from onrecord.labels import ATTRIBUTIONS, SOURCE_KINDS, SOURCE_TYPES, TOKEN_TAGS
from onrecord.modeling import OnRecordModel, OnRecordOutput
from onrecord.policy import FloatArray, RiskPolicy
from onrecord.prediction import PredictedSpan, Prediction
from onrecord.report import ModelInfo, Report, Warning, build_report
from onrecord.sentences import Span, split_sentences
from onrecord.spans import tagged_runs, word_ids
from onrecord.text import MAX_CHARACTERS, CleanText, normalise
from onrecord.windows import TokenisedSentence, Window, pack, tokenise

# Windows read at once: enough to keep the processor busy, few enough that any article fits into memory.
_WINDOWS_AT_ONCE = 16
_SOURCED = frozenset(ATTRIBUTIONS.index(name) for name in ("named", "document", "anonymous", "vague"))
# Below this, the model has no opinion on the type of a source.
_TYPE_PROBABILITY = 0.4


@dataclass(frozen=True)
class Reading:
    """Raw model output for one article, with the sentences and tokens that it is about (offsets into the clean text)."""

    sentences: list[TokenisedSentence]
    output: OnRecordOutput


class Scorer:
    """A model with its tokenizer, calibration and policy. Get one from `onrecord.load()`."""

    def __init__(self, model: OnRecordModel, tokenizer: PreTrainedTokenizerBase, calibration: Calibration, policy: RiskPolicy, info: ModelInfo) -> None:
        self.model = model
        self.model.train(mode=False)
        self.tokenizer = tokenizer
        self.calibration = calibration
        self.policy = policy
        self.info = info

    @overload
    def score(self, text: str) -> Report: ...  # type: ignore[overload-overlap]  # a string is a sequence of strings too; the first one wins
    @overload
    def score(self, text: Sequence[str]) -> list[Report]: ...
    def score(self, text: str | Sequence[str]) -> Report | list[Report]:
        """Score one article (a string gives one `Report`) or several (a list gives a list of equal length, in order).

        An article that cannot be judged (too short, not English, …) gets a report with `reason` and without scores.

        Raises:
            InputError: an argument is not a string.
        """
        if isinstance(text, str):
            return self._score(text)
        if isinstance(text, bytes | bytearray) or not isinstance(text, Sequence):
            raise InputError(f"score() got {type(text).__name__}; expected a string or a list of strings. Decode bytes first, e.g. data.decode('utf-8')")
        for i, item in enumerate(text):
            if not isinstance(item, str):
                raise InputError(f"score() got {type(item).__name__} at position {i} of the list; expected only strings")
        return [self._score(item) for item in text]

    def _score(self, text: str) -> Report:
        if len(text) > MAX_CHARACTERS:
            return self._report(text, None, (), f"The text has {len(text):,} characters; at most {MAX_CHARACTERS:,} are scored as one article. Split it.")
        clean = normalise(text)
        refused = refusal(clean.text)
        if refused:
            return self._report(text, None, warnings_for(clean, ()), refused.message)
        spans = split_sentences(clean.text)
        return self._report(text, self.predict(clean, self.read(clean.text, spans)), warnings_for(clean, spans), None)

    def _report(self, text: str, prediction: Prediction | None, warnings: Sequence[Warning], reason: str | None) -> Report:
        return build_report(text, prediction, policy=self.policy, calibration=self.calibration, model=self.info, warnings=warnings, reason=reason)

    def predict(self, clean: CleanText, reading: Reading) -> Prediction:
        """Calibrate a reading of the clean text; offsets of the prediction are those of the original text."""
        out, calibration = reading.output, self.calibration
        slope, sourcing_bias = calibration.affine["sourcing"]
        speculating_slope, speculating_bias = calibration.affine["speculation"]
        attribution = calibration.attribution(to_array(out.attribution))
        return Prediction(
            sentences=tuple(Span(*clean.to_original(s.span.start, s.span.end)) for s in reading.sentences),
            attribution=attribution,
            speculation=calibration.speculation(to_array(out.speculation)),
            caution=calibration.caution(to_array(out.caution)),
            sourcing=slope * to_array(out.sourcing),
            speculating=speculating_slope * to_array(out.speculating),
            sourcing_bias=sourcing_bias,
            speculating_bias=speculating_bias,
            sources=tuple(self._sources(clean, reading, attribution.argmax(axis=1))),
        )

    @torch.inference_mode()
    def read(self, text: str, spans: Sequence[Span]) -> Reading:
        """Run the model over the sentences `spans` (at least one) of the clean `text`; every sentence lies in exactly one window."""
        limit = self.model.config.window_tokens - 2
        sentences = tokenise(self.tokenizer, text, spans, limit)
        windows = pack(sentences, limit)
        vectors: list[Tensor] = []
        tags: list[Tensor] = []
        for i in range(0, len(windows), _WINDOWS_AT_ONCE):
            batch = windows[i : i + _WINDOWS_AT_ONCE]
            inputs = {name: tensor.to(self.model.device) for name, tensor in self._batch(sentences, batch).items()}
            part, part_tags = self.model.read(**inputs, sentences=batch[-1].last - batch[0].first)
            vectors.append(part)
            tags.append(part_tags[inputs["sentence"][inputs["attention_mask"].bool()] >= 0])
        document = torch.zeros(len(sentences), dtype=torch.long, device=self.model.device)
        return Reading(sentences, self.model.judge(torch.cat(vectors), torch.cat(tags), document))

    def _batch(self, sentences: Sequence[TokenisedSentence], windows: Sequence[Window]) -> dict[str, Tensor]:
        width = max(w.tokens for w in windows) + 2
        ids = torch.full((len(windows), width), self.tokenizer.pad_token_id)
        sentence = torch.full_like(ids, -1)
        mask = torch.zeros_like(ids)
        for row, window in enumerate(windows):
            tokens = [t for s in sentences[window.first : window.last] for t in s.ids]
            owners = [i - windows[0].first for i in range(window.first, window.last) for _ in sentences[i].ids]
            ids[row, : len(tokens) + 2] = torch.tensor([self.tokenizer.cls_token_id, *tokens, self.tokenizer.sep_token_id])
            sentence[row, 1 : len(tokens) + 1] = torch.tensor(owners)
            mask[row, : len(tokens) + 2] = 1
        return {"input_ids": ids, "attention_mask": mask, "sentence": sentence}

    def _sources(self, clean: CleanText, reading: Reading, attribution: npt.NDArray[np.intp]) -> list[PredictedSpan]:
        """Mentions of sources, in sentences that rest on one: the tagger alone also marks words in sentences that cite nobody."""
        column = TOKEN_TAGS.index("source")
        probability = expit(to_array(reading.output.tags)[:, column])
        unnamed = expit(to_array(reading.output.source_kind))
        types = to_array(reading.output.source_type)
        sources: list[PredictedSpan] = []
        first = 0
        for sentence, rests_on in zip(reading.sentences, attribution, strict=True):
            here = slice(first, first + len(sentence.ids))
            words = word_ids(clean.text, sentence.offsets) if rests_on in _SOURCED else []
            for begin, end in tagged_runs(probability[here], words, self.calibration.tag_thresholds["source"]):
                run = slice(first + begin, first + end)
                start, stop = clean.to_original(sentence.offsets[begin][0], sentence.offsets[end - 1][1])
                kind = SOURCE_KINDS[int(unnamed[run].mean() > 0.5)]
                sources.append(PredictedSpan(start, stop, kind, _source_type(types[run]), float(probability[run].mean())))
            first += len(sentence.ids)
        return sources


def _source_type(logits: FloatArray) -> str | None:
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    mean = (weights / weights.sum(axis=1, keepdims=True)).mean(axis=0)
    return SOURCE_TYPES[int(mean.argmax())] if mean.max() >= _TYPE_PROBABILITY else None


def to_array(tensor: Tensor) -> FloatArray:
    """The tensor in double precision, for sums that must be exact."""
    return tensor.double().cpu().numpy()
