//! A server of bytes: it reads one request per connection and answers with whatever it was told to.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// An answer in bytes.
#[derive(Debug, Clone)]
pub enum Reply {
    /// All of it, then the end of the connection.
    Whole(Vec<u8>),
    /// The beginning, then one more byte every now and then, for ever.
    Drip(Vec<u8>),
    /// The beginning, then the part again and again, for ever.
    Flood(Vec<u8>, Vec<u8>),
}

/// What to answer to a request, given its head.
pub type Answer = Arc<dyn Fn(&str) -> Reply + Send + Sync>;

/// The server; it ends with the test's runtime.
pub struct Raw {
    pub url: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Raw {
    pub async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let book = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, book) = (Arc::clone(&answer), Arc::clone(&book));
                // A client that hangs up is what is hoped for.
                tokio::spawn(async move { drop(serve(stream, answer, book).await) });
            }
        });
        Self { url, seen }
    }

    /// The heads of all requests so far.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The beginning of an answer, without its end: the caller adds length and body.
pub fn head(status: u16) -> String {
    format!(
        "HTTP/1.1 {status} X\r\nx-request-id: req-hostile\r\nrequest-id: req-hostile\r\nconnection: close\r\n"
    )
}

/// A whole answer.
pub fn whole(status: u16, body: impl AsRef<[u8]>) -> Reply {
    let body = body.as_ref();
    let mut bytes = format!("{}content-length: {}\r\n\r\n", head(status), body.len()).into_bytes();
    bytes.extend_from_slice(body);
    Reply::Whole(bytes)
}

async fn serve(mut stream: TcpStream, answer: Answer, book: Arc<Mutex<Vec<String>>>) -> std::io::Result<()> {
    let head = request(&mut stream).await?;
    book.lock().unwrap_or_else(PoisonError::into_inner).push(head.clone());
    match answer(&head) {
        Reply::Whole(bytes) => {
            stream.write_all(&bytes).await?;
            stream.shutdown().await?;
            // Closing with bytes unread would be a reset, and could overtake the answer.
            tokio::io::copy(&mut stream, &mut tokio::io::sink()).await.map(|_| ())
        }
        Reply::Drip(bytes) => {
            stream.write_all(&bytes).await?;
            let mut ticks = tokio::time::interval(Duration::from_millis(10));
            loop {
                ticks.tick().await;
                stream.write_all(b" ").await?;
            }
        }
        Reply::Flood(bytes, part) => {
            stream.write_all(&bytes).await?;
            loop {
                stream.write_all(&part).await?;
            }
        }
    }
}

/// Reads a whole request; its head.
async fn request(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.to_ascii_lowercase();
            let length = length.split_once("content-length: ").map_or("0", |(_, rest)| rest);
            let length = length.lines().next().and_then(|line| line.trim().parse().ok()).unwrap_or(0);
            if body.len() >= length {
                return Ok(head.to_owned());
            }
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}
