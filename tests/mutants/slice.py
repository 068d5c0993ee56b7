"""Cuts a slice out of the crate in which a mutant costs seconds: no adapters, no commands, no HTTP over a wire.

Usage: slice.py DIRECTORY [thin]

`thin` leaves only the nouns and the plan: enough for most mutants of `plan/` and `model/`, in a third of the time.
"""

import pathlib
import re
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parents[2]
HEAVY = "reqwest|rustls|lettre|sqlx|async-stripe|clap|indicatif|terminal_size|anstream|sha-crypt|chacha|tracing-sub|jsonschema|getrandom"
FOLDERS = ["src", "letters", "cloud-init", "examples", "tests/it/engine", "tests/it/planted"]
THIN = ["breaker", "guard", "plan", "plan_fleet", "plan_limits", "plan_settled", "plan_traps", "plan_worlds", "scene"]
SUITES = ["breaker", "engine", "engine_traps", "faults", "guard", "handed", "passes", "plan", "plan_fleet", "plan_limits", "plan_settled", "plan_traps", "plan_worlds", "planted", "scene", "storms"]


def main(to, thin):
    suites = THIN if thin else SUITES
    (to / "tests/it").mkdir(parents=True, exist_ok=True)
    (to / ".cargo").mkdir(exist_ok=True)
    shutil.copy(HERE / ".cargo/mutants.toml", to / ".cargo/mutants.toml")
    for folder in FOLDERS:
        shutil.rmtree(to / folder, ignore_errors=True)
        shutil.copytree(HERE / folder, to / folder)
    for name in ["basement.toml", "Cargo.lock"] + [f"tests/it/{suite}.rs" for suite in suites]:
        if (HERE / name).exists():
            shutil.copy(HERE / name, to / name)
    for gone in ["src/main.rs", "tests/it/engine/contract.rs"]:
        (to / gone).unlink()
    manifest = (HERE / "Cargo.toml").read_text()
    manifest = re.sub(rf"(?m)^({HEAVY})\S* = .*\n", "", manifest)
    manifest = re.sub(r"(?s)\[profile.*", "", manifest)
    manifest = re.sub(r"(?s)\[lints.*(?=\[dependencies)", "", manifest)
    manifest = manifest.replace("[dev-dependencies]", 'url = "2"\n\n[dev-dependencies]')
    manifest += "[lib]\ntest = false\ndoctest = false\n\n[profile.dev]\ndebug = false\nopt-level = 0\n[profile.dev.package.\"*\"]\nopt-level = 1\n"
    (to / "Cargo.toml").write_text(manifest)
    lib = (HERE / "src/lib.rs").read_text()
    lib = lib.replace("pub mod adapters;\n", "").replace("pub mod cli;", "pub mod cli {\n    pub mod config;\n}")
    lib = lib.replace("pub mod wire;", "pub mod wire {\n    pub mod redact;\n}")
    if thin:
        lib = "//! The nouns and the plan.\npub mod model;\npub mod plan;\n"
    (to / "src/lib.rs").write_text(lib)
    (to / "tests/it/main.rs").write_text("".join(f"mod {suite};\n" for suite in suites))
    form = to / "src/sim/stripe_form.rs"
    form.write_text(form.read_text().replace("reqwest::Url", "url::Url"))
    if not thin:
        by_ports_alone(to)


def by_ports_alone(to):
    """Stories are played through the ports; what is told over the wire alone is left out."""
    stage = to / "tests/it/engine/stage.rs"
    text = stage.read_text()
    text = re.sub(r"use basement::adapters::.*\n", "", text)
    text = re.sub(r"(?ms)^async fn (by_wire|sqlite)\(.*?^}\n", "", text)
    text = re.sub(r"Way::Wire => by_wire.*", "Way::Wire => by_ports(),", text)
    text = re.sub(r"Way::Wire => sqlite.*", "Way::Wire => Arc::new(MemoryLedger::new()),", text)
    stage.write_text(text)
    both = to / "tests/it/engine.rs"
    text = both.read_text().replace("mod contract;\n", "")
    text = text.replace("alone(Way::Wire, &play)", "ports.clone(); //").replace("//.await;", "")
    both.write_text(text)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), "thin" in sys.argv[2:])
