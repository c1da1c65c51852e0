//! Values of the component model as Rust and as bytes.
//!
//! | WIT | Rust |
//! |---|---|
//! | `bool`, numbers, `char`, `string` | the same, `String` |
//! | `list<T>`, `option<T>`, `tuple<A,B>` | `Vec<T>`, `Option<T>`, `(A, B)` |
//! | `result<T,E>` | `Result<T, E>`; `()` for no payload |
//! | `record`, `variant`, `enum`, `flags` | [`record!`](crate::record!), [`variant!`](crate::variant!), [`enumeration!`](crate::enumeration!), [`flags!`](crate::flags!) |
//! | `own<R>`, `borrow<R>` | [`Own`](crate::Own), [`Borrow`](crate::Borrow) |
//!
//! A type's structural text, which both sides compare, is made of the Rust type: nobody writes it.
//! What comes in is checked as sidecar/PROTOCOL.md says.

use crate::memory::Link;
use std::fmt;
use std::io::{self, Read};
use std::marker::PhantomData;

/// The length that says: in the shared memory.
const ELSEWHERE: u64 = 0xffff_ffff;
/// Bytes that the references of one message may ask for.
const MOST_TOGETHER: usize = 128 << 20;
/// From here on bytes go through the shared memory, where there is one.
const BULK: usize = 65536;

/// Bytes that are not what their type says, or a value that cannot be written.
#[derive(Debug, PartialEq)]
pub struct Malformed(pub String);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Malformed {}

pub(crate) fn malformed<T>(why: impl Into<String>) -> Result<T, Malformed> {
    Err(Malformed(why.into()))
}

/// What can be an argument or a result.
pub trait Value: Sized {
    /// Appends the structural text, `list<u32>`.
    fn text(to: &mut String);
    fn write(&self, w: &mut Writer) -> Result<(), Malformed>;
    fn read(r: &mut Reader) -> Result<Self, Malformed>;

    /// A list of them: `u8` has its own way.
    fn write_list(items: &[Self], w: &mut Writer) -> Result<(), Malformed> {
        w.length(items.len())?;
        items.iter().try_for_each(|item| item.write(w))
    }

    fn read_list(r: &mut Reader) -> Result<Vec<Self>, Malformed> {
        let n = r.unsigned(32)? as usize;
        if n > r.left() {
            r.missing = n - r.left();
            return malformed(format!("a list of {n} in {} bytes", r.left())); // each has one, at least
        }
        let mut found = Vec::with_capacity(n.min(1024));
        for _ in 0..n {
            found.push(Self::read(r)?);
        }
        Ok(found)
    }
}

/// The structural text of a type.
pub fn text_of<T: Value>() -> String {
    let mut text = String::new();
    T::text(&mut text);
    text
}

/// Bytes to read from.
pub struct Reader<'a> {
    data: &'a [u8],
    at: usize,
    referred: usize,
    missing: usize, // bytes that were there too few, at least
    pub(crate) link: Option<&'a Link<'a>>,
}

impl<'a> Reader<'a> {
    pub fn new(data: &'a [u8]) -> Reader<'a> {
        Reader { data, at: 0, referred: 0, missing: 0, link: None }
    }

    pub(crate) fn with(data: &'a [u8], link: &'a Link<'a>) -> Reader<'a> {
        Reader { link: Some(link), ..Reader::new(data) }
    }

    pub(crate) fn left(&self) -> usize {
        self.data.len() - self.at
    }

    /// Nothing may be behind a value.
    pub fn end(&self) -> Result<(), Malformed> {
        match self.left() {
            0 => Ok(()),
            n => malformed(format!("{n} bytes are behind the value")),
        }
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.take(1)?[0])
    }

    pub(crate) fn take(&mut self, n: usize) -> Result<&'a [u8], Malformed> {
        if n > self.left() {
            self.missing = n - self.left();
            return malformed(format!("{n} bytes are said to follow, {} do", self.left()));
        }
        self.at += n;
        Ok(&self.data[self.at - n..self.at])
    }

