//! Names in generated source code: kebab-case, snake_case and CamelCase.
//!
//! Templates are valid source code with a placeholder for the name.

use std::str::FromStr;

/// Maximum number of characters. The name of a Lambda function, stack name, hyphen and this, has at most 64.
const MAX_CHARACTERS: usize = 40;

/// Keywords of Rust.
const KEYWORDS: [&str; 44] = [
    "abstract", "alloc", "as", "async", "await", "become", "box", "break", "const", "continue", "core", "crate", "do",
    "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro",
    "match", "mod", "move", "mut", "priv", "pub", "ref", "return", "self", "static", "std", "struct", "super", "test",
    "trait", "true",
];
const MORE_KEYWORDS: [&str; 10] =
    ["try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield"];

/// A name in kebab-case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        if !text.split('-').all(is_word) || !text.starts_with(|first: char| first.is_ascii_lowercase()) {
            return Err("must be lowercase letters and digits, separated by hyphens, e.g. send-invoice".into());
        }
        if text.len() > MAX_CHARACTERS {
            return Err(format!("must have at most {MAX_CHARACTERS} characters"));
        }
        if KEYWORDS.contains(&text) || MORE_KEYWORDS.contains(&text) {
            return Err("is a keyword of Rust; use another name, e.g. send-invoice".into());
        }
        Ok(Self(text.to_owned()))
    }
}

impl Name {
    /// Returns `send-invoice`, for the package, the function and the job type.
    pub fn kebab(&self) -> &str {
        &self.0
    }

    /// Returns `send_invoice`, for modules.
    pub fn snake(&self) -> String {
        self.0.replace('-', "_")
    }

    /// Returns `SendInvoice`, for the struct and the CloudFormation resources.
    pub fn camel(&self) -> String {
        camel(&self.0)
    }

    /// Replaces the placeholder, a name in kebab-case, by this name, in each of its forms.
    pub fn fill(&self, placeholder: &str, template: &str) -> String {
        let filled = template.replace(placeholder, &self.0).replace(&placeholder.replace('-', "_"), &self.snake());
        filled.replace(&camel(placeholder), &self.camel())
    }
}

fn camel(kebab: &str) -> String {
    kebab.split('-').filter(|word| !word.is_empty()).map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn template_gets_the_name_in_each_of_its_ways() {
        let name: Name = "renew-job-2".parse().expect("a name");
        let filled = name.fill("new-job", "new-job/new_job: struct NewJob; for a new job");
        assert_eq!(filled, "renew-job-2/renew_job_2: struct RenewJob2; for a new job");
    }

    #[test]
    fn what_is_no_kebab_case_is_rejected() {
        for text in ["", "-", "a-", "-a", "a--b", "SendInvoice", "send_invoice", "2-go", "a b", "é", "../x", "match"] {
            assert!(text.parse::<Name>().is_err(), "{text}");
        }
        assert!("x".repeat(41).parse::<Name>().is_err());
        for text in ["a", "send-invoice", "a-2b", "try-again"] {
            assert!(text.parse::<Name>().is_ok(), "{text}");
        }
    }
}
