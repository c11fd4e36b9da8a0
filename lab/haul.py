"""Carries bytes off, and counts those that arrive: run inside a namespace by the act of theft.

    haul.py receive PORT...                  prints {"PORT": bytes} ten times a second; TCP and UDP
    haul.py send ADDRESS PORT [options]      as fast as it goes; prints how many bytes were taken
"""

import argparse
import json
import selectors
import socket
import threading
import time

CHUNK = bytes(1 << 18)


def drain(connection, counts, port):
    buffer = bytearray(1 << 20)
    while True:
        try:
            got = connection.recv_into(buffer)
        except OSError:
            return
        if not got:
            connection.close()  # who sent it waits for this
            return
        counts[port] += got


def receive(arguments):
    counts, lock = {port: 0 for port in arguments.port}, threading.Lock()

    def listen(port):
        server = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)
        while True:
            connection, _ = server.accept()
            mine = {port: 0}
            with lock:
                parts.append((port, mine))
            threading.Thread(target=drain, args=(connection, mine, port), daemon=True).start()

    parts = [(port, counts) for port in arguments.port]
    for port in arguments.port:
        datagrams = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        datagrams.bind(("::", port))
        threading.Thread(target=drain, args=(datagrams, counts, port), daemon=True).start()
        threading.Thread(target=listen, args=(port,), daemon=True).start()
    while True:
        with lock:
            told = {port: sum(part[port] for of, part in parts if of == port) for port in arguments.port}
        print(json.dumps(told), flush=True)
        time.sleep(0.1)


def send(arguments):
    family = socket.AF_INET6 if ":" in arguments.address else socket.AF_INET
    kind = socket.SOCK_DGRAM if arguments.udp else socket.SOCK_STREAM
    chunk = CHUNK[:1400] if arguments.udp else CHUNK
    until, left = time.monotonic() + arguments.seconds, arguments.bytes
    ready = selectors.DefaultSelector()
    for _ in range(arguments.connections):
        connection = socket.socket(family, kind)
        connection.setblocking(False)
        connection.connect_ex((arguments.address, arguments.port))
        ready.register(connection, selectors.EVENT_WRITE)
    while left > 0 and time.monotonic() < until:
        for key, _ in ready.select(0.05):
            try:
                left -= key.fileobj.send(chunk[:min(len(chunk), left)])
            except OSError:
                time.sleep(0.001)
    while not arguments.udp and left == 0 and time.monotonic() < until:  # what is on its way has to arrive
        for key in list(ready.get_map().values()):
            ready.unregister(key.fileobj)
            key.fileobj.shutdown(socket.SHUT_WR)
            key.fileobj.settimeout(max(0.1, until - time.monotonic()))
            try:
                key.fileobj.recv(1)
            except OSError:
                pass
        break
    print(arguments.bytes - left, flush=True)


def main():
    parser = argparse.ArgumentParser()
    words = parser.add_subparsers(required=True)
    word = words.add_parser("receive")
    word.add_argument("port", type=int, nargs="+")
    word.set_defaults(work=receive)
    word = words.add_parser("send")
    word.add_argument("address")
    word.add_argument("port", type=int)
    word.add_argument("--bytes", type=int, default=30 * 10**9)
    word.add_argument("--seconds", type=float, default=20)
    word.add_argument("--connections", type=int, default=1)
    word.add_argument("--udp", action="store_true")
    word.set_defaults(work=send)
    arguments = parser.parse_args()
    arguments.work(arguments)


main()
