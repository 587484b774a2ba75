//! How parameters start: the laws, by their moments, and that nothing but scheme, seed and name matters.

use bea::network::architecture::{Architecture, Criterion, Dtype};
use bea::network::initialise::{Scheme, initialise};
use bea::source::Source;

fn network(text: &str) -> Architecture {
    Architecture::parse(&Source::new("net.toml", text)).unwrap()
}

fn mlp(spec: &str, inputs: usize, outputs: usize) -> Architecture {
    let criterion = Criterion::CrossEntropy { smoothing: 0.0 };
    Architecture::find(spec, &[inputs], outputs, criterion, Dtype::F64).unwrap()
}

fn part<'a>(network: &Architecture, theta: &'a [f64], name: &str) -> &'a [f64] {
    &theta[network.parameters.iter().find(|p| p.name == name).unwrap().range()]
}

/// Numbers of a separate program: ChaCha with eight rounds after RFC 8439's figures, FNV-1a, Box and Muller.
#[test]
fn numbers_are_pinned() {
    let network = mlp("mlp:9", 6, 4);
    for (scheme, expected) in [
        (Scheme::PyTorch, [-0.2614886381797648, 0.11737209579057958, 0.35162282990571475]),
        (Scheme::HeNormal, [-0.22500465633989128, -0.2854202637063948, 1.2795708476707783]),
    ] {
        let theta = initialise(&network, scheme, 7);
        for (found, expected) in theta.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-15, "{scheme:?}: {found} for {expected}");
        }
    }
}

#[test]
fn seeds_and_names_select_the_numbers() {
    let network = mlp("mlp:9,9", 9, 9);
    let one = initialise(&network, Scheme::LecunNormal, 1);
    assert_eq!(one, initialise(&network, Scheme::LecunNormal, 1));
    let two = initialise(&network, Scheme::LecunNormal, 2);
    let (first, second) = (part(&network, &one, "0.weight"), part(&network, &one, "2.weight"));
    assert!(first.iter().zip(second).all(|(a, b)| a != b));
    assert!(first.iter().zip(part(&network, &two, "0.weight")).all(|(a, b)| a != b));
}

/// The same layers in another order: every parameter starts as before.
#[test]
fn the_order_of_layers_does_not_matter() {
    let file = |layers: [&str; 2]| {
        let layers =
            layers.map(|name| format!("{{ type = \"linear\", name = \"{name}\", out = 6 }}"));
        network(&format!("loss = \"cross_entropy\"\ninput = [6]\nlayer = [{}]", layers.join(", ")))
    };
    let (ab, ba) = (file(["a", "b"]), file(["b", "a"]));
    let (one, other) = (initialise(&ab, Scheme::PyTorch, 3), initialise(&ba, Scheme::PyTorch, 3));
    assert_ne!(one, other);
    for name in ["a.weight", "a.bias", "b.weight", "b.bias"] {
        assert_eq!(part(&ab, &one, name), part(&ba, &other, name), "{name}");
    }
}

