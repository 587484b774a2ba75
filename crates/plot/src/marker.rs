//! Marks at points.

use super::color::Color;
use super::display_list::{DisplayList, Item, Point, Stroke};
use super::figure::{Marker, Style};
use std::f64::consts::PI;

impl DisplayList {
    /// The mark of a style at a point.
    pub fn mark(&mut self, (x, y): Point, style: &Style) {
        let Some(marker) = style.marker else { return };
        let polygon = |corners: usize, radius: f64, turn: f64| {
            let angle = |i: usize| turn + 2.0 * PI * i as f64 / corners as f64;
            let corner = |i| (x + radius * angle(i).sin(), y - radius * angle(i).cos());
            (0..corners).map(corner).collect::<Vec<Point>>()
        };
        let edge = Some(Stroke::solid(Color::WHITE, 0.6));
        let fill = Some(style.color);
        let ring = match marker {
            Marker::Circle => {
                let (center, fill) = ((x, y), style.color);
                return self.items.push(Item::Circle { center, radius: 3.2, fill, stroke: edge });
            }
            Marker::Dot => {
                let (center, fill) = ((x, y), style.color);
                return self.items.push(Item::Circle { center, radius: 2.1, fill, stroke: None });
            }
            Marker::Swatch => {
                vec![
                    (x - 15.0, y - 5.0),
                    (x + 15.0, y - 5.0),
                    (x + 15.0, y + 5.0),
                    (x - 15.0, y + 5.0),
                ]
            }
            Marker::Ring => {
                let corners = polygon(24, 6.0, 0.0);
                let stroke = Some(Stroke::solid(style.color, style.width));
                return self.items.push(Item::Area { rings: vec![corners], fill: None, stroke });
            }
            Marker::Cross | Marker::Plus => {
                let (a, b) = if marker == Marker::Plus { (3.6, 0.0) } else { (2.6, 2.6) };
                let stroke = Stroke::solid(style.color, 1.6);
                self.line(vec![(x - a, y - b), (x + a, y + b)], stroke);
                return self.line(vec![(x + b, y - a), (x - b, y + a)], stroke);
            }
            Marker::Arrow => return self.arrow((x, y), (1.0, 0.0), style.color),
            Marker::Square => polygon(4, 4.0, PI / 4.0),
            Marker::Diamond => polygon(4, 4.4, 0.0),
            Marker::Triangle => polygon(3, 4.4, 0.0),
            Marker::Star => {
                let (outer, inner) = (polygon(5, 7.0, 0.0), polygon(5, 2.8, PI / 5.0));
                outer.into_iter().zip(inner).flat_map(|(a, b)| [a, b]).collect()
            }
        };
        self.items.push(Item::Area { rings: vec![ring], fill, stroke: edge });
    }

    /// The head of an arrow with its middle at a point.
    pub fn arrow(&mut self, (x, y): Point, (dx, dy): Point, color: Color) {
        let length = dx.hypot(dy);
        if length == 0.0 {
            return;
        }
        let (dx, dy) = (6.0 * dx / length, 6.0 * dy / length);
        let corner =
            |along: f64, across: f64| (x + along * dx - across * dy, y + along * dy + across * dx);
        let ring = vec![corner(1.0, 0.0), corner(-0.5, 0.7), corner(-0.2, 0.0), corner(-0.5, -0.7)];
        let stroke = Some(Stroke::solid(Color::WHITE, 0.6));
        self.items.push(Item::Area { rings: vec![ring], fill: Some(color), stroke });
    }
}
