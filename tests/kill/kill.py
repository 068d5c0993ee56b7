"""Kills an apply of 20 creates with SIGKILL at ten random moments and runs it again. `kill.py PROGRAM [SEED]`.

In the end there are 20 droplets, 20 welcome letters and no refund. An apply that was quicker than ten kills
is followed by another one, of a new fleet.
"""

import pathlib
import random
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from simulator import Simulator  # noqa: E402

SERVERS = 20
KILLS = 10
LATENCY = 40  # milliseconds


def stabbed(simulator, dice):
    """Starts an apply and kills it somewhere between two requests; False if it had ended by itself."""
    end = asked(simulator) + dice.randint(0, 30)
    command, options = simulator.command("apply --auto-approve")
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, **options)
    while process.poll() is None and asked(simulator) < end:
        time.sleep(0.002)
    time.sleep(dice.uniform(0, 2 * LATENCY / 1000))
    is_alive = process.poll() is None
    process.kill()
    process.wait()
    return is_alive


def asked(simulator):
    """How many requests and mails came in so far."""
    return sum(simulator.control("GET", "/requests")["vendors"].values())


def fleet(program, dice, kills):
    """Kills the apply of one fleet so often, or until it ends by itself; then lets it end. Returns the kills."""
    with Simulator(program, "--boot", "30") as simulator:
        simulator.subscribe(SERVERS)
        simulator.run("generate")
        # Slow answers make room for the knife: without them a whole apply is over in a blink.
        simulator.control("POST", "/latency", {"ms": LATENCY})
        killed = 0
        while killed < kills and stabbed(simulator, dice):
            killed += 1
        simulator.control("POST", "/latency", {"ms": 0})
        halfway = len(simulator.droplets())
        simulator.run("apply --auto-approve --deadline 1h")
        droplets, mails = simulator.droplets(), simulator.mails()
        # A mail whose receipt died with the process is sent again under the same Message-ID: it is one letter.
        letters = {mail["message_id"] for mail in mails}
        welcome = {letter for letter in letters if ".welcome." in letter}
        refunds = sum(truth["refunds"] for truth in simulator.control("GET", "/stripe/truth").values())
    print(f"{killed} kills, {halfway} droplets by then; in the end {len(droplets)} droplets, "
          f"{len(welcome)} welcome letters ({len(mails)} mails), {refunds} refunds")
    if not (len(droplets) == len(welcome) == len(letters) == SERVERS and refunds == 0):
        raise SystemExit("FAILED")
    return killed


def main():
    program = sys.argv[1]
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    dice = random.Random(seed)
    print(f"seed {seed}")
    left = KILLS
    while left > 0:
        left -= fleet(program, dice, left)
    print("1 passed, 0 failed")


main()
