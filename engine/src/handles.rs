//! Handles among the values that a guest hands over.
//!
//! A handle in flat values or in memory is a number of the guest's own table.
//! Wasmtime gives it up only to a lift, so this walks the values by their types,
//! takes each handle out and notes what stands behind it, in the order of the
//! values: for a resource that C implements its representation (a slot number of
//! C's), for one that the guest implements a number in the driver's `Held`. C
//! walks the same bytes in the same order afterwards (no guest code runs between)
//! and takes them one by one.
//!
//! Everything read here may be hostile: offsets and lengths are checked, and the
//! number of values looked at has a limit, since nothing interrupts a walk.

use crate::drive;
use int::wasmtime_environ::component::{CanonicalAbiInfo, ComponentTypes, TypeResourceTableIndex};
use int::{InterfaceType as It, LiftContext};
use std::cell::RefCell;
use std::collections::HashMap;
use wasmtime::component::{__internal as int, Lift, ResourceAny, ResourceType};
use wasmtime::{Result, ValRaw, bail};

/// Values looked at in one call, and handles found: more is an error.
const MAX_VALUES: usize = 1 << 20;
const MAX_HANDLES: usize = 1 << 16;

/// Resources of the guest that C holds.
#[derive(Default)]
pub struct Held {
    slots: Vec<Option<ResourceAny>>,
    free: Vec<u32>,
}

impl Held {
    pub fn add(&mut self, r: ResourceAny) -> Result<u32> {
        if let Some(i) = self.free.pop() {
            self.slots[i as usize] = Some(r);
            return Ok(i);
        }
        if self.slots.len() >= MAX_HANDLES {
            bail!("more than {MAX_HANDLES} of the component's resources are held");
        }
        self.slots.push(Some(r));
        Ok(self.slots.len() as u32 - 1)
    }

    pub fn get(&self, i: u32) -> Result<ResourceAny> {
        match self.slots.get(i as usize) {
            Some(Some(r)) => Ok(*r),
            _ => bail!("a handle that is not held"),
        }
    }

    pub fn remove(&mut self, i: u32) -> Result<ResourceAny> {
        let r = self.get(i)?;
        self.slots[i as usize] = None;
        self.free.push(i);
        Ok(r)
    }
}