/// Mean, variance, kurtosis and largest size of 80,000 numbers, against the laws' own.
#[test]
fn moments_are_those_of_the_laws() {
    let network = mlp("mlp:400", 200, 2);
    let (fan_in, fan_out) = (200.0, 400.0);
    // Of the normal law truncated at two deviations: variance and fourth moment, with φ(2) and 2Φ(2) - 1.
    let ratio = 4.0 * 0.05399096651318806 / 0.9544997361036416;
    let (kept, fourth) = (1.0 - ratio, 3.0 - (3.0 + 4.0) * ratio);
    let uniform = 9.0 / 5.0;
    let mean_fan: f64 = 2.0 / (fan_in + fan_out);
    for (scheme, variance, kurtosis, bound) in [
        (Scheme::PyTorch, 1.0 / (3.0 * fan_in), uniform, (1.0f64 / fan_in).sqrt()),
        (Scheme::Haiku, kept / fan_in, fourth / (kept * kept), 2.0 * (1.0f64 / fan_in).sqrt()),
        (Scheme::GlorotUniform, mean_fan, uniform, (3.0 * mean_fan).sqrt()),
        (Scheme::GlorotNormal, mean_fan, 3.0, f64::INFINITY),
        (Scheme::HeUniform, 2.0 / fan_in, uniform, (6.0f64 / fan_in).sqrt()),
        (Scheme::HeNormal, 2.0 / fan_in, 3.0, f64::INFINITY),
        (Scheme::LecunUniform, 1.0 / fan_in, uniform, (3.0f64 / fan_in).sqrt()),
        (Scheme::LecunNormal, 1.0 / fan_in, 3.0, f64::INFINITY),
    ] {
        let theta = initialise(&network, scheme, 5);
        let weight = part(&network, &theta, "0.weight");
        let count = weight.len() as f64;
        let moment = |power| weight.iter().map(|w| w.powi(power)).sum::<f64>() / count;
        // Five standard errors.
        let error = 5.0 / count.sqrt();
        assert!(moment(1).abs() < error * variance.sqrt(), "{scheme:?}: mean {}", moment(1));
        let spread = (kurtosis - 1.0f64).sqrt();
        let relative = moment(2) / variance - 1.0;
        assert!(relative.abs() < error * spread, "{scheme:?}: variance off by {relative}");
        let found = moment(4) / (moment(2) * moment(2));
        assert!((found - kurtosis).abs() < 0.1, "{scheme:?}: kurtosis {found} for {kurtosis}");
        let largest = weight.iter().fold(0.0f64, |largest, w| largest.max(w.abs()));
        assert!(largest <= bound, "{scheme:?}: {largest} beyond {bound}");
        assert!(bound.is_infinite() || largest > 0.99 * bound, "{scheme:?}: {largest} of {bound}");
        let biases = part(&network, &theta, "0.bias");
        let (all_zero, within) =
            (biases.iter().all(|b| *b == 0.0), biases.iter().all(|b| b.abs() <= fan_in.powf(-0.5)));
        assert!(within && all_zero == (scheme != Scheme::PyTorch), "{scheme:?}");
    }
}

#[test]
fn norms_start_at_one_and_zero_and_a_convolution_counts_its_window() {
    let network = network(
        "loss = \"cross_entropy\"\ninput = [8, 5, 5]\nlayer = [{ type = \"conv2d\", out = 50, kernel = 3 }, \
         { type = \"batch_norm\" }, { type = \"flatten\" }, { type = \"layer_norm\" }]",
    );
    for scheme in [Scheme::PyTorch, Scheme::Haiku] {
        let theta = initialise(&network, scheme, 1);
        for layer in ["1", "3"] {
            assert!(part(&network, &theta, &format!("{layer}.weight")).iter().all(|w| *w == 1.0));
            assert!(part(&network, &theta, &format!("{layer}.bias")).iter().all(|b| *b == 0.0));
        }
    }
    let theta = initialise(&network, Scheme::PyTorch, 1);
    let bound = (1.0f64 / 72.0).sqrt();
    let largest = part(&network, &theta, "0.weight").iter().fold(0.0f64, |m, w| m.max(w.abs()));
    assert!(largest <= bound && largest > 0.99 * bound, "{largest} of {bound}");
}

/// An attention's joint weight: PyTorch takes the fans of the whole, `[3 w, w]`; the others those of each part.
#[test]
fn attention_and_tables_have_laws_of_their_own() {
    let network = network(
        "architecture = \"transformer\"\nloss = \"cross_entropy\"\ninput = [40]\nvocabulary = 200\nwidth = 60\n\
         heads = 1\nblocks = 1\nout = 3\n",
    );
    let largest = |theta: &[f64], name: &str| {
        part(&network, theta, name).iter().fold(0.0f64, |m, w| m.max(w.abs()))
    };
    let deviation = |theta: &[f64], name: &str| {
        let values = part(&network, theta, name);
        (values.iter().map(|w| w * w).sum::<f64>() / values.len() as f64).sqrt()
    };
    let joint = "encoder.layers.0.self_attn.in_proj_weight";
    let pytorch = initialise(&network, Scheme::PyTorch, 1);
    let glorot = initialise(&network, Scheme::GlorotUniform, 1);
    for (theta, fans) in [(&pytorch, 240.0f64), (&glorot, 120.0)] {
        let bound = (6.0 / fans).sqrt();
        assert!((0.99 * bound..bound).contains(&largest(theta, joint)));
        assert_eq!(largest(theta, "encoder.layers.0.self_attn.in_proj_bias"), 0.0);
        assert_eq!(largest(theta, "encoder.layers.0.self_attn.out_proj.bias"), 0.0);
        assert!((deviation(theta, "embedding.weight") - 1.0).abs() < 0.04);
        assert!((deviation(theta, "position.weight") - 0.02).abs() < 0.002);
    }
}

