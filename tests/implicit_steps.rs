//! Implicit steps take the root that is continued from the step size 0.

mod cases;

use bea::flow::{Problem, Request, Simulation, simulate};
use bea::loss::Loss;
use bea::optimizer;
use bea::source::Source;
use proptest::prelude::*;

fn steps(text: &str, name: &str, start: &[f64], lr: f64, steps: usize) -> Simulation {
    let loss = Loss::parse(&Source::new("test", text), &Default::default()).unwrap();
    let problem = Problem::of_loss(loss.graph(), loss.expression(), loss.variables.len());
    let program = optimizer::find(name).unwrap().program(&Default::default()).unwrap();
    let request = Request { lr, steps, ..Request::default() };
    simulate(&problem, name, program, start, &request).unwrap()
}

fn last(simulation: &Simulation) -> Vec<f64> {
    simulation.optimizer.theta.last().unwrap().iter().map(|z| z.re).collect()
}

fn note(simulation: &Simulation) -> &str {
    simulation.optimizer.note.as_deref().unwrap_or_default()
}

#[test]
fn a_double_well_is_left_for_its_own_side() {
    // x + h (x³ - x) = 0.1
    for (lr, root) in [(1.5, 0.659_146_581_160_740_8), (15.0, 0.969_643_600_367_869_1)] {
        for name in ["proximal_point", "implicit_euler"] {
            let found = last(&steps("x^4/4 - x^2/2", name, &[0.1], lr, 1))[0];
            assert!((found - root).abs() < 1e-14, "{name} {lr}: {found}");
            let mirrored = last(&steps("x^4/4 - x^2/2", name, &[-0.1], lr, 1))[0];
            assert_eq!(mirrored, -found);
        }
    }
}

#[test]
fn stiff_steps_are_found() {
    for h in [1e3, 1e6, 1e9] {
        let found = last(&steps("x^2/2 + 1000*y^2", "proximal_point", &[1.0, -1.0], h, 1));
        for (x, expected) in found.iter().zip([1.0 / (1.0 + h), -1.0 / (1.0 + 2000.0 * h)]) {
            assert!((x - expected).abs() < 1e-15, "{x}, not {expected}");
        }
    }
}

#[test]
fn the_end_of_a_branch_is_said() {
    // x + h x² = -1 has real roots up to h = 1/4; x - h x = 1 has a pole at h = 1.
    for (text, start, lr, end) in
        [("x^3/3", -1.0, 0.3, "2.5000e-1"), ("-x^2/2", 1.0, 1.5, "1.0000e0")]
    {
        let found = steps(text, "proximal_point", &[start], lr, 1);
        assert_eq!(found.optimizer.theta.len(), 1);
        let expected = format!("begins at h = 0 ends at h = {end}");
        assert!(note(&found).contains(&expected), "{text}: {}", note(&found));
    }
    let before = steps("x^3/3", "proximal_point", &[-1.0], 0.249, 1);
    let expected = (-1.0 + f64::sqrt(1.0 - 4.0 * 0.249)) / (2.0 * 0.249);
    assert!((last(&before)[0] - expected).abs() < 1e-12);
}

/// `argmin |x| + (x-θ)²/(2h)` is a soft threshold, and stays at 0; others of its kind.
#[test]
fn proximal_steps_stay_at_kinks() {
    let soft = |x: f64, h: f64| x.signum() * (x.abs() - h).max(0.0);
    for (start, h) in [(1.0, 0.3), (0.1, 1.5), (-0.25, 0.1), (-3.0, 10.0)] {
        let found = steps("abs(x)", "proximal_point", &[start], h, 6);
        let mut expected = start;
        assert_eq!(found.optimizer.theta.len(), 7, "{}", note(&found));
        for theta in &found.optimizer.theta[1..] {
            expected = soft(expected, h);
            assert!((theta[0].re - expected).abs() < 1e-15, "{theta:?}, not {expected}");
        }
    }
    // The lasso in one coordinate, from its own formula: soft((θ + ha)/(1+h), h/(1+h)).
    let found = last(&steps("(x-1/2)^2/2 + abs(x)", "proximal_point", &[0.3], 2.0, 1))[0];
    assert_eq!(found, 0.0);
    // Coordinates that are coupled by a smooth part: |x| + |y| + (x+y-1)²/2 from (0.2, 3), h = 1. With x = 0:
    // y - 3 + 1 + y - 1 = 0.
    let found = steps("abs(x) + abs(y) + (x+y-1)^2/2", "proximal_point", &[0.2, 3.0], 1.0, 1);
    let theta = last(&found);
    assert!(theta[0] == 0.0 && (theta[1] - 1.5).abs() < 1e-12, "{theta:?} {}", note(&found));
    // A kink elsewhere, and relu: θ - h where that is positive, 0 between 0 and h.
    let found = last(&steps("3*abs(x-1)", "proximal_point", &[1.4], 1.0, 1))[0];
    assert!((found - 1.0).abs() < 1e-15, "{found}");
    assert_eq!(last(&steps("relu(x)", "implicit_euler", &[0.2], 1.0, 2)), [0.0]);
    // A kink across both coordinates is left alone, with a note.
    let across = steps("abs(x-y)", "proximal_point", &[0.1, 0.0], 1.0, 1);
    assert!(across.optimizer.theta.len() == 1, "{:?}", across.optimizer.theta);
    assert!(note(&across).contains("ends at h"), "{}", note(&across));
    // A pole is no kink.
    let pole = steps("log(abs(x-1/3))", "proximal_point", &[1.0], 1.0, 1);
    assert!(pole.optimizer.theta.len() == 1, "{:?}", pole.optimizer.theta);
    assert!(note(&pole).contains("ends at h"), "{}", note(&pole));
}