    pub(crate) fn unsigned(&mut self, bits: u32) -> Result<u64, Malformed> {
        let (mut value, mut shift) = (0u128, 0);
        loop {
            let byte = self.byte()?;
            value |= u128::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                break;
            }
            if shift >= bits {
                return malformed(format!("a number is too long for u{bits}"));
            }
        }
        if value >> bits != 0 {
            return malformed(format!("{value} is too large for u{bits}"));
        }
        Ok(value as u64)
    }

    fn signed(&mut self, bits: u32) -> Result<i64, Malformed> {
        let (mut value, mut shift) = (0i128, 0);
        let last = loop {
            let byte = self.byte()?;
            value |= i128::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                break byte;
            }
            if shift >= bits {
                return malformed(format!("a number is too long for s{bits}"));
            }
        };
        if last & 0x40 != 0 {
            value -= 1 << shift;
        }
        if value < -(1 << (bits - 1)) || value >= 1 << (bits - 1) {
            return malformed(format!("{value} does not fit s{bits}"));
        }
        Ok(value as i64)
    }

    /// Which of `n` cases.
    pub fn case(&mut self, n: usize) -> Result<usize, Malformed> {
        let i = self.unsigned(32)? as usize;
        if i < n { Ok(i) } else { malformed(format!("the case {i} of {n}")) }
    }

    fn tag(&mut self, what: &str) -> Result<bool, Malformed> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            b => malformed(format!("{b} is no {what}")),
        }
    }

    /// The bytes of a string or a list<u8>, wherever they are.
    fn chunk(&mut self) -> Result<Vec<u8>, Malformed> {
        let n = self.unsigned(32)?;
        if n != ELSEWHERE {
            return Ok(self.take(n as usize)?.to_vec());
        }
        let (offset, n) = (self.unsigned(32)?, self.unsigned(32)? as usize);
        self.referred += n;
        if self.referred > MOST_TOGETHER {
            return malformed("the values of a call take more than 128 MiB");
        }
        match self.link {
            Some(link) => link.fetch(offset, n),
            None => malformed("a reference into shared memory, and there is none"),
        }
    }
}

/// Bytes that grow.
#[derive(Default)]
pub struct Writer<'a> {
    pub(crate) data: Vec<u8>,
    pub(crate) link: Option<&'a Link<'a>>,
}

impl Writer<'_> {
    pub(crate) fn unsigned(&mut self, mut value: u64) {
        while value > 0x7f {
            self.data.push(value as u8 & 0x7f | 0x80);
            value >>= 7;
        }
        self.data.push(value as u8);
    }

    fn signed(&mut self, mut value: i64) {
        while !(-64..64).contains(&value) {
            self.data.push(value as u8 & 0x7f | 0x80);
            value >>= 7;
        }
        self.data.push(value as u8 & 0x7f);
    }

    /// The number of a case.
    pub fn case(&mut self, i: usize) {
        self.unsigned(i as u64);
    }

    fn length(&mut self, n: usize) -> Result<(), Malformed> {
        if n as u64 >= ELSEWHERE {
            return malformed("a list of 4 GiB");
        }
        self.unsigned(n as u64);
        Ok(())
    }

    fn chunk(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        let place = if bytes.len() >= BULK { self.link.and_then(|l| l.place(bytes)) } else { None };
        if let Some(offset) = place {
            self.unsigned(ELSEWHERE);
            self.unsigned(offset);
            return self.length(bytes.len());
        }
        self.length(bytes.len())?;
        self.data.extend_from_slice(bytes);
        Ok(())
    }
}

impl Value for bool {
    fn text(to: &mut String) {
        to.push_str("bool");
    }
    fn write(&self, w: &mut Writer) -> Result<(), Malformed> {
        w.data.push(u8::from(*self));
        Ok(())
    }
    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        r.tag("bool")
    }
}

impl Value for u8 {
    fn text(to: &mut String) {
        to.push_str("u8");
    }
    fn write(&self, w: &mut Writer) -> Result<(), Malformed> {
        w.data.push(*self);
        Ok(())
    }
    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        r.byte()
    }
    fn write_list(items: &[u8], w: &mut Writer) -> Result<(), Malformed> {
        w.chunk(items)
    }
    fn read_list(r: &mut Reader) -> Result<Vec<u8>, Malformed> {
        r.chunk()
    }
}

impl Value for i8 {
    fn text(to: &mut String) {
        to.push_str("s8");
    }
    fn write(&self, w: &mut Writer) -> Result<(), Malformed> {
        w.data.push(*self as u8);
        Ok(())
    }
    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        Ok(r.byte()? as i8)
    }
}

