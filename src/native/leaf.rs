//! Mints leaf certificates with an authority's key. TypeScript decides on their contents (`src/certs`).

use std::net::IpAddr;

use napi::bindgen_prelude::Buffer;
use napi_derive::napi;
use rcgen::string::Ia5String;
use rcgen::{
    CertificateParams, CrlDistributionPoint, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyIdMethod, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, SerialNumber, SignatureAlgorithm,
    SigningKey,
};
use ring::error::KeyRejected;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use time::OffsetDateTime;

use crate::error::{Code, Error, Result, error};

const SUBJECT_ALT_NAME: &[u64] = &[2, 5, 29, 17];
const SEQUENCE: u8 = 0x30;
const DNS_NAME: u8 = 0x82;
const IP_ADDRESS: u8 = 0x87;

#[napi(object)]
pub struct NativeLeaf {
    pub common_name: Option<String>,
    pub organization: Option<String>,
    /// DNS names in ASCII, and IP addresses.
    pub names: Vec<String>,
    /// Seconds since the epoch.
    pub not_before: i64,
    pub not_after: i64,
    /// At most 20 bytes, read as a positive number.
    pub serial: Buffer,
    pub crl_url: Option<String>,
}

/// An authority's key, its name, and the one public key of all leaves.
#[napi]
pub struct NativeLeafIssuer {
    // The key is of ring's type, because rcgen's key pairs link RSA and every curve, which is 190 KB.
    key: EcdsaKeyPair,
    subject: Vec<u8>,
    key_identifier: Vec<u8>,
    leaf_key: LeafKey,
}

#[napi]
impl NativeLeafIssuer {
    /// `key` is PKCS#8, `subject` the authority's name (DER), `point` an uncompressed point on P-256. Keys that are not on
    /// P-256 are refused: OpenSSL signs with RSA twice as fast as ring, so TypeScript does that.
    #[napi(constructor, catch_unwind)]
    pub fn new(key: &[u8], subject: &[u8], key_identifier: &[u8], point: &[u8]) -> Result<Self> {
        if point.len() != 65 || point.first() != Some(&4) {
            return Err(error(
                Code::BadArgument,
                "the leaves' key is not an uncompressed point on P-256",
            ));
        }
        Ok(Self {
            key: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key, &SystemRandom::new())
                .map_err(unusable)?,
            subject: subject.to_vec(),
            key_identifier: key_identifier.to_vec(),
            leaf_key: LeafKey(point.to_vec()),
        })
    }

    /// The certificate, as DER.
    #[napi(catch_unwind)]
    pub fn mint(&self, leaf: NativeLeaf) -> Result<Buffer> {
        let authority = Authority { issuer: self };
        // rcgen writes an empty name as the issuer, because it could keep only one value of each type, and not its
        // encoding.
        let mut name = CertificateParams::default();
        name.distinguished_name = DistinguishedName::new();
        name.key_identifier_method = KeyIdMethod::PreSpecified(self.key_identifier.clone());
        let certificate = params(leaf)?
            .signed_by(&self.leaf_key, &Issuer::new(name, authority))
            .map_err(refused)?;
        let whole = certificate.der();
        let body = whole.get(content(whole)).ok_or_else(misread)?;
        let (to_be_signed, rest) = body.split_at_checked(content(body).end).ok_or_else(misread)?;
        let to_be_signed = self.with_issuer(to_be_signed).ok_or_else(misread)?;
        Ok(tlv(SEQUENCE, &[&to_be_signed, rest]).into())
    }

    /// A TBSCertificate in which the authority's own name, byte for byte, replaces the empty issuer (RFC 5280, 4.1).
    fn with_issuer(&self, to_be_signed: &[u8]) -> Option<Vec<u8>> {
        let fields = to_be_signed.get(content(to_be_signed))?;
        // Version, serial number and algorithm come before the issuer.
        let mut at = 0;
        for _ in 0..3 {
            at += content(fields.get(at..)?).end;
        }
        let (before, after) = fields.split_at_checked(at)?;
        let after = after.strip_prefix(&[SEQUENCE, 0])?;
        Some(tlv(SEQUENCE, &[before, &self.subject, after]))
    }
}

