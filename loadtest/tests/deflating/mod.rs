//! `permessage-deflate` put before a tracker that has none, by another implementation than the load
//! generator's, and the ways in which a tracker can get it wrong.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use miniz_oxide::deflate::core::{CompressorOxide, create_comp_flags_from_zip_params};
use miniz_oxide::deflate::stream::deflate;
use miniz_oxide::inflate::decompress_to_vec;
use miniz_oxide::{MZFlush, MZStatus};

/// What is wrong with a compressed message now and then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    None,
    /// It is not compressed data.
    Garbage,
    /// It is a megabyte of spaces.
    Bomb,
}

/// The extension before a tracker.
pub(crate) struct Deflating {
    pub(crate) address: SocketAddr,
    /// Messages of clients that were compressed.
    pub(crate) deflated: Arc<AtomicU64>,
}

/// Every how many times it lies, and of how many messages the first lie is behind.
const LIE_EVERY: u64 = 40;
const TRUTHS: u64 = 200;

/// A flush ends with it, a message goes without it.
const TAIL: &[u8] = b"\x00\x00\xff\xff";

/// Starts it before `tracker`; it ends with the test run.
pub(crate) fn start(tracker: SocketAddr, lie: Lie) -> Deflating {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (deflated, said) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let counter = deflated.clone();
    std::thread::spawn(move || {
        while let Ok((client, _)) = listener.accept() {
            let (counter, said) = (counter.clone(), said.clone());
            std::thread::spawn(move || {
                // Whoever ends a connection ends it for both.
                let _ = serve(&client, tracker, lie, &counter, said);
            });
        }
    });
    Deflating { address, deflated }
}

fn serve(
    client: &TcpStream,
    tracker: SocketAddr,
    lie: Lie,
    deflated: &AtomicU64,
    said: Arc<AtomicU64>,
) -> io::Result<()> {
    let server = TcpStream::connect(tracker)?;
    let request = head(client)?;
    assert!(request.contains("Sec-WebSocket-Extensions: permessage-deflate"), "{request}");
    (&server).write_all(request.as_bytes())?;
    let answer = head(&server)?;
    let agreed = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; \
                  client_no_context_takeover\r\n\r\n";
    let answer = answer.strip_suffix("\r\n").expect("a head");
    (&mut &*client).write_all(format!("{answer}{agreed}").as_bytes())?;
    let (from, to) = (server.try_clone()?, client.try_clone()?);
    std::thread::spawn(move || {
        while let Ok((first, payload)) = frame(&from) {
            let payload = if first == 0x81 { Some(payload) } else { None }.map(|text| {
                let number = said.fetch_add(1, Relaxed);
                let lies = number > TRUTHS && number.is_multiple_of(LIE_EVERY);
                match lie {
                    Lie::Garbage if lies => b"\xff no blocks of this type".to_vec(),
                    Lie::Bomb if lies => compressed(&vec![b' '; 1 << 20]),
                    _ => compressed(&text),
                }
            });
            let Some(payload) = payload else { break };
            if (&to).write_all(&framed(0xC1, &payload, false)).is_err() {
                break;
            }
        }
        let _ = to.shutdown(std::net::Shutdown::Both);
    });
    loop {
        let (first, mut payload) = frame(client)?;
        if first == 0xC1 {
            deflated.fetch_add(1, Relaxed);
            // It wants an end: an empty final block.
            payload = decompress_to_vec(&[&payload[..], TAIL, b"\x03\x00"].concat())
                .expect("compressed data");
        }
        (&server).write_all(&framed(first & !0x40, &payload, true))?;
    }
}

/// Everything up to the empty line.
fn head(mut from: &TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        from.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8(head).expect("ASCII"))
}

/// A frame's first byte and its payload, unmasked.
fn frame(mut from: &TcpStream) -> io::Result<(u8, Vec<u8>)> {
    let mut start = [0; 2];
    from.read_exact(&mut start)?;
    let mut length = u64::from(start[1] & 0x7f);
    if length == 126 {
        let mut long = [0; 2];
        from.read_exact(&mut long)?;
        length = u16::from_be_bytes(long).into();
    } else if length == 127 {
        let mut long = [0; 8];
        from.read_exact(&mut long)?;
        length = u64::from_be_bytes(long);
    }
    let mut key = [0; 4];
    if start[1] & 0x80 != 0 {
        from.read_exact(&mut key)?;
    }
    let mut payload = vec![0; length as usize];
    from.read_exact(&mut payload)?;
    for (at, byte) in payload.iter_mut().enumerate() {
        *byte ^= key[at % 4];
    }
    Ok((start[0], payload))
}

/// A frame, masked with zeros if it is a client's.
fn framed(first: u8, payload: &[u8], masked: bool) -> Vec<u8> {
    let mask_bit = if masked { 0x80 } else { 0 };
    let mut out = vec![first, mask_bit | 127];
    out.extend((payload.len() as u64).to_be_bytes());
    if payload.len() < 126 {
        out = vec![first, mask_bit | payload.len() as u8];
    }
    if masked {
        out.extend([0; 4]);
    }
    out.extend_from_slice(payload);
    out
}

fn compressed(plain: &[u8]) -> Vec<u8> {
    let mut compressor = CompressorOxide::new(create_comp_flags_from_zip_params(6, -15, 0));
    let mut out = vec![0; plain.len() + 1000];
    let result = deflate(&mut compressor, plain, &mut out, MZFlush::Sync);
    assert_eq!((result.status, result.bytes_consumed), (Ok(MZStatus::Ok), plain.len()));
    out[..result.bytes_written].strip_suffix(TAIL).expect("a flush").to_vec()
}
