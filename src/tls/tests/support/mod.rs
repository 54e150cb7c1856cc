//! Both sides of a conversation, and authorities and certificates for it.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test uses a part of this, and a fault in it ends the test"
)]

use std::sync::Arc;

use midwire_tls::CryptoProvider;
use midwire_tls::client::{self, ClientSettings};
use midwire_tls::failure::Failure;
use midwire_tls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use midwire_tls::server::{self, ServerSettings};
use midwire_tls::session::{Said, Session};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::time_provider::TimeProvider;
use rustls::{ALL_VERSIONS, ClientConfig, ServerConfig};

pub const NAME: &str = "server.test";

pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The first second of 2026.
#[derive(Debug)]
pub struct Then;

impl TimeProvider for Then {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(std::time::Duration::from_secs(
            1_767_225_600,
        )))
    }
}

pub fn time() -> Arc<dyn TimeProvider> {
    Arc::new(Then)
}

pub type Authority = CertifiedIssuer<'static, KeyPair>;

pub fn authority() -> Authority {
    authority_named("authority")
}

pub fn authority_named(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

pub fn leaf(
    authority: &Authority,
    change: impl FnOnce(&mut CertificateParams),
) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let mut params = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2025, 1, 1);
    params.not_after = rcgen::date_time_ymd(2027, 1, 1);
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    (
        vec![certificate.der().clone()],
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
    )
}

pub fn server_with(authority: &Authority, change: impl FnOnce(&mut ServerSettings)) -> Arc<ServerConfig> {
    let (chain, key) = leaf(authority, |_| {});
    let mut settings = ServerSettings {
        chain,
        key: server::signing_key(&provider(), key).unwrap(),
        alpn: Vec::new(),
        versions: ALL_VERSIONS.to_vec(),
        asks: false,
        ticketer: None,
        scope: Vec::new(),
        logs_keys: false,
    };
    change(&mut settings);
    server::configure(&Arc::new(midwire_tls::server_provider()), &time(), settings).unwrap()
}

/// Has a server show this certificate.
pub fn show(settings: &mut ServerSettings, (chain, key): (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)) {
    settings.chain = chain;
    settings.key = server::signing_key(&provider(), key).unwrap();
}

pub fn client_with(authority: &Authority, change: impl FnOnce(&mut ClientSettings)) -> Arc<ClientConfig> {
    client_by(midwire_tls::provider(), authority, change)
}

pub fn client_by(
    provider: CryptoProvider,
    authority: &Authority,
    change: impl FnOnce(&mut ClientSettings),
) -> Arc<ClientConfig> {
    let mut settings = ClientSettings {
        roots: Some(vec![authority.der().clone()]),
        versions: ALL_VERSIONS.to_vec(),
        identity: None,
        logs_keys: false,
    };
    change(&mut settings);
    client::configure(&Arc::new(provider), &time(), settings).unwrap()
}

/// The same client, which offers these protocols.
pub fn offering(config: &Arc<ClientConfig>, alpn: &[&str]) -> Arc<ClientConfig> {
    let alpn = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    client::with(config, alpn, true, client::sessions())
}

/// One side, with what it was told and what waits to be sent.
pub struct Side {
    pub session: Session,
    pub out: Vec<u8>,
    pub plain: Vec<u8>,
    pub said: Vec<Said>,
    pub failure: Option<Failure>,
}

impl Side {
    pub fn client(config: Arc<ClientConfig>) -> Self {
        let mut out = Vec::new();
        let session = Session::connect(config, ServerName::try_from(NAME).unwrap(), &mut out).unwrap();
        Self {
            session,
            out,
            plain: Vec::new(),
            said: Vec::new(),
            failure: None,
        }
    }

    pub fn server() -> Self {
        Self {
            session: Session::accept(),
            out: Vec::new(),
            plain: Vec::new(),
            said: Vec::new(),
            failure: None,
        }
    }

    pub fn take(&mut self, bytes: &[u8]) {
        match self.session.handle(bytes, &mut self.plain, &mut self.out) {
            Ok(said) => self.said.push(said),
            Err(failure) => self.failure = Some(failure),
        }
    }

    pub fn write(&mut self, text: &str) {
        self.session.write(text.as_bytes(), &mut self.out);
    }

    pub fn heard(&mut self) -> String {
        String::from_utf8(std::mem::take(&mut self.plain)).unwrap()
    }

    pub fn established(&self) -> midwire_tls::established::Established {
        self.said.iter().find_map(|said| said.established.clone()).unwrap()
    }

    pub fn has(&self, what: impl Fn(&Said) -> bool) -> bool {
        self.said.iter().any(what)
    }
}

/// Carries bytes both ways, `size` at a time, until nobody has any. The server answers by `config` where the client has said hello.
pub fn carry(client: &mut Side, server: &mut Side, config: Option<&Arc<ServerConfig>>, size: usize) {
    while !(client.out.is_empty() && server.out.is_empty()) {
        for piece in std::mem::take(&mut client.out).chunks(size) {
            server.take(piece);
            if server.said.last().is_some_and(|said| said.hello)
                && let Some(config) = config
            {
                match server.session.answer(config.clone(), &mut server.out) {
                    Ok(said) => server.said.push(said),
                    Err(failure) => server.failure = Some(failure),
                }
            }
        }
        for piece in std::mem::take(&mut server.out).chunks(size) {
            client.take(piece);
        }
    }
}

/// Two sides whose handshake is over.
pub fn pair(client: Arc<ClientConfig>, server: &Arc<ServerConfig>) -> (Side, Side) {
    let (mut one, mut other) = (Side::client(client), Side::server());
    carry(&mut one, &mut other, Some(server), usize::MAX);
    (one, other)
}
