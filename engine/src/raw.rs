//! Calls in both directions with raw values: C gets the flat values, the guest's
//! memory and what stands behind each handle, and converts by itself (abi/).
//!
//! Wasmtime's typed calls want static Rust types. `Params` and `Results` here, `Args`
//! and `Returned` in `export` implement its `Lift` and `Lower` for any signature: they hand over
//! what Wasmtime gives them and touch no value. What Wasmtime does around them
//! stays: bounds of parameters and results in memory, `realloc` and its checks,
//! the tables of handles, borrow scopes, post-return, and that a guest cannot
//! call out while it allocates.
//!
//! Those traits are unsafe and not documented, which is why the version is pinned.
//! Their contract, as Wasmtime 48 uses it: `Lower` is a row of `ValRaw` no longer
//! than the flat values there are; `typecheck` accepts only types for which lifting
//! and lowering are right. Lifting ignores `SIZE32` (0 here): the type has it.

use crate::drive;
use crate::handles;
use crate::{CError, c_error, guard};
use int::wasmtime_environ::component::{
    CanonicalOptions, CanonicalOptionsDataModel as Model, StringEncoding,
};
use int::{CanonicalAbiInfo, InstanceType, InterfaceType as It, LiftContext, LowerContext};
use std::any::Any;
use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;
use wasmtime::component::{
    __internal as int, ComponentNamedList, ComponentType, Lift, LinkerInstance, Lower,
};
use wasmtime::component::{ResourceAny, ResourceType};
use wasmtime::{Result, StoreContextMut, ValRaw, bail};
use wasmtime_c_api::*;

/// `lp_values` in raw.h: what a guest passed or returned.
#[repr(C)]
pub struct Values {
    pub flat: *const ValRaw,
    pub offset: usize,
    size: usize,
    memory: *mut u8,
    memory_len: usize,
    pub handles: *const u32,
    pub handle_count: usize,
    encoding: u32,
    result: u64,
}

/// `lp_target` in raw.h: where C puts what a guest gets.
#[repr(C)]
pub struct Target {
    flat: *mut ValRaw,
    offset: usize,
    memory: *mut u8,
    memory_len: usize,
    encoding: u32,
    realloc: unsafe extern "C" fn(&mut Target, align: u32, size: u32, out: &mut u32) -> CError,
    handle: unsafe extern "C" fn(&mut Target, nth: u32, resource: u32, value: u32, out: &mut u32) -> CError,
    cx: *mut c_void,
    types: *const Vec<It>,
}

/// Gives an error of C's own, or null.
type FlatFn = extern "C" fn(*mut c_void, *const ValRaw, &mut u64) -> *mut c_void;
pub type CallFn = extern "C" fn(*mut c_void, &mut Values) -> *mut c_void;
type PutFn = extern "C" fn(*mut c_void, &mut Target) -> CError;

/// `resource` of `Target::handle` for one that the guest implements; for one of wasi:io that the
/// engine makes of a descriptor.
const GUESTS: u32 = u32::MAX;
const ENGINES: u32 = u32::MAX - 1;

pub fn tuple_abi(ty: &It, t: &InstanceType<'_>) -> CanonicalAbiInfo {
    match ty {
        It::Tuple(i) => t.types[*i].abi.clone(),
        _ => unreachable!("Wasmtime passes parameters and results as tuples"),
    }
}

#[inline]
fn encoding(o: &CanonicalOptions) -> u32 {
    match o.string_encoding {
        StringEncoding::Utf8 => 0,
        StringEncoding::Utf16 => 1,
        StringEncoding::CompactUtf16 => 2,
    }
}

#[inline]
fn has_memory(o: &CanonicalOptions) -> Result<bool> {
    match o.data_model {
        Model::LinearMemory(m) => Ok(m.memory.is_some()),
        Model::Gc {} => bail!("a component with the GC data model, which loop does not carry"),
    }
}

#[inline]
pub fn c_result(e: CError) -> Result<()> {
    match e {
        None => Ok(()),
        Some(e) => Err((*e).into()),
    }
}

