//! What is handed over when another provider takes the place of this one, or this one that of another:
//! QUIESCE, SAVE, RESTORE and their like of sidecar/PROTOCOL.md, one at a time.
//!
//! A state is never in memory as a whole. What goes out is gathered to pieces of 64 KiB, and a write waits
//! until one has been sent. What comes in is given back to the host's credit as it is read, so that the
//! host waits for whoever reads.

use crate::frames::*;
use crate::memory::Object;
use crate::provider::{Fault, Found};
use crate::serve::{Conversation, Reading};
use crate::value::to_bytes;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, mpsc};

const GATHERED: usize = 64 << 10;
const LARGEST_OBJECT: usize = 64 << 10;

/// What is handed over when another provider takes the place of this one, while components use it
/// (knowledge/sidecars.md). Objects are [`Interface::moves`](crate::Interface::moves).
pub trait State: Send + Sync + 'static {
    /// Whether `save` and `restore` bear [`Pass::Copy`] and [`Pass::Rest`].
    fn copies(&self) -> bool {
        false
    }
    /// Writes down what is held for an interface, in the format that its package documents. To hold
    /// nothing is to write nothing.
    fn save(&self, _interface: &str, _pass: Pass, _to: &mut dyn Write) -> Result<(), Fault> {
        Ok(())
    }
    /// Takes over what another provider wrote, all or nothing. What cannot be read is a [`Malformed`](crate::Malformed).
    fn restore(&self, interface: &str, _pass: Pass, _from: &mut dyn Read) -> Result<(), Fault> {
        Err(Fault::new("invalid", format!("nothing of {interface} is kept here")))
    }
    /// No call is under way, and none comes until `resume`: makes durable what is held.
    fn quiesce(&self) -> Result<(), Fault> {
        Ok(())
    }
    /// Calls come after all. What was noted for [`Pass::Rest`] is not needed.
    fn resume(&self) {}
}

/// How objects of a resource are handed over.
pub(crate) struct Moves {
    pub save: Box<dyn Fn(&Object) -> Result<Vec<u8>, Fault> + Send + Sync>,
    pub restore: Box<dyn Fn(&[u8]) -> Result<Object, Fault> + Send + Sync>,
}

/// Steps, of which one is under way at a time.
#[derive(Default)]
pub(crate) struct Handover {
    pub state: Option<Arc<dyn State>>,
    pub agreed: OnceLock<(bool, bool)>, // state, state-copy
    step: Mutex<Option<u32>>,
    cancelled: AtomicBool,
}

impl Handover {
    pub fn new(state: Option<Arc<dyn State>>) -> Handover {
        Handover { state, ..Handover::default() }
    }

    /// CANCEL of a SAVE.
    pub fn cancel(&self, id: u32) {
        if *self.step.lock().unwrap() == Some(id) {
            self.cancelled.store(true, Ordering::Relaxed);
        }
    }
}

/// A piece of a state. When it is dropped it is given back.
struct Piece {
    data: Vec<u8>,
    sink: Arc<Sink>,
}

impl Drop for Piece {
    fn drop(&mut self) {
        let _ = self.sink.give_back(self.data.len());
    }
}

/// Where the reading thread leaves the pieces of a RESTORE.
pub(crate) struct Receiving {
    id: u32,
    of_object: bool,
    complete: bool,
    to: mpsc::Sender<(Piece, bool)>,
}

struct Incoming {
    from: mpsc::Receiver<(Piece, bool)>,
    piece: Option<Piece>,
    at: usize,
    ended: bool,
}

impl Incoming {
    /// Whether there are bytes.
    fn fill(&mut self) -> io::Result<bool> {
        while self.piece.as_ref().is_none_or(|p| self.at == p.data.len()) {
            self.piece = None;
            if self.ended {
                return Ok(false);
            }
            let gone = |_| io::Error::new(io::ErrorKind::ConnectionAborted, "the host has closed the connection");
            let (piece, more) = self.from.recv().map_err(gone)?;
            (self.piece, self.at, self.ended) = (Some(piece), 0, !more);
        }
        Ok(true)
    }

    /// When the last frame has come, read or not.
    fn end(&mut self) -> io::Result<()> {
        while self.fill()? {
            self.piece = None;
        }
        Ok(())
    }
}

