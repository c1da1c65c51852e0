//! What sidecar/conformance/conformance.wit asks for; sidecar/conformance/run.py checks it.

use loop_sidecar::value::{from_bytes, to_bytes};
use loop_sidecar::{Borrow, Call, Fault, Field, Interface, Level, Own, Pass, Resource, Sidecar, State, Value, Why};
use loop_sidecar::{enumeration, flags, option, record, variant};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

fn main() {
    let state = Arc::new(Mutex::new(Held::default()));
    Sidecar::new("conformance", "1.0.0")
        .summary("what the conformance script asks for")
        .option(option("text", "string", Some("hello"), ""))
        .option(option("mode", "enum ready|unavailable|broken", Some("ready"), ""))
        .option(option("limit", "size", None, ""))
        .interface(values())
        .interface(calls())
        .interface(things())
        .interface(kept(&state))
        .state(Kept(state))
        .open(|host| {
            let texts = ["text", "mode", "limit"].into_iter();
            let texts = texts.filter_map(|name| Some((name, host.options.text(name)?.to_string())));
            let texts = OPTIONS.get_or_init(|| texts.collect());
            let code = match texts["mode"].as_str() {
                "ready" => return Ok(()),
                "broken" => "internal",
                _ => "unavailable",
            };
            let why = format!("the mode is {}", texts["mode"]);
            Err(Fault::new(code, "cannot open").because(why).hint("use another mode"))
        })
        .run();
}

static OPTIONS: OnceLock<HashMap<&str, String>> = OnceLock::new();

// --- test:conformance/values

record! { struct Point { x: i32, y: i32 } }
record! { struct Person { name: String, age: Option<u8>, tags: Vec<String>, home: (f32, f64) } }
variant! { enum Shape { Nothing, Circle(f64), Polygon(Vec<Point>), Named(String) } }
enumeration! { enum Color { Red, Green, Blue } }
flags! { struct Few { a, b, c } }
flags! { struct Nine { f0, f1, f2, f3, f4, f5, f6, f7, f8 } }
flags! {
    struct Most {
        b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15,
        b16, b17, b18, b19, b20, b21, b22, b23, b24, b25, b26, b27, b28, b29, b30, b31,
    }
}
type Many = (
    u8, i16, u32, i64, f32, f64, char, String, bool, Vec<u8>,
    Option<u8>, Color, Few, Point, Vec<String>, u64, i8, Shape,
);

fn echo<T: Value>(_: &Call, value: T) -> T {
    value
}

#[allow(clippy::too_many_arguments)]
fn echo_many(
    _: &Call, a: u8, b: i16, c: u32, d: i64, e: f32, f: f64, g: char, h: String, i: bool, j: Vec<u8>,
    k: Option<u8>, l: Color, m: Few, n: Point, o: Vec<String>, p: u64, q: i8, r: Shape,
) -> Many {
    (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r)
}

fn weigh(_: &Call, shape: Shape) -> f64 {
    match shape {
        Shape::Nothing => 0.0,
        Shape::Circle(n) => n,
        Shape::Polygon(points) => points.len() as f64,
        Shape::Named(name) => name.chars().count() as f64,
    }
}

fn next_color(_: &Call, color: Color) -> Color {
    match color {
        Color::Red => Color::Green,
        Color::Green => Color::Blue,
        Color::Blue => Color::Red,
    }
}

fn invert(_: &Call, v: Nine) -> Nine {
    Nine { f0: !v.f0, f1: !v.f1, f2: !v.f2, f3: !v.f3, f4: !v.f4, f5: !v.f5, f6: !v.f6, f7: !v.f7, f8: !v.f8 }
}

fn digest(_: &Call, data: Vec<u8>) -> u32 {
    data.iter().fold(2166136261, |hash: u32, byte| (hash ^ u32::from(*byte)).wrapping_mul(16777619))
}

