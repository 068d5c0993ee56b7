//! The tables: who stands on which floor, what is banned where, and the exceptions, each with its reason.

/// Modules of the crate and their floors. A module may name those on floors below, and itself.
pub const FLOORS: [(&str, u8); 12] = [
    ("model", 0),
    ("fleet", 1),
    ("plan", 1),
    ("render", 1),
    ("ports", 2),
    ("wire", 2),
    ("adapters", 3),
    ("sim", 3),
    ("engine", 3),
    ("daemon", 4),
    ("rehearse", 4),
    ("cli", 5),
];

/// Modules that name no concrete adapter, though they stand above them.
pub const NO_ADAPTERS: [&str; 2] = ["daemon", "rehearse"];

/// Within `cli`, this file alone names concrete adapters …
pub const WIRING: &str = "src/cli/wiring.rs";

/// … except these, which every command may use: the fleet's folder, or a file with a secret, is no vendor.
pub const PLAIN_ADAPTERS: [&str; 2] = ["files", "folder"];

/// Adapters that the other adapters may use: one HTTP exchange, the request budget, private files, the clock.
pub const SHARED_ADAPTERS: [&str; 4] = ["http", "pace", "files", "clock"];

/// Most lines of a file, and of a function.
pub const FILE_LINES: usize = 400;
/// See [`FILE_LINES`].
pub const FUNCTION_LINES: usize = 70;
/// Most lines of `src/main.rs`.
pub const MAIN_LINES: usize = 20;
/// Most lines of the `//!` at the head of a file.
pub const HEAD_LINES: usize = 5;
/// The map of the crate may be longer.
pub const LONG_HEADS: [&str; 1] = ["src/lib.rs"];

/// A word, below which floor it is banned (99: everywhere in `src`), and what to do instead.
pub const BANNED: [(&str, u8, &str); 29] = [
    ("SystemTime::now", 3, "take the moment as an argument"),
    ("Instant::now", 3, "take the moment as an argument"),
    ("Timestamp::now", 3, "take the moment as an argument"),
    ("Zoned::now", 3, "take the moment as an argument"),
    ("rand", 3, "randomness is for secrets, in `adapters`"),
    ("getrandom", 3, "randomness is for secrets, in `adapters`"),
    ("std::fs", 3, "take the bytes as an argument; files are read in `adapters`"),
    ("std::net::TcpStream", 3, "ask through a port"),
    ("std::process", 3, "ask through a port"),
    ("std::thread", 3, "pure code has no threads"),
    ("std::env", 3, "take the value as an argument; the environment is read in `cli`"),
    ("tokio", 3, "waiting is done in `engine` and `adapters`"),
    ("reqwest", 3, "ask through a port"),
    ("sqlx", 3, "ask through `ports::Ledger`"),
    ("tracing", 3, "return what is worth saying; pure code does not log"),
    ("async", 2, "pure code does not wait"),
    (".await", 2, "pure code does not wait"),
    ("HashMap", 3, "use a `BTreeMap`: what is iterated is ordered"),
    ("HashSet", 3, "use a `BTreeSet`: what is iterated is ordered"),
    (".unwrap()", 3, "return an error, or `expect` with the reason why it cannot happen"),
    ("panic!", 3, "return an error"),
    ("println!", 5, "return the words; `cli` prints them"),
    ("print!", 5, "return the words; `cli` prints them"),
    ("eprintln!", 5, "log with `tracing`, or return the words"),
    ("dbg!", 99, "take it out"),
    ("todo!", 99, "write it, or leave it out"),
    ("unimplemented!", 99, "write it, or leave it out"),
    ("cfg(test)", 99, "tests live in `tests/`"),
    ("unsafe", 99, "find a safe way"),
];

/// Uses of a banned word that are right: file, word, and why.
pub const ALLOWED: [(&str, &str, &str); 0] = [];

/// Words banned in tests as well as in `src`.
pub const BANNED_EVERYWHERE: [(&str, &str); 5] = [
    ("#[ignore", "mend the test, or take it out"),
    ("todo!", "write it, or leave it out"),
    ("dbg!", "take it out"),
    ("thread::sleep", "use a clock of the test's own"),
    ("time::sleep", "use a clock of the test's own, or `ports::Clock`"),
];

/// Real waiting that is right: files that own a real clock or a real peer, and why.
pub const MAY_SLEEP: [(&str, &str); 4] = [
    ("src/adapters/clock.rs", "it is the real clock"),
    ("src/adapters/ledger.rs", "another process has the file; SQLite says so at once, in real time"),
    ("src/sim/edge.rs", "a simulator answers late in real time, whatever its own clock says"),
    ("src/sim/world.rs", "a simulator in real time waits in real time"),
];
