//! What a process keeps to itself when it dies: no core file, no debugger at its memory, no values in a panic.

use std::any::Any;
use std::panic::{self, Location};

use super::say;
use crate::wire::redact::redact_line;

/// For this process, to its end. A system that does not know one of these is no reason not to run.
pub(super) fn hush() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    }
    // A limit of 0 does not hold back a core that is piped to a handler; this does. See core(5), prctl(2).
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
    panic::set_hook(Box::new(|panic| say::remark(&last_words(panic.payload(), panic.location()))));
}

/// What a panic says. A message that was put together may hold any value, a password too: only one that stands
/// in the source as it is is repeated.
pub fn last_words(payload: &(dyn Any + Send), at: Option<&Location<'_>>) -> String {
    let what = match payload.downcast_ref::<&'static str>() {
        Some(words) => redact_line(words, 300),
        None => "its words may hold a secret and are not shown".to_owned(),
    };
    let place = at.map_or_else(String::new, |at| format!(" at {}:{}:{}", at.file(), at.line(), at.column()));
    format!(
        "error: basement panicked{place}: {what}\nhint: this is a bug of basement; what was written down goes on with the next run"
    )
}
