//! Handshakes, and what is said before and after them.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::sync::Arc;

use midwire_tls::client;
use midwire_tls::failure::Failure;
use midwire_tls::verdict::Refusal;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ServerConfig};
use support::{
    Side, authority, authority_named, carry, client_by, client_with, leaf, offering, pair, server_with, show,
};

#[test]
fn both_versions_carry_text_both_ways_whatever_the_pieces() {
    let authority = authority();
    for (versions, name) in [(vec![&TLS12], "TLSv1.2"), (vec![&TLS13], "TLSv1.3")] {
        for size in [1, 7, usize::MAX] {
            let config = server_with(&authority, |_| {});
            let (mut client, mut server) = (
                Side::client(client_with(&authority, |s| s.versions = versions.clone())),
                Side::server(),
            );
            carry(&mut client, &mut server, Some(&config), size);
            assert_eq!(
                (client.established().version, server.established().version),
                (name, name)
            );
            assert!(
                client.established().cipher.starts_with("TLS_"),
                "{}",
                client.established().cipher
            );
            assert!(!client.established().cipher.starts_with("TLS13"));
            client.write("a question");
            carry(&mut client, &mut server, None, size);
            assert_eq!(server.heard(), "a question");
            server.write("an answer");
            carry(&mut client, &mut server, None, size);
            assert_eq!(client.heard(), "an answer");
        }
    }
}

#[test]
fn a_hello_waits_for_its_answer() {
    let authority = authority();
    let (mut client, mut server) = (Side::client(client_with(&authority, |_| {})), Side::server());
    carry(&mut client, &mut server, None, usize::MAX);
    assert!(server.said[0].hello && server.out.is_empty());
    server
        .session
        .answer(server_with(&authority, |_| {}), &mut server.out)
        .unwrap();
    carry(&mut client, &mut server, None, usize::MAX);
    assert!(client.session.is_open() && server.session.is_open());
}

#[test]
fn the_server_is_not_named_where_it_is_not_to_be() {
    let authority = authority();
    let config = client_with(&authority, |_| {});
    for sends_name in [true, false] {
        let client = Side::client(client::with(&config, Vec::new(), sends_name, client::sessions()));
        let name = support::NAME.as_bytes();
        assert_eq!(client.out.windows(name.len()).any(|part| part == name), sends_name);
    }
}

#[test]
fn the_chain_and_the_protocol_are_told() {
    let authority = authority();
    let config = server_with(&authority, |s| s.alpn = b"h2".to_vec());
    let (client, server) = pair(offering(&client_with(&authority, |_| {}), &["h2", "http/1.1"]), &config);
    assert_eq!(
        (client.established().alpn, server.established().alpn),
        (b"h2".to_vec(), b"h2".to_vec())
    );
    assert_eq!(client.established().certificates.len(), 1);
    assert!(server.established().certificates.is_empty());
}

#[test]
fn without_a_protocol_in_common_both_know_why() {
    let authority = authority();
    let config = server_with(&authority, |s| s.alpn = b"h2".to_vec());
    let (client, server) = pair(offering(&client_with(&authority, |_| {}), &["http/1.1"]), &config);
    assert_eq!(server.failure, Some(Failure::NoProtocol));
    assert_eq!(client.failure, Some(Failure::Alert(120)));
}

#[test]
fn without_a_version_in_common_another_implementation_may_help() {
    let authority = authority();
    let config = server_with(&authority, |s| s.versions = vec![&TLS12]);
    let (client, server) = pair(client_with(&authority, |s| s.versions = vec![&TLS13]), &config);
    assert_eq!(server.failure, Some(Failure::Incompatible("version")));
    assert!(matches!(client.failure, Some(Failure::Alert(40 | 70 | 71))));
}

/// What a client has against the certificate of a server with this configuration. The server hears of it by an alert.
fn refusal(client: Arc<ClientConfig>, server: &Arc<ServerConfig>) -> Option<Refusal> {
    let (client, server) = pair(client, server);
    let refusal = match client.failure {
        Some(Failure::Certificate(refusal)) => Some(refusal),
        other => {
            assert_eq!(other, None);
            None
        }
    };
    assert_eq!(matches!(server.failure, Some(Failure::Alert(_))), refusal.is_some());
    refusal
}

