//! Calls of a guest's exports with raw values; see `raw`.

use crate::drive::{self, Driver};
use crate::handles;
use crate::raw::{self, CallFn, Target, Types};
use crate::{CError, c_error, guard};
use int::{CanonicalAbiInfo, InstanceType, InterfaceType as It, LiftContext, LowerContext};
use std::cell::Cell;
use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ptr;
use wasmtime::component::{
    __internal as int, ComponentNamedList, ComponentType, Func, Lift, Lower, TypedFunc,
};
use wasmtime::{Result, ValRaw, bail};
use wasmtime_c_api::*;

/// `lpx_export` in ext.h: one export that C calls; C owns it.
pub struct Export {
    taken: TypedFunc<Args, Returned>,
    plain: TypedFunc<Args, Number>,
    types: Types,
    in_memory: bool,
    handles: bool,
    results: Option<u32>,
}

/// `lp_piece` in raw.h: bytes that lie in the guest's memory, and the flat value that says where.
#[repr(C)]
struct Piece {
    from: *const u8,
    size: u32,
    align: u32,
    slot: u32,
}

/// One call; on C's stack as `lp_calling` in raw.h.
#[repr(C)]
pub struct Calling {
    flat: *const ValRaw,
    count: usize,
    pieces: *const Piece,
    piece_count: usize,
    put: extern "C" fn(*mut c_void, &mut Target) -> *mut c_void,
    take: Option<CallFn>,
    data: *mut c_void,
    timeout_ms: u64,
    hooks: *const Hooks,
    guest: *mut c_void,
    error: Cell<CError>,
    result: Cell<u64>,
    // What follows is C's own.
}

/// `lp_calling_hooks` in raw.h.
#[repr(C)]
struct Hooks {
    fail: extern "C" fn(*mut c_void, *mut c_void) -> CError,
    refuse: extern "C" fn(&Calling, Box<wasmtime_error_t>, u32) -> CError,
}

impl Calling {
    fn outcome(&self, error: *mut c_void) -> Result<()> {
        if error.is_null() { Ok(()) } else { raw::c_result((self.hooks().fail)(self.guest, error)) }
    }

    fn hooks(&self) -> &Hooks {
        // SAFETY: C's own, which it sets before each call.
        unsafe { &*self.hooks }
    }

    #[cold]
    fn refused(&self, e: wasmtime::Error, size: u32) -> Result<()> {
        raw::c_result((self.hooks().refuse)(self, Box::new(e.into()), size))
    }

    /// Puts the pieces into the guest, one after the other; after `raw::takes_utf8`.
    fn place<T>(&self, cx: &mut LowerContext<'_, T>, flat: *mut ValRaw) -> Result<()> {
        // SAFETY: `raw.h` asks for so many pieces, of which there are some.
        for p in unsafe { std::slice::from_raw_parts(self.pieces, self.piece_count) } {
            if p.size == 0 {
                continue;
            }
            let offset = match cx.realloc(0, 0, p.align, p.size as usize) {
                Ok(offset) => offset,
                Err(e) => return self.refused(e, p.size),
            };
            let to = cx.as_slice_mut()[offset..][..p.size as usize].as_mut_ptr();
            // SAFETY: `to` is in bounds; `from` has as many bytes, maybe in the guest's memory, which
            // never moves. `slot` is one of the flat values, all of which have room.
            unsafe {
                ptr::copy(p.from, to, p.size as usize);
                flat.add(p.slot as usize).write(ValRaw::u64(offset as u64));
            }
        }
        Ok(())
    }
}

/// What the lift of a result, a static function, has to know.
#[derive(Clone, Copy)]
pub struct Current(*const Calling, *const Export);
struct Args(Current);
// SAFETY: used on this thread, within `lpx_export_call`, whose caller keeps both alive.
unsafe impl Send for Args {}
unsafe impl Sync for Args {}
// SAFETY: room for as many flat values as there can be; parameters that do not fit go to memory.
unsafe impl ComponentNamedList for Args {}
unsafe impl ComponentType for Args {
    type Lower = [ValRaw; 16];
    const ABI: CanonicalAbiInfo = CanonicalAbiInfo::ZERO;

