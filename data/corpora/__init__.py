"""Every corpus by name. One reader per corpus, all behind the same interface (`Corpus`)."""

from typing import Final

from data.corpora import authored, certainty, factappeal, horne, newssd, panel, polnear, wikinews
from data.corpora._base import Corpus

_MODULES = (authored, wikinews, horne, factappeal, certainty, newssd, polnear, panel)
CORPORA: Final[dict[str, Corpus]] = {module.CORPUS.name: module.CORPUS for module in _MODULES}

__all__ = ["CORPORA", "Corpus"]