impl Read for Incoming {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if to.is_empty() || !self.fill()? {
            return Ok(0);
        }
        let left = self.piece.as_ref().map_or(&[][..], |p| &p.data[self.at..]);
        let n = left.len().min(to.len());
        to[..n].copy_from_slice(&left[..n]);
        self.at += n;
        Ok(n)
    }
}

struct Outgoing<'a> {
    it: &'a Conversation,
    id: u32,
    gathered: Vec<u8>,
}

impl Write for Outgoing<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let n = data.len().min(GATHERED - self.gathered.len());
        self.gathered.extend_from_slice(&data[..n]);
        if self.gathered.len() == GATHERED {
            let sent = self.it.sink.send(Type::State, self.id, &self.gathered, true);
            sent.map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "the host has closed the connection"))?;
            self.gathered.clear();
            if self.it.handover.cancelled.load(Ordering::Relaxed) {
                return Err(io::Error::other("the host has given it up"));
            }
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The result of a step: bytes of a RESULT.
type Outcome = Result<Vec<u8>, Fault>;

impl Conversation {
    fn interface_name(&self, i: u32) -> String {
        self.interfaces.get(i as usize).map_or(format!("interface {i}"), |found| found.name.clone())
    }

    fn state_of(&self, i: u32, pass: Pass) -> Result<(&str, Option<&Arc<dyn State>>), Fault> {
        let Some(found) = self.interfaces.get(i as usize) else {
            return Err(Fault::new("invalid", format!("there is no interface {i}")));
        };
        if pass != Pass::Whole && !self.handover.agreed.get().is_some_and(|agreed| agreed.1) {
            return Err(Fault::new("invalid", format!("the pass is {pass:?}, and 'state-copy' was not agreed")));
        }
        Ok((&found.name, self.handover.state.as_ref()))
    }

    /// A resource's name, and how its objects are moved.
    fn resource_of(&self, i: u32, r: u32) -> Result<(String, &Moves), Fault> {
        let interface = self.interfaces.get(i as usize);
        let Some((interface, name)) = interface.and_then(|i| Some((i, i.resources.get(r as usize)?))) else {
            return Err(Fault::new("invalid", format!("there is no resource {r} of interface {i}")));
        };
        let full = format!("{}.{name}", interface.name);
        match interface.moves.get(name) {
            Some(moves) => Ok((full, moves)),
            None => Err(Fault::new("unavailable", format!("a {full} cannot be moved"))),
        }
    }

    fn quiesced(&self) -> Outcome {
        self.wait_until_quiet();
        self.handover.state.as_ref().map_or(Ok(()), |state| state.quiesce())?;
        Ok(Vec::new())
    }

    fn saved(&self, id: u32, i: u32, pass: Pass) -> Outcome {
        let (name, state) = self.state_of(i, pass)?;
        let mut to = Outgoing { it: self, id, gathered: Vec::with_capacity(GATHERED) };
        if let Some(state) = state {
            let saved = state.save(name, pass, &mut to);
            let given_up = self.handover.cancelled.load(Ordering::Relaxed);
            saved.map_err(|fault| if given_up { Fault { code: "cancelled".into(), ..fault } } else { fault })?;
        }
        if !to.gathered.is_empty() {
            let gone = |_| Fault::new("cancelled", "the host has closed the connection");
            self.sink.send(Type::State, id, &to.gathered, true).map_err(gone)?;
        }
        self.send(Type::State, id, &[])?; // the end
        Ok(Vec::new())
    }

    fn restored(&self, i: u32, pass: Pass, from: &mut Incoming) -> Outcome {
        let (name, state) = self.state_of(i, pass)?;
        match state {
            Some(state) => state.restore(name, pass, from)?,
            None => return Err(Fault::new("invalid", format!("nothing of {name} is kept here"))),
        }
        from.end()?; // the answer is behind it
        Ok(Vec::new())
    }

    fn saved_object(&self, id: u32, (i, r, handle): DropRow) -> Outcome {
        let invalid = |why: crate::Malformed| Fault::new("invalid", why.0);
        let (name, moves) = self.resource_of(i, r)?;
        let data = (moves.save)(&self.objects.get(&name, handle).map_err(invalid)?)?;
        if data.len() > LARGEST_OBJECT {
            return Err(Fault::new("limit", format!("this {name} is {} bytes, of {LARGEST_OBJECT}", data.len())));
        }
        self.send(Type::State, id, &data)?;
        Ok(Vec::new())
    }

