//! A program over doubles in the form that evaluates fastest.

#[cfg(feature = "jit")]
use super::jit::MachineCode;
use super::program::Program;

/// Programs with more instructions are not compiled: the compiler would take longer than a
/// simulation saves.
const MAX_COMPILED: usize = 20_000;

/// A program for repeated evaluation over doubles: as machine code where this computer has a code
/// generator and the program is not too long, otherwise as it is.
pub struct Compiled {
    program: Program,
    code: Option<MachineCode>,
}

impl Compiled {
    /// Compiles where that pays.
    pub fn new(program: Program) -> Compiled {
        let short = program.instructions().len() <= MAX_COMPILED;
        let code = if short { MachineCode::new(&program).ok() } else { None };
        Compiled { program, code }
    }

    /// The program.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Whether the program runs as machine code.
    pub fn is_machine_code(&self) -> bool {
        self.code.is_some()
    }

    /// Computes the outputs, bit for bit as [`Program::evaluate`] does. `scratch` is memory that is
    /// reused from call to call.
    ///
    /// # Panics
    /// If the numbers of inputs or outputs are not those of the program.
    pub fn evaluate(&self, inputs: &[f64], outputs: &mut [f64], scratch: &mut Vec<f64>) {
        match &self.code {
            Some(code) => code.evaluate(inputs, outputs),
            None => self.program.evaluate(inputs, outputs, scratch),
        }
    }
}

impl std::fmt::Debug for Compiled {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Compiled")
            .field("instructions", &self.program.instructions().len())
            .field("machine_code", &self.is_machine_code())
            .finish()
    }
}

/// There is no machine code without the feature `jit`: programs are interpreted.
#[cfg(not(feature = "jit"))]
enum MachineCode {}

#[cfg(not(feature = "jit"))]
impl MachineCode {
    fn new(_: &Program) -> Result<MachineCode, ()> {
        Err(())
    }

    fn evaluate(&self, _: &[f64], _: &mut [f64]) {
        match *self {}
    }
}
