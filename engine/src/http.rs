//! Outgoing HTTP: connects to an address that was asked about, and to no other.
//!
//! wasmtime-wasi-http's own client looks the name up while it connects, so that whatever was decided
//! about an address would be about another look-up, which may have another answer. Here a name is
//! looked up once, each of its addresses is asked about, and one that may be reached is connected to.
//! The rest is as there: HTTP/1.1, TLS with Mozilla's roots, and the three times that a request may
//! set. Nothing is redirected: an answer that says so is the guest's to read, and another request.

use crate::wasi::NetPolicy;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::future::{Future, poll_fn};
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Interval, interval, timeout};
use tokio_rustls::{TlsConnector, rustls};
use wasmtime_wasi_http::io::TokioIo;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

type Driver = Box<dyn Future<Output = Result<(), Error>> + Send>;
pub type Answer = Result<(http::Response<WasiBody>, Driver), Error>;

/// Where WASI's own client gives up, where the request does not say.
const PATIENCE: Duration = Duration::from_secs(600);

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Sends a request that was allowed by its name.
pub async fn send(request: http::Request<WasiBody>, options: Option<RequestOptions>, policy: Arc<NetPolicy>) -> Answer {
    let options = options.unwrap_or_default();
    let patience = options.connect_timeout.unwrap_or(PATIENCE);
    let stream = timeout(patience, connect(request.uri().clone(), policy)).await.map_err(|_| Error::ConnectionTimeout)??;
    let handshake = hyper::client::conn::http1::Builder::new().handshake(TokioIo::new(stream));
    let (mut sender, connection) = timeout(patience, handshake).await.map_err(|_| Error::ConnectionTimeout)??;
    let mut connection = Some(Box::pin(connection));
    let request = to_origin(request)?;
    let response = {
        let first = options.first_byte_timeout.unwrap_or(PATIENCE);
        let mut waited = pin!(timeout(first, sender.send_request(request)));
        poll_fn(|cx| {
            if let Poll::Ready(r) = waited.as_mut().poll(cx) {
                return Poll::Ready(r.map_err(|_| Error::ConnectionReadTimeout)?.map_err(Error::from));
            }
            // Nothing moves unless somebody polls the connection.
            let Some(c) = connection.as_mut() else { return Poll::Pending };
            let ended = ready!(c.as_mut().poll(cx));
            connection = None;
            match ended {
                Err(e) => Poll::Ready(Err(Error::from(e))),
                Ok(()) => waited.as_mut().poll(cx).map(|r| r.map_err(|_| Error::ConnectionReadTimeout)?.map_err(Error::from)),
            }
        })
        .await?
    };
    let pause = options.between_bytes_timeout.unwrap_or(PATIENCE).max(Duration::from_nanos(1));
    let response = response.map(|incoming| {
        let mut timer = interval(pause);
        timer.reset();
        WasiBody::new(Timed { incoming, timer })
    });
    let rest = async move {
        match connection {
            Some(c) => c.await.map_err(|e| if e.is_timeout() { Error::HttpResponseTimeout } else { Error::from(e) }),
            None => Ok(()),
        }
    };
    Ok((response, Box::new(rest)))
}

/// A server is asked for a path; scheme and authority are for proxies.
fn to_origin(mut request: http::Request<WasiBody>) -> Result<http::Request<WasiBody>, Error> {
    let path = request.uri().path_and_query().map_or("/", |p| p.as_str());
    *request.uri_mut() = http::Uri::builder().path_and_query(path).build().map_err(|_| Error::HttpRequestUriInvalid)?;
    Ok(request)
}

/// A connection to one of the addresses that the name has and the policy allows.
async fn connect(uri: http::Uri, policy: Arc<NetPolicy>) -> Result<Box<dyn Stream>, Error> {
    let tls = uri.scheme() == Some(&http::uri::Scheme::HTTPS);
    let host = uri.host().ok_or(Error::HttpRequestUriInvalid)?.trim_matches(['[', ']']).to_owned();
    let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
    let stream = connect_to(allowed(&host, port, policy).await?).await?;
    // An answer is whole at once or it is not; waiting for more to send would only be slower.
    let _ = stream.set_nodelay(true);
    if !tls {
        return Ok(Box::new(stream));
    }
    let name = match host.parse::<IpAddr>() {
        Ok(ip) => rustls::pki_types::ServerName::from(ip),
        Err(_) => rustls::pki_types::ServerName::try_from(host)?,
    };
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
    let config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(Error::Tls)?;
    Ok(Box::new(stream))
}

/// The addresses of a host that may be reached, looked up once.
async fn allowed(host: &str, port: u16, policy: Arc<NetPolicy>) -> Result<Vec<SocketAddr>, Error> {
    let found: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await.map_err(Error::Connect)?.collect();
    if found.is_empty() {
        return Err(Error::DestinationNotFound);
    }
    let host = host.to_owned();
    // DNS may be asked: not on the instance's thread, so that a stop still ends the guest.
    let allowed: Vec<SocketAddr> =
        tokio::task::spawn_blocking(move || found.into_iter().filter(|a| policy.allows_http(&host, *a)).collect())
            .await
            .map_err(|_| Error::InternalError(None))?;
    if allowed.is_empty() { Err(Error::DestinationIpProhibited) } else { Ok(allowed) }
}

/// The first that answers.
async fn connect_to(addresses: Vec<SocketAddr>) -> Result<TcpStream, Error> {
    let mut last = None;
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(e) => last = Some(e),
        }
    }
    Err(last.map_or(Error::DestinationNotFound, Error::Connect))
}

/// A body that must not pause for longer than the request says.
struct Timed {
    incoming: Incoming,
    timer: Interval,
}

impl Body for Timed {
    type Data = hyper::body::Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Self::Data>, Error>>> {
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.timer.reset();
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(e))) if e.is_timeout() => Poll::Ready(Some(Err(Error::HttpResponseTimeout))),
            Poll::Ready(Some(Err(e))) => Poll::Ready(Some(Err(Error::from(e)))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                ready!(self.timer.poll_tick(cx));
                Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
            }
        }
    }
    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }
    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
