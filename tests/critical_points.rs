//! What counts as a critical point: zeros of the gradient, not of its rounded values.

mod cases;

use bea::flow::Problem;
use bea::flow::stability::{
    Away, PointKind, Stability, StabilityError, StabilityRequest, stability,
};
use bea::loss::Loss;
use bea::series::GeneralLinearMethod;
use bea::source::Source;
use proptest::prelude::*;

fn near(text: &str, start: &[f64]) -> Result<Stability, StabilityError> {
    let loss = Loss::parse(&Source::new("test", text), &Default::default()).unwrap();
    let problem = Problem::of_loss(loss.graph(), loss.expression(), loss.variables.len());
    let request = StabilityRequest { lr: None, order: 1 };
    stability(&problem, &GeneralLinearMethod::euler(), start, &request)
}

/// Gradients that end in rounding errors, by cancellation or by underflow, on the way to infinity.
#[test]
fn plateaus_are_not_critical() {
    for (text, start, expected) in [
        ("(1-sigmoid(x))^2", &[3.0] as &[f64], Away::Infimum),
        ("(1-sigmoid(x))^2", &[40.0], Away::Infimum),
        ("(1-sigmoid(x))^2", &[800.0], Away::Infimum),
        ("(1-tanh(x))^2", &[0.0], Away::Infimum),
        ("x^2/(1+x^2)", &[3.0], Away::Plateau),
        ("x^2/(1+x^2)", &[-3.0], Away::Plateau),
        ("x^2/(1+x^2)", &[1e8], Away::Plateau),
        ("(x^2-1)^2/(1+x^4)", &[4.0], Away::Plateau),
        ("1/(1+x^2)", &[3.0], Away::Infimum),
        ("sqrt(1+x^2)-x", &[2.0], Away::Infimum),
        ("exp(-x)", &[0.0], Away::Infimum),
        ("exp(x)", &[0.0], Away::Infimum),
        ("exp(-x^2)", &[2.0], Away::Infimum),
        ("exp(-x^2)", &[40.0], Away::Infimum),
        ("exp(-x^8)", &[1.5], Away::Infimum),
        ("softplus(-x)", &[0.0], Away::Infimum),
        ("log(1+exp(-x))", &[0.0], Away::Infimum),
        ("erf(x)", &[1.0], Away::Plateau),
        ("tanh(x)^2", &[3.0], Away::Plateau),
        ("log(1+x^2)", &[3.0], Away::Plateau),
        ("log(x)", &[3.0], Away::Plateau),
        ("x^2 + exp(-y)", &[1.0, 1.0], Away::Infimum),
        ("(1-sigmoid(x))^2 + (y-1)^2", &[3.0, 0.0], Away::Infimum),
        ("(1-sigmoid(x+y))^2 + (x-y)^2", &[2.0, 3.0], Away::Infimum),
        // The gradient has a least norm, which is not 0.
        ("x^3/3 + x", &[0.7], Away::Least),
        ("x + exp(x)", &[0.0], Away::Least),
        ("2*x + cos(x)", &[0.3], Away::Least),
    ] {
        match near(text, start) {
            Err(StabilityError::NoCriticalPoint { away, .. }) => {
                assert_eq!(away, expected, "{text} from {start:?}");
            }
            Ok(found) => panic!("{text} from {start:?}: {:?}", found.point),
            Err(error) => panic!("{text} from {start:?}: {error}"),
        }
    }
}

/// What is flat without rounding, or in rounding errors on both sides alike.
#[test]
fn flat_critical_points_stay() {
    for (text, start, kind) in [
        ("max(0, 1-x)^2", &[3.0] as &[f64], PointKind::Degenerate),
        ("relu(x)^2 + y^2", &[-3.0, 1.0], PointKind::Degenerate),
        ("(x+y)^2", &[0.3, 0.7], PointKind::Degenerate),
        ("(0.1*x+0.3*y)^2", &[0.3, 0.7], PointKind::Degenerate),
        ("(x*y-1)^2", &[5.0, 4.0], PointKind::Degenerate),
        ("(1-sigmoid(x)*y)^2", &[3.0, 1.0], PointKind::Degenerate),
        ("x^4 - 4*x^3 + 6*x^2 - 4*x + 1", &[3.0], PointKind::Degenerate),
        ("x^20", &[3.0], PointKind::Degenerate),
        ("x^2/(1+x^2)", &[0.3], PointKind::Minimum),
        ("x^2*exp(-x)", &[1.9], PointKind::Maximum),
        ("10^-300*x^2", &[3.0], PointKind::Minimum),
        ("10^300*x^2", &[3.0], PointKind::Minimum),
        ("x^2", &[1e-200], PointKind::Minimum),
        ("cos(x) + x/10^9", &[100.0], PointKind::Maximum),
        ("1000 + (x-10^6)^2", &[0.0], PointKind::Minimum),
    ] {
        let found = near(text, start).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(found.point.kind, kind, "{text}: {:?}", found.point);
    }
}

