//! WIT as JSON, for the generator of C bindings.

use crate::{CError, c_error, guard};
use std::collections::HashSet;
use std::path::Path;
use wasmtime::Error;
use wasmtime_c_api::wasm_byte_vec_t;
use wit_parser::decoding::{DecodedWasm, decode};
use wit_parser::{PackageId, Resolve, SourceMap, UnresolvedPackageGroup};

type Anyhow = Box<dyn std::error::Error + Send + Sync>;

/// The packages in the folders `deps`, but those that are there already.
fn packages(deps: &[&str], have: &mut HashSet<String>) -> Result<Vec<UnresolvedPackageGroup>, Anyhow> {
    let mut all = Vec::new();
    for folder in deps {
        let Ok(entries) = Path::new(folder).read_dir() else { continue };
        let mut paths: Vec<_> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
        paths.sort();
        for path in paths {
            let group = if path.is_dir() {
                if !has_wit(&path) {
                    continue;
                }
                parse_folder(&path)?
            } else if path.extension().is_some_and(|e| e == "wit") {
                parse_file(&path)?
            } else {
                continue;
            };
            if have.insert(group.main.name.to_string()) {
                all.push(group);
            }
        }
    }
    Ok(all)
}

/// The size of a file and the nesting of its types that the parser, which recurses, bears.
const MAX_FILE: u64 = 4 << 20;
const MAX_NESTING: usize = 200;

/// Refuses a file that would be too much for the parser.
fn check(path: &Path) -> Result<(), Anyhow> {
    let size = std::fs::metadata(path)?.len();
    if size > MAX_FILE {
        return Err(format!("{}: larger than {} MiB", path.display(), MAX_FILE >> 20).into());
    }
    let (mut depth, mut before) = (0usize, b' ');
    for line in std::fs::read(path)?.split(|b| *b == b'\n') {
        for b in line {
            match (before, *b) {
                (b'/', b'/') => break,
                (_, b'<') => depth += 1,
                (b'-', b'>') => {}
                (_, b'>') => depth = depth.saturating_sub(1),
                (_, b';') => depth = 0,
                _ => {}
            }
            before = *b;
            if depth > MAX_NESTING {
                return Err(format!("{}: types nested more than {MAX_NESTING} deep", path.display()).into());
            }
        }
        before = b' ';
    }
    Ok(())
}

fn check_folder(folder: &Path) -> Result<(), Anyhow> {
    for entry in folder.read_dir()? {
        let path = entry?.path();
        if path.extension().is_some_and(|x| x == "wit") {
            check(&path)?;
        }
    }
    Ok(())
}

fn parse_folder(path: &Path) -> Result<UnresolvedPackageGroup, Anyhow> {
    check_folder(path)?;
    Ok(UnresolvedPackageGroup::parse_dir(path)?)
}

/// Whether a folder is a package: it has a file of WIT right in it.
fn has_wit(folder: &Path) -> bool {
    let Ok(mut entries) = folder.read_dir() else { return false };
    entries.any(|e| e.is_ok_and(|e| e.path().extension().is_some_and(|x| x == "wit")))
}

/// A rendered error on one line: its place, then what is wrong there.
fn one_line(rendered: &str) -> String {
    let mut lines = rendered.lines().map(str::trim);
    let what = lines.next().unwrap_or_default();
    let what = what.strip_suffix(" known packages:").unwrap_or(what).trim_end_matches('.');
    match lines.find_map(|l| l.strip_prefix("--> ")) {
        Some(place) => format!("{place}: {what}"),
        None => what.to_string(),
    }
}

fn parse_file(path: &Path) -> Result<UnresolvedPackageGroup, Anyhow> {
    check(path)?;
    let mut map = SourceMap::default();
    map.push_file(path)?;
    map.parse().map_err(|(map, e)| e.render(&map).into())
}

fn load(path: &Path, deps: &[&str]) -> Result<(Resolve, PackageId), Anyhow> {
    let group = if path.is_dir() {
        parse_folder(path)?
    } else {
        let bytes = std::fs::read(path)?;
        if bytes.starts_with(b"\0asm") {
            return Ok(match decode(&bytes)? {
                DecodedWasm::WitPackage(resolve, package) => (resolve, package),
                DecodedWasm::Component(resolve, world) => {
                    let package = resolve.worlds[world].package.ok_or("the component's world has no package")?;
                    (resolve, package)
                }
            });
        }
        parse_file(path)?
    };
    let own = path.join("deps");
    let folders: Vec<&str> = own.to_str().into_iter().chain(deps.iter().copied()).collect();
    let mut have = HashSet::from([group.main.name.to_string()]);
    have.extend(group.nested.iter().map(|p| p.name.to_string()));
    let deps = packages(&folders, &mut have)?;
    let mut resolve = Resolve { all_features: true, ..Resolve::default() };
    match resolve.push_groups(group, deps) {
        Ok(package) => Ok((resolve, package)),
        Err(e) => Err(e.render(&resolve.source_map).into()),
    }
}

/// `{"main": PACKAGE, "resolve": ...}`: the package at `path` with all that it uses, in the
/// form of wit-parser. `deps`: folders with a package a folder or file, looked through for
/// what `path`'s own deps/ lacks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lpx_wit_json(
    path: crate::report::Text,
    deps: *const crate::report::Text,
    count: usize,
    out: &mut wasm_byte_vec_t,
) -> CError {
    c_error(guard(|| {
        // SAFETY: `ext.h` asks for UTF-8 texts and an array of `count`; 0 is not read.
        let deps: Vec<&str> = match count {
            0 => Vec::new(),
            n => unsafe { std::slice::from_raw_parts(deps, n) }.iter().map(|t| unsafe { t.str() }).collect(),
        };
        let path = unsafe { path.str() };
        let (resolve, package) = load(Path::new(path), &deps).map_err(|e| Error::msg(one_line(&format!("{e:#}"))))?;
        let text = serde_json::to_string(&resolve).map_err(|e| Error::msg(e.to_string()))?;
        *out = format!("{{\"main\":{},\"resolve\":{text}}}", package.index()).into_bytes().into();
        Ok(())
    }))
}
