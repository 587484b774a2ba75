//! The number of threads changes no bit of an evaluation, where loops are cut for all cores: graphs of arrays that are large
//! enough for it.

use bea_network::NetworkLoss;
use bea_network::architecture::Architecture;
use bea_network::data::{Dataset, Targets, Values};
use bea_network::device::Device;
use bea_series::source::Source;

fn numbers(count: usize, scale: f64) -> Vec<f64> {
    (0..count).map(|i| scale * (1.3 * i as f64 + 0.1 * (i % 11) as f64).sin()).collect()
}

/// The graph of a network of these layers on so many examples.
fn graph(dtype: &str, input: &[usize], layers: &[&str], examples: usize) -> NetworkLoss {
    let layer = |keys: &&str| format!("[[layer]]\ntype = {}\n", keys.replace("; ", "\n"));
    let layers: String = layers.iter().map(layer).collect();
    let text =
        format!("loss = \"cross_entropy\"\ndtype = \"{dtype}\"\ninput = {input:?}\n{layers}");
    let tokens = layers.contains("embedding");
    let architecture = Architecture::parse(&Source::new("net.toml", text)).unwrap();
    let size: usize = input.iter().product();
    let inputs = match tokens {
        true => (0..examples * size).map(|i| (i * i % 7) as f64).collect(),
        false => numbers(examples * size, 1.0),
    };
    let labels = (0..examples).map(|i| (i % 5) as u32).collect();
    let targets = Targets::Classes { labels, classes: 5 };
    let data = Dataset::new("waves", input.to_vec(), Values::F64(inputs), targets).unwrap();
    let layers = NetworkLoss::new(architecture, &data, &Device::find("cpu").unwrap()).unwrap();
    let theta = numbers(layers.dimension(), 0.2);
    NetworkLoss::of_graph(layers.to_graph(&theta).unwrap(), &Device::find("cpu").unwrap()).unwrap()
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let images = [
        "\"conv2d\"; out = 24; kernel = 3; padding = 1",
        "\"batch_norm\"",
        "\"relu\"",
        "\"max_pool2d\"; kernel = 2",
        "\"conv2d\"; out = 40; kernel = 3; stride = 2; padding = 1",
        "\"batch_norm\"",
        "\"gelu\"",
        "\"conv2d\"; out = 48; kernel = 3; stride = 4; padding = 1",
        "\"global_avg_pool\"",
        "\"linear\"; out = 5",
    ];
    let tokens = [
        "\"embedding\"; vocabulary = 7; width = 32",
        "\"position\"",
        "\"attention\"; heads = 2",
        "\"layer_norm\"",
        "\"linear\"; out = 64",
        "\"gelu\"",
        "\"mean_tokens\"",
        "\"linear\"; out = 5",
    ];
    for dtype in ["f32", "f64"] {
        for loss in [graph(dtype, &[3, 8, 8], &images, 300), graph(dtype, &[24], &tokens, 200)] {
            let theta = loss.graph().unwrap().initial().to_vec();
            let v = numbers(theta.len(), 1.0);
            let evaluated = |threads: usize| -> Vec<u64> {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| {
                    let (value, gradient) = loss.gradient(&theta).unwrap();
                    let second = loss.hessian_vectors(&theta, &[&v]).unwrap().remove(0);
                    let third = loss.contraction(&theta, &[&v, &v]).unwrap();
                    let all = [vec![value], gradient, second, third].concat();
                    all.into_iter().map(f64::to_bits).collect()
                })
            };
            let one = evaluated(1);
            assert!(one.iter().all(|bits| f64::from_bits(*bits).is_finite()));
            for threads in [2, 3] {
                assert!(evaluated(threads) == one, "{dtype} with {threads} threads");
            }
        }
    }
}