/// Recurrent layers: PyTorch takes one bound for all arrays, the others the fans of one gate. Transposed convolutions, whose weights
/// are `[inputs, outputs/groups, kernel]`: as PyTorch counts, the second axis and the window are what comes in.
#[test]
fn recurrent_and_transposed_layers_have_laws_of_their_own() {
    let largest = |values: &[f64]| values.iter().fold(0.0f64, |m, w| m.max(w.abs()));
    for (cell, gates) in [("rnn", 1), ("gru", 3), ("lstm", 4)] {
        let network = network(&format!(
            "loss = \"cross_entropy\"\ninput = [3, 30]\nlayer = [{{ type = \"{cell}\", hidden = 90 }}, \
             {{ type = \"last_token\" }}, {{ type = \"linear\", out = 2 }}]"
        ));
        let pytorch = initialise(&network, Scheme::PyTorch, 4);
        for name in ["0.weight_ih_l0", "0.weight_hh_l0", "0.bias_ih_l0", "0.bias_hh_l0"] {
            let (values, bound) = (part(&network, &pytorch, name), (1.0f64 / 90.0).sqrt());
            assert!((0.9 * bound..=bound).contains(&largest(values)), "{cell}: {name}");
        }
        let glorot = initialise(&network, Scheme::GlorotUniform, 4);
        for (name, inputs) in [("0.weight_ih_l0", 30.0), ("0.weight_hh_l0", 90.0)] {
            let (values, bound) =
                (part(&network, &glorot, name), (6.0f64 / (inputs + 90.0)).sqrt());
            assert_eq!(values.len(), gates * 90 * inputs as usize);
            assert!((0.99 * bound..=bound).contains(&largest(values)), "{cell}: {name}");
        }
        for name in ["0.bias_ih_l0", "0.bias_hh_l0"] {
            assert_eq!(largest(part(&network, &glorot, name)), 0.0, "{cell}: {name}");
        }
    }
    let network = network(
        "loss = \"cross_entropy\"\ninput = [12, 4, 4]\nlayer = [{ type = \"conv_transpose2d\", out = 60, kernel = 3, \
         groups = 2 }, { type = \"global_avg_pool\" }]",
    );
    let (fan_in, fan_out) = (30.0 * 9.0, 12.0 * 9.0);
    for (scheme, bound) in [
        (Scheme::PyTorch, 1.0f64 / fan_in),
        (Scheme::HeUniform, 6.0 / fan_in),
        (Scheme::GlorotUniform, 6.0 / (fan_in + fan_out)),
    ] {
        let theta = initialise(&network, scheme, 4);
        let (weight, bound) = (part(&network, &theta, "0.weight"), bound.sqrt());
        assert_eq!(weight.len(), 12 * 30 * 9);
        assert!((0.99 * bound..=bound).contains(&largest(weight)), "{scheme:?}");
        let bias = largest(part(&network, &theta, "0.bias"));
        assert!(if scheme == Scheme::PyTorch {
            (0.9 * bound..=bound).contains(&bias)
        } else {
            bias == 0.0
        });
    }
}

#[test]
fn unknown_schemes_are_refused() {
    assert_eq!("xavier_uniform".parse::<Scheme>().unwrap(), Scheme::GlorotUniform);
    let error = "he_norml".parse::<Scheme>().unwrap_err();
    assert_eq!(error.to_string(), "there is no initialisation `he_norml`");
    let help = miette::Diagnostic::help(&error).unwrap().to_string();
    assert!(help.starts_with("did you mean `he_normal`"), "{help}");
}
