"""exim with one configuration file and no service, on ports of loopback; and a CA of our own."""

import os
import pwd
import shutil
import socket
import subprocess
import time

CONFIG = """
primary_hostname = localhost
spool_directory = {home}/spool
log_file_path = {home}/log/%slog
pid_file_path = {home}/exim.pid
exim_user = {user}
exim_group = {group}
never_users =
deliver_drop_privilege
local_interfaces = <; 127.0.0.1.{starttls} ; 127.0.0.1.{implicit}
tls_on_connect_ports = {implicit}
tls_advertise_hosts = *
tls_certificate = {home}/server.pem
tls_privatekey = {home}/server.key
domainlist here = *
qualify_domain = localhost
acl_smtp_rcpt = check_rcpt

begin acl
check_rcpt:
  accept authenticated = *
  deny message = authentication required

begin routers
everybody:
  driver = accept
  transport = maildir

begin transports
maildir:
  driver = appendfile
  directory = {home}/mail
  maildir_format
  create_directory
  envelope_to_add
  return_path_add

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{shop}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
  server_advertise_condition = ${{if def:tls_in_cipher}}
"""


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True)


def authority(home, name):
    """A CA, and the path of its certificate."""
    key, pem = os.path.join(home, f"{name}.key"), os.path.join(home, f"{name}.pem")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", pem,
            "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign")
    return pem


def certificate(home, ca):
    """`server.pem` and `server.key` for localhost, signed by a CA."""
    key, request = os.path.join(home, "server.key"), os.path.join(home, "server.csr")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", "/CN=localhost")
    names = os.path.join(home, "names")
    with open(names, "w", encoding="utf-8") as file:
        file.write("subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    openssl("x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca.replace(".pem", ".key"), "-CAcreateserial",
            "-days", "2", "-out", os.path.join(home, "server.pem"), "-extfile", names)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Exim:
    """A running exim that takes letters of whoever logs in as `shop`."""

    def __init__(self, home, password):
        self.home, self.starttls, self.implicit = home, free_port(), free_port()
        is_root = os.geteuid() == 0
        owner = pwd.getpwnam("Debian-exim") if is_root else pwd.getpwuid(os.geteuid())
        for folder in ["spool", "log", "mail"]:
            os.makedirs(os.path.join(home, folder), exist_ok=True)
        config = os.path.join(home, "exim.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(home=home, user=owner.pw_name, group=owner.pw_gid, starttls=self.starttls,
                                     implicit=self.implicit, password=password))
        if is_root:
            os.chmod(home, 0o755)
            for folder, _, files in os.walk(home):
                for path in [folder, *(os.path.join(folder, file) for file in files)]:
                    shutil.chown(path, owner.pw_uid, owner.pw_gid)
            os.chown(config, 0, 0)
        os.chmod(config, 0o644)
        self.log = open(os.path.join(home, "daemon.log"), "w+", encoding="utf-8")
        words = ["exim4", "-C", config, "-bdf", "-q30m", "-odf"]
        self.process = subprocess.Popen(words, stdout=self.log, stderr=subprocess.STDOUT)
        self._wait()

    def _wait(self, seconds=20):
        end = time.monotonic() + seconds
        for port in [self.starttls, self.implicit]:
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError as error:
                    if self.process.poll() is not None or time.monotonic() > end:
                        raise SystemExit(f"exim does not listen: {self.said()}") from error
                    time.sleep(0.05)

    def said(self):
        self.log.flush()
        texts = []
        for name in ["daemon.log", "log/mainlog", "log/paniclog"]:
            path = os.path.join(self.home, name)
            if os.path.exists(path):
                with open(path, encoding="utf-8", errors="replace") as file:
                    texts.append(file.read())
        return "\n".join(texts)

    def letters(self, wanted, seconds=20):
        """The letters in the maildir, once there are so many."""
        folder, end = os.path.join(self.home, "mail", "new"), time.monotonic() + seconds
        while True:
            names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
            if len(names) >= wanted:
                break
            if time.monotonic() > end:
                raise AssertionError(f"{len(names)} letters of {wanted}\n{self.said()}")
            time.sleep(0.05)
        found = []
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                found.append(file.read())
        return found

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=10)
        self.log.close()
