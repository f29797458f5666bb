//! A document for Word (ECMA-376), with real heading styles and lists, header rows in
//! tables, a title and a language.
//!
//! The package is written part by part, because none of the available crates writes header rows,
//! title or language.

use std::io::{Cursor, Write};

use chrono::{DateTime, SecondsFormat, Utc};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::markup::{Cell, Node, Span, Table};
use crate::problem::Problem;

/// Metadata of the document.
pub struct About<'a> {
    pub title: &'a str,
    /// Author post.
    pub author: &'a str,
    pub language: &'a str,
    pub at: DateTime<Utc>,
}

/// Number of levels of nested lists that Word supports.
const LEVELS: usize = 9;

/// Writes the document.
///
/// # Errors
/// Fails if the package cannot be written.
pub fn write(nodes: &[Node], about: &About<'_>) -> Result<Vec<u8>, Problem> {
    let mut body = Body::default();
    body.blocks(nodes, &Place::default());
    body.sources();
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

#[derive(Default)]
struct Body {
    xml: String,
    /// Addresses of links, each once.
    links: Vec<String>,
    /// Queries, each once. A document has no service to query, so they are numbered and listed at
    /// its end.
    queries: Vec<String>,
    /// First number of each numbered list.
    numbered: Vec<u64>,
}

/// The bulleted list; numbered lists follow it.
const BULLETS: usize = 1;

impl Body {
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
            Node::Heading(level, spans) => {
                let style = match level {
                    0 => "Title",
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
            Node::List(start, items) => self.list(*start, items, place),
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
        }
    }

    fn list(&mut self, start: Option<u64>, items: &[Vec<Node>], place: &Place) {
        let number = match start {
            None => BULLETS,
            Some(from) => {
                self.numbered.push(from);
                BULLETS + self.numbered.len()
            }
        };
        let depth = place.list.map_or(0, |(_, depth)| depth + 1).min(LEVELS - 1);
        for item in items {
            let here = Place {
                style: Some("ListParagraph"),
                list: Some((number, depth)),
                goes_on: false,
            };
            self.blocks(item, &here);
        }
    }

    fn paragraph(&mut self, spans: &[Span], place: &Place) {
        self.xml.push_str("<w:p>");
        let mut properties = String::new();
        if let Some(style) = place.style {
            properties.push_str(&format!("<w:pStyle w:val=\"{style}\"/>"));
        }
        if let Some((list, depth)) = place.list {
            if place.goes_on {
                properties.push_str(&format!("<w:ind w:left=\"{}\"/>", 720 + 360 * depth));
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
                Span::Link(to, inner) if to.starts_with('/') => {
                    self.runs(inner, properties);
                    let n = place_of(&mut self.queries, to);
                    self.run(
                        &format!(" [{n}]"),
                        &format!("<w:rStyle w:val=\"Source\"/>{properties}"),
                    );
                }
                Span::Link(to, inner) => {
                    let n = place_of(&mut self.links, to);
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
        self.xml.push_str(&format!(
            "<w:tbl><w:tblPr><w:tblStyle w:val=\"TableGrid\"/><w:tblW w:w=\"5000\" \
                w:type=\"pct\"/><w:tblLook w:val=\"0020\" w:firstRow=\"1\" w:lastRow=\"0\" \
                w:firstColumn=\"0\" w:lastColumn=\"0\" w:noHBand=\"1\" \
                w:noVBand=\"1\"/><w:tblCaption w:val=\"{}\"/></w:tblPr><w:tblGrid>",
            escape(&table.caption)
        ));
        let columns = table.head.len().max(1);
        for _ in 0..columns {
            // Width of the text area of a page, in twentieths of a point.
            self.xml
                .push_str(&format!("<w:gridCol w:w=\"{}\"/>", 9_600 / columns));
        }
        self.xml.push_str("</w:tblGrid>");
        self.row(&table.head, true);
        for row in &table.rows {
            self.row(row, false);
        }
        // A paragraph separates the tables, because Word joins tables that follow each other.
        self.xml.push_str("</w:tbl><w:p/>");
    }

    fn row(&mut self, cells: &[Cell], is_head: bool) {
        self.xml.push_str("<w:tr><w:trPr><w:cantSplit/>");
        if is_head {
            self.xml.push_str("<w:tblHeader/>");
        }
        self.xml.push_str("</w:trPr>");
        for cell in cells {
            self.xml
                .push_str("<w:tc><w:tcPr><w:tcW w:w=\"0\" w:type=\"auto\"/>");
            if is_head {
                self.xml
                    .push_str("<w:shd w:val=\"clear\" w:color=\"auto\" w:fill=\"EEEEEE\"/>");
            }
            self.xml.push_str("</w:tcPr><w:p>");
            self.runs(cell, if is_head { "<w:b/>" } else { "" });
            self.xml.push_str("</w:p></w:tc>");
        }
        self.xml.push_str("</w:tr>");
    }

    /// Numbered list of the queries behind rows and figures.
    fn sources(&mut self) {
        if self.queries.is_empty() {
            return;
        }
        self.block(
            &Node::Heading(1, vec![Span::text("Sources of figures and rows")]),
            &Place::default(),
        );
        let queries = std::mem::take(&mut self.queries);
        let items: Vec<Vec<Node>> = queries
            .iter()
            .map(|q| vec![Node::Para(vec![Span::text(q)])])
            .collect();
        self.list(Some(1), &items, &Place::default());
    }

    fn document(&self) -> String {
        format!(
            "{HEAD}<w:document xmlns:w=\"{MAIN}\" \
                xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"><w:body>{}<w:sectPr><w:pgSz \
                w:w=\"11906\" w:h=\"16838\"/><w:pgMar w:top=\"1134\" w:right=\"1134\" \
                w:bottom=\"1134\" w:left=\"1134\" w:header=\"709\" w:footer=\"709\" \
                w:gutter=\"0\"/></w:sectPr></w:body></w:document>",
            self.xml
        )
    }

    fn numbering(&self) -> String {
        let level = |n: usize, format: &str, text: &str| {
            format!(
                "<w:lvl w:ilvl=\"{n}\"><w:start w:val=\"1\"/><w:numFmt \
                    w:val=\"{format}\"/><w:lvlText w:val=\"{text}\"/><w:lvlJc \
                    w:val=\"left\"/><w:pPr><w:ind w:left=\"{}\" \
                    w:hanging=\"360\"/></w:pPr></w:lvl>",
                720 + 360 * n
            )
        };
        let bullets: String = (0..LEVELS).map(|n| level(n, "bullet", "•")).collect();
        let numbers: String = (0..LEVELS)
            .map(|n| level(n, "decimal", &format!("%{}.", n + 1)))
            .collect();
        let lists: String = self
            .numbered
            .iter()
            .enumerate()
            .map(|(n, from)| {
                let starts: String = (0..LEVELS)
                    .map(|l| {
                        format!(
                            "<w:lvlOverride w:ilvl=\"{l}\"><w:startOverride \
                                w:val=\"{}\"/></w:lvlOverride>",
                            from.min(&32_767)
                        )
                    })
                    .collect();
                format!(
                    "<w:num w:numId=\"{}\"><w:abstractNumId w:val=\"1\"/>{starts}</w:num>",
                    BULLETS + 1 + n
                )
            })
            .collect();
        format!(
            "{HEAD}<w:numbering xmlns:w=\"{MAIN}\"><w:abstractNum \
                w:abstractNumId=\"0\"><w:multiLevelType \
                w:val=\"hybridMultilevel\"/>{bullets}</w:abstractNum><w:abstractNum \
                w:abstractNumId=\"1\"><w:multiLevelType \
                w:val=\"hybridMultilevel\"/>{numbers}</w:abstractNum><w:num \
                w:numId=\"{BULLETS}\"><w:abstractNumId w:val=\"0\"/></w:num>{lists}</w:numbering>"
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
                Type=\"{TYPES}/settings\" Target=\"settings.xml\"/>{links}</Relationships>"
        )
    }
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
        "{HEAD}<w:settings xmlns:w=\"{MAIN}\"><w:themeFontLang w:val=\"{}\"/></w:settings>",
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
            &format!("<w:b/><w:sz w:val=\"{size}\"/>"),
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
            "Title",
            "Title",
            "<w:spacing w:after=\"160\"/>",
            "<w:b/><w:sz w:val=\"36\"/>",
        ),
        heading(1, 30),
        heading(2, 26),
        heading(3, 24),
        heading(4, 22),
        paragraph(
            "ListParagraph",
            "List Paragraph",
            "<w:ind w:left=\"720\"/><w:contextualSpacing/>",
            "",
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
            "<w:keepNext/>",
            "<w:i/><w:sz w:val=\"20\"/>",
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
        character("Source", "Source", "<w:sz w:val=\"16\"/>"),
        "<w:style w:type=\"table\" w:default=\"1\" w:styleId=\"TableNormal\"><w:name \
            w:val=\"Normal Table\"/><w:tblPr><w:tblCellMar><w:left w:w=\"80\" \
            w:type=\"dxa\"/><w:right w:w=\"80\" \
            w:type=\"dxa\"/></w:tblCellMar></w:tblPr></w:style>"
            .to_owned(),
        table_grid(),
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

fn table_grid() -> String {
    let sides = ["top", "left", "bottom", "right", "insideH", "insideV"];
    let borders: String = sides
        .iter()
        .map(|side| {
            format!("<w:{side} w:val=\"single\" w:sz=\"4\" w:space=\"0\" w:color=\"555555\"/>")
        })
        .collect();
    format!(
        "<w:style w:type=\"table\" w:styleId=\"TableGrid\"><w:name w:val=\"Table \
            Grid\"/><w:basedOn \
            w:val=\"TableNormal\"/><w:tblPr><w:tblBorders>{borders}</w:tblBorders></w:tblPr></w:style>"
    )
}
