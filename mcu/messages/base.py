"""The base of everything that crosses the boundary."""

from pydantic import BaseModel, ConfigDict

VERSION = 1


class Message(BaseModel):
    """Base of all messages."""

    model_config = ConfigDict(frozen=True, extra="ignore")
