//! `squall rpcgen`: compiles an interface file.

use std::io::{self, Write};
use std::path::PathBuf;

use squall_rpcgen::{Compiler, Error};

use super::exit::Exit;
use super::{complain, files, stdout};

/// Arguments of `squall rpcgen`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  squall rpcgen calc.x                            the Rust code, on standard output
  squall rpcgen calc.x -o src/calc.rs             into a file
  squall rpcgen calc.x --runtime ::squall::protocols  for a crate that depends on `squall` alone
  squall rpcgen nis_callback.x --include nis.x    with types that the file takes for granted

A build script does the same with `squall_rpcgen::compile(\"calc.x\")`.")]
pub(super) struct Args {
    /// The interface file (RFC 5531, section 12)
    #[arg(value_name = "FILE.x")]
    file: PathBuf,
    /// Write the code into this file
    #[arg(short, long, value_name = "OUT.rs")]
    output: Option<PathBuf>,
    /// Overwrite a file that exists
    #[arg(long)]
    force: bool,
    /// Read this file before, as if FILE.x included it; may be repeated
    #[arg(long, value_name = "FILE.x")]
    include: Vec<PathBuf>,
    /// Where the code finds the crate squall-protocols
    #[arg(long, value_name = "PATH", default_value = "::squall_protocols")]
    runtime: String,
}

pub(super) fn run(args: &Args) -> io::Result<Exit> {
    let mut compiler = match Compiler::new().runtime(&args.runtime) {
        Ok(compiler) => compiler,
        Err(error) => {
            complain(&format!("--runtime: {error}"));
            return Ok(Exit::Usage);
        }
    };
    for path in &args.include {
        compiler = compiler.include(path);
    }
    let text = match compiler.generate_file(&args.file) {
        Ok(text) => text,
        Err(Error::Wrong(diagnostics)) => {
            // If standard error is closed, there is nobody to tell.
            let _ = writeln!(anstream::stderr(), "{}\n", diagnostics.render(true));
            return Ok(Exit::Data);
        }
        Err(error) => {
            complain(&error.to_string());
            return Ok(Exit::Usage);
        }
    };
    match &args.output {
        None => stdout().write_all(text.as_bytes())?,
        Some(path) => {
            let written = files::write(path, args.force, |out| out.write_all(text.as_bytes()));
            if let Err(exit) = written {
                return Ok(exit);
            }
        }
    }
    Ok(Exit::Passed)
}
