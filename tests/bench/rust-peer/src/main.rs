//! The Rust peer of `make bench`: calls as Wasmtime's own embedders write them,
//! with the types and the linking that `bindgen!` generates.
//!
//! `rust-peer COMPONENT` is a peer as tests/bench/peer.h says: a command a line
//! on stdin, `ROW N`, each answered with the nanoseconds a call. A wrong answer
//! of the guest or of the host ends it with status 1.

use std::io::{BufRead, Write};
use std::time::Instant;
use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Config, Engine, Error, Result, Store, WasmBacktraceDetails};

wasmtime::component::bindgen!({ path: "../wit" });
use bench::calls::host::{self, Row};

// The sum of all rows, and the text of string64; peer.h has the same.
const ROWS_SUM: u32 = 3_051_638_510;
const TEXT: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+/";

/// The host's side.
#[derive(Default)]
struct State {
    text: u32, // what `text` has got: bytes, plus the last one, over all calls
}

impl host::Host for State {
    fn add(&mut self, a: u32, b: u32) -> u32 {
        a.wrapping_add(b)
    }

    fn text(&mut self, s: String) {
        self.text = self.text.wrapping_add(size_and_last(s.as_bytes()));
    }

    fn bytes(&mut self, b: Vec<u8>) -> u32 {
        size_and_last(&b)
    }

    fn rows(&mut self, r: Vec<Row>) -> u32 {
        r.iter().fold(0, |sum: u32, row| {
            sum.wrapping_add(row.x)
                .wrapping_add(row.y as u32)
                .wrapping_add(size_and_last(row.name.as_bytes()))
        })
    }
}

fn size_and_last(b: &[u8]) -> u32 {
    b.len() as u32 + b.last().map_or(0, |&last| last.into())
}

struct Peer {
    store: Store<State>,
    bench: Bench,
}

impl Peer {
    /// With the engine's own settings (engine/engine.c): the guest's code is compiled alike.
    fn open(path: &str) -> Result<Peer> {
        let mut config = Config::new();
        config.wasm_component_model(true);
        config.epoch_interruption(true);
        config.max_wasm_stack(1 << 20);
        config.memory_may_move(false);
        config.async_stack_size(3 << 20);
        config.wasm_backtrace_details(WasmBacktraceDetails::Enable);
        let engine = Engine::new(&config)?;
        let component = Component::from_file(&engine, path)?;
        let mut linker = Linker::new(&engine);
        Bench::add_to_linker::<_, HasSelf<_>>(&mut linker, |state: &mut State| state)?;
        let mut store = Store::new(&engine, State::default());
        store.set_epoch_deadline(u64::MAX / 2);
        let bench = Bench::instantiate(&mut store, &component, &linker)?;
        Ok(Peer { store, bench })
    }

    fn run(&mut self, row: &str, n: u32) -> Result<()> {
        let Peer { store, bench } = self;
        let guest = bench.bench_calls_guest();
        match row {
            "scalar" => check(guest.call_run_scalar(store, n)?, numbers(n).wrapping_add(n)),
            "string64" => {
                store.data_mut().text = 0;
                check(guest.call_run_text(&mut *store, n, TEXT.len() as u32)?, n)?;
                check(
                    store.data().text,
                    n.wrapping_mul(size_and_last(TEXT.as_bytes())),
                )
            }
            "bytes64k" => check(
                guest.call_run_bytes(store, n, 1 << 16)?,
                all_bytes(n, 1 << 16),
            ),
            "bytes1m" => check(
                guest.call_run_bytes(store, n, 1 << 20)?,
                all_bytes(n, 1 << 20),
            ),
            "records1k" => check(
                guest.call_run_rows(store, n, 1000)?,
                n.wrapping_mul(ROWS_SUM),
            ),
            "guest-scalar" => (0..n)
                .try_for_each(|i| check(guest.call_add(&mut *store, i, 1)?, i.wrapping_add(1))),
            "guest-string64" => (0..n)
                .try_for_each(|_| check(guest.call_length(&mut *store, TEXT)?, TEXT.len() as u32)),
            _ => Err(Error::msg(format!("there is no row '{row}'"))),
        }
    }
}

/// 0 + 1 + ... + (n - 1), wrapping.
fn numbers(n: u32) -> u32 {
    (u64::from(n) * u64::from(n.saturating_sub(1)) / 2) as u32
}

/// What n calls of `bytes` answer: byte i of the guest's is i modulo 251.
fn all_bytes(n: u32, len: u32) -> u32 {
    n.wrapping_mul(len + (len - 1) % 251)
}

fn check(found: u32, wanted: u32) -> Result<()> {
    if found == wanted {
        return Ok(());
    }
    Err(Error::msg(format!("the answer is {found}, not {wanted}")))
}

fn main() -> Result<()> {
    let path = std::env::args()
        .nth(1)
        .ok_or_else(|| Error::msg("usage: rust-peer COMPONENT"))?;
    let mut peer = Peer::open(&path)?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let (row, n) = line
            .split_once(' ')
            .ok_or_else(|| Error::msg("a command is: ROW N"))?;
        let n: u32 = n.parse()?;
        let start = Instant::now();
        peer.run(row, n)
            .map_err(|e| e.context(format!("while measuring {row}")))?;
        println!("{:.1}", start.elapsed().as_nanos() as f64 / f64::from(n));
        std::io::stdout().flush()?;
    }
    Ok(())
}
