//! The conversation of sidecar/PROTOCOL.md: the handshake, calls, handles, state, the end.
//!
//! One thread reads; it answers what has to be answered at once and never sends what needs credit.
//! Functions run on threads of their own, which are made when they are first needed and then kept.

use crate::frames::*;
use crate::memory::{Link, Objects, Shared};
use crate::provider::{Call, Failed, Fault, Found, Host, Interface, Options, Sidecar};
use crate::state::{Handover, Receiving};
#[cfg(test)]
use crate::value::text_of;
use crate::value::{Reader, Value, Writer};
use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::time::{Duration, Instant, SystemTime};

unsafe extern "C" {
    fn dup2(from: i32, to: i32) -> i32;
}

/// Frames get descriptors of their own; 1 becomes what 2 is, and 0 ends at once.
pub(crate) fn take_streams(name: &str) -> (File, File) {
    if std::env::var_os("LOOP_SIDECAR").is_none_or(|v| v != "1") {
        eprintln!("error: '{name}' is a sidecar, which loop starts");
        eprintln!("hint: name this program in loop.yaml: `bind: {{ INTERFACE: {{ sidecar: [...] }} }}`");
        std::process::exit(64);
    }
    // SAFETY: the descriptors are there, they are what a process starts with.
    let own = |fd| unsafe { BorrowedFd::borrow_raw(fd) }.try_clone_to_owned().map(File::from);
    let streams = own(0).and_then(|source| Ok((source, own(1)?, File::open("/dev/null")?)));
    let (source, sink, null) = streams.unwrap_or_else(|why| against(&format!("no stdin and stdout: {why}")));
    // SAFETY: as above; nothing has been read or written through 0 and 1 yet.
    unsafe { (dup2(2, 1), dup2(null.as_raw_fd(), 0)) };
    (source, sink)
}

/// The other side broke the protocol.
pub(crate) fn against(why: &str) -> ! {
    eprintln!("against the protocol: {why}");
    std::process::exit(1);
}

pub(crate) type Job = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Pool {
    idle: Vec<mpsc::Sender<Job>>,
}

pub(crate) struct Conversation {
    name: String,
    most: u32,
    pub(crate) interfaces: Vec<Interface>,
    pub(crate) objects: Arc<Objects>,
    pub(crate) sink: Arc<Sink>,
    pub(crate) handover: Handover,
    caller_gone: Option<Box<dyn Fn(&Caller) + Send + Sync>>,
    calls: Mutex<HashMap<u32, Arc<Call>>>,
    answering: AtomicUsize, // calls whose answer is on its way; `calls` is held to change it
    quiet: Condvar, // with `calls`
    pub(crate) asked: Mutex<HashMap<u32, mpsc::Sender<Result<Vec<u8>, Fault>>>>,
    last_id: Mutex<u32>,
    pool: Mutex<Pool>,
    firsts: Mutex<VecDeque<Job>>,
    firsts_left: AtomicUsize, // to be done, or being done
    draining: Mutex<()>,
    level: AtomicU8,
    open: AtomicBool,
}

pub(crate) fn run(sidecar: Sidecar) {
    let (source, sink) = (Source::new(sidecar.streams.0), Arc::new(Sink::new(sidecar.streams.1)));
    let resources = sidecar.interfaces.iter().enumerate().flat_map(|(i, interface)| {
        let named = move |(r, name)| (format!("{}.{name}", interface.name), (i as u32, r as u32));
        interface.resources.iter().enumerate().map(named)
    });
    let drops = sink.clone();
    let objects = Objects::new(resources, move |i, r, handle| {
        let _ = drops.send_value(Type::Drop, 0, &(i, r, handle)); // to be closed is to have dropped
    });
    let mut capabilities = vec!["cancel".to_string(), "shared-memory".into()];
    let offers = sidecar.state.is_some() || sidecar.interfaces.iter().any(|i| !i.moves.is_empty());
    capabilities.extend(offers.then(|| "state".into()));
    capabilities.extend(sidecar.state.iter().filter(|state| state.copies()).map(|_| "state-copy".into()));
    let welcome = Welcome {
        magic: "loop-sidecar".into(), protocols: vec![1], name: sidecar.name.clone(), version: sidecar.version,
        summary: sidecar.summary, dev_only: sidecar.dev_only, credit: CREDIT, calls: sidecar.calls, capabilities,
        options: sidecar.options.clone(), interfaces: sidecar.interfaces.iter().map(interface_row).collect(),
    };
    let it = Arc::new(Conversation {
        name: sidecar.name, most: sidecar.calls, interfaces: sidecar.interfaces, objects, sink,
        handover: Handover::new(sidecar.state), caller_gone: sidecar.caller_gone, calls: Mutex::default(),
        answering: AtomicUsize::new(0), quiet: Condvar::new(),
        asked: Mutex::default(), last_id: Mutex::new(u32::MAX), pool: Mutex::default(),
        firsts: Mutex::default(), firsts_left: AtomicUsize::new(0), draining: Mutex::default(), level: AtomicU8::new(0),
        open: AtomicBool::new(false),
    });
    it.check_resources();
    let reading = Reading { it: it.clone(), source, early: HashMap::new(), callers: HashMap::new(), receiving: None };
    match reading.run(&welcome, &sidecar.options, sidecar.open) {
        Ended::Broken(why) => against(&why),
        Ended::Closed => it.end(),
    }
    if let Some(close) = sidecar.close {
        close();
    }
}