// ---- what a guest hands over ----

const NONE: Values = Values {
    flat: ptr::null(),
    offset: 0,
    size: 0,
    memory: ptr::null_mut(),
    memory_len: 0,
    handles: ptr::null(),
    handle_count: 0,
    encoding: 0,
    result: 0,
};

/// The values of a lift, whose memory nobody changes before C has read it.
#[inline]
pub fn values(cx: &mut LiftContext<'_>) -> Result<Values> {
    let o = cx.options();
    let encoding = encoding(o);
    let memory: &[u8] = if has_memory(o)? { cx.memory() } else { &[] };
    Ok(Values { memory: memory.as_ptr().cast_mut(), memory_len: memory.len(), encoding, ..NONE })
}

/// Where values of type `ty` begin, which must be in bounds and aligned.
pub fn in_memory(v: &mut Values, abi: &CanonicalAbiInfo, offset: usize) -> Result<()> {
    let end = offset.checked_add(abi.size32 as usize);
    if !offset.is_multiple_of(abi.align32 as usize) {
        bail!("pointer not aligned");
    }
    if end.is_none_or(|e| e > v.memory_len) {
        bail!("pointer out of bounds of memory");
    }
    (v.offset, v.size) = (offset, abi.size32 as usize);
    Ok(())
}

/// What is carried from the lift to the call: as little as it takes, since it is moved.
trait Carried: Sized {
    const MEMORY: bool;
    fn flat(cx: &mut LiftContext<'_>, flat: *const ValRaw) -> Result<Self>;
    /// Only where MEMORY is.
    fn memory(v: Values) -> Result<Self>;
    /// Calls C; its error, and the flat result.
    fn call(self, f: &Function, handles: bool) -> (*mut c_void, u64);
}

/// Flat values of which none points into memory.
struct Flat(*const ValRaw);

impl Carried for Flat {
    const MEMORY: bool = false;

    #[inline]
    fn flat(_: &mut LiftContext<'_>, flat: *const ValRaw) -> Result<Self> {
        Ok(Flat(flat))
    }

    fn memory(_: Values) -> Result<Self> {
        unreachable!("as MEMORY says")
    }

    #[inline]
    fn call(self, f: &Function, _: bool) -> (*mut c_void, u64) {
        let mut result = 0;
        ((f.flat)(f.flat_data, self.0, &mut result), result)
    }
}

impl Carried for Values {
    const MEMORY: bool = true;

    #[inline]
    fn flat(cx: &mut LiftContext<'_>, flat: *const ValRaw) -> Result<Self> {
        Ok(Values { flat, ..values(cx)? })
    }

    fn memory(v: Values) -> Result<Self> {
        Ok(v)
    }

    #[inline]
    fn call(mut self, f: &Function, handles: bool) -> (*mut c_void, u64) {
        if handles {
            (self.handles, self.handle_count) = handles::found();
        }
        ((f.call)(f.call_data, &mut self), self.result)
    }
}

/// The parameters of a host function, N flat values or in memory; H: handles among them.
struct Params<const N: usize, const H: bool, C: Carried>(C);

// SAFETY: the pointers are used on this thread, within the call that they were made for.
unsafe impl<const N: usize, const H: bool, C: Carried> Send for Params<N, H, C> {}
unsafe impl<const N: usize, const H: bool, C: Carried> Sync for Params<N, H, C> {}
// SAFETY: `typecheck` refuses every other number of flat values; what they mean is C's.
unsafe impl<const N: usize, const H: bool, C: Carried> ComponentNamedList for Params<N, H, C> {}
unsafe impl<const N: usize, const H: bool, C: Carried> ComponentType for Params<N, H, C> {
    type Lower = [ValRaw; N];
    const ABI: CanonicalAbiInfo = CanonicalAbiInfo::ZERO;