macro_rules! numbers {
    ($($t:ty, $text:literal, $way:ident, $bits:literal, $wide:ty;)*) => {$(
        impl Value for $t {
            fn text(to: &mut String) {
                to.push_str($text);
            }
            fn write(&self, w: &mut Writer) -> Result<(), Malformed> {
                w.$way(<$wide>::from(*self));
                Ok(())
            }
            fn read(r: &mut Reader) -> Result<Self, Malformed> {
                Ok(r.$way($bits)? as $t) // fits: it was checked against the bits
            }
        }
    )*};
}
numbers! {
    u16, "u16", unsigned, 16, u64;
    u32, "u32", unsigned, 32, u64;
    u64, "u64", unsigned, 64, u64;
    i16, "s16", signed, 16, i64;
    i32, "s32", signed, 32, i64;
    i64, "s64", signed, 64, i64;
}

macro_rules! floats {
    ($($t:ty, $text:literal, $size:literal, $nan:literal;)*) => {$(
        impl Value for $t {
            fn text(to: &mut String) {
                to.push_str($text);
            }
            fn write(&self, w: &mut Writer) -> Result<(), Malformed> {
                let bits = if self.is_nan() { $nan } else { self.to_bits() };
                w.data.extend_from_slice(&bits.to_le_bytes());
                Ok(())
            }
            fn read(r: &mut Reader) -> Result<Self, Malformed> {
                let mut bytes = [0; $size];
                bytes.copy_from_slice(r.take($size)?);
                Ok(<$t>::from_le_bytes(bytes))
            }
        }
    )*};
}
floats! {
    f32, "f32", 4, 0x7fc0_0000;
    f64, "f64", 8, 0x7ff8_0000_0000_0000;
}

fn utf8(bytes: Vec<u8>) -> Result<String, Malformed> {
    String::from_utf8(bytes).or_else(|_| malformed("text that is not UTF-8"))
}

impl Value for char {
    fn text(to: &mut String) {
        to.push_str("char");
    }
    fn write(&self, w: &mut Writer) -> Result<(), Malformed> {
        w.data.extend_from_slice(self.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }
    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        let first = r.byte()?;
        let more = match first {
            0..0x80 => 0,
            0x80..0xe0 => 1,
            0xe0..0xf0 => 2,
            _ => 3,
        };
        let text = utf8([&[first], r.take(more)?].concat())?;
        text.chars().next().ok_or_else(|| Malformed("no char".into()))
    }
}

impl Value for String {
    fn text(to: &mut String) {
        to.push_str("string");
    }
    fn write(&self, w: &mut Writer) -> Result<(), Malformed> {
        w.chunk(self.as_bytes())
    }
    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        utf8(r.chunk()?)
    }
}

/// No payload: of a result, or of a function.
impl Value for () {
    fn text(to: &mut String) {
        to.push('_');
    }
    fn write(&self, _: &mut Writer) -> Result<(), Malformed> {
        Ok(())
    }
    fn read(_: &mut Reader) -> Result<Self, Malformed> {
        Ok(())
    }
}

fn texts(to: &mut String, kind: &str, parts: &[fn(&mut String)]) {
    to.push_str(kind);
    for (i, part) in parts.iter().enumerate() {
        to.push(if i == 0 { '<' } else { ',' });
        part(to);
    }
    to.push('>');
}

impl<T: Value> Value for Vec<T> {
    fn text(to: &mut String) {
        texts(to, "list", &[T::text]);
    }
    fn write(&self, w: &mut Writer) -> Result<(), Malformed> {
        T::write_list(self, w)
    }
    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        T::read_list(r)
    }
}

impl<T: Value> Value for Option<T> {
    fn text(to: &mut String) {
        texts(to, "option", &[T::text]);
    }
    fn write(&self, w: &mut Writer) -> Result<(), Malformed> {
        w.data.push(u8::from(self.is_some()));
        self.iter().try_for_each(|value| value.write(w))
    }
    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        Ok(if r.tag("tag of an option")? { Some(T::read(r)?) } else { None })
    }
}

impl<T: Value, E: Value> Value for Result<T, E> {
    fn text(to: &mut String) {
        texts(to, "result", &[T::text, E::text]);
    }
    fn write(&self, w: &mut Writer) -> Result<(), Malformed> {
        w.data.push(u8::from(self.is_err()));
        match self {
            Ok(value) => value.write(w),
            Err(error) => error.write(w),
        }
    }
    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        Ok(if r.tag("tag of a result")? { Err(E::read(r)?) } else { Ok(T::read(r)?) })
    }
}

