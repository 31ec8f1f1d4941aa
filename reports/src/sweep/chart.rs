//! One chart as SVG. No text of a scenario or protocol comes here: labels are numbers and words of ours.

use std::io;
use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, Ranged};
use plotters::prelude::*;

/// Colours that stand out from white and from black. The page gives texts the colour of its own.
pub const SERIES: RGBColor = RGBColor(0x3B, 0x7D, 0xD8);
pub const THEORY: RGBColor = RGBColor(0xD9, 0x73, 0x0D);
pub const FAIL: RGBColor = RGBColor(0xD6, 0x45, 0x45);
pub const INCONCLUSIVE: RGBColor = RGBColor(0xC9, 0x8A, 0x00);
pub const INVALID: RGBColor = RGBColor(0x8A, 0x6F, 0xD1);
const LINES: RGBColor = RGBColor(0x80, 0x80, 0x80);

/// Pixels.
const SIZE: (u32, u32) = (760, 300);

/// How a place on an axis is written.
pub type Written<'a> = &'a dyn Fn(f64) -> String;

/// An axis.
pub struct Axis<'a> {
    /// What it shows.
    pub title: &'a str,
    /// Its ends.
    pub range: Range<f64>,
    /// Where labels stand; none: at round numbers.
    pub labels: Vec<f64>,
    /// How they are written.
    pub written: Written<'a>,
}

/// Something in a chart.
pub enum Mark {
    /// A bar from one place to another, between two heights.
    Bar { x: Range<f64>, y: Range<f64>, color: RGBColor },
    /// Points.
    Points(Vec<(f64, f64)>, RGBColor),
    /// A line through points.
    Line(Vec<(f64, f64)>, RGBColor),
}

/// Draws a chart.
pub fn draw(x: Axis<'_>, y: Axis<'_>, marks: &[Mark]) -> io::Result<String> {
    let mut svg = String::new();
    let drawn = draw_on(SVGBackend::with_string(&mut svg, SIZE), x, y, marks);
    drawn.map_err(|error| io::Error::other(error.to_string()))?;
    Ok(svg)
}

type Failed<'a> = DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>;

fn draw_on<'a>(
    backend: SVGBackend<'a>,
    x: Axis<'_>,
    y: Axis<'_>,
    marks: &[Mark],
) -> Result<(), Failed<'a>> {
    let root = backend.into_drawing_area();
    let mut chart = ChartBuilder::on(&root)
        .margin(8)
        .margin_right(24)
        .x_label_area_size(44)
        .y_label_area_size(72)
        .build_cartesian_2d(Scale::of(&x), Scale::of(&y))?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(LINES.mix(0.3))
        .axis_style(LINES)
        .label_style(("sans-serif", 17).into_font().color(&LINES))
        .axis_desc_style(("sans-serif", 18).into_font().color(&LINES))
        .x_desc(x.title)
        .y_desc(y.title)
        .x_labels(10)
        .y_labels(6)
        .x_label_formatter(&|place| (x.written)(*place))
        .y_label_formatter(&|place| (y.written)(*place))
        .draw()?;
    for mark in marks {
        match mark {
            Mark::Bar { x, y, color } => {
                let corners = [(x.start, y.start), (x.end, y.end)];
                chart.draw_series([Rectangle::new(corners, color.filled())])?;
            }
            Mark::Points(points, color) => {
                let circle = |point: &(f64, f64)| Circle::new(*point, 4, color.filled());
                chart.draw_series(points.iter().map(circle))?;
            }
            Mark::Line(points, color) => {
                let line = LineSeries::new(points.iter().copied(), color.stroke_width(2));
                chart.draw_series(line)?;
            }
        }
    }
    root.present()
}

/// A linear axis with labels where it is told, or at round numbers.
struct Scale {
    linear: plotters::coord::types::RangedCoordf64,
    labels: Vec<f64>,
}

impl Scale {
    fn of(axis: &Axis<'_>) -> Self {
        Scale { linear: axis.range.clone().into(), labels: axis.labels.clone() }
    }
}

impl Ranged for Scale {
    type FormatOption = plotters::coord::ranged1d::NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        self.linear.map(value, limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if self.labels.is_empty() { self.linear.key_points(hint) } else { self.labels.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.linear.range()
    }
}

impl plotters::coord::ranged1d::ValueFormatter<f64> for Scale {
    fn format_ext(&self, value: &f64) -> String {
        value.to_string()
    }
}