    fn typecheck(ty: &It, t: &InstanceType<'_>) -> Result<()> {
        let flat = tuple_abi(ty, t).flat_count(16);
        let mut all = Vec::new();
        handles::of_type(t.types, ty, &mut all)?;
        if flat.unwrap_or(0) != N || all.is_empty() == H || (flat.is_none() && !C::MEMORY) {
            bail!("the parameters have {flat:?} flat values and {} handles, not as registered", all.len());
        }
        Ok(())
    }
}
// SAFETY: as Wasmtime's own for tuples, but for the values themselves: `src` outlives the
// call, which holds the trampoline's storage, and nothing is written there before C has read.
unsafe impl<const N: usize, const H: bool, C: Carried> Lift for Params<N, H, C> {
    #[inline]
    fn linear_lift_from_flat(cx: &mut LiftContext<'_>, ty: It, src: &[ValRaw; N]) -> Result<Self> {
        let carried = C::flat(cx, src.as_ptr())?;
        if H {
            handles::lift_flat(cx, &ty, src)?;
        }
        Ok(Params(carried))
    }

    fn linear_lift_from_memory(cx: &mut LiftContext<'_>, ty: It, bytes: &[u8]) -> Result<Self> {
        if !C::MEMORY {
            // First of all: what does not look at the context does not have it made.
            bail!("parameters in memory, not as registered");
        }
        // SIZE32 is 0, so `bytes` is empty and its address is the offset that Wasmtime checked.
        let offset = bytes.as_ptr() as usize - cx.memory().as_ptr() as usize;
        let mut v = values(cx)?;
        let abi = tuple_abi(&ty, &cx.instance_type());
        in_memory(&mut v, &abi, offset)?;
        if H {
            handles::lift_memory(cx, &ty, offset)?;
        }
        Ok(Params(C::memory(v)?))
    }
}

// ---- what a guest gets ----

/// The handle types of one function's parameters or results, made at the first use.
pub type Types = OnceLock<Vec<It>>;

/// Lets C put values of type `ty` to `flat` or `offset`.
pub fn put<T>(
    cx: &mut LowerContext<'_, T>,
    ty: &It,
    types: &Types,
    to: (*mut ValRaw, usize),
    f: impl FnOnce(&mut Target) -> Result<()>,
) -> Result<()> {
    if types.get().is_none() {
        let mut all = Vec::new();
        handles::of_type(cx.types, ty, &mut all)?;
        let _ = types.set(all);
    }
    let o = cx.options();
    let encoding = encoding(o);
    // Flat values alone are written without the memory, until something is allocated there.
    let memory: &mut [u8] = if to.0.is_null() && has_memory(o)? { cx.as_slice_mut() } else { &mut [] };
    let mut target = Target {
        flat: to.0,
        offset: to.1,
        memory: memory.as_mut_ptr(),
        memory_len: memory.len(),
        encoding,
        realloc: realloc::<T>,
        handle: lower_handle::<T>,
        cx: ptr::from_mut(cx).cast(),
        types: types.get().map_or(ptr::null(), ptr::from_ref),
    };
    f(&mut target)
}

/// Whether text goes to the guest as it is, through its realloc.
#[inline]
pub fn takes_utf8<T>(cx: &LowerContext<'_, T>) -> bool {
    let o = cx.options();
    let realloc = matches!(o.data_model, Model::LinearMemory(m) if m.realloc.is_some());
    realloc && matches!(o.string_encoding, StringEncoding::Utf8)
}

#[inline]
pub fn allocate<T>(cx: &mut LowerContext<'_, T>, align: u32, size: u32) -> Result<usize> {
    // Wasmtime panics where there is none; validation wants one wherever a value may need it.
    match cx.options().data_model {
        Model::LinearMemory(m) if m.realloc.is_some() => cx.realloc(0, 0, align, size as usize),
        _ => bail!("the function has no realloc"),
    }
}

/// # Safety
/// `target` is the one that `put::<T>` made, and its callback has not returned.
unsafe extern "C" fn realloc<T: 'static>(target: &mut Target, align: u32, size: u32, out: &mut u32) -> CError {
    // SAFETY: `put` stored its own context of this type, and waits in the callback.
    let cx = unsafe { &mut *target.cx.cast::<LowerContext<'_, T>>() };
    c_error(guard(|| {
        *out = u32::try_from(allocate(cx, align, size)?)?;
        // The guest ran: its memory may have grown, and then lies elsewhere.
        let memory = cx.as_slice_mut();
        (target.memory, target.memory_len) = (memory.as_mut_ptr(), memory.len());
        Ok(())
    }))
}

/// # Safety
/// As `realloc`.
unsafe extern "C" fn lower_handle<T: 'static>(
    target: &mut Target,
    nth: u32,
    resource: u32,
    value: u32,
    out: &mut u32,
) -> CError {
    // SAFETY: as in `realloc`; `types` points into a OnceLock that outlives the call.
    let (cx, types) = unsafe { (&mut *target.cx.cast::<LowerContext<'_, T>>(), &*target.types) };
    c_error(guard(|| {
        let Some(ty) = types.get(nth as usize) else { bail!("no handle {nth} in this type") };
        let (table, own) = match ty {
            It::Own(t) => (*t, true),
            It::Borrow(t) => (*t, false),
            _ => unreachable!("`of_type` collects handles"),
        };
        if resource == GUESTS {
            let Some(held) = drive::current_held() else { bail!("a handle outside of a call") };
            let r = held.borrow().get(value)?;
            let mut flat = MaybeUninit::<ValRaw>::uninit();
            ResourceAny::linear_lower_to_flat(&r, cx, *ty, &mut flat)?;
            if own {
                held.borrow_mut().remove(value)?;
            }
            // SAFETY: written by the line above.
            *out = unsafe { flat.assume_init() }.get_u32();
            return Ok(());
        }
        if resource == ENGINES {
            let ty = cx.resource_type(table);
            if !own {
                bail!("a stream that is only lent");
            }
            let Some(data) = (cx.store.data_mut() as &mut dyn Any).downcast_mut() else {
                bail!("a store that is not the C API's");
            };
            *out = crate::io::make(data, ty, value)?;
            *out = cx.guest_resource_lower_own(table, *out)?;
            return Ok(());
        }
        if cx.resource_type(table) != ResourceType::host_dynamic(resource) {
            bail!("a handle of another resource than the type names");
        }
        *out = if own {
            cx.guest_resource_lower_own(table, value)?
        } else {
            cx.guest_resource_lower_borrow(table, value)?
        };
        Ok(())
    }))
}

/// `lpx_function` in ext.h: how C serves an import.
#[repr(C)]
pub struct Function {
    nflat: u32,
    handles: bool,
    memory: bool,
    result: u32,
    call: CallFn,
    call_data: *mut c_void,
    flat: FlatFn,
    flat_data: *mut c_void,
    fail: extern "C" fn(*mut c_void, *mut c_void) -> CError,
    put: PutFn,
    data: *mut c_void,
    delete: Option<extern "C" fn(*mut c_void)>,
}

const RESULT_FLAT: u32 = 1;
const RESULT_PUT_FLAT: u32 = 2;
const RESULT_MEMORY: u32 = 3;

struct Served {
    f: Function,
    types: Types,
}
// SAFETY: an instance has one thread at a time; C keeps to that (engine.h).
unsafe impl Send for Served {}
unsafe impl Sync for Served {}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(delete) = self.f.delete {
            delete(self.f.data);
        }
    }
}

