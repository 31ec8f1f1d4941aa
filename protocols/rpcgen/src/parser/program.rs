//! Programs, their versions and their procedures (RFC 5531, section 12.2).

use super::{Parsed, Parser};
use crate::ast::{Kind, Procedure, Program, Specifier, Version};
use crate::lexer::Token;
use squall_diagnostic::Diagnostic;

/// How many arguments a procedure may have: as many as the runtime has tuples for.
const MAX_ARGUMENTS: usize = 8;

impl Parser {
    /// What stands behind `program`.
    pub(super) fn program(&mut self) -> Parsed<Program> {
        let name = self.name("the name of the program")?;
        self.mark('{', "and the versions of the program")?;
        let mut versions = Vec::new();
        while versions.is_empty() || !self.at_mark('}') {
            if !self.accept_word("version") {
                return self.expected("`version`, which the procedures of a program stand in");
            }
            versions.push(self.version()?);
        }
        self.advance();
        self.mark('=', "and the number of the program")?;
        let number = self.value("the number of the program")?;
        Ok(Program { name, number, versions })
    }

    fn version(&mut self) -> Parsed<Version> {
        let name = self.name("the name of the version")?;
        self.mark('{', "and the procedures of the version")?;
        let mut procedures = Vec::new();
        if self.at_mark('}') {
            return self.expected("a procedure, since a version has at least one");
        }
        while !self.at_mark('}') {
            procedures.push(self.procedure()?);
        }
        self.advance();
        self.mark('=', "and the number of the version")?;
        let number = self.value("the number of the version")?;
        self.mark(';', "after the version")?;
        Ok(Version { name, number, procedures })
    }

    fn procedure(&mut self) -> Parsed<Procedure> {
        let result = self.passed()?;
        self.no_bounds(&result)?;
        let name = self.name("the name of the procedure")?;
        self.mark('(', "and the arguments of the procedure")?;
        let mut arguments: Vec<(Specifier, _)> = Vec::new();
        while !self.at_mark(')') {
            let argument = self.passed()?;
            self.no_bounds(&argument)?;
            let named = match self.peek() {
                Token::Word(_) => Some(self.name("the name of the argument")?),
                _ => None,
            };
            arguments.push((argument, named));
            if !self.accept(',') {
                break;
            }
            if self.at_mark(')') {
                return self.expected("the type of an argument");
            }
        }
        self.mark(')', "after the arguments")?;
        self.mark('=', "and the number of the procedure")?;
        let number = self.value("the number of the procedure")?;
        self.mark(';', "after the procedure")?;
        if let [(only, None)] = &arguments[..]
            && only.kind == Kind::Void
        {
            arguments.clear();
        }
        if let Some((void, _)) = arguments.iter().find(|(one, _)| one.kind == Kind::Void) {
            let error = Diagnostic::new(void.span.clone(), "`void` stands alone, without a name");
            self.file.errors.push(error);
        }
        if arguments.len() > MAX_ARGUMENTS {
            let message = format!(
                "`{}` has {} arguments, and {MAX_ARGUMENTS} at most are possible",
                name.text,
                arguments.len()
            );
            let error = Diagnostic::new(name.span.clone(), message);
            self.file.errors.push(error.help("put them into a struct"));
        }
        Ok(Procedure { name, number, result, arguments })
    }
}
