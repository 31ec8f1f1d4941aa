//! Values that go through their XDR form, and bytes that are read as values.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use squall_protocols::oncrpc::Auth;
use squall_protocols::rpc::cache::CallKey;
use squall_protocols::rpc::{Call, Fault, Procedure, Program, results};
use squall_protocols::xdr::{
    DecodeError, Decoder, EncodeError, MAX_DEPTH, Xdr, from_bytes, to_bytes,
};
use squall_rpcgen_compiled::{constructs, habits, shadows};

use constructs::*;

fn back_and_forth<T: Xdr + PartialEq + Debug>(value: T) -> Vec<u8> {
    let bytes = to_bytes(&value).unwrap();
    assert_eq!(bytes.len() % 4, 0);
    assert_eq!(from_bytes::<T>(&bytes), Ok(value));
    bytes
}

/// Reads a value off the front. What it was read from is what it is written as: there is one form of each.
fn reads_as_it_writes<T: Xdr>(bytes: &[u8]) -> bool {
    let mut input = Decoder::new(bytes);
    let Ok(value) = T::decode(&mut input) else { return false };
    let taken = bytes.len() - input.rest().len();
    assert_eq!(to_bytes(&value).as_deref(), Ok(&bytes[..taken]));
    true
}

macro_rules! every_type {
    ($do:ident: $($name:ty),* $(,)?) => { [$((stringify!($name), $do::<$name> as fn(&[u8]) -> bool)),*] };
}

/// A type's name, and how its values are read.
type Reader = (&'static str, fn(&[u8]) -> bool);

fn types() -> Vec<Reader> {
    let constructs = every_type![reads_as_it_writes:
        Colour, Level, Synonyms, One, Numbers, SmallThings, BytesAndTexts, Arrays, Wide, Wider, WithWider, List, Cells, Cell, Tree,
        Bytes, Key, LargeKey, Name, Text, Triple, Colours, MaybeList, Cookie, CookieAgain, Tint, Truth,
        Ratio, Ratios, Point, Direction, Guess, Outer, OuterInner, OuterInnerState, OuterChoice, OuterMany,
        OnInt, OnUnsigned, OnEnum, OnSome, OnBool, OnAll, OnSynonym, InVain, Keywords, Awkward,
        shadows::Option, shadows::Ok, shadows::Result, shadows::Vec, shadows::Box,
        shadows::Err, shadows::Send, shadows::Sync, shadows::From, Quadruple,
    ];
    let habits = every_type![reads_as_it_writes:
        habits::Included, habits::CTypes, habits::OtherName, habits::NumbersLeftOut, habits::FromHeaders,
        habits::Tagged, habits::ByWord, habits::Netobj, habits::Netbuf, habits::DesBlock,
    ];
    constructs.into_iter().chain(habits).collect()
}

/// Words of which many are lengths, booleans and enumerators.
fn word_soup() -> impl Strategy<Value = Vec<u8>> {
    // Large types need many zeros in a row, of which others make little.
    prop_oneof![soup(12), soup(1000)]
}

fn soup(zeros: u32) -> impl Strategy<Value = Vec<u8>> {
    let small = prop_oneof![zeros => Just(0_u32), 6 => Just(1), 1 => 2..8_u32];
    let word = prop_oneof![
        zeros + 8 => small.prop_map(|word| word.to_be_bytes()),
        1 => Just([0x61, 0, 0, 0]),
        1 => Just([0xff; 4]),
        1 => any::<[u8; 4]>(),
    ];
    let words = proptest::collection::vec(word, 0..300);
    words.prop_map(|words| words.concat())
}

#[test]
fn any_bytes_are_a_value_or_an_error() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut values = vec![0; types().len()];
    for _ in 0..2000 {
        let words = word_soup().new_tree(&mut runner).unwrap().current();
        let noise = proptest::collection::vec(any::<u8>(), 0..100);
        let noise = noise.new_tree(&mut runner).unwrap().current();
        for ((_, read), values) in types().into_iter().zip(&mut values) {
            *values += i32::from(read(&words));
            read(&noise);
        }
    }
    for ((name, _), values) in types().into_iter().zip(values) {
        assert!(values > 5, "only {values} were values of {name}");
    }
}

fn small_things(a: i32) -> SmallThings {
    SmallThings { a, of: Level::LevelTop, key: *b"12345678" }
}

#[test]
fn enums_are_their_numbers_and_no_others() {
    assert_eq!(back_and_forth(Colour::Blue), [0, 0, 0, 5]);
    assert_eq!(back_and_forth(Level::LevelTop), [0, 0, 0, 17]);
    assert_eq!(back_and_forth(Synonyms::Second), [0xff, 0xff, 0xff, 0xfe]);
    assert_eq!(Synonyms::PRIMARY, Synonyms::First);
    assert_eq!(Colour::default(), Colour::Red);
    assert_eq!(from_bytes::<Colour>(&[0, 0, 0, 2]), Err(DecodeError::Unknown(2, "colour")));
    assert_eq!(from_bytes::<Synonyms>(&[0xff; 4]), Err(DecodeError::Unknown(-1, "synonyms")));
}