/// The result of a host function: R flat values, none of them where it lies in memory.
pub struct Results<const R: usize> {
    served: *const Served,
    flat: u64,
}

// SAFETY: used on this thread, within the call; `served` belongs to the linked function, which
// outlives its calls.
unsafe impl<const R: usize> Send for Results<R> {}
unsafe impl<const R: usize> Sync for Results<R> {}
// SAFETY: as for `Params`.
unsafe impl<const R: usize> ComponentNamedList for Results<R> {}
unsafe impl<const R: usize> ComponentType for Results<R> {
    type Lower = [ValRaw; R];
    const ABI: CanonicalAbiInfo = CanonicalAbiInfo::ZERO;

    fn typecheck(ty: &It, t: &InstanceType<'_>) -> Result<()> {
        let flat = tuple_abi(ty, t).flat_count(1);
        handles::of_type(t.types, ty, &mut Vec::new())?;
        if flat.unwrap_or(0) != R {
            bail!("the result has {flat:?} flat values, not {R}");
        }
        Ok(())
    }
}
// SAFETY: every flat value is written; memory is written by C through checked offsets.
unsafe impl<const R: usize> Lower for Results<R> {
    #[inline]
    fn linear_lower_to_flat<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: It,
        dst: &mut MaybeUninit<[ValRaw; R]>,
    ) -> Result<()> {
        let dst: *mut ValRaw = dst.as_mut_ptr().cast();
        if R == 0 {
            return Ok(());
        }
        // SAFETY: room for R values, and R is 1.
        unsafe { dst.write(ValRaw::u64(self.flat)) };
        // SAFETY: see `Results`.
        let s = unsafe { &*self.served };
        if s.f.result != RESULT_PUT_FLAT {
            return Ok(());
        }
        put(cx, &ty, &s.types, (dst, 0), |target| c_result((s.f.put)(s.f.data, target)))
    }

    fn linear_lower_to_memory<T>(&self, cx: &mut LowerContext<'_, T>, ty: It, offset: usize) -> Result<()> {
        // SAFETY: see `Results`.
        let s = unsafe { &*self.served };
        if s.f.result != RESULT_MEMORY {
            bail!("a result in memory, not as registered");
        }
        put(cx, &ty, &s.types, (ptr::null_mut(), offset), |target| c_result((s.f.put)(s.f.data, target)))
    }
}

