//! A function's type as structural text, in the form in which loop compares types: names of
//! types do not matter, names of fields and cases do, a handle names the resource and the
//! interface that defines it, without a version.

use std::fmt::Write;
use wit_parser::{
    Function, FunctionKind, Handle, Resolve, Type, TypeDefKind, TypeId, TypeOwner, WorldKey,
};

/// Texts longer than this are cut: they are compared and shown, and a type may mention
/// another so often that its text has no end.
const MAX_TEXT: usize = 64 << 10;

/// "wasi:io/poll" of "wasi:io/poll@0.2.0", and "0.2.0".
pub fn split_version(name: &str) -> (&str, &str) {
    name.split_once('@').unwrap_or((name, ""))
}

pub fn key_name(resolve: &Resolve, key: &WorldKey) -> String {
    match key {
        WorldKey::Name(name) => name.clone(),
        WorldKey::Interface(id) => resolve.id_of(*id).unwrap_or_default(),
    }
}

fn resource(resolve: &Resolve, mut id: TypeId) -> String {
    while let TypeDefKind::Type(Type::Id(next)) = &resolve.types[id].kind {
        id = *next;
    }
    let def = &resolve.types[id];
    let name = def.name.as_deref().unwrap_or("?");
    match def.owner {
        TypeOwner::Interface(i) => match resolve.id_of(i) {
            Some(owner) => format!("{}.{name}", split_version(&owner).0),
            None => name.to_string(),
        },
        _ => name.to_string(),
    }
}

struct Text<'a> {
    resolve: &'a Resolve,
    out: String,
}

impl Text<'_> {
    fn list<T>(&mut self, open: &str, items: &[T], close: &str, one: impl Fn(&mut Self, &T)) {
        self.out.push_str(open);
        for (i, item) in items.iter().enumerate() {
            if self.out.len() > MAX_TEXT {
                break;
            }
            if i > 0 {
                self.out.push(',');
            }
            one(self, item);
        }
        self.out.push_str(close);
    }

    fn of(&mut self, open: &str, inner: &[&Type]) {
        self.list(open, inner, ">", |t, ty| t.ty(ty));
    }

    fn ty(&mut self, ty: &Type) {
        let plain = match ty {
            Type::Bool => "bool",
            Type::U8 => "u8",
            Type::U16 => "u16",
            Type::U32 => "u32",
            Type::U64 => "u64",
            Type::S8 => "s8",
            Type::S16 => "s16",
            Type::S32 => "s32",
            Type::S64 => "s64",
            Type::F32 => "f32",
            Type::F64 => "f64",
            Type::Char => "char",
            Type::String => "string",
            Type::ErrorContext => "error-context",
            Type::Id(id) => return self.defined(*id),
        };
        self.out.push_str(plain);
    }

    fn optional(&mut self, ty: &Option<Type>) {
        match ty {
            Some(ty) => self.ty(ty),
            None => self.out.push('_'),
        }
    }

    fn defined(&mut self, id: TypeId) {
        if self.out.len() > MAX_TEXT {
            return;
        }
        let resolve = self.resolve;
        match &resolve.types[id].kind {
            TypeDefKind::Record(r) => self.list("record{", &r.fields, "}", |t, f| {
                let _ = write!(t.out, "{}:", f.name);
                t.ty(&f.ty);
            }),
            TypeDefKind::Variant(v) => self.list("variant{", &v.cases, "}", |t, c| {
                t.out.push_str(&c.name);
                if let Some(ty) = &c.ty {
                    t.out.push(':');
                    t.ty(ty);
                }
            }),
            TypeDefKind::Enum(e) => {
                self.list("enum{", &e.cases, "}", |t, c| t.out.push_str(&c.name));
            }
            TypeDefKind::Flags(f) => {
                self.list("flags{", &f.flags, "}", |t, c| t.out.push_str(&c.name));
            }
            TypeDefKind::Tuple(t) => self.list("tuple<", &t.types, ">", |t, ty| t.ty(ty)),
            TypeDefKind::Option(ty) => self.of("option<", &[ty]),
            TypeDefKind::List(ty) => self.of("list<", &[ty]),
            TypeDefKind::Map(key, value) => self.of("map<", &[key, value]),
            TypeDefKind::FixedLengthList(ty, n) => {
                self.out.push_str("list<");
                self.ty(ty);
                let _ = write!(self.out, ",{n}>");
            }
            TypeDefKind::Result(r) => {
                self.out.push_str("result<");
                self.optional(&r.ok);
                self.out.push(',');
                self.optional(&r.err);
                self.out.push('>');
            }
            TypeDefKind::Future(ty) => {
                self.out.push_str("future<");
                self.optional(ty);
                self.out.push('>');
            }
            TypeDefKind::Stream(ty) => {
                self.out.push_str("stream<");
                self.optional(ty);
                self.out.push('>');
            }
            TypeDefKind::Handle(Handle::Own(id)) => {
                let _ = write!(self.out, "own<{}>", resource(resolve, *id));
            }
            TypeDefKind::Handle(Handle::Borrow(id)) => {
                let _ = write!(self.out, "borrow<{}>", resource(resolve, *id));
            }
            TypeDefKind::Type(ty) => self.ty(ty),
            TypeDefKind::Resource => {
                let _ = write!(self.out, "own<{}>", resource(resolve, id));
            }
            TypeDefKind::Unknown => self.out.push('?'),
        }
    }
}

/// "(string,u32)->result<u32,string>"
pub fn function(resolve: &Resolve, f: &Function) -> String {
    let mut text = Text { resolve, out: String::new() };
    if matches!(
        f.kind,
        FunctionKind::AsyncFreestanding
            | FunctionKind::AsyncMethod(_)
            | FunctionKind::AsyncStatic(_)
    ) {
        text.out.push_str("async ");
    }
    text.list("(", &f.params, ")", |t, p| t.ty(&p.ty));
    if let Some(result) = &f.result {
        text.out.push_str("->");
        text.ty(result);
    }
    if text.out.len() > MAX_TEXT {
        text.out.push_str("...");
    }
    text.out
}
