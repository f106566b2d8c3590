//! Keys of TLS, SASL, delegation tokens and authorization.

use super::rows::*;

keys! { SECURITY, Broker;
    "authorizer.class.name", String = "", Any, Low, ReadOnly, public, Acts,
        "";
    "connection.failed.authentication.delay.ms", Int = "100", Min(0), Low, ReadOnly, public, Acts,
        "";
    "connections.max.reauth.ms", Long = "0", Any, Medium, ReadOnly, public, Acts,
        "";
    "delegation.token.expiry.check.interval.ms", Long = "3600000", Min(1), Low, ReadOnly, public, Acts,
        "";
    "delegation.token.expiry.time.ms", Long = "86400000", Min(1), Medium, ReadOnly, public, Acts,
        "";
    "delegation.token.max.lifetime.ms", Long = "604800000", Min(1), Medium, ReadOnly, public, Acts,
        "";
    "delegation.token.secret.key", Password = null, Any, Medium, ReadOnly, public, Acts,
        "";
    "principal.builder.class", Class = "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder", Any, Medium, PerBroker, public, Acts,
        "";
    "sasl.client.callback.handler.class", Class = null, Any, Medium, ReadOnly, public, Acts,
        "";
    "sasl.enabled.mechanisms", List = "GSSAPI", Texts, Medium, PerBroker, public, Acts,
        "";
    "sasl.jaas.config", Password = null, Any, Medium, PerBroker, public, Acts,
        "";
    "sasl.kerberos.kinit.cmd", String = "/usr/bin/kinit", Any, Medium, PerBroker, public, Acts,
        "";
    "sasl.kerberos.min.time.before.relogin", Long = "60000", Any, Medium, PerBroker, public, Acts,
        "";
    "sasl.kerberos.principal.to.local.rules", List = "DEFAULT", Texts, Medium, PerBroker, public, Acts,
        "";
    "sasl.kerberos.service.name", String = null, Any, Medium, PerBroker, public, Acts,
        "";
    "sasl.kerberos.ticket.renew.jitter", Double = "0.05", Any, Medium, PerBroker, public, Acts,
        "";
    "sasl.kerberos.ticket.renew.window.factor", Double = "0.8", Any, Medium, PerBroker, public, Acts,
        "";
    "sasl.login.callback.handler.class", Class = null, Any, Medium, ReadOnly, public, Acts,
        "";
    "sasl.login.class", Class = null, Any, Medium, ReadOnly, public, Acts,
        "";
    "sasl.login.connect.timeout.ms", Int = null, Any, Low, ReadOnly, public, Acts,
        "";
    "sasl.login.read.timeout.ms", Int = null, Any, Low, ReadOnly, public, Acts,
        "";
    "sasl.login.refresh.buffer.seconds", Short = "300", Any, Medium, PerBroker, public, Acts,
        "";
    "sasl.login.refresh.min.period.seconds", Short = "60", Any, Medium, PerBroker, public, Acts,
        "";
    "sasl.login.refresh.window.factor", Double = "0.8", Any, Medium, PerBroker, public, Acts,
        "";
    "sasl.login.refresh.window.jitter", Double = "0.05", Any, Medium, PerBroker, public, Acts,
        "";
    "sasl.login.retry.backoff.max.ms", Long = "10000", Any, Low, ReadOnly, public, Acts,
        "";
    "sasl.login.retry.backoff.ms", Long = "100", Any, Low, ReadOnly, public, Acts,
        "";
    "sasl.mechanism.controller.protocol", String = "GSSAPI", Any, High, ReadOnly, public, Acts,
        "";
    "sasl.mechanism.inter.broker.protocol", String = "GSSAPI", Any, Medium, PerBroker, public, Acts,
        "";
    "sasl.oauthbearer.assertion.algorithm", String = "RS256", OneOfAnyCase(&["ES256", "RS256"]), Medium, ReadOnly, public, Acts,
        "";
    "sasl.oauthbearer.assertion.claim.aud", String = null, Any, Medium, ReadOnly, public, Acts,
        "";
    "sasl.oauthbearer.assertion.claim.exp.seconds", Int = "300", Range(0, 86400), Low, ReadOnly, public, Acts,
        "";
    "sasl.oauthbearer.assertion.claim.iss", String = null, Any, Medium, ReadOnly, public, Acts,
        "";
    "sasl.oauthbearer.assertion.claim.jti.include", Boolean = "false", Any, Medium, ReadOnly, public, Acts,
        "";
    "sasl.oauthbearer.assertion.claim.nbf.seconds", Int = "60", Range(0, 3600), Low, ReadOnly, public, Acts,
        "";
    "sasl.oauthbearer.assertion.claim.sub", String = null, Any, Medium, ReadOnly, public, Acts,
        "";
    "sasl.oauthbearer.assertion.file", String = null, Any, Medium, ReadOnly, public, Acts,
        "";
    "sasl.oauthbearer.assertion.private.key.file", String = null, Any, Medium, ReadOnly, public, Acts,
        "";
    "sasl.oauthbearer.assertion.private.key.passphrase", Password = null, Any, Medium, ReadOnly, public, Acts,
        "";
    "sasl.oauthbearer.assertion.template.file", String = null, Any, Medium, ReadOnly, public, Acts,
        "";
    "sasl.oauthbearer.client.credentials.client.id", String = null, Any, Medium, ReadOnly, public, Acts,
        "";
    "sasl.oauthbearer.client.credentials.client.secret", Password = null, Any, Medium, ReadOnly, public, Acts,
        "";
    "sasl.oauthbearer.clock.skew.seconds", Int = "30", Any, Low, ReadOnly, public, Acts,
        "";
    "sasl.oauthbearer.expected.audience", List = "", Texts, High, ReadOnly, public, Acts,
        "";
    "sasl.oauthbearer.expected.issuer", String = null, Any, High, ReadOnly, public, Acts,
        "";
    "sasl.oauthbearer.jwks.endpoint.refresh.ms", Long = "3600000", Any, Low, ReadOnly, public, Acts,
        "";
    "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", Long = "10000", Any, Low, ReadOnly, public, Acts,
        "";
    "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", Long = "100", Any, Low, ReadOnly, public, Acts,
        "";
    "sasl.oauthbearer.jwks.endpoint.url", String = null, Any, Medium, ReadOnly, public, Acts,
        "";
    "sasl.oauthbearer.jwt.retriever.class", Class = "org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever", Any, Medium, ReadOnly, public, Acts,
        "";
    "sasl.oauthbearer.jwt.validator.class", Class = "org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator", Any, Medium, ReadOnly, public, Acts,
        "";
    "sasl.oauthbearer.scope", String = null, Any, Medium, ReadOnly, public, Acts,
        "";
    "sasl.oauthbearer.scope.claim.name", String = "scope", Any, Low, ReadOnly, public, Acts,
        "";
    "sasl.oauthbearer.sub.claim.name", String = "sub", Any, Low, ReadOnly, public, Acts,
        "";
    "sasl.oauthbearer.token.endpoint.url", String = null, Any, Medium, ReadOnly, public, Acts,
        "";
    "sasl.server.callback.handler.class", Class = null, Any, Medium, ReadOnly, public, Acts,
        "";
    "sasl.server.max.receive.size", Int = "524288", Any, Medium, ReadOnly, public, Acts,
        "";
    "security.inter.broker.protocol", String = "PLAINTEXT", OneOf(&["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]), Medium, ReadOnly, public, Acts,
        "";
    "security.providers", String = null, Any, Low, ReadOnly, public, Acts,
        "";
    "ssl.allow.dn.changes", Boolean = "false", Any, Low, ReadOnly, public, Acts,
        "";
    "ssl.allow.san.changes", Boolean = "false", Any, Low, ReadOnly, public, Acts,
        "";
    "ssl.cipher.suites", List = "", Texts, Medium, PerBroker, public, Acts,
        "";
    "ssl.client.auth", String = "none", OneOf(&["required", "requested", "none"]), Medium, PerBroker, public, Acts,
        "";
    "ssl.enabled.protocols", List = "TLSv1.2,TLSv1.3", Texts, Medium, PerBroker, public, Acts,
        "";
    "ssl.endpoint.identification.algorithm", String = "https", Any, Low, PerBroker, public, Acts,
        "";
    "ssl.engine.factory.class", Class = null, Any, Low, PerBroker, public, Acts,
        "";
    "ssl.key.password", Password = null, Any, Medium, PerBroker, public, Acts,
        "";
    "ssl.keymanager.algorithm", String = "SunX509", Any, Medium, PerBroker, public, Acts,
        "";
    "ssl.keystore.certificate.chain", Password = null, Any, Medium, PerBroker, public, Acts,
        "";
    "ssl.keystore.key", Password = null, Any, Medium, PerBroker, public, Acts,
        "";
    "ssl.keystore.location", String = null, Any, Medium, PerBroker, public, Acts,
        "";
    "ssl.keystore.password", Password = null, Any, Medium, PerBroker, public, Acts,
        "";
    "ssl.keystore.type", String = "JKS", Any, Medium, PerBroker, public, Acts,
        "";
    "ssl.principal.mapping.rules", String = "DEFAULT", Any, Low, ReadOnly, public, Acts,
        "";
    "ssl.protocol", String = "TLSv1.3", Any, Medium, PerBroker, public, Acts,
        "";
    "ssl.provider", String = null, Any, Medium, PerBroker, public, Acts,
        "";
    "ssl.secure.random.implementation", String = null, Any, Low, PerBroker, public, Acts,
        "";
    "ssl.trustmanager.algorithm", String = "PKIX", Any, Medium, PerBroker, public, Acts,
        "";
    "ssl.truststore.certificates", Password = null, Any, Medium, PerBroker, public, Acts,
        "";
    "ssl.truststore.location", String = null, Any, Medium, PerBroker, public, Acts,
        "";
    "ssl.truststore.password", Password = null, Any, Medium, PerBroker, public, Acts,
        "";
    "ssl.truststore.type", String = "JKS", Any, Medium, PerBroker, public, Acts,
        "";
}
