#!/usr/bin/env python3
"""The vendors' public clients against `basement sim`: what they can do there, they can do at the vendors.

    check.py path/to/basement

Starts a simulator whose time stands still until it is moved, on ephemeral loopback ports, and ends it.
Every check is one line; the first that fails ends the run with exit code 1.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import pydo
import stripe
from azure.core.exceptions import HttpResponseError

TOKEN = "dop_v1_" + "0" * 64  # any token will do; this one says what it is
KEY = "sk_test_" + "0" * 24
SIZE, REGION, IMAGE = "s-1vcpu-1gb", "nyc3", "ubuntu-22-04-x64"


class Sim:
    """A simulator of our own, and its control endpoint."""

    def __init__(self, binary):
        self.folder = tempfile.TemporaryDirectory(prefix="basement-clients-")
        ready = os.path.join(self.folder.name, "ready")
        self.log = open(os.path.join(self.folder.name, "log"), "w+", encoding="utf-8")
        command = [binary, "sim", "--listen", "127.0.0.1:0", "--smtp", "127.0.0.1:0"]
        command += ["--clock", "manual", "--ready-file", ready]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT)
        self.addresses = self._wait_for(ready)
        self.cloud = self.addresses["DIGITALOCEAN_API_URL"].rstrip("/")
        self.billing = self.addresses["STRIPE_API_BASE"].rstrip("/")

    def _wait_for(self, ready, seconds=30):
        wanted = {"DIGITALOCEAN_API_URL", "STRIPE_API_BASE", "BASEMENT_SMTP_URL", "BASEMENT_PROBE_PORTS"}
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise SystemExit(f"`basement sim` ended with {self.process.returncode}:\n{self.said()}")
            if os.path.exists(ready):
                with open(ready, encoding="utf-8") as file:
                    pairs = [line.strip().split("=", 1) for line in file if "=" in line]
                if wanted <= {name for name, _ in pairs}:
                    return dict(pairs)
            time.sleep(0.05)
        raise SystemExit(f"`basement sim` was not ready within {seconds} s:\n{self.said()}")

    def said(self):
        self.log.flush()
        self.log.seek(0)
        return self.log.read()

    def control(self, path, body=None):
        """GET without a body, POST with one."""
        return fetch(f"{self.cloud}/control/{path}", body)

    def advance(self, seconds):
        self.control("clock/advance", {"seconds": seconds})

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        self.folder.cleanup()


def fetch(url, body=None, token=None):
    """One JSON exchange, as a client does that follows a link."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data)
    if data is not None:
        request.add_header("Content-Type", "application/json")
    if token is not None:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read().decode()
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{url}: {error.code} {error.read().decode()[:500]}") from error
    return json.loads(text) if text else None


def check(what, holds, seen=None):
    if not holds:
        raise AssertionError(f"{what}: {seen!r}" if seen is not None else what)
    print(f"ok  {what}", flush=True)


# pydo refuses a bearer token over http unless every call says so.
LOCAL = {"enforce_https": False}


def check_listing(sim, client):
    made = []
    for n in range(3):
        body = {
            "name": f"client-{n}",
            "region": REGION,
            "size": SIZE,
            "image": IMAGE,
            "tags": ["basement", "user-client", f"server-client-{n}"],
        }
        made.append(client.droplets.create(body=body, **LOCAL))
    ids = sorted(answer["droplet"]["id"] for answer in made)
    check("pydo creates droplets", len(set(ids)) == 3, ids)
    check("a new droplet has no address yet", made[0]["droplet"]["networks"]["v4"] == [], made[0]["droplet"])

    href = made[0]["links"]["actions"][0]["href"]
    check("links.actions[].href points at the simulator", href.startswith(sim.cloud + "/"), href)
    check("the create is in progress", fetch(href, token=TOKEN)["action"]["status"] == "in-progress")
    follow(sim, href)
    sim.advance(60)

    first = client.droplets.list(tag_name="basement", per_page=2, page=1, **LOCAL)
    check("the first page has two droplets of three", [len(first["droplets"]), first["meta"]["total"]] == [2, 3], first["meta"])
    following = first["links"]["pages"]["next"]
    check("links.pages.next points at the simulator", following.startswith(sim.cloud + "/"), following)
    second = fetch(following, token=TOKEN)
    check("the second page is the last", len(second["droplets"]) == 1 and "next" not in second["links"].get("pages", {}), second["links"])
    listed = sorted(d["id"] for d in first["droplets"] + second["droplets"])
    check("two pages hold each droplet once", listed == ids, listed)
    by_page = client.droplets.list(tag_name="basement", per_page=2, page=2, **LOCAL)
    check("pydo reads the second page too", by_page["droplets"] == second["droplets"])

    up = client.droplets.get(ids[0], **LOCAL)["droplet"]
    kinds = [address["type"] for address in up["networks"]["v4"]]
    check("it is active, with a public address", up["status"] == "active" and "public" in kinds, up["networks"])
    return ids


def check_tags(client, droplet):
    client.tags.create(body={"name": "seen-by-pydo"}, **LOCAL)
    resources = {"resources": [{"resource_id": str(droplet), "resource_type": "droplet"}]}
    client.tags.assign_resources("seen-by-pydo", body=resources, **LOCAL)
    tags = client.droplets.get(droplet, **LOCAL)["droplet"]["tags"]
    check("pydo tags a droplet", "seen-by-pydo" in tags and "basement" in tags, tags)
    found = client.droplets.list(tag_name="seen-by-pydo", **LOCAL)["droplets"]
    check("it is listed by that tag", [d["id"] for d in found] == [droplet], found)
    client.tags.unassign_resources("seen-by-pydo", body=resources, **LOCAL)
    tags = client.droplets.get(droplet, **LOCAL)["droplet"]["tags"]
    check("pydo takes the tag off", "seen-by-pydo" not in tags, tags)


