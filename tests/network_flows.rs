//! Flows of networks: their orders as slopes, and the principal flow by Krylov against the eigendecomposition.

use bea::curvature::{Krylov, Lanczos, Operator, assemble};
use bea::flow::{FlowName, Problem, Request, principal_field, simulate, velocity};
use bea::network::architecture::{Architecture, Criterion, Dtype};
use bea::network::data;
use bea::network::device::Device;
use bea::network::initialise::{Scheme, initialise};
use bea::network::{Hessian, NetworkLoss};
use bea::optimizer;
use bea::series::GeneralLinearMethod;
use nalgebra::{DVector, SymmetricEigen};
use num_complex::Complex64;
use num_rational::BigRational;

/// A network on thirty irises, and parameters.
fn network(spec: &str) -> (NetworkLoss, Vec<f64>) {
    let data = data::open("iris,first=150").unwrap();
    let criterion = Criterion::CrossEntropy { smoothing: 0.0 };
    let architecture = Architecture::find(spec, &data.shape, 3, criterion, Dtype::F64).unwrap();
    let theta = initialise(&architecture, Scheme::GlorotUniform, 3);
    (NetworkLoss::new(architecture, &data, &Device::cpu()).unwrap(), theta)
}

/// The slopes of `error(h)` at the halvings of `h`.
fn slopes(h: f64, halvings: i32, error: impl Fn(f64) -> f64) -> Vec<f64> {
    let errors: Vec<f64> = (0..=halvings).map(|i| error(h / f64::powi(2.0, i))).collect();
    errors.windows(2).map(|pair| (pair[0] / pair[1]).log2()).collect()
}

fn norm(x: &[Complex64]) -> f64 {
    x.iter().map(|z| z.norm_sqr()).sum::<f64>().sqrt()
}

#[test]
fn one_step_errors_fall_with_the_order_of_the_flow() {
    let (loss, theta) = network("mlp:5,tanh");
    let problem = Problem::new(loss);
    let flows = [
        (FlowName::NegativeGradient, 2.0),
        (FlowName::ImplicitRegularization, 3.0),
        (FlowName::Order(2), 4.0),
        (FlowName::Order(3), 5.0),
    ];
    let method = GeneralLinearMethod::euler();
    for (flow, expected) in flows {
        let error = |lr: f64| {
            let request = Request {
                lr,
                steps: 1,
                flows: vec![flow],
                rtol: 1e-13,
                atol: 1e-15,
                ..Request::default()
            };
            let simulation = simulate(&problem, "gd", &method, &theta, &request).unwrap();
            *simulation.distances(&simulation.flows[0]).last().unwrap()
        };
        let found = slopes(0.02, 2, error);
        assert!(found.iter().all(|s| (s - expected).abs() < 0.1), "{flow}: {found:?}");
    }
}

/// The steps of an optimizer with a buffer are those of its modified field once the buffer is on the slow manifold,
/// where it comes by itself.
#[test]
fn one_step_errors_of_a_settled_heavy_ball_fall_with_the_order() {
    let (loss, theta) = network("mlp:5,tanh");
    let problem = Problem::new(loss);
    let heavy_ball = optimizer::find("heavy_ball").unwrap();
    let half = BigRational::new(1.into(), 2.into());
    let method = heavy_ball.method(&[("m".to_string(), half)].into()).unwrap();
    let run = |start: &[f64], lr: f64, steps, flows| {
        let request = Request { lr, steps, flows, rtol: 1e-13, atol: 1e-15, ..Request::default() };
        simulate(&problem, "heavy_ball", &method, start, &request).unwrap()
    };
    let orders: Vec<FlowName> = (0..=3).map(FlowName::Order).collect();
    let errors = |h: f64| -> Vec<f64> {
        // Of the same time, so near the same point, and of so many steps that what is left of the buffer's start, halved
        // by each, is rounding.
        let settle = (0.5 / h).round() as usize;
        let [.., before, after] = &run(&theta, h, settle + 1, Vec::new()).optimizer.theta[..]
        else {
            panic!("two steps at least");
        };
        let before: Vec<f64> = before.iter().map(|z| z.re).collect();
        let flows = run(&before, h, 1, orders.clone()).flows;
        let error =
            |at: &[Complex64]| norm(&at.iter().zip(after).map(|(a, b)| a - b).collect::<Vec<_>>());
        flows.iter().map(|flow| error(&flow.theta[1])).collect()
    };
    // An eigenvalue is to be small beside (1 - √m)²/h, where roots of the method's polynomial meet.
    let errors: Vec<Vec<f64>> = [0.004, 0.002, 0.001].into_iter().map(errors).collect();
    for n in 0..=3 {
        let found: Vec<f64> =
            errors.windows(2).map(|pair| (pair[0][n] / pair[1][n]).log2()).collect();
        let expected = (n + 2) as f64;
        assert!(found.iter().all(|s| (s - expected).abs() < 0.1), "order:{n}: {found:?}");
    }
}