/// A signer that replaces the issuer before it signs.
struct Authority<'a> {
    issuer: &'a NativeLeafIssuer,
}

impl PublicKeyData for Authority<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.issuer.key.public_key().as_ref()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

impl SigningKey for Authority<'_> {
    fn sign(&self, to_be_signed: &[u8]) -> std::result::Result<Vec<u8>, rcgen::Error> {
        let unsigned = rcgen::Error::RemoteKeyError;
        let Some(named) = self.issuer.with_issuer(to_be_signed) else {
            return Err(unsigned);
        };
        let signature = self.issuer.key.sign(&SystemRandom::new(), &named);
        signature.map(|bytes| bytes.as_ref().to_vec()).map_err(|_| unsigned)
    }
}

struct LeafKey(Vec<u8>);

impl PublicKeyData for LeafKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

fn params(leaf: NativeLeaf) -> Result<CertificateParams> {
    let mut params = CertificateParams::default();
    params.not_before = time(leaf.not_before)?;
    params.not_after = time(leaf.not_after)?;
    params.serial_number = Some(SerialNumber::from_slice(&leaf.serial));
    params.is_ca = IsCa::NoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params.distinguished_name = DistinguishedName::new();
    let critical = leaf.common_name.is_none();
    if let Some(name) = leaf.common_name {
        params.distinguished_name.push(DnType::CommonName, name);
    }
    if let Some(name) = leaf.organization {
        params.distinguished_name.push(DnType::OrganizationName, name);
    }
    if let Some(url) = leaf.crl_url {
        params.crl_distribution_points = vec![CrlDistributionPoint { uris: vec![url] }];
    }
    let mut names = CustomExtension::from_oid_content(SUBJECT_ALT_NAME, general_names(&leaf.names)?);
    names.set_criticality(critical);
    params.custom_extensions = vec![names];
    Ok(params)
}

/// The content of a SubjectAltName. rcgen writes one, too, but decides by itself whether it is critical.
fn general_names(names: &[String]) -> Result<Vec<u8>> {
    let mut written = Vec::new();
    for name in names {
        let one = match name.parse() {
            Ok(IpAddr::V4(address)) => tlv(IP_ADDRESS, &[&address.octets()]),
            Ok(IpAddr::V6(address)) => tlv(IP_ADDRESS, &[&address.octets()]),
            Err(_) => tlv(
                DNS_NAME,
                &[Ia5String::try_from(name.as_str()).map_err(refused)?.as_str().as_bytes()],
            ),
        };
        written.extend(one);
    }
    Ok(tlv(SEQUENCE, &[&written]))
}

fn time(seconds: i64) -> Result<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(seconds).map_err(|range| error(Code::BadArgument, range.to_string()))
}

/// One DER value: its tag, the length in its shortest form, and its content (X.690, 8.1 and 10.1).
fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut written = Vec::with_capacity(length + 6);
    written.push(tag);
    if length < 128 {
        written.push(length as u8);
    } else {
        let bytes = length.to_be_bytes();
        let digits = &bytes[length.leading_zeros() as usize / 8..];
        written.push(0x80 | digits.len() as u8);
        written.extend(digits);
    }
    parts.iter().for_each(|part| written.extend(*part));
    written
}

/// The place of the content of the first value of `der`. Only DER of rcgen's is read: one byte of tag, a definite
/// length.
fn content(der: &[u8]) -> std::ops::Range<usize> {
    let first = der.get(1).copied().unwrap_or(0) as usize;
    if first < 128 {
        return 2..2 + first;
    }
    let start = 2 + (first - 128);
    let digits = der.get(2..start).unwrap_or(&[]);
    let length = digits.iter().fold(0, |length, digit| length << 8 | *digit as usize);
    start..start + length
}

fn misread() -> Error {
    error(Code::Io, "the certificate was not written as it was expected")
}

fn refused(reason: rcgen::Error) -> Error {
    error(Code::BadArgument, reason.to_string())
}

fn unusable(reason: KeyRejected) -> Error {
    error(Code::BadArgument, format!("the authority's key: {reason}"))
}
