"""Configuration of the OnRecord model, saved as `config.json` beside the weights."""

from dataclasses import fields
from typing import Any

from huggingface_hub.dataclasses import strict
from transformers import AutoConfig, PreTrainedConfig
from transformers.configuration_utils import SubConfigSpec

from onrecord.errors import CheckpointError

# Written into config.json by transformers itself; the last two by its Trainer.
_LIBRARY_KEYS = frozenset({"model_type", "transformers_version", "architectures", "auto_map", "_name_or_path", "dtype", "pad_token_id", "use_cache"})


@strict
class OnRecordConfig(PreTrainedConfig):  # type: ignore[no-untyped-call]  # the library's class hook has no types
    """Shape of an OnRecord model.

    Attributes:
        encoder: configuration of any transformers encoder (its `model_type` says which).
        window_tokens: largest window, special tokens included; at most the encoder's `max_position_embeddings`.
        pooled_size: width of a sentence vector.
        head_dropout: dropout before the heads, in [0, 1).
        release: version of these weights, shown in every report.
    """

    model_type = "onrecord"
    sub_configs_defaults = {"encoder": SubConfigSpec(config_class=AutoConfig, model_type="bert")}  # noqa: RUF012 - the base class declares it so

    encoder: dict[str, Any] | PreTrainedConfig | None = None
    window_tokens: int = 512
    pooled_size: int = 384
    head_dropout: float = 0.1
    release: str = "untrained"

    @classmethod
    def from_dict(cls, config_dict: dict[str, Any], **kwargs: Any) -> "OnRecordConfig":  # noqa: ANN401 - signature of the base class
        """Build from a dictionary; raises `CheckpointError` on keys that no field answers to."""
        known = {f.name for f in fields(cls)} | _LIBRARY_KEYS
        unknown = sorted(set(config_dict) - known)
        if unknown:
            raise CheckpointError(
                f"config.json has unknown keys {unknown}; expected only {sorted(set(cls.__annotations__))} and the library's own. Is this checkpoint from another version?"
            )
        config: OnRecordConfig = super().from_dict(config_dict, **kwargs)
        return config
