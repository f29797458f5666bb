//! A document for Word (ECMA-376), with real heading styles and lists, header rows that repeat,
//! columns as wide as what they say, the marking and the page number on each page, a title and a
//! language.
//!
//! The package is written part by part, because none of the available crates writes header rows,
//! title or language.

use std::io::{Cursor, Write};

use chrono::SecondsFormat;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::About;
use super::markup::{Cell, Front, Mark, Node, Span, Table};
use crate::problem::Problem;

/// Number of levels of nested lists that Word supports.
const LEVELS: usize = 9;

/// Writes the document.
///
/// # Errors
/// Fails if the package cannot be written.
pub fn write(nodes: &[Node], about: &About<'_>) -> Result<Vec<u8>, Problem> {
    let mut body = Body::of(about);
    body.blocks(nodes, &Place::default());
    let mut package = ZipWriter::new(Cursor::new(Vec::new()));
    // The file contains no time of writing, so the same paper always gives the same file.
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    let parts = [
        ("[Content_Types].xml", CONTENT_TYPES.to_owned()),
        ("_rels/.rels", RELATIONS.to_owned()),
        ("docProps/core.xml", core(about)),
        ("docProps/app.xml", APP.to_owned()),
        ("word/document.xml", body.document()),
        ("word/styles.xml", styles(about.language)),
        ("word/numbering.xml", body.numbering()),
        ("word/settings.xml", settings(about.language)),
        ("word/header1.xml", header(about)),
        ("word/footer1.xml", footer(about)),
        ("word/_rels/document.xml.rels", body.relations()),
    ];
    for (name, text) in parts {
        package
            .start_file(name, options)
            .map_err(Problem::internal)?;
        package
            .write_all(text.as_bytes())
            .map_err(Problem::internal)?;
    }
    Ok(package.finish().map_err(Problem::internal)?.into_inner())
}

/// Escapes text and drops characters that XML 1.0 does not allow.
fn escape(text: &str) -> String {
    let fits = |c: &char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    let clean: String = text.chars().filter(fits).collect();
    quick_xml::escape::escape(&clean).into_owned()
}

const MAIN: &str = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";

/// Position of a paragraph.
#[derive(Debug, Clone, Default)]
struct Place {
    style: Option<&'static str>,
    /// The list that it is an item of, and its depth.
    list: Option<(usize, usize)>,
    /// Whether it continues an item that already has its mark.
    goes_on: bool,
}

struct Body<'a> {
    about: &'a About<'a>,
    xml: String,
    /// Addresses of links, each once.
    links: Vec<String>,
    /// Whether the next paragraph begins a page.
    is_new_page: bool,
    /// The numbered and lettered lists, each with its own count.
    counted: Vec<Mark>,
}

/// The bulleted list; numbered and lettered lists follow it.
const BULLETS: usize = 1;

/// Indent of a list, and of each list within it, in twentieths of a point.
const INDENT: usize = 397;

/// Width of the text area of a page, in twentieths of a point.
const TEXT_WIDTH: f64 = 9_638.0;

impl<'a> Body<'a> {
    fn of(about: &'a About<'a>) -> Self {
        Self {
            about,
            xml: String::new(),
            links: Vec::new(),
            is_new_page: false,
            counted: Vec::new(),
        }
    }

    fn blocks(&mut self, nodes: &[Node], place: &Place) {
        for (n, node) in nodes.iter().enumerate() {
            let here = Place {
                goes_on: place.goes_on || (place.list.is_some() && n > 0),
                ..place.clone()
            };
            self.block(node, &here);
        }
    }

    fn block(&mut self, node: &Node, place: &Place) {
        match node {
            Node::Front(front) => self.front(front),
            Node::Heading(level, spans) => {
                let style = match level {
                    1 => "Heading1",
                    2 => "Heading2",
                    3 => "Heading3",
                    _ => "Heading4",
                };
                let heading = Place {
                    style: Some(style),
                    ..Place::default()
                };
                self.paragraph(spans, &heading);
            }
            Node::Para(spans) => self.paragraph(spans, place),
            Node::List(mark, items) => self.list(*mark, items, place),
            Node::Quote(inner) => {
                let quote = Place {
                    style: Some("Quote"),
                    ..Place::default()
                };
                self.blocks(inner, &quote);
            }
            Node::Code(code) => {
                let here = Place {
                    style: Some("Code"),
                    ..Place::default()
                };
                for text in code.trim_end_matches('\n').split('\n') {
                    self.paragraph(&[Span::text(text)], &here);
                }
            }
            Node::Table(table) => self.table(table),
            Node::NewPage => self.is_new_page = true,
        }
    }

