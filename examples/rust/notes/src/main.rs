//! notes add TEXT...   appends one line to /data/notes.txt
//! notes list          prints the lines, numbered
//!
//! Nothing but std. The component sees no directory until somebody grants it
//! one under the name /data; then that one, and no other.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

const DIRECTORY: &str = "/data";
const NOTES: &str = "/data/notes.txt";

fn granted() -> bool {
    fs::metadata(DIRECTORY).is_ok()
}

fn add(text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(NOTES)?;
    writeln!(file, "{text}")?;
    println!("noted");
    Ok(())
}

fn list() -> io::Result<()> {
    let text = match fs::read_to_string(NOTES) {
        Err(e) if e.kind() == ErrorKind::NotFound && granted() => {
            println!("no notes yet");
            return Ok(());
        }
        other => other?,
    };
    for (i, line) in text.lines().enumerate() {
        println!("{}  {line}", i + 1);
    }
    Ok(())
}

/// Says why, in words that help the person who runs this.
fn cannot(what: &str, error: io::Error) -> ExitCode {
    if !granted() {
        eprintln!("error: cannot {what} the notes");
        eprintln!("  because no directory is granted as {DIRECTORY}");
        eprintln!("hint: grant one: loop run --dir ./data::/data, or `dirs` in loop.yaml");
        return ExitCode::FAILURE;
    }
    eprintln!("error: cannot {what} {NOTES}\n  because: {error}");
    if matches!(
        error.kind(),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
    ) {
        eprintln!("hint: the directory may be granted for reading only");
    }
    ExitCode::FAILURE
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let (what, done) = match &words[..] {
        ["add", text @ ..] if !text.is_empty() => ("write", add(&text.join(" "))),
        ["list"] => ("read", list()),
        _ => {
            eprintln!("usage: notes add TEXT...\n       notes list");
            return ExitCode::FAILURE;
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => cannot(what, error),
    }
}
