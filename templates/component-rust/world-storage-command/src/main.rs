//! scaffold-name NAME: counts a visit of NAME, and says which one it is.
//!
//! A bucket with a key for each name (wit/deps/loop-storage/store.wit). Several of these may run
//! at once: a count is written only if it still is what was read, else read again.

use loop_sdk::storage::{self, Change, Condition, Error, Outcome};
use std::process::ExitCode;

fn count(value: &[u8]) -> u64 {
    String::from_utf8_lossy(value).parse().unwrap_or(0)
}

fn visit(name: &str) -> Result<u64, Error> {
    let visits = storage::open("visits")?;
    loop {
        let seen = visits.get(name.as_bytes())?;
        let count = seen.as_ref().map_or(0, |e| count(&e.value)) + 1;
        let condition = match seen {
            Some(entry) => Condition::Unchanged(entry.version),
            None => Condition::Absent,
        };
        let change = Change::Set(count.to_string().into_bytes());
        let outcome = visits.compare_and_swap(name.as_bytes(), &condition, &change)?;
        if let Outcome::Applied(_) = outcome {
            return Ok(count);
        }
    }
}

/// Says why, in words for the person who runs this.
fn reason(error: Error) -> String {
    match error {
        Error::Unavailable(text) => format!("nobody serves it here: {text}"),
        Error::Denied(text) => format!("it was not granted: {text}"),
        Error::Invalid(text) => format!("invalid: {text}"),
        Error::Limit(text) => format!("the quota is used up: {text}"),
        Error::Cancelled => "cancelled".into(),
        Error::Failed(text) => format!("the store failed: {text}"),
    }
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [name] = &args[..] else {
        eprintln!("usage: scaffold-name NAME");
        return ExitCode::FAILURE;
    };
    match visit(name) {
        Ok(count) => println!("visit {count} of {name}"),
        Err(error) => {
            eprintln!("error: cannot use the storage\n  because {}", reason(error));
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