#[test]
fn constants_are_their_values() {
    assert_eq!((DECIMAL, HEX, OCTAL, NEGATIVE), (12, 16, 8, -5));
    assert_eq!((LARGE, LARGER, LARGEST, SMALLEST), (u32::MAX, 1 << 32, u64::MAX, i64::MIN));
    assert_eq!((SAME, LATER, TEXT), (3, 3, "a \\ string"));
    assert_eq!((CONSTRUCTS_PROG, CONSTRUCTS_V1, CONSTRUCTS_V2), (0x2000_0001, 1, 2));
    assert_eq!(ConstructsV1Client::INTO_ITER.number, 16);
    assert_eq!(habits::HabitsV4Client::GIVEN_BY_NAME.number, 4);
}

#[test]
fn unions_are_what_they_depend_on_and_an_arm() {
    assert_eq!(back_and_forth(OnInt::Case0 { quot: 7 }), [0, 0, 0, 0, 0, 0, 0, 7]);
    assert_eq!(back_and_forth(OnInt::CaseMinus1), [0xff; 4]);
    let either = OnInt::Case1OrCase2 { err: 2, reason: "abc".to_owned() };
    assert_eq!(back_and_forth(either), *b"\0\0\0\x02\0\0\0\x03abc\0");
    let default = OnInt::Default { err: 3, detail: vec![9] };
    assert_eq!(back_and_forth(default), [0, 0, 0, 3, 0, 0, 0, 1, 9, 0, 0, 0]);
    back_and_forth(OnInt::Decimal { fixed: Box::new([7; 70]) });
    back_and_forth(OnUnsigned::Case4294967295 { items: None });
    back_and_forth(OnEnum::GreenOrBlue { shade: Colour::Blue, other: 1 });
    back_and_forth(OnBool::True { a: Numbers::default() });
    back_and_forth(OnBool::Default { yes: false });
    back_and_forth(OnAll::TrueOrFalse { yes: false, a: 3 });
    back_and_forth(OnSynonym::Primary { first: true });
    back_and_forth(InVain::False);
    back_and_forth(shadows::Send::Case1OrCase2 { selector: 2, value: 4 });
    let unknown = [0, 0, 0, 4, 0, 0, 0, 0];
    assert_eq!(from_bytes::<OnUnsigned>(&unknown), Err(DecodeError::Unknown(4, "on_unsigned")));
}

#[test]
fn a_value_in_the_wrong_arm_is_not_sent() {
    let other = |number, name| Err(EncodeError::OtherArm(number, name));
    for err in [-1, 0, 1, 2, 12] {
        let value = OnInt::Default { err, detail: vec![] };
        assert_eq!(to_bytes(&value), other(i64::from(err), "on_int"));
    }
    let value = OnInt::Case1OrCase2 { err: 3, reason: String::new() };
    assert_eq!(to_bytes(&value), other(3, "on_int"));
    assert_eq!(
        to_bytes(&OnSome::Default { shade: Colour::Red, rest: vec![] }),
        other(0, "on_some")
    );
    assert_eq!(to_bytes(&OnBool::Default { yes: true }), other(1, "on_bool"));
    let value = OnEnum::GreenOrBlue { shade: Colour::Red, other: 0 };
    assert_eq!(to_bytes(&value), other(0, "on_enum"));
}

#[test]
fn bounds_hold_in_both_directions() {
    assert_eq!(to_bytes(&Bytes(vec![0; 17])), Err(EncodeError::TooLong { length: 17, max: 16 }));
    let name = "a name of 17 byte".into();
    assert_eq!(to_bytes(&Name(name)), Err(EncodeError::TooLong { length: 17, max: 16 }));
    let long = [&[0, 0, 0, 17][..], &[0; 20]].concat();
    assert_eq!(from_bytes::<Bytes>(&long), Err(DecodeError::TooLong { length: 17, max: 16 }));
    assert_eq!(from_bytes::<Name>(&long), Err(DecodeError::TooLong { length: 17, max: 16 }));
    let many = Ratios(vec![1.0; 3]);
    assert_eq!(to_bytes(&many), Err(EncodeError::TooLong { length: 3, max: 2 }));
    let long = [0, 0, 0, 3].repeat(4);
    assert_eq!(from_bytes::<Ratios>(&long), Err(DecodeError::TooLong { length: 3, max: 2 }));
}

