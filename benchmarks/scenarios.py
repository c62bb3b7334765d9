"""Who is in the room in each scenario, and what is to be reached."""

from dataclasses import dataclass

from benchmarks.lean.peer import Part

STAGE = 9  # tiles at most


@dataclass(frozen=True)
class Scenario:
    """One row of the table.

    Attributes:
        participants: in the room; the first ``STAGE`` are on stage.
        talkers: the first so many talk.
        cameras: the first so many have their camera on; None for all.
        vp8_viewers: the last so many take no H.264.
        microphones: whether anybody sends sound; without, pictures are not held for lip sync.
        garbage: weigh twice, the second time while a stranger sends garbage.
        target_cores: of the room process; None when it is not limited.
    """

    name: str
    participants: int
    talkers: int
    target_cores: float | None = None
    cameras: int | None = None
    recording: bool = False
    vp8_viewers: int = 0
    microphones: bool = True
    garbage: bool = False

    def parts(self) -> list[Part]:
        """Everybody. The last on stage who takes H.264 is the probe."""
        probe = min(self.participants, STAGE) - 1 - self.vp8_viewers
        return [
            Part(
                id=f"p{n}",
                film=n % STAGE if self.cameras is None or n < self.cameras else None,
                voice=n if n < self.talkers else None,
                phase=n % STAGE / STAGE,
                microphone=self.microphones,
                h264=n < self.participants - self.vp8_viewers,
                probe=n == probe,
            )
            for n in range(self.participants)
        ]

    @property
    def on_stage(self) -> int:
        """How many tiles there are."""
        return min(self.participants, STAGE)

    @property
    def memory_target_mb(self) -> float:
        """What the room may take."""
        base = 150 if self.vp8_viewers else 120
        return base + 4 * self.on_stage + (self.participants - self.on_stage)


SCENARIOS = (
    Scenario("empty room", 0, 0, 0.005),
    Scenario("4, one talks", 4, 1, 0.33),
    Scenario("9, three talk", 9, 3, 0.55),
    Scenario("9, three talk, recording", 9, 3, 0.57, recording=True),
    Scenario("9, all talk", 9, 9, 0.62),
    Scenario("9, three talk, one takes VP8 only", 9, 3, 0.90, vp8_viewers=1),
    Scenario("9, cameras off, nobody speaks", 9, 0, 0.10, cameras=0),
    Scenario("9, pictures without sound", 9, 0, microphones=False),
    Scenario("4, garbage from a stranger", 4, 1, garbage=True),
    Scenario("30, nine on stage, three talk", 30, 3),
    Scenario("60, nine on stage, three talk", 60, 3),
    Scenario("100, nine on stage, three talk", 100, 3),
    Scenario("30, the others' cameras off", 30, 3, cameras=STAGE),
    Scenario("100, the others' cameras off", 100, 3, cameras=STAGE),
)
