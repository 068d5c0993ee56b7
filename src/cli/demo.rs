//! `basement demo`: plays a scenario with the real commands, on real files, against the simulator.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::model::desired::{DesiredState, Server};
use crate::model::ids::SubscriptionId;
use crate::model::moment::Moment;
use crate::model::money::{Money, Totals};
use crate::rehearse::script::{self, Act};
use crate::render;
use crate::sim::billing::Books;
use crate::sim::billing_life::Subscribe;
use crate::sim::server::{self, Options, Running};
use crate::sim::whim::{Told, Whim};
use crate::sim::world::{Delivered, lock};

use super::error::{Failure, code};
use super::{project, say, sim, watch, wiring};

/// The file that says that a folder is a demo's, and may be replaced by the next one.
const MARK: &str = ".basement-demo";

/// Arguments of `basement demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Where the demo's fleet repository is made, and kept.
    #[arg(long, default_value = "basement-demo", value_name = "FOLDER")]
    folder: PathBuf,
    /// Another scenario than the built-in one.
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
}

/// What the demo is made of.
struct Stage {
    running: Running,
    folder: PathBuf,
    letters_shown: usize,
    kinds_shown: BTreeSet<String>,
}

pub(super) async fn run(args: &DemoArgs) -> Result<u8, Failure> {
    let text = match &args.scenario {
        None => include_str!("../../examples/demo.yaml").to_owned(),
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| Failure::plain(format!("`{}` cannot be read: {error}", path.display())))?,
    };
    let acts =
        script::parse(&text).map_err(|error| Failure::new(error.to_string(), "see `examples/demo.yaml`"))?;
    let folder = fresh_folder(&args.folder)?;
    let options = Options { books: Books::new(), ..Options::default() };
    let running = server::start(options).await.map_err(|error| Failure::plain(error.to_string()))?;
    let mut stage = Stage { running, folder, letters_shown: 0, kinds_shown: BTreeSet::new() };
    tell(&format!(
        "A simulated DigitalOcean, Stripe and mail relay listen on this machine. Nothing leaves it, and time \
         goes by in leaps. The fleet repository is `{}`.",
        stage.folder.display()
    ));
    stage.command("init", code::DONE).await?;
    for act in acts {
        stage.play(act).await?;
    }
    tell(&format!(
        "That was all of it. The files and the ledger are in `{}`. What was done, line by line:",
        stage.folder.display()
    ));
    say::tell(&format!("basement -C {} history", stage.folder.display()));
    Ok(code::DONE)
}

impl Stage {
    async fn play(&mut self, act: Act) -> Result<(), Failure> {
        match act {
            Act::Say(text) => tell(&text),
            Act::Run(command) => self.command(&command, code::DONE).await?,
            Act::RunFor { command, code } => self.command(&command, code).await?,
            Act::Letters => self.letters(),
            Act::Money => self.money().await?,
            Act::Advance(span) => {
                let mut world = lock(&self.running.world);
                let to = world.now_ms() + i64::try_from(span.as_duration().as_millis()).unwrap_or(i64::MAX);
                world.advance_to(to);
            }
            Act::NextBootSticks => {
                let told = Told { whim: Whim::StuckNew, server: None, times: 1 };
                lock(&self.running.world).cloud().whims.tell(told);
            }
            Act::DeleteDroplet(user) => self.delete_droplet(&user)?,
            Act::Subscribe { user, name, price } => {
                let order = Subscribe {
                    email: format!("{user}@example.com"),
                    user_id: Some(user),
                    name,
                    lookup_key: price,
                    ..Subscribe::default()
                };
                self.books(|books, now| books.subscribe(now, order).map(|_| ()))?;
            }
            Act::Cancel(user) => self.customer(&user, Books::cancel)?,
            Act::StopPaying(user) => self.customer(&user, Books::stop_paying)?,
            Act::Pay(user) => self.customer(&user, Books::pay)?,
        }
        Ok(())
    }

    /// Runs this very program, as a person would.
    async fn command(&self, words: &str, wants: u8) -> Result<(), Failure> {
        say::tell(&format!("\n\x1b[1m$ basement {words}\x1b[0m"));
        let program = std::env::current_exe().map_err(|error| Failure::plain(error.to_string()))?;
        let status = tokio::process::Command::new(program)
            .args(words.split_whitespace())
            .arg("-C")
            .arg(&self.folder)
            .envs(sim::environment(&self.running))
            .env("BASEMENT_CLOCK_URL", self.running.http_url())
            .env("DIGITALOCEAN_TOKEN", "simulated")
            .env("STRIPE_API_KEY", "sk_test_simulated")
            .env_remove("BASEMENT_SEAL_KEYS")
            .stdin(std::process::Stdio::null())
            .status()
            .await
            .map_err(|error| Failure::plain(format!("`basement {words}` did not start: {error}")))?;
        match status.code() {
            Some(code) if code == i32::from(wants) => Ok(()),
            code => Err(Failure::plain(format!("`basement {words}` ended with {code:?}, not with {wants}"))),
        }
    }

