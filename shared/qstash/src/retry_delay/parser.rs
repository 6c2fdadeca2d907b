//! The grammar of a retry-delay expression.
//!
//! ```text
//! sum     = product { ("+" | "-") product }
//! product = signed  { ("*" | "/" | "%") signed }
//! signed  = [ "-" | "+" ] signed | value
//! value   = number | "retried" | function "(" sum { "," sum } ")" | "(" sum ")"
//! ```

use super::program::{Function, Program, Step};

/// Maximum nesting of parentheses, calls and signs. Parsing is recursive, so this bounds the stack.
const MAX_DEPTH: usize = 32;

/// Parses a whole expression; the error has the problem and its position.
pub(super) fn parse(source: &str) -> Result<Program, String> {
    let mut parser = Parser { source, position: 0, depth: 0, program: Program::default() };
    parser.sum()?;
    match parser.peek() {
        None => Ok(parser.program),
        Some(_) => Err(parser.unexpected()),
    }
}

struct Parser<'a> {
    source: &'a str,
    /// Byte offset, always on a character boundary.
    position: usize,
    depth: usize,
    program: Program,
}

impl Parser<'_> {
    fn sum(&mut self) -> Result<(), String> {
        self.product()?;
        loop {
            let step = match self.peek() {
                Some('+') => Step::Add,
                Some('-') => Step::Subtract,
                _ => return Ok(()),
            };
            self.position += 1;
            self.product()?;
            self.program.0.push(step);
        }
    }

    fn product(&mut self) -> Result<(), String> {
        self.signed()?;
        loop {
            let step = match self.peek() {
                Some('*') => Step::Multiply,
                Some('/') => Step::Divide,
                Some('%') => Step::Remainder,
                _ => return Ok(()),
            };
            self.position += 1;
            self.signed()?;
            self.program.0.push(step);
        }
    }

    fn signed(&mut self) -> Result<(), String> {
        match self.peek() {
            Some('-') => {
                self.position += 1;
                self.nested(Self::signed)?;
                self.program.0.push(Step::Negate);
                Ok(())
            }
            Some('+') => {
                self.position += 1;
                self.nested(Self::signed)
            }
            _ => self.value(),
        }
    }

    fn value(&mut self) -> Result<(), String> {
        match self.peek() {
            Some('(') => {
                self.position += 1;
                self.nested(Self::sum)?;
                self.expect(')')
            }
            Some(c) if c.is_ascii_digit() || c == '.' => self.number(),
            Some(c) if c.is_ascii_alphabetic() => self.name(),
            _ => Err(self.unexpected()),
        }
    }

    fn number(&mut self) -> Result<(), String> {
        let rest = &self.source[self.position..];
        let text = &rest[..number_length(rest.as_bytes())];
        // A number that is too large becomes infinite, which callers treat as no result.
        let number = text.parse().map_err(|_| self.unexpected())?;
        self.position += text.len();
        self.program.0.push(Step::Number(number));
        Ok(())
    }

    fn name(&mut self) -> Result<(), String> {
        let rest = &self.source[self.position..];
        let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let name = &rest[..length];
        if name == "retried" {
            self.position += length;
            self.program.0.push(Step::Retried);
            return Ok(());
        }
        let function =
            Function::named(name).ok_or_else(|| format!("unknown name {name:?} at position {}", self.position + 1))?;
        self.position += length;
        self.expect('(')?;
        let arguments = self.nested(Self::arguments)?;
        self.expect(')')?;
        if !function.takes(arguments) {
            return Err(format!("wrong number of arguments for {name}"));
        }
        self.program.0.push(Step::Call(function, arguments));
        Ok(())
    }

    fn arguments(&mut self) -> Result<usize, String> {
        let mut count = 1;
        self.sum()?;
        while self.peek() == Some(',') {
            self.position += 1;
            self.sum()?;
            count += 1;
        }
        Ok(count)
    }

    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, String>) -> Result<T, String> {
        if self.depth == MAX_DEPTH {
            return Err(format!("nested more than {MAX_DEPTH} deep"));
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    fn expect(&mut self, wanted: char) -> Result<(), String> {
        if self.peek() == Some(wanted) {
            self.position += wanted.len_utf8();
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    /// Returns the next character that is not a space, without consuming it.
    fn peek(&mut self) -> Option<char> {
        let rest = &self.source[self.position..];
        let trimmed = rest.trim_ascii_start();
        self.position += rest.len() - trimmed.len();
        trimmed.chars().next()
    }

    fn unexpected(&mut self) -> String {
        match self.peek() {
            Some(c) => format!("unexpected {c:?} at position {}", self.position + 1),
            None => "unexpected end".to_owned(),
        }
    }
}

/// Returns the length in bytes of a leading decimal number: digits, a decimal point, an exponent.
fn number_length(text: &[u8]) -> usize {
    let digits = |from: usize| text[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut length = digits(0);
    if text.get(length) == Some(&b'.') {
        length += 1;
        length += digits(length);
    }
    if matches!(text.get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(text.get(length + 1), Some(b'+' | b'-')));
        let exponent = digits((length + 1 + sign).min(text.len()));
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    length
}