/// Two routes to the modified field of any optimizer: trees with exact derivatives, and differences of the
/// optimizer's own steps from its slow manifold.
#[test]
fn truncated_and_interpolated_fields_agree_to_their_order() {
    let (loss, theta) = network("mlp:4,tanh");
    let problem = Problem::new(loss);
    let at: Vec<Complex64> = theta.iter().map(|&x| x.into()).collect();
    let half = BigRational::new(1.into(), 2.into());
    for (name, n, h) in [
        ("gradient_descent", 3, 0.02),
        ("heavy_ball", 1, 0.002),
        ("heavy_ball", 2, 0.002),
        ("nesterov", 2, 0.002),
    ] {
        let optimizer = optimizer::find(name).unwrap();
        let values = optimizer.parameters.iter().map(|p| (p.clone(), half.clone())).collect();
        let method = optimizer.method(&values).unwrap();
        let field = |flow, lr| {
            let request = Request { lr, ..Request::default() };
            velocity(&problem, name, &method, &at, flow, &request).unwrap().unwrap()
        };
        let difference = |lr: f64| {
            let (a, b) = (field(FlowName::Order(n), lr), field(FlowName::Interpolated(n), lr));
            norm(&a.iter().zip(&b).map(|(a, b)| a - b).collect::<Vec<_>>())
        };
        let found = slopes(h, 2, difference);
        let expected = (n + 1) as f64;
        assert!(found.iter().all(|s| (s - expected).abs() < 0.15), "{name}, order {n}: {found:?}");
    }
}

/// `φ(hH) g`, `φ(z) = log(1-z)/z`, below and above the branch point.
#[test]
fn the_principal_flow_by_krylov_is_that_of_the_eigendecomposition() {
    let (loss, theta) = network("mlp:10,10,elu");
    let gradient = loss.gradient(&theta).unwrap().1;
    let hessian = Hessian::new(&loss, &theta);
    let matrix = assemble(&hessian).unwrap();
    assert!((&matrix - matrix.transpose()).norm() < 1e-12 * matrix.norm());
    let eigen = SymmetricEigen::new(matrix);
    let sharpest = eigen.eigenvalues.max();
    let along = eigen.eigenvectors.transpose() * DVector::from_vec(gradient.clone());
    let phi = |z: Complex64| if z.norm() < 1e-12 { -Complex64::ONE } else { (1.0 - z).ln() / z };
    for factor in [0.3, 0.9, 1.7, 3.0] {
        let h = factor / sharpest;
        let mut expected = vec![Complex64::ZERO; theta.len()];
        for (i, &lambda) in eigen.eigenvalues.iter().enumerate() {
            let weight = phi(Complex64::from(h * lambda)) * along[i];
            for (e, u) in expected.iter_mut().zip(eigen.eigenvectors.column(i).iter()) {
                *e += weight * *u;
            }
        }
        let krylov = Krylov { tolerance: 1e-12, ..Krylov::default() };
        let found =
            krylov.function(&hessian, &gradient, |lambda| phi((lambda * h).into())).unwrap();
        let error: Vec<Complex64> = found.value.iter().zip(&expected).map(|(a, b)| a - b).collect();
        assert!(
            norm(&error) < 1e-10 * norm(&expected),
            "{factor}: {:e}",
            norm(&error) / norm(&expected)
        );
        assert!(
            hessian.dimension() == theta.len() && found.products < theta.len(),
            "{}",
            found.products
        );
    }
}

