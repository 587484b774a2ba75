//! Tables that other programs write: their separators, headers, indices and labels, read as they are meant or refused.

use bea::network::data::{Dataset, Remark, Targets, open};
use proptest::prelude::*;
use std::path::PathBuf;
use tempfile::TempDir;

struct Place(TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path: PathBuf = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_string()
    }
}

/// The message and the advice for a table that is refused.
fn refused(text: impl AsRef<[u8]>, options: &str) -> String {
    let place = Place::new();
    let path = place.write("d.csv", text);
    let error = open(&format!("{path}{options}")).expect_err("refused");
    let help = miette::Diagnostic::help(&error).map(|help| help.to_string());
    format!("{error}; {}", help.unwrap_or_default())
}

fn read(text: impl AsRef<[u8]>, options: &str) -> Dataset {
    let place = Place::new();
    let path = place.write("d.csv", text);
    open(&format!("{path}{options}")).unwrap_or_else(|error| panic!("{error}"))
}

fn inputs(set: &Dataset) -> Vec<f64> {
    set.rows_f64(0..set.len())
}

fn classes(set: &Dataset) -> (Vec<u32>, usize) {
    match &set.targets {
        Targets::Classes { labels, classes } => (labels.clone(), *classes),
        other => panic!("{other:?}"),
    }
}

