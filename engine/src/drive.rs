//! Driving a guest: every call into a guest is a future on a one-thread runtime
//! of its instance, raced against a stop signal and a deadline.
//!
//! A guest that computes yields at every tick of the epoch; a guest that waits
//! (poll, a read, a connect, an HTTP answer) is pending already. Either way the
//! race is looked at again, so both end at once. Dropping the future unwinds the
//! guest's fiber; its store is not entered again.

use crate::{CError, component, guard, linker};
use crate::export::Current;
use crate::handles::Held;
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use wasmtime::component::{Func, Instance, Val};
use wasmtime::{Error, ResourceLimiter, Result, Store, UpdateDeadline, WasmBacktrace, bail};
use wasmtime_c_api::*;
use wasmtime_wasi::WasiView;

/// What other threads may tell a running guest.
pub struct Signals {
    stop: AtomicU32,
    stopped: Notify,
    asked: AtomicU32,
    ask: Notify,
}

impl Signals {
    /// Ready once cancellation was asked for.
    pub async fn asked(&self) {
        while self.asked.load(Ordering::Acquire) == 0 {
            let waiting = self.ask.notified();
            if self.asked.load(Ordering::Acquire) == 0 {
                waiting.await;
            }
        }
    }
}

pub struct Driver {
    runtime: Option<Runtime>,
    signals: Arc<Signals>,
    hooks: *const crate::wasi::Hooks,
    /// Resources of the guest that C holds; how many resource types C numbered.
    pub held: RefCell<Held>,
    files: RefCell<Files>,
    resources: Cell<u32>,
    /// The call of an export in flight: what the lift of its result has to know.
    pub calling: Cell<Option<Current>>,
    /// Of the call that runs without a fiber: whether there is one, its end, how it was ended.
    alone: Cell<bool>,
    late: Cell<Option<Instant>>,
    ended: Cell<u32>,
}

thread_local! {
    static CURRENT: Cell<*const Driver> = const { Cell::new(std::ptr::null()) };
}

thread_local! {
    static EMPTY: Cell<Option<WasmBacktrace>> = const { Cell::new(None) };
}

/// Taken once a thread, before a guest is entered, when there are no frames; an exit uses it up.
fn keep_empty_backtrace(cx: &WasmtimeStoreContextMut<'_>) {
    let kept = EMPTY.take().unwrap_or_else(|| WasmBacktrace::force_capture(cx));
    EMPTY.set(Some(kept));
}

pub fn empty_backtrace() -> Option<WasmBacktrace> {
    EMPTY.take()
}

/// The signals of the guest that runs on this thread.
pub fn current_signals() -> Option<Arc<Signals>> {
    let d = CURRENT.get();
    // SAFETY: set only by `Driver::enter`, for as long as the driver is borrowed there.
    (!d.is_null()).then(|| unsafe { (*d).signals.clone() })
}

/// The hooks of the guest that runs on this thread.
pub fn current_hooks() -> Option<&'static crate::wasi::Hooks> {
    let d = CURRENT.get();
    // SAFETY: as above; `ext.h` asks C to keep the hooks as long as the driver.
    if d.is_null() { None } else { unsafe { (*d).hooks.as_ref() } }
}

/// What C holds of the guest that runs on this thread.
pub fn current_held() -> Option<&'static RefCell<Held>> {
    let d = CURRENT.get();
    // SAFETY: as above; used within the call that set it.
    if d.is_null() { None } else { Some(unsafe { &(*d).held }) }
}

/// How many resource types C numbered for the guest that runs on this thread.
pub fn current_resources() -> u32 {
    let d = CURRENT.get();
    // SAFETY: as above.
    if d.is_null() { 0 } else { unsafe { (*d).resources.get() } }
}

/// The call of an export in flight on this thread.
pub fn current_call() -> Option<Current> {
    let d = CURRENT.get();
    // SAFETY: as above.
    if d.is_null() { None } else { unsafe { (*d).calling.get() } }
}

/// How a race ended; the values of `lpx_outcome` in `ext.h`.
const DONE: u32 = 0;
const FAILED: u32 = 1;
const STOPPED: u32 = 2;
const DEADLINE: u32 = 3;

/// Puts back who ran on this thread before.
struct Reset(*const Cell<*const Driver>, *const Driver);
impl Drop for Reset {
    fn drop(&mut self) {
        // SAFETY: `CURRENT` of this thread, on whose stack this lies.
        unsafe { (*self.0).set(self.1) }
    }
}