/// The same field through the flows, where the Hessian is assembled and where it is not.
#[test]
fn large_networks_take_products_alone() {
    let (loss, theta) = network("mlp:30,20,elu");
    let problem = Problem::new(loss.clone());
    assert!(problem.is_matrix_free(), "large enough not to be assembled");
    assert!(!Problem::new(network("mlp:5,tanh").0).is_matrix_free(), "small enough to be");
    let gradient = loss.gradient(&theta).unwrap().1;
    let matrix = assemble(&Hessian::new(&loss, &theta)).unwrap();
    let eigen = SymmetricEigen::new(matrix);
    let h = 0.7 / eigen.eigenvalues.max();
    let at: Vec<Complex64> = theta.iter().map(|&x| x.into()).collect();
    let request = Request { lr: h, rtol: 1e-11, ..Request::default() };
    let method = GeneralLinearMethod::euler();
    let found =
        velocity(&problem, "gd", &method, &at, FlowName::Principal, &request).unwrap().unwrap();
    let along = eigen.eigenvectors.transpose() * DVector::from_vec(gradient);
    let scaled = DVector::from_fn(theta.len(), |i, _| {
        let z = h * eigen.eigenvalues[i];
        along[i] * if z.abs() < 1e-12 { -1.0 } else { (-z).ln_1p() / z }
    });
    let expected = eigen.eigenvectors * scaled;
    let error: Vec<Complex64> = found.iter().zip(expected.iter()).map(|(a, b)| a - b).collect();
    assert!(norm(&error) < 1e-10 * expected.norm(), "{:e}", norm(&error) / expected.norm());
}

/// In 32-bit numbers the field is good to 1e-4 after so few products that it costs less than 60 gradients: a product
/// takes at most 2.5 of them. `cargo bench --bench principal_field` measures that at full size.
#[test]
fn a_principal_field_costs_few_gradients() {
    let data = data::open("digits,first=500").unwrap();
    let criterion = Criterion::CrossEntropy { smoothing: 0.0 };
    let network = |dtype| {
        let architecture =
            Architecture::find("mlp:100,100,100,100", &data.shape, 10, criterion.clone(), dtype)
                .unwrap();
        NetworkLoss::new(architecture, &data, &Device::cpu()).unwrap()
    };
    let (single, double) = (network(Dtype::F32), network(Dtype::F64));
    let mut theta = initialise(double.architecture().unwrap(), Scheme::GlorotUniform, 1);
    for _ in 0..30 {
        let gradient = double.gradient(&theta).unwrap().1;
        theta.iter_mut().zip(gradient).for_each(|(x, g)| *x -= 0.1 * g);
    }
    let sharpest =
        Lanczos::default().run(&Hessian::new(&double, &theta), &[]).unwrap().largest[0].value;
    let at: Vec<Complex64> = theta.iter().map(|&x| x.into()).collect();
    let (single, double) = (Problem::new(single), Problem::new(double));
    for sharpness in [0.5, 1.9, 2.5] {
        let h = sharpness / sharpest;
        let field = |problem, tolerance| {
            principal_field(problem, &at, h, &Krylov { tolerance, ..Krylov::default() }).unwrap()
        };
        let (found, exact) = (field(&single, 3e-5), field(&double, 1e-11));
        let error: Vec<Complex64> =
            found.value.iter().zip(&exact.value).map(|(a, b)| a - b).collect();
        let error = norm(&error) / norm(&exact.value);
        println!("hλ = {sharpness}: {} products, error {error:e}", found.products);
        assert!(found.converged && error < 1e-4, "hλ = {sharpness}: {error:e}");
        assert!(1.0 + 2.5 * found.products as f64 <= 60.0, "{} products", found.products);
    }
}