#[test]
fn a_certificate_of_nobody_known_is_refused() {
    let (ours, theirs, impostor) = (authority(), authority_named("another"), authority());
    let refusal_of = |authority| refusal(client_with(&ours, |_| {}), &server_with(authority, |_| {}));
    assert_eq!(refusal_of(&theirs), Some(Refusal::UnknownIssuer));
    assert_eq!(refusal_of(&impostor), Some(Refusal::BadSignature));
    assert_eq!(refusal_of(&ours), None);
    assert_eq!(
        refusal(client_with(&ours, |s| s.roots = None), &server_with(&theirs, |_| {})),
        None
    );
}

#[test]
fn dates_and_names_are_verified() {
    let authority = authority();
    let old = leaf(&authority, |params| params.not_after = rcgen::date_time_ymd(2025, 6, 1));
    let new = leaf(&authority, |params| {
        params.not_before = rcgen::date_time_ymd(2026, 6, 1)
    });
    let other = leaf(&authority, |params| {
        params.subject_alt_names = vec![rcgen::SanType::DnsName("other.test".try_into().unwrap())]
    });
    for (shown, expected) in [
        (old, Refusal::Expired),
        (new, Refusal::NotYetValid),
        (other, Refusal::WrongName),
    ] {
        let config = server_with(&authority, |s| show(s, shown));
        assert_eq!(refusal(client_with(&authority, |_| {}), &config), Some(expected));
    }
}

#[test]
fn a_certificate_that_openssl_may_take_is_refused_in_words() {
    let authority = authority();
    let config = server_with(&authority, |s| {
        show(
            s,
            leaf(&authority, |params| {
                params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained)
            }),
        );
    });
    let refused = refusal(client_with(&authority, |_| {}), &config).unwrap();
    assert!(refused.word().contains("CaUsedAsEndEntity"));
}

#[test]
fn a_client_that_is_asked_shows_its_certificate_or_none() {
    let authority = authority();
    let config = server_with(&authority, |s| s.asks = true);
    let (_, server) = pair(client_with(&authority, |_| {}), &config);
    assert!(server.session.is_open() && server.established().certificates.is_empty());
    let identity = leaf(&authority, |_| {});
    let shown = identity.0[0].to_vec();
    let (_, server) = pair(client_with(&authority, |s| s.identity = Some(identity)), &config);
    assert_eq!(server.established().certificates, vec![shown]);
}

#[test]
fn sessions_are_resumed_by_tickets_that_outlive_a_configuration() {
    let authority = authority();
    let ticketer = rustls::crypto::ring::Ticketer::new().unwrap();
    for versions in [vec![&TLS12], vec![&TLS13]] {
        let client = offering(&client_with(&authority, |s| s.versions = versions.clone()), &[]);
        let config = |scope: &str| {
            server_with(&authority, |s| {
                s.ticketer = Some(ticketer.clone());
                s.scope = scope.as_bytes().to_vec();
            })
        };
        let (first, _) = pair(client.clone(), &config("one"));
        let (second, other) = pair(client.clone(), &config("one"));
        assert!(!first.established().resumed);
        assert!(second.established().resumed && other.established().resumed);
        // Another scope, and another way to the server, begin anew.
        assert!(!pair(client.clone(), &config("two")).0.established().resumed);
        assert!(!pair(offering(&client, &[]), &config("one")).0.established().resumed);
    }
}

#[test]
fn both_sides_log_the_same_secrets() {
    let authority = authority();
    let config = server_with(&authority, |s| s.logs_keys = true);
    let (client, server) = pair(client_with(&authority, |s| s.logs_keys = true), &config);
    let lines = |side: &Side| {
        let mut lines: Vec<String> = side.said.iter().flat_map(|said| said.secrets.clone()).collect();
        lines.sort();
        lines
    };
    assert_eq!(lines(&client), lines(&server));
    let line = &lines(&client)[0];
    let words: Vec<&str> = line.trim_end().split(' ').collect();
    assert_eq!(
        (words[0], words[1].len(), line.ends_with('\n')),
        ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", 64, true)
    );
}

#[test]
fn a_server_prefers_aes_128_and_a_client_without_aes_gets_chacha20() {
    let authority = authority();
    let (server, provider) = (server_with(&authority, |_| {}), midwire_tls::provider());
    for (first, expected) in [("AES_256", "AES_128"), ("CHACHA20", "CHACHA20"), ("AES_128", "AES_128")] {
        for version in [&TLS12, &TLS13] {
            let mut own = provider.clone();
            own.cipher_suites
                .sort_by_key(|suite| !format!("{:?}", suite.suite()).contains(first));
            let config = client_by(own, &authority, |s| s.versions = vec![version]);
            let (client, _) = pair(config, &server);
            assert!(client.established().cipher.contains(expected), "{first} {version:?}");
        }
    }
}
