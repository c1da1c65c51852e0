//! Writes guest bindings for C or Rust from WIT.
//!
//!     guest-bindgen c|rust WORLD[=NAME] OUT-DIR MAIN [DEPENDENCY...]
//!
//! The files are called after the world, or NAME (in C the prefix of its own
//! types too). MAIN and each DEPENDENCY are a WIT file or a folder of WIT files (one
//! package; nested folders are not read). WORLD is a name in MAIN or a full id.
//! This is what the `wit-bindgen` command would do; that one takes ten minutes
//! to compile, this one half a minute. The bindings it writes are checked in:
//! only people who change WIT need it. See tools/check_guest_bindings.sh.

use anyhow::{Context, Result, bail};
use std::path::Path;
use wit_bindgen_core::wit_parser::{Resolve, UnresolvedPackageGroup};
use wit_bindgen_core::{Files, WorldGenerator};

fn parse(path: &str) -> Result<UnresolvedPackageGroup> {
    if Path::new(path).is_dir() {
        return UnresolvedPackageGroup::parse_dir(path);
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    UnresolvedPackageGroup::parse(path, &text)
        .map_err(|(map, e)| anyhow::anyhow!("{}", e.render(&map)))
}

fn generator(language: &str, name: &str) -> Result<Box<dyn WorldGenerator>> {
    match language {
        "c" => {
            let rename_world = Some(name.to_string());
            Ok(wit_bindgen_c::Opts {
                rename_world,
                ..Default::default()
            }
            .build())
        }
        "rust" => {
            // Every interface here: none is taken from another crate.
            let options = wit_bindgen_rust::Opts {
                generate_all: true,
                ..Default::default()
            };
            Ok(Box::new(options.build()))
        }
        other => bail!("no generator for '{other}': c or rust"),
    }
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [language, world, out, main, deps @ ..] = &args[..] else {
        bail!("usage: guest-bindgen c|rust WORLD OUT-DIR MAIN [DEPENDENCY...]");
    };
    let (world, name) = world.split_once('=').unwrap_or((world, world));
    let mut resolve = Resolve {
        all_features: true,
        ..Default::default()
    };
    let deps = deps.iter().map(|d| parse(d)).collect::<Result<Vec<_>>>()?;
    let package = resolve
        .push_groups(parse(main)?, deps)
        .context("cannot resolve the WIT")?;
    let world = resolve.select_world(&[package], Some(world))?;

    let mut files = Files::default();
    generator(language, name)?.generate(&mut resolve, world, &mut files)?;
    std::fs::create_dir_all(out)?;
    for (file, bytes) in files.iter() {
        let file = if language == "rust" {
            &format!("{}.rs", name.replace('-', "_"))
        } else {
            file
        };
        let path = Path::new(out).join(file);
        std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
