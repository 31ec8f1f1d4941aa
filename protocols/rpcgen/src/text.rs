//! Words for messages.

/// The longest piece of a file that a message repeats, in characters.
const LONGEST_QUOTE: usize = 40;

/// True for what a terminal might obey or hide instead of showing it.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{e0000}'..='\u{e0fff}')
}

/// `text` with everything that a terminal might obey replaced.
pub(crate) fn visible(text: &str) -> String {
    text.chars().map(|c| if is_invisible(c) { '\u{fffd}' } else { c }).collect()
}

/// The same with as many bytes, so that places hold. Tabs stay: the renderer widens them.
pub(crate) fn same_length(text: &str) -> String {
    let replace = |c: char| match (is_invisible(c), c.len_utf8()) {
        (false, _) => c,
        (true, 1) if c == '\t' => c,
        (true, 1) => '?',
        (true, 2) => '\u{bf}',
        (true, 3) => '\u{fffd}',
        (true, _) => '\u{1f6ab}',
    };
    text.chars().map(replace).collect()
}

/// A piece of a file for a message: in backquotes, shortened if it is long.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(LONGEST_QUOTE) {
        Some((end, _)) => format!("`{}...`", visible(&text[..end])),
        None => format!("`{}`", visible(text)),
    }
}

/// The word of `known` most like `word`, if one is like enough to be meant.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Nobody means a name by a word this long, and the distance takes time in both lengths.
    if word.len() > 64 {
        return None;
    }
    let plain = word.to_lowercase();
    let near = known.into_iter().filter(|one| one.len() <= 64);
    let measured = near.map(|one| (strsim::damerau_levenshtein(&plain, &one.to_lowercase()), one));
    let (distance, best) = measured.min_by_key(|(distance, _)| *distance)?;
    let allowed = (word.chars().count().max(best.chars().count()) / 3).max(1);
    (distance <= allowed && distance < best.chars().count()).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_near_when_a_slip_explains_it() {
        let known = ["colour", "addargs", "x"];
        assert_eq!(nearest("color", known), Some("colour"));
        assert_eq!(nearest("Addargs", known), Some("addargs"));
        assert_eq!(nearest("mixed", known), None);
        assert_eq!(nearest("y", known), None);
        assert_eq!(nearest(&"colour".repeat(1000), known), None);
    }

    #[test]
    fn nothing_invisible_is_left() {
        let hostile = "a\u{1b}[31m\r\n\u{202e}b\u{9b}\u{feff}\tc";
        assert!(visible(hostile).chars().all(|c| !is_invisible(c)));
        assert_eq!(same_length(hostile).len(), hostile.len());
        assert_eq!(quoted(&"x".repeat(50)), format!("`{}...`", "x".repeat(40)));
    }
}
