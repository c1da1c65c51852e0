//! What a component imports and exports, function by function, as WIT text.

use crate::report::Text;
use crate::{CError, c_error, guard};
use std::cell::Cell;
use std::ffi::c_void;
use wit_parser::decoding::{DecodedWasm, decode};
use wit_parser::{
    Function, Handle, InterfaceId, Resolve, Type, TypeDefKind, TypeId, TypeOwner, WorldItem, WorldKey,
};

/// One row; the texts are valid during the callback only.
#[repr(C)]
pub struct Row {
    export: bool,
    /// 0: a function, 1: an interface (the row before its functions), 2: a resource type
    kind: u32,
    /// "loop:core/logging@0.1.0", or "" for a function of the world itself
    interface: Text,
    function: Text,
    signature: Text,
    /// the signature in the structural form of `include/loop/provider.h`; "" for other rows
    structure: Text,
}

/// How much text the types of one component may make: they are written out at each mention,
/// which a component of a few bytes can make many.
const MAX_TEXT: usize = 16 << 20;

struct Texts<'a> {
    r: &'a Resolve,
    left: Cell<usize>,
}

impl Texts<'_> {
    /// Counts text that is about to be made; false when there was too much.
    fn spend(&self, n: usize) -> bool {
        self.left.set(self.left.get().saturating_sub(n));
        self.left.get() > 0
    }
}

/// Gives a row for each import and export, in the component's order.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lpx_describe(
    wasm: *const u8,
    len: usize,
    f: extern "C" fn(*mut c_void, *const Row),
    data: *mut c_void,
) -> CError {
    c_error(guard(|| {
        // SAFETY: `ext.h` asks for `len` readable bytes.
        let wasm = unsafe { crate::bytes(wasm, len) };
        let DecodedWasm::Component(resolve, world) =
            decode(wasm).map_err(|e| wasmtime::Error::msg(format!("{e:#}")))?
        else {
            return Err(wasmtime::Error::msg("this is a WIT package, not a component"));
        };
        let world = &resolve.worlds[world];
        let texts = Texts { r: &resolve, left: Cell::new(MAX_TEXT) };
        for (export, items) in [(false, &world.imports), (true, &world.exports)] {
            for (key, item) in items {
                item_rows(&texts, export, key, item, &mut |row| f(data, row));
            }
        }
        if !texts.spend(0) {
            return Err(wasmtime::Error::msg("its types take too much to write down"));
        }
        Ok(())
    }))
}

fn item_rows(x: &Texts, export: bool, key: &WorldKey, item: &WorldItem, give: &mut dyn FnMut(&Row)) {
    let r = x.r;
    let name = r.name_world_key(key);
    let mut row = |kind, interface: &str, function: &str, shape: Option<&Function>| {
        let text = shape.map_or(String::new(), |f| signature(x, f));
        let structure = shape.map_or(String::new(), |f| structure(x, f));
        give(&Row {
            export,
            kind,
            interface: Text::of(interface),
            function: Text::of(function),
            signature: Text::of(&text),
            structure: Text::of(&structure),
        })
    };
    match item {
        WorldItem::Interface { id, .. } => {
            row(1, &name, "", None);
            for (type_name, id) in &r.interfaces[*id].types {
                if matches!(r.types[*id].kind, TypeDefKind::Resource) {
                    row(2, &name, type_name, None);
                }
            }
            for (function_name, function) in &r.interfaces[*id].functions {
                row(0, &name, function_name, Some(function));
            }
        }
        WorldItem::Function(function) => row(0, "", &name, Some(function)),
        WorldItem::Type { .. } => {}
    }
}

fn signature(x: &Texts, f: &Function) -> String {
    let params: Vec<String> =
        f.params.iter().map(|p| format!("{}: {}", p.name, type_text(x, &p.ty))).collect();
    let result = f.result.as_ref().map_or(String::new(), |t| format!(" -> {}", type_text(x, t)));
    format!("func({}){result}", params.join(", "))
}

fn type_text(x: &Texts, t: &Type) -> String {
    if !x.spend(1) {
        return "...".into();
    }
    match t {
        Type::Id(id) => defined(x, *id),
        Type::Bool => "bool".into(),
        Type::U8 => "u8".into(),
        Type::U16 => "u16".into(),
        Type::U32 => "u32".into(),
        Type::U64 => "u64".into(),
        Type::S8 => "s8".into(),
        Type::S16 => "s16".into(),
        Type::S32 => "s32".into(),
        Type::S64 => "s64".into(),
        Type::F32 => "f32".into(),
        Type::F64 => "f64".into(),
        Type::Char => "char".into(),
        Type::String => "string".into(),
        _ => "error-context".into(),
    }
}

