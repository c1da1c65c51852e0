//! Records, variants, enums and flags of WIT as Rust's own types: `record!`, `variant!`, `enumeration!`, `flags!`.

use crate::value::{Malformed, Reader, Writer, malformed};

/// A name in Rust as WIT writes it: `list_keys`, `ListKeys` and `r#list_keys` are `list-keys`.
pub fn kebab(name: &str) -> String {
    let mut to = String::new();
    for (i, c) in name.trim_start_matches("r#").chars().enumerate() {
        if c.is_ascii_uppercase() && i > 0 {
            to.push('-');
        }
        to.push(if c == '_' { '-' } else { c.to_ascii_lowercase() });
    }
    to
}

/// A record: `record! { pub struct Entry { value: Vec<u8>, version: String } }`.
#[macro_export]
macro_rules! record {
    ($(#[$meta:meta])* $vis:vis struct $name:ident {
        $($(#[$fmeta:meta])* $fvis:vis $field:ident : $t:ty),+ $(,)?
    }) => {
        $(#[$meta])* $vis struct $name { $($(#[$fmeta])* $fvis $field: $t),+ }

        impl $crate::Value for $name {
            fn text(to: &mut String) {
                to.push_str("record");
                let mut before = '{';
                $(
                    to.push(before);
                    to.push_str(&$crate::kebab(stringify!($field)));
                    to.push(':');
                    <$t as $crate::Value>::text(to);
                    before = ',';
                )+
                let _ = before;
                to.push('}');
            }
            fn write(&self, w: &mut $crate::Writer) -> Result<(), $crate::Malformed> {
                $($crate::Value::write(&self.$field, w)?;)+
                Ok(())
            }
            fn read(r: &mut $crate::Reader) -> Result<Self, $crate::Malformed> {
                Ok($name { $($field: $crate::Value::read(r)?),+ })
            }
        }
    };
}

/// A variant: `variant! { pub enum Condition { Always, Unchanged(String) } }`.
#[macro_export]
macro_rules! variant {
    ($(#[$meta:meta])* $vis:vis enum $name:ident {
        $($(#[$cmeta:meta])* $case:ident $(($t:ty))?),+ $(,)?
    }) => {
        $crate::variant!(@both "variant" $(#[$meta])* $vis enum $name { $($(#[$cmeta])* $case $(($t))?),+ });
    };
    (@both $kind:literal $(#[$meta:meta])* $vis:vis enum $name:ident {
        $($(#[$cmeta:meta])* $case:ident $(($t:ty))?),+
    }) => {
        $(#[$meta])* $vis enum $name { $($(#[$cmeta])* $case $(($t))?),+ }

        impl $crate::Value for $name {
            fn text(to: &mut String) {
                to.push_str($kind);
                let mut before = '{';
                $(
                    to.push(before);
                    to.push_str(&$crate::kebab(stringify!($case)));
                    $(
                        to.push('(');
                        <$t as $crate::Value>::text(to);
                        to.push(')');
                    )?
                    before = ',';
                )+
                let _ = before;
                to.push('}');
            }
            fn write(&self, w: &mut $crate::Writer) -> Result<(), $crate::Malformed> {
                #[allow(non_camel_case_types, clippy::enum_variant_names)]
                enum At { $($case),+ }
                $($crate::variant!(@write self w $name $case At $(($t))?);)+
                Ok(())
            }
            fn read(r: &mut $crate::Reader) -> Result<Self, $crate::Malformed> {
                const CASES: &[fn(&mut $crate::Reader) -> Result<$name, $crate::Malformed>] =
                    &[$($crate::variant!(@read $name $case $(($t))?)),+];
                let i = r.case(CASES.len())?;
                CASES[i](r)
            }
        }
    };
    (@write $self:ident $w:ident $name:ident $case:ident $at:ident) => {
        if let $name::$case = $self {
            $w.case($at::$case as usize);
        }
    };
    (@write $self:ident $w:ident $name:ident $case:ident $at:ident ($t:ty)) => {
        if let $name::$case(payload) = $self {
            $w.case($at::$case as usize);
            $crate::Value::write(payload, $w)?;
        }
    };
    (@read $name:ident $case:ident) => { |_| Ok($name::$case) };
    (@read $name:ident $case:ident ($t:ty)) => { |r| Ok($name::$case(<$t as $crate::Value>::read(r)?)) };
}

/// An enum of WIT, whose cases have no payload: `enumeration! { pub enum Side { Left, Right } }`.
#[macro_export]
macro_rules! enumeration {
    ($(#[$meta:meta])* $vis:vis enum $name:ident {
        $($(#[$cmeta:meta])* $case:ident),+ $(,)?
    }) => {
        $crate::variant!(@both "enum" $(#[$meta])* $vis enum $name { $($(#[$cmeta])* $case),+ });
    };
}

/// Flags, as a struct of bools: `flags! { pub struct Rights { read, write } }`.
#[macro_export]
macro_rules! flags {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($flag:ident),+ $(,)? }) => {
        $(#[$meta])* $vis struct $name { $(pub $flag: bool),+ }

        impl $crate::Value for $name {
            fn text(to: &mut String) {
                let names = [$($crate::kebab(stringify!($flag))),+];
                to.push_str(&format!("flags{{{}}}", names.join(",")));
            }
            fn write(&self, w: &mut $crate::Writer) -> Result<(), $crate::Malformed> {
                $crate::macros::write_flags(w, &[$(self.$flag),+])
            }
            fn read(r: &mut $crate::Reader) -> Result<Self, $crate::Malformed> {
                let mut found = $crate::macros::read_flags(r, [$(stringify!($flag)),+].len())?.into_iter();
                Ok($name { $($flag: found.next() == Some(true)),+ })
            }
        }
    };
}

#[doc(hidden)]
pub fn write_flags(w: &mut Writer, set: &[bool]) -> Result<(), Malformed> {
    for eight in set.chunks(8) {
        w.data.push(eight.iter().enumerate().fold(0, |bits, (i, set)| bits | u8::from(*set) << i));
    }
    Ok(())
}

#[doc(hidden)]
pub fn read_flags(r: &mut Reader, n: usize) -> Result<Vec<bool>, Malformed> {
    let bytes = r.take(n.div_ceil(8))?;
    if n % 8 != 0 && bytes[n / 8] >> (n % 8) != 0 {
        return malformed("a flag that the type does not have");
    }
    Ok((0..n).map(|i| bytes[i / 8] >> (i % 8) & 1 == 1).collect())
}
