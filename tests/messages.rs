//! What the command answers where somebody writes what is known elsewhere, or pastes it from a printed page.

use assert_cmd::Command;

/// Runs `bea` in a folder with these files; standard output, standard error, exit code.
fn bea(files: &[(&str, &str)], arguments: &[&str]) -> (String, String, i32) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let mut command = Command::cargo_bin("bea").unwrap();
    let output = command.args(arguments).current_dir(folder.path()).output().unwrap();
    // Messages are wrapped at the width of a terminal.
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let words = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    (text(output.stdout), words(text(output.stderr)), output.status.code().unwrap())
}

/// The message of a failure.
fn refused(files: &[(&str, &str)], arguments: &[&str]) -> String {
    let (out, err, code) = bea(files, arguments);
    assert_eq!((out.as_str(), code), ("", 2), "{arguments:?}: {err}");
    err
}

#[test]
fn optimizers_of_other_libraries_have_a_sentence_of_their_own() {
    for (name, advice) in [
        ("amsgrad", "not linear in the buffer"),
        ("AdaBelief", "`rmsprop_centered`"),
        ("signSGD", "`sign_descent`"),
        ("sgd", "`gradient_descent`"),
        ("SGD", "`torch_sgd`"),
        ("momentum", "`heavy_ball`"),
        ("nag", "`nesterov`"),
        ("lbfgs", "matrix"),
        ("L-BFGS", "matrix"),
        ("newton", "matrix"),
        ("rk45", "`rk4`"),
    ] {
        for arguments in
            [vec!["derive", name], vec!["flow", "--loss", "x^2", "--lr", "1", "--optimizer", name]]
        {
            let err = refused(&[], &arguments);
            assert!(err.contains(&format!("there is no optimizer `{name}`")), "{err}");
            assert!(err.contains(advice) && !err.contains("did you mean"), "{err}");
        }
    }
    // A misspelt name is still one.
    assert!(refused(&[], &["derive", "heavybal"]).contains("did you mean `heavy_ball`?"));
}

#[test]
fn layers_of_other_libraries_have_a_sentence_of_their_own() {
    for (layer, advice) in [
        ("cls_token", "`class_token`"),
        ("GRUCell", "`gru`"),
        ("mamba", "recurrent layers are"),
        ("layer_norm2d", "`layer_norm`"),
        ("LayerNorm2d", "`layer_norm`"),
        ("WeightNorm", "`group_norm`"),
        ("dropout", "leave it out"),
        ("MultiheadAttention", "`attention`"),
        ("softmax", "cross_entropy"),
        ("deconv", "`conv_transpose2d`"),
        ("PReLU", "`gelu`"),
    ] {
        let text =
            format!("input = [4]\nloss = \"cross_entropy\"\n[[layer]]\ntype = \"{layer}\"\n");
        let err = refused(
            &[("net.toml", &text)],
            &["spectrum", "--network", "net.toml", "--data", "iris"],
        );
        assert!(err.contains(&format!("there is no layer type `{layer}`")), "{err}");
        assert!(err.contains(advice) && !err.contains("did you mean"), "{err}");
    }
}

