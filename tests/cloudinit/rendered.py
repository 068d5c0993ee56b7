#!/usr/bin/env python3
"""Writes the user-data that droplets were really made with: every built-in template, for every image we say
it fits, with a firewall of its own and without.

    rendered.py path/to/basement FOLDER
"""

import itertools
import pathlib
import sys
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from simulator import Simulator  # noqa: E402

IMAGES = ["ubuntu-22-04-x64", "ubuntu-24-04-x64"]
FIREWALLS = ["ufw", "cloud"]


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    with Simulator(program) as sim:
        sim.subscribe(1)
        settings = sim.repository / "basement.toml"
        sample = settings.read_text()
        sim.run("generate")
        for template in sorted(path.stem for path in (sim.repository / "cloud-init").glob("*.yaml")):
            for image, firewall in itertools.product(IMAGES, FIREWALLS):
                text = sample.replace(f'image = "{IMAGES[0]}"', f'image = "{image}"')
                text = text.replace(f'firewall = "{FIREWALLS[0]}"', f'firewall = "{firewall}"')
                settings.write_text(text.replace('template = "base"', f'template = "{template}"'))
                for droplet in sim.droplets():
                    sim.control("DELETE", f"/droplets/{droplet['id']}")
                for path in (sim.repository / ".basement").glob("ledger.sqlite*"):
                    path.unlink()
                sim.run("apply --auto-approve")
                made, = (droplet for droplet in sim.droplets() if not droplet["deleting"])
                assert made["image"] == image, made
                with urllib.request.urlopen(f"{sim.url}/control/user-data/{made['id']}", timeout=60) as answer:
                    (folder / f"{template}-{image}-{firewall}.yaml").write_bytes(answer.read())


if __name__ == "__main__":
    main()
