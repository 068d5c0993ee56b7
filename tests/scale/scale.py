"""Counts what plans and applies of large fleets cost: requests, seconds, memory. `scale.py PROGRAM`.

The requests are asserted; seconds and megabytes are printed, and asserted only with `--strict`.
"""

import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from simulator import Simulator  # noqa: E402


def requests(simulator):
    """Requests to DigitalOcean since the last count: all, and listings."""
    counts = simulator.control("GET", "/requests")
    simulator.control("DELETE", "/requests")
    calls = {name: n for name, n in counts["by_call"].items() if "/v2/" in name}
    return counts["digitalocean"], calls


def measured(simulator, words):
    """A command's exit code, seconds and peak megabytes."""
    command, options = simulator.command(words)
    start = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **options)
    _, status, usage = os.wait4(process.pid, 0)
    return os.waitstatus_to_exitcode(status), time.monotonic() - start, usage.ru_maxrss / 1024


def check(what, is_so):
    if not is_so:
        raise SystemExit(f"FAILED: {what}")


def applied(program, count, most):
    """Applies so many creates; the simulator stays for more."""
    simulator = Simulator(program, "--boot", "30")
    simulator.subscribe(count)
    simulator.run("generate")
    requests(simulator)
    code, seconds, megabytes = measured(simulator, "apply --auto-approve --deadline 2h")
    check(f"the apply of {count} creates ended with {code}", code == 0)
    spent, calls = requests(simulator)
    letters = len(simulator.control("GET", "/outbox"))
    droplets = len(simulator.control("GET", "/droplets"))
    print(f"apply of {count:5} creates: {spent:5} requests (at most {most}), {droplets} droplets, {letters} letters, "
          f"{seconds:.1f} s, {megabytes:.0f} MB")
    check(f"{spent} requests, {calls}", spent <= most)
    check("one droplet and one letter each", droplets == letters == count)
    return simulator


def main():
    program, strict = sys.argv[1], "--strict" in sys.argv
    applied(program, 100, 130).__exit__()
    with applied(program, 1000, 1100) as simulator:
        for latency in (0, 50):
            simulator.control("POST", "/latency", {"ms": latency})
            requests(simulator)
            code, seconds, megabytes = measured(simulator, "plan --exit-code")
            check("nothing is left to do", code == 0)
            spent, calls = requests(simulator)
            listings = sum(n for name, n in calls.items() if name.endswith("/v2/droplets"))
            print(f"plan over 1,000 servers, {latency:2} ms latency: {spent} requests ({listings} of them listings), "
                  f"{seconds:.2f} s, {megabytes:.0f} MB")
            check(f"{listings} listings", listings == 5)
            check(f"{spent} requests, {calls}", spent <= 8)
            check("seconds and megabytes", not strict or (seconds < 1 and megabytes <= 40))
    print("1 passed, 0 failed")


main()
