"""The OnRecord model: one encoder, sentence heads, token tags and two additive article scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.utils.generic import ModelOutput

from onrecord.configuration import OnRecordConfig
from onrecord.labels import ATTRIBUTIONS, SOURCE_TYPES, TOKEN_TAGS

# Windows are encoded together while at most this share of the work is padding, or the work is too small to be worth splitting.
_PADDING_SHARE = 0.1
_SMALL_GROUP = 1024
# ModelOutput wants a default for every field but the first; the model sets them all.
_SET_BY_THE_MODEL: Any = None


@dataclass
class OnRecordOutput(ModelOutput):
    """Raw scores. N tokens (padding left out, row by row), S sentences, D documents; all are logits unless said otherwise.

    `sourcing` and `speculating` are contributions [S]: a document's score is the sigmoid of their sum over its sentences
    (`sourcing_logits`, `speculating_logits` [D]).
    `source_kind` is above 0 for an unnamed source. `speculation` [S, 2] is a continuation ratio: level > 0, and level > 1 given level > 0.
    """

    attribution: Tensor = _SET_BY_THE_MODEL
    speculation: Tensor = _SET_BY_THE_MODEL
    caution: Tensor = _SET_BY_THE_MODEL
    appeal: Tensor = _SET_BY_THE_MODEL
    subjective: Tensor = _SET_BY_THE_MODEL
    certainty: Tensor = _SET_BY_THE_MODEL
    tags: Tensor = _SET_BY_THE_MODEL
    source_kind: Tensor = _SET_BY_THE_MODEL
    source_type: Tensor = _SET_BY_THE_MODEL
    sourcing: Tensor = _SET_BY_THE_MODEL
    speculating: Tensor = _SET_BY_THE_MODEL
    sourcing_logits: Tensor = _SET_BY_THE_MODEL
    speculating_logits: Tensor = _SET_BY_THE_MODEL


def segment_softmax(scores: Tensor, segment: Tensor, segments: int) -> Tensor:
    """Softmax of `scores` [N] within each segment; `segment` [N] holds indices below `segments`."""
    highest = scores.new_full((segments,), -torch.inf).scatter_reduce(0, segment, scores.detach(), "amax")
    weights = torch.exp(scores - highest[segment])
    return weights / weights.new_zeros(segments).index_add(0, segment, weights)[segment]


def group_by_length(sizes: Sequence[int]) -> list[list[int]]:
    """Indices of windows in groups of like length, longest first."""
    groups: list[list[int]] = []
    used = 0
    for w in sorted(range(len(sizes)), key=lambda w: -sizes[w]):
        if groups:
            area = sizes[groups[-1][0]] * (len(groups[-1]) + 1)
            if area <= _SMALL_GROUP or area - used - sizes[w] <= _PADDING_SHARE * area:
                groups[-1].append(w)
                used += sizes[w]
                continue
        groups.append([w])
        used = sizes[w]
    return groups


class SentencePooling(nn.Module):
    """Mean and learned attention over a sentence's contextual token states, projected to one vector."""

    def __init__(self, hidden: int, pooled: int, dropout: float) -> None:
        super().__init__()
        self.query = nn.Linear(hidden, 1)
        self.project = nn.Linear(2 * hidden, pooled)
        self.norm = nn.LayerNorm(pooled)
        self.dropout = nn.Dropout(dropout)

    def forward(self, states: Tensor, sentence: Tensor, sentences: int) -> Tensor:
        """Pool `states` [N, H], token n belonging to `sentence[n]`; returns [S, P] (zeros-in for a sentence without tokens)."""
        count = states.new_zeros(sentences).index_add(0, sentence, states.new_ones(len(sentence))).clamp(min=1)
        mean = states.new_zeros(sentences, states.shape[1]).index_add(0, sentence, states) / count[:, None]
        weights = segment_softmax(self.query(states).squeeze(-1), sentence, sentences)
        focus = states.new_zeros(sentences, states.shape[1]).index_add(0, sentence, states * weights[:, None])
        pooled: Tensor = self.dropout(self.norm(nn.functional.gelu(self.project(torch.cat([mean, focus], dim=-1)))))
        return pooled


