//! Reads the associations that bea writes, as JSON values.

use serde_json::{Map, Value};

pub fn parse(text: &str) -> Value {
    let (_, rest) = text.split_once("*)").expect("a comment comes first");
    let mut reader = Reader { rest };
    let value = reader.value();
    assert_eq!(reader.rest.trim(), "", "nothing follows");
    value
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn eat(&mut self, token: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self) -> Value {
        if self.eat("<|") {
            let mut object = Map::new();
            while !self.eat("|>") {
                let Value::String(key) = self.value() else { panic!("a key is a string") };
                assert!(self.eat("->"));
                let value = self.value();
                object.insert(key, value);
                self.eat(",");
            }
            return Value::Object(object);
        }
        if self.eat("{") {
            let mut list = Vec::new();
            while !self.eat("}") {
                list.push(self.value());
                self.eat(",");
            }
            return Value::Array(list);
        }
        if self.eat("\"") {
            let (text, rest) = self.rest.split_once('"').expect("a string ends");
            self.rest = rest;
            return text.into();
        }
        self.expression()
    }

    /// A truth value, or an expression as a string, a number too.
    fn expression(&mut self) -> Value {
        let end = self.rest.find([',', '|', '}']).expect("something follows");
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        match text {
            "True" => true.into(),
            "False" => false.into(),
            _ => text.into(),
        }
    }
}