fn values() -> Interface {
    Interface::new("test:conformance/values@1.0.0")
        .function("echo-bool", echo::<bool>)
        .function("echo-u8", echo::<u8>)
        .function("echo-u16", echo::<u16>)
        .function("echo-u32", echo::<u32>)
        .function("echo-u64", echo::<u64>)
        .function("echo-s8", echo::<i8>)
        .function("echo-s16", echo::<i16>)
        .function("echo-s32", echo::<i32>)
        .function("echo-s64", echo::<i64>)
        .function("echo-f32", echo::<f32>)
        .function("echo-f64", echo::<f64>)
        .function("echo-char", echo::<char>)
        .function("echo-string", echo::<String>)
        .function("echo-bytes", echo::<Vec<u8>>)
        .function("echo-bools", echo::<Vec<bool>>)
        .function("echo-s8s", echo::<Vec<i8>>)
        .function("echo-u32s", echo::<Vec<u32>>)
        .function("echo-s64s", echo::<Vec<i64>>)
        .function("echo-f32s", echo::<Vec<f32>>)
        .function("echo-f64s", echo::<Vec<f64>>)
        .function("echo-chars", echo::<Vec<char>>)
        .function("echo-strings", echo::<Vec<String>>)
        .function("echo-lists", echo::<Vec<Vec<u8>>>)
        .function("echo-point", echo::<Point>)
        .function("echo-points", echo::<Vec<Point>>)
        .function("echo-people", echo::<Vec<Person>>)
        .function("echo-tuple", echo::<(u8, String, bool)>)
        .function("echo-shapes", echo::<Vec<Shape>>)
        .function("echo-colors", echo::<Vec<Color>>)
        .function("echo-few", echo::<Few>)
        .function("echo-nine", echo::<Nine>)
        .function("echo-most", echo::<Most>)
        .function("echo-option", echo::<Option<u32>>)
        .function("echo-options", echo::<Option<Option<bool>>>)
        .function("echo-result", echo::<Result<u32, String>>)
        .function("echo-results", echo::<Vec<Result<(), Color>>>)
        .function("echo-nothing", |_: &Call| ())
        .function("echo-many", echo_many)
        .function("sum", |_: &Call, v: Vec<i64>| v.iter().sum::<i64>())
        .function("reverse", |_: &Call, v: String| v.chars().rev().collect::<String>())
        .function("weigh", weigh)
        .function("next-color", next_color)
        .function("invert", invert)
        .function("digest", digest)
        .function("fill", |_: &Call, n: u32| (0..n).map(|i| (i % 256 * 31 + 7) as u8).collect::<Vec<_>>())
        .function("fill-text", |_: &Call, n: u32| ('a'..='z').cycle().take(n as usize).collect::<String>())
}

// --- test:conformance/calls

record! {
    struct Who { component: String, identity: String, instance: u64, storage: u64, storage_why: String }
}
enumeration! { enum Reason { Interrupted, Deadline, Stopped } }
enumeration! { enum Severity { Trace, Debug, Info, Warn, Error } }

/// Only the next provider makes them.
struct Item;
impl Resource for Item {
    const NAME: &'static str = "test:conformance/calls.item";
}

fn who(call: &Call) -> Who {
    let c = &call.caller;
    Who {
        component: c.component.clone(),
        identity: c.identity.clone(),
        instance: c.instance,
        storage: c.storage,
        storage_why: c.storage_why.clone(),
    }
}

fn wait(call: &Call, ms: u32) -> Result<u32, Reason> {
    call.wait(Duration::from_millis(ms.into()));
    match call.cancelled() {
        None => Ok(ms),
        Some((Why::Interrupted, _)) => Err(Reason::Interrupted),
        Some((Why::Deadline, _)) => Err(Reason::Deadline),
        Some((Why::Stopped, _)) => Err(Reason::Stopped),
    }
}

fn fault(_: &Call, code: String, messages: Vec<String>, hint: Option<String>) -> Result<(), Fault> {
    let mut fault = Fault::new(&code, messages[0].clone());
    fault.messages = messages;
    fault.hint = hint;
    Err(fault)
}

fn log(call: &Call, level: Severity, message: String, field: String, value: i64) {
    let level = match level {
        Severity::Trace => Level::Trace,
        Severity::Debug => Level::Debug,
        Severity::Info => Level::Info,
        Severity::Warn => Level::Warn,
        Severity::Error => Level::Error,
    };
    call.log(level, &message, &[(&field, Field::Integer(value))]);
}

fn once(call: &Call, n: u32) -> Result<u32, Fault> {
    call.next("once", (n,))
}

fn open(call: &Call, name: String) -> Result<Own<Item>, Fault> {
    call.next("open", (name,))
}

fn label(call: &Call, item: Borrow<Item>) -> Result<String, Fault> {
    Ok(format!("<{}>", call.next::<_, String>("label", (item,))?))
}

fn calls() -> Interface {
    Interface::new("test:conformance/calls@1.0.0")
        .resource::<Item>()
        .function("who", who)
        .function("wait", wait)
        .function("fault", fault)
        .function("refuse", |_: &Call, why: String| Err::<u32, String>(why))
        .function("log", log)
        .function("print", |_: &Call, text: String| println!("{text}"))
        .function("option-text", |_: &Call, name: String| OPTIONS.get()?.get(name.as_str()).cloned())
        .passes::<(u32,), u32>("once")
        .function("twice", |call: &Call, n: u32| Ok::<u32, Fault>(once(call, n)? + once(call, n + 1)?))
        .function("try", |call: &Call, n: u32| once(call, n).map_err(|fault| fault.code))
        .function("open", open)
        .function("label", label)
        .function("forget", |call: &Call, name: String| open(call, name).map(drop))
}

// --- test:conformance/things

static LIVING: AtomicU32 = AtomicU32::new(0);

struct Counted;

