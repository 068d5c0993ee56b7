#!/usr/bin/env python3
"""Letters of `basement` through a real MTA and a scripted one.

    check.py path/to/basement

Everything listens on ephemeral loopback ports. Every check is one line; the first that fails ends the run with
exit code 1.
"""

import base64
import email
import email.policy
import os
import re
import subprocess
import sys
import tempfile

import dkim

from exim import Exim, authority, certificate
from relay import Relay, Script
from shop import Shop

PASSWORD = "relay-s3cret"  # of the relay; no letter's


def check(what, holds, seen=None):
    if not holds:
        raise AssertionError(f"{what}: {seen}" if seen is not None else what)
    print(f"ok  {what}", flush=True)


def parsed(raw):
    return email.message_from_bytes(raw, policy=email.policy.default)


def check_welcome(raw):
    """A letter of welcome as it should arrive."""
    letter = parsed(raw)
    text = letter.get_body(("plain",)).get_content()
    html = letter.get_body(("html",)).get_content()
    password = re.search(r"^    ([2-9A-HJ-NP-Za-km-z]{32})$", text, re.M)
    check("the password stands on a line of its own", password is not None)
    check("the same is in the HTML, and not in the head", password[1] in html and password[1] not in str(letter.items()))
    heads = {
        "From": "Example Hosting <servers@example.com>",
        "Reply-To": "help@example.com",
        "Auto-Submitted": "auto-generated",
    }
    check("the head says who and whereto answer", all(letter[name] == value for name, value in heads.items()),
          letter.items())
    check("the subject names server and address",
          re.fullmatch(r"Your server is ready: ada-\w+ \([\d.]+\)", letter["Subject"]), letter["Subject"])
    check("the Message-ID is the step's",
          re.fullmatch(r"<letter\.ada-\w+\.welcome\.1@example\.com>", letter["Message-ID"]), letter["Message-ID"])
    check("there is one recipient", letter["To"] and not letter["Cc"] and not letter["Bcc"], letter["To"])
    check("nothing remote is in it", not re.search(r"<(img|link|script|iframe)|url\(", html))
    return password[1]


def through_exim(basement, home):
    ca, other = authority(home, "ca"), authority(home, "other")
    certificate(home, ca)
    exim = Exim(home, PASSWORD)
    try:
        for count, (name, url) in enumerate([
            ("STARTTLS and AUTH", f"smtp+starttls://shop@localhost:{exim.starttls}"),
            ("implicit TLS", f"smtps://shop@localhost:{exim.implicit}"),
        ]):
            good = {"BASEMENT_SMTP_URL": url, "BASEMENT_SMTP_PASSWORD": PASSWORD, "BASEMENT_SMTP_CA_FILE": ca}
            shop = Shop(basement, ("ada", "bob"))
            said = shop.run("apply --auto-approve", 5, **{**good, "BASEMENT_SMTP_PASSWORD": "wrong-pw"})
            check(f"{name}: a wrong password is said once, with the cure",
                  said.count("the relay refuses our login") <= 3 and "`BASEMENT_SMTP_URL`" in said
                  and "no letter can be sent" in said and "wrong-pw" not in said, said)
            said = shop.run("apply --auto-approve", 5, **{**good, "BASEMENT_SMTP_CA_FILE": other})
            check(f"{name}: an unknown authority is not believed", "`BASEMENT_SMTP_CA_FILE`" in said, said)
            check(f"{name}: one letter was tried, not all",
                  shop.run("history", 0).count("failed: letter welcome") <= 2)
            shop.run("apply --auto-approve", 0, **good)
            letters = exim.letters(2 * count + 2)
            ada = [raw for raw in letters if b"Envelope-to: ada@" in raw][-1]
            secret = check_welcome(ada)
            check(f"{name}: the protocol's log names no password", secret not in exim.said())
            shop.stop()
        check("exim took them over TLS, with a login",
              len(re.findall(r"<= servers@example.com .*P=esmtpsa X=TLS.* A=plain:shop", exim.said())) == 4,
              exim.said())
    finally:
        exim.stop()


def scripted(basement, certs, script, password=None, tls=True, given=PASSWORD, code=0, users=("ada",)):
    """One apply against a scripted relay: what it said, the ledger's words, the plan after it."""
    home, ca = certs
    pair = (os.path.join(home, "server.pem"), os.path.join(home, "server.key")) if tls else None
    relay, shop = Relay(script, pair, password), Shop(basement, users)
    try:
        said = shop.run("apply --auto-approve", code, BASEMENT_SMTP_PASSWORD=given, BASEMENT_SMTP_CA_FILE=ca,
                        BASEMENT_SMTP_URL=f"smtp+starttls://shop@localhost:{relay.port}")
        return said, shop.run("history", 0), shop.run("plan", 0)
    finally:
        relay.stop()
        shop.stop()


