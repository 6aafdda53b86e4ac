//! A DNS server that misbehaves on purpose, as block lists have done: it refuses, fails, keeps silent, or
//! answers for every name. Which one it does stands in the name asked for.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// What it does with a question.
#[derive(Clone, Copy)]
pub enum Answer {
    /// This address for an A question, no data for others.
    Address([u8; 4]),
    /// Only this DNS response code.
    Code(u8),
    /// Nothing at all.
    Silence,
    /// Garbage instead of a DNS message's body.
    Garbage,
}

/// A running server; it ends when dropped.
pub struct BadDns {
    /// Where it listens, UDP only.
    pub address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl BadDns {
    /// Starts it; `decide` is given the name asked for, in lower case and without the final dot.
    pub fn start(decide: impl Fn(&str) -> Answer + Send + 'static) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_millis(50)))
            .unwrap();
        let address = socket.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while !stopped.load(Ordering::Relaxed) {
                let Ok((length, client)) = socket.recv_from(&mut buffer) else {
                    continue;
                };
                if let Some(reply) = reply(&buffer[..length], &decide) {
                    let _ = socket.send_to(&reply, client);
                }
            }
        });
        Self {
            address,
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for BadDns {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The reply in wire format, written by hand so that it can also be wrong.
fn reply(question: &[u8], decide: &impl Fn(&str) -> Answer) -> Option<Vec<u8>> {
    let mut at = 12;
    let mut name = String::new();
    while let Some(&length) = question.get(at).filter(|length| **length != 0) {
        let label = question.get(at + 1..at + 1 + usize::from(length))?;
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(&String::from_utf8_lossy(label).to_ascii_lowercase());
        at += 1 + usize::from(length);
    }
    let end = at + 5;
    let kind = u16::from_be_bytes([*question.get(at + 1)?, *question.get(at + 2)?]);
    let (code, address) = match decide(&name) {
        Answer::Silence => return None,
        Answer::Code(code) => (code, None),
        Answer::Address(address) => (0, (kind == 1).then_some(address)),
        Answer::Garbage => {
            let mut reply = question.get(..2)?.to_vec();
            reply.extend_from_slice(&[0x81, 0x80, 0, 1, 0, 9, 0, 0, 0, 0, 0xc0]);
            return Some(reply);
        }
    };
    let mut reply = question.get(..2)?.to_vec();
    reply.extend_from_slice(&[0x81, 0x80 | code, 0, 1, 0, u8::from(address.is_some())]);
    reply.extend_from_slice(&[0, 0, 0, 0]);
    reply.extend_from_slice(question.get(12..end)?);
    if let Some(address) = address {
        // A pointer to the question's name, A, IN, 60 seconds, four octets.
        reply.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        reply.extend_from_slice(&address);
    }
    Some(reply)
}
