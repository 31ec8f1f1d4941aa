//! What all pages have in common: one file each, which loads nothing and opens from disk.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use squall_sim::text::visible;

/// The style of all pages.
const STYLE: &str = include_str!("base.css");

/// What a page shows and does.
pub(crate) struct Document<'a> {
    /// The window's title.
    pub title: &'a str,
    /// Its own style, behind that of all pages.
    pub styles: &'a [&'a str],
    /// Its scripts, in the order in which they need each other.
    pub scripts: &'a [&'a str],
    /// What is on it.
    pub body: Markup,
}

impl Document<'_> {
    /// The page. Nothing is loaded, and nothing runs but its own scripts, whatever a text of a scenario says.
    pub fn html(&self) -> String {
        let script = if self.scripts.is_empty() { "" } else { "script-src 'unsafe-inline'; " };
        let policy = format!(
            "default-src 'none'; style-src 'unsafe-inline'; {script}img-src data:; base-uri 'none'; \
             form-action 'none'"
        );
        let markup = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(policy);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    // Or a browser would ask for one.
                    link rel="icon" href="data:,";
                    title { (self.title) " - squall" }
                    style { (PreEscaped(STYLE)) @for style in self.styles { (PreEscaped(style)) } }
                }
                body {
                    (self.body)
                    footer { "Drawn by squall " (env!("CARGO_PKG_VERSION")) "." }
                    @if !self.scripts.is_empty() {
                        script {
                            (PreEscaped("(() => {\n\"use strict\";\n"))
                            @for script in self.scripts { (PreEscaped(script)) }
                            (PreEscaped("})();\n"))
                        }
                    }
                }
            }
        };
        markup.into_string() + "\n"
    }
}

/// The verdict as a word on its colour.
pub(crate) fn verdict_badge(verdict: &str) -> Markup {
    let known = ["pass", "fail", "inconclusive", "invalid"].iter().find(|word| **word == verdict);
    html! { strong class={ "verdict " (known.unwrap_or(&"unknown")) } { (visible(verdict)) } }
}
