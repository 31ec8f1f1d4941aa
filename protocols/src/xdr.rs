//! XDR, the External Data Representation (RFC 4506): what an RPC's arguments and results look like on
//! the wire. Everything takes a multiple of four bytes, big-endian.
//!
//! Decoding is strict: padding that is not zero, a boolean other than 0 and 1, an unknown value of an
//! enumeration, a length over its bound and bytes left over are errors. No input makes it panic, or
//! allocate more than a small multiple of the input's length.
//!
//! | XDR | Rust |
//! |---|---|
//! | int, unsigned int, hyper, unsigned hyper, float, double, bool, void | `i32`, `u32`, `i64`, `u64`, `f32`, `f64`, `bool`, `()` |
//! | `opaque[n]`, `opaque<n>`, `string<n>` | `[u8; n]`, `Vec<u8>`, `String` (UTF-8, of which ASCII is a part) |
//! | `type[n]`, `type<n>`, `type *` | `[T; n]`, `Vec<T>`, `Option<Box<T>>` |

/// A value that has an XDR form.
pub trait Xdr: Sized {
    /// Appends the value.
    ///
    /// # Errors
    /// If a part of it is longer than its bound.
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError>;

    /// Takes a value from the front of `input`.
    ///
    /// # Errors
    /// If there is none.
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError>;
}

/// Encodes one value.
///
/// # Errors
/// As [`Xdr::encode`].
pub fn to_bytes(value: &impl Xdr) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::new();
    value.encode(&mut out)?;
    Ok(out)
}

/// Decodes one value that takes all of `bytes`.
///
/// # Errors
/// As [`Xdr::decode`]; also if bytes are left over.
pub fn from_bytes<T: Xdr>(bytes: &[u8]) -> Result<T, DecodeError> {
    let mut input = Decoder::new(bytes);
    let value = T::decode(&mut input)?;
    input.finish()?;
    Ok(value)
}

/// Why a value has no XDR form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A string, an opaque or an array is longer than its declaration allows.
    #[error("a length of {length} is over its bound of {max}")]
    TooLong {
        /// Its length, in bytes or elements.
        length: usize,
        /// The bound.
        max: usize,
    },
    /// A union's value is in one arm, and what it depends on belongs to another.
    #[error("{0} belongs to another arm of {1}")]
    OtherArm(i64, &'static str),
}

/// Why bytes are no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// They end too early.
    #[error("the bytes end too early")]
    Truncated,
    /// A string, an opaque or an array says that it is longer than its declaration allows.
    #[error("a length of {length} is over its bound of {max}")]
    TooLong {
        /// The length it says.
        length: u32,
        /// The bound.
        max: usize,
    },
    /// Padding is not zero.
    #[error("padding is not zero")]
    Padding,
    /// A boolean is neither 0 nor 1.
    #[error("a boolean is {0}, neither 0 nor 1")]
    Bool(u32),
    /// A value that an enumeration does not have, or for which a union has no arm.
    #[error("{0} is no value of {1}")]
    Unknown(i64, &'static str),
    /// A string is not UTF-8.
    #[error("a string is not UTF-8")]
    Text,
    /// Bytes are left over.
    #[error("{0} bytes are left over")]
    Trailing(usize),
    /// Optional data and arrays lie deeper in one another than [`MAX_DEPTH`].
    #[error("nested more than {MAX_DEPTH} deep")]
    TooDeep,
}

/// How deep optional data and arrays may lie in one another: the links of a list count, too.
pub const MAX_DEPTH: u32 = 500;

/// Bytes that are being decoded.
#[derive(Clone, Debug)]
pub struct Decoder<'a> {
    rest: &'a [u8],
    depth: u32,
}

impl<'a> Decoder<'a> {
    /// Begins with the first of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Decoder { rest: bytes, depth: 0 }
    }

    /// What is still to be decoded.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Ends.
    ///
    /// # Errors
    /// If bytes are left over.
    pub fn finish(self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(DecodeError::Trailing(left)),
        }
    }

    /// Takes `N` bytes, with no padding.
    #[inline]
    fn take<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    /// Takes bytes and the padding behind them.
    #[inline]
    fn take_padded(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(DecodeError::Truncated)?;
        let (padding, rest) =
            rest.split_at_checked(padding(length)).ok_or(DecodeError::Truncated)?;
        if padding.iter().any(|byte| *byte != 0) {
            return Err(DecodeError::Padding);
        }
        self.rest = rest;
        Ok(taken)
    }

    /// Takes a length.
    #[inline]
    fn length(&mut self, max: usize) -> Result<usize, DecodeError> {
        let length = u32::decode(self)?;
        match usize::try_from(length) {
            Ok(fits) if fits <= max => Ok(fits),
            _ => Err(DecodeError::TooLong { length, max }),
        }
    }

    /// Decodes what lies one level deeper.
    fn deeper<T>(
        &mut self,
        decode: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        if self.depth == MAX_DEPTH {
            return Err(DecodeError::TooDeep);
        }
        self.depth += 1;
        let decoded = decode(self);
        self.depth -= 1;
        decoded
    }
}