fn values(set: &Dataset) -> Vec<f64> {
    match &set.targets {
        Targets::Values { values, .. } => values.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn other_separators_are_recognised() {
    for (separator, name) in [(';', ";"), ('\t', "tab"), ('|', "bar")] {
        let text = "a,b,t\n1,2.5,0\n3,4.5,1\n".replace(',', &separator.to_string());
        let message = refused(&text, "");
        assert!(
            message.contains(&format!("separated by `{}`", if name == "bar" { "|" } else { name }))
        );
        let said = format!(",separator={}", if name == "bar" { "|" } else { name });
        assert!(message.contains(&said), "{message}");
        let set = read(&text, &format!(",separator={name}"));
        assert_eq!((inputs(&set), classes(&set)), (vec![1.0, 2.5, 3.0, 4.5], (vec![0, 1], 2)));
    }
    assert_eq!(inputs(&read("1;2;0\n3;4;1\n", ",separator=;")), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(inputs(&read("1|2|0\n3|4|1\n", ",separator=|")), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(inputs(&read("1\t2\t0\n3\t4\t1\n", ",separator=\\t")), [1.0, 2.0, 3.0, 4.0]);
    // Decimal commas beside semicolons: nothing of it is read as two columns.
    let decimal = "5,1;setosa\n4,9;setosa\n";
    assert!(refused(decimal, "").contains("separated by `;`"));
    assert!(refused(decimal, ",separator=;").contains("decimal fractions have a point"));
    // Tabs after commas, and semicolons within words, are what they are.
    assert_eq!(inputs(&read("1,\t2,\t0\n3,\t4,\t1\n", "")), [1.0, 2.0, 3.0, 4.0]);
    let quoted = read("a,t\n1,\"x;y\"\n2,\"z\"\n", "");
    assert_eq!(quoted.class_names, ["x;y", "z"]);
    assert_eq!(read("a,t\n1,x;y\n2,z;w\n", ",separator=comma").class_names, ["x;y", "z;w"]);
    assert!(refused("1,2\n", ",separator=x").contains("`;`, `tab`, `bar` or `comma`"));
    let place = Place::new();
    let set = open(&place.write("d.tsv", "a\tb\tt\n1\t2\t0\n3\t4\t1\n")).unwrap();
    assert_eq!((inputs(&set), classes(&set).0), (vec![1.0, 2.0, 3.0, 4.0], vec![0, 1]));
}

#[test]
fn texts_of_other_programs_are_read() {
    let expected = (vec![1.0, 2.0, 3.0, 4.0], vec![0, 1]);
    for text in [
        "\u{feff}a,b,t\n1,2,0\n3,4,1\n",
        "\"a\",\"b\",\"t\"\n\"1\",\"2\",\"0\"\n3,4,1\n",
        "a,b,t\r\n1,2,0\r\n3,4,1\r\n",
        "größe,b,t\n1,2,0\n3,4,1",
    ] {
        let set = read(text, "");
        assert_eq!((inputs(&set), classes(&set).0), expected, "{text:?}");
    }
    let latin = refused(b"gr\xf6\xdfe,b,t\n1,2,0\n", "");
    assert!(latin.contains("line 1 is not UTF-8") && latin.contains("iconv -f latin1"), "{latin}");
}

#[test]
fn a_column_that_numbers_the_rows_is_refused() {
    let tables = [
        // pandas' `to_csv`, its own file read and written again, and R's `write.csv`.
        ",a,b,t\n0,1.5,2,0\n1,3,4,1\n2,5,6,0\n",
        "Unnamed: 0,a,b,t\n0,1.5,2,0\n1,3,4,1\n2,5,6,0\n",
        "\"\",\"a\",\"b\",\"t\"\n\"1\",1.5,2,0\n\"2\",3,4,1\n\"3\",5,6,0\n",
        ",0,1,2\n0,1.5,2,0\n1,3,4,1\n2,5,6,0\n",
        // Called so, and counting.
        "Id,a,b,t\n1,1.5,2,0\n2,3,4,1\n3,5,6,0\n",
        "index,a,b,t\n0,1.5,2,0\n1,3,4,1\n2,5,6,0\n",
        // A part of a longer table.
        "idx,a,b,t\n500,1.5,2,0\n501,3,4,1\n502,5,6,0\n",
        // Without names.
        "0,1.5,2,0\n1,3,4,1\n2,5,6,0\n",
    ];
    for text in tables {
        let message = refused(text, "");
        assert!(message.contains("number the rows"), "{text}: {message}");
        assert!(message.contains(",index=drop") && message.contains(",index=keep"), "{message}");
        let set = read(text, ",index=drop");
        assert_eq!((inputs(&set), &set.shape[..]), (vec![1.5, 2.0, 3.0, 4.0, 5.0, 6.0], &[2][..]));
        let set = read(text, ",index=keep");
        assert_eq!((set.shape[0], inputs(&set)[1]), (3, 1.5));
        assert_eq!(classes(&set).0, [0, 1, 0]);
    }
    // Row names are words, which would be refused as inputs.
    let names = "\"\",\"mpg\",\"t\"\n\"Mazda RX4\",21,0\n\"Datsun\",22.8,1\n";
    assert!(refused(names, "").contains("number the rows"));
    assert_eq!(inputs(&read(names, ",index=drop")), [21.0, 22.8]);
    // Times and numbers of another order are inputs.
    assert_eq!(read("time,t\n0,0.5\n1,0.25\n2,0.125\n", "").shape, [1]);
    assert_eq!(read("id,a,t\n3,1,0\n1,2,1\n2,4,0\n", "").shape, [2]);
    assert_eq!(read("0,0.5\n1,0.25\n2,0.125\n", "").shape, [1]);
    assert!(refused("a,t\n1,2\n", ",index=drop").contains("without its first column"));
}

#[test]
fn a_first_line_of_numbers_in_order_may_be_names() {
    for text in ["0,1,2,3\n1.5,2,4,0\n", "0,1,2,species\n5.1,3,4,setosa\n4,3,2,virginica\n"] {
        let message = refused(text, "");
        assert!(message.contains("may be names of columns or an example"), "{message}");
        assert!(message.contains(",header=yes"), "{message}");
    }
    assert_eq!(inputs(&read("0,1,2,3\n1.5,2,4,0\n", ",header=yes")), [1.5, 2.0, 4.0]);
    assert_eq!(read("0,1,2,3\n1.5,2,4,0\n", ",header=no,labels=0").len(), 2);
    let set = read("0,1,2,species\n5.1,3,4,setosa\n4,3,2,virginica\n", ",header=yes");
    assert_eq!(set.class_names, ["setosa", "virginica"]);
    assert_eq!(read("1,2,0\n1,4,1\n", "").len(), 2);
}

#[test]
fn columns_of_the_targets_name_are_refused() {
    let text = "x,y,x,t\n1,2,3,0\n4,5,6,1\n";
    let message = refused(text, ",target=x");
    assert!(message.contains("2 columns are called `x`") && message.contains("0, 2"), "{message}");
    assert!(refused("t,x,t\n1,2,0\n3,4,1\n", "").contains("2 columns are called `t`"));
    // Inputs of one name are told apart by their place.
    assert_eq!(read(text, "").shape, [3]);
    assert_eq!(inputs(&read(text, ",target=y,targets=values"))[..3], [1.0, 3.0, 0.0]);
}

#[test]
fn labels_may_count_from_1() {
    let text = "a,t\n0.5,1\n1.5,2\n2.5,3\n";
    let set = read(text, "");
    assert_eq!(classes(&set).1, 4);
    let [remark @ Remark::LabelsNotFromZero { least: 1, classes: 4, .. }] = &set.remarks[..] else {
        panic!("{:?}", set.remarks)
    };
    assert!(remark.note().contains(",labels=1"), "{}", remark.note());
    let set = read(text, ",labels=1");
    assert_eq!((classes(&set), set.remarks), ((vec![0, 1, 2], 3), vec![]));
    let set = read(text, ",labels=0");
    assert_eq!((classes(&set), set.remarks), ((vec![1, 2, 3], 4), vec![]));
    let message = refused("a,t\n0.5,1\n1.5,0\n", ",labels=1");
    assert!(
        message.contains("row 1, 0, is no label") && message.contains("from 1 on"),
        "{message}"
    );
    assert!(refused("a,t\n0.5,x\n", ",labels=1").contains("the targets are words"));
    assert!(refused("a,t\n0.5,0.5\n", ",labels=1").contains("the targets are values"));
    assert!(refused(text, ",labels=2").contains("`0`, `1`"));
}

#[test]
fn whole_numbers_with_a_point_are_values_that_may_be_labels() {
    let text = "a,t\n0.5,0.0\n1.5,1.0\n2.5,2.0\n3.5,1.0\n";
    let set = read(text, "");
    assert_eq!(values(&set), [0.0, 1.0, 2.0, 1.0]);
    let [remark @ Remark::WholeTargets { .. }] = &set.remarks[..] else {
        panic!("{:?}", set.remarks)
    };
    assert!(remark.note().contains(",targets=classes"), "{}", remark.note());
    assert_eq!(classes(&read(text, ",targets=classes")), (vec![0, 1, 2, 1], 3));
    assert!(read(text, ",targets=values").remarks.is_empty());
    assert!(read("a,t\n0.5,0.5\n1.5,1.0\n2.5,1.0\n", "").remarks.is_empty());
}

#[test]
fn columns_of_any_size_are_standardised() {
    for size in [1e300, 1.7e308, 1e-300, 5e-320, 1.0] {
        let text = format!("a,b,t\n{size:e},1,0\n-{size:e},2,1\n{size:e},3,0\n-{size:e},4,1\n");
        let set = read(&text, ",scale=standard");
        let column: Vec<f64> = inputs(&set).into_iter().step_by(2).collect();
        for (x, expected) in column.iter().zip([1.0, -1.0, 1.0, -1.0]) {
            assert!((x - expected).abs() < 1e-3, "{size:e}: {column:?}");
        }
    }
    // A constant column has no rounded distance from its mean.
    let text: String = (0..1000).map(|i| format!("0.1,{i}.5,{}\n", i % 2)).collect();
    let set = read(&text, ",scale=standard");
    assert!(inputs(&set).into_iter().step_by(2).all(|x| x == 0.0));
}

proptest! {
    /// Mean 0 and variance 1 whatever the size; and the same numbers as of the table in any other unit.
    #[test]
    fn standard_columns_do_not_depend_on_the_unit(
        rows in prop::collection::vec(-1.0..1.0_f64, 3..20),
        exponent in -900..900_i32,
    ) {
        let table = |unit: f64| -> String {
            rows.iter().enumerate().map(|(i, x)| format!("{:e},{i}.5\n", x * unit)).collect()
        };
        let (one, other) = (table(1.0), table(2.0_f64.powi(exponent)));
        let (one, other) = (read(&one, ",scale=standard"), read(&other, ",scale=standard"));
        prop_assert_eq!(inputs(&one), inputs(&other));
        let n = rows.len() as f64;
        let mean = inputs(&one).iter().sum::<f64>() / n;
        let variance = inputs(&one).iter().map(|x| x * x).sum::<f64>() / n;
        prop_assert!(mean.abs() < 1e-9 && (variance - 1.0).abs() < 1e-9, "{} {}", mean, variance);
    }

    /// A table is the same with every separator, with and without quotes and an index.
    #[test]
    fn tables_agree(
        rows in prop::collection::vec((prop::array::uniform2(-1e3..1e3_f64), 0..3_u32), 1..12),
        separator in prop::sample::select(vec![(",", "comma"), (";", ";"), ("\t", "tab"), ("|", "bar")]),
        quoted in any::<bool>(),
        indexed in any::<bool>(),
    ) {
        let cell = |text: String| if quoted { format!("\"{text}\"") } else { text };
        let mut lines = vec![vec![String::new(), "a".into(), "b".into(), "t".into()]];
        for (i, ([a, b], t)) in rows.iter().enumerate() {
            lines.push(vec![i.to_string(), a.to_string(), b.to_string(), t.to_string()]);
        }
        let text: String = lines
            .into_iter()
            .map(|line| {
                let cells = line.into_iter().skip(usize::from(!indexed)).map(cell);
                cells.collect::<Vec<_>>().join(separator.0) + "\n"
            })
            .collect();
        let index = if indexed { ",index=drop" } else { "" };
        let set = read(&text, &format!(",separator={},labels=0{index}", separator.1));
        let expected: Vec<f64> = rows.iter().flat_map(|(x, _)| *x).collect();
        prop_assert_eq!(inputs(&set), expected);
        prop_assert_eq!(classes(&set).0, rows.iter().map(|(_, t)| *t).collect::<Vec<_>>());
        if indexed {
            let refused = refused(&text, &format!(",separator={}", separator.1));
            prop_assert!(refused.contains("number the rows"), "{}", refused);
        }
    }

    /// No table makes the reader panic.
    #[test]
    fn any_text_is_read_or_refused(text in "[0-9a,;|\t\"\n.\\-]{0,60}", index in any::<bool>()) {
        let place = Place::new();
        let path = place.write("d.csv", &text);
        let options = if index { ",index=drop" } else { "" };
        if let Ok(set) = open(&format!("{path}{options}")) {
            prop_assert!(!set.is_empty() && inputs(&set).iter().all(|x| x.is_finite()));
        }
    }
}