impl Driver {
    /// Until it is dropped, this is the driver of the guest that runs on this thread.
    #[inline]
    fn enter(&self) -> Reset {
        // Kept, since to find it is a call.
        CURRENT.with(|current| Reset(current, current.replace(self)))
    }

    /// Runs `work` on this stack, without a fiber: for a guest that imports nothing that
    /// waits. A tick of the epoch looks whether it is stopped or late (`on_tick`).
    #[inline]
    pub fn run(&self, timeout_ms: u64, err: &mut CError, work: impl FnOnce() -> Result<()>) -> u32 {
        if self.signals.stop.load(Ordering::Acquire) != 0 {
            return STOPPED;
        }
        let _reset = self.enter();
        self.late.set((timeout_ms != 0).then(|| Instant::now() + Duration::from_millis(timeout_ms)));
        self.ended.set(FAILED);
        self.alone.set(true);
        let result = guard(work);
        self.alone.set(false);
        match result {
            Ok(()) => DONE,
            Err(e) => self.failed(e, err),
        }
    }

    #[cold]
    fn failed(&self, e: Error, err: &mut CError) -> u32 {
        if self.ended.get() == FAILED {
            *err = Some(Box::new(e.into()));
        }
        self.ended.get()
    }

    /// What a guest does when the epoch moves.
    fn on_tick(&self) -> Result<UpdateDeadline> {
        if !self.alone.get() {
            return Ok(UpdateDeadline::Yield(1));
        }
        if self.signals.stop.load(Ordering::Acquire) != 0 {
            self.ended.set(STOPPED);
            bail!("stopped");
        }
        if self.late.get().is_some_and(|late| Instant::now() >= late) {
            self.ended.set(DEADLINE);
            bail!("late");
        }
        Ok(UpdateDeadline::Continue(1))
    }