/// How many zeros follow `length` bytes.
fn padding(length: usize) -> usize {
    length.wrapping_neg() % 4
}

macro_rules! number {
    ($($kind:ty),*) => {$(
        impl Xdr for $kind {
            #[inline]
            fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
                out.extend_from_slice(&self.to_be_bytes());
                Ok(())
            }

            #[inline]
            fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
                Ok(<$kind>::from_be_bytes(input.take()?))
            }
        }
    )*};
}

number!(i32, u32, i64, u64, f32, f64);

impl Xdr for bool {
    #[inline]
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        u32::from(*self).encode(out)
    }

    #[inline]
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        match u32::decode(input)? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(DecodeError::Bool(other)),
        }
    }
}

impl<T: Xdr> Xdr for Option<Box<T>> {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.is_some().encode(out)?;
        self.as_ref().map_or(Ok(()), |value| value.encode(out))
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        match bool::decode(input)? {
            true => input.deeper(|input| Ok(Some(Box::new(T::decode(input)?)))),
            false => Ok(None),
        }
    }
}

/// `string<>`.
impl Xdr for String {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        put_string(out, self, usize::MAX)
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        get_string(input, usize::MAX)
    }
}

/// Void, and the several arguments of one procedure (RFC 5531, section 12.2).
macro_rules! tuple {
    ($($name:ident),*) => {
        impl<$($name: Xdr),*> Xdr for ($($name,)*) {
            #[allow(non_snake_case, unused_variables, reason = "one name for type and value")]
            fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
                let ($($name,)*) = self;
                $($name.encode(out)?;)*
                Ok(())
            }

            #[allow(unused_variables, reason = "void takes nothing")]
            fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
                Ok(($($name::decode(input)?,)*))
            }
        }
    };
}

tuple!();
tuple!(A, B);
tuple!(A, B, C);
tuple!(A, B, C, D);
tuple!(A, B, C, D, E);
tuple!(A, B, C, D, E, F);
tuple!(A, B, C, D, E, F, G);
tuple!(A, B, C, D, E, F, G, H);

/// Appends `opaque[N]`: bytes and padding.
///
/// # Errors
/// None; it has the shape of its like.
#[inline]
pub fn put_fixed_opaque(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), EncodeError> {
    out.extend_from_slice(bytes);
    out.extend_from_slice(&[0; 3][..padding(bytes.len())]);
    Ok(())
}

/// Takes `opaque[N]`.
///
/// # Errors
/// As [`Xdr::decode`].
#[inline]
pub fn get_fixed_opaque<const N: usize>(input: &mut Decoder<'_>) -> Result<[u8; N], DecodeError> {
    let bytes = input.take_padded(N)?;
    bytes.try_into().map_err(|_| DecodeError::Truncated)
}

/// Takes `opaque[N]` into a box, without the stack.
///
/// # Errors
/// As [`Xdr::decode`].
pub fn get_boxed_opaque<const N: usize>(
    input: &mut Decoder<'_>,
) -> Result<Box<[u8; N]>, DecodeError> {
    let bytes = input.take_padded(N)?.to_vec();
    bytes.try_into().map_err(|_| DecodeError::Truncated)
}

#[inline]
fn put_length(out: &mut Vec<u8>, length: usize, max: usize) -> Result<(), EncodeError> {
    match u32::try_from(length) {
        Ok(fits) if length <= max => fits.encode(out),
        _ => Err(EncodeError::TooLong { length, max }),
    }
}

/// Appends `opaque<max>`.
///
/// # Errors
/// If there are more than `max` bytes.
#[inline]
pub fn put_opaque(out: &mut Vec<u8>, bytes: &[u8], max: usize) -> Result<(), EncodeError> {
    put_length(out, bytes.len(), max)?;
    put_fixed_opaque(out, bytes)
}

