//! Calls and replies (RFC 5531, section 9). What follows a call's header, its arguments, and what
//! follows a successful reply's, its results, is left to whoever knows their types.

use super::Auth;
use crate::xdr::{DecodeError, Decoder, EncodeError, Xdr};

/// The version of the protocol.
pub const RPC_VERSION: u32 = 2;

const CALL: u32 = 0;
const REPLY: u32 = 1;

/// What a call says besides its arguments: `call_body`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallHeader {
    /// The program.
    pub program: u32,
    /// Its version.
    pub version: u32,
    /// The procedure.
    pub procedure: u32,
    /// Who calls.
    pub credential: Auth,
    /// What proves it.
    pub verifier: Auth,
}

/// What a server answers: `reply_body`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It took the call; which does not mean that it ran.
    Accepted {
        /// What proves who answers.
        verifier: Auth,
        /// What came of it.
        status: Accepted,
    },
    /// It did not take the call.
    Denied(Denied),
}

/// What came of a call that was accepted: `accept_stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It ran; the results follow.
    Success,
    /// No such program here.
    ProgramUnavailable,
    /// No such version of the program.
    ProgramMismatch {
        /// The lowest version there is.
        low: u32,
        /// The highest one.
        high: u32,
    },
    /// No such procedure.
    ProcedureUnavailable,
    /// The arguments can not be decoded.
    GarbageArguments,
    /// Something else, such as no memory.
    SystemError,
}

/// Why a call was not accepted: `reject_stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// Another version of the protocol.
    RpcMismatch {
        /// The lowest version that is understood.
        low: u32,
        /// The highest one.
        high: u32,
    },
    /// The caller is not believed.
    Auth(AuthStatus),
}

/// Why a caller is not believed: `auth_stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthStatus {
    /// AUTH_OK: there is nothing wrong.
    Ok,
    /// The credential is damaged.
    BadCredential,
    /// The client must begin a new session.
    RejectedCredential,
    /// The verifier is damaged.
    BadVerifier,
    /// The verifier is too old or was used before.
    RejectedVerifier,
    /// The flavor is too weak.
    TooWeak,
    /// The reply's verifier is wrong.
    InvalidResponse,
    /// No reason is known.
    Failed,
    /// A reason of another flavor: 8 to 14.
    Other(u32),
}

impl AuthStatus {
    fn number(self) -> u32 {
        match self {
            AuthStatus::Ok => 0,
            AuthStatus::BadCredential => 1,
            AuthStatus::RejectedCredential => 2,
            AuthStatus::BadVerifier => 3,
            AuthStatus::RejectedVerifier => 4,
            AuthStatus::TooWeak => 5,
            AuthStatus::InvalidResponse => 6,
            AuthStatus::Failed => 7,
            AuthStatus::Other(number) => number,
        }
    }
}

impl Xdr for AuthStatus {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.number().encode(out)
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(match u32::decode(input)? {
            0 => AuthStatus::Ok,
            1 => AuthStatus::BadCredential,
            2 => AuthStatus::RejectedCredential,
            3 => AuthStatus::BadVerifier,
            4 => AuthStatus::RejectedVerifier,
            5 => AuthStatus::TooWeak,
            6 => AuthStatus::InvalidResponse,
            7 => AuthStatus::Failed,
            other @ 8..=14 => AuthStatus::Other(other),
            other => return Err(DecodeError::Unknown(other.into(), "auth_stat")),
        })
    }
}

/// A message without the arguments or results behind it: `rpc_msg`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The transaction id: a reply has that of its call.
    pub xid: u32,
    /// Call or reply.
    pub body: Body,
}

/// What a message is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A call; its arguments follow.
    Call(CallHeader),
    /// A call in a version of the protocol other than [`RPC_VERSION`]; nothing else of it is known.
    ForeignCall {
        /// The version.
        version: u32,
    },
    /// A reply; the results follow if it says success.
    Reply(Reply),
}

impl Message {
    /// Reads the front of a message; gives what follows it. That is empty, unless the message is a call
    /// or a successful reply.
    ///
    /// # Errors
    /// If it is no message, or bytes follow one that ends.
    pub fn decode(bytes: &[u8]) -> Result<(Message, &[u8]), DecodeError> {
        let mut input = Decoder::new(bytes);
        let xid = u32::decode(&mut input)?;
        let body = match u32::decode(&mut input)? {
            CALL => decode_call(&mut input)?,
            REPLY => Body::Reply(Reply::decode(&mut input)?),
            other => return Err(DecodeError::Unknown(other.into(), "msg_type")),
        };
        let rest = input.rest();
        let ends = match &body {
            Body::Call(_) | Body::ForeignCall { .. } => false,
            Body::Reply(reply) => !reply.is_success(),
        };
        if ends {
            input.finish()?;
        }
        Ok((Message { xid, body }, rest))
    }
}

