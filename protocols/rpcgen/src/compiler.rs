//! The way from a file to its output.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process;

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::Parser;

use crate::check::check;
use crate::generate::generate;
use crate::lexer::Lexer;
use crate::parser::parse;
use crate::prelude;
use crate::source::read;
use squall_diagnostic::Diagnostics;

/// Compiles a file for a build script: with the default settings, as [`Compiler::compile`].
pub fn compile(path: impl AsRef<Path>) {
    Compiler::new().compile(path);
}

/// The settings of a compilation.
#[derive(Clone, Debug)]
pub struct Compiler {
    runtime: TokenStream,
    folder: Option<PathBuf>,
    before: Vec<PathBuf>,
}

impl Default for Compiler {
    fn default() -> Self {
        Self::new()
    }
}

impl Compiler {
    /// The default settings: the runtime is `::squall_protocols`.
    pub fn new() -> Self {
        let runtime = quote!(::squall_protocols);
        Compiler { runtime, folder: None, before: Vec::new() }
    }

    /// Says where the output finds the runtime: the path of the crate `squall-protocols`.
    ///
    /// # Errors
    /// If it is no path.
    pub fn runtime(mut self, path: &str) -> Result<Self, InvalidPath> {
        let invalid = || InvalidPath(path.to_owned());
        syn::Path::parse_mod_style.parse_str(path).map_err(|_| invalid())?;
        self.runtime = path.parse().map_err(|_| invalid())?;
        Ok(self)
    }

    /// Says where `#include "file.x"` of a text is looked for; that of a file is its own folder.
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Reads another file before, as `#include` does: one whose types the file takes for granted.
    pub fn include(mut self, path: impl Into<PathBuf>) -> Self {
        self.before.push(path.into());
        self
    }

    /// Compiles a text, which messages call `name`. The same text gives the same output.
    ///
    /// # Errors
    /// If it is wrong.
    pub fn generate(&self, name: &str, text: impl AsRef<[u8]>) -> Result<String, Diagnostics> {
        let mut lexer = Lexer::default();
        self.run(&mut lexer, name, text.as_ref(), self.folder.as_deref())
    }

    /// Compiles a file.
    ///
    /// # Errors
    /// If it can not be read, or is wrong.
    pub fn generate_file(&self, path: impl AsRef<Path>) -> Result<String, Error> {
        self.read_and_run(path.as_ref(), &mut Lexer::default())
    }

    /// Compiles a file for a build script: `calc.x` into `$OUT_DIR/calc.rs`. Cargo is told to run the script
    /// again when the file changes. After an error, which is shown, the process ends with status 1.
    pub fn compile(&self, path: impl AsRef<Path>) {
        let path = path.as_ref();
        let mut lexer = Lexer::default();
        let result = self.read_and_run(path, &mut lexer);
        for read in self.before.iter().chain(&lexer.included).map(PathBuf::as_path).chain([path]) {
            println!("cargo::rerun-if-changed={}", read.display());
        }
        let written = result.and_then(|text| write(path, &text));
        if let Err(error) = written {
            eprintln!("{error}");
            process::exit(1);
        }
    }

    fn read_and_run(&self, path: &Path, lexer: &mut Lexer) -> Result<String, Error> {
        let unreadable = |error| Error::Unreadable { path: path.to_owned(), error };
        let text = read(path).map_err(unreadable)?;
        for before in &self.before {
            let unreadable = |error| Error::Unreadable { path: before.clone(), error };
            let text = read(before).map_err(unreadable)?;
            lexer.included.push(before.clone());
            lexer.file(&before.display().to_string(), &text, before.parent());
        }
        // A file that includes itself has nothing new to say.
        lexer.included.push(path.to_owned());
        let folder = self.folder.as_deref().or(path.parent());
        self.run(lexer, &path.display().to_string(), &text, folder).map_err(Error::Wrong)
    }

    fn run(
        &self,
        lexer: &mut Lexer,
        name: &str,
        text: &[u8],
        folder: Option<&Path>,
    ) -> Result<String, Diagnostics> {
        lexer.file(name, text, folder);
        let (tokens, mut errors) = (lexer.finish(), std::mem::take(&mut lexer.errors));
        let mut file = parse(tokens);
        // Where a piece was no word of the language, the parser would only repeat it.
        if errors.is_empty() {
            errors.append(&mut file.errors);
        }
        if errors.is_empty() {
            prelude::complete(&mut file, lexer);
            match check(&file.definitions, &lexer.defined) {
                Ok(model) => {
                    let name = Path::new(name).file_name().unwrap_or_default().to_string_lossy();
                    return Ok(generate(&name, &model, &self.runtime));
                }
                Err(found) => errors = found,
            }
        }
        Err(Diagnostics::new(std::mem::take(&mut lexer.sources), errors, 0))
    }
}

/// Writes the output of a build script.
fn write(path: &Path, text: &str) -> Result<(), Error> {
    let folder = std::env::var_os("OUT_DIR").ok_or(Error::NoOutput)?;
    let mut name = path.file_stem().map_or(OsString::new(), OsString::from);
    name.push(".rs");
    let path = Path::new(&folder).join(name);
    std::fs::write(&path, text).map_err(|error| Error::Unwritable { path, error })
}

/// Why a file has no output.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// It is wrong.
    Wrong(Diagnostics),
    /// It can not be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The output can not be written.
    Unwritable {
        /// The output's file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// This is no build script: `OUT_DIR` is not set.
    NoOutput,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Wrong(diagnostics) => diagnostics.fmt(f),
            Error::Unreadable { path, error } => {
                write!(f, "{}: can not be read: {error}", path.display())
            }
            Error::Unwritable { path, error } => {
                write!(f, "{}: can not be written: {error}", path.display())
            }
            Error::NoOutput => {
                f.write_str("OUT_DIR is not set: `squall_rpcgen::compile` is for build scripts")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Wrong(_) | Error::NoOutput => None,
            Error::Unreadable { error, .. } | Error::Unwritable { error, .. } => Some(error),
        }
    }
}

/// What was given as the path of the runtime is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidPath(String);

impl fmt::Display for InvalidPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no path of Rust, such as `::squall_protocols`", self.0)
    }
}

impl std::error::Error for InvalidPath {}
