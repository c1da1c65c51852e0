//! loop-wit: what `loop build` and `loop compose` need of WIT and of components.
//!
//!     loop-wit bindgen c|rust|rust-program[=RUNTIME] WORLD[=NAME] OUT-DIR WIT [DEPENDENCY...]
//!     loop-wit componentize CORE.wasm OUT.wasm [WORLD WIT [DEPENDENCY...]]
//!     loop-wit check COMPONENT.wasm WORLD WIT [DEPENDENCY...]
//!     loop-wit plug OUT.wasm SOCKET.wasm PLUG.wasm...
//!     loop-wit compose OUT.wasm FILE.wac [PACKAGE[@VERSION]=FILE.wasm...]
//!
//! A program of its own, so that a panic or a loop in one of the crates beneath ends
//! it and not the host; the room `builder/` starts it, with a deadline. It reads and
//! writes files and nothing else: no network, no environment, no other program.
//!
//! What a machine reads goes to stdout, a line each, its parts separated by tabs
//! (check.rs and compose.rs say which); a failure goes to stderr as one text, with
//! exit status 1. Outputs are written under another name and moved into place.

use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::ExitCode;

mod bindings;
mod check;
mod component;
mod compose;
mod types;
mod wit;

const USAGE: &str = "usage:
  loop-wit bindgen c|rust|rust-program[=RUNTIME] WORLD[=NAME] OUT-DIR WIT [DEPENDENCY...]
  loop-wit componentize CORE.wasm OUT.wasm [WORLD WIT [DEPENDENCY...]]
  loop-wit check COMPONENT.wasm WORLD WIT [DEPENDENCY...]
  loop-wit plug OUT.wasm SOCKET.wasm PLUG.wasm...
  loop-wit compose OUT.wasm FILE.wac [PACKAGE[@VERSION]=FILE.wasm...]";

/// Components larger than this are not read: LP_MAX_COMPONENT_BYTES of the host.
const MAX_COMPONENT: u64 = 256 << 20;

pub fn read(path: &str) -> Result<Vec<u8>> {
    let size = std::fs::metadata(path).with_context(|| format!("cannot read '{path}'"))?.len();
    if size > MAX_COMPONENT {
        bail!("'{path}' has {size} bytes; a component may have {MAX_COMPONENT}");
    }
    std::fs::read(path).with_context(|| format!("cannot read '{path}'"))
}

/// The same, of a component and nothing else.
pub fn read_component(path: &str) -> Result<Vec<u8>> {
    let bytes = read(path)?;
    if !wasmparser::Parser::is_component(&bytes) {
        bail!("'{path}' is no component");
    }
    Ok(bytes)
}

/// Whoever reads `path` meanwhile sees the old bytes or the new ones.
pub fn write(path: &str, bytes: &[u8]) -> Result<()> {
    let beside = format!("{path}.{}", std::process::id());
    let written = std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    written.with_context(|| format!("cannot write '{path}'"))
}

/// What is in a line for a machine: no tab and no end of a line.
pub fn field(text: &str) -> String {
    text.replace(['\t', '\n', '\r'], " ")
}

fn run(args: &[&str]) -> Result<bool> {
    match args {
        ["bindgen", language, world, out, wit, deps @ ..] => {
            bindings::write(language, world, Path::new(out), wit, deps)?;
        }
        ["componentize", core, out] => component::make(core, out, None)?,
        ["componentize", core, out, world, wit, deps @ ..] => {
            component::make(core, out, Some((world, wit, deps)))?;
        }
        ["check", component, world, wit, deps @ ..] => check::run(component, world, wit, deps)?,
        ["plug", out, socket, plugs @ ..] if !plugs.is_empty() => {
            compose::plug(out, socket, plugs)?;
        }
        ["compose", out, file, deps @ ..] => compose::file(out, file, deps)?,
        ["--version"] => println!("loop-wit {}", env!("CARGO_PKG_VERSION")),
        _ => return Ok(false),
    }
    Ok(true)
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
        Err(e) => {
            eprintln!("{e:#}");
            ExitCode::FAILURE
        }
    }
}
