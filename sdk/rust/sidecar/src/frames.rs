//! Frames and messages over two descriptors, with credit. What they mean is in serve.rs.
//!
//! Any thread writes, a piece of a message at a time; a sender without credit waits, for CREDIT that
//! the one reading thread takes in. So that thread never sends what needs credit.

use crate::value::{Malformed, Reader, Value, Writer};
use crate::{enumeration, record, variant};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, IoSlice, Read, Write};
use std::sync::{Condvar, Mutex};

const MAGIC: u16 = 0x706c;
const LONGEST_FRAME: usize = 1 << 20;
const LONGEST_MESSAGE: usize = 64 << 20;
const MOST_IN_PIECES: (usize, usize) = (1024, 256 << 20);
/// The longest piece that is sent at once, to let others in between.
const PIECE: usize = 256 << 10;
/// With less credit than this, a longer message waits.
const SLIVER: usize = 4 << 10;
/// Bytes that the host may have in flight.
pub const CREDIT: u32 = 4 << 20;

macro_rules! frames {
    ($($name:ident $number:literal $text:literal $senders:literal;)*) => {
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub enum Type { $($name = $number),* }

        impl Type {
            pub fn of(number: u8) -> Option<Type> {
                match number {
                    $($number => Some(Type::$name),)*
                    _ => None,
                }
            }

            pub fn name(self) -> &'static str {
                match self { $(Type::$name => $text),* }
            }

            /// h: the host, s: a sidecar
            pub fn senders(self) -> &'static str {
                match self { $(Type::$name => $senders),* }
            }
        }
    };
}
frames! {
    Welcome 0x01 "WELCOME" "s"; Start 0x02 "START" "h"; Ready 0x03 "READY" "s"; Fail 0x04 "FAIL" "s";
    Caller 0x10 "CALLER" "h"; CallerGone 0x11 "CALLER-GONE" "h"; Call 0x12 "CALL" "h"; Next 0x13 "NEXT" "s";
    Result 0x14 "RESULT" "hs"; Fault 0x15 "FAULT" "hs"; Cancel 0x16 "CANCEL" "hs"; Drop 0x17 "DROP" "hs";
    Release 0x18 "RELEASE" "hs"; Credit 0x20 "CREDIT" "hs"; Ping 0x21 "PING" "hs"; Pong 0x22 "PONG" "hs";
    Quiesce 0x30 "QUIESCE" "h"; Resume 0x31 "RESUME" "h"; Save 0x32 "SAVE" "h"; Restore 0x33 "RESTORE" "h";
    State 0x34 "STATE" "hs"; SaveObject 0x35 "SAVE-OBJECT" "h"; RestoreObject 0x36 "RESTORE-OBJECT" "h";
    Log 0x80 "LOG" "s";
}

impl Type {
    fn cuttable(self) -> bool {
        matches!(self, Type::Call | Type::Next | Type::Result | Type::Fault | Type::State)
    }

    fn counts(self) -> bool {
        !matches!(self, Type::Welcome | Type::Start | Type::Ready | Type::Fail | Type::Credit)
    }
}

