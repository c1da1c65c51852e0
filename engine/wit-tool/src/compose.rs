//! Components made into one: `plug` puts the exports of some into the imports of one and of
//! each other; `file` does what a .wac file says. wac's graph encodes and validates.
//!
//! Lines of `plug`, parts separated by tabs:
//!
//!     plugged  SOCKET-FILE  IMPORT  PLUG-FILE  EXPORT
//!     unfit    PLUG-FILE  EXPORT  IMPORT  WHY      the name fits, the type does not
//!     unused   PLUG-FILE  NEAREST-EXPORT  NEAREST-IMPORT
//!     import   NAME                               what the result imports
//!     export   NAME
//!
//! With `unfit` or `unused` nothing is written. `compose` prints `import` and `export`.

use crate::types::split_version;
use anyhow::{Context, Result, anyhow, bail};
use miette::Diagnostic;
use wac_graph::types::{BorrowedPackageKey, Package, SubtypeChecker, are_semver_compatible};
use wac_graph::{CompositionGraph, EncodeOptions, NodeId, PackageId};
use wac_parser::Document;
use wit_parser::decoding::{DecodedWasm, decode};

/// What is plugged together, in the order of the command line: the socket first.
struct Part<'a> {
    path: &'a str,
    package: PackageId,
    node: Option<NodeId>,
    serves: Vec<usize>, // the parts that import from it
}

/// An import and the export that is put into it.
struct Fit {
    socket: usize,
    import: String,
    plug: usize,
    export: String,
}

struct Board<'a> {
    graph: CompositionGraph,
    parts: Vec<Part<'a>>,
}

impl<'a> Board<'a> {
    fn new(paths: &[&'a str]) -> Result<Self> {
        let mut board = Board { graph: CompositionGraph::new(), parts: Vec::new() };
        for (i, path) in paths.iter().enumerate() {
            let bytes = crate::read_component(path)?;
            let package =
                Package::from_bytes(&format!("part:p{i}"), None, bytes, board.graph.types_mut())
                    .with_context(|| format!("'{path}' is no component"))?;
            let package = board.graph.register_package(package)?;
            board.parts.push(Part { path, package, node: None, serves: Vec::new() });
        }
        Ok(board)
    }

    fn imports(&self, part: usize) -> Vec<String> {
        let world = self.graph[self.parts[part].package].ty();
        self.graph.types()[world].imports.keys().cloned().collect()
    }

    fn exports(&self, part: usize) -> Vec<String> {
        let world = self.graph[self.parts[part].package].ty();
        self.graph.types()[world].exports.keys().cloned().collect()
    }

    /// None: there is no such export; Some(Err): there is, of another type.
    fn fits(&self, socket: usize, import: &str, plug: usize) -> Option<(String, Result<()>)> {
        let types = self.graph.types();
        let wanted = &types[self.graph[self.parts[socket].package].ty()].imports[import];
        let exports = &types[self.graph[self.parts[plug].package].ty()].exports;
        let (name, found) = exports
            .get_key_value(import)
            .or_else(|| exports.iter().find(|(name, _)| are_semver_compatible(name, import)))?;
        let mut cache = Default::default();
        let mut checker = SubtypeChecker::new(&mut cache);
        Some((name.clone(), checker.is_subtype(*found, types, *wanted, types)))
    }

    /// Whether `from` is served by `by`, itself or through others.
    fn depends(&self, from: usize, by: usize) -> bool {
        from == by || self.parts[by].serves.iter().any(|next| self.depends(from, *next))
    }

    fn node(&mut self, part: usize) -> NodeId {
        let Part { package, node, .. } = self.parts[part];
        let node = node.unwrap_or_else(|| self.graph.instantiate(package));
        self.parts[part].node = Some(node);
        node
    }

    fn join(&mut self, fit: &Fit) -> Result<()> {
        let (plug, socket) = (self.node(fit.plug), self.node(fit.socket));
        let export = self.graph.alias_instance_export(plug, &fit.export)?;
        self.graph.set_instantiation_argument(socket, &fit.import, export)?;
        self.parts[fit.plug].serves.push(fit.socket);
        Ok(())
    }

    /// Who may serve an import of a part: the first on the command line that fits, and does
    /// not itself wait for that part.
    fn find(&self, socket: usize, import: &str, unfit: &mut Vec<[String; 4]>) -> Option<Fit> {
        for plug in (1..self.parts.len()).filter(|p| *p != socket) {
            let Some((export, fits)) = self.fits(socket, import, plug) else { continue };
            if self.depends(plug, socket) {
                continue; // a circle: each would have to be there before the other
            }
            match fits {
                Ok(()) => return Some(Fit { socket, import: import.to_string(), plug, export }),
                Err(e) => unfit.push([
                    self.parts[plug].path.to_string(),
                    export,
                    import.to_string(),
                    format!("{e:#}"),
                ]),
            }
        }
        None
    }
}

fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let next = (corner + usize::from(x != *y)).min(row[j] + 1).min(row[j + 1] + 1);
            corner = std::mem::replace(&mut row[j + 1], next);
        }
    }
    row[b.len()]
}