fn decode_call(input: &mut Decoder<'_>) -> Result<Body, DecodeError> {
    let version = u32::decode(input)?;
    if version != RPC_VERSION {
        return Ok(Body::ForeignCall { version });
    }
    Ok(Body::Call(CallHeader {
        program: Xdr::decode(input)?,
        version: Xdr::decode(input)?,
        procedure: Xdr::decode(input)?,
        credential: Xdr::decode(input)?,
        verifier: Xdr::decode(input)?,
    }))
}

impl CallHeader {
    /// A call's bytes but for its arguments, which are to be appended.
    ///
    /// # Errors
    /// If the credential or the verifier is too long.
    pub fn encode(&self, xid: u32, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        for number in [xid, CALL, RPC_VERSION, self.program, self.version, self.procedure] {
            number.encode(out)?;
        }
        self.credential.encode(out)?;
        self.verifier.encode(out)
    }
}

impl Reply {
    /// It ran; the results are to be appended.
    pub fn success(verifier: Auth) -> Self {
        Reply::Accepted { verifier, status: Accepted::Success }
    }

    /// True if the results follow.
    pub fn is_success(&self) -> bool {
        matches!(self, Reply::Accepted { status: Accepted::Success, .. })
    }

    /// A reply's bytes but for the results.
    ///
    /// # Errors
    /// If the verifier is too long.
    pub fn encode(&self, xid: u32, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        xid.encode(out)?;
        REPLY.encode(out)?;
        match self {
            Reply::Accepted { verifier, status } => {
                0u32.encode(out)?;
                verifier.encode(out)?;
                status.encode(out)
            }
            Reply::Denied(why) => {
                1u32.encode(out)?;
                why.encode(out)
            }
        }
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        match u32::decode(input)? {
            0 => Ok(Reply::Accepted { verifier: Xdr::decode(input)?, status: Xdr::decode(input)? }),
            1 => Ok(Reply::Denied(Xdr::decode(input)?)),
            other => Err(DecodeError::Unknown(other.into(), "reply_stat")),
        }
    }
}

impl Xdr for Accepted {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self {
            Accepted::Success => 0u32.encode(out),
            Accepted::ProgramUnavailable => 1u32.encode(out),
            Accepted::ProgramMismatch { low, high } => {
                2u32.encode(out)?;
                low.encode(out)?;
                high.encode(out)
            }
            Accepted::ProcedureUnavailable => 3u32.encode(out),
            Accepted::GarbageArguments => 4u32.encode(out),
            Accepted::SystemError => 5u32.encode(out),
        }
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(match u32::decode(input)? {
            0 => Accepted::Success,
            1 => Accepted::ProgramUnavailable,
            2 => Accepted::ProgramMismatch { low: Xdr::decode(input)?, high: Xdr::decode(input)? },
            3 => Accepted::ProcedureUnavailable,
            4 => Accepted::GarbageArguments,
            5 => Accepted::SystemError,
            other => return Err(DecodeError::Unknown(other.into(), "accept_stat")),
        })
    }
}

impl Xdr for Denied {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let numbers: &[u32] = match self {
            Denied::RpcMismatch { low, high } => &[0, *low, *high],
            Denied::Auth(status) => &[1, status.number()],
        };
        numbers.iter().try_for_each(|number| number.encode(out))
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        match u32::decode(input)? {
            0 => Ok(Denied::RpcMismatch { low: Xdr::decode(input)?, high: Xdr::decode(input)? }),
            1 => Ok(Denied::Auth(Xdr::decode(input)?)),
            other => Err(DecodeError::Unknown(other.into(), "reject_stat")),
        }
    }
}