record! { pub struct FunctionRow { pub name: String, pub r#type: String, pub implemented: bool } }
record! {
    pub struct InterfaceRow {
        pub name: String, pub version: String, pub functions: Vec<FunctionRow>, pub resources: Vec<String>,
    }
}
record! {
    #[derive(Clone)]
    pub struct OptionRow {
        pub name: String, pub r#type: String, pub values: String, pub fallback: Option<String>, pub help: String,
    }
}
record! {
    pub struct Welcome {
        pub magic: String, pub protocols: Vec<u32>, pub name: String, pub version: String, pub summary: String,
        pub dev_only: bool, pub credit: u32, pub calls: u32, pub capabilities: Vec<String>,
        pub options: Vec<OptionRow>, pub interfaces: Vec<InterfaceRow>,
    }
}
enumeration! {
    /// How much an entry of the log matters.
    #[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
    pub enum Level { Trace, Debug, Info, Warn, Error }
}
record! {
    pub struct Start {
        pub protocol: u32, pub host: String, pub capabilities: Vec<String>, pub credit: u32, pub shared: u32,
        pub log: Level, pub deadline: u32, pub options: Vec<(String, String)>,
    }
}
record! { pub struct ErrorRow { pub code: String, pub messages: Vec<String>, pub hint: Option<String> } }
record! {
    /// A component instance that calls.
    #[derive(Debug)]
    pub struct Caller {
        pub component: String,
        /// Who it is to what lasts, the same from run to run.
        pub identity: String,
        pub instance: u64,
        /// Bytes of private storage that it was granted; where 0, `storage_why` has what would change it.
        pub storage: u64,
        pub storage_why: String,
    }
}
enumeration! {
    /// Why a call is cancelled.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub enum Why { Interrupted, Deadline, Stopped }
}
variant! {
    /// What a field of the log says.
    #[derive(Clone, Debug)]
    pub enum Field { Text(String), Integer(i64), Number(f64), Boolean(bool) }
}
record! { pub struct FieldRow { pub name: String, pub value: Field } }
record! {
    pub struct LogRow {
        pub level: Level, pub wall_ms: u64, pub target: String, pub message: String, pub fields: Vec<FieldRow>,
    }
}
pub type CallHead = (u32, u32, u32, u32, u32);
pub type NextHead = (u32, u32, u32);
pub type CancelRow = (Why, u32);
pub type DropRow = (u32, u32, u64);
enumeration! {
    /// What a save or a restore is about.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub enum Pass {
        /// Everything; no call is under way.
        Whole,
        /// Everything, while calls go on. What they change is noted for `Rest`.
        Copy,
        /// What has changed since `Copy` began; no call is under way.
        Rest,
    }
}
pub type PassRow = (u32, Pass);

/// How a connection ends.
pub enum Ended {
    /// The host closed it.
    Closed,
    /// The other side did not keep to the protocol.
    Broken(String),
}

pub fn broken<T>(why: impl Into<String>) -> Result<T, Ended> {
    Err(Ended::Broken(why.into()))
}

impl From<Malformed> for Ended {
    fn from(why: Malformed) -> Ended {
        Ended::Broken(why.0)
    }
}

/// A frame's header, or a message's: `length` bytes follow.
#[derive(Debug, PartialEq)]
pub struct Header {
    pub length: usize,
    pub number: u8,
    pub more: bool,
    pub id: u32,
}

impl Header {
    pub fn to_bytes(&self) -> [u8; 12] {
        let mut to = [0; 12];
        to[..4].copy_from_slice(&(self.length as u32).to_le_bytes());
        to[4] = self.number;
        to[5] = self.more.into();
        to[6..8].copy_from_slice(&MAGIC.to_le_bytes());
        to[8..].copy_from_slice(&self.id.to_le_bytes());
        to
    }

    pub fn of(b: &[u8; 12]) -> Option<Header> {
        let length = u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize;
        if b[6..8] != MAGIC.to_le_bytes() || b[5] > 1 || length > LONGEST_FRAME {
            return None;
        }
        let id = u32::from_le_bytes([b[8], b[9], b[10], b[11]]);
        Some(Header { length, number: b[4], more: b[5] == 1, id })
    }
}

/// A message. Of STATE, a piece of one; `more` follow.
pub struct Message {
    pub kind: Type,
    pub id: u32,
    pub data: Vec<u8>,
    pub more: bool,
}

impl Message {
    /// The value that the whole of it is.
    pub fn value<T: Value>(&self) -> Result<T, Ended> {
        let mut r = Reader::new(&self.data);
        let value = T::read(&mut r).and_then(|v| r.end().map(|()| v));
        value.or_else(|why| broken(format!("a {} that is none: {why}", self.kind.name())))
    }
}

#[derive(Default)]
struct Credit {
    left: usize,
    most: usize,
    closed: bool,
}

/// The host's credit.
struct Given {
    left: i64,
    unreturned: u32,
}

/// The sending side. Threads: any.
pub struct Sink {
    out: Mutex<File>,
    credit: Mutex<Credit>,
    change: Condvar,
    given: Mutex<Given>,
}

impl Sink {
    pub fn new(out: File) -> Sink {
        let given = Mutex::new(Given { left: CREDIT.into(), unreturned: 0 });
        Sink { out: Mutex::new(out), credit: Mutex::default(), change: Condvar::new(), given }
    }