    /// Runs `work` until it is done, stopped, or `timeout_ms` (0: none) passed.
    pub fn race<T>(
        &self,
        timeout_ms: u64,
        err: &mut CError,
        work: impl Future<Output = Result<T>>,
    ) -> (u32, Option<T>) {
        let runtime = self.runtime.as_ref().expect("present until dropped");
        let _reset = self.enter();
        let result = guard(|| {
            if tokio::runtime::Handle::try_current().is_ok() {
                bail!("another component that may wait runs on this thread");
            }
            runtime.block_on(async {
                let mut work = pin!(work);
                let mut stop = pin!(self.signals.stopped.notified());
                let mut late = pin!(async {
                    match timeout_ms {
                        0 => std::future::pending::<()>().await,
                        ms => tokio::time::sleep(Duration::from_millis(ms)).await,
                    }
                });
                poll_fn(|cx| {
                    let stopped = stop.as_mut().poll(cx).is_ready();
                    if stopped || self.signals.stop.load(Ordering::Acquire) != 0 {
                        return Poll::Ready(Ok((STOPPED, None)));
                    }
                    if late.as_mut().poll(cx).is_ready() {
                        return Poll::Ready(Ok((DEADLINE, None)));
                    }
                    work.as_mut().poll(cx).map(|r| r.map(|v| (DONE, Some(v))))
                })
                .await
            })
        });
        result.unwrap_or_else(|e| {
            *err = Some(Box::new(e.into()));
            (FAILED, None)
        })
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // A read that blocks in the pool (a FIFO, a silent terminal) must not hold the host up.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn lpx_driver_new(hooks: *const crate::wasi::Hooks) -> Option<Box<Driver>> {
    let runtime = Builder::new_current_thread().enable_time().enable_io().build().ok()?;
    Some(Box::new(Driver {
        runtime: Some(runtime),
        signals: Arc::new(Signals {
            stop: AtomicU32::new(0),
            stopped: Notify::new(),
            asked: AtomicU32::new(0),
            ask: Notify::new(),
        }),
        hooks,
        held: RefCell::default(),
        files: RefCell::default(),
        resources: Cell::new(0),
        calling: Cell::new(None),
        alone: Cell::new(false),
        late: Cell::new(None),
        ended: Cell::new(FAILED),
    }))
}

#[unsafe(no_mangle)]
pub extern "C" fn lpx_driver_delete(_: Option<Box<Driver>>) {}

#[unsafe(no_mangle)]
pub extern "C" fn lpx_driver_stop(d: &Driver) {
    d.signals.stop.store(1, Ordering::Release);
    d.signals.stopped.notify_one();
}

#[unsafe(no_mangle)]
pub extern "C" fn lpx_driver_ask(d: &Driver) {
    d.signals.asked.store(1, Ordering::Release);
    d.signals.ask.notify_waiters();
}

/// Waits `ms` milliseconds, or less when asked to cancel or stop: the timer of an application.
#[unsafe(no_mangle)]
pub extern "C" fn lpx_driver_sleep(d: &Driver, ms: u64) -> u32 {
    let asked_before = d.signals.asked.load(Ordering::Acquire) != 0;
    let sleep = async {
        let mut asked = pin!(d.signals.asked());
        let mut timer = pin!(async {
            match ms {
                u64::MAX => std::future::pending::<()>().await,
                ms => tokio::time::sleep(Duration::from_millis(ms)).await,
            }
        });
        poll_fn(|cx| {
            let woken = !asked_before && asked.as_mut().poll(cx).is_ready();
            if woken || timer.as_mut().poll(cx).is_ready() { Poll::Ready(Ok(())) } else { Poll::Pending }
        })
        .await
    };
    d.race(0, &mut None, sleep).0
}

/// Deletes a store with the driver's runtime around it: dropping a stream may end its task.
#[unsafe(no_mangle)]
pub extern "C" fn lpx_store_delete(d: &Driver, store: Option<Box<wasmtime_store_t>>) {
    let _ = guard(|| {
        let _entered = d.runtime.as_ref().map(|r| r.enter());
        drop(store);
        Ok(())
    });
}

#[unsafe(no_mangle)]
pub extern "C" fn lpx_instantiate(
    d: &Driver,
    l: &mut wasmtime_component_linker_t,
    mut cx: WasmtimeStoreContextMut<'_>,
    c: &wasmtime_component_t,
    timeout_ms: u64,
    out: &mut Instance,
    err: &mut CError,
) -> u32 {
    keep_empty_backtrace(&cx);
    let (outcome, instance) =
        d.race(timeout_ms, err, linker(l).instantiate_async(&mut cx, component(c)));
    if let Some(i) = instance {
        *out = i;
    }
    outcome
}

/// Calls `wasi:cli/run.run`, or any function of that type.
#[unsafe(no_mangle)]
pub extern "C" fn lpx_call_run(
    d: &Driver,
    mut cx: WasmtimeStoreContextMut<'_>,
    f: &Func,
    timeout_ms: u64,
    ok: &mut bool,
    err: &mut CError,
) -> u32 {
    keep_empty_backtrace(&cx);
    let call = async {
        let typed = f.typed::<(), (std::result::Result<(), ()>,)>(&cx)?;
        Ok(typed.call_async(&mut cx, ()).await?.0.is_ok())
    };
    let (outcome, result) = d.race(timeout_ms, err, call);
    *ok = result.unwrap_or(false);
    outcome
}

/// Calls a function with arguments written in WAVE; gives the results as WAVE.
/// `text` is what stands between the parentheses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lpx_call_wave(
    d: &Driver,
    mut cx: WasmtimeStoreContextMut<'_>,
    f: &Func,
    text: *const u8,
    len: usize,
    timeout_ms: u64,
    out: &mut wasm_byte_vec_t,
    bad_text: &mut bool,
    err: &mut CError,
) -> u32 {
    *bad_text = false;
    // SAFETY: `ext.h` asks for `len` readable bytes.
    let text = String::from_utf8_lossy(unsafe { crate::bytes(text, len) });
    keep_empty_backtrace(&cx);
    let call = async {
        let ty = f.ty(&cx);
        let types: Vec<_> = ty.params().map(|(_, t)| t).collect();
        let source = format!("call({text})");
        let args: Result<Vec<Val>> = (|| {
            let call = wasmtime::component::wasm_wave::untyped::UntypedFuncCall::parse(&source)
                .map_err(|e| Error::msg(e.to_string()))?;
            call.to_wasm_params::<Val>(&types).map_err(|e| Error::msg(e.to_string()))
        })();
        let args = args.inspect_err(|_| *bad_text = true)?;
        let mut results = vec![Val::Bool(false); ty.results().len()];
        f.call_async(&mut cx, &args, &mut results).await?;
        let shown: Result<Vec<String>> = results.iter().map(Val::to_wave).collect();
        Ok(shown?.join(", "))
    };
    let (outcome, shown) = d.race(timeout_ms, err, call);
    if let Some(s) = shown {
        *out = s.into_bytes().into();
    }
    outcome
}

/// The limits of one store: over all its memories and tables together, how many there may be of
/// what, and what of them was refused. C owns and reads it; it outlives the store.
#[repr(C)]
pub struct Limits {
    memory_max: u64,
    memory_used: u64,
    table_max: u64,
    table_used: u64,
    instances: u64,
    memories: u64,
    handles: u64,
    files: u64,
    host_bytes: u64,
    memory_refused: bool,
    table_refused: bool,
}