class AdditiveScore(nn.Module):
    """One article score as an exact sum over its sentences, in logit space.

    Attention-based multiple-instance pooling (Ilse, Tomczak & Welling 2018) whose instances are scored *before* they are
    pooled, so that `weight_i * value_i` is sentence i's share of the logit. The weight reads the sentence beside the
    article's mean, to see which claims are central; the value reads the sentence alone, so that what an article looks like
    as a whole (its outlet's style, say) cannot move every sentence at once.
    """

    def __init__(self, pooled: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.attention = nn.Sequential(nn.Linear(2 * pooled, 64), nn.Tanh(), nn.Dropout(dropout), nn.Linear(64, 1))
        self.by_class = nn.Linear(classes, 1)
        self.by_state = nn.Sequential(nn.Linear(pooled, 64), nn.GELU(), nn.Dropout(dropout), nn.Linear(64, 1, bias=False))

    def forward(self, sentences: Tensor, classes: Tensor, document: Tensor, documents: int) -> Tensor:
        """Contributions [S] from vectors [S, P], probabilities [S, C] and each sentence's document [S]."""
        count = sentences.new_zeros(documents).index_add(0, document, sentences.new_ones(len(document))).clamp(min=1)
        article = sentences.new_zeros(documents, sentences.shape[1]).index_add(0, document, sentences) / count[:, None]
        context = torch.cat([sentences, article[document]], dim=-1)
        weight = segment_softmax(self.attention(context).squeeze(-1), document, documents)
        value: Tensor = (self.by_class(classes) + self.by_state(sentences)).squeeze(-1)
        return weight * value


class OnRecordModel(PreTrainedModel):  # type: ignore[no-untyped-call]  # the library's class hook has no types
    """Encoder plus heads; see `OnRecordOutput` for what it returns."""

    config_class = OnRecordConfig
    base_model_prefix = "encoder"
    main_input_name = "input_ids"
    _supports_sdpa = True

    def __init__(self, config: OnRecordConfig) -> None:
        super().__init__(config)
        assert isinstance(config.encoder, PreTrainedConfig)  # the config turns a dictionary into one
        self.encoder = AutoModel.from_config(config.encoder, add_pooling_layer=False)  # type: ignore[no-untyped-call]
        hidden, pooled, dropout = config.encoder.hidden_size, config.pooled_size, config.head_dropout
        self.pooling = SentencePooling(hidden, pooled, dropout)
        self.attribution = nn.Linear(pooled, len(ATTRIBUTIONS))
        self.speculation = nn.Linear(pooled, 2)
        self.caution = nn.Linear(pooled, 1)
        # Auxiliary signals of corpora that label something near to ours: appeal to a source, subjectivity, certainty.
        self.auxiliary = nn.Linear(pooled, 3)
        # Token tags, then one logit for unnamed (above 0) or named, then the source types.
        self.tags = nn.Linear(hidden, len(TOKEN_TAGS) + 1 + len(SOURCE_TYPES))
        self.sourcing = AdditiveScore(pooled, len(ATTRIBUTIONS) + 3, dropout)
        self.speculating = AdditiveScore(pooled, len(ATTRIBUTIONS) + 3, dropout)
        self.post_init()  # type: ignore[no-untyped-call]

    def forward(self, input_ids: Tensor, attention_mask: Tensor, sentence: Tensor, document: Tensor, **_: Any) -> OnRecordOutput:  # noqa: ANN401 - the Trainer passes labels too
        """Score a batch.

        Args:
            input_ids: [W, T] token ids of windows, padded on the right.
            attention_mask: [W, T], 1 for tokens, 0 for padding.
            sentence: [W, T], index of each token's sentence in the batch, -1 for special tokens and padding.
            document: [S], index of each sentence's document; sentences of a document are neighbours, in order.
        """
        vectors, tags = self.read(input_ids, attention_mask, sentence, len(document))
        return self.judge(vectors, tags, document)

    def read(self, input_ids: Tensor, attention_mask: Tensor, sentence: Tensor, sentences: int) -> tuple[Tensor, Tensor]:
        """Encode windows: vectors [S, P] of their sentences, and the raw tag scores [N, …] of their tokens.

        Windows hold whole sentences, so a long article can be read a few windows at a time and judged once.
        """
        states = self._encode(input_ids, attention_mask)
        sentence = sentence[attention_mask.bool()]
        inside = sentence >= 0
        return self.pooling(states[inside], sentence[inside], sentences), self.tags(states)

    def judge(self, vectors: Tensor, tags: Tensor, document: Tensor) -> OnRecordOutput:
        """Sentence, token and article scores from what `read` returned for whole documents."""
        attribution, speculation, caution = self.attribution(vectors), self.speculation(vectors), self.caution(vectors).squeeze(-1)
        auxiliary = self.auxiliary(vectors)
        classes = torch.cat([attribution.softmax(-1), speculation.sigmoid(), caution.sigmoid()[:, None]], dim=-1)
        documents = int(document.max()) + 1 if len(document) else 0
        sourcing = self.sourcing(vectors, classes, document, documents)
        speculating = self.speculating(vectors, classes, document, documents)
        source_kind = len(TOKEN_TAGS)
        return OnRecordOutput(
            attribution=attribution,
            speculation=speculation,
            caution=caution,
            appeal=auxiliary[:, 0],
            subjective=auxiliary[:, 1],
            certainty=auxiliary[:, 2],
            tags=tags[..., :source_kind],
            source_kind=tags[..., source_kind],
            source_type=tags[..., source_kind + 1 :],
            sourcing=sourcing,
            speculating=speculating,
            sourcing_logits=sourcing.new_zeros(documents).index_add(0, document, sourcing),
            speculating_logits=speculating.new_zeros(documents).index_add(0, document, speculating),
        )

    def _encode(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """States [N, H] of the N tokens that are not padding, row by row.

        Windows of like length go through the encoder together, so that little of the work is padding.
        """
        sizes: list[int] = attention_mask.sum(-1).tolist()
        parts: list[Tensor] = []
        placed: list[int] = []
        for group in group_by_length(sizes):
            longest = sizes[group[0]]
            mask = attention_mask[group, :longest]
            encoded = self.encoder(input_ids=input_ids[group, :longest], attention_mask=mask).last_hidden_state
            parts.append(encoded[mask.bool()])
            placed += group
        if not parts:
            return self.tags.weight.new_zeros(0, self.config.encoder.hidden_size)
        starts = [0, *accumulate(sizes)]
        rows = torch.cat([torch.arange(starts[w], starts[w + 1]) for w in placed]).to(input_ids.device)
        return torch.cat(parts)[torch.argsort(rows)]
