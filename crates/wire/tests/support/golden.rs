//! The messages that Kafka's own classes wrote (`clients/codec`), one a line: NAME VERSION HEX.

use bytes::Bytes;
use chronik_wire::ApiKey;
use chronik_wire::api::APIS;

/// The kept file.
pub(crate) const KEPT: &str = include_str!("../fixtures/golden.txt");

/// One of its lines.
pub(crate) struct Golden<'a> {
    /// `MetadataRequest`, say.
    pub(crate) message: &'a str,
    pub(crate) api: ApiKey,
    pub(crate) version: i16,
    /// The body.
    pub(crate) bytes: Bytes,
}

impl<'a> Golden<'a> {
    pub(crate) fn parse(line: &'a str) -> Self {
        let mut words = line.split(' ');
        let mut word = || words.next().unwrap_or_else(|| panic!("NAME VERSION HEX, not {line}"));
        let (message, version, hex) = (word(), word().parse().unwrap(), word());
        let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        let bytes = if hex == "-" { Bytes::new() } else { (0..hex.len()).step_by(2).map(byte).collect() };
        let name = message.trim_end_matches("Request").trim_end_matches("Response");
        let api = APIS.iter().find(|api| api.name == name).unwrap_or_else(|| panic!("no API {name}"));
        Golden { message, api: api.key, version, bytes }
    }

    pub(crate) fn is_request(&self) -> bool {
        self.message.ends_with("Request")
    }
}
