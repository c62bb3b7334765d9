"""What clients ask of a room's picture and sound, as JSON: the layout, one participant's place, the overlay."""

import base64
import binascii
import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from api.schemas import JsonObject
from mcu.errors import StyleError
from mcu.messages import SetAudio, SetOverlay, SetWish

MAX_LAYOUT_NAME = 200  # a stored file's name and the name of a layout in it
CUSTOM = "custom"
_DATA_URL = re.compile(r"data:[\w.+/-]*(?:;[\w.+=/-]+)*;base64,", re.ASCII)
_KEEP_ORDER, _NO_ORDER = None, -1


class LayoutRequest(BaseModel):
    """The layout to change to: a built-in or a stored one by its name, or a whole one in ``custom``."""

    model_config = ConfigDict(extra="forbid")

    layout: str = Field(
        default=CUSTOM,
        min_length=1,
        max_length=MAX_LAYOUT_NAME,
        examples=["speaker"],
        description="name of a built-in or stored layout; with `custom`, what it is to be called",
    )
    options: JsonObject = Field(
        default={}, examples=[{"gap": 8, "background": "#203040"}], description="how it is to look, see docs/layouts.md"
    )
    custom: JsonObject | None = Field(
        default=None, description='slots (`{"slots": […]}`), or the `video_layout` of a Twilio composition'
    )


class ParticipantRequest(BaseModel):
    """What is wanted for one participant, for the whole room; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", strict=True)

    pinned: bool | None = Field(default=None, description="comes before others, and holds the big tile if there is one")
    spotlight: bool | None = Field(
        default=None, description="holds the big tile; layouts without one turn to `speaker`"
    )
    hidden: bool | None = Field(default=None, description="is heard but not shown")
    order: Annotated[int, Field(ge=0, le=100_000)] | None = Field(
        default=None, description="smaller numbers come first; null: in order of joining, after all numbers"
    )
    gain_db: Annotated[float, Field(ge=-40, le=20, allow_inf_nan=False)] | None = Field(
        default=None, description="how much louder (or softer) they are for everybody"
    )
    muted: bool | None = Field(default=None, description="not heard by anybody, whatever they send")

    def wish(self, participant_id: str) -> SetWish | None:
        """What concerns the picture; None for nothing."""
        asked = self.model_dump(include={"pinned", "spotlight", "hidden"}, exclude_none=True)
        order = (_NO_ORDER if self.order is None else self.order) if "order" in self.model_fields_set else _KEEP_ORDER
        if not asked and order is None:
            return None
        return SetWish(participant_id=participant_id, order=order, **asked)

    def audio(self, participant_id: str) -> SetAudio | None:
        """What concerns the sound; None for nothing."""
        if self.gain_db is None and self.muted is None:
            return None
        return SetAudio(participant_id=participant_id, gain_db=self.gain_db, muted=self.muted)


class Overlay(BaseModel):
    """What the canvas shows beside the tiles. A PUT replaces all of it; `{}` takes everything away."""

    model_config = ConfigDict(extra="forbid")

    background: str = Field(default="", description="`#rrggbb` behind the tiles; empty for the layout's")
    background_image: str | None = Field(
        default=None, description="PNG, JPEG or WebP in base64 or as a `data:` URL; fills the canvas"
    )
    logo: str | None = Field(default=None, description="a picture likewise, over the tiles")
    logo_place: str = Field(
        default="top-right",
        description="`centre`, an edge (`top`, `right`, `bottom`, `left`) or a corner (`top-left`, …)",
    )
    logo_opacity: float = Field(default=1.0, allow_inf_nan=False, description="0 for invisible to 1")
    logo_share: float = Field(
        default=0.15,
        allow_inf_nan=False,
        description="how much of the canvas's height and width it may take, 0.02 to 1",
    )
    title: str = Field(default="", description="a line at the top, at most 200 characters")
    clock: bool = Field(default=False, description="the time of day")
    clock_zone: str = Field(default="UTC", max_length=100, examples=["Europe/Berlin"])
    clock_seconds: bool = False
    clock_place: str = Field(default="top-left", description="as `logo_place`")
    banner: str = Field(default="", description="a line in a strip across the bottom, at most 200 characters")
    border: str = Field(default="", description="`#rrggbb` around the tile of who is silent; empty for none")
    speaking_border: str = Field(default="#34c77b", description="of who speaks")

    def message(self) -> SetOverlay:
        """For the room; decodes the pictures' base64, which takes a while for large ones.

        Raises:
            StyleError: a picture is not base64.
        """
        pictures = {"background_image": self.background_image, "logo": self.logo}
        encoded = {name: _base64(name, text) for name, text in pictures.items() if text is not None}
        return SetOverlay.model_validate({**self.model_dump(exclude=set(pictures)), **encoded})


def _base64(name: str, text: str) -> str:
    """The bare base64 of ``text``, checked."""
    prefix = _DATA_URL.match(text[:200])
    bare = "".join(text[prefix.end() if prefix else 0 :].split())
    try:
        base64.b64decode(bare, validate=True)
    except (binascii.Error, ValueError) as error:
        raise StyleError(f"{name}: neither base64 nor a data: URL in base64") from error
    return bare
