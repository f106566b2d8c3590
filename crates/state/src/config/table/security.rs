//! Keys of TLS, SASL, delegation tokens and authorization.

use super::rows::*;

keys! { SECURITY, Broker;
    "authorizer.class.name", String = "", Any, Low, ReadOnly, public, Refused("authorization (ACLs)"),
        "Java class that decides who may do what; empty allows everything.";
    "connection.failed.authentication.delay.ms", Int = "100", Min(0), Low, ReadOnly, public,
        NotYet("authentication"),
        "How long the answer to a failed authentication is held back.";
    "connections.max.reauth.ms", Long = "0", Any, Medium, ReadOnly, public, Refused("re-authentication"),
        "A SASL session must authenticate again within this time; 0 is never.";
    "delegation.token.expiry.check.interval.ms", Long = "3600000", Min(1), Low, ReadOnly, public,
        NotYet("delegation tokens"),
        "How often delegation tokens are looked at for expiry.";
    "delegation.token.expiry.time.ms", Long = "86400000", Min(1), Medium, ReadOnly, public,
        NotYet("delegation tokens"),
        "How long a delegation token is valid before it must be renewed.";
    "delegation.token.max.lifetime.ms", Long = "604800000", Min(1), Medium, ReadOnly, public,
        NotYet("delegation tokens"),
        "How long a delegation token can be renewed.";
    "delegation.token.secret.key", Password = null, Any, Medium, ReadOnly, public,
        Refused("delegation tokens"),
        "Secret that delegation tokens are signed with; the same on every node.";
    "principal.builder.class",
        Class = "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder", Any, Medium, PerBroker, public, Refused(PLUGIN),
        "Java class that names the principal of a connection.";
    "sasl.client.callback.handler.class", Class = null, Any, Medium, ReadOnly, public, NotYet(SASL),
        "Java class of client callbacks.";
    "sasl.enabled.mechanisms", List = "GSSAPI", Texts, Medium, PerBroker, public, NotYet(SASL),
        "SASL mechanisms that are offered.";
    "sasl.jaas.config", Password = null, Any, Medium, PerBroker, public, Refused(SASL),
        "Credentials of a listener, as a JAAS entry.";
    "sasl.kerberos.kinit.cmd", String = "/usr/bin/kinit", Any, Medium, PerBroker, public, NotYet(SASL),
        "Path of kinit.";
    "sasl.kerberos.min.time.before.relogin", Long = "60000", Any, Medium, PerBroker, public, NotYet(SASL),
        "Least time between two Kerberos logins.";
    "sasl.kerberos.principal.to.local.rules", List = "DEFAULT", Texts, Medium, PerBroker, public,
        NotYet(SASL),
        "Rules from Kerberos principals to short names.";
    "sasl.kerberos.service.name", String = null, Any, Medium, PerBroker, public, NotYet(SASL),
        "Kerberos name of the service.";
    "sasl.kerberos.ticket.renew.jitter", Double = "0.05", Any, Medium, PerBroker, public, NotYet(SASL),
        "Random part of the renewal time.";
    "sasl.kerberos.ticket.renew.window.factor", Double = "0.8", Any, Medium, PerBroker, public, NotYet(SASL),
        "Part of a ticket's life after which it is renewed.";
    "sasl.login.callback.handler.class", Class = null, Any, Medium, ReadOnly, public, NotYet(SASL),
        "Java class of login callbacks.";
    "sasl.login.class", Class = null, Any, Medium, ReadOnly, public, NotYet(SASL),
        "Java class that logs in.";
    "sasl.login.connect.timeout.ms", Int = null, Any, Low, ReadOnly, public, NotYet(SASL),
        "How long a connection to the identity provider may take.";
    "sasl.login.read.timeout.ms", Int = null, Any, Low, ReadOnly, public, NotYet(SASL),
        "How long an answer of the identity provider may take.";
    "sasl.login.refresh.buffer.seconds", Short = "300", Any, Medium, PerBroker, public, NotYet(SASL),
        "Least life of a credential when it is refreshed.";
    "sasl.login.refresh.min.period.seconds", Short = "60", Any, Medium, PerBroker, public, NotYet(SASL),
        "Least time between two refreshes.";
    "sasl.login.refresh.window.factor", Double = "0.8", Any, Medium, PerBroker, public, NotYet(SASL),
        "Part of a credential's life after which it is refreshed.";
    "sasl.login.refresh.window.jitter", Double = "0.05", Any, Medium, PerBroker, public, NotYet(SASL),
        "Random part of the refresh time.";
    "sasl.login.retry.backoff.max.ms", Long = "10000", Any, Low, ReadOnly, public, NotYet(SASL),
        "Longest pause between two tries to log in.";
    "sasl.login.retry.backoff.ms", Long = "100", Any, Low, ReadOnly, public, NotYet(SASL),
        "First pause between two tries to log in.";
    "sasl.mechanism.controller.protocol", String = "GSSAPI", Any, High, ReadOnly, public, NotYet(SASL),
        "SASL mechanism towards controllers.";
    "sasl.mechanism.inter.broker.protocol", String = "GSSAPI", Any, Medium, PerBroker, public, NotYet(SASL),
        "SASL mechanism among brokers.";
    "sasl.oauthbearer.assertion.algorithm", String = "RS256", OneOfAnyCase(&["ES256", "RS256"]), Medium,
        ReadOnly, public, NotYet(SASL),
        "Algorithm that assertions are signed with.";
    "sasl.oauthbearer.assertion.claim.aud", String = null, Any, Medium, ReadOnly, public, NotYet(SASL),
        "Audience in the assertion.";
    "sasl.oauthbearer.assertion.claim.exp.seconds", Int = "300", Range(0, 86400), Low, ReadOnly, public,
        NotYet(SASL),
        "How long an assertion is valid.";
    "sasl.oauthbearer.assertion.claim.iss", String = null, Any, Medium, ReadOnly, public, NotYet(SASL),
        "Issuer in the assertion.";
    "sasl.oauthbearer.assertion.claim.jti.include", Boolean = "false", Any, Medium, ReadOnly, public,
        NotYet(SASL),
        "Whether an assertion carries an id.";
    "sasl.oauthbearer.assertion.claim.nbf.seconds", Int = "60", Range(0, 3600), Low, ReadOnly, public,
        NotYet(SASL),
        "How far back an assertion is already valid.";
    "sasl.oauthbearer.assertion.claim.sub", String = null, Any, Medium, ReadOnly, public, NotYet(SASL),
        "Subject in the assertion.";
    "sasl.oauthbearer.assertion.file", String = null, Any, Medium, ReadOnly, public, NotYet(SASL),
        "File with a ready assertion.";
    "sasl.oauthbearer.assertion.private.key.file", String = null, Any, Medium, ReadOnly, public, NotYet(SASL),
        "File with the key that assertions are signed with.";
    "sasl.oauthbearer.assertion.private.key.passphrase", Password = null, Any, Medium, ReadOnly, public,
        NotYet(SASL),
        "Passphrase of that key.";
    "sasl.oauthbearer.assertion.template.file", String = null, Any, Medium, ReadOnly, public, NotYet(SASL),
        "File with a template of the assertion.";
    "sasl.oauthbearer.client.credentials.client.id", String = null, Any, Medium, ReadOnly, public,
        NotYet(SASL),
        "Client id for the credentials grant.";
    "sasl.oauthbearer.client.credentials.client.secret", Password = null, Any, Medium, ReadOnly, public,
        NotYet(SASL),
        "Client secret for the credentials grant.";
    "sasl.oauthbearer.clock.skew.seconds", Int = "30", Any, Low, ReadOnly, public, NotYet(SASL),
        "Difference of clocks that is forgiven.";
    "sasl.oauthbearer.expected.audience", List = "", Texts, High, ReadOnly, public, NotYet(SASL),
        "Audiences that a token must name.";
    "sasl.oauthbearer.expected.issuer", String = null, Any, High, ReadOnly, public, NotYet(SASL),
        "Issuer that a token must name.";
    "sasl.oauthbearer.jwks.endpoint.refresh.ms", Long = "3600000", Any, Low, ReadOnly, public, NotYet(SASL),
        "How often the provider's keys are read.";
    "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", Long = "10000", Any, Low, ReadOnly, public,
        NotYet(SASL),
        "Longest pause between two tries to read them.";
    "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", Long = "100", Any, Low, ReadOnly, public, NotYet(SASL),
        "First pause between two tries to read them.";
    "sasl.oauthbearer.jwks.endpoint.url", String = null, Any, Medium, ReadOnly, public, NotYet(SASL),
        "Where the provider's keys are.";
    "sasl.oauthbearer.jwt.retriever.class",
        Class = "org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever", Any, Medium, ReadOnly, public, NotYet(SASL),
        "Java class that gets tokens.";
    "sasl.oauthbearer.jwt.validator.class",
        Class = "org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator", Any, Medium, ReadOnly, public, NotYet(SASL),
        "Java class that checks tokens.";
    "sasl.oauthbearer.scope", String = null, Any, Medium, ReadOnly, public, NotYet(SASL),
        "Scope that is asked for.";
    "sasl.oauthbearer.scope.claim.name", String = "scope", Any, Low, ReadOnly, public, NotYet(SASL),
        "Claim that holds the scope.";
    "sasl.oauthbearer.sub.claim.name", String = "sub", Any, Low, ReadOnly, public, NotYet(SASL),
        "Claim that holds the subject.";
    "sasl.oauthbearer.token.endpoint.url", String = null, Any, Medium, ReadOnly, public, NotYet(SASL),
        "Where tokens are issued.";
    "sasl.server.callback.handler.class", Class = null, Any, Medium, ReadOnly, public, NotYet(SASL),
        "Java class of server callbacks.";
    "sasl.server.max.receive.size", Int = "524288", Any, Medium, ReadOnly, public, NotYet(SASL),
        "Largest message of a SASL exchange.";
    "security.inter.broker.protocol", String = "PLAINTEXT", OneOf(&["PLAINTEXT", "SSL", "SASL_PLAINTEXT",
        "SASL_SSL"]), Medium, ReadOnly, public, Acts,
        "Security protocol among brokers; not to be given together with inter.broker.listener.name.";
    "security.providers", String = null, Any, Low, ReadOnly, public, Refused(PLUGIN),
        "Java classes that provide security algorithms.";
    "ssl.allow.dn.changes", Boolean = "false", Any, Low, ReadOnly, public, NotYet(TLS),
        "Whether a new certificate may have another distinguished name.";
    "ssl.allow.san.changes", Boolean = "false", Any, Low, ReadOnly, public, NotYet(TLS),
        "Whether a new certificate may have other alternative names.";
    "ssl.cipher.suites", List = "", Texts, Medium, PerBroker, public, NotYet(TLS),
        "Cipher suites that are offered; empty is all.";
    "ssl.client.auth", String = "none", OneOf(&["required", "requested", "none"]), Medium, PerBroker, public,
        Refused(TLS),
        "Whether clients must, may or need not show a certificate.";
    "ssl.enabled.protocols", List = "TLSv1.2,TLSv1.3", Texts, Medium, PerBroker, public, NotYet(TLS),
        "TLS versions that are offered.";
    "ssl.endpoint.identification.algorithm", String = "https", Any, Low, PerBroker, public, NotYet(TLS),
        "How a server's name is checked against its certificate.";
    "ssl.engine.factory.class", Class = null, Any, Low, PerBroker, public, NotYet(TLS),
        "Java class that makes TLS engines.";
    "ssl.key.password", Password = null, Any, Medium, PerBroker, public, NotYet(TLS),
        "Password of the private key.";
    "ssl.keymanager.algorithm", String = "SunX509", Any, Medium, PerBroker, public, NotYet(TLS),
        "Java's algorithm for keys.";
    "ssl.keystore.certificate.chain", Password = null, Any, Medium, PerBroker, public, NotYet(TLS),
        "The certificate chain, as PEM.";
    "ssl.keystore.key", Password = null, Any, Medium, PerBroker, public, Refused(TLS),
        "The private key, as PEM.";
    "ssl.keystore.location", String = null, Any, Medium, PerBroker, public, Refused(TLS),
        "File with key and certificates.";
    "ssl.keystore.password", Password = null, Any, Medium, PerBroker, public, NotYet(TLS),
        "Password of that file.";
    "ssl.keystore.type", String = "JKS", Any, Medium, PerBroker, public, NotYet(TLS),
        "Format of that file.";
    "ssl.principal.mapping.rules", String = "DEFAULT", Any, Low, ReadOnly, public, NotYet(TLS),
        "Rules from a certificate's name to a short name.";
    "ssl.protocol", String = "TLSv1.3", Any, Medium, PerBroker, public, NotYet(TLS),
        "TLS version of new connections.";
    "ssl.provider", String = null, Any, Medium, PerBroker, public, NotYet(TLS),
        "Java's provider of TLS.";
    "ssl.secure.random.implementation", String = null, Any, Low, PerBroker, public, NotYet(TLS),
        "Java's source of randomness.";
    "ssl.trustmanager.algorithm", String = "PKIX", Any, Medium, PerBroker, public, NotYet(TLS),
        "Java's algorithm for trust.";
    "ssl.truststore.certificates", Password = null, Any, Medium, PerBroker, public, Refused(TLS),
        "Trusted certificates, as PEM.";
    "ssl.truststore.location", String = null, Any, Medium, PerBroker, public, Refused(TLS),
        "File with trusted certificates.";
    "ssl.truststore.password", Password = null, Any, Medium, PerBroker, public, NotYet(TLS),
        "Password of that file.";
    "ssl.truststore.type", String = "JKS", Any, Medium, PerBroker, public, NotYet(TLS),
        "Format of that file.";
}
