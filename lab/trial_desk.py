"""The desk of the demo: where it is, and who may sign in there. For trials only: a real operator's secrets are shown to nobody."""

import base64
import hashlib
import hmac
import json
import os
import secrets
import struct
import subprocess
import time

from stage import LOOPBACK, Failure, free_port

NAME = "trial"


class TrialDesk:
    def __init__(self, stage, contract):
        self.stage, self.contract = stage, contract
        self.port, self.secret = free_port(), ""
        self.password = "-".join(secrets.token_hex(3) for _ in range(3))

    @property
    def address(self):
        return f"http://{LOOPBACK}:{self.port}/"

    def write_contract(self):
        with open(self.contract, "a", encoding="utf-8") as file:
            file.write(f'desk: {{listen: "{LOOPBACK}:{self.port}"}}\n')

    def add_operator(self):
        path = self.stage.path("password")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
            file.write(self.password + "\n")
        done = subprocess.run([self.stage.program("ecluse"), "operator", "add", NAME, "-c", self.contract, "--role",
                               "administer", "--password-file", path, "--json"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        os.remove(path)
        if done.returncode != 0:
            raise Failure(f"the desk has no operator: {done.stderr.strip()}")
        self.secret = json.loads(done.stdout)["totp_secret"]

    def code(self):
        """What an authenticator would show now (RFC 6238)."""
        mac = hmac.new(base64.b32decode(self.secret), struct.pack(">Q", int(time.time()) // 30), hashlib.sha1).digest()
        place = mac[-1] & 15
        return f"{(struct.unpack('>I', mac[place:place + 4])[0] & 0x7fffffff) % 1000000:06d}"

    def line(self):
        return f"  the desk: sign in as {NAME}, password {self.password}, code {self.code()}"
