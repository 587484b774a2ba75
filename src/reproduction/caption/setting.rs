//! Networks and data in words.

/// `a network with one hidden layer of 10 units (ELU)` of `mlp:10,elu`; a name that is not known stays.
pub(crate) fn network_in_words(name: &str) -> String {
    if let Some(layers) = name.strip_prefix("mlp:") {
        let (sizes, activation): (Vec<&str>, Vec<&str>) =
            layers.split(',').partition(|part| part.parse::<usize>().is_ok());
        let activation = match activation.first().copied().unwrap_or("relu") {
            "relu" => "ReLU".into(),
            "elu" => "ELU".into(),
            other => other.to_string(),
        };
        let equal = sizes.windows(2).all(|pair| pair[0] == pair[1]);
        return match sizes[..] {
            [] => "a linear model".into(),
            [size] => format!("a network with one hidden layer of {size} units ({activation})"),
            [size, ..] if equal => {
                format!(
                    "a network with {} hidden layers of {size} units ({activation})",
                    sizes.len()
                )
            }
            _ => {
                format!("a network with hidden layers of {} units ({activation})", sizes.join(", "))
            }
        };
    }
    match name {
        "vgg_slim" => "a slim VGG (convolutions with 8, 16 and 32 channels)".into(),
        "resnet_slim" => "a slim ResNet (blocks with 8, 16 and 32 channels)".into(),
        _ => match name
            .strip_prefix("vgg")
            .map(|n| ("VGG", n))
            .or(name.strip_prefix("resnet").map(|n| ("ResNet", n)))
        {
            Some((family, depth)) if depth.parse::<usize>().is_ok() => format!("{family}-{depth}"),
            _ => name.into(),
        },
    }
}

/// `4 × 100` of `mlp:100,100,100,100,elu`, `a slim VGG` of `vgg_slim`: the same in a few words.
pub(crate) fn network_in_short(name: &str) -> String {
    let sizes = name.strip_prefix("mlp:").map(|layers| layers.split(','));
    let sizes: Vec<&str> =
        sizes.into_iter().flatten().filter(|part| part.parse::<usize>().is_ok()).collect();
    match sizes[..] {
        [size, ..] if sizes.iter().all(|other| *other == size) => {
            format!("{} × {size}", sizes.len())
        }
        [] => network_in_words(name).split(" (").next().unwrap_or_default().to_string(),
        _ => sizes.join("–"),
    }
}

/// `1000 images of Fashion-MNIST` of `fashion_mnist:FOLDER,first=1000`; a name that is not known stays, without its
/// folder.
pub(crate) fn data_in_words(specification: &str) -> String {
    let mut parts = specification.split(',');
    let source = parts.next().unwrap_or_default();
    let options: Vec<&str> = parts.collect();
    let (name, place) = source.split_once(':').unwrap_or((source, ""));
    let size = place.split_once('x').filter(|_| name == "gaussian");
    if let Some((points, dimensions)) = size {
        return format!("{points} Gaussian points in {dimensions} dimensions");
    }
    let first = options.iter().find_map(|option| option.strip_prefix("first="));
    let (known, items) = match name {
        "fashion_mnist" => ("Fashion-MNIST", "images"),
        "mnist" => ("MNIST", "images"),
        "cifar10" => ("CIFAR-10", "images"),
        "iris" => ("the Iris data", "rows"),
        "breast_cancer" => ("the breast cancer data", "rows"),
        name => (name, "examples"),
    };
    let scaled = if options.contains(&"scale=standard") { ", standardised" } else { "" };
    match first {
        Some(first) => format!("{first} {items} of {known}{scaled}"),
        None => format!("{known}{scaled}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_and_data_have_words() {
        let network = |name| network_in_words(name);
        assert_eq!(network("mlp:10,elu"), "a network with one hidden layer of 10 units (ELU)");
        assert_eq!(network("mlp:9,9,elu"), "a network with 2 hidden layers of 9 units (ELU)");
        assert_eq!(network("mlp:3,4,tanh"), "a network with hidden layers of 3, 4 units (tanh)");
        assert_eq!(network("vgg16"), "VGG-16");
        assert_eq!(network("mine.toml"), "mine.toml");
        let short = ["mlp:9,9,elu", "mlp:3,4", "vgg_slim", "vgg16"].map(network_in_short);
        assert_eq!(short, ["2 × 9", "3–4", "a slim VGG", "VGG-16"]);
        assert_eq!(data_in_words("gaussian:5x2"), "5 Gaussian points in 2 dimensions");
        assert_eq!(data_in_words("fashion_mnist:/a,first=7"), "7 images of Fashion-MNIST");
        assert_eq!(data_in_words("iris,scale=standard"), "the Iris data, standardised");
        assert_eq!(data_in_words("mine.csv"), "mine.csv");
    }
}
