//! programs PROGRAM [ARGUMENT...]   runs a program of the machine, and numbers its lines
//!
//! loop:process/processes: the program reads what this command would read, its output is a
//! stream of wasi:io, and after ten seconds it is killed. What may be run is granted:
//!
//!     grants: { processes: ["git status --short"] }

use loop_sdk::processes::{self, Command, Error, ExitStatus, Input, Output, Process};
use loop_sdk::streams::StreamError;
use std::process::ExitCode;

fn start(program: String, arguments: Vec<String>) -> Result<Process, Error> {
    processes::spawn(&Command {
        program,
        arguments,
        environment: Vec::new(),
        working_directory: None,
        stdin: Input::Inherit,
        stdout: Output::Pipe,
        stderr: Output::Inherit,
        deadline: Some(10_000),
    })
}

/// All that it prints, until nobody can print any more.
fn output(of: &Process) -> Result<Vec<u8>, Error> {
    let (stream, mut all) = (of.take_stdout()?, Vec::new());
    loop {
        match stream.blocking_read(65536) {
            Ok(bytes) => all.extend(bytes),
            Err(StreamError::Closed) => return Ok(all),
            Err(StreamError::LastOperationFailed(e)) => return Err(Error::Failed(e.to_debug_string())),
        }
    }
}

fn end(of: &Process) -> Result<ExitStatus, Error> {
    of.subscribe()?.block();
    Ok(of.status()?.expect("its pollable was ready"))
}

fn run(program: String, arguments: Vec<String>) -> Result<ExitCode, Error> {
    let process = start(program, arguments)?;
    for (n, line) in String::from_utf8_lossy(&output(&process)?).lines().enumerate() {
        println!("{:3}  {line}", n + 1);
    }
    match end(&process)? {
        ExitStatus::Code(0) => return Ok(ExitCode::SUCCESS),
        ExitStatus::Code(n) => eprintln!("it ended with {n}"),
        ExitStatus::Signalled(n) => eprintln!("the signal {n} ended it"),
        ExitStatus::Deadline => eprintln!("it took more than ten seconds"),
    }
    Ok(ExitCode::FAILURE)
}

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let Some(program) = words.next() else {
        eprintln!("usage: programs PROGRAM [ARGUMENT...]");
        return ExitCode::FAILURE;
    };
    run(program, words.collect()).unwrap_or_else(|e| {
        eprintln!("error: {e}");
        ExitCode::FAILURE
    })
}