/// Takes `opaque<max>`.
///
/// # Errors
/// As [`Xdr::decode`].
#[inline]
pub fn get_opaque(input: &mut Decoder<'_>, max: usize) -> Result<Vec<u8>, DecodeError> {
    let length = input.length(max)?;
    Ok(input.take_padded(length)?.to_vec())
}

/// Appends `string<max>`.
///
/// # Errors
/// If it has more than `max` bytes.
#[inline]
pub fn put_string(out: &mut Vec<u8>, text: &str, max: usize) -> Result<(), EncodeError> {
    put_opaque(out, text.as_bytes(), max)
}

/// Takes `string<max>`.
///
/// # Errors
/// As [`Xdr::decode`].
#[inline]
pub fn get_string(input: &mut Decoder<'_>, max: usize) -> Result<String, DecodeError> {
    let length = input.length(max)?;
    let text = std::str::from_utf8(input.take_padded(length)?).map_err(|_| DecodeError::Text)?;
    Ok(text.to_owned())
}

/// Appends `T[N]`.
///
/// # Errors
/// As [`Xdr::encode`].
#[inline]
pub fn put_fixed_array<T: Xdr>(out: &mut Vec<u8>, values: &[T]) -> Result<(), EncodeError> {
    values.iter().try_for_each(|value| value.encode(out))
}

/// Takes `T[N]`.
///
/// # Errors
/// As [`Xdr::decode`].
#[inline]
pub fn get_fixed_array<T: Xdr, const N: usize>(
    input: &mut Decoder<'_>,
) -> Result<[T; N], DecodeError> {
    elements(input, N)?.try_into().map_err(|_| DecodeError::Truncated)
}

/// Takes `T[N]` into a box, without the stack.
///
/// # Errors
/// As [`Xdr::decode`].
pub fn get_boxed_array<T: Xdr, const N: usize>(
    input: &mut Decoder<'_>,
) -> Result<Box<[T; N]>, DecodeError> {
    elements(input, N)?.try_into().map_err(|_| DecodeError::Truncated)
}

/// Appends `T<max>`.
///
/// # Errors
/// If there are more than `max`, or one has no XDR form.
#[inline]
pub fn put_array<T: Xdr>(out: &mut Vec<u8>, values: &[T], max: usize) -> Result<(), EncodeError> {
    put_length(out, values.len(), max)?;
    put_fixed_array(out, values)
}

/// Takes `T<max>`.
///
/// # Errors
/// As [`Xdr::decode`].
#[inline]
pub fn get_array<T: Xdr>(input: &mut Decoder<'_>, max: usize) -> Result<Vec<T>, DecodeError> {
    let length = input.length(max)?;
    elements(input, length)
}

