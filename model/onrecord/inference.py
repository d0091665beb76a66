"""Score articles with a loaded model."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import overload

import numpy as np
import numpy.typing as npt
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from onrecord.backends import Backend
from onrecord.calibration import Calibration, expit
from onrecord.errors import InputError
from onrecord.labels import ATTRIBUTIONS, SOURCE_KINDS, SOURCE_TYPES, TOKEN_TAGS
from onrecord.modeling import OnRecordModel
from onrecord.policy import FloatArray, RiskPolicy
from onrecord.prediction import PredictedSpan, Prediction
from onrecord.preparation import Article, prepare, tokenise_articles
from onrecord.reading import Reader, Reading
from onrecord.report import ModelInfo, Report, build_report
from onrecord.sentences import Span
from onrecord.spans import tagged_runs, word_ids
from onrecord.text import CleanText

# Texts prepared and read together: enough to fill batches of like length, few enough to need little memory.
_CHUNK_TEXTS = 32
_CHUNK_CHARACTERS = 500_000
_SOURCED = frozenset(ATTRIBUTIONS.index(name) for name in ("named", "document", "anonymous", "vague"))
# Below this, the model has no opinion on the type of a source.
_TYPE_PROBABILITY = 0.4


class Scorer:
    """A model with its tokenizer, calibration and policy. Get one from `onrecord.load()`."""

    def __init__(  # noqa: PLR0913 - the parts of a checkpoint
        self,
        model: OnRecordModel,
        tokenizer: PreTrainedTokenizerBase,
        calibration: Calibration,
        policy: RiskPolicy,
        info: ModelInfo,
        *,
        backend: Backend,
    ) -> None:
        self.model = model
        self.model.train(mode=False)
        self.tokenizer = tokenizer
        self.calibration = calibration
        self.policy = policy
        self.info = info
        self.backend = backend
        self._reader = Reader(model, tokenizer, self.backend)

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
            (report,) = self._finish(self._prepare([text]))
            return report
        if isinstance(text, bytes | bytearray) or not isinstance(text, Sequence):
            raise InputError(f"score() got {type(text).__name__}; expected a string or a list of strings. Decode bytes first, e.g. data.decode('utf-8')")
        for i, item in enumerate(text):
            if not isinstance(item, str):
                raise InputError(f"score() got {type(item).__name__} at position {i} of the list; expected only strings")
        return list(self.stream(text))

    def stream(self, texts: Iterable[str]) -> Iterator[Report]:
        """Score articles as they come, in order, in memory that does not grow with their number.

        While the model reads some, the next ones are prepared in another thread; `texts` is read a few hundred ahead.
        """
        with ThreadPoolExecutor(1, "onrecord-prepare") as ahead:
            pending: Future[list[Article]] | None = None
            for chunk in _chunks(texts):
                following = ahead.submit(self._prepare, chunk)
                if pending is not None:
                    yield from self._finish(pending.result())
                pending = following
            if pending is not None:
                yield from self._finish(pending.result())

    def _prepare(self, texts: Sequence[str]) -> list[Article]:
        return prepare(texts, self.tokenizer, self.model.config.window_tokens)

    def _finish(self, articles: Sequence[Article]) -> Iterator[Report]:
        readings = iter(self._reader.read([a.tokenised for a in articles if a.tokenised is not None]))
        for article in articles:
            judged = article.clean is not None and article.tokenised is not None
            prediction = self.predict(article.clean, next(readings)) if judged and article.clean is not None else None
            yield build_report(
                article.text,
                prediction,
                policy=self.policy,
                calibration=self.calibration,
                model=self.info,
                warnings=article.warnings,
                refused=article.refused,
            )

    def read(self, text: str, spans: Sequence[Span]) -> Reading:
        """Run the model over the sentences `spans` (at least one) of the clean `text`; every sentence lies in exactly one window."""
        (reading,) = self._reader.read(tokenise_articles([(text, spans)], self.tokenizer, self.model.config.window_tokens))
        return reading

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


def _chunks(texts: Iterable[str]) -> Iterator[list[str]]:
    chunk: list[str] = []
    characters = 0
    for text in texts:
        chunk.append(text)
        characters += len(text)
        if len(chunk) == _CHUNK_TEXTS or characters >= _CHUNK_CHARACTERS:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk


def to_array(tensor: Tensor) -> FloatArray:
    """The tensor in double precision, for sums that must be exact."""
    return tensor.double().cpu().numpy()
