//! Regions of stability and paths of multipliers, against closed forms, against eigenvalues computed another way, and
//! against the exact intervals.

use bea::exact::{Poly, RationalFunction};
use bea::flow::Problem;
use bea::flow::stability::{
    Eigenvalues, Multipliers, Region, StabilityRequest, StabilityType, stability,
};
use bea::loss::Loss;
use bea::optimizer;
use bea::series::GeneralLinearMethod;
use bea::source::Source;
use nalgebra::DMatrix;
use num_complex::Complex64;
use num_rational::BigRational;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn method(name: &str, values: &[(&str, i64, i64)]) -> GeneralLinearMethod {
    let values = values
        .iter()
        .map(|(name, n, d)| (name.to_string(), BigRational::new((*n).into(), (*d).into())))
        .collect();
    optimizer::find(name).unwrap().method(&values).unwrap()
}

/// Every optimizer of the library with one vector field, its parameters at 1/3, 1/4, ….
fn library() -> Vec<(String, GeneralLinearMethod)> {
    let mut found = Vec::new();
    for optimizer in optimizer::library() {
        let values: BTreeMap<String, BigRational> = optimizer
            .parameters
            .iter()
            .enumerate()
            .map(|(i, p)| (p.clone(), BigRational::new(1.into(), (i as i64 + 3).into())))
            .collect();
        // Optimizers that are not linear have no matrix.
        let Ok(method) = optimizer.method(&values) else { continue };
        if method.fields.len() == 1 {
            found.push((optimizer.name.clone(), method));
        }
    }
    assert!(found.len() > 30, "{}", found.len());
    found
}

fn loss(text: &str) -> Problem {
    let loss = Loss::parse(&Source::new("test", text), &Default::default()).unwrap();
    Problem::of_loss(loss.graph(), loss.expression(), loss.variables.len())
}

fn c(re: f64, im: f64) -> Complex64 {
    Complex64::new(re, im)
}

/// A polynomial at numbers for its variables.
fn value(p: &Poly, at: &[Complex64]) -> Complex64 {
    let terms = p.terms().iter().map(|(monomial, coefficient)| {
        let number: f64 = coefficient.to_string().parse().unwrap();
        let powers = at.iter().enumerate().map(|(k, x)| x.powi(monomial.0[k].into()));
        powers.fold(Complex64::from(number), |a, b| a * b)
    });
    terms.sum()
}

/// The largest eigenvalue of `R(-z)`, the matrix of one step, whose entries are evaluated as they are: no
/// characteristic polynomial. With `h` and `λ = z/h` apart where the method needs them.
fn radius(method: &GeneralLinearMethod, h: f64, z: Complex64) -> f64 {
    let apart = method.step_parameter.is_some();
    let at = if apart { vec![h.into(), -z / h] } else { vec![-z] };
    let matrix = method.linear_step(method.parameters.len()).unwrap();
    let n = matrix.len();
    let entry = |x: &RationalFunction| value(x.numerator(), &at) / value(x.denominator(), &at);
    let matrix = DMatrix::from_fn(n, n, |i, j| entry(&matrix[i][j]));
    let (_, triangular) = matrix.try_schur(f64::EPSILON, 10_000).unwrap().unpack();
    triangular.diagonal().iter().map(|mu| mu.norm()).fold(0.0, f64::max)
}