    /// START said what may be in flight.
    pub fn start(&self, credit: u32) {
        let most = credit as usize;
        *self.credit.lock().unwrap() = Credit { left: most, most, closed: false };
    }

    fn more(&self, n: u32) -> Result<(), Ended> {
        let mut credit = self.credit.lock().unwrap();
        credit.left += n as usize;
        if credit.left > credit.most {
            return broken("more credit came back than was spent");
        }
        self.change.notify_all();
        Ok(())
    }

    /// Nobody waits any more.
    pub fn close(&self) {
        self.credit.lock().unwrap().closed = true;
        self.change.notify_all();
    }

    /// How much of `left` bytes may go now; waits until some may. A piece of STATE leaves half of the credit to
    /// others, and may be as short as it takes: who has read less than half gives nothing back.
    fn spend(&self, kind: Type, left: usize, more: bool) -> Result<usize, Ended> {
        let state = kind == Type::State && more;
        let cuttable = state || (kind.cuttable() && kind != Type::State); // an object's goes in one piece
        let wanted = if cuttable { left.min(if state { 1 } else { SLIVER }) } else { left };
        let mut credit = self.credit.lock().unwrap();
        let kept = if state { credit.most / 2 } else { 0 };
        while credit.left < wanted + kept && !credit.closed {
            credit = self.change.wait(credit).unwrap();
        }
        if credit.closed {
            return Err(Ended::Closed);
        }
        let n = if cuttable { left.min(credit.left - kept).min(PIECE) } else { left };
        credit.left -= n;
        Ok(n)
    }

    /// So many bytes came of the host. What is `kept` is given back later.
    fn received(&self, n: usize, kept: bool) -> Result<(), Ended> {
        let mut given = self.given.lock().unwrap();
        given.left -= n as i64;
        if given.left < 0 {
            return broken("more bytes than there was credit for");
        }
        drop(given);
        if kept { Ok(()) } else { self.give_back(n) }
    }

    /// Bytes that came are no longer kept. Any thread: of STATE, whoever takes the pieces, for whom the host waits.
    pub fn give_back(&self, n: usize) -> Result<(), Ended> {
        let mut given = self.given.lock().unwrap();
        given.unreturned += n as u32;
        if given.unreturned < CREDIT / 4 {
            return Ok(());
        }
        let back = std::mem::take(&mut given.unreturned);
        given.left += i64::from(back);
        drop(given);
        self.send_value(Type::Credit, 0, &back)
    }

    /// Whether a message of so many bytes can be sent.
    pub fn fits(kind: Type, n: usize) -> bool {
        n <= if kind.cuttable() { LONGEST_MESSAGE } else { LONGEST_FRAME }
    }

    /// One message. Of STATE, 64 KiB at most; `more` follow.
    pub fn send(&self, kind: Type, id: u32, mut data: &[u8], more: bool) -> Result<(), Ended> {
        loop {
            let n = if kind.counts() && !data.is_empty() { self.spend(kind, data.len(), more)? } else { data.len() };
            let (piece, left) = data.split_at(n);
            let last = left.is_empty();
            self.put(Header { length: n, number: kind as u8, more: more || !last, id }, piece)?;
            if last {
                return Ok(());
            }
            data = left;
        }
    }