fn interface_row(i: &Interface) -> InterfaceRow {
    let function = |row: &crate::provider::Row| FunctionRow {
        name: row.name.clone(), r#type: row.text.clone(), implemented: row.run.is_some(),
    };
    let functions = i.rows.iter().map(function).collect();
    InterfaceRow { name: i.name.clone(), version: i.version.clone(), functions, resources: i.resources.clone() }
}

impl Conversation {
    /// A resource that an author forgot to list is a defect of the program.
    fn check_resources(&self) {
        for row in self.interfaces.iter().flat_map(|i| &i.rows) {
            for part in row.text.split(['<', '>', ',', '(', ')']).filter(|p| p.contains('/')) {
                assert!(self.objects.has(part), "'{}' names {part}, which is not served here", row.name);
            }
        }
    }

    pub(crate) fn send(&self, kind: Type, id: u32, data: &[u8]) -> Result<(), Fault> {
        if !Sink::fits(kind, data.len()) {
            return Err(Fault::new("limit", format!("a {} of {} bytes is too long", kind.name(), data.len())));
        }
        let gone = |_| Fault::new("cancelled", "the host has closed the connection");
        self.sink.send(kind, id, data, false).map_err(gone)
    }

    /// Nobody waits for what comes now: who sends to a host that is gone is about to end.
    pub(crate) fn answer<T: Value>(&self, kind: Type, id: u32, value: &T) {
        let _ = self.sink.send_value(kind, id, value);
    }

    pub(crate) fn asking(&self) -> (u32, mpsc::Receiver<Result<Vec<u8>, Fault>>) {
        let (answer, answered) = mpsc::channel();
        let (mut asked, mut id) = (self.asked.lock().unwrap(), self.last_id.lock().unwrap());
        *id = id.wrapping_add(2);
        while asked.contains_key(&id) {
            *id = id.wrapping_add(2);
        }
        asked.insert(*id, answer);
        (*id, answered)
    }

    pub(crate) fn cancel(&self, id: u32, why: Why, left: Duration) {
        if self.asked.lock().unwrap().contains_key(&id) {
            self.answer(Type::Cancel, id, &(why, left.as_millis().min(u32::MAX.into()) as u32));
        }
    }