/// Takes `length` elements. Every XDR type takes at least four bytes, so bytes that are too few are
/// known before anything is allocated; and memory grows as the bytes do, not as the length says.
fn elements<T: Xdr>(input: &mut Decoder<'_>, length: usize) -> Result<Vec<T>, DecodeError> {
    if length > input.rest.len() / 4 {
        return Err(DecodeError::Truncated);
    }
    input.deeper(|input| {
        let room = (4 * length).div_ceil(size_of::<T>().max(1)).min(length);
        let mut values = Vec::with_capacity(room);
        for _ in 0..length {
            values.push(T::decode(input)?);
        }
        Ok(values)
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn boxed_bytes_are_those_of_the_message() {
        let mut input = Decoder::new(&[1, 2, 3, 4, 5, 0, 0, 0, 9]);
        let boxed = get_boxed_opaque::<5>(&mut input).unwrap();
        assert_eq!(*boxed, [1, 2, 3, 4, 5]);
        assert!(get_boxed_opaque::<5>(&mut input).is_err(), "one byte is left");
    }

    fn back_and_forth<T: Xdr + PartialEq + Debug>(value: T) {
        let bytes = to_bytes(&value).unwrap();
        assert_eq!(bytes.len() % 4, 0);
        assert_eq!(from_bytes::<T>(&bytes), Ok(value));
        for end in 0..bytes.len() {
            assert_eq!(from_bytes::<T>(&bytes[..end]).err(), Some(DecodeError::Truncated));
        }
    }

    #[derive(Debug, PartialEq)]
    struct List {
        value: u32,
        next: Option<Box<List>>,
    }

    impl Xdr for List {
        fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
            self.value.encode(out)?;
            self.next.encode(out)
        }

        fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
            Ok(List { value: Xdr::decode(input)?, next: Xdr::decode(input)? })
        }
    }

    proptest! {
        #[test]
        fn numbers_come_back_as_they_went(a: i32, b: u32, c: i64, d: u64, e: bool) {
            back_and_forth((a, b, c, d, e));
            back_and_forth((a.to_string().len() as f32, f64::from(a)));
            back_and_forth(Some(Box::new(b)));
        }

        #[test]
        fn bytes_texts_and_arrays_come_back_as_they_went(
            bytes in proptest::collection::vec(any::<u8>(), 0..20),
            text in ".{0,8}",
            numbers: Vec<u32>,
        ) {
            let mut out = Vec::new();
            put_opaque(&mut out, &bytes, 20).unwrap();
            put_string(&mut out, &text, 40).unwrap();
            put_array(&mut out, &numbers, 1000).unwrap();
            put_fixed_array(&mut out, &[1u32, 2]).unwrap();
            put_fixed_opaque(&mut out, b"abcde").unwrap();
            prop_assert_eq!(out.len() % 4, 0);
            let mut input = Decoder::new(&out);
            prop_assert_eq!(get_opaque(&mut input, 20).unwrap(), bytes);
            prop_assert_eq!(get_string(&mut input, 40).unwrap(), text);
            prop_assert_eq!(get_array::<u32>(&mut input, 1000).unwrap(), numbers);
            prop_assert_eq!(get_fixed_array::<u32, 2>(&mut input).unwrap(), [1, 2]);
            prop_assert_eq!(&get_fixed_opaque::<5>(&mut input).unwrap(), b"abcde");
            prop_assert!(input.finish().is_ok());
        }
    }

    #[test]
    fn what_other_decoders_let_pass_is_an_error() {
        assert_eq!(from_bytes::<bool>(&[0, 0, 0, 2]), Err(DecodeError::Bool(2)));
        assert_eq!(from_bytes::<u32>(&[0; 5]), Err(DecodeError::Trailing(1)));
        assert_eq!(from_bytes::<()>(&[0; 4]), Err(DecodeError::Trailing(4)));
        let get = |bytes: &[u8]| get_opaque(&mut Decoder::new(bytes), 4);
        assert_eq!(get(&[0, 0, 0, 1, 7, 0, 0, 0]), Ok(vec![7]));
        assert_eq!(get(&[0, 0, 0, 1, 7, 0, 0, 1]), Err(DecodeError::Padding));
        assert_eq!(get(&[0, 0, 0, 1, 7, 0, 0]), Err(DecodeError::Truncated));
        assert_eq!(get(&[0, 0, 0, 5]), Err(DecodeError::TooLong { length: 5, max: 4 }));
        let text = get_string(&mut Decoder::new(&[0, 0, 0, 1, 0xff, 0, 0, 0]), 4);
        assert_eq!(text, Err(DecodeError::Text));
    }

    #[test]
    fn what_is_over_its_bound_is_not_sent() {
        let mut out = Vec::new();
        let too_long = Err(EncodeError::TooLong { length: 3, max: 2 });
        assert_eq!(put_opaque(&mut out, &[1, 2, 3], 2), too_long);
        assert_eq!(put_string(&mut out, "abc", 2), too_long);
        assert_eq!(put_array(&mut out, &[1u32, 2, 3], 2), too_long);
    }

    #[test]
    fn a_length_alone_takes_no_memory() {
        let mut long = vec![0xff; 4];
        long.extend([0; 8]);
        assert_eq!(
            get_array::<[u8; 0]>(&mut Decoder::new(&long), usize::MAX),
            Err(DecodeError::Truncated)
        );
        assert_eq!(get_opaque(&mut Decoder::new(&long), usize::MAX), Err(DecodeError::Truncated));
    }

    #[test]
    fn lists_end_somewhere() {
        let list = |length: u32| {
            let mut bytes: Vec<u8> = (1..length).flat_map(|_| [0, 0, 0, 7, 0, 0, 0, 1]).collect();
            bytes.extend([0, 0, 0, 7, 0, 0, 0, 0]);
            from_bytes::<List>(&bytes)
        };
        back_and_forth(List { value: 1, next: Some(Box::new(List { value: 2, next: None })) });
        assert!(list(MAX_DEPTH + 1).is_ok());
        assert_eq!(list(MAX_DEPTH + 2), Err(DecodeError::TooDeep));
    }

    impl Xdr for [u8; 0] {
        fn encode(&self, _: &mut Vec<u8>) -> Result<(), EncodeError> {
            Ok(())
        }

        fn decode(_: &mut Decoder<'_>) -> Result<Self, DecodeError> {
            Ok([])
        }
    }
}
