"""The version of this package."""

from importlib import metadata


def version() -> str:
    """The installed version, or "(not installed)" in a checkout that is only on the path."""
    try:
        return metadata.version("onrecord")
    except metadata.PackageNotFoundError:
        return "(not installed)"
