import pytest

from recorder.annexb import parameter_sets

pytestmark = pytest.mark.unit

SPS, PPS = b"\x67\x42\xc0\x1e", b"\x68\xce\x3c"
IDR = b"\x65" + bytes(range(1, 200))


def test_parameter_sets_are_found_behind_start_codes_of_both_lengths() -> None:
    for code in (b"\x00\x00\x01", b"\x00\x00\x00\x01"):
        unit = code + b"\x09\xf0" + code + SPS + code + PPS + code + IDR
        assert parameter_sets(unit) == b"\x00\x00\x00\x01" + SPS + b"\x00\x00\x00\x01" + PPS


def test_a_picture_without_them_has_none() -> None:
    assert parameter_sets(b"\x00\x00\x00\x01\x41\x9a\x00") == b""
    assert parameter_sets(b"") == b""
    assert parameter_sets(b"\x00\x00\x01") == b""
