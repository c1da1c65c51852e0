//! The runtime of bindings that wit-bindgen writes for Rust.
//!
//! `loop build` writes a project's own bindings with `loop_sdk::rt` as their runtime, and with the
//! version of wit-bindgen that this crate depends on: generated code and runtime belong together to
//! the letter, and a project need not know which version that is.

pub use wit_bindgen::rt::*;
