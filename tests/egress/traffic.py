"""Sends and receives, inside a namespace; what arrived is the truth that tests compare with.

receive PORT            TCP and UDP, IPv4 and IPv6; prints the bytes of payload after each
                        line on standard input
send ADDRESS PORT ...   as fast as it goes, for --seconds or until --bytes are sent; prints how
                        many were taken
serve PORT BYTES        answers each connection with BYTES
fetch ADDRESS PORT      reads a connection to its end; prints how many bytes came
"""
import argparse
import selectors
import socket
import sys
import threading
import time

CHUNK = bytes(65536)
RECEIVE_BUFFER_FORCE = 33  # asm-generic/socket.h: past net.core.rmem_max, so that none is missed for want of time
UDP_SEGMENT = 103  # linux/udp.h: the kernel cuts up what is sent at once


def receive(arguments):
    counted = [0]
    lock = threading.Lock()

    def drain(connection):
        while True:
            try:
                data = connection.recv(1 << 20)
            except OSError:
                return
            if not data:
                connection.close()
                return
            with lock:
                counted[0] += len(data)

    udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    udp.setsockopt(socket.SOL_SOCKET, RECEIVE_BUFFER_FORCE, 1 << 27)
    udp.bind(("::", arguments.port))
    listener = socket.create_server(("::", arguments.port), family=socket.AF_INET6,
                                    dualstack_ipv6=True, backlog=128)

    def accept():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=drain, args=(connection,), daemon=True).start()

    for work in (accept, lambda: drain(udp)):
        threading.Thread(target=work, daemon=True).start()
    print("ready", flush=True)
    for _ in sys.stdin:
        before = -1
        while before != counted[0]:
            before = counted[0]
            time.sleep(0.2)
        print(counted[0], flush=True)


def send(arguments):
    family = socket.AF_INET6 if ":" in arguments.address else socket.AF_INET
    kind = socket.SOCK_DGRAM if arguments.udp else socket.SOCK_STREAM
    until = time.monotonic() + arguments.seconds
    left, taken = arguments.bytes, 0
    poll = selectors.DefaultSelector()
    for _ in range(arguments.connections):
        connection = socket.socket(family, kind)
        connection.setblocking(False)
        connection.connect_ex((arguments.address, arguments.port))
        poll.register(connection, selectors.EVENT_WRITE)
    chunk = CHUNK[:1400] if arguments.udp else CHUNK
    if arguments.udp and arguments.fast:
        chunk = CHUNK[:1400 * 45]
        for key in poll.get_map().values():
            key.fileobj.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1400)
    while left > 0 and time.monotonic() < until:
        for key, _ in poll.select(0.05):
            try:
                sent = key.fileobj.send(chunk[:min(len(chunk), left)])
            except OSError:
                continue
            left -= sent
            taken += sent
    if not arguments.udp and left == 0:  # what the kernel took has to arrive before we go
        for key in list(poll.get_map().values()):
            key.fileobj.shutdown(socket.SHUT_WR)
            key.fileobj.settimeout(max(0.1, until - time.monotonic()))
            try:
                key.fileobj.recv(1)
            except OSError:
                pass
    print(taken, flush=True)


def serve(arguments):
    listener = socket.create_server(("0.0.0.0", arguments.port), backlog=128)
    print("ready", flush=True)
    while True:
        connection, _ = listener.accept()
        left = arguments.bytes
        while left > 0:
            left -= connection.send(CHUNK[:min(left, len(CHUNK))])
        connection.close()


def fetch(arguments):
    connection = socket.create_connection((arguments.address, arguments.port), timeout=10)
    total = 0
    while data := connection.recv(1 << 20):
        total += len(data)
    print(total, flush=True)


def main():
    parser = argparse.ArgumentParser()
    words = parser.add_subparsers(required=True)
    for name, work in (("receive", receive), ("send", send), ("serve", serve), ("fetch", fetch)):
        word = words.add_parser(name)
        word.set_defaults(work=work)
        if name in ("send", "fetch"):
            word.add_argument("address")
        word.add_argument("port", type=int)
        if name == "serve":
            word.add_argument("bytes", type=int)
        if name == "send":
            word.add_argument("--bytes", type=int, default=1 << 31)
            word.add_argument("--seconds", type=float, default=2)
            word.add_argument("--connections", type=int, default=1)
            word.add_argument("--udp", action="store_true")
            word.add_argument("--fast", action="store_true")
    arguments = parser.parse_args()
    arguments.work(arguments)


main()
