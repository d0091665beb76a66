"""The vocabulary shared by code, JSON, screen and documentation (see the codebook in README)."""

from typing import Final, Literal

Attribution = Literal["named", "document", "anonymous", "vague", "unattributed", "no_claim"]
Speculation = Literal["none", "hedged", "conjecture"]
SourceKind = Literal["named", "unnamed"]
SourceType = Literal["official", "expert", "witness", "active_participant", "document", "news_report", "direct_evidence"]

ATTRIBUTIONS: Final[tuple[Attribution, ...]] = ("named", "document", "anonymous", "vague", "unattributed", "no_claim")
SPECULATIONS: Final[tuple[Speculation, ...]] = ("none", "hedged", "conjecture")
SOURCE_KINDS: Final[tuple[SourceKind, ...]] = ("named", "unnamed")
SOURCE_TYPES: Final[tuple[SourceType, ...]] = (
    "official",
    "expert",
    "witness",
    "active_participant",
    "document",
    "news_report",
    "direct_evidence",
)

# Token tags learned from FactAppeal (Mor-Lan, Sheafer & Shenhav 2026). A token may carry several:
# a source may stand inside the fact that it supports, so each tag is its own yes/no decision.
TOKEN_TAGS: Final[tuple[str, ...]] = (
    "fact_without_appeal",
    "fact_direct_quote",
    "fact_indirect_quote",
    "source",
    "source_attribute",
    "recipient",
    "appeal_time",
    "appeal_location",
)