    fn restored_object(&self, (i, r): (u32, u32), from: &mut Incoming) -> Outcome {
        let (name, moves) = self.resource_of(i, r)?;
        let mut data = Vec::new();
        from.read_to_end(&mut data)?;
        Ok(to_bytes(&self.objects.add(&name, (moves.restore)(&data)?)?)?)
    }

    fn step_runs(&self, id: u32, doing: &str, comes_in: bool, work: impl FnOnce() -> Outcome) {
        self.drain();
        let panicked = |_| Err(Fault::new("internal", "it panicked"));
        let outcome = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(panicked);
        *self.handover.step.lock().unwrap() = None; // the next one may come as soon as the answer is out
        match outcome {
            Ok(data) => drop(self.sink.send(Type::Result, id, &data, false)),
            Err(mut fault) => {
                if comes_in && fault.found == Found::Unreadable {
                    fault.code = "invalid".into();
                }
                fault.messages.insert(0, format!("cannot {doing}"));
                self.answer(Type::Fault, id, &fault.to_row());
            }
        }
    }
}

impl Reading {
    /// QUIESCE, RESUME, SAVE, RESTORE, SAVE-OBJECT, RESTORE-OBJECT.
    pub(crate) fn step(&mut self, m: Message) -> Result<(), Ended> {
        let it = self.it.clone();
        if !it.handover.agreed.get().is_some_and(|agreed| agreed.0) {
            return broken(format!("{} without the capability", m.kind.name()));
        }
        if m.kind == Type::Resume {
            m.value::<()>()?;
            let state = it.handover.state.clone();
            self.before_calls(Box::new(move || state.iter().for_each(|state| state.resume())));
            return Ok(());
        }
        self.begin(&m)?;
        let id = m.id;
        match m.kind {
            Type::Quiesce => {
                m.value::<()>()?;
                self.it.hand_over(Box::new(move || it.step_runs(id, "come to rest", false, || it.quiesced())));
            }
            Type::Save => {
                let (i, pass): PassRow = m.value()?;
                let doing = format!("save {}", it.interface_name(i));
                self.it.hand_over(Box::new(move || it.step_runs(id, &doing, false, || it.saved(id, i, pass))));
            }
            Type::SaveObject => {
                let of: DropRow = m.value()?;
                self.it.hand_over(Box::new(move || {
                    it.step_runs(id, "save an object", false, || it.saved_object(id, of));
                }));
            }
            Type::Restore => {
                let (i, pass): PassRow = m.value()?;
                let (doing, mut from) = (format!("restore {}", it.interface_name(i)), self.receiving(id, false));
                self.it.hand_over(Box::new(move || {
                    it.step_runs(id, &doing, true, || it.restored(i, pass, &mut from));
                }));
            }
            _ => {
                let (of, mut from) = (m.value()?, self.receiving(id, true));
                self.it.hand_over(Box::new(move || {
                    it.step_runs(id, "restore an object", true, || it.restored_object(of, &mut from));
                }));
            }
        }
        Ok(())
    }

    fn begin(&self, m: &Message) -> Result<(), Ended> {
        if m.id == 0 || m.id % 2 == 1 {
            return broken(format!("{} with the id {}", m.kind.name(), m.id));
        }
        self.it.handover.cancelled.store(false, Ordering::Relaxed);
        match self.it.handover.step.lock().unwrap().replace(m.id) {
            None => Ok(()),
            Some(_) => broken(format!("{} while another step is under way", m.kind.name())),
        }
    }

    fn receiving(&mut self, id: u32, of_object: bool) -> Incoming {
        let (to, from) = mpsc::channel();
        self.receiving = Some(Receiving { id, of_object, complete: false, to });
        Incoming { from, piece: None, at: 0, ended: false }
    }

    pub(crate) fn state_came(&mut self, m: Message) -> Result<(), Ended> {
        let Some(to) = self.receiving.as_mut().filter(|to| to.id == m.id && !to.complete) else {
            return broken(format!("a STATE that nobody waits for, {}", m.id));
        };
        if to.of_object && (m.more || m.data.len() > LARGEST_OBJECT) {
            return broken(format!("the state of an object in pieces, or of {} bytes", m.data.len()));
        }
        to.complete = !m.more;
        // Where nobody reads any more it is dropped, and given back.
        let _ = to.to.send((Piece { data: m.data, sink: self.it.sink.clone() }, m.more));
        Ok(())
    }
}
