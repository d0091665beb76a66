"""From token tag probabilities to spans of whole words."""

from collections.abc import Sequence

import numpy as np

from onrecord.policy import FloatArray


def word_ids(text: str, offsets: Sequence[tuple[int, int]]) -> list[int]:
    """Word number of each token: pieces that touch and are both made of letters or digits are one word."""
    words: list[int] = []
    previous = (-1, -1)
    for start, end in offsets:
        joined = words and start == previous[1] and text[start : start + 1].isalnum() and text[previous[1] - 1].isalnum()
        words.append(words[-1] if joined else (words[-1] + 1 if words else 0))
        previous = (start, end)
    return words


def tagged_runs(probabilities: FloatArray, words: Sequence[int], threshold: float) -> list[tuple[int, int]]:
    """Half-open runs of tokens whose words all reach `threshold`; a word's probability is the mean of its tokens'."""
    if not len(words):
        return []
    index = np.asarray(words)
    mean = np.bincount(index, weights=probabilities) / np.bincount(index)
    inside = np.concatenate([[False], (mean >= threshold)[index], [False]])
    edges = np.flatnonzero(inside[1:] != inside[:-1])
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
