//! Documents: headings, paragraphs, lists and tables ([`markup`]), written as Markdown, HTML and
//! Word.

pub mod docx;
pub mod html;
pub mod markdown;
pub mod markup;