    fn front(&mut self, front: &Front) {
        let styled = |style| Place {
            style: Some(style),
            ..Place::default()
        };
        for text in &front.above {
            self.paragraph(&[Span::text(text)], &styled("Subtitle"));
        }
        self.paragraph(&[Span::text(&front.title)], &styled("Title"));
        for (label, text) in &front.facts {
            let label = Span::strong(format!("{label}: "));
            self.paragraph(&[label, Span::text(text)], &styled("Fact"));
        }
    }

    fn list(&mut self, mark: Mark, items: &[Vec<Node>], place: &Place) {
        let number = match mark {
            Mark::Bullet => BULLETS,
            _ => {
                self.counted.push(mark);
                BULLETS + self.counted.len()
            }
        };
        let depth = place.list.map_or(0, |(_, depth)| depth + 1).min(LEVELS - 1);
        for item in items {
            let here = Place {
                style: Some(if mark == Mark::Bullet {
                    "ListBullet"
                } else {
                    "ListNumber"
                }),
                list: Some((number, depth)),
                goes_on: false,
            };
            self.blocks(item, &here);
        }
    }

    fn paragraph(&mut self, spans: &[Span], place: &Place) {
        self.xml.push_str("<w:p>");
        let mut properties = String::new();
        let style = if place.goes_on {
            Some("ListContinue")
        } else {
            place.style
        };
        if let Some(style) = style {
            properties.push_str(&format!("<w:pStyle w:val=\"{style}\"/>"));
        }
        if std::mem::take(&mut self.is_new_page) {
            properties.push_str("<w:pageBreakBefore/>");
        }
        if let Some((list, depth)) = place.list {
            if place.goes_on {
                properties.push_str(&format!("<w:ind w:left=\"{}\"/>", INDENT * (depth + 1)));
            } else {
                properties.push_str(&format!(
                    "<w:numPr><w:ilvl w:val=\"{depth}\"/><w:numId w:val=\"{list}\"/></w:numPr>"
                ));
            }
        }
        if !properties.is_empty() {
            self.xml.push_str(&format!("<w:pPr>{properties}</w:pPr>"));
        }
        self.runs(spans, "");
        self.xml.push_str("</w:p>");
    }

    fn runs(&mut self, spans: &[Span], properties: &str) {
        for span in spans {
            match span {
                Span::Text(text) => self.run(text, properties),
                Span::Strong(inner) => self.runs(inner, &format!("{properties}<w:b/>")),
                Span::Emphasis(inner) => self.runs(inner, &format!("{properties}<w:i/>")),
                Span::Code(code) => {
                    self.run(code, &format!("<w:rStyle w:val=\"CodeText\"/>{properties}"))
                }
                Span::Break => self.xml.push_str("<w:r><w:br/></w:r>"),
                Span::Link(to, inner) => {
                    let Some(to) = self.about.address(to) else {
                        self.runs(inner, properties);
                        continue;
                    };
                    let n = place_of(&mut self.links, &to);
                    self.xml
                        .push_str(&format!("<w:hyperlink r:id=\"rLink{n}\">"));
                    self.runs(
                        inner,
                        &format!("<w:rStyle w:val=\"Hyperlink\"/>{properties}"),
                    );
                    self.xml.push_str("</w:hyperlink>");
                }
            }
        }
    }

    fn run(&mut self, text: &str, properties: &str) {
        let properties = if properties.is_empty() {
            String::new()
        } else {
            format!("<w:rPr>{properties}</w:rPr>")
        };
        self.xml.push_str(&format!(
            "<w:r>{properties}<w:t xml:space=\"preserve\">{}</w:t></w:r>",
            escape(text)
        ));
    }

