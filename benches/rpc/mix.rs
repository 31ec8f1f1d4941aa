//! The golden message `mix`: the stub compiler's code beside code written by hand, as strict.

use std::hint::black_box;

use calc::calc::{Addargs, Colour, Mixed};
use squall_protocols::xdr;

/// Does it so many times, and gives how many.
type Contender = fn(u64) -> u64;

/// What is measured: compiled, and by hand.
pub fn contenders() -> [(&'static str, Contender, Contender); 2] {
    assert_eq!(encode(&mixed()), xdr::to_bytes(&mixed()).expect("it is within its bounds"));
    assert_eq!(decode(&encode(&mixed())), Some(mixed()));
    [
        (
            "encode",
            |times| repeat(times, &mixed(), |value| xdr::to_bytes(value).expect("it is short")),
            |times| repeat(times, &mixed(), encode),
        ),
        (
            "decode",
            |times| {
                let bytes = encode(&mixed());
                repeat(times, &bytes, |bytes| xdr::from_bytes::<Mixed>(bytes).expect("it is one"))
            },
            |times| {
                let bytes = encode(&mixed());
                repeat(times, &bytes, |bytes| decode(bytes).expect("it is one"))
            },
        ),
    ]
}

fn repeat<T, R>(times: u64, value: &T, f: impl Fn(&T) -> R) -> u64 {
    (0..times).for_each(|_| {
        black_box(f(black_box(value)));
    });
    times
}

fn mixed() -> Mixed {
    Mixed {
        h: -2,
        uh: 0x0123_4567_89ab_cdef,
        flag: true,
        c: Colour::Blue,
        fix: *b"abc",
        var: b"hello".to_vec(),
        s: "xdr".to_owned(),
        arr: vec![1, -2, 3],
        d: 1.5,
        f: -0.25,
        opt: Some(Box::new(Addargs { a: -1, b: i32::MAX })),
    }
}

fn encode(value: &Mixed) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(&value.h.to_be_bytes());
    out.extend_from_slice(&value.uh.to_be_bytes());
    out.extend_from_slice(&u32::from(value.flag).to_be_bytes());
    out.extend_from_slice(&(value.c as u32).to_be_bytes());
    out.extend_from_slice(&value.fix);
    out.push(0);
    assert!(value.var.len() <= 16 && value.s.len() <= 64 && value.arr.len() <= 8);
    for bytes in [&value.var[..], value.s.as_bytes()] {
        out.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
        out.extend_from_slice(bytes);
        out.extend_from_slice(&[0; 3][..bytes.len().wrapping_neg() % 4]);
    }
    out.extend_from_slice(&(value.arr.len() as u32).to_be_bytes());
    for number in &value.arr {
        out.extend_from_slice(&number.to_be_bytes());
    }
    out.extend_from_slice(&value.d.to_be_bytes());
    out.extend_from_slice(&value.f.to_be_bytes());
    match &value.opt {
        None => out.extend_from_slice(&0u32.to_be_bytes()),
        Some(args) => {
            out.extend_from_slice(&1u32.to_be_bytes());
            out.extend_from_slice(&args.a.to_be_bytes());
            out.extend_from_slice(&args.b.to_be_bytes());
        }
    }
    out
}

/// Takes bytes from the front.
fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, left) = rest.split_first_chunk()?;
    *rest = left;
    Some(*taken)
}

fn word(rest: &mut &[u8]) -> Option<u32> {
    take(rest).map(u32::from_be_bytes)
}

fn boolean(rest: &mut &[u8]) -> Option<bool> {
    match word(rest)? {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

fn counted<'a>(rest: &mut &'a [u8], max: usize) -> Option<&'a [u8]> {
    let length = word(rest)? as usize;
    if length > max {
        return None;
    }
    let (taken, left) = rest.split_at_checked(length)?;
    let (padding, left) = left.split_at_checked(length.wrapping_neg() % 4)?;
    *rest = left;
    padding.iter().all(|byte| *byte == 0).then_some(taken)
}

fn decode(mut bytes: &[u8]) -> Option<Mixed> {
    let rest = &mut bytes;
    let h = i64::from_be_bytes(take(rest)?);
    let uh = u64::from_be_bytes(take(rest)?);
    let flag = boolean(rest)?;
    let c = match word(rest)? {
        0 => Colour::Red,
        1 => Colour::Green,
        5 => Colour::Blue,
        _ => return None,
    };
    let [first, second, third, 0] = take(rest)? else { return None };
    let var = counted(rest, 16)?.to_vec();
    let s = std::str::from_utf8(counted(rest, 64)?).ok()?.to_owned();
    let length = word(rest)? as usize;
    if length > 8 || length > rest.len() / 4 {
        return None;
    }
    let mut arr = Vec::with_capacity(length);
    for _ in 0..length {
        arr.push(i32::from_be_bytes(take(rest)?));
    }
    let d = f64::from_be_bytes(take(rest)?);
    let f = f32::from_be_bytes(take(rest)?);
    let opt = match boolean(rest)? {
        false => None,
        true => Some(Box::new(Addargs {
            a: i32::from_be_bytes(take(rest)?),
            b: i32::from_be_bytes(take(rest)?),
        })),
    };
    let fix = [first, second, third];
    rest.is_empty().then_some(Mixed { h, uh, flag, c, fix, var, s, arr, d, f, opt })
}
