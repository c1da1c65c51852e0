//! What an author writes: interfaces, their functions, options; and what functions get.

use crate::frames::{self, Caller, ErrorRow, Field, Level, OptionRow, Type, Why};
use crate::memory::{Link, Object};
use crate::serve::Conversation;
use crate::state::{Moves, State};
use crate::value::{Malformed, Params, Reader, Value, Writer, text_of};
use std::any::Any;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// An error that no component can handle: it ends the one that called. A function that may fail so
/// answers `Result<T, Fault>`; whatever is a `std::error::Error` becomes one by `?`.
///
/// Codes: `usage`, `invalid`, `not-found`, `missing`, `unavailable`, `internal`, `system`, `trap`,
/// `timeout`, `io`, `cancelled`, `limit`, `denied`, `config`.
#[derive(Clone, Debug)]
pub struct Fault {
    pub code: String,
    /// What failed and why, the outermost first.
    pub messages: Vec<String>,
    /// What a person can do.
    pub hint: Option<String>,
    pub(crate) found: Found,
}

/// Whether it was made by `?` of another error: then the code was nobody's choice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Found {
    No,
    Error,
    Unreadable, // bytes that are not what they should be
}

impl Fault {
    pub fn new(code: &str, message: impl Into<String>) -> Fault {
        Fault { code: code.into(), messages: vec![message.into()], hint: None, found: Found::No }
    }

    pub fn because(mut self, message: impl Into<String>) -> Fault {
        self.messages.push(message.into());
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Fault {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn to_row(&self) -> ErrorRow {
        let cut = |text: &String| {
            let mut end = text.len().min(4096);
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            text[..end].to_string()
        };
        let messages = self.messages.iter().take(16).map(cut).collect();
        ErrorRow { code: self.code.clone(), messages, hint: self.hint.as_ref().map(cut) }
    }
}

impl<E: std::error::Error + 'static> From<E> for Fault {
    fn from(why: E) -> Fault {
        let any: &dyn Any = &why;
        let kind = any.downcast_ref::<io::Error>().map(io::Error::kind);
        let ends_or_lies = matches!(kind, Some(io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData));
        let unreadable = ends_or_lies || any.is::<Malformed>() || any.is::<std::string::FromUtf8Error>();
        let found = if unreadable { Found::Unreadable } else { Found::Error };
        Fault { found, ..Fault::new("internal", why.to_string()) }
    }
}

/// What a function may answer: a value, or a value or a [`Fault`].
pub trait Answer {
    type Value: Value;
    fn outcome(self) -> Result<Self::Value, Fault>;
}

impl<T: Value> Answer for T {
    type Value = T;
    fn outcome(self) -> Result<T, Fault> {
        Ok(self)
    }
}

impl<T: Value> Answer for Result<T, Fault> {
    type Value = T;
    fn outcome(self) -> Result<T, Fault> {
        self
    }
}

/// How running a function ended without a result.
pub enum Failed {
    Arguments(Malformed),
    Answer(Malformed),
    Fault(Fault),
}

/// A function of a provider: `Fn(&Call, A, B) -> impl Answer`.
pub trait Handler<P>: Send + Sync + 'static {
    fn text() -> String;
    fn run(&self, call: &Call, args: &mut Reader, to: &mut Writer) -> Result<(), Failed>;
}

fn function_text<P: Params, R: Value>() -> String {
    match text_of::<R>().as_str() {
        "_" => P::text(),
        result => format!("{}->{result}", P::text()),
    }
}

