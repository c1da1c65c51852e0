//! Handles and the shared memory: what a value may refer to.
//!
//! Numbers of handles are never given twice, so one that was dropped means nothing, ever.

use crate::value::{Malformed, Reader, Value, Writer, malformed};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fs::File;
use std::ops::Deref;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

/// An object that components hold handles of. What is to happen when the last one is dropped: `Drop`.
pub trait Resource: Send + Sync + 'static {
    /// Interface and name: `acme:kv/store.bucket`.
    const NAME: &'static str;
}

pub(crate) type Object = Arc<dyn Any + Send + Sync>;

#[derive(Default)]
pub(crate) struct Table {
    objects: HashMap<u64, Object>,
    given: u64,
    place: (u32, u32), // interface, resource
}

/// What values of a sidecar may refer to: its objects, and the shared memory.
pub(crate) struct Objects {
    tables: HashMap<String, Mutex<Table>>,
    pub(crate) shared: OnceLock<Shared>,
    /// Sends a DROP: interface, resource, handle.
    drop_remote: Box<dyn Fn(u32, u32, u64) + Send + Sync>,
}

impl Objects {
    pub(crate) fn new(
        resources: impl Iterator<Item = (String, (u32, u32))>,
        drop_remote: impl Fn(u32, u32, u64) + Send + Sync + 'static,
    ) -> Arc<Objects> {
        let tables = resources.map(|(name, place)| (name, Mutex::new(Table { place, ..Table::default() })));
        Arc::new(Objects { tables: tables.collect(), shared: OnceLock::new(), drop_remote: Box::new(drop_remote) })
    }

    fn table(&self, name: &str) -> Result<std::sync::MutexGuard<'_, Table>, Malformed> {
        match self.tables.get(name) {
            Some(table) => Ok(table.lock().unwrap()),
            None => malformed(format!("{name} is not served here")),
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.tables.contains_key(name)
    }

    pub(crate) fn add(&self, name: &str, object: Object) -> Result<u64, Malformed> {
        let mut table = self.table(name)?;
        let n = 2 * table.given + 1;
        table.given += 1;
        table.objects.insert(n, object);
        Ok(n)
    }

    pub(crate) fn get(&self, name: &str, n: u64) -> Result<Object, Malformed> {
        let found = self.table(name)?.objects.get(&n).cloned();
        found.ok_or_else(|| Malformed(format!("the handle {n} of {name} is not held")))
    }

    pub(crate) fn remove(&self, name: &str, n: u64) -> Result<Object, Malformed> {
        let found = self.table(name)?.objects.remove(&n);
        found.ok_or_else(|| Malformed(format!("the handle {n} of {name} is not held")))
    }
}

/// The memory behind LOOP_SIDECAR_FD. The lower half is read, the upper half is given out.
pub(crate) struct Shared {
    file: File,
    size: u64,
    taken: Mutex<Vec<(u64, u64, u32)>>, // offset, length, key; by offset
}

impl Shared {
    pub(crate) fn new(file: File, size: u32) -> Shared {
        Shared { file, size: size.into(), taken: Mutex::default() }
    }

    fn fetch(&self, offset: u64, n: usize) -> Result<Vec<u8>, Malformed> {
        if offset + n as u64 > self.size / 2 {
            return malformed("a reference outside of the host's memory");
        }
        let mut bytes = vec![0; n];
        match self.file.read_exact_at(&mut bytes, offset) {
            Ok(()) => Ok(bytes),
            Err(why) => malformed(format!("cannot read the shared memory: {why}")),
        }
    }

    /// Copies to where there is room; None: there is none.
    fn place(&self, key: u32, bytes: &[u8]) -> Option<u64> {
        let mut taken = self.taken.lock().unwrap();
        let (mut at, n) = (self.size / 2, bytes.len() as u64);
        let mut i = 0;
        while i < taken.len() && taken[i].0 - at < n {
            at = taken[i].0 + taken[i].1;
            i += 1;
        }
        if self.size - at < n {
            return None;
        }
        taken.insert(i, (at, n, key));
        drop(taken);
        self.file.write_all_at(bytes, at).ok().map(|()| at)
    }

    pub(crate) fn free(&self, key: u32) {
        self.taken.lock().unwrap().retain(|t| t.2 != key);
    }
}

/// What one value is read or written with. `key` names what it places in the shared memory.
pub struct Link<'a> {
    pub(crate) objects: &'a Arc<Objects>,
    key: u32,
    remote_only: bool, // the arguments of a NEXT
    given: RefCell<Vec<(&'static str, u64)>>,
    passing: RefCell<Vec<Arc<Far>>>,
    pub(crate) referred: Cell<bool>,
}

