//! A provider of scaffold-space:scaffold-name/api (wit/scaffold_name.wit) for loop, as a Rust program. In loop.yaml:
//!
//!     bind:
//!       scaffold-space:scaffold-name/api: { sidecar: [target/release/scaffold-name], warmer: 2 }

use loop_sidecar::value::{from_bytes, to_bytes};
use loop_sidecar::{Borrow, Call, Field, Interface, Level, Own, Resource, Sidecar};
use loop_sidecar::{enumeration, option, record};
use std::sync::{Mutex, OnceLock};

record! {
    #[derive(Clone)]
    struct Reading { celsius: f32, wind: Option<f32> }
}
enumeration! {
    #[allow(dead_code)]
    enum Problem { UnknownPlace, NoAnswer }
}

struct Diary {
    place: String,
    readings: Mutex<Vec<Reading>>,
}

impl Resource for Diary {
    const NAME: &'static str = "scaffold-space:scaffold-name/api.diary";
}

impl Drop for Diary {
    fn drop(&mut self) {
        println!("the diary of {} is closed", self.place);
    }
}

static WARMER: OnceLock<u64> = OnceLock::new();

/// Ask a real service here. It may wait: each call has a thread, and call.cancelled() says when to hurry.
fn now(call: &Call, place: String) -> Result<Reading, Problem> {
    if place.is_empty() {
        return Err(Problem::UnknownPlace);
    }
    call.log(Level::Debug, "looked out of the window", &[("place", Field::Text(place.clone()))]);
    let celsius = (place.chars().count() as u64 + WARMER.get().unwrap_or(&0)) as f32;
    Ok(Reading { celsius, wind: place.contains(' ').then_some(3.5) })
}

fn open_diary(_: &Call, place: String) -> Own<Diary> {
    Own::new(Diary { place, readings: Mutex::default() })
}

fn warmest(_: &Call, diary: Borrow<Diary>) -> Option<Reading> {
    let readings = diary.readings.lock().unwrap();
    readings.iter().max_by(|a, b| a.celsius.total_cmp(&b.celsius)).cloned()
}

fn main() {
    let sidecar = Sidecar::new("scaffold-name", "0.1.0"); // first: it takes stdout, which carries frames
    let api = Interface::new("scaffold-space:scaffold-name/api@0.1.0")
        .resource::<Diary>()
        .moves( // for another provider that takes this one's place: `diary-state` of wit/scaffold_name.wit
            |diary: &Diary| Ok(to_bytes(&(diary.place.clone(), diary.readings.lock().unwrap().clone()))?),
            |data| Ok(from_bytes(data).map(|(place, readings)| Diary { place, readings: Mutex::new(readings) })?),
        )
        .function("now", now)
        .function("open-diary", open_diary)
        .function("[method]diary.note", |_: &Call, diary: Borrow<Diary>, what: Reading| {
            diary.readings.lock().unwrap().push(what);
        })
        .function("[method]diary.warmest", warmest);
    sidecar
        .summary("the weather by the length of a name")
        .option(option("warmer", "number", Some("0"), "degrees to add"))
        .open(|host| {
            WARMER.get_or_init(|| host.options.number("warmer").unwrap_or(0));
            Ok(())
        })
        .interface(api)
        .run();
}
