//! Layout of all e-mails, as HTML and as plain text.

use std::fmt::Write;

use url::Url;

use crate::Brand;
use crate::escape::Escaped;

/// Content of a template.
pub(crate) struct Content<'a> {
    pub(crate) heading: &'a str,
    /// Preview text that mail programs show next to the subject.
    pub(crate) preview: &'a str,
    pub(crate) recipient_name: Option<&'a str>,
    pub(crate) paragraphs: &'a [&'a str],
    /// List after the paragraphs: labels and values.
    pub(crate) details: &'a [(&'a str, &'a str)],
    /// Button: label and URL.
    pub(crate) call_to_action: Option<(&'a str, &'a Url)>,
    /// Overrides the brand's support address.
    pub(crate) support_email: Option<&'a str>,
}

impl Content<'_> {
    fn greeting(&self) -> String {
        format!("Hi {},", self.recipient_name.unwrap_or("there"))
    }

    fn support(&self, brand: &Brand) -> Option<String> {
        let address = self.support_email.or(brand.support_email.as_deref())?;
        Some(format!("Need a hand? Reach us at {address}."))
    }
}

/// Renders HTML and plain text.
pub(crate) fn render(content: &Content<'_>, brand: &Brand) -> (String, String) {
    (html(content, brand), text(content, brand))
}

/// Renders HTML. Styles are inline because mail programs drop style sheets.
fn html(content: &Content<'_>, brand: &Brand) -> String {
    let heading = Escaped(content.heading);
    let preview = Escaped(content.preview);
    let name = Escaped(&brand.name);
    let signature = Escaped(&brand.signature);
    let greeting = paragraph(&content.greeting());
    let paragraphs: String = content.paragraphs.iter().map(|text| paragraph(text)).collect();
    let details = list(content.details);
    let button = content.call_to_action.map(|(label, url)| button(label, url)).unwrap_or_default();
    let support = content
        .support(brand)
        .map(|text| format!("\n<p style=\"margin:8px 0 0\">{}</p>", Escaped(&text)))
        .unwrap_or_default();
    format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{heading}</title>
</head>
<body style="margin:0;padding:24px;background:#ffffff;color:#37352f;font:16px/1.5 -apple-system,'Segoe UI',Helvetica,Arial,sans-serif">
<div style="display:none;max-height:0;overflow:hidden">{preview}</div>
<table role="presentation" align="center" width="100%" cellpadding="0" cellspacing="0" style="max-width:600px;margin:0 auto;border:1px solid #e9e5e2;border-radius:8px">
<tr><td style="padding:24px 32px;border-bottom:1px solid #e9e5e2">
<p style="margin:0 0 8px;color:#787066;font-size:14px">{name}</p>
<h1 style="margin:0;font-size:24px;line-height:1.3">{heading}</h1>
</td></tr>
<tr><td style="padding:24px 32px">
{greeting}{paragraphs}{details}{button}</td></tr>
<tr><td style="padding:24px 32px;border-top:1px solid #e9e5e2;color:#787066;font-size:14px">
<p style="margin:0">{signature}</p>{support}
</td></tr>
</table>
</body>
</html>
"#
    )
}

fn paragraph(text: &str) -> String {
    format!("<p style=\"margin:0 0 16px\">{}</p>\n", Escaped(text))
}

fn list(details: &[(&str, &str)]) -> String {
    if details.is_empty() {
        return String::new();
    }
    let item = |(label, value): &(&str, &str)| format!("<li>{}: {}</li>\n", Escaped(label), Escaped(value));
    let items: String = details.iter().map(item).collect();
    format!("<ul style=\"margin:0 0 16px;padding-left:20px\">\n{items}</ul>\n")
}

fn button(label: &str, url: &Url) -> String {
    let (label, url) = (Escaped(label), Escaped(url.as_str()));
    format!(
        "<p style=\"margin:24px 0 8px\"><a href=\"{url}\" style=\"display:inline-block;padding:12px 24px;border-radius:6px;\
         background:#2e3440;color:#ffffff;text-decoration:none;font-weight:600\">{label}</a></p>\n"
    )
}

fn text(content: &Content<'_>, brand: &Brand) -> String {
    let mut text = format!("{}\n\n{}\n", content.heading, content.greeting());
    // Writing to a string cannot fail.
    for paragraph in content.paragraphs {
        let _ = write!(text, "\n{paragraph}\n");
    }
    if !content.details.is_empty() {
        text.push('\n');
    }
    for (label, value) in content.details {
        let _ = writeln!(text, "- {label}: {value}");
    }
    if let Some((label, url)) = content.call_to_action {
        let _ = write!(text, "\n{label}: {url}\n");
    }
    let _ = write!(text, "\n{}\n", brand.signature);
    if let Some(support) = content.support(brand) {
        let _ = writeln!(text, "{support}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "<script>\"&'";

    fn rendered(support_email: Option<&str>, brand: &Brand) -> (String, String) {
        let url = Url::parse("https://a.example/?a=1&b=\"2\"").expect("a URL");
        let content = Content {
            heading: HOSTILE,
            preview: HOSTILE,
            recipient_name: Some(HOSTILE),
            paragraphs: &[HOSTILE],
            details: &[(HOSTILE, HOSTILE)],
            call_to_action: Some((HOSTILE, &url)),
            support_email,
        };
        render(&content, brand)
    }

    #[test]
    fn nothing_in_the_content_is_markup() {
        let (html, text) = rendered(None, &Brand::named(HOSTILE));
        assert!(html.starts_with("<!DOCTYPE html>\n<html"));
        assert!(!html.contains("<script>"), "{html}");
        assert!(html.contains("Hi &lt;script&gt;&quot;&amp;&#39;,"));
        assert!(html.contains("<li>&lt;script&gt;&quot;&amp;&#39;: &lt;script&gt;&quot;&amp;&#39;</li>"), "{html}");
        assert!(html.contains("href=\"https://a.example/?a=1&amp;b=%222%22\""));
        assert!(text.contains("Hi <script>\"&',"), "{text}");
        assert!(!text.contains("&lt;"));
    }

    #[test]
    fn preview_stands_before_everything_that_is_seen() {
        let (html, _) = rendered(None, &Brand::default());
        let hidden = html.find("display:none").expect("a hidden preview");
        assert!(hidden < html.find("<table").expect("a table"));
    }

    #[test]
    fn support_is_offered_where_there_is_any() {
        let brand = Brand::default();
        let offer = "Need a hand? Reach us at";
        assert!(!rendered(None, &brand).0.contains(offer) && !rendered(None, &brand).1.contains(offer));
        let with_support = Brand { support_email: Some("help@a.example".into()), ..brand };
        assert!(rendered(None, &with_support).1.contains("Need a hand? Reach us at help@a.example."));
        assert!(rendered(Some("you@b.example"), &with_support).0.contains("Need a hand? Reach us at you@b.example."));
    }
}
