//! `host:port`, as `--bootstrap-server` takes it; an IPv6 address stands in brackets.

use std::fmt;
use std::str::FromStr;

/// Kafka's port, for an address that names none.
const PORT: u16 = 9092;

/// Where a broker listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub host: String,
    pub port: u16,
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        // A scheme is a habit from other tools, and harmless.
        let text = text.rsplit_once("://").map_or(text, |(_, rest)| rest);
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']').ok_or_else(|| format!("no ']' in {text:?}"))?;
                (host, rest.strip_prefix(':'))
            }
            None => text.rsplit_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
        };
        if host.is_empty() || host.contains(char::is_whitespace) {
            return Err(format!("{text:?} has no host; write host:port, such as localhost:9092"));
        }
        if text.starts_with(|c: char| c != '[') && host.contains(':') {
            return Err(format!("write the IPv6 address in brackets: [{host}]:{}", port.unwrap_or("9092")));
        }
        let port = match port {
            None => PORT,
            Some(digits) => match digits.parse() {
                Ok(port) if port > 0 => port,
                _ => return Err(format!("{digits:?} is no port; write host:port, such as localhost:9092")),
            },
        };
        Ok(Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            return write!(f, "[{}]:{}", self.host, self.port);
        }
        write!(f, "{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        let show = |text: &str| text.parse::<Address>().map(|address| address.to_string());
        assert_eq!(show("localhost:9092").unwrap(), "localhost:9092");
        assert_eq!(show("kafka.example").unwrap(), "kafka.example:9092");
        assert_eq!(show("PLAINTEXT://10.0.0.1:19092").unwrap(), "10.0.0.1:19092");
        assert_eq!(show("[::1]:9093").unwrap(), "[::1]:9093");
        assert_eq!(show("[::1]").unwrap(), "[::1]:9092");
        for bad in ["", ":9092", "host:port", "host:0", "host:70000", "::1:9092", "[::1"] {
            assert!(show(bad).is_err(), "{bad}");
        }
    }
}
