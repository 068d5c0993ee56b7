"""Counts what plans and applies of large fleets cost: requests, seconds, memory. `scale.py PROGRAM`.

The requests are asserted; seconds and megabytes are printed, and asserted only with `--strict`.
"""

import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from simulator import Simulator  # noqa: E402


def requests(simulator):
    """Requests to DigitalOcean since the last count: all, and listings."""
    counts = simulator.control("GET", "/requests")
    simulator.control("DELETE", "/requests")
    calls = {name: n for name, n in counts["calls"].items() if "/v2/" in name}
    return counts["vendors"].get("digitalocean", 0), calls


# Linux counts a parent's memory as its child's until the exec, and this script grows large: so a small one starts it.
MEASURE = """
import os, subprocess, sys, time
start = time.monotonic()
process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(os.waitstatus_to_exitcode(status), time.monotonic() - start, usage.ru_maxrss / 1024)
"""


def measured(simulator, words):
    """A command's exit code, seconds and peak megabytes."""
    command, options = simulator.command(words)
    done = subprocess.run([sys.executable, "-ISc", MEASURE, *command], stdout=subprocess.PIPE, check=True, **options)
    code, seconds, megabytes = done.stdout.split()
    return int(code), float(seconds), float(megabytes)


def check(what, is_so):
    if not is_so:
        raise SystemExit(f"FAILED: {what}")


def applied(simulator, count, most):
    """Applies so many creates."""
    simulator.subscribe(count)
    simulator.run("generate")
    requests(simulator)
    code, seconds, megabytes = measured(simulator, "apply --auto-approve --deadline 2h")
    check(f"the apply of {count} creates ended with {code}", code == 0)
    spent, calls = requests(simulator)
    letters, droplets = len(simulator.mails()), len(simulator.droplets())
    print(f"apply of {count:5} creates: {spent:5} requests (at most {most}), {droplets} droplets, {letters} letters, "
          f"{seconds:.1f} s, {megabytes:.0f} MB")
    check(f"{spent} requests, {calls}", spent <= most)
    check("one droplet and one letter each", droplets == letters == count)


def planned(simulator, latency, strict):
    """Plans over the 1,000 servers that are up, every answer so many milliseconds late."""
    simulator.control("POST", "/latency", {"ms": latency})
    requests(simulator)
    code, seconds, megabytes = measured(simulator, "plan --exit-code")
    check("nothing is left to do", code == 0)
    spent, calls = requests(simulator)
    listings = calls.get("GET /v2/droplets", 0)
    print(f"plan over 1,000 servers, {latency:2} ms latency: {spent} requests ({listings} of them listings), "
          f"{seconds:.2f} s, {megabytes:.0f} MB")
    check(f"{listings} listings", listings == 5)
    check(f"{spent} requests, {calls}", spent <= 8)
    check("seconds and megabytes", not strict or (seconds < 1 and megabytes <= 40))


def main():
    program, strict = sys.argv[1], "--strict" in sys.argv
    with Simulator(program, "--boot", "30") as simulator:
        applied(simulator, 100, 130)
    with Simulator(program, "--boot", "30") as simulator:
        applied(simulator, 1000, 1100)
        for latency in (0, 50):
            planned(simulator, latency, strict)
    print("1 passed, 0 failed")


main()