    fn table(&mut self, table: &Table) {
        if !table.caption.is_empty() {
            let caption = Place {
                style: Some("Caption"),
                ..Place::default()
            };
            self.paragraph(&[Span::text(&table.caption)], &caption);
        }
        let shares = table.shares();
        let widths: Vec<u64> = shares.iter().map(|s| (s * TEXT_WIDTH) as u64).collect();
        self.xml.push_str(&format!(
            "<w:tbl><w:tblPr><w:tblStyle w:val=\"PaperTable\"/><w:tblW w:w=\"{}\" \
                w:type=\"dxa\"/><w:tblLayout w:type=\"fixed\"/><w:tblLook w:val=\"0020\" \
                w:firstRow=\"1\" w:lastRow=\"0\" w:firstColumn=\"0\" w:lastColumn=\"0\" \
                w:noHBand=\"1\" w:noVBand=\"1\"/>",
            widths.iter().sum::<u64>()
        ));
        if !table.caption.is_empty() {
            self.xml.push_str(&format!(
                "<w:tblCaption w:val=\"{}\"/>",
                escape(&table.caption)
            ));
        }
        self.xml.push_str("</w:tblPr><w:tblGrid>");
        for width in &widths {
            self.xml.push_str(&format!("<w:gridCol w:w=\"{width}\"/>"));
        }
        self.xml.push_str("</w:tblGrid>");
        self.row(&table.head, &widths, true);
        for row in &table.rows {
            self.row(row, &widths, false);
        }
        // A paragraph separates the tables, because Word joins tables that follow each other.
        self.xml
            .push_str("</w:tbl><w:p><w:pPr><w:pStyle w:val=\"AfterTable\"/></w:pPr></w:p>");
    }

    fn row(&mut self, cells: &[Cell], widths: &[u64], is_head: bool) {
        self.xml.push_str("<w:tr><w:trPr><w:cantSplit/>");
        if is_head {
            self.xml.push_str("<w:tblHeader/>");
        }
        self.xml.push_str("</w:trPr>");
        for (cell, width) in cells.iter().zip(widths) {
            self.xml.push_str(&format!(
                "<w:tc><w:tcPr><w:tcW w:w=\"{width}\" w:type=\"dxa\"/></w:tcPr><w:p><w:pPr><w:pStyle \
                    w:val=\"TableText\"/></w:pPr>"
            ));
            self.runs(cell, "");
            self.xml.push_str("</w:p></w:tc>");
        }
        self.xml.push_str("</w:tr>");
    }

    fn document(&self) -> String {
        format!(
            "{HEAD}<w:document xmlns:w=\"{MAIN}\" \
                xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"><w:body>{}<w:sectPr><w:headerReference w:type=\"default\" r:id=\"rHeader\"/><w:footerReference \
                w:type=\"default\" r:id=\"rFooter\"/><w:pgSz \
                w:w=\"11906\" w:h=\"16838\"/><w:pgMar w:top=\"1361\" w:right=\"1134\" \
                w:bottom=\"1361\" w:left=\"1134\" w:header=\"624\" w:footer=\"624\" \
                w:gutter=\"0\"/></w:sectPr></w:body></w:document>",
            self.xml
        )
    }

    fn numbering(&self) -> String {
        // By depth: bullets differ in form, numbers and letters alternate with those of the list
        // that they are in.
        let bullets = |n: usize| {
            (
                "bullet",
                if n.is_multiple_of(2) { "•" } else { "–" }.to_owned(),
            )
        };
        let numbers = |n: usize| ("decimal", format!("%{}.", n + 1));
        let letters = |n: usize| ("lowerLetter", format!("%{})", n + 1));
        let lists: String = self
            .counted
            .iter()
            .enumerate()
            .map(|(n, mark)| {
                let (id, from) = match mark {
                    Mark::Number(from) => (1, (*from).min(32_767)),
                    _ => (2, 1),
                };
                let starts: String = (0..LEVELS)
                    .map(|l| {
                        format!(
                            "<w:lvlOverride w:ilvl=\"{l}\"><w:startOverride \
                                w:val=\"{from}\"/></w:lvlOverride>"
                        )
                    })
                    .collect();
                format!(
                    "<w:num w:numId=\"{}\"><w:abstractNumId w:val=\"{id}\"/>{starts}</w:num>",
                    BULLETS + 1 + n
                )
            })
            .collect();
        format!(
            "{HEAD}<w:numbering xmlns:w=\"{MAIN}\">{}{}{}<w:num w:numId=\"{BULLETS}\"><w:abstractNumId \
                w:val=\"0\"/></w:num>{lists}</w:numbering>",
            abstract_list(0, bullets),
            abstract_list(1, numbers),
            abstract_list(2, letters)
        )
    }

