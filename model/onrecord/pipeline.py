"""`transformers.pipeline("onrecord", model=…)`: the same scorer behind the interface that many programs already speak."""

from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoModel, Pipeline
from transformers.pipelines import PIPELINE_REGISTRY
from transformers.utils.generic import ModelOutput

from onrecord.checkpoint import SHIPPED, load
from onrecord.configuration import OnRecordConfig
from onrecord.modeling import OnRecordModel


class OnRecordPipeline(Pipeline):
    """Returns what `Scorer.score` returns: a `Report` for a string, a list of them for a list.

    Calibration and policy are read from the folder or hub id that the model came from.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the base class's own
        super().__init__(*args, **kwargs)
        source = self.model.config._name_or_path
        self.scorer = load(Path(source) if Path(source).is_dir() else source, device=self.device)
        self.model = self.scorer.model  # one copy of the weights, not two

    def _sanitize_parameters(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:  # noqa: ANN401
        return {}, {}, {}

    def preprocess(self, input_: str, **_: Any) -> dict[str, Any]:  # noqa: ANN401
        """The text itself: the scorer splits, packs and tokenises."""
        return {"text": input_}

    def _forward(self, input_tensors: dict[str, Any], **_: Any) -> ModelOutput:  # noqa: ANN401
        return ModelOutput({"report": self.scorer.score(input_tensors["text"])})  # type: ignore[no-untyped-call]

    def postprocess(self, model_outputs: dict[str, Any], **_: Any) -> Any:  # noqa: ANN401
        """The report."""
        return model_outputs["report"]


def register() -> None:
    """Make transformers' Auto classes and `pipeline("onrecord")` know this model; safe to call again."""
    AutoConfig.register(OnRecordConfig.model_type, OnRecordConfig, exist_ok=True)
    AutoModel.register(OnRecordConfig, OnRecordModel, exist_ok=True)
    if "onrecord" not in PIPELINE_REGISTRY.get_supported_tasks():
        PIPELINE_REGISTRY.register_pipeline(
            "onrecord", pipeline_class=OnRecordPipeline, pt_model=AutoModel, default={"model": (str(SHIPPED), "main")}, type="text"
        )
