#!/usr/bin/env python3
"""Boots what `basement apply` handed to the cloud, and looks at the machine from outside, as its customer would.

    boot.py path/to/basement FOLDER TEMPLATE

FOLDER has root.img, vmlinuz and initrd.img (image.sh makes them). User-data and password are those of one delivery
at the simulator: the first from the create call, the second from the letter. Every check is one line.
"""

import contextlib
import hashlib
import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from simulator import Simulator  # noqa: E402

PATIENCE = 45 * 60  # seconds until ready; a processor in software is slow
LETTERS_PASSWORD = re.compile(r"^\s*([2-9A-HJ-NP-Za-km-z]{32})\s*$", re.MULTILINE)
VENDORS_PASSWORDS = ["thevendors", "vendordata"]  # of the image, of the vendor-data
OPEN, SHUT = [22, 80, 443], [25, 3306, 8080, 9099]

# What a cloud may put beside our user-data: it wants other passwords, expired, and none for ssh.
VENDOR_DATA = """#cloud-config
ssh_pwauth: false
chpasswd:
  expire: true
  list: |
    root:vendordata
"""


def delivery(program, template):
    """The name of one server, its user-data, and the password in its letter."""
    with Simulator(program) as sim:
        settings = sim.repository / "basement.toml"
        settings.write_text(settings.read_text().replace('template = "base"', f'template = "{template}"'))
        sim.control("POST", "/stripe/subscribe", {"user_id": "ada", "lookup_key": "basic-month"})
        sim.run("generate")
        sim.run("apply --auto-approve")
        name = sim.droplets()[0]["name"]
        with urllib.request.urlopen(f"{sim.url}/control/user-data/{name}", timeout=60) as answer:
            user_data = answer.read().decode("ascii")
        welcome = [mail for mail in sim.mails() if "is ready" in mail["subject"]]
        return name, user_data, LETTERS_PASSWORD.search(welcome[0]["text"]).group(1)


class Machine:
    """The machine under QEMU, its ports forwarded from loopback."""

    def __init__(self, image, folder, user_data):
        self.folder, self.ports, self.began = folder, {}, time.monotonic()
        seed = folder / "seed"
        seed.mkdir()
        (seed / "user-data").write_text(user_data)
        (seed / "vendor-data").write_text(VENDOR_DATA)
        (seed / "meta-data").write_text("instance-id: first-boot\nlocal-hostname: ada\n")
        subprocess.run(["genisoimage", "-quiet", "-volid", "cidata", "-joliet", "-rock", "-output", folder / "seed.iso",
                        *sorted(seed.iterdir())], check=True)
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", image / "root.img",
                        folder / "disk.qcow2"], check=True)
        for port in OPEN + SHUT:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.ports[port] = free.getsockname()[1]
        forwards = ",".join(f"hostfwd=tcp:127.0.0.1:{ours}-:{theirs}" for theirs, ours in self.ports.items())
        self.process = subprocess.Popen(
            ["nice", "qemu-system-x86_64", "-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2",
             "-m", "1536", "-display", "none", "-monitor", "none", "-serial", f"file:{folder / 'console'}",
             "-kernel", image / "vmlinuz", "-initrd", image / "initrd.img",
             "-append", "root=/dev/vda rw console=ttyS0 net.ifnames=0",
             "-drive", f"file={folder / 'disk.qcow2'},if=virtio,format=qcow2,cache=unsafe",
             "-drive", f"file={folder / 'seed.iso'},if=virtio,format=raw,readonly=on",
             "-device", "virtio-rng-pci", "-nic", f"user,model=virtio-net-pci,ipv6=off,{forwards}"])

    def get(self, path):
        """The body behind a path of its web server, or nothing."""
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[80]}{path}", timeout=20) as answer:
                return answer.read(4096).decode()
        return None

    def hears(self, port):
        """The first bytes behind a port; the forwarder itself always answers, and says nothing."""
        with contextlib.suppress(OSError):
            with socket.create_connection(("127.0.0.1", self.ports[port]), timeout=20) as call:
                call.sendall(b"GET / HTTP/1.0\r\n\r\n")
                return call.recv(64)
        return b""

    def ssh(self, password, command, told=""):
        """Runs a command as root, by password, and tells it something on stdin."""
        options = ["StrictHostKeyChecking=accept-new", f"UserKnownHostsFile={self.folder / 'known'}", "LogLevel=ERROR",
                   "PubkeyAuthentication=no", "NumberOfPasswordPrompts=1", "ConnectTimeout=60"]
        words = ["sshpass", "-e", "ssh", "-p", str(self.ports[22]), *[w for o in options for w in ("-o", o)],
                 "root@127.0.0.1", command]
        return subprocess.run(words, env={"SSHPASS": password, "PATH": "/usr/bin:/bin"}, capture_output=True, text=True,
                              input=told, timeout=1200)

    def since(self):
        return int(time.monotonic() - self.began)

    def await_ready(self):
        """Polls until basement.json is there, and tells the milestones."""
        told = set()

        def tell(what):
            if what not in told:
                told.add(what)
                print(f"     {self.since():5d} s  {what}", flush=True)

        while self.since() < PATIENCE:
            if self.process.poll() is not None:
                raise SystemExit(f"qemu ended with {self.process.returncode}; see {self.folder / 'console'}")
            if self.hears(22).startswith(b"SSH-"):
                tell("ssh answers")
            if self.get("/"):
                tell("nginx answers")
            page = self.get("/.well-known/basement.json")
            if page:
                tell("basement.json is there")
                return json.loads(page)
            time.sleep(5)
        raise SystemExit(f"not ready after {PATIENCE} s; see {self.folder / 'console'}")

    def end(self):
        self.process.terminate()
        self.process.wait()


