"""A shop of one or two customers: `basement sim`, a fleet repository, and the commands with their environment."""

import json
import os
import subprocess
import tempfile
import time
import urllib.request


class Shop:
    def __init__(self, basement, users=("ada",)):
        self.basement, self.folder = basement, tempfile.TemporaryDirectory(prefix="basement-mta-")
        self.home = self.folder.name
        self.root = os.path.join(self.home, "fleet")
        ready = os.path.join(self.home, "ready")
        self.log = open(os.path.join(self.home, "sim.log"), "w+", encoding="utf-8")
        command = [basement, "sim", "--listen", "127.0.0.1:0", "--smtp", "127.0.0.1:0", "--clock", "manual",
                   "--sample", "0", "--boot", "5", "--ready-file", ready]
        self.sim = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT)
        self.environment = {"PATH": os.environ["PATH"], "HOME": self.home, "NO_COLOR": "1",
                            "DIGITALOCEAN_TOKEN": "simulated", "STRIPE_API_KEY": "sk_test_simulated"}
        self._wait_for(ready)
        url = self.environment["DIGITALOCEAN_API_URL"]
        self.environment["BASEMENT_CLOCK_URL"] = url
        self.run("init", 0)
        for user in users:
            self.control("stripe/subscribe", {"user_id": user, "email": f"{user}@example.com", "lookup_key": "pro-month"})
        self.run("generate", 0)

    def _wait_for(self, ready, seconds=30):
        end = time.monotonic() + seconds
        while not os.path.exists(ready):
            if self.sim.poll() is not None or time.monotonic() > end:
                raise SystemExit("`basement sim` does not listen")
            time.sleep(0.05)
        with open(ready, encoding="utf-8") as file:
            self.environment.update(line.strip().split("=", 1) for line in file if "=" in line)

    def control(self, path, body):
        request = urllib.request.Request(f"{self.environment['DIGITALOCEAN_API_URL'].rstrip('/')}/control/{path}",
                                         data=json.dumps(body).encode(),
                                         headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()

    def run(self, words, code, **environment):
        """Runs a command, which must end with this code, and returns all it said."""
        command = [self.basement, "-C", self.root, *words.split()]
        if words == "init":
            os.makedirs(self.root)
        done = subprocess.run(command, env={**self.environment, **environment}, capture_output=True, text=True,
                              timeout=300, check=False)
        said = done.stdout + done.stderr
        if done.returncode != code:
            raise AssertionError(f"`basement {words}` ended with {done.returncode}, not {code}:\n{said}")
        return said

    def configure(self, before, after):
        path = os.path.join(self.root, "basement.toml")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if before not in text:
            raise AssertionError(f"{before!r} is not in basement.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(before, after, 1))

    def stop(self):
        self.sim.terminate()
        self.sim.wait(timeout=10)
        self.log.close()
        self.folder.cleanup()
