//! Takes mails into the world's outbox, from either door, unless trouble says otherwise.

use std::sync::Arc;

use crate::sim::requests::Vendor;
use crate::sim::smtp::{self, Post, Posted, Verdict};
use crate::sim::trouble::Mishap;
use crate::sim::world::{Call, Delivered, Shared, World, lock};

/// The call that mails announce themselves with.
pub const MAIL: Call<'static> = Call { vendor: Vendor::Mail, method: "SMTP", path: "mail", token: "" };

/// The mail server's other end.
pub fn post(world: Shared) -> Post {
    Arc::new(move |posted: Posted| {
        let mut world = lock(&world);
        let verdict = match world.admit(&MAIL).mishap {
            None | Some(Mishap::Slow(_) | Mishap::Shifted) => Verdict::Accept,
            Some(Mishap::Drop) => Verdict::DropAfterData,
            Some(Mishap::FailAfter(code) | Mishap::FailBefore(code)) => reject(code),
            Some(Mishap::Html502 | Mishap::RateMinute | Mishap::RateHour | Mishap::Locked) => reject(451),
        };
        if matches!(verdict, Verdict::Accept | Verdict::DropAfterData) {
            take(&mut world, posted);
        }
        verdict
    })
}

/// A mail's fixed part of its Message-ID: what stands before the `@`, without brackets.
pub fn local_part(message_id: &str) -> &str {
    let inner = message_id.trim().trim_start_matches('<').trim_end_matches('>');
    inner.split('@').next().unwrap_or_default()
}

fn take(world: &mut World, posted: Posted) {
    let letter = smtp::parse(&posted.data);
    let delivered = Delivered {
        at: world.now(),
        to: posted.to.join(", "),
        subject: letter.subject,
        message_id: local_part(&letter.message_id).to_owned(),
        text: letter.text,
        html: letter.html,
        raw: posted.data,
    };
    world.outbox.push(delivered);
}

/// A refusal's status and words. A status that is none of SMTP's becomes a passing one.
pub fn rejection(code: u16) -> (u16, &'static str) {
    match code {
        521..=556 => (code, "5.1.1 mailbox unavailable"),
        421..=455 => (code, "4.7.1 please try again later"),
        _ => (451, "4.7.1 please try again later"),
    }
}

fn reject(code: u16) -> Verdict {
    let (code, text) = rejection(code);
    Verdict::Reject { code, text: text.to_owned() }
}