#[test]
fn regions_are_those_of_the_textbooks() {
    let boundary = |region: &Region| -> Vec<Complex64> {
        region.boundary().into_iter().flatten().map(|(_, z)| z).collect()
    };
    // Gradient descent: the disc of radius 1 around 1. Implicit Euler: all but the one around -1.
    for (name, center) in [("gradient_descent", 1.0), ("implicit_euler", -1.0)] {
        let region = Region::new(&method(name, &[]), None).unwrap();
        let points = boundary(&region);
        assert!(points.len() > 700, "{name}");
        for z in points {
            assert!(((z - center).norm() - 1.0).abs() < 1e-12, "{name}: {z}");
        }
        assert_eq!(region.radius(c(center, 0.5)) < 1.0, center > 0.0, "{name}");
        assert_eq!(region.radius(c(0.0, 3.0)) < 1.0, center < 0.0, "{name}");
    }
    // Heavy ball: μ² - (1+m-z)μ + m = 0 with μ = e^{iφ} is the ellipse (1+m)(1 - cos φ) - i (1-m) sin φ.
    for m in [1, 5, 9] {
        let region = Region::new(&method("heavy_ball", &[("m", m, 10)]), None).unwrap();
        let m = m as f64 / 10.0;
        let points = boundary(&region);
        let far = points.iter().map(|z| z.re).fold(0.0, f64::max);
        assert!((far - 2.0 * (1.0 + m)).abs() < 1e-9, "{far}");
        for z in points {
            let (x, y) = ((z.re - 1.0 - m) / (1.0 + m), z.im / (1.0 - m));
            assert!((x.hypot(y) - 1.0).abs() < 1e-9, "{z}");
        }
        assert!(region.radius(c(1.0 + m, 0.9 * (1.0 - m))) < 1.0);
        assert!(region.radius(c(1.0 + m, 1.1 * (1.0 - m))) > 1.0);
    }
    // Nesterov: μ² - (1+m)(1-z)μ + m(1-z) = 0, so 1 - z = μ²/((1+m)μ - m).
    let region = Region::new(&method("nesterov", &[("m", 1, 2)]), None).unwrap();
    for (phi, z) in region.boundary().into_iter().flatten() {
        let mu = Complex64::cis(phi);
        assert!((1.0 - z - mu * mu / (1.5 * mu - 0.5)).norm() < 1e-10, "{phi}: {z}");
    }
    // The trapezoidal rule: the half-plane.
    let region = Region::new(&method("trapezoidal", &[]), None).unwrap();
    assert!(boundary(&region).iter().all(|z| z.re.abs() < 1e-9 * (1.0 + z.norm_sqr())));
    assert!(region.radius(c(1e-3, 7.0)) < 1.0 && region.radius(c(-1e-3, 7.0)) > 1.0);
    // Runge and Kutta's method of order 4 reaches 2√2 along the imaginary axis, and 2.7853 along the real one
    // (Hairer and Wanner, section IV.2).
    let region = Region::new(&method("rk4", &[]), None).unwrap();
    let near = |wanted: Complex64| {
        let far = boundary(&region).into_iter().map(|z| (z - wanted).norm());
        far.fold(f64::INFINITY, f64::min)
    };
    for wanted in [c(0.0, 8f64.sqrt()), c(0.0, -(8f64.sqrt())), c(2.785293563405, 0.0)] {
        assert!(near(wanted) < 0.02, "{wanted}");
    }
    // Adams and Bashforth's method of two steps: the real interval (0, 1); BDF2 is A-stable.
    let region = Region::new(&method("adams_bashforth2", &[]), None).unwrap();
    assert!(region.radius(c(0.999, 0.0)) < 1.0 && region.radius(c(1.001, 0.0)) > 1.0);
    let region = Region::new(&method("bdf2", &[]), None).unwrap();
    assert!(boundary(&region).iter().all(|z| z.re < 1e-9));
}

#[test]
fn the_boundary_is_where_the_largest_multiplier_has_modulus_1() {
    for (name, method) in library() {
        let h = method.step_parameter.map(|_| 0.3);
        let region = Region::new(&method, h).unwrap_or_else(|| panic!("{name} has a region"));
        let boundary = region.boundary();
        for z in boundary.iter().flatten().map(|(_, z)| *z).filter(|z| z.norm() < 1e3).step_by(7) {
            // Where multipliers coincide they are known to the root of the precision.
            let found = radius(&method, 0.3, z);
            assert!((found - 1.0).abs() < 1e-5, "{name}: {found} at {z}");
        }
    }
}

