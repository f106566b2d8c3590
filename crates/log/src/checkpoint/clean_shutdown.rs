//! `.kafka_cleanshutdown`
