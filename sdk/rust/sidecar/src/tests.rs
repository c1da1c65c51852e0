//! Each line of the example blocks of sidecar/PROTOCOL.md, both ways.

use crate::frames::*;
use crate::memory::{Borrow, Link, Objects, Own, Resource};
use crate::serve::payload_text;
use crate::value::{Reader, Value, Writer, each, text_of, to_bytes};
use crate::{enumeration, flags, record, variant};
use std::fmt::Debug;
use std::sync::Arc;

const PAGE: &str = include_str!("../../../../sidecar/PROTOCOL.md");

/// The lines of the block with that tag, each as what stands between bars.
fn lines(tag: &str) -> std::vec::IntoIter<Vec<&'static str>> {
    let mut blocks = PAGE.split("\n```").filter_map(|b| b.strip_prefix(tag)?.strip_prefix('\n'));
    let block = blocks.next().unwrap_or_else(|| panic!("the page has no block '{tag}'"));
    block.lines().map(|line| line.split('|').map(str::trim).collect()).collect::<Vec<_>>().into_iter()
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.split_whitespace().map(|b| u8::from_str_radix(b, 16).unwrap()).collect()
}

struct Bucket;
impl Resource for Bucket {
    const NAME: &'static str = "acme:kv/store.bucket";
}

fn objects() -> Arc<Objects> {
    let resources = [("acme:kv/store.bucket".to_string(), (0, 0))].into_iter();
    Objects::new(resources, |_, _, handle| assert_eq!(handle, 300))
}

fn encoded<T: Value>(value: &T, objects: &Arc<Objects>) -> Vec<u8> {
    let link = Link::new(objects, 0, false);
    let mut w = Writer { link: Some(&link), ..Writer::default() };
    value.write(&mut w).unwrap();
    w.data
}

fn decoded<T: Value>(data: &[u8], objects: &Arc<Objects>) -> Result<T, crate::Malformed> {
    let link = Link::new(objects, 0, false);
    let mut r = Reader::with(data, &link);
    T::read(&mut r).and_then(|v| r.end().map(|()| v))
}

/// The next line is about this value.
fn both<T: Value + PartialEq + Debug>(lines: &mut impl Iterator<Item = Vec<&'static str>>, value: T) {
    let line = lines.next().expect("the page has no such line");
    let (objects, data) = (objects(), bytes(line[2]));
    assert_eq!(text_of::<T>(), line[0]);
    assert_eq!(encoded(&value, &objects), data, "{line:?}");
    let found = decoded::<T>(&data, &objects).unwrap();
    assert_eq!(format!("{found:?}"), format!("{value:?}"), "{line:?}"); // NaN is not NaN
}