#[test]
fn characters_of_printed_pages_are_named_in_every_language() {
    let (minus, dot, prime, half) = (
        "`−` (minus sign, U+2212) is written as `-`",
        "(middle dot, U+00B7)",
        "(prime, U+2032)",
        "(one half, U+00BD) is written as `1/2`",
    );
    let phi = "`ϕ` (variant of phi, U+03D5) is written as `phi`";
    for (formula, advice) in [
        ("x^2 − y", minus),
        ("x·y", dot),
        ("½*x", half),
        ("ϕ^2", phi),
        ("x² + y²", "`²` (raised digit, U+00B2) is written as `^2`"),
        ("x\u{a0}+ y", "(no-break space, U+00A0) is written as an ordinary blank"),
        ("√x", "`sqrt(…)`"),
        ("x ≤ 3", "`<=`"),
        ("𝑥^2", "is written as `x`"),
        ("x₁", "(lowered digit, U+2081) is written as `1` in a name"),
        ("（x）", "is written as `(`"),
        ("x\u{200b}^2", "nothing: delete it"),
    ] {
        let err = refused(&[], &["loss", formula]);
        assert!(err.contains(advice), "{formula}: {err}");
    }
    for (line, advice) in [
        ("theta' = theta − h*f(theta)", minus),
        ("theta' = theta + h·f(theta)", dot),
        ("theta′ = theta + h*f(theta)", prime),
        ("theta’ = theta + h*f(theta)", "quotation mark"),
        ("theta' = theta + ½*h*f(theta)", half),
        ("theta' = theta + h²*f(theta)", "is written as `^2`"),
        ("theta' = theta − h*∇E(theta)", minus),
        ("theta' = theta - h*∇E(theta)", "`f` for -∇E"),
        ("theta' = theta + h*f(theta)\u{ad}", "soft hyphen"),
    ] {
        let text = format!("optimizer o {{ {line} }}");
        assert!(refused(&[("o.bea", &text)], &["derive", "o.bea"]).contains(advice), "{line}");
    }
    for (claim, advice) in [
        ("f == −g", minus),
        ("f == -1·g", dot),
        ("f′f == H*g", prime),
        ("f'f == ½*grad(‖g‖²)", half),
        ("ϕ*f == f*ϕ", phi),
        ("𝛻E == g", "(nabla, U+1D6FB)"),
        ("ﬂow(f) == f up to h", "`ﬂ` (ligature, U+FB02) is written as `fl`"),
        ("∥g∥² == dot(g, g)", "(parallel to, U+2225) is written as `|`"),
    ] {
        let text = format!("claim \"c\": {claim}");
        assert!(bea(&[("c.bea", &text)], &["check", "c.bea"]).1.contains(advice), "{claim}");
    }
    assert!(refused(&[], &["derive", "heavy_ball", "--set", "m=−1/2"]).contains(minus));
    assert!(refused(&[], &["loss", "x^2", "--at", "−1"]).contains(minus));
    assert!(refused(&[], &["derive", "--tree", "［［］］"]).contains("is written as `[`"));
    let text = "input = [4]\nloss = “cross_entropy”\n";
    let err =
        refused(&[("net.toml", text)], &["spectrum", "--network", "net.toml", "--data", "iris"]);
    assert!(err.contains("(quotation mark, U+201C) is written as `\"`"), "{err}");
}

#[test]
fn weight_decay_in_a_step_is_shown_the_way() {
    let text = "optimizer o(lambda) { theta' = theta + h*f(theta) - h*lambda*theta }";
    let (out, err, code) = bea(&[("o.bea", text)], &["derive", "o.bea", "--order", "0"]);
    assert_eq!((err.as_str(), code), ("", 0));
    assert!(out.contains("θ̇ = -(g + λ*θ)\n"), "{out}");
    let flow =
        "flow --loss x^2 --optimizer o.bea --start 1 --lr 0.1 --set lambda=1/10 --flows order:1";
    let (out, err, code) = bea(&[("o.bea", text)], &flow.split(' ').collect::<Vec<_>>());
    assert_eq!((err.as_str(), code), ("", 0));
    // From 1, a step leads to 1 - 0.1 (2 + 0.1) = 0.79, and the flow to exp(-0.23205).
    assert!(out.contains("2.91e-3"), "{out}");
    let right = "optimizer o(lambda) { fields f, w = -theta\n theta' = theta + h*f(theta) + h*lambda*w(theta) }";
    let (out, err, code) = bea(&[("o.bea", right)], &["derive", "o.bea", "--order", "1"]);
    assert_eq!((err.as_str(), code), ("", 0));
    assert!(out.contains("f + λ w"), "{out}");
}

#[test]
fn a_buffer_that_nothing_uses_is_passed_over_with_a_note() {
    let with = "optimizer o(m) {\n  state v, s, n\n  v' = m*v + h*f(theta)\n  s' = s + v'\n  n' = n + s' + h*f(theta - v)\n  \
                theta' = theta + v'\n}";
    let (out, err, code) = bea(&[("o.bea", with)], &["derive", "o.bea", "--order", "3"]);
    let (expected, _, _) = bea(&[], &["derive", "heavy_ball", "--order", "3"]);
    assert_eq!((out.replace("o(m)", "heavy_ball(m)"), code), (expected, 0));
    for buffer in ["s", "n"] {
        assert!(err.contains(&format!("note: the buffer `{buffer}` is not used")), "{err}");
    }
    // One that is used has no slow manifold.
    let used = "optimizer o { state s\n s' = s + h*f(theta)\n theta' = theta + h*f(theta) + h*s }";
    assert!(refused(&[("o.bea", used)], &["derive", "o.bea"]).contains("no slow manifold"));
}