/// The parameters of a function: a tuple, which may be empty.
pub trait Params: Sized {
    /// `(u32,string)`
    fn text() -> String;
    fn write(&self, w: &mut Writer) -> Result<(), Malformed>;
    fn read(r: &mut Reader) -> Result<Self, Malformed>;
}

impl Params for () {
    fn text() -> String {
        "()".into()
    }
    fn write(&self, _: &mut Writer) -> Result<(), Malformed> {
        Ok(())
    }
    fn read(_: &mut Reader) -> Result<Self, Malformed> {
        Ok(())
    }
}

macro_rules! tuples {
    ($(($($t:ident $n:tt),+))*) => {$(
        impl<$($t: Value),+> Value for ($($t,)+) {
            fn text(to: &mut String) {
                texts(to, "tuple", &[$($t::text),+]);
            }
            fn write(&self, w: &mut Writer) -> Result<(), Malformed> {
                $(self.$n.write(w)?;)+
                Ok(())
            }
            fn read(r: &mut Reader) -> Result<Self, Malformed> {
                Ok(($($t::read(r)?,)+))
            }
        }

        impl<$($t: Value),+> Params for ($($t,)+) {
            fn text() -> String {
                let text = text_of::<Self>();
                format!("({})", &text["tuple<".len()..text.len() - 1])
            }
            fn write(&self, w: &mut Writer) -> Result<(), Malformed> {
                Value::write(self, w)
            }
            fn read(r: &mut Reader) -> Result<Self, Malformed> {
                Value::read(r)
            }
        }
    )*};
}
tuples! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13, O 14)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13, O 14, P 15)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13, O 14, P 15, Q 16)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13, O 14, P 15, Q 16, S 17)
}

/// A value as bytes, such as a state to save. It has no handles.
pub fn to_bytes<T: Value>(value: &T) -> Result<Vec<u8>, Malformed> {
    let mut w = Writer::default();
    value.write(&mut w)?;
    Ok(w.data)
}

/// The value that all of the bytes are.
pub fn from_bytes<T: Value>(data: &[u8]) -> Result<T, Malformed> {
    let mut r = Reader::new(data);
    let value = T::read(&mut r)?;
    r.end()?;
    Ok(value)
}

/// The values that stand one behind the other in what is read, such as a state to restore: each as soon as it
/// is there, and an error where one is none, ends too early or has more than 64 MiB.
pub fn each<T: Value, R: Read>(from: R) -> Each<T, R> {
    Each { from, data: Vec::new(), at: 0, needed: 1, ended: false, value: PhantomData }
}

/// See [`each`].
pub struct Each<T, R> {
    from: R,
    data: Vec<u8>,
    at: usize,
    needed: usize, // bytes that the next value has at least
    ended: bool,
    value: PhantomData<T>,
}

const LONGEST_VALUE: usize = 64 << 20;
const READ_AT_ONCE: usize = 64 << 10;

impl<T: Value, R: Read> Each<T, R> {
    fn value(&mut self) -> io::Result<Option<T>> {
        loop {
            let mut r = Reader::new(&self.data[self.at..]);
            let left = r.left();
            if left >= self.needed {
                match T::read(&mut r) {
                    Ok(value) => {
                        (self.at, self.needed) = (self.data.len() - r.left(), 1);
                        return Ok(Some(value));
                    }
                    Err(why) if r.missing == 0 || self.ended => return Err(io::Error::new(io::ErrorKind::InvalidData, why)),
                    // What is long is not looked at for every piece.
                    Err(_) => self.needed = left + r.missing.max(left / 2),
                }
                if left + r.missing > LONGEST_VALUE {
                    let why = format!("a value of more than {LONGEST_VALUE} bytes");
                    return Err(io::Error::new(io::ErrorKind::InvalidData, why));
                }
            }
            if self.ended {
                self.needed = 1; // of what is left, if there is some
                return if left == 0 { Ok(None) } else { continue };
            }
            self.data.drain(..std::mem::take(&mut self.at));
            let wanted = READ_AT_ONCE.max(self.needed - self.data.len());
            self.ended = (&mut self.from).take(wanted as u64).read_to_end(&mut self.data)? < wanted;
        }
    }
}

impl<T: Value, R: Read> Iterator for Each<T, R> {
    type Item = io::Result<T>;

    fn next(&mut self) -> Option<io::Result<T>> {
        self.value().transpose()
    }
}
