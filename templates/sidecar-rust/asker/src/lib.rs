//! asker PLACE...: asks scaffold-name for the weather of places. A component: it runs in loop.
//! `loop build` makes `bindings` of the world `asker` of wit/scaffold_name.wit.

#[allow(clippy::all, dead_code)]
#[rustfmt::skip]
#[path = "../../gen/asker.rs"]
mod bindings;

use bindings::exports::wasi::cli::run::Guest;
use bindings::scaffold_space::scaffold_name::api::{self, Problem};

struct Asker;

impl Guest for Asker {
    /// The entry point of a command.
    fn run() -> Result<(), ()> {
        for place in std::env::args().skip(1) {
            match api::now(&place) {
                Ok(reading) => println!("{place}: {:.0} degrees", reading.celsius),
                Err(Problem::UnknownPlace) => return Err(eprintln!("'{place}': unknown place")),
                Err(Problem::NoAnswer) => return Err(eprintln!("'{place}': no answer")),
            }
        }
        Ok(())
    }
}

bindings::export!(Asker with_types_in bindings);
