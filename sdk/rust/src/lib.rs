//! loop's interfaces for components in Rust, beside std.
//!
//! Compile for `wasm32-wasip2`: `main`, `println!`, `std::fs` and `std::env`
//! work as anywhere. This crate adds what std has no word for:
//!
//! - [`logging`], [`cancellation`], [`capabilities`]: loop:core
//! - [`storage`]: keys and values that last, loop:storage/store
//! - [`processes`]: programs of the machine, for components of the class trusted, loop:process
//! - [`http`], [`outgoing_handler`], [`streams`], [`poll`]: outgoing HTTP
//! - [`rt`]: the runtime of a component's own bindings, as `loop build` writes them
//!
//! The bindings are generated from WIT and checked in (`src/gen`, see
//! tools/check_guest_bindings.sh).

#[allow(clippy::all, dead_code)]
#[rustfmt::skip]
#[path = "gen/bindings.rs"]
mod bindings;
pub mod rt;

pub use bindings::loop_::core::{cancellation, capabilities, logging};
pub use bindings::loop_::process::processes;
pub use bindings::loop_::storage::store as storage;
pub use bindings::wasi::clocks::monotonic_clock;
pub use bindings::wasi::http::{outgoing_handler, types as http};
pub use bindings::wasi::io::{poll, streams};

/// One log entry with fields: `log!(Info, "hello", "greeted", name: text, count: 3i64)`.
#[macro_export]
macro_rules! log {
    ($level:ident, $target:expr, $message:expr $(, $name:ident : $value:expr)* $(,)?) => {
        $crate::logging::log(
            $crate::logging::Level::$level,
            $target,
            $message,
            &[$($crate::logging::Field {
                name: stringify!($name).into(),
                value: $value.into(),
            }),*],
        )
    };
}

macro_rules! field_values {
    ($($type:ty => $case:ident),*) => {$(
        impl From<$type> for logging::FieldValue {
            fn from(value: $type) -> Self {
                Self::$case(value.into())
            }
        }
    )*};
}
field_values!(&str => Text, String => Text, i64 => Integer, i32 => Integer, u32 => Integer,
    f64 => Float, bool => Boolean);
