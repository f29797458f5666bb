//! A picture as SVG. It is self-contained, without scripts, styles or links, so it works under the
//! service's content security policy.

use std::fmt::Write as _;

use super::label::xml;

/// Shapes in their places, the later ones over the earlier ones.
#[derive(Debug, Clone)]
pub struct Picture {
    pub width: i32,
    pub height: i32,
    /// Read out in place of the picture, with a description.
    pub title: String,
    pub about: String,
    pub shapes: Vec<Shape>,
}

/// A shape. Lengths are in pixels.
#[derive(Debug, Clone)]
pub enum Shape {
    Rect {
        x: i32,
        y: i32,
        width: i32,
        height: i32,
        radius: i32,
        paint: Paint,
    },
    Circle {
        x: i32,
        y: i32,
        radius: i32,
        paint: Paint,
    },
    /// Path data as in SVG.
    Path {
        d: String,
        paint: Paint,
    },
    Text(Text),
    Group(Group),
}

/// Inside and outline of a shape.
#[derive(Debug, Clone, Copy)]
pub struct Paint {
    pub fill: &'static str,
    pub line: Option<Line>,
}

/// An outline.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    pub colour: &'static str,
    pub width: &'static str,
    /// Lengths of dashes and spaces; none for a line without a break.
    pub dashes: Option<&'static str>,
}

impl Paint {
    /// A shape without an outline.
    #[must_use]
    pub const fn filled(fill: &'static str) -> Self {
        Self { fill, line: None }
    }

    /// A shape with an outline that has no breaks.
    #[must_use]
    pub const fn outlined(fill: &'static str, colour: &'static str, width: &'static str) -> Self {
        let line = Line {
            colour,
            width,
            dashes: None,
        };
        Self {
            fill,
            line: Some(line),
        }
    }
}

/// A line of text, placed by its start on the baseline, or by its middle.
#[derive(Debug, Clone, Default)]
pub struct Text {
    pub x: i32,
    pub y: i32,
    pub size: i32,
    pub words: String,
    /// Its colour; that of the picture if none.
    pub fill: Option<&'static str>,
    pub is_bold: bool,
    pub is_italic: bool,
    pub is_centred: bool,
}

/// Shapes that belong together.
#[derive(Debug, Clone, Default)]
pub struct Group {
    pub place: Place,
    /// Shown when the pointer rests on one of the shapes.
    pub title: Option<String>,
    pub shapes: Vec<Shape>,
}

/// Where the shapes of a group are.
#[derive(Debug, Clone, Copy, Default)]
pub enum Place {
    #[default]
    Here,
    Moved(i32, i32),
    /// Turned to the left by a right angle, about a point.
    Turned(i32, i32),
}

/// Writes the picture.
#[must_use]
pub fn write(picture: &Picture) -> String {
    let (width, height) = (picture.width, picture.height);
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
            width=\"{width}\" height=\"{height}\" role=\"img\" aria-labelledby=\"title desc\" \
            font-family=\"Arial, Helvetica, 'Liberation Sans', sans-serif\" fill=\"#1b1f24\">\n\
            <title id=\"title\">{}</title>\n<desc id=\"desc\">{}</desc>",
        xml(&picture.title),
        xml(&picture.about)
    );
    for shape in &picture.shapes {
        put(&mut out, shape);
        out.push('\n');
    }
    out.push_str("</svg>\n");
    out
}

fn put(out: &mut String, shape: &Shape) {
    let _ = match shape {
        Shape::Rect {
            x,
            y,
            width,
            height,
            radius,
            paint,
        } => write!(
            out,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"{radius}\"{}/>",
            painted(paint)
        ),
        Shape::Circle {
            x,
            y,
            radius,
            paint,
        } => write!(
            out,
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\"{}/>",
            painted(paint)
        ),
        Shape::Path { d, paint } => write!(out, "<path d=\"{}\"{}/>", xml(d), painted(paint)),
        Shape::Text(text) => {
            words(out, text);
            Ok(())
        }
        Shape::Group(inner) => {
            group(out, inner);
            Ok(())
        }
    };
}

fn painted(paint: &Paint) -> String {
    let mut out = format!(" fill=\"{}\"", paint.fill);
    if let Some(line) = paint.line {
        let _ = write!(
            out,
            " stroke=\"{}\" stroke-width=\"{}\"",
            line.colour, line.width
        );
        if let Some(dashes) = line.dashes {
            let _ = write!(out, " stroke-dasharray=\"{dashes}\"");
        }
    }
    out
}

fn words(out: &mut String, text: &Text) {
    let _ = write!(
        out,
        "<text x=\"{}\" y=\"{}\" font-size=\"{}\"",
        text.x, text.y, text.size
    );
    if text.is_bold {
        out.push_str(" font-weight=\"bold\"");
    }
    if text.is_italic {
        out.push_str(" font-style=\"italic\"");
    }
    if text.is_centred {
        out.push_str(" text-anchor=\"middle\"");
    }
    if let Some(fill) = text.fill {
        let _ = write!(out, " fill=\"{fill}\"");
    }
    let _ = write!(out, ">{}</text>", xml(&text.words));
}

fn group(out: &mut String, group: &Group) {
    let _ = match group.place {
        Place::Here => write!(out, "<g>"),
        Place::Moved(x, y) => write!(out, "<g transform=\"translate({x} {y})\">"),
        Place::Turned(x, y) => write!(out, "<g transform=\"rotate(-90 {x} {y})\">"),
    };
    if let Some(title) = &group.title {
        let _ = write!(out, "<title>{}</title>", xml(title));
    }
    for shape in &group.shapes {
        put(out, shape);
    }
    out.push_str("</g>");
}