    fn typecheck(ty: &It, t: &InstanceType<'_>) -> Result<()> {
        handles::of_type(t.types, ty, &mut Vec::new())
    }
}
impl Args {
    /// Lets C write the parameters.
    #[inline(never)]
    fn put<T>(&self, cx: &mut LowerContext<'_, T>, ty: It, dst: *mut ValRaw) -> Result<()> {
        // SAFETY: see `Args`.
        let (calling, export) = unsafe { (&*self.0.0, &*self.0.1) };
        let to = if export.in_memory {
            let abi = raw::tuple_abi(&ty, &cx.instance_type());
            let offset = raw::allocate(cx, abi.align32, abi.size32)?;
            // SAFETY: room for 16 values.
            unsafe { dst.write(ValRaw::i64(offset as i64)) };
            (ptr::null_mut(), offset)
        } else {
            (dst, 0)
        };
        let mut error = ptr::null_mut();
        raw::put(cx, &ty, &export.types, to, |target| {
            error = (calling.put)(calling.data, target);
            Ok(())
        })?;
        calling.outcome(error)
    }
}
// SAFETY: C writes every flat value of the type, or memory through checked offsets.
unsafe impl Lower for Args {
    #[inline]
    fn linear_lower_to_flat<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: It,
        dst: &mut MaybeUninit<[ValRaw; 16]>,
    ) -> Result<()> {
        let dst: *mut ValRaw = dst.as_mut_ptr().cast();
        // SAFETY: see `Args`.
        let calling = unsafe { &*self.0.0 };
        let pieces = calling.piece_count > 0;
        if calling.flat.is_null() || (pieces && !raw::takes_utf8(cx)) {
            return self.put(cx, ty, dst);
        }
        // SAFETY: `raw.h` asks for `count` values, at most 16; `dst` has room for 16.
        unsafe {
            // Without any, the place of a result that there may not be is written all the same.
            dst.write(ValRaw::u64(0));
            // One by one: a copy of the whole would wait for what C has just written.
            for i in 0..calling.count {
                dst.add(i).write(ValRaw::u64((*calling.flat.add(i)).get_u64()));
            }
        }
        if pieces { calling.place(cx, dst) } else { Ok(()) }
    }

    fn linear_lower_to_memory<T>(&self, _: &mut LowerContext<'_, T>, _: It, _: usize) -> Result<()> {
        bail!("parameters of a call have 16 flat values of room")
    }
}

struct Returned;
// SAFETY: a result has at most one flat value, or an offset in its place.
unsafe impl ComponentNamedList for Returned {}
unsafe impl ComponentType for Returned {
    type Lower = [ValRaw; 1];
    const ABI: CanonicalAbiInfo = CanonicalAbiInfo::ZERO;

    fn typecheck(ty: &It, t: &InstanceType<'_>) -> Result<()> {
        handles::of_type(t.types, ty, &mut Vec::new())
    }
}
// SAFETY: C reads within bounds that are checked here; it runs before post-return.
unsafe impl Lift for Returned {
    fn linear_lift_from_flat(cx: &mut LiftContext<'_>, ty: It, src: &[ValRaw; 1]) -> Result<Self> {
        let Some(current) = drive::current_call() else { bail!("a result outside of a call") };
        // SAFETY: set by `lpx_export_call`, which waits.
        let (calling, export) = unsafe { (&*current.0, &*current.1) };
        let Some(take) = calling.take else { bail!("a result that nobody takes") };
        let mut v = raw::values(cx)?;
        if export.results.is_some() {
            v.flat = src.as_ptr();
        } else {
            let abi = raw::tuple_abi(&ty, &cx.instance_type());
            raw::in_memory(&mut v, &abi, src[0].get_u32() as usize)?;
        }
        if export.handles {
            match v.flat.is_null() {
                true => handles::lift_memory(cx, &ty, v.offset)?,
                false => handles::lift_flat(cx, &ty, src)?,
            }
            (v.handles, v.handle_count) = handles::found();
        }
        calling.outcome(take(calling.data, &mut v))?;
        Ok(Returned)
    }