fn defined(x: &Texts, id: TypeId) -> String {
    let def = &x.r.types[id];
    if let Some(name) = &def.name {
        return name.clone();
    }
    let optional = |t: &Option<Type>| t.as_ref().map_or("_".to_string(), |t| type_text(x, t));
    match &def.kind {
        TypeDefKind::Handle(Handle::Own(id)) => defined(x, *id),
        TypeDefKind::Handle(Handle::Borrow(id)) => format!("borrow<{}>", defined(x, *id)),
        TypeDefKind::List(t) => format!("list<{}>", type_text(x, t)),
        TypeDefKind::Option(t) => format!("option<{}>", type_text(x, t)),
        TypeDefKind::Result(t) if t.ok.is_none() && t.err.is_none() => "result".into(),
        TypeDefKind::Result(t) if t.err.is_none() => format!("result<{}>", optional(&t.ok)),
        TypeDefKind::Result(t) => format!("result<{}, {}>", optional(&t.ok), optional(&t.err)),
        TypeDefKind::Tuple(t) => {
            let parts: Vec<String> = t.types.iter().map(|t| type_text(x, t)).collect();
            format!("tuple<{}>", parts.join(", "))
        }
        TypeDefKind::Type(t) => type_text(x, t),
        other => other.as_str().to_string(),
    }
}

/// Without names of types and parameters: what `lp_signature_text` (type.c) makes of the same function.
fn structure(x: &Texts, f: &Function) -> String {
    let params: Vec<String> = f.params.iter().map(|p| structure_of(x, &p.ty)).collect();
    let result = f.result.as_ref().map_or(String::new(), |t| format!("->{}", structure_of(x, t)));
    format!("({}){result}", params.join(","))
}

fn structure_of(x: &Texts, t: &Type) -> String {
    let Type::Id(id) = t else { return type_text(x, t) };
    if !x.spend(1) {
        return "...".into();
    }
    let optional = |t: &Option<Type>| t.as_ref().map_or("_".to_string(), |t| structure_of(x, t));
    let joined = |parts: Vec<String>| parts.join(",");
    match &x.r.types[*id].kind {
        TypeDefKind::Type(t) => structure_of(x, t),
        TypeDefKind::Handle(Handle::Own(id)) => format!("own<{}>", resource(x, *id)),
        TypeDefKind::Handle(Handle::Borrow(id)) => format!("borrow<{}>", resource(x, *id)),
        TypeDefKind::List(t) => format!("list<{}>", structure_of(x, t)),
        TypeDefKind::Option(t) => format!("option<{}>", structure_of(x, t)),
        TypeDefKind::Result(t) => format!("result<{},{}>", optional(&t.ok), optional(&t.err)),
        TypeDefKind::Tuple(t) => {
            format!("tuple<{}>", joined(t.types.iter().map(|t| structure_of(x, t)).collect()))
        }
        TypeDefKind::Record(t) => {
            x.spend(t.fields.iter().map(|f| f.name.len()).sum());
            let fields = t.fields.iter().map(|f| format!("{}:{}", f.name, structure_of(x, &f.ty)));
            format!("record{{{}}}", joined(fields.collect()))
        }
        TypeDefKind::Variant(t) => {
            x.spend(t.cases.iter().map(|c| c.name.len()).sum());
            let case = |c: &wit_parser::Case| match &c.ty {
                Some(ty) => format!("{}({})", c.name, structure_of(x, ty)),
                None => c.name.clone(),
            };
            format!("variant{{{}}}", joined(t.cases.iter().map(case).collect()))
        }
        TypeDefKind::Enum(t) => {
            x.spend(t.cases.iter().map(|c| c.name.len()).sum());
            format!("enum{{{}}}", joined(t.cases.iter().map(|c| c.name.clone()).collect()))
        }
        TypeDefKind::Flags(t) => {
            x.spend(t.flags.iter().map(|f| f.name.len()).sum());
            format!("flags{{{}}}", joined(t.flags.iter().map(|f| f.name.clone()).collect()))
        }
        other => other.as_str().to_string(),
    }
}

/// The resource behind a handle, by the interface that defines it, without a version.
fn resource(x: &Texts, id: TypeId) -> String {
    let r = x.r;
    let def = &r.types[id];
    if let TypeDefKind::Type(Type::Id(of)) = def.kind {
        return resource(x, of);
    }
    let name = def.name.as_deref().unwrap_or("?");
    let TypeOwner::Interface(i) = def.owner else { return name.into() };
    match (&r.interfaces[i].package, &r.interfaces[i].name) {
        (Some(p), Some(interface)) => {
            let p = &r.packages[*p].name;
            format!("{}:{}/{interface}.{name}", p.namespace, p.name)
        }
        _ => format!("{}.{name}", inline_name(x, i)),
    }
}

/// The name under which a world imports or exports an interface that has none of its own.
fn inline_name<'a>(x: &Texts<'a>, id: InterfaceId) -> &'a str {
    let r = x.r;
    x.spend(r.worlds.iter().map(|(_, w)| w.imports.len() + w.exports.len()).sum());
    let items = r.worlds.iter().flat_map(|(_, w)| w.imports.iter().chain(&w.exports));
    for (key, item) in items {
        if let (WorldKey::Name(n), WorldItem::Interface { id: i, .. }) = (key, item)
            && *i == id
        {
            return n;
        }
    }
    "?"
}