class Checks:
    """Counts, and prints one line each."""

    def __init__(self):
        self.good, self.bad = 0, 0

    def __call__(self, what, holds, seen=""):
        self.good, self.bad = self.good + bool(holds), self.bad + (not holds)
        print(f"{'ok  ' if holds else 'FAIL'} {what}" + ("" if holds else f": {seen!r}"), flush=True)


def host_key(machine):
    """The fingerprint of the key that the handshake shows."""
    scanned = subprocess.run(["ssh-keyscan", "-T", "60", "-t", "ed25519", "-p", str(machine.ports[22]), "127.0.0.1"],
                             capture_output=True, text=True, timeout=120).stdout
    shown = subprocess.run(["ssh-keygen", "-lf", "-"], input=scanned, capture_output=True, text=True).stdout
    return shown.split()[1] if shown else ""


def offered(machine):
    """How one may log in, as the refusal of `none` lists it."""
    tried = subprocess.run(["ssh", "-v", "-p", str(machine.ports[22]), "-o", "PreferredAuthentications=none", "-o",
                            "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "root@127.0.0.1", "true"],
                           capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    return re.findall(r"Authentications that can continue: (\S+)", tried.stderr)


def door(check, machine, password, name, page):
    """What can be seen without and with the letter."""
    expected = hashlib.sha256(f"{name}/1".encode()).hexdigest()[:20]
    check("basement.json is ready, with our id and nothing failed",
          (page["id"], page["state"], page["failed"]) == (expected, "ready", []), page)
    check("its host key is the handshake's", page["ssh_host_key"] == host_key(machine), page["ssh_host_key"])
    check("nginx answers", "nginx" in (machine.get("/") or ""))
    check("ssh offers password login", any("password" in ways.split(",") for ways in offered(machine)))
    login = machine.ssh(password, "id -u; chage -l root | head -2")
    check("the letter's password logs in as root", login.stdout.startswith("0\n"), login.stderr)
    check("it has not expired", re.search(r"expires\s*: never", login.stdout), login.stdout)
    for other in VENDORS_PASSWORDS:
        refused = machine.ssh(other, "true")
        check(f"`{other}` is refused", refused.returncode and "Permission denied" in refused.stderr, refused.stderr)


def firewall(check, machine, run):
    """Listeners behind every forwarded port: only three of them are heard, and all once ufw is off."""
    free = [port for port in OPEN + SHUT if port not in (22, 80)]
    run("".join(f"systemd-run -q --unit=ear-{port} python3 -c "
                f"\"import http.server as h; h.HTTPServer(('', {port}), h.SimpleHTTPRequestHandler).serve_forever()\"; "
                for port in free) + "for i in $(seq 60); do ss -Hltn | grep -q ':9099 ' && break; sleep 1; done")
    heard = [port for port in OPEN + SHUT if machine.hears(port)]
    check("only 22, 80 and 443 are heard from outside", heard == OPEN, heard)
    status = run("ufw status verbose")
    print("     " + status.strip().replace("\n", "\n     "))
    check("ufw is on, and denies what comes in", "Status: active" in status and "Default: deny (incoming), allow (outgoing)" in status)
    run("ufw disable")
    heard = [port for port in OPEN + SHUT if machine.hears(port)]
    check("with ufw off all of them are heard (so the listeners were there)", heard == OPEN + SHUT, heard)
    run("ufw --force enable; systemctl stop 'ear-*'; systemctl reset-failed 'ear-*' 2> /dev/null")


def inside(check, run):
    """The state of the machine."""
    check("cloud-init is done", run("cloud-init status").strip() == "status: done", run("cloud-init status --long"))
    check("no unit failed", not run("systemctl --failed --no-legend --plain").strip(), run("systemctl --failed --no-legend --plain"))
    boots = run("last -x reboot | grep -c ^reboot").strip()
    check("it restarted exactly once", boots == "2", boots)
    check("unattended upgrades are on", '"1"' in run("apt-config dump APT::Periodic::Unattended-Upgrade")
          and run("systemctl is-enabled apt-daily-upgrade.timer unattended-upgrades").split() == ["enabled"] * 2)
    check("unattended-upgrade --dry-run works", run("unattended-upgrade --dry-run > /dev/null 2>&1 && echo yes") == "yes\n")
    check("nothing is left to upgrade", " 0 not upgraded" in run("apt-get -s dist-upgrade | grep upgraded"), run("apt-get -s dist-upgrade | grep upgraded"))
    restart = run("cat /etc/needrestart/conf.d/*")
    check("needrestart acts by itself, but not on cloud-init", "^cloud-" in restart and "{restart} = 'a'" in restart, restart)
    check("nobody uses a replaced library", not run("grep -l 'libssl.*(deleted)' /proc/[0-9]*/maps 2> /dev/null"))
    check("certbot knows nginx", "* nginx" in run("certbot plugins 2> /dev/null"))
    sshd = run("sshd -T")
    check("sshd means it", "\npermitrootlogin yes\n" in sshd and "\npasswordauthentication yes\n" in sshd)


def traces(check, run, password, user_data):
    """What the first boot left behind."""
    gone = "/root/.basement /usr/local/sbin/basement-firstboot /etc/apt/apt.conf.d/90basement " \
           "/var/lib/cloud/scripts/per-boot/basement"
    check("script and scratch are gone", not run(f"ls -d {gone} 2> /dev/null"), run(f"ls -d {gone} 2> /dev/null"))
    digest = re.search(r"\$6\$[^$]+\$([./0-9A-Za-z]{86})", user_data).group(1)
    # Told on stdin, so that no command line shows it.
    places = "/boot /etc /home /opt /root /run /srv /tmp /usr /var"
    found = run(f"read -r needle; grep -raslF -e \"$needle\" {places} | sort", digest + "\n").split()
    print("     the hash is in: " + " ".join(found))
    own = [path for path in found if not path.startswith(("/etc/shadow", "/var/lib/cloud/instances/", "/run/cloud-init/"))]
    check("the hash is only in /etc/shadow and in cloud-init's own copies", not own and "/etc/shadow" in found, own)
    readable = run("find /var/lib/cloud/instances /run/cloud-init -type f -perm /o+r -print0 | xargs -0r grep -lsF 'basement-firstboot'")
    check("none of those copies can be read by another user", not readable.strip(), readable)
    found = run(f"read -r needle; grep -raslF -e \"$needle\" {places} | sort", password + "\n").split()
    check("the plain password is in no file", not found, found)


def look(check, machine, page, name, user_data, password):
    """Every check, on a machine that says it is ready."""

    def run(command, told=""):
        return machine.ssh(password, command, told).stdout

    door(check, machine, password, name, page)
    inside(check, run)
    firewall(check, machine, run)
    traces(check, run, password, user_data)


def main():
    program, image, template = sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), sys.argv[3]
    name, user_data, password = delivery(program, template)
    print(f"template `{template}`: user-data of {len(user_data)} bytes for {name}, and a letter with its password", flush=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="basement-boot-"))
    machine, check = Machine(image, folder, user_data), Checks()
    try:
        look(check, machine, machine.await_ready(), name, user_data, password)
    finally:
        machine.end()
    print(f"{check.good} of {check.good + check.bad} checks, {machine.since()} s", flush=True)
    if check.bad:
        raise SystemExit(f"see {folder}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
