//! Keys of listeners, sockets and connections.

use super::rows::*;

keys! { NETWORK, Broker;
    "advertised.listeners", List = null, SomeTexts, High, ReadOnly, public, Acts,
        "The addresses that clients and other nodes are told; unset is the listeners themselves.";
    "connections.max.idle.ms", Long = "600000", Any, Medium, ReadOnly, public, Acts,
        "A connection without a request for this long is closed; negative is never.";
    "inter.broker.listener.name", String = null, Any, Medium, ReadOnly, public, Acts,
        "The listener that brokers use among themselves.";
    "listener.security.protocol.map",
        String = "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT", Any, Low, PerBroker, public, Acts,
        "The security protocol of each listener name.";
    "listeners", List = "PLAINTEXT://:9092", SomeTexts, High, PerBroker, public, Acts,
        "Where the node listens, as name://host:port; an empty host is every interface.";
    "max.connection.creation.rate", Int = "2147483647", Min(0), Medium, ClusterWide, public, Acts,
        "Most new connections per second on this broker; beyond it they wait.";
    "max.connections", Int = "2147483647", Min(0), Medium, ClusterWide, public, Acts,
        "Most connections on this broker.";
    "max.connections.per.ip", Int = "2147483647", Min(0), Medium, ClusterWide, public, Acts,
        "Most connections from one address.";
    "max.connections.per.ip.overrides", String = "", Any, Medium, ClusterWide, public, Acts,
        "Other limits for some hosts or addresses, as host:limit list.";
    "num.io.threads", Int = "8", Min(1), High, ClusterWide, public, NoMeaning(THREADS),
        "How many threads process requests.";
    "num.network.threads", Int = "3", Min(1), High, ClusterWide, public, NoMeaning(THREADS),
        "How many threads read from and write to sockets.";
    "queued.max.request.bytes", Long = "-1", Any, Medium, ReadOnly, public, Acts,
        "Bytes of requests in progress at which no more are read; -1 leaves the bound to the node.";
    "queued.max.requests", Int = "500", Min(1), High, ReadOnly, public,
        NoMeaning("requests in progress are bounded by their bytes"),
        "Requests in progress at which no more are read.";
    "request.timeout.ms", Int = "30000", Any, High, ReadOnly, public,
        NoMeaning("a request to another node waits as long as what it is for: replica.socket.timeout.ms, controller.quorum.request.timeout.ms, half of broker.session.timeout.ms, 30 s for what is forwarded"),
        "How long a request to another node may take.";
    "socket.connection.setup.timeout.max.ms", Long = "30000", Any, Medium, ReadOnly, public,
        NoMeaning("connecting is part of the request that it is for, and takes no longer than that may"),
        "Longest wait for a connection to another node, after retries.";
    "socket.connection.setup.timeout.ms", Long = "10000", Any, Medium, ReadOnly, public,
        NoMeaning("connecting is part of the request that it is for, and takes no longer than that may"),
        "First wait for a connection to another node.";
    "socket.listen.backlog.size", Int = "50", Min(1), Medium, ReadOnly, public, Acts,
        "Connections that the system keeps waiting to be accepted.";
    "socket.receive.buffer.bytes", Int = "102400", Any, High, ReadOnly, public, Acts,
        "SO_RCVBUF of server sockets; -1 is the system's choice.";
    "socket.request.max.bytes", Int = "104857600", Min(1), High, ReadOnly, public, Acts,
        "Largest request in bytes; a larger one closes its connection.";
    "socket.send.buffer.bytes", Int = "102400", Any, High, ReadOnly, public, Acts,
        "SO_SNDBUF of server sockets; -1 is the system's choice.";
}
