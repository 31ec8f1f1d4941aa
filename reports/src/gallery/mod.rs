//! The gallery: an index with a card for each run, which leads to the run's page.

use std::io::{self, Write};

use maud::{Markup, PreEscaped, html};
use squall_sim::text::visible;

use crate::document::{Document, verdict_badge};
use crate::story::Story;
use crate::svg;

/// Rows of a card's picture.
const ROWS: usize = 9;

/// What the index shows of a run.
#[derive(Clone, Debug)]
pub struct Card {
    /// The scenario's name: its path, or `-`.
    scenario: String,
    /// Its title, or what is wrong with it.
    title: String,
    /// `pass`, `fail`, `inconclusive`, `invalid`; `not run` if there was no run.
    verdict: String,
    /// Protocol and seed.
    about: String,
    /// Where its page is, seen from the index.
    page: Option<String>,
    picture: Option<Markup>,
}

impl Card {
    /// The card of a recorded run, whose page is the file `page` beside the index, if it has one.
    pub fn new(story: &Story<'_>, page: Option<String>) -> Self {
        let trace = story.trace;
        let header = &trace.header;
        let verdict = trace.conclusion.as_ref().map_or("unknown", |all| all.verdict.as_str());
        Card {
            scenario: visible(&header.scenario),
            title: visible(&header.title),
            verdict: verdict.to_owned(),
            about: format!("{}, seed {}", visible(&header.protocol), header.seed),
            page,
            picture: Some(svg::thumbnail(story, ROWS)),
        }
    }

    /// The card of a scenario that was not run, and why.
    pub fn not_run(scenario: &str, why: &str) -> Self {
        Card {
            scenario: visible(scenario),
            title: visible(why.lines().next().unwrap_or_default().trim_start_matches("error: ")),
            verdict: "not run".to_owned(),
            about: String::new(),
            page: None,
            picture: None,
        }
    }

    /// Whether there was a run.
    pub fn was_run(&self) -> bool {
        self.picture.is_some()
    }

    /// The folder that the scenario is in.
    fn folder(&self) -> &str {
        self.scenario.rsplit_once('/').map_or("", |(folder, _)| folder)
    }
}

/// Writes the index. Cards of one folder stand together; folders are in the order of their first card.
///
/// # Errors
/// Those of `out`.
pub fn write(cards: &[Card], out: &mut dyn Write) -> io::Result<()> {
    let mut folders: Vec<&str> = Vec::new();
    for card in cards {
        if !folders.contains(&card.folder()) {
            folders.push(card.folder());
        }
    }
    let body = html! {
        header {
            h1 { "Squall: " (cards.len()) @if cards.len() == 1 { " scenario" } @else { " scenarios" } }
            p class="about" {
                @for (verdict, count) in counts(cards) { span { (count) " " (verdict_badge(verdict)) } }
            }
            div class="tools" {
                label for="search" { "Search" }
                input id="search" type="search" autocomplete="off" spellcheck="false"
                    placeholder="words, a path, a protocol";
                label for="verdict" { "Verdict" }
                select id="verdict" {
                    option value="" { "all" }
                    @for (verdict, _) in counts(cards) { option value=(verdict) { (verdict) } }
                }
                output class="count" {}
            }
        }
        main {
            @for folder in folders {
                section class="folder" {
                    h2 { @if folder.is_empty() { "Scenarios" } @else { (folder) } }
                    ul class="cards" {
                        @for card in cards.iter().filter(|card| card.folder() == folder) { (self::card(card)) }
                    }
                }
            }
        }
        svg class="squall-diagram definitions" aria-hidden="true" width="0" height="0" {
            (svg::definitions())
        }
    };
    let document = Document {
        title: "Scenarios",
        styles: &[include_str!("gallery.css"), svg::STYLE],
        scripts: &[include_str!("gallery.js")],
        body,
    };
    out.write_all(document.html().as_bytes())
}

/// How many runs came to each verdict, those that none came to left out.
fn counts(cards: &[Card]) -> Vec<(&'static str, usize)> {
    let all = ["pass", "fail", "inconclusive", "invalid", "not run", "unknown"];
    let count = |word: &str| cards.iter().filter(|card| card.verdict == word).count();
    all.into_iter().map(|word| (word, count(word))).filter(|(_, count)| *count > 0).collect()
}

fn card(card: &Card) -> Markup {
    html! {
        li class="card" data-verdict=(card.verdict) {
            p class="about" { (verdict_badge(&card.verdict)) span class="note" { (card.about) } }
            h3 {
                @match &card.page {
                    Some(page) => a href=(page) { (card.title) },
                    None => (card.title),
                }
            }
            p class="note" { code { (card.scenario) } }
            @if let Some(picture) = &card.picture { (PreEscaped(&picture.0)) }
        }
    }
}
