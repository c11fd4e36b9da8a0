"""What the tests of the outputs share: the place of tests/cli with outputs in its contract, and receivers on loopback."""

import http.server
import importlib.util
import json
import os
import pathlib
import socket
import sys
import threading
import time

import pytest


def _load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


SOURCE = pathlib.Path(__file__).resolve().parents[2]
cli = _load("cli_conftest", SOURCE / "tests/cli/conftest.py")
place = cli.place
wait_until, free_port, children = cli.wait_until, cli.free_port, cli.children


def pytest_collection_modifyitems(items):
    cli.longest_first(items, ("test_an_incident", "test_the_heart", "test_a_receiver_that_hangs"))


# Nothing here needs the front: what is asked of it would be an alarm from the beginning.
CONTRACT = """\
ecluse: 1
organisation: {{name: "Poste d'exemple"}}
mode: enforce
state: {root}/state
runtime: {root}/run
outputs:
{outputs}
"""


class Receiver:
    """An HTTP server on loopback that keeps what it was asked, and answers with `status`."""

    def __init__(self):
        self.requests = []  # (method, path, body)
        self.status = 200
        self.hang = 0
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                receiver.requests.append((self.command, self.path, body))
                time.sleep(receiver.hang)
                try:
                    self.send_response(receiver.status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                except OSError:
                    pass  # it did not wait

            do_GET = do_POST = answer

            def log_message(self, *_arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_port}/hook/very-secret"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def told(self):
        """What was posted, oldest first: (area, state) of each message."""
        parts = [json.loads(body)["ecluse"] for method, _, body in list(self.requests) if method == "POST"]
        return [(part["area"], part["state"]) for part in parts]

    def end(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.end()


class Outputs:
    """A place whose contract has outputs."""

    def __init__(self, made):
        self.place = made
        self.folder = made.root / "told"
        self.folder.mkdir()
        os.chmod(self.folder, 0o777)
        self.events = self.folder / "eve.json"
        self.port = free_port()

    def write(self, more="", **outputs):
        lines = "".join(f"  {key}: {value}\n" for key, value in outputs.items())
        self.place.contract.write_text(CONTRACT.format(root=self.place.root, outputs=lines) + more)

    def address(self, name, address):
        """A file that holds an address, as the contract wants it."""
        path = self.place.root / f"{name}.url"
        path.write_text(address + "\n")
        path.chmod(0o600)
        return path

    def command(self, name, script):
        path = self.place.root / name
        path.write_text("#!/bin/sh\n" + script)
        path.chmod(0o755)
        return path

    def run(self):
        process = self.place.start("run")
        assert wait_until(self.told), self.place.log("run")
        return process

    def told(self):
        """The tally, or nothing when there is none yet."""
        try:
            return json.loads((self.place.root / "run/outputs/tally.json").read_text())
        except (OSError, ValueError):
            return {}

    def lines(self, path=None):
        try:
            return [json.loads(line) for line in (path or self.events).read_text().splitlines()]
        except OSError:
            return []

    def break_contract(self):
        """An alarm that comes and goes as a test wishes."""
        self.sound = self.place.contract.read_text()
        self.place.contract.write_text(self.sound + "nonsense: 1\n")

    def mend_contract(self):
        self.place.contract.write_text(self.sound)


@pytest.fixture
def outputs(place):
    return Outputs(place)


class Datagrams:
    """A socket that keeps the messages that it gets."""

    def __init__(self, family, address):
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind(address)
        if family == socket.AF_UNIX:
            os.chmod(address, 0o777)
        self.messages = []
        threading.Thread(target=self.take, daemon=True).start()

    def take(self):
        while True:
            try:
                self.messages.append(self.socket.recv(65536).decode())
            except OSError:
                return

    def end(self):
        self.socket.close()
