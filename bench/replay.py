#!/usr/bin/python3
"""How fast `ecluse replay` goes through a capture and through flow logs, from the page cache, on one core.

    bench/replay.py [--build DIR] [--runs N] [--count N]

Records are made by make-records in memory (/dev/shm): two million packets of a third answers, a million flows. Each
figure is the median of N runs pinned to one processor, its start and end included, for each second of that processor
(the clock's seconds too, on a quiet machine); beside it, what a program that does less takes for the same file: tcpdump
for captures, mawk and jq that add up one column for logs (where they are).
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CONTRACT = os.path.join(HERE, "..", "tests", "contracts", "design-example.yaml")
FORMS = (("pcap", 2, ()), ("pcapng", 2, ()), ("zeek", 1, ("--size", "5000")),
         ("zeek-json", 1, ("--size", "5000")), ("eve", 1, ("--size", "5000")))
PEERS = {"pcap": ["tcpdump", "-nr", "{}", "-w", "/dev/null"],
         "pcapng": ["tcpdump", "-nr", "{}", "-w", "/dev/null"],
         "zeek": ["mawk", "-F", "\t", "{s += $18} END {print s}", "{}"],
         "zeek-json": ["jq", "-n", "reduce (inputs | .orig_ip_bytes) as $x (0; . + $x)", "{}"],
         "eve": ["jq", "-n", "reduce (inputs | .flow.bytes_toserver) as $x (0; . + $x)", "{}"]}


def processor_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def rate(command, count, runs, cpu):
    """Records for a second of the processor: (median, least, most), and the standard output of the last run."""
    rates = []
    for _ in range(runs):
        before = processor_seconds()
        done = subprocess.run(["taskset", "-c", str(cpu), *command], capture_output=True, check=False, text=True)
        if done.returncode > 1:
            raise SystemExit(done.stderr)
        rates.append(count / (processor_seconds() - before))
    return statistics.median(rates), min(rates), max(rates), done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(HERE, "..", "build"))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--count", type=int, default=1000000, help="flows, and half as many packets")
    options = parser.parse_args()
    cpu = max(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as place:
        for form, times, more in FORMS:
            path, count = os.path.join(place, form), options.count * times
            with open(path, "wb") as out:
                subprocess.run([os.path.join(options.build, "bench/make-records"), form, str(count), *more],
                               stdout=out, check=True)
            command = [os.path.join(options.build, "ecluse"), "replay", "-c", CONTRACT, "--json", path]
            median, least, most, told = rate(command, count, options.runs, cpu)
            assert json.loads(told)["rejected"] == 0
            print(f"{form:<10} {median:>12,.0f} records/s  ({least:,.0f} to {most:,.0f}; "
                  f"{os.path.getsize(path) / count:.0f} bytes each)", flush=True)
            peer = [word.format(path) if word == "{}" else word for word in PEERS[form]]
            if shutil.which(peer[0]):
                median, least, most, _ = rate(peer, count, min(options.runs, 3), cpu)
                print(f"  {peer[0]:<8} {median:>12,.0f} records/s  ({least:,.0f} to {most:,.0f})", flush=True)
            os.remove(path)


main()
