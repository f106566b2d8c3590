//! Keys of listeners, sockets and connections.

use super::rows::*;

keys! { NETWORK, Broker;
    "advertised.listeners", List = null, SomeTexts, High, ReadOnly, public, Acts,
        "";
    "connections.max.idle.ms", Long = "600000", Any, Medium, ReadOnly, public, Acts,
        "";
    "inter.broker.listener.name", String = null, Any, Medium, ReadOnly, public, Acts,
        "";
    "listener.security.protocol.map", String = "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT", Any, Low, PerBroker, public, Acts,
        "";
    "listeners", List = "PLAINTEXT://:9092", SomeTexts, High, PerBroker, public, Acts,
        "";
    "max.connection.creation.rate", Int = "2147483647", Min(0), Medium, ClusterWide, public, Acts,
        "";
    "max.connections", Int = "2147483647", Min(0), Medium, ClusterWide, public, Acts,
        "";
    "max.connections.per.ip", Int = "2147483647", Min(0), Medium, ClusterWide, public, Acts,
        "";
    "max.connections.per.ip.overrides", String = "", Any, Medium, ClusterWide, public, Acts,
        "";
    "num.io.threads", Int = "8", Min(1), High, ClusterWide, public, Acts,
        "";
    "num.network.threads", Int = "3", Min(1), High, ClusterWide, public, Acts,
        "";
    "queued.max.request.bytes", Long = "-1", Any, Medium, ReadOnly, public, Acts,
        "";
    "queued.max.requests", Int = "500", Min(1), High, ReadOnly, public, Acts,
        "";
    "request.timeout.ms", Int = "30000", Any, High, ReadOnly, public, Acts,
        "";
    "socket.connection.setup.timeout.max.ms", Long = "30000", Any, Medium, ReadOnly, public, Acts,
        "";
    "socket.connection.setup.timeout.ms", Long = "10000", Any, Medium, ReadOnly, public, Acts,
        "";
    "socket.listen.backlog.size", Int = "50", Min(1), Medium, ReadOnly, public, Acts,
        "";
    "socket.receive.buffer.bytes", Int = "102400", Any, High, ReadOnly, public, Acts,
        "";
    "socket.request.max.bytes", Int = "104857600", Min(1), High, ReadOnly, public, Acts,
        "";
    "socket.send.buffer.bytes", Int = "102400", Any, High, ReadOnly, public, Acts,
        "";
}