/// `∫ Π (x - r_i)` over quarters `r_i`, as text.
fn with_roots(roots: &[i32]) -> String {
    let mut c = vec![1i64];
    for &root in roots {
        // times 4x - r
        let mut next = vec![0; c.len() + 1];
        for (k, value) in c.iter().enumerate() {
            next[k + 1] += 4 * value;
            next[k] -= i64::from(root) * value;
        }
        c = next;
    }
    let terms: Vec<String> =
        c.iter().enumerate().map(|(k, c)| format!("({c})*x^{0}/{0}", k + 1)).collect();
    terms.join(" + ")
}

proptest! {
    #![proptest_config(cases::cases(300))]

    /// Whatever is found of a polynomial is one of its roots, and there is always one to be found or a least
    /// gradient between two of them.
    #[test]
    fn points_of_polynomials_are_their_roots(
        roots in proptest::collection::btree_set(-16..16i32, 1..6),
        start in -6.0..6.0f64,
    ) {
        let roots: Vec<i32> = roots.into_iter().collect();
        match near(&with_roots(&roots), &[start]) {
            Ok(found) => {
                let x = found.point.theta[0];
                let off = roots.iter().map(|&r| (x - f64::from(r) / 4.0).abs()).fold(9.0, f64::min);
                prop_assert!(off < 1e-9, "{} from {}", x, start);
            }
            Err(StabilityError::NoCriticalPoint { away: Away::Least, theta, .. }) => {
                let x = 4.0 * theta[0];
                let (first, last) = (f64::from(roots[0]), f64::from(roots[roots.len() - 1]));
                prop_assert!(first < x && x < last, "{} from {}", x, start);
            }
            Err(error) => panic!("{roots:?} from {start}: {error}"),
        }
    }

    /// Wells between plateaus: the bottom or nothing, from where a well can be told from what is flat.
    #[test]
    fn nothing_but_the_bottom_of_a_well_is_critical(
        shape in 0..5usize,
        bottom in -20..20i32,
        width in 1..9i32,
        angle in 0.0..3.0f64,
        beside in -5.0..5.0f64,
        across in -60.0..60.0f64,
    ) {
        let (c, s) = (angle.cos(), angle.sin());
        let (u, v) = (format!("(({c})*x + ({s})*y)"), format!("(({c})*y - ({s})*x)"));
        let r = format!("(({u} - {bottom})*{width}/4)");
        let well = match shape {
            0 => format!("{r}^2/(1+{r}^2)"),
            1 => format!("1-exp(-{r}^2)"),
            2 => format!("tanh({r})^2"),
            3 => format!("(1-1/sqrt(1+{r}^2))"),
            _ => format!("log(cosh({r}))/(1+{r}^2)^2 + sigmoid({r}^2)"),
        };
        let along = f64::from(bottom) + 4.0 * beside / f64::from(width);
        let start = [c * along - s * across, s * along + c * across];
        match near(&format!("{well} + {v}^2"), &start) {
            Ok(found) => {
                let [x, y] = found.point.theta[..] else { panic!() };
                // One of the shapes has maxima beside its bottom.
                let off = c * x + s * y - f64::from(bottom);
                let close = off.abs() < 1e-6 || shape == 4 && off.abs() * f64::from(width) < 40.0;
                prop_assert!(close && (c * y - s * x).abs() < 1e-6, "{} {:?}", well, found.point);
            }
            Err(StabilityError::NoCriticalPoint { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }

    /// Monotonic losses have none.
    #[test]
    fn monotonic_losses_have_no_critical_point(
        shape in 0..5usize,
        slope in 1..30i32,
        shift in -30..30i32,
        start in -100.0..100.0f64,
    ) {
        let r = format!("(({slope})*x/10 + {shift})");
        let text = match shape {
            0 => format!("(1-sigmoid({r}))^2"),
            1 => format!("tanh({r})"),
            2 => format!("softplus({r})"),
            3 => format!("{r} + sqrt(1+{r}^2)"),
            _ => format!("exp({r}/9)"),
        };
        let found = near(&text, &[start]);
        prop_assert!(matches!(found, Err(StabilityError::NoCriticalPoint { .. })), "{} {:?}", text, found);
    }
}