    pub fn send_value<T: Value>(&self, kind: Type, id: u32, value: &T) -> Result<(), Ended> {
        let mut w = Writer::default();
        value.write(&mut w)?;
        self.send(kind, id, &w.data, false)
    }

    fn put(&self, header: Header, piece: &[u8]) -> Result<(), Ended> {
        let head = header.to_bytes();
        let mut parts = &mut [IoSlice::new(&head), IoSlice::new(piece)][..];
        let mut out = self.out.lock().unwrap();
        while !parts.is_empty() {
            match out.write_vectored(parts) {
                Ok(n) => IoSlice::advance_slices(&mut parts, n),
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(Ended::Closed), // the host is gone
            }
        }
        Ok(())
    }
}

/// The receiving side: one thread.
pub struct Source {
    input: BufReader<File>,
    pieces: HashMap<u32, (Type, Vec<u8>)>,
    in_pieces: usize,
}

impl Source {
    pub fn new(input: File) -> Source {
        Source { input: BufReader::with_capacity(1 << 18, input), pieces: HashMap::new(), in_pieces: 0 }
    }

    /// Whether part of a message with that id came.
    pub fn has_pieces(&self, id: u32) -> bool {
        self.pieces.contains_key(&id)
    }

    pub fn receive(&mut self, sink: &Sink) -> Result<Message, Ended> {
        loop {
            let (header, data) = self.frame()?;
            let kind = Type::of(header.number).filter(|t| t.senders().contains('h'));
            if kind.is_none_or(Type::counts) {
                sink.received(data.len(), kind == Some(Type::State))?;
            }
            let Some(kind) = kind else {
                if header.number < 0x80 {
                    return broken(format!("the host sent a frame of type {:#04x}", header.number));
                }
                continue;
            };
            if header.more && !kind.cuttable() {
                return broken(format!("{} in pieces", kind.name()));
            }
            let message = Message { kind, id: header.id, data, more: header.more };
            if kind == Type::Credit {
                sink.more(message.value()?)?;
            } else if let Some(whole) = self.put_together(message)? {
                return Ok(whole);
            }
        }
    }

    fn frame(&mut self) -> Result<(Header, Vec<u8>), Ended> {
        let mut head = [0; 12];
        let mut n = 0;
        while n < head.len() {
            match self.input.read(&mut head[n..]) {
                Ok(0) if n == 0 => return Err(Ended::Closed),
                Ok(0) => return broken("the stream ends within a frame"),
                Ok(got) => n += got,
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(Ended::Closed),
            }
        }
        let Some(header) = Header::of(&head) else {
            return broken(format!("this is no header of a frame: {head:02x?}"));
        };
        let mut data = vec![0; header.length];
        match self.input.read_exact(&mut data) {
            Ok(()) => Ok((header, data)),
            Err(_) => broken("the stream ends within a frame"),
        }
    }

    /// The whole message, once it is there.
    fn put_together(&mut self, m: Message) -> Result<Option<Message>, Ended> {
        if m.kind == Type::State || !m.kind.cuttable() || (!m.more && !self.pieces.contains_key(&m.id)) {
            return Ok(Some(m));
        }
        let (kind, so_far) = self.pieces.entry(m.id).or_insert((m.kind, Vec::new()));
        if *kind != m.kind {
            return broken(format!("a {} within a {} of the same id", m.kind.name(), kind.name()));
        }
        so_far.extend_from_slice(&m.data);
        self.in_pieces += m.data.len();
        if so_far.len() > LONGEST_MESSAGE {
            return broken("a message of more than 64 MiB");
        }
        if self.pieces.len() > MOST_IN_PIECES.0 || self.in_pieces > MOST_IN_PIECES.1 {
            return broken("too many messages in pieces");
        }
        if m.more {
            return Ok(None);
        }
        let (kind, data) = self.pieces.remove(&m.id).unwrap_or((m.kind, Vec::new()));
        self.in_pieces -= data.len();
        Ok(Some(Message { kind, data, ..m }))
    }
}
