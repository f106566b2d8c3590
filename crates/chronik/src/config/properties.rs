//! Java's `.properties` format (`java.util.Properties.load`): what `server.properties` is written in.
//!
//! Comments start with `#` or `!`; a key ends at `=`, `:` or white space; a backslash escapes, or continues the line.
//! Bytes are read as UTF-8, or as ISO 8859-1 if they are not that; Java always takes the latter.

use std::borrow::Cow;
use std::fmt;

/// One setting and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key, without escapes.
    pub key: String,
    /// The value, without escapes. White space at its end is part of it.
    pub value: String,
    /// The line that it starts on, from 1.
    pub line: usize,
}

/// A line that is not of the format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The line that the setting starts on, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

/// Every setting, in order; a key may come more than once.
///
/// # Errors
/// A `\u` without four hexadecimal digits: the only thing that Java refuses too.
pub fn parse(bytes: &[u8]) -> Result<Vec<Entry>, Malformed> {
    let text = decode(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    logical_lines(text).into_iter().map(|(line, content)| entry(line, &content)).collect()
}

fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|&byte| char::from(byte)).collect()),
    }
}

/// White space within a line.
fn is_blank(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\u{c}')
}

/// Lines with their continuations, without comments and blank ones, each with the number of its first line.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (at, line) in natural_lines(text).enumerate() {
        let line = line.trim_start_matches(is_blank);
        if open.is_none() && (line.is_empty() || line.starts_with(['#', '!'])) {
            continue;
        }
        let (number, mut content) = open.take().unwrap_or((at + 1, String::new()));
        let backslashes = line.bytes().rev().take_while(|&byte| byte == b'\\').count();
        if backslashes % 2 == 1 {
            content.push_str(&line[..line.len() - 1]);
            // A continuation of nothing is nothing: what follows may be a comment again.
            open = Some((number, content)).filter(|(_, content)| !content.is_empty());
        } else {
            content.push_str(line);
            lines.push((number, content));
        }
    }
    lines.extend(open);
    lines
}

/// Lines ended by a line feed, a carriage return or both.
fn natural_lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        match text.find(['\n', '\r']) {
            None => {
                rest = None;
                Some(text)
            }
            Some(at) => {
                let ending = if text[at..].starts_with("\r\n") { 2 } else { 1 };
                rest = Some(&text[at + ending..]);
                Some(&text[..at])
            }
        }
    })
}

fn entry(line: usize, content: &str) -> Result<Entry, Malformed> {
    let key_end = key_end(content);
    let (key, rest) = content.split_at(key_end);
    let rest = rest.trim_start_matches(is_blank);
    let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest).trim_start_matches(is_blank);
    let unescape =
        |text| unescape(text).ok_or(Malformed { line, reason: "\\u needs four hexadecimal digits" });
    Ok(Entry { key: unescape(key)?, value: unescape(rest)?, line })
}

/// Where the key ends: the first separator that no backslash stands before.
fn key_end(content: &str) -> usize {
    let mut escaped = false;
    for (at, letter) in content.char_indices() {
        if escaped {
            escaped = false;
        } else if letter == '\\' {
            escaped = true;
        } else if letter == '=' || letter == ':' || is_blank(letter) {
            return at;
        }
    }
    content.len()
}

/// The text without escapes; `None` for a bad `\u`. Pairs of surrogates are joined as Java's strings join them.
fn unescape(text: &str) -> Option<String> {
    if !text.contains('\\') {
        return Some(text.to_owned());
    }
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let plain = match letter {
            '\\' => match letters.next() {
                None => break,
                Some('u') => {
                    let digits: String = letters.by_ref().take(4).collect();
                    let valid = digits.len() == 4 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
                    units.push(u16::from_str_radix(&digits, 16).ok().filter(|_| valid)?);
                    continue;
                }
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('f') => '\u{c}',
                Some(other) => other,
            },
            other => other,
        };
        units.extend_from_slice(plain.encode_utf16(&mut [0; 2]));
    }
    Some(String::from_utf16_lossy(&units))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn shown(text: &str) -> String {
        match parse(text.as_bytes()) {
            Ok(entries) => entries
                .iter()
                .map(|entry| format!("{}: {:?} = {:?}", entry.line, entry.key, entry.value))
                .fold(String::new(), |text, line| text + &line + "\n"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn separators_comments_and_continuations_are_javas() {
        let text = "# comment\n! comment too\n\n  a=1\nb : 2\nc 3\nd\ne==4\nf = = 5\n g\t=\t6 \nlist=x,\\\n    y,\\\n  z\n\
                    # not continued \\\nh=7\r\ni=8\rj=9\nend=\\";
        expect![[r#"
            4: "a" = "1"
            5: "b" = "2"
            6: "c" = "3"
            7: "d" = ""
            8: "e" = "=4"
            9: "f" = "= 5"
            10: "g" = "6 "
            11: "list" = "x,y,z"
            15: "h" = "7"
            16: "i" = "8"
            17: "j" = "9"
            18: "end" = ""
        "#]]
        .assert_eq(&shown(text));
    }

    #[test]
    fn escapes_are_javas() {
        let text = r"a\=b\ c\:d=e\tf\\g\q
u=\u00e9\u20AC\uD83D\uDE00
=no key
two\\=backslashes
even=a\\
x=1";
        expect![[r#"
            1: "a=b c:d" = "e\tf\\gq"
            2: "u" = "é€😀"
            3: "" = "no key"
            4: "two\\" = "backslashes"
            5: "even" = "a\\"
            6: "x" = "1"
        "#]]
        .assert_eq(&shown(text));
        expect!["line 2: \\u needs four hexadecimal digits"].assert_eq(&shown("a=1\nb=\\u12x4"));
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_read_as_latin_1() {
        assert_eq!(parse(b"a=\xe9").unwrap()[0].value, "é");
        assert_eq!(parse("a=é".as_bytes()).unwrap()[0].value, "é");
        assert_eq!(parse(b"").unwrap(), []);
    }
}
