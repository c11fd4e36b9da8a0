"""People without a pass whose browsers solve what they are asked: as much of one as that takes, in threads.

Each visit asks for a page; when the answer is a challenge, it solves the puzzle in it and asks again, as the page's script
does. A visit is good when it ends with status 200. Bounded: at most 20 a second, only 127.0.0.0/8.
"""

import hashlib
import http.client
import random
import re
import string
import threading
import time

PUZZLE = re.compile(rb'<meta name="ecluse" content="(\d+) (\d+) ([^"]*)">')
TRIES = 3


def solve(token, bits):
    """A counter such that SHA-256(token ":" counter) begins with so many zero bits."""
    counter, begun = random.randrange(1 << 40), hashlib.sha256(token + b":")
    while True:
        tried = begun.copy()
        tried.update(b"%d" % counter)
        if int.from_bytes(tried.digest()[:4], "big") >> (32 - bits) == 0:
            return counter
        counter += 1


def letters(count):
    return "".join(random.choices(string.ascii_lowercase + string.digits, k=count))


class Browsers:
    def __init__(self, port, rate, address):
        assert rate <= 20
        self.port, self.rate, self.address = port, rate, address
        self.visits, self.stop = [], threading.Event()
        self.threads = []

    def ask(self, source, kind, cookies):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=6, source_address=(source, 0))
        headers = {"Accept": "text/html,application/xhtml+xml", "Accept-Language": "fr", "User-Agent": "Mozilla/5.0",
                   "Connection": "close"}
        if cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        if kind == "login":
            body = f"identifiant={letters(8)}&motdepasse={letters(10)}"
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            connection.request("POST", "/connexion", body, headers)
        else:
            connection.request("GET", f"/recherche?q={letters(10)}", headers=headers)
        answer = connection.getresponse()
        page = answer.read()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                cookies[key] = rest.partition(";")[0]
        connection.close()
        return answer.status, page

    def visit(self, number, begun, counts):
        source, kind, cookies = self.address(number), ("login", "search")[number % 2], {}
        status = 0
        try:
            for _ in range(TRIES):
                status, page = self.ask(source, kind, cookies)
                puzzle = PUZZLE.search(page) if status == 503 else None
                if not puzzle:
                    break
                if puzzle[3]:
                    cookies["ecluse_proof"] = f"{puzzle[3].decode()}:{solve(puzzle[3], int(puzzle[1]))}"
                else:
                    time.sleep(int(puzzle[2]))
        except (OSError, http.client.HTTPException):
            status = 0
        if counts:
            self.visits.append((status == 200, time.monotonic() - begun))

    def run(self, begin, end):
        """In a thread: visits from now on; those begun between these moments count."""
        def come():
            number = 0
            while not self.stop.is_set() and time.monotonic() < end:
                now = time.monotonic()
                thread = threading.Thread(target=self.visit, args=(number, now, begin <= now), daemon=True)
                thread.start()
                self.threads.append(thread)
                number += 1
                self.stop.wait(random.expovariate(self.rate))
        self.comer = threading.Thread(target=come, daemon=True)
        self.comer.start()

    def finish(self):
        """What came of them, in the form of a stream of lab/traffic."""
        self.comer.join()
        for thread in self.threads:
            thread.join(20)
        waits = sorted(wait for good, wait in self.visits if good)
        good = len(waits)
        at = lambda share: int(1e6 * waits[min(good - 1, int(share * good))]) if waits else 0
        return {"due": len(self.visits), "good": good, "success": good / max(1, len(self.visits)), "p50_us": at(0.5),
                "p99_us": at(0.99)}