/// The address of a `Limits` that C keeps.
struct Shared(*mut Limits);
// SAFETY: a store and its limits are used by one thread at a time.
unsafe impl Send for Shared {}
unsafe impl Sync for Shared {}

/// Counts growth; what cannot grow so far anyway (`most`) is left to fail by itself.
fn grow(used: &mut u64, max: u64, from: usize, to: usize, most: Option<usize>) -> bool {
    if most.is_some_and(|most| to > most) {
        return true;
    }
    let total = used.saturating_add((to as u64).saturating_sub(from as u64));
    let fits = total <= max;
    if fits {
        *used = total;
    }
    fits
}

impl ResourceLimiter for Limits {
    fn memory_growing(&mut self, from: usize, to: usize, most: Option<usize>) -> Result<bool> {
        let fits = grow(&mut self.memory_used, self.memory_max, from, to, most);
        self.memory_refused |= !fits;
        Ok(fits)
    }

    fn table_growing(&mut self, from: usize, to: usize, most: Option<usize>) -> Result<bool> {
        let fits = grow(&mut self.table_used, self.table_max, from, to, most);
        self.table_refused |= !fits;
        Ok(fits)
    }

    fn instances(&self) -> usize {
        self.instances as usize
    }

    fn memories(&self) -> usize {
        self.memories as usize
    }
}

/// What a guest has open of the system's: files by what keeps them open, since a stream outlives
/// its descriptor.
#[derive(Default)]
pub struct Files {
    max: usize,
    /// As many as there can be: some may have been closed since they were counted.
    bound: usize,
    live: Vec<Weak<std::fs::File>>,
}

impl Files {
    /// Whether the guest may open one more; it is counted then. `others`: how many of its resources
    /// keep something open but files.
    pub fn may_open(&mut self, others: impl FnOnce() -> usize) -> bool {
        if self.bound >= self.max {
            self.live.retain(|file| file.strong_count() > 0);
            self.bound = self.live.len() + others();
        }
        let fits = self.bound < self.max;
        self.bound += usize::from(fits);
        fits
    }

    /// What came of it.
    pub fn opened(&mut self, file: &Arc<std::fs::File>) {
        self.live.push(Arc::downgrade(file));
    }
}

/// What the guest that runs on this thread has open.
pub fn current_files() -> Option<&'static RefCell<Files>> {
    let d = CURRENT.get();
    // SAFETY: as above; used within the call that set it.
    if d.is_null() { None } else { Some(unsafe { &(*d).files }) }
}

/// The address of a `Driver` that C keeps.
struct Driving(*const Driver);
// SAFETY: a store and its driver are used by one thread at a time.
unsafe impl Send for Driving {}
unsafe impl Sync for Driving {}

/// Lets the store's guest look up at every tick of the epoch.
#[unsafe(no_mangle)]
pub extern "C" fn lpx_store_drive(d: *const Driver, store: &mut wasmtime_store_t) {
    let driving = Driving(d);
    // SAFETY: repr(C) with one field, size asserted in lib.rs.
    let store = unsafe { &mut *(store as *mut _ as *mut Store<WasmtimeStoreData>) };
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |_| {
        let driving = &driving;
        // SAFETY: `ext.h` asks C to keep the driver as long as the store.
        unsafe { &*driving.0 }.on_tick()
    });
}

/// How many resource types C defined in the guest's linker: their numbers are below.
#[unsafe(no_mangle)]
pub extern "C" fn lpx_driver_resources(d: &Driver, count: u32) {
    d.resources.set(count);
}

/// After `wasmtime_context_set_wasi`: its resources count as handles, too.
#[unsafe(no_mangle)]
pub extern "C" fn lpx_store_limit(d: &Driver, store: &mut wasmtime_store_t, limits: *mut Limits) {
    let shared = Shared(limits);
    // SAFETY: repr(C) with one field, size asserted in lib.rs.
    let store = unsafe { &mut *(store as *mut _ as *mut Store<WasmtimeStoreData>) };
    // SAFETY: `ext.h` asks C to keep the limits as long as the store.
    let now = unsafe { &*limits };
    store.set_max_component_handles(now.handles as usize);
    store.set_hostcall_fuel(now.host_bytes as usize);
    store.data_mut().ctx().table.set_max_capacity(now.handles as usize);
    d.files.borrow_mut().max = now.files as usize;
    store.limiter(move |_| {
        let shared = &shared;
        // SAFETY: `ext.h` asks C to keep the limits as long as the store.
        unsafe { &mut *shared.0 }
    });
}