#[test]
fn work_that_grows_without_bound_is_given_up() {
    let heavy = "optimizer o(m, a, b, c, k1, p, q) {\n  state v, w\n  v' = (1+k1^2)*v + p*h*f(theta + (k1)^8*h*f(theta))\n  \
                 w' = (c+p)^8*w + (a)^8*v' + p*h*f(theta - m*v)\n  \
                 theta' = theta + 1/2*v' + 1/(1-b)*w' + k1/(p+c)*h*f(theta + c*w)\n}";
    let files = [("o.bea", heavy), ("c.bea", "")];
    let err = refused(&files, &["derive", "o.bea", "--order", "3", "--set", "m=1"]);
    assert!(err.contains("this takes too long: more than 600000000 operations"), "{err}");
    assert!(err.contains("--force"), "{err}");
    // What is going to take much longer is refused at once, from what smaller orders have cost.
    let err = refused(&[], &["derive", "torch_sgd", "--order", "6"]);
    assert!(err.contains("this takes too long: about") && err.contains("--force"), "{err}");
    let err = refused(&files, &["derive", "o.bea", "--order", "1", "--set", "m=1"]);
    assert!(err.contains("this takes too long"), "the closed form alone: {err}");
    let deep = "tanh(exp(tanh(exp(tanh(exp(tanh(exp(x*y*z)))))))+x)";
    let err = refused(&[], &["loss", deep, "--derivatives", "8"]);
    assert!(err.contains("this takes too long: about") && err.contains("--force"), "{err}");
    let (_, err, code) = bea(&[], &["loss", deep, "--derivatives", "4"]);
    assert_eq!((err.as_str(), code), ("", 0));
    let of_network = ["evaluate", "--network", "mlp:2", "--data", "iris", "--quantities"];
    let err = refused(&[], &[&of_network[..], &["loss,order:12"]].concat());
    assert!(err.contains("20,299 derivatives") && err.contains("--force"), "{err}");
    let (_, err, code) = bea(&[], &[&of_network[..], &["order:9", "--force"]].concat());
    assert_eq!((err.as_str(), code), ("", 0));
    let nested = "x^(y^(x^(y^(x^(y^(x^y))))))";
    let err = refused(&[], &["loss", nested, "--derivatives", "10"]);
    assert!(err.contains("this takes too long") && err.contains("--force"), "{err}");
    // Long exact numbers: a sum that took 20 s takes none, and a longer one is refused.
    let (_, err, code) = bea(&[], &["loss", "sum(i in 0..300, j in 0..300: x*i^j)"]);
    assert_eq!((err.as_str(), code), ("", 0));
    let err = refused(&[], &["loss", "sum(i in 0..99999, j in 0..99999: x*i*j)"]);
    assert!(err.contains("more than 2000000 terms"), "{err}");
    let err = refused(&[], &["loss", "sum(i in 0..99, j in 0..9999: x*i^j)"]);
    assert!(err.contains("this takes too long"), "{err}");
}

/// Flows whose Jacobian overflows have no eigenvalues to be listed.
#[test]
fn what_overflows_in_a_stability_analysis_is_said() {
    let of = |more: &[&str]| bea(&[], &[&["stability"], more].concat());
    let said = "igr and order:n are not given where they are more than a double can hold";
    let game =
        ["--loss", "x*y*1e200", "--optimizer", "alternating_gda", "--at", "0,0", "--lr", "1"];
    let (out, _, code) = of(&game);
    assert!(code == 0 && out.contains("  igr       -\n") && out.contains(said), "{out}");
    let (out, _, _) = of(&[&game[..], &["--format", "json"]].concat());
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(json["coupled"]["igr"].is_null() && json["coupled"]["order"].is_null(), "{out}");
    let steep = ["--loss", "1e200*x^2", "--at", "0", "--lr", "1e200"];
    let (out, _, code) = of(&steep);
    assert!(code == 0 && out.contains(said), "{out}");
    let (out, _, _) = of(&[&steep[..], &["--format", "json"]].concat());
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["directions"][0]["igr"], "-infinity");
    let (out, _, _) = of(&["--loss", "x^2", "--at", "0", "--lr", "0.1"]);
    assert!(!out.contains(said), "{out}");
}

#[test]
fn a_misspelt_parameter_is_named() {
    let flow = "flow --loss x^2 --start 1 --lr 0.1 --optimizer adam --set beta=1/2";
    let err = refused(&[], &flow.split(' ').collect::<Vec<_>>());
    assert!(err.contains("needs the value of the parameter `beta1` of `adam`"), "{err}");
    assert!(
        err.contains("--set beta is no parameter of it: did you mean `beta1`, `beta2`?"),
        "{err}"
    );
}