    fn linear_lift_from_memory(_: &mut LiftContext<'_>, _: It, _: &[u8]) -> Result<Self> {
        bail!("a result has one flat value of room")
    }
}

/// A result that C does not read: none, or one number, which needs no context.
struct Number(u64);
// SAFETY: as for `Returned`.
unsafe impl ComponentNamedList for Number {}
unsafe impl ComponentType for Number {
    type Lower = [ValRaw; 1];
    const ABI: CanonicalAbiInfo = CanonicalAbiInfo::ZERO;

    fn typecheck(ty: &It, t: &InstanceType<'_>) -> Result<()> {
        handles::of_type(t.types, ty, &mut Vec::new())
    }
}
// SAFETY: `src` holds the flat value, or what `Args` wrote there where there is none; C does
// not look then.
unsafe impl Lift for Number {
    fn linear_lift_from_flat(_: &mut LiftContext<'_>, _: It, src: &[ValRaw; 1]) -> Result<Self> {
        // In halves: the guest may have written four bytes of the eight a moment ago, and a
        // load of all eight would wait until they are in the cache.
        let halves: *const u32 = src.as_ptr().cast();
        // SAFETY: a `ValRaw` has 16 bytes; volatile, so that the two loads stay two.
        let (low, high) = unsafe { (halves.read_volatile(), halves.add(1).read_volatile()) };
        Ok(Number(u64::from(low) | u64::from(high) << 32))
    }

    fn linear_lift_from_memory(_: &mut LiftContext<'_>, _: It, _: &[u8]) -> Result<Self> {
        bail!("a result has one flat value of room")
    }
}

/// `lpx_shape` in ext.h: the sizes that Wasmtime has for a function; C compares its own.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Shape {
    flat_params: u32,
    params_size: u32,
    params_align: u32,
    flat_results: u32,
    results_size: u32,
    results_align: u32,
    handles: u32,
}

struct Measured;
thread_local! {
    static SHAPE: Cell<Shape> = const { Cell::new(Shape {
        flat_params: 0, params_size: 0, params_align: 0,
        flat_results: 0, results_size: 0, results_align: 0, handles: 0,
    }) };
}
/// A type whose check measures; FIRST: the parameters.
struct Measure<const FIRST: bool>(Measured);
// SAFETY: never lifted or lowered.
unsafe impl<const FIRST: bool> ComponentNamedList for Measure<FIRST> {}
unsafe impl<const FIRST: bool> ComponentType for Measure<FIRST> {
    type Lower = [ValRaw; 0];
    const ABI: CanonicalAbiInfo = CanonicalAbiInfo::ZERO;

    fn typecheck(ty: &It, t: &InstanceType<'_>) -> Result<()> {
        let (abi, mut s, mut all) = (raw::tuple_abi(ty, t), SHAPE.get(), Vec::new());
        handles::of_type(t.types, ty, &mut all)?;
        let flat = |max| abi.flat_count(max).map_or(u32::MAX, |n| n as u32);
        if FIRST {
            (s.flat_params, s.params_size, s.params_align) = (flat(16), abi.size32, abi.align32);
        } else {
            (s.flat_results, s.results_size, s.results_align) = (flat(1), abi.size32, abi.align32);
            s.handles = all.len() as u32;
        }
        SHAPE.set(s);
        Ok(())
    }
}
// SAFETY: never used.
unsafe impl<const FIRST: bool> Lower for Measure<FIRST> {
    fn linear_lower_to_flat<T>(&self, _: &mut LowerContext<'_, T>, _: It, _: &mut MaybeUninit<[ValRaw; 0]>) -> Result<()> {
        bail!("only measured")
    }
    fn linear_lower_to_memory<T>(&self, _: &mut LowerContext<'_, T>, _: It, _: usize) -> Result<()> {
        bail!("only measured")
    }
}
// SAFETY: never used.
unsafe impl<const FIRST: bool> Lift for Measure<FIRST> {
    fn linear_lift_from_flat(_: &mut LiftContext<'_>, _: It, _: &[ValRaw; 0]) -> Result<Self> {
        bail!("only measured")
    }
    fn linear_lift_from_memory(_: &mut LiftContext<'_>, _: It, _: &[u8]) -> Result<Self> {
        bail!("only measured")
    }
}