fn serve<const N: usize, const H: bool, C: Carried + 'static, const R: usize>(
    l: &mut LinkerInstance<'_, WasmtimeStoreData>,
    name: &str,
    served: Served,
) -> Result<()> {
    l.func_wrap(name, move |_: StoreContextMut<'_, WasmtimeStoreData>, p: Params<N, H, C>| {
        let served = &served; // the whole of it, not its fields
        let (error, flat) = p.0.call(&served.f, H);
        if !error.is_null() {
            c_result((served.f.fail)(served.f.data, error))?;
        }
        Ok(Results::<R> { served, flat })
    })
}

macro_rules! by_count {
    ($n:expr, $h:literal, $c:ty, $r:literal, $args:tt, $($count:literal)*) => {
        match $n { $($count => serve::<$count, $h, $c, $r> $args,)* n => bail!("{n} flat parameters") }
    };
}
macro_rules! by_shape {
    ($h:literal, $c:ty, $r:literal, $n:expr, $args:tt) => {
        by_count!($n, $h, $c, $r, $args, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)
    };
}

/// Defines an import in the linker instance `l`; takes `f.data`, also when it fails.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lpx_linker_add_function(
    l: *mut wasmtime_component_linker_instance_t<'_>,
    name: *const u8,
    len: usize,
    f: Function,
) -> CError {
    c_error(guard(|| {
        // SAFETY: `ext.h` asks for an open linker instance and `len` readable bytes.
        let (l, name) = unsafe { crate::wasi::instance_and_name(l, name, len)? };
        let (n, flat) = (f.nflat, matches!(f.result, RESULT_FLAT | RESULT_PUT_FLAT));
        let served = Served { f, types: Types::new() };
        match (served.f.handles, served.f.memory, flat) {
            (false, false, false) => by_shape!(false, Flat, 0, n, (l, name, served)),
            (false, false, true) => by_shape!(false, Flat, 1, n, (l, name, served)),
            (false, true, false) => by_shape!(false, Values, 0, n, (l, name, served)),
            (false, true, true) => by_shape!(false, Values, 1, n, (l, name, served)),
            (true, _, false) => by_shape!(true, Values, 0, n, (l, name, served)),
            (true, _, true) => by_shape!(true, Values, 1, n, (l, name, served)),
        }
    }))
}
