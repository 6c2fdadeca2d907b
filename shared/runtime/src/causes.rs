//! Error causes: "error sending request" alone does not explain a failure.

/// Returns the text, followed by the error's causes from the outermost to the innermost.
pub fn with_causes(text: impl Into<String>, error: &dyn std::error::Error) -> String {
    let mut text = text.into();
    let mut cause = error.source();
    while let Some(why) = cause {
        text = format!("{text}: {why}");
        cause = why.source();
    }
    text
}