def check_power(sim, client, droplet):
    for kind, status in [("power_off", "off"), ("power_on", "active")]:
        action = client.droplet_actions.post(droplet, body={"type": kind}, **LOCAL)["action"]
        check(f"{kind} is in progress", action["status"] == "in-progress", action)
        again = refused(lambda: client.droplet_actions.post(droplet, body={"type": kind}, **LOCAL))
        check("a second action meanwhile is refused", again, again)
        follow(sim, f"{sim.cloud}/v2/actions/{action['id']}")
        now = client.droplets.get(droplet, **LOCAL)["droplet"]["status"]
        check(f"after {kind} it is {status}", now == status, now)


def check_delete(sim, client, ids):
    for droplet in ids:
        client.droplets.destroy(droplet, **LOCAL)
    sim.advance(60)
    left = client.droplets.list(tag_name="basement", **LOCAL)
    check("pydo deletes droplets", left["droplets"] == [] and left["meta"]["total"] == 0, left["meta"])
    check("a deleted droplet is not found", refused(lambda: client.droplets.get(ids[0], **LOCAL)))


def refused(call):
    """pydo gives some refusals back as a body, and raises others."""
    try:
        answer = call()
    except HttpResponseError as error:
        return error.status_code
    return answer.get("id") if isinstance(answer, dict) and "message" in answer else None


def follow(sim, href):
    """Waits for an action as clients do: by its link, while time goes on."""
    for _ in range(120):
        status = fetch(href, token=TOKEN)["action"]["status"]
        if status == "completed":
            return
        assert status == "in-progress", status
        sim.advance(1)
    raise AssertionError(f"{href} was not completed within two minutes of simulated time")


def check_subscriptions(sim, client):
    before = {subscription.id for subscription in subscriptions(client)}
    for n in range(5):
        subscribe(sim, n)
    every = list(subscriptions(client))
    ids = [subscription.id for subscription in every]
    check("auto-paging finds every subscription once", len(ids) == len(before) + 5 == len(set(ids)), ids)
    every = [subscription for subscription in every if subscription.id not in before]
    ids = [subscription.id for subscription in every]
    shown = client.v1.subscriptions.retrieve(ids[0])
    check("a subscription is readable", shown.id == ids[0] and len(shown["items"].data) == 1, shown)
    check("its period stands on its item", shown["items"].data[0].current_period_end > shown.created)
    customer = client.v1.customers.retrieve(shown.customer)
    check("its customer has an address", "@" in customer.email, customer)
    return every


def subscriptions(client):
    return client.v1.subscriptions.list({"status": "all", "limit": 2}).auto_paging_iter()


def subscribe(sim, n):
    body = {"user_id": f"client-{n}", "email": f"client-{n}@example.com", "name": f"Client {n}"}
    return sim.control("stripe/subscribe", {**body, "lookup_key": "pro-month"})


def check_refund(client, subscription):
    invoices = client.v1.invoices.list({"subscription": subscription.id, "status": "paid"}).data
    check("the first invoice is paid", len(invoices) == 1, invoices)
    paid = client.v1.invoice_payments.list({"invoice": invoices[0].id, "status": "paid"}).data
    intent = paid[0].payment.payment_intent
    order = {"payment_intent": intent, "amount": 1000, "reason": "requested_by_customer"}
    options = {"idempotency_key": "clients-check-1"}
    first = client.v1.refunds.create(order, options=options)
    second = client.v1.refunds.create(order, options=options)
    check("one key twice is one refund", first.id == second.id, [first.id, second.id])
    refunds = client.v1.refunds.list({"payment_intent": intent}).data
    check("and the list has one", [r.id for r in refunds] == [first.id], refunds)
    charge = client.v1.payment_intents.retrieve(intent, {"expand": ["latest_charge"]}).latest_charge
    check("the charge knows of 1000 given back", charge.amount_refunded == 1000, charge.amount_refunded)
    try:
        client.v1.refunds.create({**order, "amount": 999}, options=options)
        check("the same key with another amount is refused", False)
    except stripe.IdempotencyError as error:
        check("the same key with another amount is refused", error.http_status == 400, error.http_status)


def check_cancel(client, subscription):
    ended = client.v1.subscriptions.cancel(subscription.id, {"prorate": False, "invoice_now": False})
    check("stripe ends a subscription", ended.status == "canceled" and ended.ended_at, ended.status)
    active = client.v1.subscriptions.list({"limit": 100}).data
    check("without a status the list leaves it out", subscription.id not in [s.id for s in active])


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    sim = Sim(sys.argv[1])
    try:
        cloud = pydo.Client(token=TOKEN, endpoint=sim.cloud, retry_total=0)
        ids = check_listing(sim, cloud)
        check_tags(cloud, ids[0])
        check_power(sim, cloud, ids[1])
        check_delete(sim, cloud, ids)
        billing = stripe.StripeClient(KEY, base_addresses={"api": sim.billing}, max_network_retries=2)
        every = check_subscriptions(sim, billing)
        check_refund(billing, every[0])
        check_cancel(billing, every[1])
    except Exception:
        print(f"the simulator said:\n{sim.said()}", file=sys.stderr)
        raise
    finally:
        sim.stop()
    print(f"clients: pydo {pydo._version.VERSION} and stripe {stripe.VERSION} are at home in the simulator")


if __name__ == "__main__":
    main()