thread_local! {
    /// What the last walk on this thread found; C has read it before another starts.
    static FOUND: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

/// What the walk before found; valid until the next one on this thread.
pub fn found() -> (*const u32, usize) {
    FOUND.with_borrow(|f| (f.as_ptr(), f.len()))
}

/// The fields of a type that holds others in a row, or the payloads of one with cases.
enum Parts<'a> {
    Fields(Vec<&'a It>),
    Cases(Vec<Option<&'a It>>, usize, &'a CanonicalAbiInfo),
    Other,
}

fn parts<'a>(t: &'a ComponentTypes, ty: &'a It) -> Parts<'a> {
    match ty {
        It::Record(i) => Parts::Fields(t[*i].fields.iter().map(|f| &f.ty).collect()),
        It::Tuple(i) => Parts::Fields(t[*i].types.iter().collect()),
        It::Variant(i) => Parts::Cases(
            t[*i].cases.values().map(Option::as_ref).collect(),
            t[*i].info.payload_offset32 as usize,
            &t[*i].abi,
        ),
        It::Option(i) => {
            Parts::Cases(vec![None, Some(&t[*i].ty)], t[*i].info.payload_offset32 as usize, &t[*i].abi)
        }
        It::Result(i) => Parts::Cases(
            vec![t[*i].ok.as_ref(), t[*i].err.as_ref()],
            t[*i].info.payload_offset32 as usize,
            &t[*i].abi,
        ),
        _ => Parts::Other,
    }
}

/// The handle types in `ty`, in the order of the type; an error for types that C has no form of.
pub fn of_type(t: &ComponentTypes, ty: &It, into: &mut Vec<It>) -> Result<()> {
    match ty {
        It::Own(_) | It::Borrow(_) => into.push(*ty),
        It::List(i) => of_type(t, &t[*i].element, into)?,
        It::Map(_) | It::Future(_) | It::Stream(_) | It::ErrorContext(_) | It::FixedLengthList(_) => {
            bail!("a future, stream, map, fixed-length list or error-context, which loop does not carry")
        }
        _ => match parts(t, ty) {
            Parts::Fields(fields) => {
                for f in fields {
                    of_type(t, f, into)?;
                }
            }
            Parts::Cases(cases, _, _) => {
                for c in cases.into_iter().flatten() {
                    of_type(t, c, into)?;
                }
            }
            Parts::Other => {}
        },
    }
    Ok(())
}

/// Takes every handle out of flat values of type `ty`.
pub fn lift_flat(cx: &mut LiftContext<'_>, ty: &It, flat: &[ValRaw]) -> Result<()> {
    walk(cx, |w| w.flat(ty, flat, &mut 0))
}

/// The same in memory, at an offset where the whole of `ty` is in bounds and aligned.
pub fn lift_memory(cx: &mut LiftContext<'_>, ty: &It, offset: usize) -> Result<()> {
    walk(cx, |w| w.memory(ty, offset))
}

fn walk<'a, 'b>(cx: &'a mut LiftContext<'b>, f: impl FnOnce(&mut Walk<'a, 'b>) -> Result<()>) -> Result<()> {
    let mut w = Walk { cx, found: FOUND.take(), seen: 0, holding: HashMap::new(), ours: HashMap::new() };
    w.found.clear();
    let result = f(&mut w);
    FOUND.set(w.found);
    result
}

struct Walk<'a, 'b> {
    cx: &'a mut LiftContext<'b>,
    found: Vec<u32>,
    seen: usize,
    /// Which types hold handles, of those asked about.
    holding: HashMap<It, bool>,
    /// Which tables are of resources that C implements.
    ours: HashMap<TypeResourceTableIndex, bool>,
}

impl Walk<'_, '_> {
    fn handle(&mut self, ty: &It, index: u32) -> Result<()> {
        let behind = match ty {
            It::Borrow(t) => self.cx.guest_resource_lift_borrow(*t, index)?,
            It::Own(t) if self.is_ours(*t) => {
                self.cx.guest_resource_lift_own(*t, index)?.0
            }
            _ => {
                let Some(held) = drive::current_held() else { bail!("a handle outside of a call") };
                let r = ResourceAny::linear_lift_from_flat(self.cx, *ty, &ValRaw::u32(index))?;
                held.borrow_mut().add(r)?
            }
        };
        if self.found.len() >= MAX_HANDLES {
            bail!("more than {MAX_HANDLES} handles in one call");
        }
        self.found.push(behind);
        Ok(())
    }

    /// Whether C implements the resource: its type is one that C numbered.
    fn is_ours(&mut self, table: TypeResourceTableIndex) -> bool {
        let ty = self.cx.resource_type(table);
        *self
            .ours
            .entry(table)
            .or_insert_with(|| (0..drive::current_resources()).any(|n| ty == ResourceType::host_dynamic(n)))
    }

    fn look(&mut self, values: usize) -> Result<()> {
        self.seen = self.seen.saturating_add(values);
        if self.seen > MAX_VALUES {
            bail!("more than {MAX_VALUES} values to look through for handles in one call");
        }
        Ok(())
    }

    fn holds_any(&mut self, t: &ComponentTypes, ty: &It) -> Result<bool> {
        if let Some(known) = self.holding.get(ty) {
            return Ok(*known);
        }
        let mut all = Vec::new();
        of_type(t, ty, &mut all)?;
        self.holding.insert(*ty, !all.is_empty());
        Ok(!all.is_empty())
    }

    fn flat(&mut self, ty: &It, flat: &[ValRaw], at: &mut usize) -> Result<()> {
        self.look(1)?;
        // Copied out of `self`, so that its own borrow ends here.
        let t = self.cx.types.clone();
        match ty {
            It::Own(_) | It::Borrow(_) => {
                self.handle(ty, flat[*at].get_u32())?;
                *at += 1;
            }
            It::List(i) => {
                let (offset, len) = (flat[*at].get_u32(), flat[*at + 1].get_u32());
                *at += 2;
                self.list(&t[*i].element, offset as usize, len as usize)?;
            }
            _ => match parts(&t, ty) {
                Parts::Fields(fields) => {
                    for f in fields {
                        self.flat(f, flat, at)?;
                    }
                }
                Parts::Cases(cases, _, abi) => {
                    self.look(cases.len())?;
                    let (start, case) = (*at, flat[*at].get_u32() as usize);
                    *at += 1;
                    let Some(payload) = cases.get(case) else { bail!("invalid discriminant {case}") };
                    if let Some(payload) = payload {
                        self.flat(payload, flat, at)?;
                    }
                    *at = start + usize::from(abi.flat_count.unwrap_or(0));
                }
                Parts::Other => *at += usize::from(t.canonical_abi(ty).flat_count.unwrap_or(0)),
            },
        }
        Ok(())
    }

    fn list(&mut self, element: &It, offset: usize, len: usize) -> Result<()> {
        let t = self.cx.types.clone();
        if !self.holds_any(&t, element)? {
            return Ok(());
        }
        let abi = t.canonical_abi(element);
        let (size, align) = (abi.size32 as usize, abi.align32 as usize);
        let end = len.checked_mul(size).and_then(|bytes| bytes.checked_add(offset));
        if !offset.is_multiple_of(align) {
            bail!("list pointer is not aligned");
        }
        if end.is_none_or(|e| e > self.cx.memory().len()) {
            bail!("list pointer/length out of bounds of memory");
        }
        self.look(len)?;
        (0..len).try_for_each(|i| self.memory(element, offset + i * size))
    }

    fn word(&self, offset: usize) -> u32 {
        u32::from_le_bytes(self.cx.memory()[offset..offset + 4].try_into().expect("four bytes"))
    }

    fn case(&self, offset: usize, cases: usize) -> usize {
        let m = self.cx.memory();
        match cases {
            0..=0x100 => m[offset] as usize,
            0x101..=0x10000 => u16::from_le_bytes([m[offset], m[offset + 1]]) as usize,
            _ => self.word(offset) as usize,
        }
    }

    /// `ty` lies in bounds at `offset`.
    fn memory(&mut self, ty: &It, offset: usize) -> Result<()> {
        self.look(1)?;
        let t = self.cx.types.clone();
        match ty {
            It::Own(_) | It::Borrow(_) => self.handle(ty, self.word(offset))?,
            It::List(i) => {
                let (at, len) = (self.word(offset) as usize, self.word(offset + 4) as usize);
                self.list(&t[*i].element, at, len)?;
            }
            _ => match parts(&t, ty) {
                Parts::Fields(fields) => {
                    self.look(fields.len())?;
                    let mut next = offset;
                    for f in fields {
                        let at = t.canonical_abi(f).next_field32_size(&mut next);
                        if self.holds_any(&t, f)? {
                            self.memory(f, at)?;
                        }
                    }
                }
                Parts::Cases(cases, payload_offset, _) => {
                    self.look(cases.len())?;
                    let case = self.case(offset, cases.len());
                    let Some(payload) = cases.get(case) else { bail!("invalid discriminant {case}") };
                    if let Some(payload) = payload {
                        self.memory(payload, offset + payload_offset)?;
                    }
                }
                Parts::Other => {}
            },
        }
        Ok(())
    }
}
