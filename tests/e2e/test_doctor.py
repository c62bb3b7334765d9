"""``tutti doctor`` on this very machine."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from api.costs import ROOM, WORK
from tests.e2e.support.ports import free_port
from tests.e2e.support.server import TUTTI, Server
from tests.e2e.support.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(110)]


def doctor(*options: str, **settings: object) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TUTTI_")}
    environment |= {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
    environment |= {f"TUTTI_{name.upper()}": str(value) for name, value in settings.items()}
    return subprocess.run(
        [str(TUTTI), "doctor", *options], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_it_measures_real_work_and_the_service_reckons_with_it(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    ran = doctor("--json", "--save", data_dir=data_dir, port=0)
    assert ran.returncode == 0, ran.stderr
    told: dict[str, Any] = json.loads(ran.stdout)

    cpu_us = {work["name"]: work["cpu_us"] for work in told["work"]}
    assert cpu_us.keys() == WORK.keys()
    assert cpu_us["encode_h264_full"] > cpu_us["encode_h264_half"] > cpu_us["encode_h264_quarter"] > 0
    assert cpu_us["compose"] > cpu_us["decode_opus"] > 0
    assert min(cpu_us["send_picture"], cpu_us["send_sound"], cpu_us["receive"]) > 0
    rooms = {each["what"]: each["count"] for each in told["carries"]}
    assert rooms["rooms of 4"] >= rooms["rooms of 9"]
    assert not {check["name"] for check in told["checks"] if check["state"] == "bad"}

    server = Server(data_dir=data_dir)
    try:
        server.start().open_room("a")
        expected = pytest.approx(ROOM.cores * told["factor"], rel=0.01)
        wait_for(lambda: server.metric("tutti_capacity_used_cores") > 0, timeout_s=10, what="the room to count")
        assert server.metric("tutti_capacity_used_cores") == expected
    finally:
        server.close()


@pytest.mark.beside
def test_a_store_that_cannot_be_reached_is_what_has_to_be_mended(tmp_path: Path) -> None:
    ran = doctor(
        data_dir=tmp_path,
        port=0,
        s3_bucket="recordings",
        s3_endpoint_url=f"http://127.0.0.1:{free_port()}",
    )
    assert ran.returncode == 1
    line = next(line for line in ran.stdout.splitlines() if "object store" in line)
    assert line.split()[0] == "BAD"
    assert "recordings" in line
    assert "Traceback" not in ran.stderr
    assert not any(tmp_path.iterdir())
