//! Wasmtime's C API and loop's extension to it, as one static library.
//!
//! The extension holds only what the C API cannot reach: driving a guest as a
//! future that can be stopped (`drive`), calls with raw values in both directions
//! (`raw`, `export`, `handles`), the hooks of WASI (`wasi`), its HTTP client (`http`) and what
//! C makes of wasi:io (`io`), what a component imports and exports as WIT text (`describe`),
//! WIT for the generator (`wit`), and errors
//! with their backtraces (`report`). `ext.h` declares it for C; the two change
//! together.
//!
//! Rules for every function here: arguments that come from C are trusted to be
//! what `ext.h` says; a panic never crosses into C (`guard`); nothing is kept
//! beyond the call unless `ext.h` says so.

pub use wasmtime_c_api::*;

mod describe;
mod drive;
mod export;
mod handles;
mod http;
mod io;
mod raw;
mod report;
mod wasi;
mod wit;

use std::any::Any;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use wasmtime::component::{Component, Linker, LinkerInstance};
use wasmtime::{Error, Store};

type CError = Option<Box<wasmtime_error_t>>;

/// Runs `f`; a panic becomes an error, since unwinding into C is undefined.
#[inline(always)]
fn guard<T>(f: impl FnOnce() -> wasmtime::Result<T>) -> wasmtime::Result<T> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|panic| Err(panicked(panic)))
}

#[cold]
fn panicked(panic: Box<dyn Any + Send>) -> Error {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    Error::msg(format!("the engine panicked: {text}"))
}

fn c_error(r: wasmtime::Result<()>) -> CError {
    r.err().map(|e| Box::new(wasmtime_error_t::from(e)))
}

/// A view of `len` bytes of C memory.
///
/// # Safety
/// `ptr` is valid for `len` bytes while `'a` lives, or `len` is 0.
unsafe fn bytes<'a>(ptr: *const u8, len: usize) -> &'a [u8] {
    if len == 0 { &[] } else { unsafe { std::slice::from_raw_parts(ptr, len) } }
}

// The C API's handles are transparent around Wasmtime's own types. Each cast
// below is sound only while these hold; a new Wasmtime that breaks one does not
// compile.
const _: () = {
    assert!(size_of::<wasmtime_component_linker_t>() == size_of::<Linker<WasmtimeStoreData>>());
    assert!(
        size_of::<wasmtime_component_linker_instance_t<'static>>()
            == size_of::<LinkerInstance<'static, WasmtimeStoreData>>()
    );
    assert!(size_of::<wasmtime_component_t>() == size_of::<Component>());
    assert!(size_of::<wasmtime_store_t>() == size_of::<Store<WasmtimeStoreData>>());
    assert!(size_of::<wasi_config_t>() == size_of::<wasmtime_wasi::WasiCtxBuilder>());
    assert!(size_of::<*mut c_void>() == 8);
};

/// `#[repr(transparent)]` in the C API.
fn linker(l: &mut wasmtime_component_linker_t) -> &mut Linker<WasmtimeStoreData> {
    // SAFETY: transparent over its only field, sizes asserted above.
    unsafe { &mut *(l as *mut _ as *mut Linker<WasmtimeStoreData>) }
}

/// `#[repr(transparent)]` in the C API.
fn component(c: &wasmtime_component_t) -> &Component {
    // SAFETY: as above.
    unsafe { &*(c as *const _ as *const Component) }
}