    /// Shows the letters that came since the last time: the first of each kind in full.
    fn letters(&mut self) {
        let world = lock(&self.running.world);
        for letter in world.outbox.iter().skip(self.letters_shown) {
            let kind = letter.message_id.split('.').nth(2).unwrap_or("letter").to_owned();
            say::tell(&format!("\n\x1b[1m@ to {}: {}\x1b[0m", letter.to, letter.subject));
            if self.kinds_shown.insert(kind) {
                shown(letter).lines().for_each(|line| say::tell(format!("    {line}").trim_end()));
            }
        }
        self.letters_shown = world.outbox.len();
    }

    /// Revenue and cost a month as the plan sees them, and what the ledger says was refunded.
    async fn money(&self) -> Result<(), Failure> {
        let project = project::load(&self.folder)?;
        let history = wiring::history(&project).await?;
        let now = lock(&self.running.world).now();
        let (mut revenue, mut cost, mut refunded) = (Totals::default(), Totals::default(), Totals::default());
        let running =
            project.fleet.servers.values().filter(|server| server.state_at(now) == DesiredState::Running);
        running.filter_map(Server::revenue).for_each(|amount| revenue.add(amount));
        lock(&self.running.world)
            .cloud()
            .machines()
            .for_each(|machine| cost.add(Money::usd(machine.size.cents)));
        history.refunds_since(Moment::from_unix(0)).into_iter().for_each(|amount| refunded.add(amount));
        say::print(&format!("\n{}", render::money::money_table(&revenue, &cost, &refunded)))
    }

    fn delete_droplet(&self, user: &str) -> Result<(), Failure> {
        let tag = format!("user-{user}");
        let mut world = lock(&self.running.world);
        let id =
            world.cloud().machines().find(|machine| machine.tags.contains(&tag)).map(|machine| machine.id);
        if id.is_some_and(|id| world.cloud().remove_by_hand(id)) {
            Ok(())
        } else {
            Err(Failure::plain(format!("user `{user}` has no droplet")))
        }
    }

    fn customer(
        &self,
        user: &str,
        change: impl FnOnce(&mut Books, Moment, &SubscriptionId) -> Result<(), crate::sim::billing::Refusal>,
    ) -> Result<(), Failure> {
        self.books(|books, now| match books.of_user(user).first() {
            Some(id) => change(books, now, id),
            None => Ok(()),
        })
    }

    fn books(
        &self,
        change: impl FnOnce(&mut Books, Moment) -> Result<(), crate::sim::billing::Refusal>,
    ) -> Result<(), Failure> {
        let now = lock(&self.running.world).now();
        let mut books = self.running.books.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        change(&mut books, now).map_err(|refusal| Failure::plain(refusal.message))
    }
}

/// An empty folder with our mark; one of an earlier demo is replaced, any other is left alone.
fn fresh_folder(path: &Path) -> Result<PathBuf, Failure> {
    let fail = |error: std::io::Error| {
        Failure::new(format!("`{}`: {error}", path.display()), "name another folder with `--folder`")
    };
    if path.join(MARK).exists() {
        std::fs::remove_dir_all(path).map_err(fail)?;
    }
    if path.exists() {
        return Err(Failure::new(
            format!("`{}` is there already, and no demo made it", path.display()),
            "name another folder with `--folder`",
        ));
    }
    std::fs::create_dir_all(path).map_err(fail)?;
    std::fs::write(path.join(MARK), "Made by `basement demo`, which replaces this folder.\n")
        .map_err(fail)?;
    path.canonicalize().map_err(fail)
}

fn tell(text: &str) {
    let width = watch::width().clamp(40, 100) - 2;
    say::tell(&format!("\n\x1b[36m# {}\x1b[0m", render::tables::wrap(text, width).join("\n# ")));
}

/// A letter's text, with its password as dots: a terminal's scroll-back is no place for one.
fn shown(letter: &Delivered) -> String {
    let is_password = |word: &&str| word.len() == 32 && word.bytes().all(|b| b.is_ascii_alphanumeric());
    let mut text = letter.text.clone();
    for word in letter.text.split_whitespace().filter(is_password) {
        text = text.replace(word, &"•".repeat(32));
    }
    text
}
