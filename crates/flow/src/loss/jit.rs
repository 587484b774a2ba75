//! Programs over doubles as machine code of this computer.
//!
//! `unsafe` here calls what Cranelift has compiled; `cargo bench --bench evaluation` measures what that gains.
#![allow(unsafe_code)]

use super::function::Function;
use super::graph::Relation;
use super::number::{Number, power, raise};
use super::program::{Instruction, Program};
use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{
    AbiParam, FuncRef, InstBuilder, MemFlagsData, Signature, Value, types,
};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{Linkage, Module, ModuleError, default_libcall_names};
use std::collections::HashMap;

/// `(inputs, outputs)`
type Entry = unsafe extern "C" fn(*const f64, *mut f64);

/// The machine code of a program.
pub(super) struct MachineCode {
    entry: Entry,
    inputs: usize,
    outputs: usize,
    /// Owns the memory of the code; taken when that is given back.
    module: Option<JITModule>,
}

// SAFETY: the module is kept only to own the memory of the code and is not touched before it is
// dropped; the code itself is never written again and keeps no state between calls.
unsafe impl Sync for MachineCode {}

impl MachineCode {
    /// Compiles a program.
    ///
    /// # Errors
    /// If there is no code generator for this computer, or it fails.
    pub(super) fn new(program: &Program) -> Result<MachineCode, Box<ModuleError>> {
        let mut builder = JITBuilder::with_flags(
            &[("opt_level", "none"), ("enable_verifier", "false")],
            default_libcall_names(),
        )?;
        for function in Function::ALL {
            builder.symbol(function.name(), address(function));
        }
        builder.symbol("pow", pow as *const u8);
        builder.symbol("raise", raised as *const u8);
        let mut module = JITModule::new(builder);
        let target = module.target_config();
        let pointer = target.pointer_type();
        let mut context = module.make_context();
        context.func.signature.params = vec![AbiParam::new(pointer); 2];
        let id = module.declare_function("program", Linkage::Export, &context.func.signature)?;
        let mut memory = FunctionBuilderContext::new();
        let mut emitter = Emitter {
            calls: HashMap::new(),
            code: FunctionBuilder::new(&mut context.func, &mut memory),
            module: &mut module,
        };
        emitter.program(program)?;
        emitter.code.finalize(target);
        module.define_function(id, &mut context)?;
        module.clear_context(&mut context);
        module.finalize_definitions()?;
        let code = module.get_finalized_function(id);
        // SAFETY: the function was declared with this signature, and its memory lives as long as the
        // module, which is kept.
        let entry = unsafe { std::mem::transmute::<*const u8, Entry>(code) };
        let (inputs, outputs) = (program.inputs(), program.outputs().len());
        Ok(MachineCode { entry, inputs, outputs, module: Some(module) })
    }

    /// Computes the outputs.
    ///
    /// # Panics
    /// If the numbers of inputs or outputs are not those of the program.
    pub(super) fn evaluate(&self, inputs: &[f64], outputs: &mut [f64]) {
        assert_eq!(inputs.len(), self.inputs, "the number of inputs");
        assert_eq!(outputs.len(), self.outputs, "the number of outputs");
        // SAFETY: the code reads `self.inputs` doubles and writes `self.outputs`, which are there.
        unsafe { (self.entry)(inputs.as_ptr(), outputs.as_mut_ptr()) }
    }
}

impl Drop for MachineCode {
    fn drop(&mut self) {
        if let Some(module) = self.module.take() {
            // SAFETY: only `self.entry` points into the memory, and it goes with `self`.
            unsafe { module.free_memory() }
        }
    }
}

extern "C" fn pow(x: f64, exponent: f64) -> f64 {
    power(x, exponent)
}

extern "C" fn raised(x: f64, exponent: f64) -> f64 {
    raise(x, exponent)
}

/// Where a function can be called by machine code.
fn address(function: Function) -> *const u8 {
    macro_rules! addresses {
        ($($name:ident)*) => {
            match function {
                $(Function::$name => {
                    extern "C" fn call(x: f64) -> f64 {
                        Number::apply(&x, Function::$name)
                    }
                    call as *const u8
                })*
            }
        };
    }
    addresses!(Exp Log Sin Cos Tan Sinh Cosh Tanh Abs Relu Elu Sigmoid Softplus Erf NormalCdf Gelu)
}

