"""The names under which methods were found before `gridmap.hotspots.registry`; they still work."""

from collections.abc import Iterator, Mapping
from typing import Any

from gridmap.hotspots.registry import (
    GIVEN,
    OTHER_INCIDENTS,
    check_options,
    inputs_of,
    methods,
    options_of,
    other_incidents,
)

__all__ = ["GIVEN", "METHODS", "OTHER_INCIDENTS", "check_options", "inputs_of", "options_of", "other_incidents"]


class _Functions(Mapping):
    """Name → function of every method of the registry."""

    def __getitem__(self, name: str) -> Any:
        return methods()[name].function

    def __iter__(self) -> Iterator[str]:
        return iter(methods())

    def __len__(self) -> int:
        return len(methods())


METHODS: Mapping[str, Any] = _Functions()