macro_rules! handlers {
    ($(($($t:ident),*))*) => {$(
        impl<Fun, Ret, $($t),*> Handler<($($t,)*)> for Fun
        where
            Fun: Fn(&Call, $($t),*) -> Ret + Send + Sync + 'static,
            Ret: Answer,
            $($t: Value,)*
        {
            fn text() -> String {
                function_text::<($($t,)*), Ret::Value>()
            }

            #[allow(non_snake_case)]
            fn run(&self, call: &Call, args: &mut Reader, to: &mut Writer) -> Result<(), Failed> {
                let read = <($($t,)*) as Params>::read(args);
                let ($($t,)*) = read.and_then(|v| args.end().map(|()| v)).map_err(Failed::Arguments)?;
                let value = self(call, $($t),*).outcome().map_err(Failed::Fault)?;
                value.write(to).map_err(Failed::Answer)
            }
        }
    )*};
}
handlers! {
    () (A) (A, B) (A, B, C) (A, B, C, D) (A, B, C, D, E) (A, B, C, D, E, F) (A, B, C, D, E, F, G)
    (A, B, C, D, E, F, G, H) (A, B, C, D, E, F, G, H, I) (A, B, C, D, E, F, G, H, I, J)
    (A, B, C, D, E, F, G, H, I, J, K) (A, B, C, D, E, F, G, H, I, J, K, L)
    (A, B, C, D, E, F, G, H, I, J, K, L, M) (A, B, C, D, E, F, G, H, I, J, K, L, M, N)
    (A, B, C, D, E, F, G, H, I, J, K, L, M, N, O) (A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P)
    (A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P, Q) (A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P, Q, S)
}

pub(crate) type Run = dyn Fn(&Call, &mut Reader, &mut Writer) -> Result<(), Failed> + Send + Sync;

pub(crate) struct Row {
    pub name: String,
    pub text: String,
    pub run: Option<Box<Run>>,
}

/// An interface that is served.
pub struct Interface {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) rows: Vec<Row>,
    pub(crate) resources: Vec<String>,
    pub(crate) moves: HashMap<String, Moves>, // by resource
}

impl Interface {
    /// `acme:dice/roller@0.1.0`
    pub fn new(name: &str) -> Interface {
        let (name, version) = name.split_once('@').unwrap_or((name, ""));
        Interface { name: name.into(), version: version.into(), rows: Vec::new(), resources: Vec::new(), moves: HashMap::new() }
    }

    /// A function by its name in WIT's binary form, `roll` or `[method]cup.roll`. Its type is that of `run`.
    pub fn function<P, H: Handler<P>>(mut self, name: &str, run: H) -> Interface {
        let run: Box<Run> = Box::new(move |call, args, to| run.run(call, args, to));
        self.rows.push(Row { name: name.into(), text: H::text(), run: Some(run) });
        self
    }

    /// A function that is not implemented: calls go to the next of the chain, [`Call::next`] may name it.
    pub fn passes<P: Params, R: Value>(mut self, name: &str) -> Interface {
        self.rows.push(Row { name: name.into(), text: function_text::<P, R>(), run: None });
        self
    }

    /// A resource that it defines.
    pub fn resource<R: crate::Resource>(mut self) -> Interface {
        self.resources.push(self.name_of::<R>());
        self
    }

    /// Objects of a resource with which another provider can go on: each as at most 64 KiB, in the format that the
    /// interface's package documents.
    pub fn moves<R: crate::Resource>(
        mut self,
        save: impl Fn(&R) -> Result<Vec<u8>, Fault> + Send + Sync + 'static,
        restore: impl Fn(&[u8]) -> Result<R, Fault> + Send + Sync + 'static,
    ) -> Interface {
        let name = self.name_of::<R>();
        let save = move |object: &Object| match object.downcast_ref::<R>() {
            Some(object) => save(object),
            None => Err(Fault::new("internal", format!("another type than the one that serves {}", R::NAME))),
        };
        let restore = move |data: &[u8]| Ok(Arc::new(restore(data)?) as Object);
        self.moves.insert(name, Moves { save: Box::new(save), restore: Box::new(restore) });
        self
    }

    fn name_of<R: crate::Resource>(&self) -> String {
        let name = R::NAME.strip_prefix(&format!("{}.", self.name));
        name.unwrap_or_else(|| panic!("{} is not of {}", R::NAME, self.name)).into()
    }
}

/// An option that may be given in `loop.yaml`: a row of `loop_provider_option` in loop/provider.h.
/// Types: string, enum, size, duration, number, bool, path.
pub fn option(name: &str, kind: &str, fallback: Option<&str>, help: &str) -> OptionRow {
    let (kind, values) = match kind.split_once(' ') {
        Some((kind, values)) => (kind, values), // "enum full|relaxed"
        None => (kind, ""),
    };
    OptionRow {
        name: name.into(), r#type: kind.into(), values: values.into(), fallback: fallback.map(Into::into),
        help: help.into(),
    }
}

