//! The page that derives in the browser answers as the command does. Here its answers come from the native build;
//! `tests/report/derives.py` asks the page itself, in Chromium.

use bea::claim::shipped;
use bea::optimizer::{library, nonlinear_library};
use serde_json::{Value, json};
use std::process::{Command, Output};

fn answer(request: Value) -> Value {
    serde_json::from_str(&bea_page::answer(&request.to_string())).unwrap()
}

fn bea(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bea")).args(arguments).output().unwrap()
}

fn printed(arguments: &[&str]) -> String {
    let output = bea(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_optimizer_of_the_library_has_the_field_of_the_command() {
    let listed = answer(json!({ "task": "library" }));
    let listed = listed["optimizers"].as_array().unwrap();
    assert_eq!(listed.len(), library().len() + nonlinear_library().len());
    for entry in listed {
        let name = entry["name"].as_str().unwrap();
        let order = if entry["linear"] == true { 3 } else { 1 };
        let request =
            json!({ "task": "derive", "source": entry["text"], "order": order, "format": "json" });
        let found = answer(request);
        let expected = bea(&["derive", name, "--order", &order.to_string(), "--format", "json"]);
        if expected.status.success() {
            assert_eq!(found["text"], String::from_utf8(expected.stdout).unwrap(), "{name}");
        } else {
            assert!(found["fault"]["message"].is_string(), "{name}: {found}");
        }
    }
}

#[test]
fn every_choice_is_that_of_the_command() {
    let text = library().iter().find(|o| o.name == "heavy_ball").unwrap().to_string();
    let plain = json!({ "task": "derive", "source": text, "order": 3, "format": "txt" });
    for (keys, options) in [
        (json!({}), &[][..]),
        (json!({ "content": "principal" }), &["--only", "principal"]),
        (json!({ "content": "non-principal" }), &["--only", "non-principal"]),
        (json!({ "content": "modified-loss" }), &["--modified-loss"]),
        (json!({ "gradient": true }), &["--as", "gradient"]),
        (json!({ "start": "rest" }), &["--start", "rest"]),
        (
            json!({ "start": "rest", "content": "principal", "gradient": true }),
            &["--start", "rest", "--only", "principal", "--as", "gradient"],
        ),
        (json!({ "start": "rest", "format": "json" }), &["--start", "rest", "--format", "json"]),
        (json!({ "start": "rest", "format": "html" }), &["--start", "rest", "--format", "html"]),
        (json!({ "notation": "dots" }), &["--notation", "dots"]),
        (json!({ "notation": "index" }), &["--notation", "index"]),
        (json!({ "values": { "m": "9/10" } }), &["--set", "m=9/10"]),
        (json!({ "format": "tex" }), &["--format", "latex"]),
        (json!({ "format": "py" }), &["--format", "sympy"]),
        (json!({ "format": "typ" }), &["--format", "typst"]),
        (json!({ "format": "m" }), &["--format", "mathematica"]),
        (json!({ "format": "md" }), &["--format", "markdown"]),
        (json!({ "format": "html" }), &["--format", "html"]),
    ] {
        let mut request = plain.clone();
        request.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
        let command = [&["derive", "heavy_ball", "--order", "3"], options].concat();
        assert_eq!(answer(request)["text"], printed(&command), "{options:?}");
    }
}

#[test]
fn what_the_command_refuses_the_page_refuses_in_the_same_words() {
    let momentum = "optimizer o(m) { state v\n v' = m*v + h*f(theta)\n theta' = theta + v' }";
    let away = momentum.replace("state v", "state v = 2");
    let irrational =
        "optimizer o(m) { state v, w\n w' = v\n v' = m*w + h*f(theta)\n theta' = theta + v' }";
    let squares = "optimizer o { state v\n v' = v/2 + g^2/2\n theta' = theta - h*g/sqrt(v' + 1) }";
    let normalized = "optimizer o { theta' = theta - h*g/norm(g) }";
    let slow = "optimizer o { slow v\n v' = v + h*g^2\n theta' = theta - h*g/sqrt(v' + 1) }";
    let running = "optimizer o(psi) { state p = 1\n p' = (1 - 0.96^(psi*t))*p/2\n theta' = theta - h/(1-p')*g/(1 + abs(g)) }";
    let two = "optimizer o { fields f, k\n theta' = theta + h*f(theta) + h*k(theta) }";
    let rest = || json!({ "start": "rest" });
    let loss = || json!({ "content": "modified-loss" });
    for (source, keys, options) in [
        (momentum, json!({ "start": "rest", "order": 0 }), "--start rest --order 0"),
        (momentum, json!({ "at_step": 3 }), "--at-step 3"),
        (
            momentum,
            json!({ "gradient": true, "notation": "dots" }),
            "--as gradient --notation dots",
        ),
        (
            momentum,
            json!({ "content": "modified-loss", "format": "svg" }),
            "--modified-loss --format svg",
        ),
        (&away, rest(), "--start rest"),
        (irrational, rest(), "--start rest"),
        (squares, rest(), "--start rest"),
        (normalized, rest(), "--start rest"),
        (squares, json!({ "at_step": 5 }), "--at-step 5"),
        (running, json!({ "at_step": 3, "order": 0 }), "--at-step 3 --order 0"),
        (slow, loss(), "--modified-loss"),
        (two, loss(), "--modified-loss"),
        (two, json!({ "gradient": true }), "--as gradient"),
        (normalized, json!({ "order": 99 }), "--order 99"),
        (normalized, json!({ "notation": "index" }), "--notation index"),
        (normalized, json!({ "content": "principal" }), "--only principal"),
        (
            normalized,
            json!({ "content": "modified-loss", "format": "py" }),
            "--modified-loss --format sympy",
        ),
    ] {
        let mut request = json!({ "task": "derive", "source": source, "format": "txt" });
        request.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
        let found = answer(request);
        let text = |key: &str| found["fault"][key].as_str().unwrap_or_default().to_string();
        let options: Vec<&str> = options.split(' ').collect();
        let said = bea(&[&["derive", source], &options[..]].concat());
        assert_eq!(said.status.code(), Some(2), "{source} {options:?}");
        // Without the frame, and with what the choices are called in the page.
        let mut said =
            String::from_utf8(said.stderr).unwrap().replace(['×', '│', '╰', '─', '▶'], " ");
        for (option, name) in [
            ("--notation dots", "“trees [•,•]”"),
            ("--notation", "another way to write the terms"),
            ("--modified-loss", "“modified loss”"),
            ("--as gradient", "“the gradient ∇E”"),
            ("--at-step", "“at step”"),
            ("--order", "“Order”"),
            ("--only", "a part of the terms"),
            (" with --set", ""),
        ] {
            said = said.replace(option, name);
        }
        let said = said.replace("Error:", " ").replace("help:", " ");
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        let expected = format!("{} {}", text("message"), text("help"));
        assert_eq!(
            said,
            expected.replace("“the effective start”", "--start").trim(),
            "{source} {options:?}"
        );
    }
}

#[test]
fn a_size_is_the_order_or_the_memory_that_a_page_lacks() {
    let size = |keys: Value| {
        let text = library().iter().find(|o| o.name == "heavy_ball").unwrap().to_string();
        let mut request =
            json!({ "task": "size", "source": text, "values": { "m": "1/2" }, "format": "txt" });
        request.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
        answer(request)
    };
    assert_eq!(size(json!({})), json!({ "order": 4 }));
    assert_eq!(size(json!({ "order": 12 })), json!({ "order": 12 }));
    assert_eq!(size(json!({ "order": 3, "start": "rest" })), json!({ "order": 3 }));
    // A table holds these trees, and the command derives them.
    let refused = size(json!({ "order": 17 }));
    let said = refused["fault"]["message"].as_str().unwrap();
    assert!(said.starts_with("order 17 needs all trees with up to 18 nodes: "), "{said}");
}

#[test]
fn buffers_that_are_not_used_are_noted() {
    let source = "optimizer idle {\n  state v, w\n  v' = v/2 + h*f(theta)\n  w' = w/2\n  theta' = theta + v'\n}";
    let found = answer(json!({ "task": "derive", "source": source, "order": 1, "format": "txt" }));
    let said = bea(&["derive", source, "--order", "1"]);
    assert_eq!(found["text"], String::from_utf8(said.stdout).unwrap());
    let note = found["notes"][0].as_str().unwrap();
    assert!(note.contains("`w`"), "{note}");
    assert_eq!(String::from_utf8(said.stderr).unwrap(), format!("note: {note}\n"));
}

#[test]
fn every_shipped_claim_has_the_verdict_of_the_command() {
    let report: Value = serde_json::from_str(&printed(&["check", "--format", "json"])).unwrap();
    let expected = report["claims"].as_array().unwrap();
    let mut compared = 0;
    for source in shipped() {
        let claims = answer(json!({ "task": "claims", "source": &*source.text }));
        assert_eq!(claims["faults"], json!([]));
        // Some files take seconds, of which the command has compared all.
        for (index, claim) in claims["claims"].as_array().unwrap().iter().enumerate().take(3) {
            let expected = expected.iter().find(|e| {
                e["name"] == claim["name"]
                    && e["file"] == *source.name
                    && e["line"] == claim["line"]
            });
            let expected = expected.unwrap_or_else(|| panic!("{claim}"));
            let found = answer(json!({ "task": "check", "source": &*source.text, "index": index }));
            assert_eq!(found["verdict"], expected["verdict"], "{claim}");
            assert_eq!(found["cases"], expected["cases"], "{claim}");
            compared += 1;
        }
    }
    assert!(compared > 20, "{compared}");
}

#[test]
fn a_false_claim_shows_its_terms() {
    let source = "claim \"twice\": field(gradient_descent, 1) == f - h*f'f";
    let found = answer(json!({ "task": "check", "source": source, "index": 0 }));
    assert_eq!(found["passes"], false);
    let difference =
        json!({ "case": {}, "equality": 1, "term": "h*f'f", "claimed": "-1", "derived": "-1/2" });
    assert_eq!(found["differences"], json!([difference]));
}

#[test]
fn faults_have_places_in_the_units_of_browsers() {
    let source = "# 𝛉 is two units\noptimizer bad { theta' = theta + h*f(thta) }";
    let found = answer(json!({ "task": "derive", "source": source, "format": "txt" }));
    let fault = &found["fault"];
    let units: Vec<u16> = source.encode_utf16().collect();
    let at = |key: &str| fault[key].as_u64().unwrap() as usize;
    assert_eq!(String::from_utf16(&units[at("start")..at("end")]).unwrap(), "thta", "{fault}");
    let said = bea(&["derive", "thta"]);
    assert_eq!(said.status.code(), Some(2));
    assert!(fault["message"].as_str().unwrap().contains("thta"), "{fault}");
}

#[test]
fn what_makes_no_sense_is_said() {
    let plain = "optimizer plain { theta' = theta + h*f(theta) }";
    let derive = |keys: Value| {
        let mut request = json!({ "task": "derive", "source": plain, "format": "txt" });
        request.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
        let found = answer(request);
        let fault = &found["fault"];
        format!("{} | {}", fault["message"], fault["help"])
    };
    for (keys, expected) in [
        (json!({ "order": 30 }), "order 30 needs all trees with up to 31 nodes"),
        (json!({ "order": usize::MAX }), "more than"),
        (json!({ "format": "doc" }), "no format `doc`"),
        (json!({ "values": { "m": "1/2" } }), "`m`"),
        (json!({ "values": { "m": "half" } }), "the value of m"),
        (json!({ "order": -1 }), "“Order” is a whole number from 0 on, not -1"),
        (json!({ "order": 2.5 }), "“Order” is a whole number from 0 on, not 2.5"),
        (json!({ "order": 1e300 }), "“Order” is a whole number from 0 on, not 1e+300"),
        (json!({ "order": "two" }), "“Order” is a whole number from 0 on, not two"),
        (json!({ "at_step": 3 }), "no bias corrections"),
        (json!({ "at_step": 0 }), "“at step” is a whole number from 1 to 1000"),
        (json!({ "at_step": 1001 }), "“at step” is a whole number from 1 to 1000"),
        (
            json!({ "gradient": true, "notation": "dots" }),
            "“trees [•,•]” writes trees, which are the same",
        ),
        (json!({ "start": "settled" }), "no start is called `settled`"),
        (json!({ "start": "rest", "order": 0 }), "give “Order” from 1 on"),
        (
            json!({ "start": "rest", "content": "modified-loss" }),
            "“the effective start” is a point",
        ),
        (json!({ "content": "modified-loss", "format": "py" }), "text, latex, typst"),
        (json!({ "content": "all" }), "no part of a field is called `all`"),
        (json!({ "notation": "words" }), "no notation `words`"),
        (json!({ "source": "" }), ""),
        (
            json!({ "source": format!("{plain}\n{}", plain.replace("plain", "other")) }),
            "leave one of plain, other",
        ),
        (json!({ "speed": 3 }), "unknown field"),
    ] {
        let said = derive(keys.clone());
        assert!(said.contains(expected) && !said.starts_with("null"), "{keys}: {said}");
    }
    let found = answer(json!({ "task": "derive", "order": 25, "format": "txt",
        "source": nonlinear_library().iter().find(|o| o.name == "adam").unwrap().to_string() }));
    assert!(found["fault"]["message"].as_str().unwrap().contains("more terms than any machine"));
    for request in ["", "{}", "[]", r#"{"task": "fly"}"#] {
        let found: Value = serde_json::from_str(&bea_page::answer(request)).unwrap();
        assert!(found["fault"]["message"].as_str().unwrap().starts_with("no such request"));
    }
}