    pub(crate) fn log(&self, level: Level, message: &str, fields: &[(&str, Field)], id: u32) {
        if (level as u8) < self.level.load(Ordering::Relaxed) {
            return;
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let field = |(name, value): &(&str, Field)| FieldRow { name: name.to_string(), value: value.clone() };
        let message = message.chars().take(65536).collect();
        let (wall_ms, target) = (now.as_millis() as u64, self.name.clone());
        let fields = fields.iter().map(field).collect();
        self.answer(Type::Log, id, &LogRow { level, wall_ms, target, message, fields });
    }

    /// Runs a job on one of the threads. They are as many as have ever been busy at once.
    pub(crate) fn hand_over(self: &Arc<Self>, job: Job) {
        let idle = self.pool.lock().unwrap().idle.pop();
        let job = match idle {
            Some(thread) => match thread.send(job) {
                Ok(()) => return,
                Err(back) => back.0,
            },
            None => job,
        };
        let it = self.clone();
        std::thread::spawn(move || {
            let (sender, jobs) = mpsc::channel::<Job>();
            job();
            loop {
                it.pool.lock().unwrap().idle.push(sender.clone());
                match jobs.recv() {
                    Ok(job) => job(),
                    Err(_) => return,
                }
            }
        });
    }

    /// What has to be done before the calls that come behind it: drops, one after another.
    pub(crate) fn drain(&self) {
        if self.firsts_left.load(Ordering::Acquire) == 0 {
            return;
        }
        let _one = self.draining.lock();
        let next = || self.firsts.lock().unwrap().pop_front();
        while let Some(job) = next() {
            let _ = catch_unwind(AssertUnwindSafe(job)); // nobody is there to be told
            self.firsts_left.fetch_sub(1, Ordering::Release);
        }
    }

    fn run_call(&self, call: &Call, place: usize, data: &[u8], from: usize) {
        self.drain();
        let row = &self.interfaces[call.interface].rows[place];
        let taken = Link::new(&self.objects, call.id, false);
        let given = Link::new(&self.objects, call.id, false);
        let mut args = Reader::with(&data[from..], &taken);
        let mut to = Writer { link: Some(&given), ..Writer::default() };
        let ran = catch_unwind(AssertUnwindSafe(|| match &row.run {
            Some(run) => run(call, &mut args, &mut to),
            None => Ok(()),
        }));
        let fault = match ran {
            Ok(Ok(())) if Sink::fits(Type::Result, to.data.len()) => return self.settle(call.id, || {
                let _ = self.sink.send(Type::Result, call.id, &to.data, false);
                given.sent();
            }),
            Ok(Ok(())) => Fault::new("limit", format!("the answer of '{}' has {} bytes", row.name, to.data.len())),
            Ok(Err(Failed::Fault(fault))) => fault,
            Ok(Err(Failed::Arguments(why))) => {
                Fault::new("invalid", format!("the arguments of '{}' are none", row.name)).because(why.0)
            }
            Ok(Err(Failed::Answer(why))) => {
                Fault::new("internal", format!("the answer of '{}' cannot be sent", row.name)).because(why.0)
            }
            Err(_) => Fault::new("internal", format!("'{}' panicked", row.name)), // what it said is on stderr
        };
        given.undo();
        self.settle(call.id, || self.answer(Type::Fault, call.id, &fault.to_row()));
    }

    /// The id is free once the answer is out, and so free before; the call is over after.
    fn settle(&self, id: u32, answer: impl FnOnce()) {
        let mut calls = self.calls.lock().unwrap();
        calls.remove(&id);
        self.answering.fetch_add(1, Ordering::Relaxed);
        drop(calls);
        answer();
        let calls = self.calls.lock().unwrap();
        self.answering.fetch_sub(1, Ordering::Relaxed);
        if self.rests(&calls) {
            self.quiet.notify_all();
        }
    }

    /// With `calls` held, as whoever changes `answering` holds it.
    fn rests(&self, calls: &HashMap<u32, Arc<Call>>) -> bool {
        calls.is_empty() && self.answering.load(Ordering::Relaxed) == 0
    }

    pub(crate) fn wait_until_quiet(&self) {
        let calls = self.calls.lock().unwrap();
        drop(self.quiet.wait_while(calls, |calls| !self.rests(calls)));
    }

    fn end(&self) {
        for call in self.calls.lock().unwrap().values() {
            stop(call, Why::Stopped, 0);
        }
        self.asked.lock().unwrap().clear(); // who waits for an answer sees that none comes
        self.sink.close();
        self.drain();
    }
}

fn stop(call: &Call, why: Why, left: u32) {
    call.cancelled.lock().unwrap().get_or_insert((why, Duration::from_millis(left.into())));
    call.change.notify_all();
}

/// The reading thread's own.
pub(crate) struct Reading {
    pub(crate) it: Arc<Conversation>,
    source: Source,
    early: HashMap<u32, CancelRow>, // CANCELs of calls that are still coming, in pieces
    callers: HashMap<u32, Arc<Caller>>,
    pub(crate) receiving: Option<Receiving>,
}

type Open = Option<Box<dyn FnOnce(&Host) -> Result<(), Fault> + Send>>;

impl Reading {
    fn run(mut self, welcome: &Welcome, options: &[OptionRow], open: Open) -> Ended {
        let mut began = self.it.sink.send_value(Type::Welcome, 0, welcome);
        if began.is_ok() {
            began = self.start(options, open);
        }
        let mut turn = || {
            let message = self.source.receive(&self.it.sink)?;
            self.handle(message)
        };
        while began.is_ok() {
            began = turn();
        }
        match began {
            Err(ended) => ended,
            Ok(()) => Ended::Closed,
        }
    }

