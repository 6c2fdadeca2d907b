//! Lines, tables and charts, laid out from top to bottom over as many pages as needed.

use pdf_writer::{Content, Finish, Name, Pdf, Rect, Ref, Str, TextStr};

use super::text::{encoded, fitting, width};
use crate::chart::Chart;
use crate::report::Bar;

/// A4 in points.
const PAGE: (f32, f32) = (595.0, 842.0);
const MARGIN: f32 = 48.0;
const ROOM: f32 = PAGE.0 - 2.0 * MARGIN;
const CHART_HEIGHT: f32 = 110.0;
/// Width of the first column of a table. The others share the rest.
const FIRST_COLUMN: f32 = 170.0;

const REGULAR: Name<'static> = Name(b"F1");
const BOLD: Name<'static> = Name(b"F2");

/// Style of a text.
#[derive(Clone, Copy)]
pub(super) struct Style {
    /// Font size in points.
    pub(super) size: f32,
    pub(super) bold: bool,
}

impl Style {
    fn font(self) -> Name<'static> {
        if self.bold { BOLD } else { REGULAR }
    }

    /// Line height.
    fn height(self) -> f32 {
        self.size * 1.6
    }

    fn width(self, text: &str) -> f32 {
        width(text, self.wide())
    }

    /// Truncates the text to the width.
    fn fitting(self, text: &str, room: f32) -> String {
        fitting(text, self.wide(), room)
    }

    /// Returns the font size at which the regular cut has the same width.
    fn wide(self) -> f32 {
        if self.bold { self.size * 1.07 } else { self.size }
    }
}

/// Document that is filled from top to bottom.
pub(super) struct Pages {
    title: String,
    done: Vec<Vec<u8>>,
    content: Content,
    /// Lower edge of the content of the page.
    y: f32,
}

impl Pages {
    pub(super) fn new(title: &str) -> Self {
        Self { title: title.to_owned(), done: Vec::new(), content: Content::new(), y: PAGE.1 - MARGIN }
    }

    /// Adds a line of text. A heading has space above and below.
    pub(super) fn line(&mut self, style: Style, text: &str) {
        let gap = if style.bold { style.size } else { 0.0 };
        self.make_room(gap + style.height() + if style.bold { 3.0 * style.height() } else { 0.0 });
        self.y -= gap + style.height();
        self.show(style, MARGIN, &style.fitting(text, ROOM));
    }

    /// Adds a row of a table: the first cell left-aligned, the others right-aligned.
    pub(super) fn row<const N: usize>(&mut self, style: Style, cells: &[String; N]) {
        self.make_room(style.height());
        self.y -= style.height();
        self.show(style, MARGIN, &style.fitting(&cells[0], FIRST_COLUMN));
        #[expect(clippy::cast_precision_loss, reason = "a few columns")]
        let slot = (ROOM - FIRST_COLUMN) / (N - 1).max(1) as f32;
        let mut right = MARGIN + FIRST_COLUMN;
        for cell in &cells[1..] {
            right += slot;
            let text = style.fitting(cell, slot);
            self.show(style, right - style.width(&text), &text);
        }
    }

    /// Adds a chart with bars for completed runs, and failed runs stacked on top.
    pub(super) fn chart(&mut self, bars: &[Bar]) {
        const LABEL: Style = Style { size: 7.0, bold: false };
        self.make_room(CHART_HEIGHT + 3.0 * LABEL.height());
        let Chart { columns, top } = Chart::new(bars, ROOM, CHART_HEIGHT);
        self.y -= LABEL.height();
        self.show(LABEL, MARGIN, &top.to_string());
        self.y -= CHART_HEIGHT + 3.0;
        let base = self.y;
        for column in columns {
            let mut rectangle = |above: f32, height: f32, [red, green, blue]: [f32; 3]| {
                if height > 0.0 {
                    self.content.set_fill_rgb(red, green, blue);
                    self.content.rect(MARGIN + column.x, base + above, column.width, height);
                    self.content.fill_nonzero();
                }
            };
            rectangle(0.0, column.completed, [0.30, 0.47, 0.66]);
            rectangle(column.completed, column.failed, [0.82, 0.29, 0.36]);
        }
        self.content.set_stroke_gray(0.8);
        self.content.move_to(MARGIN, base).line_to(MARGIN + ROOM, base).stroke();
        self.y -= LABEL.height();
        let at =
            |bar: Option<&Bar>| bar.map(|bar| bar.begins.strftime("%Y-%m-%d %H:%M").to_string()).unwrap_or_default();
        self.show(LABEL, MARGIN, &at(bars.first()));
        let last = at(bars.last());
        self.show(LABEL, MARGIN + ROOM - LABEL.width(&last), &last);
    }

    /// Returns the file.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.done.push(self.content.finish().into_vec());
        let (catalog, tree, regular, bold, info) = (Ref::new(1), Ref::new(2), Ref::new(3), Ref::new(4), Ref::new(5));
        let page_of = |number: usize| Ref::new(i32::try_from(number).unwrap_or(0) * 2 + 6);
        let content_of = |number: usize| Ref::new(i32::try_from(number).unwrap_or(0) * 2 + 7);
        let mut pdf = Pdf::new();
        pdf.catalog(catalog).pages(tree);
        let kids = (0..self.done.len()).map(page_of);
        pdf.pages(tree).kids(kids).count(i32::try_from(self.done.len()).unwrap_or(i32::MAX));
        for (number, content) in self.done.iter().enumerate() {
            let mut page = pdf.page(page_of(number));
            page.media_box(Rect::new(0.0, 0.0, PAGE.0, PAGE.1)).parent(tree).contents(content_of(number));
            page.resources().fonts().pair(REGULAR, regular).pair(BOLD, bold);
            page.finish();
            pdf.stream(content_of(number), content);
        }
        for (font, name) in [(regular, &b"Helvetica"[..]), (bold, b"Helvetica-Bold")] {
            pdf.type1_font(font).base_font(Name(name)).encoding_predefined(Name(b"WinAnsiEncoding"));
        }
        pdf.document_info(info).title(TextStr(&self.title)).producer(TextStr("sigpost"));
        pdf.finish()
    }

    fn make_room(&mut self, height: f32) {
        if self.y - height < MARGIN {
            let content = std::mem::replace(&mut self.content, Content::new());
            self.done.push(content.finish().into_vec());
            self.y = PAGE.1 - MARGIN;
        }
    }

    fn show(&mut self, style: Style, x: f32, text: &str) {
        self.content.set_fill_gray(0.2);
        self.content.begin_text().set_font(style.font(), style.size).next_line(x, self.y);
        self.content.show(Str(&encoded(text))).end_text();
    }
}