/// The export and the import whose names are nearest to each other, without versions.
fn nearest(exports: &[String], imports: &[String]) -> (String, String) {
    let short = |s: &str| split_version(s).0.chars().take(128).collect::<String>();
    exports
        .iter()
        .flat_map(|e| imports.iter().map(move |i| (e, i)))
        .min_by_key(|(e, i)| distance(&short(e), &short(i)))
        .map(|(e, i)| (e.clone(), i.clone()))
        .unwrap_or_default()
}

fn line(parts: &[&str]) {
    println!("{}", parts.iter().map(|p| crate::field(p)).collect::<Vec<_>>().join("\t"));
}

/// What the result imports and exports; it is read back, as everybody will read it.
fn describe(bytes: &[u8]) -> Result<()> {
    let DecodedWasm::Component(resolve, world) = decode(bytes)? else {
        bail!("the result is no component");
    };
    let world = &resolve.worlds[world];
    for (what, keys) in [("import", &world.imports), ("export", &world.exports)] {
        for (key, item) in keys {
            if !matches!(item, wit_parser::WorldItem::Type { .. }) {
                line(&[what, &crate::types::key_name(&resolve, key)]);
            }
        }
    }
    Ok(())
}

pub fn plug(out: &str, socket: &str, plugs: &[&str]) -> Result<()> {
    let paths: Vec<&str> = std::iter::once(socket).chain(plugs.iter().copied()).collect();
    let mut board = Board::new(&paths)?;
    let (mut todo, mut unfit, mut fits) = (vec![0], Vec::new(), Vec::new());
    let mut at = 0;
    while at < todo.len() {
        let part = todo[at];
        at += 1;
        for import in board.imports(part) {
            if let Some(fit) = board.find(part, &import, &mut unfit) {
                board.join(&fit)?;
                if !todo.contains(&fit.plug) {
                    todo.push(fit.plug);
                }
                fits.push(fit);
            }
        }
    }
    let used = |i: usize| board.parts[i].node.is_some();
    for [plug, export, import, why] in &unfit {
        line(&["unfit", plug, export, import, why]);
    }
    let unused: Vec<usize> = (1..paths.len()).filter(|i| !used(*i)).collect();
    for i in &unused {
        let imports: Vec<String> = (0..paths.len()).filter(|k| k != i).flat_map(|k| board.imports(k)).collect();
        let (export, import) = nearest(&board.exports(*i), &imports);
        line(&["unused", paths[*i], &export, &import]);
    }
    if !unfit.is_empty() || !unused.is_empty() {
        return Ok(());
    }
    for fit in &fits {
        line(&["plugged", paths[fit.socket], &fit.import, paths[fit.plug], &fit.export]);
    }
    let root = board.node(0);
    for name in board.exports(0) {
        let export = board.graph.alias_instance_export(root, &name)?;
        board.graph.export(export, &name)?;
    }
    let bytes = board.graph.encode(EncodeOptions::default()).context("cannot join them")?;
    describe(&bytes)?;
    crate::write(out, &bytes)
}

/// "FILE:LINE:COLUMN: what is wrong", and wac's own advice.
fn explain(file: &str, text: &str, e: &dyn Diagnostic) -> anyhow::Error {
    let label = e.labels().and_then(|mut labels| labels.next());
    let mut message = match &label {
        Some(label) => {
            let before = &text[..text.floor_char_boundary(label.offset())];
            let line = before.matches('\n').count() + 1;
            let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
            format!("{file}:{line}:{column}: {e}")
        }
        None => format!("{file}: {e}"),
    };
    let mut source = e.source();
    while let Some(cause) = source {
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    anyhow!("{message}")
}

pub fn file(out: &str, path: &str, deps: &[&str]) -> Result<()> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read '{path}'"))?;
    let document = Document::parse(&text).map_err(|e| explain(path, &text, &e))?;
    let named: Vec<(String, Option<semver::Version>, Vec<u8>)> = deps
        .iter()
        .map(|dep| {
            let Some((name, file)) = dep.split_once('=') else {
                bail!("'{dep}' is not PACKAGE=FILE");
            };
            let (name, version) = split_version(name);
            let version = match version {
                "" => None,
                v => Some(v.parse().with_context(|| format!("'{v}' is no version"))?),
            };
            Ok((name.to_string(), version, crate::read_component(file)?))
        })
        .collect::<Result<_>>()?;
    let packages = named
        .iter()
        .map(|(name, version, bytes)| {
            (BorrowedPackageKey::from_name_and_version(name, version.as_ref()), bytes.clone())
        })
        .collect();
    let resolution = document.resolve(packages).map_err(|e| explain(path, &text, &e))?;
    let bytes =
        resolution.encode(EncodeOptions::default()).map_err(|e| explain(path, &text, &e))?;
    describe(&bytes)?;
    crate::write(out, &bytes)
}
