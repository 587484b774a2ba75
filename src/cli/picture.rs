//! `--theme`, `--size`, `--dpi`, `--outlined`: how pictures look, for every command that draws.

use crate::picture::{PictureError, PictureStyle, drawn, pictures};
use bea_plot::{Figure, Look, Theme};
use miette::{Report, miette};

/// How often ranges are adapted to the shape of the panels.
const ATTEMPTS: usize = 6;

/// How pictures look.
#[derive(clap::Args)]
pub(super) struct PictureOptions {
    /// What pictures are for
    #[arg(long, value_enum, value_name = "THEME", default_value = "screen")]
    theme: ThemeName,
    /// Width and height of pictures, in pixels of 1/96 inch or with `in`, `cm`, `mm` or `pt`:
    /// `600x400`, `3.25x2.5in` [default: the theme's, or what the panels take]
    #[arg(long, value_name = "WxH", value_parser = size)]
    size: Option<(f64, f64)>,
    /// Pixels of a PNG for each inch
    #[arg(long, value_name = "N", default_value = "192", value_parser = dpi)]
    #[arg(allow_negative_numbers = true)]
    dpi: f64,
    /// Write the texts of an SVG as outlines, which look the same in every viewer
    #[arg(long)]
    outlined: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum ThemeName {
    /// Documents and web pages
    Screen,
    /// A column of a paper: 3.25 inches wide, texts of 8 points
    Paper,
    /// A slide of 1280 by 720 pixels, with large texts
    Talk,
    /// Screens with a dark background
    Dark,
}

impl PictureOptions {
    /// The identifiers of the options, for a command that takes them only with another.
    const IDS: [&'static str; 4] = ["theme", "size", "dpi", "outlined"];

    /// What the options say.
    pub fn style(&self) -> PictureStyle {
        let theme = match self.theme {
            ThemeName::Screen => Theme::Screen,
            ThemeName::Paper => Theme::Paper,
            ThemeName::Talk => Theme::Talk,
            ThemeName::Dark => Theme::Dark,
        };
        let look = Look { theme, size: self.size };
        PictureStyle { look, dpi: self.dpi, outlined: self.outlined }
    }

    /// `NAME.svg`, `NAME.png` and `NAME.pdf` with their bytes.
    ///
    /// # Errors
    /// The size that is asked for is too small, or the PNG too large.
    pub fn pictures(&self, name: &str, figure: &Figure) -> miette::Result<Vec<(String, Vec<u8>)>> {
        pictures(name, figure, &self.style()).map_err(explain)
    }

    /// Refuses a size that is too small or too large for a figure like this, before the work for it is done.
    pub fn check(&self, figure: &Figure) -> miette::Result<()> {
        drawn(figure, &self.style()).map(drop).map_err(explain)
    }

    /// What has a figure with panels in which a unit shall be equally long on both axes. `make` makes it for a ratio of width to
    /// height of the panels, their usual one for `None`; texts and sizes of another look change it.
    ///
    /// # Errors
    /// Those of `make`; the size is too small.
    pub fn undistorted<T>(
        &self,
        make: impl Fn(Option<f64>) -> miette::Result<T>,
        figure: impl Fn(&T) -> &Figure,
    ) -> miette::Result<T> {
        let (style, mut aspect, mut made) = (self.style(), None, make(None)?);
        if style.look == Look::default() {
            return Ok(made);
        }
        // Other ranges have other labels, which leave the panels another shape, a little nearer each time.
        for _ in 0..ATTEMPTS {
            let shape = Some(drawn(figure(&made), &style).map_err(explain)?.aspect());
            if shape == aspect {
                break;
            }
            aspect = shape;
            made = make(aspect)?;
        }
        Ok(made)
    }
}

/// The error with what to do about it.
pub(super) fn explain(error: PictureError) -> Report {
    let help = match &error {
        PictureError::TooSmall(_) => "take a larger --size",
        PictureError::TooLarge(..) => "take a smaller --size or --dpi",
        PictureError::Io(..) => return miette!("{error}"),
    };
    miette!(help = help, "{error}")
}

/// Makes the options of pictures need `--plot`, in a command that draws only then.
pub(super) fn only_with_plot(arg: clap::Arg) -> clap::Arg {
    only_with("plot", arg)
}

/// The same for a command that draws where any of the group `written` is given.
pub(super) fn only_if_written(arg: clap::Arg) -> clap::Arg {
    only_with("written", arg)
}

fn only_with(other: &'static str, arg: clap::Arg) -> clap::Arg {
    let is_of_pictures = PictureOptions::IDS.contains(&arg.get_id().as_str());
    if is_of_pictures { arg.requires(other) } else { arg }
}

/// Units of length, and CSS pixels in each.
const UNITS: [(&str, f64); 5] =
    [("px", 1.0), ("in", 96.0), ("cm", 96.0 / 2.54), ("mm", 96.0 / 25.4), ("pt", 96.0 / 72.0)];
/// The least and the greatest width and height, in CSS pixels.
const SIDES: std::ops::RangeInclusive<f64> = 20.0..=20_000.0;

/// `600x400`, `3.25x2.5in`
fn size(text: &str) -> Result<(f64, f64), String> {
    let lower = text.trim().to_lowercase();
    let unit = UNITS.iter().find(|(unit, _)| lower.ends_with(unit));
    let (numbers, pixels) = match unit {
        Some((unit, pixels)) => (&lower[..lower.len() - unit.len()], *pixels),
        None => (&*lower, 1.0),
    };
    let side = |text: &str| text.trim().parse::<f64>().ok().map(|side| side * pixels);
    let sides = numbers.split_once(['x', '×']).and_then(|(w, h)| side(w).zip(side(h)));
    match sides {
        None => Err("write width and height, such as 600x400 or 3.25x2.5in".into()),
        Some((w, h)) if SIDES.contains(&w) && SIDES.contains(&h) => Ok((w, h)),
        Some(_) => Err(format!("write from {} to {} pixels", SIDES.start(), SIDES.end())),
    }
}

fn dpi(text: &str) -> Result<f64, String> {
    let number = text.trim().parse().ok().filter(|dpi| (10.0..=2400.0).contains(dpi));
    number.ok_or_else(|| "write a number from 10 to 2400".into())
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("600x400"), Ok((600.0, 400.0)));
        assert_eq!(size("3.25x2.5in"), Ok((312.0, 240.0)));
        assert_eq!(size("72 x 36pt"), Ok((96.0, 48.0)));
        assert_eq!(size("2.54X5.08cm"), Ok((96.0, 192.0)));
        for wrong in ["", "600", "x", "600x", "axb", "3inx2in", "NaNxNaN", "infx1"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
        for far in ["1x400", "-600x400", "1e9x2", "600x30000"] {
            assert!(size(far).unwrap_err().contains("from 20 to 20000 pixels"), "{far}");
        }
    }
}
