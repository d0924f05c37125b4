"""The check for packages that only one integration needs."""

from importlib.util import find_spec

from ganaug.errors import DataError


def check_installed(package: str, extra: str) -> None:
    """Raise `DataError`, which names the extra of ganaug, if a package is missing."""
    if find_spec(package) is None:
        raise DataError(f"the package {package} must be installed for this, but is not: pip install 'ganaug[{extra}]'")