impl Counted {
    fn new() -> Counted {
        LIVING.fetch_add(1, Ordering::Relaxed);
        Counted
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        LIVING.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Thing(String, #[allow(dead_code)] Counted);
impl Resource for Thing {
    const NAME: &'static str = "test:conformance/things.thing";
}

struct Other(#[allow(dead_code)] Counted);
impl Resource for Other {
    const NAME: &'static str = "test:conformance/things.other";
}

fn make(_: &Call, name: String) -> Own<Thing> {
    Own::new(Thing(name, Counted::new()))
}

/// None where it lives behind the host, which has none of them.
fn name_of(thing: Option<&Arc<Thing>>) -> Result<String, Fault> {
    let thing = thing.ok_or_else(|| Fault::new("invalid", "a thing that is not of here"))?;
    Ok(thing.0.clone())
}

fn again(_: &Call, thing: Borrow<Thing>) -> Result<Own<Thing>, Fault> {
    let thing = thing.here().ok_or_else(|| Fault::new("invalid", "a thing that is not of here"))?;
    Ok(Own::new(thing.clone()))
}

fn names(_: &Call, a: Borrow<Thing>, b: Borrow<Thing>) -> Result<String, Fault> {
    Ok(format!("{}+{}", name_of(a.here())?, name_of(b.here())?))
}

fn things() -> Interface {
    Interface::new("test:conformance/things@1.0.0")
        .resource::<Thing>()
        .resource::<Other>()
        .moves(|thing: &Thing| Ok(to_bytes(&thing.0)?), |data| Ok(Thing(from_bytes(data)?, Counted::new())))
        .function("[method]thing.name", |_: &Call, thing: Borrow<Thing>| name_of(thing.here()))
        .function("[static]thing.make", make)
        .function("make-other", |_: &Call| Own::new(Other(Counted::new())))
        .function("again", again)
        .function("names", names)
        .function("make-many", |call: &Call, n: u32| (0..n).map(|i| make(call, i.to_string())).collect::<Vec<_>>())
        .function("take", |_: &Call, thing: Own<Thing>| name_of(thing.here()))
        .function("take-and-fail", |_: &Call, _thing: Own<Thing>| Err::<(), _>(Fault::new("internal", "as asked for")))
        .function("live", |_: &Call| LIVING.load(Ordering::Relaxed))
}

// --- test:conformance/state

record! {
    #[derive(Default)]
    struct Total { total: u64, notes: Vec<String> }
}

#[derive(Default)]
struct Held {
    now: Total,
    copied: Option<usize>,  // how many notes a copy has
    arrived: Option<Total>, // what a copy brought
}

struct Kept(Arc<Mutex<Held>>);

fn no_copy() -> Fault {
    Fault::new("invalid", "a rest without a copy")
}

impl State for Kept {
    fn copies(&self) -> bool {
        true
    }

    fn save(&self, interface: &str, pass: Pass, to: &mut dyn Write) -> Result<(), Fault> {
        if !interface.ends_with("/state") {
            return Ok(());
        }
        let mut held = self.0.lock().unwrap();
        let from = if pass == Pass::Rest { held.copied.ok_or_else(no_copy)? } else { 0 };
        if pass == Pass::Copy {
            held.copied = Some(held.now.notes.len());
        }
        let bytes = to_bytes(&Total { total: held.now.total, notes: held.now.notes[from..].to_vec() })?;
        drop(held); // calls go on
        Ok(to.write_all(&bytes)?)
    }

    fn restore(&self, interface: &str, pass: Pass, from: &mut dyn Read) -> Result<(), Fault> {
        let mut data = Vec::new();
        from.read_to_end(&mut data)?;
        let mut found: Total = from_bytes(&data)?;
        if !interface.ends_with("/state") {
            return Err(Fault::new("invalid", format!("nothing of {interface} is kept here")));
        }
        let mut held = self.0.lock().unwrap();
        match pass {
            Pass::Copy => held.arrived = Some(found),
            Pass::Whole => *held = Held { now: found, ..Held::default() },
            Pass::Rest => {
                let mut notes = held.arrived.take().ok_or_else(no_copy)?.notes;
                notes.append(&mut found.notes);
                held.now = Total { notes, ..found };
            }
        }
        Ok(())
    }

    fn resume(&self) {
        self.0.lock().unwrap().copied = None;
    }
}

fn kept(state: &Arc<Mutex<Held>>) -> Interface {
    let (a, b, c) = (state.clone(), state.clone(), state.clone());
    Interface::new("test:conformance/state@1.0.0")
        .function("add", move |_: &Call, n: u64| {
            let mut held = a.lock().unwrap();
            held.now.total += n;
            held.now.total
        })
        .function("note", move |_: &Call, text: String| b.lock().unwrap().now.notes.push(text))
        .function("notes", move |_: &Call| c.lock().unwrap().now.notes.clone())
}
