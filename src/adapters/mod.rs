//! Floor 3: the real world behind the ports. Strangers to one another but for `files`, `http` and `pace`.

pub mod checkout;
pub mod clock;
pub mod digitalocean;
pub mod files;
pub mod folder;
pub mod http;
pub mod ledger;
pub mod mail;
mod mail_dkim;
pub mod mail_letterhead;
mod mail_line;
pub mod pace;
pub mod probe;
pub mod stripe;
pub mod vault;

mod ledger_faults;
mod ledger_lock;
mod ledger_rows;
mod mail_relay;
mod mail_words;
mod stripe_call;
