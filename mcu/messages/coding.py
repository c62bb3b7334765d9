"""Messages to JSON and back."""

from pydantic import TypeAdapter

from mcu.messages.base import Message
from mcu.messages.events import Event
from mcu.messages.replies import Reply
from mcu.messages.requests import Request

_requests: TypeAdapter[Request] = TypeAdapter(Request)


_replies: TypeAdapter[Reply] = TypeAdapter(Reply)


_events: TypeAdapter[Event] = TypeAdapter(Event)


def encode(message: Message) -> bytes:
    """Any message as UTF-8 JSON."""
    return message.model_dump_json().encode()


def decode_request(data: bytes) -> Request:
    """Parse a request; raises ``pydantic.ValidationError``."""
    return _requests.validate_json(data)


def decode_reply(data: bytes) -> Reply:
    """Parse a reply; raises ``pydantic.ValidationError``."""
    return _replies.validate_json(data)


def decode_event(data: bytes) -> Event:
    """Parse an event; raises ``pydantic.ValidationError``."""
    return _events.validate_json(data)
