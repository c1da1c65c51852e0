//! asker PLACE...: asks scaffold-name for the weather of places. A component: it runs in loop.
//! `loop build` makes `bindings` of the world `asker` of wit/scaffold_name.wit.

#[allow(clippy::all, dead_code)]
#[rustfmt::skip]
#[path = "../../gen/asker.rs"]
mod bindings;

use bindings::scaffold_space::scaffold_name::api::{self, Problem};
use std::process::ExitCode;

fn main() -> ExitCode {
    for place in std::env::args().skip(1) {
        match api::now(&place) {
            Ok(reading) => println!("{place}: {:.0} degrees", reading.celsius),
            Err(problem) => {
                let why = if problem == Problem::UnknownPlace { "unknown place" } else { "no answer" };
                eprintln!("'{place}': {why}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
