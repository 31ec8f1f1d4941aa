//! Credentials and verifiers (RFC 5531, section 8.2 and appendix A).

use crate::xdr::{self, DecodeError, Decoder, EncodeError, Xdr};

/// The most bytes of a credential's or verifier's body.
pub const MAX_AUTH: usize = 400;

/// Numbers of the ways to say who calls.
pub mod flavor {
    /// Nobody in particular.
    pub const NONE: u32 = 0;
    /// A user of a Unix-like machine, who is believed.
    pub const SYS: u32 = 1;
    /// What the server gave the client to show instead.
    pub const SHORT: u32 = 2;
}

/// A credential or verifier: `opaque_auth`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Auth {
    /// One of [`flavor`], or another.
    pub flavor: u32,
    /// What the flavor says it is; at most [`MAX_AUTH`] bytes.
    pub body: Vec<u8>,
}

impl Auth {
    /// AUTH_NONE.
    pub const NONE: Auth = Auth { flavor: flavor::NONE, body: Vec::new() };

    /// AUTH_SHORT with this body.
    pub fn short(body: Vec<u8>) -> Self {
        Auth { flavor: flavor::SHORT, body }
    }

    /// The user, if it is an AUTH_SYS credential.
    pub fn sys(&self) -> Option<AuthSys> {
        (self.flavor == flavor::SYS).then(|| xdr::from_bytes(&self.body).ok()).flatten()
    }
}

impl Xdr for Auth {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.flavor.encode(out)?;
        xdr::put_opaque(out, &self.body, MAX_AUTH)
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Auth { flavor: Xdr::decode(input)?, body: xdr::get_opaque(input, MAX_AUTH)? })
    }
}

/// The body of an AUTH_SYS credential: `authsys_parms`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct AuthSys {
    /// An arbitrary number of the caller's machine.
    pub stamp: u32,
    /// The machine's name; at most 255 bytes.
    pub machine: String,
    /// The effective user.
    pub uid: u32,
    /// The effective group.
    pub gid: u32,
    /// More groups; at most 16.
    pub gids: Vec<u32>,
}

impl AuthSys {
    /// As a credential.
    ///
    /// # Errors
    /// If the machine's name is too long, or there are too many groups.
    pub fn credential(&self) -> Result<Auth, EncodeError> {
        Ok(Auth { flavor: flavor::SYS, body: xdr::to_bytes(self)? })
    }
}

impl Xdr for AuthSys {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.stamp.encode(out)?;
        xdr::put_string(out, &self.machine, 255)?;
        self.uid.encode(out)?;
        self.gid.encode(out)?;
        xdr::put_array(out, &self.gids, 16)
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(AuthSys {
            stamp: Xdr::decode(input)?,
            machine: xdr::get_string(input, 255)?,
            uid: Xdr::decode(input)?,
            gid: Xdr::decode(input)?,
            gids: xdr::get_array(input, 16)?,
        })
    }
}
