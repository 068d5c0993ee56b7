"""Starts `basement sim` and runs the other commands against it; for the scripts beside this folder."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import urllib.request


class Simulator:
    """A simulator with a manual clock, and a fleet repository of its own."""

    def __init__(self, program, *options):
        self.program = str(pathlib.Path(program).resolve())
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="basement-"))
        ready = self.folder / "ready"
        command = [self.program, "sim", "--listen", "127.0.0.1:0", "--smtp", "127.0.0.1:0", "--clock", "manual",
                   "--sample", "0", "--ready-file", str(ready), *options]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while not ready.exists():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise SystemExit("the simulator did not start")
            time.sleep(0.02)
        lines = dict(line.split("=", 1) for line in ready.read_text().split())
        self.url = lines["DIGITALOCEAN_API_URL"]
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("BASEMENT_")}
        self.env |= lines | {"BASEMENT_CLOCK_URL": self.url, "DIGITALOCEAN_TOKEN": "simulated",
                             "STRIPE_API_KEY": "sk_test_simulated"}
        self.repository = self.folder / "repository"
        self.repository.mkdir()
        self.run("init")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def command(self, words):
        """The command line and the keyword arguments that start it."""
        return [self.program, "-C", str(self.repository), *words.split()], {"env": self.env, "text": True}

    def run(self, words, expect=0):
        """Runs a command to its end."""
        command, options = self.command(words)
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, **options)
        if done.returncode != expect:
            raise SystemExit(f"`basement {words}` ended with {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        return done.stdout

    def control(self, method, path, body=None):
        """One call to the control endpoint."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + "/control" + path, data=data, method=method,
                                         headers={"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def droplets(self):
        """The droplets as they truly are, listed or not."""
        return self.control("GET", "/droplets")["droplets"]

    def mails(self):
        """All mails that the relay took, in order."""
        return self.control("GET", "/outbox")["mails"]

    def subscribe(self, count):
        """So many customers who pay for a basic server."""
        self.control("POST", "/stripe/subscribe", {"count": count, "lookup_key": "basic-month"})
