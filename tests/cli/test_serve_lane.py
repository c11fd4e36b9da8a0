"""serve --lane: a second nginx, with workers of its own, for staff and partners."""

import http.client
import os
import pathlib
import signal
import ssl
import sys

import pytest
from conftest import BUILD, alive, free_port, wait_until
from test_serve import Served, family, origin  # noqa: F401

sys.path.insert(0, str(pathlib.Path(os.environ["ECLUSE_SOURCE"]) / "tests" / "front"))
from test_lanes import certificates  # noqa: E402

pytestmark = pytest.mark.skipif(not (BUILD / "ngx_http_ecluse_module.so").exists(),
                                reason="built without the nginx module")


class Lane(Served):
    def __init__(self, place, origin):  # noqa: F811
        self.lane_port = free_port()
        self.files = place.root / "certificates"
        self.files.mkdir()
        certificates(self.files)
        words = f"staff=127.0.0.1:{self.lane_port}," + ",".join(
            f"{word}={self.files / name}" for word, name in (("cert", "lane.pem"), ("key", "lane.key"), ("ca", "ca.pem")))
        super().__init__(place, origin, "--lane", words)

    def start(self):
        process = super().start()
        assert process.stdout.readline() == f"lane staff 127.0.0.1:{self.lane_port}\n"
        return process

    def ask(self, path, device="scanner"):
        context = ssl.create_default_context(cafile=self.files / "ca.pem")
        context.check_hostname = False
        if device:
            context.load_cert_chain(self.files / f"{device}.pem", self.files / f"{device}.key")
        connection = http.client.HTTPSConnection("127.0.0.1", self.lane_port, timeout=10, context=context)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def master(self, name):
        place = self.folder / f"{name}.pid"
        assert wait_until(lambda: place.read_text().strip(), 5)  # it is empty while nginx writes it
        return int(place.read_text())


@pytest.fixture
def lane(place, origin):  # noqa: F811
    return Lane(place, origin)


def test_a_lane_is_served_by_an_nginx_of_its_own(lane):
    process = lane.start()
    assert lane.ask("/scans") == (200, "origin GET /scans")
    assert lane.ask("/scans", None)[0] == 403
    assert lane.get("/scans") == (200, "origin GET /scans")
    masters = lane.master("nginx"), lane.master("lane")
    assert set(masters) <= set(family(process.pid)) and masters[0] != masters[1]
    if os.geteuid() == 0:
        workers = family(masters[1])[1:]
        assert workers and all(os.getpriority(os.PRIO_PROCESS, pid) == -10 for pid in workers)


def test_either_nginx_lives_on_when_the_other_is_killed(lane):
    lane.start()
    for dies, other in (("nginx", lambda: lane.ask("/x")[0]), ("lane", lambda: lane.get("/x")[0])):
        master = lane.master(dies)
        kept = lane.master("lane" if dies == "nginx" else "nginx")
        os.kill(master, signal.SIGKILL)
        assert other() == 200
        assert wait_until(lambda: lane.master(dies) != master, 10)
        assert wait_until(lambda: other() == 200, 5) and alive(kept)
    assert wait_until(lambda: lane.get("/x")[0] == 200, 5)
    assert wait_until(lambda: lane.ask("/x")[0] == 200, 5)


def test_a_lane_ends_with_serve_and_its_edited_file_is_kept(lane):
    process = lane.start()
    everyone = family(process.pid)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0 and not any(alive(pid) for pid in everyone)
    conf = lane.folder / "lane.conf"
    conf.write_text(conf.read_text() + "# mine\n")
    lane.start()
    assert conf.read_text().endswith("# mine\n")
    assert lane.ask("/x")[0] == 200
