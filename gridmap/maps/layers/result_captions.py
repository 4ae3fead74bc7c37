"""What every layer of a result says of itself: its name, and how its numbers were made."""

from typing import Any

from gridmap.errors import InputError
from gridmap.hotspots.nulls import null_of
from gridmap.hotspots.result import HotspotResult, weight_of
from gridmap.messages import Note, known

__all__ = ["checked_result", "layer_name", "made_by"]


def checked_result(result: Any) -> HotspotResult:
    """A result; anything else is an InputError."""
    if not isinstance(result, HotspotResult):
        raise InputError(Note("maps.layer_draws_result", found=type(result).__name__))
    return result


def layer_name(result: HotspotResult, name: str | Note | None) -> str | Note:
    """The name given; else the method's, in the reader's language; with what is summed, where incidents are weighed."""
    code = f"method.{result.method}.name"
    if name is None or name == result.method:
        name = Note(code) if known(code) else result.method.replace("_", " ")
    weight = weight_of(result.params)
    return name if weight is None else Note("page.name_of_sums", name=name, weight=weight)


def made_by(result: HotspotResult) -> dict[str, Any]:
    """How the numbers were made, for About."""
    made = {"method": result.method, "params": dict(result.params), "notes": tuple(result.notes)}
    return made | {"null": null_of(result), "audience": result.audience}
