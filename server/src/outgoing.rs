//! Calls that the office itself makes: one POST to an address that somebody named. It knows which addresses may be called
//! and how long that may take; refuses to know what is said there.
//!
//! An address that a phone named (a push service) is a stranger's wish: only `https`, only its usual port, and only a
//! machine of the public internet is called, whatever its name leads to at that moment. No redirect is followed, nothing
//! of the answer is read but its status and how long it asks to wait.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use axum::http::header::{CONTENT_LENGTH, HOST, RETRY_AFTER};
use axum::http::{HeaderValue, Request, Uri};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// From the name to the answer. A push service answers within a second; whoever is on duty must not wait for one that hangs.
pub const LONGEST_CALL: Duration = Duration::from_secs(10);

/// Who named the address that is called.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Named {
    /// A phone: only the public internet.
    ByPhone,
    /// Whoever runs the office: also a machine of the own network, there also without TLS.
    ByOperator,
}

/// How the office calls out.
#[derive(Clone)]
pub struct Outgoing {
    tls: TlsConnector,
    /// A phone's address may be anywhere, without TLS too: for tests.
    anywhere: bool,
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outgoing").field("anywhere", &self.anywhere).finish_non_exhaustive()
    }
}

/// What a call came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Answered {
    pub status: u16,
    /// How long the other side asks to wait.
    pub retry_after_s: Option<u32>,
}

impl Outgoing {
    /// Trusts what the machine trusts.
    #[must_use]
    pub fn new(anywhere: bool) -> Self {
        let mut roots = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::warn!("a certificate of this machine cannot be read: {error}");
        }
        roots.add_parsable_certificates(found.certs);
        Self::trusting(roots, anywhere)
    }

    /// # Panics
    /// Never: the provider speaks the versions of TLS that it names.
    #[must_use]
    pub fn trusting(roots: RootCertStore, anywhere: bool) -> Self {
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring speaks TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { tls: TlsConnector::from(Arc::new(config)), anywhere }
    }

    /// Whether a phone may name addresses without TLS.
    #[must_use]
    pub fn is_anywhere(&self) -> bool {
        self.anywhere
    }

    /// Sends one POST and waits for the status of its answer, at most [`LONGEST_CALL`].
    ///
    /// # Errors
    /// The address may not be called, nobody is there, their certificate is not trusted, or the time is over. No message
    /// holds the address.
    pub async fn post(
        &self,
        url: &str,
        named: Named,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
    ) -> Result<Answered> {
        tokio::time::timeout(LONGEST_CALL, self.call(url, named, headers, body)).await.context("no answer in time")?
    }

    async fn call(
        &self,
        url: &str,
        named: Named,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
    ) -> Result<Answered> {
        let uri: Uri = url.parse().context("not an address")?;
        let with_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => bail!("neither http nor https"),
        };
        let authority = uri.authority().context("an address without a host")?;
        ensure!(!authority.as_str().contains('@'), "an address with a password in it");
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = authority.port_u16().unwrap_or(if with_tls { 443 } else { 80 });
        let is_free = named == Named::ByPhone && self.anywhere;
        if named == Named::ByPhone && !is_free {
            ensure!(with_tls && port == 443, "a push service is called by https on its usual port");
        }
        let found: Vec<SocketAddr> =
            tokio::net::lookup_host((host.as_str(), port)).await.context("the name leads nowhere")?.collect();
        let may_call = |address: &&SocketAddr| match named {
            Named::ByPhone => is_free || is_public(address.ip()),
            Named::ByOperator => with_tls || !is_public(address.ip()),
        };
        // What was looked at is what is called: the name is not asked again.
        let address = *found.iter().find(may_call).context("an address that may not be called")?;
        let stream = TcpStream::connect(address).await.context("nobody is there")?;
        stream.set_nodelay(true).ok();
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::post(path)
            .header(HOST, HeaderValue::from_str(authority.as_str()).context("a host")?)
            .header(CONTENT_LENGTH, body.len());
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(Bytes::from(body)))?;
        if with_tls {
            let name = ServerName::try_from(host).context("no name for a certificate")?;
            let stream = self.tls.connect(name, stream).await.context("no safe connection")?;
            send(stream, request).await
        } else {
            send(stream, request).await
        }
    }
}

async fn send(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<Answered> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.context("not HTTP")?;
    let mut connection = tokio::task::JoinSet::from_iter([connection]);
    let answer = sender.send_request(request).await.context("no answer")?;
    // Dropping the set ends the connection, whatever else would come.
    connection.abort_all();
    let retry_after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    Ok(Answered { status: answer.status().as_u16(), retry_after_s: retry_after })
}

/// Whether an address belongs to a machine of the public internet: not this machine, not the network it stands in, nothing
/// that is set aside for other uses (IANA's special-purpose registries, RFC 6890).
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_unspecified()
        || address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_documentation()
        || a == 0
        || a >= 224
        || (a == 100 && (64..128).contains(&b))
        || (a, b, c) == (192, 0, 0)
        || (a, b, c) == (192, 88, 99)
        || (a == 198 && matches!(b, 18 | 19));
    !special
}

/// Only what is given out as global unicast, 2000::/3, less what stands for an IPv4 address or is kept for documents.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let special = first == 0x2002 || (first == 0x2001 && (second < 0x0200 || second == 0x0db8)) || first == 0x3fff;
    first & 0xe000 == 0x2000 && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_public() {
        for inside in [
            "0.0.0.0",
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd12:3456::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::1",
            "2001:db8::1",
            "2001::1",
            "fec0::1",
        ] {
            assert!(!is_public(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["8.8.8.8", "142.250.1.1", "172.32.0.1", "100.128.0.1", "192.1.0.1", "2a00:1450:4001::200a"] {
            assert!(is_public(outside.parse().unwrap()), "{outside}");
        }
    }

    #[tokio::test]
    async fn what_a_phone_names_is_called_only_if_it_is_a_push_service() {
        let outgoing = Outgoing::trusting(RootCertStore::empty(), false);
        for (url, why) in [
            ("http://push.example/1", "https on its usual port"),
            ("https://push.example:8443/1", "https on its usual port"),
            ("https://user:secret@push.example/1", "password"),
            ("https://127.0.0.1/1", "may not be called"),
            ("https://[::1]/1", "may not be called"),
            ("https://localhost/1", "may not be called"),
            ("https://169.254.169.254/latest", "may not be called"),
            ("file:///etc/passwd", "not an address"),
            ("ftp://push.example/1", "neither http nor https"),
        ] {
            let said = outgoing.post(url, Named::ByPhone, &[], vec![]).await.unwrap_err();
            assert!(format!("{said:#}").contains(why), "{url}: {said:#}");
        }
        let said = outgoing.post("http://8.8.8.8/", Named::ByOperator, &[], vec![]).await.unwrap_err();
        assert!(format!("{said:#}").contains("may not be called"), "without TLS only at home: {said:#}");
    }
}
