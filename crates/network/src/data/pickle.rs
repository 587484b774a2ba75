//! Dictionaries of plain values and of NumPy's arrays of bytes in Python's pickles, as `cifar-10-batches-py` has them.
//!
//! A pickle is a program for a stack machine that can call any function of Python. Here calls are only recorded, and
//! those that make an array of bytes are recognised: nothing of a file is run.

use std::collections::BTreeMap;
use std::rc::Rc;

/// What a pickle holds.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Nothing, or a truth value, neither of which matters here.
    Other,
    Integer(i64),
    /// Bytes, or a text of Python 2, which are the same in a pickle.
    Bytes(Rc<Vec<u8>>),
    Text(Rc<str>),
    List(Vec<Value>),
    Tuple(Vec<Value>),
    Dictionary(Vec<(Value, Value)>),
    /// A function, `numpy.dtype`.
    Function(Rc<str>),
    /// What a function would return, and the state that it would be given.
    Call(Rc<str>, Vec<Value>, Option<Box<Value>>),
}

/// An array of bytes, row-major.
pub(super) struct ByteArray {
    pub shape: Vec<usize>,
    pub bytes: Rc<Vec<u8>>,
}

impl Value {
    /// How many values it is made of.
    fn size(&self) -> usize {
        let all = |values: &[Value]| values.iter().map(Value::size).sum::<usize>();
        1 + match self {
            Value::List(values) | Value::Tuple(values) => all(values),
            Value::Dictionary(entries) => {
                entries.iter().map(|(key, value)| key.size() + value.size()).sum()
            }
            Value::Call(_, arguments, state) => {
                all(arguments) + state.as_ref().map_or(0, |state| state.size())
            }
            _ => 0,
        }
    }

    /// What a dictionary has under `key`.
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        let Value::Dictionary(entries) = self else { return None };
        entries.iter().find(|(known, _)| known.is(key)).map(|(_, value)| value)
    }

    fn is(&self, word: &str) -> bool {
        match self {
            Value::Text(text) => &**text == word,
            other => other.bytes().is_some_and(|bytes| bytes.as_slice() == word.as_bytes()),
        }
    }

    /// The elements of a list of integers.
    pub(super) fn integers(&self) -> Option<Vec<i64>> {
        let (Value::List(values) | Value::Tuple(values)) = self else { return None };
        values
            .iter()
            .map(|value| if let Value::Integer(n) = value { Some(*n) } else { None })
            .collect()
    }

    /// The bytes of a value: themselves, or as Python 3 writes them for Python 2, by a call that encodes a text.
    fn bytes(&self) -> Option<Rc<Vec<u8>>> {
        match self {
            Value::Bytes(bytes) => Some(bytes.clone()),
            Value::Call(function, arguments, None) if &**function == "_codecs.encode" => {
                let [Value::Text(text), encoding] = arguments.as_slice() else { return None };
                let bytes = text.chars().map(|c| u8::try_from(u32::from(c)).ok());
                encoding.is("latin1").then(|| bytes.collect::<Option<_>>()).flatten().map(Rc::new)
            }
            _ => None,
        }
    }

    /// An array of bytes of NumPy.
    pub(super) fn byte_array(&self) -> Option<ByteArray> {
        let Value::Call(function, arguments, state) = self else { return None };
        let is_bytes = |dtype: &Value| {
            let Value::Call(function, arguments, _) = dtype else { return false };
            let known = arguments.first().is_some_and(|word| word.is("u1") || word.is("|u1"));
            &**function == "numpy.dtype" && known
        };
        let (shape, dtype, bytes) = match (state.as_deref(), arguments.as_slice()) {
            (Some(Value::Tuple(state)), _) if function.ends_with("._reconstruct") => {
                let [_, shape, dtype, Value::Other, bytes] = state.as_slice() else { return None };
                (shape, dtype, bytes)
            }
            (None, [bytes, dtype, shape, order])
                if function.ends_with("._frombuffer") && order.is("C") =>
            {
                (shape, dtype, bytes)
            }
            _ => return None,
        };
        let shape = shape.integers()?.into_iter().map(usize::try_from);
        let shape: Vec<usize> = shape.collect::<Result<_, _>>().ok()?;
        let bytes = bytes.bytes().filter(|_| is_bytes(dtype))?;
        let size = shape.iter().try_fold(1_usize, |size, axis| size.checked_mul(*axis))?;
        (size == bytes.len()).then_some(ByteArray { shape, bytes })
    }
}