    fn relations(&self) -> String {
        const TYPES: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
        let link = |(n, to): (usize, &String)| {
            format!(
                "<Relationship Id=\"rLink{}\" Type=\"{TYPES}/hyperlink\" Target=\"{}\" \
                    TargetMode=\"External\"/>",
                n + 1,
                escape(to)
            )
        };
        let links: String = self.links.iter().enumerate().map(link).collect();
        format!(
            "{HEAD}<Relationships \
                xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship \
                Id=\"rStyles\" Type=\"{TYPES}/styles\" Target=\"styles.xml\"/><Relationship \
                Id=\"rNumbering\" Type=\"{TYPES}/numbering\" \
                Target=\"numbering.xml\"/><Relationship Id=\"rSettings\" \
                Type=\"{TYPES}/settings\" Target=\"settings.xml\"/><Relationship Id=\"rHeader\" \
                Type=\"{TYPES}/header\" Target=\"header1.xml\"/><Relationship Id=\"rFooter\" \
                Type=\"{TYPES}/footer\" Target=\"footer1.xml\"/>{links}</Relationships>"
        )
    }
}

/// A list of this form: the format and the text of the mark at each depth.
fn abstract_list(id: usize, mark: impl Fn(usize) -> (&'static str, String)) -> String {
    let level = |n: usize| {
        let (format, text) = mark(n);
        format!(
            "<w:lvl w:ilvl=\"{n}\"><w:start w:val=\"1\"/><w:numFmt \
                w:val=\"{format}\"/><w:lvlText w:val=\"{text}\"/><w:lvlJc \
                w:val=\"left\"/><w:pPr><w:ind w:left=\"{}\" \
                w:hanging=\"{INDENT}\"/></w:pPr></w:lvl>",
            INDENT * (n + 1)
        )
    };
    let levels: String = (0..LEVELS).map(level).collect();
    format!(
        "<w:abstractNum w:abstractNumId=\"{id}\"><w:multiLevelType \
            w:val=\"hybridMultilevel\"/>{levels}</w:abstractNum>"
    )
}

/// The head of each page: the marking.
fn header(about: &About<'_>) -> String {
    format!(
        "{HEAD}<w:hdr xmlns:w=\"{MAIN}\"><w:p><w:pPr><w:pStyle w:val=\"Header\"/><w:jc \
            w:val=\"center\"/></w:pPr><w:r><w:rPr><w:b/></w:rPr><w:t>{}</w:t></w:r></w:p></w:hdr>",
        escape(about.marking)
    )
}

/// The foot of each page: the reference, the marking and the page number.
fn footer(about: &About<'_>) -> String {
    let field = |name: &str| {
        format!(
            "<w:r><w:fldChar w:fldCharType=\"begin\"/></w:r><w:r><w:instrText \
                xml:space=\"preserve\"> {name} </w:instrText></w:r><w:r><w:fldChar \
                w:fldCharType=\"separate\"/></w:r><w:r><w:t>1</w:t></w:r><w:r><w:fldChar \
                w:fldCharType=\"end\"/></w:r>"
        )
    };
    format!(
        "{HEAD}<w:ftr xmlns:w=\"{MAIN}\"><w:p><w:pPr><w:pStyle \
            w:val=\"Footer\"/></w:pPr><w:r><w:t>{}</w:t></w:r><w:r><w:tab/></w:r><w:r><w:rPr><w:b/></w:rPr><w:t>{}</w:t></w:r><w:r><w:tab/></w:r><w:r><w:t \
            xml:space=\"preserve\">Page </w:t></w:r>{}<w:r><w:t xml:space=\"preserve\"> of \
            </w:t></w:r>{}</w:p></w:ftr>",
        escape(about.reference),
        escape(about.marking),
        field("PAGE"),
        field("NUMPAGES")
    )
}

/// Position of an address in a list, from 1. Adds the address if it is not there.
fn place_of(list: &mut Vec<String>, to: &str) -> usize {
    if let Some(n) = list.iter().position(|known| known == to) {
        return n + 1;
    }
    list.push(to.to_owned());
    list.len()
}

const CONTENT_TYPES: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" \
    standalone=\"yes\"?>\n<Types \
    xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"><Default \
    Extension=\"rels\" \
    ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Default \
    Extension=\"xml\" ContentType=\"application/xml\"/><Override PartName=\"/word/document.xml\" \
    ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml\"/><Override \
    PartName=\"/word/styles.xml\" \
    ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.styles+xml\"/><Override \
    PartName=\"/word/numbering.xml\" \
    ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.numbering+xml\"/><Override \
    PartName=\"/word/settings.xml\" \
    ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.settings+xml\"/><Override \
    PartName=\"/word/header1.xml\" \
    ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.header+xml\"/><Override \
    PartName=\"/word/footer1.xml\" \
    ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.footer+xml\"/><Override \
    PartName=\"/docProps/core.xml\" \
    ContentType=\"application/vnd.openxmlformats-package.core-properties+xml\"/><Override \
    PartName=\"/docProps/app.xml\" \
    ContentType=\"application/vnd.openxmlformats-officedocument.extended-properties+xml\"/></Types>";

const RELATIONS: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" \
    standalone=\"yes\"?>\n<Relationships \
    xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship \
    Id=\"rDocument\" \
    Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" \
    Target=\"word/document.xml\"/><Relationship Id=\"rCore\" \
    Type=\"http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties\" \
    Target=\"docProps/core.xml\"/><Relationship Id=\"rApp\" \
    Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/extended-properties\" \
    Target=\"docProps/app.xml\"/></Relationships>";

const APP: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<Properties \
    xmlns=\"http://schemas.openxmlformats.org/officeDocument/2006/extended-properties\"><Application>stride</Application></Properties>";

fn core(about: &About<'_>) -> String {
    let at = about.at.to_rfc3339_opts(SecondsFormat::Secs, true);
    format!(
        "{HEAD}<cp:coreProperties \
            xmlns:cp=\"http://schemas.openxmlformats.org/package/2006/metadata/core-properties\" \
            xmlns:dc=\"http://purl.org/dc/elements/1.1/\" \
            xmlns:dcterms=\"http://purl.org/dc/terms/\" \
            xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><dc:title>{}</dc:title><dc:creator>{}</dc:creator><dc:language>{}</dc:language><dcterms:created \
            xsi:type=\"dcterms:W3CDTF\">{at}</dcterms:created><dcterms:modified \
            xsi:type=\"dcterms:W3CDTF\">{at}</dcterms:modified></cp:coreProperties>",
        escape(about.title),
        escape(about.author),
        escape(about.language)
    )
}

fn settings(language: &str) -> String {
    format!(
        "{HEAD}<w:settings xmlns:w=\"{MAIN}\"><w:compat><w:compatSetting \
            w:name=\"compatibilityMode\" w:uri=\"http://schemas.microsoft.com/office/word\" \
            w:val=\"15\"/></w:compat><w:themeFontLang w:val=\"{}\"/></w:settings>",
        escape(language)
    )
}

fn styles(language: &str) -> String {
    let paragraph = |id: &str, name: &str, own: &str, run: &str| {
        format!(
            "<w:style w:type=\"paragraph\" w:styleId=\"{id}\"><w:name \
                w:val=\"{name}\"/><w:basedOn w:val=\"Normal\"/><w:next \
                w:val=\"Normal\"/><w:qFormat/><w:pPr>{own}</w:pPr><w:rPr>{run}</w:rPr></w:style>"
        )
    };
    let heading = |n: usize, size: usize| {
        let own = format!(
            "<w:keepNext/><w:spacing w:before=\"240\" w:after=\"80\"/><w:outlineLvl w:val=\"{}\"/>",
            n - 1
        );
        paragraph(
            &format!("Heading{n}"),
            &format!("heading {n}"),
            &own,
            &format!("<w:b/><w:color w:val=\"1F3552\"/><w:sz w:val=\"{size}\"/>"),
        )
    };
    let character = |id: &str, name: &str, run: &str| {
        format!(
            "<w:style w:type=\"character\" w:styleId=\"{id}\"><w:name \
                w:val=\"{name}\"/><w:rPr>{run}</w:rPr></w:style>"
        )
    };
    let all = [
        "<w:style w:type=\"paragraph\" w:default=\"1\" w:styleId=\"Normal\"><w:name \
            w:val=\"Normal\"/><w:qFormat/></w:style>"
            .to_owned(),
        paragraph(
            "Subtitle",
            "Subtitle",
            "<w:keepNext/><w:spacing w:after=\"40\"/>",
            "<w:b/><w:sz w:val=\"26\"/>",
        ),
        paragraph(
            "Title",
            "Title",
            "<w:keepNext/><w:spacing w:before=\"240\" w:after=\"200\"/>",
            "<w:b/><w:color w:val=\"1F3552\"/><w:sz w:val=\"36\"/>",
        ),
        paragraph("Fact", "Fact", "<w:spacing w:after=\"60\"/>", ""),
        heading(1, 28),
        heading(2, 24),
        heading(3, 22),
        heading(4, 22),
        paragraph(
            "ListBullet",
            "List Bullet",
            "<w:numPr><w:numId w:val=\"1\"/></w:numPr><w:spacing w:after=\"90\"/>",
            "",
        ),
        paragraph(
            "ListNumber",
            "List Number",
            "<w:spacing w:after=\"60\"/>",
            "",
        ),
        paragraph(
            "ListContinue",
            "List Continue",
            "<w:spacing w:after=\"60\"/>",
            "",
        ),
        paragraph(
            "TableText",
            "Table Text",
            "<w:spacing w:before=\"30\" w:after=\"30\" w:line=\"245\" w:lineRule=\"auto\"/>",
            "<w:sz w:val=\"19\"/>",
        ),
        paragraph(
            "AfterTable",
            "After Table",
            "<w:spacing w:after=\"0\"/>",
            "<w:sz w:val=\"12\"/>",
        ),
        paragraph(
            "Header",
            "header",
            "<w:spacing w:after=\"0\"/>",
            "<w:sz w:val=\"18\"/>",
        ),
        paragraph(
            "Footer",
            "footer",
            "<w:tabs><w:tab w:val=\"center\" w:pos=\"4819\"/><w:tab w:val=\"right\" \
                w:pos=\"9638\"/></w:tabs><w:spacing w:after=\"0\"/>",
            "<w:sz w:val=\"18\"/>",
        ),
        paragraph(
            "Quote",
            "Quote",
            "<w:ind w:left=\"567\" w:right=\"567\"/>",
            "<w:i/>",
        ),
        paragraph(
            "Caption",
            "caption",
            "<w:keepNext/><w:spacing w:before=\"120\" w:after=\"60\"/>",
            "<w:b/><w:sz w:val=\"20\"/>",
        ),
        paragraph(
            "Code",
            "Code",
            "<w:spacing w:after=\"0\"/>",
            "<w:rFonts w:ascii=\"Courier New\" w:hAnsi=\"Courier New\"/><w:sz w:val=\"20\"/>",
        ),
        character(
            "CodeText",
            "Code Text",
            "<w:rFonts w:ascii=\"Courier New\" w:hAnsi=\"Courier New\"/>",
        ),
        character(
            "Hyperlink",
            "Hyperlink",
            "<w:color w:val=\"00458B\"/><w:u w:val=\"single\"/>",
        ),
        "<w:style w:type=\"table\" w:default=\"1\" w:styleId=\"TableNormal\"><w:name \
            w:val=\"Normal Table\"/><w:tblPr><w:tblCellMar><w:left w:w=\"80\" \
            w:type=\"dxa\"/><w:right w:w=\"80\" \
            w:type=\"dxa\"/></w:tblCellMar></w:tblPr></w:style>"
            .to_owned(),
        table_style(),
    ];
    format!(
        "{HEAD}<w:styles xmlns:w=\"{MAIN}\"><w:docDefaults><w:rPrDefault><w:rPr><w:rFonts \
            w:ascii=\"Arial\" w:hAnsi=\"Arial\" w:cs=\"Arial\"/><w:sz w:val=\"22\"/><w:lang \
            w:val=\"{}\"/></w:rPr></w:rPrDefault><w:pPrDefault><w:pPr><w:spacing \
            w:after=\"120\"/></w:pPr></w:pPrDefault></w:docDefaults>{}</w:styles>",
        escape(language),
        all.concat()
    )
}

fn table_style() -> String {
    let sides = ["top", "left", "bottom", "right", "insideH", "insideV"];
    let borders: String = sides
        .iter()
        .map(|side| {
            format!("<w:{side} w:val=\"single\" w:sz=\"4\" w:space=\"0\" w:color=\"767676\"/>")
        })
        .collect();
    format!(
        "<w:style w:type=\"table\" w:customStyle=\"1\" w:styleId=\"PaperTable\"><w:name \
            w:val=\"Paper Table\"/><w:basedOn \
            w:val=\"TableNormal\"/><w:tblPr><w:tblBorders>{borders}</w:tblBorders></w:tblPr><w:tblStylePr \
            w:type=\"firstRow\"><w:rPr><w:b/></w:rPr><w:tcPr><w:shd w:val=\"clear\" w:color=\"auto\" \
            w:fill=\"E8ECF0\"/></w:tcPr></w:tblStylePr></w:style>"
    )
}