/// `∇E` and `∇²E` of `(x⁴+y⁴)/4 - (x²+y²)/2 + a cos(bx + cy)`.
fn wells(a: f64, b: f64, c: f64, [x, y]: [f64; 2]) -> ([f64; 2], [[f64; 2]; 2]) {
    let (sine, cosine) = (b * x + c * y).sin_cos();
    let gradient = [x.powi(3) - x - a * b * sine, y.powi(3) - y - a * c * sine];
    let mixed = -a * b * c * cosine;
    let xx = 3.0 * x * x - 1.0 - a * b * b * cosine;
    (gradient, [[xx, mixed], [mixed, 3.0 * y * y - 1.0 - a * c * c * cosine]])
}

proptest! {
    #![proptest_config(cases::cases(200))]

    /// The same root as a continuation in 20000 steps of `h`, or the same end.
    #[test]
    fn the_root_is_that_of_fine_steps(
        a in -2.0..2.0f64,
        b in -3.0..3.0f64,
        c in -3.0..3.0f64,
        start in proptest::array::uniform2(-2.0..2.0f64),
        lr in 0.05..4.0f64,
    ) {
        const FINE: u32 = 20_000;
        let mut x = start;
        let mut end = None;
        'branch: for k in 1..=FINE {
            let h = lr * f64::from(k) / f64::from(FINE);
            let (begin, mut first) = (x, x);
            for iteration in 0..8 {
                let (g, m) = wells(a, b, c, x);
                let m = [[1.0 + h * m[0][0], h * m[0][1]], [h * m[1][0], 1.0 + h * m[1][1]]];
                let determinant = m[0][0] * m[1][1] - m[0][1] * m[1][0];
                if determinant < 1e-2 {
                    end = Some(h);
                    break 'branch;
                }
                let r = [x[0] - start[0] + h * g[0], x[1] - start[1] + h * g[1]];
                x[0] -= (m[1][1] * r[0] - m[0][1] * r[1]) / determinant;
                x[1] -= (m[0][0] * r[1] - m[1][0] * r[0]) / determinant;
                if iteration == 0 {
                    first = x;
                }
            }
            // Newton's method has left the branch if it goes on beyond what its first iteration tells: a fold was leapt over.
            let apart = |x: [f64; 2], y: [f64; 2]| (x[0] - y[0]).hypot(x[1] - y[1]);
            if apart(x, first) > 0.5 * apart(first, begin) + 1e-9 {
                end = Some(h);
                break 'branch;
            }
        }
        let text = format!("(x^4+y^4)/4 - (x^2+y^2)/2 + ({a})*cos(({b})*x + ({c})*y)");
        let found = steps(&text, "proximal_point", &start, lr, 1);
        match end {
            None => {
                prop_assert_eq!(found.optimizer.theta.len(), 2, "{}", note(&found));
                for (one, other) in last(&found).iter().zip(x) {
                    prop_assert!((one - other).abs() < 1e-8, "{one}, not {other}");
                }
            }
            // Close by a fold the fine steps do not tell whether the branch goes on.
            Some(h) if found.optimizer.theta.len() == 2 => {
                let (_, m) = wells(a, b, c, [last(&found)[0], last(&found)[1]]);
                let determinant =
                    (1.0 + lr * m[0][0]) * (1.0 + lr * m[1][1]) - (lr * m[0][1]).powi(2);
                prop_assert!(determinant > 0.0, "beyond the end at {h}");
            }
            Some(h) => {
                let text = note(&found).rsplit(' ').next().unwrap();
                let said: f64 = text.parse().unwrap();
                prop_assert!((said - h).abs() < 0.01 * lr, "{said}, not {h}");
            }
        }
    }
}
