//! The calculator's types on the wire, as other implementations of ONC RPC write them.

use std::fmt::Debug;

use calc::calc::{Addargs, Blob, CALC_PROG, CALC_V1, CalcV1Client, Colour, Divresult, Mixed};
use proptest::prelude::*;
use squall_protocols::xdr::{Decoder, Xdr, from_bytes, to_bytes};

/// The bytes of the line, behind the header of a call or a reply with no credential.
fn golden(name: &str, direction: &str) -> Vec<u8> {
    let header = if direction == "call" { 40 } else { 24 };
    let line = include_str!("../../../tests/oncrpc/golden.tsv")
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .find(|line| line[..3] == [name, direction, "udp"])
        .expect("it is there");
    let bytes = line[3].as_bytes().chunks(2).map(|pair| {
        u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hexadecimal")
    });
    bytes.skip(header).collect()
}

fn both<T: Xdr + PartialEq + Debug>(bytes: &[u8], value: &T) {
    assert_eq!(from_bytes::<T>(bytes).as_ref(), Ok(value));
    assert_eq!(to_bytes(value).as_deref(), Ok(bytes));
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

#[test]
fn arguments_and_results_are_those_of_libtirpc() {
    both(&golden("mix", "call"), &mixed());
    both(&golden("mix", "reply"), &mixed());
    both(&golden("add_3_4", "call"), &Addargs { a: 3, b: 4 });
    both(&golden("echo_5", "call"), &Blob(vec![0, 1, 2, 3, 4]));
    both(&golden("div_7_2", "reply"), &Divresult::Case0 { quot: 3 });
    let by_zero = Divresult::Default { err: 1, msg: "divide by zero".to_owned() };
    let reply = golden("div_7_0", "reply");
    assert_eq!(
        from_bytes::<Divresult>(&reply).map(|value| to_bytes(&value)),
        Ok(Ok(reply.clone()))
    );
    let Ok(Divresult::Default { err, msg }) = from_bytes(&reply) else { panic!("no default") };
    assert_eq!(err, 1);
    assert_ne!(by_zero, Divresult::Default { err, msg: String::new() });
    assert!(!msg.is_empty());
}

#[test]
fn numbers_are_those_of_the_file() {
    assert_eq!((CALC_PROG, CALC_V1), (0x2000_0099, 1));
    let add = CalcV1Client::ADD;
    assert_eq!((add.program, add.version, add.number), (CALC_PROG, CALC_V1, 1));
}

fn any_mixed() -> impl Strategy<Value = Mixed> {
    let colour = prop_oneof![Just(Colour::Red), Just(Colour::Green), Just(Colour::Blue)];
    let opt = proptest::option::of(any::<(i32, i32)>());
    let bytes = proptest::collection::vec(any::<u8>(), 0..=16);
    let numbers = proptest::collection::vec(any::<i32>(), 0..=8);
    let scalars = any::<(i64, u64, bool, [u8; 3], f64, f32)>();
    (scalars, colour, bytes, ".{0,16}", numbers, opt).prop_map(
        |((h, uh, flag, fix, d, f), c, var, s, arr, opt)| {
            let opt = opt.map(|(a, b)| Box::new(Addargs { a, b }));
            Mixed { h, uh, flag, c, fix, var, s, arr, d, f, opt }
        },
    )
}

proptest! {
    #[test]
    fn values_come_back_as_they_went(mixed in any_mixed(), a: i32, b: i32, err: i32, msg in ".{0,60}") {
        both(&to_bytes(&mixed).unwrap(), &mixed);
        let sum = Addargs { a, b };
        both(&to_bytes(&sum).unwrap(), &sum);
        let blob = Blob(mixed.var.clone());
        both(&to_bytes(&blob).unwrap(), &blob);
        both(&to_bytes(&mixed.c).unwrap(), &mixed.c);
        let quotient = Divresult::Case0 { quot: a };
        both(&to_bytes(&quotient).unwrap(), &quotient);
        let failed = Divresult::Default { err, msg };
        prop_assert_eq!(to_bytes(&failed).is_ok(), err != 0);
    }

    #[test]
    fn any_bytes_are_a_value_or_an_error(
        noise in proptest::collection::vec(any::<u8>(), 0..100),
        place in 0..140_usize,
        with: u8,
    ) {
        // Also those that are nearly right.
        let mut near = golden("mix", "call");
        let place = place % near.len();
        near[place] = with;
        for bytes in [&noise, &near] {
            let mut input = Decoder::new(bytes);
            if let Ok(value) = Mixed::decode(&mut input) {
                let taken = bytes.len() - input.rest().len();
                prop_assert_eq!(to_bytes(&value).unwrap(), &bytes[..taken]);
            }
            let _ = from_bytes::<Divresult>(bytes);
            let _ = from_bytes::<Blob>(bytes);
            let _ = from_bytes::<Addargs>(bytes);
            let _ = from_bytes::<Colour>(bytes);
        }
    }
}