#[test]
fn large_fixed_arrays_lie_in_boxes() {
    let key: Box<[u8; 128]> = Box::new([3; 128]);
    let key = LargeKey::from(key);
    assert_eq!(back_and_forth(key), [3; 128]);
    assert!(size_of::<OnInt>() <= 40, "{}", size_of::<OnInt>());
    assert!(size_of::<OnEnum>() <= 16, "{}", size_of::<OnEnum>());
    assert!(size_of::<WithWider>() < size_of::<Wider>(), "{}", size_of::<WithWider>());
}

#[test]
fn lists_and_trees_end_in_any_case() {
    let links = |length: u32| {
        let mut bytes = [0, 0, 0, 7, 0, 0, 0, 1].repeat(length as usize - 1);
        bytes.extend([0, 0, 0, 7, 0, 0, 0, 0]);
        bytes
    };
    assert!(from_bytes::<List>(&links(MAX_DEPTH + 1)).is_ok());
    assert_eq!(from_bytes::<List>(&links(MAX_DEPTH + 2)), Err(DecodeError::TooDeep));
    assert_eq!(from_bytes::<Tree>(&links(MAX_DEPTH + 2)), Err(DecodeError::TooDeep));
    // Large links take more stack.
    let link = |next| habits::Tagged { next, ..habits::Tagged::default() };
    let chain = |length| (1..length).fold(link(None), |rest, _| link(Some(Box::new(rest))));
    let read = |length| from_bytes::<habits::Tagged>(&to_bytes(&chain(length)).unwrap()).err();
    // The array in the last link is one deeper, even if it is empty.
    assert_eq!(read(MAX_DEPTH), None);
    assert_eq!(read(MAX_DEPTH + 1), Some(DecodeError::TooDeep));
}

proptest! {
    #[test]
    fn structs_come_back_as_they_went(
        a: i32, b: u32, c: i64, d: u64, h: bool, g: [u8; 16],
        bytes in proptest::collection::vec(any::<u8>(), 0..6),
        text in ".{0,3}",
        values in proptest::collection::vec(any::<i32>(), 0..4),
    ) {
        let i = [Colour::Red, Colour::Green, Colour::Blue][b as usize % 3];
        let numbers = Numbers { a, b, c, d, e: a as f32, f: c as f64, g: Quadruple(g), h, i };
        let texts = BytesAndTexts {
            fixed: [g[0], g[1], g[2]],
            fixed_large: Box::new([g[3]; 100]),
            bounded: bytes[..bytes.len().min(5)].to_vec(),
            unbounded: bytes.clone(),
            text: text.clone(),
            any_text: text.repeat(3),
        };
        back_and_forth(texts.clone());
        let arrays = Arrays {
            fixed: [a, 1, -1],
            fixed_large: Box::new([c; 40]),
            fixed_structs: Box::new([numbers.clone(), numbers.clone()]),
            bounded: values[..values.len().min(3)].to_vec(),
            unbounded: values.iter().copied().map(small_things).collect(),
            flags: [h, !h],
            maybe: h.then(|| Box::new(texts)),
            number: (!h).then(|| Box::new(b)),
        };
        let wide = Wide { a: text.clone(), f: text.clone(), ..Wide::default() };
        back_and_forth(OnEnum::Red { large: Box::new(wide.clone()) });
        let wider = Wider { a: wide.clone(), ..Wider::default() };
        back_and_forth(WithWider { before: a, boxed: Box::new(wider), not_boxed: wide });
        back_and_forth(arrays);
        let list = |rest: Option<_>, value: &i32| {
            Some(Box::new(List { value: *value, next: rest }))
        };
        back_and_forth(MaybeList(values.iter().fold(None, list)));
        let leaf = |value: &i32| Tree { value: *value, children: vec![] };
        let tree = Tree { value: a, children: values.iter().map(leaf).collect() };
        back_and_forth(Tree { value: 1, children: vec![tree.clone(), tree] });
        let cell = Cell { name: text.chars().take(2).collect(), rest: Cells(None) };
        back_and_forth(Cells(Some(Box::new(cell))));
        back_and_forth(Outer {
            inner: OuterInner { deep: a, state: OuterInnerState::Off },
            choice: OuterChoice::Case1 { number: a },
            many: vec![OuterMany { a }, OuterMany { a: 1 }],
        });
    }
}

/// Answers with what it was given.
struct Echo;

impl ConstructsV1 for Echo {
    async fn no_arguments(&self, _: &Call) -> Result<i32, Fault> {
        Ok(1)
    }

    async fn no_result(&self, _: &Call, argument: Numbers) -> Result<(), Fault> {
        if argument.h { Ok(()) } else { Err(Fault::Failed) }
    }

    async fn neither(&self, _: &Call) -> Result<(), Fault> {
        Ok(())
    }

