//! scaffold-name [N]: counts to N (3), ten times a second.
//!
//! loop calls these functions and never waits in them: each answers when it wants to be called
//! again. `loop build` makes `bindings` of wit/world.wit; wit/deps/loop-core/app.wit says what
//! each is for.

#[allow(clippy::all, dead_code)]
#[rustfmt::skip]
#[path = "../gen/scaffold_name.rs"]
mod bindings;

use bindings::exports::loop_::core::app::{AppEvent, Guest, Next};
use loop_sdk::log;
use std::sync::Mutex;

const EVERY_MS: u32 = 100;

struct Counter {
    count: u32,
    last: u32,
}

static COUNTER: Mutex<Counter> = Mutex::new(Counter { count: 0, last: 3 });

struct Component;

impl Guest for Component {
    /// args[0] is the program's name.
    fn start(args: Vec<String>) -> Result<Next, String> {
        if let Some(text) = args.get(1) {
            let last = text.parse().ok().filter(|n| *n > 0);
            COUNTER.lock().unwrap().last = last.ok_or("give it a number to count to")?;
        }
        Ok(Next::Timer(EVERY_MS))
    }

    fn event(events: Vec<AppEvent>) -> Result<Next, String> {
        let mut counter = COUNTER.lock().unwrap();
        for event in events {
            match event {
                AppEvent::Timer => {
                    counter.count += 1;
                    log!(Info, "scaffold-name", &format!("tick {}", counter.count));
                }
                AppEvent::Cancelled => return Ok(Next::Exit(1)), // somebody pressed Ctrl-C
                AppEvent::CapabilitiesChanged => {}
            }
        }
        Ok(if counter.count < counter.last { Next::Timer(EVERY_MS) } else { Next::Exit(0) })
    }

    /// Nothing is drawn.
    fn frame(_time: f64) -> Result<Next, String> {
        Ok(Next::Timer(EVERY_MS))
    }

    /// The last call: what must be kept is written here.
    fn stop() {
        log!(Info, "scaffold-name", "that was all");
    }
}

bindings::export!(Component with_types_in bindings);