variant! { #[derive(Debug, PartialEq)] enum Any { None, Number(f64), Text(String) } }
enumeration! { #[derive(Debug, PartialEq)] enum Height { Low, Middle, High } }
enumeration! { #[derive(Debug, PartialEq)] enum Side { X, Y } }
variant! { #[derive(Debug, PartialEq)] enum Mixed { A(Result<Vec<u16>, Side>), B } }
flags! { #[derive(Debug, PartialEq)] struct Three { a, b, c } }
flags! { #[derive(Debug, PartialEq)] struct Nine { f0, f1, f2, f3, f4, f5, f6, f7, f8 } }
record! { #[derive(Debug, PartialEq)] struct Named { name: String, value: i64 } }
record! { #[derive(Debug, PartialEq)] struct Tagged { id: u32, tags: Vec<String>, at: Option<(f32, f32)> } }

#[test]
fn every_value_is_written_and_read_as_the_page_says() {
    let mut l = lines("values");
    let s = String::from;
    both(&mut l, false);
    both(&mut l, true);
    [0, 255].into_iter().for_each(|v: u8| both(&mut l, v));
    [-1, -128].into_iter().for_each(|v: i8| both(&mut l, v));
    [127, 128, 65535].into_iter().for_each(|v: u16| both(&mut l, v));
    [-1, 63, 64, -32768].into_iter().for_each(|v: i16| both(&mut l, v));
    [300, u32::MAX].into_iter().for_each(|v| both(&mut l, v));
    [-129, i32::MIN].into_iter().for_each(|v| both(&mut l, v));
    [0, u64::MAX].into_iter().for_each(|v| both(&mut l, v));
    [i64::MAX, i64::MIN].into_iter().for_each(|v| both(&mut l, v));
    [1.5, f32::NAN].into_iter().for_each(|v| both(&mut l, v));
    [-0.1, f64::INFINITY, f64::NAN].into_iter().for_each(|v| both(&mut l, v));
    ['a', 'é', '😀'].into_iter().for_each(|v| both(&mut l, v));
    ["", "hé"].into_iter().for_each(|v| both(&mut l, s(v)));
    both(&mut l, vec![1u8, 2, 255]);
    both(&mut l, vec![true, false]);
    both(&mut l, vec![1u32, 128, 16384]);
    both(&mut l, vec![1.0f64, -2.0]);
    both(&mut l, vec![s("a"), s(""), s("bc")]);
    both(&mut l, vec![vec![], vec![7u8]]);
    both(&mut l, Named { name: s("n"), value: -1 });
    both(&mut l, (7u8, s("x"), true));
    both(&mut l, Any::None);
    both(&mut l, Any::Text(s("t")));
    both(&mut l, Height::High);
    both(&mut l, None::<u32>);
    both(&mut l, Some(5u32));
    both(&mut l, Some(None::<u8>));
    both(&mut l, Ok::<u32, String>(1));
    both(&mut l, Err::<u32, String>(s("no")));
    both(&mut l, Ok::<(), String>(()));
    both(&mut l, Err::<(), ()>(()));
    both(&mut l, Three { a: false, b: false, c: false });
    both(&mut l, Three { a: true, b: false, c: true });
    let no = false;
    both(&mut l, Nine { f0: true, f1: no, f2: no, f3: no, f4: no, f5: no, f6: no, f7: no, f8: true });
    handles(&mut l);
    let first = Tagged { id: 1, tags: vec![s("x")], at: None };
    both(&mut l, vec![first, Tagged { id: 2, tags: vec![], at: Some((0.5, 2.0)) }]);
    both(&mut l, Mixed::A(Err(Side::Y)));
    assert_eq!(l.next(), None, "a line that is not tested here");
}

/// An object of ours, the number 1, and one behind the host, 300.
fn handles(l: &mut impl Iterator<Item = Vec<&'static str>>) {
    let (objects, own, borrow) = (objects(), l.next().unwrap(), l.next().unwrap());
    assert_eq!([text_of::<Own<Bucket>>().as_str(), &text_of::<Borrow<Bucket>>()], [own[0], borrow[0]]);
    assert_eq!(encoded(&Own::new(Bucket), &objects), bytes(own[2]));
    assert!(decoded::<Own<Bucket>>(&bytes(own[2]), &objects).unwrap().here().is_some());
    assert!(decoded::<Own<Bucket>>(&bytes(own[2]), &objects).is_err(), "it was taken back");
    let far = decoded::<Borrow<Bucket>>(&bytes(borrow[2]), &objects).unwrap();
    assert!(far.here().is_none());
    assert_eq!(encoded(&far, &objects), bytes(borrow[2]));
}

#[test]
fn longer_numbers_are_read() {
    let objects = objects();
    for line in lines("values read") {
        let data = bytes(line[2]);
        let found = match line[0] {
            "u16" => i128::from(decoded::<u16>(&data, &objects).unwrap()),
            "u32" => decoded::<u32>(&data, &objects).unwrap().into(),
            "s32" => decoded::<i32>(&data, &objects).unwrap().into(),
            "u64" => decoded::<u64>(&data, &objects).unwrap().into(),
            other => panic!("a line that is not tested here: {other}"),
        };
        assert_eq!(found.to_string(), line[1]);
    }
}

enumeration! { enum Two { Low, High } }
variant! { enum AOrB { A, B(u8) } }

#[test]
fn what_is_no_value_is_refused() {
    let objects = objects();
    for line in lines("values refused") {
        macro_rules! refused {
            ($($t:ty),*) => {
                match line[0] {
                    $(text if text == text_of::<$t>() => decoded::<$t>(&bytes(line[1]), &objects).is_err(),)*
                    other => panic!("a line that is not tested here: {other}"),
                }
            };
        }
        assert!(
            refused!(
                bool, u8, u16, u32, u64, i16, f64, char, String, Vec<u32>, Vec<(u8, u8)>, Two, AOrB, Option<u8>,
                Result<u8, u8>, Three, Nine, Own<Bucket>
            ),
            "{line:?}"
        );
    }
}

/// Writes a value, and reads it back: both have to be as the page says.
fn message<T: Value>(row: &str, shown: &str, value: &T, tail: &[u8]) {
    let line = lines("messages").find(|l| l[0] == row && l[1].contains(shown));
    let line = line.unwrap_or_else(|| panic!("no line {row} {shown}"));
    let (name, id) = row.split_once(' ').unwrap();
    let (data, objects) = (bytes(line[2]), objects());
    let payload = [encoded(value, &objects), tail.to_vec()].concat();
    let header = Header::of(data[..12].try_into().unwrap()).unwrap();
    assert_eq!(header, Header { length: payload.len(), number: data[4], more: false, id: id.parse().unwrap() });
    assert_eq!(header.to_bytes(), data[..12], "{name}");
    assert_eq!(data[12..], payload, "{name}");
    assert_eq!(encoded(&decoded::<T>(&data[12..data.len() - tail.len()], &objects).unwrap(), &objects), payload[..payload.len() - tail.len()]);
}

#[test]
fn messages_are_those_of_the_page() {
    let s = String::from;
    let roll = FunctionRow { name: s("roll"), r#type: s("(u32)->u32"), implemented: true };
    let interface =
        InterfaceRow { name: s("acme:dice/roller"), version: s("0.1.0"), functions: vec![roll], resources: vec![] };
    let sides = crate::option("sides", "number", Some("6"), "of a die");
    message("WELCOME 0", "", &Welcome {
        magic: s("loop-sidecar"), protocols: vec![1], name: s("dice"), version: s("0.1.0"), summary: s(""),
        dev_only: false, credit: CREDIT, calls: 1, capabilities: vec![s("cancel")], options: vec![sides],
        interfaces: vec![interface],
    }, &[]);
    message("START 0", "", &Start {
        protocol: 1, host: s("loop 0.1.0"), capabilities: vec![s("cancel")], credit: CREDIT, shared: 0,
        log: Level::Info, deadline: 5000, options: vec![(s("sides"), s("20"))],
    }, &[]);
    let messages = vec![s("cannot reach the die"), s("no such device")];
    message("FAIL 0", "", &ErrorRow { code: s("unavailable"), messages, hint: Some(s("plug it in")) }, &[]);
    message("FAULT 4", "", &ErrorRow { code: s("internal"), messages: vec![s("lost the die")], hint: None }, &[]);
    message("CALLER 1", "", &Caller {
        component: s("notes"), identity: s("acme:notes"), instance: 7, storage: 16 << 20, storage_why: s(""),
    }, &[]);
    message("CALL 2", "", &(1u32, 0u32, 0u32, 5000u32, 0u32), &[6]);
    message("CALL 4", "", &(1u32, 0u32, 1u32, 0u32, 0u32), &[1, b'k', 3, 1, 2, 3]);
    message("CANCEL 4", "", &(Why::Deadline, 250u32), &[]);
    message("NEXT 1", "", &(2u32, 0u32, 0u32), &[6]);
    message("RESULT 1", "", &3u32, &[]);
    message("RESULT 2", "", &4u32, &[]);
    message("DROP 0", "", &(0u32, 0u32, 3u64), &[]);
    message("CREDIT 0", "", &2_097_152u32, &[]);
    message("SAVE 10", "", &(0u32, Pass::Whole), &[]);
    message("SAVE 18", "", &(1u32, Pass::Copy), &[]);
    message("RESTORE 12", "", &(300u32, Pass::Rest), &[]);
    message("SAVE-OBJECT 14", "", &(0u32, 1u32, 301u64), &[]);
    message("RESTORE-OBJECT 16", "", &(0u32, 1u32), &[]);
    message("RESULT 16", "", &7u64, &[]);
    for bare in ["READY 0", "RESULT 6", "CALLER-GONE 1", "RELEASE 4", "PING 7", "PONG 7", "QUIESCE 8", "RESUME 0"] {
        message(bare, "", &(), &[]);
    }
    let field = FieldRow { name: s("edge"), value: Field::Integer(3) };
    message("LOG 2", "", &LogRow {
        level: Level::Warn, wall_ms: 0, target: s("dice"), message: s("worn"), fields: vec![field],
    }, &[]);
    assert_eq!(lines("messages").count(), 28, "a line that is not tested here");
}

#[test]
fn the_table_of_frames_is_that_of_the_page() {
    for line in lines("frames") {
        let words: Vec<&str> = line[0].split_whitespace().collect();
        let number = u8::from_str_radix(&words[0][2..], 16).unwrap();
        let kind = Type::of(number).unwrap();
        let senders = match words[2] {
            "host" => "h",
            "sidecar" => "s",
            _ => "hs",
        };
        let error = text_of::<ErrorRow>();
        let text = if words[4] == "error" { &error } else { words[4].trim_end_matches(['+', '-']) };
        assert_eq!((kind.name(), kind.senders(), payload_text(kind).as_str()), (words[1], senders, text));
    }
}

#[test]
fn headers_that_are_none_are_refused() {
    let good = Header { length: 1 << 20, number: 0x12, more: true, id: 2 };
    assert_eq!(Header::of(&good.to_bytes()), Some(good));
    assert_eq!(Header::of(b"hello, world"), None);
    for (at, byte) in [(0, 1), (5, 2), (6, b'x'), (7, b'm')] {
        let mut bytes = Header { length: 1 << 20, number: 0x12, more: false, id: 2 }.to_bytes();
        bytes[at] = byte;
        assert_eq!(Header::of(&bytes), None);
    }
}

#[test]
fn text_and_bytes_may_lie_in_the_shared_memory() {
    let path = std::env::temp_dir().join(format!("loop-sidecar-{}", std::process::id()));
    let file = std::fs::File::options().read(true).write(true).create(true).truncate(true).open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    file.set_len(64 << 20).unwrap();
    let objects = objects();
    let _ = objects.shared.set(crate::memory::Shared::new(file, 64 << 20));
    // The upper half is ours: the page's second line is the first place in it, here in 64 MiB.
    let (first, second) = (lines("values shared").next().unwrap(), lines("values shared").nth(1).unwrap());
    assert_eq!(encoded(&vec![7u8; 1 << 20], &objects), bytes(second[2]));
    let empty = decoded::<String>(&bytes(first[2]), &objects).unwrap();
    assert_eq!(empty, "\0".repeat(65536));
    assert!(decoded::<Vec<u8>>(&bytes(second[2]), &objects).is_err(), "that half is not the host's");
}

/// Reads at most so many bytes at a time.
struct Slow<'a>(&'a [u8], usize);

impl std::io::Read for Slow<'_> {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let n = to.len().min(self.1);
        std::io::Read::read(&mut self.0, &mut to[..n])
    }
}

record! { #[derive(Debug, PartialEq)] struct Entry { name: String, bytes: Vec<u8>, many: Vec<Vec<u16>> } }

#[test]
fn values_stand_one_behind_the_other_in_a_stream() {
    let entry = |n: usize| Entry { name: "n".repeat(n), bytes: vec![1; n], many: vec![vec![], vec![300; n]] };
    let values: Vec<Entry> = [0, 1, 200, 70000, 0].into_iter().map(entry).collect();
    let data: Vec<u8> = values.iter().flat_map(|v| to_bytes(v).unwrap()).collect();
    let all = |data: &[u8], size| each(Slow(data, size)).collect::<std::io::Result<Vec<Entry>>>();
    for size in [1, 7, 4096, usize::MAX] {
        assert_eq!(all(&data, size).unwrap(), values);
    }
    assert_eq!(all(&[], 1).unwrap(), vec![]);
    for cut in [1, 8, 900, data.len() - 1] {
        let why = all(&data[..cut], 64).unwrap_err();
        assert_eq!(why.kind(), std::io::ErrorKind::InvalidData, "cut at {cut}");
    }
    assert!(all(&[0xff, 0xff, 0xff, 0xff, 0x0e, 1], 1).is_err(), "a length of 4 GB");
    assert!(all(&[1, 0xff, 0, 0], 1).is_err(), "text that is none");
}
