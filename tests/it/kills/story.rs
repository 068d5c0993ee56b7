//! The story of one seed: customers come and go, applies are killed and begun again, in one of three ways.

use std::time::Duration;

use basement::model::moment::Span;
use basement::sim::billing::Books;

use super::Told;
use super::knife::{self, Knife};
use super::shop::Shop;

/// How often the shop's life changes.
const ROUNDS: u64 = 3;

/// Tells the story of a seed.
pub fn tell(seed: u64) -> Told {
    let ways: [fn(&mut Shop); 3] = [kill_one, pull_plug, race];
    let mut shop = Shop::open(seed);
    let way = ways[usize::try_from(seed % 3).expect("small")];
    for _ in 0..4 + shop.dice.below(3) {
        shop.join();
    }
    if shop.dice.below(2) == 0 {
        shop.whim();
    }
    for _ in 0..ROUNDS {
        for _ in 0..2 + shop.dice.below(2) {
            happen(&mut shop);
            shop.generate();
            way(&mut shop);
            shop.judge();
        }
        way(&mut shop);
        shop.judge();
        if shop.dice.below(2) == 0 {
            let mut child = shop.apply();
            shop.end(&mut child);
            shop.judge();
        }
    }
    shop.calm();
    let broken = shop.broken.iter();
    let broken = broken.map(|broken| format!("seed {seed}: {broken}\n{}", shop.last_words())).collect();
    Told { tally: shop.tally, broken }
}

/// Something in the life of a shop.
fn happen(shop: &mut Shop) {
    match shop.dice.below(16) {
        0..=3 => shop.join(),
        4 | 5 => {
            shop.whim();
            shop.join();
        }
        6 => shop.customer(Books::cancel),
        7 => {
            shop.customer(Books::cancel);
            shop.advance(Span::days(8));
        }
        8 | 9 => shop.customer(|books, now, id| books.switch_off(now, id, !books.is_switched_off(id))),
        10 | 11 => {
            shop.customer(Books::stop_paying);
            let span = *shop.dice.pick(&[Span::days(32), Span::days(45), Span::days(60)]);
            shop.advance(span);
        }
        12 => shop.customer(Books::pay),
        13 => shop.customer(Books::pause),
        14 => shop.delete_by_hand(),
        _ => {
            let span = *shop.dice.pick(&[Span::minutes(2), Span::days(1), Span::days(8)]);
            shop.advance(span);
        }
    }
}

/// An apply is killed, and so is the one that goes on with its work, unless it ends before the knife falls.
fn kill_one(shop: &mut Shop) {
    for _ in 0..3 {
        let knife = Knife::throw(&shop.bench, &mut shop.dice);
        let mut child = [shop.apply()];
        let last = knife.wait(&shop.bench, &mut child);
        if !shop.kill(&mut child[0], "plain", last) {
            return;
        }
    }
}

/// The vendors go away and come back while an apply runs, which is killed meanwhile or later.
fn pull_plug(shop: &mut Shop) {
    let is_away = shop.dice.below(4) == 0;
    if is_away {
        shop.bench.pull_plug();
    }
    let mut child = [shop.apply()];
    if is_away {
        let time = shop.dice.below(150);
        knife::pause(&shop.bench, Duration::from_millis(time));
        put_plug(shop);
    }
    for _ in 0..=shop.dice.below(2) {
        let knife = Knife::throw(&shop.bench, &mut shop.dice);
        let last = knife.wait(&shop.bench, &mut child);
        if child[0].code().is_some() {
            break;
        }
        shop.bench.pull_plug();
        shop.tally.add("times the simulator was stopped", 1);
        let time = shop.dice.below(40);
        knife::pause(&shop.bench, Duration::from_millis(time));
        let is_killed = shop.dice.below(3) == 0 && shop.kill(&mut child[0], "the simulator being away", last);
        put_plug(shop);
        if is_killed {
            child = [shop.apply()];
        }
    }
    let knife = Knife::throw(&shop.bench, &mut shop.dice);
    let last = knife.wait(&shop.bench, &mut child);
    shop.kill(&mut child[0], "the simulator having been away", last);
}

/// Two applies at once on one ledger, and another one when one of them is about to be killed; in the end all
/// are, or are spared.
fn race(shop: &mut Shop) {
    let mut children = vec![shop.apply(), shop.apply()];
    for _ in 0..2 {
        let knife = Knife::throw(&shop.bench, &mut shop.dice);
        let last = knife.wait(&shop.bench, &mut children);
        let newest = shop.apply();
        let time = shop.dice.below(80);
        knife::pause(&shop.bench, Duration::from_millis(time));
        for mut child in std::mem::take(&mut children) {
            if child.code().is_some() || shop.dice.below(3) > 0 {
                shop.kill(&mut child, "racing", last);
            } else {
                children.push(child);
            }
        }
        children.push(newest);
    }
    let knife = Knife::throw(&shop.bench, &mut shop.dice);
    let is_spared = shop.dice.below(2) == 0;
    let last = if is_spared { "" } else { knife.wait(&shop.bench, &mut children) };
    for mut child in children {
        if is_spared {
            shop.end(&mut child);
        } else {
            shop.kill(&mut child, "racing", last);
        }
    }
}

/// Another program may have been given the port for a moment.
fn put_plug(shop: &mut Shop) {
    for _ in 0..1_000 {
        if shop.bench.put_plug() {
            return;
        }
        knife::pause(&shop.bench, Duration::from_millis(5));
    }
    panic!("the simulator's addresses stay taken");
}