/// The options that were given, or their fallbacks.
pub struct Options {
    pub(crate) given: HashMap<String, (String, String)>, // type, text
}

impl Options {
    /// The text; None: not given, and without a fallback.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.given.get(name).map(|(_, text)| text.as_str())
    }

    /// A number, the bytes of a size, the milliseconds of a duration, 0 or 1 of a bool.
    pub fn number(&self, name: &str) -> Option<u64> {
        let (kind, text) = self.given.get(name)?;
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let scale = match (kind.as_str(), &text[digits..]) {
            ("bool", text) => return Some(u64::from(text == "true")),
            ("number", "") | ("size", "" | "B") | ("duration", "ms") => 1,
            ("size", "KiB") => 1 << 10,
            ("size", "MiB") => 1 << 20,
            ("size", "GiB") => 1 << 30,
            ("size", "kB") | ("duration", "s") => 1000,
            ("size", "MB") => 1_000_000,
            ("size", "GB") => 1_000_000_000,
            ("duration", "m") => 60_000,
            ("duration", "h") => 3_600_000,
            _ => return None,
        };
        text[..digits].parse::<u64>().ok()?.checked_mul(scale)
    }
}

/// What `open` gets.
pub struct Host {
    /// `loop 0.1.0`
    pub name: String,
    pub options: Options,
    pub(crate) conversation: Arc<Conversation>,
}

impl Host {
    /// An entry of loop's log.
    pub fn log(&self, level: Level, message: &str, fields: &[(&str, Field)]) {
        self.conversation.log(level, message, fields, 0);
    }
}

/// What a function gets before its arguments.
pub struct Call {
    pub(crate) conversation: Arc<Conversation>,
    pub(crate) id: u32,
    /// Who asks.
    pub caller: Arc<Caller>,
    pub(crate) interface: usize,
    /// When the host gives up.
    pub deadline: Option<Instant>,
    pub(crate) cancelled: Mutex<Option<(Why, Duration)>>,
    pub(crate) change: Condvar,
}

impl Call {
    /// Whether the host has cancelled the call, and how much time is left: answer soon, with what is sensible.
    pub fn cancelled(&self) -> Option<(Why, Duration)> {
        *self.cancelled.lock().unwrap()
    }

    /// Sleeps until the call is cancelled, or so long; whether it was cancelled.
    pub fn wait(&self, time: Duration) -> bool {
        let lock = self.cancelled.lock().unwrap();
        let (found, _) = self.change.wait_timeout_while(lock, time, |c| c.is_none()).unwrap();
        found.is_some()
    }

    /// Asks the next provider of the chain for any function of the same interface, whose types are those
    /// that it was listed with. `Err`: `unavailable` at the end of the chain, or what it says.
    pub fn next<P: Params, R: Value>(&self, name: &str, args: P) -> Result<R, Fault> {
        self.next_later(name, args)?.result()
    }

    /// The same without waiting.
    pub fn next_later<P: Params, R: Value>(&self, name: &str, args: P) -> Result<Asked<R>, Fault> {
        let rows = &self.conversation.interfaces[self.interface].rows;
        let place = rows.iter().position(|row| row.name == name && row.text == function_text::<P, R>());
        let Some(place) = place else {
            return Err(Fault::new("internal", format!("there is no '{name}' of the type {}", function_text::<P, R>())));
        };
        let (id, answer) = self.conversation.asking();
        let link = Link::new(&self.conversation.objects, id, true);
        let mut w = Writer { link: Some(&link), ..Writer::default() };
        let head: frames::NextHead = (self.id, self.interface as u32, place as u32);
        let sent = Value::write(&head, &mut w).and_then(|()| args.write(&mut w)).map_err(Fault::from);
        match sent.and_then(|()| self.conversation.send(Type::Next, id, &w.data)) {
            Ok(()) => {
                link.sent();
                Ok(Asked { conversation: self.conversation.clone(), id, answer, result: Default::default() })
            }
            Err(why) => {
                link.undo();
                self.conversation.asked.lock().unwrap().remove(&id);
                Err(why)
            }
        }
    }

