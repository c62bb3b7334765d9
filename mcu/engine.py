"""The media of one room: its mixers and fan-outs, wired to each other. It knows nobody but whom it is given.

Everything here is called on the room's event loop.
"""

import asyncio

from mcu.audio.mixer import AudioMixer
from mcu.audio.speakers import MUSIC_DBOV, SPEAKING_DBOV
from mcu.clock import MediaClock
from mcu.delays import DelayBook
from mcu.looplag import LoopLag
from mcu.media import Rung, VideoCodec
from mcu.memory import tidy
from mcu.messages import OverloadChanged, RoomConfig, VideoConfig
from mcu.participant import Participant
from mcu.rightofway import RightOfWay
from mcu.rtc.send import VideoFanout, offers
from mcu.rtc.send_audio import AudioFanout
from mcu.stage import SCREEN_SUFFIX
from mcu.sync import LipSync
from mcu.video.mixer import VideoMixer
from mcu.video.source import SCREEN_LIVE_US

_TIDY_AFTER_S = 10  # somebody left
_TIDY_EVERY_S = 300


class MediaEngine:
    """From what the peers send to what they are sent.

    Args:
        config: the canvas, its encoding, and whether the sound is music.
        clock: the room's.
    """

    def __init__(self, config: RoomConfig, clock: MediaClock) -> None:
        loop = self._loop = asyncio.get_running_loop()
        music = config.audio.music
        self.delays = DelayBook(clock)
        self._tidying: asyncio.TimerHandle | None = None
        self._lag = LoopLag(loop)  # watched while somebody is here: it wakes the process twenty times a second
        self._connected = 0
        self.right_of_way = RightOfWay(clock)  # of the audio tick
        self._audio_out = AudioFanout(loop, self.right_of_way, clock)
        self.audio = AudioMixer(
            clock,
            self._audio_out,
            channels=1 + music,
            even_loudness=not music,
            audible_dbov=MUSIC_DBOV if music else SPEAKING_DBOV,
        )
        self.video = VideoMixer(config.video, clock)
        self._smallest = Rung(config.video.rungs - 1)
        self._video_out = {
            codec: VideoFanout(codec, offers(hubs, config.video), loop, clock)
            for codec, hubs in self.video.rungs.items()
        }
        self._audio_out.on_sent = self.delays.sound_sent
        self._audio_out.on_loss = self.audio.report_loss
        self.video.loop_late_us = lambda: self._lag.median_us
        for fanout in self._video_out.values():
            fanout.late_us = lambda: self._lag.worst_us
            fanout.on_begun = self.delays.picture_sent

    def start(self) -> None:
        """Start the media threads."""
        self.audio.start()
        self.video.start()
        self._tidy_in(_TIDY_EVERY_S)

    async def stop(self) -> None:
        """Stop them."""
        self._lag.stop()
        if self._tidying is not None:
            self._tidying.cancel()
        await asyncio.to_thread(self.audio.stop)
        await asyncio.to_thread(self.video.stop)

    def connect(self, participant: Participant) -> None:
        """Mix what a participant sends from now on, and send them the mix."""
        peer, sync, id_ = participant.peer, participant.sync, participant.id
        agreed = peer.negotiated
        if not self._connected:
            self._lag.start()
        self._connected += 1
        self.delays.join(id_)
        peer.feed(
            audio=self.audio.add(id_, sync, codec_out=agreed.audio_out),
            camera=self.video.add(id_, sync, lambda: peer.request_keyframe("camera")) if agreed.camera_in else None,
            screen=self.video.add(
                id_ + SCREEN_SUFFIX, LipSync(), lambda: peer.request_keyframe("screen"), live_us=SCREEN_LIVE_US
            )
            if agreed.screen_in
            else None,
        )
        peer.loop_late_us(lambda: self._lag.worst_us)
        if agreed.audio_out is not None:
            self._audio_out.add(peer)
        if agreed.video_out is not None and participant.watches:
            self._video_out[agreed.video_out].add(peer)

    def disconnect(self, participant: Participant) -> None:
        """Do so no more."""
        agreed = participant.peer.negotiated
        self._connected -= 1
        if not self._connected:
            self._lag.stop()
        self.delays.leave(participant.id)
        if agreed.video_out is not None:
            self._video_out[agreed.video_out].remove(participant.peer)
        if agreed.audio_out is not None:
            self._audio_out.remove(participant.peer)
        self.audio.remove(participant.id)
        if agreed.camera_in:
            self.video.remove(participant.id)
        if agreed.screen_in:
            self.video.remove(participant.id + SCREEN_SUFFIX)
        self._tidy_in(_TIDY_AFTER_S)

    def _tidy_in(self, delay_s: float) -> None:
        """Or sooner, if that was planned."""
        if self._tidying is not None:
            if self._tidying.when() <= self._loop.time() + delay_s:
                return
            self._tidying.cancel()
        self._tidying = self._loop.call_later(delay_s, self._tidy)

    def _tidy(self) -> None:
        """Give back what those who left have used."""
        self._tidying = None
        self._tidy_in(_TIDY_EVERY_S)
        self.video.overlays.forget_unused()
        self._loop.run_in_executor(None, tidy)

    def follow(self, config: VideoConfig) -> None:
        """Encode and offer these bitrates from the next picture on; all else is as before."""
        self.video.follow(config)
        for fanout in self._video_out.values():
            fanout.follow(config)

    def offer(self) -> None:
        """Offer the rungs that the machine can bear; a recording's encoder runs anyway, so its rung stays."""
        for codec, fanout in self._video_out.items():
            fanout.offer_from(self._best(codec))

    @property
    def best(self) -> Rung:
        """The largest size of the mix that is offered to anybody."""
        return min(map(self._best, self._video_out))

    @property
    def _bearable(self) -> Rung:
        """The largest size that is not given up; a room of one size keeps it."""
        return min(self.video.overload.relief.best, self._smallest)

    def _best(self, codec: VideoCodec) -> Rung:
        return Rung.FULL if self.video.hubs[codec].wants_every_frame else self._bearable

    def overload(self, config: VideoConfig) -> OverloadChanged:
        """What is given up for want of processor time; level 0: nothing."""
        overload = self.video.overload
        fps = config.fps * overload.relief.keep / overload.relief.of
        return OverloadChanged(level=overload.level, fps=fps, width=config.at(self._bearable).width)

    def metrics(self) -> dict[str, float]:
        """Counters and gauges by their Prometheus names."""
        metrics = {**self.audio.metrics(), **self.video.metrics(), **self._audio_out.metrics()}
        for fanout in self._video_out.values():
            metrics |= fanout.metrics()
        return metrics | {"tutti_loop_lateness_seconds_max": self._lag.worst_us / 1e6}
