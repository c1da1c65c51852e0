//! scaffold-name: greets, for others. `loop build` makes `bindings` of wit/world.wit; what the
//! world exports is a trait of it, implemented here.

#[allow(clippy::all, dead_code)]
#[rustfmt::skip]
#[path = "../gen/scaffold_name.rs"]
mod bindings;

use bindings::exports::scaffold_space::scaffold_name::api::{Guest, Problem};

/// Bytes of a name: what comes from others has a limit.
const LONGEST: usize = 64;

struct Component;

impl Guest for Component {
    fn greet(name: String) -> Result<String, Problem> {
        match name.len() {
            0 => Err(Problem::NoName),
            1..=LONGEST => Ok(format!("Hello, {name}!")),
            _ => Err(Problem::TooLong),
        }
    }
}

bindings::export!(Component with_types_in bindings);
