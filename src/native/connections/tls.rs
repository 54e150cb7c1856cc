//! Configurations of TLS for TypeScript, which keeps and reuses them: one for each leaf, one for each set of options of servers.

use std::sync::{Arc, LazyLock};

use midwire_tls::client::{self, ClientSettings};
use midwire_tls::failure::Failure;
use midwire_tls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use midwire_tls::server::{self, ServerSettings};
use midwire_tls::{
    ClientConfig, CryptoProvider, DefaultTimeProvider, ProducesTickets, ServerConfig, SigningKey,
    SupportedProtocolVersion, TimeProvider, version,
};
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

use crate::error::{Code, Result, error};

static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(midwire_tls::provider()));
static SERVER_PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(midwire_tls::server_provider()));
static TIME: LazyLock<Arc<dyn TimeProvider>> = LazyLock::new(|| Arc::new(DefaultTimeProvider));
/// One for all servers of the process. Without a source of randomness there are no tickets.
static TICKETER: LazyLock<Option<Arc<dyn ProducesTickets>>> = LazyLock::new(midwire_tls::ticketer);

/// A private key that signs.
#[napi]
pub struct NativeKey {
    key: Arc<dyn SigningKey>,
}

#[napi]
impl NativeKey {
    /// `pkcs8`: DER. Throws for a kind of key that ring does not sign with.
    #[napi(constructor, catch_unwind)]
    pub fn new(pkcs8: &[u8]) -> Result<Self> {
        let key = private_key(pkcs8);
        let key = server::signing_key(&PROVIDER, key).map_err(refused)?;
        Ok(NativeKey { key })
    }
}

#[napi(object)]
pub struct NativeVersions {
    /// TLS 1.2 is spoken.
    pub tls12: bool,
    pub tls13: bool,
}

/// How clients are answered with one certificate.
#[napi]
pub struct NativeServerTls {
    pub(super) config: Arc<ServerConfig>,
}

#[napi]
impl NativeServerTls {
    /// `chain`: DER, the end entity's first. `alpn`: the one protocol to agree on, or nothing. `scope`: tickets are good for configurations of equal scope.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        chain: Vec<Buffer>,
        key: &NativeKey,
        alpn: String,
        versions: NativeVersions,
        asks: bool,
        scope: &[u8],
        logs_keys: bool,
    ) -> Result<Self> {
        let settings = ServerSettings {
            chain: chain.into_iter().map(certificate).collect(),
            key: key.key.clone(),
            alpn: alpn.into_bytes(),
            versions: enabled(&versions),
            asks,
            ticketer: TICKETER.clone(),
            scope: scope.to_vec(),
            logs_keys,
        };
        let config = server::configure(&SERVER_PROVIDER, &TIME, settings).map_err(refused)?;
        Ok(NativeServerTls { config })
    }
}

/// How servers are asked under one set of options.
#[napi]
pub struct NativeClientTls {
    config: Arc<ClientConfig>,
}

#[napi]
impl NativeClientTls {
    /// `roots`: DER; absent: the certificate is not verified. `chain` and `key` are the client's own.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        roots: Option<Vec<Buffer>>,
        versions: NativeVersions,
        chain: Option<Vec<Buffer>>,
        pkcs8: Option<Buffer>,
        logs_keys: bool,
    ) -> Result<Self> {
        let identity = chain.zip(pkcs8).map(|(chain, key)| {
            let chain = chain.into_iter().map(certificate).collect();
            (chain, private_key(&key))
        });
        let settings = ClientSettings {
            roots: roots.map(|roots| roots.into_iter().map(certificate).collect()),
            versions: enabled(&versions),
            identity,
            logs_keys,
        };
        let config = client::configure(&PROVIDER, &TIME, settings).map_err(refused)?;
        Ok(NativeClientTls { config })
    }
}

/// How one server is asked by one way. It has the sessions that may be resumed there.
#[napi]
pub struct NativeTlsRoute {
    pub(super) config: Arc<ClientConfig>,
}

#[napi]
impl NativeTlsRoute {
    /// `alpn`: the protocols to offer. `sends_name`: the server's name is in the ClientHello (RFC 6066, 3).
    #[napi(constructor, catch_unwind)]
    pub fn new(tls: &NativeClientTls, alpn: Vec<String>, sends_name: bool) -> Self {
        let alpn = alpn.into_iter().map(String::into_bytes).collect();
        NativeTlsRoute {
            config: client::with(&tls.config, alpn, sends_name, client::sessions()),
        }
    }
}

pub fn server_name(name: &str) -> Result<ServerName<'static>> {
    ServerName::try_from(name.to_owned())
        .map_err(|_| error(Code::BadArgument, format!("{name:?} is no name of a server")))
}

fn enabled(versions: &NativeVersions) -> Vec<&'static SupportedProtocolVersion> {
    let all = [(versions.tls13, &version::TLS13), (versions.tls12, &version::TLS12)];
    all.into_iter()
        .filter_map(|(is_on, one)| is_on.then_some(one))
        .collect()
}

fn certificate(der: Buffer) -> CertificateDer<'static> {
    CertificateDer::from(der.to_vec())
}

fn private_key(pkcs8: &[u8]) -> PrivateKeyDer<'static> {
    PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pkcs8.to_vec()))
}

fn refused(failure: Failure) -> crate::error::Error {
    error(Code::BadArgument, format!("{failure:?}"))
}
