//! How answers look to people: tables (CSV, Excel), documents (Markdown, HTML, Word), diagrams (SVG,
//! Mermaid, DOT), calendars (iCalendar), and labels in place of codes and field names.
//!
//! A renderer takes a plain model: rows with columns; headings, paragraphs, lists and tables; boxes
//! and lines; shapes; events. It knows neither records nor HTTP. The view that answers builds the model.

pub mod calendar;
pub mod diagram;
pub mod document;
pub mod labels;
pub mod table;
pub mod text;