    /// An entry of loop's log, which belongs to this call.
    pub fn log(&self, level: Level, message: &str, fields: &[(&str, Field)]) {
        self.conversation.log(level, message, fields, self.id);
    }
}

/// A call of the next provider that is under way.
pub struct Asked<R> {
    pub(crate) conversation: Arc<Conversation>,
    pub(crate) id: u32,
    pub(crate) answer: std::sync::mpsc::Receiver<Result<Vec<u8>, Fault>>,
    result: std::marker::PhantomData<R>,
}

impl<R: Value> Asked<R> {
    /// Asks the host to hurry up. It is still to be answered.
    pub fn cancel(&self, why: Why, left: Duration) {
        self.conversation.cancel(self.id, why, left);
    }

    pub fn result(self) -> Result<R, Fault> {
        let gone = |_| Fault::new("cancelled", "the host has closed the connection");
        let data = self.answer.recv().map_err(gone)??;
        let link = Link::new(&self.conversation.objects, self.id, false);
        let mut r = Reader::with(&data, &link);
        let value = match R::read(&mut r).and_then(|v| r.end().map(|()| v)) {
            Ok(value) => value,
            Err(why) => crate::serve::against(&format!("the answer of a next is none: {why}")),
        };
        if link.referred.get() {
            self.conversation.send(Type::Release, self.id, &[])?;
        }
        Ok(value)
    }
}

/// A provider. `run` serves until the host closes the connection.
pub struct Sidecar {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) summary: String,
    pub(crate) dev_only: bool,
    pub(crate) calls: u32,
    pub(crate) options: Vec<OptionRow>,
    pub(crate) interfaces: Vec<Interface>,
    pub(crate) open: Option<Box<dyn FnOnce(&Host) -> Result<(), Fault> + Send>>,
    pub(crate) close: Option<Box<dyn FnOnce()>>,
    pub(crate) caller_gone: Option<Box<dyn Fn(&Caller) + Send + Sync>>,
    pub(crate) state: Option<Arc<dyn State>>,
    pub(crate) streams: (std::fs::File, std::fs::File),
}

impl Sidecar {
    /// From here on what prints goes to stderr: make it first thing. Ends a process that loop did not start.
    pub fn new(name: &str, version: &str) -> Sidecar {
        let streams = crate::serve::take_streams(name);
        Sidecar {
            name: name.into(), version: version.into(), summary: String::new(), dev_only: false, calls: 16,
            options: Vec::new(), interfaces: Vec::new(), open: None, close: None, caller_gone: None, state: None,
            streams,
        }
    }

    pub fn summary(mut self, summary: &str) -> Sidecar {
        self.summary = summary.into();
        self
    }

    /// The profile `prod` refuses it.
    pub fn dev_only(mut self) -> Sidecar {
        self.dev_only = true;
        self
    }

    /// How many functions run at once, each on a thread; 0: as many as come.
    pub fn calls(mut self, calls: u32) -> Sidecar {
        self.calls = calls;
        self
    }

    pub fn option(mut self, row: OptionRow) -> Sidecar {
        self.options.push(row);
        self
    }

    pub fn interface(mut self, interface: Interface) -> Sidecar {
        self.interfaces.push(interface);
        self
    }

    /// Before the first call; to fail means that it cannot work here (`unavailable`).
    pub fn open(mut self, open: impl FnOnce(&Host) -> Result<(), Fault> + Send + 'static) -> Sidecar {
        self.open = Some(Box::new(open));
        self
    }

    /// When the host has closed the connection.
    pub fn close(mut self, close: impl FnOnce() + 'static) -> Sidecar {
        self.close = Some(Box::new(close));
        self
    }

    /// A component has ended.
    pub fn caller_gone(mut self, gone: impl Fn(&Caller) + Send + Sync + 'static) -> Sidecar {
        self.caller_gone = Some(Box::new(gone));
        self
    }

    /// What is handed over when another provider takes its place.
    pub fn state(mut self, state: impl State) -> Sidecar {
        self.state = Some(Arc::new(state));
        self
    }

    /// Serves, and returns when the host has closed the connection; then the program should end.
    /// Against the protocol: what was seen goes to stderr, and the process ends with the status 1.
    pub fn run(self) {
        crate::serve::run(self);
    }
}
