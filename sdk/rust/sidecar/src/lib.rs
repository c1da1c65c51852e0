//! A provider for loop as a Rust program of its own, on std alone.
//!
//! ```no_run
//! use loop_sidecar::{Call, Interface, Own, Borrow, Resource, Sidecar};
//!
//! struct Cup { sides: u32 }
//! impl Resource for Cup { const NAME: &'static str = "acme:dice/roller.cup"; }
//!
//! fn new_cup(_: &Call, sides: u32) -> Result<Own<Cup>, String> {
//!     if sides == 0 { return Err("a die without sides".into()) } // of result<own<cup>, string>
//!     Ok(Own::new(Cup { sides }))
//! }
//!
//! let roller = Interface::new("acme:dice/roller@0.1.0")
//!     .resource::<Cup>()
//!     .function("new-cup", new_cup)
//!     .function("[method]cup.sides", |_: &Call, cup: Borrow<Cup>| cup.sides)
//!     .passes::<(u32,), u32>("shake"); // listed, not implemented: goes to the next of the chain
//! Sidecar::new("dice", "0.1.0").interface(roller).run();
//! ```
//!
//! Functions run on threads, as many at once as [`Sidecar::calls`] says. Their types are those of WIT:
//! see [`value`]. One that may fail in a way that no component can handle answers `Result<T, Fault>`,
//! or panics. What prints goes to stderr, whence it becomes entries of loop's log.
//!
//! What is handed over when another provider takes its place: [`State`], and of objects [`Interface::moves`].
//!
//! The page behind it is sidecar/PROTOCOL.md.

mod frames;
#[doc(hidden)]
pub mod macros;
mod memory;
mod provider;
mod serve;
mod state;
#[cfg(test)]
mod tests;
pub mod value;

pub use frames::{Caller, Field, Level, Pass, Why};
pub use memory::{Borrow, Own, Resource};
pub use provider::{Answer, Asked, Call, Fault, Handler, Host, Interface, Options, Sidecar, option};
pub use state::State;
pub use macros::kebab;
pub use value::{Malformed, Params, Reader, Value, Writer};
