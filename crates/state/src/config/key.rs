//! What is known about one key: the row of the table.
//!
//! The facts are those of Kafka's `ConfigDef.ConfigKey` (`KafkaConfig.configDef`, `LogConfig.configDefCopy`,
//! `GroupConfig`, `ClientMetricsConfigs`), plus what Chronik does with the key.

/// The type of a value, as DescribeConfigs reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// 32 bits, signed.
    Int,
    /// 64 bits, signed.
    Long,
    /// 16 bits, signed.
    Short,
    /// A floating-point number.
    Double,
    /// Text.
    String,
    /// Texts separated by commas.
    List,
    /// Text that is never shown.
    Password,
    /// The name of a Java class. Chronik loads none; well-known names may be understood by name.
    Class,
}

impl Kind {
    /// The number of the type in DescribeConfigs responses (`DescribeConfigsResponse.ConfigType`).
    pub fn code(self) -> i8 {
        match self {
            Kind::Boolean => 1,
            Kind::String => 2,
            Kind::Int => 3,
            Kind::Short => 4,
            Kind::Long => 5,
            Kind::Double => 6,
            Kind::List => 7,
            Kind::Class => 8,
            Kind::Password => 9,
        }
    }

    /// Kafka's name of the type in error texts, such as `INT`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Boolean => "BOOLEAN",
            Kind::Int => "INT",
            Kind::Long => "LONG",
            Kind::Short => "SHORT",
            Kind::Double => "DOUBLE",
            Kind::String => "STRING",
            Kind::List => "LIST",
            Kind::Password => "PASSWORD",
            Kind::Class => "CLASS",
        }
    }
}

/// What a key configures. The same name may exist in two scopes (`compression.type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// A node: `server.properties` and the broker resource of the config APIs.
    Broker,
    /// One topic.
    Topic,
    /// One group.
    Group,
    /// One client metrics subscription.
    ClientMetrics,
}

impl Scope {
    /// Kafka's word for it in error texts.
    pub fn word(self) -> &'static str {
        match self {
            Scope::Broker => "broker",
            Scope::Topic => "topic",
            Scope::Group => "group",
            Scope::ClientMetrics => "client metrics",
        }
    }
}

/// Whose overrides are altered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// A topic.
    Topic,
    /// One broker.
    Broker,
    /// All brokers (the broker resource with an empty name).
    AllBrokers,
    /// A group.
    Group,
    /// A client metrics subscription.
    ClientMetrics,
}

impl Resource {
    /// The keys that it can have.
    pub fn scope(self) -> Scope {
        match self {
            Resource::Topic => Scope::Topic,
            Resource::Broker | Resource::AllBrokers => Scope::Broker,
            Resource::Group => Scope::Group,
            Resource::ClientMetrics => Scope::ClientMetrics,
        }
    }
}

/// How a broker key changes (KIP-226).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UpdateMode {
    /// Only by a restart.
    ReadOnly,
    /// While running, for one broker at a time.
    PerBroker,
    /// While running, for one broker or for all.
    ClusterWide,
}

impl UpdateMode {
    /// Kafka's word for it.
    pub fn name(self) -> &'static str {
        match self {
            UpdateMode::ReadOnly => "read-only",
            UpdateMode::PerBroker => "per-broker",
            UpdateMode::ClusterWide => "cluster-wide",
        }
    }
}

/// How much a key matters, by Kafka's judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Importance {
    /// Most installations look at it.
    High,
    /// Some do.
    Medium,
    /// Hardly any does.
    Low,
}

impl Importance {
    /// Kafka's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Importance::High => "high",
            Importance::Medium => "medium",
            Importance::Low => "low",
        }
    }
}

/// Which values are allowed beyond the type. Numbers are inclusive bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Valid {
    /// Anything of the type.
    Any,
    /// At least this.
    Min(i64),
    /// Between the two.
    Range(i64, i64),
    /// Between the two, for doubles.
    RangeF(f64, f64),
    /// 1 to 9, or -1 for the codec's own choice.
    GzipLevel,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// One of these texts in any case.
    OneOfAnyCase(&'static [&'static str]),
    /// A list of any texts, none empty, none twice.
    Texts,
    /// A list as [`Valid::Texts`] with at least one element.
    SomeTexts,
    /// A non-empty list of these texts, none twice.
    ListOf(&'static [&'static str]),
    /// A list of these texts, none twice; it may be empty.
    ListOfOrEmpty(&'static [&'static str]),
    /// Text that is not empty.
    NonEmpty,
    /// `*`, or a list of `partition:broker`.
    ThrottledReplicas,
    /// `latest`, `earliest` or `by_duration:` and an ISO 8601 duration.
    ShareOffsetReset,
}

/// What Chronik does with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// What Kafka does with it.
    Acts,
    /// It is accepted and changes nothing, since what it tunes does not exist here. The text says why.
    NoMeaning(&'static str),
    /// What it asks for is not built yet: another value than the default gets a clear warning in a file, and is refused
    /// when it is set while running. The text names what is missing.
    NotYet(&'static str),
    /// As [`Support::NotYet`], but to go on without it would do harm: another value than the default is an error.
    Refused(&'static str),
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Key {
    /// The name in files and requests.
    pub name: &'static str,
    /// What it configures.
    pub scope: Scope,
    /// The type of its value.
    pub kind: Kind,
    /// The value when nobody sets it, as text; `None` is Kafka's null.
    pub default: Option<&'static str>,
    /// Which values are allowed.
    pub valid: Valid,
    /// How much it matters.
    pub importance: Importance,
    /// How it changes; topic, group and client-metrics keys always change at once ([`UpdateMode::ClusterWide`]).
    pub update: UpdateMode,
    /// Kafka does not document it, and neither DescribeConfigs nor the reference page shows it.
    pub internal: bool,
    /// What Chronik does with it.
    pub support: Support,
    /// One line for people.
    pub doc: &'static str,
}

impl Key {
    /// Whether it can be changed while a node runs. Sockets are bound once, so listeners are not among them, other than in Kafka.
    pub fn is_dynamic(&self) -> bool {
        self.update != UpdateMode::ReadOnly
            && !["listeners", "listener.security.protocol.map"].contains(&self.name)
    }

    /// Whether the value must never be shown: passwords.
    pub fn is_sensitive(&self) -> bool {
        self.kind == Kind::Password
    }
}
