//! Does a component fit its world?
//!
//! It may import less than the world does and must export all that the world does. Lines,
//! parts separated by tabs; none but `fits` where all is well, and those marked `note` do not
//! count against it:
//!
//!     missing-export  NAME  FUNCTION  TYPE         the world has it, the component not
//!     extra-import    NAME  FUNCTION  TYPE         the component has it, the world not
//!     other-version   import|export  NAME  IN-WORLD
//!     other-type      import|export  NAME  FUNCTION  EXPECTED  FOUND
//!     note-library    NAME                         WASI that the language's own library brings
//!     note-export     NAME                         more than the world asks for
//!     fits
//!
//! FUNCTION and TYPE are empty where a whole interface is meant; NAME is empty for a function
//! of the world itself. Types are compared by structure (types.rs), versions as engines match
//! them: 0.2.6 serves 0.2.0.

use crate::types::{function, key_name, split_version};
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use wit_parser::decoding::{DecodedWasm, decode};
use wit_parser::{Resolve, WorldId, WorldItem};

/// What one direction of a world has: interfaces and their functions with their types; the
/// world's own functions are those of the interface "".
type Side = BTreeMap<String, BTreeMap<String, String>>;

fn side<'a>(resolve: &Resolve, items: impl Iterator<Item = (&'a wit_parser::WorldKey, &'a WorldItem)>) -> Side {
    let mut side = Side::new();
    for (key, item) in items {
        let name = key_name(resolve, key);
        match item {
            WorldItem::Interface { id, .. } => {
                let functions = &resolve.interfaces[*id].functions;
                let functions = functions.iter().map(|(n, f)| (n.clone(), function(resolve, f)));
                side.entry(name).or_default().extend(functions);
            }
            WorldItem::Function(f) => {
                let own = side.entry(String::new()).or_default();
                own.insert(name, function(resolve, f));
            }
            WorldItem::Type { .. } => {}
        }
    }
    side
}

fn sides(resolve: &Resolve, world: WorldId) -> (Side, Side) {
    let world = &resolve.worlds[world];
    (side(resolve, world.imports.iter()), side(resolve, world.exports.iter()))
}

/// The part of a version that says what it is compatible with: "1" of 1.2.3, "0.2" of 0.2.6.
fn track(version: &str) -> &str {
    let plain = version.split(['-', '+']).next().unwrap_or("");
    let mut dots = plain.match_indices('.').map(|(at, _)| at);
    let (first, second) = (dots.next(), dots.next());
    match (first, second) {
        _ if version.contains('-') => version,
        (Some(a), _) if &version[..a] != "0" => &version[..a],
        (Some(a), Some(b)) if &version[a + 1..b] != "0" => &version[..b],
        _ => version,
    }
}

enum Match<'a> {
    Same(&'a BTreeMap<String, String>),
    Other(&'a str),
    None,
}

fn find<'a>(side: &'a Side, name: &str) -> Match<'a> {
    if let Some(functions) = side.get(name) {
        return Match::Same(functions);
    }
    let (base, version) = split_version(name);
    let mut other = Match::None;
    for (there, functions) in side {
        let (b, v) = split_version(there);
        if b != base || b.is_empty() {
            continue;
        }
        if track(v) == track(version) {
            return Match::Same(functions);
        }
        other = Match::Other(there);
    }
    other
}

/// WASI that a language's own library asks for, whatever the author wrote.
fn is_library(name: &str) -> bool {
    ["cli", "clocks", "filesystem", "io", "random", "sockets"]
        .iter()
        .any(|package| name.starts_with(&format!("wasi:{package}/")))
}

/// What componentize-qjs and componentize-py export for themselves, in no world.
fn is_tools(name: &str) -> bool {
    name == "init" || name == "exports"
}

#[derive(Default)]
struct Report {
    bad: usize,
}

impl Report {
    fn line(&mut self, parts: &[&str]) {
        if !parts[0].starts_with("note-") {
            self.bad += 1;
        }
        println!("{}", parts.iter().map(|p| crate::field(p)).collect::<Vec<_>>().join("\t"));
    }

    fn imports(&mut self, world: &Side, component: &Side) {
        for (name, functions) in component {
            let library = is_library(name);
            match find(world, name) {
                Match::Same(_) if library => {}
                Match::Same(allowed) => {
                    for (f, found) in functions {
                        match allowed.get(f) {
                            Some(expected) if expected == found => {}
                            Some(expected) => {
                                self.line(&["other-type", "import", name, f, expected, found]);
                            }
                            None => self.line(&["extra-import", name, f, found]),
                        }
                    }
                }
                _ if library => self.line(&["note-library", name]),
                Match::Other(there) => self.line(&["other-version", "import", name, there]),
                Match::None if name.is_empty() => {
                    for (f, found) in functions {
                        self.line(&["extra-import", name, f, found]);
                    }
                }
                Match::None => self.line(&["extra-import", name, "", ""]),
            }
        }
    }

    fn exports(&mut self, world: &Side, component: &Side) {
        for (name, functions) in world {
            match find(component, name) {
                Match::Same(there) => {
                    for (f, expected) in functions {
                        match there.get(f) {
                            Some(found) if expected == found => {}
                            Some(found) => {
                                self.line(&["other-type", "export", name, f, expected, found]);
                            }
                            None => self.line(&["missing-export", name, f, expected]),
                        }
                    }
                }
                Match::Other(there) => self.line(&["other-version", "export", there, name]),
                Match::None if name.is_empty() => {
                    for (f, expected) in functions {
                        self.line(&["missing-export", name, f, expected]);
                    }
                }
                Match::None => self.line(&["missing-export", name, "", ""]),
            }
        }
        for name in component.keys() {
            if !name.is_empty() && !is_tools(name) && matches!(find(world, name), Match::None) {
                self.line(&["note-export", name]);
            }
        }
        let none = BTreeMap::new();
        let own = world.get("").unwrap_or(&none);
        for f in component.get("").unwrap_or(&none).keys() {
            if !own.contains_key(f) && !is_tools(f) {
                self.line(&["note-export", f]);
            }
        }
    }
}

pub fn run(path: &str, world: &str, wit: &str, deps: &[&str]) -> Result<()> {
    let (resolve, world) = crate::wit::world(world, wit, deps)?;
    let bytes = crate::read_component(path)?;
    let decoded = decode(&bytes).with_context(|| format!("'{path}' is no component"))?;
    let DecodedWasm::Component(found, component) = decoded else {
        bail!("'{path}' holds WIT and no component");
    };
    let (world_imports, world_exports) = sides(&resolve, world);
    let (imports, exports) = sides(&found, component);
    let mut report = Report::default();
    report.imports(&world_imports, &imports);
    report.exports(&world_exports, &exports);
    if report.bad == 0 {
        println!("fits");
    }
    Ok(())
}
