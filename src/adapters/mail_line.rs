//! The line to a mail relay, with a limit to what is heard on it.
//! Invariant: in clear text nothing is read ahead, so what somebody adds behind the answer to STARTTLS is
//! never taken for an answer that came encrypted (CVE-2011-0411 and its kin).

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::io::{AsyncRead as _, AsyncWrite as _};
#[expect(
    deprecated,
    reason = "lettre offers no other way to encrypt a line of one's own from the first byte"
)]
use lettre::transport::smtp::client::AsyncNetworkStream;
use lettre::transport::smtp::client::{AsyncTokioStream, TlsParameters};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A relay says some hundred bytes,
const IN_CLEAR: usize = 16 * 1024;
/// and TLS some thousand more.
const IN_ALL: usize = 256 * 1024;
/// The first byte of a TLS handshake. Source: RFC 8446, section 5.1.
const HANDSHAKE: u8 = 0x16;

/// A TCP connection to a relay.
#[derive(Debug)]
pub(super) struct Line {
    stream: TcpStream,
    heard: usize,
    is_clear: bool,
}

impl Line {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, heard: 0, is_clear: true }
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let limit = if self.is_clear { IN_CLEAR } else { IN_ALL };
        if self.heard >= limit {
            return Poll::Ready(Err(io::Error::other(format!("the relay says more than {limit} bytes"))));
        }
        let mut bytes = [0; 4096];
        let most = if self.is_clear { 1 } else { bytes.len().min(limit - self.heard) };
        let mut part = ReadBuf::new(&mut bytes[..most.min(buf.remaining())]);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut part))?;
        self.heard += part.filled().len();
        buf.put_slice(part.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        // No command of SMTP's and no line of a letter begins with it.
        if bytes.first() == Some(&HANDSHAKE) {
            self.is_clear = false;
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl AsyncTokioStream for Line {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}

/// A line that is encrypted from the first byte. It is a `Line` beneath, so its limits hold.
#[derive(Debug)]
#[expect(deprecated, reason = "see above")]
pub(super) struct Encrypted {
    stream: AsyncNetworkStream,
    peer: SocketAddr,
}

#[expect(deprecated, reason = "see above")]
impl Encrypted {
    pub(super) async fn new(
        line: Line,
        parameters: TlsParameters,
    ) -> io::Result<Result<Self, lettre::transport::smtp::Error>> {
        let peer = line.peer_addr()?;
        let mut stream = AsyncNetworkStream::use_existing_tokio1(Box::new(line));
        Ok(stream.upgrade_tls(parameters).await.map(|()| Self { stream, peer }))
    }
}

impl AsyncRead for Encrypted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buf.initialize_unfilled()))?;
        buf.advance(read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }
}

impl AsyncTokioStream for Encrypted {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}
