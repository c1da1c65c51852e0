//! Streams and pollables of wasi:io that C makes: of a pipe, and of a descriptor that
//! becomes readable. They are the engine's from then on, as if WASI had made them.
//!
//! What is read and written goes on only while the guest is inside a call, by tasks of its
//! instance's runtime: a guest that waits does so in wasi:io, never in C. Dropping a stream
//! closes its descriptor at once.

use crate::wasi::instance_and_name;
use crate::{CError, c_error, guard};
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::unix::pipe::{Receiver, Sender};
use wasmtime::component::{Resource, ResourceType};
use wasmtime::{Result, bail};
use wasmtime_c_api::*;
use wasmtime_wasi::WasiView;
use wasmtime_wasi::p2::pipe::{AsyncReadStream, AsyncWriteStream};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable, Pollable, subscribe};

/// `LPX_IO_...` in ext.h.
const POLLABLE: u32 = 1;
const INPUT: u32 = 2;
const OUTPUT: u32 = 3;

/// Bytes that a guest may write before the pipe takes them.
const WRITE_BUDGET: usize = 64 << 10;

/// Ready once there is something to read, or an end, and from then on.
struct Readable(AsyncFd<OwnedFd>);

#[wasmtime_wasi::async_trait]
impl Pollable for Readable {
    async fn ready(&mut self) {
        if let Ok(mut ready) = self.0.readable().await {
            ready.retain_ready();
        }
    }
}

/// A resource of type `ty` over a copy of `descriptor`: its number in the store's table.
pub fn make(data: &mut WasmtimeStoreData, ty: ResourceType, descriptor: u32) -> Result<u32> {
    if tokio::runtime::Handle::try_current().is_err() {
        bail!("a stream outside of a call that may wait");
    }
    // SAFETY: C keeps it open during this call (`lp_target_handle`).
    let fd = unsafe { BorrowedFd::borrow_raw(RawFd::try_from(descriptor)?) }.try_clone_to_owned()?;
    let table = data.ctx().table;
    if ty == ResourceType::host::<DynInputStream>() {
        let stream: DynInputStream = Box::new(AsyncReadStream::new(Receiver::from_owned_fd(fd)?));
        return Ok(table.push(stream)?.rep());
    }
    if ty == ResourceType::host::<DynOutputStream>() {
        let stream: DynOutputStream = Box::new(AsyncWriteStream::new(WRITE_BUDGET, Sender::from_owned_fd(fd)?));
        return Ok(table.push(stream)?.rep());
    }
    if ty == ResourceType::host::<DynPollable>() {
        let readable = table.push(Readable(AsyncFd::with_interest(fd, Interest::READABLE)?))?;
        return Ok(subscribe(table, readable)?.rep());
    }
    bail!("a resource that no descriptor becomes");
}

/// Adds a resource type of wasi:io under a name, for an interface that uses it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lpx_linker_add_io(
    l: *mut wasmtime_component_linker_instance_t<'_>,
    name: *const u8,
    len: usize,
    kind: u32,
) -> CError {
    c_error(guard(|| {
        // SAFETY: `ext.h` asks for what this needs.
        let (l, name) = unsafe { instance_and_name(l, name, len)? };
        match kind {
            POLLABLE => l.resource(name, ResourceType::host::<DynPollable>(), |mut cx, rep| {
                cx.data_mut().ctx().table.delete(Resource::<DynPollable>::new_own(rep))?;
                Ok(())
            }),
            INPUT => l.resource_async(name, ResourceType::host::<DynInputStream>(), |mut cx, rep| {
                Box::new(async move {
                    let stream = Resource::<DynInputStream>::new_own(rep);
                    cx.data_mut().ctx().table.delete(stream)?.cancel().await;
                    Ok(())
                })
            }),
            OUTPUT => l.resource_async(name, ResourceType::host::<DynOutputStream>(), |mut cx, rep| {
                Box::new(async move {
                    let stream = Resource::<DynOutputStream>::new_own(rep);
                    cx.data_mut().ctx().table.delete(stream)?.cancel().await;
                    Ok(())
                })
            }),
            _ => bail!("no resource of wasi:io has the number {kind}"),
        }
    }))
}
