"""Kills an apply of 20 creates with SIGKILL at ten random moments and runs it again. `kill.py PROGRAM [SEED]`.

In the end there are 20 droplets, 20 welcome letters and no refund.
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


def main():
    program = sys.argv[1]
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    dice = random.Random(seed)
    with Simulator(program, "--boot", "30") as simulator:
        simulator.subscribe(SERVERS)
        simulator.run("generate")
        # Slow answers make room for the knife: without them a whole apply is over in a blink.
        simulator.control("POST", "/latency", {"ms": 40})
        killed = 0
        for _ in range(KILLS):
            command, options = simulator.command("apply --auto-approve")
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, **options)
            time.sleep(dice.uniform(0.05, 0.9))
            killed += process.poll() is None
            process.kill()
            process.wait()
        simulator.control("POST", "/latency", {"ms": 0})
        simulator.run("apply --auto-approve --deadline 1h")
        droplets = simulator.control("GET", "/droplets")
        letters = {letter["message_id"] for letter in simulator.control("GET", "/outbox")}
        welcome = {letter for letter in letters if ".welcome." in letter}
        refunds = sum(truth["refunds"] for truth in simulator.control("GET", "/stripe/truth").values())
        print(f"seed {seed}: {killed} of {KILLS} kills hit a running apply; {len(droplets)} droplets, "
              f"{len(welcome)} welcome letters, {refunds} refunds")
        is_right = len(droplets) == SERVERS and len(welcome) == len(letters) == SERVERS and refunds == 0
        if not is_right or killed < KILLS // 2:
            raise SystemExit("FAILED")
    print("1 passed, 0 failed")


main()