/// The most containers and calls of a pickle, which may be nested.
const MOST: usize = 1000;

/// What the pickle `bytes` holds; in words, why it is none.
pub(super) fn read(bytes: &[u8]) -> Result<Value, String> {
    let mut machine = Machine { rest: bytes, ..Machine::default() };
    loop {
        let [operation] = *machine.array::<1>()?;
        if operation == b'.' {
            return machine.pop();
        }
        machine.step(operation)?;
    }
}

#[derive(Default)]
struct Machine<'a> {
    rest: &'a [u8],
    stack: Vec<Value>,
    marks: Vec<usize>,
    memo: BTreeMap<usize, Value>,
    /// How many values have been remembered in turn.
    memoized: usize,
    containers: usize,
}

impl<'a> Machine<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let (taken, rest) =
            self.rest.split_at_checked(length).ok_or("it ends within a value".to_string())?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], String> {
        self.take(N)?.first_chunk().ok_or_else(|| "it ends within a value".into())
    }

    /// The bytes after their length, of `N` bytes.
    fn counted<const N: usize>(&mut self) -> Result<&'a [u8], String> {
        let length =
            self.array::<N>()?.iter().rev().fold(0_u64, |n, byte| n << 8 | u64::from(*byte));
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    fn line(&mut self) -> Result<&'a str, String> {
        let end =
            self.rest.iter().position(|byte| *byte == b'\n').ok_or("it ends within a name")?;
        let line = self.take(end)?;
        self.take(1)?;
        std::str::from_utf8(line).map_err(|error| error.to_string())
    }

    fn pop(&mut self) -> Result<Value, String> {
        let least = self.marks.last().copied().unwrap_or(0);
        let value = if self.stack.len() > least { self.stack.pop() } else { None };
        value.ok_or_else(|| "it takes a value that is not there".into())
    }

    fn above_mark(&mut self) -> Result<Vec<Value>, String> {
        let mark = self.marks.pop().ok_or("it takes values that are not there")?;
        Ok(self.stack.split_off(mark))
    }

    fn container(&mut self, value: Value) -> Result<(), String> {
        self.containers += 1;
        if self.containers > MOST {
            return Err(format!("it has more than {MOST} lists, dictionaries and calls"));
        }
        self.stack.push(value);
        Ok(())
    }

    fn tuple(&mut self, length: usize) -> Result<(), String> {
        let mut values = (0..length).map(|_| self.pop()).collect::<Result<Vec<_>, _>>()?;
        values.reverse();
        self.container(Value::Tuple(values))
    }

    fn text(&mut self, bytes: &[u8]) -> Result<(), String> {
        let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        self.stack.push(Value::Text(text.into()));
        Ok(())
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.stack.push(Value::Bytes(Rc::new(bytes.to_vec())));
    }

    /// Remembers the uppermost value; not lists and dictionaries, which may still grow.
    fn remember(&mut self, at: usize) {
        match self.stack.last() {
            None | Some(Value::List(_) | Value::Dictionary(_)) => {}
            Some(value) => {
                self.memo.insert(at, value.clone());
            }
        }
    }

    fn recall(&mut self, at: usize) -> Result<(), String> {
        let value = self.memo.get(&at).ok_or("it repeats a list or a dictionary")?;
        // A value that is repeated within itself, level by level, would grow without bound.
        self.containers += value.size();
        if self.containers > MOST {
            return Err(format!("it has more than {MOST} lists, dictionaries and calls"));
        }
        let value = value.clone();
        self.container(value)
    }

    fn extend(&mut self, added: Vec<Value>) -> Result<(), String> {
        match self.stack.last_mut() {
            Some(Value::List(list)) => list.extend(added),
            _ => return Err("it appends to something that is no list".into()),
        }
        Ok(())
    }

    fn insert(&mut self, added: Vec<Value>) -> Result<(), String> {
        let Some(Value::Dictionary(entries)) = self.stack.last_mut() else {
            return Err("it sets an entry of something that is no dictionary".into());
        };
        let mut added = added.into_iter();
        while let (Some(key), Some(value)) = (added.next(), added.next()) {
            entries.push((key, value));
        }
        Ok(())
    }

    /// One operation; the names are those of Python's `pickletools`.
    fn step(&mut self, operation: u8) -> Result<(), String> {
        match operation {
            // PROTO, FRAME
            0x80 => drop(self.take(1)?),
            0x95 => drop(self.take(8)?),
            b'(' => self.marks.push(self.stack.len()),
            b'}' => self.container(Value::Dictionary(Vec::new()))?,
            b']' => self.container(Value::List(Vec::new()))?,
            b')' => self.tuple(0)?,
            0x85 => self.tuple(1)?,
            0x86 => self.tuple(2)?,
            0x87 => self.tuple(3)?,
            b't' => {
                let values = self.above_mark()?;
                self.container(Value::Tuple(values))?;
            }
            // BINPUT, LONG_BINPUT, MEMOIZE, BINGET, LONG_BINGET
            b'q' => {
                let at = usize::from(self.array::<1>()?[0]);
                self.remember(at);
            }
            b'r' => {
                let at = u32::from_le_bytes(*self.array()?) as usize;
                self.remember(at);
            }
            0x94 => {
                // Numbered in turn, also those that are not kept.
                let at = self.memoized;
                self.memoized += 1;
                self.remember(at);
            }
            b'h' => {
                let at = usize::from(self.array::<1>()?[0]);
                self.recall(at)?;
            }
            b'j' => {
                let at = u32::from_le_bytes(*self.array()?) as usize;
                self.recall(at)?;
            }
            // SHORT_BINSTRING, SHORT_BINBYTES, BINSTRING, BINBYTES, BINBYTES8, BYTEARRAY8
            b'U' | b'C' => {
                let bytes = self.counted::<1>()?;
                self.bytes(bytes);
            }
            b'T' | b'B' => {
                let bytes = self.counted::<4>()?;
                self.bytes(bytes);
            }
            0x8e | 0x96 => {
                let bytes = self.counted::<8>()?;
                self.bytes(bytes);
            }
            // SHORT_BINUNICODE, BINUNICODE, BINUNICODE8
            0x8c => {
                let bytes = self.counted::<1>()?;
                self.text(bytes)?;
            }
            b'X' => {
                let bytes = self.counted::<4>()?;
                self.text(bytes)?;
            }
            0x8d => {
                let bytes = self.counted::<8>()?;
                self.text(bytes)?;
            }
            // BININT1, BININT2, BININT, NONE, NEWTRUE, NEWFALSE
            b'K' => {
                let number = self.array::<1>()?[0].into();
                self.stack.push(Value::Integer(number));
            }
            b'M' => {
                let number = u16::from_le_bytes(*self.array()?).into();
                self.stack.push(Value::Integer(number));
            }
            b'J' => {
                let number = i32::from_le_bytes(*self.array()?).into();
                self.stack.push(Value::Integer(number));
            }
            // INT, of protocols 0 and 1, which write truth values so too.
            b'I' => {
                let value = match self.line()? {
                    "00" | "01" => Value::Other,
                    line => {
                        Value::Integer(line.parse().map_err(|_| format!("`{line}` is no number"))?)
                    }
                };
                self.stack.push(value);
            }
            b'N' | 0x88 | 0x89 => self.stack.push(Value::Other),
            // APPEND, APPENDS, SETITEM, SETITEMS
            b'a' => {
                let value = self.pop()?;
                self.extend(vec![value])?;
            }
            b'e' => {
                let values = self.above_mark()?;
                self.extend(values)?;
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.insert(vec![key, value])?;
            }
            b'u' => {
                let values = self.above_mark()?;
                self.insert(values)?;
            }
            // GLOBAL, STACK_GLOBAL
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.stack.push(Value::Function(format!("{module}.{name}").into()));
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Value::Text(name), Value::Text(module)) = (name, module) else {
                    return Err("it names a function by something that is no text".into());
                };
                self.stack.push(Value::Function(format!("{module}.{name}").into()));
            }
            // REDUCE, NEWOBJ
            b'R' | 0x81 => {
                let (arguments, function) = (self.pop()?, self.pop()?);
                let (Value::Function(function), Value::Tuple(arguments)) = (function, arguments)
                else {
                    return Err("it calls something that is no function".into());
                };
                self.container(Value::Call(function, arguments, None))?;
            }
            // BUILD
            b'b' => {
                let state = self.pop()?;
                match self.stack.last_mut() {
                    Some(Value::Call(_, _, old)) => *old = Some(Box::new(state)),
                    _ => return Err("it changes something that no function has made".into()),
                }
            }
            other => return Err(format!("it has the operation 0x{other:02x}")),
        }
        Ok(())
    }
}
