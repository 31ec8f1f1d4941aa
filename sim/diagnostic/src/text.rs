//! Words for messages.

/// The longest piece of a file that a message repeats, in characters.
const LONGEST_QUOTE: usize = 40;

/// True for what a terminal might obey or hide instead of showing it.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{fff0}'..='\u{fff8}' | '\u{fffe}' | '\u{ffff}')
        || matches!(c, '\u{e0000}'..='\u{e0fff}')
}

/// Replaces what a terminal might obey by visible characters of as many bytes, so that spans hold.
/// Tabs stay: the renderer widens them.
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

/// `text` with everything that a terminal might obey replaced.
pub fn visible(text: &str) -> String {
    let replace = |c: char| if is_invisible(c) { '\u{fffd}' } else { c };
    text.chars().map(replace).collect()
}

/// A piece of a file for a message: in backquotes, shortened if it is long.
pub fn quote(text: &str) -> String {
    match text.char_indices().nth(LONGEST_QUOTE) {
        Some((end, _)) => format!("`{}...`", visible(&text[..end])),
        None => format!("`{}`", visible(text)),
    }
}

/// The word of `known` most like `word`, if one is like enough to be meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Nobody means a name by a word this long, and the distance takes time in both lengths.
    if word.len() > 64 {
        return None;
    }
    let plain = |text: &str| text.to_lowercase().replace(['-', ' '], "_");
    let word = plain(word);
    let distance = |known: &str| {
        let known = plain(known);
        // A word cut short, or with something added, is as near as a word with one slip.
        let cut = known.starts_with(&word) || word.starts_with(&known);
        match cut && word != known && word.len().min(known.len()) >= 4 {
            true => 1,
            false => strsim::damerau_levenshtein(&word, &known),
        }
    };
    let known = known.into_iter().map(|one| (distance(one), one));
    let (distance, best) = known.min_by_key(|(distance, _)| *distance)?;
    let allowed = (word.chars().count().max(best.chars().count()) / 3).max(1);
    (distance <= allowed && distance < best.chars().count()).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_near_when_a_slip_explains_it() {
        let known = ["loss", "delay", "receive_buffer", "to"];
        assert_eq!(nearest("los", known), Some("loss"));
        assert_eq!(nearest("Delay", known), Some("delay"));
        assert_eq!(
            nearest("corrupt_memory", ["corrupt", "corrupt-memory"]),
            Some("corrupt-memory")
        );
        assert_eq!(nearest("receive-bufer", known), Some("receive_buffer"));
        assert_eq!(nearest("receive", known), Some("receive_buffer"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("x", known), None);
        assert_eq!(nearest(&"loss".repeat(1000), known), None);
    }

    #[test]
    fn nothing_invisible_is_left() {
        let hostile = "a\u{1b}[31m\r\n\u{202e}b\u{9b}\u{feff}\tc";
        assert!(visible(hostile).chars().all(|c| !is_invisible(c)));
        assert_eq!(same_length(hostile).len(), hostile.len());
        assert_eq!(visible("héllo – 漢字"), "héllo – 漢字");
    }
}
