//! Errors as C can print them: the trap, the message, the frames of the guest.

use std::ffi::c_void;
use wasmtime::component::ResourceTableError;
use wasmtime::{Error, Trap, WasmBacktrace};
use wasmtime_c_api::*;

/// A borrowed text for C; the pointer is valid during the callback only.
#[repr(C)]
pub struct Text {
    ptr: *const u8,
    len: usize,
}

impl Text {
    pub fn of(s: &str) -> Text {
        Text { ptr: s.as_ptr(), len: s.len() }
    }

    /// # Safety
    /// C keeps the bytes, which are UTF-8, for as long as the result is used.
    pub unsafe fn str<'a>(&self) -> &'a str {
        // SAFETY: the caller's promise; what is not UTF-8 is an empty text.
        std::str::from_utf8(unsafe { crate::bytes(self.ptr, self.len) }).unwrap_or("")
    }
}

/// One frame; `line` is 0 where it is not known.
#[repr(C)]
pub struct Frame {
    function: Text,
    file: Text,
    line: u32,
    column: u32,
    offset: u64,
}

type FrameFn = extern "C" fn(*mut c_void, *const Frame);

fn inner(e: &wasmtime_error_t) -> &Error {
    const { assert!(size_of::<wasmtime_error_t>() == size_of::<Error>()) };
    // SAFETY: repr(C) with one field, size asserted.
    unsafe { &*(e as *const _ as *const Error) }
}

/// Gives each frame of the guest's backtrace, innermost first, inlined ones too.
#[unsafe(no_mangle)]
pub extern "C" fn lpx_error_frames(e: &wasmtime_error_t, f: FrameFn, data: *mut c_void) {
    let Some(trace) = inner(e).downcast_ref::<WasmBacktrace>() else { return };
    for frame in trace.frames() {
        let offset = frame.module_offset().unwrap_or(0) as u64;
        let name = frame.func_name().map_or_else(
            || format!("<function {}>", frame.func_index()),
            |n| rustc_demangle::demangle(n).to_string(),
        );
        if frame.symbols().is_empty() {
            f(data, &Frame { function: Text::of(&name), file: Text::of(""), line: 0, column: 0, offset });
        }
        for symbol in frame.symbols() {
            let name = symbol.name().map_or_else(|| name.clone(), |n| rustc_demangle::demangle(n).to_string());
            f(
                data,
                &Frame {
                    function: Text::of(&name),
                    file: Text::of(symbol.file().unwrap_or("")),
                    line: symbol.line().unwrap_or(0),
                    column: symbol.column().unwrap_or(0),
                    offset,
                },
            );
        }
    }
}

/// The trap's code as `wasmtime_trap_code_enum`, or -1 where it is no trap.
#[unsafe(no_mangle)]
pub extern "C" fn lpx_error_trap(e: &wasmtime_error_t) -> i32 {
    inner(e).downcast_ref::<Trap>().map_or(-1, |t| *t as i32)
}

/// Which limit of a store an error tells of: LPX_LIMIT_* in `ext.h`. Wasmtime has a type for one
/// of them and texts for the others.
#[unsafe(no_mangle)]
pub extern "C" fn lpx_error_limit(e: &wasmtime_error_t) -> u32 {
    const TEXTS: [(&str, u32); 5] = [
        ("resource limit exceeded: instance count", 1),
        ("resource limit exceeded: memory count", 2),
        ("resource limit exceeded: table count", 3),
        ("cannot allocate another handle: store handle limit exceeded", 4),
        ("too much data is being copied between the host and the guest", 5),
    ];
    let e = inner(e);
    if let Some(ResourceTableError::Full) = e.downcast_ref::<ResourceTableError>() {
        return 4;
    }
    let root = e.root_cause().to_string();
    TEXTS.iter().find(|(text, _)| root.starts_with(text)).map_or(0, |(_, limit)| *limit)
}

/// The innermost message, without backtraces.
#[unsafe(no_mangle)]
pub extern "C" fn lpx_error_root(e: &wasmtime_error_t, out: &mut wasm_byte_vec_t) {
    *out = inner(e).root_cause().to_string().into_bytes().into();
}

/// The messages outside in, one a line, without backtraces.
#[unsafe(no_mangle)]
pub extern "C" fn lpx_error_chain(e: &wasmtime_error_t, out: &mut wasm_byte_vec_t) {
    let lines: Vec<String> = inner(e)
        .chain()
        .map(|c| c.to_string())
        .filter(|s| !s.starts_with("error while executing at wasm backtrace"))
        .collect();
    *out = lines.join("\n").into_bytes().into();
}

/// Backtraces with files and lines, where the component has them: the C API has no setter.
#[unsafe(no_mangle)]
pub extern "C" fn lpx_config_details(config: &mut wasm_config_t) {
    const { assert!(size_of::<wasm_config_t>() == size_of::<wasmtime::Config>()) };
    // SAFETY: one field, size asserted.
    let config = unsafe { &mut *(config as *mut _ as *mut wasmtime::Config) };
    config.wasm_backtrace_details(wasmtime::WasmBacktraceDetails::Enable);
    // A caught panic becomes an error with its message (`guard`); Rust's own report, with the paths of
    // whoever built this, is for nobody.
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| std::panic::set_hook(Box::new(|_| {})));
}
