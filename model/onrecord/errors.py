"""Errors raised by OnRecord.

Every message says what was found, what was expected and what to do. `code` is a stable, machine-readable name.
"""


class OnRecordError(Exception):
    """Base class of every error that OnRecord raises on purpose."""

    code = "error"


class InputError(OnRecordError):
    """The text, file or argument cannot be scored as it is."""

    code = "bad_input"


class CheckpointError(OnRecordError):
    """A model folder is missing, incomplete, unreadable or not the one that it claims to be."""

    code = "bad_checkpoint"


class OutputError(OnRecordError):
    """An output or its ledger cannot be written, read or trusted; what was finished before is kept."""

    code = "bad_output"


class OutputBusyError(OutputError):
    """Another process is working on the same output."""

    code = "output_busy"


class MissingExtraError(OnRecordError):
    """A feature needs an optional dependency that is not installed."""

    code = "missing_extra"

    def __init__(self, feature: str, package: str, extra: str) -> None:
        super().__init__(f"{feature} needs the package {package!r}, which is not installed. Install it with: pip install 'onrecord[{extra}]'")