impl Message {
    /// The bytes of the message, `rest` behind it.
    ///
    /// # Errors
    /// If a credential or verifier is too long.
    pub fn encode(&self, rest: &[u8]) -> Result<Vec<u8>, EncodeError> {
        let mut out = Vec::with_capacity(64 + rest.len());
        match &self.body {
            Body::Call(header) => header.encode(self.xid, &mut out)?,
            Body::Reply(reply) => reply.encode(self.xid, &mut out)?,
            Body::ForeignCall { version } => {
                [self.xid, CALL, *version].iter().try_for_each(|number| number.encode(&mut out))?;
            }
        }
        out.extend_from_slice(rest);
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{AuthSys, flavor};
    use super::*;

    /// What libtirpc's peers sent, line by line: name, direction, transport, bytes.
    const GOLDEN: &str = include_str!("../../../tests/oncrpc/golden.tsv");

    fn golden() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
        GOLDEN.lines().filter(|line| !line.starts_with('#')).map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let [name, _, transport, hex] = fields[..] else { panic!("four fields: {line}") };
            let digits: Vec<u8> =
                hex.chars().map(|digit| digit.to_digit(16).unwrap() as u8).collect();
            let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect();
            // Over TCP a record mark of four bytes stands in front (RFC 5531, section 11).
            let skip = if transport == "tcp" { 4 } else { 0 };
            (name, bytes[skip..].to_vec())
        })
    }

    #[test]
    fn every_golden_message_decodes_and_encodes_back() {
        let mut lines = 0;
        for (name, bytes) in golden() {
            let (message, rest) =
                Message::decode(&bytes).unwrap_or_else(|why| panic!("{name}: {why}"));
            assert_eq!(message.encode(rest).unwrap(), bytes, "{name}");
            if let Body::Call(header) = &message.body {
                assert_eq!((header.program, header.version), (0x2000_0099, 1), "{name}");
            }
            lines += 1;
        }
        assert_eq!(lines, 24);
    }

    #[test]
    fn the_golden_statuses_are_what_their_names_say() {
        let reply = |wanted: &str| {
            let is_reply = |bytes: &[u8]| bytes[7] == 1;
            let (_, bytes) =
                golden().find(|(name, bytes)| *name == wanted && is_reply(bytes)).unwrap();
            match Message::decode(&bytes).unwrap().0.body {
                Body::Reply(Reply::Accepted { status, .. }) => Ok(status),
                Body::Reply(Reply::Denied(denied)) => Err(denied),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(reply("null"), Ok(Accepted::Success));
        assert_eq!(reply("proc_unavail"), Ok(Accepted::ProcedureUnavailable));
        assert_eq!(reply("prog_mismatch"), Ok(Accepted::ProgramMismatch { low: 1, high: 1 }));
        assert_eq!(reply("prog_unavail"), Ok(Accepted::ProgramUnavailable));
        assert_eq!(reply("garbage_args"), Ok(Accepted::GarbageArguments));
        assert_eq!(reply("auth_rejectedcred"), Err(Denied::Auth(AuthStatus::RejectedCredential)));
        assert_eq!(reply("auth_badcred"), Err(Denied::Auth(AuthStatus::BadCredential)));
        assert_eq!(reply("rpc_mismatch"), Err(Denied::RpcMismatch { low: 2, high: 2 }));
    }

    #[test]
    fn the_golden_credential_names_its_user() {
        let (_, bytes) = golden().find(|(name, _)| *name == "add_auth_sys").unwrap();
        let Body::Call(header) = Message::decode(&bytes).unwrap().0.body else { panic!() };
        assert_eq!(header.credential.flavor, flavor::SYS);
        let user = header.credential.sys().unwrap();
        assert_eq!((user.machine.as_str(), user.uid, user.gid), ("client", 0, 0));
        assert_eq!(user.credential().unwrap(), header.credential);
        assert_eq!(AuthSys { gids: vec![0; 17], ..user }.credential().ok(), None);
    }

    fn auth() -> impl Strategy<Value = Auth> {
        (0..4u32, proptest::collection::vec(any::<u8>(), 0..20))
            .prop_map(|(flavor, body)| Auth { flavor, body })
    }

    fn auth_status() -> impl Strategy<Value = AuthStatus> {
        (0..=14u32).prop_map(|number| crate::xdr::from_bytes(&number.to_be_bytes()).unwrap())
    }

    fn accepted() -> impl Strategy<Value = Accepted> {
        prop_oneof![
            Just(Accepted::Success),
            Just(Accepted::ProgramUnavailable),
            any::<(u32, u32)>().prop_map(|(low, high)| Accepted::ProgramMismatch { low, high }),
            Just(Accepted::ProcedureUnavailable),
            Just(Accepted::GarbageArguments),
            Just(Accepted::SystemError),
        ]
    }

    fn body() -> impl Strategy<Value = Body> {
        prop_oneof![
            (any::<(u32, u32, u32)>(), auth(), auth()).prop_map(
                |(numbers, credential, verifier)| {
                    let (program, version, procedure) = numbers;
                    Body::Call(CallHeader { program, version, procedure, credential, verifier })
                }
            ),
            (3..u32::MAX).prop_map(|version| Body::ForeignCall { version }),
            (auth(), accepted())
                .prop_map(|(verifier, status)| Body::Reply(Reply::Accepted { verifier, status })),
            auth_status().prop_map(|status| Body::Reply(Reply::Denied(Denied::Auth(status)))),
            any::<(u32, u32)>().prop_map(|(low, high)| {
                Body::Reply(Reply::Denied(Denied::RpcMismatch { low, high }))
            }),
        ]
    }

    proptest! {
        #[test]
        fn messages_come_back_as_they_went(xid: u32, body in body(), rest: Vec<u8>) {
            let ends = matches!(&body, Body::Reply(reply) if !reply.is_success());
            let message = Message { xid, body };
            let rest = if ends { &[] } else { &rest[..] };
            let bytes = message.encode(rest).unwrap();
            prop_assert_eq!(Message::decode(&bytes), Ok((message, rest)));
            if ends {
                prop_assert!(Message::decode(&[&bytes[..], &[0]].concat()).is_err());
            }
        }

        #[test]
        fn any_bytes_are_a_message_or_an_error(
            mut bytes in proptest::collection::vec(prop_oneof![4 => 0..3u8, 1 => any::<u8>()], 0..80),
        ) {
            let long = bytes.len() / 4 * 4;
            bytes.truncate(long);
            if let Ok((message, rest)) = Message::decode(&bytes) {
                prop_assert_eq!(message.encode(rest).unwrap(), bytes);
            }
        }
    }
}
