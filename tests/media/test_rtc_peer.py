"""Our peer against a stock aiortc client, over this machine's network."""

import asyncio
import errno
import threading
from typing import Any

import av
import pytest
from aiortc import RTCRtpSender

from mcu.clock import MediaClock
from mcu.errors import BadOfferError
from mcu.media import AudioCodec, VideoCodec, VideoUnit
from mcu.rtc.peer import Peer
from tests.media.rtc_world import Client, Events, PatternTrack, ToneTrack, call, until

pytestmark = [pytest.mark.media, pytest.mark.usefixtures("no_standstill")]


def _sending_client() -> Client:
    client = Client()
    client.pc.addTrack(ToneTrack())
    client.pc.addTrack(PatternTrack())
    return client


def _prefer(client: Client, kind: str, *mime_types: str) -> None:
    for transceiver in client.pc.getTransceivers():
        if transceiver.kind == kind:
            capabilities = RTCRtpSender.getCapabilities(kind).codecs
            wanted = [c for name in mime_types for c in capabilities if c.mimeType.lower() == name]
            transceiver.setCodecPreferences(wanted)


async def test_media_flows_both_ways_vp8_in_and_h264_out() -> None:
    async with call(_sending_client()) as made:
        await until(lambda: len(made.camera.units) > 20 and len(made.audio.units) > 50)
        await until(lambda: len(made.client.frames["video"]) > 20 and len(made.client.frames["audio"]) > 20)
        picture = made.client.frames["video"][-1]
        assert (picture.width, picture.height) == (320, 240)
        assert abs(picture.to_ndarray()[:240].mean() - made.sources[VideoCodec.H264].luma) < 3
        assert made.peer.negotiated.video_out is VideoCodec.H264
        assert {unit.codec for unit in made.camera.units} == {VideoCodec.VP8}
        assert made.camera.units[0].keyframe
        assert made.sources[VideoCodec.VP8].hub.in_use is False
        sequences = [unit.sequence for unit in made.audio.units]
        assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))
        assert {unit.codec for unit in made.audio.units} == {AudioCodec.OPUS}
        assert all(unit.level_dbov is not None and unit.level_dbov < 40 for unit in made.audio.units)


async def test_sound_and_picture_carry_the_senders_wall_clock() -> None:
    async with call(_sending_client()) as made:
        await until(lambda: made.camera.units and made.camera.units[-1].capture_us is not None)
        await until(lambda: made.audio.units and made.audio.units[-1].capture_us is not None)
        captured = [made.camera.units[-1].capture_us, made.audio.units[-1].capture_us]
        seconds_1900_to_1970 = 2_208_988_800
        now_us = made.clock.wall_us(made.clock.now_us()) + seconds_1900_to_1970 * 1_000_000
        for capture_us in captured:
            assert capture_us is not None
            assert abs(capture_us - now_us) < 1_000_000


async def test_one_stream_holds_the_mix() -> None:
    async with call(_sending_client()) as made:
        msids = [line.split()[0] for line in made.answer.splitlines() if line.startswith("a=msid:")]
        assert len(msids) == 2
        assert len(set(msids)) == 1
        assert sorted(track.kind for track in made.client.tracks) == ["audio", "video"]