impl<'a> Link<'a> {
    pub(crate) fn new(objects: &'a Arc<Objects>, key: u32, remote_only: bool) -> Link<'a> {
        let (given, passing) = Default::default();
        Link { objects, key, remote_only, given, passing, referred: Cell::new(false) }
    }

    pub(crate) fn fetch(&self, offset: u64, n: usize) -> Result<Vec<u8>, Malformed> {
        self.referred.set(true);
        match self.objects.shared.get() {
            Some(shared) => shared.fetch(offset, n),
            None => malformed("a reference into shared memory, and there is none"),
        }
    }

    pub(crate) fn place(&self, bytes: &[u8]) -> Option<u64> {
        self.objects.shared.get()?.place(self.key, bytes)
    }

    /// The value went out: whose handles went with it, they belong to the host.
    pub(crate) fn sent(&self) {
        for far in self.passing.borrow().iter() {
            far.owned.store(false, Ordering::Relaxed);
        }
    }

    /// The value did not go out after all.
    pub(crate) fn undo(&self) {
        for (name, n) in self.given.borrow().iter() {
            let _ = self.objects.remove(name, *n);
        }
        if let Some(shared) = self.objects.shared.get() {
            shared.free(self.key);
        }
    }
}

/// An object behind the host.
pub(crate) struct Far {
    resource: &'static str,
    handle: u64,
    owned: AtomicBool,
    objects: Arc<Objects>,
}

impl Drop for Far {
    fn drop(&mut self) {
        if *self.owned.get_mut() {
            let place = self.objects.tables[self.resource].lock().unwrap().place;
            (self.objects.drop_remote)(place.0, place.1, self.handle);
        }
    }
}

enum Place<R> {
    Here(Arc<R>),
    Far(Arc<Far>),
}

fn link_of<'a>(link: Option<&'a Link<'a>>) -> Result<&'a Link<'a>, Malformed> {
    link.ok_or_else(|| Malformed("a handle outside of a call".into()))
}

fn write_handle<R: Resource>(place: &Place<R>, own: bool, w: &mut Writer) -> Result<(), Malformed> {
    let link = link_of(w.link)?;
    let n = match place {
        Place::Far(far) => {
            if own && !far.owned.load(Ordering::Relaxed) {
                return malformed(format!("this {} is not ours to pass on", R::NAME));
            }
            if own {
                link.passing.borrow_mut().push(far.clone());
            }
            far.handle
        }
        Place::Here(_) if link.remote_only => {
            return malformed(format!("a {} that lives here cannot be passed to the next provider", R::NAME));
        }
        Place::Here(object) => {
            let n = link.objects.add(R::NAME, object.clone())?;
            link.given.borrow_mut().push((R::NAME, n));
            n
        }
    };
    w.unsigned(n);
    Ok(())
}

fn read_handle<R: Resource>(own: bool, r: &mut Reader) -> Result<Place<R>, Malformed> {
    let n = r.unsigned(64)?;
    let objects = link_of(r.link)?.objects;
    if n == 0 || n >= 1 << 53 {
        return malformed(format!("{n} is no handle"));
    }
    if n % 2 == 0 {
        drop(objects.table(R::NAME)?);
        let far = Far { resource: R::NAME, handle: n, owned: own.into(), objects: objects.clone() };
        return Ok(Place::Far(Arc::new(far)));
    }
    let object = if own { objects.remove(R::NAME, n) } else { objects.get(R::NAME, n) }?;
    match object.downcast::<R>() {
        Ok(object) => Ok(Place::Here(object)),
        Err(_) => malformed(format!("another type than the one that serves {}", R::NAME)),
    }
}

macro_rules! handles {
    ($($(#[$doc:meta])* $name:ident, $text:literal, $own:literal;)*) => {$(
        $(#[$doc])*
        pub struct $name<R: Resource>(Place<R>);

        impl<R: Resource> $name<R> {
            /// The object, None where it lives behind the host.
            pub fn here(&self) -> Option<&Arc<R>> {
                match &self.0 {
                    Place::Here(object) => Some(object),
                    Place::Far(_) => None,
                }
            }
        }

        /// For objects that live here. The call of an object behind the host ends in a FAULT.
        impl<R: Resource> Deref for $name<R> {
            type Target = R;
            fn deref(&self) -> &R {
                match &self.0 {
                    Place::Here(object) => object,
                    Place::Far(_) => panic!("this {} lives behind the host", R::NAME),
                }
            }
        }

        impl<R: Resource> Value for $name<R> {
            fn text(to: &mut String) {
                to.push_str(concat!($text, "<"));
                to.push_str(R::NAME);
                to.push('>');
            }
            fn write(&self, w: &mut Writer) -> Result<(), Malformed> {
                write_handle(&self.0, $own, w)
            }
            fn read(r: &mut Reader) -> Result<Self, Malformed> {
                read_handle($own, r).map($name)
            }
        }
    )*};
}
handles! {
    /// A handle that its receiver owns. `Own::new(object)` hands one out; what [`crate::Call::next`]
    /// answered can be passed on, and is given back when it is dropped.
    Own, "own", true;
    /// A handle that is lent for the time of a call.
    Borrow, "borrow", false;
}

impl<R: Resource> Own<R> {
    /// One more handle for an object, which may be handed out more than once.
    pub fn new(object: impl Into<Arc<R>>) -> Own<R> {
        Own(Place::Here(object.into()))
    }

    /// Lends it to a call.
    pub fn borrow(&self) -> Borrow<R> {
        Borrow(match &self.0 {
            Place::Here(object) => Place::Here(object.clone()),
            Place::Far(far) => Place::Far(far.clone()),
        })
    }
}
