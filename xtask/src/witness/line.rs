//! The line between a phone and the office: HTTP/1.1 by hand, so that it can be cut anywhere. It knows bytes, not what
//! they say.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

/// Far longer than the office takes; what hangs longer is a failure that the judge hears of.
const PATIENCE: Duration = Duration::from_secs(60);

/// One call of a server function.
#[derive(Clone, Debug)]
pub struct Call {
    pub port: u16,
    pub path: &'static str,
    pub cookie: String,
    pub body: String,
}

/// Where the connection breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    Never,
    /// In the midst of what is sent: so many thousandths of it go out.
    Sending(u32),
    /// All is sent; of the answer only the first bytes are read, or none.
    Answering(usize),
}

#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub cookie: Option<String>,
    pub body: String,
}

/// Nobody knows what the office has done, if anything.
#[derive(Clone, Copy, Debug)]
pub struct Lost;

impl From<std::io::Error> for Lost {
    fn from(_: std::io::Error) -> Self {
        Self
    }
}

/// What carries calls: the network as it is, or one that lies.
pub trait Line: Sync {
    fn carry(&self, call: &Call, cut: Cut) -> Result<Answer, Lost>;
}

/// The network as it is.
pub struct Wire;

impl Line for Wire {
    fn carry(&self, call: &Call, cut: Cut) -> Result<Answer, Lost> {
        let Call { port, path, cookie, body } = call;
        let mut stream = TcpStream::connect(("127.0.0.1", *port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let mut request = format!(
            "POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\norigin: http://127.0.0.1:{port}\r\nconnection: close\r\n\
             content-type: application/json\r\ncookie: {cookie}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend(body.as_bytes());
        if let Cut::Sending(thousandths) = cut {
            stream.write_all(&request[..request.len() * thousandths as usize / 1000])?;
            stream.shutdown(Shutdown::Both)?;
            return Err(Lost);
        }
        stream.write_all(&request)?;
        let mut answer = Vec::new();
        if let Cut::Answering(bytes) = cut {
            stream.take(bytes as u64).read_to_end(&mut answer)?;
            return Err(Lost);
        }
        stream.read_to_end(&mut answer)?;
        parse(&answer).ok_or(Lost)
    }
}

/// `None` when it ended before its end.
fn parse(answer: &[u8]) -> Option<Answer> {
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).ok()?;
    let body = &answer[end + 4..];
    let header = |wanted: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value)
    };
    let body = match header("content-length") {
        Some(length) => (body.len() == length.parse::<usize>().ok()?).then(|| body.to_vec())?,
        None if header("transfer-encoding") == Some("chunked") => unchunk(body)?,
        None => return None,
    };
    let cookie = header("set-cookie").and_then(|value| value.split(';').next()).map(str::to_owned);
    Some(Answer { status: head.split(' ').nth(1)?.parse().ok()?, cookie, body: String::from_utf8(body).ok()? })
}

fn unchunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let end = rest.windows(2).position(|w| w == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).ok()?.trim(), 16).ok()?;
        if size == 0 {
            return Some(whole);
        }
        whole.extend(rest.get(end + 2..end + 2 + size)?);
        rest = rest.get(end + 2 + size + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_was_cut_is_no_answer() {
        let whole = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ntrue";
        assert_eq!(parse(whole).unwrap().body, "true");
        assert!((0..whole.len()).all(|cut| parse(&whole[..cut]).is_none()));
        let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\ntr\r\n2\r\nue\r\n0\r\n\r\n";
        assert_eq!(parse(chunked).unwrap().body, "true");
        let before_the_last_chunk = chunked.len() - 6;
        assert!((0..before_the_last_chunk).all(|cut| parse(&chunked[..cut]).is_none()));
    }
}