struct Emitter<'a> {
    calls: HashMap<&'static str, FuncRef>,
    code: FunctionBuilder<'a>,
    module: &'a mut JITModule,
}

impl Emitter<'_> {
    fn program(&mut self, program: &Program) -> Result<(), Box<ModuleError>> {
        let block = self.code.create_block();
        self.code.append_block_params_for_function_params(block);
        self.code.switch_to_block(block);
        self.code.seal_block(block);
        let (inputs, outputs) =
            (self.code.block_params(block)[0], self.code.block_params(block)[1]);
        let place = |i: usize| i32::try_from(8 * i).expect("a program fits in memory");
        let flags = MemFlagsData::trusted();
        let mut values: Vec<Value> = Vec::with_capacity(program.instructions().len());
        for instruction in program.instructions() {
            let at = |r: u32| values[r as usize];
            let value = match *instruction {
                Instruction::Constant(i) => {
                    let value = program.constants()[i as usize].rounded;
                    self.code.ins().f64const(value)
                }
                Instruction::Pi => self.code.ins().f64const(std::f64::consts::PI),
                Instruction::Input(i) => {
                    self.code.ins().load(types::F64, flags, inputs, place(i as usize))
                }
                Instruction::Neg(a) => self.code.ins().fneg(at(a)),
                Instruction::Add(a, b) => self.code.ins().fadd(at(a), at(b)),
                Instruction::Sub(a, b) => self.code.ins().fsub(at(a), at(b)),
                Instruction::Mul(a, b) => self.code.ins().fmul(at(a), at(b)),
                // NaN where the divisor has overflowed.
                Instruction::Div(a, b) => {
                    let quotient = self.code.ins().fdiv(at(a), at(b));
                    let zero = self.code.ins().f64const(0.0);
                    let zero = self.code.ins().fmul(at(b), zero);
                    self.code.ins().fadd(quotient, zero)
                }
                Instruction::Sqrt(a) => self.code.ins().sqrt(at(a)),
                Instruction::Apply(Function::Abs, a) => self.code.ins().fabs(at(a)),
                Instruction::Power(a, i) => {
                    let exponent = program.constants()[i as usize].rounded;
                    let exponent = self.code.ins().f64const(exponent);
                    self.call("pow", &[at(a), exponent])?
                }
                Instruction::Raise(a, b) => self.call("raise", &[at(a), at(b)])?,
                Instruction::Hypot(a, b) => {
                    let squares = [a, b].map(|r| self.code.ins().fmul(at(r), at(r)));
                    let sum = self.code.ins().fadd(squares[0], squares[1]);
                    self.code.ins().sqrt(sum)
                }
                Instruction::Apply(function, a) => self.call(function.name(), &[at(a)])?,
                Instruction::Select(left, relation, right, yes, no) => {
                    let code = match relation {
                        Relation::Less => FloatCC::LessThan,
                        Relation::LessEqual => FloatCC::LessThanOrEqual,
                        Relation::Greater => FloatCC::GreaterThan,
                        Relation::GreaterEqual => FloatCC::GreaterThanOrEqual,
                    };
                    let holds = self.code.ins().fcmp(code, at(left), at(right));
                    self.code.ins().select(holds, at(yes), at(no))
                }
            };
            values.push(value);
        }
        for (i, register) in program.outputs().iter().enumerate() {
            self.code.ins().store(flags, values[*register as usize], outputs, place(i));
        }
        self.code.ins().return_(&[]);
        Ok(())
    }

    fn call(&mut self, name: &'static str, arguments: &[Value]) -> Result<Value, Box<ModuleError>> {
        let function = match self.calls.get(name) {
            Some(&known) => known,
            None => {
                let mut signature: Signature = self.module.make_signature();
                signature.params = vec![AbiParam::new(types::F64); arguments.len()];
                signature.returns = vec![AbiParam::new(types::F64)];
                let id = self.module.declare_function(name, Linkage::Import, &signature)?;
                let function = self.module.declare_func_in_func(id, self.code.func);
                self.calls.insert(name, function);
                function
            }
        };
        let call = self.code.ins().call(function, arguments);
        Ok(self.code.inst_results(call)[0])
    }
}
