//! Reading WIT: a folder with its deps/, or a file or folder with its dependencies named.

use anyhow::{Context, Result, anyhow};
use std::path::Path;
use wit_parser::{Resolve, UnresolvedPackageGroup, WorldId};

fn parse(path: &str) -> Result<UnresolvedPackageGroup> {
    if Path::new(path).is_dir() {
        return UnresolvedPackageGroup::parse_dir(path);
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read '{path}'"))?;
    UnresolvedPackageGroup::parse(path, &text).map_err(|(map, e)| anyhow!("{}", e.render(&map)))
}

/// `main` is a WIT file or a folder of them, one package. Without `deps` those of its own
/// folder `deps/` count; else each of them is a file or a folder with one package.
pub fn read(main: &str, deps: &[&str]) -> Result<(Resolve, wit_parser::PackageId)> {
    let mut resolve = Resolve { all_features: true, ..Default::default() };
    if deps.is_empty() {
        let (package, _) = resolve.push_path(main)?;
        return Ok((resolve, package));
    }
    let deps = deps.iter().map(|d| parse(d)).collect::<Result<Vec<_>>>()?;
    let package = resolve.push_groups(parse(main)?, deps).context("cannot resolve the WIT")?;
    Ok((resolve, package))
}

/// The same, and one of its worlds: a name in `main`, or a full id.
pub fn world(name: &str, main: &str, deps: &[&str]) -> Result<(Resolve, WorldId)> {
    let (resolve, package) = read(main, deps)?;
    let world = resolve.select_world(&[package], Some(name))?;
    Ok((resolve, world))
}
