//! `.kafka_cleanshutdown`: the last user of the directory closed every log (KIP-966 added the broker epoch); Kafka's
//! `CleanShutdownFileHandler`. `{"version":0,"brokerEpoch":182}`.

use chronik_types::BrokerEpoch;

/// The file's name.
pub(crate) const NAME: &str = ".kafka_cleanshutdown";

/// The broker epoch in the marker. `None` if it has none that can be read: the shutdown was clean all the same, as older
/// Kafkas left an empty file.
pub(crate) fn parse(text: &str) -> Option<BrokerEpoch> {
    let (_, rest) = text.split_once("\"brokerEpoch\"")?;
    let value = rest.trim_start().strip_prefix(':')?.trim_start();
    let len = value.bytes().take_while(|&byte| byte == b'-' || byte.is_ascii_digit()).count();
    value[..len].parse().ok().map(BrokerEpoch)
}

pub(crate) fn format(broker_epoch: BrokerEpoch) -> String {
    std::format!("{{\"version\":0,\"brokerEpoch\":{broker_epoch}}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_kafkas() {
        let text = r#"{"version":0,"brokerEpoch":182}"#;
        assert_eq!(parse(text), Some(BrokerEpoch(182)));
        assert_eq!(format(BrokerEpoch(182)), text);
        assert_eq!(parse(r#"{ "brokerEpoch" : -1 , "version" : 0 }"#), Some(BrokerEpoch(-1)));
        assert_eq!(parse(""), None);
    }
}
