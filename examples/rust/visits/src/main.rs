//! visits NAME   counts a visit of NAME and says which one it is
//! visits        prints everybody with their visits
//!
//! loop:storage/store: one bucket, a key for each name. Several of these may run at once: a
//! count is written only if it still is what was read (compare-and-swap), else read again.

use loop_sdk::storage::{self, Bucket, Change, Condition, Error, Outcome};
use std::process::ExitCode;

fn count(value: &[u8]) -> u64 {
    String::from_utf8_lossy(value).parse().unwrap_or(0)
}

fn visit(visits: &Bucket, name: &str) -> Result<(), Error> {
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
            println!("visit {count} of {name}");
            return Ok(());
        }
    }
}

fn list(visits: &Bucket) -> Result<(), Error> {
    let mut after: Option<Vec<u8>> = None;
    loop {
        let page = visits.list_keys(b"", after.as_deref(), 0)?;
        for key in page.keys {
            // None where somebody took it away meanwhile.
            if let Some(entry) = visits.get(&key)? {
                println!("{:6}  {}", count(&entry.value), String::from_utf8_lossy(&key));
            }
        }
        match page.cursor {
            Some(cursor) => after = Some(cursor),
            None => return Ok(()),
        }
    }
}

fn run() -> Result<(), Error> {
    let visits = storage::open("visits")?;
    match std::env::args().nth(1) {
        Some(name) => visit(&visits, &name),
        None => list(&visits),
    }
}

/// Says why, in words that help the person who runs this.
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
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: cannot use the storage\n  because {}", reason(error));
            ExitCode::FAILURE
        }
    }
}