    async fn two(&self, _: &Call, first: i32, second: Bytes) -> Result<OnInt, Fault> {
        Ok(OnInt::Default { err: first, detail: second.into() })
    }

    async fn eight(
        &self,
        _: &Call,
        first: i32,
        second: u32,
        third: i64,
        fourth: bool,
        fifth: Colour,
        sixth: String,
        seventh: Point,
        eighth: List,
    ) -> Result<String, Fault> {
        Ok(format!(
            "{first} {second} {third} {fourth} {fifth:?} {sixth} {seventh:?} {}",
            eighth.value
        ))
    }

    async fn named(
        &self,
        call: &Call,
        r#type: i32,
        call_: Colour,
        arguments: u32,
    ) -> Result<i64, Fault> {
        Ok(i64::from(r#type)
            + i64::from(call_ as i32)
            + i64::from(arguments)
            + i64::from(call.key.xid))
    }

    async fn r#type(&self, _: &Call, argument: Cookie) -> Result<Truth, Fault> {
        Ok(argument > 0)
    }

    async fn new(&self, _: &Call, argument: List) -> Result<MaybeList, Fault> {
        Ok(MaybeList(Some(Box::new(argument))))
    }

    async fn clone(&self, _: &Call, argument: String) -> Result<String, Fault> {
        Ok(argument)
    }

    async fn into_iter(&self, _: &Call, argument: Tint) -> Result<Colours, Fault> {
        Ok(Colours(vec![argument]))
    }

    async fn four(&self, _: &Call, argument: Quadruple) -> Result<Quadruple, Fault> {
        Ok(argument)
    }
}

fn dispatch(program: &dyn Program, number: u32, arguments: &[u8]) -> Result<Vec<u8>, Fault> {
    let client = SocketAddr::from(([127, 0, 0, 1], 1));
    let called = Procedure { program: program.program(), version: program.version(), number };
    let key = CallKey { client, xid: 1000, procedure: called, digest: 0 };
    let call = Call { key, credential: Auth::NONE };
    let mut running = pin!(program.dispatch(&call, number, arguments));
    match running.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("nothing here waits"),
    }
}

#[test]
fn the_dispatcher_finds_the_procedure_and_its_arguments() {
    let server = ConstructsV1Server(Echo);
    assert_eq!((server.program(), server.version()), (CONSTRUCTS_PROG, CONSTRUCTS_V1));
    let run = |procedure, arguments: &[u8]| dispatch(&server, procedure, arguments);
    assert_eq!(run(0, &[]), Ok(vec![]));
    assert_eq!(run(1, &[]), results(&1));
    assert_eq!(run(2, &to_bytes(&Numbers { h: true, ..Numbers::default() }).unwrap()), Ok(vec![]));
    assert_eq!(run(2, &to_bytes(&Numbers::default()).unwrap()), Err(Fault::Failed));
    let two = to_bytes(&(3, Bytes(vec![7]))).unwrap();
    assert_eq!(run(4, &two), results(&OnInt::Default { err: 3, detail: vec![7] }));
    // The result has no XDR form.
    let two = to_bytes(&(0, Bytes(vec![7]))).unwrap();
    assert_eq!(run(4, &two), Err(Fault::Failed));
    let point = Point { x: 1, y: 2 };
    let list = List { value: 9, next: None };
    let eight = (1, 2_u32, 3_i64, true, Colour::Blue, "six".to_owned(), point, list);
    let said = "1 2 3 true Blue six Point { x: 1, y: 2 } 9".to_owned();
    assert_eq!(run(5, &to_bytes(&eight).unwrap()), results(&said));
    assert_eq!(run(6, &to_bytes(&(1, Colour::Blue, 10_u32)).unwrap()), results(&1016_i64));
    assert_eq!(run(16, &to_bytes(&Colour::Red).unwrap()), results(&Colours(vec![Colour::Red])));
}

#[test]
fn what_is_no_call_is_refused() {
    let server = ConstructsV1Server(Echo);
    let run = |procedure, arguments: &[u8]| dispatch(&server, procedure, arguments);
    assert_eq!(run(17, &[]), Err(Fault::NoProcedure));
    assert_eq!(run(0, &[0; 4]), Err(Fault::Arguments));
    assert_eq!(run(1, &[0; 4]), Err(Fault::Arguments));
    assert_eq!(run(7, &[0; 4]), Err(Fault::Arguments));
    assert_eq!(run(16, &[0, 0, 0, 2]), Err(Fault::Arguments));
    struct Nothing;
    impl S for Nothing {}
    assert_eq!(dispatch(&SServer(Nothing), 0, &[]), Ok(vec![]));
    assert_eq!(dispatch(&SServer(Nothing), 1, &[]), Err(Fault::NoProcedure));
}