proptest! {
    /// By the roots of the characteristic polynomial, and by the eigenvalues of the matrix.
    #[test]
    fn the_radius_is_that_of_the_matrix(x in -3.0..6.0f64, y in -4.0..4.0f64) {
        for (name, method) in library() {
            let h = method.step_parameter.map(|_| 0.3);
            let region = Region::new(&method, h).unwrap();
            let (found, expected) = (region.radius(c(x, y)), radius(&method, 0.3, c(x, y)));
            prop_assert!((found - expected).abs() < 1e-5 * expected.max(1.0), "{}: {} {}", name, found, expected);
        }
    }

    /// Games have complex eigenvalues: of a step on `a(x² - y²)/2 + bxy`, whose field has the eigenvalues `-a ± ib`.
    #[test]
    fn games_lie_in_the_region_of_the_optimizer(a in -1.0..3.0f64, b in 0.0..3.0f64, h in 0.05..1.0f64) {
        let text = format!("{a}*(x^2 - y^2)/2 + {b}*x*y");
        let loss = Loss::parse(&Source::new("test", text.as_str()), &Default::default()).unwrap();
        let (mut graph, e) = loss.into_parts();
        let other = graph.neg(e);
        let game = Problem::of_losses(&graph, vec![vec![0], vec![1]], &[(0, e), (1, other)]).unwrap();
        for name in ["simultaneous_gda", "extragradient_gda", "optimistic_gda", "proximal_gda"] {
            let method = method(name, &[]);
            let region = Region::new(&method, None).expect(name);
            let map = Multipliers::of_fields(&game, &method, &[0.0, 0.0]).unwrap();
            let (found, expected) = (map.radius(h), region.radius(c(a * h, b * h)));
            prop_assert!((found - expected).abs() < 1e-6 * expected.max(1.0), "{}: {} {}", name, found, expected);
        }
    }

    /// Every point of a path is an eigenvalue at its step size, together the paths are all of them, and none jumps.
    #[test]
    fn paths_are_continuous_and_complete(lambda in 0.1..50.0f64, reach in 0.5..6.0f64) {
        for (name, method) in library() {
            let map = Multipliers::along(&method, lambda).unwrap();
            let paths = map.paths(reach / lambda);
            for path in &paths {
                for (h, mu) in path.iter().step_by(17) {
                    let near = map.at(*h).iter().map(|w| (w - mu).norm()).fold(f64::INFINITY, f64::min);
                    prop_assert!(near < 1e-6, "{}: {} at {}", name, near, h);
                }
                for pair in path.windows(2) {
                    let far = (pair[1].1 - pair[0].1).norm() / pair[0].1.norm().max(1.0);
                    prop_assert!(far < 0.1, "{}: {:?}", name, pair);
                }
            }
            // Explicit methods have no poles.
            if !["implicit", "proximal", "trapez", "bdf", "lobatto", "radau", "moulton"].iter().any(|word| name.contains(word)) {
                prop_assert_eq!(paths.len(), map.at(0.1 / lambda).len(), "{}", name);
            }
        }
    }
}

#[test]
fn the_real_boundary_is_the_end_of_the_exact_interval() {
    for (name, method) in library() {
        let request = StabilityRequest { lr: None, order: 0 };
        let found = stability(&loss("x^2/2"), &method, &[0.0], &request).unwrap();
        let Eigenvalues::Loss(directions) = &found.spectrum else { panic!("{name}") };
        let map = Multipliers::along(&method, directions[0].lambda).unwrap();
        for interval in found.intervals.unwrap() {
            let end = interval.to.value;
            let inside = match end {
                f64::INFINITY => 2.0 * interval.from.value + 1.0,
                end => 0.5 * (interval.from.value + end),
            };
            let radius = map.radius(inside);
            let expected = match interval.verdict {
                StabilityType::Stable => radius < 1.0,
                StabilityType::Neutral => (radius - 1.0).abs() < 1e-7,
                StabilityType::Unstable => radius > 1.0,
            };
            assert!(expected, "{name}: {radius} at {inside}, {}", interval.verdict);
            if end.is_finite() && interval.verdict == StabilityType::Stable {
                assert!((map.radius(end) - 1.0).abs() < 1e-6, "{name}");
                let h = method.step_parameter.map(|_| end);
                let region = Region::new(&method, h).unwrap();
                let far = region.boundary().into_iter().flatten().map(|(_, z)| (z - end).norm());
                let near = far.fold(f64::INFINITY, f64::min);
                assert!(near < 0.03 * end.max(1.0), "{name}: {near} from {end}");
            }
        }
    }
}

#[test]
fn what_has_no_region_says_so() {
    assert_eq!(Region::new(&method("alternating_gda", &[]), None), None);
    assert_eq!(Region::new(&method("heavy_ball", &[]), None), None);
    assert_eq!(Region::new(&method("sam", &[("rho", 1, 4)]), None), None);
    assert!(Multipliers::along(&method("heavy_ball", &[]), 1.0).is_none());
    assert!(Multipliers::along(&GeneralLinearMethod::euler(), f64::NAN).is_none());
    // sam: 1 - hλ(1+ρλ); at h = 1/10 and λ = z/h.
    let region = Region::new(&method("sam", &[("rho", 1, 4)]), Some(0.1)).unwrap();
    assert_eq!(region.step(), Some(0.1));
    let z = c(0.4, 0.7);
    let expected = (1.0 - z * (1.0 + 0.25 * z / 0.1)).norm();
    assert!((region.radius(z) - expected).abs() < 1e-12);
}