    fn start(&mut self, rows: &[OptionRow], open: Open) -> Result<(), Ended> {
        let message = self.source.receive(&self.it.sink)?;
        if message.kind != Type::Start {
            return broken(format!("{} before START", message.kind.name()));
        }
        let start = Start::read(&mut Reader::new(&message.data))?; // later versions append fields
        if start.protocol != 1 {
            return broken(format!("the host wants version {}", start.protocol));
        }
        self.it.sink.start(start.credit);
        self.it.level.store(start.log as u8, Ordering::Relaxed);
        let agreed = |name: &str| start.capabilities.iter().any(|c| c == name);
        let _ = self.it.handover.agreed.set((agreed("state"), agreed("state-copy")));
        let fd = std::env::var("LOOP_SIDECAR_FD").ok().and_then(|fd| fd.parse::<i32>().ok());
        let shares = start.shared > 0 && agreed("shared-memory");
        if let Some(fd) = fd.filter(|fd| shares && *fd > 2) {
            // SAFETY: the host opened it for this process, and nobody else has it. The copy is not inherited.
            if let Ok(file) = unsafe { File::from_raw_fd(fd) }.try_clone() {
                let _ = self.it.objects.shared.set(Shared::new(file, start.shared));
            }
        }
        let kind = |name: &String| rows.iter().find(|row| row.name == *name).map(|row| row.r#type.clone());
        let given = start.options.into_iter().filter_map(|(name, text)| Some((kind(&name)?, name, text)));
        let given = given.map(|(kind, name, text)| (name, (kind, text))).collect();
        let host = Host { name: start.host, options: Options { given }, conversation: self.it.clone() };
        // On a thread of its own, so that PING is answered meanwhile.
        self.it.hand_over(Box::new(move || opened(host, open)));
        Ok(())
    }

    fn handle(&mut self, m: Message) -> Result<(), Ended> {
        let it = &self.it;
        if !it.open.load(Ordering::Acquire) && m.kind != Type::Ping {
            return broken(format!("{} before READY", m.kind.name()));
        }
        match m.kind {
            Type::Caller => drop(self.callers.insert(m.id, Arc::new(m.value()?))),
            Type::Call => return self.call(m),
            Type::Cancel => {
                let (why, left): CancelRow = m.value()?;
                if self.source.has_pieces(m.id) {
                    self.early.insert(m.id, (why, left));
                } else if let Some(call) = it.calls.lock().unwrap().get(&m.id) {
                    stop(call, why, left);
                } else {
                    it.handover.cancel(m.id);
                }
            }
            Type::Result => self.answered(m.id, Ok(m.data))?,
            Type::Fault => {
                let row: ErrorRow = m.value()?;
                self.answered(m.id, Err(Fault { code: row.code, messages: row.messages, hint: row.hint, found: Found::No }))?;
            }
            Type::Drop => self.dropped(m.value()?)?,
            Type::State => return self.state_came(m),
            Type::Quiesce | Type::Resume | Type::Save | Type::Restore | Type::SaveObject | Type::RestoreObject => {
                return self.step(m);
            }
            _ => return self.plain(m),
        }
        Ok(())
    }

    /// Frames without a payload.
    fn plain(&mut self, m: Message) -> Result<(), Ended> {
        if !m.data.is_empty() {
            return broken(format!("a {} with {} bytes", m.kind.name(), m.data.len()));
        }
        let it = self.it.clone();
        match m.kind {
            Type::Ping => self.it.sink.send(Type::Pong, m.id, &[], false)?,
            Type::Pong => {}
            Type::Release => drop(self.it.objects.shared.get().map(|shared| shared.free(m.id))),
            Type::CallerGone => {
                if let Some(caller) = self.callers.remove(&m.id) {
                    self.it.hand_over(Box::new(move || {
                        it.caller_gone.iter().for_each(|gone| gone(&caller));
                    }));
                }
            }
            _ => return broken(format!("{} here", m.kind.name())),
        }
        Ok(())
    }

    fn call(&mut self, m: Message) -> Result<(), Ended> {
        let mut head = Reader::new(&m.data);
        let (caller, i, place, deadline, _): CallHead = Value::read(&mut head)?;
        let from = m.data.len() - head.left();
        let (interface, place) = (i as usize, place as usize);
        let row = self.it.interfaces.get(interface).and_then(|i| i.rows.get(place)).filter(|row| row.run.is_some());
        let there = row.is_some();
        let Some(caller) = self.callers.get(&caller).cloned() else {
            return broken(format!("a call of caller {caller}, which is not there"));
        };
        let deadline = (deadline > 0).then(|| Instant::now() + Duration::from_millis(deadline.into()));
        let (conversation, change) = (self.it.clone(), Condvar::new());
        let call =
            Arc::new(Call { conversation, id: m.id, caller, interface, deadline, cancelled: Mutex::default(), change });
        if let Some((why, left)) = self.early.remove(&m.id) {
            stop(&call, why, left);
        }
        let mut calls = self.it.calls.lock().unwrap();
        if m.id % 2 == 1 || m.id == 0 || calls.contains_key(&m.id) {
            return broken(format!("a call with the id {}", m.id));
        }
        if self.it.most > 0 && calls.len() >= self.it.most as usize {
            return broken(format!("more than {} calls at once", self.it.most));
        }
        calls.insert(m.id, call.clone());
        drop(calls);
        let it = self.it.clone();
        self.it.hand_over(Box::new(move || {
            if there {
                return it.run_call(&call, place, &m.data, from);
            }
            let fault = Fault::new("not-found", format!("there is no function {place} of interface {i}"));
            it.settle(m.id, || it.answer(Type::Fault, m.id, &fault.to_row()));
        }));
        Ok(())
    }

    fn answered(&mut self, id: u32, answer: Result<Vec<u8>, Fault>) -> Result<(), Ended> {
        let Some(asked) = self.it.asked.lock().unwrap().remove(&id) else {
            return broken(format!("the answer of a call that nobody made, {id}"));
        };
        if let Some(shared) = self.it.objects.shared.get() {
            shared.free(id);
        }
        let _ = asked.send(answer); // who gave it up does not listen any more
        Ok(())
    }

    fn dropped(&mut self, (i, r, handle): DropRow) -> Result<(), Ended> {
        let interface = self.it.interfaces.get(i as usize);
        let Some((interface, name)) = interface.and_then(|i| Some((i, i.resources.get(r as usize)?))) else {
            return broken(format!("a DROP of resource {r} of interface {i}, which is not there"));
        };
        let object = self.it.objects.remove(&format!("{}.{name}", interface.name), handle)?;
        self.before_calls(Box::new(move || drop(object)));
        Ok(())
    }

    /// On one of the threads, as it may take its time; before what comes from the host behind it.
    pub(crate) fn before_calls(&self, job: Job) {
        self.it.firsts_left.fetch_add(1, Ordering::Release);
        self.it.firsts.lock().unwrap().push_back(job);
        let it = self.it.clone();
        self.it.hand_over(Box::new(move || it.drain()));
    }
}

fn opened(host: Host, open: Open) {
    let it = host.conversation.clone();
    if let Some(open) = open {
        let panicked = |_| Err(Fault::new("internal", "it panicked while it opened"));
        if let Err(mut fault) = catch_unwind(AssertUnwindSafe(|| open(&host))).unwrap_or_else(panicked) {
            if fault.found != Found::No {
                fault.code = "unavailable".into();
            }
            it.answer(Type::Fail, 0, &fault.to_row());
            std::process::exit(1);
        }
    }
    it.open.store(true, Ordering::Release);
    let _ = it.sink.send(Type::Ready, 0, &[], false);
}

/// The type of a frame's payload as the page's table has it, for the tests.
#[cfg(test)]
pub(crate) fn payload_text(kind: Type) -> String {
    match kind {
        Type::Welcome => text_of::<Welcome>(),
        Type::Start => text_of::<Start>(),
        Type::Fail | Type::Fault => text_of::<ErrorRow>(),
        Type::Caller => text_of::<Caller>(),
        Type::Call => text_of::<CallHead>(),
        Type::Next => text_of::<NextHead>(),
        Type::Cancel => text_of::<CancelRow>(),
        Type::Drop | Type::SaveObject => text_of::<DropRow>(),
        Type::RestoreObject => text_of::<(u32, u32)>(),
        Type::Save | Type::Restore => text_of::<PassRow>(),
        Type::Credit => text_of::<u32>(),
        Type::Log => text_of::<LogRow>(),
        _ => String::new(),
    }
}
