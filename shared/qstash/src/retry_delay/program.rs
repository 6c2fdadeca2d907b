//! A parsed expression in postfix order.
//!
//! Unlike a tree, postfix order is evaluated in a loop, so no expression can exhaust the stack when it is evaluated
//! or dropped.

/// One step. It pops its operands from the stack and pushes its result.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Step {
    Number(f64),
    Retried,
    Negate,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Call(Function, usize),
}

/// A function by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Pow,
    Exp,
    Sqrt,
    Abs,
    Floor,
    Ceil,
    Round,
    Min,
    Max,
}

impl Function {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "pow" => Self::Pow,
            "exp" => Self::Exp,
            "sqrt" => Self::Sqrt,
            "abs" => Self::Abs,
            "floor" => Self::Floor,
            "ceil" => Self::Ceil,
            "round" => Self::Round,
            "min" => Self::Min,
            "max" => Self::Max,
            _ => return None,
        })
    }

    /// Returns whether the function accepts this number of arguments.
    pub(super) fn takes(self, arguments: usize) -> bool {
        match self {
            Self::Pow => arguments == 2,
            Self::Min | Self::Max => arguments >= 1,
            _ => arguments == 1,
        }
    }

    fn call(self, arguments: &[f64]) -> f64 {
        let first = arguments.first().copied().unwrap_or(f64::NAN);
        match self {
            Self::Pow => first.powf(arguments.get(1).copied().unwrap_or(f64::NAN)),
            Self::Exp => first.exp(),
            Self::Sqrt => first.sqrt(),
            Self::Abs => first.abs(),
            Self::Floor => first.floor(),
            Self::Ceil => first.ceil(),
            Self::Round => first.round(),
            // `f64::min` drops NaN, but a NaN operand must propagate.
            Self::Min => fold(arguments, |left, right| left < right),
            Self::Max => fold(arguments, |left, right| left > right),
        }
    }
}

fn fold(arguments: &[f64], keep_left: impl Fn(f64, f64) -> bool) -> f64 {
    arguments
        .iter()
        .copied()
        .reduce(|left, right| if left.is_nan() || keep_left(left, right) { left } else { right })
        .unwrap_or(f64::NAN)
}

/// The steps of an expression. Only the parser creates them, and it guarantees that the stack never underflows.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Program(pub(super) Vec<Step>);

impl Program {
    pub(super) fn evaluate(&self, retried: f64) -> f64 {
        let mut stack: Vec<f64> = Vec::with_capacity(8);
        for step in &self.0 {
            let result = match *step {
                Step::Number(number) => number,
                Step::Retried => retried,
                Step::Negate => -pop(&mut stack),
                Step::Add => binary(&mut stack, |left, right| left + right),
                Step::Subtract => binary(&mut stack, |left, right| left - right),
                Step::Multiply => binary(&mut stack, |left, right| left * right),
                Step::Divide => binary(&mut stack, |left, right| left / right),
                Step::Remainder => binary(&mut stack, |left, right| left % right),
                Step::Call(function, arguments) => {
                    let arguments = stack.split_off(stack.len().saturating_sub(arguments));
                    function.call(&arguments)
                }
            };
            stack.push(result);
        }
        pop(&mut stack)
    }
}

fn pop(stack: &mut Vec<f64>) -> f64 {
    stack.pop().unwrap_or(f64::NAN)
}

fn binary(stack: &mut Vec<f64>, operation: impl Fn(f64, f64) -> f64) -> f64 {
    let right = pop(stack);
    let left = pop(stack);
    operation(left, right)
}
