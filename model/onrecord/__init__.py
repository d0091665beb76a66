"""OnRecord: how much of an article is on the record.

>>> import onrecord
>>> report = onrecord.load().score(text)
>>> report.risk.value, report.risk.band
"""

from onrecord.checkpoint import load
from onrecord.configuration import OnRecordConfig
from onrecord.errors import CheckpointError, InputError, MissingExtraError, OnRecordError
from onrecord.inference import Scorer
from onrecord.modeling import OnRecordModel
from onrecord.pipeline import OnRecordPipeline, register
from onrecord.policy import RiskPolicy
from onrecord.report import Report
from onrecord.schema import report_schema
from onrecord.version import version

__version__ = version()

# `AutoModel.from_pretrained` and `pipeline("onrecord")` can only find a model that was registered.
register()

__all__ = [
    "CheckpointError",
    "InputError",
    "MissingExtraError",
    "OnRecordConfig",
    "OnRecordError",
    "OnRecordModel",
    "OnRecordPipeline",
    "Report",
    "RiskPolicy",
    "Scorer",
    "__version__",
    "load",
    "report_schema",
]
