//! A calculator called over ONC RPC.
#![forbid(unsafe_code)]
#![warn(missing_docs, clippy::all)]

pub mod calc {
    //! The calculator's interface, from `calc.x`.
    include!(concat!(env!("OUT_DIR"), "/calc.rs"));
}