/// An export ready to be called, and its shape.
#[unsafe(no_mangle)]
pub extern "C" fn lpx_export_new(
    cx: WasmtimeStoreContextMut<'_>,
    f: &Func,
    shape: &mut Shape,
    out: &mut *mut Export,
) -> CError {
    c_error(guard(|| {
        f.typed::<Measure<true>, Measure<false>>(&cx)?;
        *shape = SHAPE.get();
        // SAFETY: `typed` has looked at its type; `Args`, `Returned` and `Number` bear any.
        let (taken, plain) = unsafe { (TypedFunc::new_unchecked(*f), TypedFunc::new_unchecked(*f)) };
        *out = Box::into_raw(Box::new(Export {
            taken,
            plain,
            types: Types::new(),
            in_memory: shape.flat_params == u32::MAX,
            handles: shape.handles > 0,
            results: (shape.flat_results != u32::MAX).then_some(shape.flat_results),
        }));
        Ok(())
    }))
}

#[unsafe(no_mangle)]
pub extern "C" fn lpx_export_delete(_: Option<Box<Export>>) {}

/// Calls it. `alone`: without a fiber, for a guest that imports nothing that may wait.
#[unsafe(no_mangle)]
pub extern "C" fn lpx_export_call(
    d: &Driver,
    mut cx: WasmtimeStoreContextMut<'_>,
    export: &Export,
    calling: &Calling,
    alone: bool,
) -> u32 {
    let args = Args(Current(calling, export));
    if !alone {
        return race(d, cx, export, calling, args);
    }
    // SAFETY: C's, which looks at it after the call.
    let err = unsafe { &mut *calling.error.as_ptr() };
    if calling.take.is_none() {
        let call = || export.plain.call(&mut cx, args).map(|n| calling.result.set(n.0));
        return d.run(calling.timeout_ms, err, call);
    }
    d.calling.set(Some(args.0));
    let outcome = d.run(calling.timeout_ms, err, || export.taken.call(&mut cx, args).map(|_| ()));
    d.calling.set(None);
    outcome
}

#[inline(never)]
fn race(d: &Driver, mut cx: WasmtimeStoreContextMut<'_>, export: &Export, calling: &Calling, args: Args) -> u32 {
    // SAFETY: as in `lpx_export_call`.
    let err = unsafe { &mut *calling.error.as_ptr() };
    if calling.take.is_none() {
        let call = async { export.plain.call_async(&mut cx, args).await.map(|n| calling.result.set(n.0)) };
        return d.race(calling.timeout_ms, err, call).0;
    }
    d.calling.set(Some(args.0));
    let call = async { export.taken.call_async(&mut cx, args).await.map(|_| ()) };
    let outcome = d.race(calling.timeout_ms, err, call).0;
    d.calling.set(None);
    outcome
}

/// Drops a resource of the guest's that C holds; its destructor runs in the guest.
#[unsafe(no_mangle)]
pub extern "C" fn lpx_held_drop(
    d: &Driver,
    mut cx: WasmtimeStoreContextMut<'_>,
    handle: u32,
    alone: bool,
    timeout_ms: u64,
    err: &mut CError,
) -> u32 {
    let held = d.held.borrow_mut().remove(handle);
    if alone {
        return d.run(timeout_ms, err, || held?.resource_drop(&mut cx));
    }
    d.race(timeout_ms, err, async { held?.resource_drop_async(&mut cx).await }).0
}
