//! Splits Rust source into code, comments and literals, so that a rule about one is not fooled by another.
//!
//! This is a lexer for exactly that: strings (plain, raw, byte, C), characters against lifetimes, line comments
//! and nested block comments. Blanked parts keep their newlines, so line numbers stay true.

/// One file, split.
pub struct Source {
    /// The file with comments and the contents of literals replaced by spaces.
    pub code: String,
    /// The file with all but the text of comments replaced by spaces.
    pub comments: String,
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Code,
    Comment,
    Literal,
}

impl Source {
    pub fn split(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let mut parts = vec![Part::Code; chars.len()];
        let mut at = 0;
        while at < chars.len() {
            let (part, end) = token(&chars, at);
            parts[at..end].fill(part);
            at = end;
        }
        let keep = |wanted: Part| {
            chars
                .iter()
                .zip(&parts)
                .map(|(&c, &part)| if part == wanted || c == '\n' { c } else { ' ' })
                .collect()
        };
        Self { code: keep(Part::Code), comments: keep(Part::Comment) }
    }
}

/// The kind and the end of what starts at `at`.
fn token(chars: &[char], at: usize) -> (Part, usize) {
    let next = chars.get(at + 1).copied();
    match chars[at] {
        '/' if next == Some('/') => (Part::Comment, find(chars, at, '\n')),
        '/' if next == Some('*') => (Part::Comment, block_comment(chars, at)),
        '"' => (Part::Literal, string(chars, at)),
        '\'' => character(chars, at),
        c if is_word(c) => {
            let end = (at..chars.len()).find(|&i| !is_word(chars[i])).unwrap_or(chars.len());
            let word: String = chars[at..end].iter().collect();
            match word.as_str() {
                "r" | "br" | "cr" => {
                    raw_string(chars, end).map_or((Part::Code, end), |end| (Part::Literal, end))
                }
                "b" | "c" if chars.get(end) == Some(&'"') => (Part::Literal, string(chars, end)),
                _ => (Part::Code, end),
            }
        }
        _ => (Part::Code, at + 1),
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn find(chars: &[char], from: usize, wanted: char) -> usize {
    (from..chars.len()).find(|&i| chars[i] == wanted).unwrap_or(chars.len())
}

fn block_comment(chars: &[char], start: usize) -> usize {
    let (mut at, mut depth) = (start + 2, 1);
    while at < chars.len() && depth > 0 {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (at, depth) = (at + 2, depth + 1),
            ('*', Some('/')) => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
    }
    at
}

fn string(chars: &[char], quote: usize) -> usize {
    let mut at = quote + 1;
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

/// The end of a raw string whose hashes or quote start at `at`, if there is one.
fn raw_string(chars: &[char], at: usize) -> Option<usize> {
    let hashes = chars[at..].iter().take_while(|&&c| c == '#').count();
    if chars.get(at + hashes) != Some(&'"') {
        return None;
    }
    let mut quote = at + hashes;
    loop {
        quote = find(chars, quote + 1, '"');
        if quote >= chars.len() {
            return Some(chars.len());
        }
        if chars[quote + 1..].iter().take_while(|&&c| c == '#').count() >= hashes {
            return Some(quote + 1 + hashes);
        }
    }
}

/// A character literal, or else the tick of a lifetime or label.
fn character(chars: &[char], tick: usize) -> (Part, usize) {
    match (chars.get(tick + 1), chars.get(tick + 2)) {
        (Some('\\'), _) => (Part::Literal, (find(chars, tick + 3, '\'') + 1).min(chars.len())),
        (Some(_), Some('\'')) => (Part::Literal, tick + 3),
        _ => (Part::Code, tick + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::Source;

    #[test]
    fn literals_and_comments_are_told_apart() {
        let text = "let a = \"// no\"; // yes 'x\n/* b /* c */ \"d\" */ fn f<'a>(c: char) { c == '\"' } r#\"x\"y\"# '\\'' e";
        let source = Source::split(text);
        assert_eq!(
            source.comments.split_whitespace().collect::<Vec<_>>().join(" "),
            "// yes 'x /* b /* c */ \"d\" */"
        );
        let code = source.code.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(code, "let a = ; fn f<'a>(c: char) { c == } e");
        assert_eq!(source.code.matches('\n').count(), 1);
    }
}
