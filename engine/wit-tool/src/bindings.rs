//! Guest bindings: what the `wit-bindgen` command would write, for C and for Rust.
//!
//! The files are called after the world, or NAME (in C the prefix of its own types too).
//! A file that is there and the same is left alone, so that nothing is built for it.

use anyhow::{Context, Result, bail};
use std::path::Path;
use wit_bindgen_core::{Files, WorldGenerator};
use wit_parser::{Resolve, WorldId};

/// "rust", or "rust-program" for a crate with a main(); "rust=loop_sdk::rt" with another path for the runtime of the bindings.
fn generator(language: &str, name: &str) -> Result<Box<dyn WorldGenerator>> {
    let (language, runtime) = match language.split_once('=') {
        Some((language, runtime)) => (language, Some(runtime)),
        None => (language, None),
    };
    match language {
        "c" => {
            let options = wit_bindgen_c::Opts {
                rename_world: Some(name.to_string()),
                ..Default::default()
            };
            Ok(options.build())
        }
        "rust" | "rust-program" => {
            // Every interface here: none is taken from another crate.
            let options = wit_bindgen_rust::Opts {
                generate_all: true,
                runtime_path: runtime.map(str::to_string),
                ..Default::default()
            };
            Ok(Box::new(options.build()))
        }
        other => bail!("no generator for '{other}': c or rust"),
    }
}

/// A program in Rust exports `wasi:cli/run` by its standard library, in a version of that one's.
fn leave_out_run(resolve: &mut Resolve, world: WorldId) {
    let names: Vec<_> = resolve.worlds[world]
        .exports
        .keys()
        .map(|key| (key.clone(), crate::types::key_name(resolve, key)))
        .collect();
    for (key, name) in names {
        if name.starts_with("wasi:cli/run@") {
            resolve.worlds[world].exports.shift_remove(&key);
        }
    }
}

pub fn write(language: &str, world: &str, out: &Path, wit: &str, deps: &[&str]) -> Result<()> {
    let (world, name) = world.split_once('=').unwrap_or((world, world));
    let mut generator = generator(language, name)?;
    let (mut resolve, world) = crate::wit::world(world, wit, deps)?;
    if language.starts_with("rust-program") {
        leave_out_run(&mut resolve, world);
    }
    let mut files = Files::default();
    generator.generate(&mut resolve, world, &mut files)?;
    std::fs::create_dir_all(out).with_context(|| format!("cannot make '{}'", out.display()))?;
    for (file, bytes) in files.iter() {
        let file = if language == "rust" {
            &format!("{}.rs", name.replace('-', "_"))
        } else {
            file
        };
        let path = out.join(file);
        if std::fs::read(&path).is_ok_and(|there| there == bytes) {
            continue;
        }
        crate::write(&path.to_string_lossy(), bytes)?;
    }
    Ok(())
}
