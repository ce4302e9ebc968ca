"""Growing by one file: load every module of a folder and collect what it declares."""

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any


class DiscoveryError(Exception):
    """A module of a scanned folder declares nothing, or a name that another one has; names the file."""


def collect(package: str, name_of: Callable[[Any], str | None]) -> dict[str, Any]:
    """Import the modules of a package in alphabetical order and collect their declarations by name.

    `name_of` tells the name of a declaration and None for anything else. Modules that begin with an underscore are
    left out. Raises: DiscoveryError.
    """
    found: dict[str, Any] = {}
    parent = importlib.import_module(package)
    for info in sorted(pkgutil.iter_modules(parent.__path__), key=lambda info: info.name):
        if info.name.startswith("_"):
            continue
        module = importlib.import_module(f"{package}.{info.name}")
        declared = {name: value for value in vars(module).values() if (name := name_of(value))}
        if not declared:
            raise DiscoveryError(f"{module.__file__} declares nothing for {package}")
        for name, value in declared.items():
            if name in found:
                raise DiscoveryError(f"{module.__file__} declares {name!r} a second time")
            found[name] = value
    return found
