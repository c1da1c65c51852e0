//! A core module, as clang links one, into a component: wit-component's encoder and the
//! adapter from wasi-libc's preview 1 to WASI 0.2.
//!
//! The world comes from the sections that wit-bindgen's objects carry; where there is none,
//! it is embedded here.

use anyhow::{Context, Result, bail};
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as ADAPTER_NAME,
    WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER as COMMAND,
    WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER as REACTOR,
};
use wasmparser::{Encoding, Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

#[derive(Default)]
struct Found {
    has_world: bool,
    has_main: bool,
    needs_adapter: bool,
}

fn look(core: &[u8]) -> Result<Found> {
    let mut found = Found::default();
    for payload in Parser::new(0).parse_all(core) {
        match payload? {
            Payload::Version { encoding: Encoding::Component, .. } => {
                bail!("it is a component already");
            }
            Payload::CustomSection(s) if s.name().starts_with("component-type") => {
                found.has_world = true;
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    found.has_main |= export?.name == "_start";
                }
            }
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    found.needs_adapter |= import?.module == ADAPTER_NAME;
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

pub fn make(core: &str, out: &str, world: Option<(&str, &str, &[&str])>) -> Result<()> {
    let mut bytes = crate::read(core)?;
    let found = look(&bytes).with_context(|| format!("'{core}' is no core module"))?;
    if let (Some((world, wit, deps)), false) = (world, found.has_world) {
        let (resolve, world) = crate::wit::world(world, wit, deps)?;
        embed_component_metadata(&mut bytes, &resolve, world, StringEncoding::UTF8, false)?;
    }
    let mut encoder = ComponentEncoder::default();
    encoder.validate(true).merge_imports_based_on_semver(true);
    encoder.module(&bytes).context("cannot make a component of the module")?;
    if found.needs_adapter {
        let adapter = if found.has_main { COMMAND } else { REACTOR };
        encoder.adapter(ADAPTER_NAME, adapter).context("cannot add the adapter for WASI")?;
    }
    let component = encoder.encode().context("cannot make a component of the module")?;
    crate::write(out, &component)
}
