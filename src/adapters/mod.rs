//! Floor 3: the real world behind the ports. Strangers to one another but for `files`, `http` and `pace`.

mod files;
pub mod http;
pub mod ledger;
mod ledger_faults;
mod ledger_lock;
mod ledger_rows;
pub mod mail;
mod mail_relay;
pub mod vault;