def failures(basement, home):
    """Each class of failure, and what becomes of it in the ledger and in the plan."""
    ca = authority(home, "ca2")
    certificate(home, ca)
    certs = (home, ca)

    script = Script(rcpt="550 5.1.1 no such user")
    said, ledger, plan = scripted(basement, certs, script, PASSWORD)
    check("550 at RCPT: settled as nobody, and a person has the welcome letter",
          "not sent: letter welcome" in ledger and "nothing is left to do" in said
          and [to for to, _ in script.letters] == ["operator@example.com"]
          and b"To the operator" in script.letters[0][1], (said, ledger, script.letters))
    check("550 at RCPT: the plan is empty", "@ letter" not in plan, plan)

    script = Script(data="451 4.3.0 try later", times=2)
    said, ledger, _ = scripted(basement, certs, script, PASSWORD)
    check("451: later, and then it is there",
          ledger.count("failed: letter welcome") == 2 and ledger.count("done: letter welcome") == 1
          and len(script.letters) == 1, ledger)

    script = Script(drop=True, times=1)
    said, ledger, _ = scripted(basement, certs, script, PASSWORD)
    ids = {parsed(raw)["Message-ID"] for _, raw in script.letters}
    check("dropped after DATA: the same letter again under its Message-ID",
          "reply lost: letter welcome" in ledger and len(script.letters) == 2 and len(ids) == 1, (ledger, ids))

    script = Script()
    said, ledger, plan = scripted(basement, certs, script, PASSWORD, given="wrong-pw", code=5, users=("ada", "bob"))
    check("a wrong password: ours to mend, one try, all else is done",
          ledger.count("failed: letter welcome") == 1 and ledger.count("done: create") == 2
          and "no letter can be sent" in said and not script.letters and "@ letter" in plan, (said, ledger, plan))

    script = Script()
    said, ledger, _ = scripted(basement, certs, script, tls=False, code=5)
    check("no STARTTLS offered: nothing is sent in the clear",
          "STARTTLS is not supported" in said and not script.letters, (said, ledger))

    script = Script(rcpt="550 5.7.1 relaying denied")
    said, ledger, _ = scripted(basement, certs, script, PASSWORD, code=5, users=("ada", "bob"))
    check("5.7 for two recipients: ours to mend, no third try", ledger.count("failed: letter welcome") == 2
          and "no letter can be sent" in said, (said, ledger))

    script = Script(rcpt="550 5.7.1 <ADA@Example.com>: access denied", times=1)
    said, ledger, _ = scripted(basement, certs, script, PASSWORD, users=("ada", "bob"))
    check("5.7 for one recipient: that letter's own matter, and no address is kept",
          ledger.count("failed: letter welcome") == 1 and ledger.count("done: letter welcome") == 2
          and "@example.com" not in (said + ledger).lower(), (said, ledger))


def signed(basement, home):
    """DKIM, judged by a verifier that shares no code with us."""
    for kind, make in [("rsa", ["genrsa", "2048"]), ("ed25519", ["genpkey", "-algorithm", "ed25519"])]:
        key = os.path.join(home, f"dkim-{kind}.pem")
        with open(key, "wb") as file:
            os.chmod(key, 0o600)
            file.write(subprocess.run(["openssl", *make], check=True, capture_output=True).stdout)
        public = subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-outform", "DER"], check=True,
                                capture_output=True).stdout
        public = public[-32:] if kind == "ed25519" else public
        record = b"v=DKIM1; k=" + kind.encode() + b"; p=" + base64.b64encode(public)
        shop = Shop(basement)
        shop.configure("[mail]", '[mail]\ndkim = { selector = "s1", domain = "example.com" }')
        shop.run("letters --preview out", 0, BASEMENT_DKIM_KEY_FILE=key)
        folder = os.path.join(shop.root, "out")
        asked = []

        def dns(name, timeout=5):
            asked.append(name)
            return record

        for name in sorted(os.listdir(folder)):
            if name.endswith(".eml"):
                with open(os.path.join(folder, name), "rb") as file:
                    raw = file.read()
                good = dkim.verify(raw, dnsfunc=dns)
                bad = dkim.verify(raw.replace(b"Subject: ", b"Subject: X", 1), dnsfunc=dns)
                body = dkim.verify(raw.replace(b"</html>", b"x</html>", 1), dnsfunc=dns)
                check(f"DKIM {kind}: {name} is signed, and nothing of it can be changed", good and not bad and not body)
        check(f"DKIM {kind}: the key is looked for where it is published",
              set(asked) == {b"s1._domainkey.example.com."}, set(asked))
        head = parsed(raw)["DKIM-Signature"].lower()
        covered = re.search(r"h=([^;]*);", head)[1].replace(" ", "").split(":")
        check(f"DKIM {kind}: it covers what matters",
              {"from", "to", "subject", "date", "message-id"} <= set(covered), covered)
        shop.stop()


def main():
    basement = os.path.abspath(sys.argv[1])
    for part in [through_exim, failures, signed]:
        with tempfile.TemporaryDirectory(prefix="basement-mta-") as home:
            part(basement, home)
    print("mta: all good")


if __name__ == "__main__":
    try:
        main()
    except AssertionError as broken:
        print(f"FAILED  {broken}", file=sys.stderr)
        sys.exit(1)
