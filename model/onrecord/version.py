"""The version of this package."""

from importlib import metadata


def version() -> str:
    """The installed version, or "0+unknown" in a bare source tree on the path."""
    try:
        return metadata.version("onrecord")
    except metadata.PackageNotFoundError:
        return "0+unknown"