async def test_packets_go_one_by_one_where_the_kernel_cuts_none(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = []

    def refuse(_self: object, _number: int, run: bytes, size: int, _to: bytes) -> None:
        refused.append((len(run), size))
        raise OSError(errno.EIO, "no checksum offload on the way out")

    monkeypatch.setattr("mcu.rtc.datagrams.Outbox.send_run", refuse)
    async with call(_sending_client()) as made:
        await until(lambda: len(made.client.frames["video"]) > 10)
        assert made.peer.stats()["packets_resent"] == 0  # none arrived broken
    assert len(refused) == 1  # it is not asked again
    assert refused[0][0] > refused[0][1]


async def test_a_client_without_h264_gets_vp8() -> None:
    client = _sending_client()
    _prefer(client, "video", "video/vp8", "video/rtx")
    async with call(client) as made:
        await until(lambda: len(client.frames["video"]) > 10)
        assert made.peer.negotiated.video_out is VideoCodec.VP8
        assert made.sources[VideoCodec.H264].hub.in_use is False
        assert abs(client.frames["video"][-1].to_ndarray()[:240].mean() - made.sources[VideoCodec.VP8].luma) < 3


async def test_a_client_that_has_only_h264_sends_and_gets_it() -> None:
    client = _sending_client()
    _prefer(client, "video", "video/h264", "video/rtx")
    async with call(client) as made:
        await until(lambda: len(client.frames["video"]) > 10 and len(made.camera.units) > 10)
        assert {unit.codec for unit in made.camera.units} == {VideoCodec.H264}
        assert made.camera.units[0].keyframe
        assert made.camera.units[0].data.startswith(b"\x00\x00\x00\x01")


async def test_a_g711_client_is_answered_in_kind() -> None:
    client = Client()
    client.pc.addTrack(ToneTrack())
    _prefer(client, "audio", "audio/pcmu")
    async with call(client) as made:
        await until(lambda: len(made.audio.units) > 20 and len(client.frames["audio"]) > 20)
        assert made.peer.negotiated.audio_out is AudioCodec.PCMU
        assert made.peer.negotiated.video_out is None
        assert {unit.codec for unit in made.audio.units} == {AudioCodec.PCMU}
        assert {len(unit.data) for unit in made.audio.units} == {160}


async def test_camera_and_screen_are_told_apart() -> None:
    client = Client()
    client.pc.addTrack(ToneTrack())
    client.pc.addTrack(PatternTrack(luma=60))
    client.pc.addTransceiver(PatternTrack(luma=200), direction="sendonly")
    async with call(client) as made:
        await until(lambda: len(made.camera.units) > 10 and len(made.screen.units) > 10)
        assert made.peer.negotiated.screen_in
        assert _decoded_luma(made.camera.units) == pytest.approx(60, abs=3)
        assert _decoded_luma(made.screen.units) == pytest.approx(200, abs=3)
        assert [track.kind for track in client.tracks].count("video") == 1


def _decoded_luma(units: list[VideoUnit]) -> float:
    decoder: Any = av.CodecContext.create("libvpx", "r")
    luma = 0.0
    for unit in units[:5]:
        for frame in decoder.decode(av.Packet(unit.data)):
            luma = float(frame.to_ndarray()[:240].mean())
    return luma


async def test_a_viewer_only_receives() -> None:
    client = Client()
    client.pc.addTransceiver("audio", direction="recvonly")
    client.pc.addTransceiver("video", direction="recvonly")
    async with call(client) as made:
        await until(lambda: len(client.frames["video"]) > 5 and len(client.frames["audio"]) > 5)
        assert not made.peer.negotiated.camera_in
        assert not made.peer.negotiated.audio_in


async def test_a_publisher_only_sends() -> None:
    client = Client()
    client.pc.addTransceiver(ToneTrack(), direction="sendonly")
    client.pc.addTransceiver(PatternTrack(), direction="sendonly")
    async with call(client) as made:
        await until(lambda: len(made.camera.units) > 5 and len(made.audio.units) > 5)
        assert made.peer.negotiated.video_out is None
        assert made.peer.negotiated.audio_out is None


async def test_a_keyframe_can_be_asked_for_in_both_directions() -> None:
    async with call(_sending_client()) as made:
        await until(lambda: len(made.camera.units) > 10 and len(made.client.frames["video"]) > 10)
        asked = made.sources[VideoCodec.H264].asked
        receiver = next(r for r in made.client.pc.getReceivers() if r.track.kind == "video")
        assert made.peer.video_sender is not None
        await receiver._send_rtcp_pli(made.peer.video_sender.ssrc)
        await until(lambda: made.sources[VideoCodec.H264].asked == asked + 1)

        before = sum(unit.keyframe for unit in made.camera.units)
        threading.Thread(target=made.peer.request_keyframe, args=("camera",)).start()
        await until(lambda: sum(unit.keyframe for unit in made.camera.units) > before)


async def test_who_keeps_asking_for_keyframes_is_refused() -> None:
    async with call(_sending_client()) as made:
        await until(lambda: len(made.client.frames["video"]) > 5)
        asked = made.sources[VideoCodec.H264].asked
        receiver = next(r for r in made.client.pc.getReceivers() if r.track.kind == "video")
        assert made.peer.video_sender is not None
        for _ in range(50):
            await receiver._send_rtcp_pli(made.peer.video_sender.ssrc)
        await until(lambda: made.fanouts[VideoCodec.H264].metrics()["tutti_send_h264_keyframes_asked_total"] == 50)
        assert made.sources[VideoCodec.H264].asked - asked <= 3
        assert made.fanouts[VideoCodec.H264].metrics()["tutti_send_h264_keyframes_refused_total"] >= 47


async def _nothing_is_left(before: set[asyncio.Task[object]], threads: set[threading.Thread]) -> None:
    await until(lambda: asyncio.all_tasks() <= before)
    decoders = [t for t in set(threading.enumerate()) - threads if not t.name.startswith("asyncio_")]
    assert decoders == []  # the executor of the stock client's encoder may stay


async def test_leaving_by_the_client_is_noticed_and_leaves_nothing_behind() -> None:
    before, threads = asyncio.all_tasks(), set(threading.enumerate())
    async with call(_sending_client()) as made:
        await until(lambda: len(made.camera.units) > 2)
        await made.client.close()
        await until(made.events.is_closed.is_set, 3)
        assert made.events.reasons == ["left"]
    assert made.events.reasons == ["left"]
    await _nothing_is_left(before, threads)


async def test_closing_tells_the_client_and_leaves_nothing_behind() -> None:
    before, threads = asyncio.all_tasks(), set(threading.enumerate())
    async with call(_sending_client()) as made:
        await until(lambda: len(made.camera.units) > 2)
        await asyncio.gather(made.peer.close(), made.peer.close())
        await until(lambda: made.client.pc.connectionState == "closed", 3)
        assert made.events.reasons == ["left"]
    await _nothing_is_left(before, threads)


async def test_who_never_connects_is_given_up() -> None:
    before = asyncio.all_tasks()
    client, events = _sending_client(), Events()
    peer = Peer("bob", MediaClock(), [], events, connect_timeout_s=0.3)
    await peer.answer(await client.offer())  # the answer is lost on the way
    await until(events.is_closed.is_set, 3)
    assert events.reasons == ["timeout"]
    await peer.close()
    await client.close()
    await until(lambda: asyncio.all_tasks() <= before)


async def test_a_peer_that_falls_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcu.rtc.peer.DEAD_AFTER_S", 1.0)
    async with call(_sending_client()) as made:
        await until(lambda: len(made.camera.units) > 2)
        transport = made.client.pc.getSenders()[0].transport.transport._connection
        for protocol in transport._protocols:
            protocol.transport.abort()
        await until(made.events.is_closed.is_set, 5)
        assert made.events.reasons == ["timeout"]


async def test_trickled_candidates_connect_and_unresolvable_ones_do_no_harm() -> None:
    client, events = _sending_client(), Events()
    peer = Peer("carol", MediaClock(), [], events, connect_timeout_s=10)
    offer = await client.offer()
    candidates = [line for line in offer.splitlines() if line.startswith("a=candidate:")]
    bare = "".join(
        line + "\r\n" for line in offer.splitlines() if not line.startswith(("a=candidate:", "a=end-of-candidates"))
    )
    answer = await peer.answer(bare)
    await client.accept(answer)
    hidden = "a=candidate:1 1 udp 2113937151 0e0e0e0e-0000-4000-8000-000000000000.local 50000 typ host generation 0"
    await peer.trickle(f"a=mid:0\r\n{hidden}\r\n")
    await peer.trickle("a=mid:0\r\n" + "\r\n".join(candidates) + "\r\na=end-of-candidates\r\n")
    await until(events.is_connected.is_set)
    with pytest.raises(BadOfferError, match="not offered"):
        await peer.trickle(f"a=mid:nine\r\n{hidden}\r\n")
    with pytest.raises(BadOfferError, match="restart"):
        await peer.trickle("a=ice-ufrag:other\r\na=ice-pwd:0123456789012345678901\r\n")
    await peer.close()
    await client.close()


async def test_a_closed_peer_takes_no_offer_and_no_harm() -> None:
    events = Events()
    peer = Peer("dave", MediaClock(), [], events, connect_timeout_s=1)
    await peer.close()
    peer.request_keyframe("camera")
    assert peer.stats() == {}
    assert events.reasons == ["left"]
