"""Opens the page of the rich sample plan in headless Chromium and uses its filters.

    python3 tests/browser/check.py            checks
    python3 tests/browser/check.py FOLDER     also writes pictures there: light, dark, phone, without scripts

The page is the snapshot that the tests keep. Chromium is installed from Debian if it is missing.
"""

import html
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SNAPSHOT = HERE.parent / "it/render/snapshots/it__render__formats__rich_plan_html.snap"


def browser():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    for command in (["apt-get", "update", "-q"],
                    ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-q", "-y",
                     "--no-install-recommends", "chromium"]):
        subprocess.run([*root, *command], check=False, stdout=subprocess.DEVNULL)
    return shutil.which("chromium") or sys.exit("there is no browser; hint: apt-get install chromium")


class Page:
    """A page in a folder of its own, opened anew for every question."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.chromium = browser()
        self.file = self.folder / "plan.html"
        text = SNAPSHOT.read_text().split("\n---\n", 1)[1]
        self.file.write_text(text)
        # What a reader sees whose browser runs no scripts.
        self.still = self.folder / "still.html"
        self.still.write_text(re.sub(r"<script>.*?</script>", "", text, flags=re.S))

    def run(self, url, *flags):
        """What Chromium prints."""
        command = [self.chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                   "--allow-file-access-from-files", "--virtual-time-budget=5000",
                   f"--user-data-dir={self.folder}/profile", *flags, url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if done.returncode:
            sys.exit(f"chromium failed with {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout

    def rows(self, fragment="", file=None):
        """The rows that are seen, each as (server, cause, label); and what the filters say of them."""
        dom = self.run(f"file://{file or self.file}{fragment}", "--dump-dom")
        parts = re.findall(r'<section class="part [^"]*"[^>]*>.*?</section>', dom, re.S)
        seen = []
        for part in parts:
            if " hidden" in part.split(">", 1)[0]:
                continue
            for tag in re.findall(r"<li data-[^>]*>", part):
                if " hidden" not in tag:
                    data = [html.unescape(re.search(f'data-{name}="([^"]*)"', tag)[1])
                            for name in ("server", "cause", "label")]
                    seen.append(tuple(data))
        output = re.search(r"<output>(.*?)</output>", dom)[1]
        form = re.search(r'<form class="filters"[^>]*>', dom)[0]
        return seen, output, "hidden" not in form

    def overflow(self, width):
        """By how many pixels the page is wider than a screen of this width."""
        frame = self.folder / "frame.html"
        frame.write_text(
            f'<iframe src="plan.html" width="{width}" height="800" style="border:0" onload="'
            "const d = this.contentDocument.documentElement;"
            'document.title = d.scrollWidth - d.clientWidth"></iframe>')
        dom = self.run(f"file://{frame}", "--dump-dom")
        return int(re.search(r"<title>(-?\d+)</title>", dom)[1])

    def paper(self, fragment):
        """What a printer gets from a screen that is dark and filtered: rows, whether there are filters, background."""
        text = self.file.read_text().replace("@media print", "@media all")
        # The policy names the style by its hash, which is another one now.
        (self.folder / "paper.html").write_text(re.sub(r"<meta http-equiv=[^>]*>", "", text))
        frame = self.folder / "frame.html"
        frame.write_text(
            f'<iframe src="paper.html{fragment}" width="700" height="800" onload="'
            "const d = this.contentDocument, style = (what) => this.contentWindow.getComputedStyle(d.querySelector(what));"
            "const rows = [...d.querySelectorAll('.rows li')].filter((row) => row.offsetHeight > 0).length;"
            "document.title = [rows, style('form').display, style('body').backgroundColor].join(' ')\"></iframe>")
        dom = self.run(f"file://{frame}", "--blink-settings=preferredColorScheme=0", "--dump-dom")
        return re.search(r"<title>(.*?)</title>", dom)[1]

    def pictures(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        frame = self.folder / "phone.html"
        frame.write_text('<body style="margin:0"><iframe src="plan.html" width="390" height="3000" style="border:0">')
        wide, url = "--window-size=1200,4600", f"file://{self.file}"
        self.run(url, wide, f"--screenshot={folder}/light.png")
        self.run(url, wide, "--blink-settings=preferredColorScheme=0", f"--screenshot={folder}/dark.png")
        self.run(f"file://{self.still}", wide, f"--screenshot={folder}/plain.png")
        self.run(f"file://{frame}", "--window-size=500,3000", f"--screenshot={folder}/phone.png")
        dark = "--blink-settings=preferredColorScheme=0"
        self.run(f"{url}#server=ada", dark, f"--print-to-pdf={folder}/print.pdf")


def expect(what, is_so, *seen):
    if not is_so:
        sys.exit(f"not so: {what}: {seen}")
    print(f"ok: {what}")


def check(page):
    everything, said, has_filters = page.rows()
    expect("all rows are seen, and counted", said == f"{len(everything)} of {len(everything)} rows", said)
    expect("the policy lets the page's own script run", has_filters)
    rows, said, _ = page.rows("#server=ada")
    wanted = [row for row in everything if "ada" in row[0]]
    expect("the server's filter leaves its rows", rows == wanted and 0 < len(rows) < len(everything), rows)
    expect("and counts them", said == f"{len(rows)} of {len(everything)} rows", said)
    rows, _, _ = page.rows("#cause=subscription+unpaid")
    wanted = [row for row in everything if row[1] == "subscription unpaid"]
    expect("the cause's filter leaves its rows", rows == wanted and len(rows) > 1, rows)
    rows, _, _ = page.rows("#label=in+flight")
    wanted = [row for row in everything if row[2] == "in flight"]
    expect("the label's filter leaves its rows", rows == wanted and len(rows) > 1, rows)
    rows, _, _ = page.rows("#label=in+flight&server=ned&cause=not+delivered")
    wanted = [row for row in everything if "ned" in row[0] and row[1:] == ("not delivered", "in flight")]
    others = [row for row in everything if row[1] == "not delivered"]
    expect("filters work together", rows == wanted and 0 < len(rows) < len(others), rows)
    rows, said, _ = page.rows("#server=nobody")
    expect("a filter may leave nothing", rows == [] and said.startswith("0 of"), said)
    rows, _, _ = page.rows("#cause=no+such+cause&other=1")
    expect("a filter that is not offered leaves all", rows == everything, len(rows))
    rows, said, has_filters = page.rows("#server=ada", page.still)
    expect("without scripts all rows are seen, and no filters", rows == everything and not has_filters and not said)
    seen = page.paper("#server=ada")
    expect("on paper all rows stand on white, whatever was filtered", seen == f"{len(everything)} none rgb(255, 255, 255)", seen)
    for width in (390, 320, 1200):
        over = page.overflow(width)
        expect(f"nothing sticks out at {width} pixels", over == 0, over)


def main():
    with tempfile.TemporaryDirectory() as folder:
        page = Page(folder)
        check(page)
        if len(sys.argv) > 1:
            page.pictures(pathlib.Path(sys.argv[1]).resolve())


main()
