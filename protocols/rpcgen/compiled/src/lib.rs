//! What the stub compiler makes of its test files. That this compiles, without a warning, is half the test.
#![forbid(unsafe_code)]

pub mod constructs {
    //! One of each.
    include!(concat!(env!("OUT_DIR"), "/constructs.rs"));
}

pub mod habits {
    //! What files of C programs have besides.
    include!(concat!(env!("OUT_DIR"), "/habits.rs"));
}

pub mod shadows {
    //! Names of the standard library.
    include!(concat!(env!("OUT_DIR"), "/shadows.rs"));
}

pub mod types_only {
    //! Neither structs nor programs.
    include!(concat!(env!("OUT_DIR"), "/types_only.rs"));
}
